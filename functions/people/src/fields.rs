//! Taking the columns of a row out one by one, each as what it has to be.

use std::str::FromStr;

use domain::text::{TEXT_CHARACTERS_MAX, clean};
use serde_json::Value;

use crate::{document::Columns, row_error::RowError};

/// What separates the entries of a list in one CSV cell.
pub(crate) const SEPARATOR: char = ';';

/// The columns of a row that were not taken yet.
pub(crate) struct Fields(Columns);

impl Fields {
    pub(crate) fn new(columns: Columns) -> Self {
        Self(columns)
    }

    /// Whether the row has the column, blank or not.
    pub(crate) fn has(&self, column: &str) -> bool {
        self.0.contains_key(column)
    }

    /// The column as it is; an absent one is null.
    pub(crate) fn take(&mut self, column: &str) -> Value {
        self.0.remove(column).unwrap_or_default()
    }

    /// Text, cleaned; `None` when nothing is left.
    pub(crate) fn text(&mut self, column: &str) -> Result<Option<String>, RowError> {
        text(column, self.take(column))
    }

    /// Text that has to be there.
    pub(crate) fn required_text(&mut self, column: &str) -> Result<String, RowError> {
        self.text(column)?.ok_or_else(|| missing(column))
    }

    /// Text of a kind of its own that has to be there.
    pub(crate) fn parsed<T: FromStr>(&mut self, column: &str, expected: &'static str) -> Result<T, RowError> {
        let text = self.required_text(column)?;
        text.parse().map_err(|_| invalid(column, expected))
    }

    /// Yes or no; absent means no. In a cell also `1`, `0`, `yes` and `no`, in any case.
    pub(crate) fn flag(&mut self, column: &str) -> Result<bool, RowError> {
        flag(column, self.take(column))
    }

    /// A list of texts, or one text with `;` between the entries. Each is cleaned; blank ones and
    /// repetitions do not count.
    pub(crate) fn list(&mut self, column: &str) -> Result<Vec<String>, RowError> {
        let entries = match self.take(column) {
            Value::Null => Vec::new(),
            Value::Array(entries) => entries,
            other => vec![other],
        };
        let mut list: Vec<String> = Vec::new();
        for entry in entries {
            let Value::String(entry) = entry else {
                return Err(invalid(column, "a list of texts"));
            };
            for part in entry.split(SEPARATOR) {
                list.extend(cleaned(column, part)?.filter(|part| !list.contains(part)));
            }
        }
        Ok(list)
    }

    /// Columns that are known and not for writing.
    pub(crate) fn ignore(&mut self, columns: &[&str]) {
        for column in columns {
            self.0.remove(*column);
        }
    }

    /// Refuses what nobody took.
    pub(crate) fn finish(self) -> Result<(), RowError> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(column) => Err(RowError::UnknownColumn { column: edge::text::safe(column, 64) }),
        }
    }
}

pub(crate) fn text(column: &str, value: Value) -> Result<Option<String>, RowError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => cleaned(column, &text),
        _ => Err(invalid(column, "a text")),
    }
}

pub(crate) fn flag(column: &str, value: Value) -> Result<bool, RowError> {
    match value {
        Value::Null => Ok(false),
        Value::Bool(flag) => Ok(flag),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Ok(true),
            "false" | "no" | "0" | "" => Ok(false),
            _ => Err(invalid(column, "true or false")),
        },
        _ => Err(invalid(column, "true or false")),
    }
}

/// Nothing is cut: a text that is too long is refused.
pub(crate) fn cleaned(column: &str, text: &str) -> Result<Option<String>, RowError> {
    if text.trim().chars().count() > TEXT_CHARACTERS_MAX {
        return Err(RowError::TooLong { column: column.to_owned(), max: TEXT_CHARACTERS_MAX });
    }
    Ok(clean(text))
}

pub(crate) fn missing(column: &str) -> RowError {
    RowError::Missing { column: column.to_owned() }
}

pub(crate) fn invalid(column: &str, expected: &'static str) -> RowError {
    RowError::Invalid { column: column.to_owned(), expected }
}
