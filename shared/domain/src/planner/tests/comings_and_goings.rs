//! Failures that other products are known for when people come, go, come back, or share an address.

use super::{
    staff::{staff, staffed, with_staff},
    world::story,
    *,
};
use crate::{ids::GroupId, policy::Timing, scope::GroupMembership, user::UserKind};

/// What becomes of somebody who leaves in this way: the person as the next reads show it, if they do.
fn left(way: &str, mut person: DirectoryUser) -> Option<DirectoryUser> {
    match way {
        "deleted" => return None,
        "disabled" => person.account_enabled = Some(false),
        "no licence any more" => person.license_count = Some(0),
        // The membership says so, not the person.
        "out of the group" => {}
        "a guest by now" => person.kind = UserKind::Guest,
        other => panic!("{other}"),
    }
    Some(person)
}

/// A tenant of four people, of whom the first one leaves in this way; and the reads before and after.
fn leaving(way: &str, out_of_scope: Timing) -> (World, Vec<DirectoryUser>, Vec<DirectoryUser>) {
    let (mut world, mut before) = staffed(World::overwriting(), 4);
    world.policy.vanish.confirmations = 1;
    world.policy.vanish.out_of_scope = out_of_scope;
    for user in &mut before {
        user.license_count = Some(1);
    }
    match way {
        "no licence any more" => {
            world.policy.scope =
                ScopeRules { licensed_only: true, ..ScopeRules::default() }.compile().unwrap();
        }
        "out of the group" => {
            world.policy.scope =
                ScopeRules { include_groups: vec![group()], ..ScopeRules::default() }.compile().unwrap();
            world.policy.groups = members(1..=4);
        }
        _ => {}
    }
    for (user, number) in before.iter().zip(1..) {
        world.link(user, number);
    }
    assert_eq!(world.sync(&before), NOTHING, "{way}");
    let first = left(way, before[0].clone());
    let after = first.into_iter().chain(before[1..].iter().cloned()).collect();
    (world, before, after)
}

fn group() -> GroupId {
    GroupId::new(uuid::Uuid::from_u128(0x6))
}

fn members(numbers: impl Iterator<Item = u128>) -> GroupMembership {
    let mut groups = GroupMembership::default();
    groups.insert(group(), numbers.map(object).collect());
    groups
}

#[test]
fn who_became_inactive_is_counted_once_and_written_once_however_often_it_is_read() {
    for way in ["deleted", "disabled", "no licence any more", "out of the group", "a guest by now"] {
        let (mut world, _, after) = leaving(way, Timing::AtOnce);
        if way == "out of the group" {
            world.policy.groups = members(2..=4);
        }
        let mut sums = Counters::default();
        let mut written = None;
        for _ in 0..5 {
            let counters = sum(&world.run(std::slice::from_ref(&after)));
            sums.add(&counters);
            let contact = world.contact(1).clone();
            assert!(contact.inactive, "{way}");
            assert_eq!(written.get_or_insert_with(|| contact.clone()), &contact, "{way}");
        }
        assert_eq!((sums.inactivated, sums.vanished), (1, 1), "{way}");
    }
}

#[test]
fn a_lost_licence_or_membership_is_told_and_takes_nobody_away_unless_asked_for() {
    for (way, reason) in [
        ("no licence any more", "u1 exclude unlicensed"),
        ("out of the group", "u1 exclude group"),
        ("a guest by now", "u1 exclude guest"),
    ] {
        for (out_of_scope, gone, back) in [
            (Timing::Never, None, None),
            (Timing::AtOnce, Some("u1 inactivate c1: out_of_scope"), Some("u1 reactivate c1")),
        ] {
            let (mut world, before, after) = leaving(way, out_of_scope);
            let everybody = world.policy.groups.clone();
            if way == "out of the group" {
                world.policy.groups = members(2..=4);
            }
            let lines = world.sync(&after);
            assert_eq!(lines, [Some(reason), gone].into_iter().flatten().collect::<Vec<_>>(), "{way}");
            assert_eq!(world.sync(&after), [reason], "{way}: told, and nothing more");
            assert_eq!(world.contact(1).inactive, gone.is_some(), "{way}");
            world.policy.groups = everybody;
            assert_eq!(world.sync(&before), back.into_iter().collect::<Vec<_>>(), "{way}: back");
            assert!(!world.contact(1).inactive, "{way}");
            assert_eq!((world.contacts.len(), world.links.len()), (4, 4), "{way}: never twice");
        }
    }
}

#[test]
fn whoever_is_removed_and_added_again_gets_the_same_contact_with_all_its_data() {
    for (case, number, back) in [
        ("restored", 1, "u1 reactivate c1"),
        ("made anew", 901, "u901 link and reactivate c1 by primary_address instead of u1"),
    ] {
        for mut world in [World::new(), World::overwriting()] {
            world.policy.vanish.confirmations = 1;
            let (mut world, staff) = staffed(world, 4);
            let contact = world.contact(1);
            contact.values.role = Some("Written by a human".to_owned());
            contact.additional_emails.push("also@private.example".parse().unwrap());
            let before = contact.clone();
            for expected in [back.to_owned(), format!("u{number} reactivate c1")] {
                assert_eq!(world.sync(&staff[1..]).len(), 1, "{case}: gone");
                assert!(world.contact(1).inactive, "{case}");
                let mut again = staff.clone();
                again[0].object = object(number);
                assert_eq!(world.sync(&again), [expected], "{case}");
                let now = world.contact(1).clone();
                assert_eq!((now.inactive, &now.values), (false, &before.values), "{case}");
                assert_eq!(now.additional_emails, before.additional_emails, "{case}");
                assert_eq!(world.contacts.len(), 4, "{case}: nobody twice");
                assert_eq!(world.sync(&again), NOTHING, "{case}");
            }
        }
    }
}

