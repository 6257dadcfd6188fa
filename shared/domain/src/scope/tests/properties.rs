//! What holds for all rules and all people.

use std::{collections::BTreeMap, fmt, rc::Rc};

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use super::*;
use crate::user::{RawUser, UserKind};

const DOMAINS: [&str; 4] = ["acme.example", "lab.acme.example", "other.example", "acme.onmicrosoft.com"];
const NAMES: [&str; 6] = ["mira", "ola", "svc-x", "no-reply", "room-1", "ann"];
const DEPARTMENTS: [&str; 3] = ["Sales", "sales north", "IT"];
const LITERALS: [&str; 5] = ["mira", "room", "SALES", "lab", "x"];
const GROUPS: u128 = 4;

fn pick<T: Clone + fmt::Debug + 'static>(pool: &'static [T]) -> impl Strategy<Value = T> {
    prop::sample::select(pool)
}

fn domain_rule() -> impl Strategy<Value = String> {
    pick(&["acme.example", "*.acme.example", "other.example", "*.example", "*.com"]).prop_map(str::to_owned)
}

fn group_rule() -> impl Strategy<Value = GroupId> {
    (0..GROUPS).prop_map(group)
}

fn attribute_rule(effect: impl Strategy<Value = Effect>) -> impl Strategy<Value = AttributeRule> {
    let attribute = pick(&[Attribute::Department, Attribute::DisplayName, Attribute::JobTitle]);
    let operator = pick(&[
        AttributeOperator::Contains,
        AttributeOperator::Equals,
        AttributeOperator::Matches,
        AttributeOperator::StartsWith,
    ]);
    (attribute, operator, pick(&LITERALS), effect).prop_map(|(attribute, operator, value, effect)| {
        AttributeRule { attribute, operator, value: value.to_owned(), effect }
    })
}

fn effect() -> impl Strategy<Value = Effect> {
    pick(&[Effect::Exclude, Effect::Include])
}

fn pattern() -> impl Strategy<Value = String> {
    pick(&LITERALS).prop_map(str::to_owned)
}

