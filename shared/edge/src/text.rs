//! Text from foreign directories, made harmless before an operator sees it.
//!
//! Names and titles come from another organisation: they may hold control characters, reverse the
//! reading direction of what follows, or start a formula in a spreadsheet.

use std::borrow::Cow;

const ELLIPSIS: char = '…';

/// `text` without control characters and direction overrides, at most `max` characters long.
///
/// Line breaks and tabs become spaces; text that was cut ends with `…` (within `max`). Direction
/// characters are those of Unicode Standard Annex 9; the line and paragraph separators, the byte
/// order mark and the invisible tag characters go with them.
pub fn safe(text: &str, max: usize) -> String {
    let mut shown = text.chars().filter_map(shown);
    let mut safe: String = shown.by_ref().take(max).collect();
    if shown.next().is_some() && safe.pop().is_some() {
        safe.push(ELLIPSIS);
    }
    safe
}

/// `text` as the content of one CSV cell that no spreadsheet takes for a formula: prefixed with
/// `'` when it begins with `=`, `+`, `-`, `@` (or their full-width forms), a tab or a line break.
///
/// The rule is OWASP's (CSV injection). Quoting is the CSV writer's work.
pub fn csv_cell(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r', '\n']) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// What is shown of one character, if anything.
fn shown(character: char) -> Option<char> {
    match character {
        '\t' | '\n' | '\r' => Some(' '),
        '\u{061c}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}' => None,
        other if other.is_control() => None,
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hostile_names_are_shown_harmless() {
        for (text, max, expected) in [
            ("Ada Lovelace", 20, "Ada Lovelace"),
            ("a\r\nb\tc", 20, "a  b c"),
            ("\u{1b}[31mred\u{7}", 20, "[31mred"),
            ("invoice\u{202e}fdp.exe", 20, "invoicefdp.exe"),
            ("\u{2067}x\u{2069}\u{200f}", 20, "x"),
            ("👩\u{200d}💻", 20, "👩\u{200d}💻"),
            ("abcdef", 6, "abcdef"),
            ("abcdefg", 6, "abcde…"),
            ("abc", 0, ""),
        ] {
            assert_eq!(safe(text, max), expected, "{text:?}");
        }
    }

    #[test]
    fn formulas_are_defused_and_other_cells_are_left_alone() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"] {
            assert_eq!(csv_cell(text), format!("'{text}"));
        }
        for text in ["", "Ada", "a=b", "'=1", "1-2"] {
            assert!(matches!(csv_cell(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn safe_text_is_bounded_harmless_and_stays_as_it_is(text in any::<String>(), max in 0_usize..40) {
            let once = safe(&text, max);
            prop_assert!(once.chars().count() <= max);
            prop_assert!(once.chars().all(|character| shown(character) == Some(character)));
            prop_assert_eq!(safe(&once, max), once);
        }

        #[test]
        fn no_cell_starts_a_formula(text in "[-=+@\t\r\n]?.{0,8}") {
            let cell = csv_cell(&text).into_owned();
            prop_assert_eq!(csv_cell(&cell).into_owned(), cell);
        }
    }
}
