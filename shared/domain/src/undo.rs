//! Taking back what a run has done: a plan like any other, made from the lines of the run.
//!
//! Nothing is deleted by it either: a contact that the run created becomes inactive and is no longer
//! linked. Only what still is as the run left it is put back; what somebody has changed since, what the PSA
//! protects by now, and an address whose former value is another contact's, stays and is named. The way back of a way back is the way there, so an undo can be undone.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    contact::{Contact, EntraStamp, InactiveReason, Owner},
    email::EmailAddress,
    fields::{Field, FieldChange},
    ids::{ContactId, EntraObjectId, Identity},
    plan::{Action, ContactState, Line, LinkState, Turn},
};

/// What an undo takes back: everything, or only some of it.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UndoScope {
    /// Only these people; empty = everybody.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<EntraObjectId>,
    /// Only these fields; `None` = everything. With fields named, links and whether a contact is in use stay
    /// as they are.
    #[serde(deserialize_with = "stored_fields", skip_serializing_if = "Option::is_none")]
    pub fields: Option<BTreeSet<Field>>,
}

/// Fields were stored by their labels before they were checked. A text that names no field took nothing
/// back then, and does not now.
fn stored_fields<'de, D: Deserializer<'de>>(stored: D) -> Result<Option<BTreeSet<Field>>, D::Error> {
    let names = Option::<Vec<String>>::deserialize(stored)?;
    Ok(names.map(|names| names.iter().filter_map(|name| name.parse().ok()).collect()))
}

impl UndoScope {
    /// An undo of these people and fields only; no people = everybody, no fields = everything.
    pub fn of(people: Vec<EntraObjectId>, fields: impl IntoIterator<Item = Field>) -> Self {
        let fields = Some(fields.into_iter().collect()).filter(|fields: &BTreeSet<Field>| !fields.is_empty());
        Self { people, fields }
    }

    /// Whether the line is about somebody the undo is about.
    pub fn covers(&self, line: &Line) -> bool {
        self.people.is_empty() || self.people.contains(&line.object)
    }

    /// Whether the undo is about the field.
    pub fn covers_field(&self, field: Field) -> bool {
        self.fields.as_ref().is_none_or(|fields| fields.contains(&field))
    }
}

/// The address that would go back with the line.
pub fn address_back(line: &Line) -> Option<&EmailAddress> {
    line.action.changes().iter().find_map(former_address)
}

/// The way back of an applied line, given the contact as it is now; `None` when the line wrote no
/// contact or the undo is not about it. `owners` = whose the addresses are that would go back
/// ([`address_back`]). The undo itself frees none of them: no run hands on an address that it has freed.
pub fn way_back(
    line: &Line,
    identity: Identity,
    now: Option<&Contact>,
    scope: &UndoScope,
    owners: &BTreeMap<EmailAddress, Owner>,
) -> Option<Action> {
    if let Action::Settle { contact } = line.action {
        // Only the answer goes back, and it is no field.
        let is_meant = scope.covers(line) && scope.fields.is_none();
        return is_meant.then_some(Action::Settle { contact });
    }
    if let Action::Unlink { contact, expect: None, .. } = line.action {
        let is_meant = scope.covers(line) && scope.fields.is_none();
        return is_meant.then(|| leave(contact, "link_led_nowhere", Vec::new()));
    }
    let contact = line.action.contact_written().filter(|_| scope.covers(line))?;
    let only_fields = scope.fields.is_some();
    if only_fields && !line.action.changes().iter().any(|change| scope.covers_field(change.field())) {
        return None;
    }
    let Some(now) = now else { return Some(leave(contact, "contact_missing", Vec::new())) };
    let turn = turn_of(&line.action, now)?;
    let is_taken = |change: &FieldChange| {
        let owner = former_address(change).and_then(|address| owners.get(address));
        owner.is_some_and(|owner| owner.contact != contact)
    };
    let (back, kept) = fields_back(line.action.changes(), now, scope, is_taken);
    if now.protected {
        return Some(leave(contact, "contact_protected", kept));
    }
    let left = if line.action.changes().iter().any(is_taken) { "address_taken" } else { "changed_since" };
    let is_as_left = is_in_state(now, &turn.from) && is_still_theirs(&line.action, identity, now);
    if !is_as_left || only_fields {
        // Links and activity stay as they are; fields go back on their own.
        if back.is_empty() {
            return Some(leave(contact, left, kept));
        }
        let present = present_state(now, turn.from.link);
        let turn = Box::new(Turn { from: present.clone(), to: present });
        let action = Action::Restore { contact, expect: now.version, changes: back, turn, kept };
        return Some(action);
    }
    if back.is_empty() && turn.from == turn.to {
        return Some(leave(contact, left, kept));
    }
    let turn = Box::new(turn);
    Some(Action::Restore { contact, expect: now.version, changes: back, turn, kept })
}

