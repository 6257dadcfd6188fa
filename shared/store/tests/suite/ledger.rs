//! The links themselves: ended, listed, and taken back.

use std::collections::BTreeMap;

use domain::{
    ids::Identity,
    plan::{Action, LinkState, Rule},
    undo::{UndoScope, way_back},
};
use store::{Applier, StaleLine};

use super::{
    backend::Backend,
    make::{TENANT, WORKSPACE, applier, apply, at, contact, facts, line, object, page, scope},
    world::{creation, made, unlink, world},
};

pub(crate) async fn a_link_that_is_ended_is_listed_and_made_again_by_nobody_but_a_line(backend: &Backend) {
    let table = world(backend).await;
    let store = &table.store;
    let before = table.dump().await;
    let ended = unlink(17, Some(1));
    for _ in 0..2 {
        apply(store, &page(vec![ended.clone()])).await;
        let entries = store.ledger(WORKSPACE, TENANT, None, 100).await.unwrap();
        let entry = entries.iter().find(|entry| entry.object == object(17)).unwrap();
        assert_eq!((&entry.link, entry.parted, entry.ended_at), (&None, true, Some(at(0))));
        let people = store.people(WORKSPACE, TENANT, &[object(17)].into()).await.unwrap().0;
        let (person, _) = &people[&object(17)];
        assert_eq!((&person.link, person.parted, person.cut_at), (&None, true, Some(at(0))));
    }
    let contacts = store.contacts(scope(), &[made(17)].into()).await.unwrap();
    assert_eq!((&contacts[&made(17)].entra, contacts[&made(17)].version), (&None, 2));

    let identity = Identity { tenant: TENANT, object: object(17) };
    let back =
        way_back(&ended, identity, contacts.get(&made(17)), &UndoScope::default(), &BTreeMap::new()).unwrap();
    apply(store, &page(vec![line(17, Rule::Undo, back)])).await;
    let left = table.dump().await;
    let link = |dump: &super::dump::Dump| {
        let found = dump.items.iter().find(|((_, sk), _)| *sk == format!("LINK#{}", object(17)));
        found.unwrap().1.clone()
    };
    assert_eq!(link(&left), link(&before), "the link is what it was");
}

pub(crate) async fn a_line_that_needs_an_end_is_not_carried_out_without_it(backend: &Backend) {
    let table = world(backend).await;
    let before = table.dump().await;
    let store = &table.store;
    let action = Action::Link {
        contact: contact(2),
        expect: 1,
        before: None,
        supersedes: None,
        activate: false,
        changes: Vec::new(),
        facts: facts("p17"),
    };
    // Person 17 is linked to another contact still: the end of that was not carried out.
    let moved = line(17, Rule::Ledger, action);
    let applier = Applier { changes_links: true, ..applier(store, 1) };
    let stale = applier.apply(&page(vec![moved.clone()])).await.unwrap();
    assert_eq!(stale, [StaleLine { line: moved.id, code: "linked_elsewhere" }]);
    table.dump().await.assert_same(&before, "the contact is not marked as somebody's");

    apply(store, &page(vec![unlink(17, Some(1))])).await;
    assert_eq!(applier.apply(&page(vec![moved])).await.unwrap(), []);
    // What had ended is not put back over it, and the contact is not marked again.
    let ended = unlink(17, Some(1));
    let contacts = store.contacts(scope(), &[made(17)].into()).await.unwrap();
    let identity = Identity { tenant: TENANT, object: object(17) };
    let back =
        way_back(&ended, identity, contacts.get(&made(17)), &UndoScope::default(), &BTreeMap::new()).unwrap();
    let Action::Restore { turn, .. } = &back else { panic!("{back:?}") };
    assert_eq!((turn.from.link, turn.to.link), (LinkState::Parted, LinkState::Active));
    let before = table.dump().await;
    let back = line(17, Rule::Undo, back);
    let stale = applier.apply(&page(vec![back.clone()])).await.unwrap();
    assert_eq!(stale, [StaleLine { line: back.id, code: "linked_elsewhere" }]);
    table.dump().await.assert_same(&before, "nothing was put back");
}

pub(crate) async fn links_are_listed_part_by_part(backend: &Backend) {
    let table = world(backend).await;
    let store = &table.store;
    apply(store, &page((100..130).map(creation).collect())).await;
    let all = store.ledger(WORKSPACE, TENANT, None, 1_000).await.unwrap();
    assert_eq!(all.len(), 8 + 30, "nothing but links");
    assert!(all.iter().all(|entry| entry.link.is_some() && entry.facts.is_some() && !entry.unreadable));
    let (mut parts, mut after) = (Vec::new(), None);
    loop {
        let part = store.ledger(WORKSPACE, TENANT, after, 7).await.unwrap();
        let Some(last) = part.last() else { break };
        after = Some(last.object);
        parts.extend(part);
    }
    assert_eq!(parts, all);
    assert!(parts.is_sorted_by_key(|entry| entry.object));
}
