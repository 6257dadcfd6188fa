//! Which errors are tried again and when, and which are caught.

use ambient::Entropy;
use jiff::SignedDuration;
use serde::Deserialize;

use super::{failure, path::ResultPath};

/// One entry of `Retry`, with the language's defaults.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Retrier {
    pub(super) error_equals: ErrorNames,
    #[serde(default = "one_second")]
    interval_seconds: u32,
    #[serde(default)]
    backoff_rate: BackoffRate,
    #[serde(default = "three_attempts")]
    pub(super) max_attempts: u32,
    max_delay_seconds: Option<u32>,
    #[serde(default)]
    jitter_strategy: JitterStrategy,
}

impl Retrier {
    /// How long to wait before retry number `retry` (0 for the first), with the jitter drawn.
    pub(super) fn delay(&self, retry: u32, jitter: &dyn Entropy) -> SignedDuration {
        let longest = self.longest_delay(retry);
        match self.jitter_strategy {
            JitterStrategy::None => longest,
            JitterStrategy::Full => fraction(longest, jitter),
        }
    }

    /// The delay before jitter: `interval × rate^retry`, capped.
    pub(super) fn longest_delay(&self, retry: u32) -> SignedDuration {
        let most = f64::from(self.max_delay_seconds.unwrap_or(DELAY_SECONDS_MAX));
        let exponent = i32::try_from(retry).unwrap_or(i32::MAX);
        let seconds = f64::from(self.interval_seconds) * self.backoff_rate.0.powi(exponent);
        SignedDuration::try_from_secs_f64(seconds.min(most)).unwrap_or(SignedDuration::MAX)
    }
}

/// The most `MaxDelaySeconds` may be, a year; also the cap where there is none.
const DELAY_SECONDS_MAX: u32 = 31_622_399;

/// A uniformly drawn part of `longest`, in milliseconds.
fn fraction(longest: SignedDuration, jitter: &dyn Entropy) -> SignedDuration {
    let mut bytes = [0; 8];
    jitter.fill(&mut bytes);
    let choices = longest.as_millis().unsigned_abs() + 1;
    // The bytes are a fraction of 2^64; the product's upper half is below `choices`. A year of
    // milliseconds times 2^64 fits.
    let drawn = (u128::from(u64::from_le_bytes(bytes)) * choices) >> 64;
    SignedDuration::from_millis(i64::try_from(drawn).unwrap_or(i64::MAX))
}

/// One entry of `Catch`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Catcher {
    pub(super) error_equals: ErrorNames,
    pub(super) next: String,
    #[serde(default)]
    pub(super) result_path: ResultPath,
}

/// The names a retrier or a catcher answers to.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub(super) struct ErrorNames(Vec<String>);

impl ErrorNames {
    /// Whether `error` is meant.
    ///
    /// The wildcards know exceptions: `States.ALL` and `States.TaskFailed` never mean the two
    /// terminal errors, and `States.TaskFailed` does not mean a timeout.
    pub(super) fn include(&self, error: &str) -> bool {
        if error == failure::RUNTIME {
            return false;
        }
        let by_wildcard = error != failure::DATA_LIMIT_EXCEEDED;
        self.0.iter().any(|name| match name.as_str() {
            failure::ALL => by_wildcard,
            failure::TASK_FAILED => by_wildcard && error != failure::TIMEOUT,
            name => name == error,
        })
    }

    /// Whether this is `States.ALL`, after which no other entry would be looked at.
    pub(super) fn is_all(&self) -> bool {
        self.0 == [failure::ALL]
    }
}

impl TryFrom<Vec<String>> for ErrorNames {
    type Error = InvalidErrorNames;

    fn try_from(names: Vec<String>) -> Result<Self, InvalidErrorNames> {
        match names.len() {
            0 => Err(InvalidErrorNames::Empty),
            1 => Ok(Self(names)),
            _ if names.iter().any(|name| name == failure::ALL) => Err(InvalidErrorNames::NotAlone),
            _ => Ok(Self(names)),
        }
    }
}

/// Error names the language does not allow.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvalidErrorNames {
    #[error("`ErrorEquals` names at least one error")]
    Empty,
    #[error("`States.ALL` stands alone in `ErrorEquals`")]
    NotAlone,
}

#[derive(Debug, Default, Deserialize)]
enum JitterStrategy {
    #[serde(rename = "FULL")]
    Full,
    #[default]
    #[serde(rename = "NONE")]
    None,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "f64")]
struct BackoffRate(f64);

impl Default for BackoffRate {
    fn default() -> Self {
        Self(2.0)
    }
}

impl TryFrom<f64> for BackoffRate {
    type Error = &'static str;

    fn try_from(rate: f64) -> Result<Self, Self::Error> {
        if rate >= 1.0 { Ok(Self(rate)) } else { Err("`BackoffRate` is at least 1") }
    }
}

const fn one_second() -> u32 {
    1
}

const fn three_attempts() -> u32 {
    3
}
