//! Which one change would alter the result.

use serde::Serialize;

use super::{Case, Change, StoryOf, summary};
use crate::{
    contact::InactiveReason,
    fields::{Field, Overwrite, Verdict},
    inventory::ReviewState,
    plan::{Action, Candidate, Conflict, Limit, Rule},
    planner::client_name,
    policy::Timing,
    scope::Exclusion,
};

/// Most proposals about fields: the list of fields says the rest.
const FIELDS_MAX: usize = 3;

/// A change, and what would become of the person then.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Proposal {
    /// The change, with a stable name.
    #[serde(flatten)]
    pub change: Change,
    /// What to do, in a sentence.
    pub text: String,
    /// What then becomes of the person; `None` where that cannot be foretold.
    pub then: Option<String>,
}

/// The changes of [`candidates`] that would really alter the result, or whose effect only time can tell.
pub(super) fn of(case: &Case<'_>, present: &str) -> Vec<Proposal> {
    let mut proposals = Vec::new();
    for change in candidates(case) {
        let tried = change.tried(case, |case| {
            let (outcome, summary) = summary::of(case, &case.lines(), &case.steps());
            (summary == present, summary::then(case, outcome, summary))
        });
        if !matches!(tried, Some((true, _))) {
            let then = tried.map(|(_, then)| then);
            proposals.push(Proposal { text: text(case, &change), change, then });
        }
    }
    proposals
}

/// Changes that may alter the result, the most likely first.
pub(super) fn candidates(case: &Case<'_>) -> Vec<Change> {
    let lines = case.lines();
    let Some(line) = summary::main_line(&lines) else { return of_nothing(case) };
    match &line.action {
        Action::Create { facts, .. } => {
            vec![Change::GiveContactAddress { address: facts.email.clone() }]
        }
        Action::Exclude { reason, detail } => excluded(case, *reason, detail.as_deref()),
        Action::Link { contact, .. } => linked(case, line.rule, *contact),
        Action::Update { changes, .. } => {
            let field = |field| Change::SetPolicy { field, policy: Overwrite::Never };
            changes.iter().map(|change| field(change.field())).take(FIELDS_MAX).collect()
        }
        Action::Reactivate { .. } | Action::Refresh { .. } => fields(case),
        Action::Review { conflict, candidates } => asked(case, *conflict, candidates),
        Action::MarkInactive { reason, .. } => leaving(case, *reason),
        Action::NoteMissing { reason, .. } => {
            leaving(case, reason.unwrap_or(InactiveReason::DeletedUpstream))
        }
        Action::Stage { limit, .. } => vec![Change::Allow, Change::RaiseLimit { limit: *limit }],
        Action::Fail { .. } => vec![Change::RestoreContact],
        Action::Hold { .. } | Action::Leave { .. } | Action::Restore { .. } | Action::Settle { .. } => {
            Vec::new()
        }
    }
}

fn of_nothing(case: &Case<'_>) -> Vec<Change> {
    let person = case.person();
    let steps = case.steps();
    if let Some((reason, timing)) = case.leaving(&steps) {
        let Some(link) = person.link.filter(|link| link.active) else { return leaving(case, reason) };
        let protected = case.contact(link.contact).filter(|contact| contact.protected);
        return match protected {
            _ if timing == Timing::Never && reason == InactiveReason::DisabledUpstream => {
                vec![Change::InactivateWhenDisabled]
            }
            Some(contact) => vec![Change::Unprotect { contact: contact.id }],
            None => leaving(case, reason),
        };
    }
    match person.review {
        Some(ReviewState::Open { conflict, candidates, .. }) if person.link.is_none() => {
            let known = candidates.iter().map(|contact| Candidate {
                contact: *contact,
                client: case.contact(*contact).map_or(case.policy.client, |contact| contact.client),
                full_name: None,
                email: None,
                inactive: false,
            });
            asked(case, conflict, &known.collect::<Vec<_>>())
        }
        _ => fields(case),
    }
}

fn excluded(case: &Case<'_>, reason: Exclusion, detail: Option<&str>) -> Vec<Change> {
    let detail = detail.unwrap_or_default().to_owned();
    let rules = case.policy.scope.rules();
    match reason {
        Exclusion::AccountDisabled => vec![Change::EnableAccount],
        Exclusion::Attribute if detail == "attributes" => vec![Change::AddAttributeRule],
        Exclusion::Attribute => vec![Change::RemoveAttributeRule { rule: detail }],
        Exclusion::DismissedByOperator | Exclusion::RejectedByOperator => vec![Change::Reconsider],
        Exclusion::Domain if detail == "includeDomains" => {
            let domain = case.facts().map(|facts| facts.email.domain().to_owned());
            domain.map(|domain| Change::AddIncludedDomain { domain }).into_iter().collect()
        }
        Exclusion::Domain => vec![Change::RemoveExcludedDomain { domain: detail }],
        Exclusion::Group if detail == "includeGroups" => {
            let group = rules.include_groups.first();
            group.map(|group| Change::JoinGroup { group: group.to_string() }).into_iter().collect()
        }
        Exclusion::Group => vec![Change::LeaveGroup { group: detail }],
        Exclusion::Guest => vec![Change::IncludeGuests],
        Exclusion::MissingIdentity => vec![Change::GiveAddress],
        Exclusion::Pattern => vec![Change::RemovePattern { pattern: detail }],
        Exclusion::PendingInvitation => vec![Change::IncludePendingGuests],
        Exclusion::ProtectedContact => protected(case),
        Exclusion::ServiceAccount => vec![Change::IncludeServiceAccounts],
        Exclusion::UnknownLicence => vec![Change::IncludeUnlicensed],
        Exclusion::UnknownMembership => vec![Change::ReadGroup { group: detail }],
        Exclusion::Unlicensed => vec![Change::AssignLicence, Change::IncludeUnlicensed],
    }
}