fn some<T: fmt::Debug>(element: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<T>> {
    // Often none, so that a person has a chance to get through.
    prop_oneof![2 => Just(0..=0), 1 => Just(1..=3)].prop_flat_map({
        let element = Rc::new(element);
        move |size| prop::collection::vec(element.clone(), size)
    })
}

fn any_rules() -> impl Strategy<Value = ScopeRules> {
    let domains = (some(domain_rule()), some(domain_rule()));
    let groups = (some(group_rule()), some(group_rule()));
    let others = (some(attribute_rule(effect())), some(pattern()));
    (any::<[bool; 3]>(), prop::bool::weighted(0.2), domains, groups, others).prop_map(
        |(switches, licensed_only, domains, groups, others)| ScopeRules {
            include_guests: switches[0],
            include_pending_guests: switches[1],
            include_service_accounts: switches[2],
            licensed_only,
            include_domains: domains.0,
            exclude_domains: domains.1,
            include_groups: groups.0,
            exclude_groups: groups.1,
            attributes: others.0,
            exclude_patterns: others.1,
        },
    )
}

fn somebody() -> impl Strategy<Value = DirectoryUser> {
    let kind =
        prop_oneof![8 => Just(None), 1 => Just(Some("Accepted")), 1 => Just(Some("PendingAcceptance"))];
    let licences = pick(&[None, Some(0), Some(1), Some(2)]);
    let mail = prop::option::weighted(0.9, (pick(&NAMES), pick(&DOMAINS)));
    (1..=6_u128, mail, prop::option::of(pick(&DEPARTMENTS)), pick(&NAMES), kind, licences).prop_map(
        |(number, mail, department, name, state, license_count)| {
            let raw = RawUser {
                display_name: Some(name.to_owned()),
                user_principal_name: Some(format!("{name}@acme.onmicrosoft.com")),
                mail: mail.map(|(local, domain)| format!("{local}@{domain}")),
                department: department.map(str::to_owned),
                job_title: department.map(str::to_uppercase),
                external_user_state: state.map(str::to_owned),
                license_count,
                ..RawUser::default()
            };
            DirectoryUser::new(object(number), raw)
        },
    )
}

/// Groups of which some were not read.
fn membership() -> impl Strategy<Value = GroupMembership> {
    let members = prop::collection::vec((1..=6_u128).prop_map(object), 0..4);
    prop::collection::btree_map(group_rule(), members, 1..=GROUPS as usize).prop_map(|read| {
        let mut groups = GroupMembership::default();
        for (group, members) in read {
            groups.insert(group, members);
        }
        groups
    })
}

/// Rules that let everybody in who has an address.
fn open() -> ScopeRules {
    rules(json!({"includeGuests": true, "includeServiceAccounts": true}))
}

/// The one rule of `rules` that `excluded` names, in otherwise open ones.
fn only(excluded: &Excluded, rules: &ScopeRules) -> ScopeRules {
    let detail = || excluded.detail.clone().expect("a detail");
    let group = || detail().parse::<GroupId>().unwrap();
    let mut one = open();
    match excluded.reason {
        Exclusion::Guest => one.include_guests = false,
        Exclusion::PendingInvitation => one.include_pending_guests = false,
        Exclusion::ServiceAccount => one.include_service_accounts = false,
        Exclusion::Unlicensed | Exclusion::UnknownLicence => one.licensed_only = true,
        Exclusion::Pattern => one.exclude_patterns = vec![detail()],
        Exclusion::Domain if detail() == "includeDomains" => {
            one.include_domains.clone_from(&rules.include_domains);
        }
        Exclusion::Domain => one.exclude_domains = vec![detail()],
        Exclusion::Group if detail() == "includeGroups" => {
            one.include_groups.clone_from(&rules.include_groups);
        }
        Exclusion::Group => one.exclude_groups = vec![group()],
        Exclusion::UnknownMembership if rules.exclude_groups.contains(&group()) => {
            one.exclude_groups = vec![group()];
        }
        Exclusion::UnknownMembership => one.include_groups = vec![group()],
        Exclusion::Attribute => {
            let is_named = |rule: &&AttributeRule| match rule.effect {
                Effect::Exclude => rule.to_string() == detail(),
                Effect::Include => detail() == "attributes",
            };
            one.attributes = rules.attributes.iter().filter(is_named).cloned().collect();
        }
        Exclusion::MissingIdentity => {}
        other => panic!("{other:?} is not for the scope to say"),
    }
    one
}

/// Whether every rule lets the person through, each read literally and in no order.
fn is_taken(rules: &ScopeRules, user: &DirectoryUser, groups: &GroupMembership) -> bool {
    let addresses = user.addresses(&verified());
    let Some(domain) = addresses.primary.as_ref().map(|address| address.domain().to_owned()) else {
        return false;
    };
    let in_domain = |rule: &String| match rule.strip_prefix('*') {
        Some(suffix) => domain.ends_with(suffix),
        None => domain == *rule,
    };
    let lower = |text: &Option<String>| text.clone().unwrap_or_default().to_lowercase();
    // The literals hold nothing a regular expression would read otherwise.
    let fits = |rule: &AttributeRule| {
        let text = match rule.attribute {
            Attribute::Department => lower(&user.department),
            Attribute::DisplayName => lower(&user.display_name),
            _ => lower(&user.job_title),
        };
        let value = rule.value.to_lowercase();
        match rule.operator {
            AttributeOperator::Contains | AttributeOperator::Matches => text.contains(&value),
            AttributeOperator::Equals => text == value,
            AttributeOperator::StartsWith => text.starts_with(&value),
        }
    };
    let texts = [&user.user_principal_name, &user.mail, &user.display_name].map(lower);
    let hit = |pattern: &String| texts.iter().any(|text| text.contains(&pattern.to_lowercase()));
    let member = |group: &GroupId| groups.contains(*group, user.object);
    let (include, exclude): (Vec<_>, Vec<_>) =
        rules.attributes.iter().partition(|rule| rule.effect == Effect::Include);
    let looks_like_a_service =
        ["svc-x", "no-reply"].iter().any(|name| texts.iter().any(|text| text.starts_with(name)));

    (rules.include_guests || user.kind == UserKind::Member)
        && (rules.include_pending_guests || !user.pending_invitation)
        && (rules.include_service_accounts || !looks_like_a_service)
        && !rules.exclude_patterns.iter().any(hit)
        && !rules.exclude_domains.iter().any(in_domain)
        && (rules.include_domains.is_empty() || rules.include_domains.iter().any(in_domain))
        && !exclude.into_iter().any(fits)
        && (include.is_empty() || include.into_iter().any(fits))
        && !rules.exclude_groups.iter().any(|group| member(group) || !groups.knows(*group))
        && (rules.include_groups.is_empty() || rules.include_groups.iter().any(member))
        && (!rules.licensed_only || user.license_count.is_some_and(|count| count > 0))
}

/// One more rule that excludes.
#[derive(Clone, Debug)]
enum Added {
    Attribute(AttributeRule),
    Domain(String),
    Group(GroupId),
    Pattern(String),
}

impl Added {
    fn to(self, mut rules: ScopeRules) -> ScopeRules {
        match self {
            Self::Attribute(rule) => rules.attributes.push(rule),
            Self::Domain(domain) => rules.exclude_domains.insert(0, domain),
            Self::Group(group) => rules.exclude_groups.push(group),
            Self::Pattern(pattern) => rules.exclude_patterns.insert(0, pattern),
        }
        rules
    }
}

fn added() -> impl Strategy<Value = Added> {
    prop_oneof![
        attribute_rule(Just(Effect::Exclude)).prop_map(Added::Attribute),
        domain_rule().prop_map(Added::Domain),
        group_rule().prop_map(Added::Group),
        pattern().prop_map(Added::Pattern),
    ]
}

fn overrides() -> impl Strategy<Value = ScopeOverrides> {
    (any_rules(), any::<[bool; 10]>()).prop_map(|(rules, on)| ScopeOverrides {
        include_guests: on[0].then_some(rules.include_guests),
        include_pending_guests: on[1].then_some(rules.include_pending_guests),
        include_service_accounts: on[2].then_some(rules.include_service_accounts),
        licensed_only: on[3].then_some(rules.licensed_only),
        include_domains: on[4].then_some(rules.include_domains),
        exclude_domains: on[5].then_some(rules.exclude_domains),
        include_groups: on[6].then_some(rules.include_groups),
        exclude_groups: on[7].then_some(rules.exclude_groups),
        attributes: on[8].then_some(rules.attributes),
        exclude_patterns: on[9].then_some(rules.exclude_patterns),
    })
}

/// Text that is often nearly a regular expression.
fn nearly_a_pattern() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c()\\[\\]{}*+?|^$.\\\\0-9,:=!<>-]{0,40}", ".{0,60}", "\\\\[a-zA-Z]{1,3}[*+{]{0,2}"]
}

