//! What the integration's page shows first.

use assembly::cipp_credential;
use domain::{
    forecast::Outlook,
    ids::{EntraTenantId, WorkspaceId},
    mapping::{Decision, MappingRecord},
    run::RunStatus,
};
use jiff::Timestamp;
use secrets::{CippKey, CippSecret, WorkspaceSecret};
use serde::Serialize;
use store::{Connection, ConnectionKind, ConnectionStatus, StoreError, ValidationFailure};

use crate::Connect;

/// Kinds of connection that can be made.
pub(crate) const AVAILABLE: [ConnectionKind; 2] = [ConnectionKind::Direct, ConnectionKind::Cipp];

/// Runs read at once while looking for a completed one.
const RUNS_PER_PAGE: u16 = 100;

/// The status of a workspace's integration, in the PSA's words and with some of ours.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// `connected`, `validation_failed`, or `not_connected` when no connection is in force.
    pub status: &'static str,
    /// The kind of connection in force.
    pub connection_type: Option<ConnectionKind>,
    /// When the last discovery ended that came to its end.
    pub last_discovery_at: Option<Timestamp>,
    /// Tenants mapped to a client.
    pub mapped_tenant_count: usize,
    /// Tenants whose client is still to be created.
    pub pending_create_tenant_count: usize,
    /// Minutes between recurring syncs, as the schedule has them, on or off; `None` when there never was one.
    pub next_sync_interval_minutes: Option<u32>,
    /// Whether a run that writes has ever completed.
    pub has_completed_first_sync: bool,
    /// Kinds of connection that can be made.
    pub available_connection_types: Vec<ConnectionKind>,
    /// When the connection in force was last checked.
    pub last_validated_at: Option<Timestamp>,
    /// What that check found wrong.
    pub last_validation_error: Option<ValidationFailure>,
    /// Facts of the connection in force.
    pub connection_details: Option<ConnectionDetails>,
    /// What of the connection in force ends by itself, the most pressing first.
    pub expiry_forecast: Vec<Outlook>,
    /// Which source supplies an app registration, whether connected or not; `None` when there is
    /// none or it cannot be read.
    pub app_credential_source: Option<&'static str>,
    /// Why the app registration cannot be read: a stable code.
    pub app_credential_error: Option<&'static str>,
    /// When the last connection was given up, while none is in force.
    pub disconnected_at: Option<Timestamp>,
    /// The redirect URI to register for the app (platform "Web").
    pub redirect_uri: String,
    /// What signing in will ask for.
    pub requested_scopes: Vec<String>,
}

/// Facts of the connection in force.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionDetails {
    /// Where the CIPP API is, as the secret store has it; null for a direct connection, and when it
    /// cannot be read.
    pub cipp_base_url: Option<String>,
    /// What opens it: `client`, an API client, or `token`, one that was entered.
    pub cipp_credential_type: Option<&'static str>,
    /// When a token that was entered ends, if it tells.
    pub cipp_token_expires_at: Option<Timestamp>,
    /// The tenant configured with the app registration, as it was entered.
    pub direct_tenant_id: Option<String>,
    /// Which source supplies the app registration: `tenant-secret`, `env` or `app-secret`.
    pub direct_credential_source: Option<&'static str>,
    /// The partner tenant that signed in.
    pub partner_tenant_id: Option<EntraTenantId>,
    /// Since when it is in force.
    pub connected_at: Timestamp,
}

#[derive(Default)]
struct CippFacts {
    base_url: Option<String>,
    credential_type: Option<&'static str>,
    token_expires_at: Option<Timestamp>,
}

