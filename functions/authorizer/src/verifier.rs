//! From a token to a caller, or to the reason why not.

use std::sync::Arc;

use ambient::Clock;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use edge::Caller;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, errors::ErrorKind};
use runtime::settings::AuthSettings;
use secrecy::SecretString;
use serde::Deserialize;

use crate::{
    claims::{Claims, Parties},
    keys::{self, KeyFault, Keys, PublishedKeys},
};

/// Longest token that is looked at, in bytes; more than an HTTP API lets through in one header.
const LONGEST_TOKEN_BYTES: usize = 16 * 1024;

/// Verifies the PSA's tokens (RFC 7519, with the advice of RFC 8725).
pub struct Verifier {
    parties: Parties,
    keys: Keys,
    clock: Arc<dyn Clock>,
}

/// The settings a verifier is built from.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The only accepted issuer (`AUTH_JWT_ISSUER`).
    pub issuer: String,
    /// The audience a token must name (`AUTH_JWT_AUDIENCE`).
    pub audience: String,
    /// Where the PSA publishes its keys (`AUTH_JWKS_URL`).
    pub published_keys_url: Option<String>,
    /// The secret shared with the PSA (`AUTH_JWT_SECRET`).
    pub shared_secret: Option<SecretString>,
}

impl From<AuthSettings> for Configuration {
    fn from(settings: AuthSettings) -> Self {
        Self {
            // A blank party is refused below, with what to set.
            issuer: settings.issuer.unwrap_or_default(),
            audience: settings.audience.unwrap_or_default(),
            published_keys_url: settings.jwks_url,
            shared_secret: settings.secret,
        }
    }
}

/// Settings no verifier can be built from.
#[derive(Debug, thiserror::Error)]
pub enum Misconfigured {
    /// The issuer or the audience is blank.
    #[error(
        "AUTH_JWT_ISSUER and AUTH_JWT_AUDIENCE must both be set: without them any token of the signer would do"
    )]
    PartyMissing,
    /// Neither way of signing is configured.
    #[error("set AUTH_JWKS_URL (keys the PSA publishes) or AUTH_JWT_SECRET (a secret shared with it)")]
    KeysMissing,
    /// Both ways of signing are configured.
    #[error("set only one of AUTH_JWKS_URL and AUTH_JWT_SECRET: a token must not choose how it is verified")]
    KeysAmbiguous,
    /// The address of the keys is no `https` URL (`http` is accepted for the loopback interface).
    #[error("AUTH_JWKS_URL must be an https address without user name and fragment")]
    KeysUrlRefused,
    /// The shared secret cannot be used.
    #[error("AUTH_JWT_SECRET cannot be used")]
    SecretUnusable(#[source] KeyFault),
}

/// Why a token gives no caller.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Not three base64url parts with a JSON header.
    #[error("the token is not a signed token")]
    Malformed,
    /// Signed in a way that is not configured, or not the way its key is meant for.
    #[error("the token is signed with an algorithm that is not accepted")]
    AlgorithmRefused,
    /// The header names extensions that must be understood (RFC 7515 §4.1.11); none is.
    #[error("the token demands an extension that is not understood")]
    CriticalHeader,
    /// No key id, where several keys are published.
    #[error("the token names no key")]
    KeyIdMissing,
    /// A key id that is not among the published keys.
    #[error("the token names a key that is not published")]
    KeyUnknown,
    /// The signature is not the key's.
    #[error("the token's signature is wrong")]
    SignatureWrong,
    /// The claims are not what the PSA writes.
    #[error("the token's claims cannot be read")]
    ClaimsUnreadable,
    /// Another issuer.
    #[error("the token is from another issuer")]
    IssuerWrong,
    /// Meant for another service.
    #[error("the token is meant for another audience")]
    AudienceWrong,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// A claim is absent.
    #[error("the token has no claim `{0}`")]
    ClaimMissing(&'static str),
    /// A claim cannot be read, or two names of one claim disagree.
    #[error("the token's claim `{0}` cannot be read")]
    ClaimInvalid(&'static str),
    /// Nothing is known about the token, because the keys could not be had: a fault of the
    /// service or of the PSA, not of the caller.
    #[error("the keys that verify tokens cannot be had")]
    KeysUnavailable(#[from] KeyFault),
}

impl Refusal {
    /// A stable snake_case name, safe to log.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "token_malformed",
            Self::AlgorithmRefused => "algorithm_refused",
            Self::CriticalHeader => "critical_header",
            Self::KeyIdMissing => "key_id_missing",
            Self::KeyUnknown => "key_unknown",
            Self::SignatureWrong => "signature_wrong",
            Self::ClaimsUnreadable => "claims_unreadable",
            Self::IssuerWrong => "issuer_wrong",
            Self::AudienceWrong => "audience_wrong",
            Self::Expired => "token_expired",
            Self::NotYetValid => "token_not_yet_valid",
            Self::ClaimMissing(_) => "claim_missing",
            Self::ClaimInvalid(_) => "claim_invalid",
            Self::KeysUnavailable(_) => "keys_unavailable",
        }
    }
}

