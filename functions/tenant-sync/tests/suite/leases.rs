//! How long a worker may write.

use std::sync::Arc;

use ambient::Clock;
use domain::{
    ids::ClientId,
    run::{RunKind, RunStatus},
};
use jiff::SignedDuration;
use store::LEASE;
use workflow::payloads::Batch;

use crate::{
    gate::{Gate, Stop},
    house::{House, WORKSPACE, managed, run_id},
    microsoft::Microsoft,
};

/// Lines that are in flight when a worker falls asleep, at most.
const IN_FLIGHT: usize = 32;

/// A customer of so many people, all on one directory page.
async fn house_of(people: u32) -> (House, ClientId) {
    let microsoft = Arc::new(Microsoft::plain(&[people], 999).await);
    let house = House::new(&microsoft).await;
    let client = house.client(1).await;
    house.map(microsoft.tenant(0).id, client).await;
    (house, client)
}

#[tokio::test]
async fn a_worker_that_wakes_after_its_lease_writes_no_further_line() {
    let (house, client) = house_of(400).await;
    let tenant = house.microsoft.tenant(0).id;
    let run = house.accept(1, RunKind::AllTenants).await;
    let (gate, http) = Gate::at(Stop::Before(120), &house.engine);
    let sleeper = house.worker_over(http);
    sleeper.begin(run).await;
    let batch = Batch::new(run, vec![managed(tenant)]).unwrap();
    let deadline = house.clock.now() + SignedDuration::from_hours(1);
    let work = sleeper.tenants.sync_batch(&batch, deadline);
    let mut work = std::pin::pin!(work);
    tokio::select! {
        biased;
        _ = &mut work => panic!("it wrote less"),
        () = gate.arrived() => {}
    }
    let before = house.contacts(client).await.len();
    house.clock.advance(LEASE);
    gate.open();
    let result = work.await.unwrap();
    assert_eq!((result.finished, result.unfinished), (0, 1));
    let after = house.contacts(client).await.len();
    assert!(before > 0 && after < 400 && after - before <= IN_FLIGHT, "{before} contacts, then {after}");
    let ended = house.carry(run).await;
    assert_eq!((ended.run.run_status, ended.run.counters.created), (RunStatus::Completed, 400));
    assert_eq!(house.contacts(client).await.len(), 400);
}

#[tokio::test]
async fn a_lease_is_kept_while_a_page_is_carried_out_that_takes_longer() {
    let (house, _) = house_of(480).await;
    let tenant = house.microsoft.tenant(0).id;
    let run = house.accept(1, RunKind::AllTenants).await;
    let (gate, http) = Gate::at(Stop::Every(310), &house.engine);
    let slow = house.worker_over(http);
    slow.begin(run).await;
    let batch = Batch::new(run, vec![managed(tenant)]).unwrap();
    let (began, deadline) = (house.clock.now(), house.clock.now() + SignedDuration::from_hours(1));
    let work = slow.tenants.sync_batch(&batch, deadline);
    let mut work = std::pin::pin!(work);
    let result = loop {
        tokio::select! {
            biased;
            result = &mut work => break result.unwrap(),
            () = gate.arrived() => {
                house.clock.advance(SignedDuration::from_secs(40));
                let other = house.store.acquire(WORKSPACE, managed(tenant), run_id(2), house.clock.now()).await;
                assert!(other.unwrap().is_err(), "another worker has taken the tenant");
                gate.open();
            }
        }
    };
    assert_eq!((result.finished, result.unfinished), (1, 0));
    assert_eq!(house.pages(run, tenant).await.len(), 1, "one page");
    let took = house.clock.now().duration_since(began);
    assert!(took > LEASE, "{took:?}");
}
