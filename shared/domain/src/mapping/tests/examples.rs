//! One example per rule.

use super::*;

/// The suggestion in one line: `auto` or `choose`, then client number, score, reason and domain.
fn show(suggestion: &Suggestion) -> String {
    let line = |candidate: &Candidate| {
        let number = candidate.client.uuid().as_u128();
        let domain = candidate.matched_domain.as_ref().map(|domain| format!(":{domain}")).unwrap_or_default();
        let inactive = if candidate.inactive { ":inactive" } else { "" };
        format!("{number}:{}:{}{domain}{inactive}", candidate.score.value(), candidate.reason.as_str())
    };
    match suggestion {
        Suggestion::AutoMatched(candidate) => format!("auto {}", line(candidate)),
        Suggestion::Candidates(candidates) => {
            format!("choose {}", candidates.iter().map(line).collect::<Vec<_>>().join(" "))
        }
        Suggestion::Unmatched => "none".to_owned(),
    }
}

#[track_caller]
fn check(clients: &[ClientFacts], tenant: &TenantFacts, expected: &str) {
    assert_eq!(show(&Matcher::new(clients).suggest(tenant)), expected);
}

fn inactive(client: ClientFacts) -> ClientFacts {
    ClientFacts { inactive: true, ..client }
}

fn stored(client: ClientFacts, tenant: u128) -> ClientFacts {
    ClientFacts { entra_tenant: Some(tenant_id(tenant)), ..client }
}

#[test]
fn one_owner_of_a_domain_is_matched_whatever_else_is_alike() {
    let clients = [
        client(1, "Alpha", "contoso.com", ""),
        client(2, "Contoso", "", "contoso.com"),
        client(3, "Contoso Ltd", "", ""),
    ];
    check(&clients, &tenant(9, "Contoso", "contoso.com"), "auto 1:1:exact_domain:contoso.com");
}

#[test]
fn several_owners_are_a_choice_by_name_then_id() {
    let clients = [
        client(3, "Beta", "contoso.com", ""),
        client(2, "Alpha", "contoso.com", ""),
        client(1, "Beta", "contoso.com contoso.com", ""),
    ];
    check(
        &clients,
        &tenant(9, "Zulu", "contoso.com"),
        "choose 2:1:exact_domain:contoso.com 1:1:exact_domain:contoso.com 3:1:exact_domain:contoso.com",
    );
}

#[test]
fn every_verified_domain_counts_and_the_default_one_is_named_first() {
    let clients = [client(1, "Alpha", "a.example contoso.com", ""), client(2, "Beta", "b.example", "")];
    for (verified, expected) in [
        ("contoso.com a.example", "auto 1:1:exact_domain:contoso.com"),
        ("a.example contoso.com", "auto 1:1:exact_domain:a.example"),
        ("other.example z.example contoso.com", "auto 1:1:exact_domain:contoso.com"),
        ("contoso.onmicrosoft.com a.example", "auto 1:1:exact_domain:a.example"),
        ("contoso.com b.example", "choose 1:1:exact_domain:contoso.com 2:1:exact_domain:b.example"),
    ] {
        check(&clients, &tenant(9, "Zulu", verified), expected);
    }
    let only_default = TenantFacts { verified_domains: Vec::new(), ..tenant(9, "Zulu", "a.example") };
    check(&clients, &only_default, "auto 1:1:exact_domain:a.example");
}

#[test]
fn domains_that_belong_to_nobody_never_count() {
    for name in ["contoso.onmicrosoft.com", "gmail.com"] {
        check(&[client(1, "Alpha", name, ""), client(2, "Beta", "", name)], &tenant(9, "Zulu", name), "none");
    }
}

#[test]
fn a_sub_domain_is_not_its_parent() {
    let clients = [client(1, "Alpha", "contoso.com", ""), client(2, "Beta", "x.mail.contoso.com", "")];
    check(&clients, &tenant(9, "Zulu", "mail.contoso.com"), "none");
}

#[test]
fn mail_domains_and_names_are_a_choice_even_when_there_is_one() {
    let clients = [client(1, "Alpha", "", "contoso.com")];
    check(&clients, &tenant(9, "Zulu", "contoso.com"), "choose 1:0.88:secondary_domain:contoso.com");
    check(&clients, &tenant(9, "Alpha", "other.example"), "choose 1:1:fuzzy_name");
    check(&clients, &tenant(9, "Alpha", "contoso.com"), "choose 1:1:fuzzy_name");
    check(
        &[client(1, "Alphabets", "", "contoso.com")],
        &tenant(9, "Alphabet", "contoso.com"),
        "choose 1:0.9333:fuzzy_name",
    );
    check(
        &[client(1, "Alphabetical", "", "contoso.com")],
        &tenant(9, "Alphabet", "contoso.com"),
        "choose 1:0.88:secondary_domain:contoso.com",
    );
}

