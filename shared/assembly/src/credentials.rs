//! A connection's credentials, out of the secret chain.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use directory::{
    Code, Credentials, ReadError,
    protocol::token::{AppCredentials, TokenGrant},
};
use domain::ids::{EntraTenantId, WorkspaceId};
use secrecy::{ExposeSecret, SecretString};
use secrets::{DirectTokens, SecretChain, SecretError, Version, WorkspaceSecret};

/// The secrets of one workspace's direct connection.
pub struct WorkspaceCredentials {
    secrets: Arc<SecretChain>,
    workspace: WorkspaceId,
    /// The partner of the connection.
    connected: Option<EntraTenantId>,
    /// The partner of the tokens that were read last.
    partner: Mutex<Option<EntraTenantId>>,
}

impl WorkspaceCredentials {
    /// The credentials of `workspace`, for the connection of `partner` when its tenant is known already: with
    /// tokens of another partner nothing is asked.
    pub fn new(secrets: Arc<SecretChain>, workspace: WorkspaceId, partner: Option<EntraTenantId>) -> Self {
        Self { secrets, workspace, connected: partner, partner: Mutex::new(partner) }
    }

    /// That the tokens are of the connection's partner. They are stored before the connection is: whoever is
    /// killed in between, while another partner is connected, leaves the new partner's tokens under the former
    /// one's connection, and reading with them would find other customers.
    ///
    /// # Errors
    /// [`Code::PartnerMismatch`].
    pub fn belong(&self, tokens: &DirectTokens) -> Result<(), ReadError> {
        match (self.connected, tokens.partner_tenant_id) {
            (Some(connected), Some(signed_in)) if connected != signed_in => Err(Code::PartnerMismatch.into()),
            _ => Ok(()),
        }
    }

    fn token_of(
        &self,
        found: Result<Option<(DirectTokens, Version)>, SecretError>,
    ) -> Result<SecretString, ReadError> {
        let (tokens, _) = found.map_err(unavailable)?.ok_or(Code::NotConnected)?;
        self.belong(&tokens)?;
        if let Some(partner) = tokens.partner_tenant_id {
            *self.partner.lock().unwrap_or_else(PoisonError::into_inner) = Some(partner);
        }
        Ok(tokens.refresh_token)
    }
}

#[async_trait]
impl Credentials for WorkspaceCredentials {
    async fn app(&self) -> Result<AppCredentials, ReadError> {
        let found = self.secrets.app_credentials(self.workspace).await.map_err(unavailable)?;
        let found = found.ok_or(Code::AppCredentialsMissing)?;
        Ok(AppCredentials { client_id: found.client_id, client_secret: found.client_secret })
    }

    async fn refresh_token(&self) -> Result<SecretString, ReadError> {
        match self.token_of(DirectTokens::read(&self.secrets, self.workspace).await) {
            // The cache may be from before the connection.
            Err(error) if matches!(error.code(), Code::PartnerMismatch | Code::NotConnected) => {
                self.newest_refresh_token().await
            }
            found => found,
        }
    }

    async fn newest_refresh_token(&self) -> Result<SecretString, ReadError> {
        self.token_of(DirectTokens::read_fresh(&self.secrets, self.workspace).await)
    }

    async fn keep(&self, used: &SecretString, new: TokenGrant) -> Result<(), ReadError> {
        let Some(newer) = new.refresh_token else { return Ok(()) };
        let found = DirectTokens::read_fresh(&self.secrets, self.workspace).await.map_err(unavailable)?;
        let Some((stored, version)) = found else { return Ok(()) };
        if stored.refresh_token.expose_secret() != used.expose_secret() {
            // Somebody else was faster; theirs is at least as new.
            return Ok(());
        }
        // What was granted now, which may be less than at the sign-in; untold, it is as it was.
        let scope = new.scopes.map(|scopes| scopes.join(" ")).or(stored.scope);
        let tokens =
            DirectTokens { access_token: None, expires_at: None, refresh_token: newer, scope, ..stored };
        match tokens.save(&self.secrets, self.workspace, Some(&version)).await {
            Ok(_) | Err(SecretError::Conflict { .. }) => Ok(()),
            Err(error) => Err(unavailable(error)),
        }
    }

    fn partner_tenant(&self) -> Option<EntraTenantId> {
        *self.partner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unavailable(error: SecretError) -> ReadError {
    tracing::error!(error = %runtime::telemetry::ErrorChain(&error), "the connection's secrets cannot be read");
    Code::CredentialsUnavailable.into()
}
