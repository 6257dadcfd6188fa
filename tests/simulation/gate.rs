//! A client of the table that stops in front of one write until somebody lets it go on.

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
use tokio::sync::Notify;

use crate::ledger::{Ledger, writes};

/// The gate in front of one write.
#[derive(Clone)]
pub(crate) struct Gate {
    state: Arc<State>,
}

struct State {
    engine: Ledger,
    /// The number of the write it stops.
    write: u64,
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
    /// A gate in front of write number `write`, and a client of `engine` that has to pass it.
    pub(crate) fn before(write: u64, engine: &Ledger) -> (Self, SharedHttpClient) {
        let (writes, engine) = (AtomicU64::new(0), engine.clone());
        let state = State { engine, write, writes, arrived: Notify::new(), opened: Notify::new() };
        let gate = Self { state: Arc::new(state) };
        (gate.clone(), SharedHttpClient::new(gate))
    }

    /// Returns when the write stands at the gate.
    pub(crate) async fn arrived(&self) {
        self.state.arrived.notified().await;
    }

    /// Lets the write go on.
    pub(crate) fn open(&self) {
        self.state.opened.notify_one();
    }
}

impl HttpClient for Gate {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Gate {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let writes = writes(&request);
        let number = self.state.writes.fetch_add(u64::from(writes), Ordering::SeqCst) + 1;
        let state = Arc::clone(&self.state);
        HttpConnectorFuture::new(async move {
            if writes && number == state.write {
                state.arrived.notify_one();
                state.opened.notified().await;
            }
            state.engine.call(request).await
        })
    }
}
