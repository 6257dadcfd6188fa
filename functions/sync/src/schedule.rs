//! Syncs that begin by themselves.
//!
//! A tick looks for slots that have begun and that nobody has served, and starts a run of all tenants for each.
//! The run's id is made from the slot, so however many look at once, and wherever one of them is cut off, a slot
//! has one run.

use assembly::FeatureGate;
use domain::{
    ids::{RunId, UserId, WorkspaceId},
    mandate::Mandate,
    run::RunKind,
    schedule::{Interval, Schedule},
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use store::{ConnectionStatus, LastSlot, RunScope, StoreError, StoredSchedule};
use workflow::errors::{TaskError, TaskFailure};

use crate::{NotBegun, StartRequest, Sync, start, start::launch};

/// What is kept of the time: starting one run.
const LAST_BEGINS_BEFORE: SignedDuration = SignedDuration::from_secs(10);

/// What the rule of the deployment asks for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TickInput {
    /// That slots are served. There is nothing else to ask for; it tells the input from others.
    pub start_due_syncs: bool,
}

/// What became of the slots that had begun.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TickOutcome {
    /// Runs that were started.
    pub started: usize,
    /// Slots without a run: not connected, nothing mapped, switched off, or a sync was going on.
    pub skipped: usize,
    /// Not served; each is in the log with its reason, and tried again with the next tick.
    pub failed: usize,
    /// Not reached in the time there was.
    pub left: usize,
}

/// The schedule as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleView {
    /// Whether all tenants are synced by themselves.
    pub sync_enabled: bool,
    /// How often.
    pub sync_interval_minutes: u32,
    /// When an operator has changed it last.
    pub updated_at: Option<Timestamp>,
    /// When the next sync begins; `None` when none will.
    pub next_run_at: Option<Timestamp>,
    /// Why none will although the schedule is on, as a code: `not_connected` or `nothing_mapped`.
    pub stopped_by: Option<&'static str>,
    /// What became of the newest slot.
    pub last: Option<LastSlot>,
}

/// A schedule that was saved, as the PSA asks for it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SavedScheduleView {
    /// The schedule.
    #[serde(flatten)]
    pub schedule: ScheduleView,
    /// It is in force with being saved: whoever looks for slots reads what is stored.
    pub schedule_applied: bool,
    /// Why it is not.
    pub schedule_error: Option<String>,
}

