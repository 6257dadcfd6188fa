//! The routes of imports and exports.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{FromRequest, Request, State},
    http::{
        HeaderMap, StatusCode,
        header::{CONTENT_DISPOSITION, CONTENT_TYPE, LINK},
    },
    response::{IntoResponse, Response},
    routing::{get, post},
};
use domain::ids::{ClientId, WorkspaceId};
use edge::{ApiError, QueryOf, Reader, Reply, Writer, paging};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::StoreError;

use crate::{
    People, clients, contacts,
    document::{DocumentError, Format},
    duplicates::{self, Duplicates},
    export::{self, EncodeError, ExportFormat},
    import::{ImportError, ImportResult},
};

/// Largest document, in bytes.
pub const DOCUMENT_LIMIT_BYTES: usize = 10 * 1024 * 1024;

const CLIENTS_EXPORT: &str = "/api/integrations/entra/clients/export";
const CONTACTS_EXPORT: &str = "/api/integrations/entra/contacts/export";

const DUPLICATES: &str = "/api/integrations/entra/contacts/duplicates";

/// Clients whose contacts one request looks through, and contacts after which it looks through no further client.
const CLIENTS_AT_ONCE: usize = 50;
const CONTACTS_ENOUGH: usize = 20_000;

/// Rows of one exported page.
const PAGE: paging::Limit = paging::Limit { default: 1_000, max: 5_000 };

/// The routes, with absolute paths.
pub fn router(app: Arc<People>) -> Router {
    Router::new()
        .route("/api/integrations/entra/clients/import", post(import_clients))
        .route("/api/integrations/entra/contacts/import", post(import_contacts))
        .route(CLIENTS_EXPORT, get(export_clients))
        .route(CONTACTS_EXPORT, get(export_contacts))
        .route(DUPLICATES, get(find_duplicates))
        .with_state(app)
}

async fn import_clients(
    State(app): State<Arc<People>>,
    Writer(caller): Writer,
    Document { format, bytes }: Document,
) -> Result<Reply<ImportResult>, ApiError> {
    let result = clients::import(&app.store, caller.workspace, format, &bytes).await;
    result.map(Reply::ok).map_err(import_refused)
}

