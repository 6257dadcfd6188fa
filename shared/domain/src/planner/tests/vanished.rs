//! People who are in no complete read any more.

use jiff::{SignedDuration, Timestamp};

use super::{
    staff::with_staff,
    world::{OTHER_CLIENT, story},
    *,
};
use crate::{
    plan::Guard,
    policy::{Timing, VanishRules},
};

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
fn an_empty_read_makes_nobody_inactive_and_says_so() {
    let (mut world, _) = with_staff(60);
    world.policy.vanish.confirmations = 1;
    let before = world.clone();
    for _ in 0..3 {
        let pages = world.run(&[]);
        assert_eq!(story(&pages), NOTHING);
        assert_eq!(pages[0].guard, Some(Guard::ShortRead { read: 0, expected: 60 }));
    }
    assert_eq!(world, before);
}

#[test]
fn a_short_read_creates_and_updates_and_makes_nobody_inactive() {
    for (expected, read, percent, guarded) in [
        (100, 49, 50, true),
        (100, 50, 50, false),
        (100, 1, 0, false),
        (100, 99, 100, true),
        // Too small to be short of.
        (9, 1, 50, false),
        (10, 4, 50, true),
    ] {
        let (mut world, mut staff) = with_staff(120);
        world.policy.vanish = VanishRules { confirmations: 1, allowed_percent: 100, ..world.policy.vanish };
        world.policy.limits.short_read_percent = percent;
        world.policy.expected_people = Some(expected);
        staff[0].account_enabled = Some(false);
        let newcomer = person(900, "Newcomer", "newcomer@acme.example");
        let mut people: Vec<DirectoryUser> =
            staff.into_iter().take(usize::try_from(read).unwrap() - 1).collect();
        people.insert(0, newcomer);
        let case = format!("{read} of {expected}, {percent} %");
        let pages = world.run(&[people]);
        assert_eq!(story(&pages)[0], "u900 create", "{case}");
        assert_eq!(sum(&pages).read, read, "{case}");
        let inactive = world.contacts.values().filter(|contact| contact.inactive).count();
        assert_eq!(inactive == 0, guarded, "{case}");
        let guard = pages.last().unwrap().guard;
        assert_eq!(guard, guarded.then_some(Guard::ShortRead { read, expected }), "{case}");
    }
}

#[test]
fn grace_is_a_number_of_reads_and_of_hours() {
    for (confirmations, grace_hours, hours_of_reads, inactive_after) in [
        (1, 0, [0, 1, 2, 3], Some(0)),
        (2, 0, [0, 0, 0, 0], Some(1)),
        (2, 12, [0, 1, 11, 12], Some(3)),
        (3, 12, [0, 24, 48, 72], Some(2)),
        (2, 12, [0, 1, 2, 3], None),
        (0, 24, [0, 23, 24, 25], Some(2)),
        // A clock that goes back begins grace anew and never cuts it short.
        (2, 12, [20, 5, 6, 7], None),
    ] {
        let (mut world, staff) = with_staff(3);
        world.policy.vanish = VanishRules { confirmations, grace_hours, ..world.policy.vanish };
        let inactive_at = hours_of_reads.iter().position(|hours| {
            world.policy.now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1_000 + hours);
            world.sync(&staff[1..]);
            world.contact(1).inactive
        });
        assert_eq!(
            inactive_at, inactive_after,
            "{confirmations} reads, {grace_hours} hours, at {hours_of_reads:?}"
        );
    }
}

