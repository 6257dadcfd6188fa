//! Keys that the PSA publishes: what they verify, how they change, and what holds while they cannot be had.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use ambient::VirtualClock;
use authorizer::{Configuration, KeyFault, Verifier, authorize};
use axum::{Router, http::StatusCode, routing::get};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use jsonwebtoken::{Algorithm, EncodingKey};
use runtime::lambda::TaskName;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::{
    AUDIENCE, EC_ONE, EC_TWO, ISSUER, RSA_SHORT, client, clock, code, der, elliptic, forged, hosts::event,
    keyed, published, rsa, secret,
};

/// The PSA's key set on a loopback port.
pub(crate) struct Publisher {
    url: String,
    answer: Arc<Mutex<(StatusCode, String)>>,
    fetches: Arc<AtomicUsize>,
}

impl Publisher {
    pub(crate) async fn of(keys: Value) -> Self {
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

    pub(crate) fn publish(&self, keys: Value) {
        self.say(StatusCode::OK, json!({ "keys": keys }).to_string());
    }

    pub(crate) fn say(&self, status: StatusCode, body: String) {
        *self.answer.lock().unwrap() = (status, body);
    }

    pub(crate) fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    pub(crate) fn verifier(&self, clock: &VirtualClock) -> Verifier {
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