async fn import_contacts(
    State(app): State<Arc<People>>,
    Writer(caller): Writer,
    Document { format, bytes }: Document,
) -> Result<Reply<ImportResult>, ApiError> {
    let result = contacts::import(&app.store, caller.workspace, format, &bytes).await;
    result.map(Reply::ok).map_err(import_refused)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ClientsQuery {
    format: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ContactsQuery {
    client_id: Option<String>,
    format: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

async fn export_clients(
    State(app): State<Arc<People>>,
    Reader(caller): Reader,
    QueryOf(query): QueryOf<ClientsQuery>,
) -> Result<Response, ApiError> {
    let format = export_format(query.format.as_deref())?;
    let limit = PAGE.parse(query.limit.as_deref())?;
    let after = query.cursor.map(|cursor| paging::position(CLIENTS_EXPORT, &cursor)).transpose()?;
    let page = clients::export(&app.store, caller.workspace, after, limit).await.map_err(unreadable)?;
    let next = page.next.map(|next| paging::cursor(CLIENTS_EXPORT, &next)).transpose()?;
    let document = export::clients(format, &page.rows).map_err(unwritable)?;
    let next = next.map(|cursor| Next { path: CLIENTS_EXPORT, client: None, limit, cursor });
    Ok(download("clients", format, document, next))
}

async fn export_contacts(
    State(app): State<Arc<People>>,
    Reader(caller): Reader,
    QueryOf(query): QueryOf<ContactsQuery>,
) -> Result<Response, ApiError> {
    let format = export_format(query.format.as_deref())?;
    let limit = PAGE.parse(query.limit.as_deref())?;
    let client = known_client(&app, caller.workspace, query.client_id.as_deref()).await?;
    let after = query.cursor.map(|cursor| paging::position(CONTACTS_EXPORT, &cursor)).transpose()?;
    let page = contacts::export(&app.store, caller.workspace, client, after, limit).await;
    let page = page.map_err(unreadable)?;
    let next = page.next.map(|next| paging::cursor(CONTACTS_EXPORT, &next)).transpose()?;
    let document = export::contacts(format, &page.rows).map_err(unwritable)?;
    let next = next.map(|cursor| Next { path: CONTACTS_EXPORT, client, limit, cursor });
    Ok(download("contacts", format, document, next))
}

async fn known_client(
    app: &People,
    workspace: WorkspaceId,
    id: Option<&str>,
) -> Result<Option<ClientId>, ApiError> {
    let Some(id) = id.map(str::trim).filter(|id| !id.is_empty()) else { return Ok(None) };
    let client: ClientId = id.parse().map_err(|_| unknown_client())?;
    let known = app.store.client_by_id(workspace, client).await.map_err(unreadable)?;
    Ok(Some(known.ok_or_else(unknown_client)?.id))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DuplicatesQuery {
    client_id: Option<String>,
    cursor: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DuplicatesView {
    clients: Vec<Duplicates>,
    next_cursor: Option<String>,
}

/// Contacts that are most likely one person, client by client. It writes nothing.
async fn find_duplicates(
    State(app): State<Arc<People>>,
    Reader(caller): Reader,
    QueryOf(query): QueryOf<DuplicatesQuery>,
) -> Result<Reply<DuplicatesView>, ApiError> {
    let after: Option<ClientId> =
        query.cursor.map(|cursor| paging::position(DUPLICATES, &cursor)).transpose()?;
    let only = known_client(&app, caller.workspace, query.client_id.as_deref()).await?;
    let mut clients = if let Some(client) = only {
        vec![client]
    } else {
        let all = app.store.clients(caller.workspace).await.map_err(unreadable)?;
        all.into_iter().map(|client| client.id).collect()
    };
    clients.retain(|client| after.is_none_or(|after| *client > after));
    clients.sort();
    let (mut found, mut contacts, mut looked_at) = (Vec::new(), 0, None);
    for client in clients.iter().take(CLIENTS_AT_ONCE) {
        if contacts >= CONTACTS_ENOUGH {
            break;
        }
        let duplicates = duplicates::find(&app.store, caller.workspace, *client).await.map_err(unreadable)?;
        contacts += duplicates.as_ref().map_or(0, |found| found.active_contacts);
        found.extend(duplicates);
        looked_at = Some(*client);
    }
    let is_more = looked_at.is_some_and(|last| clients.last() != Some(&last));
    let next = looked_at.filter(|_| is_more).map(|last| paging::cursor(DUPLICATES, &last)).transpose()?;
    Ok(Reply::ok(DuplicatesView { clients: found, next_cursor: next }))
}

/// A request body that is a document of rows. It is read whole before a row is applied, so a
/// request that is cut off changes nothing.
struct Document {
    format: Format,
    bytes: Vec<u8>,
}

impl<S: Send + Sync> FromRequest<S> for Document {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let format = declared(&parts.headers).ok_or_else(|| {
            ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "The request does not say what kind of document it holds; nothing was imported.",
                "Send the header `content-type` with `application/x-ndjson`, `application/json` or `text/csv`.",
            )
        })?;
        Ok(Self { format, bytes: read(body).await? })
    }
}

fn declared(headers: &HeaderMap) -> Option<Format> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let kind = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/x-jsonlines" => {
            Some(Format::JsonLines)
        }
        "application/json" => Some(Format::Json),
        "text/csv" => Some(Format::Csv),
        _ => None,
    }
}

async fn read(body: Body) -> Result<Vec<u8>, ApiError> {
    match Limited::new(body, DOCUMENT_LIMIT_BYTES).collect().await {
        Ok(collected) => Ok(collected.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => Err(ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            format!("The document is larger than {DOCUMENT_LIMIT_BYTES} bytes; nothing was imported."),
            "Send it in several parts.",
        )),
        Err(_) => Err(ApiError::bad_request(
            "body_unreadable",
            "The request body ended before it was complete; nothing was imported.",
            "Send the request again.",
        )),
    }
}

