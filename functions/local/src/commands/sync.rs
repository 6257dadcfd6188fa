//! `preview` and `sync`.

use std::{collections::BTreeMap, path::Path};

use ::sync::{
    NotBegun, RunLine, RunProgress, StartRequest, UnsavedRules, Unusable, lines, not_done, start,
    views::{LineView, RunDetailView},
};
use domain::{
    fields::Hidden,
    ids::{ManagedTenantId, RunId},
    mandate::Mandate,
    plan::{Action, Line},
    run::{RunKind, RunStatus},
};
use edge::ApiError;
use serde::Serialize;
use store::RunScope;

use super::{Context, explain, mention_fake};
use crate::{
    Ending, House,
    arguments::{PreviewArguments, ScopeArguments, SyncArguments},
    output::{self, Failure, Talk, count},
    watch,
};

/// A preview with all its lines.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PreviewView {
    #[serde(flatten)]
    detail: RunDetailView,
    lines: Vec<LineView>,
}

pub(crate) async fn preview(context: &Context, options: &PreviewArguments) -> Result<Ending, Failure> {
    let house = &context.house;
    mention_fake(house);
    let unsaved = options.rules.as_deref().map(rules_of).transpose()?;
    let is_tried_out = unsaved.is_some();
    let scope = scope_of(house, options.scope, options.person.as_deref()).await?;
    let progress = begin(house, RunKind::Preflight, scope, unsaved).await?;
    let planned = all_lines(house, &progress).await?;
    let hidden = hidden(house).await?;
    let status = progress.run.run_status;
    let writes = planned.iter().any(|(_, of_run)| writes(&of_run.line));
    let view = PreviewView {
        lines: planned.iter().map(|(_, line)| line.view(&hidden)).collect(),
        detail: progress.into(),
    };
    let names = tenant_names(house).await?;
    output::result(context.output, &view, || {
        let lines = lines_table(&planned, &names, &hidden, options.all);
        format!("{lines}\n{}", run_table(&view.detail, &names))
    })?;
    if context.output == crate::arguments::OutputForm::Table {
        Talk::say(if is_tried_out {
            "Nothing was written, and the rules are not saved: this preview is not applied."
        } else {
            "Nothing was written."
        });
    }
    Ok(match status {
        RunStatus::Completed if writes => Ending::ChangesPlanned,
        RunStatus::Held => Ending::Held,
        RunStatus::Completed | RunStatus::NothingToDo => Ending::Done,
        _ => Ending::Failed,
    })
}

pub(crate) async fn sync(context: &Context, options: &SyncArguments) -> Result<Ending, Failure> {
    let house = &context.house;
    mention_fake(house);
    let scope = scope_of(house, options.scope, options.person.as_deref()).await?;
    let kind = if scope == RunScope::default() { RunKind::AllTenants } else { RunKind::SingleTenant };
    let progress = begin(house, kind, scope, None).await?;
    let status = progress.run.run_status;
    let view = RunDetailView::from(progress);
    let names = tenant_names(house).await?;
    output::result(context.output, &view, || run_table(&view, &names))?;
    Ok(ending(status))
}

/// What a run covers; whoever is named by an address is looked up first.
async fn scope_of(house: &House, scope: ScopeArguments, person: Option<&str>) -> Result<RunScope, Failure> {
    let ScopeArguments { client, tenant } = scope;
    let Some(who) = person else { return Ok(RunScope { client, tenant, person: None }) };
    let (tenant, person) = explain::person_of(house, tenant, who).await?;
    Ok(RunScope { client, tenant: Some(tenant), person: Some(person) })
}

fn rules_of(file: &Path) -> Result<UnsavedRules, Failure> {
    let document = output::read_file(file).map_err(|error| {
        Failure::of("file_unreadable", &error, "Check the name of the file and your right to read it.")
    })?;
    let rules = UnsavedRules::from_json(&document);
    rules.map_err(|invalid| Failure {
        remedy: "Take `fieldSyncConfig`, `scope` or both from `settings --output json` and change them."
            .to_owned(),
        ..Failure::from(ApiError::from(invalid))
    })
}

pub(crate) fn ending(status: RunStatus) -> Ending {
    match status {
        RunStatus::Completed | RunStatus::NothingToDo => Ending::Done,
        RunStatus::Held => Ending::Held,
        _ => Ending::Failed,
    }
}

