//! Reading only who has changed.

use domain::{plan::Action, run::RunStatus};
use fake_microsoft::{Effect, Match, Route, SyncStateLoss};
use store::{CompleteReadHours, SyncSettings};

use crate::{customer::Customer, house::WORKSPACE};

/// A customer whose directory tells what has changed, after its first sync.
async fn told() -> Customer {
    let mut customer = Customer::new().await;
    let mut settings =
        SyncSettings { complete_read_hours: CompleteReadHours(168), ..SyncSettings::default() };
    settings.vanish.grace_hours = 1;
    settings.vanish.confirmations = 2;
    settings.field_sync_config = serde_json::json!({ "displayName": true });
    customer.house.settings(settings).await;
    assert_eq!(customer.sync().await.run.counters.created, 3);
    customer
}

fn listed(customer: &Customer) -> u64 {
    customer.house.microsoft.fake.requests().of(Route::Users).requests
}

#[tokio::test]
async fn nothing_changed_is_one_request_and_no_write_for_anybody() {
    let mut customer = told().await;
    customer.house.microsoft.fake.reset_requests();
    let before = customer.house.dump().await.people();
    let ended = customer.sync().await;
    assert_eq!((ended.run.run_status, ended.run.counters.read), (RunStatus::Completed, 0));
    let requests = customer.house.microsoft.fake.requests();
    assert_eq!(requests.of(Route::UsersDelta).requests, 1);
    assert_eq!((requests.of(Route::Users).requests, requests.of(Route::Organization).requests), (0, 0));
    customer.house.dump().await.people().assert_same(&before, "nothing changed");
    assert_eq!(customer.lines().await, []);
}

#[tokio::test]
async fn who_has_changed_is_read_and_nobody_else() {
    let mut customer = told().await;
    let renamed = customer.person(0);
    customer.change(renamed.id, |user| user.display_name = Some("Another Name".to_owned()));
    let hire = customer.hire(1, "Mira Sund", "mira.sund", |_| {});
    let disabled = customer.person(1);
    customer.change(disabled.id, |user| user.account_enabled = false);
    customer.house.microsoft.fake.reset_requests();
    let ended = customer.sync().await;
    let counters = ended.run.counters;
    assert_eq!((counters.read, counters.updated, counters.created, counters.inactivated), (3, 1, 1, 1));
    assert_eq!(listed(&customer), 0, "no listing");
    let address = hire.mail.unwrap();
    assert!(!customer.house.one_contact(customer.client, &address).await.inactive);
    assert_eq!(customer.sync().await.run.counters.read, 0);
}

#[tokio::test]
async fn somebody_who_is_told_to_be_gone_is_given_grace_and_comes_back() {
    let mut customer = told().await;
    let gone = customer.person(0);
    let address = gone.mail.clone().unwrap();
    customer.leaves(gone.id);
    assert_eq!(customer.sync().await.run.counters.missing, 1);
    assert!(!customer.house.one_contact(customer.client, &address).await.inactive);
    // The directory does not say it again; it is remembered.
    assert_eq!(customer.sync().await.run.counters.inactivated, 1);
    assert!(customer.house.one_contact(customer.client, &address).await.inactive);
    assert_eq!(customer.sync().await.run.counters.inactivated, 0);
    customer.house.microsoft.world().restore_user(customer.tenant, gone.id).unwrap();
    assert_eq!(customer.sync().await.run.counters.reactivated, 1);
    assert!(!customer.house.one_contact(customer.client, &address).await.inactive);
}

#[tokio::test]
async fn a_lost_place_in_the_feed_means_that_everybody_is_read_and_nobody_has_left() {
    for loss in [
        SyncStateLoss::NotFound,
        SyncStateLoss::ResyncRequired,
        SyncStateLoss::GoneNotFound,
        SyncStateLoss::GoneElsewhere,
    ] {
        let mut customer = told().await;
        let faults = customer.house.microsoft.fake.faults();
        faults.on(Match::route(Route::UsersDelta).tenant(customer.tenant), Effect::LostSyncState(loss), 1);
        let ended = customer.sync().await;
        assert_eq!((ended.run.run_status, ended.run.counters.read), (RunStatus::Completed, 3), "{loss:?}");
        assert_eq!(ended.run.counters.inactivated, 0);
        assert!(customer.contacts().await.iter().all(|contact| !contact.inactive));
        let state = customer.house.store.tenant_states(WORKSPACE, &[ended.tenants[0].tenant]).await.unwrap();
        assert!(state[0].1.ground.complete_at.is_some());
    }
}

#[tokio::test]
async fn another_rule_has_everybody_looked_at_again() {
    let mut customer = told().await;
    let mut settings = customer.house.store.settings(WORKSPACE).await.unwrap();
    settings.field_sync_config = serde_json::json!({ "role": true });
    customer.house.settings(settings).await;
    assert_eq!(customer.sync().await.run.counters.read, 3);
    assert_eq!(customer.sync().await.run.counters.read, 0);
    let reviews = |line: &domain::plan::Line| matches!(line.action, Action::Review { .. });
    assert!(!customer.lines().await.iter().any(reviews));
}
