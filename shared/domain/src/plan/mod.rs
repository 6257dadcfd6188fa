//! Plans: lists of lines that leave nothing to decide.
//!
//! A plan page is stored before anything else is written, applied line by line with conditional
//! writes, and is at the same time the preview, the audit trail and what an undo is made from.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    contact::InactiveReason,
    email::EmailAddress,
    ids::{ContactId, EntraObjectId, EntraTenantId, LineId, WorkspaceId, derive},
    run::Counters,
};

mod action;
mod ask;
mod chain;

pub use action::{Action, ContactState, Limit, LinkState, Turn};
pub use ask::{About, Answer, AnswerKind, Candidate, Conflict};
pub use chain::ChainHash;

/// The present format of [`PlanPage`]; older ones stay readable.
pub const PLAN_PAGE_FORMAT: u16 = 4;

/// Most lines on one plan page.
pub const LINES_PER_PAGE_MAX: usize = 500;

/// Most bytes of the lines of one page before compression: a page that does not compress at all
/// still fits the 400 KB of a stored item.
pub const PAGE_BYTES_MAX: usize = 280_000;

/// A bounded part of a plan, in the order in which it is applied.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanPage {
    /// [`PLAN_PAGE_FORMAT`] at the time of writing.
    pub format: u16,
    /// What is to be written, and who was left out.
    pub lines: Vec<Line>,
    /// Everybody read from the directory on this page, folded to eight bytes each
    /// ([`fold`]): what the search for vanished people needs after a restart.
    pub seen: Vec<u64>,
    /// Linked people on this page who may have to become inactive; decided once the read has come
    /// to its end, when it is known how many they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leavers: Vec<Leaver>,
    /// People on this page who are looked at again although there is no line: an operator is still asked about
    /// them, or a field is blank in the directory and that is not confirmed yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<EntraObjectId>,
    /// Why nobody becomes inactive because of this read, on the page that closes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<Guard>,
    /// What this page adds to the tenant's counters when every line is applied.
    pub counters: Counters,
}

/// A linked person who may have to become inactive.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Leaver {
    /// Who.
    pub object: EntraObjectId,
    /// What the directory says.
    pub reason: InactiveReason,
}

/// Why nobody becomes inactive because of a read that came to its end.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Guard {
    /// Rows without a readable id: each could be anybody.
    AnonymousRows {
        /// How many.
        rows: u64,
    },
    /// Far fewer people than the last time, or nobody: a wrong answer until an operator has looked.
    ShortRead {
        /// People read.
        read: u64,
        /// People the last accepted read had.
        expected: u64,
    },
}

impl Guard {
    /// One sentence for the operator.
    pub fn explanation(&self) -> String {
        match self {
            // Whoever was read and is blocked has become inactive nevertheless.
            Self::AnonymousRows { rows } => {
                let rows = if *rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") };
                format!(
                    "{rows} of the directory had no readable id and could be anybody: nobody was made \
                     inactive for being missing. Sync again; if it stays, report it to Microsoft."
                )
            }
            Self::ShortRead { read, expected } => {
                let read = match read {
                    0 => "nobody".to_owned(),
                    1 => "1 person".to_owned(),
                    read => format!("{read} people"),
                };
                format!(
                    "The directory answered with {read} where {expected} were expected. That is taken for a \
                     wrong answer: nobody was made inactive. If it is right, accept the new size: `entra-sync runs \
                     accept-size --tenant TENANT`, or `POST …/sync/accept-size`."
                )
            }
        }
    }
}

/// One decision about one person.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Derived from what the line says: planned again, it has the same id.
    pub id: LineId,
    /// Whom it is about.
    pub object: EntraObjectId,
    /// How an operator recognises the person.
    pub label: String,
    /// The person's address, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<EmailAddress>,
    /// Which rule decided.
    pub rule: Rule,
    /// Whether the line answers an open question about the person, which is then closed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub answers_review: bool,
    /// The operator's answer that the line carries out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Box<Answer>>,
    /// The answer that the line takes back: the question is open again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takes_back: Option<Box<Answer>>,
    /// What is known of a person who is asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<Box<About>>,
    /// Whether the question is asked although one about the person was answered before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asks_again: bool,
    /// What happens.
    #[serde(flatten)]
    pub action: Action,
}

