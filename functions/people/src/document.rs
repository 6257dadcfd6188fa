//! Documents of rows, and the rows in them.
//!
//! A document is taken apart one row at a time. Whatever the format, a row is a set of named
//! columns; a CSV cell is text, and a blank one is null.

use serde_json::{Map, Value, value::RawValue};

use crate::{cell, row_error::RowError};

/// Columns of one row by name.
pub(crate) type Columns = Map<String, Value>;

/// How rows are written down.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// RFC 4180 with a header row, in UTF-8.
    Csv,
    /// One JSON array of objects.
    Json,
    /// One JSON object on each line; blank lines do not count.
    JsonLines,
}

impl Format {
    /// What a document of the format is.
    pub(crate) const fn described(self) -> &'static str {
        match self {
            Self::Csv => "CSV with a header row in UTF-8",
            Self::Json => "a JSON array of objects",
            Self::JsonLines => "JSON lines with one object on each",
        }
    }
}

/// A document that cannot be taken apart. Nothing of it was applied.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DocumentError {
    /// The CSV header lacks a column that every row needs.
    #[error("the header has no column `{0}`")]
    MissingColumn(String),
    /// It is not of the format it claims to be.
    #[error("the document is not {expected} (line {line})")]
    Malformed {
        /// What it claims to be.
        expected: &'static str,
        /// The line at which reading stopped, from 1.
        line: u64,
    },
    /// The CSV header has a column twice.
    #[error("the header has the column `{0}` more than once")]
    RepeatedColumn(String),
    /// The CSV header has a column nobody knows.
    #[error("the header has an unknown column `{0}`")]
    UnknownColumn(String),
}

/// The columns of one kind of rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    /// All of them, in the order in which they are exported.
    pub(crate) columns: &'static [&'static str],
    /// Those that every row needs.
    pub(crate) required: &'static [&'static str],
}

/// One row: its line in the document, from 1, and its columns.
pub(crate) type Row = (u64, Result<Columns, RowError>);

/// The rows of a document, in its order.
pub(crate) fn rows<'a>(
    format: Format,
    document: &'a [u8],
    header: Header,
) -> Result<Box<dyn Iterator<Item = Row> + Send + 'a>, DocumentError> {
    let document = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document);
    Ok(match format {
        Format::Csv => Box::new(csv_rows(document, header)?),
        Format::Json => Box::new(json_rows(document)?),
        Format::JsonLines => Box::new(json_lines(document)),
    })
}

fn json_lines(document: &[u8]) -> impl Iterator<Item = Row> {
    let lines = (1..).zip(document.split(|byte| *byte == b'\n'));
    lines.filter(|(_, line)| !line.trim_ascii().is_empty()).map(|(number, line)| (number, object(line)))
}

fn json_rows(document: &[u8]) -> Result<impl Iterator<Item = Row>, DocumentError> {
    const EXPECTED: &str = Format::Json.described();
    let text = std::str::from_utf8(document).map_err(|error| {
        let mut lines = Lines::of(document);
        DocumentError::Malformed { expected: EXPECTED, line: lines.at(error.valid_up_to()) }
    })?;
    let rows: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| {
        let line = u64::try_from(error.line()).unwrap_or_default().max(1);
        DocumentError::Malformed { expected: EXPECTED, line }
    })?;
    let mut lines = Lines::of(document);
    Ok(rows.into_iter().map(move |row| {
        // A raw value borrows from the text, so its address says where it stands.
        let offset = row.get().as_ptr().addr().saturating_sub(text.as_ptr().addr());
        (lines.at(offset), object(row.get().as_bytes()))
    }))
}

fn object(json: &[u8]) -> Result<Columns, RowError> {
    let text = std::str::from_utf8(json).map_err(|_| RowError::NotText)?;
    serde_json::from_str(text).map_err(|error| RowError::NotAnObject { column: error.column().max(1) })
}

