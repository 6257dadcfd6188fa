//! A worker that dies at a write, and answers that get lost.

use std::collections::BTreeMap;

use domain::{
    ids::Identity,
    plan::{Action, PlanPage, Rule},
    undo::{UndoScope, way_back},
};
use store::{
    Applier, StaleLine, StoreError,
    probe::{Fault, Probe},
};

use super::{
    backend::Backend,
    dump::Dump,
    make::{TENANT, WORKSPACE, address, applier, apply, at, facts, line, object, page, scope},
    world::{cases, creation, everything, made, world},
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

/// A worker that dies in the middle of an undo and never comes back leaves the contact and its link as they
/// were, or both taken back.
pub(crate) async fn an_undo_that_is_cut_off_leaves_no_link_to_a_contact_that_is_nobodys(backend: &Backend) {
    let created = creation(4);
    for (fault, after_it) in [(Fault::Before, (true, true)), (Fault::After, (false, false))] {
        let table = world(backend).await;
        let contact =
            table.store.contacts(scope(), &[made(4)].into()).await.unwrap().remove(&made(4)).unwrap();
        let identity = Identity { tenant: TENANT, object: object(4) };
        let back =
            way_back(&created, identity, Some(&contact), &UndoScope::default(), &BTreeMap::new()).unwrap();
        let undo = page(vec![line(4, Rule::Undo, back)]);
        break_at(&table.probe, 1, fault);
        assert!(applier(&table.store, 1).apply(&undo).await.is_err());
        table.probe.clear();

        let state = async || {
            let contact = table.store.contacts(scope(), &[made(4)].into()).await.unwrap().remove(&made(4));
            let links = table.store.links(WORKSPACE, TENANT).await.unwrap();
            let is_linked = links.iter().any(|link| link.identity == identity && link.active);
            (contact.unwrap().entra.is_some(), is_linked)
        };
        assert_eq!(state().await, after_it, "{fault:?}");
        apply(&table.store, &undo).await;
        assert_eq!(state().await, (false, false), "{fault:?}");
    }
}

/// A run dies between an address and the contact it was for, and never comes back. Somebody else
/// who has the address now gets it from a run an hour later, not from one that may still be beside
/// it; and never from a contact that is there.
pub(crate) async fn an_address_left_behind_by_a_dead_run_is_taken_over(backend: &Backend) {
    let table = world(backend).await;
    break_at(&table.probe, 2, Fault::Before);
    let dead = page(vec![creation(70)]);
    assert!(applier(&table.store, 1).apply(&dead).await.is_err());
    table.probe.clear();

    let heir = line(71, Rule::NoMatch, Action::Create { contact: made(71), facts: facts("p70") });
    let heir_page = page(vec![heir.clone()]);
    let run = |second| Applier { at: at(second), ..applier(&table.store, 1) };
    let refused = [StaleLine { line: heir.id, code: "address_taken" }];
    assert_eq!(run(3599).apply(&heir_page).await.unwrap(), refused);
    assert_eq!(run(3600).apply(&heir_page).await.unwrap(), []);
    // The dead run's page, applied after all, finds the address taken; and so does anybody later.
    assert_eq!(
        run(0).apply(&dead).await.unwrap(),
        [StaleLine { line: creation(70).id, code: "address_taken" }]
    );
    assert_eq!(run(9000).apply(&dead).await.unwrap().len(), 1);
    let owners = table.store.owners(WORKSPACE, &[address("p70")].into()).await.unwrap();
    assert_eq!(owners[&address("p70")].contact, made(71));
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
