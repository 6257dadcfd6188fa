//! Giving the connection up.

use domain::ids::WorkspaceId;
use jiff::Timestamp;
use secrets::{CippKey, CippSecret, Family, Scope, SecretError, WorkspaceSecret};
use store::{Connection, ConnectionKind, ConnectionStatus, StoreError};

use crate::Connect;

/// How often a connection that others change at the same moment is looked at again.
const TRIES: u8 = 8;

/// A connection that was given up.
#[derive(Clone, Debug)]
pub struct Disconnected {
    /// Since when; `None` when there never was a connection.
    pub disconnected_at: Option<Timestamp>,
    /// What it was.
    pub kind: Option<ConnectionKind>,
    /// The application id that stays good: of the app that is consented to at Microsoft, or of CIPP's API client.
    pub client_id: Option<String>,
}

/// Why the connection was not given up wholly.
#[derive(Debug, thiserror::Error)]
pub enum DisconnectError {
    /// No sync uses the connection any more, but its secrets are still there.
    #[error("the connection is given up, but not all of its secrets are deleted")]
    Secrets(#[source] SecretError),
    /// The connection is still in force.
    #[error("the connection cannot be changed")]
    Store(#[from] StoreError),
}

impl Connect {
    /// Gives the connection of `workspace` up and deletes its secrets, whatever its kind was.
    /// Mappings, links, runs and contacts stay. Done again, it changes nothing.
    ///
    /// The connection is given up first, so that no sync begins even if a secret cannot be
    /// deleted; and every family is tried, one after the other. A connection that came in force before the secrets
    /// were deleted has lost them, so it is given up as well.
    pub async fn disconnect(&self, workspace: WorkspaceId) -> Result<Disconnected, DisconnectError> {
        let kind = self.store.connection(workspace).await?.map(|connection| connection.kind);
        let mut disconnected_at = self.give_up(workspace).await?;
        let client_id = self.client_id(workspace, kind).await;
        let mut tries = TRIES;
        loop {
            let scope = Scope::Workspace(workspace);
            let direct = self.secrets.delete(scope, Family::EntraDirect).await;
            let cipp = self.secrets.delete(scope, Family::EntraCipp).await;
            direct.and(cipp).map_err(DisconnectError::Secrets)?;
            let now = self.store.connection(workspace).await?;
            if now.is_none_or(|now| now.connection_status == ConnectionStatus::Disconnected) {
                break;
            }
            tries -= 1;
            if tries == 0 {
                return Err(changes_all_the_time().into());
            }
            disconnected_at = self.give_up(workspace).await?;
        }
        Ok(Disconnected { disconnected_at, kind, client_id })
    }

    /// Whose credential stays good. It is for the advice only: not knowing it is no failure.
    async fn client_id(&self, workspace: WorkspaceId, kind: Option<ConnectionKind>) -> Option<String> {
        let found = if kind == Some(ConnectionKind::Cipp) {
            let stored = CippSecret::read(&self.secrets, workspace).await;
            stored.map(|stored| match stored?.0.key {
                CippKey::Client { client_id, .. } => Some(client_id),
                CippKey::Token(_) => None,
            })
        } else {
            let app = self.secrets.app_credentials(workspace).await;
            app.map(|app| app.map(|app| app.client_id))
        };
        found.unwrap_or_else(|error| {
            tracing::warn!(code = error.code(), "whose credential stays good cannot be read");
            None
        })
    }

    async fn give_up(&self, workspace: WorkspaceId) -> Result<Option<Timestamp>, StoreError> {
        // Somebody may connect, or note something at the connection, at the same moment: what is in force then is
        // given up before any secret is deleted.
        for _ in 0..TRIES {
            let Some(connection) = self.store.connection(workspace).await? else { return Ok(None) };
            if connection.connection_status == ConnectionStatus::Disconnected {
                return Ok(connection.disconnected_at);
            }
            let now = self.clock.now();
            let given_up = |connection: &mut Connection| {
                connection.connection_status = ConnectionStatus::Disconnected;
                connection.disconnected_at = Some(now);
            };
            if self.change_in_force(workspace, connection.id, given_up).await? {
                return Ok(Some(now));
            }
        }
        Err(changes_all_the_time())
    }
}

fn changes_all_the_time() -> StoreError {
    let code = "the connection changes all the time".to_owned();
    StoreError::Unavailable { operation: "disconnect", code }
}
