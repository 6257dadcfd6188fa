//! A connection's credentials, out of the secret chain.

use std::sync::{Arc, Mutex, PoisonError};

use ambient::Clock;
use async_trait::async_trait;
use directory::{
    Code, Credentials, PartnerAccess, ReadError, Renewal,
    protocol::token::{AppCredentials, TokenGrant},
};
use domain::ids::{EntraTenantId, WorkspaceId};
use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use secrets::{DirectTokens, SecretChain, SecretError, Version, WorkspaceSecret};
use store::{RenewalLease, RenewalTaken, Store};

/// Between two looks at what somebody else has stored.
const INTERVAL: SignedDuration = SignedDuration::from_millis(200);

/// How often it is looked at, two seconds in all: longer than a token call takes, and short enough for whoever waits
/// for the answer when that process has died.
const LOOKS: u8 = 10;

/// The secrets of one workspace's direct connection.
pub struct WorkspaceCredentials {
    secrets: Arc<SecretChain>,
    workspace: WorkspaceId,
    /// The partner of the connection.
    connected: Option<EntraTenantId>,
    /// The partner of the tokens that were read last.
    partner: Mutex<Option<EntraTenantId>>,
    /// Where all processes agree on who renews; without it each fetches its own token and takes nobody else's.
    together: Option<Together>,
}

/// Agreement between processes.
struct Together {
    store: Store,
    clock: Arc<dyn Clock>,
    lease: Mutex<Option<RenewalLease>>,
}

impl WorkspaceCredentials {
    /// The credentials of `workspace`, for the connection of `partner` when its tenant is known already: with
    /// tokens of another partner nothing is asked.
    pub fn new(secrets: Arc<SecretChain>, workspace: WorkspaceId, partner: Option<EntraTenantId>) -> Self {
        Self { secrets, workspace, connected: partner, partner: Mutex::new(partner), together: None }
    }

    /// The same, with one token of the partner's for all processes.
    #[must_use]
    pub fn together(self, store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { together: Some(Together { store, clock, lease: Mutex::default() }), ..self }
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

    /// What is kept now, past the cache.
    async fn access_now(&self) -> Result<Option<PartnerAccess>, ReadError> {
        self.access_of(DirectTokens::read_fresh(&self.secrets, self.workspace).await)
    }

    fn access_of(
        &self,
        found: Result<Option<(DirectTokens, Version)>, SecretError>,
    ) -> Result<Option<PartnerAccess>, ReadError> {
        let Some((tokens, _)) = found.map_err(unavailable)? else { return Ok(None) };
        self.belong(&tokens)?;
        let access = tokens.access_token.zip(tokens.expires_at);
        Ok(access.map(|(token, expires)| PartnerAccess { token, expires }))
    }
}

impl Together {
    fn put(&self, lease: Option<RenewalLease>) -> Option<RenewalLease> {
        std::mem::replace(&mut *self.lease.lock().unwrap_or_else(PoisonError::into_inner), lease)
    }
}

fn is_other(kept: &PartnerAccess, known: Option<&SecretString>) -> bool {
    known.is_none_or(|known| known.expose_secret() != kept.token.expose_secret())
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

    async fn kept_access(&self) -> Result<Option<PartnerAccess>, ReadError> {
        if self.together.is_none() {
            return Ok(None);
        }
        // Whatever stands in the way is told by the renewal, which looks past the cache.
        Ok(self.access_of(DirectTokens::read(&self.secrets, self.workspace).await).unwrap_or(None))
    }

    async fn begin_renewal(&self, known: Option<&SecretString>) -> Result<Renewal, ReadError> {
        let Some(together) = &self.together else { return Ok(Renewal::Ours) };
        let known = match known {
            Some(known) => Some(known.clone()),
            None => self.access_now().await?.map(|access| access.token),
        };
        let mut looks = LOOKS;
        loop {
            looks -= 1;
            let now = together.clock.now();
            let taken = together.store.take_renewal(self.workspace, now, now).await;
            let is_ours = matches!(taken, Ok(RenewalTaken::Taken(_)));
            match &taken {
                Ok(RenewalTaken::Taken(lease)) => _ = together.put(Some(*lease)),
                Ok(_) => {}
                Err(error) => {
                    let error = runtime::telemetry::ErrorChain(error);
                    tracing::warn!(%error, "the right to renew is not asked for");
                }
            }
            // Whoever had the right before has stored what came, and then given it back.
            match self.access_now().await {
                Ok(Some(kept)) if is_other(&kept, known.as_ref()) => {
                    self.end_renewal().await;
                    return Ok(Renewal::Done(kept));
                }
                Ok(_) => {}
                Err(error) => {
                    self.end_renewal().await;
                    return Err(error);
                }
            }
            // A table that does not answer, or a process that has died, is no reason to stay without a token: two
            // that are fetched are two that are good.
            if is_ours || !matches!(taken, Ok(RenewalTaken::Busy { .. })) || looks == 0 {
                return Ok(Renewal::Ours);
            }
            together.clock.sleep(INTERVAL).await;
        }
    }

    async fn end_renewal(&self) {
        let Some(together) = &self.together else { return };
        let Some(lease) = together.put(None) else { return };
        if let Err(error) = together.store.end_renewal(self.workspace, lease, None).await {
            // It ends by itself.
            tracing::warn!(error = %runtime::telemetry::ErrorChain(&error), "the right to renew is not given back");
        }
    }

    async fn keep(&self, used: &SecretString, new: TokenGrant) -> Result<(), ReadError> {
        let found = DirectTokens::read_fresh(&self.secrets, self.workspace).await.map_err(unavailable)?;
        let Some((stored, version)) = found else { return Ok(()) };
        if stored.refresh_token.expose_secret() != used.expose_secret() {
            // Somebody else was faster; theirs is at least as new.
            return Ok(());
        }
        // What was granted now, which may be less than at the sign-in; untold, it is as it was.
        let scope = new.scopes.map(|scopes| scopes.join(" ")).or(stored.scope);
        let tokens = DirectTokens {
            access_token: Some(new.access_token),
            refresh_token: new.refresh_token.unwrap_or(stored.refresh_token),
            expires_at: Some(new.expires),
            scope,
            partner_tenant_id: stored.partner_tenant_id,
        };
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
