//! How much of a list a caller gets, and where the next part begins.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::ApiError;

/// Bytes of the digest in front of a cursor's position.
const DIGEST_BYTES: usize = 8;
/// Longest cursor that is looked at, in characters.
const LONGEST_CURSOR: usize = 4096;

/// The rule of one route's `limit` parameter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limit {
    /// Entries when the parameter is absent.
    pub default: usize,
    /// Most entries; a higher number is taken as this one.
    pub max: usize,
}

impl Limit {
    /// How many entries to answer with: 1 to `max`. Anything but a positive whole number is 400
    /// `invalid_limit`.
    pub fn parse(self, parameter: Option<&str>) -> Result<usize, ApiError> {
        let Some(text) = parameter else { return Ok(self.default.min(self.max)) };
        let text = text.trim();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(self.refusal());
        }
        // Digits that do not fit are a number above every maximum.
        match text.parse().unwrap_or(usize::MAX) {
            0 => Err(self.refusal()),
            number => Ok(number.min(self.max)),
        }
    }

    fn refusal(self) -> ApiError {
        ApiError::bad_request(
            "invalid_limit",
            "The parameter `limit` is not a positive whole number; nothing was listed.",
            format!("Give a number from 1 to {}, or leave it out for {}.", self.max, self.default),
        )
    }
}

/// An opaque cursor: where the next page of `route` begins.
///
/// The position is readable to whoever decodes it and the digest only tells damage and foreign
/// routes apart, it proves no origin: a position holds sort keys, and the workspace comes from the
/// caller, never from a cursor. A position that does not serialise gives an error of kind
/// `internal_fault`.
pub fn cursor<T: Serialize>(route: &str, position: &T) -> Result<String, ApiError> {
    let position =
        serde_json::to_vec(position).map_err(|error| ApiError::internal_fault().caused_by(error))?;
    let mut bytes = digest(route, &position).to_vec();
    bytes.extend_from_slice(&position);
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The position [`cursor`] wrote for the same `route`; anything else is 400 `invalid_cursor`.
pub fn position<T: DeserializeOwned>(route: &str, cursor: &str) -> Result<T, ApiError> {
    unsealed(route, cursor).ok_or_else(|| {
        ApiError::bad_request(
            "invalid_cursor",
            "The parameter `cursor` was not given out by this route; nothing was listed.",
            "Use `nextCursor` of the previous answer unchanged, or leave it out to begin at the first page.",
        )
    })
}

fn unsealed<T: DeserializeOwned>(route: &str, cursor: &str) -> Option<T> {
    if cursor.len() > LONGEST_CURSOR {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (found, position) = bytes.split_at_checked(DIGEST_BYTES)?;
    if found != digest(route, position) {
        return None;
    }
    serde_json::from_slice(position).ok()
}

fn digest(route: &str, position: &[u8]) -> [u8; DIGEST_BYTES] {
    let whole = Sha256::new().chain_update(route).chain_update([0]).chain_update(position).finalize();
    std::array::from_fn(|index| whole[index])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RUNS: Limit = Limit { default: 10, max: 50 };

    #[test]
    fn limits_follow_the_contract() {
        for (parameter, expected) in [
            (None, Ok(10)),
            (Some("1"), Ok(1)),
            (Some(" 7 "), Ok(7)),
            (Some("50"), Ok(50)),
            (Some("51"), Ok(50)),
            (Some("99999999999999999999999999"), Ok(50)),
            (Some("0"), Err("invalid_limit")),
            (Some("000"), Err("invalid_limit")),
            (Some("-1"), Err("invalid_limit")),
            (Some("1.5"), Err("invalid_limit")),
            (Some("ten"), Err("invalid_limit")),
            (Some(""), Err("invalid_limit")),
        ] {
            assert_eq!(RUNS.parse(parameter).map_err(|error| error.code), expected, "{parameter:?}");
        }
    }

    proptest! {
        #[test]
        fn a_cursor_gives_its_position_back_on_its_route_only(started in any::<String>(), run in any::<u64>()) {
            let text = cursor("runs", &(&started, run)).unwrap();
            prop_assert_eq!(position::<(String, u64)>("runs", &text).unwrap(), (started, run));
            prop_assert_eq!(position::<(String, u64)>("queue", &text).unwrap_err().code, "invalid_cursor");
        }

        #[test]
        fn a_damaged_cursor_is_refused(run in any::<u64>(), at in any::<prop::sample::Index>(), to in "[A-Za-z0-9_-]") {
            let good = cursor("runs", &run).unwrap();
            let at = at.index(good.len());
            let mut bad = good.clone();
            bad.replace_range(at..=at, &to);
            prop_assume!(bad != good);
            prop_assert_eq!(position::<u64>("runs", &bad).unwrap_err().code, "invalid_cursor");
        }
    }
}
