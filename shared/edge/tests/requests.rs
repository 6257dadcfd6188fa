//! Requests through a finished router: guards, bodies, parameters, and what every answer has.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up fails")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use axum::{
    Extension, Router,
    body::Body,
    http::{Extensions, HeaderMap, Request, StatusCode},
    routing::{get, post},
};
use domain::{
    flags::Feature,
    ids::{ClientId, UserId, WorkspaceId},
};
use edge::{
    ApiError, BODY_LIMIT_BYTES, Caller, CallerKind, Edition, Features, JsonBody, Needs, PathId, Permission,
    QueryOf, Reader, Reply, RequestId, ServiceEdition, Surface, SurfaceGate, Writer, admit, finish,
    introduce,
};
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Mapping {
    client_id: Option<ClientId>,
    #[serde(default)]
    lines: Vec<Line>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    count: u32,
    token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listing {
    limit: Option<u32>,
}

fn routes() -> Router {
    Router::new()
        .route("/read", get(async |Reader(caller): Reader| Reply::ok(caller.workspace)))
        .route("/write", post(async |_: Writer| Reply::accepted(json!({}))))
        .merge(
            Router::new()
                .route("/queue", get(async |_: Reader| Reply::ok(json!({}))))
                .layer(Extension(Needs(Feature::AmbiguousQueue))),
        )
        .route(
            "/body",
            post(async |JsonBody(mapping): JsonBody<Mapping>| {
                let tokens = mapping.lines.iter().filter(|line| line.token.is_some()).count();
                let counted: u32 = mapping.lines.iter().map(|line| line.count).sum();
                Reply::ok(json!({ "client": mapping.client_id, "counted": counted, "tokens": tokens }))
            }),
        )
        .route("/list", get(async |QueryOf(listing): QueryOf<Listing>| Reply::ok(listing.limit)))
        .route("/clients/{id}", get(async |PathId(id): PathId<ClientId>| Reply::created(id)))
        .route("/panic", get(panicking))
        .route("/broken", get(broken))
}

async fn panicking() -> Reply<()> {
    panic!("the secret is OPEN-SESAME")
}

async fn broken() -> Result<Reply<()>, ApiError> {
    Err(ApiError::unavailable("store_unavailable", "The store did\nnot answer.", "Wait.")
        .caused_by(std::io::Error::other("10.0.0.7 refused")))
}

fn caller(kind: CallerKind, permissions: &[Permission], edition: Edition) -> Caller {
    Caller {
        workspace: WorkspaceId::new(Uuid::from_u128(1)),
        user: Some(UserId::new(Uuid::from_u128(2))),
        kind,
        permissions: permissions.iter().map(|permission| permission.name().to_owned()).collect(),
        edition,
    }
}

fn request(method: &str, uri: &str, body: impl Into<Body>) -> Request<Body> {
    Request::builder().method(method).uri(uri).body(body.into()).unwrap()
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

async fn ask(router: Router, request: Request<Body>) -> Answer {
    let (parts, body) = finish(router).oneshot(request).await.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    if let Some(length) = parts.headers.get("content-length") {
        assert_eq!(length.to_str().unwrap(), bytes.len().to_string());
    }
    let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
    Answer { status: parts.status, headers: parts.headers, body }
}

/// What is switched on.
struct Switches(&'static [Feature]);

#[async_trait]
impl SurfaceGate for Switches {
    async fn is_open(&self, workspace: WorkspaceId, feature: Feature) -> Result<bool, ApiError> {
        assert_eq!(workspace, WorkspaceId::new(Uuid::from_u128(1)));
        Ok(self.0.contains(&feature))
    }
}

/// Every combination of what the guards look at: the first one that fails, in the contract's
/// order, decides the answer.
#[tokio::test]
async fn the_first_failing_guard_decides() {
    use CallerKind::{Client, Internal};
    use Edition::{Community, Enterprise};

    let mut seen = BTreeSet::new();
    for service in [None, Some(Community), Some(Enterprise)] {
        for signed_in in [false, true] {
            for (kind, claim) in
                [(Internal, Enterprise), (Internal, Community), (Client, Enterprise), (Client, Community)]
            {
                for permissions in [
                    &[][..],
                    &[Permission::Read],
                    &[Permission::Update],
                    &[Permission::Read, Permission::Update],
                ] {
                    for open in [
                        None,
                        Some(&[][..]),
                        Some(&[Feature::AmbiguousQueue]),
                        Some(&[Feature::Ui, Feature::Cipp]),
                        Some(&[Feature::Ui, Feature::AmbiguousQueue]),
                    ] {
                        let is_on = |feature| open.is_none_or(|open: &[Feature]| open.contains(&feature));
                        for (method, uri, needed) in [
                            ("GET", "/read", Permission::Read),
                            ("GET", "/queue", Permission::Read),
                            ("POST", "/write", Permission::Update),
                        ] {
                            let expected = if service != Some(Enterprise) || (signed_in && claim == Community)
                            {
                                (501, "enterprise_only")
                            } else if !signed_in {
                                (401, "not_authenticated")
                            } else if kind == Client {
                                (403, "portal_user_denied")
                            } else if !permissions.contains(&needed) {
                                (403, "permission_denied")
                            } else if !is_on(Feature::Ui) {
                                (404, "integration_disabled")
                            } else if uri == "/queue" && !is_on(Feature::AmbiguousQueue) {
                                (404, "feature_disabled")
                            } else if method == "GET" {
                                (200, "")
                            } else {
                                (202, "")
                            };
                            let mut router = routes();
                            if let Some(open) = open {
                                let gate = Arc::new(Switches(open));
                                router = router.layer(Extension(Surface(gate)));
                            }
                            let mut request = request(method, uri, Body::empty());
                            if signed_in {
                                request.extensions_mut().insert(caller(kind, permissions, claim));
                            }
                            if let Some(service) = service {
                                request.extensions_mut().insert(ServiceEdition(service));
                            }
                            let answer = ask(router, request).await;
                            assert_eq!((answer.status.as_u16(), answer.code()), expected);
                            assert_eq!(answer.body["success"], answer.status.is_success());
                            assert_eq!(
                                answer.headers.contains_key("www-authenticate"),
                                answer.status == StatusCode::UNAUTHORIZED
                            );
                            seen.insert(expected.1);
                        }
                    }
                }
            }
        }
    }
    assert_eq!(seen.len(), 7, "{seen:?}");
}

#[tokio::test]
async fn a_route_may_ask_for_one_feature_more() {
    async fn ask_for(features: Features, Reader(caller): Reader) -> Result<Reply<Value>, ApiError> {
        features.require(caller.workspace, Feature::Cipp).await?;
        Ok(Reply::ok(json!({})))
    }
    for (open, expected) in
        [(None, 200), (Some(&[Feature::Ui][..]), 404), (Some(&[Feature::Ui, Feature::Cipp]), 200)]
    {
        let mut router = Router::new().route("/more", get(ask_for));
        if let Some(open) = open {
            router = router.layer(Extension(Surface(Arc::new(Switches(open)))));
        }
        let mut request = request("GET", "/more", Body::empty());
        let staff = caller(CallerKind::Internal, &Permission::ALL, Edition::Enterprise);
        request.extensions_mut().insert(staff);
        request.extensions_mut().insert(ServiceEdition(Edition::Enterprise));
        let answer = ask(router, request).await;
        assert_eq!(answer.status, expected);
        if expected == 404 {
            assert_eq!(answer.code(), "feature_disabled");
            assert_eq!(answer.body["details"], json!({ "flag": "entra-integration-cipp" }));
        }
    }
}

#[test]
fn a_caller_without_a_person_is_not_signed_in() {
    let mut service = caller(CallerKind::Internal, &Permission::ALL, Edition::Enterprise);
    service.user = None;
    let refusal = admit(Edition::Enterprise, Some(&service), Permission::Read).unwrap_err();
    assert_eq!(refusal.code, "not_authenticated");
    let refusal = service.require(Permission::CreateClient);
    assert!(refusal.is_ok());
}

#[test]
fn only_the_gateway_introduces_a_caller() {
    let known = caller(CallerKind::Internal, &Permission::ALL, Edition::Enterprise);
    let mut damaged = known.to_context();
    damaged.insert("edition".to_owned(), "gold".to_owned());
    for (context, expected) in [(known.to_context(), Some(&known)), (BTreeMap::new(), None), (damaged, None)]
    {
        let mut extensions = Extensions::new();
        extensions.insert(caller(CallerKind::Client, &[], Edition::Enterprise));
        introduce(&mut extensions, &context, Some("gateway-1="));
        assert_eq!(extensions.get::<Caller>(), expected);
        assert_eq!(extensions.get::<RequestId>().unwrap().as_str(), "gateway-1=");
    }
}

#[tokio::test]
async fn headers_make_nobody_a_caller() {
    let mut request = request("GET", "/read", Body::empty());
    request.extensions_mut().insert(ServiceEdition(Edition::Enterprise));
    for (name, value) in caller(CallerKind::Internal, &Permission::ALL, Edition::Enterprise).to_context() {
        request.headers_mut().insert(
            axum::http::HeaderName::try_from(name).unwrap(),
            axum::http::HeaderValue::try_from(value).unwrap(),
        );
    }
    assert_eq!(ask(routes(), request).await.code(), "not_authenticated");
}

#[tokio::test]
async fn bodies_are_taken_or_refused_with_the_place() {
    let json = Some("application/json");
    for (content_type, body, expected, text) in [
        (json, "", "", ""),
        (None, " \r\n", "", ""),
        (Some("text/plain"), "", "", ""),
        (Some("text/plain"), r#"{"lines":[{"count":2}]}"#, "", ""),
        (None, r#"{"lines":[{"count":2,"token":"t"}]}"#, "", ""),
        (json, r#"{"clientId":null}"#, "", ""),
        (json, r#"{"lines":["#, "malformed_json", "line 1, column 10"),
        (json, "{\n  \"lines\": x}", "malformed_json", "line 2, column 12"),
        (json, "{} {}", "malformed_json", "line 1, column 4"),
        (json, "\u{feff}{}", "malformed_json", "line 1, column 1"),
        (None, "a=b", "malformed_json", "line 1"),
        (Some("application/problem+json; charset=utf-8"), "x", "malformed_json", "line 1"),
        (Some("application/x-www-form-urlencoded"), "a=b", "unsupported_media_type", "not declared"),
        (json, "null", "invalid_body", "the body: expected struct Mapping"),
        (json, "[1]", "invalid_body", "expected"),
        (
            json,
            r#"{"lines":[{"count":1},{"count":"s3cret"}]}"#,
            "invalid_body",
            "`lines[1].count`: expected u32",
        ),
        (json, r#"{"lines":[{"count":-5}]}"#, "invalid_body", "`lines[0].count`: expected u32"),
        (
            json,
            r#"{"lines":[{"count":1,"token":{"s3cret":1}}]}"#,
            "invalid_body",
            "`lines[0].token`: expected a string",
        ),
        (json, r#"{"lines":[{}]}"#, "invalid_body", "missing field `count`"),
        (json, r#"{"lines":[],"lines":[]}"#, "invalid_body", "duplicate field `lines`"),
        (json, r#"{"tenant":1}"#, "invalid_body", "unknown field `tenant`, expected `clientId` or `lines`"),
        (json, r#"{"clientId":"7"}"#, "invalid_body", "`clientId`: UUID parsing failed"),
    ] {
        let mut request = request("POST", "/body", body);
        if let Some(content_type) = content_type {
            request.headers_mut().insert("content-type", content_type.parse().unwrap());
        }
        let answer = ask(routes(), request).await;
        assert_eq!(answer.code(), expected, "{body:?}: {}", answer.body);
        let error = answer.body["error"].as_str().unwrap_or_default();
        assert!(error.contains(text), "{body:?}: {error}");
        assert!(!answer.body.to_string().contains("s3cret"), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_body_is_bounded() {
    let padded = |length: usize| format!("{{}}{}", " ".repeat(length - 2));
    let answer = ask(routes(), request("POST", "/body", padded(BODY_LIMIT_BYTES))).await;
    assert_eq!(answer.status, StatusCode::OK);
    let answer = ask(routes(), request("POST", "/body", padded(BODY_LIMIT_BYTES + 1))).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"));
    let nested = "[".repeat(100_000);
    assert_eq!(ask(routes(), request("POST", "/body", nested)).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn parameters_and_ids_are_taken_or_refused() {
    let id = "5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d";
    for (uri, status, code, text) in [
        ("/list".to_owned(), 200, "", ""),
        ("/list?limit=7".to_owned(), 200, "", ""),
        ("/list?limit=seven".to_owned(), 400, "invalid_query", "limit: invalid digit"),
        ("/list?limit=1&limit=1".to_owned(), 400, "invalid_query", "`limit` is given more than once"),
        ("/list?limit=1&%6cimit=2".to_owned(), 400, "invalid_query", "`limit` is given more than once"),
        ("/list?other=1".to_owned(), 400, "invalid_query", "unknown field `other`"),
        (format!("/clients/{id}"), 201, "", ""),
        ("/clients/7".to_owned(), 400, "invalid_id", "`7` is not a client id"),
        ("/clients/%ff".to_owned(), 400, "invalid_id", "not UTF-8"),
    ] {
        let answer = ask(routes(), request("GET", &uri, Body::empty())).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{uri}");
        assert!(answer.body["error"].as_str().unwrap_or_default().contains(text), "{uri}: {}", answer.body);
    }
}

#[tokio::test]
async fn unknown_addresses_and_methods_are_answered_in_the_envelope() {
    let answer = ask(routes(), request("GET", "/nowhere", Body::empty())).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (404, "no_such_route"));
    let answer = ask(routes(), request("DELETE", "/read", Body::empty())).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (405, "method_not_allowed"));
    assert_eq!(answer.headers["allow"], "GET,HEAD");
    let answer = ask(routes(), request("OPTIONS", "/write", Body::empty())).await;
    assert_eq!((answer.status.as_u16(), answer.body), (204, Value::Null));
    assert_eq!(answer.headers["allow"], "POST");
    assert_eq!(
        answer.headers["access-control-allow-headers"],
        "authorization, content-type, x-api-key, x-request-id"
    );
    assert_eq!(answer.headers["access-control-allow-origin"], "*");
    let answer = ask(routes(), request("OPTIONS", "/nowhere", Body::empty())).await;
    assert_eq!(answer.code(), "no_such_route");
    let (parts, body) =
        finish(routes()).oneshot(request("HEAD", "/broken", Body::empty())).await.unwrap().into_parts();
    assert_eq!(parts.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(body.collect().await.unwrap().to_bytes().is_empty());
}

#[tokio::test]
async fn panics_and_causes_stay_inside() {
    let answer = ask(routes(), request("GET", "/panic", Body::empty())).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (500, "internal_fault"));
    assert!(!answer.body.to_string().contains("SESAME"));
    let answer = ask(routes(), request("GET", "/broken", Body::empty())).await;
    assert_eq!(answer.code(), "store_unavailable");
    assert_eq!(answer.body["error"], "The store did not answer.");
    assert!(!answer.body.to_string().contains("10.0.0.7"));
}

#[tokio::test]
async fn every_answer_has_its_id_and_the_security_headers() {
    for (extension, header, expected) in [
        (Some("gw-1="), Some("client-1"), Some("gw-1=")),
        (None, Some("client-1"), Some("client-1")),
        (None, Some("a b\tc"), None),
        (None, None, None),
    ] {
        let mut request = request("GET", "/broken", Body::empty());
        if let Some(id) = extension.and_then(RequestId::new) {
            request.extensions_mut().insert(id);
        }
        if let Some(id) = header {
            request.headers_mut().insert("x-request-id", id.parse().unwrap());
        }
        let answer = ask(routes(), request).await;
        let id = answer.body["requestId"].as_str().unwrap();
        assert_eq!(answer.headers["x-request-id"], id);
        match expected {
            Some(expected) => assert_eq!(id, expected),
            None => assert!(id.ends_with("-1") && id.len() == 10, "{id}"),
        }
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers["referrer-policy"], "no-referrer");
    }
    assert_eq!(RequestId::new("x".repeat(129)), None);
    assert_eq!(RequestId::new(""), None);
}

#[tokio::test]
async fn every_kind_of_failure_carries_its_code_and_remedy() {
    for (error, status) in [
        (ApiError::bad_request("invalid_body", "What.", "Next."), 400),
        (ApiError::forbidden("invalid_body", "What.", "Next."), 403),
        (ApiError::not_found("invalid_body", "What.", "Next."), 404),
        (ApiError::conflict("invalid_body", "What.", "Next."), 409),
        (ApiError::bad_gateway("invalid_body", "What.", "Next."), 502),
        (ApiError::unavailable("invalid_body", "What.", "Next."), 503),
    ] {
        assert_eq!(error.to_string(), "What. (invalid_body)");
        let error = error.with_details(json!({ "tries": 3 }));
        let handler = async move || -> Result<Reply<()>, ApiError> { Err(error) };
        let answer = ask(Router::new().route("/", get(handler)), request("GET", "/", Body::empty())).await;
        assert_eq!(answer.status.as_u16(), status);
        let mut body = answer.body;
        body.as_object_mut().unwrap().remove("requestId").unwrap();
        assert_eq!(
            body,
            json!({
                "success": false, "error": "What.", "code": "invalid_body", "remedy": "Next.", "details": { "tries": 3 }
            })
        );
    }
}
