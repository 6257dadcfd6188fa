//! Failures that other products are known for, each by its name.

use super::{
    staff::{staffed, with_staff},
    world::{OTHER_CLIENT, story},
    *,
};
use crate::{
    contact::Phone,
    fields::{Clear, FieldRule, Overwrite},
    policy::Timing,
};

#[test]
fn a_bad_record_never_stops_the_tenant() {
    let mut world = World::overwriting();
    world.add_contact(7, "Somebody", "elsewhere@acme.example").client = OTHER_CLIENT;
    let contact = world.add_contact(8, "Somebody", "private@elsewhere.example");
    contact.additional_emails.push("additional@acme.example".parse().unwrap());
    world.add_contact(9, "Protected", "protected@acme.example").protected = true;
    let mut staff = vec![
        person(1, "Of another client", "elsewhere@acme.example"),
        person(2, "An additional address", "additional@acme.example"),
        user(3, json!({"displayName": "No address"})),
        person(4, "Shares", "shared@acme.example"),
        person(5, "Shares, too", "shared@acme.example"),
        person(6, "Protected", "protected@acme.example"),
        user(7, json!({"displayName": "\u{0}\u{202e}", "mail": "no address at all", "businessPhones": [""]})),
    ];
    let good = 1_000..2_000;
    staff.extend(good.clone().map(|number| person(number, "Good", &format!("good{number}@acme.example"))));
    let rows = [UnusableRow { object: Some(object(8)), position: 0, code: "malformed_user".to_owned() }];
    let mut planner = world.planner();
    let known = world.gather(&planner, &staff);
    let pages = planner.plan(&staff, &rows, &known);
    world.apply_all(&pages);
    let bad: Vec<String> = story(&pages).into_iter().filter(|line| !line.ends_with(" create")).collect();
    let expected = [
        "u1 ask address_at_other_client: c7",
        "u2 ask additional_address: c8",
        "u3 exclude missing_identity",
        "u5 ask address_shared: new",
        "u6 exclude protected_contact",
        "u7 exclude missing_identity",
        "u8 fail malformed_user",
    ];
    assert_eq!(bad, expected);
    assert!(good.into_iter().all(|number| world.links.contains_key(&object(number))));
    let counters = sum(&pages);
    assert_eq!((counters.read, counters.created, counters.ambiguous), (1_008, 1_001, 3));
    assert_eq!((counters.excluded, counters.failed), (3, 1));
    assert!(counters.is_consistent());
}

#[test]
fn a_resolved_question_never_comes_back() {
    let mira = user(1, json!({"mail": "mira@acme.example", "userPrincipalName": "ms@acme.example"}));
    for chosen in [7, 8, 9] {
        let mut world = World::overwriting();
        world.add_contact(7, "Mira Sund", "mira@acme.example");
        world.add_contact(8, "Mira Sund", "ms@acme.example");
        // An operator may well know better than every candidate.
        world.add_contact(9, "M. Sund", "");
        let read = std::slice::from_ref(&mira);
        assert_eq!(world.sync(read), ["u1 ask multiple_email_matches: c7 c8"]);
        world.reviews.clear();
        world.link(&mira, chosen);
        for _ in 0..3 {
            assert_eq!(world.sync(read), NOTHING, "answered with contact {chosen}");
        }
    }
}

#[test]
fn an_unchanged_person_is_not_even_looked_up() {
    let (world, mut staff) = staffed(World::overwriting(), 3);
    let planner = world.planner();
    assert_eq!(planner.needs(&staff, &Known::default()), Needs::default());
    staff[1].job_title = Some("Owner".to_owned());
    let needs = planner.needs(&staff, &Known::default());
    assert_eq!(needs.contacts, BTreeSet::from([contact_id(2)]), "only who has changed");
    assert_eq!(needs.addresses, BTreeSet::new());
}

#[test]
fn nobody_is_created_twice_however_often_the_sync_runs() {
    let histories = [
        ("no sign-in name", json!({"displayName": "Mira", "mail": "mira@acme.example"}), json!({})),
        ("no mail", json!({"displayName": "Mira", "userPrincipalName": "mira@acme.example"}), json!({})),
        ("no name", json!({"mail": "mira@acme.example"}), json!({})),
        ("another mail", json!({"mail": "mira@acme.example"}), json!({"mail": "lie@acme.example"})),
        (
            "another sign-in name",
            json!({"userPrincipalName": "mira@acme.example"}),
            json!({"userPrincipalName": "lie@acme.example"}),
        ),
        (
            "a mailbox beside the sign-in name",
            json!({"userPrincipalName": "mira@acme.example"}),
            json!({"mail": "m@acme.example"}),
        ),
        (
            "other letters",
            json!({"mail": "mira@acme.example"}),
            json!({"mail": "MIRA@ACME.EXAMPLE", "userPrincipalName": "Mira@Acme.Example"}),
        ),
    ];
    for (case, before, changes) in histories {
        for mut world in [World::new(), World::overwriting()] {
            let mut after = before.clone();
            after.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            for raw in [&before, &before, &after, &after, &before] {
                world.sync(&[user(1, raw.clone())]);
                assert_eq!((world.contacts.len(), world.links.len()), (1, 1), "{case}");
            }
            assert_eq!(world.reviews, BTreeMap::new(), "{case}");
        }
    }
}

