//! The end of a run: sums, and a result for every tenant that never came to one.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    ids::ManagedTenantId,
    run::{Counters, RunStatus, TenantFailure, TenantStatus},
};
use store::{Progress, Run, Target, TenantRun};
use workflow::{
    errors::{TaskError, TaskFailure},
    payloads::{CaughtError, RunOutcome},
};

use crate::{RunSteps, task_failure};

/// What the log lines about waiting lines have in common, by which an alarm finds them (`infra/template.yaml`).
const EVENT: &str = "lines_wait";

impl RunSteps {
    pub(crate) async fn finish(
        &self,
        mut run: Run,
        error: Option<CaughtError>,
    ) -> Result<RunOutcome, TaskFailure> {
        let outcome =
            |run: &Run| RunOutcome { workspace_id: run.workspace, run_id: run.id, status: run.run_status };
        if run.run_status.is_terminal() {
            return Ok(outcome(&run));
        }
        let targets = self.store.targets(run.workspace, run.id).await.map_err(task_failure)?;
        let results = self.store.tenant_runs(run.workspace, run.id).await.map_err(task_failure)?;
        let ended: BTreeSet<ManagedTenantId> = results.iter().map(|result| result.tenant).collect();
        let open: Vec<&Target> = targets.iter().filter(|target| !ended.contains(&target.tenant)).collect();
        for result in self.unfinished(&run, &open, error.as_ref()).await? {
            self.store.put_tenant_run(run.workspace, run.id, &result).await.map_err(task_failure)?;
        }
        // What another worker has written meanwhile counts, not what we would have written.
        let results = self.store.tenant_runs(run.workspace, run.id).await.map_err(task_failure)?;
        let results: BTreeMap<ManagedTenantId, TenantRun> =
            results.into_iter().map(|result| (result.tenant, result)).collect();
        close(&mut run, &targets, &results, error.as_ref());
        run.completed_at = Some(self.clock.now());
        // Before the run ends: told twice is better than not at all.
        if run.kind.writes() && run.counters.held > 0 {
            tracing::warn!(
                event = EVENT, workspace = %run.workspace, run = %run.id, held = run.counters.held,
                "lines wait at a stop limit until an operator allows or rejects them"
            );
        }
        let ended = self.store.finish_run(&run).await.map_err(task_failure)?;
        let ended = ended.ok_or_else(|| TaskFailure::new(TaskError::Fault, "the run has disappeared"))?;
        tracing::info!(run = %ended.id, status = ?ended.run_status, "run ended");
        Ok(outcome(&ended))
    }

    /// Results of tenants that did not come to their end: with what was done until then.
    async fn unfinished(
        &self,
        run: &Run,
        targets: &[&Target],
        error: Option<&CaughtError>,
    ) -> Result<Vec<TenantRun>, TaskFailure> {
        let ids: Vec<ManagedTenantId> = targets.iter().map(|target| target.tenant).collect();
        let states = self.store.tenant_states(run.workspace, &ids).await.map_err(task_failure)?;
        let mut progress: BTreeMap<ManagedTenantId, Progress> = states
            .into_iter()
            .filter_map(|(tenant, mut state)| Some((tenant, state.progress.remove(&run.id)?)))
            .collect();
        let failure = run.halted.clone().unwrap_or_else(|| stopped_early(error));
        let (tenant_status, failure) = if run.cancel_requested {
            (TenantStatus::Cancelled, None)
        } else {
            (TenantStatus::Failed, Some(failure))
        };
        let now = self.clock.now();
        let result = |target: &&Target| {
            let progress = progress.remove(&target.tenant);
            TenantRun {
                tenant: target.tenant,
                client: target.client,
                tenant_status,
                counters: progress.as_ref().map(|progress| progress.counters).unwrap_or_default(),
                failure: failure.clone(),
                started_at: progress.as_ref().map_or(now, |progress| progress.started_at),
                completed_at: now,
                pages: progress.as_ref().map_or(0, |progress| progress.pages),
                chain: progress.map(|progress| progress.chain),
                guard: None,
            }
        };
        Ok(targets.iter().map(result).collect())
    }
}

fn close(
    run: &mut Run,
    targets: &[Target],
    results: &BTreeMap<ManagedTenantId, TenantRun>,
    error: Option<&CaughtError>,
) {
    let count = |status| results.values().filter(|result| result.tenant_status == status).count();
    let (completed, held, failed) =
        (count(TenantStatus::Completed), count(TenantStatus::Held), count(TenantStatus::Failed));
    run.counters = Counters::default();
    for result in results.values() {
        run.counters.add(&result.counters);
    }
    run.total_tenants = u32::try_from(targets.len()).unwrap_or(u32::MAX);
    run.succeeded_tenants = u32::try_from(completed + held).unwrap_or(u32::MAX);
    run.failed_tenants = u32::try_from(failed).unwrap_or(u32::MAX);
    run.run_status = if run.cancel_requested {
        RunStatus::Cancelled
    } else if targets.is_empty() && (error.is_some() || run.halted.is_some()) {
        RunStatus::Failed
    } else {
        RunStatus::of_tenants(completed, held, failed)
    };
    if run.run_status == RunStatus::Failed && run.halted.is_none() && error.is_some() && targets.is_empty() {
        run.halted = Some(stopped_early(error));
    }
}

fn stopped_early(error: Option<&CaughtError>) -> TenantFailure {
    TenantFailure {
        code: "run_stopped_early".to_owned(),
        message: "The run ended before this tenant was done. What was applied before is complete and stays; \
             nobody was marked inactive because of it."
            .to_owned(),
        remedy: "Run the sync again. If it happens again, look at the workflow execution of this run."
            .to_owned(),
        diagnostics: error.map(|error| format!("error {}", error.error)),
    }
}
