//! Stored forms, and what a client has of its own.

use super::*;

#[test]
fn the_first_stored_form_means_what_it_meant() {
    for (stored, guests, service_accounts) in [
        (json!({}), false, false),
        (json!({"includeGuests": true, "includeServiceAccounts": false}), true, false),
        (json!({"includeGuests": false, "includeServiceAccounts": true}), false, true),
    ] {
        let expected = ScopeRules {
            include_guests: guests,
            include_service_accounts: service_accounts,
            ..ScopeRules::default()
        };
        assert_eq!(rules(stored.clone()), expected, "{stored}");
    }
    let pending = user(json!({"mail": "ola@partner.example", "externalUserState": "PendingAcceptance"}));
    assert_eq!(alone(&rules(json!({"includeGuests": true})), &pending), "taken");
}

#[test]
fn rules_are_stored_with_every_part() {
    let stored = json!({
        "includeGuests": true,
        "includePendingGuests": false,
        "includeServiceAccounts": true,
        "licensedOnly": true,
        "includeDomains": ["acme.example"],
        "excludeDomains": ["*.old.example"],
        "includeGroups": [group(1)],
        "excludeGroups": [group(2)],
        "attributes": [
            {"attribute": "jobTitle", "operator": "startsWith", "value": "Temp", "effect": "exclude"},
        ],
        "excludePatterns": ["^room-"],
    });
    let rules = rules(stored.clone());
    assert_eq!(json!(rules), stored);
    let scope = rules.compile().unwrap();
    assert_eq!(json!(scope), stored, "a scope is stored as its rules");
    assert_eq!(scope.rules(), &rules);
    assert_eq!(scope, scope.clone());
    assert_ne!(scope, ScopeRules::default().compile().unwrap());
}

#[test]
fn each_part_can_be_overridden_alone() {
    let workspace = rules(json!({
        "includeGuests": true, "excludeDomains": ["old.example"], "excludePatterns": ["^room-"],
    }));
    let attribute = json!({"attribute": "mail", "operator": "equals", "value": "x", "effect": "exclude"});
    for (key, value) in [
        ("includeGuests", json!(false)),
        ("includePendingGuests", json!(false)),
        ("includeServiceAccounts", json!(true)),
        ("licensedOnly", json!(true)),
        ("includeDomains", json!(["acme.example"])),
        ("excludeDomains", json!([])),
        ("includeGroups", json!([group(1)])),
        ("excludeGroups", json!([group(2)])),
        ("attributes", json!([attribute])),
        ("excludePatterns", json!(["^kiosk-"])),
    ] {
        let overrides: ScopeOverrides = serde_json::from_value(json!({key: value})).unwrap();
        assert_eq!(json!(overrides), json!({key: value}), "only what is overridden is stored");
        let mut expected = json!(workspace);
        expected[key] = value;
        assert_eq!(json!(workspace.overridden_by(&overrides)), expected);
    }
}
