//! When to try again (learn.microsoft.com/graph/throttling): what the service says, exactly;
//! else exponential backoff with full jitter.

use jiff::{SignedDuration, Timestamp};
use reqwest::header::HeaderMap;

/// Upper bound of the first backoff.
const BACKOFF_FIRST: SignedDuration = SignedDuration::from_secs(2);

/// Upper bound of every backoff.
const BACKOFF_MAX: SignedDuration = SignedDuration::from_secs(60);

/// Longest wait a service is believed to mean.
const RETRY_AFTER_MAX: SignedDuration = SignedDuration::from_hours(24);

/// How long a request is tried for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RetryPolicy {
    /// Attempts at one request, the first included.
    pub attempts_max: u32,
    /// Longest single wait in this process; told to wait longer, the caller is told instead.
    pub wait_max: SignedDuration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts_max: 5, wait_max: SignedDuration::from_secs(20) }
    }
}

/// Attempts at one request.
#[derive(Clone, Debug)]
pub struct Retry {
    policy: RetryPolicy,
    failed: u32,
    random: u64,
}

/// Whether to try again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Decision {
    /// Not here; after this long somebody else may.
    GiveUp(SignedDuration),
    /// After this long.
    Wait(SignedDuration),
}

impl Retry {
    /// No attempt has been made; `seed` varies the backoff.
    pub const fn new(policy: RetryPolicy, seed: u64) -> Self {
        Self { policy, failed: 0, random: seed }
    }

    /// The same policy for another request.
    #[must_use]
    pub const fn renewed(&self) -> Self {
        Self { policy: self.policy, failed: 0, random: self.random }
    }

    /// An attempt failed; `told` is the wait the service asked for.
    pub fn failed(&mut self, told: Option<SignedDuration>) -> Decision {
        self.failed += 1;
        let delay = told.unwrap_or_else(|| self.backoff());
        let too_long = told.is_some_and(|told| told > self.policy.wait_max);
        if too_long || self.failed >= self.policy.attempts_max {
            return Decision::GiveUp(delay);
        }
        Decision::Wait(delay.min(self.policy.wait_max))
    }

    /// Uniform in 0..=min(60 s, 2 s · 2ⁿ), n failures before this one.
    fn backoff(&mut self) -> SignedDuration {
        let doublings = self.failed.saturating_sub(1).min(10);
        let bound = (BACKOFF_FIRST * (1 << doublings)).min(BACKOFF_MAX);
        let milliseconds = u64::try_from(bound.as_millis()).unwrap_or_default();
        let chosen = self.next_random() % (milliseconds + 1);
        SignedDuration::from_millis(i64::try_from(chosen).unwrap_or_default())
    }

    /// SplitMix64.
    fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// The wait that `Retry-After` asks for: seconds, possibly with a fraction (Graph sends
/// `2.128`), rounded up to milliseconds, or an HTTP date (RFC 9110 §10.2.3). `None` when it is
/// missing or means nothing.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<SignedDuration> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    let wait = match text.parse::<f64>() {
        Ok(seconds) if seconds >= 0.0 => from_seconds(seconds),
        Ok(_) => return None,
        Err(_) => until(text, now)?,
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

fn from_seconds(seconds: f64) -> SignedDuration {
    let bounded = seconds.min(RETRY_AFTER_MAX.as_secs_f64());
    #[expect(clippy::cast_possible_truncation, reason = "at most a day in milliseconds")]
    let milliseconds = (bounded * 1000.0).ceil() as i64;
    SignedDuration::from_millis(milliseconds)
}

fn until(date: &str, now: Timestamp) -> Option<SignedDuration> {
    let date = httpdate::parse_http_date(date).ok()?;
    // Dates of HTTP begin in 1970: one that is out of range lies in the far future.
    let date = Timestamp::try_from(date).unwrap_or(Timestamp::MAX);
    Some(date.duration_since(now).max(SignedDuration::ZERO))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn retry_after_table() {
        let now: Timestamp = "2026-03-02T08:00:00Z".parse().unwrap();
        for (text, milliseconds) in [
            ("0", Some(0)),
            ("7", Some(7_000)),
            (" 11 ", Some(11_000)),
            ("2.128", Some(2_128)),
            ("0.0001", Some(1)),
            ("1e3", Some(1_000_000)),
            ("99999999999999999999", Some(86_400_000)),
            ("inf", Some(86_400_000)),
            ("Mon, 02 Mar 2026 08:00:30 GMT", Some(30_000)),
            ("Monday, 02-Mar-26 08:01:00 GMT", Some(60_000)),
            ("Mon, 02 Mar 2026 07:00:00 GMT", Some(0)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(86_400_000)),
            ("-3", None),
            ("NaN", None),
            ("soon", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", HeaderValue::from_static(text));
            let expected = milliseconds.map(SignedDuration::from_millis);
            assert_eq!(retry_after(&headers, now), expected, "{text:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn what_was_told_is_waited_exactly_or_not_at_all() {
        let policy = RetryPolicy { attempts_max: 3, wait_max: SignedDuration::from_secs(10) };
        let mut retry = Retry::new(policy, 1);
        let exact = SignedDuration::from_millis(2_128);
        assert_eq!(retry.failed(Some(exact)), Decision::Wait(exact));
        let long = SignedDuration::from_secs(11);
        assert_eq!(retry.failed(Some(long)), Decision::GiveUp(long));
    }

    proptest! {
        #[test]
        fn attempts_are_few_and_backoff_is_bounded(seed: u64, attempts_max in 1_u32..12) {
            let policy = RetryPolicy { attempts_max, wait_max: SignedDuration::from_secs(60) };
            let mut retry = Retry::new(policy, seed);
            for failure in 1..=attempts_max {
                let bound = SignedDuration::from_secs((2_i64 << (failure - 1).min(10)).min(60));
                match retry.failed(None) {
                    Decision::Wait(wait) => {
                        prop_assert!(failure < attempts_max && wait <= bound && !wait.is_negative());
                    }
                    Decision::GiveUp(wait) => prop_assert!(failure == attempts_max && wait <= bound),
                }
            }
        }
    }
}
