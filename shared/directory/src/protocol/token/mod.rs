//! The token endpoint of the Microsoft identity platform
//! (learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow, …/refresh-tokens).

mod answer;
mod classify;
mod exchange;
mod request;

pub use answer::{TokenAnswerError, TokenGrant, scopes_not_in};
pub(crate) use classify::concerns_connection;
pub use classify::{RULES, Rule, Verdict, callback_refused, classify, settle};
pub use exchange::{TokenExchange, TokenFailure, TokenStep};
pub use request::{AppCredentials, Authority, Grant, TokenRequest};