/// The contact that would be written if it were not protected.
fn protected(case: &Case<'_>) -> Vec<Change> {
    let person = case.person();
    let linked = person.link.map(|link| link.contact);
    let owned = case.owned().into_iter().map(|(_, _, owner)| owner.contact);
    let contacts = linked.into_iter().chain(person.hint).chain(owned);
    let contact = contacts.filter_map(|contact| case.contact(contact)).find(|contact| contact.protected);
    contact.map(|contact| Change::Unprotect { contact: contact.id }).into_iter().collect()
}

fn linked(case: &Case<'_>, rule: Rule, contact: crate::ids::ContactId) -> Vec<Change> {
    if rule == Rule::StoredObjectId {
        return vec![Change::ClearObjectId { contact }];
    }
    let owned = case.owned().into_iter().find(|(_, _, owner)| owner.contact == contact);
    owned.map(|(address, ..)| Change::FreeAddress { address, contact }).into_iter().collect()
}

fn leaving(case: &Case<'_>, reason: InactiveReason) -> Vec<Change> {
    match reason {
        InactiveReason::DeletedUpstream => vec![Change::RestoreAccount],
        InactiveReason::DisabledUpstream => {
            let is_active = case.person().link.is_some_and(|link| link.active);
            let keep = is_active.then_some(Change::KeepWhenDisabled);
            [Change::EnableAccount].into_iter().chain(keep).collect()
        }
        InactiveReason::OutOfScope => {
            let excluded_by = case.lines().into_iter().find_map(|line| match line.action {
                Action::Exclude { reason, detail } => Some((reason, detail)),
                _ => None,
            });
            let changes = excluded_by.map(|(reason, detail)| excluded(case, reason, detail.as_deref()));
            changes.unwrap_or_default()
        }
    }
}

fn asked(case: &Case<'_>, conflict: Conflict, candidates: &[Candidate]) -> Vec<Change> {
    let owned = case.owned();
    let free = owned
        .iter()
        .filter(|(_, _, owner)| candidates.iter().any(|candidate| candidate.contact == owner.contact))
        .map(|(address, _, owner)| Change::FreeAddress { address: address.clone(), contact: owner.contact });
    let name = case.facts().map(|facts| facts.full_name);
    let rename = name
        .zip(candidates.first())
        .map(|(name, candidate)| Change::Rename { contact: candidate.contact, name });
    let first = owned
        .iter()
        .find(|(_, _, owner)| owner.additional)
        .map(|(address, _, owner)| Change::MakeFirst { address: address.clone(), contact: owner.contact });
    let mut changes: Vec<Change> = match conflict {
        Conflict::AdditionalAddress => first.into_iter().chain(free).collect(),
        Conflict::AliasOnly | Conflict::MailboxReused => rename.into_iter().chain(free).collect(),
        Conflict::LinkedAtOtherClient => vec![Change::MoveLink],
        Conflict::AddressAtOtherClient | Conflict::OwnedByColleague => {
            let theirs = case.elsewhere().map(|(address, owner)| (address, owner.contact));
            let linked = case.person().link.map(|link| link.contact);
            let others = owned.iter().find(|(_, _, owner)| Some(owner.contact) != linked);
            let theirs =
                theirs.or_else(|| others.map(|(address, _, owner)| (address.clone(), owner.contact)));
            theirs.map(|(address, contact)| Change::FreeAddress { address, contact }).into_iter().collect()
        }
        Conflict::AddressShared | Conflict::MultipleEmailMatches | Conflict::Rejected => free.collect(),
    };
    changes.push(Change::Answer);
    changes
}

/// Fields of a linked contact that stay although the directory says something else.
fn fields(case: &Case<'_>) -> Vec<Change> {
    let (Some(contact), Some(facts)) = (case.linked(), case.facts()) else { return Vec::new() };
    let base = case.base();
    let story = StoryOf { contact, base, facts: &facts, planned: &[], is_looked_at: false };
    let changes =
        Field::ALL.into_iter().filter_map(|field| match story.told(&case.policy.fields, field).verdict {
            Verdict::Off
            | Verdict::Edited
            | Verdict::NotEmpty
            | Verdict::SourceUnchanged
            | Verdict::FirstSync => Some(Change::SetPolicy { field, policy: Overwrite::Always }),
            Verdict::Protected => Some(Change::UnprotectField { contact: contact.id, field }),
            _ => None,
        });
    changes.take(FIELDS_MAX).collect()
}

