//! Client rows.

use std::collections::BTreeMap;

use domain::{
    contact::Client,
    ids::{ClientId, WorkspaceId},
};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use store::{Store, StoreError};

use crate::{
    document::{Columns, Format, Header, Row, rows},
    fields::Fields,
    import::{Applied, ImportError, ImportResult, ROWS_AT_ONCE, Seen, Tally, WRITES_AT_ONCE},
    row_error::RowError,
};

/// The columns of a client.
pub(crate) const HEADER: Header = Header {
    columns: &["clientId", "clientName", "website", "secondaryDomains", "isInactive"],
    required: &["clientId", "clientName"],
};

/// One client on the wire.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientRow {
    /// The PSA's id.
    pub client_id: ClientId,
    /// Company name.
    pub client_name: String,
    /// Website or domain.
    pub website: Option<String>,
    /// Addresses or domains that are a weaker sign; in a cell with `;` between them.
    pub secondary_domains: Vec<String>,
    /// Not a customer any more.
    pub is_inactive: bool,
}

/// A part of the clients.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClientsPage {
    /// By id.
    pub rows: Vec<ClientRow>,
    /// The last client of this page, when there are more.
    pub next: Option<ClientId>,
}

/// Applies a document of clients. Rows are independent of each other: one that cannot be used is
/// reported, and the others are applied. Of several usable rows of one client the first counts.
pub async fn import(
    store: &Store,
    workspace: WorkspaceId,
    format: Format,
    document: &[u8],
) -> Result<ImportResult, ImportError> {
    let mut rows = rows(format, document, HEADER)?;
    let stored = store.clients(workspace).await?;
    let stored: BTreeMap<ClientId, Client> = stored.into_iter().map(|client| (client.id, client)).collect();
    let mut tally = Tally::default();
    let mut seen = Seen::default();
    loop {
        let chunk: Vec<Row> = rows.by_ref().take(ROWS_AT_ONCE).collect();
        if chunk.is_empty() {
            return Ok(tally.result(format)?);
        }
        let clients = seen.first_ones(tally.parse(chunk, parse), |client| client.id, &mut tally);
        let written = clients.into_iter().map(|(_, client)| {
            let before = stored.get(&client.id);
            async move { write(store, workspace, before, &client).await }
        });
        let written: Vec<Applied> = stream::iter(written).buffered(WRITES_AT_ONCE).try_collect().await?;
        for applied in written {
            tally.applied(applied);
        }
    }
}

/// A page of the workspace's clients after `after`, by id, at most `limit` of them.
pub async fn export(
    store: &Store,
    workspace: WorkspaceId,
    after: Option<ClientId>,
    limit: usize,
) -> Result<ClientsPage, StoreError> {
    let mut clients = store.clients(workspace).await?;
    clients.retain(|client| after.is_none_or(|after| client.id > after));
    clients.sort_by_key(|client| client.id);
    let more = clients.len() > limit;
    clients.truncate(limit);
    let rows: Vec<ClientRow> = clients.into_iter().map(ClientRow::from).collect();
    let next = rows.last().map(|row| row.client_id).filter(|_| more);
    Ok(ClientsPage { rows, next })
}

async fn write(
    store: &Store,
    workspace: WorkspaceId,
    before: Option<&Client>,
    client: &Client,
) -> Result<Applied, StoreError> {
    if before == Some(client) || !store.upsert_client(workspace, client).await? {
        return Ok(Applied::Unchanged);
    }
    Ok(if before.is_some() { Applied::Updated } else { Applied::Created })
}

fn parse(columns: Columns) -> Result<Client, RowError> {
    let mut fields = Fields::new(columns);
    let client = Client {
        id: fields.parsed("clientId", "a UUID")?,
        name: fields.required_text("clientName")?,
        website: fields.text("website")?,
        secondary_domains: fields.list("secondaryDomains")?,
        inactive: fields.flag("isInactive")?,
    };
    fields.finish()?;
    Ok(client)
}

impl From<Client> for ClientRow {
    fn from(client: Client) -> Self {
        Self {
            client_id: client.id,
            client_name: client.name,
            website: client.website,
            secondary_domains: client.secondary_domains,
            is_inactive: client.inactive,
        }
    }
}
