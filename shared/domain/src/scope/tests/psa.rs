//! The PSA's filter.

use super::*;

#[test]
fn the_four_lists_are_merged_in_their_order() {
    for (config, patterns) in [
        (json!(null), vec![]),
        (json!({}), vec![]),
        (json!({"excludePatterns": null, "unknown": ["x"]}), vec![]),
        (json!({"excludePatterns": [" ^room- ", "", "  "]}), vec!["^room-"]),
        (
            json!({
                "excludedUpnPatterns": ["d"], "excludeUpnPatterns": ["c"], "excludePatterns": ["b", "a"],
                "exclusionPatterns": ["a"],
            }),
            vec!["a", "b", "c", "d"],
        ),
    ] {
        let rules = ScopeRules::from_psa_filter(&config).unwrap();
        assert_eq!(rules.exclude_patterns, patterns, "{config}");
        assert_eq!(
            rules,
            ScopeRules { exclude_patterns: rules.exclude_patterns.clone(), ..Default::default() }
        );
    }
}

#[test]
fn what_is_no_pattern_is_reported_where_it_stands() {
    for (config, expected) in [
        (json!(["x"]), vec![("userFilterConfig", FaultCode::InvalidType)]),
        (json!({"excludePatterns": "x"}), vec![("userFilterConfig.excludePatterns", FaultCode::InvalidType)]),
        (
            json!({"exclusionPatterns": ["fine", 7, "("], "excludeUpnPatterns": [".*", "("]}),
            vec![
                ("userFilterConfig.exclusionPatterns[1]", FaultCode::InvalidType),
                ("userFilterConfig.exclusionPatterns[2]", FaultCode::InvalidPattern),
                ("userFilterConfig.excludeUpnPatterns[0]", FaultCode::MatchesEverybody),
            ],
        ),
        (
            json!({"excludePatterns": (0..101).map(|number| format!("x{number}y")).collect::<Vec<_>>()}),
            vec![("excludePatterns", FaultCode::TooMany)],
        ),
    ] {
        let invalid = ScopeRules::from_psa_filter(&config).unwrap_err();
        let found: Vec<_> = invalid.faults.iter().map(|fault| (&*fault.field, fault.code)).collect();
        assert_eq!(found, expected, "{config}");
    }
}

#[test]
fn a_pattern_of_the_psa_leaves_out_whom_it_leaves_out_there() {
    let rules =
        ScopeRules::from_psa_filter(&json!({"excludeUpnPatterns": ["^ADM[-_.]", "\\.ext$"]})).unwrap();
    for (name, upn, expected) in [
        ("Ada", "adm.ada@acme.example", "tenant_custom_pattern: ^ADM[-_.]"),
        ("adm-Ada", "ada@acme.example", "tenant_custom_pattern: ^ADM[-_.]"),
        ("Ola", "ola.EXT@acme.example", "tenant_custom_pattern: \\.ext$"),
        ("Adam", "adam@acme.example", "taken"),
    ] {
        assert_eq!(alone(&rules, &person(name, upn)), expected, "{upn}");
    }
}
