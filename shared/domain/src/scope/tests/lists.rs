//! Domains, groups, attributes and patterns.

use super::*;

#[test]
fn domains_of_the_primary_address() {
    for (rule, address, expected) in [
        (json!({"includeDomains": ["acme.example"]}), "mira@acme.example", "taken"),
        (json!({"includeDomains": [" ACME.example. "]}), "mira@Acme.Example", "taken"),
        (json!({"includeDomains": ["acme.example"]}), "mira@sub.acme.example", "domain: includeDomains"),
        (json!({"includeDomains": ["acme.example"]}), "mira@notacme.example", "domain: includeDomains"),
        (json!({"includeDomains": ["*.acme.example"]}), "mira@sub.acme.example", "taken"),
        (json!({"includeDomains": ["*.acme.example"]}), "mira@a.b.acme.example", "taken"),
        (json!({"includeDomains": ["*.acme.example"]}), "mira@acme.example", "domain: includeDomains"),
        (json!({"includeDomains": ["*.acme.example"]}), "mira@notacme.example", "domain: includeDomains"),
        (json!({"includeDomains": ["other.example", "acme.example"]}), "mira@acme.example", "taken"),
        (json!({"includeDomains": ["bücher.example"]}), "mira@xn--bcher-kva.example", "taken"),
        (json!({"excludeDomains": ["bücher.example"]}), "mira@bücher.example", "domain: bücher.example"),
        (json!({"excludeDomains": ["old.example"]}), "mira@old.example", "domain: old.example"),
        (json!({"excludeDomains": ["old.example"]}), "mira@acme.example", "taken"),
        (json!({"excludeDomains": ["*.example"]}), "mira@old.example", "domain: *.example"),
        (json!({"excludeDomains": ["*.example"]}), "mira@acme.test", "taken"),
    ] {
        assert_eq!(alone(&rules(rule.clone()), &person("Mira", address)), expected, "{rule} {address}");
    }
}

#[test]
fn an_excluded_domain_wins_over_an_included_one() {
    let both = rules(json!({"includeDomains": ["*.acme.example"], "excludeDomains": ["lab.acme.example"]}));
    for (address, expected) in [
        ("mira@hq.acme.example", "taken"),
        ("mira@lab.acme.example", "domain: lab.acme.example"),
        ("mira@other.example", "domain: includeDomains"),
    ] {
        assert_eq!(alone(&both, &person("Mira", address)), expected, "{address}");
    }
}

#[test]
fn people_with_an_address_that_microsoft_gave_out_can_be_left_out() {
    let scope = rules(json!({"excludeDomains": ["*.onmicrosoft.com"]}));
    for (raw, expected) in [
        (json!({"mail": "meeting@acme.onmicrosoft.com"}), "domain: *.onmicrosoft.com"),
        (json!({"userPrincipalName": "m@acme.onmicrosoft.com", "mail": "m@acme.example"}), "taken"),
    ] {
        assert_eq!(alone(&scope, &user(raw.clone())), expected, "{raw}");
    }
}

#[test]
fn groups_take_in_and_leave_out() {
    let (staff, board, leavers, unread) = (group(1), group(2), group(3), group(4));
    let mut groups = GroupMembership::default();
    groups.insert(staff, vec![object(9), object(1), object(9)]);
    groups.insert(board, vec![object(2)]);
    groups.insert(leavers, vec![object(1), object(3)]);
    for (include, exclude, number, expected) in [
        (vec![], vec![], 1, "taken".to_owned()),
        (vec![staff], vec![], 1, "taken".to_owned()),
        (vec![staff], vec![], 2, "group: includeGroups".to_owned()),
        (vec![staff, board], vec![], 2, "taken".to_owned()),
        (vec![], vec![leavers], 1, format!("group: {leavers}")),
        (vec![], vec![leavers], 2, "taken".to_owned()),
        (vec![staff], vec![leavers], 1, format!("group: {leavers}")),
        (vec![staff], vec![leavers], 9, "taken".to_owned()),
        (vec![staff], vec![staff], 9, format!("group: {staff}")),
        // A group that was not read decides only where the others leave it open.
        (vec![unread], vec![], 1, format!("unknown_membership: {unread}")),
        (vec![unread, staff], vec![], 1, "taken".to_owned()),
        (vec![unread, staff], vec![], 2, format!("unknown_membership: {unread}")),
        (vec![], vec![unread], 1, format!("unknown_membership: {unread}")),
        (vec![staff], vec![unread], 1, format!("unknown_membership: {unread}")),
        (vec![], vec![unread, leavers], 1, format!("group: {leavers}")),
    ] {
        let rules = rules(json!({"includeGroups": include, "excludeGroups": exclude}));
        let mut somebody = person("Mira", "mira@acme.example");
        somebody.object = object(number);
        assert_eq!(outcome(&rules, &somebody, &groups), expected, "{include:?} {exclude:?} {number}");
    }
}

