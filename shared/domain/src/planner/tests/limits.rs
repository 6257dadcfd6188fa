//! Too much at once waits for an operator, and the rest goes on.

use super::{staff::with_staff, *};
use crate::{contact::InactiveReason, policy::Share};

fn newcomers(count: u128) -> impl Iterator<Item = DirectoryUser> {
    (1_001..=1_000 + count).map(|number| person(number, "Newcomer", &format!("n{number}@acme.example")))
}

fn how_many(lines: &[String], what: &str) -> usize {
    lines.iter().filter(|line| line.split_once(' ').is_some_and(|(_, said)| said.starts_with(what))).count()
}

#[test]
fn a_surge_of_new_people_waits_but_for_the_first_sync() {
    for (linked, new, count, percent, created) in [
        (20, 5, 5, 0, 5),
        (20, 6, 5, 0, 5),
        (20, 6, 0, 25, 5),
        (20, 6, 6, 25, 6),
        (20, 3, 0, 0, 0),
        // Nobody was linked: everybody is new.
        (0, 40, 5, 25, 40),
    ] {
        let (mut world, mut staff) = with_staff(linked);
        world.policy.limits.creations = Share { count, percent };
        staff.extend(newcomers(new));
        // Whoever is not new is not held up.
        let case = format!("{new} besides {linked}, {count} or {percent} %");
        if let Some(first) = staff.first_mut().filter(|_| linked > 0) {
            first.office_location = Some("Oslo".to_owned());
        }
        let lines = world.sync(&staff);
        assert_eq!(how_many(&lines, "create"), created, "{case}");
        assert_eq!(how_many(&lines, "stage create"), usize::try_from(new).unwrap() - created, "{case}");
        assert_eq!(how_many(&lines, "refresh"), usize::from(linked > 0), "{case}");
        assert_eq!(world.contacts.len(), usize::try_from(linked).unwrap() + created, "{case}");
    }
}

#[test]
fn a_surge_of_accounts_that_take_contacts_over_waits() {
    for (moved, count, percent, taken) in [(3, 3, 0, 3), (4, 3, 0, 3), (3, 0, 10, 1), (2, 0, 0, 0)] {
        let (mut world, mut staff) = with_staff(20);
        world.policy.limits.link_moves = Share { count, percent };
        for (user, number) in staff.iter_mut().zip(1_u128..).take(moved) {
            world.links.get_mut(&user.object).unwrap().active = false;
            let contact = world.contact(number);
            contact.inactive = true;
            contact.entra.as_mut().unwrap().inactive_reason = Some(InactiveReason::DeletedUpstream);
            // The account was made anew.
            user.object = object(1_000 + number);
        }
        let lines = world.sync(&staff);
        let case = format!("{moved} of 20, {count} or {percent} %");
        assert_eq!(how_many(&lines, "link and reactivate"), taken, "{case}");
        assert_eq!(how_many(&lines, "stage link and reactivate"), moved - taken, "{case}");
        let inactive = world.contacts.values().filter(|contact| contact.inactive).count();
        assert_eq!(inactive, moved - taken, "{case}");
    }
}

#[test]
fn a_limit_counts_over_all_pages_of_a_read() {
    let (mut world, staff) = with_staff(20);
    world.policy.limits.creations = Share { count: 5, percent: 0 };
    let mut pages = vec![staff];
    pages.extend(newcomers(8).map(|user| vec![user]));
    let preview = world.preview(&pages);
    let planned = world.run(&pages);
    assert_eq!(planned, preview);
    let lines = world::story(&planned);
    assert_eq!((how_many(&lines, "create"), how_many(&lines, "stage create")), (5, 3));
}

#[test]
fn no_further_part_of_a_surge_slips_through_while_it_waits() {
    // Five are allowed at first. However few wait, nobody passes until an operator has decided, or has set
    // the limit to another value that is wide enough for those who wait.
    for (new, waiting, then_allowed, created) in
        [(8, 3, 5, 0), (12, 7, 5, 0), (12, 7, 6, 0), (12, 7, 7, 7), (12, 7, 9, 8), (8, 3, 3, 3), (8, 3, 2, 0)]
    {
        let case = format!("{waiting} wait, then {then_allowed} are allowed");
        let (mut world, mut staff) = with_staff(20);
        world.policy.limits.creations = Share { count: 5, percent: 0 };
        staff.extend(newcomers(new));
        assert_eq!(how_many(&world.sync_remembering(&staff), "stage create"), waiting, "{case}");
        world.policy.limits.creations.count = then_allowed;
        // One more comes while they wait.
        staff.extend(newcomers(new + 1).last());
        let lines = world.sync(&staff);
        assert_eq!(how_many(&lines, "create"), created, "{case}");
        assert_eq!(how_many(&lines, "stage create"), waiting + 1 - created, "{case}");
    }
}

#[test]
fn people_who_wait_to_become_inactive_wait_however_few_they_become() {
    let (mut world, mut staff) = with_staff(20);
    world.policy.vanish.confirmations = 1;
    let left: Vec<DirectoryUser> = staff.drain(..6).collect();
    assert_eq!(how_many(&world.sync_remembering(&staff), "stage inactivate"), 6);
    // All but two are back. Two alone would have been no surge.
    staff.extend_from_slice(&left[2..]);
    let lines = world.sync_remembering(&staff);
    assert_eq!((how_many(&lines, "stage inactivate"), how_many(&lines, "inactivate")), (2, 0));
    // Once an operator has decided, they are measured afresh.
    world.policy.held = Held::default();
    assert_eq!(how_many(&world.sync(&staff), "inactivate"), 2);
}
