//! A sync of one person: the same plan as in a sync of everybody, and nothing else of the tenant is touched.

use domain::{
    ids::EntraObjectId,
    policy::{Share, StopLimits, VanishRules},
    run::{Counters, RunKind, RunStatus, TenantStatus},
};
use fake_microsoft::Route;
use jiff::SignedDuration;
use store::{SyncSettings, TenantState};

use crate::{
    customer::Customer,
    house::{WORKSPACE, managed},
};

const DAY: SignedDuration = SignedDuration::from_hours(24);

#[tokio::test]
async fn one_person_costs_a_few_requests_and_moves_nobody_else() {
    let mut customer = synced().await;
    let (person, other) = (customer.person(0), customer.person(1));
    for user in [&person, &other] {
        customer.change(user.id, |user| user.job_title = Some("Diver".to_owned()));
    }
    let nina = customer.hire(50, "Nina New", "nina", |_| ());
    let before = state(&customer).await;
    customer.house.microsoft.fake.reset_requests();
    let ended = customer.sync_one(RunKind::SingleTenant, person.id).await;
    assert_eq!(ended.run.run_status, RunStatus::Completed);
    assert_eq!(ended.run.counters, Counters { read: 1, updated: 1, ..Counters::default() });
    let requests = customer.house.microsoft.fake.requests();
    assert_eq!((requests.of(Route::Users).requests, requests.of(Route::UsersDelta).requests), (0, 0));

    let after = state(&customer).await;
    assert_eq!(after.ground, before.ground, "the next sync goes on where the last one has stopped");
    let last =
        |state: &TenantState| (state.last_success_run, state.last_success_at, state.last_success_people);
    assert_eq!(last(&after), last(&before), "the tenant's last sync is the one it was");

    let ended = customer.sync_one(RunKind::SingleTenant, nina.id).await;
    assert_eq!(ended.run.counters, Counters { read: 1, created: 1, ..Counters::default() });
    assert_eq!(state(&customer).await.ground.active_links, Some(4));

    // What the feed tells again is known already.
    let ended = customer.sync().await.run.counters;
    assert_eq!((ended.read, ended.updated, ended.created, ended.unchanged), (3, 1, 0, 2));
}

#[tokio::test]
async fn a_person_who_has_left_is_treated_as_in_a_sync_of_everybody() {
    let mut customer = synced().await;
    let vanish = VanishRules { confirmations: 2, grace_hours: 12, ..VanishRules::default() };
    customer.house.settings(SyncSettings { vanish, ..SyncSettings::default() }).await;
    let (gone, blocked) = (customer.person(0).id, customer.person(1).id);
    customer.leaves(gone);
    let first = customer.sync_one(RunKind::SingleTenant, gone).await.run.counters;
    assert_eq!((first.missing, first.inactivated), (1, 0), "the first time is a beginning");
    assert_eq!(state(&customer).await.ground.leaving.len(), 1);

    customer.change(blocked, |user| user.account_enabled = false);
    let at_once = customer.sync_one(RunKind::SingleTenant, blocked).await.run.counters;
    assert_eq!(at_once.inactivated, 1);
    assert_eq!(state(&customer).await.ground.leaving.len(), 1, "who is gone is not forgotten");

    customer.house.clock.advance(DAY);
    let second = customer.sync_one(RunKind::SingleTenant, gone).await.run.counters;
    assert_eq!(second.inactivated, 1);
    assert_eq!(customer.active().await, 1);
}

#[tokio::test]
async fn what_a_limit_holds_waits_whoever_is_asked_for_alone() {
    let mut customer = synced().await;
    let creations = Share { count: 0, percent: 0 };
    let limits = StopLimits { creations, ..StopLimits::default() };
    customer.house.settings(SyncSettings { limits, ..SyncSettings::default() }).await;
    let nina = customer.hire(50, "Nina New", "nina", |_| ());
    for _ in 0..2 {
        let ended = customer.sync_one(RunKind::SingleTenant, nina.id).await;
        assert_eq!((ended.run.counters.held, ended.run.counters.created), (1, 0));
        assert_eq!(ended.tenants[0].tenant_status, TenantStatus::Held);
        assert_eq!(state(&customer).await.ground.held.creations, 1, "counted once");
    }
    let ended = customer.sync().await.run.counters;
    assert_eq!((ended.held, ended.created), (1, 0));
}

#[tokio::test]
async fn nobody_is_the_first_of_a_tenant_and_a_stranger_is_refused() {
    let mut customer = Customer::new().await;
    let person = customer.person(0).id;
    let preview = customer.sync_one(RunKind::Preflight, person).await;
    assert_eq!(preview.run.counters, Counters { read: 1, created: 1, ..Counters::default() });
    let refused = customer.sync_one(RunKind::SingleTenant, person).await;
    assert_eq!(refused.tenants[0].failure.as_ref().unwrap().code, "never_synced");
    assert_eq!(customer.contacts().await, []);

    customer.sync().await;
    let before = customer.house.dump().await.people();
    let stranger = EntraObjectId::new(uuid::Uuid::from_u128(7));
    let refused = customer.sync_one(RunKind::SingleTenant, stranger).await;
    assert_eq!(refused.tenants[0].failure.as_ref().unwrap().code, "unknown_person");
    customer.house.dump().await.people().assert_same(&before, "nothing was changed");
}

/// Three people who have been synced, every field on.
async fn synced() -> Customer {
    let mut customer = Customer::new().await;
    customer.house.every_field().await;
    customer.sync().await;
    assert_eq!(customer.active().await, 3);
    customer
}

async fn state(customer: &Customer) -> TenantState {
    let tenant = managed(customer.tenant);
    let states = customer.house.store.tenant_states(WORKSPACE, &[tenant]).await.unwrap();
    states.into_iter().next().unwrap().1
}