/// Starts a run and watches it to its end.
pub(crate) async fn begin(
    house: &House,
    kind: RunKind,
    scope: RunScope,
    unsaved: Option<UnsavedRules>,
) -> Result<RunProgress, Failure> {
    // Whoever asks for a preview has not asked for a sync.
    for run in house.resume(|run| kind.writes() || !run.kind.writes()).await? {
        Talk::say(format!("Going on with the interrupted run {run} first."));
        watch::run(house, run, "resuming").await?;
    }
    let request = StartRequest::new(house.workspace, kind, scope, Mandate::Machine);
    let request = StartRequest { unsaved, ..request };
    let begun = start(&house.sync, request).await.map_err(|error| not_begun(&error))?;
    let label = if kind.writes() { "syncing" } else { "planning" };
    watch::run(house, begun.run.id, label).await
}

/// Every line of a run, tenant by tenant.
pub(crate) async fn all_lines(
    house: &House,
    progress: &RunProgress,
) -> Result<Vec<(ManagedTenantId, RunLine)>, Failure> {
    let mut all = Vec::new();
    for result in &progress.ended {
        all.extend(tenant_lines(house, progress.run.id, result.tenant).await?);
    }
    Ok(all)
}

pub(crate) async fn tenant_lines(
    house: &House,
    run: RunId,
    tenant: ManagedTenantId,
) -> Result<Vec<(ManagedTenantId, RunLine)>, Failure> {
    let not_done = not_done(&house.store, (house.workspace, run, tenant)).await?;
    let mut all = Vec::new();
    let mut after = 0;
    while let Some(page) = lines(&house.store, house.workspace, run, tenant, after).await? {
        after = page.page;
        let of_run = |line: Line| {
            let not_done = not_done.get(&line.id).cloned();
            (tenant, RunLine { line, not_done })
        };
        all.extend(page.lines.into_iter().map(of_run));
    }
    Ok(all)
}

/// Fields whose values are not shown.
pub(crate) async fn hidden(house: &House) -> Result<Hidden, Failure> {
    Ok(house.store.settings(house.workspace).await?.hidden_fields)
}

/// Names of tenants, for tables.
pub(crate) async fn tenant_names(house: &House) -> Result<BTreeMap<ManagedTenantId, String>, Failure> {
    let tenants = house.store.managed_tenants(house.workspace).await?;
    let name = |tenant: store::ManagedTenant| {
        let name = tenant.display_name.unwrap_or_else(|| tenant.entra.to_string());
        (tenant.id, name)
    };
    Ok(tenants.into_iter().map(name).collect())
}

pub(crate) fn lines_table(
    planned: &[(ManagedTenantId, RunLine)],
    names: &BTreeMap<ManagedTenantId, String>,
    hidden: &Hidden,
    all: bool,
) -> String {
    let is_left_out = |line: &Line| matches!(line.action, Action::Exclude { .. });
    let shown = planned.iter().filter(|(_, of_run)| all || !is_left_out(&of_run.line));
    let row = |(tenant, of_run): &(ManagedTenantId, RunLine)| {
        let view = of_run.view(hidden);
        let change = |change: &::sync::views::ChangeView| {
            let edit = if change.over_edit { " (somebody's edit)" } else { "" };
            let new = if change.new.is_empty() { "(cleared)" } else { &change.new };
            format!("{}: {}{edit} → {new}", change.field, change.old)
        };
        let changes: Vec<String> = view.changes.iter().map(change).collect();
        let not_done = view.not_done.map(|not_done| format!("not done: {}", not_done.explanation));
        vec![
            names.get(tenant).cloned().unwrap_or_default(),
            view.action.replace('_', " "),
            view.display_name,
            view.email.unwrap_or_default(),
            std::iter::once(view.reason).chain(not_done).chain(changes).collect::<Vec<_>>().join("\n"),
        ]
    };
    output::table(&["tenant", "action", "person", "e-mail", "why and what"], shown.map(row).collect(), 5)
}

