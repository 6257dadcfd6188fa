//! One tenant: plan, store, apply, note; from wherever the last worker stopped.

use std::time::Duration;

use directory::{Code, Directory, ReadError};
use domain::{
    plan::{ChainHash, Guard, Line, PlanPage},
    planner::Planner,
    policy::TenantPolicy,
    premise::Since,
    run::{Counters, TenantFailure},
};
use jiff::Timestamp;
use store::{
    Applier, Author, ClientScope, Ground, LEASE, Lease, Progress, StaleLine, StoreError, StoredPage,
    StoredPageHead, SyncSettings, Target, TenantState, Tenure,
};

use crate::{Job, LINES_AT_ONCE, TenantSync, failure};

/// Stored pages that are read at once.
pub(crate) const PAGES_PER_READ: u16 = 50;

/// How long the directory may take for the first page however late it is: within the margin that is left
/// to finish a page.
const FIRST_ANSWER: Duration = Duration::from_secs(8);

/// Lines of a page that are carried out before it is looked at whether the lease has to be kept: as many as their
/// contacts are read at once.
const LINES_BETWEEN: usize = 100;

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
        match error {
            StoreError::LeaseOver => Self::LeaseLost,
            error => Self::Store(error),
        }
    }
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

pub(crate) struct Work<'a> {
    pub(crate) sync: &'a TenantSync,
    pub(crate) job: &'a Job,
    pub(crate) target: &'a Target,
    /// What holds for the client in this run.
    pub(crate) settings: SyncSettings,
    pub(crate) scope: ClientScope,
    lease: Lease,
    /// Until when nobody else takes the tenant.
    leased_until: Timestamp,
    pub(crate) progress: Progress,
    /// What is known of the tenant from before.
    pub(crate) state: TenantState,
    pub(crate) salt: Vec<u8>,
    /// What has come after the stored plan that is carried out.
    pub(crate) since: Option<Since>,
    /// What the next sync builds on, once this one has come to its end.
    pub(crate) ground: Option<Ground>,
    pub(crate) guard: Option<Guard>,
    /// Whether this worker has noted that the tenant has come further.
    pub(crate) came_further: bool,
}

/// Plan pages that belong together: those of one directory page.
#[derive(Debug, Default)]
pub(crate) struct Group {
    pub(crate) pages: Vec<StoredPage>,
    /// Where the reading goes on after them.
    pub(crate) after: After,
    /// Whether they were stored before, so that they may have been applied before.
    pub(crate) is_again: bool,
}

/// Where a reading goes on.
#[derive(Clone, Debug, Default)]
pub(crate) struct After {
    pub(crate) next: Option<String>,
    pub(crate) feed: Option<String>,
    pub(crate) closes_read: bool,
    /// Whether it is a reading of changes; set by [`Work::group`].
    pub(crate) only_changes: bool,
}

impl<'a> Work<'a> {
    pub(crate) fn new(
        sync: &'a TenantSync,
        job: &'a Job,
        target: &'a Target,
        (lease, leased_at): (Lease, Timestamp),
        state: TenantState,
        progress: Progress,
    ) -> Self {
        let scope = ClientScope::new(job.run.workspace, target.client);
        let (salt, ground, guard) = (Vec::new(), None, None);
        let settings = job.run.settings.of_client(target.client, &job.overrides);
        let (since, came_further) = (None, false);
        Self {
            sync,
            job,
            target,
            settings,
            scope,
            lease,
            leased_until: leased_at + LEASE,
            progress,
            state,
            salt,
            since,
            ground,
            guard,
            came_further,
        }
    }

    pub(crate) async fn run(&mut self) -> Result<Outcome, Stop> {
        self.guard = None;
        match self.job.run.source.clone() {
            Some(source) => self.replay_plan(&source).await,
            None => match self.job.run.link_change {
                Some(change) => self.change_links(change).await,
                None if !self.job.run.kind.reads() => self.carry_out_stored().await,
                None => self.read_directory().await,
            },
        }
    }

    /// Carries out what an operator has decided, when whoever began that did not come to its end. Without
    /// a whole plan nothing was decided.
    async fn carry_out_stored(&mut self) -> Result<Outcome, Stop> {
        self.salt = TenantPolicy::salt_of(&self.settings.fields(), self.target.client);
        let (workspace, run, tenant) = (self.job.run.workspace, self.job.run.id, self.target.tenant);
        let pages = self.sync.store.pages(workspace, run, tenant, 0, PAGES_PER_READ).await?;
        if pages.last().is_some_and(|last| last.head.next_cursor.is_none()) {
            while !self.progress.read_complete
                && let Some(group) = self.stored_pages(|_| ()).await?
            {
                self.carry_out(None, group).await?;
            }
        }
        Ok(Outcome::Complete)
    }

