//! Plans: lists of lines that leave nothing to decide.
//!
//! A plan page is stored before anything else is written, applied line by line with conditional
//! writes, and is at the same time the preview, the audit trail and what an undo is made from.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    contact::{Contact, EntraStamp, InactiveReason},
    email::EmailAddress,
    facts::SourceFacts,
    fields::FieldChange,
    ids::{ClientId, ContactId, EntraObjectId, EntraTenantId, Identity, LineId, WorkspaceId, derive},
    run::Counters,
    scope::Exclusion,
};

/// The present format of [`PlanPage`]; older ones stay readable.
pub const PLAN_PAGE_FORMAT: u16 = 1;

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
    /// What this page adds to the tenant's counters when every line is applied.
    pub counters: Counters,
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
    /// What happens.
    #[serde(flatten)]
    pub action: Action,
}

/// What a line does. There is no variant that deletes a contact, and none that breaks a link.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Action {
    /// Makes a new contact at the mapped client and links it.
    Create {
        /// The new contact's id.
        contact: ContactId,
        /// Its values.
        facts: SourceFacts,
    },
    /// Leaves the person out; nothing is written.
    Exclude {
        /// Why.
        reason: Exclusion,
    },
    /// Nothing can be done with this record; nothing is written.
    Fail {
        /// A stable code.
        code: String,
    },
    /// Would make the contact inactive, but too many at once would be; waits for an operator.
    Hold {
        /// The contact.
        contact: ContactId,
        /// Why it would become inactive.
        reason: InactiveReason,
    },
    /// Ties an existing contact to the person and writes the enabled fields.
    Link {
        /// The contact.
        contact: ContactId,
        /// The contact's version this line was planned for.
        expect: u64,
        /// Enabled fields that differ.
        changes: Vec<FieldChange>,
        /// What was seen.
        facts: SourceFacts,
    },
    /// Makes the contact inactive.
    MarkInactive {
        /// The contact.
        contact: ContactId,
        /// The contact's version this line was planned for.
        expect: u64,
        /// Why.
        reason: InactiveReason,
    },
    /// Notes on the link that the person was not in a complete read, or was there again.
    NoteMissing {
        /// In how many complete reads in a row; zero when the person was there again.
        times: u8,
    },
    /// Links again a person who came back, and makes the contact active if this sync had made it
    /// inactive.
    Reactivate {
        /// The contact.
        contact: ContactId,
        /// The contact's version this line was planned for.
        expect: u64,
        /// Whether the contact becomes active; not when a human made it inactive.
        activate: bool,
        /// Enabled fields that differ.
        changes: Vec<FieldChange>,
        /// What was seen.
        facts: SourceFacts,
    },
    /// Notes on the link what was seen; the contact stays as it is.
    Refresh {
        /// What was seen.
        facts: SourceFacts,
    },
    /// Asks a human.
    Review {
        /// What is unclear.
        conflict: Conflict,
        /// Contacts it could be.
        candidates: Vec<Candidate>,
    },
    /// Writes enabled fields that differ.
    Update {
        /// The contact.
        contact: ContactId,
        /// The contact's version this line was planned for.
        expect: u64,
        /// What changes.
        changes: Vec<FieldChange>,
        /// What was seen.
        facts: SourceFacts,
    },
}

/// The rule that decided a line.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// One of the person's alias addresses, and the same name.
    AliasAddress,
    /// The record could not be used.
    BadRecord,
    /// The account's sign-in is blocked.
    Disabled,
    /// The identity is linked already.
    IdentityLink,
    /// No contact has any of the person's addresses.
    NoMatch,
    /// The person's primary address.
    PrimaryAddress,
    /// Outside what the operator wants synced.
    Scope,
    /// The person's sign-in name, which is an address of the tenant.
    SignInAddress,
    /// Not in a complete read of the directory.
    Vanished,
}

/// Why a human is asked.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Conflict {
    /// The address is one of a contact's additional addresses.
    AdditionalAddress,
    /// The address belongs to a contact of another client.
    AddressAtOtherClient,
    /// The contact with this address is linked to another account.
    AddressShared,
    /// Only an alias matches, and the names differ.
    AliasOnly,
    /// The person is linked to a contact of another client.
    LinkedAtOtherClient,
    /// The addresses of the person belong to several contacts.
    MultipleEmailMatches,
}

/// A contact a person could be.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// The contact.
    pub contact: ContactId,
    /// Its client.
    pub client: ClientId,
    /// Its name; unknown when it is another client's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_name: Option<String>,
    /// Its address; unknown when it is another client's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<EmailAddress>,
    /// Whether it is inactive.
    #[serde(default)]
    pub inactive: bool,
}

