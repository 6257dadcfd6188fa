//! Where a listing goes on, in a form that can be stored.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Pages after which a listing is taken for endless: four million people in pages of 200, the smallest that a
/// feed of changes sends.
const PAGES_MAX: u32 = 20_000;

/// Opaque position in a listing: the service's link and, in front of it, what is needed to
/// notice a loop of links of any length without remembering all of them (Brent's cycle
/// detection: one remembered link, replaced at each power of two). Confidential: its `Debug`
/// leaves out the query string.
#[derive(Clone, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Cursor(String);

/// Why a link cannot follow a cursor.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Endless {
    /// The link was seen before.
    Loop,
    /// More pages than any directory has.
    TooManyPages,
}

/// The parts of a cursor.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Trail {
    page: u32,
    mark: u64,
}

impl Cursor {
    /// The text, to be stored and given back unchanged.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The link, and the trail that led to it. A bare link begins a new trail.
    pub(crate) fn parts(&self) -> Option<(Trail, &str)> {
        if self.0.starts_with("http") {
            return Some((Trail::default(), &self.0));
        }
        let mut parts = self.0.splitn(3, '.');
        let page = parts.next()?.parse().ok()?;
        let mark = u64::from_str_radix(parts.next()?, 16).ok()?;
        Some((Trail { page, mark }, parts.next()?))
    }
}

impl Trail {
    /// The cursor of `link`, which came with the page that this trail leads to.
    pub(crate) fn follow(self, link: &str) -> Result<Cursor, Endless> {
        let hash = hash(link);
        let page = self.page.saturating_add(1);
        if self.page > 0 && hash == self.mark {
            return Err(Endless::Loop);
        }
        if page > PAGES_MAX {
            return Err(Endless::TooManyPages);
        }
        let mark = if page.is_power_of_two() { hash } else { self.mark };
        Ok(Cursor(format!("{page}.{mark:x}.{link}")))
    }
}

impl From<String> for Cursor {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts() {
            Some((trail, link)) => {
                let path = link.split(['?', '#']).next().unwrap_or_default();
                write!(f, "Cursor(after page {} of {path})", trail.page)
            }
            None => f.write_str("Cursor(unreadable)"),
        }
    }
}

/// First eight bytes of SHA-256: the same in every version, since it is stored.
fn hash(link: &str) -> u64 {
    let digest = Sha256::digest(link.as_bytes());
    digest.iter().take(8).fold(0, |hash, byte| (hash << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn debug_leaves_out_the_query_string() {
        let cursor = Trail::default().follow("https://graph.example/v1.0/users?$skiptoken=SECRET").unwrap();
        let shown = format!("{cursor:?}");
        assert_eq!(shown, "Cursor(after page 1 of https://graph.example/v1.0/users)");
        assert_eq!(format!("{:?}", Cursor::from("1".to_owned())), "Cursor(unreadable)");
    }

    #[test]
    fn survives_storage() {
        let cursor = Trail::default().follow("https://graph.example/v1.0/users?a=1.2.3").unwrap();
        let json = serde_json::to_string(&cursor).unwrap();
        let back: Cursor = serde_json::from_str(&json).unwrap();
        assert_eq!(back, cursor);
        assert_eq!(back.parts().unwrap().1, "https://graph.example/v1.0/users?a=1.2.3");
    }

    #[test]
    fn an_endless_listing_ends() {
        let last = Cursor::from(format!("{PAGES_MAX}.0.https://graph.example/v1.0/users?x"));
        let (trail, _) = last.parts().unwrap();
        assert_eq!(trail.follow("https://graph.example/v1.0/users?y"), Err(Endless::TooManyPages));
    }

    proptest! {
        #[test]
        fn every_loop_is_noticed_and_no_straight_listing_is(tail in 0_u32..40, length in 1_u32..40) {
            let link = |n: u32| format!("https://graph.example/v1.0/users?page={n}");
            let mut trail = Trail::default();
            let mut noticed = false;
            for step in 0..4 * (tail + length) + 4 {
                let n = if step < tail { step } else { tail + (step - tail) % length };
                let Ok(cursor) = trail.follow(&link(n)) else {
                    prop_assert!(step >= tail + length);
                    noticed = true;
                    break;
                };
                trail = cursor.parts().unwrap().0;
            }
            prop_assert!(noticed);
        }
    }
}