fn csv_rows(document: &[u8], header: Header) -> Result<impl Iterator<Item = Row>, DocumentError> {
    if let Some(line) = unclosed_quote(document) {
        return Err(DocumentError::Malformed { expected: "CSV with every quotation mark closed", line });
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(document);
    let mut record = csv::ByteRecord::new();
    let not_csv = || DocumentError::Malformed { expected: Format::Csv.described(), line: 1 };
    if !reader.read_byte_record(&mut record).map_err(|_| not_csv())? {
        return Err(not_csv());
    }
    let names = header_names(&record, header, not_csv)?;
    let mut lines = Lines::of(document);
    Ok(std::iter::from_fn(move || {
        // Reading records of any length from memory cannot fail.
        let found = reader.read_byte_record(&mut record).unwrap_or(false);
        found.then(|| {
            let start = record.position().map_or(0, csv::Position::byte);
            (lines.at_next_content(usize::try_from(start).unwrap_or(usize::MAX)), columns(&names, &record))
        })
    }))
}

fn header_names(
    record: &csv::ByteRecord,
    header: Header,
    not_csv: impl Fn() -> DocumentError,
) -> Result<Vec<&'static str>, DocumentError> {
    let mut names = Vec::with_capacity(record.len());
    for cell in record {
        let text = std::str::from_utf8(cell).map_err(|_| not_csv())?.trim();
        let shown = || edge::text::safe(text, 64);
        let known = header.columns.iter().find(|column| **column == text);
        let name = *known.ok_or_else(|| DocumentError::UnknownColumn(shown()))?;
        if names.contains(&name) {
            return Err(DocumentError::RepeatedColumn(shown()));
        }
        names.push(name);
    }
    match header.required.iter().find(|column| !names.contains(column)) {
        Some(column) => Err(DocumentError::MissingColumn((*column).to_owned())),
        None => Ok(names),
    }
}

