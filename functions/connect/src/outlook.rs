//! What of the connection in force ends by itself, and when.

use std::collections::BTreeSet;

use assembly::cipp_credential;
use domain::{
    forecast::{Credential, Outlook, TenantAccess, forecast},
    ids::{ManagedTenantId, WorkspaceId},
    mapping::{Decision, MappingRecord},
};
use jiff::Timestamp;
use secrets::{CippKey, CippSecret, SecretError, WorkspaceSecret};
use store::{Connection, ConnectionKind, StoreError};

use crate::{Connect, Pressing};

impl Connect {
    /// The whole forecast for `connection`. When the credential cannot be read, its end is unknown.
    pub(crate) async fn outlook(
        &self,
        workspace: WorkspaceId,
        connection: &Connection,
        mappings: &[MappingRecord],
    ) -> Result<Vec<Outlook>, StoreError> {
        Ok(self.forecast(workspace, connection, mappings).await?.outlook)
    }

    /// The forecast for `connection`, from what is stored: nobody outside is asked. What is not known of the
    /// credential is named.
    pub(crate) async fn forecast(
        &self,
        workspace: WorkspaceId,
        connection: &Connection,
        mappings: &[MappingRecord],
    ) -> Result<Pressing, StoreError> {
        let (credential, unread) = match connection.kind {
            ConnectionKind::Cipp => self.cipp_outlook(workspace).await,
            ConnectionKind::Direct => {
                let renewed_at = self.store.renewed_at(workspace).await?.unwrap_or(connection.connected_at);
                self.direct_outlook(workspace, renewed_at).await
            }
        };
        let is_mapped = |record: &&MappingRecord| matches!(record.current.decision, Decision::Mapped { .. });
        let mapped: BTreeSet<ManagedTenantId> =
            mappings.iter().filter(is_mapped).map(|record| record.managed_tenant).collect();
        let tenants = self.store.managed_tenants(workspace).await?;
        let tenants: Vec<TenantAccess> = tenants
            .into_iter()
            .filter(|tenant| mapped.contains(&tenant.id))
            .map(|tenant| TenantAccess {
                name: tenant.display_name.unwrap_or_else(|| tenant.entra.to_string()),
                ends: tenant.access_ends,
            })
            .collect();
        Ok(Pressing { outlook: forecast(self.clock.now(), credential, &tenants), unread })
    }

    async fn cipp_outlook(&self, workspace: WorkspaceId) -> (Credential, Option<&'static str>) {
        let (stored, unread) = known(CippSecret::read(&self.secrets, workspace).await);
        let credential = match stored.flatten() {
            None => Credential::CippClient { secret_ends: None },
            Some((secret, _)) => match secret.key {
                CippKey::Client { .. } => Credential::CippClient { secret_ends: secret.secret_ends },
                key @ CippKey::Token(_) => Credential::CippToken { ends: cipp_credential(key).expires() },
            },
        };
        (credential, unread)
    }

    async fn direct_outlook(
        &self,
        workspace: WorkspaceId,
        renewed_at: Timestamp,
    ) -> (Credential, Option<&'static str>) {
        let (app, unread) = known(self.secrets.app_credentials(workspace).await);
        let secret_ends = app.flatten().and_then(|app| app.secret_ends);
        (Credential::Direct { secret_ends, renewed_at }, unread)
    }
}

/// What could be read, or the code of why not.
fn known<T>(read: Result<T, SecretError>) -> (Option<T>, Option<&'static str>) {
    match read {
        Ok(value) => (Some(value), None),
        Err(error) => {
            tracing::warn!(code = error.code(), "when the credential ends cannot be read");
            (None, Some(error.code()))
        }
    }
}
