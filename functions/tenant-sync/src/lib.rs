//! The task: one batch of tenants, page by page, until done or the deadline nears.
//!
//! For each directory page: plan, store the plan, apply it, note how far the tenant has come. A
//! worker may die between any two of these and another one goes on from what is stored. One
//! tenant's failure is that tenant's result; it never fails the batch.
//!
//! This crate decides nothing about people (that is `domain`) and knows no HTTP (`directory`).

mod failure;
mod gather;
mod work;

use std::sync::Arc;

use ambient::Clock;
use assembly::tenant_failure;
use directory::{Directories, Directory, ErrorClass, ReadError};
use domain::run::{Counters, TenantFailure, TenantStatus};
use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use store::{Lease, Progress, Run, Store, StoreError, SyncSettings, Target, TenantRun, TenantState};
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
    pub(crate) settings: SyncSettings,
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) deadline: Timestamp,
    pub(crate) expires: i64,
}

enum TenantEnd {
    Finished,
    Unfinished,
}

/// How long plan pages are kept; the counters and hashes stay.
const RETENTION: SignedDuration = SignedDuration::from_hours(24 * 180);

impl TenantSync {
    /// Works the tenants of `batch` until each is done, fails, or `deadline` nears.
    ///
    /// # Errors
    /// Only what no tenant is to blame for: the run is unknown, or the store fails.
    pub async fn sync_batch(&self, batch: &Batch, deadline: Timestamp) -> Result<BatchResult, TaskFailure> {
        let (workspace, run_id) = (batch.workspace_id, batch.run_id);
        let run = self.store.run(workspace, run_id).await.map_err(task_failure)?;
        let run = run.ok_or_else(|| TaskFailure::new(TaskError::InvalidInput, "there is no such run"))?;
        let all = u32::try_from(batch.tenants.len()).unwrap_or(u32::MAX);
        if run.run_status.is_terminal() || run.cancel_requested || run.halted.is_some() {
            return Ok(BatchResult { finished: 0, unfinished: all });
        }
        let directory = match self.directories.of(workspace).await {
            Ok(directory) => directory,
            Err(error) => return self.no_connection(&run, all, &error).await,
        };
        let settings = self.store.settings(workspace).await.map_err(task_failure)?;
        let mut targets = self.store.targets(workspace, run_id).await.map_err(task_failure)?;
        targets.retain(|target| batch.tenants.contains(&target.tenant));
        let expires = (run.started_at + RETENTION).as_second();
        let job = Job { run, settings, directory, deadline: deadline - MARGIN, expires };
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
        let Ok((lease, state)) =
            self.store.acquire(job.run.workspace, target.tenant, job.run.id, now).await?
        else {
            return Ok(TenantEnd::Unfinished);
        };
        let attempts = state.attempts;
        // A worker died between the last two writes of the tenant: only the result is missing.
        let is_complete = state.last_success_run == Some(job.run.id);
        let mut work = Work::new(self, job, target, lease, progress(job, state, now));
        let end = if is_complete {
            Ok(Outcome::Complete)
        } else if attempts > ATTEMPTS_MAX {
            Err(Stop::Failed(failure::gave_up(attempts - 1)))
        } else {
            work.run().await
        };
        let progress = work.into_progress();
        match end {
            Ok(Outcome::Complete) => self.complete(job, target, lease, &progress).await,
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
            _ => self.fail(job, target, lease, progress, tenant_failure(error)).await,
        }
    }

    /// Gives the tenant back, then stores its result: once the result is there nobody takes the
    /// tenant up again in this run, so nothing may be left to do.
    async fn complete(
        &self,
        job: &Job,
        target: &Target,
        lease: Lease,
        progress: &Progress,
    ) -> Result<TenantEnd, StoreError> {
        let counters = progress.counters;
        let (workspace, run) = (job.run.workspace, job.run.id);
        let is_ours = if job.run.kind.writes() {
            let people = counters.read - counters.excluded;
            let now = self.clock.now();
            self.store.complete_tenant(workspace, target.tenant, lease, run, people, now).await?
        } else {
            self.store.release_tenant(workspace, target.tenant, lease, None).await?
        };
        if !is_ours {
            return Ok(TenantEnd::Unfinished);
        }
        let status = if counters.held > 0 { TenantStatus::Held } else { TenantStatus::Completed };
        self.put_result(job, target, progress, status, None).await
    }

    async fn fail(
        &self,
        job: &Job,
        target: &Target,
        lease: Lease,
        progress: &Progress,
        failure: TenantFailure,
    ) -> Result<TenantEnd, StoreError> {
        // Whoever has lost the lease does not decide how the tenant ends.
        if !self.store.release_tenant(job.run.workspace, target.tenant, lease, None).await? {
            return Ok(TenantEnd::Unfinished);
        }
        self.put_result(job, target, progress, TenantStatus::Failed, Some(failure)).await
    }

    async fn put_result(
        &self,
        job: &Job,
        target: &Target,
        progress: &Progress,
        tenant_status: TenantStatus,
        failure: Option<TenantFailure>,
    ) -> Result<TenantEnd, StoreError> {
        let result = TenantRun {
            tenant: target.tenant,
            client: target.client,
            tenant_status,
            counters: progress.counters,
            failure,
            started_at: progress.started_at,
            completed_at: self.clock.now(),
            pages: progress.pages,
            chain: Some(progress.chain),
        };
        self.store.put_tenant_run(job.run.workspace, job.run.id, &result).await?;
        Ok(TenantEnd::Finished)
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

fn progress(job: &Job, state: TenantState, now: Timestamp) -> Progress {
    state.progress.unwrap_or_else(|| Progress {
        run: job.run.id,
        started_at: now,
        pages: 0,
        cursor: None,
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
