//! The run that carries one answer out.
//!
//! In this order, so that nothing is lost wherever it is cut off: the question names the run, the run is
//! stored, the tenant taken, the plan stored, applied, the tenant given back, the run ended. Whoever
//! answers next finds the run by the question and goes on with it.

use domain::{
    ids::{ReviewItemId, RunId, WorkspaceId},
    plan::{ChainHash, Line, PLAN_PAGE_FORMAT, Person, PlanPage, Rule},
    planner::counted,
    policy::TenantPolicy,
    review::Ruling,
    run::{Counters, RunKind, RunStatus, TenantFailure, TenantStatus, Trigger},
};
use jiff::Timestamp;
use store::{
    Applier, Author, ClientScope, LEASE, Lease, Overrides, Progress, ReviewItem, Run, RunScope, Settled,
    StaleLine, StoredPage, StoredPageHead, Target, TenantRun, Tenure, Turns,
};

use crate::{Decider, NotDecided, Review, ground::identity};

/// Plan pages of one answer, at most.
const PAGES_MAX: u16 = 2;

/// A run that holds its tenant.
pub(crate) struct DecisionRun {
    /// The question.
    pub(crate) item: ReviewItemId,
    run: Run,
    target: Target,
    lease: Lease,
}

impl DecisionRun {
    /// Makes a run for an answer to `item` and takes the tenant for it.
    pub(crate) async fn begin(app: &Review, decider: Decider, item: &ReviewItem) -> Result<Self, NotDecided> {
        let (workspace, now) = (decider.workspace, app.clock.now());
        let id = RunId::new(app.entropy.time_ordered_id(now));
        if !app.store.begin_deciding(workspace, identity(item), id, item.deciding).await? {
            return Err(NotDecided::BeingDecided(item.deciding.unwrap_or(id)));
        }
        // As they hold for the client, so that there is nothing to override.
        let settings = app.store.settings(workspace).await?;
        let settings = settings.overridden_by(&app.store.overrides_of(workspace, item.client).await?);
        let run = Run {
            link_change: None,
            room: None,
            id,
            workspace,
            kind: RunKind::Decision,
            trigger: Trigger::Manual,
            run_status: RunStatus::Queued,
            scope: RunScope {
                client: Some(item.client),
                tenant: Some(item.managed_tenant),
                ..RunScope::default()
            },
            initiated_by: decider.mandate.user(),
            mandate: Some(decider.mandate),
            started_at: now,
            completed_at: None,
            execution: None,
            total_tenants: 0,
            succeeded_tenants: 0,
            failed_tenants: 0,
            counters: Counters::default(),
            cancel_requested: false,
            unsaved_rules: false,
            settings,
            source: None,
            turns: Turns::default(),
            halted: None,
        };
        app.store.create_run(&run).await?;
        let target = target(item);
        app.store.begin_run(workspace, id, &[target], &Overrides::new(), None).await?;
        let Some((lease, _)) = app.take(workspace, target.tenant, id).await? else {
            end(app, &run, None, RunStatus::Failed).await?;
            return Err(NotDecided::TenantBusy);
        };
        Ok(Self { item: item.id, run, target, lease })
    }

    /// Brings to its end what an earlier request began: applies its plan, if that was stored.
    pub(crate) async fn go_on(
        app: &Review,
        workspace: WorkspaceId,
        id: RunId,
        item: &ReviewItem,
    ) -> Result<(), NotDecided> {
        let Some(run) = app.store.run(workspace, id).await?.filter(|run| !run.run_status.is_terminal())
        else {
            return Ok(());
        };
        let target = target(item);
        if run.run_status == RunStatus::Queued {
            app.store.begin_run(workspace, id, &[target], &Overrides::new(), None).await?;
        }
        let ended = app.store.tenant_runs(workspace, id).await?;
        if let Some(result) = ended.into_iter().next() {
            end(app, &run, Some(&result), RunStatus::Completed).await?;
            return Ok(());
        }
        app.wait_for_tenant(workspace, target.tenant, Some(id)).await.map_err(|error| match error {
            NotDecided::TenantBusy => NotDecided::BeingDecided(id),
            other => other,
        })?;
        let Some((lease, mut state)) = app.take(workspace, target.tenant, id).await? else {
            return Err(NotDecided::BeingDecided(id));
        };
        let this = Self { item: item.id, run, target, lease };
        let pages = app.store.pages(workspace, id, target.tenant, 0, PAGES_MAX).await?;
        let is_whole = pages.last().is_some_and(|last| last.head.next_cursor.is_none());
        if is_whole {
            let done = state.progress.remove(&id).map_or(0, |progress| progress.pages);
            // What had changed since it was planned is reported by whoever answers now.
            return match this.apply(app, &pages, done).await {
                Err(NotDecided::Changed(_)) => Ok(()),
                other => other,
            };
        }
        this.abandon(app).await
    }

