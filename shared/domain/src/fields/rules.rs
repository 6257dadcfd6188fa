//! Which of three values wins.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Blank, Change, Field, FieldChange,
    value::{FieldValue, sign_in_name},
};
use crate::{contact::Contact, facts::SourceFacts, policy::VanishRules};

/// When the directory's value is written into a contact.
///
/// L is the local value, S the source's, B the base: what the source said at the last sync of this
/// person, unknown when there was none. Nothing is written where L shows S already. A blank S is a
/// matter of [`FieldRule::clear`].
///
/// A rule is asked when a person is looked at: when the directory says something else of the person, in any
/// field, or when a rule about fields is another one. Somebody's edit of L is no occasion; it is seen with
/// the next one.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Overwrite {
    /// S wins, over an edit, too, with the next occasion; until then the edit stays.
    Always,
    /// L wins.
    #[default]
    Never,
    /// S fills an empty L and never replaces anything.
    OnlyIfEmpty,
    /// S wins once it is no longer B, unless somebody has edited L since: L is still B.
    UnlessEdited,
    /// S wins once it is no longer B, over an edit, too.
    WhenSourceChanges,
}

/// What becomes of a value that the directory has blanked since the last sync, where [`Overwrite`] would write.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Clear {
    /// The contact keeps it.
    #[default]
    Never,
    /// The contact loses it once as many reads and hours have confirmed the blank as are asked for of people
    /// who are gone ([`crate::policy::VanishRules::is_confirmed`]).
    AfterGrace,
    /// The contact loses it.
    AtOnce,
}

/// The rule of one field.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FieldRule {
    /// When the directory's value is written.
    pub overwrite: Overwrite,
    /// Whether, and when, a value that the directory has blanked is blanked in the contact. One of two gates;
    /// the other one is [`FieldRules::allow_clearing`].
    pub clear: Clear,
}

/// The rules of all fields. Every local value is authoritative until an operator decides otherwise.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FieldRules {
    /// Company name.
    pub company: FieldRule,
    /// Department.
    pub department: FieldRule,
    /// The address; never cleared.
    pub email: FieldRule,
    /// Full name; never cleared.
    pub full_name: FieldRule,
    /// Office location.
    pub office: FieldRule,
    /// The phone list, as a whole.
    pub phones: FieldRule,
    /// Role.
    pub role: FieldRule,
    /// Sign-in name shown on the contact.
    pub user_principal_name: FieldRule,
    /// Make contacts inactive when their account is disabled; on unless turned off.
    pub mark_inactive_when_disabled: bool,
    /// Let a person who is active in the directory make a contact active that a human made inactive; off
    /// unless turned on. As a rule about a field it is asked when a person is looked at.
    pub mark_active_when_enabled: bool,
    /// Whether any field may be cleared at all.
    pub allow_clearing: bool,
}

impl From<Overwrite> for FieldRule {
    /// The rule that never clears.
    fn from(overwrite: Overwrite) -> Self {
        Self { overwrite, clear: Clear::Never }
    }
}

impl Default for FieldRules {
    fn default() -> Self {
        let rule = FieldRule::default();
        Self {
            company: rule,
            department: rule,
            email: rule,
            full_name: rule,
            office: rule,
            phones: rule,
            role: rule,
            user_principal_name: rule,
            mark_inactive_when_disabled: true,
            mark_active_when_enabled: false,
            allow_clearing: false,
        }
    }
}

impl FieldRules {
    /// The rule of one field.
    pub fn rule(&self, field: Field) -> FieldRule {
        match field {
            Field::Company => self.company,
            Field::Department => self.department,
            Field::Email => self.email,
            Field::FullName => self.full_name,
            Field::Office => self.office,
            Field::Phones => self.phones,
            Field::Role => self.role,
            Field::UserPrincipalName => self.user_principal_name,
        }
    }

    /// The rule of one field, to be changed.
    pub fn rule_mut(&mut self, field: Field) -> &mut FieldRule {
        match field {
            Field::Company => &mut self.company,
            Field::Department => &mut self.department,
            Field::Email => &mut self.email,
            Field::FullName => &mut self.full_name,
            Field::Office => &mut self.office,
            Field::Phones => &mut self.phones,
            Field::Role => &mut self.role,
            Field::UserPrincipalName => &mut self.user_principal_name,
        }
    }

    /// What these rules write into `contact`, in the order of [`Field::ALL`], blanks that are still to be
    /// confirmed included ([`Self::hold_back`]). `base` is what the directory said at the last sync of the
    /// person. Nothing that is protected changes.
    pub fn changes(
        &self,
        contact: &Contact,
        base: Option<&SourceFacts>,
        facts: &SourceFacts,
    ) -> Vec<FieldChange> {
        let change = |field: Field| {
            let overwrite = self.rule(field).overwrite;
            let clears = self.may_clear(field);
            Case { overwrite, clears, base, facts }.change(field, contact)
        };
        Field::ALL.into_iter().filter(|field| !contact.protects(*field)).filter_map(change).collect()
    }