/// What the directory says × when the rule says × what an operator or a human has said before.
#[test]
fn who_becomes_inactive_and_when() {
    const ONCE: &[&str] = &["inactivate"];
    const LATER: &[&str] = &["missing", "inactivate"];
    const NEVER: &[&str] = &[];
    for (leaving, disabled, out_of_scope, expected) in [
        ("gone", Timing::AtOnce, Timing::Never, LATER),
        ("gone", Timing::Never, Timing::AtOnce, LATER),
        ("disabled", Timing::AtOnce, Timing::Never, ONCE),
        ("disabled", Timing::AfterGrace, Timing::Never, LATER),
        ("disabled", Timing::Never, Timing::AtOnce, NEVER),
        ("guest", Timing::AtOnce, Timing::Never, NEVER),
        ("guest", Timing::Never, Timing::AfterGrace, LATER),
        ("guest", Timing::Never, Timing::AtOnce, ONCE),
    ] {
        let (mut world, mut staff) = with_staff(3);
        world.policy.vanish = VanishRules { disabled, out_of_scope, ..world.policy.vanish };
        match leaving {
            "gone" => drop(staff.remove(0)),
            "disabled" => staff[0].account_enabled = Some(false),
            _ => staff[0].kind = crate::user::UserKind::Guest,
        }
        for keep in [false, true] {
            let mut world = world.clone();
            world.links.get_mut(&object(1)).unwrap().keep = keep;
            let mut lines = Vec::new();
            for _ in 0..4 {
                lines.extend(world.sync(&staff).into_iter().filter(|line| !line.contains("exclude")));
            }
            let verbs: Vec<&str> = lines.iter().map(|line| line.split(' ').nth(1).unwrap()).collect();
            let expected = if keep { NEVER } else { expected };
            let back = if keep && expected.is_empty() && lines.iter().any(|line| line.ends_with("missing 0"))
            {
                vec!["missing"]
            } else {
                expected.to_vec()
            };
            assert_eq!(verbs, back, "{leaving}, {disabled:?}, {out_of_scope:?}, keep: {keep}");
        }
    }
}

#[test]
fn a_rejected_leaver_stays_until_the_person_is_back() {
    let (mut world, staff) = with_staff(3);
    world.policy.vanish.confirmations = 1;
    world.links.get_mut(&object(1)).unwrap().keep = true;
    for _ in 0..10 {
        assert_eq!(world.sync(&staff[1..]), NOTHING, "not asked again");
    }
    assert_eq!(world.sync(&staff), ["u1 refresh"]);
    assert_eq!(world.sync(&staff[1..]), ["u1 inactivate c1: deleted_upstream"], "leaves once more");
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
    ] {
        let (mut world, people) = with_staff(staff);
        world.policy.vanish.confirmations = 1;
        world.policy.vanish.allowed = allowed;
        world.policy.vanish.allowed_percent = percent;
        let lines = world.sync(&people[gone..]);
        let expected = if held { " stage inactivate" } else { " inactivate" };
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
    assert_eq!(
        lines,
        ["u51 stage inactivate c51: deleted_upstream", "u52 stage inactivate c52: deleted_upstream"]
    );
    assert_eq!(world.sync(&staff[51..]), ["u51 inactivate c51: deleted_upstream"]);
}

#[test]
fn people_whose_contact_may_not_be_written_use_up_no_limit() {
    for case in ["protected", "at another client", "another account's"] {
        let (mut world, staff) = with_staff(60);
        world.policy.vanish.confirmations = 1;
        for number in 1..=8 {
            let contact = world.contact(number);
            match case {
                "protected" => contact.protected = true,
                "at another client" => contact.client = OTHER_CLIENT,
                _ => contact.entra.as_mut().unwrap().identity.object = object(900 + number),
            }
        }
        // Eight have left whom nobody may touch; at most six may become inactive at once.
        assert_eq!(world.sync(&staff[8..]), NOTHING, "{case}");
        assert_eq!(world.sync(&staff[9..]), ["u9 inactivate c9: deleted_upstream"], "{case}");
    }
}

#[test]
fn contacts_that_a_human_has_made_inactive_before_use_up_no_limit() {
    let (mut world, mut staff) = with_staff(60);
    for (user, number) in staff.iter_mut().zip(1..).take(20) {
        user.account_enabled = Some(false);
        // One of them is still in use.
        world.contact(number).inactive = number > 1;
    }
    let lines = world.sync(&staff);
    assert_eq!(lines.len(), 20);
    assert!(lines.iter().all(|line| line.contains(" inactivate")), "{lines:?}");
    assert_eq!(world.sync(&staff), NOTHING);
    let is_ours = |contact: &Contact| contact.entra.as_ref().is_some_and(|e| e.inactive_reason.is_some());
    assert_eq!(world.contacts.values().filter(|contact| is_ours(contact)).count(), 1);
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
        let known = world.gather_leavers(&planner);
        let vanished = planner.close(&known);
        assert_eq!(resumed.close(&known), vanished, "after a restart");
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
