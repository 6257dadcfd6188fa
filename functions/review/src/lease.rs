//! Waiting for a tenant that is being synced.

use domain::{
    ids::{ManagedTenantId, RunId, WorkspaceId},
    run::RunKind,
};
use jiff::SignedDuration;
use store::{Lease, StoreError, TenantState};

use crate::{NotDecided, Review};

/// How long a request waits for the tenant; the gateway gives up after 30 s.
const PATIENCE: SignedDuration = SignedDuration::from_secs(12);

/// Between two looks at it.
const INTERVAL: SignedDuration = SignedDuration::from_millis(250);

impl Review {
    /// Waits until nobody is at work on the tenant: neither under a lease, nor with plan pages that were
    /// made before the answer and may be applied after it.
    pub(crate) async fn wait_for_tenant(
        &self,
        workspace: WorkspaceId,
        tenant: ManagedTenantId,
        own: Option<RunId>,
    ) -> Result<(), NotDecided> {
        let began = self.clock.now();
        while self.is_busy(workspace, tenant, own).await? {
            if self.clock.now().duration_since(began) >= PATIENCE {
                return Err(NotDecided::TenantBusy);
            }
            self.clock.sleep(INTERVAL).await;
        }
        Ok(())
    }

    /// Takes the tenant for `run`.
    pub(crate) async fn take(
        &self,
        workspace: WorkspaceId,
        tenant: ManagedTenantId,
        run: RunId,
    ) -> Result<Option<(Lease, TenantState)>, StoreError> {
        let taken = self.store.acquire(workspace, tenant, run, self.clock.now()).await?;
        Ok(taken.ok())
    }

    /// Whether somebody is at work on the tenant.
    pub(crate) async fn is_busy(
        &self,
        workspace: WorkspaceId,
        tenant: ManagedTenantId,
        own: Option<RunId>,
    ) -> Result<bool, StoreError> {
        let states = self.store.tenant_states(workspace, &[tenant]).await?;
        let Some((_, state)) = states.into_iter().next() else { return Ok(false) };
        if state.busy_until > self.clock.now().as_millisecond() {
            return Ok(true);
        }
        let holder = state.holder.filter(|holder| state.ended_run != Some(*holder));
        for run in state.progress.keys().copied().chain(holder).filter(|run| Some(*run) != own) {
            let run = self.store.run(workspace, run).await?;
            let goes_on = run.is_some_and(|run| {
                run.kind.writes()
                    && run.kind != RunKind::Decision
                    && !run.run_status.is_terminal()
                    && !run.is_dead(self.clock.now())
            });
            if goes_on {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
