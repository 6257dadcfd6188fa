//! Tokens against verifiers: every defect of a token here, published keys and both hosts beside it.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up fails")]

mod hosts;
mod published;

use std::sync::Arc;

use ambient::VirtualClock;
use authorizer::{Configuration, Keys, Misconfigured, Parties, Refusal, Verifier, sign_hs256};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use domain::ids::{UserId, WorkspaceId};
use edge::{Caller, CallerKind, Edition, Permission};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use proptest::prelude::*;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) const ISSUER: &str = "https://psa.example";
pub(crate) const AUDIENCE: &str = "entra-contact-sync";
pub(crate) const NOW: i64 = 1_790_000_000;

/// Keys made for these tests; they protect nothing.
pub(crate) const RSA: &str = include_str!("keys/rsa.base64");
pub(crate) const RSA_SHORT: &str = include_str!("keys/rsa_short.base64");
pub(crate) const EC_ONE: &str = include_str!("keys/ec_one.base64");
pub(crate) const EC_TWO: &str = include_str!("keys/ec_two.base64");

pub(crate) fn der(base64: &str) -> Vec<u8> {
    STANDARD.decode(base64.replace(char::is_whitespace, "")).unwrap()
}

pub(crate) fn rsa() -> EncodingKey {
    EncodingKey::from_rsa_der(&der(RSA))
}

pub(crate) fn elliptic(base64: &str) -> EncodingKey {
    EncodingKey::from_ec_der(&der(base64))
}

pub(crate) fn published(id: &str, key: &EncodingKey, algorithm: Algorithm) -> Value {
    let mut jwk = Jwk::from_encoding_key(key, algorithm).unwrap();
    jwk.common.key_id = Some(id.to_owned());
    serde_json::to_value(jwk).unwrap()
}

pub(crate) fn secret() -> SecretString {
    SecretString::from("a secret of more than thirty-two bytes")
}

pub(crate) fn parties() -> Parties {
    Parties { issuer: ISSUER.to_owned(), audience: AUDIENCE.to_owned() }
}

pub(crate) fn clock() -> VirtualClock {
    VirtualClock::starting_at(Timestamp::from_second(NOW).unwrap())
}

pub(crate) fn client() -> reqwest::Client {
    runtime::http::client(runtime::http::Limits::default()).unwrap()
}

pub(crate) fn shared() -> Verifier {
    Verifier::new(parties(), Keys::Shared(Arc::new(secret())), Arc::new(clock()))
}

pub(crate) fn person() -> Caller {
    Caller {
        workspace: WorkspaceId::new(Uuid::from_u128(1)),
        user: Some(UserId::new(Uuid::from_u128(2))),
        kind: CallerKind::Internal,
        permissions: [Permission::Read.name().to_owned(), Permission::Update.name().to_owned()].into(),
        edition: Edition::Enterprise,
    }
}

pub(crate) fn claims() -> Value {
    json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "exp": NOW + 300,
        "tenant": Uuid::from_u128(1),
        "sub": Uuid::from_u128(2),
        "user_type": "internal",
        "permissions": ["system_settings.read", "system_settings.update"],
        "edition": "enterprise",
    })
}

/// The good claims with `changes`; a null takes a claim away.
pub(crate) fn changed(changes: Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    claims
}

pub(crate) fn hs256(claims: &Value) -> String {
    let key = EncodingKey::from_secret(secret().expose_secret().as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key).unwrap()
}

pub(crate) fn keyed(id: Option<&str>, algorithm: Algorithm, key: &EncodingKey) -> String {
    let mut header = Header::new(algorithm);
    header.kid = id.map(str::to_owned);
    jsonwebtoken::encode(&header, &claims(), key).unwrap()
}

/// A token put together by hand, with a header no library would write.
pub(crate) fn forged(header: &Value, signature: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(&claims()))
}

pub(crate) fn code(verdict: Result<Caller, Refusal>) -> &'static str {
    verdict.map_or_else(|refusal| refusal.code(), |_| "good")
}

#[tokio::test]
async fn claims_decide_with_a_good_signature() {
    let other = Uuid::from_u128(9);
    for (changes, expected) in [
        (json!({}), "good"),
        (json!({ "aud": ["someone", AUDIENCE] }), "good"),
        (json!({ "exp": NOW - 59 }), "good"),
        (json!({ "nbf": NOW + 60 }), "good"),
        (json!({ "tenant": null, "tenantId": Uuid::from_u128(1) }), "good"),
        (json!({ "tenantId": Uuid::from_u128(1) }), "good"),
        (json!({ "sub": "ada@example.com", "userId": Uuid::from_u128(2) }), "good"),
        (json!({ "user_type": null, "kind": "internal" }), "good"),
        (json!({ "edition": "EE" }), "good"),
        (json!({ "permissions": "system_settings.update system_settings.read" }), "good"),
        (json!({ "unknown": { "claim": [1] } }), "good"),
        (json!({ "exp": NOW - 60 }), "token_expired"),
        // A NumericDate may have a fraction.
        (json!({ "exp": 1.0e300 }), "good"),
        (json!({ "exp": -0.5 }), "token_expired"),
        (json!({ "nbf": 1.0e300 }), "token_not_yet_valid"),
        (json!({ "exp": null }), "claim_missing"),
        (json!({ "exp": "soon" }), "claims_unreadable"),
        (json!({ "nbf": NOW + 61 }), "token_not_yet_valid"),
        (json!({ "iss": "https://psa.example/" }), "issuer_wrong"),
        (json!({ "iss": null }), "claim_missing"),
        (json!({ "aud": "entra" }), "audience_wrong"),
        (json!({ "aud": [] }), "audience_wrong"),
        (json!({ "aud": null }), "claim_missing"),
        (json!({ "tenant": null }), "claim_missing"),
        (json!({ "tenant": "acme" }), "claim_invalid"),
        (json!({ "tenant": other, "tenantId": Uuid::from_u128(1) }), "claim_invalid"),
        (json!({ "sub": null }), "claim_missing"),
        (json!({ "sub": "ada@example.com" }), "claim_invalid"),
        (json!({ "user_type": null }), "claim_missing"),
        (json!({ "user_type": "admin" }), "claim_invalid"),
        (json!({ "kind": "client" }), "claim_invalid"),
        (json!({ "edition": null }), "claim_missing"),
        (json!({ "edition": "pro" }), "claim_invalid"),
        (json!({ "permissions": { "all": true } }), "claims_unreadable"),
    ] {
        let verdict = shared().verify(&hs256(&changed(changes.clone()))).await;
        if expected == "good" {
            assert_eq!(verdict.unwrap(), person(), "{changes}");
        } else {
            assert_eq!(code(verdict), expected, "{changes}");
        }
    }
    let portal =
        shared().verify(&hs256(&changed(json!({ "user_type": "client", "permissions": null })))).await;
    let portal = portal.unwrap();
    assert_eq!((portal.kind, portal.permissions.len()), (CallerKind::Client, 0));
}