impl Sync {
    /// The schedule of a workspace.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn schedule(&self, workspace: WorkspaceId) -> Result<ScheduleView, StoreError> {
        let now = self.clock.now();
        let stored = self.store.schedule(workspace).await?;
        let schedule = stored.as_ref().map_or_else(|| Schedule::none(now), |stored| stored.schedule);
        let stopped_by = if schedule.sync_enabled { self.stopped_by(workspace).await? } else { None };
        Ok(ScheduleView {
            sync_enabled: schedule.sync_enabled,
            sync_interval_minutes: schedule.sync_interval_minutes.minutes(),
            updated_at: stored.as_ref().map(|stored| stored.updated_at),
            next_run_at: schedule.next(now).filter(|_| stopped_by.is_none()),
            stopped_by,
            last: stored.and_then(|stored| stored.last),
        })
    }

    async fn stopped_by(&self, workspace: WorkspaceId) -> Result<Option<&'static str>, StoreError> {
        let connection = self.store.connection(workspace).await?;
        if connection.is_none_or(|found| found.connection_status == ConnectionStatus::Disconnected) {
            return Ok(Some("not_connected"));
        }
        let mappings = self.store.mappings(workspace).await?;
        let is_mapped = mappings.iter().any(|record| record.current.decision.client().is_some());
        Ok((!is_mapped).then_some("nothing_mapped"))
    }

    /// Changes the schedule of a workspace. The first sync begins one interval later.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn save_schedule(
        &self,
        workspace: WorkspaceId,
        (enabled, interval): (bool, Interval),
        actor: Option<UserId>,
    ) -> Result<SavedScheduleView, StoreError> {
        let now = self.clock.now();
        let before = self.store.schedule(workspace).await?;
        let before = before.map_or_else(|| Schedule::none(now), |stored| stored.schedule);
        let schedule = before.changed(enabled, interval, now);
        self.store.put_schedule(workspace, &schedule, actor, now).await?;
        let schedule = self.schedule(workspace).await?;
        Ok(SavedScheduleView { schedule, schedule_applied: true, schedule_error: None })
    }

    /// Serves every slot that has begun. One that cannot be served keeps nobody else from it.
    ///
    /// # Errors
    /// When it is not known which schedules there are.
    pub async fn tick(&self, gate: &FeatureGate, deadline: Timestamp) -> Result<TickOutcome, TaskFailure> {
        let (schedules, unreadable) = self.store.schedules().await.map_err(task_failure)?;
        let mut outcome = TickOutcome { failed: unreadable.len(), ..TickOutcome::default() };
        for error in unreadable {
            tracing::error!(%error, "a schedule cannot be read");
        }
        for (workspace, stored) in schedules {
            let Some(slot) = due(&stored, self.clock.now()) else { continue };
            if self.clock.now() + LAST_BEGINS_BEFORE >= deadline {
                outcome.left += 1;
                continue;
            }
            match self.serve(gate, workspace, slot).await {
                Ok(Some(_)) => outcome.started += 1,
                Ok(None) => outcome.skipped += 1,
                Err(error) => {
                    tracing::error!(%workspace, %slot, error, "a scheduled sync was not started");
                    outcome.failed += 1;
                }
            }
        }
        Ok(outcome)
    }

    /// Answers the run that was started.
    async fn serve(
        &self,
        gate: &FeatureGate,
        workspace: WorkspaceId,
        slot: Timestamp,
    ) -> Result<Option<RunId>, String> {
        let run = RunId::of_slot(workspace, slot);
        let started = if gate.lets_work(workspace).await.map_err(|error| error.to_string())? {
            self.start_for_slot(workspace, run).await?
        } else {
            Err("integration_disabled")
        };
        let last = match started {
            Ok(()) => LastSlot { slot, run: Some(run), code: None },
            Err(code) => LastSlot { slot, run: None, code: Some(code.to_owned()) },
        };
        // Whoever comes between has started the same run.
        self.store.note_slot(workspace, &last).await.map_err(|error| error.to_string())?;
        Ok(last.run)
    }

    /// Starts the run, or answers the code of why there is none.
    async fn start_for_slot(
        &self,
        workspace: WorkspaceId,
        run: RunId,
    ) -> Result<Result<(), &'static str>, String> {
        let found = self.store.run(workspace, run).await.map_err(|error| error.to_string())?;
        if let Some(found) = found {
            let is_with_the_engine = found.execution.is_some() || found.run_status.is_terminal();
            // Whoever stored it was cut off before the engine had it, or the engine did not take it.
            let begun = if is_with_the_engine { Ok(()) } else { launch(self, found).await.map(drop) };
            return begun.map(Ok).map_err(|error| error.to_string());
        }
        let (kind, scope) = (RunKind::AllTenants, RunScope::default());
        let request =
            StartRequest { id: Some(run), ..StartRequest::new(workspace, kind, scope, Mandate::Schedule) };
        match start(self, request).await {
            Ok(_) => Ok(Ok(())),
            Err(NotBegun::AlreadyRunning(_)) => Ok(Err("already_running")),
            Err(NotBegun::NotConnected) => Ok(Err("not_connected")),
            Err(NotBegun::NothingMapped) => Ok(Err("nothing_mapped")),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// The slot that has begun and is not served.
fn due(stored: &StoredSchedule, now: Timestamp) -> Option<Timestamp> {
    let slot = stored.schedule.slot(now)?;
    stored.last.as_ref().is_none_or(|last| last.slot < slot).then_some(slot)
}

fn task_failure(error: StoreError) -> TaskFailure {
    let name = if error.is_transient() { TaskError::Transient } else { TaskError::Fault };
    TaskFailure::new(name, error.to_string())
}
