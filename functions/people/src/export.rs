//! Rows as text.

use serde::Serialize;
use serde_json::Value;

use crate::{cell, clients, contacts, document::Header, fields::SEPARATOR};

/// How rows leave.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ExportFormat {
    /// RFC 4180 with a header row. No cell begins a formula.
    Csv,
    /// One JSON object on each line.
    JsonLines,
}

/// Rows that could not be written down.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// As CSV.
    #[error("rows could not be written as CSV")]
    Csv(#[from] csv::Error),
    /// As JSON.
    #[error("a row could not be written as JSON")]
    Json(#[from] serde_json::Error),
}

/// Clients as a document that [`clients::import`] takes back.
pub fn clients(format: ExportFormat, rows: &[clients::ClientRow]) -> Result<Vec<u8>, EncodeError> {
    encode(format, clients::HEADER, rows)
}

/// Contacts as a document that [`contacts::import`] takes back.
pub fn contacts(format: ExportFormat, rows: &[contacts::ContactRow]) -> Result<Vec<u8>, EncodeError> {
    encode(format, contacts::HEADER, rows)
}

fn encode<T: Serialize>(format: ExportFormat, header: Header, rows: &[T]) -> Result<Vec<u8>, EncodeError> {
    match format {
        ExportFormat::Csv => as_csv(header, rows),
        ExportFormat::JsonLines => as_json_lines(rows),
    }
}

fn as_json_lines<T: Serialize>(rows: &[T]) -> Result<Vec<u8>, EncodeError> {
    let mut lines = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut lines, row)?;
        lines.push(b'\n');
    }
    Ok(lines)
}

fn as_csv<T: Serialize>(header: Header, rows: &[T]) -> Result<Vec<u8>, EncodeError> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(header.columns)?;
    for row in rows {
        let row = serde_json::to_value(row)?;
        for column in header.columns {
            let text = cell_text(row.get(*column).unwrap_or(&Value::Null));
            writer.write_field(cell::guarded(&text).as_bytes())?;
        }
        writer.write_record(None::<&[u8]>)?;
    }
    writer.into_inner().map_err(|error| EncodeError::Csv(error.into_error().into()))
}

/// Lists of texts are joined, lists of anything else are written as JSON.
fn cell_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(entries) if entries.is_empty() => String::new(),
        Value::Array(entries) => {
            let texts: Option<Vec<&str>> = entries.iter().map(Value::as_str).collect();
            texts.map_or_else(|| value.to_string(), |texts| texts.join(&SEPARATOR.to_string()))
        }
        other => other.to_string(),
    }
}
