//! Schedules, and who has asked for what takes two people.

use domain::{
    consent::Asked,
    ids::WorkspaceId,
    schedule::{Interval, Schedule},
};
use store::{LastSlot, StoreError, StoredSchedule};
use uuid::Uuid;

use super::{
    backend::{Backend, at_once},
    make::{USER, WORKSPACE, at, run_id},
};

pub(crate) fn hourly() -> Schedule {
    Schedule { sync_enabled: true, sync_interval_minutes: Interval::nearest(60.0), since: at(5) }
}

pub(crate) fn served(second: i64) -> LastSlot {
    LastSlot { slot: at(second), run: Some(run_id(1)), code: None }
}

pub(crate) async fn a_slot_is_noted_once_and_none_before_it(backend: &Backend) {
    let store = backend.table().await.store;
    assert!(!store.note_slot(WORKSPACE, &served(10)).await.unwrap(), "there is no schedule");
    assert_eq!(store.schedule(WORKSPACE).await.unwrap(), None);
    store.put_schedule(WORKSPACE, &hourly(), Some(USER), at(6)).await.unwrap();
    let stored = StoredSchedule { schedule: hourly(), updated_at: at(6), last: None };
    assert_eq!(store.schedule(WORKSPACE).await.unwrap(), Some(stored));
    let noted = at_once(10, |_| {
        let store = store.clone();
        async move { store.note_slot(WORKSPACE, &served(10)).await.unwrap() }
    })
    .await;
    assert_eq!(noted.iter().filter(|noted| **noted).count(), 1);
    let skipped = LastSlot { slot: at(20), run: None, code: Some("not_connected".to_owned()) };
    assert!(store.note_slot(WORKSPACE, &skipped).await.unwrap());
    assert!(!store.note_slot(WORKSPACE, &served(15)).await.unwrap(), "a later one is noted");
    // Whoever changes the schedule leaves that as it is.
    store.put_schedule(WORKSPACE, &Schedule { sync_enabled: false, ..hourly() }, None, at(7)).await.unwrap();
    let stored = store.schedule(WORKSPACE).await.unwrap().unwrap();
    assert_eq!((stored.last, stored.updated_at), (Some(skipped), at(7)));
}

pub(crate) async fn those_that_are_on_are_listed_and_what_cannot_be_read_keeps_nobody_out(backend: &Backend) {
    let table = backend.table().await;
    let workspace = |number: u128| WorkspaceId::new(Uuid::from_u128(number));
    for number in 1..=3 {
        let schedule = Schedule { sync_enabled: number != 2, ..hourly() };
        table.store.put_schedule(workspace(number), &schedule, None, at(1)).await.unwrap();
    }
    let dump = table.dump().await;
    let (_, item) = dump.items.iter().next().unwrap();
    let mut damaged = item.clone();
    damaged.remove("slotsSince");
    damaged.insert("sk".to_owned(), aws_sdk_dynamodb::types::AttributeValue::S(workspace(4).to_string()));
    table.insert(vec![damaged]).await;
    let (listed, unreadable) = table.store.schedules().await.unwrap();
    assert_eq!(
        listed.iter().map(|(workspace, _)| *workspace).collect::<Vec<_>>(),
        [workspace(1), workspace(3)]
    );
    assert!(matches!(unreadable.as_slice(), [StoreError::Damaged { .. }]), "{unreadable:?}");
}

pub(crate) async fn one_of_two_who_ask_at_once_is_the_first(backend: &Backend) {
    let store = backend.table().await.store;
    let asked = |number: u128, second| {
        let user = domain::ids::UserId::new(Uuid::from_u128(number));
        Asked::new(user, at(second), serde_json::json!({ "allow": number }))
    };
    assert_eq!(store.asked(WORKSPACE, "name").await.unwrap(), None);
    let noted = at_once(8, |number| {
        let (store, asked) = (store.clone(), asked(u128::from(number), 1));
        async move { store.note_asked(WORKSPACE, "name", None, &asked).await.unwrap() }
    })
    .await;
    assert_eq!(noted.iter().filter(|noted| **noted).count(), 1);
    let first = store.asked(WORKSPACE, "name").await.unwrap().unwrap();
    // It is listed while it waits, with whatever else does.
    assert!(store.note_asked(WORKSPACE, "older", None, &asked(7, 0)).await.unwrap());
    let awaited = async |now| store.awaiting_second(WORKSPACE, now).await.unwrap();
    assert_eq!(awaited(at(2)).await, [asked(7, 0), first.clone()]);
    assert_eq!(awaited(first.until()).await, []);
    let done = Asked { done: true, ..first.clone() };
    assert!(store.note_asked(WORKSPACE, "name", Some(&first), &done).await.unwrap());
    assert_eq!(store.asked(WORKSPACE, "name").await.unwrap(), Some(done.clone()));
    assert_eq!(awaited(at(2)).await, [asked(7, 0)]);
    // Who has read something else than what is there writes nothing.
    assert!(!store.note_asked(WORKSPACE, "name", Some(&asked(99, 0)), &asked(99, 9)).await.unwrap());
    assert!(store.note_asked(WORKSPACE, "name", Some(&done), &asked(99, 9)).await.unwrap());
    assert_eq!(store.asked(WORKSPACE, "other").await.unwrap(), None);
}
