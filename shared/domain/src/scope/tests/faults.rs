//! Rules that cannot be used.

use super::*;

/// `field code` of each fault.
fn faults(json: Value) -> Vec<String> {
    let faults = rules(json).compile().err().map(|invalid| invalid.faults).unwrap_or_default();
    let code = |fault: &ScopeFault| serde_json::to_value(fault.code).unwrap().as_str().unwrap().to_owned();
    faults.iter().map(|fault| format!("{} {}", fault.field, code(fault))).collect()
}

#[test]
fn a_pattern_that_is_none_is_reported_not_ignored() {
    for (pattern, code) in [
        ("(", "invalid_pattern"),
        ("*abc", "invalid_pattern"),
        ("[z-a]", "invalid_pattern"),
        ("a{5,2}", "invalid_pattern"),
        ("(?=admin)", "invalid_pattern"),
        ("(a)\\1", "invalid_pattern"),
        (&"(".repeat(400), "invalid_pattern"),
        ("", "blank"),
        (" \t ", "blank"),
        (&"a".repeat(501), "too_long"),
        ("(a{1000}){1000}", "too_complex"),
        ("\\w{30}", "too_complex"),
        (".*", "matches_everybody"),
        ("x?", "matches_everybody"),
        ("admin|", "matches_everybody"),
        ("^", "matches_everybody"),
    ] {
        assert_eq!(
            faults(json!({"excludePatterns": ["fine", pattern]})),
            [format!("excludePatterns[1] {code}")],
            "{pattern}"
        );
    }
    for pattern in [
        "^svc-",
        "\\d{3}$",
        "room|kiosk",
        "\\bbot\\b",
        "^.?$",
        "[\\w.]+\\.old@",
        "a{1000}",
        "\\b\\w{2,10}\\b",
    ] {
        assert_eq!(faults(json!({"excludePatterns": [pattern]})), [""; 0], "{pattern}");
    }
}

#[test]
fn a_domain_that_is_none_is_reported() {
    for domain in [
        "",
        " ",
        "acme",
        "*",
        "*.",
        "*acme.example",
        "*.*.example",
        "a.*.example",
        "mira@acme.example",
        "a b.c",
    ] {
        for list in ["includeDomains", "excludeDomains"] {
            let found = faults(json!({list: ["fine.example", domain]}));
            assert_eq!(found, [format!("{list}[1] invalid_domain")], "{domain}");
        }
    }
}

#[test]
fn a_value_that_cannot_be_compared_is_reported() {
    for (operator, value, code) in [
        ("equals", "", "blank"),
        ("startsWith", "  ", "blank"),
        ("contains", "\u{200B}", "blank"),
        ("contains", &*"a".repeat(257), "too_long"),
        ("matches", " ", "blank"),
        ("matches", "(", "invalid_pattern"),
        ("matches", "(a{1000}){1000}", "too_complex"),
    ] {
        let rule = |value: &str| json!({"attribute": "mail", "operator": operator, "value": value, "effect": "include"});
        let found = faults(json!({"attributes": [rule("fine"), rule(value)]}));
        assert_eq!(found, [format!("attributes[1].value {code}")], "{operator} {value:?}");
    }
}

#[test]
fn a_list_that_is_too_long_is_reported() {
    let domains: Vec<String> = (0..101).map(|number| format!("d{number}.example")).collect();
    let groups: Vec<GroupId> = (0..101).map(group).collect();
    let attribute = json!({"attribute": "mail", "operator": "equals", "value": "x", "effect": "include"});
    for (list, entries) in [
        ("includeDomains", json!(domains)),
        ("excludeDomains", json!(domains)),
        ("includeGroups", json!(groups)),
        ("excludeGroups", json!(groups)),
        ("attributes", json!(vec![attribute; 101])),
        ("excludePatterns", json!(domains)),
    ] {
        assert_eq!(faults(json!({list: entries})), [format!("{list} too_many")]);
        let fewer = &entries.as_array().unwrap()[..100];
        assert_eq!(faults(json!({list: fewer})), [""; 0], "{list} of a hundred");
    }
}

#[test]
fn patterns_that_are_too_large_together_are_reported() {
    let patterns: Vec<String> = (0..10).map(|number| format!("x{number}\\w{{7}}")).collect();
    let attributes = |patterns: &[String]| -> Vec<Value> {
        let rule = |pattern: &String| json!({"attribute": "mail", "operator": "matches", "value": pattern, "effect": "include"});
        patterns.iter().map(rule).collect()
    };
    assert_eq!(faults(json!({"excludePatterns": &patterns[..2]})), [""; 0]);
    assert_eq!(faults(json!({"excludePatterns": patterns})), ["excludePatterns too_complex"]);
    assert_eq!(faults(json!({"attributes": attributes(&patterns[..2])})), [""; 0]);
    assert_eq!(faults(json!({"attributes": attributes(&patterns)})), ["attributes too_complex"]);
}

#[test]
fn every_fault_is_listed_with_a_sentence() {
    let invalid = rules(json!({
        "includeDomains": ["acme"],
        "attributes": [{"attribute": "mail", "operator": "matches", "value": "(", "effect": "exclude"}],
        "excludePatterns": [".*", "fine", "(?<=x)"],
    }))
    .compile()
    .unwrap_err();
    assert_eq!(
        json!(invalid.faults[0]),
        json!({
            "code": "invalid_domain",
            "field": "includeDomains[0]",
            "message": "`acme` is no domain; write `example.com`, or `*.example.com` for the domains below it.",
        })
    );
    let expected = "\
        includeDomains[0]: `acme` is no domain; write `example.com`, or `*.example.com` for the domains \
        below it. \
        attributes[0].value: The pattern `(` is not a usable regular expression: unclosed group. \
        excludePatterns[0]: The pattern `.*` would leave everybody out. \
        excludePatterns[2]: The pattern `(?<=x)` is not a usable regular expression: look-around, including \
        look-ahead and look-behind, is not supported.";
    assert_eq!(invalid.to_string(), expected);
}
