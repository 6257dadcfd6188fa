//! Reads of changes: the directory tells only of whom something has changed, in any order, more than
//! once, and of people nobody knows.

use super::{
    staff::with_staff,
    world::{OTHER_CLIENT, story},
    *,
};
use crate::policy::Timing;

const SOFT: InactiveReason = InactiveReason::SoftDeletedUpstream;
const FOR_GOOD: InactiveReason = InactiveReason::PermanentlyDeletedUpstream;

fn told_gone(number: u128, reason: InactiveReason) -> Leaver {
    Leaver { object: object(number), reason }
}

/// One page of a feed: who has changed, who is gone.
type Page<'a> = (&'a [DirectoryUser], &'a [u128]);

/// Reads pages of changes and applies each before the next; `pending` is who was leaving, before and
/// after.
fn told(world: &mut World, pages: &[Page], pending: &mut Vec<Leaver>) -> Vec<String> {
    let mut planner = Planner::of_changes(world.policy.clone(), pending.clone(), &[]);
    let mut planned = Vec::new();
    for (users, gone) in pages {
        let known = world.gather(&planner, users);
        let mut page = planner.plan(users, &[], &known);
        let gone: Vec<Leaver> = gone.iter().map(|number| told_gone(*number, SOFT)).collect();
        page.extend(planner.plan_removed(&gone));
        world.apply_all(&page);
        planner.settle();
        planned.extend(page);
    }
    let known = world.gather_leavers(&planner);
    let page = planner.close(&known);
    world.apply_all(&page);
    planned.extend(page);
    *pending = planner.still_leaving();
    assert_eq!(world.stale, []);
    story(&planned)
}

#[test]
fn a_change_that_is_told_again_changes_nothing() {
    let (mut world, mut staff) = with_staff(3);
    world.policy.fields.role = crate::fields::Overwrite::Always.into();
    staff[0].job_title = Some("Owner".to_owned());
    let newcomer = person(9, "Newcomer", "new@acme.example");
    let changed = [staff[0].clone(), newcomer];
    let mut pending = Vec::new();
    let first = told(&mut world, &[(&changed, &[])], &mut pending);
    assert_eq!(first, ["u1 update c1: role", "u9 create"]);
    let after = world.clone();
    for replay in [vec![(&changed[..], &[][..])], vec![(&changed[..], &[][..]), (&changed[..], &[][..])]] {
        assert_eq!(told(&mut world, &replay, &mut pending), NOTHING);
        assert_eq!(world, after);
    }
}

#[test]
fn of_several_changes_of_one_person_the_last_one_counts() {
    let (one, none): (&[u128], &[u128]) = (&[1], &[]);
    for (case, order, expected) in [
        ("gone", "g", &["u1 inactivate c1: soft_deleted_upstream"][..]),
        ("gone, told twice", "gg", &["u1 inactivate c1: soft_deleted_upstream"]),
        ("gone, and back", "gh", &NOTHING),
        ("back, and gone", "hg", &["u1 inactivate c1: soft_deleted_upstream"]),
        ("gone, back, gone", "ghg", &["u1 inactivate c1: soft_deleted_upstream"]),
        ("gone, back, gone, back", "ghgh", &NOTHING),
    ] {
        let (mut world, staff) = with_staff(4);
        world.policy.vanish.confirmations = 1;
        let pages: Vec<Page> = order
            .chars()
            .map(|told| if told == 'g' { (&[][..], one) } else { (&staff[..1], none) })
            .collect();
        assert_eq!(told(&mut world, &pages, &mut Vec::new()), expected, "{case}");
        assert_eq!(world.contact(1).inactive, !expected.is_empty(), "{case}");
    }
}

#[test]
fn who_is_told_gone_is_given_grace_and_an_empty_feed_confirms_it() {
    let (mut world, staff) = with_staff(4);
    let mut pending = Vec::new();
    assert_eq!(told(&mut world, &[(&[], &[1])], &mut pending), ["u1 missing 1"]);
    let mut back = (world.clone(), pending.clone());
    assert_eq!(told(&mut world, &[], &mut pending), ["u1 inactivate c1: soft_deleted_upstream"]);
    assert_eq!(told(&mut world, &[], &mut pending), NOTHING);
    assert_eq!(told(&mut world, &[(&staff[..1], &[])], &mut pending), ["u1 reactivate c1"]);
    assert_eq!(told(&mut back.0, &[(&staff[..1], &[])], &mut back.1), ["u1 refresh"], "back in time");
    assert_eq!(back.1, []);
}

#[test]
fn somebody_nobody_knows_can_be_told_gone() {
    let (mut world, _) = with_staff(4);
    world.policy.vanish.confirmations = 1;
    world.links.get_mut(&object(2)).unwrap().client = OTHER_CLIENT;
    world.contact(2).client = OTHER_CLIENT;
    world.contact(3).protected = true;
    let before = world.clone();
    assert_eq!(told(&mut world, &[(&[], &[77, 2, 3])], &mut Vec::new()), NOTHING);
    assert_eq!(world, before);
}

