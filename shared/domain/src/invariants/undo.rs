//! What an undo makes of people.

use std::collections::{BTreeMap, BTreeSet};

use super::{Broken, People, holds};
use crate::{
    contact::Contact,
    fields::{Change, Field, FieldChange},
    ids::{ContactId, LineId},
    plan::{Action, Line},
    undo::UndoScope,
};

/// A run that is taken back, at four moments; nobody else wrote from `before` to `left`, nor from `now` to
/// `after`.
#[derive(Clone, Copy, Debug)]
pub struct TakenBack<'a> {
    /// When the run began.
    pub before: &'a People,
    /// When it ended.
    pub left: &'a People,
    /// When the undo began.
    pub now: &'a People,
    /// When the undo ended.
    pub after: &'a People,
    /// The lines of the run that were applied, of those tenants of which the undo is.
    pub lines: &'a [&'a Line],
    /// What of them the undo is about.
    pub scope: &'a UndoScope,
    /// The undo's lines.
    pub back: &'a [&'a Line],
    /// Those of them that were not applied, because something had changed since they were planned.
    pub stale: &'a BTreeSet<LineId>,
}

/// An undo puts back what the run has changed and nobody has changed since, except an address that is another
/// contact's by now, makes contacts inactive that the run has created, says what it leaves, and touches nothing else.
pub fn undo_restores(story: &TakenBack<'_>) -> Result<(), Broken> {
    let mut covered: BTreeMap<ContactId, usize> = BTreeMap::new();
    for line in story.lines {
        if let Some(contact) = line.contact_written().filter(|_| story.scope.covers(line)) {
            *covered.entry(contact).or_default() += 1;
        }
    }
    let stale: BTreeSet<ContactId> = story
        .back
        .iter()
        .filter(|line| story.stale.contains(&line.id))
        .filter_map(|line| line.contact_written())
        .collect();
    let cases = story.now.contacts.values().map(|now| {
        let Some(after) = story.after.contacts.get(&now.id) else { return Some(told(now, "has gone")) };
        match covered.get(&now.id) {
            None => {
                (now != after).then(|| format!("contact {}, which it is not about, is different", now.id))
            }
            Some(_) if stale.contains(&now.id) => None,
            Some(lines) => Contacts::of(story, now, after)?.wrong(story, *lines),
        }
    });
    holds("an undo puts back what nobody has changed since", cases)
}

/// One contact at the four moments.
struct Contacts<'a> {
    before: Option<&'a Contact>,
    left: &'a Contact,
    now: &'a Contact,
    after: &'a Contact,
}

impl<'a> Contacts<'a> {
    /// `None` when the run has written no such contact after all.
    fn of(story: &TakenBack<'a>, now: &'a Contact, after: &'a Contact) -> Option<Self> {
        let left = story.left.contacts.get(&now.id)?;
        Some(Self { before: story.before.contacts.get(&now.id), left, now, after })
    }

    fn wrong(&self, story: &TakenBack<'_>, lines: usize) -> Option<String> {
        self.wrong_field(story, lines).or_else(|| self.wrong_state(story))
    }

    fn wrong_field(&self, story: &TakenBack<'_>, lines: usize) -> Option<String> {
        let fields = SHOWN.iter().filter(|field| story.scope.covers_field(**field));
        for field in fields.clone() {
            let [left, now, after] = [self.left, self.now, self.after].map(|contact| shown(contact, *field));
            // What was created keeps its values.
            let before = self.before.map_or_else(|| left.clone(), |before| shown(before, *field));
            let is_free = *field != Field::Email || !self.is_former_address_anothers(story);
            let is_ours = now == left && before != left && !self.now.protects(*field) && is_free;
            let wanted = if is_ours { &before } else { &now };
            if after != *wanted {
                return Some(told(self.now, &format!("has another {}", field.label())));
            }
            let is_left = before != left && now != before && !is_ours;
            if is_left && lines == 1 && !self.is_told(story, Some(field.label())) {
                return Some(told(self.now, &format!("keeps its {} and nobody is told", field.label())));
            }
        }
        let others = SHOWN.iter().filter(|field| fields.clone().all(|wanted| wanted != *field));
        let touched = others.into_iter().find(|field| shown(self.now, **field) != shown(self.after, **field));
        touched
            .map(|field| told(self.now, &format!("has another {}, which was not asked for", field.label())))
    }

    fn is_former_address_anothers(&self, story: &TakenBack<'_>) -> bool {
        let former = self.before.and_then(|before| before.values.email.as_ref());
        let owner = former.and_then(|former| story.now.owners.get(former));
        owner.is_some_and(|owner| owner.contact != self.now.id)
    }

    /// Whether the contact is in use, and whose it is.
    fn wrong_state(&self, story: &TakenBack<'_>) -> Option<String> {
        let [left, now, after] = [self.left, self.now, self.after].map(state);
        let before = self.before.map_or((true, None), state);
        let is_ours = now == left && story.scope.fields.is_none() && !self.now.protected;
        let wanted = if is_ours { before } else { now };
        if after != wanted {
            return Some(told(self.now, &format!("is {after:?} and not {wanted:?} (inactive, whose)")));
        }
        let is_left = before != left && before != now && !is_ours && story.scope.fields.is_none();
        (is_left && !self.is_told(story, None))
            .then(|| format!("contact {} keeps its state and nobody is told", self.now.id))
    }

    /// Whether a line of the undo names the contact and, if one is given, the field among what it leaves.
    fn is_told(&self, story: &TakenBack<'_>, field: Option<&str>) -> bool {
        story.back.iter().any(|line| match &line.action {
            Action::Leave { contact, kept, .. } | Action::Restore { contact, kept, .. } => {
                *contact == self.now.id
                    && field.is_none_or(|field| kept.iter().any(|(name, _)| name == field))
            }
            _ => false,
        })
    }
}

/// The fields of a contact; the sign-in name belongs to its link.
const SHOWN: [Field; 7] = [
    Field::Company,
    Field::Department,
    Field::Email,
    Field::FullName,
    Field::Office,
    Field::Phones,
    Field::Role,
];

fn shown(contact: &Contact, field: Field) -> FieldChange {
    let values = &contact.values;
    match field {
        Field::Company => FieldChange::Company(same(&values.company)),
        Field::Department => FieldChange::Department(same(&values.department)),
        Field::Email => FieldChange::Email(same(&values.email)),
        Field::FullName => FieldChange::FullName(same(&values.full_name)),
        Field::Office => FieldChange::Office(same(&values.office)),
        Field::Phones => FieldChange::Phones(same(&values.phones)),
        Field::Role | Field::UserPrincipalName => FieldChange::Role(same(&values.role)),
    }
}

fn same<T: Clone>(value: &T) -> Change<T> {
    Change::new(value.clone(), value.clone())
}

type State = (bool, Option<crate::ids::Identity>);

fn state(contact: &Contact) -> State {
    (contact.inactive, contact.entra.as_ref().map(|stamp| stamp.identity))
}

fn told(contact: &Contact, what: &str) -> String {
    format!("contact {} {what}", contact.id)
}
