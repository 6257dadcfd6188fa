//! People who are linked already.

use super::{
    world::{OTHER_CLIENT, story},
    *,
};
use crate::{contact::InactiveReason, fields::Overwrite};

/// A world in which user 1, Mira Sund, is linked to contact 7.
fn with_mira(mut world: World) -> (World, DirectoryUser) {
    let mira = person(1, "Mira Sund", "mira@acme.example");
    world.add_contact(7, "Mira Sund", "mira@acme.example");
    world.link(&mira, 7);
    (world, mira)
}

fn disabled(mail: &str) -> DirectoryUser {
    user(1, json!({"displayName": "Mira Sund", "mail": mail, "accountEnabled": false}))
}

#[test]
fn identity_comes_before_address() {
    for (world, renamed, expected) in [
        (World::new(), "lie@acme.example", "u1 refresh"),
        (World::overwriting(), "lie@acme.example", "u1 update c7: e-mail"),
        // The new address finds a contact too, but the person is linked.
        (World::new(), "free@acme.example", "u1 refresh"),
        (World::overwriting(), "free@acme.example", "u1 ask multiple_email_matches: c7 c8"),
        (World::overwriting(), "other@acme.example", "u1 ask address_at_other_client: c7 c9"),
        (World::overwriting(), "MIRA@ACME.example", ""),
    ] {
        let (mut world, _) = with_mira(world);
        world.add_contact(8, "Mira Lie", "free@acme.example");
        world.add_contact(9, "Mira Lie", "other@acme.example").client = OTHER_CLIENT;
        let lines = world.sync(&[person(1, "Mira Sund", renamed)]).join("");
        assert_eq!(lines, expected, "{renamed}");
        assert_eq!(world.sync(&[person(1, "Mira Sund", renamed)]), NOTHING, "{renamed}, again");
        assert_eq!(world.links[&object(1)].contact, contact_id(7), "{renamed}");
    }
}

#[test]
fn swapped_addresses_are_two_questions_and_no_write() {
    for (world, expected) in [
        (World::new(), ["u1 refresh", "u2 refresh"]),
        (World::overwriting(), ["u1 ask owned_by_colleague: c7 c8", "u2 ask owned_by_colleague: c8 c7"]),
    ] {
        let (mut world, _) = with_mira(world);
        world.add_contact(8, "Jo Doe", "jo@acme.example");
        world.link(&person(2, "Jo Doe", "jo@acme.example"), 8);
        let before = world.contacts.clone();
        let swapped = [person(1, "Mira Sund", "jo@acme.example"), person(2, "Jo Doe", "mira@acme.example")];
        assert_eq!(world.sync(&swapped), expected);
        assert_eq!(world.contacts, before);
        assert_eq!(world.sync(&swapped), NOTHING);
    }
}

#[test]
fn an_address_that_is_passed_on_waits_for_the_next_read() {
    let jo = person(2, "Jo Doe", "mira@acme.example");
    for read in [
        vec![vec![person(1, "Mira Lie", "lie@acme.example")], vec![jo.clone()]],
        vec![vec![jo.clone()], vec![person(1, "Mira Lie", "lie@acme.example")]],
        vec![vec![person(1, "Mira Lie", "lie@acme.example"), jo.clone()]],
    ] {
        let (mut world, _) = with_mira(World::overwriting());
        let preview = world.preview(&read);
        let pages = world.run(&read);
        assert_eq!(preview, pages);
        let mut lines = story(&pages);
        lines.sort_unstable();
        assert_eq!(lines, ["u1 update c7: full name, e-mail", "u2 ask address_shared: c7"]);
        let people = read.concat();
        assert_eq!(world.sync(&people), ["u2 create"], "now the address is free");
        assert_eq!(world.sync(&people), NOTHING);
    }
}

#[test]
fn mailbox_reused_by_a_new_hire() {
    let (mut world, _) = with_mira(World::overwriting());
    let leaver = disabled("mira@acme.example");
    assert_eq!(world.sync(std::slice::from_ref(&leaver)), ["u1 inactivate c7: disabled_upstream"]);
    let hire = person(2, "Mira Berg", "mira@acme.example");
    let staff = [leaver, hire];
    assert_eq!(world.sync(&staff), ["u2 ask mailbox_reused: c7"]);
    assert_eq!(world.contact(7).values.full_name, "Mira Sund");
    assert!(world.contact(7).inactive, "the new hire does not bring the leaver back");
    assert_eq!(world.sync(&staff), NOTHING);
}

