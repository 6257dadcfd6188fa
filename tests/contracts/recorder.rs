//! The fake behind a recorder of what passes to and from its Graph.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::Method,
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use fake_microsoft::Fake;
use serde_json::Value;
use tokio::net::TcpListener;
use url::Url;

/// One request and its answer.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// With `ConsistencyLevel: eventual`.
    pub(crate) eventual: bool,
    pub(crate) status: u16,
    pub(crate) body: Value,
}

#[derive(Clone)]
pub(crate) struct Recorder {
    pub(crate) base: Url,
    exchanges: Arc<Mutex<Vec<Exchange>>>,
}

impl Recorder {
    pub(crate) async fn around(fake: &Fake) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let recorder = Self { base, exchanges: Arc::default() };
        let layer = from_fn_with_state(recorder.clone(), record);
        let router: Router = fake.router().layer(layer);
        tokio::spawn(async move { axum::serve(listener, router).await });
        recorder
    }

    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        self.exchanges.lock().unwrap().clone()
    }
}

async fn record(State(recorder): State<Recorder>, request: Request, next: Next) -> Response {
    let (method, target) = (request.method().clone(), request.uri().to_string());
    let eventual = request.headers().get("consistencylevel").is_some_and(|value| value == "eventual");
    let response = next.run(request).await;
    // What the login service publishes is not in the contract of Graph.
    let is_published = target.contains("/.well-known/") || target.contains("/discovery/");
    if target.contains("/oauth2/") || is_published {
        return response;
    }
    let (head, body) = response.into_parts();
    let bytes = to_bytes(body, 1 << 24).await.unwrap();
    recorder.exchanges.lock().unwrap().push(Exchange {
        method,
        url: recorder.base.join(&target).unwrap(),
        eventual,
        status: head.status.as_u16(),
        body: serde_json::from_slice(&bytes).unwrap(),
    });
    Response::from_parts(head, Body::from(bytes))
}
