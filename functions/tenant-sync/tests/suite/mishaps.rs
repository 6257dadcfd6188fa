//! Workers that die.

use domain::{ids::EntraTenantId, run::RunKind};
use store::probe::Fault;
use tokio::sync::oneshot;
use workflow::payloads::RunInput;

use crate::{
    gate::{Gate, Stop},
    house::House,
};

/// Lets a worker carry `run` until write number `write`, with which it dies: from then on nothing
/// of it reaches the table. Answers whether it came to that.
pub(crate) async fn die(house: &House, run: RunInput, write: u64, fault: Fault) -> bool {
    let (send, death) = oneshot::channel();
    let mut alive = Some(send);
    house.probe.reset();
    house.probe.script(move |call| {
        if alive.is_some() && call.write == Some(write) {
            alive.take()?.send(()).ok();
            return Some(fault);
        }
        alive.is_none().then_some(Fault::Before)
    });
    let worker = house.worker();
    let died = tokio::select! {
        biased;
        _ = death => true,
        _ = worker.carry(run) => false,
    };
    house.probe.clear();
    died
}

/// Lets a worker die when it has stored the first page of a plan and applied nothing of it.
/// Answers whose plan it is.
pub(crate) async fn die_with_a_stored_page(house: &House, run: RunInput) -> EntraTenantId {
    let (gate, http) = Gate::at(Stop::AfterPage, &house.engine);
    let worker = house.worker_over(http);
    tokio::select! {
        biased;
        () = gate.arrived() => {}
        _ = worker.carry(run) => panic!("no page was stored"),
    }
    for tenant in house.microsoft.world().tenants() {
        if !house.pages(run, tenant.id).await.is_empty() {
            return tenant.id;
        }
    }
    panic!("no page is stored");
}

/// [`die_with_a_stored_page`] of a new run.
pub(crate) async fn stored_but_not_applied(house: &House, number: u64) -> (RunInput, EntraTenantId) {
    let run = house.accept(number, RunKind::AllTenants).await;
    let tenant = die_with_a_stored_page(house, run).await;
    (run, tenant)
}
