//! The table itself, and what goes wrong with it.

use std::error::Error;

use aws_sdk_dynamodb::types::AttributeValue;
use store::{Store, StoreError, probe::Fault};

use super::{
    backend::Backend,
    make::{MANAGED, WORKSPACE, applier, at, client, page, run_id, scope},
    plans::stored,
    workspace::{discovery_report, pending_login},
    world::{creation, everything},
};

pub(crate) async fn making_the_table_again_changes_nothing(backend: &Backend) {
    let table = backend.table().await;
    table.store.upsert_client(WORKSPACE, &client(1)).await.unwrap();
    table.probe.reset();
    table.store.create_table_if_absent().await.unwrap();
    assert_eq!(table.probe.counts().writes, 0);
    assert_eq!(table.store.clients(WORKSPACE).await.unwrap(), [client(1)]);
}

pub(crate) async fn what_expires_says_when(backend: &Backend) {
    let table = backend.table().await;
    let expires = 1_900_000_000;
    table.store.begin_login(WORKSPACE, "hash", &pending_login()).await.unwrap();
    let page = stored(1, page(Vec::new()));
    let (lease, _) = table.store.acquire(WORKSPACE, MANAGED, run_id(1), at(0)).await.unwrap().unwrap();
    table.store.put_page(WORKSPACE, run_id(1), MANAGED, lease, &page, (at(0), expires)).await.unwrap();
    table.store.put_stale_lines(WORKSPACE, run_id(1), MANAGED, 1, &[], expires).await.unwrap();
    let dump = table.dump().await;
    let began = pending_login().began_at.as_second();
    for (sort_key, expected) in [("hash", began + 600), ("PAGE#", expires), ("STALE#", expires)] {
        assert_eq!(dump.one(sort_key)["expires"], AttributeValue::N(expected.to_string()), "{sort_key}");
    }
}

pub(crate) async fn a_lost_connection_is_transient(backend: &Backend) {
    let table = backend.table().await;
    table.probe.script(|_| Some(Fault::Before));
    let error = table.store.clients(WORKSPACE).await.unwrap_err();
    assert!(error.is_transient());
    assert_eq!(error.to_string(), "the table did not answer Query (no connection)");
    let error = applier(&table.store, 1).apply(&everything()).await.unwrap_err();
    assert_eq!(error.to_string(), "the table did not answer BatchGetItem (no connection)");
}

pub(crate) async fn a_fault_of_the_deployment_is_not_transient(backend: &Backend) {
    let table = backend.table().await;
    let nowhere: Store = table.elsewhere("no-such-table");
    for error in [
        nowhere.clients(WORKSPACE).await.unwrap_err(),
        nowhere.contacts(scope(), &[super::make::contact(1)].into()).await.unwrap_err(),
        nowhere.upsert_client(WORKSPACE, &client(1)).await.unwrap_err(),
        nowhere.cancel_run(WORKSPACE, run_id(1)).await.unwrap_err(),
        nowhere.put_discovery(WORKSPACE, &discovery_report()).await.unwrap_err(),
    ] {
        assert!(!error.is_transient());
        assert!(matches!(&error, StoreError::Refused { code, .. } if code == "ResourceNotFoundException"));
    }
}

pub(crate) async fn a_damaged_item_is_reported(backend: &Backend) {
    let table = backend.table().await;
    super::make::apply(&table.store, &page(vec![creation(1)])).await;
    table
        .change("LINK#", |item| {
            item.remove("client");
        })
        .await;
    let inventory = table.store.inventory(WORKSPACE, super::make::TENANT).await.unwrap();
    assert_eq!(inventory.unreadable, [super::make::object(1)].into(), "it concerns one person");

    let page = stored(1, page(Vec::new()));
    let (lease, _) = table.store.acquire(WORKSPACE, MANAGED, run_id(1), at(0)).await.unwrap().unwrap();
    table.store.put_page(WORKSPACE, run_id(1), MANAGED, lease, &page, (at(0), 1)).await.unwrap();
    table
        .change("PAGE#", |item| {
            item.insert("body".to_owned(), AttributeValue::B(b"\xff\xff".to_vec().into()));
        })
        .await;
    let damaged = table.store.pages(WORKSPACE, run_id(1), MANAGED, 0, 1).await.unwrap_err();
    assert_eq!(damaged.to_string(), "a stored plan page cannot be read");
    assert!(!damaged.is_transient() && damaged.source().is_some());
}
