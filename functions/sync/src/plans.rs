//! What can be done with a stored plan besides showing and checking it: answering what waits for an operator,
//! and telling one person's story over the runs.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    fields::Hidden,
    ids::{EntraObjectId, Identity, LineId, ManagedTenantId, RunId, WorkspaceId},
    plan::{Action, Line},
};
use jiff::Timestamp;
use serde::Serialize;
use store::{RejectedLine, Run, Store, StoreError, StoredPage, Target};

use crate::views::LineView;

/// Stored pages that are read at once.
const PAGES_AT_ONCE: u16 = 20;

/// Runs that are read at once.
const RUNS_AT_ONCE: u16 = 50;

/// Whether lines wait in a run, so that an operator can decide about them. In a preview nothing does: whoever
/// applies it, or syncs, gets the lines anew.
pub fn has_waiting_lines(run: &Run) -> bool {
    run.kind.writes()
}

/// Remembers that an operator does not want what waits in a run: the contacts of people who have left
/// stay as they are until those are back, and people who would be created or linked are not asked about
/// again. `only` = these lines; empty = all. Done again, it changes nothing. Answers how many lines.
pub async fn reject(
    store: &Store,
    workspace: WorkspaceId,
    run: RunId,
    only: &BTreeSet<LineId>,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let mut rejected = 0;
    let began = store.run(workspace, run).await?.map(|run| run.started_at);
    let targets = store.targets(workspace, run).await?;
    let tenants: Vec<ManagedTenantId> = targets.iter().map(|target| target.tenant).collect();
    let states: BTreeMap<_, _> = store.tenant_states(workspace, &tenants).await?.into_iter().collect();
    for target in targets {
        let state = began.zip(states.get(&target.tenant));
        let since = state.map(|(began, state)| state.ground.since(began)).unwrap_or_default();
        let (mut after, mut waited) = (0, Vec::new());
        loop {
            let pages = store.pages(workspace, run, target.tenant, after, PAGES_AT_ONCE).await?;
            let Some(last) = pages.last() else { break };
            after = last.head.number;
            for line in lines_of(&pages).filter(|line| only.is_empty() || only.contains(&line.id)) {
                let Action::Stage { proposal, limit } = &line.action else { continue };
                // Whoever is back by now does not wait, and is not kept from leaving later.
                if matches!(**proposal, Action::MarkInactive { .. }) && !since.leaves_open(line.object) {
                    continue;
                }
                if reject_line(store, workspace, &target, line, proposal, now).await? {
                    waited.push(*limit);
                }
                rejected += 1;
            }
        }
        if only.is_empty() && !since.read {
            store.open_limits(workspace, target.tenant).await?;
        } else if !waited.is_empty() {
            store.release_held(workspace, target.tenant, &waited).await?;
        }
    }
    Ok(rejected)
}

/// Answers whether the line has waited until now, as far as can be told.
async fn reject_line(
    store: &Store,
    workspace: WorkspaceId,
    target: &Target,
    line: &Line,
    proposal: &Action,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let identity = Identity { tenant: target.entra, object: line.object };
    if matches!(proposal, Action::MarkInactive { .. }) {
        return store.keep_contact(workspace, identity).await;
    }
    let rejected = RejectedLine {
        managed_tenant: target.tenant,
        client: target.client,
        identity,
        label: &line.label,
        address: line.address.as_ref(),
    };
    store.reject_person(workspace, &rejected, now).await
}

/// Takes back that lines of a run were rejected; of those in `only`, or of all. The next sync reads everybody
/// of the tenants concerned and decides as if nobody had. Answers how many rejections there were; what an
/// operator has decided in the queue stays.
pub async fn reconsider(
    store: &Store,
    workspace: WorkspaceId,
    run: RunId,
    only: &BTreeSet<LineId>,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let mut taken_back = 0;
    for target in store.targets(workspace, run).await? {
        let (mut after, before) = (0, taken_back);
        loop {
            let pages = store.pages(workspace, run, target.tenant, after, PAGES_AT_ONCE).await?;
            let Some(last) = pages.last() else { break };
            after = last.head.number;
            for line in lines_of(&pages).filter(|line| only.is_empty() || only.contains(&line.id)) {
                let Action::Stage { proposal, .. } = &line.action else { continue };
                let identity = Identity { tenant: target.entra, object: line.object };
                let was_rejected = match **proposal {
                    Action::MarkInactive { .. } => store.ask_about_contact(workspace, identity).await?,
                    _ => store.reconsider_person(workspace, identity, now).await?,
                };
                taken_back += usize::from(was_rejected);
            }
        }
        if taken_back > before {
            store.look_again(workspace, target.tenant).await?;
        }
    }
    Ok(taken_back)
}

