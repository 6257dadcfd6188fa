//! Checking that a CIPP connection still works.

use std::sync::Arc;

use assembly::WorkspaceCipp;
use directory::TenantList;
use domain::ids::WorkspaceId;
use jiff::Timestamp;
use secrets::{CippSecret, WorkspaceSecret};
use store::{Connection, ConnectionKind, ConnectionStatus, ValidationFailure};

use super::CippError;
use crate::Connect;

/// Where the customers were listed.
pub(crate) const TENANTS_ENDPOINT: &str = "/api/ListTenants";

/// A CIPP connection that works.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CippValidated {
    /// When it was seen working.
    pub checked_at: Timestamp,
    /// Customer tenants it can see.
    pub managed_tenants: usize,
}

impl Connect {
    /// Lists the partner's customers with the stored credential. What is found out is kept with the
    /// connection.
    pub async fn validate_cipp(&self, workspace: WorkspaceId) -> Result<CippValidated, CippError> {
        let connection = self.store.connection(workspace).await?.filter(is_in_force);
        let Some(connection) = connection else { return Err(CippError::MissingCredentials) };
        let found = self.check_cipp(workspace, &connection).await;
        let now = self.clock.now();
        let found =
            found.map(|listed| CippValidated { checked_at: now, managed_tenants: listed.tenants.len() });
        let (status, failure) = match &found {
            Ok(_) => (ConnectionStatus::Connected, None),
            Err(error) if error.is_a_finding() => {
                let message = format!("{} {}", error.what_happened(), error.remedy());
                let failure = ValidationFailure { message, code: error.code().to_owned(), checked_at: now };
                (ConnectionStatus::ValidationFailed, Some(failure))
            }
            Err(_) => return found,
        };
        self.change_in_force(workspace, connection.id, |connection| {
            connection.connection_status = status;
            connection.last_validated_at = Some(now);
            connection.last_validation_error = failure;
        })
        .await?;
        if found.is_ok() {
            // A connection that is older than the list of those that have something that ends.
            self.store.note_connection(workspace, now).await?;
        }
        found
    }

    /// Lists the partner's customers with the stored credential.
    pub(crate) async fn check_cipp(
        &self,
        workspace: WorkspaceId,
        connection: &Connection,
    ) -> Result<TenantList, CippError> {
        // Past the cache: somebody may have connected again a moment ago, in another process.
        let stored = CippSecret::read_fresh(&self.secrets, workspace).await?;
        let (secret, _) = stored.ok_or(CippError::MissingCredentials)?;
        let secrets = Arc::clone(&self.secrets);
        let stored = WorkspaceCipp::new(secrets, workspace, connection, self.cipp.destinations);
        let access = stored.access_with(secret).map_err(CippError::Probe)?;
        self.probe_cipp(access).await.map_err(CippError::Probe)
    }
}

fn is_in_force(connection: &Connection) -> bool {
    connection.kind == ConnectionKind::Cipp && connection.connection_status != ConnectionStatus::Disconnected
}
