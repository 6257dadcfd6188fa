//! The task: one batch of tenants, page by page, until done or the deadline nears.
//!
//! For each directory page: plan, store the plan, apply it, note how far the tenant has come. A
//! worker may die between any two of these and another one goes on from what is stored. One
//! tenant's failure is that tenant's result; it never fails the batch.
//!
//! This crate decides nothing about people (that is `domain`) and knows no HTTP (`directory`).

mod failure;
mod person;
mod read;
mod relink;
mod replay;
mod work;

use std::{collections::BTreeSet, sync::Arc};

use ambient::Clock;
use assembly::{held_to_its_mandate, tenant_failure};
use directory::{Directories, Directory, ErrorClass, ReadError};
use domain::{
    ids::ManagedTenantId,
    plan::Guard,
    run::{Counters, TenantFailure, TenantStatus},
};
use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use store::{
    Ground, Lease, Overrides, Progress, Run, Settled, Store, StoreError, Target, TenantRun, TenantState,
};
use workflow::{
    errors::{TaskError, TaskFailure},
    payloads::{Batch, BatchResult},
};

use work::{Outcome, Stop, Work};

/// How often a run may take up a tenant without coming further before the tenant fails.
pub const ATTEMPTS_MAX: u32 = 4;

/// Tenants of one batch that are worked on at once: they wait for the network, not for each
/// other.
const TENANTS_AT_ONCE: usize = 8;

/// Lines of a page in flight at once.
const LINES_AT_ONCE: usize = 32;

/// How long before the deadline no new page is begun.
const MARGIN: SignedDuration = SignedDuration::from_secs(15);

/// Everything the task needs.
pub struct TenantSync {
    /// The table.
    pub store: Store,
    /// The way to Microsoft.
    pub directories: Arc<dyn Directories>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for TenantSync {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TenantSync")
    }
}

/// What all tenants of a batch share.
pub(crate) struct Job {
    pub(crate) run: Run,
    /// Of the clients that have any.
    pub(crate) overrides: Overrides,
    /// `None` when the run reads nobody and there is no connection: an undo needs none.
    pub(crate) directory: Option<Arc<dyn Directory>>,
    pub(crate) deadline: Timestamp,
    pub(crate) expires: i64,
}

/// How a tenant came to its end.
struct Ending {
    ground: Option<Ground>,
    guard: Option<Guard>,
}

enum TenantEnd {
    Finished,
    Unfinished,
}

impl TenantSync {
    /// Works the tenants of `batch` until each is done, fails, or `deadline` nears.
    ///
    /// # Errors
    /// Only what no tenant is to blame for: the run is unknown, or the store fails.
    pub async fn sync_batch(&self, batch: &Batch, deadline: Timestamp) -> Result<BatchResult, TaskFailure> {
        let (workspace, run_id) = (batch.workspace_id, batch.run_id);
        let run = self.store.run(workspace, run_id).await.map_err(task_failure)?;
        let run = run.ok_or_else(|| TaskFailure::new(TaskError::InvalidInput, "there is no such run"))?;
        let run = held_to_its_mandate(&self.store, run).await?;
        let all = u32::try_from(batch.tenants.len()).unwrap_or(u32::MAX);
        if run.run_status.is_terminal() || run.cancel_requested || run.halted.is_some() {
            return Ok(BatchResult { finished: 0, unfinished: all });
        }
        let directory = match self.directories.of(workspace).await {
            Ok(directory) => Some(directory),
            Err(_) if !run.asks_directory() => None,
            Err(error) => return self.no_connection(&run, all, &error).await,
        };
        let covered = self.store.targets_and_overrides(workspace, run_id).await;
        let (mut targets, overrides) = covered.map_err(task_failure)?;
        // A batch may be given out twice: who has a result is done, whatever it says.
        let ended = self.store.tenant_runs(workspace, run_id).await.map_err(task_failure)?;
        let ended: BTreeSet<ManagedTenantId> = ended.into_iter().map(|result| result.tenant).collect();
        targets.retain(|target| batch.tenants.contains(&target.tenant) && !ended.contains(&target.tenant));
        let expires = run.plan_expires().as_second();
        let job = Job { run, overrides, directory, deadline: deadline - MARGIN, expires };
        let job = &job;
        let ends: Vec<Result<TenantEnd, StoreError>> = stream::iter(targets)
            .map(async |target| self.sync_tenant(job, &target).await)
            .buffer_unordered(TENANTS_AT_ONCE)
            .collect()
            .await;
        let mut finished = 0;
        for end in ends {
            finished += u32::from(matches!(end.map_err(task_failure)?, TenantEnd::Finished));
        }
        Ok(BatchResult { finished, unfinished: all.saturating_sub(finished) })
    }

