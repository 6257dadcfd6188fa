//! A rest for all tenants at once.

use std::sync::{Mutex, PoisonError};

use ambient::Clock;
use jiff::{SignedDuration, Timestamp};

use crate::error::{Code, ReadError};

/// Until when no request is sent.
#[derive(Debug, Default)]
pub(super) struct Pause {
    until: Mutex<Option<Timestamp>>,
}

impl Pause {
    /// Sends nothing before `until`.
    pub(super) fn rest_until(&self, until: Timestamp) {
        let mut rest = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        *rest = rest.map_or(Some(until), |earlier| Some(earlier.max(until)));
    }

    /// Returns when a request may be sent; fails at once when that is more than `wait_max` away.
    pub(super) async fn pass(&self, clock: &dyn Clock, wait_max: SignedDuration) -> Result<(), ReadError> {
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(until) = until else { return Ok(()) };
        let left = until.duration_since(clock.now());
        if left > wait_max {
            return Err(ReadError::new(Code::Throttled).with_retry_after(left));
        }
        clock.sleep(left).await;
        Ok(())
    }
}
