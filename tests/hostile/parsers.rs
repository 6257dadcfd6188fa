//! Every parser that reads what a peer has sent, by name, and all of them fed alike.
//!
//! What each makes of a good answer is said in the suites beside this one. Here it is only that there is no
//! other one, and that nothing makes one of them panic or end without a code of the catalogue.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;
use tests::{
    repository,
    spoil::{Spoiled, spoiled},
};

use crate::{
    readers::{ELSEWHERE, PARSERS, Parser},
    trees::{any_bytes, any_json},
};

const DOCUMENTATION: &str = "tests/contracts/graph-docs-samples.json";

/// The bodies in Microsoft's documentation that a parser reads.
fn documented(parser: &Parser) -> Vec<Value> {
    let samples: Vec<Value> = serde_json::from_str(&repository::text(DOCUMENTATION)).unwrap();
    let is_its = |url: &str| parser.documented.iter().any(|beginning| url.starts_with(beginning));
    let of_it = |sample: &Value| {
        let url =
            sample["url"].as_str().and_then(|url| url.strip_prefix("https://graph.microsoft.com/v1.0/"));
        url.filter(|url| is_its(url)).map(|_| sample["body"].clone())
    };
    samples.iter().filter_map(of_it).collect()
}

#[test]
fn whatever_is_done_to_a_good_answer_ends_in_a_value_or_a_code_of_the_catalogue() {
    let codes: BTreeSet<&str> = catalogue::entries().map(|entry| entry.code).collect();
    for parser in &PARSERS {
        let (samples, documented) = ((parser.samples)(), documented(parser));
        assert_eq!(documented.is_empty(), parser.documented.is_empty(), "{}", parser.name);
        let mut refused = 0;
        // What is printed is long: not every one of its bytes.
        let spoiled = samples.iter().flat_map(spoiled).chain(documented.iter().flat_map(spoiled).step_by(17));
        for Spoiled { how, bytes, .. } in spoiled {
            if let Some(code) = (parser.feed)(&bytes) {
                refused += 1;
                assert!(codes.contains(code), "{}: {how}: {code} is not in the catalogue", parser.name);
            }
        }
        let never = ["token that was pasted", "Retry-After"].contains(&parser.name);
        assert_eq!(refused == 0, never, "{}", parser.name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_and_any_json_end_in_a_value_or_a_code(bytes in any_bytes(), body in any_json(), text in ".{0,40}") {
        for parser in &PARSERS {
            for body in [&bytes, body.to_string().as_bytes(), text.as_bytes()] {
                let code = (parser.feed)(body);
                let is_known = |code| catalogue::entries().any(|entry| entry.code == code);
                prop_assert!(code.is_none_or(is_known), "{}: {:?}", parser.name, code);
            }
        }
    }
}

/// Rooms in which bytes of others arrive: of Microsoft, of CIPP, of Vault, of the PSA, of browsers and of the
/// Lambda service.
const ROOMS: [&str; 8] = [
    "functions/authorizer/src",
    "functions/connect/src",
    "functions/flags/src",
    "functions/people/src",
    "shared/directory/src/protocol",
    "shared/edge/src",
    "shared/runtime/src",
    "shared/secrets/src/vault",
];

/// What whoever reads them has in its text.
const READS: [&str; 8] = [
    "serde_json::from_",
    "serde_json::Deserializer",
    "fn decode(",
    "form_urlencoded::parse",
    ": Deserialize",
    "Map<String, Value>",
    "csv::ReaderBuilder",
    "parse_http_date",
];

/// What a test has in its text that feeds what nobody would write on purpose: any bytes, any JSON, a document
/// spoiled in every place, one cut at every byte, nesting without end, or whatever was drawn.
const FEEDS: [&str; 8] = [
    "spoiled(",
    "whole(",
    "any_bytes()",
    "any_json()",
    "prop::collection::vec(",
    ".repeat(20_000)",
    ".len() {",
    "SeededEntropy::new(",
];

/// The signature and the body of a test; `None` when there is no such test.
fn test_named<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let at = text.find(&format!("fn {name}("))?;
    let begin = text[..at].rfind('\n').map_or(0, |line| line + 1);
    let indent = &text[begin..begin + text[begin..].find(|letter: char| letter != ' ')?];
    let marked = text[..begin].trim_end().lines().next_back()?.trim();
    let is_test = marked == "#[test]" || marked.starts_with("#[tokio::test");
    let end = text[at..].find(&format!("\n{indent}}}\n"))?;
    is_test.then(|| &text[at..at + end])
}

/// Whoever reads bytes in one of these rooms is in the table, or is fed by a test that is named.
#[test]
fn every_file_that_reads_foreign_bytes_is_named_here() {
    let mut found = BTreeSet::new();
    for file in ROOMS.into_iter().flat_map(repository::files) {
        let text = repository::text(&file);
        let product = text.split("#[cfg(test)]").next().unwrap();
        if READS.iter().any(|reads| product.contains(reads)) {
            found.insert(file);
        }
    }
    let named = PARSERS.iter().flat_map(|parser| parser.reads_in).map(|file| format!("shared/{file}"));
    let named: BTreeSet<String> =
        named.chain(ELSEWHERE.iter().map(|(file, ..)| (*file).to_owned())).collect();
    for file in &named {
        assert!(repository::path(file).is_file(), "{file} is gone");
    }
    let unnamed: Vec<&String> = found.difference(&named).collect();
    assert!(unnamed.is_empty(), "not named: {unnamed:?}");
}

/// A proof is a test by its name, which feeds what is hostile; that there is some test would prove nothing.
#[test]
fn every_file_that_is_fed_elsewhere_names_the_test_that_feeds_it() {
    for (file, suite, name) in ELSEWHERE {
        let text = repository::text(suite);
        let test = test_named(&text, name);
        let test = test.unwrap_or_else(|| panic!("{file}: {suite} has no test {name}"));
        assert!(FEEDS.iter().any(|feeds| test.contains(feeds)), "{file}: {name} feeds nothing hostile");
    }
}

#[test]
fn a_test_is_found_with_its_signature_and_its_own_body_and_nothing_else_is_one() {
    let text = "fn helper() {\n    spoiled(x);\n}\n\n#[test]\nfn one() {\n    mild();\n}\n\nproptest! {\n    \
                #[test]\n    fn two(x in any_bytes()) {\n        if x {\n        }\n        end();\n    \
                }\n}\n";
    assert_eq!(test_named(text, "one"), Some("fn one() {\n    mild();"));
    let two = test_named(text, "two").unwrap();
    assert!(two.contains("any_bytes()") && two.contains("end();") && !two.contains("mild"), "{two}");
    assert_eq!((test_named(text, "helper"), test_named(text, "three")), (None, None));
}
