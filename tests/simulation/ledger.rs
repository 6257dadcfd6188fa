//! The engine, with a note of what is written to it: whoever looks after every step at everything would
//! spend most of the time reading again what nobody has touched.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::HttpRequest,
};
use embedded::Engine;

/// An engine that knows which partitions were written to.
#[derive(Clone)]
pub(crate) struct Ledger {
    engine: Engine,
    touched: Arc<Mutex<BTreeSet<String>>>,
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ledger")
    }
}

impl Ledger {
    pub(crate) fn in_memory() -> Self {
        Self { engine: Engine::in_memory().unwrap(), touched: Arc::default() }
    }

    /// Keys of the partitions that were written to since the last time this was asked.
    pub(crate) fn touched(&self) -> BTreeSet<String> {
        std::mem::take(&mut *self.touched.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether a request may write.
pub(crate) fn writes(request: &HttpRequest) -> bool {
    let target = request.headers().get("x-amz-target").unwrap_or_default();
    ["PutItem", "UpdateItem", "TransactWriteItems"].iter().any(|name| target.ends_with(name))
}

impl HttpClient for Ledger {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Ledger {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if let Some(body) = request.body().bytes().filter(|_| writes(&request)) {
            let mut touched = self.touched.lock().unwrap_or_else(PoisonError::into_inner);
            touched.extend(partitions(&String::from_utf8_lossy(body)));
        }
        self.engine.call(request)
    }
}

/// The partition keys of the items that a request names.
fn partitions(body: &str) -> impl Iterator<Item = String> {
    let keys = body.split(r#""pk":{"S":""#).skip(1);
    keys.filter_map(|rest| rest.split_once('"').map(|(key, _)| key.to_owned()))
}