    /// Pages that an earlier worker has stored, from page `after` on, and those of them that were
    /// stored and not noted as applied.
    pub(crate) async fn stored_pages(
        &self,
        mut done: impl FnMut(&PlanPage),
    ) -> Result<Option<Group>, StoreError> {
        let (workspace, run, tenant) = (self.job.run.workspace, self.job.run.id, self.target.tenant);
        let mut waiting: Vec<StoredPage> = Vec::new();
        let mut number = 0;
        loop {
            let pages = self.sync.store.pages(workspace, run, tenant, number, PAGES_PER_READ).await?;
            let Some(last) = pages.last() else { break };
            number = last.head.number;
            for stored in pages {
                if stored.head.number <= self.progress.pages {
                    done(&stored.page);
                } else {
                    waiting.push(stored);
                }
            }
            // What stands behind the group was left by a plan that was made again.
            if waiting.first().is_some_and(|first| number >= first.head.group_end) {
                break;
            }
        }
        Ok(complete_group(waiting, &self.progress))
    }

    pub(crate) fn group(&self, pages: Vec<PlanPage>, after: After) -> Group {
        self.group_behind((self.progress.pages, self.progress.chain), pages, after)
    }

    /// The pages of a group that comes after so many pages with that chain.
    pub(crate) fn group_behind(
        &self,
        (done, mut chain): (u32, ChainHash),
        pages: Vec<PlanPage>,
        after: After,
    ) -> Group {
        let after = After { only_changes: self.progress.only_changes, ..after };
        let count = u32::try_from(pages.len()).unwrap_or(u32::MAX);
        let group_end = done + count;
        let stored = pages.into_iter().zip(done + 1..).map(|(page, number)| {
            let After { next: next_cursor, feed, closes_read, only_changes } = after.clone();
            let head =
                StoredPageHead { number, group_end, next_cursor, feed, closes_read, only_changes, chain };
            let stored = StoredPage::behind(chain, head, page);
            chain = stored.head.chain;
            stored
        });
        let pages = stored.collect();
        Group { pages, after, is_again: false }
    }

    pub(crate) async fn store_pages(&mut self, group: &Group) -> Result<(), Stop> {
        let (workspace, run, tenant) = (self.job.run.workspace, self.job.run.id, self.target.tenant);
        for stored in &group.pages {
            let now = self.sync.clock.now();
            let times = (now, self.job.expires);
            if !self.sync.store.put_page(workspace, run, tenant, self.lease, stored, times).await? {
                return Err(Stop::LeaseLost);
            }
            self.leased_until = now + LEASE;
        }
        Ok(())
    }

    /// Keeps the lease when half of it has passed: carrying out a large page may take longer than a lease lasts.
    async fn hold(&mut self) -> Result<(), Stop> {
        let now = self.sync.clock.now();
        if now + LEASE / 2 < self.leased_until {
            return Ok(());
        }
        let (workspace, tenant) = (self.job.run.workspace, self.target.tenant);
        if !self.sync.store.keep_tenant(workspace, tenant, self.lease, now).await? {
            return Err(Stop::LeaseLost);
        }
        self.leased_until = now + LEASE;
        Ok(())
    }

    /// Applies stored pages (in a run that writes) and notes how far the tenant has come.
    pub(crate) async fn carry_out(
        &mut self,
        planner: Option<&mut Planner>,
        group: Group,
    ) -> Result<(), Stop> {
        let mut counters = Counters::default();
        for stored in &group.pages {
            if !stored.follows(self.progress.chain) {
                return Err(Stop::Failed(failure::damaged_plan()));
            }
            if self.writes() {
                counters.stale += self.apply(stored, group.is_again).await?;
            }
            counters.add(&stored.page.counters);
            self.guard = self.guard.or(stored.page.guard);
            self.progress.chain = stored.head.chain;
            self.progress.pages = stored.head.number;
        }
        if let (true, Some(planner)) = (self.writes(), planner) {
            planner.settle();
        }
        self.progress.counters.add(&counters);
        // What an earlier worker read in the other way is carried out, and says nothing about how far this
        // reading has come: the end of the changes is not the end of everybody.
        let is_of_this_reading = group.after.only_changes == self.progress.only_changes;
        self.progress.read_complete = is_of_this_reading && group.after.next.is_none();
        self.progress.cursor = group.after.next.filter(|_| is_of_this_reading);
        self.progress.closed = is_of_this_reading && group.after.closes_read;
        if group.after.feed.is_some() {
            self.progress.feed = group.after.feed;
        }
        if group.pages.is_empty() && self.progress.read_complete {
            // Nothing was done that the end of the tenant would not note as well.
            return Ok(());
        }
        let (workspace, now) = (self.job.run.workspace, self.sync.clock.now());
        let store = &self.sync.store;
        if store.checkpoint(workspace, self.target.tenant, self.lease, &self.progress, now).await? {
            self.leased_until = now + LEASE;
            self.came_further = true;
            Ok(())
        } else {
            Err(Stop::LeaseLost)
        }
    }

