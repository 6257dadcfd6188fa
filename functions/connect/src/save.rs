//! Storing a proven sign-in: tokens and connection, both or neither.

use domain::ids::{ConnectionId, UserId, WorkspaceId};
use secrets::{DirectTokens, SecretError, Version};
use store::{Connection, ConnectionKind, ConnectionStatus, StoreError};

use crate::{Connect, ConnectError, Connected, candidate::Proven};

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
            connected_at: now,
            disconnected_at: None,
            last_validated_at: Some(now),
            last_validation_error: None,
            created_by: actor,
        };
        let (tokens_before, written) = self.save_tokens(workspace, &proven.tokens).await?;
        match self.put_in_force(workspace, before, &connection).await {
            Ok(()) => Ok(Connected { connection, managed_tenants: proven.managed_tenants }),
            Err(error) => {
                self.restore(workspace, tokens_before, &written).await.map_err(ConnectError::NotRestored)?;
                Err(error)
            }
        }
    }

    /// Writes `tokens` over whatever is there; answers what that was and the state written.
    async fn save_tokens(
        &self,
        workspace: WorkspaceId,
        tokens: &DirectTokens,
    ) -> Result<(Option<DirectTokens>, Version), SecretError> {
        let found = match DirectTokens::read_fresh(&self.secrets, workspace).await {
            // A damaged set is no reason to stay without a connection.
            Err(SecretError::Malformed { .. }) => None,
            found => found?,
        };
        let (before, version) = found.unzip();
        let written = match tokens.save(&self.secrets, workspace, version.as_ref()).await {
            // A run renewed the old set meanwhile, or it is damaged. The person who has just
            // signed in has the newest, and Microsoft keeps older refresh tokens valid: what may
            // be restored is stale and still good.
            Err(SecretError::Conflict { .. } | SecretError::Malformed { .. }) => {
                tokens.replace(&self.secrets, workspace).await?
            }
            written => written?,
        };
        Ok((before, written))
    }

    async fn put_in_force(
        &self,
        workspace: WorkspaceId,
        before: Option<&Connection>,
        connection: &Connection,
    ) -> Result<(), ConnectError> {
        let put = self.store.put_connection(workspace, before, connection).await;
        if matches!(put, Ok(true)) {
            return Ok(());
        }
        // A write that was refused or not answered may be one of ours that arrived all the same.
        let now = self.store.connection(workspace).await;
        match (now, put) {
            (Ok(Some(now)), _) if now.id == connection.id => Ok(()),
            (_, Err(error)) | (Err(error), _) => Err(error.into()),
            (Ok(_), Ok(_)) => Err(ConnectError::Overtaken),
        }
    }

    /// Puts the tokens back that were there before `written`, unless somebody has replaced that.
    async fn restore(
        &self,
        workspace: WorkspaceId,
        before: Option<DirectTokens>,
        written: &Version,
    ) -> Result<(), SecretError> {
        if let Some(before) = before {
            return match before.save(&self.secrets, workspace, Some(written)).await {
                Ok(_) | Err(SecretError::Conflict { .. }) => Ok(()),
                Err(error) => Err(error),
            };
        }
        match DirectTokens::read_fresh(&self.secrets, workspace).await? {
            Some((_, version)) if version == *written => DirectTokens::clear(&self.secrets, workspace).await,
            _ => Ok(()),
        }
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
