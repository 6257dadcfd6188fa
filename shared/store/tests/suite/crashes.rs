//! A worker that dies at a write, and answers that get lost.

use domain::plan::PlanPage;
use store::{
    StoreError,
    probe::{Fault, Probe},
};

use super::{
    backend::Backend,
    dump::Dump,
    make::{applier, apply, page},
    world::{cases, everything, world},
};

pub(crate) async fn a_line_cut_off_at_any_write_goes_on(backend: &Backend) {
    for case in cases() {
        let page = page(vec![case.line]);
        let expected = uninterrupted(backend, &page).await;
        for (write, fault) in
            (1..=case.writes).flat_map(|write| [(write, Fault::Before), (write, Fault::After)])
        {
            let table = world(backend).await;
            break_at(&table.probe, write, fault);
            let cut_off = applier(&table.store, 1).apply(&page).await;
            let what = format!("{}, write {write}, {fault:?}", case.name);
            assert!(matches!(cut_off, Err(StoreError::Unavailable { .. })), "{what}");
            table.probe.clear();
            apply(&table.store, &page).await;
            table.dump().await.assert_same(&expected, &what);
        }
    }
}

pub(crate) async fn a_page_that_is_cut_off_at_every_write_in_turn_arrives(backend: &Backend) {
    let page = everything();
    let expected = uninterrupted(backend, &page).await;
    for (fault, width) in [(Fault::Before, 1), (Fault::Before, 8), (Fault::After, 1), (Fault::After, 8)] {
        let table = world(backend).await;
        table.wire.shuffle(7);
        let mut crashes = 0_u64;
        loop {
            // Write n of the n-th attempt is the first one that fails: work gets further each time.
            table.probe.reset();
            break_at(&table.probe, crashes + 1, fault);
            match applier(&table.store, width).apply(&page).await {
                Ok(stale) => break assert_eq!(stale, []),
                Err(_) => crashes += 1,
            }
            assert!(crashes < 200, "it does not get further");
        }
        assert!(crashes > 10, "{crashes}");
        table.dump().await.assert_same(&expected, &format!("{fault:?}, width {width}"));
    }
}

pub(crate) async fn every_write_may_arrive_twice(backend: &Backend) {
    for case in cases() {
        let page = page(vec![case.line]);
        let expected = uninterrupted(backend, &page).await;
        let table = world(backend).await;
        table.probe.script(|call| call.write.map(|_| Fault::Twice));
        apply(&table.store, &page).await;
        table.dump().await.assert_same(&expected, case.name);
    }
    let expected = uninterrupted(backend, &everything()).await;
    let table = world(backend).await;
    table.probe.script(|call| call.write.map(|_| Fault::Twice));
    apply(&table.store, &everything()).await;
    table.dump().await.assert_same(&expected, "all lines");
}

async fn uninterrupted(backend: &Backend, page: &PlanPage) -> Dump {
    let table = world(backend).await;
    apply(&table.store, page).await;
    table.dump().await
}

/// Lets write number `write` fail, counted from the last reset.
fn break_at(probe: &Probe, write: u64, fault: Fault) {
    probe.script(move |call| (call.write == Some(write)).then_some(fault));
}
