//! Cut off at any store write, and begun again.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use store::probe::Fault;

use crate::{outlet, walk::Way, world::World};

/// Every so many writes the process dies once.
const STEP: u64 = 4;

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
            let first = world.house.probe.counts().writes + number;
            let dead = Arc::new(AtomicBool::new(false));
            let died = Arc::clone(&dead);
            // The last write arrives or does not; after it, nothing does.
            world.house.probe.script(move |call| {
                if dead.load(Ordering::Relaxed) {
                    return Some(Fault::Before);
                }
                let is_last = call.write == Some(first);
                dead.store(is_last, Ordering::Relaxed);
                is_last.then_some(if number % 8 == 1 { Fault::After } else { Fault::Before })
            });
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
