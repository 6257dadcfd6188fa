//! Access tokens: one per tenant, until five minutes before it ends, fetched by one caller while
//! the others wait. The partner's is kept with the connection, so that all processes fetch one.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use domain::ids::EntraTenantId;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync;

use super::{Credentials, Login, PartnerAccess, Renewal};
use crate::{
    error::ReadError,
    protocol::token::{AppCredentials, Authority, TokenFailure, TokenGrant, concerns_connection, settle},
};

/// How long before its end a token is no longer used.
const END_MARGIN: SignedDuration = SignedDuration::from_mins(5);

/// Whose token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Owner {
    Customer(EntraTenantId),
    Partner,
}

#[derive(Clone)]
struct AccessToken {
    secret: SecretString,
    expires: Timestamp,
}

type Slot = Arc<sync::Mutex<Option<AccessToken>>>;

/// The partner's token, and how the last attempt to get one ended.
#[derive(Default)]
struct PartnerSlot {
    token: Option<AccessToken>,
    /// Whether that is a token which somebody else has fetched, who knows how long ago.
    is_kept: bool,
    /// Number of the last attempt.
    attempt: u64,
    failure: Option<ReadError>,
}

/// The access tokens of one connection.
pub(super) struct Tokens {
    login: Login,
    credentials: Arc<dyn Credentials>,
    customers: Mutex<HashMap<EntraTenantId, Slot>>,
    partner: sync::Mutex<PartnerSlot>,
    /// Attempts at the partner's authority begun so far.
    attempts: AtomicU64,
}

impl Tokens {
    pub(super) fn new(login: Login, credentials: Arc<dyn Credentials>) -> Self {
        Self {
            login,
            credentials,
            customers: Mutex::default(),
            partner: sync::Mutex::default(),
            attempts: AtomicU64::new(0),
        }
    }

    /// A token for `owner`'s directory, other than `refused`.
    pub(super) async fn bearer(
        &self,
        owner: Owner,
        refused: Option<&SecretString>,
    ) -> Result<SecretString, ReadError> {
        match owner {
            Owner::Customer(tenant) if self.credentials.partner_tenant() != Some(tenant) => {
                self.customer(tenant, refused).await
            }
            _ => self.partner(refused).await,
        }
    }

    /// The next caller gets a new token for `tenant`.
    pub(super) fn forget(&self, tenant: EntraTenantId) {
        self.customers.lock().unwrap_or_else(PoisonError::into_inner).remove(&tenant);
    }

    async fn customer(
        &self,
        tenant: EntraTenantId,
        refused: Option<&SecretString>,
    ) -> Result<SecretString, ReadError> {
        let slot = self.slot(tenant);
        let mut slot = slot.lock().await;
        if let Some(token) = self.usable(slot.as_ref(), refused) {
            return Ok(token);
        }
        *slot = None;
        let grant = self.redeem(tenant).await?;
        let token = AccessToken::from(&grant);
        let secret = token.secret.clone();
        *slot = Some(token);
        Ok(secret)
    }

    /// One token call for `tenant`, and what it takes to tell whose fault its failure is.
    async fn redeem(&self, tenant: EntraTenantId) -> Result<TokenGrant, ReadError> {
        let authority = Authority::Customer(tenant);
        let since = self.attempts.load(SeqCst);
        let app = self.credentials.app().await?;
        let used = self.credentials.refresh_token().await?;
        let undecided = match self.login.refresh(authority, app.clone(), used.clone()).await {
            Ok(grant) => return Ok(grant),
            Err(TokenFailure::Decided(error)) => return Err(error),
            Err(TokenFailure::Undecided(error)) => error,
        };
        // Somebody else may have stored a newer refresh token meanwhile.
        let newest = self.credentials.newest_refresh_token().await?;
        let undecided = if is_same(&newest, &used) {
            undecided
        } else {
            match self.login.refresh(authority, app, newest).await {
                Ok(grant) => return Ok(grant),
                Err(TokenFailure::Decided(error)) => return Err(error),
                Err(TokenFailure::Undecided(error)) => error,
            }
        };
        Err(settle(undecided, self.probe_partner(since).await))
    }

    async fn partner(&self, refused: Option<&SecretString>) -> Result<SecretString, ReadError> {
        let mut slot = self.partner.lock().await;
        if let Some(token) = self.usable(slot.token.as_ref(), refused) {
            return Ok(token);
        }
        let kept = self.credentials.kept_access().await?.map(AccessToken::from);
        if let Some(token) = self.usable(kept.as_ref(), refused) {
            (slot.token, slot.is_kept) = (kept, true);
            return Ok(token);
        }
        // What is known not to be good: whoever has stored another one since was faster.
        let known = kept.or(slot.token.take());
        self.renew_partner(&mut slot, known.as_ref()).await
    }