pub(crate) fn run_table(view: &RunDetailView, names: &BTreeMap<ManagedTenantId, String>) -> String {
    let header = [
        "tenant",
        "status",
        "read",
        "created",
        "linked",
        "updated",
        "inactive",
        "back",
        "to review",
        "unchanged",
        "left out",
        "failed",
    ];
    let cells = |c: &domain::run::Counters| {
        let inactive = c.inactivated + c.held;
        [
            c.read,
            c.created,
            c.linked,
            c.updated,
            inactive,
            c.reactivated,
            c.ambiguous,
            c.unchanged,
            c.excluded,
            c.failed,
        ]
        .map(count)
    };
    let mut rows: Vec<Vec<String>> = Vec::new();
    for result in &view.tenant_results {
        let name = names.get(&result.managed_tenant_id).cloned().unwrap_or_default();
        let status = match &result.failure {
            Some(failure) => format!("{} ({})", result.status, failure.code),
            None => result.status.to_owned(),
        };
        rows.push([name, status].into_iter().chain(cells(&result.counters)).collect());
    }
    rows.sort();
    let status = serde_json::to_value(view.run.status).ok();
    let status = status.and_then(|status| status.as_str().map(str::to_owned)).unwrap_or_default();
    let total = format!("{} tenants", view.run.total_tenants);
    rows.push([total, status].into_iter().chain(cells(&view.run.summary.counters)).collect());
    let mut text = output::table(&header, rows, 2);
    let counters = view.run.summary.counters;
    if counters.restored > 0 {
        text.extend(["\nPut back to what they were: ", &count(counters.restored), " contacts."]);
    }
    if counters.unlinked > 0 {
        text.extend(["\nLinks that ended: ", &count(counters.unlinked), "."]);
    }
    if counters.left > 0 {
        let left = count(counters.left);
        text.extend(["\nLeft as they are, each for the reason that its line names: ", &left, " contacts."]);
    }
    if counters.stale > 0 {
        let (lines, run) = (count(counters.stale), view.run.run_id);
        let said =
            format!("\nPlanned and not done: {lines}; `runs lines {run} --not-done` says which and why.");
        text.push_str(&said);
    }
    if counters.held > 0 {
        let (held, run) = (count(counters.held), view.run.run_id);
        let said = format!(
            "\n{held} lines wait for you: `runs lines {run}` shows them, `runs allow {run}` lets them through, \
             `runs reject {run}` rejects them until `runs reconsider {run}`."
        );
        text.push_str(&said);
    }
    for result in &view.tenant_results {
        let Some(guard) = &result.guard else { continue };
        let tenant = result.managed_tenant_id.to_string();
        let name = names.get(&result.managed_tenant_id).unwrap_or(&tenant);
        // As the command that it names is typed for this tenant.
        text.extend(["\n", name, ": ", &guard.replace("TENANT", &tenant)]);
    }
    for result in &view.tenant_results {
        if let Some(message) = &result.error_message {
            let name = names.get(&result.managed_tenant_id).map(String::as_str).unwrap_or_default();
            text.extend(["\n", name, ": ", message]);
        }
    }
    if let Some(failure) = &view.run.failure {
        text.extend(["\n", &failure.message, " ", &failure.remedy]);
    }
    text
}

/// Whether the line changes a contact or asks a human; what is only noted on a link does not count.
fn writes(line: &Line) -> bool {
    line.writes_contact() || matches!(line.action, Action::Review { .. })
}

pub(crate) fn not_begun(error: &NotBegun) -> Failure {
    match error {
        NotBegun::AlreadyRunning(run) => Failure::new(
            "already_running",
            format!("The run {run} is going on already, so no second one was started."),
            "Wait for it, or cancel it with `entra-sync runs cancel`.",
        ),
        NotBegun::NotConnected => Failure::new(
            "not_connected",
            "There is no connection to Microsoft, so nothing can be synced.",
            "Run `entra-sync connect`, then `discover` and `map`.",
        ),
        NotBegun::Source(unusable) => unusable_source(*unusable),
        NotBegun::NothingMapped => Failure::new(
            "nothing_mapped",
            "No tenant in this scope is mapped to a client, so there is nothing to sync.",
            "Run `entra-sync discover`, then `entra-sync map --auto`.",
        ),
        NotBegun::Engine(error) => Failure::of("workflow_unavailable", error, "Try again."),
        NotBegun::Store(error) => Failure::of("store_unavailable", error, "Try again."),
    }
}

fn unusable_source(unusable: Unusable) -> Failure {
    let (code, message, remedy) = match unusable {
        Unusable::NotAPreview => (
            "not_a_preview",
            "Only the plan of a preview can be applied; this run has written its plan itself.",
            "Take the id of a preview.",
        ),
        Unusable::NotEnded => (
            "run_not_ended",
            "The run is still going on, so its plan is not whole.",
            "Wait until it has ended.",
        ),
        Unusable::NothingStaged => {
            ("nothing_held", "No line of this run waits for an operator.", "Look at the run's lines.")
        }
        Unusable::NothingWritten => (
            "nothing_to_undo",
            "This run is a preview: it has written nothing that could be taken back.",
            "Take the id of a run that has written.",
        ),
        Unusable::RulesChanged => (
            "rules_changed",
            "The rules of who is synced, of who becomes inactive, or of fields have changed since this plan was \
             made, so it is not carried out.",
            "Preview again and apply that preview; what waits at a stop limit waits again after the next sync.",
        ),
        Unusable::UnsavedRules => (
            "unsaved_rules",
            "This preview has tried out rules that are not saved, so its plan is not applied.",
            "Save the rules with `entra-sync settings`, preview again, and apply that preview.",
        ),
        Unusable::Unknown => ("unknown_run", "There is no run with this id.", "Take an id from `runs`."),
    };
    Failure::new(code, message, remedy)
}