#[test]
fn a_feed_that_tells_of_too_many_at_once_waits_for_an_operator() {
    for (active_links, gone, staged) in [(Some(40), 5, false), (Some(40), 6, true), (None, 2, true)] {
        let (mut world, _) = with_staff(40);
        world.policy.vanish.confirmations = 1;
        world.policy.active_links = active_links;
        let gone: Vec<u128> = (1..=gone).collect();
        let lines = told(&mut world, &[(&[], &gone)], &mut Vec::new());
        assert_eq!(lines.len(), gone.len());
        let what = if staged { " stage inactivate" } else { " inactivate" };
        assert!(lines.iter().all(|line| line.contains(what)), "{active_links:?}: {lines:?}");
    }
}

/// Both ways of reading say the same of the same people, whatever the rules of leaving.
#[test]
fn changes_and_a_complete_read_agree() {
    for (disabled, out_of_scope) in [
        (Timing::AtOnce, Timing::Never),
        (Timing::AfterGrace, Timing::AtOnce),
        (Timing::Never, Timing::AfterGrace),
    ] {
        let (mut by_feed, staff) = with_staff(10);
        by_feed.policy.vanish.disabled = disabled;
        by_feed.policy.vanish.out_of_scope = out_of_scope;
        let mut by_listing = by_feed.clone();
        let mut now = staff;
        now[0].account_enabled = Some(false);
        now[1].kind = crate::user::UserKind::Guest;
        now[2].job_title = Some("Owner".to_owned());
        now.remove(3);
        now.push(person(11, "Newcomer", "new@acme.example"));
        let changed = [&now[..3], &now[9..]].concat();
        let mut pending = Vec::new();
        for round in 0..3 {
            let page: Page = if round == 0 { (&changed, &[4]) } else { (&[], &[]) };
            told(&mut by_feed, &[page], &mut pending);
            by_listing.sync(&now);
            let listed = without_ways(&by_listing);
            assert_eq!(without_ways(&by_feed), listed, "{disabled:?}, {out_of_scope:?}, {round}");
            assert_eq!(by_feed.links, by_listing.links, "{disabled:?}, {out_of_scope:?}, {round}");
        }
    }
}

#[test]
fn in_which_way_somebody_has_gone_is_said_and_remembered() {
    for (told_as, listed) in [(SOFT, false), (FOR_GOOD, false), (SOFT, true), (FOR_GOOD, true)] {
        let (mut world, staff) = with_staff(12);
        let mut planner = Planner::of_changes(world.policy.clone(), Vec::new(), &[]);
        let page = planner.plan_removed(&[told_gone(1, told_as)]);
        world.apply_all(&page);
        let known = world.gather_leavers(&planner);
        let noted = planner.close(&known);
        let Action::NoteMissing { reason, .. } = noted[0].lines[0].action else { panic!("{noted:?}") };
        assert_eq!(reason, Some(told_as));
        world.apply_all(&noted);
        let pending = planner.still_leaving();
        assert_eq!(pending, [told_gone(1, told_as)]);
        // The second read confirms it, by a feed that is silent or by everybody without the person.
        let lines = if listed {
            let mut planner = world.planner().told_before(&pending);
            let known = world.gather(&planner, &staff[1..]);
            let mut pages = planner.plan(&staff[1..], &[], &known);
            world.apply_all(&pages);
            let known = world.gather_leavers(&planner);
            let closing = planner.close(&known);
            world.apply_all(&closing);
            pages.extend(closing);
            story(&pages)
        } else {
            told(&mut world, &[], &mut pending.clone())
        };
        let name = serde_json::to_value(told_as).unwrap();
        assert_eq!(lines, [format!("u1 inactivate c1: {}", name.as_str().unwrap())], "{listed}");
        let stamp = world.contact(1).entra.clone().unwrap();
        assert_eq!((stamp.inactive_reason, stamp.account_enabled), (Some(told_as), Some(true)));
    }
}

#[test]
fn the_last_word_about_how_somebody_has_gone_counts() {
    let (mut world, staff) = with_staff(12);
    world.policy.vanish.confirmations = 1;
    let mut planner = Planner::of_changes(world.policy.clone(), Vec::new(), &[]);
    planner.plan_removed(&[told_gone(1, SOFT), told_gone(2, FOR_GOOD)]);
    planner.plan_removed(&[told_gone(1, FOR_GOOD)]);
    // Back, so nothing that was told before counts.
    let known = world.gather(&planner, &staff[1..2]);
    planner.plan(&staff[1..2], &[], &known);
    let known = world.gather_leavers(&planner);
    let pages = planner.close(&known);
    assert_eq!(story(&pages), ["u1 inactivate c1: permanently_deleted_upstream"]);
    world.apply_all(&pages);
    assert!(!world.contact(2).inactive);
}

#[test]
fn only_who_has_gone_can_be_told_gone() {
    let (world, _) = with_staff(4);
    let mut planner = Planner::of_changes(world.policy.clone(), Vec::new(), &[]);
    let none = [InactiveReason::DisabledUpstream, InactiveReason::OutOfScope];
    assert_eq!(planner.plan_removed(&none.map(|reason| told_gone(1, reason))), []);
    assert_eq!(planner.still_leaving(), []);
}