/// `back` as the way back of `line`, which may have carried out an operator's answer or taken one back:
/// where the link goes back, so does the answer, and the question is open again.
#[must_use]
pub fn with_answer(line: &Line, mut back: Line) -> Line {
    let goes_back = match &back.action {
        Action::Settle { .. } => true,
        Action::Restore { turn, .. } => turn.from.link != turn.to.link,
        _ => false,
    };
    if goes_back {
        back.takes_back.clone_from(&line.answer);
        back.answer.clone_from(&line.takes_back);
    }
    back
}

fn leave(contact: ContactId, code: &str, kept: Vec<(String, String)>) -> Action {
    Action::Leave { contact, code: code.to_owned(), kept }
}

fn former_address(change: &FieldChange) -> Option<&EmailAddress> {
    match change {
        FieldChange::Email(change) => change.old.as_ref(),
        _ => None,
    }
}

/// Fields that go back, and those that somebody has changed since, that are protected, or taken.
fn fields_back(
    changes: &[FieldChange],
    now: &Contact,
    scope: &UndoScope,
    is_taken: impl Fn(&FieldChange) -> bool,
) -> (Vec<FieldChange>, Vec<(String, String)>) {
    let (mut back, mut kept) = (Vec::new(), Vec::new());
    for change in changes.iter().filter(|change| scope.covers_field(change.field())) {
        if change.is_in_place(now) && !now.protects(change.field()) && !is_taken(change) {
            back.push(change.inverse());
        } else {
            let (field, value) = change.shown(now);
            kept.push((field.to_owned(), value));
        }
    }
    (back, kept)
}

/// From the state the action left the contact in to the one before it.
fn turn_of(action: &Action, now: &Contact) -> Option<Turn> {
    match action {
        Action::Create { .. } => {
            let from = ContactState { inactive: false, entra: now.entra.clone(), link: LinkState::Active };
            let to = ContactState { inactive: true, entra: None, link: LinkState::Cut };
            Some(Turn { from, to })
        }
        Action::Link { before, activate, .. } | Action::Reactivate { before, activate, .. } => {
            let fallback =
                if matches!(action, Action::Link { .. }) { LinkState::Cut } else { LinkState::Inactive };
            let to = before.as_deref().cloned().unwrap_or_else(|| ContactState {
                inactive: now.inactive || *activate,
                entra: now.entra.clone().filter(|_| fallback == LinkState::Inactive),
                link: fallback,
            });
            let inactive = to.inactive && !activate;
            let from = ContactState { inactive, entra: now.entra.clone(), link: LinkState::Active };
            Some(Turn { from, to })
        }
        Action::MarkInactive { before, reason, .. } => {
            let mut entra = now.entra.clone();
            if let (Some(stamp), Some(before)) = (&mut entra, before) {
                let was_ours = before.entra.as_ref().is_some_and(|stamp| stamp.inactive_reason.is_some());
                stamp.inactive_reason = (!before.inactive || was_ours).then_some(*reason);
            }
            let from = ContactState { inactive: true, entra, link: LinkState::Inactive };
            let to = before.as_deref().cloned().unwrap_or_else(|| reactivated(now, *reason));
            Some(Turn { from, to })
        }
        Action::Restore { turn, .. } | Action::Unlink { turn, .. } => Some(turn.reversed()),
        Action::Update { .. } => {
            let present = present_state(now, LinkState::Active);
            Some(Turn { from: present.clone(), to: present })
        }
        _ => None,
    }
}

/// What the contact was before a line of format 1 made it inactive, which did not say.
fn reactivated(now: &Contact, reason: InactiveReason) -> ContactState {
    let mut entra = now.entra.clone();
    let mut ours = false;
    if let Some(stamp) = &mut entra {
        ours = stamp.inactive_reason == Some(reason);
        stamp.inactive_reason = None;
        stamp.account_enabled = Some(true);
    }
    ContactState { inactive: !ours, entra, link: LinkState::Active }
}

fn present_state(now: &Contact, link: LinkState) -> ContactState {
    ContactState { inactive: now.inactive, entra: now.entra.clone(), link }
}

/// Whether the contact still belongs to the person of the line, where the line left it so. Somebody else's
/// by now, it is not handed back.
fn is_still_theirs(action: &Action, identity: Identity, now: &Contact) -> bool {
    // A line that takes something back says itself whose it left the contact.
    matches!(action, Action::Restore { .. } | Action::Unlink { .. })
        || now.entra.as_ref().is_some_and(|stamp| stamp.identity == identity)
}

/// Whether the contact is in use, and whose it is, as the line left it. One that a human has made inactive since is
/// theirs, whatever this sync had done to it before.
fn is_in_state(now: &Contact, left: &ContactState) -> bool {
    let whose = |entra: &Option<EntraStamp>| entra.as_ref().map(|stamp| stamp.identity);
    let why = |entra: &Option<EntraStamp>| entra.as_ref().and_then(|stamp| stamp.inactive_reason);
    let by_the_same = !now.inactive || why(&now.entra) == why(&left.entra);
    now.inactive == left.inactive && whose(&now.entra) == whose(&left.entra) && by_the_same
}

#[cfg(test)]
mod tests;
