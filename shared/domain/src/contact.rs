//! People at clients, as far as the sync knows them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    email::EmailAddress,
    fields::Field,
    ids::{ClientId, ContactId, EntraObjectId, EntraTenantId, Identity, LineId, WorkspaceId, derive},
    user::Removal,
};

/// A person at a client.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    /// Our id of the contact.
    pub id: ContactId,
    /// The client it belongs to.
    pub client: ClientId,
    /// Raised by one with every write, by whomever; a plan names the version it was made for.
    pub version: u64,
    /// What the PSA shows.
    #[serde(flatten)]
    pub values: ContactValues,
    /// Further addresses of the person, each owned like the first one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub additional_emails: Vec<EmailAddress>,
    /// Not in use any more.
    #[serde(default)]
    pub inactive: bool,
    /// The PSA forbids the sync to write any field of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protected: bool,
    /// Fields of it that the PSA forbids the sync to write.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub protected_fields: BTreeSet<Field>,
    /// What ties it to a directory; `None` for contacts no directory user was found for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entra: Option<EntraStamp>,
    /// The plan line that wrote it last; `None` after a human's edit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<LineId>,
}

/// The fields a directory can fill.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContactValues {
    /// Full name.
    pub full_name: String,
    /// The address, unique in the workspace.
    #[serde(default)]
    pub email: Option<EmailAddress>,
    /// Phones in display order; the first one marked is the default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<Phone>,
    /// Role at the client (the directory's job title).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Department at the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// Office location.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub office: Option<String>,
    /// Company name as the directory has it; the client's own name is another matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
}

/// One phone number.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Phone {
    /// As written; no format is promised.
    pub number: String,
    /// What kind of line it is.
    pub kind: PhoneKind,
    /// The one to call first.
    #[serde(default)]
    pub is_default: bool,
}

/// Kinds of phone lines that a directory knows, and every other kind the PSA has.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PhoneKind {
    /// Mobile phone.
    Mobile,
    /// Business phone.
    Work,
    /// A kind only the PSA uses (`home`, `fax`, …).
    #[serde(untagged)]
    Other(String),
}

/// The sync's marks on a contact.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EntraStamp {
    /// Who the contact is in the directory.
    pub identity: Identity,
    /// Sign-in name at the last write.
    #[serde(default)]
    pub user_principal_name: Option<String>,
    /// Whether sign-in was allowed at the last write.
    #[serde(default)]
    pub account_enabled: Option<bool>,
    /// Why this sync made the contact inactive; `None` when it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inactive_reason: Option<InactiveReason>,
}

/// Why the sync makes a contact inactive.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InactiveReason {
    /// No longer in the directory, in as many complete reads as are asked for: deleted, for good or not, or
    /// hidden from us. Before the two below were told apart, also whoever was told gone.
    DeletedUpstream,
    /// Sign-in is blocked.
    DisabledUpstream,
    /// Outside what the operator wants synced by now.
    OutOfScope,
    /// Deleted for good; no administrator can restore the account.
    PermanentlyDeletedUpstream,
    /// Deleted, and for 30 days an administrator can restore the account
    /// (learn.microsoft.com/graph/delta-query-users).
    SoftDeletedUpstream,
}

impl InactiveReason {
    /// What the directory says, for the operator.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::DeletedUpstream => "no longer in the directory",
            Self::DisabledUpstream => "sign-in is blocked in the directory",
            Self::OutOfScope => "no longer among the people who are synced",
            Self::PermanentlyDeletedUpstream => "deleted from the directory for good",
            Self::SoftDeletedUpstream => {
                "deleted in the directory, where the account can be restored for 30 days"
            }
        }
    }

    /// Whether the person is in the directory no more, in whichever way that became known.
    pub fn is_gone(self) -> bool {
        matches!(self, Self::DeletedUpstream | Self::PermanentlyDeletedUpstream | Self::SoftDeletedUpstream)
    }
}

impl From<Removal> for InactiveReason {
    fn from(removal: Removal) -> Self {
        match removal {
            Removal::Deleted => Self::PermanentlyDeletedUpstream,
            Removal::SoftDeleted => Self::SoftDeletedUpstream,
        }
    }
}

/// Identity ↔ contact, and what was last seen of the identity.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// The directory's side.
    pub identity: Identity,
    /// Our side.
    pub contact: ContactId,
    /// The client of the contact.
    pub client: ClientId,
    /// False after the sync has made the contact inactive.
    pub active: bool,
    /// Fingerprint of what was last seen ([`crate::facts::SourceFacts::fingerprint`]).
    pub fingerprint: Fingerprint,
    /// In how many reads in a row the person was leaving.
    #[serde(default)]
    pub missing: u8,
    /// When the first of those reads began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_since: Option<Timestamp>,
    /// An operator has said that the contact stays as it is although the person has left; until the
    /// person is there again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep: bool,
}

/// A short hash that says "nothing the sync cares about has changed".
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Fingerprint(pub u64);

/// Who owns an address in the workspace.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// The client of the contact.
    pub client: ClientId,
    /// The contact.
    pub contact: ContactId,
    /// Whether it is one of the contact's additional addresses.
    #[serde(default)]
    pub additional: bool,
}

/// A customer company of the MSP, as far as mapping needs it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Client {
    /// The PSA's id.
    pub id: ClientId,
    /// Company name.
    pub name: String,
    /// Website or domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    /// Addresses or domains that are a weaker sign (billing e-mail, inbound mail).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secondary_domains: Vec<String>,
    /// Not a customer any more.
    #[serde(default)]
    pub inactive: bool,
}

impl ContactId {
    /// The id of the contact that is created for an identity with this address. Preview, run
    /// and every repetition agree on it, so a crash cannot make a second one. `cut_at` is when an undo took
    /// the person's last contact away: that one is still there, and a new one has to be another.
    pub fn derived(
        workspace: WorkspaceId,
        identity: Identity,
        address: &EmailAddress,
        cut_at: Option<Timestamp>,
    ) -> Self {
        let Identity { tenant, object } = identity;
        let cut_at = cut_at.map(|at| at.as_nanosecond().to_be_bytes());
        let (workspace, tenant, object) = (workspace.uuid(), tenant.uuid(), object.uuid());
        let who = [workspace.as_bytes().as_slice(), tenant.as_bytes(), object.as_bytes()];
        let parts = [b"contact".as_slice()].into_iter().chain(who).chain([address.as_str().as_bytes()]);
        let parts: Vec<&[u8]> = parts.chain(cut_at.as_ref().map(<[u8; 16]>::as_slice)).collect();
        Self::new(derive(&parts))
    }
}

impl Contact {
    /// Whether the sync may not write `field`.
    pub fn protects(&self, field: Field) -> bool {
        self.protected || self.protected_fields.contains(&field)
    }

    /// Whether the contact is tied to another identity than (`tenant`, `object`).
    pub fn belongs_to_another(&self, tenant: EntraTenantId, object: EntraObjectId) -> bool {
        self.entra.as_ref().is_some_and(|stamp| stamp.identity != Identity { tenant, object })
    }
}
