//! Which one change would alter the result.

use serde::Serialize;

use super::{Case, Change, StoryOf, advice, summary};
use crate::{
    contact::InactiveReason,
    fields::{Field, Overwrite, Verdict},
    inventory::ReviewState,
    plan::{Action, Candidate, Conflict, Rule},
    policy::Timing,
    scope::{Attribute, AttributeOperator, AttributeRule, Effect, Exclusion},
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
            proposals.push(Proposal { text: advice::text(case, &change), change, then });
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
        Action::Fail { code } if code == "contact_missing" => vec![Change::RestoreContact],
        Action::Fail { .. }
        | Action::Hold { .. }
        | Action::Leave { .. }
        | Action::Restore { .. }
        | Action::Settle { .. }
        | Action::Unlink { .. } => Vec::new(),
    }
}

fn of_nothing(case: &Case<'_>) -> Vec<Change> {
    let person = case.person();
    let steps = case.steps();
    if let Some((reason, timing)) = case.leaving(&steps) {
        let Some(link) = person.link.filter(|link| link.active) else { return leaving(case, reason) };
        let protected = case.contact(link.contact).filter(|contact| contact.protected);
        if link.client == case.policy.client && case.contact(link.contact).is_none() {
            return vec![Change::RestoreContact];
        }
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
        Exclusion::Attribute if detail == "attributes" => {
            fitting(case).map(|rule| Change::AddAttributeRule { rule }).into_iter().collect()
        }
        Exclusion::Attribute => vec![Change::RemoveAttributeRule { rule: detail }],
        Exclusion::DismissedByOperator => vec![Change::Reconsider],
        Exclusion::RejectedByOperator => vec![Change::ReconsiderRejection],
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
        Exclusion::LinkEnded => vec![Change::MatchAnew],
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

/// A rule that takes the person in: on an attribute that such a rule looks at already, if the person has
/// a value there.
fn fitting(case: &Case<'_>) -> Option<AttributeRule> {
    let rules = case.policy.scope.rules().attributes.iter();
    let looked_at = rules.filter(|rule| rule.effect == Effect::Include).map(|rule| rule.attribute);
    let others = [Attribute::Mail, Attribute::UserPrincipalName, Attribute::DisplayName];
    let user = case.user()?;
    let (attribute, value) =
        looked_at.chain(others).find_map(|attribute| Some((attribute, attribute.of(user)?)))?;
    let (operator, effect) = (AttributeOperator::Equals, Effect::Include);
    Some(AttributeRule { attribute, operator, value: value.to_owned(), effect })
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
        InactiveReason::DeletedUpstream | InactiveReason::SoftDeletedUpstream => {
            vec![Change::RestoreAccount]
        }
        // Nobody can bring the account back.
        InactiveReason::PermanentlyDeletedUpstream => Vec::new(),
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
