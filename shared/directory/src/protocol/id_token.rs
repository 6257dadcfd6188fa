//! Who signed in: the claims of an id_token of a multi-tenant app
//! (learn.microsoft.com/entra/identity-platform/id-token-claims-reference).
//!
//! Every check of claims is here; the signature is [`signing_keys`](super::signing_keys)'s.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::ids::{EntraObjectId, EntraTenantId};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use uuid::{Uuid, uuid};

/// Clocks may differ by this much.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// The tenant of personal accounts.
const CONSUMERS: Uuid = uuid!("9188040d-6c67-4c5b-b112-36a304b66dad");

/// What stands for the tenant in the issuer of multi-tenant metadata.
const ISSUER_TENANT: &str = "{tenantid}";

/// Claims as they came; nothing in them is believed before [`validate`](Self::validate).
#[derive(Clone, Debug, Deserialize)]
pub struct IdTokenClaims {
    aud: String,
    iss: String,
    exp: i64,
    nbf: Option<i64>,
    nonce: Option<String>,
    oid: Option<String>,
    tid: String,
    ver: String,
    name: Option<String>,
    preferred_username: Option<String>,
}

/// What the claims must agree with.
#[derive(Clone, Copy, Debug)]
pub struct Expectation<'a> {
    /// Application id.
    pub client_id: &'a str,
    /// Issuer as the metadata gives it, with `{tenantid}` in it.
    pub issuer_template: &'a str,
    /// The nonce bound to the browser session that began the sign-in.
    pub nonce: &'a str,
    /// The partner's tenant, when the connection was made before: connecting to another one is
    /// an explicit act, since all customers' attribution hangs on it.
    pub partner_tenant: Option<EntraTenantId>,
}

/// Who signed in. Only `tenant` and `object` identify; the rest is for display.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignedIn {
    /// The partner's tenant.
    pub tenant: EntraTenantId,
    /// The account.
    pub object: EntraObjectId,
    /// Display name, mutable.
    pub name: Option<String>,
    /// Sign-in name, mutable.
    pub preferred_username: Option<String>,
}

/// Why an id_token is not believed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum IdTokenError {
    /// Signed in another way than RS256.
    #[error("the id_token is signed with an algorithm that is not accepted")]
    Algorithm,
    /// For another app.
    #[error("the id_token was made for another app")]
    Audience,
    /// A personal account.
    #[error("a personal Microsoft account signed in; a work account is needed")]
    Consumer,
    /// Its time is over.
    #[error("the id_token has expired")]
    Expired,
    /// From somebody else.
    #[error("the id_token was issued by somebody else")]
    Issuer,
    /// Signed with a key that may sign for another issuer only.
    #[error("the id_token is signed with a key of another issuer")]
    KeyIssuer,
    /// Signed with a key that is not published.
    #[error("the id_token names a key that is not published")]
    KeyUnknown,
    /// Belongs to another sign-in.
    #[error("the id_token belongs to another sign-in")]
    Nonce,
    /// Its time has not come.
    #[error("the id_token is not valid yet")]
    NotYetValid,
    /// Another tenant than the connection's.
    #[error("an account of another tenant signed in than the one the connection was made with")]
    OtherTenant(EntraTenantId),
    /// Not what the key signed.
    #[error("the id_token's signature is wrong")]
    Signature,
    /// Not an id_token.
    #[error("the id_token cannot be read")]
    Unreadable,
    /// Not of version 2.0.
    #[error("the id_token has an unknown version")]
    Version,
}

