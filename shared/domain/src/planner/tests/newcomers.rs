//! People who are not linked yet.

use super::{
    world::{OTHER_CLIENT, story},
    *,
};

#[test]
fn a_new_person_becomes_a_contact_of_the_mapped_client() {
    let mut world = World::new();
    let raw = json!({
        "displayName": "Mira Sund", "mail": "mira@acme.example", "userPrincipalName": "ms@acme.example",
        "jobTitle": "Dentist", "businessPhones": ["+47 1"], "mobilePhone": "+47 2",
    });
    let mira = user(1, raw);
    assert_eq!(world.sync(std::slice::from_ref(&mira)), ["u1 create"]);
    let contact = world.contacts.values().next().unwrap();
    assert_eq!((contact.client, contact.version, contact.inactive), (world.policy.client, 1, false));
    assert_eq!(contact.values.full_name, "Mira Sund");
    assert_eq!(contact.values.email.as_ref().unwrap().as_str(), "mira@acme.example");
    assert_eq!(contact.values.role.as_deref(), Some("Dentist"));
    let phones: Vec<_> = contact
        .values
        .phones
        .iter()
        .map(|phone| (phone.number.as_str(), &phone.kind, phone.is_default))
        .collect();
    assert_eq!(phones, [("+47 1", &PhoneKind::Work, true), ("+47 2", &PhoneKind::Mobile, false)]);
    let stamp = contact.entra.as_ref().unwrap();
    assert_eq!(stamp.identity, Identity { tenant: world.policy.tenant, object: object(1) });
    assert_eq!(stamp.user_principal_name.as_deref(), Some("ms@acme.example"));
    assert_eq!(world.sync(&[mira]), NOTHING);
}

#[test]
fn which_address_finds_an_existing_contact() {
    for (case, raw, expected) in [
        ("mail", json!({"mail": "old@acme.example"}), "u1 link c7 by primary_address"),
        (
            "mail before sign-in name",
            json!({"mail": "old@acme.example", "userPrincipalName": "x@acme.example"}),
            "u1 link c7 by primary_address",
        ),
        (
            "sign-in name",
            json!({"mail": "x@acme.example", "userPrincipalName": "old@acme.example"}),
            "u1 link c7 by sign_in_address",
        ),
        (
            "sign-in name of a domain that is not the tenant's",
            json!({"mail": "x@acme.example", "userPrincipalName": "old@elsewhere.example"}),
            "u1 create",
        ),
        (
            "primary SMTP entry, when there is no mail",
            json!({"proxyAddresses": ["SMTP:old@acme.example"]}),
            "u1 link c7 by primary_address",
        ),
        (
            "an entry that is not e-mail",
            json!({"mail": "x@acme.example", "proxyAddresses": ["SIP:old@acme.example"]}),
            "u1 create",
        ),
    ] {
        let mut world = World::new();
        world.add_contact(7, "Somebody", "old@acme.example");
        world.add_contact(8, "Somebody else", "old@elsewhere.example");
        assert_eq!(world.sync(&[user(1, raw)]), [expected], "{case}");
    }
}

#[test]
fn two_users_with_one_mailbox() {
    let mut world = World::new();
    let both = [person(1, "Mira Sund", "desk@acme.example"), person(2, "Jo Doe", "desk@acme.example")];
    let first = world.sync(&both);
    assert_eq!(first, ["u1 create", "u2 ask address_shared: new"]);
    assert_eq!(world.contacts.len(), 1);
    assert_eq!(world.sync(&both), NOTHING, "the first keeps the contact, the second waits");
}

#[test]
fn two_users_with_one_mailbox_on_two_pages_of_a_preview() {
    let world = World::new();
    let both =
        [vec![person(1, "Mira Sund", "desk@acme.example")], vec![person(2, "Jo Doe", "desk@acme.example")]];
    assert_eq!(story(&world.preview(&both)), ["u1 create", "u2 ask address_shared: new"]);
}

#[test]
fn an_address_in_another_letter_case_finds_the_contact() {
    let mut world = World::new();
    world.add_contact(7, "Mira Sund", "mira.sund@acme.example");
    let mira = person(1, "Mira Sund", " Mira.SUND@Acme.Example ");
    assert_eq!(world.sync(&[mira]), ["u1 link c7 by primary_address"]);
}

#[test]
fn a_name_only_twin_is_not_linked() {
    let mut world = World::new();
    world.add_contact(7, "Mira Sund", "mira@private.example");
    world.add_contact(8, "Mira Sund", "");
    assert_eq!(world.sync(&[person(1, "Mira Sund", "mira@acme.example")]), ["u1 create"]);
}

