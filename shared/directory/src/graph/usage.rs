//! What reading costs.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::protocol::Answer;

/// Totals since the directory was made.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Usage {
    /// Requests to Graph.
    pub requests: u64,
    /// Requests to the login service.
    pub token_requests: u64,
    /// Bytes of answers, decompressed.
    pub bytes: u64,
    /// Answers that asked to slow down (429).
    pub throttled: u64,
    /// Waits before another attempt.
    pub retries: u64,
    /// Sum of `x-ms-resource-unit`, where it was told.
    pub resource_units: u64,
    /// Highest `x-ms-throttle-limit-percentage` seen, as a percentage of the limit; 0 when the
    /// header was never sent, which is usual below 80.
    pub limit_percentage_max: u64,
}

/// The running totals.
#[derive(Debug, Default)]
pub(super) struct Counters {
    requests: AtomicU64,
    token_requests: AtomicU64,
    bytes: AtomicU64,
    throttled: AtomicU64,
    retries: AtomicU64,
    resource_units: AtomicU64,
    limit_percentage_max: AtomicU64,
}

impl Counters {
    pub(super) fn read(&self) -> Usage {
        Usage {
            requests: self.requests.load(Relaxed),
            token_requests: self.token_requests.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            throttled: self.throttled.load(Relaxed),
            retries: self.retries.load(Relaxed),
            resource_units: self.resource_units.load(Relaxed),
            limit_percentage_max: self.limit_percentage_max.load(Relaxed),
        }
    }

    pub(super) fn requested(&self) {
        self.requests.fetch_add(1, Relaxed);
    }

    pub(super) fn token_requested(&self) {
        self.token_requests.fetch_add(1, Relaxed);
    }

    pub(super) fn retried(&self) {
        self.retries.fetch_add(1, Relaxed);
    }

    pub(super) fn answered(&self, answer: &Answer) {
        self.bytes.fetch_add(answer.bytes().len() as u64, Relaxed);
        self.throttled.fetch_add(u64::from(answer.status == 429), Relaxed);
        let units = answer.header("x-ms-resource-unit").and_then(|text| text.trim().parse().ok());
        self.resource_units.fetch_add(units.unwrap_or(0), Relaxed);
        let percentage = answer.header("x-ms-throttle-limit-percentage").and_then(percentage);
        self.limit_percentage_max.fetch_max(percentage.unwrap_or(0), Relaxed);
    }
}

/// The header counts 1.0 as all of the limit.
fn percentage(text: &str) -> Option<u64> {
    let share: f64 = text.trim().parse().ok()?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
    (0.0..=10.0).contains(&share).then(|| (share * 100.0).round() as u64)
}