/// What a run said about one person.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Moment {
    /// The run.
    pub run_id: RunId,
    /// When it began.
    pub at: Timestamp,
    /// Whether it was a preview.
    pub is_dry_run: bool,
    /// Whether it has tried out rules that nobody has saved.
    pub unsaved_rules: bool,
    /// What was done, and why.
    #[serde(flatten)]
    pub line: LineView,
    /// Why it was not done after all.
    pub stale: Option<String>,
}

/// One person's story, and how far back it goes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Timeline {
    /// What was said, the newest first.
    pub moments: Vec<Moment>,
    /// Where it was looked for.
    pub looked_through: LookedThrough,
    /// The story goes on after this run (`after`); `None` when all runs were looked through.
    pub next_after: Option<RunId>,
}

impl Timeline {
    /// Adds what the runs after it said.
    pub fn go_on(&mut self, older: Self) {
        self.moments.extend(older.moments);
        let runs = self.looked_through.runs + older.looked_through.runs;
        if older.looked_through.runs > 0 {
            self.looked_through = older.looked_through;
        }
        self.looked_through.runs = runs;
        self.looked_through.older_runs = older.next_after.is_some();
        self.next_after = older.next_after;
    }
}

/// Runs of a workspace, of whatever tenants, the newest first: which of them speak of a person nobody has noted.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LookedThrough {
    /// How many.
    pub runs: usize,
    /// The oldest of them.
    pub oldest_run_id: Option<RunId>,
    /// When that began.
    pub since: Option<Timestamp>,
    /// Whether there are older ones, which may say more.
    pub older_runs: bool,
}

/// What so many runs said about one person of a tenant, the newest first: of all runs, or of those that are older
/// than `after`. Runs in which nothing was said, because nothing had changed, are left out.
pub async fn timeline(
    store: &Store,
    workspace: WorkspaceId,
    tenant: ManagedTenantId,
    person: EntraObjectId,
    (after, runs): (Option<RunId>, u16),
) -> Result<Timeline, StoreError> {
    let mut moments = Vec::new();
    let (newest, older_runs) = runs_after(store, workspace, after, usize::from(runs)).await?;
    let oldest = newest.last();
    let looked_through = LookedThrough {
        runs: newest.len(),
        oldest_run_id: oldest.map(|run| run.id),
        since: oldest.map(|run| run.started_at),
        older_runs,
    };
    let next_after = oldest.map(|run| run.id).filter(|_| older_runs);
    let hidden = store.settings(workspace).await?.hidden_fields;
    for run in newest {
        let stale = store.stale_lines(workspace, run.id, tenant).await?;
        let mut after = 0;
        let mut of_run = Vec::new();
        loop {
            let pages = store.pages(workspace, run.id, tenant, after, PAGES_AT_ONCE).await?;
            let Some(last) = pages.last() else { break };
            after = last.head.number;
            of_run.extend(lines_of(&pages).filter(|line| line.object == person).map(|line| {
                let why = stale.iter().find(|(id, _)| *id == line.id).map(|(_, code)| code.clone());
                moment(&run, line, why, &hidden)
            }));
        }
        moments.extend(of_run.into_iter().rev());
    }
    Ok(Timeline { moments, looked_through, next_after })
}

/// At most so many runs, the newest first, and whether there are older ones. A page of the table may hold fewer
/// than were asked for.
async fn runs_after(
    store: &Store,
    workspace: WorkspaceId,
    mut after: Option<RunId>,
    most: usize,
) -> Result<(Vec<Run>, bool), StoreError> {
    let mut found: Vec<Run> = Vec::new();
    // One more tells whether there is one.
    while found.len() <= most {
        let page = store.runs(workspace, after, RUNS_AT_ONCE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        found.extend(page);
    }
    let older_runs = found.len() > most;
    found.truncate(most);
    Ok((found, older_runs))
}

fn moment(run: &Run, line: &Line, stale: Option<String>, hidden: &Hidden) -> Moment {
    Moment {
        run_id: run.id,
        at: run.started_at,
        is_dry_run: !run.kind.writes(),
        unsaved_rules: run.unsaved_rules,
        line: LineView::new(line, hidden),
        stale,
    }
}

fn lines_of(pages: &[StoredPage]) -> impl Iterator<Item = &Line> {
    pages.iter().flat_map(|stored| &stored.page.lines)
}
