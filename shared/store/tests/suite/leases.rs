//! One worker in a tenant at a time.

use std::sync::atomic::{AtomicU32, Ordering};

use domain::{
    contact::InactiveReason,
    ids::{ManagedTenantId, RunId},
    plan::{ChainHash, Leaver},
    planner::{Held, InForce, RunHeld},
    policy::{RunLimits, StopLimits, VanishRules},
    run::Counters,
};
use jiff::Timestamp;
use store::{
    Applier, Ground, LEASE, Lease, LeaseRefused, Progress, Settled, StoreError, TenantState, Tenure,
};
use uuid::Uuid;

use super::{
    backend::{Backend, Table, at_once},
    make::{MANAGED, TENANT, WORKSPACE, applier, apply, at, object, page, run_id},
    runs::tenant_run,
    world::creation,
};

async fn acquire(table: &Table, run: RunId, now: Timestamp) -> Result<(Lease, TenantState), LeaseRefused> {
    table.store.acquire(WORKSPACE, MANAGED, run, now).await.unwrap()
}

async fn checkpoint(table: &Table, lease: Lease, progress: &Progress, now: Timestamp) -> bool {
    table.store.checkpoint(WORKSPACE, MANAGED, lease, progress, now).await.unwrap()
}

async fn state(table: &Table) -> TenantState {
    table.store.tenant_states(WORKSPACE, &[MANAGED]).await.unwrap().remove(0).1
}

/// How far `run` has come.
fn of(state: &TenantState, run: RunId) -> Option<Progress> {
    state.progress.get(&run).cloned()
}

pub(crate) fn progress(run: RunId, pages: u32) -> Progress {
    Progress {
        run,
        started_at: at(0),
        pages,
        cursor: Some("next page".to_owned()),
        only_changes: false,
        feed: None,
        read_complete: false,
        counters: Counters { read: u64::from(pages) * 500, ..Counters::default() },
        chain: ChainHash::GENESIS.followed_by(b"page"),
        closed: true,
    }
}

pub(crate) fn ground(people: u64) -> Ground {
    let (in_scope, active_links) = (Some(people), Some(people - 1));
    let run = RunHeld { creations: 2, inactivations: 4, link_moves: 5 };
    let under = Some(InForce::new(&StopLimits::default(), &VanishRules::default(), RunLimits::default()));
    let held = Held { creations: 3, link_moves: 1, inactivations: 6, run, under };
    let leaving = vec![Leaver { object: object(8), reason: InactiveReason::SoftDeletedUpstream }];
    Ground { in_scope, active_links, open: vec![object(7)], leaving, held, ..Ground::default() }
}

pub(crate) async fn a_worker_that_lost_its_lease_changes_nothing(backend: &Backend) {
    let table = backend.table().await;
    let run = run_id(1);
    let (first, _) = acquire(&table, run, at(0)).await.unwrap();
    assert_eq!(acquire(&table, run, at(89)).await, Err(LeaseRefused { until: at(90) }));
    assert!(checkpoint(&table, first, &progress(run, 1), at(60)).await);
    assert_eq!(acquire(&table, run, at(149)).await, Err(LeaseRefused { until: at(150) }));
    let (second, state) = acquire(&table, run, at(150)).await.unwrap();
    assert!(second.token > first.token);
    assert_eq!((state.holder, state.attempts), (Some(run), 1));

    let before = table.dump().await;
    assert!(!checkpoint(&table, first, &progress(run, 1), at(151)).await);
    assert!(!table.store.release_tenant(WORKSPACE, MANAGED, first, None).await.unwrap());
    let ended = table
        .store
        .end_tenant(WORKSPACE, run, first, &tenant_run(1), Settled::Everybody(&Ground::default()))
        .await
        .unwrap();
    assert!(!ended);
    table.dump().await.assert_same(&before, "a stale token");
    assert!(checkpoint(&table, second, &progress(run, 1), at(151)).await);
}