/// The rule that decided a line.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// One of the person's alias addresses, and the same name.
    AliasAddress,
    /// The record could not be used.
    BadRecord,
    /// An operator's answer to a question.
    Decision,
    /// The account's sign-in is blocked.
    Disabled,
    /// The identity is linked already.
    IdentityLink,
    /// An operator changes a link itself.
    Ledger,
    /// No contact has any of the person's addresses.
    NoMatch,
    /// The person's primary address.
    PrimaryAddress,
    /// Outside what the operator wants synced.
    Scope,
    /// The person's sign-in name, which is an address of the tenant.
    SignInAddress,
    /// The object id that the PSA has on the contact.
    StoredObjectId,
    /// An operator takes back what a run has done.
    Undo,
    /// No longer in the directory: it has told so, or a complete read has not found the person. The reason of
    /// the line says which.
    Vanished,
}

/// Eight bytes that stand for an object id.
pub fn fold(object: EntraObjectId) -> u64 {
    let (high, low) = object.uuid().as_u64_pair();
    high ^ low
}

impl PlanPage {
    /// The bytes that are stored and hashed.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The format in which `bytes` are written; 0 when they do not say.
    pub fn format_of(bytes: &[u8]) -> u16 {
        serde_json::from_slice::<FormatOnly>(bytes).map_or(0, |page| page.format)
    }

    /// Reads what [`Self::encode`] wrote, in this or an older format.
    pub fn decode(bytes: &[u8]) -> Result<Self, UnreadablePage> {
        let page = serde_json::from_slice::<Self>(bytes);
        // A newer page may well hold what this version cannot read.
        let format = page.as_ref().map_or_else(|_| Self::format_of(bytes), |page| page.format);
        if format > PLAN_PAGE_FORMAT {
            return Err(UnreadablePage::Newer { found: format });
        }
        page.map_err(UnreadablePage::Malformed)
    }
}

#[derive(Deserialize)]
struct FormatOnly {
    format: u16,
}

/// A stored page that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum UnreadablePage {
    /// Not a plan page.
    #[error("the stored plan page is damaged")]
    Malformed(#[source] serde_json::Error),
    /// Written by a later version of this product.
    #[error("the stored plan page has format {found}, which is newer than this version can read")]
    Newer {
        /// Its format.
        found: u16,
    },
}

impl Line {
    /// A line of the plan for `tenant`, its id derived from what it says.
    pub fn new(
        workspace: WorkspaceId,
        tenant: EntraTenantId,
        person: Person,
        rule: Rule,
        action: Action,
    ) -> Self {
        let said = serde_json::to_vec(&action).unwrap_or_default();
        let id = LineId::new(derive(&[
            b"line",
            workspace.uuid().as_bytes(),
            tenant.uuid().as_bytes(),
            person.object.uuid().as_bytes(),
            &Sha256::digest(&said),
        ]));
        let Person { object, label, address } = person;
        let (answers_review, asks_again) = (false, false);
        let (answer, takes_back, about) = (None, None, None);
        Self {
            id,
            object,
            label,
            address,
            rule,
            answers_review,
            answer,
            takes_back,
            about,
            asks_again,
            action,
        }
    }

    /// The same line; it carries out an operator's answer.
    #[must_use]
    pub fn answering(self, answer: Answer) -> Self {
        Self { answer: Some(Box::new(answer)), ..self }
    }

    /// The same line; if it asks, it says about whom. `was_answered` = another question about the person
    /// was answered before.
    #[must_use]
    pub fn asking(mut self, about: impl FnOnce() -> About, was_answered: bool) -> Self {
        if matches!(self.action, Action::Review { .. }) {
            self.about = Some(Box::new(about()));
            self.asks_again = was_answered;
        }
        self
    }

    /// The same line; it also closes the person's open question if it says who the person is.
    #[must_use]
    pub fn answering_review(mut self, is_open: bool) -> Self {
        self.answers_review = is_open
            && matches!(
                self.action,
                Action::Create { .. }
                    | Action::Link { .. }
                    | Action::Reactivate { .. }
                    | Action::Refresh { .. }
                    | Action::Update { .. }
            );
        self
    }

    /// Whether applying the line writes to a contact.
    pub fn writes_contact(&self) -> bool {
        self.contact_written().is_some()
    }

    /// The contact that applying the line writes.
    pub fn contact_written(&self) -> Option<ContactId> {
        self.action.contact_written()
    }
}

/// Whom a line is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// The directory's id.
    pub object: EntraObjectId,
    /// How an operator recognises the person.
    pub label: String,
    /// The person's address.
    pub address: Option<EmailAddress>,
}
