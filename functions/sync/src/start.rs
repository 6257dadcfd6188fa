//! Accepting a run.

use std::collections::BTreeSet;

use domain::{
    ids::{ClientId, RunId, WorkspaceId},
    ledger::{LinkChange, Wish},
    mandate::Mandate,
    mapping::Decision,
    run::{Counters, RunKind, RunStatus, TenantFailure, Trigger},
};
use store::{ConnectionStatus, PlanPart, PlanSource, Run, RunScope, StoreError, Turns};
use workflow::{NotStarted, payloads::RunInput};

use crate::{Sync, UnsavedRules, reap};

/// Runs that are looked through for one that is still going on.
const RECENT_RUNS: u16 = 25;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct StartRequest {
    /// The MSP.
    pub workspace: WorkspaceId,
    /// What the run is for.
    pub kind: RunKind,
    /// What it covers.
    pub scope: RunScope,
    /// In whose name.
    pub mandate: Mandate,
    /// The run's id, when it is known before; otherwise it gets one.
    pub id: Option<RunId>,
    /// The stored plan to work from, for a run that applies one or takes one back.
    pub source: Option<PlanSource>,
    /// Rules to preview with instead of those that are saved; a run that writes has none.
    pub unsaved: Option<UnsavedRules>,
    /// What is done to the links of whom.
    pub links: Option<LinkOrder>,
}

/// What an operator wants done to links of one tenant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LinkOrder {
    /// What.
    pub change: LinkChange,
    /// Of whom.
    pub wishes: Vec<Wish>,
}

impl StartRequest {
    /// A run of this kind that reads the directory, under the rules that are saved.
    pub fn new(workspace: WorkspaceId, kind: RunKind, scope: RunScope, mandate: Mandate) -> Self {
        Self { workspace, kind, scope, mandate, id: None, source: None, unsaved: None, links: None }
    }

    fn trigger(&self) -> Trigger {
        match self.mandate {
            Mandate::Schedule => Trigger::Scheduled,
            Mandate::Machine | Mandate::Person { .. } => Trigger::Manual,
        }
    }
}