#[test]
fn two_accounts_with_one_address_fail_no_sync_and_tie_one_contact_once() {
    let [first, second] = [1, 2].map(|number| person(number, &format!("User {number}"), "desk@acme.example"));
    let colleagues = staff(3..=5);
    for has_contact in [false, true] {
        for order in [[&first, &second], [&second, &first]] {
            let mut world = World::overwriting();
            if has_contact {
                world.add_contact(7, "Desk", "desk@acme.example");
            }
            let read: Vec<DirectoryUser> = order.into_iter().chain(&colleagues).cloned().collect();
            let lines = world.sync(&read);
            let asked = lines.iter().filter(|line| line.contains("ask address_shared")).count();
            assert_eq!((lines.len(), asked), (5, 1), "{lines:?}");
            for _ in 0..3 {
                let counters = sum(&world.run(std::slice::from_ref(&read)));
                let expected = Counters { read: 5, unchanged: 4, ambiguous: 1, ..Counters::default() };
                assert_eq!(counters, expected);
            }
            let tied: BTreeSet<ContactId> =
                world.links.values().filter(|link| link.active).map(|link| link.contact).collect();
            assert_eq!((world.links.len(), tied.len(), world.contacts.len()), (4, 4, 4));
        }
    }
}

#[test]
fn an_address_in_other_letters_is_no_change() {
    let mut world = World::overwriting();
    let spelled = |mail: &str, alias: &str| {
        user(
            1,
            json!({
                "displayName": "Mira Sund", "mail": mail, "accountEnabled": true,
                "userPrincipalName": "mira@acme.example", "proxyAddresses": [alias],
            }),
        )
    };
    assert_eq!(world.sync(&[spelled("mira@acme.example", "smtp:ms@acme.example")]), ["u1 create"]);
    let before = world.clone();
    for (mail, alias) in [
        ("Mira@Acme.Example", "smtp:ms@acme.example"),
        ("MIRA@ACME.EXAMPLE", "smtp:MS@acme.example"),
        (" mira@acme.example ", "smtp:Ms@ACME.example"),
        ("mira@ACME.example", "SMTP:mira@acme.example"),
    ] {
        assert_eq!(world.sync(&[spelled(mail, alias)]), NOTHING, "{mail}, {alias}");
        assert_eq!(world, before, "{mail}, {alias}");
    }
}

#[test]
fn a_sign_in_name_in_other_letters_is_the_same_person_and_stops_nothing() {
    for (mut world, shown) in
        [(World::new(), "u1 refresh"), (World::overwriting(), "u1 update c1: sign-in name")]
    {
        let spelled = |name: &str| {
            user(
                1,
                json!({"displayName": "Mira Sund", "mail": "mira@acme.example", "userPrincipalName": name}),
            )
        };
        world.add_contact(1, "Mira Sund", "mira@acme.example");
        world.link(&spelled("mira@acme.example"), 1);
        let other = spelled("Mira@ACME.example");
        assert_eq!(world.sync(std::slice::from_ref(&other)), [shown]);
        for _ in 0..2 {
            assert_eq!(world.sync(std::slice::from_ref(&other)), NOTHING);
        }
        assert_eq!((world.contacts.len(), world.links.len(), world.reviews.len()), (1, 1, 0));
        assert!(world.links[&object(1)].active);
    }
}

#[test]
fn a_changed_address_is_never_counted_as_a_creation_and_the_rules_hold_for_it() {
    for (world, unchanged, updated, address, version) in
        [(World::new(), 1, 0, "u1@acme.example", 1), (World::overwriting(), 0, 1, "moved@acme.example", 2)]
    {
        let (mut world, mut staff) = staffed(world, 1);
        staff[0].mail = Some("moved@acme.example".to_owned());
        let counters = sum(&world.run(&[staff.clone()]));
        assert_eq!(counters, Counters { read: 1, unchanged, updated, ..Counters::default() });
        let contact = world.contact(1);
        assert_eq!(contact.values.email, address.parse().ok());
        assert_eq!((contact.version, world.contacts.len()), (version, 1));
    }
}

#[test]
fn an_account_made_anew_beside_the_old_one_stops_nobody_else() {
    let (mut world, mut staff) = with_staff(3);
    staff.push(person(901, "Person 1", "u1@acme.example"));
    staff.push(person(902, "Newcomer", "new@acme.example"));
    let pages = world.run(&[staff.clone()]);
    assert_eq!(story(&pages), ["u901 ask address_shared: c1", "u902 create"]);
    assert!(sum(&pages).is_consistent());
    for _ in 0..3 {
        assert_eq!(world.sync(&staff), NOTHING);
    }
    // The old account goes, and the person goes on.
    world.policy.vanish.confirmations = 1;
    staff.remove(0);
    assert_eq!(world.sync(&staff), ["u1 inactivate c1: deleted_upstream"]);
    let passed_on = ["u901 link and reactivate c1 by primary_address instead of u1"];
    assert_eq!(world.sync(&staff), passed_on);
    assert_eq!(world.sync(&staff), NOTHING);
}