#[test]
fn the_groups_to_read_are_those_that_rules_name() {
    let rules = rules(json!({
        "includeGroups": [group(3), group(1)], "excludeGroups": [group(2), group(1)],
    }));
    assert_eq!(rules.compile().unwrap().groups(), &BTreeSet::from([group(1), group(2), group(3)]));
    assert!(ScopeRules::default().compile().unwrap().groups().is_empty());
}

#[test]
fn membership_of_a_large_group_is_found() {
    let mut groups = GroupMembership::default();
    let even = |number: u128| object(number * 2);
    groups.insert(group(1), (0..250_000).rev().map(even).collect());
    assert!((0..250_000).all(|number| groups.contains(group(1), even(number))));
    assert!((0..250_000).all(|number| !groups.contains(group(1), object(number * 2 + 1))));
    assert!(!groups.contains(group(2), even(0)));
    assert_eq!((groups.knows(group(1)), groups.knows(group(2))), (true, false));
    assert_eq!(format!("{groups:?}"), format!("{{{}: 250000}}", group(1)));
    groups.insert(group(1), Vec::new());
    assert!(groups.knows(group(1)) && !groups.contains(group(1), even(0)));
}

#[test]
fn attributes_by_operator() {
    for (operator, value, department, fits) in [
        ("equals", "Cleaning", Some("cleaning"), true),
        ("equals", " cleaning  staff ", Some("Cleaning Staff"), true),
        ("equals", "Cleaning", Some("Cleaning Staff"), false),
        ("equals", "Renhold", Some("Cleaning"), false),
        ("equals", "ØKONOMI", Some("økonomi"), true),
        ("equals", "Cafe\u{301}", Some("CAFÉ"), true),
        ("startsWith", "clean", Some("Cleaning"), true),
        ("startsWith", "staff", Some("Cleaning Staff"), false),
        ("contains", "STAFF", Some("Cleaning Staff"), true),
        ("contains", "a.f", Some("Cleaning Staff"), false),
        ("matches", "^clean(ing|ers)$", Some("CLEANERS"), true),
        ("matches", "staff", Some("Cleaning Staff"), true),
        ("matches", "^staff", Some("Cleaning Staff"), false),
        ("matches", ".*", Some("Anything"), true),
        ("equals", "x", None, false),
        ("startsWith", "x", None, false),
        ("contains", "x", None, false),
        ("matches", ".*", None, false),
    ] {
        for (effect, expected) in [
            (
                "exclude",
                if fits { format!("attribute: department {operator} `{value}`") } else { "taken".into() },
            ),
            ("include", if fits { "taken" } else { "attribute: attributes" }.to_owned()),
        ] {
            let rule =
                json!({"attribute": "department", "operator": operator, "value": value, "effect": effect});
            let mira = user(json!({"mail": "mira@acme.example", "department": department}));
            assert_eq!(
                alone(&rules(json!({"attributes": [rule]})), &mira),
                expected,
                "{rule} {department:?}"
            );
        }
    }
}

#[test]
fn every_attribute_is_its_own() {
    let names = [
        "companyName",
        "department",
        "displayName",
        "givenName",
        "jobTitle",
        "mail",
        "officeLocation",
        "surname",
        "userPrincipalName",
    ];
    for name in names {
        let rule = json!({"attribute": name, "operator": "startsWith", "value": "odd", "effect": "exclude"});
        let rules = rules(json!({"attributes": [rule]}));
        for other in names {
            let mut raw = json!({"mail": "mira@acme.example", "userPrincipalName": "mira@acme.example"});
            raw[other] = json!("odd@acme.example");
            let expected =
                if name == other { format!("attribute: {name} startsWith `odd`") } else { "taken".into() };
            assert_eq!(alone(&rules, &user(raw)), expected, "{name} {other}");
        }
    }
}

