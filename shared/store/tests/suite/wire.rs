//! A client whose calls can be interleaved and interrupted on purpose.
//!
//! The embedded engine answers without ever waiting, so tasks that only wait for it would run one
//! after another. Here every call gives way to other tasks a few times before and after it is
//! carried out: how often is drawn from a seed, so that a failure happens again.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use ambient::{Entropy, SeededEntropy};
use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents, SharedHttpClient};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::HttpRequest,
};
use futures::future::BoxFuture;

/// A handle on the calls of one client.
#[derive(Clone, Default)]
pub(crate) struct Wire {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    shuffle: Option<SeededEntropy>,
    before_put: Option<BoxFuture<'static, ()>>,
    before_transaction: Option<BoxFuture<'static, ()>>,
    /// After how many more `UpdateItem`s, and what.
    before_update: Option<(u8, BoxFuture<'static, ()>)>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl Wire {
    /// `client` with the wire in front of it.
    pub(crate) fn around(client: SharedHttpClient) -> (Self, SharedHttpClient) {
        let wire = Self::default();
        let wired = Wired { inner: client, wire: wire.clone() };
        (wire, SharedHttpClient::new(wired))
    }

    /// Interleaves calls from now on, in an order that depends on `seed`.
    pub(crate) fn shuffle(&self, seed: u64) {
        self.state.lock().unwrap().shuffle = Some(SeededEntropy::new(seed));
    }

    /// Does `work` when the next `PutItem` is on its way, before it is carried out.
    pub(crate) fn before_put(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.state.lock().unwrap().before_put = Some(Box::pin(work));
    }

    /// Does `work` when the next `TransactWriteItems` is on its way, before it is carried out.
    pub(crate) fn before_transaction(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.state.lock().unwrap().before_transaction = Some(Box::pin(work));
    }

    /// Does `work` when the second `UpdateItem` from now is on its way, before it is carried out.
    pub(crate) fn before_second_update(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.state.lock().unwrap().before_update = Some((1, Box::pin(work)));
    }

    /// How often to give way before and after a call.
    fn pauses(&self) -> (u8, u8) {
        let mut drawn = [0; 2];
        if let Some(entropy) = &self.state.lock().unwrap().shuffle {
            entropy.fill(&mut drawn);
        }
        (drawn[0] % 4, drawn[1] % 4)
    }

    fn interruption(&self, request: &HttpRequest) -> Option<BoxFuture<'static, ()>> {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let mut state = self.state.lock().unwrap();
        if target.ends_with(".PutItem") {
            return state.before_put.take();
        }
        if target.ends_with(".TransactWriteItems") {
            return state.before_transaction.take();
        }
        if !target.ends_with(".UpdateItem") {
            return None;
        }
        match state.before_update.take()? {
            (0, work) => Some(work),
            (left, work) => {
                state.before_update = Some((left - 1, work));
                None
            }
        }
    }
}

#[derive(Debug)]
struct Wired {
    inner: SharedHttpClient,
    wire: Wire,
}

impl HttpClient for Wired {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(WiredConnector { inner, wire: self.wire.clone() })
    }
}

#[derive(Debug)]
struct WiredConnector {
    inner: SharedHttpConnector,
    wire: Wire,
}

impl HttpConnector for WiredConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (inner, (before, after)) = (self.inner.clone(), self.wire.pauses());
        let interruption = self.wire.interruption(&request);
        HttpConnectorFuture::new(async move {
            give_way(before).await;
            if let Some(interruption) = interruption {
                interruption.await;
            }
            let answer = inner.call(request).await;
            give_way(after).await;
            answer
        })
    }
}

async fn give_way(times: u8) {
    for _ in 0..times {
        tokio::task::yield_now().await;
    }
}
