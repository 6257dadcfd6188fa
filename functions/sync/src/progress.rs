//! A run as it stands, also while it is going on.

use std::collections::BTreeMap;

use domain::{
    ids::{ManagedTenantId, RunId, WorkspaceId},
    run::Counters,
};
use store::{Progress, Run, Store, StoreError, Target, TenantRun};

/// A run and how far each of its tenants is.
#[derive(Clone, Debug)]
pub struct RunProgress {
    /// The run; its sums are those of this moment.
    pub run: Run,
    /// Tenants that have ended, in the run's order.
    pub ended: Vec<TenantRun>,
    /// Tenants that are being worked on.
    pub under_way: Vec<(Target, Progress)>,
    /// Tenants that have not been taken up.
    pub waiting: Vec<Target>,
}

/// The run as it stands; `None` when there is none.
pub async fn progress(
    store: &Store,
    workspace: WorkspaceId,
    run: RunId,
) -> Result<Option<RunProgress>, StoreError> {
    let Some(mut run) = store.run(workspace, run).await? else { return Ok(None) };
    let targets = store.targets(workspace, run.id).await?;
    let mut results: BTreeMap<ManagedTenantId, TenantRun> = store
        .tenant_runs(workspace, run.id)
        .await?
        .into_iter()
        .map(|result| (result.tenant, result))
        .collect();
    let mut ended = Vec::with_capacity(results.len());
    let mut open = Vec::new();
    for target in targets {
        match results.remove(&target.tenant) {
            Some(result) => ended.push(result),
            None => open.push(target),
        }
    }
    let (mut under_way, mut waiting) = (Vec::new(), Vec::new());
    if run.run_status.is_terminal() {
        waiting = open;
    } else {
        let ids: Vec<ManagedTenantId> = open.iter().map(|target| target.tenant).collect();
        let states = store.tenant_states(workspace, &ids).await?;
        let mut states: BTreeMap<ManagedTenantId, _> = states.into_iter().collect();
        for target in open {
            let state = states.remove(&target.tenant);
            match state.and_then(|mut state| state.progress.remove(&run.id)) {
                Some(progress) => under_way.push((target, progress)),
                None => waiting.push(target),
            }
        }
        run.counters = sums(&ended, &under_way);
    }
    Ok(Some(RunProgress { run, ended, under_way, waiting }))
}

fn sums(ended: &[TenantRun], under_way: &[(Target, Progress)]) -> Counters {
    let mut sums = Counters::default();
    for counters in ended.iter().map(|result| &result.counters) {
        sums.add(counters);
    }
    for (_, progress) in under_way {
        sums.add(&progress.counters);
    }
    sums
}
