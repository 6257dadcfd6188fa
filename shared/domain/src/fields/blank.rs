//! A value that the directory has blanked, and that a contact keeps until that is confirmed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Field;

/// For how long a field has been blank in the directory.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Blank {
    /// The field.
    pub field: Field,
    /// In how many reads in a row.
    pub times: u8,
    /// When the first of them began; absent = with the run that applies the line, so that a preview and its run
    /// plan the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// When the last of them began; absent = with the run that applies the line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
}

impl Blank {
    /// The field is blank in a read of a run that began at `now`. `before` = what was noted the last time; a
    /// directory that tells of a person twice in one read confirms nothing. More than `enough` times are not
    /// counted: while only hours have to pass, a read writes nothing.
    pub fn seen(field: Field, before: Option<Self>, now: Timestamp, enough: u8) -> Self {
        let Some(before) = before else { return Self { field, times: 1, since: None, last: None } };
        if before.last == Some(now) || before.times >= enough {
            return before;
        }
        Self { times: before.times.saturating_add(1), last: None, ..before }
    }

    /// As it is noted by a run that began at `at`.
    #[must_use]
    pub fn noted(self, at: Timestamp) -> Self {
        Self { since: self.since.or(Some(at)), last: self.last.or(Some(at)), ..self }
    }
}
