//! People who are in no complete read any more.

use super::{
    world::{OTHER_CLIENT, story},
    *,
};

/// A world in which users 1 to `count` are linked to contacts of the same number.
fn with_staff(count: u128) -> (World, Vec<DirectoryUser>) {
    let mut world = World::new();
    let staff: Vec<DirectoryUser> = (1..=count)
        .map(|number| person(number, &format!("Person {number}"), &format!("u{number}@acme.example")))
        .collect();
    for (user, number) in staff.iter().zip(1..) {
        world.add_contact(number, &format!("Person {number}"), &format!("u{number}@acme.example"));
        world.link(user, number);
    }
    (world, staff)
}

#[test]
fn one_short_read_makes_nobody_inactive() {
    let (mut world, staff) = with_staff(3);
    for confirmations in [1_u8, 2, 3] {
        let mut world = world.clone();
        world.policy.vanish.confirmations = confirmations;
        for times in 1..confirmations {
            assert_eq!(world.sync(&staff[1..]), [format!("u1 missing {times}")]);
        }
        let pages = world.run(&[staff[1..].to_vec()]);
        assert_eq!(story(&pages), ["u1 inactivate c1: deleted_upstream"]);
        assert_eq!(
            pages.last().unwrap().counters,
            Counters { inactivated: 1, vanished: 1, ..Counters::default() }
        );
        assert_eq!(pages.last().unwrap().lines[0].label, "Person 1");
        assert_eq!(world.sync(&staff[1..]), NOTHING, "once");
        assert_eq!(world.sync(&staff), ["u1 reactivate c1"]);
    }
    world.policy.vanish.confirmations = 0;
    assert_eq!(world.sync(&staff[1..]), ["u1 inactivate c1: deleted_upstream"], "none is one");
}

#[test]
fn somebody_who_flaps_is_never_made_inactive() {
    let (mut world, staff) = with_staff(2);
    for _ in 0..3 {
        assert_eq!(world.sync(&staff[1..]), ["u1 missing 1"]);
        assert_eq!(world.sync(&staff), ["u1 refresh"]);
    }
    assert_eq!(world.contact(1).version, 1);
}

#[test]
fn a_disabled_person_who_flaps_is_counted_from_one_again() {
    let (mut world, mut staff) = with_staff(2);
    world.policy.fields.mark_inactive_when_disabled = false;
    staff.iter().zip(1..).for_each(|(user, number)| {
        world.link(user, number);
    });
    staff[0].account_enabled = Some(false);
    assert_eq!(world.sync(&staff[1..]), ["u1 missing 1"]);
    assert_eq!(world.sync(&staff), ["u1 missing 0"], "seen again");
    assert_eq!(world.sync(&staff), NOTHING);
    assert_eq!(world.sync(&staff[1..]), ["u1 missing 1"]);
}

#[test]
fn an_empty_read_is_held() {
    let (mut world, _) = with_staff(60);
    for _ in 0..3 {
        let pages = world.run(&[]);
        assert_eq!(story(&pages).len(), 60);
        assert!(
            story(&pages).iter().all(|line| line.ends_with("deleted_upstream") && line.contains(" hold c"))
        );
        assert_eq!(pages[0].counters, Counters { held: 60, ..Counters::default() });
    }
    assert!(world.contacts.values().all(|contact| !contact.inactive && contact.version == 1));
}

#[test]
fn the_hold_limit_is_a_number_or_a_share_whichever_is_more() {
    for (staff, gone, allowed, percent, held) in [
        (60, 5, 5, 0, false),
        (60, 6, 5, 0, true),
        (60, 6, 5, 10, false),
        (60, 7, 5, 10, true),
        (60, 1, 0, 0, true),
        (60, 59, 0, 100, false),
        // Small tenants: never more than half of them, one excepted.
        (10, 5, 5, 10, false),
        (10, 6, 9, 10, true),
        (3, 1, 5, 10, false),
        (3, 2, 5, 10, true),
        (2, 1, 5, 10, false),
        // Nobody at all was read.
        (60, 60, 0, 100, true),
        (1, 1, 5, 10, true),
    ] {
        let (mut world, people) = with_staff(staff);
        world.policy.vanish.confirmations = 1;
        world.policy.vanish.allowed = allowed;
        world.policy.vanish.allowed_percent = percent;
        let lines = world.sync(&people[gone..]);
        let expected = if held { "hold" } else { "inactivate" };
        assert_eq!(lines.len(), gone);
        assert!(lines.iter().all(|line| line.contains(expected)), "{gone} of {staff}: {lines:?}");
    }
}

