//! The small tasks around a sync: begin, next batches, finish.
//!
//! The run's truth is in the store; these steps only say what is left to do. Each may be repeated
//! or run twice at once.

mod batches;
mod finish;
mod provision;

use std::{collections::BTreeMap, sync::Arc};

use ambient::Clock;
use assembly::held_to_its_mandate;
use domain::{
    ids::{ManagedTenantId, WorkspaceId},
    mapping::Decision,
    plan::Limit,
    planner::RunHeld,
    run::RunStatus,
};
use store::{ManagedTenant, Overrides, PlanSource, Run, RunScope, Store, StoreError, Target};
use workflow::{
    errors::{TaskError, TaskFailure},
    payloads::{RunInput, RunOutcome, StepInput, Wave},
};

/// Everything the steps need.
pub struct RunSteps {
    /// The table.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for RunSteps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RunSteps")
    }
}

/// What a step answers.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(untagged)]
pub enum StepOutput {
    /// Of `begin`.
    Begun(RunInput),
    /// Of `nextBatches`.
    Wave(Wave),
    /// Of `finish`.
    Finished(RunOutcome),
}

impl RunSteps {
    /// Does one step.
    pub async fn step(&self, input: StepInput) -> Result<StepOutput, TaskFailure> {
        let RunInput { workspace_id, run_id } = input.run();
        let run = self.store.run(workspace_id, run_id).await.map_err(task_failure)?;
        let run = run.ok_or_else(|| TaskFailure::new(TaskError::InvalidInput, "there is no such run"))?;
        let run = held_to_its_mandate(&self.store, run).await?;
        match input {
            StepInput::Begin { .. } => self.begin(&run).await.map(StepOutput::Begun),
            StepInput::NextBatches { .. } => self.next_batches(&run).await.map(StepOutput::Wave),
            StepInput::Finish { error, .. } => self.finish(run, error).await.map(StepOutput::Finished),
        }
    }

    async fn begin(&self, run: &Run) -> Result<RunInput, TaskFailure> {
        if run.run_status == RunStatus::Queued {
            if run.cancel_requested || run.halted.is_some() {
                return Ok(RunInput { workspace_id: run.workspace, run_id: run.id });
            }
            if provision::is_due(run) {
                self.create_clients(run).await.map_err(task_failure)?;
            }
            let targets = match &run.source {
                Some(source) => self.targets_of(run, source).await,
                None => targets(&self.store, run.workspace, run.scope).await,
            };
            let targets = targets.map_err(task_failure)?;
            let begun = self.begin_with(run, &targets).await;
            begun.map_err(task_failure)?;
        }
        Ok(RunInput { workspace_id: run.workspace, run_id: run.id })
    }
}

impl RunSteps {
    async fn begin_with(&self, run: &Run, targets: &[Target]) -> Result<(), StoreError> {
        let overrides =
            if run.takes_overrides() { self.store.overrides(run.workspace).await? } else { Overrides::new() };
        let room = match &run.source {
            None => Some(self.room(run, targets).await?),
            // Somebody has looked at it.
            Some(_) => None,
        };
        self.store.begin_run(run.workspace, run.id, targets, &overrides, room).await
    }

    /// How much the limits over all tenants let through: a share of what is linked in all of them. While
    /// an earlier surge waits for an operator in one of them, nothing of its kind.
    async fn room(&self, run: &Run, targets: &[Target]) -> Result<RunHeld, StoreError> {
        let tenants: Vec<ManagedTenantId> = targets.iter().map(|target| target.tenant).collect();
        let states = self.store.tenant_states(run.workspace, &tenants).await?;
        let grounds = || states.iter().map(|(_, state)| &state.ground);
        let active: u64 = grounds().filter_map(|ground| ground.active_links).sum();
        let active = usize::try_from(active).unwrap_or(usize::MAX);
        let now = run.settings.run_limits;
        let room = |limit: Limit| {
            let room = now.of(limit).of(active) as u64;
            let waiting: u64 = grounds().map(|ground| ground.held.by(limit)).sum();
            let is_shut = grounds().any(|ground| ground.held.shuts(limit, now.of(limit), room));
            if is_shut || waiting > room { 0 } else { room }
        };
        Ok(RunHeld {
            creations: room(Limit::RunCreations),
            inactivations: room(Limit::RunInactivations),
            link_moves: room(Limit::RunLinkMoves),
        })
    }

    /// Whoever has a part in the stored plan, within the run's scope.
    async fn targets_of(&self, run: &Run, source: &PlanSource) -> Result<Vec<Target>, StoreError> {
        let mut targets = self.store.targets(run.workspace, source.run).await?;
        targets.retain(|target| {
            run.scope.client.is_none_or(|only| only == target.client)
                && run.scope.tenant.is_none_or(|only| only == target.tenant)
        });
        Ok(targets)
    }
}

/// What a run with this scope would cover now: every tenant that is mapped to a client.
pub async fn targets(
    store: &Store,
    workspace: WorkspaceId,
    scope: RunScope,
) -> Result<Vec<Target>, StoreError> {
    let tenants: BTreeMap<ManagedTenantId, ManagedTenant> =
        store.managed_tenants(workspace).await?.into_iter().map(|tenant| (tenant.id, tenant)).collect();
    let mappings = store.mappings(workspace).await?;
    let target = |record: &domain::mapping::MappingRecord| match record.current.decision {
        Decision::Mapped { client } => {
            let tenant = tenants.get(&record.managed_tenant)?;
            let wanted = scope.client.is_none_or(|only| only == client)
                && scope.tenant.is_none_or(|only| only == tenant.id);
            wanted.then_some(Target { tenant: tenant.id, entra: tenant.entra, client })
        }
        _ => None,
    };
    Ok(mappings.iter().filter_map(target).collect())
}

fn task_failure(error: StoreError) -> TaskFailure {
    let name = if error.is_transient() { TaskError::Transient } else { TaskError::Fault };
    TaskFailure::new(name, error.to_string())
}
