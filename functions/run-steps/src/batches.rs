//! Which tenants are worked on next.

use std::collections::{BTreeMap, BTreeSet};

use domain::ids::ManagedTenantId;
use jiff::SignedDuration;
use store::{Run, TenantState};
use workflow::{
    errors::{TaskError, TaskFailure},
    payloads::{BATCHES_PER_WAVE_MAX, Batch, RunInput, TENANTS_PER_BATCH_MAX, Wave},
};

use crate::{RunSteps, task_failure};

/// Batches that make the most of the state machine's concurrency.
const BATCHES_WANTED: usize = 10;

/// A run that is older has lost its way; what is left of it fails.
const RUN_AGE_MAX: SignedDuration = SignedDuration::from_hours(24);

/// Longest wait for tenants that somebody else works on, in seconds.
const WAIT_SECONDS_MAX: i64 = 30;

impl RunSteps {
    pub(crate) async fn next_batches(&self, run: &Run) -> Result<Wave, TaskFailure> {
        let input = RunInput { workspace_id: run.workspace, run_id: run.id };
        let now = self.clock.now();
        let too_old = now.duration_since(run.started_at) > RUN_AGE_MAX;
        if run.run_status.is_terminal() || run.cancel_requested || run.halted.is_some() || too_old {
            return Ok(Wave::done(input));
        }
        let mut pending = self.pending(run).await?;
        if pending.is_empty() {
            return Ok(Wave::done(input));
        }
        pending.truncate(BATCHES_PER_WAVE_MAX * TENANTS_PER_BATCH_MAX);
        let states = self.store.tenant_states(run.workspace, &pending).await.map_err(task_failure)?;
        let states: BTreeMap<ManagedTenantId, TenantState> = states.into_iter().collect();
        let busy = |tenant: &ManagedTenantId| {
            states.get(tenant).map_or(0, |state| state.busy_until - now.as_millisecond())
        };
        let (free, taken): (Vec<_>, Vec<_>) = pending.into_iter().partition(|tenant| busy(tenant) <= 0);
        if free.is_empty() {
            let soonest = taken.iter().map(busy).min().unwrap_or_default();
            return Ok(Wave::pause(input, wait_seconds(soonest)));
        }
        let size = free.len().div_ceil(BATCHES_WANTED).clamp(1, TENANTS_PER_BATCH_MAX);
        let batches: Result<Vec<Batch>, _> = free
            .chunks(size)
            .take(BATCHES_PER_WAVE_MAX)
            .map(|tenants| Batch::new(input, tenants.to_vec()))
            .collect();
        let wave = batches.and_then(|batches| Wave::work(input, batches, 0));
        wave.map_err(|error| TaskFailure::new(TaskError::Fault, error.to_string()))
    }

    /// Tenants of the run that have no result yet, in the run's order.
    async fn pending(&self, run: &Run) -> Result<Vec<ManagedTenantId>, TaskFailure> {
        let targets = self.store.targets(run.workspace, run.id).await.map_err(task_failure)?;
        let done = self.store.tenant_runs(run.workspace, run.id).await.map_err(task_failure)?;
        let done: BTreeSet<ManagedTenantId> = done.into_iter().map(|result| result.tenant).collect();
        Ok(targets.into_iter().map(|target| target.tenant).filter(|tenant| !done.contains(tenant)).collect())
    }
}

fn wait_seconds(milliseconds: i64) -> u32 {
    let seconds = (milliseconds + 999) / 1000;
    u32::try_from(seconds.clamp(1, WAIT_SECONDS_MAX)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_whole_seconds_within_bounds() {
        for (milliseconds, seconds) in [(-5, 1), (0, 1), (1, 1), (1_001, 2), (90_000, 30)] {
            assert_eq!(wait_seconds(milliseconds), seconds, "{milliseconds}");
        }
    }
}