#[test]
fn a_contact_without_any_address_absorbs_nobody() {
    let mut world = World::overwriting();
    world.add_contact(7, "", "");
    world.add_contact(8, "Mira Sund", "");
    let staff: Vec<DirectoryUser> =
        (1..=20).map(|number| person(number, "Mira Sund", &format!("u{number}@acme.example"))).collect();
    let lines = world.sync(&staff);
    assert!(lines.iter().all(|line| line.ends_with(" create")), "{lines:?}");
    assert_eq!(world.contacts.len(), 22);
}

#[test]
fn a_filter_that_fits_nobody_makes_nobody_inactive() {
    let nobody =
        ScopeRules { include_domains: vec!["elsewhere.example".to_owned()], ..ScopeRules::default() };
    for (out_of_scope, staged) in [(Timing::Never, 0), (Timing::AtOnce, 20), (Timing::AfterGrace, 20)] {
        let (mut world, staff) = with_staff(20);
        world.policy.scope = nobody.compile().unwrap();
        world.policy.vanish.out_of_scope = out_of_scope;
        for _ in 0..3 {
            let lines = world.sync(&staff);
            assert_eq!(lines.iter().filter(|line| line.contains("exclude domain")).count(), 20);
            assert_eq!(lines.iter().filter(|line| line.contains("stage")).count(), staged);
        }
        assert!(world.contacts.values().all(|contact| !contact.inactive), "{out_of_scope:?}");
    }
}

#[test]
fn a_listing_that_leaves_out_others_each_time_makes_nobody_inactive() {
    let (mut world, staff) = with_staff(60);
    // Fewer each time than any limit.
    for start in [0, 3, 6, 9, 12, 15] {
        let shown: Vec<DirectoryUser> = [&staff[..start], &staff[start + 3..]].concat();
        let lines = world.sync(&shown);
        assert!(!lines.iter().any(|line| line.contains("inactivate")), "{lines:?}");
    }
    assert!(world.contacts.values().all(|contact| !contact.inactive));
}

#[test]
fn a_guest_changes_no_contact_even_of_the_same_address() {
    let (mut world, _) = staffed(World::overwriting(), 1);
    let before = world.contacts.clone();
    let guest = |number, mail: &str| {
        user(number, json!({"displayName": "Guest", "mail": mail, "userType": "Guest", "jobTitle": "Guest"}))
    };
    world.sync(&[guest(1, "u1@acme.example"), guest(2, "u1@acme.example")]);
    assert_eq!(world.contacts, before);
}

#[test]
fn a_renamed_person_keeps_the_contact_with_all_its_data() {
    for (mut world, name) in [(World::new(), "Person 1"), (World::overwriting(), "Mira Lie")] {
        world.policy.fields.role = Overwrite::Never.into();
        let (mut world, _) = staffed(world, 1);
        world.contact(1).values.role = Some("Written by a human".to_owned());
        let renamed = user(
            1,
            json!({
                "displayName": "Mira Lie", "mail": "lie@acme.example", "userPrincipalName": "lie@acme.example",
                "jobTitle": "Owner",
            }),
        );
        world.sync(std::slice::from_ref(&renamed));
        assert_eq!(world.sync(&[renamed]), NOTHING);
        assert_eq!(world.contacts.len(), 1);
        assert_eq!(world.contact(1).values.full_name, name);
        assert_eq!(world.contact(1).values.role.as_deref(), Some("Written by a human"));
        assert!(!world.contact(1).inactive);
    }
}

#[test]
fn a_phone_that_a_human_wrote_stays_and_one_that_is_taken_away_goes_only_where_asked() {
    let phone = |number: &str| Phone { number: number.to_owned(), kind: PhoneKind::Work, is_default: true };
    let rule =
        |overwrite, clears| FieldRule { overwrite, clear: if clears { Clear::AtOnce } else { Clear::Never } };
    // The policy, both gates; what the contact shows after the directory took the number away, and
    // after that again when a human had written another one.
    for (overwrite, clear, allow, synced, edited) in [
        (Overwrite::Never, true, true, "1", "9"),
        (Overwrite::Always, false, false, "1", "9"),
        (Overwrite::Always, true, false, "1", "9"),
        (Overwrite::Always, false, true, "1", "9"),
        (Overwrite::Always, true, true, "", ""),
        (Overwrite::UnlessEdited, true, true, "", "9"),
        (Overwrite::OnlyIfEmpty, true, true, "1", "9"),
        (Overwrite::WhenSourceChanges, true, true, "", ""),
    ] {
        for (is_edited, expected) in [(false, synced), (true, edited)] {
            let mut world = World::new();
            world.policy.fields.phones = rule(overwrite, clear);
            world.policy.fields.allow_clearing = allow;
            let mira = |phones: &[&str]| {
                user(1, json!({"displayName": "Mira", "mail": "m@acme.example", "businessPhones": phones}))
            };
            world.add_contact(7, "Mira", "m@acme.example").values.phones = vec![phone("1")];
            world.link(&mira(&["1"]), 7);
            if is_edited {
                world.contact(7).values.phones = vec![phone("9")];
            }
            for _ in 0..2 {
                world.sync(&[mira(&[])]);
                let shown: Vec<&str> =
                    world.contacts[&contact_id(7)].values.phones.iter().map(|p| p.number.as_str()).collect();
                assert_eq!(shown.join(", "), expected, "{overwrite:?} {clear} {allow}, edited: {is_edited}");
            }
        }
    }
}
