//! One tenant: read, plan, store, apply, note; from wherever the last worker stopped.

use std::time::Duration;

use directory::{Cursor, ErrorClass, ReadError};
use domain::{
    plan::PlanPage,
    planner::{Planner, UnusableRow},
    policy::TenantPolicy,
    run::{Counters, TenantFailure},
};
use store::{Applier, ClientScope, Lease, Progress, StoreError, StoredPage, StoredPageHead, Target};

use crate::{Job, LINES_AT_ONCE, TenantSync, failure, gather::gather};

/// How often a listing may begin again because its link ran out.
const RESTARTS_MAX: u32 = 3;

/// Stored pages that are read at once.
const PAGES_PER_READ: u16 = 50;

pub(crate) enum Outcome {
    Complete,
    Paused,
}

pub(crate) enum Stop {
    Failed(TenantFailure),
    LeaseLost,
    Read(ReadError),
    Store(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

pub(crate) struct Work<'a> {
    sync: &'a TenantSync,
    job: &'a Job,
    target: &'a Target,
    scope: ClientScope,
    lease: Lease,
    progress: Progress,
    salt: Vec<u8>,
}

/// Plan pages that came from one directory page.
struct Group {
    pages: Vec<StoredPage>,
    next: Option<String>,
    closes_read: bool,
}

impl<'a> Work<'a> {
    pub(crate) fn new(
        sync: &'a TenantSync,
        job: &'a Job,
        target: &'a Target,
        lease: Lease,
        progress: Progress,
    ) -> Self {
        let scope = ClientScope::new(job.run.workspace, target.client);
        Self { sync, job, target, scope, lease, progress, salt: Vec::new() }
    }

    pub(crate) fn into_progress(self) -> Progress {
        self.progress
    }

    pub(crate) async fn run(&mut self) -> Result<Outcome, Stop> {
        // The proof comes before anything else: without it not even a stored plan is applied.
        let Some(proof) = self.in_time(self.job.directory.prove(self.target.entra)).await? else {
            return Ok(Outcome::Paused);
        };
        let policy = TenantPolicy {
            workspace: self.job.run.workspace,
            tenant: self.target.entra,
            client: self.target.client,
            verified_domains: proof.verified_domains.into_iter().collect(),
            scope: self.job.run.settings.scope.clone(),
            fields: self.job.run.settings.fields(),
            vanish: self.job.run.settings.vanish,
        };
        self.salt = policy.fingerprint_salt();
        let inventory = self.sync.store.inventory(self.job.run.workspace, self.target.entra).await?;
        let mut planner = Planner::new(policy, inventory);
        self.resume(&mut planner).await?;
        if let Outcome::Paused = self.read(&mut planner).await? {
            return Ok(Outcome::Paused);
        }
        self.close(&mut planner).await?;
        Ok(Outcome::Complete)
    }

    /// Takes in the pages an earlier worker has stored, and applies those it did not come to.
    async fn resume(&mut self, planner: &mut Planner) -> Result<(), Stop> {
        let (workspace, run, tenant) = (self.job.run.workspace, self.job.run.id, self.target.tenant);
        let mut waiting: Vec<StoredPage> = Vec::new();
        let mut number = 0;
        loop {
            let pages = self.sync.store.pages(workspace, run, tenant, number, PAGES_PER_READ).await?;
            let Some(last) = pages.last() else { break };
            number = last.head.number;
            for stored in pages {
                if stored.head.number <= self.progress.pages {
                    planner.replay(&stored.page);
                } else {
                    waiting.push(stored);
                }
            }
            // What stands behind the group was left by a plan that was made again.
            if waiting.first().is_some_and(|first| number >= first.head.group_end) {
                break;
            }
        }
        if self.writes() {
            planner.settle();
        }
        match complete_group(waiting, &self.progress) {
            Some(group) => {
                for stored in &group.pages {
                    planner.replay(&stored.page);
                }
                self.carry_out(planner, group).await
            }
            // The group was never stored whole, so nothing of it was applied: it is planned again.
            None => Ok(()),
        }
    }

