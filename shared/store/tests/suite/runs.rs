//! Runs, what they cover, and how they end.

use domain::{
    ids::{ClientId, EntraTenantId, ManagedTenantId},
    plan::ChainHash,
    run::{Counters, RunStatus, TenantFailure, TenantStatus},
};
use store::{Run, Target, TenantRun, probe::Fault};
use uuid::Uuid;

use super::{
    backend::{Backend, Table, at_once},
    make::{CLIENT, MANAGED, WORKSPACE, at, run, run_id},
};

pub(crate) fn target(number: u32) -> Target {
    let id = |kind: u128| Uuid::from_u128(kind << 64 | u128::from(number));
    Target {
        tenant: ManagedTenantId::new(id(0xF)),
        entra: EntraTenantId::new(id(0xE)),
        client: ClientId::new(id(0xC)),
    }
}

pub(crate) fn failure(code: &str) -> TenantFailure {
    TenantFailure {
        code: code.to_owned(),
        message: "the tenant did not answer; no contact was changed".to_owned(),
        remedy: "try again".to_owned(),
        diagnostics: Some("request 1234, HTTP 503".to_owned()),
    }
}

pub(crate) fn tenant_run(pages: u32) -> TenantRun {
    TenantRun {
        tenant: MANAGED,
        client: CLIENT,
        tenant_status: TenantStatus::Held,
        counters: Counters { read: 500, held: 12, ..Counters::default() },
        failure: Some(failure("tenant_unreachable")),
        started_at: at(0),
        completed_at: at(9),
        pages,
        chain: Some(ChainHash::GENESIS.followed_by(b"page")),
        guard: None,
    }
}

async fn stored(table: &Table, number: u64) -> Run {
    table.store.run(WORKSPACE, run_id(number)).await.unwrap().unwrap()
}

pub(crate) async fn a_run_is_accepted_once(backend: &Backend) {
    let table = backend.table().await;
    assert_eq!(table.store.run(WORKSPACE, run_id(1)).await.unwrap(), None);
    assert!(table.store.create_run(&run(run_id(1))).await.unwrap());
    let before = table.dump().await;
    let other = Run { trigger: domain::run::Trigger::Scheduled, started_at: at(7), ..run(run_id(1)) };
    assert!(!table.store.create_run(&other).await.unwrap());
    table.dump().await.assert_same(&before, "accepted again");
    assert_eq!(stored(&table, 1).await, run(run_id(1)));

    for seed in 0..4 {
        table.wire.shuffle(seed);
        let store = table.store.clone();
        let accepted = at_once(10, |_| {
            let store = store.clone();
            async move { store.create_run(&run(run_id(10 + seed))).await.unwrap() }
        });
        assert_eq!(accepted.await.into_iter().filter(|accepted| *accepted).count(), 1);
    }
}

pub(crate) async fn newest_first_page_by_page(backend: &Backend) {
    let table = backend.table().await;
    for number in [7, 3, 25, 11, 1, 19].into_iter().chain((1..=25).rev()) {
        table.store.create_run(&run(run_id(number))).await.unwrap();
    }
    let mut read = Vec::new();
    let mut sizes = Vec::new();
    loop {
        let after = read.last().copied();
        let runs = table.store.runs(WORKSPACE, after, 10).await.unwrap();
        if runs.is_empty() {
            break;
        }
        sizes.push(runs.len());
        read.extend(runs.into_iter().map(|run| run.id));
    }
    assert_eq!(read, (1..=25).rev().map(run_id).collect::<Vec<_>>());
    assert_eq!(sizes, [10, 10, 5]);
}

pub(crate) async fn a_run_begins_once(backend: &Backend) {
    let table = backend.table().await;
    table.store.create_run(&run(run_id(1))).await.unwrap();
    let targets: Vec<_> = (0..3).map(target).collect();
    table.probe.script(|call| (call.write == Some(2)).then_some(Fault::Before));
    assert!(
        table.store.begin_run(WORKSPACE, run_id(1), &targets, &store::Overrides::new(), None).await.is_err()
    );
    table.probe.clear();
    assert_eq!(stored(&table, 1).await.run_status, RunStatus::Queued);
    table.store.begin_run(WORKSPACE, run_id(1), &targets, &store::Overrides::new(), None).await.unwrap();
    let begun = stored(&table, 1).await;
    assert_eq!((begun.run_status, begun.total_tenants), (RunStatus::Running, 3));
    let before = table.dump().await;
    table.store.begin_run(WORKSPACE, run_id(1), &targets[..1], &store::Overrides::new(), None).await.unwrap();
    table.dump().await.assert_same(&before, "begun again");
    assert_eq!(table.store.targets(WORKSPACE, run_id(1)).await.unwrap(), targets);
    assert_eq!(table.store.targets(WORKSPACE, run_id(2)).await.unwrap(), []);
}