    /// `is_again` = a worker before this one may have applied the page, or a part of it.
    async fn apply(&mut self, stored: &StoredPage, is_again: bool) -> Result<u64, Stop> {
        let mut stale = Vec::new();
        for lines in stored.page.lines.chunks(LINES_BETWEEN) {
            self.hold().await?;
            stale.extend(self.apply_lines(lines).await?);
        }
        let (workspace, run, tenant) = (self.job.run.workspace, self.job.run.id, self.target.tenant);
        let (store, number) = (&self.sync.store, stored.head.number);
        if self.sync.clock.now() >= self.leased_until {
            return Err(Stop::LeaseLost);
        }
        if !stale.is_empty() {
            store.put_stale_lines(workspace, run, tenant, number, &stale, self.job.expires).await?;
        } else if is_again {
            store.clear_stale_lines(workspace, run, tenant, number, self.job.expires).await?;
        }
        Ok(stale.len() as u64)
    }

    async fn apply_lines(&self, lines: &[Line]) -> Result<Vec<StaleLine>, Stop> {
        let (clock, until) = (&self.sync.clock, self.leased_until);
        let is_held = || clock.now() < until;
        let applier = Applier {
            store: &self.sync.store,
            scope: self.scope,
            tenant: self.target.entra,
            managed_tenant: self.target.tenant,
            salt: &self.salt,
            at: self.job.run.started_at,
            width: LINES_AT_ONCE,
            author: Author { run: self.job.run.id, user: self.job.run.initiated_by },
            changes_links: self.job.run.link_change.is_some(),
            since: self.since.as_ref(),
            tenure: Tenure::of(&is_held),
        };
        Ok(applier.apply_lines(lines).await?)
    }

    pub(crate) fn directory(&self) -> Result<&dyn Directory, ReadError> {
        self.job.directory.as_deref().ok_or_else(|| ReadError::new(Code::NotConnected))
    }

    /// What the directory answers, unless the deadline comes first: one slow tenant must not take the
    /// whole batch down with it. In real time, since it is the host that ends the worker.
    pub(crate) async fn in_time<T>(
        &self,
        answer: impl Future<Output = Result<T, ReadError>> + Send,
    ) -> Result<Option<T>, ReadError> {
        let left = self.job.deadline.duration_since(self.sync.clock.now());
        let left = Duration::try_from(left).unwrap_or_default();
        let left = if self.came_further { left } else { left.max(FIRST_ANSWER) };
        match tokio::time::timeout(left, answer).await {
            Ok(answer) => answer.map(Some),
            Err(_) => Ok(None),
        }
    }

    /// Whether to stop before the next page: the deadline nears, an operator has cancelled, or the
    /// whole run was halted. Taking up a
    /// very large tenant may use up all the time there is; the first page is carried out even so, or the
    /// tenant would be taken up again and again and never come further.
    pub(crate) async fn should_pause(&self) -> Result<bool, StoreError> {
        if self.came_further && self.sync.clock.now() >= self.job.deadline {
            return Ok(true);
        }
        if self.progress.pages == 0 {
            return Ok(false);
        }
        let run = self.sync.store.run(self.job.run.workspace, self.job.run.id).await?;
        Ok(run.is_none_or(|run| run.cancel_requested || run.halted.is_some() || run.run_status.is_terminal()))
    }

    pub(crate) fn writes(&self) -> bool {
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
        let follows = stored.follows(chain);
        chain = stored.head.chain;
        stored.head.number == number
            && stored.head.group_end == head.group_end
            && stored.head.next_cursor == head.next_cursor
            && follows
    });
    let ends = waiting.last().is_some_and(|stored| stored.head.number == head.group_end);
    let StoredPageHead { next_cursor: next, feed, closes_read, only_changes, .. } = head;
    let after = After { next, feed, closes_read, only_changes };
    (whole && ends).then_some(Group { pages: waiting, after, is_again: true })
}
