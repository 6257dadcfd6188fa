//! What every import does: count, report, and go on.

use std::collections::BTreeMap;

use serde::Serialize;
use store::StoreError;

use crate::{
    document::{Columns, DocumentError, Format, Row},
    row_error::RowError,
};

/// Failed rows that are listed; the others are counted.
pub const FAILED_LISTED_MAX: usize = 100;

/// Rows that are looked at together, before any of them is written.
pub(crate) const ROWS_AT_ONCE: usize = 256;

/// Rows that are written at the same time.
pub(crate) const WRITES_AT_ONCE: usize = 16;

/// What became of a document.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportResult {
    /// Rows that are new.
    pub created: u64,
    /// Rows that were there and are different now.
    pub updated: u64,
    /// Rows that were like that already.
    pub unchanged: u64,
    /// The first [`FAILED_LISTED_MAX`] rows that were left out, by line.
    pub failed: Vec<FailedRow>,
    /// Rows that were left out.
    pub failed_total: u64,
}

/// One row that was left out.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct FailedRow {
    /// The line it begins in, from 1.
    pub line: u64,
    /// A stable name of the failure.
    pub code: &'static str,
    /// What happened and what to do.
    pub message: String,
}

/// A document of which not every row was looked at.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It cannot be taken apart; nothing was applied.
    #[error("the document cannot be read")]
    Document(#[from] DocumentError),
    /// The table failed. Rows before may be applied; the same document again counts those as
    /// unchanged.
    #[error("the table failed")]
    Store(#[from] StoreError),
}

/// What became of one row.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Applied {
    Created,
    Unchanged,
    Updated,
}

/// The result so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    applied: [u64; 3],
    failed: BTreeMap<u64, FailedRow>,
    failed_total: u64,
    syntax_failures: u64,
}

impl Tally {
    pub(crate) fn applied(&mut self, applied: Applied) {
        self.applied[applied as usize] += 1;
    }

    pub(crate) fn failed(&mut self, line: u64, error: &RowError) {
        self.failed_total += 1;
        self.syntax_failures += u64::from(error.is_syntax());
        self.failed.insert(line, FailedRow { line, code: error.code(), message: error.to_string() });
        if self.failed.len() > FAILED_LISTED_MAX {
            self.failed.pop_last();
        }
    }

    /// The rows of `rows` that hold what they have to, with their lines; the others are counted.
    pub(crate) fn parse<T>(
        &mut self,
        rows: Vec<Row>,
        parse: impl Fn(Columns) -> Result<T, RowError>,
    ) -> Vec<(u64, T)> {
        let parsed = rows.into_iter().filter_map(|(line, columns)| match columns.and_then(&parse) {
            Ok(row) => Some((line, row)),
            Err(error) => {
                self.failed(line, &error);
                None
            }
        });
        parsed.collect()
    }

    /// The result; a document without any row that can be taken apart is none.
    pub(crate) fn result(self, format: Format) -> Result<ImportResult, DocumentError> {
        let [created, unchanged, updated] = self.applied;
        let rows = created + unchanged + updated + self.failed_total;
        if rows > 0 && rows == self.syntax_failures {
            let line = self.failed.keys().next().copied().unwrap_or(1);
            return Err(DocumentError::Malformed { expected: format.described(), line });
        }
        Ok(ImportResult {
            created,
            updated,
            unchanged,
            failed: self.failed.into_values().collect(),
            failed_total: self.failed_total,
        })
    }
}

/// The lines in which ids were seen first.
#[derive(Debug)]
pub(crate) struct Seen<K>(BTreeMap<K, u64>);

impl<K> Default for Seen<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord> Seen<K> {
    /// The rows whose id no earlier row of the document has; the others are counted as failed.
    pub(crate) fn first_ones<T>(
        &mut self,
        mut rows: Vec<(u64, T)>,
        key: impl Fn(&T) -> K,
        tally: &mut Tally,
    ) -> Vec<(u64, T)> {
        rows.retain(|(line, row)| {
            let first = *self.0.entry(key(row)).or_insert(*line);
            if first != *line {
                tally.failed(*line, &RowError::Repeated { first });
            }
            first == *line
        });
        rows
    }
}
