//! Names that become a part of an address.

use std::fmt;

/// Segments of letters, digits and any of `_+=.@-`, separated by slashes, none of them only dots:
/// it stays below where it is appended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VaultPath(String);

impl VaultPath {
    /// Reads a path; slashes at either end do not matter.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches('/');
        let fits = text.split('/').all(|segment| {
            let known = |c: char| c.is_ascii_alphanumeric() || "_+=.@-".contains(c);
            segment.chars().all(known) && !segment.chars().all(|c| c == '.')
        });
        fits.then(|| Self(text.to_owned()))
    }

    /// Without a slash at either end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for VaultPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_where_it_is_appended() {
        for (text, expected) in [
            ("secret", Some("secret")),
            ("/team/kv-2/", Some("team/kv-2")),
            ("a.b/c..d", Some("a.b/c..d")),
            ("", None),
            ("/", None),
            ("a//b", None),
            (".", None),
            ("a/../b", None),
            ("a/...", None),
            ("a b", None),
            ("a?b", None),
            ("a#b", None),
            ("a%2e%2e", None),
            ("a\\b", None),
            ("a\nb", None),
            ("\u{e4}", None),
        ] {
            assert_eq!(VaultPath::parse(text).as_ref().map(VaultPath::as_str), expected, "{text:?}");
        }
    }
}
