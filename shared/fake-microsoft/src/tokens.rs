//! Access tokens, refresh tokens and id tokens.

use domain::ids::{EntraObjectId, EntraTenantId};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::seal::Sealer;

/// A refresh token that was not used for this long is dead
/// (learn.microsoft.com/entra/identity-platform/refresh-tokens).
pub(crate) const REFRESH_TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(24 * 90);

/// The prefixes real tokens have; clients must not look at them.
const ACCESS_PREFIX: &str = "EwB4";
const REFRESH_PREFIX: &str = "1.AX";

/// Real tokens take a kilobyte or more, which whoever stores them must bear.
const FILLER: usize = 700;

/// The key's name in the key set.
const KEY_ID: &str = "fake-microsoft-1";

/// A key pair of this fake alone; nobody else trusts it.
pub(crate) const SIGNING_KEY: &[u8] = include_bytes!("signing_key.pem");

/// The modulus of that key pair in base64url (RFC 7518 §6.3.1.1).
pub(crate) const MODULUS: &str = "rx1FOaiHvt59YUJJSBu4cjba0rs_v52M9lY9729fv7hPBftd8fojPSLF4MW1KB6HixY5oh557U8JcHXy\
    9Xbji0e-8-iFm4uGevEhugOI7Wa9TAAkIXoc4PIpvvB9WLmVBrRC45GMdOFL9gqDllSrxnCtGZFG4RO5\
    8YYp8kpxJxmP_CaEKd52FAg2dp99K6UfzeROpSrGXyHfEBifxW77D0NFP-CesSeSvgcP8yBiVdenqIQV\
    KNOra1AiNva3KJD3nLzkzkXadRZ8iJvvwdmbBzFLED0by8ePuG7UZHS2fzyRbgx3urRBdlpr59TRjzLi\
    EcVilF47ouBqYFmOm5xePw";

/// Who signed in, and where that person is at home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) home: EntraTenantId,
    pub(crate) object: EntraObjectId,
}

/// What an access token for Graph says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AccessToken {
    pub(crate) tenant: EntraTenantId,
    pub(crate) account: Account,
    pub(crate) expires: Timestamp,
    pub(crate) permissions: Vec<String>,
}

/// What a refresh token says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RefreshToken {
    pub(crate) account: Account,
    pub(crate) issued: Timestamp,
    /// How often sign-ins had been revoked when it was issued.
    pub(crate) generation: u32,
    pub(crate) permissions: Vec<String>,
    /// Makes two tokens issued in one second differ.
    pub(crate) serial: u64,
}

impl AccessToken {
    pub(crate) fn seal(&self, sealer: &Sealer) -> String {
        let content = format!(
            "{} {} {} {} {} {}",
            self.tenant,
            self.account.home,
            self.account.object,
            self.expires.as_second(),
            self.permissions.join(","),
            "f".repeat(FILLER)
        );
        sealer.seal(ACCESS_PREFIX, &content)
    }

    pub(crate) fn open(sealer: &Sealer, text: &str) -> Option<Self> {
        let content = sealer.open(ACCESS_PREFIX, text)?;
        let mut parts = content.split(' ');
        Some(Self {
            tenant: parts.next()?.parse().ok()?,
            account: Account { home: parts.next()?.parse().ok()?, object: parts.next()?.parse().ok()? },
            expires: Timestamp::from_second(parts.next()?.parse().ok()?).ok()?,
            permissions: list(parts.next()?),
        })
    }

    pub(crate) fn permits(&self, any_of: &[&str]) -> bool {
        self.permissions.iter().any(|permission| any_of.contains(&permission.as_str()))
    }
}

impl RefreshToken {
    pub(crate) fn seal(&self, sealer: &Sealer) -> String {
        let content = format!(
            "{} {} {} {} {} {} {}",
            self.account.home,
            self.account.object,
            self.issued.as_second(),
            self.generation,
            self.permissions.join(","),
            self.serial,
            "f".repeat(FILLER)
        );
        sealer.seal(REFRESH_PREFIX, &content)
    }

    pub(crate) fn open(sealer: &Sealer, text: &str) -> Option<Self> {
        let content = sealer.open(REFRESH_PREFIX, text)?;
        let mut parts = content.split(' ');
        Some(Self {
            account: Account { home: parts.next()?.parse().ok()?, object: parts.next()?.parse().ok()? },
            issued: Timestamp::from_second(parts.next()?.parse().ok()?).ok()?,
            generation: parts.next()?.parse().ok()?,
            permissions: list(parts.next()?),
            serial: parts.next()?.parse().ok()?,
        })
    }
}

/// The names an id token carries for display.
pub(crate) struct IdTokenSubject<'a> {
    pub(crate) account: Account,
    pub(crate) name: Option<&'a str>,
    pub(crate) user_name: &'a str,
}

/// An id token signed with RS256 (learn.microsoft.com/entra/identity-platform/id-token-claims-reference).
/// None only if the embedded key could not be read.
pub(crate) fn id_token(
    base: &str,
    client_id: &str,
    subject: &IdTokenSubject<'_>,
    nonce: Option<&str>,
    now: Timestamp,
) -> Option<String> {
    let Account { home, object } = subject.account;
    let pairwise = Sha256::digest(format!("{client_id} {home} {object}"));
    let mut claims = json!({
        "ver": "2.0",
        "iss": issuer(base, &home.to_string()),
        "aud": client_id,
        "iat": now.as_second(),
        "nbf": now.as_second(),
        "exp": now.as_second() + 3_900,
        "sub": base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, pairwise),
        "tid": home.to_string(),
        "oid": object.to_string(),
        "preferred_username": subject.user_name,
        "name": subject.name,
    });
    if let Some(nonce) = nonce {
        claims["nonce"] = json!(nonce);
    }
    signed(&claims)
}

/// `claims` as this fake signs them. None only if the embedded key could not be read.
pub fn signed(claims: &Value) -> Option<String> {
    let header = Header { kid: Some(KEY_ID.to_owned()), ..Header::new(Algorithm::RS256) };
    let key = EncodingKey::from_rsa_pem(SIGNING_KEY).ok()?;
    jsonwebtoken::encode(&header, claims, &key).ok()
}

/// The key set; `tenant` is a tenant id or the template `{tenantid}`.
pub fn published_keys(base: &str, tenant: &str) -> Value {
    json!({ "keys": [{
        "kty": "RSA",
        "use": "sig",
        "kid": KEY_ID,
        "n": MODULUS,
        "e": "AQAB",
        "issuer": issuer(base, tenant),
    }] })
}

/// The issuer of version 2.0 tokens.
pub(crate) fn issuer(base: &str, tenant: &str) -> String {
    format!("{base}/{tenant}/v2.0")
}

fn list(text: &str) -> Vec<String> {
    text.split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}