impl Connect {
    /// The status of `workspace`. Asks nobody outside: whether the connection works now is what
    /// [`Connect::validate_direct`] and [`Connect::validate_cipp`] find out.
    pub async fn status(&self, workspace: WorkspaceId) -> Result<Status, StoreError> {
        let last = self.store.connection(workspace).await?;
        let mappings = self.store.mappings(workspace).await?;
        let schedule = self.store.schedule(workspace).await?;
        let (app, app_credential_error) = match self.secrets.app_credentials(workspace).await {
            Ok(app) => (app, None),
            Err(error) => (None, Some(error.code())),
        };
        let disconnected_at = last.as_ref().and_then(|connection| connection.disconnected_at);
        let in_force =
            last.filter(|connection| connection.connection_status != ConnectionStatus::Disconnected);
        let cipp = match &in_force {
            Some(connection) if connection.kind == ConnectionKind::Cipp => self.cipp_facts(workspace).await,
            _ => CippFacts::default(),
        };
        let expiry_forecast = match &in_force {
            Some(connection) => self.outlook(workspace, connection, &mappings).await?,
            None => Vec::new(),
        };
        let source = app.as_ref().map(|app| app.source.name());
        let count = |wanted: fn(&Decision) -> bool| count(&mappings, wanted);
        Ok(Status {
            status: in_force.as_ref().map_or("not_connected", name),
            connection_type: in_force.as_ref().map(|connection| connection.kind),
            last_discovery_at: self.store.last_discovery(workspace).await?,
            mapped_tenant_count: count(|decision| matches!(decision, Decision::Mapped { .. })),
            pending_create_tenant_count: count(|decision| matches!(decision, Decision::CreateNew)),
            next_sync_interval_minutes: schedule
                .map(|stored| stored.schedule.sync_interval_minutes.minutes()),
            has_completed_first_sync: self.has_completed_first_sync(workspace).await?,
            available_connection_types: AVAILABLE.to_vec(),
            last_validated_at: in_force.as_ref().and_then(|connection| connection.last_validated_at),
            last_validation_error: in_force
                .as_ref()
                .and_then(|connection| connection.last_validation_error.clone()),
            disconnected_at: disconnected_at.filter(|_| in_force.is_none()),
            connection_details: in_force.map(|connection| ConnectionDetails {
                cipp_base_url: cipp.base_url,
                cipp_credential_type: cipp.credential_type,
                cipp_token_expires_at: cipp.token_expires_at,
                direct_tenant_id: app.and_then(|app| app.tenant_id),
                direct_credential_source: source,
                partner_tenant_id: connection.partner_tenant,
                connected_at: connection.connected_at,
            }),
            expiry_forecast,
            app_credential_source: source,
            app_credential_error,
            redirect_uri: self.redirect_uri(),
            requested_scopes: self.graph.scopes.clone(),
        })
    }

    /// What may be shown of the stored credential; nothing when it cannot be read.
    async fn cipp_facts(&self, workspace: WorkspaceId) -> CippFacts {
        match CippSecret::read(&self.secrets, workspace).await {
            Ok(Some((secret, _))) => CippFacts {
                base_url: Some(secret.base_url),
                credential_type: Some(match secret.key {
                    CippKey::Client { .. } => "client",
                    CippKey::Token(_) => "token",
                }),
                token_expires_at: cipp_credential(secret.key).expires(),
            },
            Ok(None) => CippFacts::default(),
            Err(error) => {
                tracing::warn!(code = error.code(), "the credential for CIPP cannot be read");
                CippFacts::default()
            }
        }
    }

    /// Newest first: once there is a completed run, one is usually among the last few.
    async fn has_completed_first_sync(&self, workspace: WorkspaceId) -> Result<bool, StoreError> {
        let mut after = None;
        loop {
            let runs = self.store.runs(workspace, after, RUNS_PER_PAGE).await?;
            if runs.iter().any(|run| run.run_status == RunStatus::Completed && run.kind.writes()) {
                return Ok(true);
            }
            match runs.last() {
                Some(last) => after = Some(last.id),
                None => return Ok(false),
            }
        }
    }
}

fn name(connection: &Connection) -> &'static str {
    match connection.connection_status {
        ConnectionStatus::Connected => "connected",
        ConnectionStatus::Disconnected => "disconnected",
        ConnectionStatus::ValidationFailed => "validation_failed",
    }
}

fn count(mappings: &[MappingRecord], wanted: fn(&Decision) -> bool) -> usize {
    mappings.iter().filter(|record| wanted(&record.current.decision)).count()
}