#[test]
fn account_recreated_with_the_same_address() {
    let (mut world, _) = with_mira(World::overwriting());
    world.policy.vanish.confirmations = 2;
    let again = person(2, "Mira Sund", "mira@acme.example");
    let colleague = person(3, "Jo Doe", "jo@acme.example");
    world.add_contact(8, "Jo Doe", "jo@acme.example");
    world.link(&colleague, 8);
    let read = [again, colleague];
    // Whether the old account is gone is not known before its absence is confirmed.
    assert_eq!(world.sync(&read), ["u2 ask address_shared: c7", "u1 missing 1"]);
    assert_eq!(world.sync(&read), ["u1 inactivate c7: deleted_upstream"]);
    assert_eq!(world.sync(&read), ["u2 link and reactivate c7 by primary_address instead of u1"]);
    assert!(!world.contact(7).inactive);
    assert_eq!(world.reviews, BTreeMap::new(), "the question has answered itself");
    for _ in 0..4 {
        assert_eq!(world.sync(&read), NOTHING, "the old account is nobody's any more");
    }
}

#[test]
fn a_gone_account_hands_its_contact_on_only_when_nothing_speaks_against_it() {
    let hire = |name: &str| person(2, name, "mira@acme.example");
    for (case, name, expected) in [
        ("the same person", "Mira Sund", "u2 link and reactivate c7 by primary_address instead of u1"),
        (
            "words in another order",
            "Sund, Mira",
            "u2 link and reactivate c7 by primary_address instead of u1",
        ),
        ("somebody else", "Ola Berg", "u2 ask mailbox_reused: c7"),
        ("a human has made the contact inactive", "Mira Sund", "u2 link c7 by primary_address instead of u1"),
        ("dismissed", "Mira Sund", "u2 exclude dismissed_by_operator"),
        ("rejected", "Mira Sund", "u2 exclude rejected_by_operator"),
        ("of another tenant", "Mira Sund", "u2 ask address_shared: c7"),
    ] {
        let (mut world, _) = with_mira(World::new());
        world.sync(&[disabled("mira@acme.example")]);
        let stamp = world.contact(7).entra.as_mut().unwrap();
        match case {
            "a human has made the contact inactive" => stamp.inactive_reason = None,
            "of another tenant" => stamp.identity.tenant = tenant(0x99),
            "dismissed" => drop(world.reviews.insert(object(2), ReviewState::Dismissed)),
            "rejected" => drop(world.reviews.insert(object(2), ReviewState::Rejected)),
            _ => {}
        }
        assert_eq!(world.sync(&[disabled("mira@acme.example"), hire(name)]), [expected], "{case}");
        let is_inactive = !expected.contains("reactivate");
        assert_eq!(world.contact(7).inactive, is_inactive, "{case}");
    }
}

#[test]
fn a_gone_account_that_comes_back_in_the_same_read_keeps_its_contact() {
    for pages in [1, 2] {
        let (mut world, mira) = with_mira(World::new());
        world.sync(&[disabled("mira@acme.example")]);
        let both = [mira, person(2, "Mira Sund", "mira@acme.example")];
        let read: Vec<Vec<DirectoryUser>> = both.chunks(2 / pages).map(<[DirectoryUser]>::to_vec).collect();
        assert_eq!(story(&world.run(&read)), ["u1 reactivate c7", "u2 ask address_shared: c7"]);
    }
}

#[test]
fn a_blank_upstream_erases_nothing() {
    let full = user(
        1,
        json!({
            "displayName": "Mira Sund", "mail": "mira@acme.example", "businessPhones": ["+47 1"],
            "jobTitle": "Dentist", "userPrincipalName": "mira@acme.example",
            "department": "Care", "officeLocation": "North", "companyName": "Acme",
        }),
    );
    let blanks = ["", " "].map(|blank| {
        json!({
            "displayName": blank, "mail": "mira@acme.example", "businessPhones": [blank],
            "mobilePhone": blank, "jobTitle": blank, "userPrincipalName": blank,
            "department": blank, "officeLocation": blank, "companyName": blank,
        })
    });
    let none = json!({"mail": "mira@acme.example", "businessPhones": [], "mobilePhone": null});
    for raw in blanks.into_iter().chain([none, json!({"mail": "mira@acme.example"})]) {
        let (mut world, _) = with_mira(World::overwriting());
        world.sync(std::slice::from_ref(&full));
        let before = world.contact(7).clone();
        for field in Field::ALL {
            assert!(!shown(&before, field).is_empty(), "{field:?}");
        }
        world.sync(&[user(1, raw.clone())]);
        for field in Field::ALL {
            assert_eq!(shown(world.contact(7), field), shown(&before, field), "{raw}: {field:?}");
        }
        assert_eq!(*world.contact(7), before, "{raw}");
    }
}

