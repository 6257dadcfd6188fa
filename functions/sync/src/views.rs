//! Runs in the PSA's names.

use domain::{
    fields::{FieldChange, Hidden},
    ids::{ClientId, ContactId, EntraObjectId, ManagedTenantId, RunId, UserId},
    ledger::LinkChange,
    plan::{Action, Candidate, Line, Rule},
    run::{Counters, RunKind, RunStatus, TenantFailure, TenantStatus, Trigger},
};
use jiff::Timestamp;
use serde::Serialize;
use store::{Run, Target, TenantRun};

use crate::{RunProgress, words};

/// A run in a list.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunView {
    /// The run.
    pub run_id: RunId,
    /// Where it stands.
    pub status: RunStatus,
    /// What it is for.
    pub run_type: RunKind,
    /// What started it.
    pub trigger: Trigger,
    /// Who asked for it.
    pub initiated_by: Option<UserId>,
    /// When it was accepted.
    pub started_at: Timestamp,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// Tenants it covers.
    pub total_tenants: u32,
    /// Tenants that have ended.
    pub processed_tenants: u32,
    /// Tenants that completed.
    pub succeeded_tenants: u32,
    /// Tenants that failed.
    pub failed_tenants: u32,
    /// Whether it writes nothing.
    pub is_dry_run: bool,
    /// Whether it has tried out rules that nobody has saved.
    pub unsaved_rules: bool,
    /// What it does to links.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_change: Option<LinkChange>,
    /// The run whose plan it applies or takes back.
    pub source_run_id: Option<RunId>,
    /// Whether it takes back what another run has done, or plans to.
    pub takes_back: bool,
    /// The one tenant it covers.
    pub scope_managed_tenant_id: Option<ManagedTenantId>,
    /// The one client it covers.
    pub scope_client_id: Option<ClientId>,
    /// Only this person was synced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope_object_id: Option<EntraObjectId>,
    /// The workflow execution that carries it.
    pub workflow_id: Option<String>,
    /// Sums so far.
    pub summary: Summary,
    /// Why the whole run failed.
    pub failure: Option<TenantFailure>,
}

/// Sums in the PSA's names, and the ones it does not have.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Tenants it covers.
    pub total_tenants: u32,
    /// Tenants that have ended.
    pub processed_tenants: u32,
    /// Tenants that completed.
    pub succeeded_tenants: u32,
    /// Tenants that failed.
    pub failed_tenants: u32,
    /// People, by how they ended.
    #[serde(flatten)]
    pub counters: Counters,
    /// The PSA's name for people who were left alone: out of scope or not usable.
    pub skipped: u64,
}

/// One run with its tenants.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunDetailView {
    /// The run.
    pub run: RunView,
    /// Every tenant, those that have ended first.
    pub tenant_results: Vec<TenantResultView>,
}

/// How far one tenant is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantResultView {
    /// The tenant.
    pub managed_tenant_id: ManagedTenantId,
    /// Its client.
    pub client_id: ClientId,
    /// `queued`, `running`, `completed`, `held` or `failed`.
    pub status: &'static str,
    /// People, by how they ended.
    #[serde(flatten)]
    pub counters: Counters,
    /// What happened and what to do, in one text.
    pub error_message: Option<String>,
    /// The same in parts, with a stable code.
    pub failure: Option<TenantFailure>,
    /// Why nobody was made inactive although the read came to its end.
    pub guard: Option<String>,
    /// When work on it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
}

/// One line of a plan.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LineView {
    /// Derived from what the line says.
    pub line_id: String,
    /// Whom it is about.
    pub entra_object_id: EntraObjectId,
    /// The person's name.
    pub display_name: String,
    /// The person's address.
    pub email: Option<String>,
    /// What happens.
    pub action: &'static str,
    /// The contact it happens to.
    pub contact_name_id: Option<ContactId>,
    /// Which rule decided.
    pub rule: Rule,
    /// Why, as a code: the rule that leaves somebody out, what is unclear, the limit, what failed.
    pub code: Option<String>,
    /// One sentence.
    pub reason: String,
    /// That the run has not carried it out, and why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_done: Option<NotDoneView>,
    /// Fields: before and after; `(hidden)` where the settings hide the values.
    pub changes: Vec<ChangeView>,
    /// Contacts it could be.
    pub candidates: Vec<Candidate>,
}

/// Why a line was planned and not carried out.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NotDoneView {
    /// A stable code.
    pub code: String,
    /// The same in words.
    pub explanation: String,
}

/// One field of a line.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeView {
    /// The field.
    pub field: &'static str,
    /// Before.
    pub old: String,
    /// After; blank when the field is cleared.
    pub new: String,
    /// Whether a human had edited the value that is written over.
    pub over_edit: bool,
}

