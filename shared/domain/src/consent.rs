//! Two people for what lets more through than the stop limits do, where an operator asks for that.
//!
//! The first of them asks, and nothing else happens; when another one asks for the same within a day, it is
//! done. What was done once has to be asked for anew.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::ids::UserId;

/// How long the first one's word holds.
const HOLDS: SignedDuration = SignedDuration::from_hours(24);

/// That somebody has asked for something which takes two.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// Who.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
    /// Whether it was done since, by the word of another one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub done: bool,
    /// What is asked for, to be shown to the second one; null where it was not noted (before format 2).
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub what: Value,
}

/// What comes of it that somebody asks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Consent {
    /// They are the first; their word is noted.
    First,
    /// They have asked already, and nobody else has.
    StillAlone {
        /// Until when their word holds.
        until: Timestamp,
    },
    /// They are the second: it is done.
    Second,
}

impl Asked {
    /// That `by` asks for `what` now.
    pub fn new(by: UserId, at: Timestamp, what: Value) -> Self {
        Self { by, at, done: false, what }
    }

    /// Until when it holds.
    pub fn until(&self) -> Timestamp {
        self.at + HOLDS
    }

    /// Whether it still waits for a second one.
    pub fn is_awaited(&self, now: Timestamp) -> bool {
        !self.done && now < self.until()
    }
}

impl Consent {
    /// `by` asks at `now`; `before` = who has asked for the same before.
    pub fn of(before: Option<&Asked>, by: UserId, now: Timestamp) -> Self {
        match before {
            Some(asked) if !asked.is_awaited(now) => Self::First,
            Some(asked) if asked.by == by => Self::StillAlone { until: asked.until() },
            Some(_) => Self::Second,
            None => Self::First,
        }
    }
}

/// A name for what is asked for: equal for equal requests.
pub fn name_of(what: &[u8]) -> String {
    format!("{:x}", Sha256::digest(what))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn it_takes_another_one_within_a_day_and_once() {
        let user = |number| UserId::new(Uuid::from_u128(number));
        let hour = |hour: i64| Timestamp::from_second(1_790_000_000 + hour * 3600).unwrap();
        let asked = |done| Some(Asked { done, ..Asked::new(user(1), hour(0), Value::Null) });
        let alone = Consent::StillAlone { until: hour(24) };
        for (before, by, at, expected) in [
            (None, 1, 0, Consent::First),
            (asked(false), 1, 1, alone),
            (asked(false), 2, 1, Consent::Second),
            (asked(false), 2, 23, Consent::Second),
            (asked(false), 2, 24, Consent::First),
            (asked(false), 1, 24, Consent::First),
            (asked(true), 1, 1, Consent::First),
            (asked(true), 2, 1, Consent::First),
        ] {
            assert_eq!(Consent::of(before.as_ref(), user(by), hour(at)), expected, "{before:?} {by} {at}");
        }
    }

    #[test]
    fn other_requests_have_other_names() {
        assert_eq!(name_of(b"a"), name_of(b"a"));
        assert_ne!(name_of(b"a"), name_of(b"b"));
        assert_eq!(name_of(b"a").len(), 64);
    }
}
