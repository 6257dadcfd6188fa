//! Why a field is written, or is not: the three values side by side, and the policy that looked at them.

use serde::{Deserialize, Serialize};

use super::{
    Clear, Field, FieldChange, FieldRule, FieldRules, Origin, Overwrite, provenance,
    value::{FieldValue, sign_in_name},
};
use crate::{contact::Contact, facts::SourceFacts};

/// What becomes of one field of one person.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldStory {
    /// The field.
    pub field: Field,
    /// What the contact shows; `None` when it shows nothing.
    pub local: Option<String>,
    /// What the directory says now.
    pub source: Option<String>,
    /// What the directory said at the last sync; `None` when it said nothing, or there was none.
    pub base: Option<String>,
    /// Where the value that the contact shows is from.
    #[serde(skip)]
    pub origin: Origin,
    /// The field's policy.
    pub policy: Overwrite,
    /// What becomes of it, as a stable code.
    pub verdict: Verdict,
    /// Why, in a sentence.
    pub why: String,
}

/// What becomes of a field.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The directory's value is written.
    Written,
    /// The contact shows what the directory says.
    Same,
    /// The policy is `never`.
    Off,
    /// Somebody has edited the contact since the last sync.
    Edited,
    /// The contact has a value, and only blanks are filled.
    NotEmpty,
    /// The directory says what it said at the last sync.
    SourceUnchanged,
    /// The directory says nothing, and a blank clears nothing here.
    Blank,
    /// The directory says nothing, and that clears the field once it is confirmed.
    Unconfirmed,
    /// The PSA forbids it.
    Protected,
    /// It is the first sync of the person, and the policy waits for a change.
    FirstSync,
    /// An operator has dismissed the question whose the address is.
    Withheld,
    /// The policy would write it, but nobody looks at the contact before the directory or a rule changes.
    NotLookedAt,
}

/// Whom a story is about, beside the rules.
#[derive(Clone, Copy, Debug)]
pub struct StoryOf<'a> {
    /// The contact.
    pub contact: &'a Contact,
    /// What the directory said at the last sync.
    pub base: Option<&'a SourceFacts>,
    /// What the directory says now.
    pub facts: &'a SourceFacts,
    /// What the plan writes.
    pub planned: &'a [FieldChange],
    /// Whether the plan looks at the contact at all: not when nothing has changed.
    pub is_looked_at: bool,
}

impl StoryOf<'_> {
    /// What becomes of `field` under `rules`. That it is written, and that it is not, follows the plan.
    pub fn told(&self, rules: &FieldRules, field: Field) -> FieldStory {
        let values = &self.contact.values;
        match field {
            Field::Company => self.of(rules, field, &values.company, |facts| facts.company.clone()),
            Field::Department => self.of(rules, field, &values.department, |facts| facts.department.clone()),
            Field::Email => self.of(rules, field, &values.email, |facts| Some(facts.email.clone())),
            Field::FullName => self.of(rules, field, &values.full_name, |facts| facts.full_name.clone()),
            Field::Office => self.of(rules, field, &values.office, |facts| facts.office.clone()),
            Field::Phones => self.of(rules, field, &values.phones, |facts| facts.phones.clone()),
            Field::Role => self.of(rules, field, &values.role, |facts| facts.role.clone()),
            Field::UserPrincipalName => {
                self.of(rules, field, &sign_in_name(self.contact), |facts| facts.user_principal_name.clone())
            }
        }
    }

    fn of<T: FieldValue>(
        &self,
        rules: &FieldRules,
        field: Field,
        local: &T,
        value: impl Fn(&SourceFacts) -> T,
    ) -> FieldStory {
        let (source, base) = (value(self.facts), self.base.map(value));
        let rule = rules.rule(field);
        let sides = Sides {
            is_same: local.is_same(&source),
            is_source_blank: source.is_blank() || (field == Field::FullName && self.facts.is_name_made_up()),
            is_edited: base.as_ref().is_some_and(|base| !base.is_same(local)),
        };
        let verdict = self.verdict(rules, field, rule, &sides);
        let shown = |value: &T| (!value.is_blank()).then(|| value.text());
        FieldStory {
            field,
            local: shown(local),
            source: shown(&source),
            base: base.as_ref().and_then(shown),
            origin: provenance(field, self.contact, self.base).origin,
            policy: rule.overwrite,
            verdict,
            why: why(verdict, self.over_edit(field)),
        }
    }

    fn over_edit(&self, field: Field) -> bool {
        self.planned.iter().any(|change| change.field() == field && change.over_edit())
    }

    fn verdict(&self, rules: &FieldRules, field: Field, rule: FieldRule, sides: &Sides) -> Verdict {
        let is_of = |change: &FieldChange| change.field() == field;
        if self.planned.iter().any(is_of) {
            return Verdict::Written;
        }
        // What the rules would write and the plan does not.
        let wanted = rules.changes(self.contact, self.base, self.facts).into_iter().find(is_of);
        if wanted.as_ref().is_some_and(FieldChange::clears) && rule.clear == Clear::AfterGrace {
            return Verdict::Unconfirmed;
        }
        if wanted.is_some() {
            return if self.is_looked_at { Verdict::Withheld } else { Verdict::NotLookedAt };
        }
        if sides.is_same {
            return Verdict::Same;
        }
        if self.contact.protects(field) {
            return Verdict::Protected;
        }
        match rule.overwrite {
            Overwrite::Never => Verdict::Off,
            _ if sides.is_source_blank => Verdict::Blank,
            Overwrite::OnlyIfEmpty | Overwrite::Always => Verdict::NotEmpty,
            _ if self.base.is_none() => Verdict::FirstSync,
            Overwrite::UnlessEdited if sides.is_edited => Verdict::Edited,
            _ => Verdict::SourceUnchanged,
        }
    }
}

struct Sides {
    is_same: bool,
    is_source_blank: bool,
    is_edited: bool,
}

fn why(verdict: Verdict, over_edit: bool) -> String {
    let said = match verdict {
        Verdict::Written if over_edit => "Written, over an edit of somebody's.",
        Verdict::Written => "Written.",
        Verdict::Same => "Both say the same.",
        Verdict::Off => "Kept: this field is not synced.",
        Verdict::Edited => "Kept: somebody has edited it since the last sync.",
        Verdict::NotEmpty => "Kept: the contact has a value, and only blanks are filled.",
        Verdict::SourceUnchanged => "Kept: the directory says what it said at the last sync.",
        Verdict::Blank => "Kept: the directory says nothing, and that clears nothing.",
        Verdict::Unconfirmed => {
            "Kept until as many reads and hours have confirmed the blank as are asked for of people who are gone."
        }
        Verdict::Protected => "Kept: the PSA protects it.",
        Verdict::FirstSync => {
            "Kept: this policy writes only what changes in the directory, and this is the person's first sync."
        }
        Verdict::Withheld => {
            "Kept: another contact has this address, and an operator decided to leave it there."
        }
        Verdict::NotLookedAt => {
            "Kept: a contact is looked at again only when the directory or a field rule changes for this person."
        }
    };
    said.to_owned()
}

impl Overwrite {
    /// The policy's name in the settings and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Never => "never",
            Self::OnlyIfEmpty => "only-if-empty",
            Self::UnlessEdited => "unless-edited",
            Self::WhenSourceChanges => "when-source-changes",
        }
    }
}