#[tokio::test]
async fn a_shared_secret_verifies_hs256_and_nothing_else() {
    let good = hs256(&claims());
    let (unsigned, signature) = good.rsplit_once('.').unwrap();
    let mut flipped = URL_SAFE_NO_PAD.decode(signature).unwrap();
    flipped[0] ^= 1;
    let weak = EncodingKey::from_secret(b"another secret of more than thirty-two bytes");
    let unreadable = URL_SAFE_NO_PAD.encode("{\"alg\":\"HS256\"");
    let padded = format!("{good}{}", "A".repeat(20_000));
    for (token, expected) in [
        (good.clone(), "good"),
        (format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(flipped)), "signature_wrong"),
        (format!("{unsigned}."), "signature_wrong"),
        (keyed(None, Algorithm::HS256, &weak), "signature_wrong"),
        (keyed(None, Algorithm::HS512, &weak), "algorithm_refused"),
        (keyed(Some("r"), Algorithm::RS256, &rsa()), "algorithm_refused"),
        (forged(&json!({ "alg": "none" }), ""), "algorithm_refused"),
        (forged(&json!({ "alg": "None" }), ""), "algorithm_refused"),
        (forged(&json!({ "alg": "hs256" }), signature), "algorithm_refused"),
        (forged(&json!({ "alg": "HS256", "crit": ["b64"], "b64": false }), signature), "critical_header"),
        (forged(&json!({ "typ": "JWT" }), signature), "token_malformed"),
        (format!("{unreadable}.e30.AA"), "token_malformed"),
        (padded, "token_malformed"),
        (unsigned.to_owned(), "token_malformed"),
        (format!("{good}.AA"), "token_malformed"),
        ("é.é.é".to_owned(), "token_malformed"),
        (String::new(), "token_malformed"),
    ] {
        assert_eq!(code(shared().verify(&token).await), expected, "{token}");
    }
}
#[test]
fn settings_that_would_let_a_token_choose_are_refused() {
    let configured = |issuer: &str, url: Option<&str>, secret: Option<&str>| {
        let configuration = Configuration {
            issuer: issuer.to_owned(),
            audience: AUDIENCE.to_owned(),
            published_keys_url: url.map(str::to_owned),
            shared_secret: secret.map(SecretString::from),
        };
        Verifier::configured(configuration, client(), Arc::new(clock())).map(|_| ())
    };
    let (url, long) = (Some("https://psa.example/keys"), Some("0123456789abcdef0123456789abcdef"));
    assert!(configured(ISSUER, url, None).is_ok());
    assert!(configured(ISSUER, Some("http://127.0.0.1:1/keys"), None).is_ok());
    assert!(configured(ISSUER, None, long).is_ok());
    assert!(matches!(configured(" ", url, None), Err(Misconfigured::PartyMissing)));
    assert!(matches!(configured(ISSUER, None, None), Err(Misconfigured::KeysMissing)));
    assert!(matches!(configured(ISSUER, url, long), Err(Misconfigured::KeysAmbiguous)));
    assert!(matches!(configured(ISSUER, None, Some("short")), Err(Misconfigured::SecretUnusable(_))));
    for url in ["http://psa.example/keys", "https://user@psa.example/keys", "file:///keys", "keys", ""] {
        assert!(matches!(configured(ISSUER, Some(url), None), Err(Misconfigured::KeysUrlRefused)), "{url}");
    }
}

proptest! {
    #[test]
    fn a_signed_caller_is_the_verified_caller(
        workspace in any::<u128>(),
        user in any::<u128>(),
        internal in any::<bool>(),
        enterprise in any::<bool>(),
        permissions in proptest::sample::subsequence(Permission::ALL.to_vec(), 0..=Permission::ALL.len()),
        age in 0_i64..960,
    ) {
        let caller = Caller {
            workspace: WorkspaceId::new(Uuid::from_u128(workspace)),
            user: Some(UserId::new(Uuid::from_u128(user))),
            kind: if internal { CallerKind::Internal } else { CallerKind::Client },
            permissions: permissions.into_iter().map(|permission| permission.name().to_owned()).collect(),
            edition: if enterprise { Edition::Enterprise } else { Edition::Community },
        };
        let signed_at = Timestamp::from_second(NOW - age).unwrap();
        let lifetime = SignedDuration::from_mins(15);
        let token = sign_hs256(&caller, &parties(), &secret(), signed_at, lifetime).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        prop_assert_eq!(runtime.block_on(shared().verify(&token)).unwrap(), caller);
    }
}
