//! People who are leaving and of whom what is stored cannot be read: nothing is written, and that is said.

use super::{staff::with_staff, world::story, *};
use crate::policy::Timing;

/// What is planned at the end of a read in which three of the people are leaving, each in another way; the first
/// of them cannot be read.
fn closed(unreadable: &Unreadable, is_complete: bool) -> (Vec<String>, Planner, Counters) {
    let (mut world, mut now) = with_staff(40);
    world.policy.vanish.confirmations = 1;
    world.policy.vanish.out_of_scope = Timing::AtOnce;
    now[0].account_enabled = Some(false);
    now[1].kind = crate::user::UserKind::Guest;
    let gone = Leaver { object: object(3), reason: InactiveReason::SoftDeletedUpstream };
    now.remove(2);
    let mut planner = world.planner();
    if !is_complete {
        planner = Planner::of_changes(world.policy.clone(), Vec::new(), &[]);
    }
    let known = world.gather(&planner, &now);
    let mut pages = planner.plan(&now, &[], &known);
    if !is_complete {
        pages.extend(planner.plan_removed(&[gone]));
    }
    world.apply_all(&pages);
    planner.settle();
    let mut known = world.gather_leavers(&planner);
    known.unreadable = unreadable.clone();
    assert_eq!(planner.closing_needs(&known), Needs::default(), "nothing more can be looked up");
    pages.extend(planner.close(&known));
    let counters = sum(&pages);
    (story(&pages), planner, counters)
}

#[test]
fn a_leaver_whose_contact_cannot_be_read_is_a_failed_line_and_keeps_leaving() {
    for is_complete in [true, false] {
        let (all, ..) = closed(&Unreadable::default(), is_complete);
        let ways = ["disabled_upstream", "out_of_scope", "deleted_upstream"];
        assert_eq!(all.iter().filter(|line| line.contains(" inactivate ")).count(), ways.len(), "{all:?}");
        for number in 1..=3 {
            let contacts = [contact_id(number)].into();
            let (lines, planner, counters) =
                closed(&Unreadable { contacts, ..Unreadable::default() }, is_complete);
            let failed = format!("u{number} fail stored_unreadable");
            assert_eq!(lines.iter().filter(|line| **line == failed).count(), 1, "{lines:?}");
            assert_eq!(lines.iter().filter(|line| line.contains(" inactivate ")).count(), 2, "{lines:?}");
            assert!(counters.is_consistent(), "{counters:?}");
            assert_eq!((counters.failed, counters.inactivated), (1, 2));
            let still: Vec<_> = planner.still_leaving().iter().map(|leaver| leaver.object).collect();
            assert_eq!(still, [object(number)], "the next read looks again");
        }
    }
}

#[test]
fn so_is_one_whose_link_cannot_be_read_where_it_was_told() {
    let people = [object(3)].into();
    let (lines, planner, counters) = closed(&Unreadable { people, ..Unreadable::default() }, false);
    assert!(lines.contains(&"u3 fail stored_unreadable".to_owned()), "{lines:?}");
    assert!(counters.is_consistent(), "{counters:?}");
    assert_eq!((counters.failed, counters.inactivated), (1, 2));
    let still: Vec<_> = planner.still_leaving().iter().map(|leaver| leaver.object).collect();
    assert_eq!(still, [object(3)]);
}