pub(crate) async fn ten_thousand_targets(backend: &Backend) {
    let table = backend.table().await;
    table.store.create_run(&run(run_id(1))).await.unwrap();
    let targets: Vec<_> = (0..10_000).map(target).collect();
    table.store.begin_run(WORKSPACE, run_id(1), &targets, &store::Overrides::new(), None).await.unwrap();
    assert!(table.store.targets(WORKSPACE, run_id(1)).await.unwrap() == targets);
    assert_eq!(stored(&table, 1).await.total_tenants, 10_000);
}

pub(crate) async fn a_run_is_halted_and_cancelled(backend: &Backend) {
    let table = backend.table().await;
    assert!(!table.store.cancel_run(WORKSPACE, run_id(1)).await.unwrap(), "it is not there");
    table.store.note_execution(WORKSPACE, run_id(1), "nobody").await.unwrap();
    table.store.halt_run(WORKSPACE, run_id(1), &failure("x")).await.unwrap();
    assert_eq!(table.store.run(WORKSPACE, run_id(1)).await.unwrap(), None, "nothing makes half a run");

    table.store.create_run(&run(run_id(1))).await.unwrap();
    table.store.note_execution(WORKSPACE, run_id(1), "arn:execution").await.unwrap();
    table.store.halt_run(WORKSPACE, run_id(1), &failure("first")).await.unwrap();
    table.store.halt_run(WORKSPACE, run_id(1), &failure("second")).await.unwrap();
    for _ in 0..2 {
        assert!(table.store.cancel_run(WORKSPACE, run_id(1)).await.unwrap());
    }
    let expected = Run {
        execution: Some("arn:execution".to_owned()),
        halted: Some(failure("first")),
        cancel_requested: true,
        ..run(run_id(1))
    };
    assert_eq!(stored(&table, 1).await, expected);
}

pub(crate) async fn a_run_ends_once(backend: &Backend) {
    let table = backend.table().await;
    table.store.create_run(&run(run_id(1))).await.unwrap();
    table
        .store
        .begin_run(WORKSPACE, run_id(1), &[target(1), target(2)], &store::Overrides::new(), None)
        .await
        .unwrap();
    table.store.note_execution(WORKSPACE, run_id(1), "arn:execution").await.unwrap();
    let ended = Run {
        run_status: RunStatus::Partial,
        completed_at: Some(at(60)),
        execution: Some("arn:execution".to_owned()),
        total_tenants: 2,
        succeeded_tenants: 1,
        failed_tenants: 1,
        counters: Counters { read: 7, created: 7, ..Counters::default() },
        halted: Some(failure("connection")),
        ..run(run_id(1))
    };
    assert_eq!(table.store.finish_run(&ended).await.unwrap(), Some(ended.clone()));
    let late = Run { run_status: RunStatus::Completed, completed_at: Some(at(99)), ..ended.clone() };
    assert_eq!(table.store.finish_run(&late).await.unwrap(), Some(ended.clone()));
    assert!(!table.store.cancel_run(WORKSPACE, run_id(1)).await.unwrap());
    table.store.halt_run(WORKSPACE, run_id(1), &failure("late")).await.unwrap();
    table.store.begin_run(WORKSPACE, run_id(1), &[], &store::Overrides::new(), None).await.unwrap();
    assert_eq!(stored(&table, 1).await, ended);
    assert_eq!(table.store.finish_run(&run(run_id(2))).await.unwrap(), None);

    let twice = Run { id: run_id(3), ..ended };
    table.store.create_run(&run(run_id(3))).await.unwrap();
    table.probe.script(|call| call.write.map(|_| Fault::Twice));
    assert_eq!(table.store.finish_run(&twice).await.unwrap().unwrap().run_status, RunStatus::Partial);
}

pub(crate) async fn the_first_result_of_a_tenant_stays(backend: &Backend) {
    let table = backend.table().await;
    assert!(table.store.put_tenant_run(WORKSPACE, run_id(1), &tenant_run(3)).await.unwrap());
    assert!(!table.store.put_tenant_run(WORKSPACE, run_id(1), &tenant_run(4)).await.unwrap());
    let other = TenantRun {
        tenant: target(1).tenant,
        failure: None,
        chain: None,
        tenant_status: TenantStatus::Completed,
        ..tenant_run(0)
    };
    assert!(table.store.put_tenant_run(WORKSPACE, run_id(1), &other).await.unwrap());
    let results = table.store.tenant_runs(WORKSPACE, run_id(1)).await.unwrap();
    assert_eq!(results, [tenant_run(3), other]);
    assert_eq!(table.store.tenant_runs(WORKSPACE, run_id(2)).await.unwrap(), []);
}
