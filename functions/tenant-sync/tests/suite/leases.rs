//! How long a worker may write.

use std::{pin::pin, sync::Arc};

use ambient::Clock;
use domain::{
    ids::{ClientId, EntraTenantId},
    run::{RunKind, RunStatus},
};
use jiff::SignedDuration;
use store::LEASE;
use workflow::payloads::{Batch, BatchResult, RunInput};

use crate::{
    gate::{Gate, Stop},
    house::{House, WORKSPACE, Worker, managed, run_id},
    microsoft::Microsoft,
};

/// Lines that are in flight when a worker falls asleep, at most.
const IN_FLIGHT: usize = 32;

/// A first sync of a customer, whose worker stands at a gate.
struct Begun {
    house: House,
    client: ClientId,
    tenant: EntraTenantId,
    run: RunInput,
    gate: Gate,
    worker: Worker,
}

impl Begun {
    /// Of so many people, all on one directory page.
    async fn with(people: u32, stop: Stop) -> Self {
        let microsoft = Arc::new(Microsoft::plain(&[people], 999).await);
        let house = House::new(&microsoft).await;
        let (tenant, client) = (microsoft.tenant(0).id, house.client(1).await);
        house.map(tenant, client).await;
        let run = house.accept(1, RunKind::AllTenants).await;
        let (gate, http) = Gate::at(stop, &house.engine);
        let worker = house.worker_over(http);
        worker.begin(run).await;
        Self { house, client, tenant, run, gate, worker }
    }

    async fn work(&self) -> BatchResult {
        let batch = Batch::new(self.run, vec![managed(self.tenant)]).unwrap();
        let deadline = self.house.clock.now() + SignedDuration::from_hours(1);
        self.worker.tenants.sync_batch(&batch, deadline).await.unwrap()
    }
}

#[tokio::test]
async fn a_worker_that_wakes_after_its_lease_writes_no_further_line() {
    let begun = Begun::with(400, Stop::Before(120)).await;
    let Begun { house, client, run, gate, .. } = &begun;
    let (client, run) = (*client, *run);
    let mut work = pin!(begun.work());
    tokio::select! {
        biased;
        _ = &mut work => panic!("it wrote less"),
        () = gate.arrived() => {}
    }
    let before = house.contacts(client).await.len();
    house.clock.advance(LEASE);
    gate.open();
    let result = work.await;
    assert_eq!((result.finished, result.unfinished), (0, 1));
    let after = house.contacts(client).await.len();
    assert!(before > 0 && after < 400 && after - before <= IN_FLIGHT, "{before} contacts, then {after}");
    let ended = house.carry(run).await;
    assert_eq!((ended.run.run_status, ended.run.counters.created), (RunStatus::Completed, 400));
    assert_eq!(house.contacts(client).await.len(), 400);
}

#[tokio::test]
async fn a_lease_is_kept_while_a_page_is_carried_out_that_takes_longer() {
    let begun = Begun::with(480, Stop::Every(310)).await;
    let Begun { house, tenant, run, gate, .. } = &begun;
    let (tenant, run, began) = (*tenant, *run, house.clock.now());
    let mut work = pin!(begun.work());
    let result = loop {
        tokio::select! {
            biased;
            result = &mut work => break result,
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