fn columns(names: &[&'static str], record: &csv::ByteRecord) -> Result<Columns, RowError> {
    if record.len() != names.len() {
        return Err(RowError::CellCount { found: record.len(), expected: names.len() });
    }
    let mut columns = Columns::new();
    for (name, cell) in names.iter().zip(record) {
        let cell = std::str::from_utf8(cell).map_err(|_| RowError::NotText)?;
        let value = if cell.is_empty() { Value::Null } else { Value::from(cell::unguarded(cell)) };
        columns.insert((*name).to_owned(), value);
    }
    Ok(columns)
}

/// The line in which a quoted cell begins that never ends. A reader would take everything behind
/// it for one cell.
fn unclosed_quote(document: &[u8]) -> Option<u64> {
    #[derive(PartialEq)]
    enum At {
        CellStart,
        Plain,
        Quoted,
        QuoteInQuoted,
    }
    let (mut at, mut opened) = (At::CellStart, 0);
    for (offset, byte) in document.iter().enumerate() {
        at = match (at, byte) {
            (At::Quoted, b'"') => At::QuoteInQuoted,
            (At::Quoted, _) | (At::QuoteInQuoted, b'"') => At::Quoted,
            (_, b',' | b'\n' | b'\r') => At::CellStart,
            (At::CellStart, b'"') => {
                opened = offset;
                At::Quoted
            }
            _ => At::Plain,
        };
    }
    (at == At::Quoted).then(|| Lines::of(document).at(opened))
}

/// Line numbers of ascending offsets.
struct Lines<'a> {
    document: &'a [u8],
    offset: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    fn of(document: &'a [u8]) -> Self {
        Self { document, offset: 0, line: 1 }
    }

    fn at(&mut self, offset: usize) -> u64 {
        let offset = offset.min(self.document.len());
        if let Some(passed) = self.document.get(self.offset..offset) {
            self.line += passed.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
            self.offset = offset;
        }
        self.line
    }

    /// The line of the first byte from `offset` on that is no line break: a CSV reader leaves those
    /// of the record before in front of the next one.
    fn at_next_content(&mut self, offset: usize) -> u64 {
        let rest = self.document.get(offset..).unwrap_or_default();
        let breaks = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        self.at(offset + breaks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Header = Header { columns: &["id", "name"], required: &["id"] };

    fn read(format: Format, document: &[u8]) -> Vec<(u64, String)> {
        let rows = rows(format, document, HEADER).unwrap();
        rows.map(|(line, row)| {
            let shown = row.map_or_else(|error| error.code().to_owned(), |row| Value::from(row).to_string());
            (line, shown)
        })
        .collect()
    }

    fn row(line: u64, text: &str) -> (u64, String) {
        (line, text.to_owned())
    }

    #[test]
    fn rows_carry_the_lines_they_begin_in() {
        let csv = b"\xef\xbb\xbfid,name\r\n1,a\r\n\r\n2,\"b\r\nc\"\r\n3\r\n4,\xff\r\n5,'=1\r\n6,\r\n";
        let expected = vec![
            row(2, r#"{"id":"1","name":"a"}"#),
            row(4, r#"{"id":"2","name":"b\r\nc"}"#),
            row(6, "malformed_csv"),
            row(7, "not_utf8"),
            row(8, r#"{"id":"5","name":"=1"}"#),
            row(9, r#"{"id":"6","name":null}"#),
        ];
        assert_eq!(read(Format::Csv, csv), expected);
        let unix: Vec<u8> = csv.iter().copied().filter(|byte| *byte != b'\r').collect();
        let expected: Vec<_> =
            expected.into_iter().map(|(line, text)| (line, text.replace("\\r", ""))).collect();
        assert_eq!(read(Format::Csv, &unix), expected);

        let lines = b"\xef\xbb\xbf{\"id\":1}\n\n  \r\n{\"id\":\r\n[]\n{\"id\":\"\xff\"}\n{\"id\":2}";
        assert_eq!(
            read(Format::JsonLines, lines),
            [
                row(1, r#"{"id":1}"#),
                row(4, "malformed_json"),
                row(5, "malformed_json"),
                row(6, "not_utf8"),
                row(7, r#"{"id":2}"#),
            ]
        );
        let array = b"[\n {\"id\":1},\n {\"id\":\n  2}, 7,\n {\"id\":3}\n]\n";
        assert_eq!(
            read(Format::Json, array),
            [row(2, r#"{"id":1}"#), row(3, r#"{"id":2}"#), row(4, "malformed_json"), row(5, r#"{"id":3}"#),]
        );
    }

    #[test]
    fn documents_that_cannot_be_taken_apart() {
        let csv = |line| DocumentError::Malformed { expected: Format::Csv.described(), line };
        let json = |line| DocumentError::Malformed { expected: Format::Json.described(), line };
        let quotes =
            |line| DocumentError::Malformed { expected: "CSV with every quotation mark closed", line };
        for (format, document, expected) in [
            (Format::Csv, b"".as_slice(), csv(1)),
            (Format::Csv, b"\n\n", csv(1)),
            (Format::Csv, b"id,\xff\n", csv(1)),
            (Format::Csv, b"id,nom\n", DocumentError::UnknownColumn("nom".to_owned())),
            (Format::Csv, b"id;name\n", DocumentError::UnknownColumn("id;name".to_owned())),
            (Format::Csv, b"id,name,id\n", DocumentError::RepeatedColumn("id".to_owned())),
            (Format::Csv, b"name\n", DocumentError::MissingColumn("id".to_owned())),
            (Format::Csv, b"id,name\n1,a\n2,\"b\n3,c\n", quotes(3)),
            (Format::Json, b"", json(1)),
            (Format::Json, b"{}", json(1)),
            (Format::Json, b"[{}\n,", json(2)),
            (Format::Json, b"[]\n[]", json(2)),
            (Format::Json, b"[\n\"\xff\"]", json(2)),
        ] {
            let found = rows(format, document, HEADER).err();
            assert_eq!(found, Some(expected), "{}", String::from_utf8_lossy(document));
        }
    }

    #[test]
    fn a_quotation_mark_inside_a_cell_is_text() {
        let csv = b"id,name\n1,5\" pipe\n2,\"say \"\"hi\"\"\"\n";
        assert_eq!(
            read(Format::Csv, csv),
            [row(2, r#"{"id":"1","name":"5\" pipe"}"#), row(3, r#"{"id":"2","name":"say \"hi\""}"#)]
        );
    }
}
