//! What a line can do.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Candidate, Conflict};
use crate::{
    contact::{Contact, EntraStamp, InactiveReason},
    facts::SourceFacts,
    fields::{Field, FieldChange},
    ids::{ClientId, ContactId, EntraObjectId, Identity, LineId},
    scope::Exclusion,
};

/// What a line does. There is no variant that deletes a contact; a link ends only where an operator says so.
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
        /// The very rule that hit, where there can be several.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    /// Nothing can be done with this record; nothing is written.
    Fail {
        /// A stable code.
        code: String,
    },
    /// Format 1's way of staging an inactivation; read, no longer planned.
    Hold {
        /// The contact.
        contact: ContactId,
        /// Why it would become inactive.
        reason: InactiveReason,
    },
    /// An undo leaves the contact as it is; nothing is written.
    Leave {
        /// The contact.
        contact: ContactId,
        /// A stable code of why.
        code: String,
        /// What somebody has changed since, as field and present value.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        kept: Vec<(String, String)>,
    },
    /// Ties an existing contact to the person and writes the enabled fields.
    Link {
        /// The contact.
        contact: ContactId,
        /// The contact's version this line was planned for.
        expect: u64,
        /// What the line changes besides fields, as it was before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Box<ContactState>>,
        /// The account the contact belonged to, when that is gone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        supersedes: Option<EntraObjectId>,
        /// Whether the contact becomes active: this sync had made it inactive because that account
        /// was gone, or the rules say that what the directory says counts.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        activate: bool,
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
        /// What the line changes, as it was before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Box<ContactState>>,
        /// Why.
        reason: InactiveReason,
    },
    /// Notes on the link that the person is leaving, or is there again.
    NoteMissing {
        /// In how many reads in a row; zero when the person was there again.
        times: u8,
        /// When the first of them began; absent = with the run that applies the line.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<Timestamp>,
        /// What the directory says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<InactiveReason>,
    },
    /// Links again a person who came back, and makes the contact active if this sync had made it inactive; or
    /// makes the contact of a linked person active, if the rules say so.
    Reactivate {
        /// The contact.
        contact: ContactId,
        /// The contact's version this line was planned for.
        expect: u64,
        /// What the line changes besides fields, as it was before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Box<ContactState>>,
        /// Whether the contact becomes active; when a human made it inactive, only if the rules say so.
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
    /// Takes back what an earlier line did to the contact, as far as nobody has changed it since.
    Restore {
        /// The contact.
        contact: ContactId,
        /// The contact's version this line was planned for.
        expect: u64,
        /// Fields that get their earlier values.
        changes: Vec<FieldChange>,
        /// What else changes.
        turn: Box<Turn>,
        /// What somebody has changed since and is left, as field and present value.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        kept: Vec<(String, String)>,
    },
    /// Asks a human.
    Review {
        /// What is unclear.
        conflict: Conflict,
        /// Contacts it could be.
        candidates: Vec<Candidate>,
    },
    /// Writes no contact: only the question about the person is answered, or asked again.
    Settle {
        /// The contact the person is and stays linked to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contact: Option<ContactId>,
    },
    /// Would do what `proposal` says, but crosses a stop limit; waits for an operator.
    Stage {
        /// What waits.
        proposal: Box<Action>,
        /// The limit that was crossed.
        limit: Limit,
    },
    /// Ends a link because an operator says so. The contact stays as it is, and is nobody's.
    Unlink {
        /// The contact that the link leads to.
        contact: ContactId,
        /// The contact's version this line was planned for; `None` when the link leads to no contact of the
        /// client that is the person's, and there is only the link to be ended.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expect: Option<u64>,
        /// What becomes of the two.
        turn: Box<Turn>,
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

/// A stop limit: what would be done to too many at once waits for an operator.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// New contacts in a tenant that was synced before.
    Creations,
    /// Contacts that become inactive.
    Inactivations,
    /// Contacts that go from one account to another.
    LinkMoves,
    /// New contacts in all tenants of a run together.
    RunCreations,
    /// Contacts that become inactive in all tenants of a run together.
    RunInactivations,
    /// Contacts that go from one account to another in all tenants of a run together.
    RunLinkMoves,
}

impl Limit {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Creations,
        Self::Inactivations,
        Self::LinkMoves,
        Self::RunCreations,
        Self::RunInactivations,
        Self::RunLinkMoves,
    ];

    /// The same limit over all tenants of a run.
    #[must_use]
    pub fn of_run(self) -> Self {
        match self {
            Self::Creations | Self::RunCreations => Self::RunCreations,
            Self::Inactivations | Self::RunInactivations => Self::RunInactivations,
            Self::LinkMoves | Self::RunLinkMoves => Self::RunLinkMoves,
        }
    }
}

/// What lines change on a contact besides its fields.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContactState {
    /// Not in use.
    #[serde(default)]
    pub inactive: bool,
    /// The sync's marks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entra: Option<EntraStamp>,
    /// The link between the person of the line and the contact.
    #[serde(default)]
    pub link: LinkState,
}

/// State of the link between a person and a contact.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// In force.
    Active,
    /// There is none.
    #[default]
    Cut,
    /// The contact was made inactive.
    Inactive,
    /// There is none, and no sync makes one: an operator has ended it.
    Parted,
}

impl LinkState {
    /// Whether there is no link.
    pub fn is_none(self) -> bool {
        matches!(self, Self::Cut | Self::Parted)
    }
}

/// From one state of a contact to another.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Turn {
    /// Before.
    pub from: ContactState,
    /// After.
    pub to: ContactState,
}

