//! One process at a time renews a sign-in, and none before it is due.

use domain::ids::WorkspaceId;
use store::RenewalTaken;
use uuid::Uuid;

use super::{
    backend::{Backend, at_once},
    make::{WORKSPACE, at},
};

pub(crate) async fn one_of_twenty_may_renew(backend: &Backend) {
    let table = backend.table().await;
    let taken = at_once(20, |_| {
        let store = table.store.clone();
        async move { store.take_renewal(WORKSPACE, at(0), at(10)).await.unwrap() }
    })
    .await;
    let is_taken = |taken: &&RenewalTaken| matches!(taken, RenewalTaken::Taken(_));
    assert_eq!(taken.iter().filter(is_taken).count(), 1);
    let busy = RenewalTaken::Busy { until: at(130) };
    assert_eq!(taken.iter().filter(|taken| **taken == busy).count(), 19);
}

pub(crate) async fn a_renewal_ends_and_is_recent_for_a_while(backend: &Backend) {
    let table = backend.table().await;
    let take = async |due, now| table.store.take_renewal(WORKSPACE, at(due), at(now)).await.unwrap();
    let RenewalTaken::Taken(first) = take(0, 10).await else { panic!("nobody has it") };
    // Without success it is free at once.
    assert!(table.store.end_renewal(WORKSPACE, first, None).await.unwrap());
    let RenewalTaken::Taken(second) = take(0, 11).await else { panic!("it was given back") };
    // Who is silent too long loses it, and can end nothing.
    let RenewalTaken::Taken(third) = take(0, 131).await else { panic!("it has ended") };
    assert!(!table.store.end_renewal(WORKSPACE, second, Some(at(131))).await.unwrap());
    assert_eq!(take(0, 132).await, RenewalTaken::Busy { until: at(251) });
    assert!(table.store.end_renewal(WORKSPACE, third, Some(at(140))).await.unwrap());
    assert_eq!(take(139, 150).await, RenewalTaken::Recent { renewed_at: at(140) });
    assert!(matches!(take(140, 150).await, RenewalTaken::Taken(_)));
}

pub(crate) async fn a_connection_without_a_sign_in_is_listed_and_never_due(backend: &Backend) {
    let store = backend.table().await.store;
    let workspace = |number: u128| WorkspaceId::new(Uuid::from_u128(number));
    assert_eq!(store.ever_connected().await.unwrap(), []);
    store.note_connection(workspace(2), at(10)).await.unwrap();
    store.note_sign_in(workspace(1), at(20)).await.unwrap();
    assert_eq!(store.ever_connected().await.unwrap(), [workspace(1), workspace(2)]);
    assert_eq!(store.renewals_due(at(90)).await.unwrap(), [workspace(1)]);
    assert_eq!(store.renewed_at(workspace(2)).await.unwrap(), None);
    // Whoever signs in later is due like everybody else, and noting it again changes nothing.
    store.note_sign_in(workspace(2), at(30)).await.unwrap();
    store.note_connection(workspace(2), at(40)).await.unwrap();
    assert_eq!(store.renewals_due(at(90)).await.unwrap(), [workspace(1), workspace(2)]);
    assert_eq!(store.ever_connected().await.unwrap().len(), 2);
}

pub(crate) async fn who_has_waited_longest_is_due_first(backend: &Backend) {
    let store = backend.table().await.store;
    let workspace = |number: u128| WorkspaceId::new(Uuid::from_u128(number));
    for (number, at_second) in [(1, 50), (2, 10), (3, 40), (4, 41)] {
        store.note_sign_in(workspace(number), at(at_second)).await.unwrap();
    }
    assert_eq!(store.renewals_due(at(9)).await.unwrap(), []);
    assert_eq!(store.renewals_due(at(40)).await.unwrap(), [workspace(2), workspace(3)]);
    // Whoever signs in again while somebody renews is not due afterwards, either way.
    let RenewalTaken::Taken(lease) = store.take_renewal(workspace(2), at(40), at(60)).await.unwrap() else {
        panic!("it is due")
    };
    store.note_sign_in(workspace(2), at(61)).await.unwrap();
    assert!(store.end_renewal(workspace(2), lease, None).await.unwrap());
    assert_eq!(store.renewals_due(at(60)).await.unwrap(), [workspace(3), workspace(4), workspace(1)]);
}
