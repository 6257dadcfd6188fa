//! The MSP's customer companies.

use domain::{
    contact::Client,
    ids::{ClientId, WorkspaceId},
};
use serde::{Deserialize, Serialize};

use crate::{
    error::StoreError,
    keys,
    table::{Condition, Store},
};

/// A client as it is stored.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientRow {
    /// The company.
    #[serde(flatten)]
    pub client: Client,
}

impl Store {
    /// Writes a client for the PSA. Answers whether it is new or differs.
    pub async fn upsert_client(&self, workspace: WorkspaceId, client: &Client) -> Result<bool, StoreError> {
        if self.client_by_id(workspace, client.id).await?.as_ref() == Some(client) {
            return Ok(false);
        }
        let row = ClientRow { client: client.clone() };
        self.put("client", &keys::client(workspace, client.id), &row, Condition::default()).await?;
        Ok(true)
    }

    /// One client.
    pub async fn client_by_id(
        &self,
        workspace: WorkspaceId,
        client: ClientId,
    ) -> Result<Option<Client>, StoreError> {
        let row: Option<ClientRow> = self.get("client", &keys::client(workspace, client)).await?;
        Ok(row.map(|row| row.client))
    }

    /// Every client of the workspace, by id.
    pub async fn clients(&self, workspace: WorkspaceId) -> Result<Vec<Client>, StoreError> {
        let rows: Vec<ClientRow> = self.query("client", &format!("{workspace}#CLIENT"), None).await?;
        Ok(rows.into_iter().map(|row| row.client).collect())
    }
}
