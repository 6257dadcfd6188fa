//! What taking a line back leaves behind.

use std::collections::BTreeMap;

use domain::{
    contact::EntraStamp,
    fields::{Change, FieldChange},
    ids::{ContactId, Identity},
    plan::{Action, ContactState, Line, LinkState, Rule, Turn},
    undo::{UndoScope, way_back},
};
use jiff::Timestamp;
use store::{ContactInput, StaleLine, Store, Upserted, WRITE_REFUSED};

use super::{
    backend::Backend,
    make::{
        TENANT, WORKSPACE, address, applier, apply, at, contact, facts, input, line, object, page, scope,
        values,
    },
    world::{creation, link, made, world},
};

fn identity(person: u32) -> Identity {
    Identity { tenant: TENANT, object: object(person) }
}

pub(crate) async fn a_contact_whose_making_is_undone_keeps_its_id_to_itself(backend: &Backend) {
    let table = world(backend).await;
    let store = &table.store;
    let creation = creation(1);
    apply(store, &page(vec![creation.clone()])).await;
    let there = store.contacts_of_client(scope()).await.unwrap();
    let there = there.iter().find(|contact| contact.id == made(1)).unwrap();
    let back =
        way_back(&creation, identity(1), Some(there), &UndoScope::default(), &BTreeMap::new()).unwrap();
    apply(store, &page(vec![line(1, Rule::Undo, back)])).await;

    let inventory = store.inventory(WORKSPACE, TENANT).await.unwrap();
    assert_eq!((inventory.link(object(1)), inventory.cuts.get(&object(1))), (None, Some(&at(0))));
    let people = store.people(WORKSPACE, TENANT, &[object(1)].into()).await.unwrap().0;
    assert_eq!(people[&object(1)].0.cut_at, Some(at(0)));

    // A plan from before the undo makes nobody a second contact, and holds no address.
    let moved = facts("elsewhere");
    let again = line(1, Rule::NoMatch, Action::Create { contact: made(1), facts: moved.clone() });
    let stale = applier(store, 1).apply(&page(vec![again.clone()])).await.unwrap();
    assert_eq!(stale, [StaleLine { line: again.id, code: "contact_exists" }]);
    assert!(store.owners(WORKSPACE, &[address("elsewhere")].into()).await.unwrap().is_empty());

    let id = |cut_at: Option<Timestamp>| ContactId::derived(WORKSPACE, identity(1), &address("p1"), cut_at);
    assert_ne!(id(Some(at(0))), id(None));
    let action = Action::Create { contact: id(Some(at(0))), facts: moved };
    apply(store, &page(vec![line(1, Rule::NoMatch, action)])).await;
    let inventory = store.inventory(WORKSPACE, TENANT).await.unwrap();
    assert_eq!(inventory.link(object(1)).map(|link| link.contact), Some(id(Some(at(0)))));
    assert!(inventory.cuts.is_empty());
    let contacts = store.contacts_of_client(scope()).await.unwrap();
    assert!(contacts.iter().any(|contact| contact.id == made(1) && contact.inactive), "nothing is deleted");
}

/// A contact and the link that leads to it turn together, or neither does.
pub(crate) async fn what_cannot_be_taken_back_whole_is_left_whole(backend: &Backend) {
    for (meanwhile, code) in [
        (Meanwhile::Nothing, WRITE_REFUSED),
        (Meanwhile::Edited, "contact_changed"),
        (Meanwhile::LinkedElsewhere, "linked_elsewhere"),
    ] {
        let (table, twin) = (world(backend).await, world(backend).await);
        let there = table.store.contacts(scope(), &[made(4)].into()).await.unwrap().remove(&made(4)).unwrap();
        let mut back =
            way_back(&creation(4), identity(4), Some(&there), &UndoScope::default(), &BTreeMap::new())
                .unwrap();
        if let (Meanwhile::Nothing, Action::Restore { changes, .. }) = (meanwhile, &mut back) {
            // More than an item may be.
            changes.push(FieldChange::Role(Change::new(None, Some("x".repeat(500_000)))));
        }
        let store = table.store.clone();
        table.wire.before_transaction(async move { meanwhile.happens(&store).await });
        let line = line(4, Rule::Undo, back);
        let stale = applier(&table.store, 1).apply(&page(vec![line.clone()])).await.unwrap();
        assert_eq!(stale, [StaleLine { line: line.id, code }], "{meanwhile:?}");
        meanwhile.happens(&twin.store).await;
        table.dump().await.assert_same(&twin.dump().await, &format!("{meanwhile:?}"));
    }
}

/// What others do between the reads and the write of an undo.
#[derive(Clone, Copy, Debug)]
enum Meanwhile {
    Nothing,
    Edited,
    LinkedElsewhere,
}

impl Meanwhile {
    async fn happens(self, store: &Store) {
        match self {
            Self::Nothing => {}
            Self::Edited => {
                let edit = ContactInput { id: made(4), values: values("by-hand"), ..input(0, "-") };
                assert_eq!(store.upsert_contact(WORKSPACE, &edit).await.unwrap(), Upserted::Updated);
            }
            Self::LinkedElsewhere => {
                let state = |link| ContactState { inactive: false, entra: None, link };
                let turn = Turn { from: state(LinkState::Active), to: state(LinkState::Cut) };
                let cut = Action::Unlink { contact: made(4), expect: None, turn: Box::new(turn) };
                apply(store, &page(vec![line(4, Rule::Undo, cut)])).await;
                let Line { action, .. } = link(2, "p4", Vec::new());
                apply(store, &page(vec![line(4, Rule::PrimaryAddress, action)])).await;
            }
        }
    }
}

pub(crate) async fn nobody_is_tied_again_to_a_contact_that_is_somebody_elses_by_now(backend: &Backend) {
    let table = world(backend).await;
    let before = table.dump().await;
    // Person 4's contact, as if an undo had once taken it from person 1.
    let stamp = |person| {
        let (user_principal_name, account_enabled, inactive_reason) = (None, Some(true), None);
        EntraStamp { identity: identity(person), user_principal_name, account_enabled, inactive_reason }
    };
    let from = ContactState { inactive: true, entra: None, link: LinkState::Cut };
    let to = ContactState { inactive: false, entra: Some(stamp(1)), link: LinkState::Active };
    let restore = |contact| Action::Restore {
        contact,
        expect: 1,
        changes: Vec::new(),
        turn: Box::new(Turn { from: from.clone(), to: to.clone() }),
        kept: Vec::new(),
    };
    for contact in [made(4), contact(999)] {
        let line = line(1, Rule::Undo, restore(contact));
        let stale = applier(&table.store, 1).apply(&page(vec![line])).await.unwrap();
        assert_eq!(stale.len(), 1);
        table.dump().await.assert_same(&before, &contact.to_string());
    }
}
