use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{Clear, Field, FieldRule, FieldRules, Overwrite};

const ALWAYS: FieldRule = FieldRule { overwrite: Overwrite::Always, clear: Clear::Never };

#[test]
fn the_psas_keys_aliases_and_truthy_forms() {
    let none = FieldRules::default();
    for (config, expected) in [
        (json!({}), none),
        (json!(null), none),
        (json!([1]), none),
        (json!({"displayName": true}), FieldRules { full_name: ALWAYS, ..none }),
        (json!({"display_name": "true"}), FieldRules { full_name: ALWAYS, ..none }),
        (json!({"fullName": true}), FieldRules { full_name: ALWAYS, ..none }),
        (json!({"full_name": 1, "mail": "1"}), FieldRules { full_name: ALWAYS, email: ALWAYS, ..none }),
        (json!({"email": 1.0}), FieldRules { email: ALWAYS, ..none }),
        (json!({"phone": true}), FieldRules { phones: ALWAYS, ..none }),
        (json!({"phoneNumber": true}), FieldRules { phones: ALWAYS, ..none }),
        (json!({"phone_number": true}), FieldRules { phones: ALWAYS, ..none }),
        (json!({"phone": false, "mobilePhone": true}), FieldRules { phones: ALWAYS, ..none }),
        (json!({"mobile_phone": true, "phone": false}), FieldRules { phones: ALWAYS, ..none }),
        (json!({"role": true}), FieldRules { role: ALWAYS, ..none }),
        (json!({"jobTitle": true}), FieldRules { role: ALWAYS, ..none }),
        (json!({"job_title": true}), FieldRules { role: ALWAYS, ..none }),
        (json!({"upn": true}), FieldRules { user_principal_name: ALWAYS, ..none }),
        (json!({"userPrincipalName": true}), FieldRules { user_principal_name: ALWAYS, ..none }),
        (json!({"user_principal_name": true}), FieldRules { user_principal_name: ALWAYS, ..none }),
        (json!({"role": "yes", "upn": 2, "email": "TRUE", "phone": [true]}), none),
        (json!({"markInactiveWhenDisabled": null}), none),
        (json!({"markInactiveWhenDisabled": "true"}), none),
        (
            json!({"markInactiveWhenDisabled": "on"}),
            FieldRules { mark_inactive_when_disabled: false, ..none },
        ),
        (
            json!({"mark_inactive_when_disabled": false}),
            FieldRules { mark_inactive_when_disabled: false, ..none },
        ),
        (json!({"markActiveWhenEnabled": "1"}), FieldRules { mark_active_when_enabled: true, ..none }),
        (json!({"mark_active_when_enabled": true}), FieldRules { mark_active_when_enabled: true, ..none }),
        (json!({"markActiveWhenEnabled": "yes"}), none),
    ] {
        assert_eq!(FieldRules::from_psa(&config), expected, "{config}");
    }
}

#[test]
fn our_keys_and_policies() {
    let none = FieldRules::default();
    let rule =
        |overwrite, clears| FieldRule { overwrite, clear: if clears { Clear::AtOnce } else { Clear::Never } };
    for (config, expected) in [
        (json!({"role": "always"}), FieldRules { role: ALWAYS, ..none }),
        (json!({"role": "never"}), none),
        (json!({"role": "only_if_empty"}), FieldRules { role: Overwrite::OnlyIfEmpty.into(), ..none }),
        (json!({"role": "unless_edited"}), FieldRules { role: Overwrite::UnlessEdited.into(), ..none }),
        (
            json!({"jobTitle": "when_source_changes"}),
            FieldRules { role: Overwrite::WhenSourceChanges.into(), ..none },
        ),
        (json!({"department": true}), FieldRules { department: ALWAYS, ..none }),
        (json!({"office": 1}), FieldRules { office: ALWAYS, ..none }),
        (json!({"officeLocation": "1"}), FieldRules { office: ALWAYS, ..none }),
        (json!({"company": "true"}), FieldRules { company: ALWAYS, ..none }),
        (json!({"companyName": true}), FieldRules { company: ALWAYS, ..none }),
        (
            json!({"role": {"overwrite": "unless_edited", "clear": true}, "allowClearing": true}),
            FieldRules { role: rule(Overwrite::UnlessEdited, true), allow_clearing: true, ..none },
        ),
        (
            json!({"role": {"overwrite": true, "clear": "after_grace"}, "allowClearing": true}),
            FieldRules {
                role: FieldRule { clear: Clear::AfterGrace, ..ALWAYS },
                allow_clearing: true,
                ..none
            },
        ),
        (json!({"phone": {"overwrite": true}}), FieldRules { phones: ALWAYS, ..none }),
        (
            json!({"phone": {"overwrite": "never", "clear": "1"}}),
            FieldRules { phones: rule(Overwrite::Never, true), ..none },
        ),
        (
            json!({"role": false, "jobTitle": "only_if_empty"}),
            FieldRules { role: Overwrite::OnlyIfEmpty.into(), ..none },
        ),
    ] {
        assert_eq!(FieldRules::from_psa(&config), expected, "{config}");
        assert_eq!(FieldRules::parse(&config), Ok(expected), "{config}");
    }
}

