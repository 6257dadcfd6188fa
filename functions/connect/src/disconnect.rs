//! Giving the connection up.

use domain::ids::WorkspaceId;
use jiff::Timestamp;
use secrets::{Family, Scope, SecretError};
use store::{Connection, ConnectionStatus, StoreError};

use crate::Connect;

/// How often a connection that others change at the same moment is looked at again.
const TRIES: u8 = 8;

/// A connection that was given up.
#[derive(Clone, Debug)]
pub struct Disconnected {
    /// Since when; `None` when there never was a connection.
    pub disconnected_at: Option<Timestamp>,
    /// The application id that stays consented to at Microsoft, when one is configured.
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
        let mut tries = TRIES;
        let disconnected_at = loop {
            let disconnected_at = self.give_up(workspace).await?;
            let scope = Scope::Workspace(workspace);
            let direct = self.secrets.delete(scope, Family::EntraDirect).await;
            let cipp = self.secrets.delete(scope, Family::EntraCipp).await;
            direct.and(cipp).map_err(DisconnectError::Secrets)?;
            let now = self.store.connection(workspace).await?;
            if now.is_none_or(|now| now.connection_status == ConnectionStatus::Disconnected) {
                break disconnected_at;
            }
            tries -= 1;
            if tries == 0 {
                return Err(changes_all_the_time().into());
            }
        };
        let client_id = match self.secrets.app_credentials(workspace).await {
            Ok(app) => app.map(|app| app.client_id),
            // Only for the advice: not knowing it is no failure.
            Err(error) => {
                tracing::warn!(code = error.code(), "the app registration cannot be read");
                None
            }
        };
        Ok(Disconnected { disconnected_at, client_id })
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