    async fn read(&mut self, planner: &mut Planner) -> Result<Outcome, Stop> {
        let mut restarts = 0;
        while !self.progress.read_complete {
            if self.should_pause().await? {
                return Ok(Outcome::Paused);
            }
            let cursor = self.progress.cursor.clone().map(Cursor::from);
            let page = self.job.directory.users_page(self.target.entra, cursor.as_ref());
            let page = match self.in_time(page).await {
                Ok(Some(page)) => page,
                Ok(None) => return Ok(Outcome::Paused),
                Err(error) if error.class() == ErrorClass::ExpiredPage && restarts < RESTARTS_MAX => {
                    // From the first page; who was seen before is not planned again.
                    restarts += 1;
                    self.progress.cursor = None;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let rows: Vec<UnusableRow> = page.bad_rows.iter().map(unusable).collect();
            let known =
                gather(&self.sync.store, self.scope, |known| planner.needs(&page.users, known)).await?;
            let pages = planner.plan(&page.users, &rows, &known);
            let next = page.next.map(|cursor| cursor.as_str().to_owned());
            let group = self.group(pages, next, false);
            self.store_pages(&group).await?;
            self.carry_out(planner, group).await?;
        }
        Ok(Outcome::Complete)
    }

    /// Deals with linked people who were on no page of the complete read.
    async fn close(&mut self, planner: &mut Planner) -> Result<(), Stop> {
        if self.progress.closed {
            return Ok(());
        }
        let known = gather(&self.sync.store, self.scope, |known| planner.vanished_needs(known)).await?;
        let pages = planner.plan_vanished(&known);
        if pages.is_empty() {
            return Ok(());
        }
        let group = self.group(pages, None, true);
        self.store_pages(&group).await?;
        self.carry_out(planner, group).await
    }

    fn group(&self, pages: Vec<PlanPage>, next: Option<String>, closes_read: bool) -> Group {
        let count = u32::try_from(pages.len()).unwrap_or(u32::MAX);
        let group_end = self.progress.pages + count;
        let mut chain = self.progress.chain;
        let stored = pages.into_iter().zip(self.progress.pages + 1..).map(|(page, number)| {
            chain = chain.followed_by(&page.encode());
            let next_cursor = next.clone();
            StoredPage { head: StoredPageHead { number, group_end, next_cursor, closes_read, chain }, page }
        });
        let pages = stored.collect();
        Group { pages, next, closes_read }
    }

    async fn store_pages(&self, group: &Group) -> Result<(), Stop> {
        let (workspace, run, tenant) = (self.job.run.workspace, self.job.run.id, self.target.tenant);
        for stored in &group.pages {
            let expires = self.job.expires;
            if !self.sync.store.put_page(workspace, run, tenant, self.lease, stored, expires).await? {
                return Err(Stop::LeaseLost);
            }
        }
        Ok(())
    }

    /// Applies stored pages (in a run that writes) and notes how far the tenant has come.
    async fn carry_out(&mut self, planner: &mut Planner, group: Group) -> Result<(), Stop> {
        let mut counters = Counters::default();
        for stored in &group.pages {
            if self.progress.chain.followed_by(&stored.page.encode()) != stored.head.chain {
                return Err(Stop::Failed(failure::damaged_plan()));
            }
            if self.writes() {
                counters.stale += self.apply(stored).await?;
            }
            counters.add(&stored.page.counters);
            self.progress.chain = stored.head.chain;
            self.progress.pages = stored.head.number;
        }
        if self.writes() {
            planner.settle();
        }
        self.progress.counters.add(&counters);
        self.progress.read_complete = group.next.is_none();
        self.progress.cursor = group.next;
        self.progress.closed = group.closes_read;
        let (workspace, now) = (self.job.run.workspace, self.sync.clock.now());
        let store = &self.sync.store;
        if store.checkpoint(workspace, self.target.tenant, self.lease, &self.progress, now).await? {
            Ok(())
        } else {
            Err(Stop::LeaseLost)
        }
    }

    async fn apply(&self, stored: &StoredPage) -> Result<u64, Stop> {
        let applier = Applier {
            store: &self.sync.store,
            scope: self.scope,
            tenant: self.target.entra,
            managed_tenant: self.target.tenant,
            salt: &self.salt,
            at: self.job.run.started_at,
            width: LINES_AT_ONCE,
        };
        let stale = applier.apply(&stored.page).await?;
        if !stale.is_empty() {
            let (workspace, run, tenant) = (self.job.run.workspace, self.job.run.id, self.target.tenant);
            let (store, number) = (&self.sync.store, stored.head.number);
            store.put_stale_lines(workspace, run, tenant, number, &stale, self.job.expires).await?;
        }
        Ok(stale.len() as u64)
    }

    /// What the directory answers, unless the deadline comes first: one slow tenant must not take the
    /// whole batch down with it. In real time, since it is the host that ends the worker.
    async fn in_time<T>(
        &self,
        answer: impl Future<Output = Result<T, ReadError>> + Send,
    ) -> Result<Option<T>, ReadError> {
        let left = self.job.deadline.duration_since(self.sync.clock.now());
        let left = Duration::try_from(left).unwrap_or_default();
        match tokio::time::timeout(left, answer).await {
            Ok(answer) => answer.map(Some),
            Err(_) => Ok(None),
        }
    }

    /// Whether to stop before the next page: the deadline nears, or an operator has cancelled.
    async fn should_pause(&self) -> Result<bool, StoreError> {
        if self.sync.clock.now() >= self.job.deadline {
            return Ok(true);
        }
        if self.progress.pages == 0 {
            return Ok(false);
        }
        let run = self.sync.store.run(self.job.run.workspace, self.job.run.id).await?;
        Ok(run.is_none_or(|run| run.cancel_requested || run.run_status.is_terminal()))
    }

    fn writes(&self) -> bool {
        self.job.run.kind.writes()
    }
}

/// The stored pages that follow what is done, if the last of their group is among them. Pages that
/// do not continue the chain are left over from a plan that was made again.
fn complete_group(mut waiting: Vec<StoredPage>, done: &Progress) -> Option<Group> {
    let head = waiting.first()?.head.clone();
    waiting.retain(|stored| stored.head.number <= head.group_end);
    let mut chain = done.chain;
    let whole = waiting.iter().zip(done.pages + 1..).all(|(stored, number)| {
        chain = chain.followed_by(&stored.page.encode());
        stored.head.number == number
            && stored.head.group_end == head.group_end
            && stored.head.next_cursor == head.next_cursor
            && stored.head.chain == chain
    });
    let ends = waiting.last().is_some_and(|stored| stored.head.number == head.group_end);
    (whole && ends).then_some(Group { pages: waiting, next: head.next_cursor, closes_read: head.closes_read })
}

fn unusable(row: &directory::BadRow) -> UnusableRow {
    let code = serde_json::to_value(row.cause).ok().and_then(|code| code.as_str().map(str::to_owned));
    UnusableRow {
        object: row.object,
        position: usize::try_from(row.position).unwrap_or(usize::MAX),
        code: code.unwrap_or_else(|| "unreadable".to_owned()),
    }
}