#[test]
fn every_combination_of_rules_writes_just_the_enabled_fields() {
    for bits in 0..1_u32 << Field::ALL.len() {
        let on: Vec<Field> =
            (0..).zip(Field::ALL).filter(|(bit, _)| bits & (1 << bit) != 0).map(|(_, field)| field).collect();
        let mut world = World::new();
        for field in &on {
            *world.policy.fields.rule_mut(*field) = Overwrite::Always.into();
        }
        let (mut world, _) = with_mira(world);
        let before = world.contact(7).clone();
        let changed = json!({
            "displayName": "Mira Lie", "mail": "lie@acme.example", "businessPhones": ["+47 9"],
            "jobTitle": "Owner", "userPrincipalName": "lie@acme.example",
            "department": "Care", "officeLocation": "North", "companyName": "Acme",
        });
        world.sync(&[user(1, changed)]);
        let contact = world.contact(7);
        let written: Vec<Field> =
            Field::ALL.into_iter().filter(|field| shown(contact, *field) != shown(&before, *field)).collect();
        assert_eq!(written, on);
        for field in on {
            let expected = match field {
                Field::Company => "Acme",
                Field::Department => "Care",
                Field::Email | Field::UserPrincipalName => "lie@acme.example",
                Field::FullName => "Mira Lie",
                Field::Office => "North",
                Field::Phones => "+47 9",
                Field::Role => "Owner",
            };
            assert!(shown(contact, field).contains(expected), "{field:?}");
        }
        assert_eq!(contact.version, if bits == 0 { 1 } else { 2 });
    }
}

#[test]
fn a_new_address_in_capitals_is_stored_in_one_form() {
    for spelled in ["LIE@ACME.EXAMPLE", "Lie@Acme.example", " lie@acme.example "] {
        let (mut world, _) = with_mira(World::overwriting());
        let moved = |mail: &str| user(1, json!({"displayName": "Mira Sund", "mail": mail}));
        assert_eq!(world.sync(&[moved(spelled)]), ["u1 update c7: e-mail"], "{spelled}");
        assert_eq!(shown(world.contact(7), Field::Email), "lie@acme.example", "{spelled}");
        // Another spelling is no change, and the address is found in any.
        for again in ["lie@acme.example", "LIE@acme.EXAMPLE", spelled] {
            assert_eq!(world.sync(&[moved(again)]), NOTHING, "{spelled}, {again}");
        }
        let mut world = World::new();
        assert_eq!(world.sync(&[moved(spelled)]), ["u1 create"], "{spelled}");
        let created = world.contacts.values().next().unwrap();
        assert_eq!(shown(created, Field::Email), "lie@acme.example", "{spelled}");
    }
}

#[test]
fn turning_a_rule_on_looks_at_everybody_again() {
    let (mut world, _) = with_mira(World::new());
    let promoted =
        user(1, json!({"displayName": "Mira Sund", "mail": "mira@acme.example", "jobTitle": "Owner"}));
    let read = std::slice::from_ref(&promoted);
    assert_eq!(world.sync(read), ["u1 refresh"]);
    assert_eq!(world.sync(read), NOTHING);
    world.policy.fields.role = Overwrite::Always.into();
    assert_eq!(world.sync(read), ["u1 update c7: role"]);
    assert_eq!(world.sync(read), NOTHING);
}

#[test]
fn what_a_human_wrote_is_not_rewritten_until_the_directory_changes() {
    let (mut world, mira) = with_mira(World::overwriting());
    world.contact(7).values.full_name = "Mira S.".to_owned();
    world.contact(7).version += 1;
    assert_eq!(world.sync(&[mira]), NOTHING);
    let renamed = person(1, "Mira Lie", "mira@acme.example");
    assert_eq!(world.sync(&[renamed]), ["u1 update c7: full name"]);
}

