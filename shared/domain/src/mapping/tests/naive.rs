//! The indexed matcher against one that compares every pair.

use std::{cmp::Reverse, collections::BTreeSet};

use proptest::prelude::*;

use super::*;

/// The rules, written down again without any index.
fn naive(clients: &[ClientFacts], tenant: &TenantFacts) -> Suggestion {
    let mut clients: Vec<&ClientFacts> = clients.iter().collect();
    clients.sort_by_key(|client| (client.name.clone(), client.client));
    let mut verified = tenant.verified_domains.clone();
    verified.sort();
    verified.splice(0..0, tenant.default_domain.clone());
    verified.retain(DomainName::identifies_a_company);
    let owned = |list: &[DomainName]| verified.iter().find(|name| list.contains(name)).cloned();

    let strong: Vec<&&ClientFacts> = clients
        .iter()
        .filter(|client| {
            client.entra_tenant == Some(tenant.entra_tenant) || owned(&client.primary_domains).is_some()
        })
        .collect();
    let stored: Vec<&&ClientFacts> =
        clients.iter().filter(|client| client.entra_tenant == Some(tenant.entra_tenant)).collect();
    let nobody_owns = clients.iter().all(|client| owned(&client.primary_domains).is_none());
    let sole = match (&stored[..], &strong[..]) {
        ([one], _) if nobody_owns || owned(&one.primary_domains).is_some() => Some(*one),
        ([], [one]) => Some(*one),
        _ => None,
    };

    let mut alike: Vec<(f64, usize)> = Vec::new();
    for (place, client) in clients.iter().enumerate() {
        let score = dice(tenant.display_name.as_deref().unwrap_or_default(), &client.name);
        if score >= 0.58 {
            alike.push(((score * 10_000.0).round() / 10_000.0, place));
        }
    }
    alike.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    alike.truncate(5);

    let mut candidates = Vec::new();
    for (place, client) in clients.iter().enumerate() {
        let exact = owned(&client.primary_domains);
        let secondary = owned(&client.secondary_domains);
        let fuzzy = alike.iter().find(|(_, other)| *other == place).map(|(score, _)| *score);
        let (score, reason, matched_domain) = if client.entra_tenant == Some(tenant.entra_tenant) {
            (1.0, Reason::StoredTenant, exact)
        } else if exact.is_some() {
            (1.0, Reason::ExactDomain, exact)
        } else if secondary.is_some() && fuzzy.is_none_or(|score| score <= 0.88) {
            (0.88, Reason::SecondaryDomain, secondary)
        } else if let Some(score) = fuzzy {
            (score, Reason::FuzzyName, None)
        } else {
            continue;
        };
        let candidate = Candidate {
            client: client.client,
            client_name: client.name.clone(),
            score: Score::try_from(score).unwrap(),
            reason,
            matched_domain,
            inactive: client.inactive,
        };
        if !client.inactive && sole.is_some_and(|sole| sole.client == client.client) {
            return Suggestion::AutoMatched(candidate);
        }
        candidates.push(candidate);
    }
    candidates.sort_by_key(|candidate| Reverse(candidate.score));
    if candidates.is_empty() { Suggestion::Unmatched } else { Suggestion::Candidates(candidates) }
}

fn dice(a: &str, b: &str) -> f64 {
    let set = |name: &str| -> BTreeSet<String> {
        let letters: Vec<char> = company_key(name).chars().collect();
        let width = letters.len().min(2);
        if width == 0 {
            return BTreeSet::new();
        }
        letters.windows(width).map(|pair| pair.iter().collect()).collect()
    };
    let (a, b) = (set(a), set(b));
    let shared = u32::try_from(a.intersection(&b).count()).unwrap();
    let total = u32::try_from(a.len() + b.len()).unwrap();
    if total == 0 { 0.0 } else { 2.0 * f64::from(shared) / f64::from(total) }
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::collection::vec(
            prop::sample::select(vec!["wide", "world", "north", "wind", "東京", "inc", "é"]),
            0..4
        )
        .prop_map(|words| words.join(" ")),
        "[abc ]{0,9}",
    ]
}

fn some_domains() -> impl Strategy<Value = Vec<DomainName>> {
    let pool = ["a.example", "b.example", "m.a.example", "c.example", "gmail.com", "x.onmicrosoft.com"];
    prop::collection::vec(prop::sample::select(pool.map(domain).to_vec()), 0..3)
}

prop_compose! {
    fn some_clients()(parts in prop::collection::vec(
        (names(), some_domains(), some_domains(), prop::bool::weighted(0.2), prop::option::weighted(0.2, 1..4_u128)),
        0..12,
    )) -> Vec<ClientFacts> {
        (1..).zip(parts).map(|(number, (name, primary_domains, secondary_domains, inactive, stored))| ClientFacts {
            client: client_id(number),
            name,
            primary_domains,
            secondary_domains,
            inactive,
            entra_tenant: stored.map(tenant_id),
        }).collect()
    }
}

prop_compose! {
    fn some_tenant()(
        number in 1..5_u128,
        display_name in prop::option::of(names()),
        default_domain in prop::option::of(some_domains()),
        verified_domains in some_domains(),
    ) -> TenantFacts {
        let default_domain = default_domain.and_then(|list| list.into_iter().next());
        TenantFacts { display_name, default_domain, verified_domains, ..tenant(number, "", "") }
    }
}

proptest! {
    #[test]
    fn the_index_finds_what_comparing_every_pair_finds(clients in some_clients(), tenant in some_tenant()) {
        prop_assert_eq!(Matcher::new(&clients).suggest(&tenant), naive(&clients, &tenant));
    }

    #[test]
    fn the_answer_depends_on_no_order_and_is_the_same_twice(
        (clients, shuffled) in some_clients().prop_flat_map(|clients| {
            (Just(clients.clone()), Just(clients).prop_shuffle())
        }),
        tenant in some_tenant(),
    ) {
        let matcher = Matcher::new(&clients);
        let answer = matcher.suggest(&tenant);
        prop_assert_eq!(matcher.suggest(&tenant), answer.clone());
        let mut turned = tenant.clone();
        turned.verified_domains.reverse();
        prop_assert_eq!(Matcher::new(&shuffled).suggest(&turned), answer);
    }
}