impl IdTokenClaims {
    /// Reads the payload; the signature is not looked at.
    pub fn decode(token: &SecretString) -> Result<Self, IdTokenError> {
        let mut parts = token.expose_secret().split('.');
        let (Some(_), Some(payload), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(IdTokenError::Unreadable);
        };
        let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).map_err(|_| IdTokenError::Unreadable)?;
        serde_json::from_slice(&payload).map_err(|_| IdTokenError::Unreadable)
    }

    /// Who says to have issued it.
    pub(super) fn issuer(&self) -> &str {
        &self.iss
    }

    /// Who signed in, when every claim agrees with `expected`.
    pub fn validate(&self, expected: &Expectation<'_>, now: Timestamp) -> Result<SignedIn, IdTokenError> {
        if self.ver != "2.0" {
            return Err(IdTokenError::Version);
        }
        let tenant: EntraTenantId = self.tid.parse().map_err(|_| IdTokenError::Unreadable)?;
        if tenant.uuid() == CONSUMERS {
            return Err(IdTokenError::Consumer);
        }
        if self.iss != expected.issuer_template.replace(ISSUER_TENANT, &self.tid) {
            return Err(IdTokenError::Issuer);
        }
        if self.aud != expected.client_id {
            return Err(IdTokenError::Audience);
        }
        if self.nonce.as_deref() != Some(expected.nonce) || expected.nonce.is_empty() {
            return Err(IdTokenError::Nonce);
        }
        let seconds = now.as_second();
        if self.exp.saturating_add(SKEW.as_secs()) <= seconds {
            return Err(IdTokenError::Expired);
        }
        if self.nbf.is_some_and(|nbf| nbf.saturating_sub(SKEW.as_secs()) > seconds) {
            return Err(IdTokenError::NotYetValid);
        }
        if expected.partner_tenant.is_some_and(|partner| partner != tenant) {
            return Err(IdTokenError::OtherTenant(tenant));
        }
        let object = self.oid.as_deref().and_then(|oid| oid.parse().ok()).ok_or(IdTokenError::Unreadable)?;
        let text = |text: &Option<String>| text.as_deref().and_then(domain::text::clean);
        Ok(SignedIn {
            tenant,
            object,
            name: text(&self.name),
            preferred_username: text(&self.preferred_username),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const TENANT: &str = "0a1b2c3d-0b1f-4c3a-9d2e-7f1e2a3b4c5d";
    const NOW: i64 = 1_772_438_400;

    fn token(claims: &Value) -> SecretString {
        let encode = |text: String| BASE64_URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.sig", encode(json!({ "alg": "RS256" }).to_string()), encode(claims.to_string())).into()
    }

    fn claims() -> Value {
        json!({ "aud": "app", "iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0"), "nbf": NOW,
            "exp": NOW + 3_900, "nonce": "n", "oid": "51f0c2d5-0b1f-4c3a-9d2e-7f1e2a3b4c5d", "tid": TENANT,
            "preferred_username": "tech@msp.example", "name": "Tech One", "ver": "2.0" })
    }

    fn validate(claims: &Value, partner: Option<&str>) -> Result<SignedIn, IdTokenError> {
        let expected = Expectation {
            client_id: "app",
            issuer_template: "https://login.microsoftonline.com/{tenantid}/v2.0",
            nonce: "n",
            partner_tenant: partner.map(|tenant| tenant.parse().unwrap()),
        };
        IdTokenClaims::decode(&token(claims))?.validate(&expected, Timestamp::from_second(NOW).unwrap())
    }

    #[test]
    fn who_signed_in() {
        let signed_in = validate(&claims(), Some(TENANT)).unwrap();
        assert_eq!(signed_in.tenant, TENANT.parse().unwrap());
        assert_eq!(signed_in.name.as_deref(), Some("Tech One"));
    }

    #[test]
    fn every_claim_is_checked() {
        let other = "5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d";
        let issuer = |tenant: &str| json!(format!("https://login.microsoftonline.com/{tenant}/v2.0"));
        for (claim, value, expected) in [
            ("ver", json!("1.0"), IdTokenError::Version),
            ("tid", json!(other), IdTokenError::Issuer),
            ("tid", json!("common"), IdTokenError::Unreadable),
            ("iss", issuer(other), IdTokenError::Issuer),
            ("iss", json!(format!("https://sts.windows.net/{TENANT}/")), IdTokenError::Issuer),
            ("iss", json!(format!("https://login.microsoftonline.com/{TENANT}/v2.0/")), IdTokenError::Issuer),
            ("aud", json!("other"), IdTokenError::Audience),
            ("aud", json!(["app"]), IdTokenError::Unreadable),
            ("nonce", json!("other"), IdTokenError::Nonce),
            ("nonce", Value::Null, IdTokenError::Nonce),
            ("exp", json!(NOW - 300), IdTokenError::Expired),
            ("nbf", json!(NOW + 301), IdTokenError::NotYetValid),
            ("oid", Value::Null, IdTokenError::Unreadable),
        ] {
            let mut claims = claims();
            claims[claim] = value.clone();
            assert_eq!(validate(&claims, None), Err(expected), "{claim} = {value}");
        }
    }

    #[test]
    fn clocks_may_differ_by_five_minutes() {
        for (claim, value) in [("exp", NOW - 299), ("nbf", NOW + 300)] {
            let mut claims = claims();
            claims[claim] = json!(value);
            assert!(validate(&claims, None).is_ok(), "{claim}");
        }
    }

    #[test]
    fn a_personal_account_is_refused() {
        let mut claims = claims();
        claims["tid"] = json!(CONSUMERS.to_string());
        claims["iss"] = json!(format!("https://login.microsoftonline.com/{CONSUMERS}/v2.0"));
        assert_eq!(validate(&claims, None), Err(IdTokenError::Consumer));
    }

    #[test]
    fn another_tenant_than_the_connections_is_told_apart() {
        let stored = "5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d";
        assert_eq!(
            validate(&claims(), Some(stored)),
            Err(IdTokenError::OtherTenant(TENANT.parse().unwrap()))
        );
    }

    #[test]
    fn what_is_no_token() {
        for text in ["", "a.b", "a.b.c", "a.b.c.d", "..", "a.e30.c"] {
            let decoded = IdTokenClaims::decode(&text.into());
            assert!(matches!(decoded, Err(IdTokenError::Unreadable)), "{text}");
        }
    }
}
