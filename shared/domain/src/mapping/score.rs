//! How sure a suggestion is, in exact decimal steps: equal scores are equal, on every machine.

use serde::{Deserialize, Serialize, Serializer};

/// A score between 0 and 1 in steps of 0.0001.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(try_from = "f64")]
pub struct Score(u16);

/// The score as it is kept with a decision: between 0 and 1 in steps of 0.01, halves up.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(try_from = "f64")]
pub struct Confidence(u8);

/// A number that is no score.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{0} is not a score between 0 and 1")]
pub struct OutOfRange(f64);

/// Steps of a [`Score`] between 0 and 1.
const STEPS: u16 = 10_000;

impl Score {
    /// Nothing speaks against it.
    pub const CERTAIN: Self = Self(STEPS);
    /// A domain of the client's mail is the tenant's.
    pub const SECONDARY_DOMAIN: Self = Self(8_800);

    /// The score as a number.
    pub fn value(self) -> f64 {
        f64::from(self.0) / f64::from(STEPS)
    }

    /// The Dice coefficient `2 · shared / total` of two sets with `total` members together, of
    /// which each has the same `shared`; halves round up.
    pub(super) fn dice(shared: usize, total: usize) -> Self {
        let steps = (4 * shared * usize::from(STEPS) + total) / (2 * total.max(1));
        Self(u16::try_from(steps).unwrap_or(STEPS).min(STEPS))
    }
}

impl TryFrom<f64> for Score {
    type Error = OutOfRange;

    fn try_from(value: f64) -> Result<Self, OutOfRange> {
        if !(0.0..=1.0).contains(&value) {
            return Err(OutOfRange(value));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 10,000 by now")]
        let steps = (value * f64::from(STEPS)).round() as u16;
        Ok(Self(steps))
    }
}

impl Serialize for Score {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.value())
    }
}

impl Confidence {
    /// The confidence as a number.
    pub fn value(self) -> f64 {
        f64::from(self.0) / 100.0
    }
}

impl From<Score> for Confidence {
    fn from(score: Score) -> Self {
        Self(u8::try_from((score.0 + 50) / 100).unwrap_or(100))
    }
}

impl TryFrom<f64> for Confidence {
    type Error = OutOfRange;

    /// Rounds by way of [`Score`]: 0.575 has no exact binary form, and must still become 0.58.
    fn try_from(value: f64) -> Result<Self, OutOfRange> {
        Score::try_from(value).map(Self::from)
    }
}

impl Serialize for Confidence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dice_is_rounded_to_four_decimals() {
        for (shared, total, expected) in [
            (0, 10, "0.0"),
            (13, 30, "0.8667"),
            (29, 100, "0.58"),
            (8, 18, "0.8889"),
            (5, 10, "1.0"),
            (0, 0, "0.0"),
        ] {
            let json = serde_json::to_string(&Score::dice(shared, total)).unwrap();
            assert_eq!(json, expected, "{shared} of {total}");
        }
    }

    #[test]
    fn confidence_is_rounded_to_two_decimals() {
        for (value, expected) in
            [(0.8667, "0.87"), (0.575, "0.58"), (0.58, "0.58"), (0.004, "0.0"), (1.0, "1.0"), (0.88, "0.88")]
        {
            let confidence = Confidence::try_from(value).unwrap();
            let json = serde_json::to_string(&confidence).unwrap();
            assert_eq!(json, expected, "{value}");
            assert_eq!(serde_json::from_str::<Confidence>(&json).unwrap(), confidence);
        }
    }

    #[test]
    fn only_numbers_between_0_and_1_are_scores() {
        for value in [-0.0001, 1.0001, 87.0, f64::NAN, f64::INFINITY] {
            assert!(Score::try_from(value).is_err(), "{value}");
            assert!(Confidence::try_from(value).is_err(), "{value}");
        }
        assert!(serde_json::from_str::<Confidence>("1.5").is_err());
    }
}