#[test]
fn a_disabled_account_makes_its_contact_inactive_once() {
    let (mut world, _) = with_mira(World::new());
    let mira = disabled("mira@acme.example");
    let pages = world.run(&[vec![mira.clone()]]);
    assert_eq!(story(&pages), ["u1 inactivate c7: disabled_upstream"]);
    let counters = Counters { read: 1, leaving: 1, inactivated: 1, vanished: 1, ..Counters::default() };
    assert_eq!(sum(&pages), counters);
    let contact = world.contact(7).clone();
    assert!(contact.inactive);
    let stamp = contact.entra.as_ref().unwrap();
    assert_eq!(stamp.inactive_reason, Some(InactiveReason::DisabledUpstream));
    assert_eq!(stamp.account_enabled, Some(false));
    for _ in 0..3 {
        assert_eq!(world.sync(std::slice::from_ref(&mira)), NOTHING);
    }
    assert_eq!(*world.contact(7), contact);
}

#[test]
fn a_disabled_account_is_left_alone_when_the_rule_is_off() {
    let (mut world, _) = with_mira(World::new());
    world.policy.fields.mark_inactive_when_disabled = false;
    assert_eq!(world.sync(&[disabled("mira@acme.example")]), NOTHING);
    assert!(!world.contact(7).inactive);
}

#[test]
fn a_human_inactivated_contact_stays_inactive() {
    let (mut world, mira) = with_mira(World::overwriting());
    world.contact(7).inactive = true;
    world.contact(7).version += 1;
    let renamed = person(1, "Mira Lie", "mira@acme.example");
    let histories: [&[&DirectoryUser]; 4] = [
        &[&mira],
        &[&renamed],
        &[&disabled("mira@acme.example"), &mira],
        &[&disabled("mira@acme.example"), &renamed, &disabled("x@acme.example"), &mira],
    ];
    for history in histories {
        let mut world = world.clone();
        for person in history {
            world.sync(&[(*person).clone()]);
            assert!(world.contact(7).inactive, "{history:?}");
        }
    }
}

#[test]
fn a_returning_person_is_reactivated_only_if_we_inactivated() {
    let (mut world, mira) = with_mira(World::new());
    let read = std::slice::from_ref(&mira);
    world.sync(&[disabled("mira@acme.example")]);
    let mut by_a_human = world.clone();

    let pages = world.run(&[read.to_vec()]);
    assert_eq!(story(&pages), ["u1 reactivate c7"]);
    assert_eq!(pages[0].counters, Counters { read: 1, reactivated: 1, ..Counters::default() });
    assert!(!world.contact(7).inactive);
    assert_eq!(world.contact(7).entra.as_ref().unwrap().inactive_reason, None);
    assert_eq!(world.sync(read), NOTHING);
    assert_eq!(world.sync(&[disabled("mira@acme.example")]), ["u1 inactivate c7: disabled_upstream"]);

    let contact = by_a_human.contact(7);
    contact.entra.as_mut().unwrap().inactive_reason = None;
    contact.version += 1;
    assert_eq!(by_a_human.sync(read), ["u1 link again c7"]);
    assert!(by_a_human.contact(7).inactive);
}

#[test]
fn a_returning_person_gets_the_enabled_fields_too() {
    let (mut world, _) = with_mira(World::overwriting());
    world.sync(&[disabled("mira@acme.example")]);
    let back = person(1, "Mira Lie", "lie@acme.example");
    assert_eq!(world.sync(&[back]), ["u1 reactivate c7: full name, e-mail"]);
}

#[test]
fn an_old_identity_cannot_inactivate_a_contact_that_belongs_to_another() {
    let (mut world, _) = with_mira(World::new());
    world.policy.vanish.confirmations = 1;
    let present = person(2, "Mira Sund", "mira@acme.example");
    world.link(&present, 7);
    let old_gone = [present.clone()];
    let old_disabled = [disabled("mira@acme.example"), present];
    for read in [&old_gone[..], &old_disabled[..]] {
        assert_eq!(world.sync(read), NOTHING);
        assert!(!world.contact(7).inactive);
    }
}

