//! Who is calling: verifies the PSA's short-lived token and says which workspace, person, kind,
//! permissions and edition it speaks for.
//!
//! One [`Verifier`] serves two hosts: the API Gateway's Lambda authorizer ([`authorize`]) and the
//! local server ([`authenticated`]). The configuration decides how tokens are signed, never the
//! token: either by the keys the PSA publishes (RS256, ES256) or by a shared secret (HS256).
//!
//! This crate decides who somebody is, not what they may do: the guards of `edge` do that.

mod claims;
mod event;
mod keys;
mod middleware;
mod verifier;

pub use claims::{Parties, sign_hs256};
pub use event::{Answer, Event, authorize};
pub use keys::{KeyFault, KeyMaterial, Keys, PublishedKeys};
pub use middleware::authenticated;
pub use verifier::{Configuration, Misconfigured, Refusal, Verifier};
