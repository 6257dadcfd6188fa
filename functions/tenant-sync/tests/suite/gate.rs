//! A client of the table that stops at one write until somebody lets it go on.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents, SharedHttpClient};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::HttpRequest,
};
use embedded::Engine;
use tokio::sync::Notify;

/// Where it stops.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stop {
    /// Behind the write that stores a plan page, before its answer is there.
    AfterPage,
    /// In front of write number so many.
    Before(u64),
    /// In front of each so-manieth write.
    Every(u64),
}

/// The gate at one write.
#[derive(Clone)]
pub(crate) struct Gate {
    state: Arc<State>,
}

struct State {
    engine: Engine,
    stop: Stop,
    writes: AtomicU64,
    arrived: Notify,
    opened: Notify,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gate")
    }
}

impl Gate {
    /// A gate, and a client of `engine` that has to pass it.
    pub(crate) fn at(stop: Stop, engine: &Engine) -> (Self, SharedHttpClient) {
        let writes = AtomicU64::new(0);
        let engine = engine.clone();
        let state = State { engine, stop, writes, arrived: Notify::new(), opened: Notify::new() };
        let gate = Self { state: Arc::new(state) };
        (gate.clone(), SharedHttpClient::new(gate))
    }

    /// Returns when a write stands at the gate.
    pub(crate) async fn arrived(&self) {
        self.state.arrived.notified().await;
    }

    /// Lets the write go on.
    pub(crate) fn open(&self) {
        self.state.opened.notify_one();
    }
}

impl State {
    async fn wait(&self) {
        self.arrived.notify_one();
        self.opened.notified().await;
    }
}

impl HttpClient for Gate {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Gate {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let writes =
            ["PutItem", "UpdateItem", "TransactWriteItems"].iter().any(|name| target.ends_with(name));
        let number = self.state.writes.fetch_add(u64::from(writes), Ordering::SeqCst) + 1;
        let stores_page = target.ends_with("TransactWriteItems") && body(&request).contains("\"PAGE#");
        let state = Arc::clone(&self.state);
        HttpConnectorFuture::new(async move {
            let stands = match state.stop {
                Stop::AfterPage => false,
                Stop::Before(write) => number == write,
                Stop::Every(writes) => number.is_multiple_of(writes),
            };
            if writes && stands {
                state.wait().await;
            }
            let answer = state.engine.call(request).await;
            if stores_page && matches!(state.stop, Stop::AfterPage) {
                state.wait().await;
            }
            answer
        })
    }
}

fn body(request: &HttpRequest) -> &str {
    request.body().bytes().and_then(|body| std::str::from_utf8(body).ok()).unwrap_or_default()
}