/// What to do, in a sentence.
fn text(case: &Case<'_>, change: &Change) -> String {
    match change {
        Change::IncludeGuests => "Turn on `includeGuests` in the settings.".to_owned(),
        Change::IncludePendingGuests => "Let the person accept the invitation, or turn on \
             `includePendingGuests` in the settings."
            .to_owned(),
        Change::IncludeServiceAccounts => {
            "Turn on `includeServiceAccounts` in the settings, or rename the account.".to_owned()
        }
        Change::IncludeUnlicensed => "Turn off `licensedOnly` in the settings.".to_owned(),
        Change::AssignLicence => "Assign a licence to the account.".to_owned(),
        Change::RemovePattern { pattern } => {
            format!("Remove the pattern `{pattern}` from `excludePatterns` in the settings.")
        }
        Change::RemoveExcludedDomain { domain } => {
            format!("Remove `{domain}` from `excludeDomains` in the settings.")
        }
        Change::AddIncludedDomain { domain } => {
            format!("Add `{domain}` to `includeDomains` in the settings.")
        }
        Change::LeaveGroup { group } => {
            format!("Take the person out of the group {group}, or the group out of `excludeGroups`.")
        }
        Change::JoinGroup { .. } => {
            "Put the person into one of the groups that `includeGroups` names.".to_owned()
        }
        Change::RemoveAttributeRule { rule } => {
            format!("Remove the rule \"{}\" from `attributes` in the settings.", rule.replace('`', ""))
        }
        Change::AddAttributeRule => {
            "Add a rule to `attributes` in the settings that takes the person in.".to_owned()
        }
        Change::ReadGroup { group } => format!(
            "Allow the app to read the members of the group {group}, or take the group out of the settings."
        ),
        Change::GiveAddress => {
            "Give the account a mailbox, or write its address into the directory's `mail`.".to_owned()
        }
        Change::EnableAccount => "Allow sign-in for the account in the directory.".to_owned(),
        Change::RestoreAccount => "Restore the account in the directory; that is possible for 30 days after \
             it was deleted."
            .to_owned(),
        Change::KeepWhenDisabled => {
            "Turn off `markInactiveWhenDisabled` in the settings; that holds for every client.".to_owned()
        }
        Change::InactivateWhenDisabled => {
            "Turn on `markInactiveWhenDisabled` in the settings; that holds for every client.".to_owned()
        }
        Change::Unprotect { contact } => {
            format!("In the PSA, lift the protection of {}.", case.named(*contact))
        }
        Change::UnprotectField { field, .. } => {
            format!("In the PSA, lift the protection of the field {}.", field.label())
        }
        Change::FreeAddress { address, contact } => {
            format!("In the PSA, take the address {address} off {}.", owner_named(case, address, *contact))
        }
        Change::MakeFirst { address, contact } => {
            format!("In the PSA, make {address} the first address of {}.", case.named(*contact))
        }
        Change::Rename { contact, name } => {
            format!("If it is the same person, give {} the name {name} in the PSA.", case.named(*contact))
        }
        Change::ClearObjectId { contact } => {
            format!("In the PSA, take the person's object id off {}.", case.named(*contact))
        }
        Change::GiveContactAddress { address } => format!(
            "If the person has a contact already, give that contact the address {address}: then it is \
             linked, and no new one is made."
        ),
        Change::SetPolicy { field, policy } => {
            format!("Set the field {} to `{}` in the settings.", field.label(), policy.name())
        }
        Change::RaiseLimit { limit } => {
            let limit = match limit {
                Limit::Creations => "`limits.creations`",
                Limit::Inactivations => "`vanish.allowedPercent`",
                Limit::LinkMoves => "`limits.linkMoves`",
                Limit::RunCreations => "`runLimits.creations`",
                Limit::RunInactivations => "`runLimits.inactivations`",
                Limit::RunLinkMoves => "`runLimits.linkMoves`",
            };
            format!("Raise {limit} in the settings.")
        }
        Change::Allow => {
            "Allow what waits in the run: `runs allow`, or `runs reject` to decline it for good.".to_owned()
        }
        Change::Answer => "Or answer the question in the review queue.".to_owned(),
        Change::Reconsider => "Take the decision about the person back in the review queue.".to_owned(),
        Change::RestoreContact => {
            "Bring the contact back in the PSA and import it, or undo the run that linked it.".to_owned()
        }
        Change::MoveLink => {
            "Map the tenant to that client, or undo the run that linked the person there.".to_owned()
        }
    }
}

fn owner_named(
    case: &Case<'_>,
    address: &crate::email::EmailAddress,
    contact: crate::ids::ContactId,
) -> String {
    let owner = case.known.owners.get(address).copied().flatten();
    let elsewhere = owner.filter(|owner| owner.client != case.policy.client);
    match elsewhere.map(|owner| client_name(case.known, owner.client)) {
        Some(Some(name)) => format!("the contact of {name} that has it"),
        Some(None) => "the contact of another client that has it".to_owned(),
        None => case.named(contact),
    }
}
