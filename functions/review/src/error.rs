//! Why a question was not answered.

use domain::{ids::RunId, review::Refusal};
use store::{Resolution, ReviewStatus, StoreError};

/// Nothing was decided; no contact was written, except where a variant says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum NotDecided {
    /// Another request is carrying out an answer to the same question.
    #[error("the question is being answered by somebody else")]
    BeingDecided(RunId),
    /// What the answer is about changed while it was given.
    #[error("something changed while the answer was carried out ({0})")]
    Changed(&'static str),
    /// There is no such question.
    #[error("there is no such question")]
    ItemNotFound,
    /// The question has another answer already.
    #[error("the question is not open any more")]
    ItemNotOpen {
        /// Where it stands.
        status: ReviewStatus,
        /// What was decided.
        resolution: Option<Box<Resolution>>,
    },
    /// The tenant belongs to another client by now, or to none.
    #[error("the tenant is not mapped to the client any more")]
    MappingChanged,
    /// The answer cannot be given.
    #[error("the answer cannot be given")]
    Refused(Refusal),
    /// The store failed. The same answer given again goes on where this one stopped.
    #[error("the answer could not be stored")]
    Store(#[from] StoreError),
    /// A sync is at work on the tenant.
    #[error("the tenant is being synced")]
    TenantBusy,
}

impl NotDecided {
    /// Stable code; the PSA's where it has one.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BeingDecided(_) => "item_being_decided",
            Self::Changed(_) => "contact_changed",
            Self::ItemNotFound => "item_not_found",
            Self::ItemNotOpen { .. } => "item_not_open",
            Self::MappingChanged => "mapping_changed",
            Self::Refused(refusal) => refusal.code(),
            Self::Store(_) => "store_unavailable",
            Self::TenantBusy => "tenant_busy",
        }
    }

    /// What is in the way and what that means for contacts, for the operator.
    pub fn explanation(&self) -> String {
        match self {
            Self::BeingDecided(_) => {
                "Another request is answering this question at the moment. This one changed nothing.".to_owned()
            }
            Self::Changed(code) => format!(
                "The contact, or an address, changed while the answer was carried out ({code}). The question is \
                 still open."
            ),
            Self::ItemNotFound => {
                "There is no question with this id in this workspace. Nothing was changed.".to_owned()
            }
            Self::ItemNotOpen { .. } => {
                "The question has been answered already, and that answer holds. Nothing was changed.".to_owned()
            }
            Self::MappingChanged => {
                "The tenant is not mapped to the client any more for which the question was asked. Nothing was \
                 changed."
                    .to_owned()
            }
            Self::Refused(refusal) => format!("{} Nothing was changed.", refusal.explanation()),
            Self::Store(_) => {
                "The table did not answer. The answer may be half carried out; nothing else was changed.".to_owned()
            }
            Self::TenantBusy => "The tenant is being synced at the moment. Nothing was changed.".to_owned(),
        }
    }

    /// What to do next.
    pub fn remedy(&self) -> String {
        match self {
            Self::BeingDecided(_) => {
                "Reload the queue in a minute or two; answer again if the question is still there.".to_owned()
            }
            Self::Changed(_) => "Reload the question and answer again.".to_owned(),
            Self::ItemNotFound => "Take an id from the queue.".to_owned(),
            Self::ItemNotOpen { resolution: Some(resolution), .. } => format!(
                "To answer otherwise, take back run {} first: the question is then open again.",
                resolution.run
            ),
            Self::ItemNotOpen { resolution: None, .. } => {
                "Reload the queue. A sync asks again if anything is unclear.".to_owned()
            }
            Self::MappingChanged => {
                "Sync again: the question is asked anew if it still is one. It can be dismissed at any time."
                    .to_owned()
            }
            Self::Refused(refusal) => refusal.remedy().to_owned(),
            Self::Store(_) => "Give the same answer again: it goes on where it stopped.".to_owned(),
            Self::TenantBusy => "Answer again when the sync has ended.".to_owned(),
        }
    }
}
