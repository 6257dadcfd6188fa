//! Which tenants are worked on next.

use std::collections::{BTreeMap, BTreeSet};

use domain::ids::ManagedTenantId;
use jiff::{SignedDuration, Timestamp};
use store::{Run, TenantState, Turns};
use workflow::{
    errors::{TaskError, TaskFailure},
    payloads::{BATCHES_PER_WAVE_MAX, Batch, RunInput, TENANTS_PER_BATCH_MAX, Wave},
};

use crate::{RunSteps, task_failure};

/// Batches that make the most of the state machine's concurrency.
const BATCHES_WANTED: usize = 10;

/// A run that is older has lost its way; what is left of it fails. With the longest wait it stays
/// far below the 25,000 events that an execution's history may have.
const RUN_AGE_MAX: SignedDuration = SignedDuration::from_hours(24);

/// Longest wait for tenants that somebody else works on, in seconds.
const WAIT_SECONDS_MAX: i64 = 120;

/// Waves in a row that take up no tenant and end none, before the run gives up: its workers fail
/// before they begin.
const IDLE_WAVES_MAX: u32 = 8;

/// First wait after an idle wave; each further one doubles it.
const IDLE_SECONDS: u32 = 5;

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
        let pending_in_all = pending.len();
        pending.truncate(BATCHES_PER_WAVE_MAX * TENANTS_PER_BATCH_MAX);
        let states = self.store.tenant_states(run.workspace, &pending).await.map_err(task_failure)?;
        let states: BTreeMap<ManagedTenantId, TenantState> = states.into_iter().collect();
        let busy = |tenant: &ManagedTenantId| {
            states.get(tenant).map_or(0, |state| state.busy_until - now.as_millisecond())
        };
        let (mut free, taken): (Vec<_>, Vec<_>) = pending.into_iter().partition(|tenant| busy(tenant) <= 0);
        let turns = turns(run, pending_in_all, &states, taken.is_empty(), now);
        self.store.note_turns(run.workspace, run.id, turns).await.map_err(task_failure)?;
        if turns.idle > IDLE_WAVES_MAX {
            tracing::error!(run = %run.id, "no worker takes up a tenant; the run gives up");
            return Ok(Wave::done(input));
        }
        if free.is_empty() {
            let soonest = taken.iter().map(busy).min().unwrap_or_default();
            return Ok(Wave::pause(input, wait_seconds(soonest)));
        }
        // Those that were taken up least often first: nobody starves behind a slow neighbour.
        free.sort_by_key(|tenant| {
            states.get(tenant).filter(|state| state.holder == Some(run.id)).map_or(0, |state| state.attempts)
        });
        let size = free.len().div_ceil(BATCHES_WANTED).clamp(1, TENANTS_PER_BATCH_MAX);
        let batches: Result<Vec<Batch>, _> = free
            .chunks(size)
            .take(BATCHES_PER_WAVE_MAX)
            .map(|tenants| Batch::new(input, tenants.to_vec()))
            .collect();
        // After the batches, not before: a run that is stuck does not spin.
        let wait = if turns.idle == 0 { 0 } else { IDLE_SECONDS << (turns.idle - 1).min(5) };
        let wave = batches.and_then(|batches| Wave::work(input, batches, wait));
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

/// How the run is getting on. A wave is idle when, since the one before, no tenant ended and none
/// was taken up although all were free.
fn turns(
    run: &Run,
    pending: usize,
    states: &BTreeMap<ManagedTenantId, TenantState>,
    all_free: bool,
    now: Timestamp,
) -> Turns {
    let taken: u64 = states.values().map(|state| state.token).sum();
    let pending = pending as u64;
    let before = run.turns;
    let same = before.at != 0 && before.pending == pending && before.taken == taken;
    let idle = if same && all_free { before.idle + 1 } else { 0 };
    Turns { pending, taken, idle, at: now.as_millisecond() }
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
        for (milliseconds, seconds) in [(-5, 1), (0, 1), (1, 1), (1_001, 2), (900_000, 120)] {
            assert_eq!(wait_seconds(milliseconds), seconds, "{milliseconds}");
        }
    }
}