    async fn no_connection(
        &self,
        run: &Run,
        all: u32,
        error: &ReadError,
    ) -> Result<BatchResult, TaskFailure> {
        if matches!(error.class(), ErrorClass::Throttled { .. } | ErrorClass::Transient) {
            return Err(TaskFailure::new(TaskError::Transient, error.to_string()));
        }
        let failure = tenant_failure(error);
        self.store.halt_run(run.workspace, run.id, &failure).await.map_err(task_failure)?;
        Ok(BatchResult { finished: 0, unfinished: all })
    }

    async fn sync_tenant(&self, job: &Job, target: &Target) -> Result<TenantEnd, StoreError> {
        let now = self.clock.now();
        if now >= job.deadline {
            // Taking it up would cost it an attempt and bring it no page further.
            return Ok(TenantEnd::Unfinished);
        }
        let (lease, state) = match self.store.acquire(job.run.workspace, target.tenant, job.run.id, now).await
        {
            Ok(Ok(acquired)) => acquired,
            Ok(Err(_)) => return Ok(TenantEnd::Unfinished),
            // What was known of the tenant is needed: without it no stop limit would hold.
            Err(StoreError::Damaged { .. }) => return self.unreadable(job, target, now).await,
            Err(error) => return Err(error),
        };
        let mut attempts = state.attempts;
        let before = progress(job, &state, now);
        let mut work = Work::new(self, job, target, (lease, now), state, before);
        let end = if attempts > ATTEMPTS_MAX {
            Err(Stop::Failed(failure::gave_up(attempts - 1)))
        } else if !job.run.takes_back() && !self.is_still_mapped(job, target).await? {
            Err(Stop::Failed(failure::mapping_changed()))
        } else {
            work.run().await
        };
        let (progress, ground, guard) = (work.progress, work.ground, work.guard);
        if work.came_further {
            // So this is the first try of what stopped it.
            attempts = 1;
        }
        match end {
            Ok(Outcome::Complete) => {
                let ending = Ending { ground, guard };
                self.complete(job, target, lease, &progress, ending).await
            }
            Ok(Outcome::Paused) => self.release(job, target, lease, None).await,
            Err(Stop::LeaseLost) => Ok(TenantEnd::Unfinished),
            Err(Stop::Store(error)) => {
                // The lease is given back so that a retry need not wait for it; when that fails
                // too, it runs out by itself.
                let _: Result<_, StoreError> = self.release(job, target, lease, None).await;
                Err(error)
            }
            Err(Stop::Failed(failure)) => self.fail(job, target, lease, &progress, failure).await,
            Err(Stop::Read(error)) => self.read_failed(job, target, lease, &progress, attempts, &error).await,
        }
    }

    async fn read_failed(
        &self,
        job: &Job,
        target: &Target,
        lease: Lease,
        progress: &Progress,
        attempts: u32,
        error: &ReadError,
    ) -> Result<TenantEnd, StoreError> {
        tracing::warn!(
            run = %job.run.id,
            managed_tenant = %target.tenant,
            code = %error.code(),
            class = error.class().name(),
            "reading a tenant failed"
        );
        let now = self.clock.now();
        match error.class() {
            ErrorClass::Throttled { retry_after } if attempts < ATTEMPTS_MAX => {
                self.release(job, target, lease, Some(now + retry_after)).await
            }
            ErrorClass::Transient if attempts < ATTEMPTS_MAX => {
                let pause = SignedDuration::from_secs(2_i64.pow(attempts.min(6)));
                self.release(job, target, lease, Some(now + pause)).await
            }
            ErrorClass::CredentialRejected => {
                let failure = tenant_failure(error);
                self.store.halt_run(job.run.workspace, job.run.id, &failure).await?;
                self.fail(job, target, lease, progress, failure).await
            }
            _ => self.fail(job, target, lease, progress, failure::unread(error)).await,
        }
    }