impl Action {
    /// The contact that applying the action writes.
    pub fn contact_written(&self) -> Option<ContactId> {
        match self {
            Self::Create { contact, .. }
            | Self::Link { contact, .. }
            | Self::MarkInactive { contact, .. }
            | Self::Reactivate { contact, .. }
            | Self::Restore { contact, .. }
            | Self::Unlink { contact, expect: Some(_), .. }
            | Self::Update { contact, .. } => Some(*contact),
            Self::Exclude { .. }
            | Self::Fail { .. }
            | Self::Hold { .. }
            | Self::Leave { .. }
            | Self::NoteMissing { .. }
            | Self::Refresh { .. }
            | Self::Review { .. }
            | Self::Settle { .. }
            | Self::Stage { .. }
            | Self::Unlink { expect: None, .. } => None,
        }
    }

    /// The contact's version the action was planned for; `None` for one that is created, and where
    /// no contact is written.
    pub fn expected_version(&self) -> Option<u64> {
        match self {
            Self::Link { expect, .. }
            | Self::MarkInactive { expect, .. }
            | Self::Reactivate { expect, .. }
            | Self::Restore { expect, .. }
            | Self::Update { expect, .. } => Some(*expect),
            Self::Unlink { expect, .. } => *expect,
            _ => None,
        }
    }

    /// Fields that change on a contact that is there.
    pub fn changes(&self) -> &[FieldChange] {
        match self {
            Self::Link { changes, .. }
            | Self::Reactivate { changes, .. }
            | Self::Restore { changes, .. }
            | Self::Update { changes, .. } => changes,
            _ => &[],
        }
    }

    /// What is remembered of the directory by applying it.
    pub fn facts(&self) -> Option<&SourceFacts> {
        match self {
            Self::Create { facts, .. }
            | Self::Link { facts, .. }
            | Self::Reactivate { facts, .. }
            | Self::Refresh { facts }
            | Self::Update { facts, .. } => Some(facts),
            _ => None,
        }
    }

    /// The contact the action is about, whether it writes it or not.
    pub fn contact(&self) -> Option<ContactId> {
        match self {
            Self::Hold { contact, .. } | Self::Leave { contact, .. } | Self::Unlink { contact, .. } => {
                Some(*contact)
            }
            Self::Settle { contact } => *contact,
            Self::Stage { proposal, .. } => proposal.contact(),
            _ => self.contact_written(),
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
                protected_fields: BTreeSet::new(),
                entra: Some(stamp(facts)),
                line: Some(line),
            }),
            Self::Link { changes, facts, activate, .. }
            | Self::Reactivate { changes, facts, activate, .. } => {
                let before = before?;
                let mut after = before.clone();
                after.inactive &= !activate;
                let user_principal_name = kept_sign_in_name(before, identity, facts);
                after.entra = Some(EntraStamp { user_principal_name, ..stamp(facts) });
                Some(written(after, changes, line))
            }
            Self::Update { changes, .. } => Some(written(before?.clone(), changes, line)),
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
            Self::Restore { changes, turn, .. } => {
                Some(written(turned(before?.clone(), turn), changes, line))
            }
            Self::Unlink { expect: Some(_), turn, .. } => {
                Some(written(turned(before?.clone(), turn), &[], line))
            }
            _ => None,
        }
    }
}

impl Turn {
    /// Whether the contact is no longer the person's after it.
    pub fn unties(&self) -> bool {
        self.to.link.is_none() && !self.from.link.is_none()
    }

    /// The way back.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self { from: self.to.clone(), to: self.from.clone() }
    }
}

impl Limit {
    /// Why what crosses it waits, and until when, for the operator.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Creations => {
                "more new contacts at once than the limit lets through; they wait for `runs allow` or `runs \
                 reject`"
            }
            Self::Inactivations => {
                "more people would become inactive at once than the limit lets through; they wait for `runs \
                 allow` or `runs reject`"
            }
            Self::LinkMoves => {
                "more contacts would go from one account to another at once than the limit lets through; they \
                 wait for `runs allow` or `runs reject`"
            }
            Self::RunCreations => {
                "more new contacts in all tenants of the sync together than the limit lets through; they wait \
                 for `runs allow` or `runs reject`"
            }
            Self::RunInactivations => {
                "more people would become inactive in all tenants of the sync together than the limit lets \
                 through; they wait for `runs allow` or `runs reject`"
            }
            Self::RunLinkMoves => {
                "more contacts would go from one account to another in all tenants of the sync together than \
                 the limit lets through; they wait for `runs allow` or `runs reject`"
            }
        }
    }
}

fn turned(mut contact: Contact, turn: &Turn) -> Contact {
    contact.inactive = turn.to.inactive;
    contact.entra.clone_from(&turn.to.entra);
    contact
}

/// The sign-in name that the contact shows before the line writes fields: for a person whose contact it is
/// already, and where the field is protected, it is a field as any other, which only a rule changes. Whoever is
/// linked for the first time brings it along.
fn kept_sign_in_name(before: &Contact, identity: Identity, facts: &SourceFacts) -> Option<String> {
    let shown = before.entra.as_ref();
    let is_theirs = shown.is_some_and(|stamp| stamp.identity == identity);
    if is_theirs || before.protects(Field::UserPrincipalName) {
        return shown.and_then(|stamp| stamp.user_principal_name.clone());
    }
    facts.user_principal_name.clone()
}

fn written(mut contact: Contact, changes: &[FieldChange], line: LineId) -> Contact {
    for change in changes {
        change.apply(&mut contact);
    }
    contact.version += 1;
    contact.line = Some(line);
    contact
}
