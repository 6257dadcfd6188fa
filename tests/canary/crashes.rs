//! Cut off at any store write, and begun again.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use store::probe::Fault;

use crate::{outlet, walk::Way, world::World};

/// Every so many writes the process dies once.
const STEP: u64 = 4;

/// So often it dies in all that an operator does, which takes longer.
const DEATHS: u32 = 12;

/// The process dies at its `number`th write from now on; answers whether it has. That last write arrives or
/// does not; after it, nothing does.
fn dies_at(world: &World, number: u64) -> Arc<AtomicBool> {
    let last = world.house.probe.counts().writes + number;
    let dead = Arc::new(AtomicBool::new(false));
    let died = Arc::clone(&dead);
    world.house.probe.script(move |call| {
        if dead.load(Ordering::Relaxed) {
            return Some(Fault::Before);
        }
        let is_last = call.write == Some(last);
        dead.store(is_last, Ordering::Relaxed);
        is_last.then_some(if number % 8 == 1 { Fault::After } else { Fault::Before })
    });
    died
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_leaves_wherever_it_is_cut_off() {
    let log = outlet::log();
    let mut world = World::new().await;
    for way in Way::ALL {
        let before = world.house.probe.counts().writes;
        assert_eq!(world.walk(way).await, "completed");
        let writes = world.house.probe.counts().writes - before;
        let mut deaths = 0;
        for number in (1..=writes).step_by(usize::try_from(STEP).unwrap()) {
            let died = dies_at(&world, number);
            world.walk(way).await;
            world.house.probe.clear();
            deaths += u64::from(died.load(Ordering::Relaxed));
            world.begin_again().await;
        }
        assert!(deaths >= 5, "{way:?}: {deaths} of {writes} writes");
        assert_eq!(world.walk(way).await, "completed", "{way:?}: begun again");
    }
    world.outlet.add("the log", log.text());
    assert!(world.outlet.len() > 1_000);
    assert_eq!(world.outlet.leaks(&world.needles()), Vec::<String>::new());
}

/// Spread over the whole of it, at writes of which some arrive.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_leaves_wherever_what_an_operator_does_is_cut_off() {
    let log = outlet::log();
    let mut world = World::new().await;
    let before = world.house.probe.counts().writes;
    world.tour(0).await;
    let writes = world.house.probe.counts().writes - before;
    world.begin_again().await;
    let mut deaths = 0;
    for number in 1..=DEATHS {
        let place = writes * u64::from(number) / u64::from(DEATHS + 1);
        // Every second one as a write that arrives.
        let died = dies_at(&world, place / 8 * 8 + u64::from(number % 2));
        world.tour(number).await;
        world.house.probe.clear();
        deaths += u32::from(died.load(Ordering::Relaxed));
        world.begin_again().await;
    }
    // A later tour finds some of it done and writes less.
    assert!(deaths > DEATHS / 2, "{deaths} deaths in {writes} writes");
    world.outlet.add("the log", log.text());
    assert_eq!(world.outlet.leaks(&world.needles()), Vec::<String>::new());
}