#[test]
fn a_user_without_an_address_is_a_line_with_a_reason() {
    for raw in [
        json!({"displayName": "Nobody"}),
        json!({"mail": "not an address", "userPrincipalName": "nobody"}),
        json!({"userPrincipalName": "nobody@acme.onmicrosoft.com"}),
        json!({"proxyAddresses": ["X500:/o=acme"], "businessPhones": null}),
    ] {
        let mut world = World::new();
        assert_eq!(world.sync(&[user(1, raw.clone())]), ["u1 exclude missing_identity"], "{raw}");
    }
}

#[test]
fn two_tenants_that_share_one_client() {
    let mut world = World::new();
    let mira = person(1, "Mira Sund", "mira@acme.example");
    world.add_contact(7, "Mira Sund", "mira@acme.example");
    world.link(&mira, 7);
    world.links.clear();
    world.policy.tenant = tenant(0x7F);
    // The same object id in another tenant is another account.
    let accounts = [mira, person(2, "Jo Doe", "jo@acme.example")];
    assert_eq!(world.sync(&accounts), ["u1 ask address_shared: c7", "u2 create"]);
    let disabled = user(1, json!({"mail": "mira@acme.example", "accountEnabled": false}));
    assert_eq!(world.sync(&[disabled, accounts[1].clone()]), ["u1 exclude account_disabled"]);
    assert!(!world.contact(7).inactive, "the other tenant's person");
}

#[test]
fn a_guest_is_left_out() {
    for raw in [
        json!({"mail": "ola@partner.example", "userType": "Guest"}),
        json!({"mail": "ola@partner.example", "userPrincipalName": "ola_partner#EXT#@acme.onmicrosoft.com"}),
        json!({"mail": "ola@partner.example", "externalUserState": "PendingAcceptance"}),
    ] {
        let mut world = World::new();
        world.add_contact(7, "Ola", "ola@partner.example");
        let ola = user(1, raw.clone());
        assert_eq!(world.sync(std::slice::from_ref(&ola)), ["u1 exclude guest"], "{raw}");
        world.policy.scope = ScopeRules { include_guests: true, ..ScopeRules::default() }.compile().unwrap();
        assert_eq!(world.sync(&[ola]), ["u1 link c7 by primary_address"], "{raw}");
    }
}

#[test]
fn people_called_abbott_and_companies_called_robotics_stay_in() {
    let mut world = World::new();
    world.policy.verified_domains.insert("robotics.example".parse().unwrap());
    let staff = [
        person(1, "Tom Abbott", "tom.abbott@acme.example"),
        person(2, "Grace Talbot", "talbot@acme.example"),
        person(3, "Ann Lee", "ann@robotics.example"),
        person(4, "Backup", "svc-backup@acme.example"),
        person(5, "Web", "noreply@robotics.example"),
    ];
    let expected =
        ["u1 create", "u2 create", "u3 create", "u4 exclude service_account", "u5 exclude service_account"];
    assert_eq!(world.sync(&staff), expected);
}

#[test]
fn shared_mailbox_disabled_from_birth_is_no_leaver() {
    let mut world = World::new();
    world.add_contact(7, "Info desk", "info@acme.example");
    let mailbox = user(1, json!({"mail": "info@acme.example", "accountEnabled": false}));
    assert_eq!(world.sync(&[mailbox]), ["u1 exclude account_disabled"]);
    assert!(!world.contact(7).inactive);
}

#[test]
fn an_account_that_does_not_say_whether_it_is_enabled_is_taken() {
    let mut world = World::new();
    let silent = user(1, json!({"mail": "mira@acme.example", "accountEnabled": null}));
    assert_eq!(world.sync(&[silent]), ["u1 create"]);
}

#[test]
fn an_address_at_another_client_is_a_question_not_an_error() {
    let mut world = World::overwriting();
    world.add_contact(9, "Mira Sund", "mira@acme.example").client = OTHER_CLIENT;
    let staff = [person(1, "Mira Sund", "mira@acme.example"), person(2, "Jo Doe", "jo@acme.example")];
    assert_eq!(world.sync(&staff), ["u1 ask address_at_other_client: c9", "u2 create"]);
    assert_eq!(world.sync(&staff), NOTHING);
}

#[test]
fn nothing_is_told_about_a_contact_of_another_client() {
    let mut world = World::new();
    world.add_contact(9, "Mira Secret", "mira@acme.example").client = OTHER_CLIENT;
    let pages = world.run(&[vec![person(1, "Mira Sund", "mira@acme.example")]]);
    let text = String::from_utf8(pages[0].encode()).unwrap();
    assert!(!text.contains("Secret"), "{text}");
}

