//! What is asked of Microsoft while somebody waits for the answer.
//!
//! The gateway waits for 29 seconds, and a function that is ended from outside neither answers with a code nor notes
//! what it found. So whoever waits is told that the peer is slow, and is not kept waiting for its patience.

use std::time::Duration;

use directory::{Code, GraphSettings, ReadError, protocol::retry::RetryPolicy};
use jiff::SignedDuration;

use crate::Connect;

/// How long a code may take to become tokens whose signature is checked: three requests, repeated once.
pub(crate) const EXCHANGE_LIMIT: Duration = Duration::from_secs(9);

/// How long it may take to list the partner's customers.
pub(crate) const LISTING_LIMIT: Duration = Duration::from_secs(9);

/// What `work` comes to within `limit`; `silent` says who has not answered.
pub(crate) async fn within<T, E: From<ReadError>>(
    limit: Duration,
    silent: Code,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(ReadError::from(silent).into()))
}

impl Connect {
    /// The way to Microsoft with somebody waiting: what fails is tried once more, and soon.
    pub(crate) fn graph_awaited(&self) -> GraphSettings {
        let retry = RetryPolicy { attempts_max: 2, wait_max: SignedDuration::from_secs(2) };
        GraphSettings { retry, ..self.graph.clone() }
    }
}