impl RunView {
    /// `run`, of which `processed` tenants have ended.
    pub fn new(run: Run, succeeded: u32, failed: u32) -> Self {
        let processed = succeeded + failed;
        let summary = Summary {
            total_tenants: run.total_tenants,
            processed_tenants: processed,
            succeeded_tenants: succeeded,
            failed_tenants: failed,
            counters: run.counters,
            skipped: run.counters.excluded + run.counters.failed,
        };
        Self {
            run_id: run.id,
            status: run.run_status,
            run_type: run.kind,
            trigger: run.trigger,
            initiated_by: run.initiated_by,
            started_at: run.started_at,
            completed_at: run.completed_at,
            total_tenants: run.total_tenants,
            processed_tenants: processed,
            succeeded_tenants: succeeded,
            failed_tenants: failed,
            is_dry_run: !run.kind.writes(),
            unsaved_rules: run.unsaved_rules,
            link_change: run.link_change,
            takes_back: run.takes_back(),
            source_run_id: run.source.map(|source| source.run),
            scope_managed_tenant_id: run.scope.tenant,
            scope_client_id: run.scope.client,
            scope_object_id: run.scope.person,
            workflow_id: run.execution,
            summary,
            failure: run.halted,
        }
    }
}

impl From<Run> for RunView {
    fn from(run: Run) -> Self {
        let (succeeded, failed) = (run.succeeded_tenants, run.failed_tenants);
        Self::new(run, succeeded, failed)
    }
}

impl From<RunProgress> for RunDetailView {
    fn from(progress: RunProgress) -> Self {
        let failed = progress.ended.iter().filter(|result| result.tenant_status == TenantStatus::Failed);
        let failed = u32::try_from(failed.count()).unwrap_or(u32::MAX);
        let ended = u32::try_from(progress.ended.len()).unwrap_or(u32::MAX);
        let over = progress.run.run_status.is_terminal();
        let mut tenant_results: Vec<TenantResultView> =
            progress.ended.into_iter().map(TenantResultView::from).collect();
        tenant_results.extend(progress.under_way.into_iter().map(|(target, progress)| TenantResultView {
            counters: progress.counters,
            started_at: Some(progress.started_at),
            ..waiting(target, "running")
        }));
        let status = if over { "cancelled" } else { "queued" };
        tenant_results.extend(progress.waiting.into_iter().map(|target| waiting(target, status)));
        Self { run: RunView::new(progress.run, ended - failed, failed), tenant_results }
    }
}

impl From<TenantRun> for TenantResultView {
    fn from(result: TenantRun) -> Self {
        let message = |failure: &TenantFailure| format!("{} {}", failure.message, failure.remedy);
        Self {
            managed_tenant_id: result.tenant,
            client_id: result.client,
            status: match result.tenant_status {
                TenantStatus::Cancelled => "cancelled",
                TenantStatus::Completed => "completed",
                TenantStatus::Failed => "failed",
                TenantStatus::Held => "held",
            },
            counters: result.counters,
            error_message: result.failure.as_ref().map(message),
            failure: result.failure,
            guard: result.guard.map(|guard| guard.explanation()),
            started_at: Some(result.started_at),
            completed_at: Some(result.completed_at),
        }
    }
}

impl LineView {
    /// The line, without the values that are hidden.
    pub fn new(line: &Line, hidden: &Hidden) -> Self {
        let changes = match &line.action {
            Action::Stage { proposal, .. } => proposal.changes(),
            action => action.changes(),
        };
        let change = |change: &FieldChange| {
            let (field, old, new) = change.describe();
            let shown = |value: &str| hidden.shown(change.field(), value).into_owned();
            ChangeView { field, old: shown(&old), new: shown(&new), over_edit: change.over_edit() }
        };
        let (action, reason, candidates) = words::describe(line, hidden);
        Self {
            line_id: line.id.to_string(),
            entra_object_id: line.object,
            display_name: line.label.clone(),
            email: line.address.as_ref().map(ToString::to_string),
            action,
            contact_name_id: line.action.contact(),
            rule: line.rule,
            code: words::code(&line.action),
            reason,
            not_done: None,
            changes: changes.iter().map(change).collect(),
            candidates,
        }
    }

    /// The same of a line that was not carried out, with the code of why not.
    #[must_use]
    pub fn not_done(self, code: Option<&str>) -> Self {
        let not_done = code.map(|code| NotDoneView {
            code: code.to_owned(),
            explanation: words::not_carried_out(code).to_owned(),
        });
        Self { not_done, ..self }
    }
}

/// The PSA's preview buckets, in its order.
pub const BUCKETS: [&str; 5] = ["create", "link", "needs_decision", "no_change", "mark_inactive"];

/// The bucket a line falls into; `None` for people who are out of scope.
pub fn bucket(action: &Action) -> Option<&'static str> {
    match action {
        Action::Create { .. } => Some("create"),
        Action::Link { .. }
        | Action::Reactivate { .. }
        | Action::Restore { .. }
        | Action::Unlink { .. }
        | Action::Update { .. } => Some("link"),
        Action::Hold { .. } | Action::Review { .. } | Action::Stage { .. } => Some("needs_decision"),
        Action::MarkInactive { .. } => Some("mark_inactive"),
        Action::Leave { .. }
        | Action::NoteMissing { .. }
        | Action::Refresh { .. }
        | Action::Settle { .. } => Some("no_change"),
        Action::Exclude { .. } | Action::Fail { .. } => None,
    }
}

fn waiting(target: Target, status: &'static str) -> TenantResultView {
    TenantResultView {
        managed_tenant_id: target.tenant,
        client_id: target.client,
        status,
        counters: Counters::default(),
        error_message: None,
        failure: None,
        guard: None,
        started_at: None,
        completed_at: None,
    }
}
