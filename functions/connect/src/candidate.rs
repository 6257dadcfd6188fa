//! A sign-in that is not stored yet, and the proof that it can do what a sync needs.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use directory::{
    Credentials, Directory, GraphDirectory, ReadError,
    protocol::token::{AppCredentials, TokenGrant},
};
use domain::ids::EntraTenantId;
use secrecy::SecretString;
use secrets::DirectTokens;

use crate::Connect;

/// A sign-in nobody has tried yet.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) app: AppCredentials,
    pub(crate) partner: EntraTenantId,
    pub(crate) refresh_token: SecretString,
    pub(crate) grant: TokenGrant,
}

/// A sign-in that can list the partner's customers.
#[derive(Debug)]
pub(crate) struct Proven {
    /// What to store: the newest tokens.
    pub(crate) tokens: DirectTokens,
    /// Customer tenants it can see.
    pub(crate) managed_tenants: usize,
}

impl Connect {
    /// Lists the partner's customers with the candidate's refresh token, which is what every sync
    /// will begin with. Stores nothing.
    pub(crate) async fn prove(&self, candidate: Candidate) -> Result<Proven, ReadError> {
        let Candidate { app, partner, refresh_token, grant } = candidate;
        let mut tokens = DirectTokens {
            access_token: None,
            refresh_token,
            expires_at: None,
            scope: None,
            partner_tenant_id: Some(partner),
        };
        renew(&mut tokens, grant);
        let held = Arc::new(Held { app, partner, tokens: Mutex::new(tokens) });
        let directory = GraphDirectory::new(
            self.graph_awaited(),
            self.http.clone(),
            Arc::clone(&held) as Arc<dyn Credentials>,
            Arc::clone(&self.clock),
            Arc::clone(&self.entropy),
        );
        let managed_tenants = directory.managed_tenants().await?.tenants.len();
        Ok(Proven { tokens: held.tokens(), managed_tenants })
    }
}

/// Credentials that live no longer than the proof.
struct Held {
    app: AppCredentials,
    partner: EntraTenantId,
    tokens: Mutex<DirectTokens>,
}

impl Held {
    fn tokens(&self) -> DirectTokens {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Credentials for Held {
    async fn app(&self) -> Result<AppCredentials, ReadError> {
        Ok(self.app.clone())
    }

    async fn refresh_token(&self) -> Result<SecretString, ReadError> {
        Ok(self.tokens().refresh_token)
    }

    async fn keep(&self, _used: &SecretString, new: TokenGrant) -> Result<(), ReadError> {
        renew(&mut self.tokens.lock().unwrap_or_else(PoisonError::into_inner), new);
        Ok(())
    }

    fn partner_tenant(&self) -> Option<EntraTenantId> {
        Some(self.partner)
    }
}

/// `tokens` after `new` was granted.
fn renew(tokens: &mut DirectTokens, new: TokenGrant) {
    tokens.access_token = Some(new.access_token);
    tokens.expires_at = Some(new.expires);
    if let Some(refresh_token) = new.refresh_token {
        tokens.refresh_token = refresh_token;
    }
    if let Some(scopes) = new.scopes {
        tokens.scope = Some(scopes.join(" "));
    }
}