#[test]
fn the_threshold_is_compared_before_rounding() {
    // Names whose character pairs are all different: `shared` pairs in common of `total`.
    let letters: Vec<char> = ('\u{4E00}'..).take(200).collect();
    let name = |from: usize, pairs: usize| letters[from..=from + pairs].iter().collect::<String>();
    for (size, other, shared, expected) in [
        (50, 50, 29, "choose 1:0.58:fuzzy_name"),
        (50, 50, 28, "none"),
        (50, 51, 29, "none"),
        (29, 71, 29, "choose 1:0.58:fuzzy_name"),
        (71, 29, 29, "choose 1:0.58:fuzzy_name"),
        (28, 71, 28, "none"),
        (3, 4, 2, "none"),
        (4, 4, 2, "none"),
        (3, 3, 2, "choose 1:0.6667:fuzzy_name"),
        // 0.57999… shows as 0.58 and is still below.
        (75, 82, 45, "none"),
        (1, 1, 1, "choose 1:1:fuzzy_name"),
    ] {
        let clients = [client(1, &name(size - shared, other), "", "")];
        let tenant = tenant(9, &name(0, size), "");
        let found = show(&Matcher::new(&clients).suggest(&tenant));
        assert_eq!(found, expected, "{size} and {other} pairs, {shared} shared");
    }
}

#[test]
fn names_are_compared_across_spellings() {
    for (tenant_name, client_name, expected) in [
        ("Contoso, Inc.", "CONTOSO", "choose 1:1:fuzzy_name"),
        ("Wide World", "World Wide", "choose 1:0.8889:fuzzy_name"),
        ("Ab", "ABBA", "none"),
        ("Müller & Söhne GmbH & Co. KG", "Muller Sohne", "choose 1:1:fuzzy_name"),
        ("Société Générale SA", "Societe Generale", "choose 1:1:fuzzy_name"),
        ("ООО «Ромашка»", "ооо ромашка", "choose 1:1:fuzzy_name"),
        ("Ромашка", "ООО «Ромашка»", "choose 1:0.8:fuzzy_name"),
        ("東京電力", "東京電力 株式会社", "choose 1:1:fuzzy_name"),
        ("東京", "京東", "none"),
        ("X", "x", "choose 1:1:fuzzy_name"),
        ("X", "Xylophone", "none"),
        ("!!!", "???", "none"),
        ("Inc", "Ltd", "none"),
    ] {
        let clients = [client(1, client_name, "", "")];
        let found = show(&Matcher::new(&clients).suggest(&tenant(9, tenant_name, "")));
        assert_eq!(found, expected, "{tenant_name} and {client_name}");
    }
    let nameless = TenantFacts { display_name: None, ..tenant(9, "", "") };
    check(&[client(1, "Alpha", "", ""), client(2, "", "", "")], &nameless, "none");
}

#[test]
fn the_best_five_names_are_offered_and_weaker_reasons_come_later() {
    let mut clients: Vec<_> = (1..=7).map(|number| client(number, "Northwind", "", "")).collect();
    clients.push(client(8, "Alpha", "", "northwind.example"));
    check(
        &clients,
        &tenant(9, "Northwind Traders", "northwind.example"),
        "choose 8:0.88:secondary_domain:northwind.example 1:0.6667:fuzzy_name 2:0.6667:fuzzy_name \
         3:0.6667:fuzzy_name 4:0.6667:fuzzy_name 5:0.6667:fuzzy_name",
    );
}

#[test]
fn an_inactive_client_is_shown_but_never_matched() {
    let former = inactive(client(1, "Contoso", "contoso.com", ""));
    let tenant = tenant(9, "Zulu", "contoso.com");
    check(std::slice::from_ref(&former), &tenant, "choose 1:1:exact_domain:contoso.com:inactive");
    check(
        &[former.clone(), client(2, "Contoso 2", "contoso.com", "")],
        &tenant,
        "choose 1:1:exact_domain:contoso.com:inactive 2:1:exact_domain:contoso.com",
    );
    check(&[stored(former, 9)], &tenant, "choose 1:1:stored_tenant:contoso.com:inactive");
}

#[test]
fn a_stored_tenant_id_matches_unless_something_contradicts_it() {
    let tenant = tenant(9, "Zulu", "contoso.com");
    let with_id = |number| stored(client(number, "Alpha", "", ""), 9);
    let owner = |number| client(number, "Beta", "contoso.com", "");
    for (clients, expected) in [
        (vec![with_id(1)], "auto 1:1:stored_tenant"),
        (vec![stored(owner(1), 9), owner(2)], "auto 1:1:stored_tenant:contoso.com"),
        (vec![with_id(1), owner(2)], "choose 1:1:stored_tenant 2:1:exact_domain:contoso.com"),
        (vec![with_id(1), with_id(2)], "choose 1:1:stored_tenant 2:1:stored_tenant"),
        (vec![stored(owner(1), 8)], "auto 1:1:exact_domain:contoso.com"),
    ] {
        check(&clients, &tenant, expected);
    }
}

#[test]
fn two_tenants_may_match_the_same_client() {
    let clients = [client(1, "Alpha", "a.example b.example", "")];
    check(&clients, &tenant(8, "Zulu", "a.example"), "auto 1:1:exact_domain:a.example");
    check(&clients, &tenant(9, "Yankee", "b.example"), "auto 1:1:exact_domain:b.example");
}
