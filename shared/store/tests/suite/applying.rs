//! What applying a page leaves behind.

use domain::ids::Identity;

use super::{
    backend::{Backend, at_once},
    make::{
        CLIENT, OTHER_CLIENT, TENANT, WORKSPACE, address, applier, apply, contact, facts, object, page, scope,
    },
    world::{cases, everything, made, world},
};

pub(crate) async fn what_a_page_writes(backend: &Backend) {
    let table = world(backend).await;
    apply(&table.store, &everything()).await;

    let contacts = table.store.contacts_of_client(scope()).await.unwrap();
    let by_id = |id| contacts.iter().find(|contact| contact.id == id).unwrap();
    let created = by_id(made(1));
    assert_eq!((created.version, created.client, created.inactive), (1, CLIENT, false));
    assert_eq!(created.values, facts("p1").values());
    let stamp = created.entra.as_ref().unwrap();
    assert_eq!(stamp.identity, Identity { tenant: TENANT, object: object(1) });

    let linked = by_id(contact(3));
    assert_eq!(linked.values.full_name, "Mira Renamed 3");
    assert_eq!(linked.values.email, Some(address("p3")));
    assert_eq!(linked.version, 2);
    assert_eq!(by_id(made(5)).values.email, Some(address("new5")));
    assert!(!by_id(made(6)).inactive);
    assert!(by_id(made(7)).inactive);
    assert_eq!(contacts.len(), 12);

    let addresses = ["p1", "old3", "p3", "p5", "new5", "p7"].map(address);
    let owners = table.store.owners(WORKSPACE, &addresses.clone().into()).await.unwrap();
    let owner = |number: usize| owners.get(&addresses[number]).map(|owner| (owner.client, owner.contact));
    assert_eq!(owner(0), Some((CLIENT, made(1))));
    assert_eq!(owner(1), None, "given up");
    assert_eq!(owner(2), Some((CLIENT, contact(3))));
    assert_eq!(owner(3), None, "given up");
    assert_eq!(owner(4), Some((CLIENT, made(5))));
    assert_eq!(owner(5), Some((CLIENT, made(7))), "an inactive contact keeps its address");

    let inventory = table.store.inventory(WORKSPACE, TENANT).await.unwrap();
    let link = |person| inventory.link(object(person)).unwrap();
    assert_eq!(link(3).contact, contact(3));
    assert!(!link(7).active);
    assert!(link(6).active);
    assert_eq!(link(8).missing, 1);
    assert_ne!(link(9).fingerprint, facts("p9").fingerprint(super::make::SALT));
    assert_eq!(inventory.links().count(), 10);
    assert!(
        inventory.reviews.keys().eq([10, 15, 16].map(object).iter()),
        "one question is answered by a contact"
    );

    let others = store::ClientScope::new(WORKSPACE, OTHER_CLIENT);
    assert_eq!(table.store.contacts_of_client(others).await.unwrap(), []);
}

pub(crate) async fn a_page_applied_twice_is_applied_once(backend: &Backend) {
    let table = world(backend).await;
    for case in cases() {
        let page = page(vec![case.line]);
        apply(&table.store, &page).await;
        let once = table.dump().await;
        apply(&table.store, &page).await;
        table.dump().await.assert_same(&once, case.name);
    }
    let once = table.dump().await;
    apply(&table.store, &everything()).await;
    table.dump().await.assert_same(&once, "all lines again");
}

pub(crate) async fn any_width_writes_the_same(backend: &Backend) {
    let reference = world(backend).await;
    apply(&reference.store, &everything()).await;
    let expected = reference.dump().await;
    for (seed, width) in [(1, 1), (2, 2), (3, 16), (4, 16), (5, 16)] {
        let table = world(backend).await;
        table.wire.shuffle(seed);
        assert_eq!(applier(&table.store, width).apply(&everything()).await.unwrap(), []);
        table.dump().await.assert_same(&expected, &format!("width {width}, seed {seed}"));
    }
}

pub(crate) async fn two_appliers_of_one_page_write_what_one_writes(backend: &Backend) {
    let reference = world(backend).await;
    apply(&reference.store, &everything()).await;
    let expected = reference.dump().await;
    for seed in 0..12 {
        let table = world(backend).await;
        table.wire.shuffle(seed);
        let store = table.store.clone();
        let stale = at_once(2, |_| {
            let store = store.clone();
            async move { applier(&store, 4).apply(&everything()).await.unwrap() }
        });
        assert_eq!(stale.await.concat(), [], "seed {seed}");
        table.dump().await.assert_same(&expected, &format!("seed {seed}"));
    }
}
