//! The keys id_tokens are signed with, as Microsoft publishes them (RFC 7517;
//! learn.microsoft.com/entra/identity-platform/access-tokens#validate-the-signing-key-issuer).
//!
//! OpenID Connect Core 3.1.3.7 would allow leaving the signature out for a token that comes straight from
//! the token endpoint. It is looked at all the same: it costs two requests for a sign-in, and no proxy or
//! mistaken address between us and the login service can then say who signed in.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation,
    jwk::{AlgorithmParameters, Jwk, KeyAlgorithm, PublicKeyUse},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;
use url::Url;

use super::id_token::{IdTokenClaims, IdTokenError};

/// Below the login service: metadata of work accounts (OpenID Connect Discovery 1.0 §4).
const METADATA: &str = "organizations/v2.0/.well-known/openid-configuration";

/// RFC 7518 §3.3: a key for RS256 has at least 2048 bits.
const SHORTEST_MODULUS_BYTES: usize = 256;

/// Where the login service at `login_base` says where its keys are.
pub fn metadata_url(login_base: &Url) -> Url {
    let mut url = login_base.clone();
    let path = format!("{}/{METADATA}", login_base.path().trim_end_matches('/'));
    url.set_path(&path);
    url
}

/// Where the keys are, according to metadata. They are fetched from the login service itself or not at
/// all: metadata cannot send us elsewhere.
pub fn keys_url(metadata: &[u8], login_base: &Url) -> Option<Url> {
    #[derive(Deserialize)]
    struct Metadata {
        jwks_uri: String,
    }

    let Metadata { jwks_uri } = serde_json::from_slice(metadata).ok()?;
    let jwks_uri = Url::parse(&jwks_uri).ok()?;
    let is_plain = jwks_uri.username().is_empty() && jwks_uri.password().is_none();
    (is_plain && jwks_uri.origin() == login_base.origin()).then_some(jwks_uri)
}

/// Published keys that sign with RS256; others are left out.
pub struct SigningKeys(Vec<SigningKey>);

struct SigningKey {
    id: String,
    key: DecodingKey,
    /// The only issuer it may sign for; with `{tenantid}` in it, every tenant of the cloud. Servers other
    /// than Microsoft's have no such member, and one issuer.
    issuer: Option<String>,
}

impl SigningKeys {
    /// Reads a key set; `None` when it is none.
    pub fn decode(document: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Published {
            /// Kept loose: one key of a kind we do not know must not hide the others (RFC 7517 §5).
            keys: Vec<Value>,
        }

        let published: Published = serde_json::from_slice(document).ok()?;
        Some(Self(published.keys.iter().filter_map(SigningKey::decode).collect()))
    }

    /// What `token` claims, when one of these keys signed it that may sign for its issuer. The claims
    /// themselves are still to be [validated](IdTokenClaims::validate).
    pub fn claims(&self, token: &SecretString, issuer_template: &str) -> Result<IdTokenClaims, IdTokenError> {
        let claims = IdTokenClaims::decode(token)?;
        let id = key_id(token)?;
        // A key set may hold one key for each issuer under one name.
        let mut named = self.0.iter().filter(|key| key.id == id).peekable();
        if named.peek().is_none() {
            return Err(IdTokenError::KeyUnknown);
        }
        let mut signed = named.filter(|key| key.has_signed(token)).peekable();
        if signed.peek().is_none() {
            return Err(IdTokenError::Signature);
        }
        let may_sign = |key: &SigningKey| match key.issuer.as_deref() {
            Some(issuer) => issuer == issuer_template || issuer == claims.issuer(),
            None => true,
        };
        if signed.any(may_sign) { Ok(claims) } else { Err(IdTokenError::KeyIssuer) }
    }
}

impl SigningKey {
    fn decode(published: &Value) -> Option<Self> {
        let key = Jwk::deserialize(published).ok()?;
        let AlgorithmParameters::RSA(parameters) = &key.algorithm else { return None };
        let is_for_signing =
            key.common.public_key_use.as_ref().is_none_or(|used| *used == PublicKeyUse::Signature);
        let is_for_algorithm = key.common.key_algorithm.is_none_or(|named| named == KeyAlgorithm::RS256);
        if !is_for_signing || !is_for_algorithm || modulus_bytes(&parameters.n) < SHORTEST_MODULUS_BYTES {
            return None;
        }
        // A member of another type than text allows nobody.
        let issuer = match published.get("issuer") {
            None => None,
            Some(issuer) => Some(issuer.as_str()?.to_owned()),
        };
        let decoding = DecodingKey::from_jwk(&key).ok()?;
        Some(Self { id: key.common.key_id?, key: decoding, issuer })
    }

    fn has_signed(&self, token: &SecretString) -> bool {
        let mut signature_only = Validation::new(Algorithm::RS256);
        signature_only.required_spec_claims.clear();
        signature_only.validate_exp = false;
        signature_only.validate_aud = false;
        jsonwebtoken::decode::<IgnoredAny>(token.expose_secret(), &self.key, &signature_only).is_ok()
    }
}

/// The key a token names; only RS256 is accepted, as the metadata says
/// (`id_token_signing_alg_values_supported`).
fn key_id(token: &SecretString) -> Result<String, IdTokenError> {
    #[derive(Deserialize)]
    struct Header {
        alg: String,
        kid: Option<String>,
        /// Extensions that must be understood (RFC 7515 §4.1.11); none is.
        crit: Option<IgnoredAny>,
    }

    let header = token.expose_secret().split('.').next().unwrap_or_default();
    let header = BASE64_URL_SAFE_NO_PAD.decode(header).map_err(|_| IdTokenError::Unreadable)?;
    let header: Header = serde_json::from_slice(&header).map_err(|_| IdTokenError::Unreadable)?;
    if header.alg != "RS256" || header.crit.is_some() {
        return Err(IdTokenError::Algorithm);
    }
    header.kid.ok_or(IdTokenError::KeyUnknown)
}

fn modulus_bytes(modulus: &str) -> usize {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(modulus).unwrap_or_default();
    bytes.iter().skip_while(|byte| **byte == 0).count()
}
