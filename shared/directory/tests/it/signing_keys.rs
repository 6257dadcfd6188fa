//! Which keys may have signed an id_token, and where they may come from.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use directory::protocol::{
    id_token::{IdTokenClaims, IdTokenError},
    signing_keys::{SigningKeys, keys_url, metadata_url},
};
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

/// What the invented Microsoft signed for a technician, the key set it published for that, and the issuers.
struct Signed {
    token: String,
    key: Value,
    template: String,
    issuer: String,
}

impl Signed {
    fn sample() -> Self {
        let template = "https://login.example/{tenantid}/v2.0".to_owned();
        let issuer = template.replace("{tenantid}", TENANT);
        let claims =
            json!({ "aud": "app", "iss": issuer, "exp": 1, "nonce": "n", "tid": TENANT, "ver": "2.0" });
        let token = fake_microsoft::signed(&claims).unwrap();
        let key = fake_microsoft::published_keys("https://login.example", "{tenantid}")["keys"][0].take();
        Self { token, key, template, issuer }
    }

    fn checked(&self, keys: Value, token: &str) -> Result<IdTokenClaims, IdTokenError> {
        let keys = SigningKeys::decode(json!({ "keys": keys }).to_string().as_bytes()).unwrap();
        keys.claims(&SecretString::from(token), &self.template)
    }
}

const TENANT: &str = "0a1b2c3d-0b1f-4c3a-9d2e-7f1e2a3b4c5d";
const OTHER: &str = "5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d";

#[test]
fn a_key_signs_for_its_issuer_only() {
    let signed = Signed::sample();
    let foreign = format!("https://login.example/{OTHER}/v2.0");
    for (member, value, expected) in [
        ("issuer", json!(signed.template), None),
        ("issuer", json!(signed.issuer), None),
        ("issuer", json!(foreign), Some(IdTokenError::KeyIssuer)),
        ("issuer", json!(format!("{}/", signed.issuer)), Some(IdTokenError::KeyIssuer)),
        ("issuer", json!("https://login.elsewhere.example/{tenantid}/v2.0"), Some(IdTokenError::KeyIssuer)),
        ("issuer", json!(""), Some(IdTokenError::KeyIssuer)),
        ("issuer", json!(7), Some(IdTokenError::KeyUnknown)),
        ("alg", json!("RS256"), None),
        ("alg", json!("RS512"), Some(IdTokenError::KeyUnknown)),
        ("use", json!("enc"), Some(IdTokenError::KeyUnknown)),
        ("kid", json!("another"), Some(IdTokenError::KeyUnknown)),
        ("kty", json!("oct"), Some(IdTokenError::KeyUnknown)),
        ("n", json!("AQAB"), Some(IdTokenError::KeyUnknown)),
        ("e", json!("Aw"), Some(IdTokenError::Signature)),
    ] {
        let mut key = signed.key.clone();
        key[member] = value.clone();
        let checked = signed.checked(json!([key]), &signed.token);
        assert_eq!(checked.err(), expected, "{member} = {value}");
    }
    // Servers other than Microsoft's publish no issuer of a key.
    let mut key = signed.key.clone();
    key.as_object_mut().unwrap().remove("issuer");
    assert!(signed.checked(json!([key]), &signed.token).is_ok());
}

#[test]
fn one_key_does_not_stand_in_the_way_of_another() {
    let signed = Signed::sample();
    let mut foreign = signed.key.clone();
    foreign["issuer"] = json!(format!("https://login.example/{OTHER}/v2.0"));
    let mut unlike = signed.key.clone();
    unlike["e"] = json!("Aw");
    let all = json!([{ "kty": "new" }, 7, unlike, foreign, signed.key]);
    assert!(signed.checked(all, &signed.token).is_ok());
    assert_eq!(signed.checked(json!([]), &signed.token).err(), Some(IdTokenError::KeyUnknown));
}

#[test]
fn nothing_but_what_was_signed_is_believed() {
    let signed = Signed::sample();
    let parts: Vec<&str> = signed.token.split('.').collect();
    let encode = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let header: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(parts[0]).unwrap()).unwrap();
    let with_header = |changes: Value| {
        let mut header = header.clone();
        for (name, value) in changes.as_object().unwrap() {
            header[name] = value.clone();
        }
        format!("{}.{}.{}", encode(header), parts[1], parts[2])
    };
    let claims =
        json!({ "aud": "app", "iss": signed.issuer, "exp": 1, "nonce": "n", "tid": OTHER, "ver": "2.0" });
    for (token, expected) in [
        (format!("{}.{}.{}", parts[0], encode(claims), parts[2]), IdTokenError::Signature),
        (format!("{}.{}.", parts[0], parts[1]), IdTokenError::Signature),
        (format!("{}.{}.AAAA", parts[0], parts[1]), IdTokenError::Signature),
        (with_header(json!({ "typ": "at+jwt" })), IdTokenError::Signature),
        (with_header(json!({ "alg": "none" })), IdTokenError::Algorithm),
        (with_header(json!({ "alg": "HS256" })), IdTokenError::Algorithm),
        (with_header(json!({ "alg": "RS512" })), IdTokenError::Algorithm),
        (with_header(json!({ "crit": ["exp"] })), IdTokenError::Algorithm),
        (with_header(json!({ "kid": null })), IdTokenError::KeyUnknown),
        (with_header(json!({ "alg": 7 })), IdTokenError::Unreadable),
        (format!("{}.{}", parts[0], parts[1]), IdTokenError::Unreadable),
    ] {
        assert_eq!(signed.checked(json!([signed.key]), &token).err(), Some(expected), "{token}");
    }
}

#[test]
fn metadata_sends_nobody_elsewhere() {
    let login: Url = "https://login.example/".parse().unwrap();
    assert_eq!(
        metadata_url(&login).as_str(),
        "https://login.example/organizations/v2.0/.well-known/openid-configuration"
    );
    let found = |uri: &str| keys_url(json!({ "jwks_uri": uri }).to_string().as_bytes(), &login);
    let keys = "https://login.example/organizations/discovery/v2.0/keys";
    assert_eq!(found(keys).unwrap().as_str(), keys);
    for uri in [
        "http://login.example/keys",
        "https://login.example:8443/keys",
        "https://login.example.elsewhere.example/keys",
        "https://login.example@elsewhere.example/keys",
        "https://user@login.example/keys",
        "https://169.254.169.254/keys",
        "file:///etc/passwd",
        "keys",
        "",
    ] {
        assert_eq!(found(uri), None, "{uri}");
    }
    assert_eq!(keys_url(b"{}", &login), None);
}
