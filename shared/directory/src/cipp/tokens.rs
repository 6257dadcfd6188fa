//! Tokens for a CIPP API: made with the API client's credentials, or the one that was entered.

use ambient::Clock;
use domain::ids::EntraTenantId;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use super::credentials::CippCredential;
use crate::{
    error::{Code, ReadError},
    graph::Login,
    protocol::token::AppCredentials,
};

/// How long before its end a token is no longer used.
const END_MARGIN: SignedDuration = SignedDuration::from_mins(5);

/// The token of one connection. Many readers share one call for a new one.
pub(super) struct CippTokens {
    login: Login,
    minted: Mutex<Option<Minted>>,
}

struct Minted {
    token: SecretString,
    expires: Timestamp,
    /// Of the credential it was made with.
    of: [u8; 32],
}

impl CippTokens {
    pub(super) fn new(login: Login) -> Self {
        Self { login, minted: Mutex::default() }
    }

    /// A token other than `refused`.
    pub(super) async fn bearer(
        &self,
        credential: &CippCredential,
        refused: Option<&SecretString>,
    ) -> Result<SecretString, ReadError> {
        match credential {
            CippCredential::Bearer(token) => self.entered(token, credential.expires(), refused),
            CippCredential::Client { tenant, app } => self.minted(*tenant, app, refused).await,
        }
    }

    fn entered(
        &self,
        token: &SecretString,
        expires: Option<Timestamp>,
        refused: Option<&SecretString>,
    ) -> Result<SecretString, ReadError> {
        if expires.is_some_and(|expires| expires <= self.clock().now()) {
            return Err(Code::CippTokenExpired.into());
        }
        if refused.is_some_and(|refused| is_same(refused, token)) {
            return Err(Code::CippTokenRefused.into());
        }
        Ok(token.clone())
    }

    async fn minted(
        &self,
        tenant: EntraTenantId,
        app: &AppCredentials,
        refused: Option<&SecretString>,
    ) -> Result<SecretString, ReadError> {
        let of = fingerprint(tenant, app);
        let mut slot = self.minted.lock().await;
        let now = self.clock().now();
        let usable = slot.as_ref().filter(|minted| {
            minted.of == of
                && minted.expires.duration_since(now) > END_MARGIN
                && !refused.is_some_and(|refused| is_same(refused, &minted.token))
        });
        if let Some(minted) = usable {
            return Ok(minted.token.clone());
        }
        *slot = None;
        let scope = format!("api://{}/.default", app.client_id);
        let grant = self.login.client_token(tenant, app.clone(), scope).await?;
        let token = grant.access_token.clone();
        *slot = Some(Minted { token: token.clone(), expires: grant.expires, of });
        Ok(token)
    }

    fn clock(&self) -> &dyn Clock {
        self.login.clock()
    }
}

fn fingerprint(tenant: EntraTenantId, app: &AppCredentials) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in [&tenant.to_string(), app.client_id.as_str(), app.client_secret.expose_secret()] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

fn is_same(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
}