#[test]
fn of_several_including_attributes_one_is_enough_and_exclusion_wins() {
    let rule = |attribute: &str, value: &str, effect: &str| json!({"attribute": attribute, "operator": "equals", "value": value, "effect": effect});
    let rules = rules(json!({"attributes": [
        rule("department", "Sales", "include"),
        rule("officeLocation", "Oslo", "include"),
        rule("jobTitle", "Temp", "exclude"),
    ]}));
    for (department, office, title, expected) in [
        ("Sales", "Oslo", "Lead", "taken"),
        ("Sales", "Bergen", "Lead", "taken"),
        ("IT", "Oslo", "Lead", "taken"),
        ("IT", "Bergen", "Lead", "attribute: attributes"),
        ("Sales", "Oslo", "temp", "attribute: jobTitle equals `Temp`"),
        ("IT", "Bergen", "temp", "attribute: jobTitle equals `Temp`"),
    ] {
        let raw = json!({
            "mail": "mira@acme.example", "department": department, "officeLocation": office, "jobTitle": title,
        });
        assert_eq!(alone(&rules, &user(raw)), expected, "{department} {office} {title}");
    }
}

#[test]
fn patterns_look_at_four_texts_whatever_the_case() {
    for (pattern, raw, hits) in [
        ("^room-", json!({"userPrincipalName": "Room-1@acme.example"}), true),
        ("^room-", json!({"userPrincipalName": "x@acme.example", "mail": "room-1@acme.example"}), true),
        ("^room-", json!({"userPrincipalName": "x@acme.example", "displayName": "ROOM-1"}), true),
        ("^room-", json!({"userPrincipalName": "mushroom-1@acme.example"}), false),
        ("room", json!({"userPrincipalName": "mushroom-1@acme.example"}), true),
        ("^room$", json!({"userPrincipalName": "room@acme.example"}), true),
        ("^room$", json!({"userPrincipalName": "x@acme.example", "mail": "room@acme.example"}), false),
        ("@acme\\.example$", json!({"userPrincipalName": "x@acme.example"}), true),
        ("MØTEROM", json!({"userPrincipalName": "x@acme.example", "displayName": "Møterom 2"}), true),
        ("\\bkiosk\\b", json!({"userPrincipalName": "x@acme.example", "displayName": "Lobby Kiosk"}), true),
        ("kiosk", json!({"userPrincipalName": "x@acme.example", "jobTitle": "kiosk"}), false),
    ] {
        let expected = if hits { format!("tenant_custom_pattern: {pattern}") } else { "taken".into() };
        let rules = rules(json!({"excludePatterns": [pattern]}));
        assert_eq!(alone(&rules, &user(raw.clone())), expected, "{raw}");
    }
}

#[test]
fn of_several_patterns_the_first_in_the_list_is_named() {
    let rules = rules(json!({"excludePatterns": ["nobody", "mira", "@acme", "m"]}));
    assert_eq!(alone(&rules, &person("Mira", "mira@acme.example")), "tenant_custom_pattern: mira");
    assert_eq!(alone(&rules, &person("Mira", "x@acme.example")), "tenant_custom_pattern: mira");
    assert_eq!(alone(&rules, &person("Ola", "ola@acme.example")), "tenant_custom_pattern: @acme");
}

/// Patterns that take a backtracking engine longer than the universe exists, on texts as long as
/// they get.
#[test]
fn no_pattern_can_hang_a_sync() {
    let name = "a".repeat(255) + "!";
    for pattern in ["(a+)+$", "(a|aa)+$", "(a*)*b", "^(([a-z])+.)+[0-9]([a-z])+$", "(.*a){20}b"] {
        let rules = rules(json!({"excludePatterns": [pattern]}));
        assert_eq!(alone(&rules, &person(&name, "ino@acme.test")), "taken", "{pattern}");
    }
}
