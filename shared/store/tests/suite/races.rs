//! Others who write between the reads and the writes of an applier.

use store::{ContactInput, StaleLine, Upserted};

use super::{
    backend::{Backend, at_once},
    make::{WORKSPACE, address, applier, apply, contact, facts, input, page, scope, values},
    world::{creation, link, made, moving, update, world},
};

pub(crate) async fn a_human_between_the_appliers_read_and_its_write(backend: &Backend) {
    for line in [link(2, "p2", Vec::new()), update(4, "p4", Vec::new())] {
        let table = world(backend).await;
        let id = line.contact_written().unwrap();
        let store = table.store.clone();
        table.wire.before_put(async move {
            let local = if id == made(4) { "p4" } else { "p2" };
            let values = domain::contact::ContactValues { full_name: "By Hand".to_owned(), ..values(local) };
            let edit = ContactInput { id, values, ..input(0, "-") };
            store.upsert_contact(WORKSPACE, &edit).await.unwrap();
        });
        let stale = applier(&table.store, 1).apply(&page(vec![line.clone()])).await.unwrap();
        assert_eq!(stale, [StaleLine { line: line.id, code: "contact_changed" }]);
        let stored = table.store.contacts(scope(), &[id].into()).await.unwrap();
        assert_eq!(stored[&id].values.full_name, "By Hand");
        assert_eq!(stored[&id].line, None);
    }
}

pub(crate) async fn two_edits_of_one_contact(backend: &Backend) {
    let named = |name: &str| ContactInput {
        values: domain::contact::ContactValues { full_name: name.to_owned(), ..values("a") },
        ..input(1, "-")
    };
    let table = backend.table().await;
    for (first, second) in [("Made First", "Made Second"), ("Edited First", "Edited Second")] {
        let store = table.store.clone();
        let edit = named(first);
        table.wire.before_put(async move {
            store.upsert_contact(WORKSPACE, &edit).await.unwrap();
        });
        let refused = table.store.upsert_contact(WORKSPACE, &named(second)).await.unwrap();
        assert_eq!(refused, Upserted::ChangedMeanwhile);
        let stored = table.store.contacts_of_client(scope()).await.unwrap();
        assert_eq!(stored[0].values.full_name, first);
        let owners = table.store.owners(WORKSPACE, &[address("a")].into()).await.unwrap();
        assert_eq!(owners[&address("a")].contact, contact(1));
    }
}

pub(crate) async fn an_address_taken_in_between(backend: &Backend) {
    let table = world(backend).await;
    let store = table.store.clone();
    table.wire.before_put(async move {
        store.upsert_contact(WORKSPACE, &input(70, "new5")).await.unwrap();
    });
    let line = update(5, "new5", vec![moving("p5", "new5")]);
    let stale = applier(&table.store, 1).apply(&page(vec![line.clone()])).await.unwrap();
    assert_eq!(stale, [StaleLine { line: line.id, code: "address_taken" }]);
    let owners = table.store.owners(WORKSPACE, &[address("p5"), address("new5")].into()).await.unwrap();
    assert_eq!(owners[&address("p5")].contact, made(5));
    assert_eq!(owners[&address("new5")].contact, contact(70));
}

pub(crate) async fn two_pages_want_one_address(backend: &Backend) {
    for seed in 0..8 {
        let table = world(backend).await;
        table.wire.shuffle(seed);
        // Two people of the directory with one address: two contacts have to be refused the same
        // way as one page after another refuses them.
        let mut lines = [creation(41), creation(42)];
        for (line, person) in lines.iter_mut().zip([41, 42]) {
            let facts = facts("shared");
            let action = domain::plan::Action::Create { contact: made(person), facts };
            *line = super::make::line(person, line.rule, action);
        }
        let store = table.store.clone();
        let stale = at_once(2, |number| {
            let (store, line) = (store.clone(), lines[number as usize].clone());
            async move { applier(&store, 1).apply(&page(vec![line])).await.unwrap() }
        });
        let stale = stale.await.concat();
        assert_eq!(stale.len(), 1, "seed {seed}");
        assert_eq!(stale[0].code, "address_taken");
        let made = table.store.contacts(scope(), &[made(41), made(42)].into()).await.unwrap();
        assert_eq!(made.len(), 1, "seed {seed}");
        let winner = usize::from(stale[0].line == lines[0].id);
        apply(&table.store, &page(vec![lines[winner].clone()])).await;
    }
}
