//! Connecting without a browser: with a refresh token from a secure application model setup.

use directory::{
    GraphSettings,
    protocol::token::{AppCredentials, Authority, TokenFailure},
};
use domain::ids::{EntraTenantId, UserId, WorkspaceId};
use secrecy::SecretString;
use store::Connection;

use crate::{Connect, ConnectError, Connected, candidate::Candidate, identity::home_tenant};

impl Connect {
    /// Connects `workspace` with a refresh token that was made for its app registration elsewhere
    /// (learn.microsoft.com/partner-center/developer/enable-secure-app-model). The token is
    /// redeemed where its account is at home, which says whose it is; then it is tried out and
    /// stored like any other sign-in.
    pub async fn connect_with_refresh_token(
        &self,
        workspace: WorkspaceId,
        actor: Option<UserId>,
        refresh_token: SecretString,
        change_partner: bool,
    ) -> Result<Connected, ConnectError> {
        let before = self.store.connection(workspace).await?;
        let app = self.app(workspace).await?;
        let refresh_scope = format!("openid {}", self.graph.refresh_scope);
        let microsoft = self.microsoft(GraphSettings { refresh_scope, ..self.graph.clone() });
        let granted = microsoft.refresh(Authority::Organizations, app.clone(), refresh_token.clone()).await;
        let grant = granted.map_err(|failure| match failure {
            TokenFailure::Decided(error) | TokenFailure::Undecided(error) => {
                ConnectError::TokenExchange(error)
            }
        })?;
        let id_token = grant.id_token.as_ref().ok_or(ConnectError::TokensIncomplete)?;
        let partner = home_tenant(id_token, &app.client_id, &self.graph.issuer_template())
            .map_err(ConnectError::Identity)?;
        let known = known_partner(before.as_ref(), change_partner);
        if known.is_some_and(|known| known != partner) {
            return Err(ConnectError::PartnerTenantChanged);
        }
        let missing = grant.missing_scopes(&self.graph.scopes);
        if !missing.is_empty() {
            return Err(ConnectError::ConsentMissing(missing));
        }
        let candidate = Candidate { app, partner, refresh_token, grant };
        let proven = self.prove(candidate).await.map_err(ConnectError::Probe)?;
        self.save(workspace, actor, before.as_ref(), &proven).await
    }

    /// The app registration that signs in for `workspace`.
    pub(crate) async fn app(&self, workspace: WorkspaceId) -> Result<AppCredentials, ConnectError> {
        let app = self.secrets.app_credentials(workspace).await?.ok_or(ConnectError::MissingCredentials)?;
        Ok(AppCredentials { client_id: app.client_id, client_secret: app.client_secret })
    }
}

/// The partner tenant that a new sign-in has to belong to. It also counts when the connection was
/// given up: mappings and links outlive it, and they are that partner's.
pub(crate) fn known_partner(before: Option<&Connection>, change_partner: bool) -> Option<EntraTenantId> {
    before.filter(|_| !change_partner)?.partner_tenant
}