#[test]
fn additional_address_is_a_question() {
    let mut world = World::new();
    let contact = world.add_contact(7, "Mira Sund", "mira@private.example");
    contact.additional_emails.push("mira@acme.example".parse().unwrap());
    let mira = person(1, "Mira Sund", "mira@acme.example");
    assert_eq!(world.sync(&[mira]), ["u1 ask additional_address: c7"]);
}

#[test]
fn two_addresses_of_one_contact_are_one_match() {
    let mut world = World::new();
    let contact = world.add_contact(7, "Mira Sund", "mira@acme.example");
    contact.additional_emails.push("ms@acme.example".parse().unwrap());
    let mira = user(1, json!({"mail": "mira@acme.example", "userPrincipalName": "ms@acme.example"}));
    assert_eq!(world.sync(&[mira]), ["u1 link c7 by primary_address"]);
}

#[test]
fn upn_and_mail_of_two_contacts_is_a_question() {
    let mut world = World::new();
    world.add_contact(7, "Mira Sund", "mira@acme.example");
    world.add_contact(8, "Mira Sund", "ms@acme.example");
    let raw = json!({"mail": "mira@acme.example", "userPrincipalName": "ms@acme.example"});
    assert_eq!(world.sync(&[user(1, raw)]), ["u1 ask multiple_email_matches: c7 c8"]);
}

#[test]
fn alias_with_same_name_links_and_with_another_name_asks() {
    for (contact_name, user_name, expected) in [
        ("Mira Sund", "Mira Sund", "u1 link c7 by alias_address"),
        ("SUND, Mira", "Míra Sund", "u1 link c7 by alias_address"),
        ("Reception", "Mira Sund", "u1 ask alias_only: c7"),
        ("Mira", "Mira Sund", "u1 ask alias_only: c7"),
        // Two names without a letter are not the same name.
        ("--", "??", "u1 ask alias_only: c7"),
    ] {
        let mut world = World::new();
        world.add_contact(7, contact_name, "desk@acme.example");
        let mira = user(
            1,
            json!({
                "displayName": user_name, "mail": "mira@acme.example",
                "proxyAddresses": ["SMTP:mira@acme.example", "smtp:desk@acme.example"],
            }),
        );
        assert_eq!(world.sync(&[mira]), [expected], "{contact_name} and {user_name}");
    }
}

#[test]
fn an_alias_on_somebody_elses_contact_says_nothing() {
    let mut world = World::new();
    world.add_contact(7, "Mira Sund", "desk@acme.example");
    let desk = person(2, "Mira Sund", "desk@acme.example");
    world.link(&desk, 7);
    let raw = json!({
        "displayName": "Mira Sund", "mail": "mira@acme.example", "proxyAddresses": ["smtp:desk@acme.example"],
    });
    assert_eq!(world.sync(&[user(1, raw), desk]), ["u1 create"]);
}

#[test]
fn a_question_that_has_answered_itself_is_not_kept_up() {
    let mut world = World::new();
    world.add_contact(7, "Reception", "desk@acme.example");
    let raw = json!({
        "displayName": "Mira Sund", "mail": "mira@acme.example", "proxyAddresses": ["smtp:desk@acme.example"],
    });
    let staff = [user(1, raw), person(2, "Desk", "desk@acme.example")];
    assert_eq!(world.sync(&staff), ["u1 ask alias_only: c7", "u2 link c7 by primary_address"]);
    assert_eq!(world.sync(&staff), ["u1 create"]);
    assert_eq!(world.sync(&staff), NOTHING);
    assert_eq!(world.reviews, BTreeMap::new());
}

#[test]
fn a_dismissed_person_is_never_asked_about_again() {
    let mut world = World::overwriting();
    world.add_contact(9, "Mira Sund", "mira@acme.example").client = OTHER_CLIENT;
    let mira = person(1, "Mira Sund", "mira@acme.example");
    assert_eq!(world.sync(std::slice::from_ref(&mira)), ["u1 ask address_at_other_client: c9"]);
    world.reviews.insert(mira.object, ReviewState::Dismissed);
    for _ in 0..3 {
        assert_eq!(world.sync(std::slice::from_ref(&mira)), ["u1 exclude dismissed_by_operator"]);
    }
    // Not even when the question would be another one by now, or none at all.
    world.contacts.clear();
    assert_eq!(world.sync(&[mira]), ["u1 exclude dismissed_by_operator"]);
}

