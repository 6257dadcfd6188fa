//! The PSA's tokens, and the keys it publishes.

use std::{convert::Infallible, sync::Arc};

use ambient::{Clock, SystemClock};
use authorizer::{Configuration, Refusal, Verifier};
use axum::{Router, body::Body, routing::get};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use proptest::prelude::*;
use runtime::http::{Limits, client};
use serde_json::{Value, json};
use tests::spoil::{Spoiled, spoiled};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
};

use crate::trees::{any_bytes, any_json};

const KEY: &str = "the key of this suite, of more than thirty-two bytes";
const WORKSPACE: &str = "5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d";
const USER: &str = "87d349ed-44d7-43e1-9a83-5f2406dee5bd";

fn verifier(keys: Option<String>) -> Verifier {
    let configuration = Configuration {
        issuer: "psa".to_owned(),
        audience: "contact-sync".to_owned(),
        shared_secret: keys.is_none().then(|| KEY.into()),
        published_keys_url: keys,
    };
    Verifier::configured(configuration, client(Limits::default()).unwrap(), Arc::new(SystemClock)).unwrap()
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn encode(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// A token of whatever header and claims, signed with the key of this suite.
fn signed(header: &[u8], claims: &[u8]) -> String {
    let message = format!("{}.{}", encode(header), encode(claims));
    let key = EncodingKey::from_secret(KEY.as_bytes());
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

const HEADER: &[u8] = br#"{"alg":"HS256","typ":"JWT"}"#;

fn claims() -> Value {
    let now = SystemClock.now().as_second();
    json!({ "iss": "psa", "aud": ["contact-sync", "other"], "iat": now, "nbf": now, "exp": now + 900,
        "tenant": WORKSPACE, "sub": USER, "user_type": "internal", "edition": "enterprise",
        "permissions": ["system_settings.read", "other"] })
}

fn verify(runtime: &Runtime, verifier: &Verifier, token: &str) -> Result<(), Refusal> {
    let caller = runtime.block_on(verifier.verify(token))?;
    assert_eq!(caller.workspace, WORKSPACE.parse().unwrap());
    assert!(caller.permissions.len() <= 1, "only what this service asks for: {:?}", caller.permissions);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_are_a_token(text in ".{0,80}", bytes in any_bytes(), body in any_json()) {
        let (runtime, verifier) = (runtime(), verifier(None));
        for body in [bytes, body.to_string().into_bytes()] {
            for token in [text.clone(), signed(HEADER, &body), signed(&body, claims().to_string().as_bytes())] {
                let refusal = verify(&runtime, &verifier, &token).unwrap_err();
                prop_assert!(!matches!(refusal, Refusal::KeysUnavailable(_)), "{}", refusal);
            }
        }
    }
}

/// Signed or not, a damaged token is the caller's or nobody's.
#[test]
fn a_spoiled_token_is_the_same_callers_or_nobodys() {
    let (runtime, verifier) = (runtime(), verifier(None));
    let whole = claims();
    verify(&runtime, &verifier, &signed(HEADER, whole.to_string().as_bytes())).unwrap();
    for Spoiled { bytes, .. } in spoiled(&whole) {
        let _ = verify(&runtime, &verifier, &signed(HEADER, &bytes));
    }
    let header: Value = serde_json::from_slice(HEADER).unwrap();
    for Spoiled { bytes, .. } in spoiled(&header) {
        let _ = verify(&runtime, &verifier, &signed(&bytes, whole.to_string().as_bytes()));
    }
    let token = signed(HEADER, whole.to_string().as_bytes());
    for length in 0..token.len() {
        assert!(verify(&runtime, &verifier, &token[..length]).is_err(), "cut after {length} bytes");
    }
}

/// What the authorizer says of a caller travels as texts. Damaged on the way, they are the same caller's, with
/// no more than was granted, or nobody's.
#[test]
fn a_spoiled_context_is_the_same_callers_or_nobodys() {
    let whole = edge::Caller {
        workspace: WORKSPACE.parse().unwrap(),
        user: Some(USER.parse().unwrap()),
        kind: edge::CallerKind::Internal,
        permissions: ["system_settings.read".to_owned()].into(),
        edition: edge::Edition::Enterprise,
    };
    let context = whole.to_context();
    let damaged = |key: &str, text: String| {
        let mut context = context.clone();
        context.insert(key.to_owned(), text);
        edge::Caller::from_context(&context)
    };
    let permissions: Value = serde_json::from_str(&context["permissions"]).unwrap();
    for Spoiled { how, bytes, .. } in spoiled(&permissions) {
        if let Ok(read) = damaged("permissions", String::from_utf8_lossy(&bytes).into_owned()) {
            let holds_more = edge::Permission::ALL.iter().any(|it| read.holds(*it) && !whole.holds(*it));
            assert!(!holds_more, "{how}: {read:?}");
            assert_eq!(edge::Caller { permissions: whole.permissions.clone(), ..read }, whole, "{how}");
        }
    }
    for (key, text) in &context {
        for length in 0..text.len() {
            assert!(damaged(key, text[..length].to_owned()).is_err(), "{key} cut after {length} bytes");
        }
    }
}

/// A server of one document, at an address of its own for each.
async fn publish(document: impl Fn() -> Body + Clone + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/", get(move || std::future::ready(document())));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/")
}

/// Whatever is published, a token that no key of it signed is refused, and what is no key set is told apart.
#[test]
fn a_spoiled_key_set_verifies_nothing() {
    let set = json!({ "keys": [{ "kty": "RSA", "use": "sig", "kid": "k-1", "alg": "RS256", "e": "AQAB",
        "key_ops": ["verify"], "n": encode(&[0xd7; 256]) }] });
    let token =
        format!("{}.{}.{}", encode(br#"{"alg":"RS256","kid":"k-1"}"#), encode(b"{}"), encode(&[1; 256]));
    runtime().block_on(async {
        let (mut unavailable, mut wrong, mut unknown) = (0, 0, 0);
        // Every spoiled set needs a verifier of its own, which keeps what it has fetched.
        for Spoiled { how, bytes, .. } in spoiled(&set).step_by(3) {
            let address = publish(move || Body::from(bytes.clone())).await;
            match verifier(Some(address)).verify(&token).await {
                Err(Refusal::KeysUnavailable(_)) => unavailable += 1,
                Err(Refusal::SignatureWrong) => wrong += 1,
                Err(Refusal::KeyUnknown) => unknown += 1,
                other => panic!("{how}: {other:?}"),
            }
        }
        assert!(unavailable > 100 && wrong > 3 && unknown > 10, "{unavailable} {wrong} {unknown}");
    });
}

#[tokio::test]
async fn a_key_set_without_end_is_not_read() {
    let blanks = || Ok::<_, Infallible>(" ".repeat(8 * 1024));
    let address = publish(move || Body::from_stream(futures::stream::repeat_with(blanks))).await;
    let token = signed(br#"{"alg":"RS256","kid":"k-1"}"#, b"{}");
    let refusal = verifier(Some(address)).verify(&token).await.unwrap_err();
    assert_eq!(refusal.code(), "keys_unavailable");
}
