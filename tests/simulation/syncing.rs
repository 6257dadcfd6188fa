//! Runs of syncs, from their start to what is checked at their end.

use domain::{
    mandate::Mandate,
    run::{RunKind, TenantStatus},
};
use jiff::SignedDuration;
use store::{PlanSource, RunScope};
use sync::{NotBegun, StartRequest, Unusable};
use workflow::payloads::RunInput;

use crate::{
    audit::{self, Audit, Ended, failed},
    dice::Dice,
    kinds::Scope,
    life::{Life, Told},
    microsoft::WORKSPACE,
    step::Around,
};

impl Life {
    /// One sync with everything that goes wrong with it.
    pub(crate) async fn sync(
        &mut self,
        scope: Scope,
        around: &Around,
        dice: &mut Dice,
    ) -> Told<Option<String>> {
        let (kind, scope) = match scope {
            Scope::Everything if dice.percent(20) => (RunKind::Initial, RunScope::default()),
            Scope::Everything => (RunKind::AllTenants, RunScope::default()),
            Scope::OneClient => {
                let client = dice.pick(&self.house.clients);
                (RunKind::SingleTenant, RunScope { client, tenant: None, ..RunScope::default() })
            }
        };
        let Some(run) = self.begin(kind, scope, None).await? else { return Ok(None) };
        let carried = self.carried(run, around, dice).await?;
        if let Some(ended) = carried.ended.filter(|_| !carried.was_disturbed && !self.lied_to) {
            ended.check_against_the_world(&self.house)?;
        }
        Ok(Some(format!("{kind:?}: {}", carried.told)))
    }

    /// One run with which nothing goes wrong.
    pub(crate) async fn undisturbed(&mut self, kind: RunKind) -> Told<Option<Ended>> {
        let Some(run) = self.begin(kind, RunScope::default(), None).await? else { return Ok(None) };
        let mut audit = Audit::begin(&mut self.house, vec![run]).await?;
        self.house.worker().carry(run).await?;
        audit.check(&mut self.house, &mut self.written).await?;
        let ended = self.close(run, &mut audit).await?;
        if !self.lied_to {
            ended.check_against_the_world(&self.house)?;
        }
        Ok(Some(ended))
    }

    /// Carries runs to their end whose workers have died.
    pub(crate) async fn take_over_what_is_left(&mut self) -> Told<()> {
        let runs = self.house.store.runs(WORKSPACE, None, 100).await.map_err(failed)?;
        for run in runs.into_iter().filter(|run| !run.run_status.is_terminal()) {
            self.take_over(RunInput { workspace_id: WORKSPACE, run_id: run.id }).await?;
        }
        Ok(())
    }

    async fn take_over(&mut self, run: RunInput) -> Told<()> {
        let mut audit = Audit::begin(&mut self.house, vec![run]).await?;
        // What it has done before is not seen here.
        audit.is_alone = false;
        self.house.worker().carry(run).await?;
        audit.check(&mut self.house, &mut self.written).await?;
        self.close(run, &mut audit).await.map(|_| ())
    }

    /// Starts a run; `None` when there is nothing to sync. One that nobody carries any more is taken
    /// over first.
    pub(crate) async fn begin(
        &mut self,
        kind: RunKind,
        scope: RunScope,
        source: Option<PlanSource>,
    ) -> Told<Option<RunInput>> {
        let request = StartRequest { source, ..StartRequest::new(WORKSPACE, kind, scope, Mandate::Machine) };
        self.begin_as(request).await
    }

    /// The same with everything that can be asked for.
    pub(crate) async fn begin_as(&mut self, request: StartRequest) -> Told<Option<RunInput>> {
        self.house.clock.advance(SignedDuration::from_secs(10));
        for _ in 0..3 {
            match self.house.start_as(request.clone()).await {
                Ok(run) => {
                    self.remember_decisions(run);
                    return Ok(Some(run));
                }
                // A plan from before the rules changed is made anew.
                Err(NotBegun::NothingMapped | NotBegun::Source(Unusable::RulesChanged)) => return Ok(None),
                Err(NotBegun::AlreadyRunning(run)) => {
                    self.take_over(RunInput { workspace_id: WORKSPACE, run_id: run }).await?;
                }
                Err(error) => return Err(format!("a run was refused: {error}")),
            }
        }
        Err("a run that was carried to its end is still going on".to_owned())
    }

    pub(crate) async fn close(&mut self, run: RunInput, audit: &mut Audit) -> Told<Ended> {
        let ended = audit::ended(&self.house, run, audit, &self.written).await?;
        self.cut_off |= ended
            .tenants
            .iter()
            .any(|tenant| matches!(tenant.tenant_status, TenantStatus::Failed | TenantStatus::Cancelled));
        audit::at_rest(&self.house, audit.people(), self.cut_off).await?;
        self.remember(run, &ended, audit)?;
        Ok(ended)
    }
}
