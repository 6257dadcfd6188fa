//! Values that are not shown.

use std::{borrow::Cow, collections::BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Field, FieldStory};

/// Fields whose values an operator does not want to be shown in lines, explanations and stories of people. It is
/// about showing alone: plans keep the values, since they are applied exactly. Whom a line is about is shown
/// always.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Hidden(BTreeSet<Field>);

/// What stands in the place of a value. Where there is no value, nothing stands in its place: that a field was
/// empty, or becomes so, is shown.
pub const HIDDEN: &str = "(hidden)";

impl FromIterator<Field> for Hidden {
    fn from_iter<I: IntoIterator<Item = Field>>(fields: I) -> Self {
        Self(fields.into_iter().collect())
    }
}

impl Hidden {
    /// Whether every value is shown.
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// The fields, in the order of their names.
    pub fn fields(&self) -> impl Iterator<Item = Field> {
        self.0.iter().copied()
    }

    /// The value of a field as it is shown.
    pub fn shown<'a>(&self, field: Field, value: &'a str) -> Cow<'a, str> {
        let is_hidden = self.0.contains(&field) && !value.is_empty();
        Cow::Borrowed(if is_hidden { HIDDEN } else { value })
    }

    /// What becomes of a field as it is told.
    #[must_use]
    pub fn told(&self, story: FieldStory) -> FieldStory {
        let shown = |value: Option<String>| value.map(|value| self.shown(story.field, &value).into_owned());
        let (local, source, base) =
            (shown(story.local.clone()), shown(story.source.clone()), shown(story.base.clone()));
        FieldStory { local, source, base, ..story }
    }
}