pub(crate) async fn one_of_twenty_gets_the_tenant(backend: &Backend) {
    for seed in 0..6 {
        let table = backend.table().await;
        table.wire.shuffle(seed);
        for round in 0..2 {
            let store = table.store.clone();
            let now = at(100 * round);
            let answers = at_once(20, |number| {
                let store = store.clone();
                let run = run_id(u64::from(number) + 1);
                async move { store.acquire(WORKSPACE, MANAGED, run, now).await.unwrap() }
            });
            let answers = answers.await;
            let (taken, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
            assert_eq!(taken.len(), 1, "seed {seed}");
            assert!(refused.iter().all(|answer| *answer == Err(LeaseRefused { until: now + LEASE })));
        }
    }
}

pub(crate) async fn a_checkpoint_counts_as_moving_on(backend: &Backend) {
    let table = backend.table().await;
    let run = run_id(1);
    let (lease, state) = acquire(&table, run, at(0)).await.unwrap();
    assert_eq!((state.attempts, of(&state, run)), (1, None));
    let far = progress(run, 3);
    assert!(checkpoint(&table, lease, &far, at(50)).await);
    assert_eq!(acquire(&table, run, at(139)).await, Err(LeaseRefused { until: at(140) }));
    let (_, state) = acquire(&table, run, at(140)).await.unwrap();
    assert_eq!((state.attempts, of(&state, run)), (1, Some(far.clone())));
    let (lease, state) = acquire(&table, run, at(240)).await.unwrap();
    assert_eq!((state.attempts, of(&state, run)), (2, Some(far)));
    let done = Progress { cursor: None, read_complete: true, ..progress(run, 4) };
    assert!(checkpoint(&table, lease, &done, at(241)).await);
    assert!(table.store.release_tenant(WORKSPACE, MANAGED, lease, None).await.unwrap());
    let (_, state) = acquire(&table, run, at(241)).await.unwrap();
    assert_eq!(of(&state, run), Some(done));
}

pub(crate) async fn a_late_checkpoint_is_not_written_over(backend: &Backend) {
    let table = backend.table().await;
    let run = run_id(1);
    let (late, _) = acquire(&table, run, at(0)).await.unwrap();
    // The first worker was thought dead and comes back between the second one's look and its write.
    let store = table.store.clone();
    table.wire.before_second_update(async move {
        let noted = store.checkpoint(WORKSPACE, MANAGED, late, &progress(run, 1), at(95)).await;
        assert!(noted.unwrap());
    });
    assert_eq!(acquire(&table, run, at(95)).await, Err(LeaseRefused { until: at(185) }));
    assert_eq!(of(&state(&table).await, run), Some(progress(run, 1)));
    assert!(checkpoint(&table, late, &progress(run, 2), at(96)).await);
}

pub(crate) async fn a_pause_keeps_everybody_out(backend: &Backend) {
    let table = backend.table().await;
    let (lease, _) = acquire(&table, run_id(1), at(0)).await.unwrap();
    let until = at(600);
    assert!(table.store.release_tenant(WORKSPACE, MANAGED, lease, Some(until)).await.unwrap());
    for run in [run_id(1), run_id(2)] {
        assert_eq!(acquire(&table, run, at(599)).await, Err(LeaseRefused { until }));
    }
    assert!(acquire(&table, run_id(2), until).await.is_ok());
}

pub(crate) async fn ending_stores_the_result_and_frees_the_tenant_at_once(backend: &Backend) {
    let table = backend.table().await;
    let run = run_id(1);
    let (lease, _) = acquire(&table, run, at(0)).await.unwrap();
    assert!(checkpoint(&table, lease, &progress(run, 1), at(1)).await);
    let result = store::TenantRun { completed_at: at(5), ..tenant_run(1) };
    assert!(
        table
            .store
            .end_tenant(WORKSPACE, run, lease, &result, Settled::Everybody(&ground(321)))
            .await
            .unwrap()
    );
    assert_eq!(table.store.tenant_runs(WORKSPACE, run).await.unwrap(), [result]);
    let state = state(&table).await;
    assert_eq!((state.last_success_run, state.last_success_at), (Some(run), Some(at(5))));
    assert_eq!((state.last_success_people, state.busy_until, of(&state, run)), (Some(321), 0, None));
    let (_, next) = acquire(&table, run_id(2), at(5)).await.unwrap();
    assert_eq!(next.last_success_run, Some(run));
}

pub(crate) async fn the_next_run_begins_anew(backend: &Backend) {
    let table = backend.table().await;
    let (lease, _) = acquire(&table, run_id(1), at(0)).await.unwrap();
    assert!(checkpoint(&table, lease, &progress(run_id(1), 3), at(1)).await);
    let (second, state) = acquire(&table, run_id(2), at(91)).await.unwrap();
    assert_eq!((state.holder, state.attempts, of(&state, run_id(2))), (Some(run_id(2)), 1, None));
    // What the first run has noted is still there when it comes back, and only that run ends it.
    assert!(checkpoint(&table, second, &progress(run_id(2), 1), at(92)).await);
    assert!(
        table.store.end_tenant(WORKSPACE, run_id(2), second, &tenant_run(1), Settled::Nothing).await.unwrap()
    );
    let (_, state) = acquire(&table, run_id(1), at(93)).await.unwrap();
    assert_eq!(of(&state, run_id(1)), Some(progress(run_id(1), 3)));
    assert_eq!(of(&state, run_id(2)), None);
    // A run that never ends is forgotten after a week.
    let (_, state) = acquire(&table, run_id(3), at(8 * 24 * 3600)).await.unwrap();
    assert!(state.progress.is_empty());
}

pub(crate) async fn the_first_result_of_a_tenant_stays(backend: &Backend) {
    let table = backend.table().await;
    let run = run_id(1);
    let first = tenant_run(1);
    assert!(table.store.put_tenant_run(WORKSPACE, run, &first).await.unwrap());
    let (lease, _) = acquire(&table, run, at(0)).await.unwrap();
    assert!(table.store.end_tenant(WORKSPACE, run, lease, &tenant_run(2), Settled::Nothing).await.unwrap());
    assert_eq!(table.store.tenant_runs(WORKSPACE, run).await.unwrap(), [first]);
    assert_eq!(state(&table).await.busy_until, 0);
}

pub(crate) async fn states_of_many_tenants(backend: &Backend) {
    let table = backend.table().await;
    let tenant = |number: u32| ManagedTenantId::new(Uuid::from_u128(u128::from(number) + 1));
    for number in 0..120 {
        let taken = table.store.acquire(WORKSPACE, tenant(number), run_id(number.into()), at(0)).await;
        assert!(taken.unwrap().is_ok());
    }
    let asked: Vec<_> = (0..130).map(tenant).collect();
    let mut states = table.store.tenant_states(WORKSPACE, &asked).await.unwrap();
    states.sort_by_key(|(tenant, _)| *tenant);
    assert!(states.iter().map(|(tenant, _)| *tenant).eq((0..120).map(tenant)));
    assert!(states.iter().zip(0..).all(|((_, state), number)| state.holder == Some(run_id(number))));
}

pub(crate) async fn the_local_mode_frees_what_a_dead_process_held(backend: &Backend) {
    let table = backend.table().await;
    let (lease, _) = acquire(&table, run_id(1), at(0)).await.unwrap();
    assert!(checkpoint(&table, lease, &progress(run_id(1), 2), at(1)).await);
    table.store.free_all_tenants(WORKSPACE).await.unwrap();
    let (again, state) = acquire(&table, run_id(1), at(2)).await.unwrap();
    assert!(again.token > lease.token);
    assert_eq!(of(&state, run_id(1)), Some(progress(run_id(1), 2)));
}

pub(crate) async fn a_worker_whose_lease_is_over_stops_at_the_next_line(backend: &Backend) {
    let table = backend.table().await;
    let page = page((1..=6).map(creation).collect());
    let asked = AtomicU32::new(0);
    let holds = || asked.fetch_add(1, Ordering::SeqCst) < 2;
    let sleeper = Applier { tenure: Tenure::of(&holds), ..applier(&table.store, 1) };
    assert!(matches!(sleeper.apply(&page).await, Err(StoreError::LeaseOver)));
    let written = table.store.links(WORKSPACE, TENANT).await.unwrap();
    assert_eq!(written.len(), 2, "as many lines as it had the right to");
    apply(&table.store, &page).await;
    assert_eq!(table.store.links(WORKSPACE, TENANT).await.unwrap().len(), 6);
}
