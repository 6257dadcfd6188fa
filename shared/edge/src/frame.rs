//! What every answer has in common, whatever route it comes from.

use std::{
    collections::BTreeMap,
    error::Error,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
};

use ambient::{Entropy, SystemEntropy};
use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, Request, State},
    http::{
        Extensions, HeaderName, HeaderValue, Method, StatusCode,
        header::{
            ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
            CACHE_CONTROL, CONTENT_LENGTH, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
        },
    },
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use tracing::Instrument;

use crate::{ApiError, BODY_LIMIT_BYTES, Caller};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST_REQUEST_ID: usize = 128;

/// What one request is called in answers and logs: at most 128 letters, digits, `-`, `_`, `.`, `=`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RequestId(String);

impl RequestId {
    /// `text` as a request id, if it can be one. A host inserts the gateway's id as an extension;
    /// otherwise the header `x-request-id` is taken, otherwise an id is made.
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        let fits = !text.is_empty() && text.len() <= LONGEST_REQUEST_ID;
        let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.=".contains(&byte));
        (fits && is_plain).then_some(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Puts what an API Gateway found out into a request's extensions, before the router sees it: the
/// [`Caller`] its authorizer described in `context`, and the gateway's id of the request.
///
/// Whatever was there before goes: only the gateway introduces a caller. An empty context is a
/// request nobody signed (a route without authorizer).
pub fn introduce(extensions: &mut Extensions, context: &BTreeMap<String, String>, request_id: Option<&str>) {
    extensions.remove::<Caller>();
    match Caller::from_context(context) {
        Ok(caller) => {
            extensions.insert(caller);
        }
        Err(_) if context.is_empty() => {}
        Err(defect) => tracing::error!(%defect, "the gateway's authorizer does not fit this service"),
    }
    if let Some(id) = request_id.and_then(RequestId::new) {
        extensions.insert(id);
    }
}

/// Makes a router fit to be served: request ids, the failure envelope for unknown routes, wrong
/// methods and panics, `OPTIONS`, the body limit and the security headers.
///
/// Called once by a host, after the routers of all functions were merged: two routers with
/// fallbacks cannot be merged.
pub fn finish(router: Router) -> Router {
    router
        .fallback(no_such_route)
        .method_not_allowed_fallback(other_method)
        .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES))
        .layer(from_fn_with_state(Arc::new(RequestNumbers::new(&SystemEntropy)), frame))
}

/// Ids for requests that bring none: unique within the process and, by the prefix, between processes.
struct RequestNumbers {
    prefix: u32,
    next: AtomicU64,
}

impl RequestNumbers {
    fn new(entropy: &dyn Entropy) -> Self {
        let mut prefix = [0; 4];
        entropy.fill(&mut prefix);
        Self { prefix: u32::from_le_bytes(prefix), next: AtomicU64::new(1) }
    }

    fn id_of(&self, request: &Request) -> RequestId {
        if let Some(id) = request.extensions().get() {
            return RequestId::clone(id);
        }
        let header = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
        header.and_then(RequestId::new).unwrap_or_else(|| {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            RequestId(format!("{:08x}-{number}", self.prefix))
        })
    }
}

async fn frame(State(numbers): State<Arc<RequestNumbers>>, mut request: Request, next: Next) -> Response {
    let id = numbers.id_of(&request);
    let method = request.method().clone();
    // The path without its query, which may hold an authorization code.
    let span = tracing::info_span!("request", id = id.as_str(), %method, path = request.uri().path());
    request.extensions_mut().insert(id.clone());
    async {
        let answer = caught(next.run(request)).await;
        let response = answer.unwrap_or_else(|Panicked| {
            tracing::error!("a handler panicked");
            ApiError::internal_fault().into_response()
        });
        dressed(response, &method, &id)
    }
    .instrument(span)
    .await
}

struct Panicked;

async fn caught(answer: impl Future<Output = Response>) -> Result<Response, Panicked> {
    let mut answer = pin!(answer);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(context))) {
        Ok(progress) => progress.map(Ok),
        Err(_) => Poll::Ready(Err(Panicked)),
    })
    .await
}

fn dressed(mut response: Response, method: &Method, id: &RequestId) -> Response {
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        log(&error);
        if method != Method::HEAD
            && let Ok(body) = serde_json::to_vec(&error.envelope(Some(id)))
        {
            response.headers_mut().remove(CONTENT_LENGTH);
            *response.body_mut() = Body::from(body);
        }
    }
    let headers = response.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

/// Logs a failure once, at the boundary: the service's own with their causes, the caller's briefly.
fn log(error: &ApiError) {
    let status = error.status.as_u16();
    if !error.status.is_server_error() {
        tracing::debug!(status, code = error.code, "refused");
        return;
    }
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    tracing::error!(status, code = error.code, causes = causes.join(": "), "failed");
}

async fn no_such_route() -> ApiError {
    ApiError::not_found(
        "no_such_route",
        "This service has no such address; nothing was read or changed.",
        "Compare the address with the OpenAPI document of this service.",
    )
}

async fn other_method(method: Method) -> Response {
    if method == Method::OPTIONS {
        // As the PSA answers it; the router adds `Allow`. Any origin may be named: a caller is
        // known by a bearer token, which no browser adds on its own.
        let permissive = [
            (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
            (ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST, PUT, PATCH, DELETE"),
            (ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, x-api-key, x-request-id"),
        ];
        return (StatusCode::NO_CONTENT, permissive).into_response();
    }
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This address does not take that method; nothing was read or changed.",
        "Use one of the methods in the `Allow` header of this answer.",
    )
    .into_response()
}
