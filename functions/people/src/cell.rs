//! CSV cells that no spreadsheet takes for a formula, and back.
//!
//! The guard is a leading `'`. A text that looks guarded already is guarded once more, so taking
//! one guard off gives every text back.

use std::borrow::Cow;

use edge::text::csv_cell;

const GUARD: char = '\'';

/// `text` as the content of a cell.
pub(crate) fn guarded(text: &str) -> Cow<'_, str> {
    if is_formula_behind_guards(text) { Cow::Owned(format!("{GUARD}{text}")) } else { Cow::Borrowed(text) }
}

/// The text that a cell stands for.
pub(crate) fn unguarded(cell: &str) -> &str {
    cell.strip_prefix(GUARD).filter(|rest| is_formula_behind_guards(rest)).unwrap_or(cell)
}

fn is_formula_behind_guards(text: &str) -> bool {
    matches!(csv_cell(text.trim_start_matches(GUARD)), Cow::Owned(_))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cells() {
        for (text, cell) in [
            ("=1+1", "'=1+1"),
            ("'=1+1", "''=1+1"),
            ("+47 22 33 44 55", "'+47 22 33 44 55"),
            ("'t Hart", "'t Hart"),
            ("'", "'"),
            ("", ""),
        ] {
            assert_eq!(guarded(text), cell);
            assert_eq!(unguarded(cell), text);
        }
        assert_eq!(unguarded("=1+1"), "=1+1", "a cell that nobody guarded");
    }

    proptest! {
        #[test]
        fn a_guard_is_undone_and_holds(text in "'{0,3}[-=+@＝\t]?.{0,6}") {
            let cell = guarded(&text);
            prop_assert_eq!(unguarded(&cell), text.as_str());
            prop_assert!(matches!(csv_cell(&cell), Cow::Borrowed(_)));
        }
    }
}
