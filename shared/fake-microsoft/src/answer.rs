//! Turns replies into HTTP responses: ids, headers, counting, and bodies that break off.

use std::io;

use axum::{
    body::{Body as HttpBody, Bytes},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::Response,
};
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{fake::Inner, faults::Route, graph_error::GraphError};

const JSON: &str = "application/json; charset=utf-8";

/// What is to be sent.
pub(crate) struct Reply {
    status: u16,
    body: Body,
    headers: Vec<(&'static str, String)>,
    cut: Cut,
}

pub(crate) enum Body {
    Json(Value),
    /// JSON that is text already.
    JsonText(String),
    Text(String),
    Html(String),
    /// A refusal of Graph, which gets its ids when it is sent.
    Error(GraphError),
}

/// Where a body ends too early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    Nowhere,
    /// Half of the text, as a complete transfer.
    Text,
    /// Half of the transfer.
    Transfer,
}

impl Reply {
    pub(crate) fn new(status: u16, body: Body) -> Self {
        Self { status, body, headers: Vec::new(), cut: Cut::Nowhere }
    }

    pub(crate) fn error(error: GraphError) -> Self {
        Self::new(error.status, Body::Error(error))
    }

    pub(crate) fn redirect(location: &str) -> Self {
        Self::new(302, Body::Text(String::new())).with("location", Some(location))
    }

    pub(crate) fn with(mut self, name: &'static str, value: Option<&str>) -> Self {
        self.headers.extend(value.map(|value| (name, value.to_owned())));
        self
    }

    pub(crate) fn cut(self, cut: Cut) -> Self {
        Self { cut, ..self }
    }
}

/// The address the caller used, without a path: what links and issuers begin with.
pub(crate) fn base(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
    format!("http://{host}")
}

/// A request that has no body, as text.
pub(crate) fn sent(method: &Method, uri: &Uri, headers: &HeaderMap) -> String {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    format!("{method} {uri} authorization: {}", bearer.unwrap_or_default())
}

/// An answer that repeats `sent` wherever somebody could read it: in the errors of Graph, of the login
/// host and of CIPP, and in headers.
pub(crate) fn echo(status: u16, sent: &str) -> Reply {
    let body = json!({
        "error": sent,
        "error_description": sent,
        "error_codes": [sent],
        "suberror": sent,
        "trace_id": sent,
        "correlation_id": sent,
        "Results": sent,
        "Message": sent,
        "value": [{ "id": sent, "displayName": sent }],
        "@odata.nextLink": sent,
    });
    Reply::new(status, Body::Json(body))
        .with("location", Some(sent))
        .with("retry-after", Some(sent))
        .with("www-authenticate", Some(sent))
        .with("x-ms-throttle-scope", Some(sent))
}

/// The same in the form of Graph's errors.
pub(crate) fn echo_of_graph(status: u16, sent: &str) -> Reply {
    Reply::error(GraphError::new(status, sent, sent)).with("location", Some(sent))
}

/// A response of Graph with its request ids.
pub(crate) fn graph(inner: &Inner, route: Route, request: &HeaderMap, reply: Reply) -> Response {
    let now = inner.clock.now();
    let request_id = inner.entropy_id().to_string();
    let sent = request.get("client-request-id").and_then(|id| id.to_str().ok());
    let client_request_id = match sent {
        Some(id) if Uuid::try_parse(id).is_ok() => id.to_owned(),
        _ => request_id.clone(),
    };
    let (status, challenge) = (reply.status, reply.status == 401);
    let body = match reply.body {
        Body::Error(error) => {
            let date = now.strftime("%Y-%m-%dT%H:%M:%S").to_string();
            Body::Json(error.body(&date, &request_id, &client_request_id))
        }
        body => body,
    };
    let authorization_uri = format!("{}/common/oauth2/authorize", base(request));
    let challenge = challenge.then(|| {
        format!(
            "Bearer realm=\"\", authorization_uri=\"{authorization_uri}\", \
             client_id=\"00000003-0000-0000-c000-000000000000\""
        )
    });
    let reply = Reply { status, body, ..reply }
        .with("request-id", Some(&request_id))
        .with("client-request-id", Some(&client_request_id))
        .with("odata-version", Some("4.0"))
        .with("www-authenticate", challenge.as_deref());
    send(inner, route, reply)
}

/// A response of the login host, never to be stored by anybody.
pub(crate) fn login(inner: &Inner, route: Route, reply: Reply) -> Response {
    let id = inner.entropy_id().to_string();
    // By the fake's own clock, as everything it says.
    let date = inner.clock.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let reply = reply
        .with("date", Some(&date))
        .with("cache-control", Some("no-store, no-cache"))
        .with("pragma", Some("no-cache"))
        .with("x-ms-request-id", Some(&id));
    send(inner, route, reply)
}

/// A response of another product.
pub(crate) fn plain(inner: &Inner, route: Route, reply: Reply) -> Response {
    send(inner, route, reply)
}

fn send(inner: &Inner, route: Route, reply: Reply) -> Response {
    let (content_type, mut text) = match reply.body {
        Body::Json(value) => (JSON, value.to_string()),
        Body::JsonText(text) => (JSON, text),
        Body::Text(text) => ("text/plain; charset=utf-8", text),
        Body::Html(text) => ("text/html; charset=utf-8", text),
        Body::Error(_) => ("text/plain; charset=utf-8", String::new()),
    };
    if reply.cut != Cut::Nowhere {
        let half = (0..=text.len() / 2).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        text.truncate(half);
    }
    inner.counter.add(route, text.len());
    let body = if reply.cut == Cut::Transfer { broken_off(text) } else { HttpBody::from(text) };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    response
}

/// A body that is sent as far as it goes; then the connection is dropped.
fn broken_off(text: String) -> HttpBody {
    let sent = stream::once(async { Ok(Bytes::from(text)) });
    let dropped = stream::once(async {
        // The server sends what it has only while the body makes it wait.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    HttpBody::from_stream(sent.chain(dropped))
}
