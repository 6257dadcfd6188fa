//! How results and talk are written: results to standard output, talk to standard error.

use std::{
    error::Error,
    fmt::Display,
    fs,
    io::{self, IsTerminal, Read, Write},
    path::Path,
};

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use serde::Serialize;

use crate::arguments::OutputForm;

/// Something that did not work, for the person who typed the command.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What happened, and what it means for contacts.
    pub(crate) message: String,
    /// What to do next.
    pub(crate) remedy: String,
    /// Stable code.
    pub(crate) code: &'static str,
}

impl Failure {
    pub(crate) fn new(code: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        debug_assert!(catalogue::find(code).is_some(), "{code} is not in the catalogue");
        Self { message: message.into(), remedy: remedy.into(), code }
    }

    /// A failure of the machine or of the data folder.
    pub(crate) fn of(code: &'static str, error: &(dyn Error + 'static), remedy: &str) -> Self {
        Self::new(code, runtime::telemetry::ErrorChain(error).to_string(), remedy)
    }
}

impl From<crate::HouseError> for Failure {
    fn from(error: crate::HouseError) -> Self {
        let (code, remedy) = match &error {
            crate::HouseError::Open(embedded::OpenError::InUse { .. }) => {
                ("data_in_use", "Wait until it is done, stop it, or use another folder with --data.")
            }
            crate::HouseError::Settings(_) | crate::HouseError::Chain(_) | crate::HouseError::Endpoint(_) => {
                ("invalid_settings", "Correct the environment variable and try again.")
            }
            _ => ("data_unusable", "Check that the folder given with --data exists and is yours to write."),
        };
        Self::of(code, &error, remedy)
    }
}

impl From<store::StoreError> for Failure {
    fn from(error: store::StoreError) -> Self {
        Self::of("store_unavailable", &error, "Try again; what was stored before is complete.")
    }
}

impl From<edge::ApiError> for Failure {
    fn from(error: edge::ApiError) -> Self {
        Self::new(error.code, error.message, error.remedy)
    }
}

/// What a file holds; `-` is standard input.
pub(crate) fn read_file(file: &Path) -> io::Result<Vec<u8>> {
    if file == Path::new("-") {
        let mut document = Vec::new();
        io::stdin().read_to_end(&mut document)?;
        return Ok(document);
    }
    fs::read(file)
}

/// What is said to the person, not to the next program.
pub(crate) struct Talk;

impl Talk {
    /// A listener that has gone (`2>&1 | head`) is no reason to stop.
    pub(crate) fn say(text: impl Display) {
        let _: io::Result<()> = writeln!(io::stderr().lock(), "{text}");
    }

    pub(crate) fn failure(failure: &Failure) {
        Self::say(format_args!("error: {} [{}]", failure.message.trim_end_matches('.'), failure.code));
        Self::say(format_args!("hint: {}", failure.remedy));
    }

    pub(crate) fn is_terminal() -> bool {
        io::stderr().is_terminal()
    }
}

/// Writes a result in the form that was asked for.
pub(crate) fn result(
    form: OutputForm,
    json: &impl Serialize,
    table: impl FnOnce() -> String,
) -> Result<(), Failure> {
    let text = match form {
        OutputForm::Json => serde_json::to_string_pretty(json)
            .map_err(|error| Failure::of("output_failed", &error, "Report this as a bug."))?,
        OutputForm::Table => table(),
    };
    raw(&text)
}

/// Writes text and a line break to standard output.
pub(crate) fn raw(text: &str) -> Result<(), Failure> {
    raw_part(text)?;
    if text.ends_with('\n') || text.is_empty() { Ok(()) } else { raw_part("\n") }
}

/// Writes text to standard output. A reader that has gone (`| head`) is no failure.
pub(crate) fn raw_part(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::of("output_failed", &error, "Check where standard output goes."))
        }
        _ => Ok(()),
    }
}

/// One line below the header and none between rows: a long table stays readable.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// A table with a header; columns from `numbers_from` on are numbers.
pub(crate) fn table(header: &[&str], rows: Vec<Vec<String>>, numbers_from: usize) -> String {
    let mut table = Table::new();
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header.to_vec());
    for row in rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut().skip(numbers_from) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

/// A count, or a dot for none: empty columns should look empty.
pub(crate) fn count(number: u64) -> String {
    if number == 0 { "·".to_owned() } else { number.to_string() }
}
