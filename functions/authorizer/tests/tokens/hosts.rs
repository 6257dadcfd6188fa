//! Both hosts of the check: the gateway's question, and a router on a socket.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use authorizer::{Answer, Event, KeyFault, KeyMaterial, Keys, Verifier, authenticated, authorize};
use axum::{
    Extension, Router,
    body::Body,
    http::{Request, StatusCode},
    routing::get,
};
use edge::{Caller, Edition, Reader, Reply, ServiceEdition, finish};
use http_body_util::BodyExt;
use jsonwebtoken::Algorithm;
use secrecy::SecretString;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::{EC_ONE, claims, clock, elliptic, hs256, keyed, parties, person, published::Publisher, shared};

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

pub(crate) fn event(token: &str) -> Event {
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
