//! The keys tokens are verified with: published by the PSA, or shared with it.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use ambient::Clock;
use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse},
};
use reqwest::{StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;

/// RFC 7518 §3.2: a key for HS256 has at least as many bits as the hash.
const SHORTEST_SECRET_BYTES: usize = 32;
/// RFC 7518 §3.3: a key for RS256 has at least 2048 bits.
const SHORTEST_MODULUS_BYTES: usize = 256;
/// Largest key set that is read.
const LARGEST_KEY_SET_BYTES: usize = 256 * 1024;
/// How long fetched keys are used without asking again: the time in which a withdrawn key ends.
const FRESH: SignedDuration = SignedDuration::from_mins(10);
/// How long they are used when asking again fails.
const USABLE: SignedDuration = SignedDuration::from_hours(24);
/// At least this long between two fetches, so that unknown key ids cannot make us flood the PSA.
const PAUSE: SignedDuration = SignedDuration::from_secs(60);
/// The same while there are no keys at all and every caller waits for them.
const PAUSE_WITHOUT_KEYS: SignedDuration = SignedDuration::from_secs(5);
const FETCH_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

/// How tokens are signed. The configuration chooses one; a token cannot move to the other.
pub enum Keys {
    /// RS256 or ES256 (as each key says) with keys the PSA publishes.
    Published(PublishedKeys),
    /// HS256 with a shared secret.
    Shared(Arc<dyn KeyMaterial>),
}

/// Where the shared secret comes from.
#[async_trait]
pub trait KeyMaterial: Send + Sync {
    /// The secret, at least 32 bytes.
    async fn shared_secret(&self) -> Result<SecretString, KeyFault>;
}

#[async_trait]
impl KeyMaterial for SecretString {
    async fn shared_secret(&self) -> Result<SecretString, KeyFault> {
        Ok(self.clone())
    }
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFault {
    /// The shared secret is too short to sign with.
    #[error("the shared secret has fewer than {SHORTEST_SECRET_BYTES} bytes")]
    SecretTooShort,
    /// Whoever keeps the shared secret did not give it.
    #[error("the shared secret cannot be read")]
    SecretUnreadable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The published keys could not be fetched, now or a moment ago.
    #[error("the PSA's published keys cannot be fetched")]
    NotFetched,
    /// A token could not be signed.
    #[error("the token could not be signed")]
    SigningFailed(#[source] jsonwebtoken::errors::Error),
}

/// `secret` as a key for HS256.
pub(crate) fn hs256_key(secret: &SecretString) -> Result<&[u8], KeyFault> {
    let bytes = secret.expose_secret().as_bytes();
    if bytes.len() < SHORTEST_SECRET_BYTES { Err(KeyFault::SecretTooShort) } else { Ok(bytes) }
}

/// A JSON Web Key Set (RFC 7517) at an address, kept for ten minutes and asked for again, at most
/// once a minute, when a token names a key that is not in it.
pub struct PublishedKeys {
    url: Url,
    client: reqwest::Client,
    clock: Arc<dyn Clock>,
    known: RwLock<Option<Arc<KeySet>>>,
    /// When the last fetch began; held during a fetch, so that there is one at a time.
    last_fetch: Mutex<Option<Timestamp>>,
}

struct KeySet {
    keys: BTreeMap<String, Arc<PublishedKey>>,
    fetched_at: Timestamp,
}

pub(crate) struct PublishedKey {
    pub(crate) algorithm: Algorithm,
    pub(crate) decoding: DecodingKey,
}

impl PublishedKeys {
    /// The keys at `url`; nothing when it is not an `https` address (or `http` on the loopback
    /// interface). Nothing is fetched before a token needs it.
    pub fn at(url: &str, client: reqwest::Client, clock: Arc<dyn Clock>) -> Option<Self> {
        let url = Url::parse(url).ok().filter(is_trustworthy)?;
        Some(Self { url, client, clock, known: RwLock::new(None), last_fetch: Mutex::new(None) })
    }

    /// The key with this id, if it is published.
    pub(crate) async fn key(&self, id: &str) -> Result<Option<Arc<PublishedKey>>, KeyFault> {
        let known = self.known();
        if let Some(set) = &known
            && set.is_younger_than(FRESH, self.clock.now())
            && let Some(key) = set.keys.get(id)
        {
            return Ok(Some(Arc::clone(key)));
        }
        Ok(self.refreshed(known.as_ref()).await?.keys.get(id).cloned())
    }

    /// A set newer than `seen` if one can be had, otherwise the known one while it is usable.
    async fn refreshed(&self, seen: Option<&Arc<KeySet>>) -> Result<Arc<KeySet>, KeyFault> {
        let mut last_fetch = self.last_fetch.lock().await;
        let known = self.known();
        if let Some(known) = &known
            && seen.is_none_or(|seen| !Arc::ptr_eq(seen, known))
        {
            return Ok(Arc::clone(known));
        }
        let now = self.clock.now();
        let pause = if known.is_some() { PAUSE } else { PAUSE_WITHOUT_KEYS };
        // A clock that was set back must not stop fetching: only a time within the pause does.
        let is_pausing =
            last_fetch.is_some_and(|then| (SignedDuration::ZERO..pause).contains(&now.duration_since(then)));
        if !is_pausing {
            *last_fetch = Some(now);
            match self.fetch(now).await {
                Ok(set) => {
                    let set = Arc::new(set);
                    *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&set));
                    return Ok(set);
                }
                Err(fault) => tracing::warn!(reason = %fault, "the published keys were not fetched"),
            }
        }
        known.filter(|set| set.is_younger_than(USABLE, now)).ok_or(KeyFault::NotFetched)
    }

    async fn fetch(&self, now: Timestamp) -> Result<KeySet, FetchFault> {
        let mut response = self.client.get(self.url.clone()).timeout(FETCH_TIMEOUT).send().await?;
        if response.status() != StatusCode::OK {
            return Err(FetchFault::Status(response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > LARGEST_KEY_SET_BYTES {
                return Err(FetchFault::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let published: Published = serde_json::from_slice(&body).map_err(|_| FetchFault::Unreadable)?;
        Ok(KeySet { keys: published.keys.iter().filter_map(usable).collect(), fetched_at: now })
    }

    fn known(&self) -> Option<Arc<KeySet>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl KeySet {
    fn is_younger_than(&self, age: SignedDuration, now: Timestamp) -> bool {
        now.duration_since(self.fetched_at) < age
    }
}

#[derive(Debug, thiserror::Error)]
enum FetchFault {
    #[error("the request failed{}", if .0.is_timeout() { " (no answer in time)" } else { "" })]
    Request(#[from] reqwest::Error),
    #[error("the answer was {0}")]
    Status(StatusCode),
    #[error("the answer was larger than {LARGEST_KEY_SET_BYTES} bytes")]
    TooLarge,
    #[error("the answer was not a key set")]
    Unreadable,
}

#[derive(Deserialize)]
struct Published {
    /// Kept loose: one key of a kind we do not know must not hide the others (RFC 7517 §5).
    keys: Vec<serde_json::Value>,
}

/// The id and the key, if it is one that signs tokens in a way we accept.
fn usable(key: &serde_json::Value) -> Option<(String, Arc<PublishedKey>)> {
    let key = Jwk::deserialize(key).ok()?;
    let (algorithm, name) = match &key.algorithm {
        AlgorithmParameters::RSA(key) if modulus_bytes(&key.n) >= SHORTEST_MODULUS_BYTES => {
            (Algorithm::RS256, KeyAlgorithm::RS256)
        }
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        _ => return None,
    };
    let common = &key.common;
    let is_for_signing = common.public_key_use.as_ref().is_none_or(|used| *used == PublicKeyUse::Signature);
    let may_verify = common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
    let is_for_algorithm = common.key_algorithm.is_none_or(|declared| declared == name);
    if !(is_for_signing && may_verify && is_for_algorithm) {
        return None;
    }
    let decoding = DecodingKey::from_jwk(&key).ok()?;
    Some((key.common.key_id?, Arc::new(PublishedKey { algorithm, decoding })))
}

fn modulus_bytes(modulus: &str) -> usize {
    let bytes = URL_SAFE_NO_PAD.decode(modulus).unwrap_or_default();
    bytes.iter().skip_while(|byte| **byte == 0).count()
}

fn is_trustworthy(url: &Url) -> bool {
    let is_loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let is_private = url.scheme() == "https" || (url.scheme() == "http" && is_loopback);
    let is_plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    is_private && is_plain && url.has_host()
}