/// Eight bytes that stand for an object id.
pub fn fold(object: EntraObjectId) -> u64 {
    let (high, low) = object.uuid().as_u64_pair();
    high ^ low
}

/// SHA-256 over a page and the hash of the page before it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChainHash([u8; 32]);

impl ChainHash {
    /// The start of every chain.
    pub const GENESIS: Self = Self([0; 32]);

    /// The hash after a page with the encoded form `page`.
    #[must_use]
    pub fn followed_by(self, page: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(page);
        Self(hash.finalize().into())
    }
}

impl From<ChainHash> for String {
    fn from(hash: ChainHash) -> Self {
        use std::fmt::Write;
        hash.0.iter().fold(Self::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

impl TryFrom<String> for ChainHash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        const WRONG: &str = "a hash of 64 hexadecimal digits is expected";
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(WRONG);
        }
        for (position, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * position..2 * position + 2], 16).map_err(|_| WRONG)?;
        }
        Ok(Self(bytes))
    }
}

impl PlanPage {
    /// The bytes that are stored and hashed.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads what [`Self::encode`] wrote, in this or an older format.
    pub fn decode(bytes: &[u8]) -> Result<Self, UnreadablePage> {
        let page = serde_json::from_slice::<Self>(bytes);
        // A newer page may well hold what this version cannot read.
        let format = match &page {
            Ok(page) => page.format,
            Err(_) => serde_json::from_slice::<FormatOnly>(bytes).map_or(0, |page| page.format),
        };
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
        Self { id, object, label, address, rule, answers_review: false, action }
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

impl Action {
    /// The contact that applying the action writes.
    pub fn contact_written(&self) -> Option<ContactId> {
        match self {
            Self::Create { contact, .. }
            | Self::Link { contact, .. }
            | Self::MarkInactive { contact, .. }
            | Self::Reactivate { contact, .. }
            | Self::Update { contact, .. } => Some(*contact),
            Self::Exclude { .. }
            | Self::Fail { .. }
            | Self::Hold { .. }
            | Self::NoteMissing { .. }
            | Self::Refresh { .. }
            | Self::Review { .. } => None,
        }
    }

    /// What the contact looks like once the line is applied, given what it was before (`None`
    /// for a contact that is created). `None` when the line writes no contact.
    pub fn contact_after(
        &self,
        client: ClientId,
        identity: Identity,
        line: LineId,
        before: Option<&Contact>,
    ) -> Option<Contact> {
        let stamp = |facts: &SourceFacts| EntraStamp {
            identity,
            user_principal_name: facts.user_principal_name.clone(),
            account_enabled: Some(true),
            inactive_reason: None,
        };
        match self {
            Self::Create { contact, facts } => Some(Contact {
                id: *contact,
                client,
                version: 1,
                values: facts.values(),
                additional_emails: Vec::new(),
                inactive: false,
                protected: false,
                protected_fields: std::collections::BTreeSet::new(),
                entra: Some(stamp(facts)),
                line: Some(line),
            }),
            Self::Link { changes, facts, .. } => {
                let mut after = before?.clone();
                after.entra = Some(stamp(facts));
                Some(written(after, changes, line))
            }
            Self::Update { changes, .. } => Some(written(before?.clone(), changes, line)),
            Self::Reactivate { changes, facts, activate, .. } => {
                let mut after = before?.clone();
                after.inactive &= !activate;
                after.entra = Some(stamp(facts));
                Some(written(after, changes, line))
            }
            Self::MarkInactive { reason, .. } => {
                let mut after = before?.clone();
                // A contact that a human made inactive stays theirs: without the reason it is
                // never reactivated by this sync.
                let ours = !after.inactive;
                after.inactive = true;
                if let Some(stamp) = &mut after.entra {
                    stamp.account_enabled = Some(*reason != InactiveReason::DisabledUpstream);
                    // Ours, or ours already: a line that was cut off half-way is planned again.
                    let ours = ours || stamp.inactive_reason.is_some();
                    stamp.inactive_reason = ours.then_some(*reason);
                }
                Some(written(after, &[], line))
            }
            _ => None,
        }
    }
}

fn written(mut contact: Contact, changes: &[FieldChange], line: LineId) -> Contact {
    for change in changes {
        change.apply(&mut contact);
    }
    contact.version += 1;
    contact.line = Some(line);
    contact
}

impl Conflict {
    /// One sentence for the operator.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::AdditionalAddress => "the address is an additional address of an existing contact",
            Self::AddressAtOtherClient => "the address belongs to a contact of another client",
            Self::AddressShared => "the contact with this address is linked to another account",
            Self::AliasOnly => "only an alias address matches, and the names differ",
            Self::LinkedAtOtherClient => "the person is linked to a contact of another client",
            Self::MultipleEmailMatches => "the person's addresses belong to several contacts",
        }
    }
}