    /// What somebody else's token may do is what was granted when it was fetched: gets one of now in its place.
    /// Answers false when it is of now.
    pub(super) async fn renew_kept(&self) -> Result<bool, ReadError> {
        let mut slot = self.partner.lock().await;
        if !slot.is_kept {
            return Ok(false);
        }
        let known = slot.token.take();
        self.renew_partner(&mut slot, known.as_ref()).await.map(|_| true)
    }

    /// Whether the partner's authority still gives tokens, according to an attempt that began
    /// after the first `since`. Many customers failing at once share one probe.
    async fn probe_partner(&self, since: u64) -> Result<(), ReadError> {
        let mut slot = self.partner.lock().await;
        if slot.attempt > since {
            return slot.failure.clone().map_or(Ok(()), Err);
        }
        // Only what is fetched from now on is a proof, whatever was kept before.
        self.renew_partner(&mut slot, None).await.map(|_| ())
    }

    /// `known` is of no more use; without one nothing is that is kept now.
    async fn renew_partner(
        &self,
        slot: &mut PartnerSlot,
        known: Option<&AccessToken>,
    ) -> Result<SecretString, ReadError> {
        slot.attempt = self.attempts.fetch_add(1, SeqCst) + 1;
        (slot.token, slot.is_kept) = (None, false);
        match self.next_of_partner(known).await {
            Ok(token) => {
                let secret = token.secret.clone();
                slot.token = Some(token);
                slot.failure = None;
                Ok(secret)
            }
            Err(error) => {
                slot.failure = Some(error.clone());
                Err(error)
            }
        }
    }

    /// The partner's next token: somebody else's, if somebody else fetches one at this moment.
    async fn next_of_partner(&self, known: Option<&AccessToken>) -> Result<AccessToken, ReadError> {
        let known = known.map(|token| &token.secret);
        if let Renewal::Done(access) = self.credentials.begin_renewal(known).await? {
            let token = AccessToken::from(access);
            if is_usable(&token, self.login.clock().now()) {
                return Ok(token);
            }
        }
        let fetched = self.redeem_partner().await;
        self.credentials.end_renewal().await;
        fetched.map(|grant| AccessToken::from(&grant))
    }

    async fn redeem_partner(&self) -> Result<TokenGrant, ReadError> {
        let app = self.credentials.app().await?;
        let used = self.credentials.refresh_token().await?;
        let error = match self.refresh_partner(app.clone(), &used).await {
            Err(error) if concerns_connection(&error) => error,
            outcome => return outcome,
        };
        // Before the connection is declared dead: somebody else may have stored a newer token.
        let newest = self.credentials.newest_refresh_token().await?;
        if is_same(&newest, &used) { Err(error) } else { self.refresh_partner(app, &newest).await }
    }

    async fn refresh_partner(
        &self,
        app: AppCredentials,
        used: &SecretString,
    ) -> Result<TokenGrant, ReadError> {
        let authority =
            self.credentials.partner_tenant().map_or(Authority::Organizations, Authority::Partner);
        let grant = match self.login.refresh(authority, app, used.clone()).await {
            Ok(grant) => grant,
            Err(TokenFailure::Decided(error) | TokenFailure::Undecided(error)) => return Err(error),
        };
        if let Err(error) = self.credentials.keep(used, grant.clone()).await {
            // The old one stays valid: the access token that was just granted is worth using.
            tracing::warn!(code = %error.code(), "newer tokens could not be kept");
        }
        Ok(grant)
    }

    fn usable(&self, token: Option<&AccessToken>, refused: Option<&SecretString>) -> Option<SecretString> {
        let token = token.filter(|token| is_usable(token, self.login.clock().now()))?;
        let is_refused = refused.is_some_and(|refused| is_same(refused, &token.secret));
        (!is_refused).then(|| token.secret.clone())
    }

    /// The slot of `tenant`. Slots of ended tokens that nobody holds are dropped on the way.
    fn slot(&self, tenant: EntraTenantId) -> Slot {
        let now = self.login.clock().now();
        let mut slots = self.customers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(&tenant) {
            return Arc::clone(slot);
        }
        slots.retain(|_, slot| {
            let idle =
                slot.try_lock().is_ok_and(|token| !token.as_ref().is_some_and(|token| is_usable(token, now)));
            Arc::strong_count(slot) > 1 || !idle
        });
        Arc::clone(slots.entry(tenant).or_default())
    }
}

fn is_usable(token: &AccessToken, now: Timestamp) -> bool {
    token.expires.duration_since(now) > END_MARGIN
}

fn is_same(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
}

impl From<&TokenGrant> for AccessToken {
    fn from(grant: &TokenGrant) -> Self {
        Self { secret: grant.access_token.clone(), expires: grant.expires }
    }
}

impl From<PartnerAccess> for AccessToken {
    fn from(access: PartnerAccess) -> Self {
        Self { secret: access.token, expires: access.expires }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Customer(tenant) => tenant.fmt(f),
            Self::Partner => f.write_str("partner"),
        }
    }
}