    async fn complete(
        &self,
        job: &Job,
        target: &Target,
        lease: Lease,
        progress: &Progress,
        ending: Ending,
    ) -> Result<TenantEnd, StoreError> {
        let is_guarded = matches!(ending.guard, Some(Guard::ShortRead { .. }));
        let is_held = progress.counters.held > 0 || is_guarded;
        let status = if is_held { TenantStatus::Held } else { TenantStatus::Completed };
        let result = TenantRun { guard: ending.guard, ..self.result(target, progress, status, None) };
        let settled = match ending.ground.as_ref().filter(|_| job.run.kind.writes()) {
            Some(ground) if job.run.scope.person.is_some() => Settled::OnePerson(ground),
            Some(ground) => Settled::Everybody(ground),
            None => Settled::Nothing,
        };
        self.end(job, lease, &result, settled).await
    }

    async fn fail(
        &self,
        job: &Job,
        target: &Target,
        lease: Lease,
        progress: &Progress,
        failure: TenantFailure,
    ) -> Result<TenantEnd, StoreError> {
        let result = self.result(target, progress, TenantStatus::Failed, Some(failure));
        self.end(job, lease, &result, Settled::Nothing).await
    }

    /// Whoever has lost the lease does not decide how the tenant ends.
    async fn end(
        &self,
        job: &Job,
        lease: Lease,
        result: &TenantRun,
        settled: Settled<'_>,
    ) -> Result<TenantEnd, StoreError> {
        let ended = self.store.end_tenant(job.run.workspace, job.run.id, lease, result, settled).await?;
        Ok(if ended { TenantEnd::Finished } else { TenantEnd::Unfinished })
    }

    fn result(
        &self,
        target: &Target,
        progress: &Progress,
        tenant_status: TenantStatus,
        failure: Option<TenantFailure>,
    ) -> TenantRun {
        TenantRun {
            tenant: target.tenant,
            client: target.client,
            tenant_status,
            counters: progress.counters,
            failure,
            started_at: progress.started_at,
            completed_at: self.clock.now(),
            pages: progress.pages,
            chain: Some(progress.chain),
            guard: None,
        }
    }

    /// Nothing is done in a tenant whose state cannot be read, and the others go on.
    async fn unreadable(&self, job: &Job, target: &Target, now: Timestamp) -> Result<TenantEnd, StoreError> {
        tracing::error!(run = %job.run.id, tenant = %target.tenant, "the state of a tenant cannot be read");
        let progress = progress(job, &TenantState::default(), now);
        let failure = Some(failure::state_unreadable());
        let result = self.result(target, &progress, TenantStatus::Failed, failure);
        self.store.put_tenant_run(job.run.workspace, job.run.id, &result).await?;
        Ok(TenantEnd::Finished)
    }

    /// An operator may have given the tenant to another client since the run began; what the run
    /// would create at the old one could not be taken back.
    async fn is_still_mapped(&self, job: &Job, target: &Target) -> Result<bool, StoreError> {
        let mapping = self.store.mapping(job.run.workspace, target.tenant).await?;
        let client = mapping.and_then(|record| record.current.decision.client());
        Ok(client == Some(target.client))
    }

    async fn release(
        &self,
        job: &Job,
        target: &Target,
        lease: Lease,
        not_before: Option<Timestamp>,
    ) -> Result<TenantEnd, StoreError> {
        self.store.release_tenant(job.run.workspace, target.tenant, lease, not_before).await?;
        Ok(TenantEnd::Unfinished)
    }
}

fn progress(job: &Job, state: &TenantState, now: Timestamp) -> Progress {
    state.progress.get(&job.run.id).cloned().unwrap_or_else(|| Progress {
        run: job.run.id,
        started_at: now,
        pages: 0,
        cursor: None,
        only_changes: false,
        feed: None,
        read_complete: false,
        closed: false,
        counters: Counters::default(),
        chain: domain::plan::ChainHash::GENESIS,
    })
}

fn task_failure(error: StoreError) -> TaskFailure {
    let name = if error.is_transient() { TaskError::Transient } else { TaskError::Fault };
    TaskFailure::new(name, error.to_string())
}
