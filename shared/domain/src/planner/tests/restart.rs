//! A task that ends early and is taken up again by another one.

use proptest::prelude::*;

use super::{
    scenes::{Scene, scenes},
    *,
};

/// The plan pages of a complete read during which the task ends after every stored page, applied
/// (`is_run`) or not. Whatever took the work up has the stored pages and what the store says now.
fn interrupted(scene: &Scene, is_run: bool) -> (World, Vec<PlanPage>) {
    let mut world = scene.world.clone();
    let mut stored: Vec<PlanPage> = Vec::new();
    let directory = scene.pages();
    let mut position = 0;
    loop {
        let mut planner = world.planner();
        for page in &stored {
            if is_run { planner.replay_applied(page) } else { planner.replay(page) }
        }
        let planned = if let Some(users) = directory.get(position) {
            let known = world.gather(&planner, users);
            planner.plan(users, &[], &known)
        } else {
            let known = world.gather_leavers(&planner);
            planner.close(&known)
        };
        match planned.into_iter().next() {
            Some(page) => {
                if is_run {
                    world.apply(&page);
                }
                stored.push(page);
                assert!(stored.len() < 30, "every restart has to get further");
            }
            None if position < directory.len() => position += 1,
            None => return (world, stored),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_run_that_is_interrupted_after_every_page_is_the_same_run(scene in scenes()) {
        let mut world = scene.world.clone();
        let pages = world.run(&scene.pages());
        let (after, stored) = interrupted(&scene, true);
        prop_assert_eq!(stored, pages);
        prop_assert_eq!(after, world);
    }

    #[test]
    fn a_preview_that_is_interrupted_after_every_page_is_the_same_preview(scene in scenes()) {
        let (after, stored) = interrupted(&scene, false);
        prop_assert_eq!(stored, scene.world.preview(&scene.pages()));
        prop_assert_eq!(after, scene.world);
    }
}

/// Enough people for several plan pages, so that a directory page and the vanished people are
/// interrupted in the middle.
fn crowd(confirmations: u8, allowed_percent: u8) -> Scene {
    let mut world = World::new();
    world.policy.vanish.confirmations = confirmations;
    world.policy.vanish.allowed_percent = allowed_percent;
    world.policy.limits.creations.count = 600;
    for number in 1..=600 {
        let email = format!("u{number}@acme.example");
        world.add_contact(number, "Somebody", &email);
        world.link(&person(number, "Somebody", &email), number);
    }
    let newcomers: Vec<DirectoryUser> =
        (2001..=2600).map(|number| person(number, "Newcomer", &format!("u{number}@acme.example"))).collect();
    Scene::new(world, newcomers)
}

#[test]
fn a_restart_within_the_vanished_people_counts_nobody_twice() {
    for (confirmations, allowed_percent) in [(2, 100), (1, 100), (1, 99)] {
        let scene = crowd(confirmations, allowed_percent);
        let mut world = scene.world.clone();
        let pages = world.run(&scene.pages());
        assert_eq!(pages.len(), 4, "two of newcomers, two of vanished people");
        let (after, stored) = interrupted(&scene, true);
        assert_eq!(stored, pages, "{confirmations} {allowed_percent}");
        assert_eq!(after, world);
    }
}

#[test]
fn a_restart_does_not_widen_the_hold_limit() {
    // 600 newcomers would double the number of active links.
    let scene = crowd(1, 60);
    let (after, _) = interrupted(&scene, true);
    assert!(after.contacts.values().all(|contact| !contact.inactive));
}
