//! Rules that cannot be used: each is refused with the place where it stands and a code of its own.

use axum::http::StatusCode;
use edge::Permission;
use serde_json::{Value, json};

use crate::{acme, api_and_store, call_at};

/// One more than a list may have.
const TOO_MANY: usize = 101;

/// Two names that belong together.
type Names = (&'static str, &'static str);

/// The code of the whole answer, and under which name its details list the rules.
const OF_FIELDS: Names = ("invalid_field_rules", "rules");
const OF_SCOPE: Names = ("invalid_scope_rules", "faults");

/// Whoever corrects rules reads where the wrong one stands and what is wrong with it, for everybody as for
/// one client; and what was saved before holds until then.
#[tokio::test]
async fn a_wrong_rule_is_refused_with_its_place_and_its_code_and_nothing_is_saved() {
    let (api, store) = api_and_store(&Permission::ALL).await;
    let of_acme = acme(&store).await;
    let saved = json!({
        "fieldSyncConfig": { "role": true }, "scope": { "excludeDomains": ["left.example"] },
    });
    for (method, below) in [("PATCH", ""), ("PUT", of_acme.as_str())] {
        let (status, answer) = call_at(&api, method, below, saved.clone()).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let (_, before) = call_at(&api, "GET", below, Value::Null).await;
        for (body, (code, list), expected) in wrong_rules() {
            let what = format!("{method} {body}");
            let (status, answer) = call_at(&api, method, below, body).await;
            assert_eq!((status, &answer["code"]), (StatusCode::BAD_REQUEST, &json!(code)), "{what}");
            let rules = answer["details"][list].as_array().unwrap();
            let found: Vec<_> = rules.iter().map(|rule| (text(rule, "path"), text(rule, "code"))).collect();
            assert_eq!(found, [expected], "{what}");
            assert!(!text(&rules[0], "message").is_empty(), "{what}: {answer}");
            let (_, after) = call_at(&api, "GET", below, Value::Null).await;
            assert_eq!(after["data"], before["data"], "{what}: nothing was saved");
        }
    }
}

/// Bodies, whose rules they are, and the place and the code of the one that is wrong.
fn wrong_rules() -> Vec<(Value, Names, Names)> {
    let scope = |list: &str, rules: Value| json!({ "scope": { (list): rules } });
    let patterns = |wrong: &str| scope("excludePatterns", json!(["^svc-", wrong]));
    let attribute = |value: &str| {
        let rule =
            json!({ "attribute": "mail", "operator": "contains", "value": value, "effect": "exclude" });
        scope("attributes", json!([rule]))
    };
    let domains: Vec<String> = (0..TOO_MANY).map(|number| format!("d{number}.example")).collect();
    // Each of them is usable, and all of them together are larger than a set of patterns may be.
    let large: Vec<String> = (0..10).map(|number| format!("x{number}\\w{{7}}")).collect();
    let fields = |rules: Value| json!({ "fieldSyncConfig": rules });
    vec![
        (fields(json!({ "role": true, "jobTitle": "only_if_empty" })), OF_FIELDS, ("role", "ambiguous_rule")),
        (
            fields(json!({ "email": "always", "mail": "unless_edited" })),
            OF_FIELDS,
            ("email", "ambiguous_rule"),
        ),
        (fields(json!(["role"])), OF_FIELDS, ("", "not_an_object")),
        (fields(json!({ "role": "sometimes" })), OF_FIELDS, ("role", "invalid_value")),
        (fields(json!({ "roles": true })), OF_FIELDS, ("roles", "unknown_key")),
        (patterns(" \t "), OF_SCOPE, ("excludePatterns[1]", "blank")),
        (attribute("  "), OF_SCOPE, ("attributes[0].value", "blank")),
        (attribute(&"a".repeat(257)), OF_SCOPE, ("attributes[0].value", "too_long")),
        (scope("includeDomains", json!(["acme"])), OF_SCOPE, ("includeDomains[0]", "invalid_domain")),
        (
            scope("excludeDomains", json!(["*acme.example"])),
            OF_SCOPE,
            ("excludeDomains[0]", "invalid_domain"),
        ),
        (patterns("("), OF_SCOPE, ("excludePatterns[1]", "invalid_pattern")),
        (patterns(".*"), OF_SCOPE, ("excludePatterns[1]", "matches_everybody")),
        (patterns("svc|"), OF_SCOPE, ("excludePatterns[1]", "matches_everybody")),
        (patterns("(a{1000}){1000}"), OF_SCOPE, ("excludePatterns[1]", "too_complex")),
        (scope("excludePatterns", json!(large)), OF_SCOPE, ("excludePatterns", "too_complex")),
        (patterns(&"a".repeat(501)), OF_SCOPE, ("excludePatterns[1]", "too_long")),
        (scope("includeDomains", json!(domains)), OF_SCOPE, ("includeDomains", "too_many")),
    ]
}

fn text<'a>(rule: &'a Value, name: &str) -> &'a str {
    rule[name].as_str().unwrap()
}
