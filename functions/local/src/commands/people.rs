//! `import` and `export`.

use std::{error::Error, path::Path};

use ::people::{
    Format, ImportError, ImportResult, clients,
    contacts::{self, ExportPosition},
    export::{self, ExportFormat},
};
use domain::ids::ClientId;

use super::Context;
use crate::{
    Ending,
    arguments::{ExportArguments, ExportForm, ImportArguments, What},
    output::{self, Failure, Talk},
};

/// Rows that are read from the store at once.
const ROWS_AT_ONCE: usize = 500;

pub(crate) async fn import(context: &Context, options: &ImportArguments) -> Result<Ending, Failure> {
    let (store, workspace) = (&context.house.store, context.house.workspace);
    let document = output::read_file(&options.file).map_err(|error| {
        Failure::new(
            "file_unreadable",
            format!("{} cannot be read: {error}. Nothing was changed.", options.file.display()),
            "Check the name of the file and your right to read it.",
        )
    })?;
    let format = format(&options.file, &document);
    let result = match options.what {
        What::Clients => clients::import(store, workspace, format, &document).await,
        What::Contacts => contacts::import(store, workspace, format, &document).await,
    };
    let result = result.map_err(refused)?;
    output::result(context.output, &result, || summary(&result))?;
    for row in &result.failed {
        Talk::say(format!("line {}: {} [{}]", row.line, row.message, row.code));
    }
    Ok(if result.failed_total > 0 { Ending::Failed } else { Ending::Done })
}

pub(crate) async fn export(context: &Context, options: &ExportArguments) -> Result<Ending, Failure> {
    let format = match options.format {
        ExportForm::Csv => ExportFormat::Csv,
        ExportForm::Jsonl => ExportFormat::JsonLines,
    };
    match options.what {
        What::Clients => export_clients(context, format).await?,
        What::Contacts => export_contacts(context, format, options.client).await?,
    }
    Ok(Ending::Done)
}

async fn export_clients(context: &Context, format: ExportFormat) -> Result<(), Failure> {
    let (store, workspace) = (&context.house.store, context.house.workspace);
    let mut after = None;
    loop {
        let page = clients::export(store, workspace, after, ROWS_AT_ONCE).await?;
        let text = export::clients(format, &page.rows).map_err(|error| unwritable(&error))?;
        write(format, &text, after.is_none())?;
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}

async fn export_contacts(
    context: &Context,
    format: ExportFormat,
    client: Option<ClientId>,
) -> Result<(), Failure> {
    let (store, workspace) = (&context.house.store, context.house.workspace);
    if let Some(client) = client
        && store.client_by_id(workspace, client).await?.is_none()
    {
        return Err(Failure::new(
            "unknown_client",
            format!("There is no client {client}, so there is nothing to export."),
            "Take an id from `entra-sync export clients`.",
        ));
    }
    let mut after: Option<ExportPosition> = None;
    loop {
        let page = contacts::export(store, workspace, client, after, ROWS_AT_ONCE).await?;
        let text = export::contacts(format, &page.rows).map_err(|error| unwritable(&error))?;
        write(format, &text, after.is_none())?;
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}

/// Every page of CSV begins with the header; it is written once.
fn write(format: ExportFormat, text: &[u8], is_first: bool) -> Result<(), Failure> {
    let text = String::from_utf8_lossy(text);
    match text.split_once("\r\n") {
        Some((_, rows)) if format == ExportFormat::Csv && !is_first => output::raw_part(rows),
        _ => output::raw_part(&text),
    }
}

fn format(file: &Path, document: &[u8]) -> Format {
    let is_csv = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    let begins = document.iter().find(|byte| !byte.is_ascii_whitespace() && byte.is_ascii());
    match begins {
        _ if is_csv => Format::Csv,
        Some(b'[') => Format::Json,
        _ => Format::JsonLines,
    }
}

fn summary(result: &ImportResult) -> String {
    format!(
        "{} created, {} updated, {} unchanged, {} left out",
        result.created, result.updated, result.unchanged, result.failed_total
    )
}

fn refused(error: ImportError) -> Failure {
    match error {
        ImportError::Document(error) => {
            Failure::of("document_unreadable", &error, "Correct the file; nothing of it was applied.")
        }
        ImportError::Store(error) => error.into(),
    }
}

fn unwritable(error: &(dyn Error + 'static)) -> Failure {
    Failure::of("output_failed", error, "Report this as a bug.")
}
