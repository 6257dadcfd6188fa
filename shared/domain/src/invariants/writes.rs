//! What a sync made of people, and the lines it had planned before.

use std::collections::{BTreeMap, BTreeSet};

use super::{Broken, People, Planned, holds};
use crate::{
    contact::Contact,
    fields::{Field, FieldRules, Overwrite},
    ids::{ClientId, ContactId, Identity, LineId},
    plan::Action,
};

/// Contacts of other clients than `clients` are what they were.
pub fn other_clients_are_untouched(
    before: &People,
    after: &People,
    clients: &BTreeSet<ClientId>,
) -> Result<(), Broken> {
    let cases = after.contacts.values().map(|contact| {
        let touched = !clients.contains(&contact.client) && before.contacts.get(&contact.id) != Some(contact);
        touched.then(|| format!("contact {} of client {} was written", contact.id, contact.client))
    });
    holds("contacts of other clients are untouched", cases)
}

/// A field whose rule is off does not change in a contact that was there before. The sign-in name comes with
/// the first link to an account, and is a field as any other from then on.
pub fn only_enabled_fields_change(rules: &FieldRules, before: &People, after: &People) -> Result<(), Broken> {
    let cases = before.contacts.values().map(|contact| {
        let now = after.contacts.get(&contact.id)?;
        let (old, new) = (&contact.values, &now.values);
        let off = |field| rules.rule(field).overwrite == Overwrite::Never;
        let changed = [
            ("the name", old.full_name != new.full_name && off(Field::FullName)),
            ("the address", old.email != new.email && off(Field::Email)),
            ("the phones", old.phones != new.phones && off(Field::Phones)),
            ("the role", old.role != new.role && off(Field::Role)),
            ("the department", old.department != new.department && off(Field::Department)),
            ("the office", old.office != new.office && off(Field::Office)),
            ("the company", old.company != new.company && off(Field::Company)),
            (
                "the sign-in name",
                off(Field::UserPrincipalName)
                    && contact.entra.as_ref().zip(now.entra.as_ref()).is_some_and(|(was, is)| {
                        was.identity == is.identity && was.user_principal_name != is.user_principal_name
                    }),
            ),
            ("the additional addresses", contact.additional_emails != now.additional_emails),
        ];
        let (field, _) = changed.into_iter().find(|(_, changed)| *changed)?;
        Some(format!("{field} of contact {} changed", contact.id))
    });
    holds("only fields whose rule is on change", cases)
}