    /// Whether both gates let the field be cleared.
    pub fn may_clear(&self, field: Field) -> bool {
        self.allow_clearing && self.rule(field).clear != Clear::Never && field.is_clearable()
    }

    /// Takes off `changes` the blanks that are still to be confirmed, and answers what is to be remembered of
    /// the directory: as if it still said there what it said at the last sync, so that the blank is met again.
    pub fn hold_back(
        &self,
        changes: &mut Vec<FieldChange>,
        base: Option<&SourceFacts>,
        facts: &SourceFacts,
        patience: Patience,
    ) -> SourceFacts {
        let mut remembered = facts.clone();
        let Some(base) = base else { return remembered };
        changes.retain(|change| {
            let field = change.field();
            if !change.clears() || self.rule(field).clear != Clear::AfterGrace {
                return true;
            }
            let enough = patience.vanish.confirmations.max(1);
            let blank = Blank::seen(field, base.blank(field), patience.now, enough);
            let is_confirmed = patience.is_enough(&blank);
            if !is_confirmed {
                remembered.keep(field, base);
                remembered.blanks.push(blank);
            }
            is_confirmed
        });
        remembered
    }
}

/// How often and how long a blank has to be seen before it clears a field.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The reads and hours.
    pub vanish: VanishRules,
    /// When the run began.
    pub now: Timestamp,
}

impl Patience {
    fn is_enough(&self, blank: &Blank) -> bool {
        self.vanish.is_confirmed(blank.times, blank.since.unwrap_or(self.now), self.now)
    }
}

/// Everything but the local value.
struct Case<'a> {
    overwrite: Overwrite,
    clears: bool,
    base: Option<&'a SourceFacts>,
    facts: &'a SourceFacts,
}

impl Case<'_> {
    fn change(&self, field: Field, contact: &Contact) -> Option<FieldChange> {
        let values = &contact.values;
        match field {
            Field::Company => {
                self.decide(&values.company, |facts| facts.company.clone()).map(FieldChange::Company)
            }
            Field::Department => {
                self.decide(&values.department, |facts| facts.department.clone()).map(FieldChange::Department)
            }
            Field::Email => {
                self.decide(&values.email, |facts| Some(facts.email.clone())).map(FieldChange::Email)
            }
            Field::FullName => self.full_name(contact).map(FieldChange::FullName),
            Field::Office => {
                self.decide(&values.office, |facts| facts.office.clone()).map(FieldChange::Office)
            }
            Field::Phones => {
                self.decide(&values.phones, |facts| facts.phones.clone()).map(FieldChange::Phones)
            }
            Field::Role => self.decide(&values.role, |facts| facts.role.clone()).map(FieldChange::Role),
            Field::UserPrincipalName => self
                .decide(&sign_in_name(contact), |facts| facts.user_principal_name.clone())
                .map(FieldChange::UserPrincipalName),
        }
    }

    /// A name made from the address, for want of any other, is a blank on either side.
    fn full_name(&self, contact: &Contact) -> Option<Change<String>> {
        if self.facts.is_name_made_up() {
            return None;
        }
        let local = &contact.values.full_name;
        let is_made_up = contact.values.email.as_ref().is_some_and(|email| email.local_part() == local);
        self.decide_over(local, local.is_blank() || is_made_up, |facts| facts.full_name.clone())
    }

    fn decide<T: FieldValue>(&self, local: &T, value: impl Fn(&SourceFacts) -> T) -> Option<Change<T>> {
        self.decide_over(local, local.is_blank(), value)
    }

    fn decide_over<T: FieldValue>(
        &self,
        local: &T,
        is_empty: bool,
        value: impl Fn(&SourceFacts) -> T,
    ) -> Option<Change<T>> {
        let source = value(self.facts);
        let base = self.base.map(value);
        let has_changed = base.as_ref().is_some_and(|base| !base.is_same(&source));
        let is_synced = base.as_ref().is_some_and(|base| base.is_same(local));
        let is_wanted = match self.overwrite {
            Overwrite::Always => true,
            Overwrite::Never => false,
            Overwrite::OnlyIfEmpty => is_empty,
            Overwrite::UnlessEdited => has_changed && is_synced,
            Overwrite::WhenSourceChanges => has_changed,
        };
        let is_blanked = base.as_ref().is_some_and(|base| !base.is_blank());
        let is_permitted = !source.is_blank() || (self.clears && is_blanked);
        if !is_wanted || !is_permitted || local.is_same(&source) {
            return None;
        }
        let over_edit = base.is_some() && !is_synced && !local.is_blank();
        Some(Change { old: local.clone(), new: source, over_edit })
    }
}