#[test]
fn reading_what_is_stored_leaves_out_what_it_does_not_know() {
    let config = json!({
        "role": true, "shoeSize": true, "phone": "sometimes", "office": {"overwrite": "later", "clear": true},
        "department": {"overwrite": {"always": null}}, "allowClearing": "perhaps",
    });
    let office = FieldRule { overwrite: Overwrite::Never, clear: Clear::AtOnce };
    assert_eq!(FieldRules::from_psa(&config), FieldRules { role: ALWAYS, office, ..FieldRules::default() });
}

#[test]
fn what_cannot_be_saved_is_named() {
    for (config, expected) in [
        (json!([]), vec![("", "not_an_object")]),
        (json!(null), vec![("", "not_an_object")]),
        (json!({"shoeSize": true}), vec![("shoeSize", "unknown_key")]),
        (json!({"role": "yes"}), vec![("role", "invalid_value")]),
        (json!({"role": 2}), vec![("role", "invalid_value")]),
        (json!({"job_title": ["always"]}), vec![("job_title", "invalid_value")]),
        (json!({"role": "Always"}), vec![("role", "invalid_value")]),
        (json!({"role": {}}), vec![("role.overwrite", "invalid_value")]),
        (json!({"role": {"clear": true}}), vec![("role.overwrite", "invalid_value")]),
        (json!({"role": {"overwrite": "always", "clear": "maybe"}}), vec![("role.clear", "invalid_value")]),
        (json!({"role": {"overwrite": "always", "when": 1}}), vec![("role.when", "unknown_key")]),
        (json!({"mail": {"overwrite": "always", "clear": true}}), vec![("mail.clear", "not_clearable")]),
        (
            json!({"displayName": {"overwrite": true, "clear": 1}}),
            vec![("displayName.clear", "not_clearable")],
        ),
        (json!({"role": "unless_edited", "jobTitle": true}), vec![("role", "ambiguous_rule")]),
        (json!({"markInactiveWhenDisabled": "no"}), vec![("markInactiveWhenDisabled", "invalid_value")]),
        (json!({"markActiveWhenEnabled": "no"}), vec![("markActiveWhenEnabled", "invalid_value")]),
        (json!({"allowClearing": {}}), vec![("allowClearing", "invalid_value")]),
        (
            json!({"upn": "x", "phones": true, "office": true}),
            vec![("phones", "unknown_key"), ("upn", "invalid_value")],
        ),
    ] {
        let errors = FieldRules::parse(&config).unwrap_err();
        let found: Vec<(&str, &str)> = errors.iter().map(|error| (error.path.as_str(), error.code)).collect();
        assert_eq!(found, expected, "{config}");
        assert!(errors.iter().all(|error| error.message.ends_with('.')), "{errors:?}");
    }
}

#[test]
fn what_the_psa_sends_can_be_saved() {
    for config in [
        json!({}),
        json!({"role": null, "upn": "false", "phone": 0, "mail": "0", "displayName": false}),
        json!({"role": true, "jobTitle": "1", "job_title": false}),
        json!({"displayName": true, "email": false, "phone": true, "role": true, "upn": false,
               "markInactiveWhenDisabled": true}),
    ] {
        assert_eq!(FieldRules::parse(&config), Ok(FieldRules::from_psa(&config)), "{config}");
    }
}

