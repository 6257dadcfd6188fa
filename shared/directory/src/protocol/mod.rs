//! What Microsoft's endpoints say and what follows from it, without I/O, clock or randomness.

pub mod authorize;
pub mod changes;
pub mod cipp;
mod exchange;
mod graph_base;
mod graph_errors;
pub mod groups;
pub mod id_token;
pub mod listing;
pub mod organization;
pub mod page;
pub mod public_tenant;
pub mod published;
pub mod relationships;
pub mod retry;
pub mod signing_keys;
pub mod token;
pub mod users;

pub use exchange::{Answer, AnswerBody, Input, Step};
pub use graph_base::{GraphBase, InvalidBase, LinkRefusal, check_base};
pub(crate) use graph_errors::is_missing;
pub use graph_errors::is_throttled_for_the_whole_app;
