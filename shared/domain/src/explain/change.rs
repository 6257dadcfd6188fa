//! Changes that could be made, each of which can be tried.

use serde::{Deserialize, Serialize};

use super::{Case, Subject};
use crate::{
    email::EmailAddress,
    fields::{Field, FieldRule, Overwrite},
    ids::ContactId,
    inventory::ReviewState,
    plan::{Conflict, Limit},
    planner::Known,
    policy::{TenantPolicy, Timing},
    scope::{AttributeRule, ScopeRules},
    user::DirectoryUser,
};

/// One change that somebody could make: in the directory, in the PSA, in the settings, or in the queue.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Change {
    /// Take guests.
    IncludeGuests,
    /// Take guests whose invitation is not accepted.
    IncludePendingGuests,
    /// Take accounts that look like service accounts.
    IncludeServiceAccounts,
    /// Take people without a licence.
    IncludeUnlicensed,
    /// Give the person a licence.
    AssignLicence,
    /// Remove an exclusion pattern.
    RemovePattern {
        /// As it is written.
        pattern: String,
    },
    /// Take a domain out of those that are left out.
    RemoveExcludedDomain {
        /// As it is written.
        domain: String,
    },
    /// Add a domain to those that are taken in.
    AddIncludedDomain {
        /// The domain of the person's address.
        domain: String,
    },
    /// Take the person out of a group that is left out.
    LeaveGroup {
        /// The group.
        group: String,
    },
    /// Put the person into a group that is taken in.
    JoinGroup {
        /// The first of those groups.
        group: String,
    },
    /// Remove a rule on an attribute.
    RemoveAttributeRule {
        /// In words.
        rule: String,
    },
    /// Add a rule on an attribute that takes the person in.
    AddAttributeRule {
        /// One that fits the person.
        rule: AttributeRule,
    },
    /// Let the app read the members of a group.
    ReadGroup {
        /// The group.
        group: String,
    },
    /// Give the account an e-mail address.
    GiveAddress,
    /// Allow sign-in.
    EnableAccount,
    /// Bring the account back.
    RestoreAccount,
    /// Leave contacts of blocked accounts active.
    KeepWhenDisabled,
    /// Make contacts of blocked accounts inactive: by whichever of the two settings is off.
    InactivateWhenDisabled,
    /// Lift the protection of a contact.
    Unprotect {
        /// The contact.
        contact: ContactId,
    },
    /// Lift the protection of a field.
    UnprotectField {
        /// The contact.
        contact: ContactId,
        /// The field.
        field: Field,
    },
    /// Take an address away from whoever has it.
    FreeAddress {
        /// The address.
        address: EmailAddress,
        /// Who has it.
        contact: ContactId,
    },
    /// Make an additional address of a contact its first one.
    MakeFirst {
        /// The address.
        address: EmailAddress,
        /// The contact.
        contact: ContactId,
    },
    /// Give a contact the person's name.
    Rename {
        /// The contact.
        contact: ContactId,
        /// The name.
        name: String,
    },
    /// Take the person's object id off the contact.
    ClearObjectId {
        /// The contact.
        contact: ContactId,
    },
    /// Give the contact that is meant the person's address.
    GiveContactAddress {
        /// The address.
        address: EmailAddress,
    },
    /// Set the policy of a field.
    SetPolicy {
        /// The field.
        field: Field,
        /// The policy.
        policy: Overwrite,
    },
    /// Raise a stop limit.
    RaiseLimit {
        /// The limit.
        limit: Limit,
    },
    /// Allow what waits.
    Allow,
    /// Answer the question in the review queue.
    Answer,
    /// Match somebody anew whose link an operator has ended.
    MatchAnew,
    /// Take back what an operator has decided about the person.
    Reconsider,
    /// Take back that an operator has rejected the person's line, which waited at a stop limit.
    ReconsiderRejection,
    /// Bring the linked contact back.
    RestoreContact,
    /// Undo the link to the other client's contact, or map the tenant to that client.
    MoveLink,
}

/// The case as the change makes it.
pub(super) type Made = (TenantPolicy, Option<DirectoryUser>, Known);

