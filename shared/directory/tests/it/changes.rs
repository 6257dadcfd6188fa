//! The change feed over HTTP, against the fake and against answers that the fake never gives.

use directory::{
    BadRowCause, ChangePage, ChangesNext, Code, Cursor, Directory, ErrorClass, ReadError, Removal, Removed,
};
use domain::ids::EntraTenantId;
use fake_microsoft::{BadRow, Effect, Match, Route, SyncStateLoss};
use serde_json::json;

use crate::{
    fake::{Connected, connect},
    loopback::{id, script},
    server::{CUSTOMER, World, ok, status},
};

/// A connection to a fake with one customer, and the link of the present.
async fn following(users: u32) -> (Connected, EntraTenantId, Cursor) {
    let connected = connect(&[users]).await;
    let tenant = connected.customers[0];
    let cursor = connected.directory.changes_from_now(tenant).await.unwrap().unwrap();
    (connected, tenant, cursor)
}

fn fault(connected: &Connected, nth: u32, effect: Effect) {
    connected.fake.faults().on(Match::route(Route::UsersDelta).nth(nth), effect, 1);
}

/// The pages from `cursor` to the end of the round.
async fn round(
    connected: &Connected,
    tenant: EntraTenantId,
    cursor: &Cursor,
) -> Result<Vec<ChangePage>, ReadError> {
    let (mut pages, mut cursor) = (Vec::new(), cursor.clone());
    loop {
        let page = connected.directory.changes_page(tenant, &cursor).await?;
        let next = page.next.clone();
        pages.push(page);
        match next {
            ChangesNext::More(more) => cursor = more,
            ChangesNext::Complete(_) => return Ok(pages),
        }
    }
}

#[tokio::test]
async fn a_round_without_changes_costs_one_request() {
    let (connected, tenant, cursor) = following(1_998).await;
    assert_eq!(connected.fake.requests().of(Route::UsersDelta).requests, 1);
    let pages = round(&connected, tenant, &cursor).await.unwrap();
    assert_eq!((pages.len(), pages[0].requests), (1, 1));
    assert!(pages[0].bytes > 0 && pages[0].users.is_empty() && pages[0].removed.is_empty());
    assert_eq!(connected.fake.requests().of(Route::Users).requests, 0);
}

#[tokio::test]
async fn what_happens_to_people_is_told() {
    let (connected, tenant, cursor) = following(9).await;
    let world = connected.fake.world();
    let [renamed, disabled, binned, purged, restored] =
        [0, 1, 2, 3, 4].map(|index| world.user(tenant, index).unwrap().id);
    world.edit(tenant, renamed, |user| user.display_name = Some("Mira Sund-Berg".to_owned())).unwrap();
    world.edit(tenant, disabled, |user| user.account_enabled = false).unwrap();
    world.remove_user(tenant, binned).unwrap();
    world.purge_user(tenant, purged).unwrap();
    world.remove_user(tenant, restored).unwrap();
    world.restore_user(tenant, restored).unwrap();

    let pages = round(&connected, tenant, &cursor).await.unwrap();
    let users: Vec<_> = pages[0].users.iter().map(|user| user.object).collect();
    assert_eq!(users, [renamed, disabled, restored]);
    assert_eq!(pages[0].users[0].display_name.as_deref(), Some("Mira Sund-Berg"));
    assert_eq!(pages[0].users[1].account_enabled, Some(false));
    let removed = [(binned, Removal::SoftDeleted), (purged, Removal::Deleted)];
    assert_eq!(pages[0].removed, removed.map(|(object, removal)| Removed { object, removal }));
}

#[tokio::test]
async fn a_round_survives_what_is_survivable() {
    let (connected, tenant, cursor) = following(30).await;
    let world = connected.fake.world();
    for index in 0..20 {
        let object = world.user(tenant, index).unwrap().id;
        world.edit(tenant, object, |user| user.job_title = Some("Chair".to_owned())).unwrap();
    }
    connected.fake.set_delta_page_size(7);
    for (nth, effect) in [
        (1, Effect::Throttle { retry_after: Some("2.128".to_owned()) }),
        (2, Effect::status(503)),
        (3, Effect::EmptyPageWithNext),
        (4, Effect::DropConnection),
        (5, Effect::CutListing),
        (6, Effect::BadRow(BadRow::WithoutId)),
        (7, Effect::status(504)),
        (8, Effect::RepeatedRow),
    ] {
        // Counted from now on, and the first request was for the link.
        fault(&connected, nth, effect);
    }
    let pages = round(&connected, tenant, &cursor).await.unwrap();
    let sizes: Vec<_> =
        pages.iter().map(|page| (page.users.len(), page.bad_rows.len(), page.requests)).collect();
    assert_eq!(sizes, [(0, 0, 3), (6, 1, 3), (7, 0, 2), (7, 0, 1)]);
    assert_eq!(pages[1].bad_rows[0].cause, BadRowCause::NoId);
}