#[test]
fn links_of_other_clients_and_inactive_links_do_not_widen_the_hold_limit() {
    let (mut world, staff) = with_staff(60);
    world.policy.vanish.confirmations = 1;
    for (number, user) in (1..).zip(&staff[..50]) {
        let link = world.links.get_mut(&user.object).unwrap();
        if number % 2 == 0 {
            link.client = OTHER_CLIENT;
            world.contact(number).client = OTHER_CLIENT;
        } else {
            link.active = false;
        }
    }
    world.policy.vanish.allowed = 1;
    // Ten active links are left: one tenth is one person.
    let lines = world.sync(&staff[52..]);
    assert_eq!(lines, ["u51 hold c51: deleted_upstream", "u52 hold c52: deleted_upstream"]);
    assert_eq!(world.sync(&staff[51..]), ["u51 inactivate c51: deleted_upstream"]);
}

#[test]
fn a_row_without_id_blocks_vanish() {
    let (mut world, staff) = with_staff(3);
    world.policy.vanish.confirmations = 1;
    let row = |object| UnusableRow { object, position: 0, code: "malformed_user".to_owned() };
    for (rows, expected) in [
        (vec![row(None)], &["u0 fail malformed_user"][..]),
        (vec![row(Some(object(1)))], &["u1 fail malformed_user"]),
        (vec![], &["u1 inactivate c1: deleted_upstream"]),
    ] {
        let mut planner = world.planner();
        let known = world.gather(&planner, &staff[1..]);
        let mut pages = planner.plan(&staff[1..], &rows, &known);
        let mut resumed = world.planner();
        for page in &pages {
            resumed.replay(page);
        }
        let known = world.gather_vanished(&planner);
        let vanished = planner.plan_vanished(&known);
        assert_eq!(resumed.plan_vanished(&known), vanished, "after a restart");
        pages.extend(vanished);
        assert_eq!(story(&pages), expected);
    }
}

#[test]
fn link_at_another_client_is_untouched() {
    let (mut world, staff) = with_staff(2);
    world.policy.vanish.confirmations = 1;
    world.links.get_mut(&object(1)).unwrap().client = OTHER_CLIENT;
    world.contact(1).client = OTHER_CLIENT;
    let before = world.clone();
    assert_eq!(world.sync(&staff[1..]), NOTHING);
    assert_eq!(world, before);
}

#[test]
fn somebody_out_of_scope_or_unusable_has_not_vanished() {
    let (mut world, mut staff) = with_staff(2);
    world.policy.vanish.confirmations = 1;
    staff[0] = user(1, json!({"displayName": "Person 1"}));
    assert_eq!(world.sync(&staff), ["u1 exclude missing_identity"]);
    world.links.get_mut(&object(1)).unwrap().missing = 1;
    assert_eq!(world.sync(&staff), ["u1 exclude missing_identity", "u1 missing 0"]);
    staff[0] = user(1, json!({"mail": "u1@acme.example", "userType": "Guest"}));
    assert_eq!(world.sync(&staff), ["u1 exclude guest"]);
    assert!(!world.contact(1).inactive);
}

#[test]
fn a_human_inactivated_contact_of_a_vanished_person_is_not_ours_to_reactivate() {
    let (mut world, staff) = with_staff(2);
    world.policy.vanish.confirmations = 1;
    world.contact(1).inactive = true;
    world.contact(1).version += 1;
    assert_eq!(world.sync(&staff[1..]), ["u1 inactivate c1: deleted_upstream"]);
    assert_eq!(world.sync(&staff), ["u1 link again c1"]);
    assert!(world.contact(1).inactive);
}

#[test]
fn a_read_that_has_not_ended_plans_no_vanished_people() {
    let (world, staff) = with_staff(3);
    let mut planner = world.planner();
    let known = world.gather(&planner, &staff[..1]);
    assert_eq!(story(&planner.plan(&staff[..1], &[], &known)), NOTHING);
}