    pub(crate) fn id(&self) -> RunId {
        self.run.id
    }

    /// Stores what the ruling does, applies it, and ends the run.
    pub(crate) async fn carry_out(
        &self,
        app: &Review,
        item: &ReviewItem,
        ruling: &Ruling,
    ) -> Result<(), NotDecided> {
        let (workspace, id, tenant) = (self.run.workspace, self.run.id, self.target.tenant);
        let times = (app.clock.now(), self.expires());
        let pages = self.planned(item, ruling);
        for stored in &pages {
            if !app.store.put_page(workspace, id, tenant, self.lease, stored, times).await? {
                return Err(NotDecided::BeingDecided(id));
            }
        }
        self.apply(app, &pages, 0).await
    }

    /// One line for each page: a page is noted as applied before the next one is begun.
    fn planned(&self, item: &ReviewItem, ruling: &Ruling) -> Vec<StoredPage> {
        let line = |action| {
            let (label, address) = (item.label.clone(), item.address.clone());
            let person = Person { object: item.object, label, address };
            Line::new(self.run.workspace, self.target.entra, person, Rule::Decision, action)
        };
        let parting = ruling.parting.clone().map(line);
        let answer = line(ruling.action.clone()).answering(ruling.answer.clone());
        let lines: Vec<Line> = parting.into_iter().chain([answer]).collect();
        let last = lines.len();
        let mut chain = ChainHash::GENESIS;
        let stored = (1_u32..).zip(1_usize..).zip(lines).map(|((number, position), line)| {
            let page = page_of(line);
            let next_cursor = (position < last).then(|| number.to_string());
            let (group_end, feed, closes_read, only_changes) = (number, None, false, false);
            let head =
                StoredPageHead { number, group_end, next_cursor, feed, closes_read, only_changes, chain };
            let stored = StoredPage::behind(chain, head, page);
            chain = stored.head.chain;
            stored
        });
        stored.collect()
    }

    /// Applies the pages after the first `done`, and ends the run.
    async fn apply(&self, app: &Review, pages: &[StoredPage], done: u32) -> Result<(), NotDecided> {
        let (workspace, id, tenant) = (self.run.workspace, self.run.id, self.target.tenant);
        let salt = TenantPolicy::salt_of(&self.run.settings.fields(), self.target.client);
        // It is only a line or two, applied within moments of taking the tenant.
        let until = app.clock.now() + LEASE;
        let is_held = || app.clock.now() < until;
        let applier = Applier {
            store: &app.store,
            scope: ClientScope::new(workspace, self.target.client),
            tenant: self.target.entra,
            managed_tenant: tenant,
            salt: &salt,
            at: self.run.started_at,
            width: 1,
            author: Author { run: id, user: self.run.initiated_by },
            changes_links: false,
            since: None,
            tenure: Tenure::of(&is_held),
        };
        let mut counters = Counters::default();
        let mut changed = None;
        for stored in pages {
            counters.add(&stored.page.counters);
            if stored.head.number <= done {
                continue;
            }
            let stale = match changed {
                None => applier.apply(&stored.page).await?,
                // Without the first half the second one would leave a contact without its link.
                Some(code) => {
                    stored.page.lines.iter().map(|line| StaleLine { line: line.id, code }).collect()
                }
            };
            if let Some(first) = stale.first() {
                changed = changed.or(Some(first.code));
                counters.stale += stale.len() as u64;
                let (number, expires) = (stored.head.number, self.expires());
                app.store.put_stale_lines(workspace, id, tenant, number, &stale, expires).await?;
            }
            if stored.head.next_cursor.is_some() {
                self.note_progress(app, stored, counters).await?;
            }
        }
        let chain = pages.last().map_or(ChainHash::GENESIS, |last| last.head.chain);
        self.end_tenant(app, (counters, TenantStatus::Completed), (pages.len(), chain)).await?;
        match changed {
            Some(code) => Err(NotDecided::Changed(code)),
            None => Ok(()),
        }
    }