impl Change {
    /// The case as the change makes it; `None` for what can only be told, not tried.
    pub(super) fn made(&self, case: &Case<'_>) -> Option<Made> {
        let mut policy = case.policy.clone();
        let mut user = case.user().cloned();
        let mut known = case.known.clone();
        let object = case.object();
        match self {
            Self::IncludeGuests => scope(&mut policy, |rules| rules.include_guests = true)?,
            Self::IncludePendingGuests => scope(&mut policy, |rules| rules.include_pending_guests = true)?,
            Self::IncludeServiceAccounts => {
                scope(&mut policy, |rules| rules.include_service_accounts = true)?;
            }
            Self::IncludeUnlicensed => scope(&mut policy, |rules| rules.licensed_only = false)?,
            Self::AssignLicence => user.as_mut()?.license_count = Some(1),
            Self::RemovePattern { pattern } => {
                scope(&mut policy, |rules| rules.exclude_patterns.retain(|other| other != pattern))?;
            }
            Self::RemoveExcludedDomain { domain } => {
                scope(&mut policy, |rules| rules.exclude_domains.retain(|other| other.trim() != domain))?;
            }
            Self::AddIncludedDomain { domain } => {
                scope(&mut policy, |rules| rules.include_domains.push(domain.clone()))?;
            }
            Self::LeaveGroup { group } => {
                let group = group.parse().ok()?;
                policy.groups = policy.groups.without(group, object);
            }
            Self::JoinGroup { group } => {
                let group = group.parse().ok()?;
                policy.groups = policy.groups.with(group, object);
            }
            Self::RemoveAttributeRule { rule } => {
                let is_other = |other: &AttributeRule| other.to_string() != *rule;
                scope(&mut policy, |rules| rules.attributes.retain(is_other))?;
            }
            Self::AddAttributeRule { rule } => {
                scope(&mut policy, |rules| rules.attributes.push(rule.clone()))?;
            }
            Self::EnableAccount => user.as_mut()?.account_enabled = Some(true),
            Self::KeepWhenDisabled => policy.fields.mark_inactive_when_disabled = false,
            Self::InactivateWhenDisabled => {
                policy.fields.mark_inactive_when_disabled = true;
                if policy.vanish.disabled == Timing::Never {
                    policy.vanish.disabled = Timing::AtOnce;
                }
            }
            Self::Unprotect { contact } => known.contacts.get_mut(contact)?.as_mut()?.protected = false,
            Self::UnprotectField { contact, field } => {
                known.contacts.get_mut(contact)?.as_mut()?.protected_fields.remove(field);
                look_again(&mut known, case);
            }
            Self::FreeAddress { address, .. } => {
                known.owners.insert(address.clone(), None);
            }
            Self::MakeFirst { address, .. } => known.owners.get_mut(address)?.as_mut()?.additional = false,
            Self::Rename { contact, name } => {
                known.contacts.get_mut(contact)?.as_mut()?.values.full_name.clone_from(name);
            }
            Self::ClearObjectId { .. } => known.people.get_mut(&object)?.hint = None,
            Self::SetPolicy { field, policy: wanted } => {
                let clear = policy.fields.rule(*field).clear;
                *policy.fields.rule_mut(*field) = FieldRule { overwrite: *wanted, clear };
            }
            Self::RaiseLimit { limit } => match limit {
                Limit::Creations => policy.limits.creations.count = u32::MAX,
                Limit::LinkMoves => policy.limits.link_moves.count = u32::MAX,
                Limit::Inactivations => policy.vanish.allowed_percent = 100,
                // What other tenants of the run have used up cannot be tried on one person.
                Limit::RunCreations | Limit::RunInactivations | Limit::RunLinkMoves => return None,
            },
            // The question is asked again, and no rule answers it any more.
            Self::Reconsider => {
                let (conflict, candidates) = (Conflict::Rejected, Vec::new());
                let asked = ReviewState::Open { conflict, candidates, seen: None, taken_back: true };
                known.people.get_mut(&object)?.review = Some(asked);
            }
            Self::MatchAnew => known.people.get_mut(&object)?.parted = false,
            // As if nobody had decided.
            Self::ReconsiderRejection => known.people.get_mut(&object)?.review = None,
            Self::ReadGroup { .. }
            | Self::GiveAddress
            | Self::RestoreAccount
            | Self::GiveContactAddress { .. }
            | Self::Allow
            | Self::Answer
            | Self::RestoreContact
            | Self::MoveLink => return None,
        }
        Some((policy, user, known))
    }

    /// The case planned again as if the change had been made.
    pub(super) fn tried<T>(&self, case: &Case<'_>, look: impl FnOnce(&Case<'_>) -> T) -> Option<T> {
        let (policy, user, known) = self.made(case)?;
        let subject = user.as_ref().map_or(case.subject, Subject::Present);
        Some(look(&Case { policy: &policy, subject, known: &known }))
    }
}

fn scope(policy: &mut TenantPolicy, change: impl FnOnce(&mut ScopeRules)) -> Option<()> {
    let mut rules = policy.scope.rules().clone();
    change(&mut rules);
    policy.scope = rules.compile().ok()?;
    Some(())
}

/// A person of whom nothing has changed is looked at again once anything of the rules or the directory
/// does; here only what would then be written is of interest.
fn look_again(known: &mut Known, case: &Case<'_>) {
    if let Some(link) = known.people.get_mut(&case.object()).and_then(|person| person.link.as_mut()) {
        link.fingerprint.0 = !link.fingerprint.0;
    }
}
