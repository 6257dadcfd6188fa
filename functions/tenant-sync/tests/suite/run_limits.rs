//! Limits over all tenants of a run: a surge that no tenant's own limit shows.

use std::sync::Arc;

use domain::{
    plan::{Action, Limit},
    policy::{RunLimits, Share},
    run::{RunKind, RunStatus},
};
use store::{CompleteReadHours, SyncSettings};

use crate::{
    house::{Ended, House, WORKSPACE},
    microsoft::Microsoft,
};

const TENANTS: usize = 4;

/// Four customers of ten people each, synced once; two may become inactive and two be created in all of
/// them together.
async fn synced(hours: u32) -> House {
    let microsoft = Arc::new(Microsoft::plain(&[10; TENANTS], 50).await);
    let house = House::new(&microsoft).await;
    let two = Share { count: 2, percent: 0 };
    let mut settings = SyncSettings {
        run_limits: RunLimits { inactivations: two, creations: two, link_moves: two },
        complete_read_hours: CompleteReadHours(hours),
        ..SyncSettings::default()
    };
    settings.vanish.confirmations = 1;
    settings.vanish.grace_hours = 0;
    house.settings(settings).await;
    for number in 0..TENANTS {
        let client = house.client(number as u128 + 1).await;
        house.map(microsoft.tenant(number).id, client).await;
    }
    let first = house.run(1, RunKind::Initial).await;
    assert_eq!(first.run.counters.created, 10 * TENANTS as u64, "first people are no surge");
    house
}

async fn staged(house: &House, ended: &Ended, wanted: Limit) -> usize {
    let mut staged = 0;
    let run = workflow::payloads::RunInput { workspace_id: WORKSPACE, run_id: ended.run.id };
    for number in 0..TENANTS {
        let lines = house.lines(run, house.microsoft.tenant(number).id).await;
        staged += lines
            .iter()
            .filter(|line| matches!(&line.action, Action::Stage { limit, .. } if *limit == wanted))
            .count();
    }
    staged
}

#[tokio::test]
async fn one_leaver_in_each_of_many_tenants_waits_for_an_operator_and_does_not_leak() {
    for hours in [0, 168] {
        let house = synced(hours).await;
        let microsoft = Arc::clone(&house.microsoft);
        for number in 0..TENANTS {
            let tenant = microsoft.tenant(number);
            microsoft.world().remove_user(tenant.id, microsoft.employee(tenant.id, 0).id).unwrap();
        }
        let ended = house.run(2, RunKind::AllTenants).await;
        assert_eq!((ended.run.run_status, ended.run.counters.inactivated), (RunStatus::Held, 2), "{hours}");
        assert_eq!(staged(&house, &ended, Limit::RunInactivations).await, 2, "{hours}");
        // The two that wait are no more than the limit lets through, and wait all the same.
        let again = house.run(3, RunKind::AllTenants).await;
        assert_eq!((again.run.run_status, again.run.counters.inactivated), (RunStatus::Held, 0), "{hours}");
        for number in 0..TENANTS {
            let tenant = microsoft.tenant(number);
            for person in 0..2 {
                let gone = microsoft.employee(tenant.id, person).id;
                microsoft.world().remove_user(tenant.id, gone).unwrap();
            }
        }
        for number in 4..7 {
            let ended = house.run(number, RunKind::AllTenants).await;
            assert_eq!(
                (ended.run.run_status, ended.run.counters.inactivated),
                (RunStatus::Held, 0),
                "{hours}"
            );
        }
        let mut settings = house.store.settings(WORKSPACE).await.unwrap();
        settings.run_limits.inactivations.count = 20;
        house.settings(settings).await;
        let ended = house.run(8, RunKind::AllTenants).await;
        assert_eq!(ended.run.counters.inactivated, 10, "{hours}");
    }
}

#[tokio::test]
async fn new_people_in_many_tenants_wait_for_an_operator() {
    for hours in [0, 168] {
        let house = synced(hours).await;
        for number in 0..TENANTS {
            let tenant = house.microsoft.tenant(number);
            for hire in 0..2 {
                let address = format!("hire{hire}@{}", tenant.default_domain());
                let object = u128::try_from(number * 10 + hire).unwrap() + 1;
                house.microsoft.hire(tenant.id, object, "New Hire", &address, |_| {});
            }
        }
        let preview = house.run(2, RunKind::Preflight).await;
        assert_eq!((preview.run.run_status, preview.run.counters.created), (RunStatus::Held, 2), "{hours}");
        let ended = house.run(3, RunKind::AllTenants).await;
        assert_eq!((ended.run.run_status, ended.run.counters.created), (RunStatus::Held, 2), "{hours}");
        assert_eq!(staged(&house, &ended, Limit::RunCreations).await, 6, "{hours}");
        let again = house.run(4, RunKind::AllTenants).await;
        assert_eq!(
            (again.run.counters.created, again.run.counters.held),
            (0, 6),
            "{hours}: it does not leak"
        );
    }
}