/// Why no run was started.
#[derive(Debug, thiserror::Error)]
pub enum NotBegun {
    /// One with the same purpose and scope is going on.
    #[error("a run of this kind is going on already")]
    AlreadyRunning(RunId),
    /// The engine did not take it; the run is stored as failed.
    #[error("the workflow engine did not take the run")]
    Engine(#[source] NotStarted),
    /// There is no connection in force.
    #[error("there is no connection to Microsoft")]
    NotConnected,
    /// No tenant in scope is mapped to a client.
    #[error("no tenant in scope is mapped to a client")]
    NothingMapped,
    /// The plan to work from cannot be worked from.
    #[error("the stored plan cannot be used")]
    Source(Unusable),
    /// The store failed.
    #[error("the run could not be stored")]
    Store(#[from] StoreError),
}

/// Why a stored plan cannot be worked from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unusable {
    /// Only what a preview has planned can be applied.
    NotAPreview,
    /// The run is still going on.
    NotEnded,
    /// A preview has written nothing that could be taken back.
    NothingWritten,
    /// No line of the run waits for an operator.
    NothingStaged,
    /// There is no such run.
    Unknown,
    /// The rules are others than those the plan was made under.
    RulesChanged,
    /// The preview has tried out rules that nobody has saved.
    UnsavedRules,
}

/// A run that was accepted.
#[derive(Clone, Debug)]
pub struct Begun {
    /// The run, as it was stored.
    pub run: Run,
    /// The workflow execution that carries it.
    pub execution: String,
}

/// Stores a run and hands it to the workflow.
///
/// # Errors
/// See [`NotBegun`]. A run that the engine did not take is stored as failed, so that it does not
/// look as if it were going on; but for a scheduled one.
pub async fn start(sync: &Sync, request: StartRequest) -> Result<Begun, NotBegun> {
    let (kind, link_change) = check_gates(sync, &request).await?;
    let now = sync.clock.now();
    let trigger = request.trigger();
    let unsaved = request.unsaved.filter(|_| !request.kind.writes());
    let unsaved_rules = unsaved.is_some();
    let settings = match unsaved {
        Some(rules) => rules.settings(&sync.store, request.workspace, request.scope).await?,
        None => sync.store.settings(request.workspace).await?,
    };
    let run = Run {
        id: request.id.unwrap_or_else(|| RunId::new(sync.entropy.time_ordered_id(now))),
        workspace: request.workspace,
        kind,
        trigger,
        run_status: RunStatus::Queued,
        scope: request.scope,
        initiated_by: request.mandate.user(),
        mandate: Some(request.mandate),
        started_at: now,
        completed_at: None,
        execution: None,
        total_tenants: 0,
        succeeded_tenants: 0,
        failed_tenants: 0,
        counters: Counters::default(),
        cancel_requested: false,
        settings,
        unsaved_rules,
        source: request.source,
        link_change,
        room: None,
        turns: Turns::default(),
        halted: None,
    };
    if let Some(order) = &request.links {
        sync.store.put_link_order(run.workspace, run.id, &order.wishes).await?;
    }
    sync.store.create_run(&run).await?;
    launch(sync, run).await
}

/// Hands a run that is stored to the workflow; done again, it is the same execution.
pub(crate) async fn launch(sync: &Sync, run: Run) -> Result<Begun, NotBegun> {
    let input = RunInput { workspace_id: run.workspace, run_id: run.id };
    match sync.executions.start_sync(input).await {
        Ok(execution) => {
            // The run goes on whether this is noted or not.
            if let Err(error) = sync.store.note_execution(run.workspace, run.id, &execution).await {
                tracing::warn!(run = %run.id, %error, "the execution could not be noted");
            }
            Ok(Begun { run, execution })
        }
        Err(error) => {
            // The next look at its slot tries a scheduled one again.
            if run.trigger == Trigger::Manual {
                close_unstarted(sync, run).await?;
            }
            Err(NotBegun::Engine(error))
        }
    }
}

/// The four steps in their order: connect, discover, map, sync. Answers of what kind the run is, and what it does
/// to links.
async fn check_gates(sync: &Sync, request: &StartRequest) -> Result<(RunKind, Option<LinkChange>), NotBegun> {
    if let Some(source) = &request.source {
        let of = check_source(sync, request.workspace, source).await?;
        check_running(sync, request).await?;
        // Whoever applies a preview does what it shows.
        let applies = request.kind == RunKind::Apply && source.part == PlanPart::Lines;
        let link_change = of.link_change.filter(|_| applies);
        return Ok(match link_change {
            Some(_) => (RunKind::Links, link_change),
            None if applies && of.takes_back() => (RunKind::Undo, None),
            None => (request.kind, None),
        });
    }
    let link_change = request.links.as_ref().map(|order| order.change);
    let asks_directory = link_change.is_none_or(|change| change == LinkChange::Rematch);
    let connection = sync.store.connection(request.workspace).await?;
    if asks_directory
        && connection.is_none_or(|found| found.connection_status == ConnectionStatus::Disconnected)
    {
        return Err(NotBegun::NotConnected);
    }
    let mappings = sync.store.mappings(request.workspace).await?;
    // A client that is to be created is work, too, for a run that creates clients.
    let creates = request.kind != RunKind::SingleTenant
        && request.kind.writes()
        && request.trigger() == Trigger::Manual
        && request.scope == RunScope::default();
    let in_scope = |record: &&domain::mapping::MappingRecord| match record.current.decision {
        Decision::CreateNew => creates,
        Decision::Mapped { client } => {
            request.scope.client.is_none_or(|only| only == client)
                && request.scope.tenant.is_none_or(|only| only == record.managed_tenant)
        }
        _ => false,
    };
    if mappings.iter().find(in_scope).is_none() {
        return Err(NotBegun::NothingMapped);
    }
    check_running(sync, request).await?;
    Ok((request.kind, link_change))
}

/// A stored plan needs no directory: what is in it was read when it was made.
pub(crate) async fn check_source(
    sync: &Sync,
    workspace: WorkspaceId,
    source: &PlanSource,
) -> Result<Run, NotBegun> {
    let run = sync.store.run(workspace, source.run).await?;
    let run = run.ok_or(NotBegun::Source(Unusable::Unknown))?;
    let unusable = match &source.part {
        _ if !run.run_status.is_terminal() => Some(Unusable::NotEnded),
        PlanPart::Lines | PlanPart::Staged { .. } if run.unsaved_rules => Some(Unusable::UnsavedRules),
        PlanPart::Lines if run.kind.writes() => Some(Unusable::NotAPreview),
        PlanPart::Staged { .. } if run.counters.held == 0 => Some(Unusable::NothingStaged),
        PlanPart::Undo { .. } if !run.kind.writes() => Some(Unusable::NothingWritten),
        _ => None,
    };
    if let Some(unusable) = unusable {
        return Err(NotBegun::Source(unusable));
    }
    let is_of_a_sync = !run.takes_back() && run.link_change.is_none();
    let is_carried_out = matches!(source.part, PlanPart::Lines | PlanPart::Staged { .. });
    if is_carried_out && is_of_a_sync && have_rules_changed(sync, &run).await? {
        return Err(NotBegun::Source(Unusable::RulesChanged));
    }
    Ok(run)
}

/// Whether other rules hold for a client of the run than those its plan was made by.
async fn have_rules_changed(sync: &Sync, run: &Run) -> Result<bool, StoreError> {
    let now = sync.store.settings(run.workspace).await?;
    if !now.decides_like(&run.settings) {
        return Ok(true);
    }
    let (targets, then_for) = sync.store.targets_and_overrides(run.workspace, run.id).await?;
    let now_for = sync.store.overrides(run.workspace).await?;
    let clients: BTreeSet<ClientId> = targets.iter().map(|target| target.client).collect();
    let is_other =
        |client| !now.of_client(client, &now_for).decides_like(&run.settings.of_client(client, &then_for));
    Ok(clients.into_iter().any(is_other))
}

async fn check_running(sync: &Sync, request: &StartRequest) -> Result<(), NotBegun> {
    let recent = sync.store.runs(request.workspace, None, RECENT_RUNS).await?;
    let same = |run: &&Run| {
        !run.run_status.is_terminal()
            && run.kind != RunKind::Decision
            && run.kind.writes() == request.kind.writes()
            && run.scope == request.scope
    };
    // Carried by one request: nobody else would ever end it.
    let left_over = |run: &&Run| run.kind == RunKind::Decision && run.is_dead(sync.clock.now());
    for run in recent.iter().filter(left_over) {
        reap::close(sync, run).await?;
    }
    for run in recent.iter().filter(same) {
        if !run.is_dead(sync.clock.now()) {
            return Err(NotBegun::AlreadyRunning(run.id));
        }
        reap::close(sync, run).await?;
    }
    Ok(())
}

async fn close_unstarted(sync: &Sync, mut run: Run) -> Result<(), StoreError> {
    run.run_status = RunStatus::Failed;
    run.completed_at = Some(sync.clock.now());
    run.halted = Some(TenantFailure {
        code: "workflow_unavailable".to_owned(),
        message: "The workflow engine did not take the run. No tenant was read and nothing was changed."
            .to_owned(),
        remedy: "Start the run again in a minute.".to_owned(),
        diagnostics: None,
    });
    sync.store.finish_run(&run).await?;
    Ok(())
}