#[test]
fn a_client_overrides_only_what_it_names() {
    let all = FieldRules::from_psa(&json!({
        "role": true, "phone": {"overwrite": "always", "clear": true}, "allowClearing": true,
        "markInactiveWhenDisabled": false,
    }));
    for (config, expected) in [
        (json!({}), all),
        (json!(null), all),
        (json!("role"), all),
        (json!({"role": null}), all),
        (json!({"role": false}), FieldRules { role: FieldRule::default(), ..all }),
        (json!({"job_title": "only_if_empty"}), FieldRules { role: Overwrite::OnlyIfEmpty.into(), ..all }),
        (json!({"phone": true}), FieldRules { phones: ALWAYS, ..all }),
        (json!({"office": true}), FieldRules { office: ALWAYS, ..all }),
        (json!({"allowClearing": false}), FieldRules { allow_clearing: false, ..all }),
        (json!({"mark_inactive_when_disabled": 1}), FieldRules { mark_inactive_when_disabled: true, ..all }),
    ] {
        assert_eq!(all.overridden_by(&config), expected, "{config}");
    }
}

#[test]
fn plain_rules_are_written_as_the_psa_knows_them() {
    let rules = FieldRules {
        full_name: ALWAYS,
        phones: Overwrite::OnlyIfEmpty.into(),
        role: FieldRule { clear: Clear::AtOnce, ..ALWAYS },
        ..FieldRules::default()
    };
    let written = json!({
        "displayName": true, "email": false, "phone": "only_if_empty", "role": {"overwrite": "always", "clear": true},
        "department": false, "office": false, "company": false, "upn": false,
        "markInactiveWhenDisabled": true, "markActiveWhenEnabled": false, "allowClearing": false,
    });
    assert_eq!(serde_json::to_value(rules).unwrap(), written);
}

#[test]
fn fields_are_known_by_all_their_names() {
    for field in Field::ALL {
        assert_eq!(serde_json::to_value(field).unwrap(), Value::from(field.name()));
        assert_eq!(field.name().parse(), Ok(field));
        assert_eq!(field.label().parse(), Ok(field));
        assert!(field.keys().iter().all(|key| key.parse() == Ok(field)));
    }
    let unknown = "shoeSize".parse::<Field>().unwrap_err().to_string();
    assert!(Field::ALL.iter().all(|field| unknown.contains(&format!("`{}`", field.name()))), "{unknown}");
}

fn rules() -> impl Strategy<Value = FieldRules> {
    let overwrite = prop::sample::select(&[
        Overwrite::Always,
        Overwrite::Never,
        Overwrite::OnlyIfEmpty,
        Overwrite::UnlessEdited,
        Overwrite::WhenSourceChanges,
    ]);
    let clear = prop::sample::select(&[Clear::Never, Clear::AfterGrace, Clear::AtOnce]);
    let rule = (overwrite, clear).prop_map(|(overwrite, clear)| FieldRule { overwrite, clear });
    (prop::collection::vec(rule, Field::ALL.len()), any::<[bool; 3]>()).prop_map(
        |(chosen, [mark, active, allow])| {
            let mut rules = FieldRules {
                mark_inactive_when_disabled: mark,
                mark_active_when_enabled: active,
                allow_clearing: allow,
                ..FieldRules::default()
            };
            for (field, rule) in Field::ALL.into_iter().zip(chosen) {
                let clear = if field.is_clearable() { rule.clear } else { Clear::Never };
                *rules.rule_mut(field) = FieldRule { clear, ..rule };
            }
            rules
        },
    )
}

proptest! {
    #[test]
    fn rules_survive_being_written_whatever_stood_there(rules in rules(), before in rules()) {
        let written = serde_json::to_value(rules).unwrap();
        prop_assert_eq!(FieldRules::parse(&written), Ok(rules));
        prop_assert_eq!(before.overridden_by(&written), rules);
    }
}
