//! Which client a customer tenant belongs to: what is suggested, what an operator decides, and
//! what was decided before.
//!
//! Suggestions are a pure read and never become decisions by themselves. Every decision is one
//! conditional write of one tenant's record, which carries its own history, so of two editors at
//! once neither loses a decision without being told. Nothing here touches a contact or a link.
//!
//! The rules are `domain::mapping`'s; this crate does not start a sync and does not create clients.

use std::sync::Arc;

use ambient::{Clock, Entropy, SystemClock, SystemEntropy};
use domain::ids::{UserId, WorkspaceId};
use runtime::Foundation;
use store::Store;

pub mod change;
pub mod confirm;
pub mod confirmed;
mod desk;
mod error;
mod facts;
pub mod history;
pub mod preview;
pub mod routes;

pub use desk::Expectation;
pub use error::MappingError;

/// What the use cases work with.
#[derive(Clone)]
pub struct Mapping {
    /// The table.
    pub store: Store,
    /// When a decision is made.
    pub clock: Arc<dyn Clock>,
    /// Where the ids of decisions come from.
    pub entropy: Arc<dyn Entropy>,
}

impl Mapping {
    /// The use cases as the Lambda function runs them.
    pub fn on_aws(foundation: &Foundation) -> Self {
        Self {
            store: assembly::store(foundation),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        }
    }
}

/// Who decides.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Editor {
    /// The workspace whose tenants are decided about.
    pub workspace: WorkspaceId,
    /// The person; `None` when the product itself decides.
    pub user: Option<UserId>,
    /// Whether the person may have clients created.
    pub may_create_clients: bool,
}
