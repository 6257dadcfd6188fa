//! Storing a proven sign-in: tokens and connection, both or neither.

use domain::ids::{ConnectionId, UserId, WorkspaceId};
use secrets::{DirectTokens, Family, Scope, SecretError, WorkspaceSecret};
use store::{Connection, ConnectionKind, ConnectionStatus, StoreError};

use crate::{Connect, ConnectError, Connected, candidate::Proven};

/// Whether a connection came into force.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Placed {
    InForce,
    /// Somebody else's was faster.
    Overtaken,
}

/// How often a connection at which others note something is tried again.
const TRIES: u8 = 4;

/// Whether `now` is the connection `before`, with nothing else than what is noted of it between them.
fn is_same_in_force(before: Option<&Connection>, now: Option<&Connection>) -> bool {
    let is_given_up =
        |connection: &Connection| connection.connection_status == ConnectionStatus::Disconnected;
    matches!((before, now), (Some(before), Some(now))
        if before.id == now.id && is_given_up(before) == is_given_up(now))
}

impl Connect {
    /// Puts a proven sign-in in force over `before`, the connection it was checked against. The
    /// tokens go first: when the connection cannot follow, the tokens before come back.
    pub(crate) async fn save(
        &self,
        workspace: WorkspaceId,
        actor: Option<UserId>,
        before: Option<&Connection>,
        proven: &Proven,
    ) -> Result<Connected, ConnectError> {
        let now = self.clock.now();
        let connection = Connection {
            id: ConnectionId::new(self.entropy.time_ordered_id(now)),
            kind: ConnectionKind::Direct,
            connection_status: ConnectionStatus::Connected,
            partner_tenant: proven.tokens.partner_tenant_id,
            cipp_base_url: None,
            connected_at: now,
            disconnected_at: None,
            last_validated_at: Some(now),
            last_validation_error: None,
            created_by: actor,
        };
        // First: an entry without a connection does no harm, a connection without one would end.
        self.store.note_sign_in(workspace, now).await?;
        let (tokens_before, written) = proven.tokens.put(&self.secrets, workspace).await?;
        let placed = self.put_in_force(workspace, before, &connection).await;
        if !matches!(placed, Ok(Placed::InForce)) {
            let back = DirectTokens::put_back(tokens_before, &self.secrets, workspace, &written).await;
            back.map_err(ConnectError::NotRestored)?;
            placed?;
            return Err(ConnectError::Overtaken);
        }
        self.still_there(workspace, connection.id, &proven.tokens).await?;
        self.clear_other(workspace, Family::EntraCipp).await;
        Ok(Connected { connection, managed_tenants: proven.managed_tenants })
    }

    /// Looks whether the secret of a connection that has just come in force is still there. Whoever gives up the
    /// one before it at the same moment deletes secrets after that, and may have met the new one: then it is stored
    /// again, unless this connection has been given up by now, too.
    ///
    /// # Errors
    /// When the secret is gone and cannot be stored again.
    pub(crate) async fn still_there<S: WorkspaceSecret>(
        &self,
        workspace: WorkspaceId,
        connection: ConnectionId,
        secret: &S,
    ) -> Result<(), SecretError> {
        match S::read_fresh(&self.secrets, workspace).await {
            Ok(None) => {}
            Ok(Some(_)) => return Ok(()),
            // It was stored a moment ago, and the connection is in force.
            Err(error) => {
                let error = runtime::telemetry::ErrorChain(&error);
                tracing::warn!(family = %S::FAMILY, error = %error, "a new secret cannot be read again");
                return Ok(());
            }
        }
        secret.put(&self.secrets, workspace).await?;
        let now = self.store.connection(workspace).await;
        let is_over = |now: &Connection| {
            now.id != connection || now.connection_status == ConnectionStatus::Disconnected
        };
        if matches!(&now, Ok(Some(now)) if is_over(now)) {
            self.secrets.delete(Scope::Workspace(workspace), S::FAMILY).await?;
        }
        Ok(())
    }

    /// Deletes the secrets of the kind of connection that was given up for another one. A failure is no
    /// reason to call the new one failed: nothing reads them any more, and disconnecting deletes both.
    pub(crate) async fn clear_other(&self, workspace: WorkspaceId, family: Family) {
        if let Err(error) = self.secrets.delete(Scope::Workspace(workspace), family).await {
            let error = runtime::telemetry::ErrorChain(&error);
            tracing::warn!(%family, error = %error, "secrets of the former connection are left");
        }
    }

    pub(crate) async fn put_in_force(
        &self,
        workspace: WorkspaceId,
        before: Option<&Connection>,
        connection: &Connection,
    ) -> Result<Placed, StoreError> {
        let mut before = before.cloned();
        for _ in 0..TRIES {
            let put = self.store.put_connection(workspace, before.as_ref(), connection).await;
            if matches!(put, Ok(true)) {
                return Ok(Placed::InForce);
            }
            // A write that was refused or not answered may be one of ours that arrived all the same.
            let now = self.store.connection(workspace).await;
            match (now, put) {
                (Ok(Some(now)), _) if now.id == connection.id => return Ok(Placed::InForce),
                (_, Err(error)) | (Err(error), _) => return Err(error),
                // Something was noted at the same connection: that is nobody who was faster.
                (Ok(now), Ok(_)) if is_same_in_force(before.as_ref(), now.as_ref()) => before = now,
                (Ok(_), Ok(_)) => return Ok(Placed::Overtaken),
            }
        }
        Ok(Placed::Overtaken)
    }

    /// Changes the connection in force, when it is still the one that was looked at and nobody
    /// gave it up meanwhile. Answers whether it was changed.
    pub(crate) async fn change_in_force(
        &self,
        workspace: WorkspaceId,
        seen: ConnectionId,
        change: impl FnOnce(&mut Connection),
    ) -> Result<bool, StoreError> {
        let Some(current) = self.store.connection(workspace).await? else { return Ok(false) };
        if current.id != seen || current.connection_status == ConnectionStatus::Disconnected {
            return Ok(false);
        }
        let mut changed = current.clone();
        change(&mut changed);
        self.store.put_connection(workspace, Some(&current), &changed).await
    }
}
