//! Calls to the token endpoint.

use std::sync::Arc;

use ambient::{Clock, Entropy};
use domain::ids::EntraTenantId;
use secrecy::SecretString;
use tokio::sync::Semaphore;
use url::Url;

use super::{GraphSettings, transport::Transport};
use crate::{
    error::{Code, ReadError},
    protocol::{
        Input,
        published::{Fetch, FetchStep},
        signing_keys::{SigningKeys, keys_url, metadata_url},
        token::{
            AppCredentials, Authority, Grant, TokenExchange, TokenFailure, TokenGrant, TokenRequest,
            TokenStep,
        },
    },
};

/// Token calls under way at once.
const CALLS_MAX: usize = 24;

/// Asked for beside the resource where a newer refresh token is wanted.
const OFFLINE_ACCESS: &str = "offline_access";

/// The login service.
pub struct Login {
    settings: GraphSettings,
    transport: Arc<Transport>,
    calls: Semaphore,
}

impl Login {
    /// The login service of `settings` over `http`, which must not follow redirects.
    pub fn new(
        settings: GraphSettings,
        http: reqwest::Client,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let transport = Transport::new(http, clock, entropy, settings.body_bytes_max);
        Self::over(settings, Arc::new(transport))
    }

    pub(crate) fn over(settings: GraphSettings, transport: Arc<Transport>) -> Self {
        Self { settings, transport, calls: Semaphore::new(CALLS_MAX) }
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.transport.clock
    }

    /// Exchanges the code of a sign-in at `organizations`, once.
    pub async fn redeem_code(
        &self,
        app: AppCredentials,
        code: SecretString,
        verifier: SecretString,
        redirect_uri: String,
    ) -> Result<TokenGrant, ReadError> {
        let grant = Grant::Code { code, redirect_uri, verifier };
        let scope = self.settings.scopes.join(" ");
        let request = TokenRequest { authority: Authority::Organizations, app, grant, scope };
        self.exchange(&request).await.map_err(|failure| match failure {
            TokenFailure::Decided(error) | TokenFailure::Undecided(error) => error,
        })
    }

    /// An access token for `authority`. Only the partner's own authority is asked for a newer
    /// refresh token.
    pub async fn refresh(
        &self,
        authority: Authority,
        app: AppCredentials,
        refresh_token: SecretString,
    ) -> Result<TokenGrant, TokenFailure> {
        let mut scope = self.settings.refresh_scope.clone();
        if !authority.is_customer() {
            scope = format!("{scope} {OFFLINE_ACCESS}");
        }
        let grant = Grant::Refresh(refresh_token);
        self.exchange(&TokenRequest { authority, app, grant, scope }).await
    }

    /// An access token for the app itself, at its own tenant
    /// (learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow).
    pub async fn client_token(
        &self,
        tenant: EntraTenantId,
        app: AppCredentials,
        scope: String,
    ) -> Result<TokenGrant, ReadError> {
        let authority = Authority::Partner(tenant);
        let request = TokenRequest { authority, app, grant: Grant::Client, scope };
        self.exchange(&request).await.map_err(|failure| match failure {
            TokenFailure::Decided(error) | TokenFailure::Undecided(error) => error,
        })
    }

    /// The keys that id_tokens are signed with now. They are asked for at every sign-in, which is rare, so
    /// that a withdrawn key is good for nothing at once.
    pub async fn signing_keys(&self) -> Result<SigningKeys, ReadError> {
        let login = &self.settings.login_base;
        let metadata = self.published(metadata_url(login)).await?;
        let keys = keys_url(&metadata, login).ok_or(Code::AnswerUnreadable)?;
        let keys = self.published(keys).await?;
        SigningKeys::decode(&keys).ok_or_else(|| Code::AnswerUnreadable.into())
    }

    /// A document that the login service publishes.
    async fn published(&self, url: Url) -> Result<Vec<u8>, ReadError> {
        let mut machine = Fetch::new(self.transport.retry(self.settings.retry));
        let mut input = Input::Begin;
        loop {
            match machine.step(input, self.transport.clock.now()) {
                FetchStep::Document(document) => return Ok(document),
                FetchStep::Fail(error) => return Err(error),
                FetchStep::Send => input = self.transport.get_published(url.clone()).await,
                FetchStep::Wait(wait) => {
                    self.transport.usage.retried();
                    self.transport.clock.sleep(wait).await;
                    input = Input::Waited;
                }
            }
        }
    }

    async fn exchange(&self, request: &TokenRequest) -> Result<TokenGrant, TokenFailure> {
        let (url, form) = (request.url(&self.settings.login_base), request.form());
        let mut machine = TokenExchange::new(request.authority, self.transport.retry(self.settings.retry));
        let mut input = Input::Begin;
        loop {
            match machine.step(input, self.transport.clock.now()) {
                TokenStep::Fail(failure) => return Err(failure),
                TokenStep::Grant(grant) => return Ok(grant),
                TokenStep::Send => {
                    let Ok(_permit) = self.calls.acquire().await else {
                        let closed = ReadError::new(Code::LoginUnavailable);
                        return Err(TokenFailure::Decided(closed));
                    };
                    input = self.transport.post_form(url.clone(), &form).await;
                }
                TokenStep::Wait(wait) => {
                    self.transport.usage.retried();
                    self.transport.clock.sleep(wait).await;
                    input = Input::Waited;
                }
            }
        }
    }
}