    async fn note_progress(
        &self,
        app: &Review,
        applied: &StoredPage,
        counters: Counters,
    ) -> Result<(), NotDecided> {
        let StoredPageHead { number, next_cursor, chain, .. } = applied.head.clone();
        let progress = Progress {
            run: self.run.id,
            started_at: self.run.started_at,
            pages: number,
            cursor: next_cursor,
            only_changes: false,
            feed: None,
            read_complete: false,
            closed: false,
            counters,
            chain,
        };
        let (workspace, tenant, now) = (self.run.workspace, self.target.tenant, app.clock.now());
        if app.store.checkpoint(workspace, tenant, self.lease, &progress, now).await? {
            Ok(())
        } else {
            Err(NotDecided::BeingDecided(self.run.id))
        }
    }

    /// Ends a run that has planned nothing.
    pub(crate) async fn abandon(self, app: &Review) -> Result<(), NotDecided> {
        let nothing = (Counters::default(), TenantStatus::Failed);
        self.end_tenant(app, nothing, (0, ChainHash::GENESIS)).await
    }

    async fn end_tenant(
        &self,
        app: &Review,
        (counters, tenant_status): (Counters, TenantStatus),
        (pages, chain): (usize, ChainHash),
    ) -> Result<(), NotDecided> {
        let result = TenantRun {
            tenant: self.target.tenant,
            client: self.target.client,
            tenant_status,
            counters,
            failure: (tenant_status == TenantStatus::Failed).then(not_carried_out),
            started_at: self.run.started_at,
            completed_at: app.clock.now(),
            pages: u32::try_from(pages).unwrap_or(u32::MAX),
            chain: Some(chain),
            guard: None,
        };
        let (workspace, id) = (self.run.workspace, self.run.id);
        if !app.store.end_tenant(workspace, id, self.lease, &result, Settled::Nothing).await? {
            return Err(NotDecided::BeingDecided(id));
        }
        let status = match tenant_status {
            TenantStatus::Failed => RunStatus::Failed,
            _ => RunStatus::Completed,
        };
        end(app, &self.run, Some(&result), status).await
    }

    fn expires(&self) -> i64 {
        self.run.plan_expires().as_second()
    }
}

async fn end(
    app: &Review,
    run: &Run,
    result: Option<&TenantRun>,
    run_status: RunStatus,
) -> Result<(), NotDecided> {
    let failed = result.is_none_or(|result| result.tenant_status == TenantStatus::Failed);
    let completed_at: Option<Timestamp> = Some(app.clock.now());
    let ended = Run {
        run_status: if failed { RunStatus::Failed } else { run_status },
        completed_at,
        total_tenants: 1,
        succeeded_tenants: u32::from(!failed),
        failed_tenants: u32::from(failed),
        counters: result.map(|result| result.counters).unwrap_or_default(),
        ..run.clone()
    };
    app.store.finish_run(&ended).await?;
    Ok(())
}

fn target(item: &ReviewItem) -> Target {
    Target { tenant: item.managed_tenant, entra: item.entra_tenant, client: item.client }
}

fn page_of(line: Line) -> PlanPage {
    let counters = counted(&line.action);
    let (seen, leavers, asked, guard) = (Vec::new(), Vec::new(), Vec::new(), None);
    PlanPage { format: PLAN_PAGE_FORMAT, lines: vec![line], seen, leavers, asked, guard, counters }
}

fn not_carried_out() -> TenantFailure {
    TenantFailure {
        code: "answer_not_carried_out".to_owned(),
        message:
            "The answer to the question was not carried out, because something had changed. No contact was \
             written; the question is still open."
                .to_owned(),
        remedy: "Reload the question and answer again.".to_owned(),
        diagnostics: None,
    }
}
