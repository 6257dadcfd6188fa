//! Runs whose workflow has died: nobody will ever end them, so whoever meets one does.

use domain::run::{RunStatus, TenantFailure, TenantStatus};
use store::{Run, StoreError};

use crate::{Sync, progress};

/// The runs as they are once those are ended whose workflow has died; the others as they came.
pub(crate) async fn closed(sync: &Sync, mut runs: Vec<Run>) -> Result<Vec<Run>, StoreError> {
    let now = sync.clock.now();
    for run in runs.iter_mut().filter(|run| run.is_dead(now)) {
        close(sync, run).await?;
        if let Some(ended) = sync.store.run(run.workspace, run.id).await? {
            *run = ended;
        }
    }
    Ok(runs)
}

/// Ends a dead run with what it has done, as cancelled if that was asked for.
pub(crate) async fn close(sync: &Sync, run: &Run) -> Result<(), StoreError> {
    let Some(found) = progress(&sync.store, run.workspace, run.id).await? else { return Ok(()) };
    let failed = found.ended.iter().filter(|result| result.tenant_status == TenantStatus::Failed).count();
    let mut ended = found.run;
    ended.run_status = if run.cancel_requested { RunStatus::Cancelled } else { RunStatus::Failed };
    ended.completed_at = Some(sync.clock.now());
    ended.succeeded_tenants = u32::try_from(found.ended.len() - failed).unwrap_or(u32::MAX);
    ended.failed_tenants = u32::try_from(failed).unwrap_or(u32::MAX);
    ended.halted = ended.halted.or_else(|| Some(died()));
    tracing::warn!(run = %run.id, "a run whose workflow has died is ended");
    sync.store.finish_run(&ended).await?;
    Ok(())
}

fn died() -> TenantFailure {
    TenantFailure {
        code: "workflow_died".to_owned(),
        message:
            "The workflow of this run ended without ending the run. What was applied before is complete \
             and stays; nobody was marked inactive because of it."
                .to_owned(),
        remedy: "Run the sync again. If it happens again, look at the workflow execution of this run."
            .to_owned(),
        diagnostics: None,
    }
}