impl Verifier {
    /// A verifier for tokens between `parties`, signed as `keys` says, at the time of `clock`.
    pub fn new(parties: Parties, keys: Keys, clock: Arc<dyn Clock>) -> Self {
        Self { parties, keys, clock }
    }

    /// The verifier the settings describe. `client` fetches published keys; it must not follow
    /// redirects.
    pub fn configured(
        configuration: Configuration,
        client: reqwest::Client,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Misconfigured> {
        let Configuration { issuer, audience, published_keys_url, shared_secret } = configuration;
        if issuer.trim().is_empty() || audience.trim().is_empty() {
            return Err(Misconfigured::PartyMissing);
        }
        let keys = match (published_keys_url, shared_secret) {
            (Some(url), None) => {
                let published = PublishedKeys::at(&url, client, Arc::clone(&clock));
                Keys::Published(published.ok_or(Misconfigured::KeysUrlRefused)?)
            }
            (None, Some(secret)) => {
                keys::hs256_key(&secret).map_err(Misconfigured::SecretUnusable)?;
                Keys::Shared(Arc::new(secret))
            }
            (None, None) => return Err(Misconfigured::KeysMissing),
            (Some(_), Some(_)) => return Err(Misconfigured::KeysAmbiguous),
        };
        Ok(Self::new(Parties { issuer, audience }, keys, clock))
    }

    /// The caller `token` speaks for, now.
    pub async fn verify(&self, token: &str) -> Result<Caller, Refusal> {
        let header = Header::of(token)?;
        let (algorithm, key) = self.key_for(&header).await?;
        let claims = signed_claims(token, algorithm, &key)?;
        claims.caller(&self.parties, self.clock.now())
    }

    /// The key for a token, and the one algorithm it is good for.
    async fn key_for(&self, header: &Header) -> Result<(Algorithm, DecodingKey), Refusal> {
        let (algorithm, key) = match (&self.keys, header.algorithm) {
            (Keys::Shared(material), Algorithm::HS256) => {
                let secret = material.shared_secret().await?;
                (Algorithm::HS256, DecodingKey::from_secret(keys::hs256_key(&secret)?))
            }
            (Keys::Published(published), Algorithm::RS256 | Algorithm::ES256) => {
                let id = header.key_id.as_deref().ok_or(Refusal::KeyIdMissing)?;
                let key = published.key(id).await?.ok_or(Refusal::KeyUnknown)?;
                (key.algorithm, key.decoding.clone())
            }
            _ => return Err(Refusal::AlgorithmRefused),
        };
        if algorithm == header.algorithm { Ok((algorithm, key)) } else { Err(Refusal::AlgorithmRefused) }
    }
}

/// What is read of a token's header before its signature is known to be good: only what chooses
/// among the configured keys.
struct Header {
    algorithm: Algorithm,
    key_id: Option<String>,
}

impl Header {
    fn of(token: &str) -> Result<Self, Refusal> {
        #[derive(Deserialize)]
        struct Written {
            alg: String,
            kid: Option<String>,
            crit: Option<serde_json::Value>,
        }

        let parts: Vec<&str> = token.split('.').take(4).collect();
        let [header, _claims, _signature] = parts[..] else { return Err(Refusal::Malformed) };
        if token.len() > LONGEST_TOKEN_BYTES {
            return Err(Refusal::Malformed);
        }
        let json = URL_SAFE_NO_PAD.decode(header).map_err(|_| Refusal::Malformed)?;
        let written: Written = serde_json::from_slice(&json).map_err(|_| Refusal::Malformed)?;
        if written.crit.is_some() {
            return Err(Refusal::CriticalHeader);
        }
        // `none` and every name the library does not know end here.
        let algorithm = written.alg.parse().map_err(|_| Refusal::AlgorithmRefused)?;
        Ok(Self { algorithm, key_id: written.kid })
    }
}

/// The claims, once the signature is verified. Times and parties are checked by `Claims`, against
/// our clock: the library would ask the operating system for the time.
fn signed_claims(token: &str, algorithm: Algorithm, key: &DecodingKey) -> Result<Claims, Refusal> {
    let mut signature_only = Validation::new(algorithm);
    signature_only.required_spec_claims.clear();
    signature_only.validate_exp = false;
    signature_only.validate_aud = false;
    match jsonwebtoken::decode(token, key, &signature_only) {
        Ok(data) => Ok(data.claims),
        Err(error) => Err(match error.kind() {
            ErrorKind::Json(_) => Refusal::ClaimsUnreadable,
            ErrorKind::InvalidAlgorithm => Refusal::AlgorithmRefused,
            ErrorKind::InvalidToken | ErrorKind::Base64(_) | ErrorKind::Utf8(_) => Refusal::Malformed,
            _ => Refusal::SignatureWrong,
        }),
    }
}
