//! What of the connection in force ends by itself, and when.

use std::collections::BTreeSet;

use assembly::cipp_credential;
use domain::{
    forecast::{Credential, Outlook, TenantAccess, forecast},
    ids::{ManagedTenantId, WorkspaceId},
    mapping::{Decision, MappingRecord},
};
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
            ConnectionKind::Direct => self.direct_outlook(workspace, connection).await,
        };
        let credential = credential.unwrap_or_else(|error| {
            tracing::warn!(code = error.code(), "when the credential ends cannot be read");
            unknown(connection)
        });
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

    async fn cipp_outlook(&self, workspace: WorkspaceId) -> Result<Credential, SecretError> {
        let Some((secret, _)) = CippSecret::read(&self.secrets, workspace).await? else {
            return Ok(Credential::CippClient { secret_ends: None });
        };
        Ok(match secret.key {
            CippKey::Client { .. } => Credential::CippClient { secret_ends: secret.secret_ends },
            key @ CippKey::Token(_) => Credential::CippToken { ends: cipp_credential(key).expires() },
        })
    }

    async fn direct_outlook(
        &self,
        workspace: WorkspaceId,
        connection: &Connection,
    ) -> Result<Credential, SecretError> {
        let app = self.secrets.app_credentials(workspace).await?;
        Ok(Credential::Direct {
            secret_ends: app.and_then(|app| app.secret_ends),
            renewed_at: connection.connected_at,
        })
    }
}

const fn unknown(connection: &Connection) -> Credential {
    match connection.kind {
        ConnectionKind::Cipp => Credential::CippClient { secret_ends: None },
        ConnectionKind::Direct => {
            Credential::Direct { secret_ends: None, renewed_at: connection.connected_at }
        }
    }
}
