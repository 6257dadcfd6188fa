//! Tokens against verifiers: every defect, key rotation over loopback, and both hosts.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up fails")]

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use ambient::VirtualClock;
use async_trait::async_trait;
use authorizer::{
    Answer, Configuration, Event, KeyFault, KeyMaterial, Keys, Misconfigured, Parties, Refusal, Verifier,
    authenticated, authorize, sign_hs256,
};
use axum::{
    Extension, Router,
    body::Body,
    http::{Request, StatusCode},
    routing::get,
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use domain::ids::{UserId, WorkspaceId};
use edge::{Caller, CallerKind, Edition, Permission, Reader, Reply, ServiceEdition, finish};
use http_body_util::BodyExt;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use proptest::prelude::*;
use runtime::lambda::TaskName;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;

const ISSUER: &str = "https://psa.example";
const AUDIENCE: &str = "entra-contact-sync";
const NOW: i64 = 1_790_000_000;

/// Keys made for these tests; they protect nothing.
const RSA: &str = include_str!("keys/rsa.base64");
const RSA_SHORT: &str = include_str!("keys/rsa_short.base64");
const EC_ONE: &str = include_str!("keys/ec_one.base64");
const EC_TWO: &str = include_str!("keys/ec_two.base64");

fn der(base64: &str) -> Vec<u8> {
    STANDARD.decode(base64.replace(char::is_whitespace, "")).unwrap()
}

fn rsa() -> EncodingKey {
    EncodingKey::from_rsa_der(&der(RSA))
}

fn elliptic(base64: &str) -> EncodingKey {
    EncodingKey::from_ec_der(&der(base64))
}

fn published(id: &str, key: &EncodingKey, algorithm: Algorithm) -> Value {
    let mut jwk = Jwk::from_encoding_key(key, algorithm).unwrap();
    jwk.common.key_id = Some(id.to_owned());
    serde_json::to_value(jwk).unwrap()
}

fn secret() -> SecretString {
    SecretString::from("a secret of more than thirty-two bytes")
}

fn parties() -> Parties {
    Parties { issuer: ISSUER.to_owned(), audience: AUDIENCE.to_owned() }
}

fn clock() -> VirtualClock {
    VirtualClock::starting_at(Timestamp::from_second(NOW).unwrap())
}

fn client() -> reqwest::Client {
    runtime::http::client(runtime::http::Limits::default()).unwrap()
}

fn shared() -> Verifier {
    Verifier::new(parties(), Keys::Shared(Arc::new(secret())), Arc::new(clock()))
}

fn person() -> Caller {
    Caller {
        workspace: WorkspaceId::new(Uuid::from_u128(1)),
        user: Some(UserId::new(Uuid::from_u128(2))),
        kind: CallerKind::Internal,
        permissions: [Permission::Read.name().to_owned(), Permission::Update.name().to_owned()].into(),
        edition: Edition::Enterprise,
    }
}

fn claims() -> Value {
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
fn changed(changes: Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    claims
}

fn hs256(claims: &Value) -> String {
    let key = EncodingKey::from_secret(secret().expose_secret().as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key).unwrap()
}

fn keyed(id: Option<&str>, algorithm: Algorithm, key: &EncodingKey) -> String {
    let mut header = Header::new(algorithm);
    header.kid = id.map(str::to_owned);
    jsonwebtoken::encode(&header, &claims(), key).unwrap()
}

/// A token put together by hand, with a header no library would write.
fn forged(header: &Value, signature: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(&claims()))
}

fn code(verdict: Result<Caller, Refusal>) -> &'static str {
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

/// The PSA's key set on a loopback port.
struct Publisher {
    url: String,
    answer: Arc<Mutex<(StatusCode, String)>>,
    fetches: Arc<AtomicUsize>,
}

impl Publisher {
    async fn of(keys: Value) -> Self {
        let answer = Arc::new(Mutex::new((StatusCode::OK, String::new())));
        let fetches = Arc::new(AtomicUsize::new(0));
        let (shown, counter) = (Arc::clone(&answer), Arc::clone(&fetches));
        let router = Router::new().route(
            "/keys",
            get(async move || {
                counter.fetch_add(1, Ordering::SeqCst);
                shown.lock().unwrap().clone()
            }),
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let publisher = Self { url, answer, fetches };
        publisher.publish(keys);
        publisher
    }

    fn publish(&self, keys: Value) {
        self.say(StatusCode::OK, json!({ "keys": keys }).to_string());
    }

    fn say(&self, status: StatusCode, body: String) {
        *self.answer.lock().unwrap() = (status, body);
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    fn verifier(&self, clock: &VirtualClock) -> Verifier {
        Verifier::configured(
            Configuration {
                issuer: ISSUER.to_owned(),
                audience: AUDIENCE.to_owned(),
                published_keys_url: Some(self.url.clone()),
                shared_secret: None,
            },
            client(),
            Arc::new(clock.clone()),
        )
        .unwrap()
    }
}

#[tokio::test]
async fn published_keys_verify_what_they_are_meant_for() {
    let short = EncodingKey::from_rsa_der(&der(RSA_SHORT));
    let mut encrypting = published("encrypting", &elliptic(EC_ONE), Algorithm::ES256);
    encrypting["use"] = json!("enc");
    let mut misdeclared = published("misdeclared", &elliptic(EC_ONE), Algorithm::ES256);
    misdeclared["alg"] = json!("HS256");
    let public = published("rsa", &rsa(), Algorithm::RS256);
    let publisher = Publisher::of(json!([
        { "kty": "unheard-of", "kid": "new" },
        { "kty": "oct", "kid": "symmetric", "k": URL_SAFE_NO_PAD.encode(secret().expose_secret()) },
        public,
        published("ec", &elliptic(EC_ONE), Algorithm::ES256),
        published("short", &short, Algorithm::RS256),
        encrypting,
        misdeclared,
    ]))
    .await;
    let modulus = URL_SAFE_NO_PAD.decode(public["n"].as_str().unwrap()).unwrap();
    let confusion = |id, bytes: &[u8]| keyed(Some(id), Algorithm::HS256, &EncodingKey::from_secret(bytes));
    let verifier = publisher.verifier(&clock());
    for (token, expected) in [
        (keyed(Some("rsa"), Algorithm::RS256, &rsa()), "good"),
        (keyed(Some("ec"), Algorithm::ES256, &elliptic(EC_ONE)), "good"),
        (keyed(Some("ec"), Algorithm::ES256, &elliptic(EC_TWO)), "signature_wrong"),
        (keyed(Some("ec"), Algorithm::RS256, &rsa()), "algorithm_refused"),
        (keyed(Some("rsa"), Algorithm::ES256, &elliptic(EC_ONE)), "algorithm_refused"),
        (keyed(Some("rsa"), Algorithm::RS512, &rsa()), "algorithm_refused"),
        (keyed(Some("rsa"), Algorithm::PS256, &rsa()), "algorithm_refused"),
        // RFC 8725 §2.1: the public key taken for a shared secret.
        (confusion("rsa", &modulus), "algorithm_refused"),
        (confusion("rsa", public.to_string().as_bytes()), "algorithm_refused"),
        (confusion("symmetric", secret().expose_secret().as_bytes()), "algorithm_refused"),
        (forged(&json!({ "alg": "none", "kid": "rsa" }), ""), "algorithm_refused"),
        (keyed(None, Algorithm::ES256, &elliptic(EC_ONE)), "key_id_missing"),
        (keyed(Some("absent"), Algorithm::ES256, &elliptic(EC_ONE)), "key_unknown"),
        (keyed(Some("short"), Algorithm::RS256, &short), "key_unknown"),
        (keyed(Some("encrypting"), Algorithm::ES256, &elliptic(EC_ONE)), "key_unknown"),
        (keyed(Some("misdeclared"), Algorithm::ES256, &elliptic(EC_ONE)), "key_unknown"),
    ] {
        assert_eq!(code(verifier.verify(&token).await), expected, "{token}");
    }
    assert_eq!(publisher.fetches(), 1, "unknown ids within a minute of a fetch ask nobody");
}

#[tokio::test]
async fn a_new_key_is_found_and_a_withdrawn_one_ends() {
    let (one, two) = (elliptic(EC_ONE), elliptic(EC_TWO));
    let (first, second) = (published("1", &one, Algorithm::ES256), published("2", &two, Algorithm::ES256));
    let publisher = Publisher::of(json!([first.clone()])).await;
    let clock = clock();
    let verifier = publisher.verifier(&clock);
    let sign = |id, key| keyed(Some(id), Algorithm::ES256, key);
    let (old, new) = (sign("1", &one), sign("2", &two));

    assert_eq!(code(verifier.verify(&old).await), "good");
    publisher.publish(json!([first, second.clone()]));
    assert_eq!(code(verifier.verify(&new).await), "key_unknown");
    assert_eq!(publisher.fetches(), 1);
    clock.advance(SignedDuration::from_secs(60));
    assert_eq!(code(verifier.verify(&new).await), "good");
    assert_eq!(code(verifier.verify(&old).await), "good");
    assert_eq!(publisher.fetches(), 2);

    publisher.publish(json!([second]));
    assert_eq!(code(verifier.verify(&old).await), "good");
    clock.advance(SignedDuration::from_mins(10));
    // The token itself has expired by now; the key is looked for first.
    assert_eq!(code(verifier.verify(&old).await), "key_unknown");
    assert_eq!(code(verifier.verify(&new).await), "token_expired");
    assert_eq!(publisher.fetches(), 3);
}

#[tokio::test]
async fn kept_keys_outlive_an_outage_for_a_day() {
    let key = elliptic(EC_ONE);
    let publisher = Publisher::of(json!([published("1", &key, Algorithm::ES256)])).await;
    let clock = clock();
    let verifier = publisher.verifier(&clock);
    let token = keyed(Some("1"), Algorithm::ES256, &key);
    assert_eq!(code(verifier.verify(&token).await), "good");
    publisher.say(StatusCode::BAD_GATEWAY, String::new());
    clock.advance(SignedDuration::from_hours(23));
    assert_eq!(code(verifier.verify(&token).await), "token_expired");
    assert_eq!(code(verifier.verify(&token).await), "token_expired");
    assert_eq!(publisher.fetches(), 2);
    clock.advance(SignedDuration::from_hours(1));
    assert_eq!(code(verifier.verify(&token).await), "keys_unavailable");
    clock.advance(SignedDuration::from_hours(-24));
    assert_eq!(code(verifier.verify(&token).await), "good");
}

#[tokio::test]
async fn without_keys_nobody_is_refused_and_nobody_is_let_in() {
    for (status, body) in [
        (StatusCode::NOT_FOUND, String::new()),
        (StatusCode::FOUND, String::new()),
        (StatusCode::OK, "<html>".to_owned()),
        (StatusCode::OK, "{}".to_owned()),
        (StatusCode::OK, format!("{{\"keys\":[],\"padding\":\"{}\"}}", "x".repeat(300_000))),
    ] {
        let publisher = Publisher::of(json!([])).await;
        publisher.say(status, body);
        let clock = clock();
        let verifier = publisher.verifier(&clock);
        let token = keyed(Some("1"), Algorithm::ES256, &elliptic(EC_ONE));
        assert_eq!(code(verifier.verify(&token).await), "keys_unavailable");
        let fault = authorize(&verifier, event(&token)).await.unwrap_err();
        assert!(matches!(fault, KeyFault::NotFetched));
        assert_eq!(fault.name(), "KeysUnavailable");
        assert_eq!(fault.cause(), "the PSA's published keys cannot be fetched");
        assert_eq!(publisher.fetches(), 1, "the second caller within five seconds does not ask again");
        publisher.publish(json!([published("1", &elliptic(EC_ONE), Algorithm::ES256)]));
        clock.advance(SignedDuration::from_secs(5));
        assert_eq!(code(verifier.verify(&token).await), "good");
    }
}

/// The PSA may be what is down, and switching off is what is wanted.
#[tokio::test]
async fn a_key_is_enough_for_the_flags_although_the_token_beside_it_cannot_be_checked() {
    let publisher = Publisher::of(json!([])).await;
    publisher.say(StatusCode::SERVICE_UNAVAILABLE, String::new());
    let verifier = publisher.verifier(&clock());
    let token = keyed(Some("1"), Algorithm::ES256, &elliptic(EC_ONE));
    let asked = |route: &str, key: Option<&str>| {
        let mut headers = json!({ "authorization": format!("Bearer {token}") });
        if let Some(key) = key {
            headers["x-api-key"] = json!(key);
        }
        serde_json::from_value::<Event>(json!({ "routeKey": route, "headers": headers })).unwrap()
    };
    let flags = "ANY /api/v1/platform-feature-flags/{flag_id}";
    let goes_on = authorize(&verifier, asked(flags, Some("key"))).await.unwrap();
    assert_eq!(serde_json::to_value(goes_on).unwrap(), json!({ "isAuthorized": true, "context": {} }));
    for (route, key) in [(flags, None), ("ANY /api/integrations/entra", Some("key"))] {
        assert!(authorize(&verifier, asked(route, key)).await.is_err(), "{route}");
    }
    // Without a gateway: nobody is signed in, and whoever takes keys looks at it.
    let bearer = format!("Bearer {token}");
    let flags = "/api/v1/platform-feature-flags/x";
    for (path, key, expected) in [
        (flags, true, (401, "not_authenticated")),
        (flags, false, (503, "sign_in_unavailable")),
        ("/", true, (503, "sign_in_unavailable")),
    ] {
        let mut request = Request::builder().uri(path).header("authorization", &bearer);
        if key {
            request = request.header("x-api-key", "key");
        }
        let request = request.body(Body::empty()).unwrap();
        let answer = status_and_code(publisher.verifier(&clock()), request).await;
        assert_eq!((answer.0, answer.1.as_str()), expected);
    }
}

fn event(token: &str) -> Event {
    serde_json::from_value(json!({
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": "arn:aws:execute-api:eu-central-1:123456789012:abcdef/$default/GET/api",
        "identitySource": [format!("Bearer {token}")],
        "routeKey": "$default",
        "rawPath": "/api/integrations/entra",
        "rawQueryString": "",
        "headers": { "authorization": format!("Bearer {token}"), "workspace": "forged" },
        "requestContext": { "http": { "method": "GET", "path": "/api/integrations/entra" } },
    }))
    .unwrap()
}

#[tokio::test]
async fn the_gateway_is_answered_with_the_caller_or_with_nothing() {
    let answer = authorize(&shared(), event(&hs256(&claims()))).await.unwrap();
    assert!(answer.is_authorized);
    assert_eq!(Caller::from_context(&answer.context).unwrap(), person());
    let refused = Answer { is_authorized: false, context: BTreeMap::new() };
    for event in [event("a.b.c"), event(""), Event::default()] {
        assert_eq!(authorize(&shared(), event).await.unwrap(), refused);
    }
    assert_eq!(serde_json::to_value(refused).unwrap(), json!({ "isAuthorized": false, "context": {} }));
}

async fn status_and_code(verifier: Verifier, request: Request<Body>) -> (u16, String) {
    let answer = get(async |Reader(caller): Reader| Reply::ok(caller.workspace));
    let router =
        Router::new().route("/", answer.clone()).route("/api/v1/platform-feature-flags/{id}", answer);
    let router =
        authenticated(router, Arc::new(verifier)).layer(Extension(ServiceEdition(Edition::Enterprise)));
    let (parts, body) = finish(router).oneshot(request).await.unwrap().into_parts();
    let body: Value = serde_json::from_slice(&body.collect().await.unwrap().to_bytes()).unwrap();
    (parts.status.as_u16(), body["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_socket_knows_callers_by_their_token_alone() {
    let good = format!("Bearer {}", hs256(&claims()));
    for (authorizations, expected) in [
        (vec![good.as_str()], (200, "")),
        (vec![], (401, "not_authenticated")),
        (vec!["Bearer a.b.c"], (401, "not_authenticated")),
        (vec![good.as_str(), good.as_str()], (401, "not_authenticated")),
    ] {
        let mut request = Request::builder().uri("/");
        for authorization in authorizations {
            request = request.header("authorization", authorization);
        }
        for (name, value) in person().to_context() {
            request = request.header(name.as_str(), value);
        }
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(person());
        let answer = status_and_code(shared(), request).await;
        assert_eq!((answer.0, answer.1.as_str()), expected);
    }
}

struct Locked;

#[async_trait]
impl KeyMaterial for Locked {
    async fn shared_secret(&self) -> Result<SecretString, KeyFault> {
        Err(KeyFault::SecretUnreadable("the safe is locked".into()))
    }
}

#[tokio::test]
async fn a_secret_that_cannot_be_had_is_a_fault_and_not_a_refusal() {
    let verifier = Verifier::new(parties(), Keys::Shared(Arc::new(Locked)), Arc::new(clock()));
    let token = format!("Bearer {}", hs256(&claims()));
    let request = Request::builder().uri("/").header("authorization", token).body(Body::empty()).unwrap();
    assert_eq!(status_and_code(verifier, request).await, (503, "sign_in_unavailable".to_owned()));
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