#[tokio::test]
async fn a_lost_sync_state_is_one_code_whatever_its_form_and_place() {
    let (connected, tenant, cursor) = following(9).await;
    let world = connected.fake.world();
    for index in 0..4 {
        world.remove_user(tenant, world.user(tenant, index).unwrap().id).unwrap();
    }
    connected.fake.set_delta_page_size(3);
    for form in SyncStateLoss::ALL {
        for nth in [1, 2] {
            fault(&connected, nth, Effect::LostSyncState(form));
            let error = round(&connected, tenant, &cursor).await.unwrap_err();
            assert_eq!(error.code(), Code::ChangesExpired, "{form:?} {nth}");
            assert_eq!(error.class(), ErrorClass::ExpiredPage, "{form:?} {nth}");
            connected.fake.faults().clear();
        }
    }
    assert_eq!(round(&connected, tenant, &cursor).await.unwrap().len(), 2, "nothing was lost by it");
    connected.fake.faults().on(Match::route(Route::Users), Effect::ExpiredPage, 1);
    let listing = connected.directory.users_page(tenant, None).await.unwrap_err();
    assert_ne!(listing.code(), Code::ChangesExpired, "a listing has no sync state");
}

#[tokio::test]
async fn a_round_fails_where_it_must() {
    for (effect, expected) in [
        (Effect::ForeignNextLink("evil.example".to_owned()), Code::ForeignNextLink),
        (Effect::NextLinkLoop, Code::NextLinkLoop),
        (Effect::CutListing, Code::AnswerUnreadable),
        (Effect::EmptyAnswer, Code::AnswerUnreadable),
        (Effect::status(403), Code::RoleMissing),
        (Effect::status(400), Code::RequestRejected),
        (Effect::Throttle { retry_after: Some("900".to_owned()) }, Code::Throttled),
    ] {
        let (connected, tenant, cursor) = following(9).await;
        connected.fake.faults().on(Match::route(Route::UsersDelta), effect.clone(), 100);
        let error = round(&connected, tenant, &cursor).await.unwrap_err();
        assert_eq!(error.code(), expected, "{effect:?}");
        let error = connected.directory.changes_from_now(tenant).await.unwrap_err();
        assert_eq!(error.code(), expected, "{effect:?}");
    }
}

#[tokio::test]
async fn a_delta_link_to_another_server_is_never_called() {
    let other = World::new(|_| script(vec![("/", vec![status(500, json!(""))])])).await;
    let foreign = format!("{}/v1.0/users/delta?$deltatoken=x", other.base);
    let told = ok(json!({ "value": [], "@odata.deltaLink": foreign }));
    let world = World::new(|_| script(vec![("/v1.0/users/delta", vec![told])])).await;
    let error = world.directory.changes_from_now(id(CUSTOMER)).await.unwrap_err();
    assert_eq!(error.code(), Code::ForeignNextLink);
    let error = world.directory.changes_page(id(CUSTOMER), &foreign.into()).await.unwrap_err();
    assert_eq!(error.code(), Code::ForeignNextLink);
    assert_eq!((other.arrived("/").len(), world.arrived("/v1.0/").len()), (0, 1));
}

#[tokio::test]
async fn a_delta_link_is_kept_whole_and_does_not_print() {
    let world = World::new(|base| {
        let link = format!("{base}/v1.0/users/delta?$deltatoken=SECRET");
        script(vec![("/v1.0/users/delta", vec![ok(json!({ "value": [], "@odata.deltaLink": link }))])])
    })
    .await;
    let tenant = id(CUSTOMER);
    let cursor = world.directory.changes_from_now(tenant).await.unwrap().unwrap();
    let stored = serde_json::to_string(&cursor).unwrap();
    let cursor: Cursor = serde_json::from_str(&stored).unwrap();
    // Where nothing has changed the service may well answer with the same link.
    let page = world.directory.changes_page(tenant, &cursor).await.unwrap();
    assert_eq!(page.next, ChangesNext::Complete(cursor));
    assert!(!format!("{page:?}").contains("SECRET"), "{page:?}");
    let reads = world.arrived("/v1.0/");
    assert!(
        reads[0].target.starts_with("/v1.0/users/delta?$deltatoken=latest&$select=id,userPrincipalName,")
    );
    assert_eq!(reads[1].target, "/v1.0/users/delta?$deltatoken=SECRET", "nothing is added");
    assert!(reads.iter().all(|read| read.consistency.is_none()));
}

#[tokio::test]
async fn the_link_of_the_present_may_come_after_pages() {
    let world = World::new(|base| {
        let next = format!("{base}/v1.0/users/delta?$skiptoken=2");
        let later = format!("{base}/v1.0/users/delta?$deltatoken=3");
        script(vec![
            ("skiptoken=2", vec![ok(json!({ "value": [], "@odata.deltaLink": later }))]),
            ("/v1.0/users/delta", vec![ok(json!({ "value": [], "@odata.nextLink": next }))]),
        ])
    })
    .await;
    let cursor = world.directory.changes_from_now(id(CUSTOMER)).await.unwrap().unwrap();
    assert!(cursor.as_str().ends_with("$deltatoken=3"));
}
