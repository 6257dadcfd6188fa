//! Runs in the PSA's names.

use domain::{
    contact::InactiveReason,
    fields::FieldChange,
    ids::{ClientId, ContactId, EntraObjectId, ManagedTenantId, RunId, UserId},
    plan::{Action, Answer, AnswerKind, Candidate, Line, Rule},
    run::{Counters, RunKind, RunStatus, TenantFailure, TenantStatus, Trigger},
};
use jiff::Timestamp;
use serde::Serialize;
use store::{Run, Target, TenantRun};

use crate::RunProgress;

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
    /// The one tenant it covers.
    pub scope_managed_tenant_id: Option<ManagedTenantId>,
    /// The one client it covers.
    pub scope_client_id: Option<ClientId>,
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
    /// One sentence.
    pub reason: String,
    /// Fields: before and after.
    pub changes: Vec<ChangeView>,
    /// Contacts it could be.
    pub candidates: Vec<Candidate>,
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
            scope_managed_tenant_id: run.scope.tenant,
            scope_client_id: run.scope.client,
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

impl From<&Line> for LineView {
    fn from(line: &Line) -> Self {
        let changes = match &line.action {
            Action::Stage { proposal, .. } => proposal.changes(),
            action => action.changes(),
        };
        let change = |change: &FieldChange| {
            let (field, old, new) = change.describe();
            ChangeView { field, old, new, over_edit: change.over_edit() }
        };
        let (action, reason, candidates) = describe(line);
        Self {
            line_id: line.id.to_string(),
            entra_object_id: line.object,
            display_name: line.label.clone(),
            email: line.address.as_ref().map(ToString::to_string),
            action,
            contact_name_id: line.action.contact(),
            rule: line.rule,
            reason,
            changes: changes.iter().map(change).collect(),
            candidates,
        }
    }
}

/// The PSA's preview buckets, in its order.
pub const BUCKETS: [&str; 5] = ["create", "link", "needs_decision", "no_change", "mark_inactive"];

/// The bucket a line falls into; `None` for people who are out of scope.
pub fn bucket(action: &Action) -> Option<&'static str> {
    match action {
        Action::Create { .. } => Some("create"),
        Action::Link { .. } | Action::Reactivate { .. } | Action::Restore { .. } | Action::Update { .. } => {
            Some("link")
        }
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

fn describe(line: &Line) -> (&'static str, String, Vec<Candidate>) {
    let (name, reason) = told(line.rule, &line.action);
    let reason = told_answer(line).unwrap_or(reason);
    let candidates = match &line.action {
        Action::Review { candidates, .. } => candidates.clone(),
        _ => Vec::new(),
    };
    (name, reason, candidates)
}

/// Why, for a line that carries out an operator's answer or takes one back.
fn told_answer(line: &Line) -> Option<String> {
    let said = |answer: &Answer| match answer.kind {
        AnswerKind::CreateNew => "the person is a new contact",
        AnswerKind::Dismissed => "the person is not to be synced",
        AnswerKind::LinkExisting => "the person is this contact",
    };
    let note = |answer: &Answer| answer.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
    if let Some(answer) = &line.answer {
        return Some(format!("an operator decided: {}{}", said(answer), note(answer)));
    }
    let back = line.takes_back.as_ref()?;
    Some(format!("taken back, so the question is open again: {}{}", said(back), note(back)))
}

/// The action's name, and one sentence of why.
fn told(rule: Rule, action: &Action) -> (&'static str, String) {
    match action {
        Action::Create { .. } => ("create", "no contact has any of this person's addresses".to_owned()),
        Action::Exclude { reason, detail: None } => ("exclude", reason.explanation().to_owned()),
        Action::Exclude { reason, detail: Some(detail) } => {
            ("exclude", format!("{}: {detail}", reason.explanation()))
        }
        Action::Fail { code } => ("fail", format!("the record could not be used ({code})")),
        Action::Hold { .. } => {
            ("hold", "too many people vanished at once; an operator has to look first".to_owned())
        }
        Action::Leave { code, kept, .. } => ("leave", format!("left as it is ({code}){}", told_kept(kept))),
        Action::Link { supersedes: Some(_), .. } => {
            ("link", format!("matched by {}; the account the contact belonged to is gone", matched_by(rule)))
        }
        Action::Link { .. } => ("link", format!("matched by {}", matched_by(rule))),
        Action::MarkInactive { reason, .. } => ("mark_inactive", reason.explanation().to_owned()),
        Action::NoteMissing { times: 0, .. } => ("note_missing", "the person is back".to_owned()),
        Action::NoteMissing { times, reason, .. } => {
            let what = reason.map_or("not in the directory", InactiveReason::explanation);
            ("note_missing", format!("{what}, read no. {times} in a row; the contact is given grace"))
        }
        Action::Reactivate { activate: true, .. } => {
            ("reactivate", "the person is back and this sync had made the contact inactive".to_owned())
        }
        Action::Reactivate { .. } => ("reactivate", "the person is back; linked again".to_owned()),
        Action::Refresh { .. } => {
            ("refresh", "the directory changed, but no field that is switched on".to_owned())
        }
        Action::Restore { .. } if rule == Rule::Decision => {
            ("restore", "no longer linked: an operator decided that the person is another contact".to_owned())
        }
        Action::Restore { kept, .. } => {
            ("restore", format!("put back to what it was before the run{}", told_kept(kept)))
        }
        Action::Review { conflict, .. } => ("review", conflict.explanation().to_owned()),
        Action::Settle { .. } => ("settle", "an operator answered the question".to_owned()),
        Action::Stage { proposal, limit } => {
            let (what, why) = told(rule, proposal);
            ("hold", format!("{}; would {}: {why}", limit.explanation(), what.replace('_', " ")))
        }
        Action::Update { .. } => ("update", "a field that is switched on has changed".to_owned()),
    }
}

fn told_kept(kept: &[(String, String)]) -> String {
    if kept.is_empty() {
        return String::new();
    }
    let kept: Vec<String> = kept.iter().map(|(field, value)| format!("{field} ({value})")).collect();
    format!("; changed by somebody since, and kept: {}", kept.join(", "))
}

fn matched_by(rule: Rule) -> &'static str {
    match rule {
        Rule::AliasAddress => "an alias address and the name",
        Rule::SignInAddress => "the sign-in name",
        Rule::StoredObjectId => "the object id on the contact",
        _ => "the e-mail address",
    }
}
