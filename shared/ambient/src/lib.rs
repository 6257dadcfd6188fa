//! Time and randomness as arguments.
//!
//! Nothing else in the workspace asks the operating system for the time, waits, or draws a
//! random number: `clippy.toml` refuses it. A caller that is handed a [`VirtualClock`] and a
//! [`SeededEntropy`] therefore runs the same way twice.
//!
//! This crate does not schedule, retry or measure; it only answers "what time is it", "wait" and
//! "give me bytes nobody can guess".

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// The current time, and waiting for a later one.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The current time in UTC.
    fn now(&self) -> Timestamp;

    /// Returns after `duration` has passed on this clock; at once when it is not positive.
    async fn sleep(&self, duration: SignedDuration);
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's time")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that waits in real time")]
    async fn sleep(&self, duration: SignedDuration) {
        if let Ok(duration) = duration.try_into() {
            tokio::time::sleep(duration).await;
        }
    }
}

/// A clock that only moves when somebody sleeps on it or advances it; for tests and simulation.
#[derive(Clone, Debug)]
pub struct VirtualClock {
    milliseconds: Arc<AtomicI64>,
}

impl VirtualClock {
    /// A clock that shows `start` until it is moved.
    pub fn starting_at(start: Timestamp) -> Self {
        Self { milliseconds: Arc::new(AtomicI64::new(start.as_millisecond())) }
    }

    /// Moves the clock forward (or backward, for clock-jump tests).
    pub fn advance(&self, duration: SignedDuration) {
        let milliseconds = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        self.milliseconds.fetch_add(milliseconds, Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.milliseconds.load(Ordering::SeqCst)).unwrap_or(Timestamp::MAX)
    }

    async fn sleep(&self, duration: SignedDuration) {
        if duration.is_positive() {
            self.advance(duration);
        }
        tokio::task::yield_now().await;
    }
}

/// A source of bytes nobody can guess.
pub trait Entropy: Send + Sync {
    /// Fills `buffer`.
    fn fill(&self, buffer: &mut [u8]);

    /// A random identifier that sorts by `now` (UUID version 7, RFC 9562 §5.7).
    fn time_ordered_id(&self, now: Timestamp) -> Uuid {
        let mut random = [0; 10];
        self.fill(&mut random);
        let milliseconds = u64::try_from(now.as_millisecond()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(milliseconds, &random).into_uuid()
    }
}

/// The operating system's random source.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("the operating system has a random source");
    }
}

/// Reproducible bytes from a seed (SplitMix64); for tests, simulation and the demo's data, never
/// for secrets.
#[derive(Debug)]
pub struct SeededEntropy {
    state: AtomicU64,
}

impl SeededEntropy {
    /// The same seed gives the same bytes in the same order.
    pub fn new(seed: u64) -> Self {
        Self { state: AtomicU64::new(seed) }
    }

    fn next(&self) -> u64 {
        const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.state.fetch_add(GAMMA, Ordering::SeqCst).wrapping_add(GAMMA);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let bytes = self.next().to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_ids_twice_and_another_seed_gives_others() {
        let now = Timestamp::UNIX_EPOCH;
        let id = |seed| SeededEntropy::new(seed).time_ordered_id(now);
        assert_eq!(id(7), id(7));
        assert_ne!(id(7), id(8));
    }

    #[tokio::test]
    async fn a_virtual_clock_moves_by_what_was_slept() {
        let clock = VirtualClock::starting_at(Timestamp::UNIX_EPOCH);
        clock.sleep(SignedDuration::from_secs(90)).await;
        assert_eq!(clock.now().as_second(), 90);
    }
}
