//! Runs that work from a plan that is stored, and what operators have said about its lines.

use std::collections::{BTreeMap, BTreeSet};

use super::{Broken, People, Planned, holds};
use crate::{
    email::EmailAddress,
    fields::FieldChange,
    ids::{ContactId, Identity, LineId},
    plan::{Action, Line},
};

/// A preview that is applied plans its lines again, in their order, byte for byte.
pub fn applied_is_planned(preview: &[&Line], applied: &[&Line]) -> Result<(), Broken> {
    let lengths = (preview.len() != applied.len())
        .then(|| format!("the preview has {} lines and the run has {}", preview.len(), applied.len()));
    let lines = preview.iter().zip(applied).map(|(planned, applied)| {
        (planned != applied).then(|| format!("line {} about {} is another one", planned.id, planned.object))
    });
    holds("what is applied is what was planned", lines.chain([lengths]))
}

/// Exactly those lines are stale whose contact is not in the version they were planned on, or whose link or
/// address somebody has changed between `planned` and `now`, when the lines began to be applied; nobody else
/// wrote while they were. Somebody may be another run that did what the lines say. The version is the line's
/// own: what waits in a preview still waits after that is applied, and was planned when the preview was.
pub fn stale_for_a_reason(
    planned: &People,
    now: &People,
    lines: &[Planned<'_>],
    stale: &BTreeSet<LineId>,
) -> Result<(), Broken> {
    let version =
        |people: &People, contact: &ContactId| people.contacts.get(contact).map(|contact| contact.version);
    let is_edited = |line: &Line, contact: ContactId| {
        version(now, &contact) != line.action.expected_version().or(version(planned, &contact))
    };
    let link = |people: &People, identity: Identity| {
        people.links.iter().find(|link| link.identity == identity).cloned()
    };
    // An address that a stale line would have given up is not free.
    let not_given_up: BTreeSet<ContactId> = lines
        .iter()
        .filter(|planned| stale.contains(&planned.line.id))
        .filter_map(|planned| planned.line.contact_written())
        .collect();
    // Of lines that waited, two may want one address: what waits takes nothing while others are planned.
    let mut claims: BTreeMap<&EmailAddress, usize> = BTreeMap::new();
    for address in lines.iter().filter_map(|planned| new_address(&planned.line.action)) {
        *claims.entry(address).or_default() += 1;
    }
    let cases = lines.iter().map(|it| {
        let line = it.line;
        let identity = Identity { tenant: it.tenant, object: line.object };
        let address = new_address(&line.action).is_some_and(|address| {
            let owner = now.owners.get(address);
            owner != planned.owners.get(address)
                || owner.is_some_and(|owner| not_given_up.contains(&owner.contact))
                || claims.get(address).is_some_and(|wanted| *wanted > 1)
        });
        let edited = line.contact_written().is_some_and(|contact| is_edited(line, contact));
        let may_be_stale = edited || address || link(planned, identity) != link(now, identity);
        let is_stale = stale.contains(&line.id);
        if is_stale && !may_be_stale {
            return Some(format!("line {} about {} is stale for no reason", line.id, line.object));
        }
        let has_to_be = edited && line.action.expected_version().is_some();
        (has_to_be && !is_stale)
            .then(|| format!("line {} about {} was applied over an edit", line.id, line.object))
    });
    holds("only lines whose contact has changed since they were planned are stale", cases)
}

fn new_address(action: &Action) -> Option<&EmailAddress> {
    if let Action::Create { facts, .. } = action {
        return Some(&facts.email);
    }
    action.changes().iter().find_map(|change| match change {
        FieldChange::Email(change) => change.new.as_ref(),
        _ => None,
    })
}

/// What operators have rejected.
#[derive(Clone, Debug, Default)]
pub struct Rejected {
    /// People who are not to be created or linked.
    pub dismissed: BTreeSet<Identity>,
    /// People who have left and whose contact stays as it is until they are back.
    pub kept: BTreeSet<Identity>,
}

/// Nobody is asked again about what was rejected, and it is not done either. `planned` are lines of runs
/// that began after that, and read the directory.
pub fn rejected_is_remembered(rejected: &Rejected, planned: &[Planned<'_>]) -> Result<(), Broken> {
    let cases = planned.iter().map(|planned| {
        let identity = Identity { tenant: planned.tenant, object: planned.line.object };
        let proposal = match &planned.line.action {
            Action::Stage { proposal, .. } => proposal,
            action => action,
        };
        let is_asked = match proposal {
            Action::Create { .. } | Action::Link { .. } | Action::Review { .. } => {
                rejected.dismissed.contains(&identity)
            }
            Action::MarkInactive { .. } => rejected.kept.contains(&identity),
            _ => false,
        };
        is_asked.then(|| format!("line {} about {} asks or does it again", planned.line.id, identity.object))
    });
    holds("what was rejected is not asked again", cases)
}
