//! Every code of the catalogue comes out of the product in a test: what nobody can bring about is no code,
//! and what nobody has brought about is not known to be told.
//!
//! Only the suites beside the code count, which meet it from outside. A table in a module of tests shows that
//! a code is decided, and not that anybody is told it; and a variant that has the name of a code may belong
//! to another type. So a suite has to write the code down as the text it is: `"code"`, or `"[code]"` as the
//! command line tells it.

use std::{collections::BTreeSet, path::Path};

use tests::repository;

/// Codes that no suite can bring about from outside, and why not. What is met after all does not belong here.
const OF_UNITS: [(&str, &str); 3] = [
    (
        "not_gathered",
        "Only a defect of the planner brings it about: whatever it asks for is looked up before it plans.",
    ),
    (
        "run_interrupted",
        "A run that cannot be closed is tried again for minutes before its execution ends without that.",
    ),
    (
        "sign_in_unreachable",
        "The command serves the invented Microsoft itself, so it is there when it is asked.",
    ),
];

#[test]
fn every_code_of_the_catalogue_is_met_by_a_suite() {
    let suites = Texts::of_suites();
    assert!(suites.0.len() > 100, "{}", suites.0.len());
    let of_units: BTreeSet<&str> = OF_UNITS.into_iter().map(|(code, _)| code).collect();
    let not_met: Vec<&str> = codes().filter(|code| !suites.meet(code) && !of_units.contains(code)).collect();
    assert!(
        not_met.is_empty(),
        "bring them about in a suite, or take them out of the catalogue: {not_met:?}"
    );
    let met: Vec<&&str> = of_units.iter().filter(|code| suites.meet(code)).collect();
    assert!(met.is_empty(), "take them out of the list of those that no suite meets: {met:?}");
}

#[test]
fn the_few_codes_that_no_suite_meets_are_codes_and_have_a_unit_test_and_a_reason() {
    let (codes, units): (BTreeSet<&str>, Texts) = (codes().collect(), Texts::of_units());
    for (code, reason) in OF_UNITS {
        assert!(codes.contains(code), "{code} is no code any more: take it out of the list");
        assert!(units.meet(code), "{code} is met nowhere at all");
        assert!(reason.ends_with('.'), "{code}: {reason}");
    }
}

fn codes() -> impl Iterator<Item = &'static str> {
    catalogue::entries().map(|entry| entry.code)
}

/// What tests say, without what is only remarked in them.
struct Texts(Vec<String>);

impl Texts {
    /// The suites of the crates and of this package. What the invented Microsoft says to its own suite nobody
    /// of the product has said.
    fn of_suites() -> Self {
        let beside = rust().filter(|file| is_suite(file) && !file.starts_with("shared/fake-microsoft/"));
        Self(
            beside
                .filter(|file| file != "tests/matrix/codes.rs")
                .map(|file| said(&repository::text(&file)))
                .collect(),
        )
    }

    /// The tests within the crates but for the catalogue's own: whole files, and modules at the ends of
    /// others.
    fn of_units() -> Self {
        let within = rust().filter(|file| !is_suite(file) && !file.starts_with("shared/catalogue/"));
        let tests = within.filter_map(|file| {
            let text = repository::text(&file);
            let is_test = file.contains("/tests/") || file.ends_with("/tests.rs");
            let begin = if is_test { Some(0) } else { text.find("#[cfg(test)]") };
            begin.map(|begin| said(&text[begin..]))
        });
        Self(tests.collect())
    }

    fn meet(&self, code: &str) -> bool {
        let forms = [format!("\"{code}\""), format!("\"[{code}]\"")];
        self.0.iter().any(|text| forms.iter().any(|form| text.contains(form)))
    }
}

/// The Rust files of the workspace.
fn rust() -> impl Iterator<Item = String> {
    let files = ["functions", "shared", "tests"].map(repository::files).concat();
    files.into_iter().filter(|file| Path::new(file).extension().is_some_and(|end| end == "rs"))
}

/// Whether the file is one of a suite that meets its crate from outside.
fn is_suite(file: &str) -> bool {
    match file.split('/').collect::<Vec<_>>()[..] {
        ["tests", "src", ..] => false,
        ["functions" | "shared", _, "tests", ..] | ["tests", ..] => true,
        _ => false,
    }
}

/// Without the lines that are remarks.
fn said(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}
