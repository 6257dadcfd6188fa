//! The review queue: people a human has to decide about, and what becomes of the answers.
//!
//! An answer is a run of its own: its plan pages are stored first and then applied by the same code as
//! every other, under the tenant's lease. So it is repeated without harm, it is in the audit, and taking
//! the run back asks the question again. It is carried out within the request, since it is one person.
//!
//! What an answer does, and when it cannot be given, is `domain::review`'s.

use std::sync::Arc;

use ambient::{Clock, Entropy, SystemClock, SystemEntropy};
use domain::{ids::WorkspaceId, mandate::Mandate};
use runtime::Foundation;
use store::Store;

mod all;
mod decide;
mod error;
mod ground;
mod lease;
mod list;
pub mod routes;
mod run;
mod views;

pub use all::{ALL_MAX, AnsweredAll, AnsweredView, Left, Which, Wish, answer, answer_all, choose};
pub use decide::{Choice, Decided, decide};
pub use error::NotDecided;
pub use list::{Filter, Listed, list, show};
pub use views::{CandidateView, EvidenceView, ItemView, LinkedView, OutcomeView, ResolutionView};

/// Everything the use cases need.
pub struct Review {
    /// The table.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For run ids.
    pub entropy: Arc<dyn Entropy>,
}

impl std::fmt::Debug for Review {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Review")
    }
}

impl Review {
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
pub struct Decider {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// In whose name.
    pub mandate: Mandate,
}
