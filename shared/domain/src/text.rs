//! Text that came from somebody else's directory: cleaned before it is compared, stored or shown.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Longest text kept from a directory; Graph's own limits are 64 to 256 characters
/// (learn.microsoft.com/graph/api/resources/user).
pub const TEXT_CHARACTERS_MAX: usize = 256;

/// `text` in NFC without control and bidirectional-override characters, inner blanks collapsed,
/// trimmed and cut to [`TEXT_CHARACTERS_MAX`]; `None` when nothing is left.
pub fn clean(text: &str) -> Option<String> {
    let mut cleaned = String::new();
    let mut characters = 0;
    for character in text.nfc().filter(|c| c.is_whitespace() || !is_invisible(*c)) {
        // What is beyond is not kept, so a text of megabytes costs no more than one that fits.
        if characters == TEXT_CHARACTERS_MAX {
            break;
        }
        let character = if character.is_whitespace() { ' ' } else { character };
        if character != ' ' || (!cleaned.is_empty() && !cleaned.ends_with(' ')) {
            cleaned.push(character);
            characters += 1;
        }
    }
    let cleaned = cleaned.trim_end().to_owned();
    (!cleaned.is_empty()).then_some(cleaned)
}

/// Characters that have no place in a name or a number: controls, and the marks that reorder what
/// a reader sees (Unicode bidirectional controls, zero-width characters, byte-order mark). The
/// zero-width joiner stays: emoji and several scripts need it.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'
            | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

/// A key for comparing names: compatibility forms and accents folded, lower case, everything that
/// is neither letter nor digit a single blank. Scripts other than Latin keep their letters.
pub fn comparison_key(text: &str) -> String {
    let mut key = String::with_capacity(text.len());
    for character in text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
        if character.is_alphanumeric() {
            key.push(character);
        } else if !key.is_empty() && !key.ends_with(' ') {
            key.push(' ');
        }
    }
    key.truncate(key.trim_end().len());
    key
}

/// Whether `text`, as somebody has typed it, is part of one of these, in whatever case.
pub fn is_part_of_any<'a>(text: &str, shown: impl IntoIterator<Item = &'a str>) -> bool {
    let text = text.trim().to_lowercase();
    shown.into_iter().any(|shown| shown.to_lowercase().contains(&text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cleaning() {
        for (text, expected) in [
            ("  Mira   Sund ", Some("Mira Sund")),
            ("Mira\u{202E}dnuS", Some("MiradnuS")),
            ("a\tb\nc", Some("a b c")),
            ("e\u{301}", Some("é")),
            ("👩\u{200D}🔬", Some("👩\u{200D}🔬")),
            ("\u{0007}", None),
            ("   ", None),
            ("", None),
        ] {
            assert_eq!(clean(text).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn comparison_keys() {
        for (text, expected) in [
            ("Müller & Söhne GmbH", "muller sohne gmbh"),
            ("ООО «Ромашка»", "ооо ромашка"),
            ("株式会社 東京", "株式会社 東京"),
            ("ＡＣＭＥ", "acme"),
            ("--", ""),
        ] {
            assert_eq!(comparison_key(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn cleaning_twice_changes_nothing(text in "\\PC{0,80}|.{0,300}") {
            if let Some(once) = clean(&text) {
                prop_assert_eq!(clean(&once), Some(once.clone()));
            }
        }
    }
}