fn export_format(parameter: Option<&str>) -> Result<ExportFormat, ApiError> {
    match parameter.unwrap_or("jsonl").trim() {
        "jsonl" => Ok(ExportFormat::JsonLines),
        "csv" => Ok(ExportFormat::Csv),
        _ => Err(ApiError::bad_request(
            "invalid_format",
            "The parameter `format` names no format; nothing was exported.",
            "Give `jsonl` or `csv`, or leave it out for `jsonl`.",
        )),
    }
}

/// Where the next page is.
struct Next {
    path: &'static str,
    client: Option<ClientId>,
    limit: usize,
    cursor: String,
}

/// A page as a file. The cursor of the next one is in the header `x-next-cursor`, its address in
/// `link` (RFC 8288); both are absent on the last page.
fn download(name: &str, format: ExportFormat, document: Vec<u8>, next: Option<Next>) -> Response {
    let (kind, extension) = match format {
        ExportFormat::Csv => ("text/csv; charset=utf-8; header=present", "csv"),
        ExportFormat::JsonLines => ("application/x-ndjson", "jsonl"),
    };
    let attachment = format!("attachment; filename=\"{name}.{extension}\"");
    let headers = [(CONTENT_TYPE, kind.to_owned()), (CONTENT_DISPOSITION, attachment)];
    let next = next.map(|Next { path, client, limit, cursor }| {
        let client = client.map(|client| format!("&clientId={client}")).unwrap_or_default();
        let link = format!("<{path}?format={extension}&limit={limit}{client}&cursor={cursor}>; rel=\"next\"");
        [(LINK.as_str(), link), ("x-next-cursor", cursor)]
    });
    (headers, next, document).into_response()
}

fn import_refused(error: ImportError) -> ApiError {
    match error {
        ImportError::Document(error) => document_refused(&error),
        ImportError::Store(error) if error.is_transient() => ApiError::unavailable(
            "store_unavailable",
            "The table did not answer; rows at the beginning of the document may be imported already.",
            "Send the same document again in a moment: what was imported already counts as unchanged.",
        )
        .caused_by(error),
        ImportError::Store(error) => ApiError::internal_fault().caused_by(error),
    }
}

fn document_refused(error: &DocumentError) -> ApiError {
    let message = format!("The import was refused: {error}; nothing was imported.");
    match error {
        DocumentError::Malformed { line, .. } => ApiError::bad_request(
            "malformed_document",
            message,
            "Correct the document at that line, or send the `content-type` that fits it.",
        )
        .with_details(json!({ "line": line })),
        DocumentError::MissingColumn(column) => {
            ApiError::bad_request("missing_column", message, "Add the column to every row and send it again.")
                .with_details(json!({ "column": column }))
        }
        DocumentError::RepeatedColumn(column) => {
            ApiError::bad_request("repeated_column", message, "Remove one of the columns and send it again.")
                .with_details(json!({ "column": column }))
        }
        DocumentError::UnknownColumn(column) => ApiError::bad_request(
            "unknown_column",
            message,
            "Remove the column or correct its name; an export shows the columns there are.",
        )
        .with_details(json!({ "column": column })),
    }
}

fn unknown_client() -> ApiError {
    ApiError::not_found(
        "unknown_client",
        "The client does not exist in this workspace; nothing was exported.",
        "Reload the list of clients and choose again.",
    )
}

fn unreadable(error: StoreError) -> ApiError {
    if !error.is_transient() {
        return ApiError::internal_fault().caused_by(error);
    }
    ApiError::unavailable(
        "store_unavailable",
        "The table did not answer; nothing was exported and nothing was changed.",
        "Send the same request again in a moment.",
    )
    .caused_by(error)
}

fn unwritable(error: EncodeError) -> ApiError {
    ApiError::internal_fault().caused_by(error)
}
