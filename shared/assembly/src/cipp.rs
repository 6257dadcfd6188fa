//! The way to a workspace's CIPP deployment.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use directory::{
    CippAccess, CippBase, CippCredential, CippCredentials, CippHttp, CippSettings, Code, ReadError,
    cipp::Destinations, protocol::token::AppCredentials,
};
use domain::ids::WorkspaceId;
use runtime::{
    Settings,
    http::{self, Limits},
};
use secrets::{CippKey, CippSecret, SecretChain, SecretError, Version, WorkspaceSecret};
use store::Connection;

/// To the end of the TLS handshake, and to that of the answer: a function app that was asleep needs
/// tens of seconds.
const LIMITS: Limits = Limits { connect: Duration::from_secs(5), total: Duration::from_secs(90) };

/// How CIPP deployments are asked, by the settings.
pub fn cipp_settings(settings: &Settings) -> CippSettings {
    let destinations =
        if settings.cipp_on_this_machine { Destinations::ThisMachineToo } else { Destinations::PublicOnly };
    CippSettings::new(CippHttp::new(|| http::builder(LIMITS)), destinations)
}

/// The access to one workspace's deployment, out of the secret chain. The address is looked at with
/// every use: what is kept may be older than today's rules.
pub struct WorkspaceCipp {
    secrets: Arc<SecretChain>,
    workspace: WorkspaceId,
    /// Where the connection's deployment is.
    connected: Option<String>,
    destinations: Destinations,
}

impl WorkspaceCipp {
    /// The access of `workspace` for `connection`.
    pub fn new(
        secrets: Arc<SecretChain>,
        workspace: WorkspaceId,
        connection: &Connection,
        destinations: Destinations,
    ) -> Self {
        Self { secrets, workspace, connected: connection.cipp_base_url.clone(), destinations }
    }

    /// The access that `secret` gives, if it is for the connection's deployment. It is stored before the connection
    /// is: whoever is killed in between leaves the new one's credential under the former one's connection, and
    /// reading with it would find other customers.
    ///
    /// # Errors
    /// [`Code::CippMismatch`], or [`Code::CippAddressRefused`].
    pub fn access_with(&self, secret: CippSecret) -> Result<CippAccess, ReadError> {
        let base =
            CippBase::parse(&secret.base_url, self.destinations).map_err(|_| Code::CippAddressRefused)?;
        if self.connected.as_ref().is_some_and(|connected| connected != base.as_str()) {
            return Err(Code::CippMismatch.into());
        }
        Ok(CippAccess { base, credential: cipp_credential(secret.key) })
    }

    fn access_of(
        &self,
        found: Result<Option<(CippSecret, Version)>, SecretError>,
    ) -> Result<CippAccess, ReadError> {
        let found = found.map_err(|error| {
            tracing::error!(error = %runtime::telemetry::ErrorChain(&error), "the connection's secrets cannot be read");
            Code::CredentialsUnavailable
        })?;
        let (secret, _) = found.ok_or(Code::NotConnected)?;
        self.access_with(secret)
    }
}

#[async_trait]
impl CippCredentials for WorkspaceCipp {
    async fn access(&self) -> Result<CippAccess, ReadError> {
        match self.access_of(CippSecret::read(&self.secrets, self.workspace).await) {
            // The cache may be from before the connection.
            Err(error) if matches!(error.code(), Code::CippMismatch | Code::NotConnected) => {
                self.access_of(CippSecret::read_fresh(&self.secrets, self.workspace).await)
            }
            found => found,
        }
    }
}

/// A stored key in the directory's words.
pub fn cipp_credential(key: CippKey) -> CippCredential {
    match key {
        CippKey::Client { tenant_id, client_id, client_secret } => {
            CippCredential::Client { tenant: tenant_id, app: AppCredentials { client_id, client_secret } }
        }
        CippKey::Token(token) => CippCredential::Bearer(token),
    }
}