/// Every write to a contact follows exactly one planned line: from what the contact was, lines that
/// were planned for just these versions lead to what it is, byte for byte. Answers which lines were
/// written.
pub fn writes_follow_lines(
    before: &People,
    after: &People,
    planned: &[Planned<'_>],
) -> Result<BTreeSet<LineId>, Broken> {
    let mut by_contact: BTreeMap<ContactId, BTreeMap<LineId, Planned<'_>>> = BTreeMap::new();
    for planned in planned {
        if let Some(contact) = planned.line.contact_written() {
            by_contact.entry(contact).or_default().insert(planned.line.id, *planned);
        }
    }
    let none = BTreeMap::new();
    let mut written = BTreeSet::new();
    for contact in after.contacts.values() {
        let lines = by_contact.get(&contact.id).unwrap_or(&none);
        let Some(path) = path(before.contacts.get(&contact.id), contact, lines) else {
            let versions = (before.contacts.get(&contact.id).map_or(0, |was| was.version), contact.version);
            let found = format!(
                "no lines lead contact {} from version {} to version {} ({} lines name it)",
                contact.id,
                versions.0,
                versions.1,
                lines.len()
            );
            return Err(Broken { sentence: "every write follows one line", found });
        };
        written.extend(path);
    }
    Ok(written)
}

/// The lines that lead from `now` to `end`, one for each version between.
fn path(now: Option<&Contact>, end: &Contact, lines: &BTreeMap<LineId, Planned<'_>>) -> Option<Vec<LineId>> {
    if now == Some(end) {
        return Some(Vec::new());
    }
    let version = now.map_or(0, |contact| contact.version);
    if version >= end.version {
        return None;
    }
    lines.values().find_map(|planned| {
        let (line, client) = (planned.line, planned.client);
        if expected(&line.action) != Some(version) {
            return None;
        }
        let identity = Identity { tenant: planned.tenant, object: line.object };
        let next = line.action.contact_after(client, identity, line.id, now)?;
        let rest = path(Some(&next), end, lines)?;
        Some(std::iter::once(line.id).chain(rest).collect())
    })
}

/// The contact's version a line was planned for; 0 for a contact that is created.
fn expected(action: &Action) -> Option<u64> {
    if matches!(action, Action::Create { .. }) { Some(0) } else { action.expected_version() }
}

/// Every line of pages that are noted as applied is among those `written`, unless it was reported as
/// `stale`, or creates a contact that somebody had created for the same identity before.
pub fn applied_lines_are_written(
    applied: &[Planned<'_>],
    written: &BTreeSet<LineId>,
    stale: &BTreeSet<LineId>,
    after: &People,
) -> Result<(), Broken> {
    let cases = applied.iter().map(|planned| {
        let line = planned.line;
        let contact = line.contact_written()?;
        let identity = Identity { tenant: planned.tenant, object: line.object };
        let stamp = after.contacts.get(&contact).and_then(|contact| contact.entra.as_ref());
        let there = matches!(line.action, Action::Create { .. })
            && stamp.is_some_and(|stamp| stamp.identity == identity);
        (!written.contains(&line.id) && !stale.contains(&line.id) && !there)
            .then(|| format!("line {} about contact {contact} was not", line.id))
    });
    holds("lines that count as applied were written", cases)
}

/// Whoever becomes inactive does so by a line that says it.
pub fn inactive_only_by_a_line(
    before: &People,
    after: &People,
    planned: &[Planned<'_>],
) -> Result<(), Broken> {
    let said: BTreeSet<ContactId> = planned
        .iter()
        .filter_map(|planned| match planned.line.action {
            Action::MarkInactive { contact, .. } => Some(contact),
            Action::Restore { contact, ref turn, .. } if turn.to.inactive => Some(contact),
            _ => None,
        })
        .collect();
    let cases = after.contacts.values().filter(|now| now.inactive && !said.contains(&now.id)).map(|now| {
        let was_active = before.contacts.get(&now.id).is_none_or(|was| !was.inactive);
        was_active.then(|| format!("contact {} became inactive without one", now.id))
    });
    holds("a contact becomes inactive by a line", cases)
}

/// Only contacts that this sync made inactive become active again, and those that an undo puts back; where
/// the `rules` let the directory overrule a human, also others that are not protected.
pub fn only_ours_become_active(
    rules: &FieldRules,
    before: &People,
    after: &People,
    planned: &[Planned<'_>],
) -> Result<(), Broken> {
    let back: BTreeSet<ContactId> = planned
        .iter()
        .filter_map(|planned| match &planned.line.action {
            Action::Restore { contact, turn, .. } if !turn.to.inactive => Some(*contact),
            Action::Link { contact, activate: true, .. }
            | Action::Reactivate { contact, activate: true, .. }
                if rules.mark_active_when_enabled
                    && before.contacts.get(contact).is_some_and(|was| !was.protected) =>
            {
                Some(*contact)
            }
            _ => None,
        })
        .collect();
    let cases = before.contacts.values().filter(|was| was.inactive).map(|was| {
        let active = after.contacts.get(&was.id).is_some_and(|now| !now.inactive);
        let ours = was.entra.as_ref().is_some_and(|stamp| stamp.inactive_reason.is_some());
        (active && !ours && !back.contains(&was.id))
            .then(|| format!("contact {} was made inactive by somebody else", was.id))
    });
    holds("only contacts that the sync made inactive become active", cases)
}
