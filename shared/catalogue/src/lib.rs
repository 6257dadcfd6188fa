//! The catalogue of the stable codes: what each one means, what that means for contacts, and what to do.
//!
//! An operator or a caller is told a code with every failure, in an answer of the HTTP API, in the result of
//! a run, on the command line or in the log. Here every code is explained in general, without the names and
//! numbers of one case. Names of reasons, statuses and questions that have a sentence of their own beside
//! them are not here.
//!
//! This crate depends on nothing and produces no code itself.

mod access;
mod area;
mod cipp;
mod connection;
mod discovery;
mod doctor;
mod explain;
mod flags;
mod forecast;
mod line;
mod mapping;
mod page;
mod people;
mod reading;
mod request;
mod review;
mod secrets;
mod service;
mod settings;
mod sign_in;
mod sync;
mod task;
mod tenant;
mod token;
mod tool;

pub use area::Area;
pub use page::page;

/// What one code means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Entry {
    /// The code, as it is answered, stored and printed.
    pub code: &'static str,
    /// The part of the product it belongs to.
    pub area: Area,
    /// What happened.
    pub cause: &'static str,
    /// What that means for contacts.
    pub effect: &'static str,
    /// What to do.
    pub next: &'static str,
}

/// What `code` means; `None` when the product has no such code. Case matters.
pub fn find(code: &str) -> Option<&'static Entry> {
    entries().find(|entry| entry.code == code)
}

/// Every code, sorted by area, then code.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    Area::ALL.into_iter().flat_map(Area::entries)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The one code that the PSA has given, and written in its own way.
    const OF_THE_PSA: &str = "EMAIL_EXISTS";

    fn is_snake_case(code: &str) -> bool {
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        code.starts_with(|first: char| first.is_ascii_lowercase()) && code.split('_').all(is_word)
    }

    /// As the state machines name errors.
    fn is_task_error(code: &str) -> bool {
        code.starts_with(|first: char| first.is_ascii_uppercase())
            && code.bytes().all(|byte| byte.is_ascii_alphabetic())
    }

    #[test]
    fn codes_have_the_form_of_codes() {
        for Entry { code, area, .. } in entries() {
            let fits = match area {
                Area::Task => is_task_error(code),
                _ => is_snake_case(code) || *code == OF_THE_PSA,
            };
            assert!(fits, "{code}");
        }
    }

    #[test]
    fn codes_are_unique_and_found() {
        let codes: BTreeSet<&str> = entries().map(|entry| entry.code).collect();
        assert_eq!(codes.len(), entries().count());
        for entry in entries() {
            assert_eq!(find(entry.code), Some(entry));
        }
        for unknown in ["", "email_Exists", "no_such_code", " throttled"] {
            assert_eq!(find(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn entries_are_sorted_by_area_then_code() {
        assert!(Area::ALL.is_sorted());
        for area in Area::ALL {
            assert!(!area.entries().is_empty(), "{area:?}");
            assert!(area.entries().iter().all(|entry| entry.area == area), "{area:?}");
        }
        let places: Vec<_> = entries().map(|entry| (entry.area, entry.code)).collect();
        for pair in places.windows(2) {
            assert!(pair[0] < pair[1], "{pair:?}");
        }
    }

    #[test]
    fn texts_are_whole_sentences() {
        let of_areas = Area::ALL.into_iter().map(|area| (area.title(), area.introduction()));
        let of_entries = entries()
            .flat_map(|entry| [entry.cause, entry.effect, entry.next].map(|text| (entry.code, text)));
        for (of, text) in of_areas.chain(of_entries) {
            assert!(text.ends_with('.'), "{of}: {text}");
            assert!(text.starts_with(|c: char| c.is_ascii_uppercase() || c == '`'), "{of}: {text}");
            assert!(!text.contains("  ") && !text.contains('\n'), "{of}: {text}");
            assert!(text.matches('`').count() % 2 == 0, "{of}: {text}");
        }
    }
}