#[test]
fn an_open_question_is_not_asked_twice() {
    let mut world = World::new();
    world.add_contact(7, "Mira Sund", "mira@acme.example");
    world.add_contact(8, "Mira Sund", "ms@acme.example");
    let mira = user(1, json!({"mail": "mira@acme.example", "userPrincipalName": "ms@acme.example"}));
    assert_eq!(world.sync(std::slice::from_ref(&mira)), ["u1 ask multiple_email_matches: c7 c8"]);
    let pages = world.run(&[vec![mira.clone()]]);
    assert_eq!(story(&pages), NOTHING);
    assert_eq!(pages[0].counters, Counters { read: 1, ambiguous: 1, ..Counters::default() });
    // Another question about the same person is asked.
    world.contact(8).client = OTHER_CLIENT;
    world.contact(7).client = OTHER_CLIENT;
    assert_eq!(world.sync(&[mira]), ["u1 ask address_at_other_client: c7"]);
}

#[test]
fn a_question_that_the_directory_answers_is_closed() {
    let mut world = World::new();
    world.add_contact(7, "Mira Sund", "mira@acme.example");
    world.add_contact(8, "Mira Sund", "ms@acme.example");
    let unclear = user(1, json!({"mail": "mira@acme.example", "userPrincipalName": "ms@acme.example"}));
    let first = world.run(&[vec![unclear.clone()]]);
    assert!(!first[0].lines[0].answers_review, "a question answers nothing");
    // Upstream, the second address went away: now there is one contact.
    let clear = user(1, json!({"mail": "mira@acme.example", "displayName": "Mira Sund"}));
    let second = world.run(&[vec![clear.clone()]]);
    assert!(second[0].lines[0].answers_review);
    let changed = user(1, json!({"mail": "mira@acme.example", "displayName": "Mira Sund-Berg"}));
    let third = world.run(&[vec![changed]]);
    assert!(third[0].lines.iter().all(|line| !line.answers_review), "there is no open question any more");
}

#[test]
fn one_bad_record_is_one_failed_line() {
    let mut world = World::new();
    let staff: Vec<DirectoryUser> =
        (1..100).map(|number| person(number, "Somebody", &format!("u{number}@acme.example"))).collect();
    let rows = [
        UnusableRow { object: Some(object(100)), position: 41, code: "malformed_user".to_owned() },
        UnusableRow { object: Some(object(1)), position: 42, code: "repeated_and_malformed".to_owned() },
    ];
    let mut planner = world.planner();
    let known = world.gather(&planner, &staff);
    let pages = planner.plan(&staff, &rows, &known);
    for page in &pages {
        world.apply(page);
    }
    assert_eq!(world.contacts.len(), 99);
    assert_eq!(story(&pages).last().unwrap(), "u100 fail malformed_user");
    assert_eq!(pages[0].lines[99].label, "row 42 of its page");
    assert_eq!(
        pages[0].counters,
        Counters { read: 100, created: 99, failed: 1, ..Counters::default() },
        "a second row of somebody who was read counts once"
    );
}

#[test]
fn the_same_person_on_two_pages_is_planned_once() {
    let mut world = World::new();
    let pages = world.run(&[
        vec![person(1, "Mira Sund", "mira@acme.example"), person(1, "Mira Sund", "mira@acme.example")],
        vec![person(1, "Mira Sund-Lie", "mira.lie@acme.example"), person(2, "Jo Doe", "jo@acme.example")],
    ]);
    assert_eq!(story(&pages), ["u1 create", "u2 create"]);
    assert_eq!(pages.iter().map(|page| page.counters.read).sum::<u64>(), 2);
}

#[test]
fn a_claim_of_a_creation_under_way_does_not_hold_up_the_creation() {
    let world = World::new();
    let mira = person(1, "Mira Sund", "mira@acme.example");
    let mut planner = world.planner();
    let identity = Identity { tenant: world.policy.tenant, object: mira.object };
    let address: EmailAddress = "mira@acme.example".parse().unwrap();
    let contact = ContactId::derived(world.policy.workspace, identity, &address, None);
    let owner = Owner { client: world.policy.client, contact, additional: false };
    let known = Known {
        owners: BTreeMap::from([(address, Some(owner))]),
        contacts: BTreeMap::from([(contact, None)]),
        ..Known::default()
    };
    let pages = planner.plan(&[mira], &[], &known);
    assert!(matches!(&pages[0].lines[0].action, Action::Create { contact: id, .. } if *id == contact));
}

#[test]
fn what_was_not_looked_up_is_never_guessed() {
    let world = World::new();
    let pages = world.planner().plan(&[person(1, "Mira", "mira@acme.example")], &[], &Known::default());
    assert_eq!(story(&pages), ["u1 fail not_gathered"]);
}
