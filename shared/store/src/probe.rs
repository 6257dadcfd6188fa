//! Counting and breaking what passes between the SDK and the table.
//!
//! The probe stands at the SDK's HTTP seam, so it sees every engine the same way: AWS, an
//! emulator, the embedded one.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
        SharedHttpConnector,
    },
    orchestrator::HttpRequest,
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};

/// What passed so far.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Calls by DynamoDB operation.
    pub calls: BTreeMap<String, u64>,
    /// Bytes of request bodies.
    pub bytes_sent: u64,
    /// Calls that can change the table.
    pub writes: u64,
}

impl Counts {
    /// All calls.
    pub fn total(&self) -> u64 {
        self.calls.values().sum()
    }
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// It is not carried out, and the caller learns that there was no connection.
    Before,
    /// It is carried out, and the caller learns that there was no connection.
    After,
    /// It is carried out twice, and the caller learns the second answer.
    Twice,
}

/// One call, as a fault script sees it.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The DynamoDB operation.
    pub operation: &'a str,
    /// Number of the call, from 1.
    pub number: u64,
    /// Number of the write, from 1; `None` for calls that only read.
    pub write: Option<u64>,
}

type Script = Box<dyn FnMut(Call<'_>) -> Option<Fault> + Send>;

/// A handle on a probed client.
#[derive(Clone, Default)]
pub struct Probe {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    counts: Counts,
    script: Option<Script>,
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Probe")
    }
}

impl Probe {
    /// A probe, and `client` with the probe in front of it.
    pub fn around(client: impl HttpClient + 'static) -> (Self, SharedHttpClient) {
        let probe = Self::default();
        let probed = Probed { inner: SharedHttpClient::new(client), probe: probe.clone() };
        (probe, SharedHttpClient::new(probed))
    }

    /// What passed since the last [`Self::reset`].
    pub fn counts(&self) -> Counts {
        self.lock().counts.clone()
    }

    /// Sets the counts to nothing.
    pub fn reset(&self) {
        self.lock().counts = Counts::default();
    }

    /// Lets `script` decide about every call from now on. It must not use the store.
    pub fn script(&self, script: impl FnMut(Call<'_>) -> Option<Fault> + Send + 'static) {
        self.lock().script = Some(Box::new(script));
    }

    /// Lets everything pass again.
    pub fn clear(&self) {
        self.lock().script = None;
    }

    fn note(&self, operation: &str, bytes: usize) -> Option<Fault> {
        let mut state = self.lock();
        *state.counts.calls.entry(operation.to_owned()).or_default() += 1;
        state.counts.bytes_sent += bytes as u64;
        let writes = matches!(operation, "PutItem" | "UpdateItem" | "TransactWriteItems" | "BatchWriteItem");
        state.counts.writes += u64::from(writes);
        let call =
            Call { operation, number: state.counts.total(), write: writes.then_some(state.counts.writes) };
        state.script.as_mut().and_then(|script| script(call))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct Probed {
    inner: SharedHttpClient,
    probe: Probe,
}

impl HttpClient for Probed {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(ProbedConnector { inner, probe: self.probe.clone() })
    }
}

#[derive(Debug)]
struct ProbedConnector {
    inner: SharedHttpConnector,
    probe: Probe,
}

impl HttpConnector for ProbedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit_once('.').map_or("", |(_, operation)| operation).to_owned();
        let bytes = request.body().bytes().map_or(0, <[u8]>::len);
        let lost = || ConnectorError::io("the probe cut the connection".into());
        match self.probe.note(&operation, bytes) {
            None => self.inner.call(request),
            Some(Fault::Before) => HttpConnectorFuture::ready(Err(lost())),
            Some(Fault::After) => {
                let answer = self.inner.call(request);
                HttpConnectorFuture::new(async move {
                    let _: Result<_, _> = answer.await;
                    Err(lost())
                })
            }
            Some(Fault::Twice) => {
                let again = request.try_clone();
                let first = self.inner.call(request);
                let inner = self.inner.clone();
                HttpConnectorFuture::new(async move {
                    let answer = first.await;
                    match again {
                        Some(again) => inner.call(again).await,
                        None => answer,
                    }
                })
            }
        }
    }
}