#[test]
fn a_link_at_another_client_is_a_question_and_never_a_write() {
    let (mut world, mira) = with_mira(World::overwriting());
    world.contact(7).client = OTHER_CLIENT;
    world.links.get_mut(&object(1)).unwrap().client = OTHER_CLIENT;
    let renamed = person(1, "Mira Lie", "lie@acme.example");
    assert_eq!(world.sync(&[mira]), ["u1 ask linked_at_other_client: c7"]);
    // The question is renewed with what is known now, and then stands.
    assert_eq!(world.sync(std::slice::from_ref(&renamed)), ["u1 ask linked_at_other_client: c7"]);
    assert_eq!(world.sync(std::slice::from_ref(&renamed)), NOTHING);
    assert_eq!(world.contact(7).version, 1);
    world.reviews.insert(object(1), ReviewState::Dismissed);
    assert_eq!(world.sync(&[renamed]), ["u1 exclude dismissed_by_operator"]);
}

#[test]
fn a_contact_that_a_human_moved_to_another_client_is_not_written() {
    let (mut world, _) = with_mira(World::overwriting());
    world.contact(7).client = OTHER_CLIENT;
    let before = world.contact(7).clone();
    assert_eq!(world.sync(&[person(1, "Mira Lie", "lie@acme.example")]), ["u1 fail contact_missing"]);
    assert_eq!(world.sync(&[disabled("mira@acme.example")]), NOTHING);
    world.policy.vanish.confirmations = 1;
    let somebody_else = user(9, json!({"displayName": "Somebody", "userType": "Guest"}));
    assert_eq!(world.sync(&[somebody_else]), ["u9 exclude guest"]);
    assert_eq!(*world.contact(7), before);
}

#[test]
fn a_dismissed_question_about_a_linked_person_is_final() {
    // The contact belongs to another account by now.
    let (mut world, _) = with_mira(World::overwriting());
    let other = person(2, "Jo Doe", "jo@acme.example");
    world.link(&other, 7);
    let renamed = person(1, "Mira Lie", "mira@acme.example");
    let read = [renamed, other];
    assert_eq!(world.sync(&read), ["u1 ask address_shared: c7"]);
    assert_eq!(world.sync(&read), NOTHING);
    world.reviews.insert(object(1), ReviewState::Dismissed);
    for _ in 0..2 {
        assert_eq!(world.sync(&read), ["u1 exclude dismissed_by_operator"]);
    }
    world.links.get_mut(&object(1)).unwrap().active = false;
    assert_eq!(world.sync(&read), ["u1 exclude dismissed_by_operator"]);
}

#[test]
fn a_dismissed_clash_of_addresses_holds_up_no_other_field() {
    let (mut world, _) = with_mira(World::overwriting());
    world.add_contact(8, "Somebody", "lie@acme.example");
    let renamed = person(1, "Mira Lie", "lie@acme.example");
    let read = std::slice::from_ref(&renamed);
    assert_eq!(world.sync(read), ["u1 ask multiple_email_matches: c7 c8"]);
    world.reviews.insert(object(1), ReviewState::Dismissed);
    assert_eq!(world.sync(read), ["u1 update c7: full name"]);
    assert_eq!(world.sync(read), NOTHING);
}

#[test]
fn a_new_address_that_is_the_persons_own_additional_one_is_no_question() {
    let (mut world, _) = with_mira(World::overwriting());
    world.contact(7).additional_emails.push("lie@acme.example".parse().unwrap());
    let renamed = person(1, "Mira Sund", "lie@acme.example");
    assert_eq!(world.sync(&[renamed]), ["u1 update c7: e-mail"]);
}

#[test]
fn a_linked_person_who_leaves_the_scope_is_a_line_and_no_write() {
    let (mut world, _) = with_mira(World::overwriting());
    for (raw, reason) in [
        (json!({"mail": "mira@acme.example", "userType": "Guest"}), "u1 exclude guest"),
        (json!({"displayName": "Mira Sund"}), "u1 exclude missing_identity"),
    ] {
        assert_eq!(world.sync(&[user(1, raw)]), [reason]);
        assert_eq!(world.contact(7).version, 1);
    }
}

#[test]
fn two_people_who_take_one_address_at_once() {
    let (mut world, _) = with_mira(World::overwriting());
    world.add_contact(8, "Jo Doe", "jo@acme.example");
    world.link(&person(2, "Jo Doe", "jo@acme.example"), 8);
    let both = [person(1, "Mira Sund", "desk@acme.example"), person(2, "Jo Doe", "desk@acme.example")];
    assert_eq!(world.sync(&both), ["u1 update c7: e-mail", "u2 ask owned_by_colleague: c8 c7"]);
    assert_eq!(world.sync(&both), NOTHING);
}
