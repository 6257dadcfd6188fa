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

/// Whoever reads bytes in one of these rooms is in the table.
#[test]
fn every_file_that_reads_foreign_bytes_is_named_here() {
    let rooms = [
        "shared/directory/src/protocol",
        "shared/secrets/src/vault",
        "functions/connect/src",
        "functions/authorizer/src",
    ];
    let reads =
        ["serde_json::from_", "fn decode(", "form_urlencoded::parse", ": Deserialize", "parse_http_date"];
    let mut found = BTreeSet::new();
    for file in rooms.into_iter().flat_map(repository::files) {
        let text = repository::text(&file);
        let product = text.split("#[cfg(test)]").next().unwrap();
        if reads.iter().any(|reads| product.contains(reads)) {
            found.insert(file);
        }
    }
    let named = PARSERS.iter().flat_map(|parser| parser.reads_in).map(|file| format!("shared/{file}"));
    let named: BTreeSet<String> = named.chain(ELSEWHERE.iter().map(|(file, _)| (*file).to_owned())).collect();
    for file in &named {
        assert!(repository::path(file).is_file(), "{file} is gone");
    }
    for (file, suite) in ELSEWHERE {
        assert!(repository::text(suite).contains("test]"), "{file} is not fed in {suite}");
    }
    let unnamed: Vec<&String> = found.difference(&named).collect();
    assert!(unnamed.is_empty(), "not named: {unnamed:?}");
}
