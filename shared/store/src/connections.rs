//! The workspace's way to Microsoft.

use domain::ids::{ConnectionId, EntraTenantId, UserId, WorkspaceId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    error::StoreError,
    keys,
    table::{Condition, Store, text, value},
};

/// How the workspace reaches its customers' directories.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ConnectionKind {
    /// A CIPP deployment of the MSP.
    Cipp,
    /// A multi-tenant app of the MSP with delegated access.
    Direct,
}

/// Whether the connection can be used.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionStatus {
    /// In force and last seen working.
    Connected,
    /// Given up by an operator.
    Disconnected,
    /// In force, but the last check failed.
    ValidationFailed,
}

/// One connection. There is one in force; past ones are kept as history.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    /// This connection.
    pub id: ConnectionId,
    /// How it reaches Microsoft.
    pub kind: ConnectionKind,
    /// Whether it can be used.
    pub connection_status: ConnectionStatus,
    /// The MSP's own tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner_tenant: Option<EntraTenantId>,
    /// Where the CIPP API is, for that kind of connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cipp_base_url: Option<String>,
    /// Since when.
    pub connected_at: Timestamp,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disconnected_at: Option<Timestamp>,
    /// Last check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_validated_at: Option<Timestamp>,
    /// What the last check found wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_validation_error: Option<ValidationFailure>,
    /// Who connected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<UserId>,
}

/// What a check found wrong; our own words, never the provider's.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ValidationFailure {
    /// What happened and what to do.
    pub message: String,
    /// Stable code.
    pub code: String,
    /// When.
    pub checked_at: Timestamp,
}

impl Store {
    /// The connection in force, or the last one that was.
    pub async fn connection(&self, workspace: WorkspaceId) -> Result<Option<Connection>, StoreError> {
        self.get("connection", &keys::connection(workspace)).await
    }

    /// Puts a connection in force. The one before it moves into the history first; a crash in
    /// between leaves it in both places, in force.
    pub async fn put_connection(
        &self,
        workspace: WorkspaceId,
        before: Option<&Connection>,
        connection: &Connection,
    ) -> Result<bool, StoreError> {
        if let Some(before) = before.filter(|before| before.id != connection.id) {
            let mut past = before.clone();
            past.connection_status = ConnectionStatus::Disconnected;
            past.disconnected_at = Some(past.disconnected_at.unwrap_or(connection.connected_at));
            let key = keys::past_connection(workspace, past.connected_at, past.id);
            // Whoever was first says until when: one who is refused below has to leave it alone.
            self.put("connection", &key, &past, Condition::absent()).await?;
        }
        let condition = match before {
            None => Condition::absent(),
            // Also the state: a check that took long must not bring a connection back that was given
            // up meanwhile.
            Some(before) => Condition {
                expression: "id = :id AND connectionStatus = :status",
                names: Vec::new(),
                values: vec![
                    (":id", text(before.id)),
                    (":status", value("connection", &before.connection_status)?),
                ],
                ..Condition::default()
            },
        };
        let key = keys::connection(workspace);
        Ok(self.put("connection", &key, connection, condition).await?.is_done())
    }
}
