//! What of the connection in force ends by itself, and when.

use std::collections::BTreeSet;

use assembly::cipp_credential;
use domain::{
    forecast::{Credential, Outlook, TenantAccess, forecast},
    ids::{ManagedTenantId, WorkspaceId},
    mapping::{Decision, MappingRecord},
};
use jiff::Timestamp;
use secrets::{CippKey, CippSecret, SecretError};
use store::{Connection, ConnectionKind, StoreError};

use crate::Connect;

impl Connect {
    /// The forecast for `connection`, from what is stored: nobody outside is asked. What cannot be read is
    /// unknown.
    pub(crate) async fn outlook(
        &self,
        workspace: WorkspaceId,
        connection: &Connection,
        mappings: &[MappingRecord],
    ) -> Result<Vec<Outlook>, StoreError> {
        let credential = match connection.kind {
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
        Ok(forecast(self.clock.now(), credential, &tenants))
    }

    async fn cipp_outlook(&self, workspace: WorkspaceId) -> Credential {
        let Some((secret, _)) = CippSecret::read(&self.secrets, workspace).await.unwrap_or_else(unread)
        else {
            return Credential::CippClient { secret_ends: None };
        };
        match secret.key {
            CippKey::Client { .. } => Credential::CippClient { secret_ends: secret.secret_ends },
            key @ CippKey::Token(_) => Credential::CippToken { ends: cipp_credential(key).expires() },
        }
    }

    async fn direct_outlook(&self, workspace: WorkspaceId, renewed_at: Timestamp) -> Credential {
        let app = self.secrets.app_credentials(workspace).await.unwrap_or_else(unread);
        Credential::Direct { secret_ends: app.and_then(|app| app.secret_ends), renewed_at }
    }
}

/// What cannot be read is unknown: the status says elsewhere that it cannot.
fn unread<T>(error: SecretError) -> Option<T> {
    tracing::warn!(code = error.code(), "when the credential ends cannot be read");
    None
}
