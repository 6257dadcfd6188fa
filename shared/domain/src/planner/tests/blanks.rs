//! A value that the directory has lost: a contact that is to lose it, too, keeps it until that is confirmed.

use super::*;
use crate::fields::{Blank, Clear, FieldRule, Overwrite};

/// Mira's department as the directory has it; `-` is none.
fn mira(department: char) -> DirectoryUser {
    let mut mira = person(1, "Mira Sund", "mira@acme.example");
    mira.department = (department != '-').then(|| department.to_string());
    mira
}

fn with_mira(overwrite: Overwrite, clear: Clear) -> World {
    let mut world = World::new();
    world.add_contact(7, "Mira Sund", "mira@acme.example").values.department = Some("A".to_owned());
    world.policy.fields.department = FieldRule { overwrite, clear };
    world.policy.fields.allow_clearing = true;
    (world.policy.vanish.confirmations, world.policy.vanish.grace_hours) = (2, 12);
    world.link(&mira('A'), 7);
    world
}

fn shown_department(world: &mut World) -> char {
    world.contact(7).values.department.as_ref().and_then(|text| text.chars().next()).unwrap_or('-')
}

/// Each sign is what the directory says in a read, six hours after the one before; `e` is a human who edits the
/// contact. Below, what the contact shows then.
const HISTORIES: &[(Overwrite, &str, &str)] = &[
    (Overwrite::Always, "A---", "AAA-"),
    // Back once, and everything begins again.
    (Overwrite::Always, "--A---", "AAAAA-"),
    (Overwrite::Always, "--B---", "AABBB-"),
    (Overwrite::WhenSourceChanges, "-----", "AA---"),
    (Overwrite::UnlessEdited, "-----", "AA---"),
    // An edit meanwhile: whoever said that edits stay keeps it.
    (Overwrite::UnlessEdited, "-e---", "AEEEE"),
    (Overwrite::WhenSourceChanges, "-e---", "AEE--"),
    (Overwrite::OnlyIfEmpty, "-----", "AAAAA"),
    (Overwrite::Never, "-----", "AAAAA"),
];

#[test]
fn a_blank_clears_once_as_many_reads_and_hours_have_confirmed_it() {
    for (overwrite, history, expected) in HISTORIES {
        let mut world = with_mira(*overwrite, Clear::AfterGrace);
        let mut shown = String::new();
        for said in history.chars() {
            if said == 'e' {
                world.contact(7).values.department = Some("E".to_owned());
                world.contact(7).version += 1;
            } else {
                world.policy.now += jiff::SignedDuration::from_hours(6);
                world.sync(&[mira(said)]);
            }
            shown.push(shown_department(&mut world));
        }
        assert_eq!(shown, *expected, "{overwrite:?} {history}");
        assert_eq!(world.stale, []);
    }
}

#[test]
fn what_waits_is_looked_at_again_and_what_is_confirmed_is_not() {
    let mut world = with_mira(Overwrite::Always, Clear::AfterGrace);
    for expected in [true, true, false, false] {
        world.policy.now += jiff::SignedDuration::from_hours(6);
        let mut planner = world.planner();
        let known = world.gather(&planner, &[mira('-')]);
        let pages = planner.plan(&[mira('-')], &[], &known);
        assert_eq!(planner.still_open() == [object(1)], expected);
        world.apply_all(&pages);
    }
    assert_eq!(world.sync(&[mira('-')]), NOTHING, "nothing more is written");
}

#[test]
fn while_only_hours_have_to_pass_nothing_is_written_and_the_person_is_looked_at_again() {
    let mut world = with_mira(Overwrite::Always, Clear::AfterGrace);
    for (read, is_written) in [(1, true), (2, true), (3, false), (4, false), (13, true), (14, false)] {
        world.policy.now = jiff::Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(read);
        let mut planner = world.planner();
        let known = world.gather(&planner, &[mira('-')]);
        let pages = planner.plan(&[mira('-')], &[], &known);
        assert_eq!(pages.iter().any(|page| !page.lines.is_empty()), is_written, "hour {read}");
        assert_eq!(planner.still_open() == [object(1)], read < 13, "hour {read}");
        world.apply_all(&pages);
    }
    assert_eq!(shown_department(&mut world), '-');
}

/// The property that found it: whoever takes over a contact from an account that is gone brings the blank along.
#[test]
fn a_blank_of_an_account_that_took_over_is_noted_once() {
    let mut world = with_mira(Overwrite::Always, Clear::AfterGrace);
    world.links.get_mut(&object(1)).unwrap().active = false;
    let mut again = mira('-');
    again.object = object(2);
    assert_eq!(world.sync(std::slice::from_ref(&again)).len(), 1, "linked");
    assert_eq!(world.facts[&object(2)].blank(Field::Department).map(|blank| blank.times), Some(1));
    assert!(world.run(&[vec![again]]).iter().all(|page| page.lines.is_empty()));
}

#[test]
fn a_directory_that_tells_twice_in_one_read_confirms_nothing() {
    let mut world = with_mira(Overwrite::Always, Clear::AfterGrace);
    world.policy.vanish.grace_hours = 0;
    for (run, times) in [(1, 1), (2, 0)] {
        world.policy.now += jiff::SignedDuration::from_hours(1);
        let mut planner = Planner::of_changes(world.policy.clone(), Vec::new(), &[]);
        for _ in 0..3 {
            let known = world.gather(&planner, &[mira('-')]);
            let pages = planner.plan(&[mira('-')], &[], &known);
            world.apply_all(&pages);
            planner.settle();
        }
        let noted = world.facts[&object(1)].blank(Field::Department).map_or(0, |blank| blank.times);
        assert_eq!(noted, times, "run {run}");
    }
    assert_eq!(shown_department(&mut world), '-');
}

#[test]
fn a_preview_says_what_its_run_notes() {
    let mut world = with_mira(Overwrite::Always, Clear::AfterGrace);
    for _ in 0..3 {
        world.policy.now += jiff::SignedDuration::from_hours(6);
        let planned = world.preview(&[vec![mira('-')]]);
        let again = world.run(&[vec![mira('-')]]);
        assert_eq!(
            planned.iter().map(PlanPage::encode).collect::<Vec<_>>(),
            again.iter().map(PlanPage::encode).collect::<Vec<_>>()
        );
    }
    assert_eq!(shown_department(&mut world), '-');
}

#[test]
fn fields_wait_each_on_its_own() {
    let mut world = with_mira(Overwrite::Always, Clear::AfterGrace);
    world.policy.vanish.grace_hours = 0;
    world.policy.fields.role = world.policy.fields.department;
    let read = |department, role: Option<&str>| {
        let mut mira = mira(department);
        mira.job_title = role.map(str::to_owned);
        [mira]
    };
    world.sync(&read('A', Some("Dentist")));
    let hour = jiff::SignedDuration::from_hours(1);
    for (said, left) in
        [(read('-', Some("Dentist")), "A Dentist"), (read('-', None), "- Dentist"), (read('-', None), "- -")]
    {
        world.policy.now += hour;
        world.sync(&said);
        let role = world.contact(7).values.role.clone().unwrap_or_else(|| "-".to_owned());
        assert_eq!(format!("{} {role}", shown_department(&mut world)), left);
    }
    assert_eq!(world.facts[&object(1)].blanks, Vec::<Blank>::new());
}