/// The laws below say something only when people and rules are made that meet every case.
#[test]
fn every_reason_occurs_and_many_are_taken() {
    let mut runner = TestRunner::deterministic();
    let mut reasons: BTreeMap<Option<Exclusion>, u32> = BTreeMap::new();
    for _ in 0..5_000 {
        let scene = (any_rules(), somebody(), membership()).new_tree(&mut runner).unwrap();
        let (rules, user, groups) = scene.current();
        *reasons.entry(exclusion(&rules, &user, &groups).map(|excluded| excluded.reason)).or_default() += 1;
    }
    assert!(reasons.len() == 12 && reasons.values().all(|count| *count > 20), "{reasons:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn whoever_is_left_out_is_told_a_rule_that_leaves_them_out_on_its_own(
        rules in any_rules(), user in somebody(), groups in membership(),
    ) {
        if let Some(excluded) = exclusion(&rules, &user, &groups) {
            prop_assert_eq!(exclusion(&only(&excluded, &rules), &user, &groups), Some(excluded));
        }
    }

    #[test]
    fn everybody_is_either_taken_by_all_rules_or_left_out_by_one(
        rules in any_rules(), user in somebody(), groups in membership(),
    ) {
        prop_assert_eq!(exclusion(&rules, &user, &groups).is_none(), is_taken(&rules, &user, &groups));
    }

    #[test]
    fn one_more_rule_that_excludes_takes_nobody_in(
        rules in any_rules(), added in added(), user in somebody(), groups in membership(),
    ) {
        if exclusion(&rules, &user, &groups).is_some() {
            prop_assert!(exclusion(&added.to(rules), &user, &groups).is_some());
        }
    }

    #[test]
    fn the_order_of_a_list_changes_no_reason(
        rules in any_rules(), user in somebody(), groups in membership(),
    ) {
        let mut turned = rules.clone();
        turned.include_domains.reverse();
        turned.exclude_domains.reverse();
        turned.include_groups.reverse();
        turned.exclude_groups.reverse();
        turned.attributes.reverse();
        turned.exclude_patterns.reverse();
        let reason = |rules: &ScopeRules| exclusion(rules, &user, &groups).map(|excluded| excluded.reason);
        prop_assert_eq!(reason(&turned), reason(&rules));
    }

    #[test]
    fn overriding_with_nothing_changes_nothing(rules in any_rules()) {
        prop_assert_eq!(&rules.overridden_by(&ScopeOverrides::default()), &rules);
    }

    #[test]
    fn overriding_twice_is_overriding_once(rules in any_rules(), other in any_rules(), overrides in overrides()) {
        let once = rules.overridden_by(&overrides);
        prop_assert_eq!(&once.overridden_by(&overrides), &once);
        let stored: ScopeOverrides = serde_json::from_value(json!(overrides)).unwrap();
        prop_assert_eq!(&stored, &overrides);
        let everything: ScopeOverrides = serde_json::from_value(json!(other)).unwrap();
        prop_assert_eq!(rules.overridden_by(&everything), other);
    }

    #[test]
    fn whatever_is_written_compiles_or_is_reported_where_it_stands(text in nearly_a_pattern(), name in ".{0,40}") {
        let attribute = json!({
            "attribute": "displayName", "operator": "matches", "value": text, "effect": "exclude",
        });
        let written = rules(json!({
            "excludePatterns": ["fine", text], "attributes": [attribute], "includeDomains": [text],
        }));
        let fields = ["excludePatterns[1]", "attributes[0].value", "includeDomains[0]"];
        match written.compile() {
            Ok(_) => {
                let mira = person(&name, "mira@acme.example");
                prop_assert_eq!(alone(&written, &mira), alone(&written, &mira));
            }
            Err(invalid) => {
                for fault in &invalid.faults {
                    prop_assert!(fields.contains(&&*fault.field), "{}", fault.field);
                    prop_assert!(fault.message.ends_with('.') && !fault.message.contains('\n'), "{}", fault.message);
                }
            }
        }
        let only_pattern = rules(json!({"excludePatterns": [text.trim()]}));
        let from_psa = ScopeRules::from_psa_filter(&json!({"excludePatterns": [text]}));
        if text.trim().is_empty() {
            prop_assert_eq!(from_psa, Ok(ScopeRules::default()));
        } else {
            prop_assert_eq!(from_psa.is_ok(), only_pattern.compile().is_ok());
        }
    }

    #[test]
    fn a_usable_pattern_decides_about_everybody(pattern in nearly_a_pattern(), name in ".{0,300}", upn in ".{0,80}") {
        let raw = json!({"displayName": name, "userPrincipalName": upn, "mail": "mira@acme.example"});
        let user = user(raw);
        if let Ok(scope) = rules(json!({"excludePatterns": [pattern]})).compile() {
            let groups = GroupMembership::default();
            let excluded = scope.exclusion(&user, &user.addresses(&verified()), &groups);
            let named = excluded.filter(|excluded| excluded.reason == Exclusion::Pattern);
            prop_assert!(named.is_none_or(|excluded| excluded.detail == Some(pattern)));
        }
    }
}
