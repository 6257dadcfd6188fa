//! How much was asked, by route.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use crate::faults::Route;

/// The requests of one route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RouteCount {
    /// Requests answered, refusals and faults included.
    pub requests: u64,
    /// Bytes of the bodies sent.
    pub bytes: u64,
}

/// Every request since the start or the last reset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestCounts {
    /// The routes that were asked at least once.
    pub routes: BTreeMap<Route, RouteCount>,
}

impl RequestCounts {
    /// The count of one route.
    pub fn of(&self, route: Route) -> RouteCount {
        self.routes.get(&route).copied().unwrap_or_default()
    }

    /// The requests of all routes.
    pub fn total(&self) -> u64 {
        self.routes.values().map(|count| count.requests).sum()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counter {
    counts: Mutex<RequestCounts>,
}

impl Counter {
    pub(crate) fn add(&self, route: Route, bytes: usize) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.routes.entry(route).or_default();
        count.requests += 1;
        count.bytes += bytes as u64;
    }

    pub(crate) fn read(&self) -> RequestCounts {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn reset(&self) {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).routes.clear();
    }
}
