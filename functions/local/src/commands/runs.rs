//! `runs`.

use std::collections::BTreeMap;

use ::sync::{
    Finding, LineCount, LineFilter, LookedThrough, Moment, PlanCheck, RunCheck, StartRequest, Tally,
    Timeline, progress, start,
    views::{ChangeView, LineView, RunDetailView, RunView},
};
use domain::{
    ids::{ManagedTenantId, RunId},
    mandate::Mandate,
    run::{RunKind, RunStatus, Trigger},
    undo::UndoScope,
};
use serde::Serialize;
use store::{PlanPart, PlanSource, RunScope};

use super::{
    Context,
    sync::{ending, hidden, lines_table, not_begun, run_table, tenant_lines, tenant_names},
};
use crate::{
    Ending, House,
    arguments::{OutputForm, RunsArguments, RunsCommand, WhichLines},
    output::{self, Failure, Talk, count},
    watch,
};

pub(crate) async fn run(context: &Context, options: &RunsArguments) -> Result<Ending, Failure> {
    let house = &context.house;
    match options.command.clone() {
        None => {
            let runs = house.store.runs(house.workspace, None, options.limit).await?;
            let views: Vec<RunView> = runs.into_iter().map(RunView::from).collect();
            output::result(context.output, &views, || list(&views))?;
        }
        Some(RunsCommand::Show { run }) => {
            let found = progress(&house.store, house.workspace, run).await?.ok_or_else(unknown)?;
            let view = RunDetailView::from(found);
            let names = tenant_names(house).await?;
            output::result(context.output, &view, || run_table(&view, &names))?;
        }
        Some(RunsCommand::Lines { run, tenant, all: show_all, which, count: is_count }) => {
            let found = progress(&house.store, house.workspace, run).await?.ok_or_else(unknown)?;
            let mut all = Vec::new();
            let tenants = found.ended.iter().map(|result| result.tenant);
            let tenants = tenants.chain(found.under_way.iter().map(|(target, _)| target.tenant));
            for id in tenants.filter(|id| tenant.is_none_or(|only| only == *id)) {
                all.extend(tenant_lines(house, run, id).await?);
            }
            let hidden = hidden(house).await?;
            let WhichLines { action, code, find, not_done } = which;
            let filter = LineFilter { action, code, find, not_done };
            all.retain(|(_, line)| filter.fits(&line.view(&hidden)));
            if is_count {
                let mut tally = Tally::default();
                for (_, of_run) in &all {
                    tally.add(&of_run.line, of_run.not_done.as_ref());
                }
                let counts = tally.into_counts();
                output::result(context.output, &counts, || counts_table(&counts))?;
                return Ok(Ending::Done);
            }
            let views: Vec<LineView> = all.iter().map(|(_, line)| line.view(&hidden)).collect();
            let names = tenant_names(house).await?;
            // Whoever looks for lines wants to see those that were found.
            let show_all = show_all || !filter.is_none();
            output::result(context.output, &views, || lines_table(&all, &names, &hidden, show_all))?;
        }
        Some(RunsCommand::Apply { run }) => {
            let source = PlanSource { run, part: PlanPart::Lines };
            return from_plan(context, RunKind::Apply, source, RunScope::default()).await;
        }
        Some(RunsCommand::Undo { run, person, field, preview, scope: of }) => {
            let scope = UndoScope::of(person, field);
            let source = PlanSource { run, part: PlanPart::Undo { scope } };
            let of = RunScope { client: of.client, tenant: of.tenant, ..RunScope::default() };
            let kind = if preview { RunKind::Preflight } else { RunKind::Undo };
            return from_plan(context, kind, source, of).await;
        }
        Some(RunsCommand::Allow { run, line }) => {
            let source = PlanSource { run, part: PlanPart::Staged { lines: line } };
            return from_plan(context, RunKind::Apply, source, RunScope::default()).await;
        }
        Some(RunsCommand::Reject { run, line }) => {
            check_waits(house, run).await?;
            let only = line.into_iter().collect();
            let rejected =
                ::sync::reject(&house.store, house.workspace, run, &only, house.clock.now()).await?;
            output::result(context.output, &serde_json::json!({ "rejected": rejected }), || {
                format!("{rejected} lines are rejected and will not be asked about again.")
            })?;
        }
        Some(RunsCommand::Reconsider { run, line }) => {
            check_waits(house, run).await?;
            let only = line.into_iter().collect();
            let (store, now) = (&house.store, house.clock.now());
            let reconsidered = ::sync::reconsider(store, house.workspace, run, &only, now).await?;
            output::result(context.output, &serde_json::json!({ "reconsidered": reconsidered }), || {
                format!("{reconsidered} rejections are taken back; the next sync decides about them anew.")
            })?;
        }
        Some(RunsCommand::AcceptSize { tenant }) => {
            if !house.store.accept_size(house.workspace, tenant).await? {
                return Err(Failure::new(
                    "never_synced",
                    "This tenant has never been synced to its end, so no read of it is short.",
                    "Run `entra-sync sync` first.",
                ));
            }
            let view = serde_json::json!({ "managedTenantId": tenant, "accepted": true });
            output::result(context.output, &view, || {
                "The next sync takes the size of the directory for right; the other limits stay.".to_owned()
            })?;
        }
        Some(RunsCommand::Verify { run }) => {
            let checked = ::sync::verify(&house.store, house.workspace, run, house.clock.now()).await?;
            let checked = checked.ok_or_else(unknown)?;
            let names = tenant_names(house).await?;
            output::result(context.output, &checked, || verified(&checked, &names))?;
            if !checked.intact {
                Talk::failure(&not_intact(&checked));
                return Ok(Ending::Failed);
            }
        }
        Some(RunsCommand::Person { tenant, object, runs, after, all }) => {
            let store = &house.store;
            let mut told = ::sync::timeline(store, house.workspace, tenant, object, (after, runs)).await?;
            while let (true, Some(after)) = (all, told.next_after) {
                let part = (Some(after), runs);
                told.go_on(::sync::timeline(store, house.workspace, tenant, object, part).await?);
            }
            output::result(context.output, &told, || story(&told))?;
        }
        Some(RunsCommand::Cancel { run }) => {
            house.store.run(house.workspace, run).await?.ok_or_else(unknown)?;
            if !house.store.cancel_run(house.workspace, run).await? {
                return Err(Failure::new(
                    "run_ended",
                    "The run has ended already; nothing was changed.",
                    "Look at it with `entra-sync runs show`.",
                ));
            }
            // Nobody else works in this folder, so the run is taken to its end here and now.
            for resumed in house.resume(|unfinished| unfinished.id == run).await? {
                house.engine.finished(&resumed.to_string()).await;
            }
            let cancelled = house.store.run(house.workspace, run).await?.ok_or_else(unknown)?;
            let view = RunView::from(cancelled);
            output::result(context.output, &view, || list(std::slice::from_ref(&view)))?;
            Talk::say("What it has applied stays.");
        }
    }
    Ok(Ending::Done)
}

/// A run, and of a preview its lines, as `preview` shows them.
#[derive(Serialize)]
struct PlannedView {
    #[serde(flatten)]
    detail: RunDetailView,
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<Vec<LineView>>,
}

/// Starts a run that works from a stored plan, watches it to its end and shows it.
async fn from_plan(
    context: &Context,
    kind: RunKind,
    source: PlanSource,
    scope: RunScope,
) -> Result<Ending, Failure> {
    let house = &context.house;
    let request = StartRequest {
        source: Some(source),
        ..StartRequest::new(house.workspace, kind, scope, Mandate::Machine)
    };
    let begun = start(&house.sync, request).await.map_err(|error| not_begun(&error))?;
    let label = match kind {
        RunKind::Preflight => "planning",
        _ if begun.run.takes_back() => "taking back",
        _ => "applying",
    };
    let progress = watch::run(house, begun.run.id, label).await?;
    let status = progress.run.run_status;
    let mut all = Vec::new();
    for result in &progress.ended {
        all.extend(tenant_lines(house, progress.run.id, result.tenant).await?);
    }
    let hidden = hidden(house).await?;
    let lines = (!kind.writes()).then(|| all.iter().map(|(_, line)| line.view(&hidden)).collect());
    let view = PlannedView { detail: RunDetailView::from(progress), lines };
    let names = tenant_names(house).await?;
    output::result(context.output, &view, || {
        format!("{}\n{}", lines_table(&all, &names, &hidden, false), run_table(&view.detail, &names))
    })?;
    if kind.writes() {
        return Ok(ending(status));
    }
    if context.output == OutputForm::Table {
        let run = view.detail.run.run_id;
        Talk::say(format_args!("Nothing was written. `runs apply {run}` carries out exactly this."));
    }
    let planned = all.iter().any(|(_, of_run)| of_run.line.writes_contact());
    Ok(if planned && status == RunStatus::Completed { Ending::ChangesPlanned } else { ending(status) })
}

fn verified(checked: &RunCheck, names: &BTreeMap<ManagedTenantId, String>) -> String {
    let row = |check: &PlanCheck| {
        let found = match check.first_fault {
            None => check.explanation.to_owned(),
            Some(page) => format!("Page {page}: {}", check.explanation),
        };
        let name = names.get(&check.managed_tenant_id).cloned().unwrap_or_default();
        vec![name, count(u64::from(check.pages)), found]
    };
    let mut text = output::table(&["tenant", "pages", "plan"], checked.tenants.iter().map(row).collect(), 2);
    if checked.unknown_tenants > 0 {
        let unknown = count(u64::from(checked.unknown_tenants));
        text.extend(["\nTenants of the run of which nothing is stored any more: ", &unknown, "."]);
    }
    text
}

fn not_intact(checked: &RunCheck) -> Failure {
    let is_tampered = checked.unknown_tenants > 0
        || checked.tenants.iter().any(|check| {
            matches!(
                check.finding,
                Finding::LeftAloneChanged
                    | Finding::PageChanged
                    | Finding::PageMissing
                    | Finding::ResultChanged
                    | Finding::ResultMissing
            )
        });
    if is_tampered {
        return Failure::new(
            "plan_not_intact",
            "The stored plan of this run is not as it was written.",
            "Take nothing from it: do not apply or undo this run, and find out who can write to the table.",
        );
    }
    Failure::new(
        "plan_unchecked",
        "The stored plan of this run cannot be checked as a whole: parts of it are not there, or not yet.",
        "Look at what is said of each tenant.",
    )
}

fn story(told: &Timeline) -> String {
    let row = |moment: &Moment| {
        let line = &moment.line;
        let change = |change: &ChangeView| format!("{}: {} → {}", change.field, change.old, change.new);
        let mut why = vec![line.reason.clone()];
        why.extend(line.changes.iter().map(change));
        why.extend(moment.stale.iter().map(|code| format!("not done: {}", sync::not_carried_out(code))));
        let action = line.action.replace('_', " ");
        let what = match (moment.is_dry_run, moment.unsaved_rules) {
            (_, true) => format!("would {action}, with rules that are not saved"),
            (true, _) => format!("would {action}"),
            _ => action,
        };
        vec![
            moment.at.strftime("%Y-%m-%d %H:%M").to_string(),
            what,
            why.join("\n"),
            moment.run_id.to_string(),
        ]
    };
    let table =
        output::table(&["when (UTC)", "what", "why", "run"], told.moments.iter().map(row).collect(), 4);
    format!("{table}\n{}", looked_through(&told.looked_through))
}

fn looked_through(looked: &LookedThrough) -> String {
    let (Some(run), Some(since)) = (looked.oldest_run_id, looked.since) else {
        return "There are no runs.".to_owned();
    };
    let since = since.strftime("%Y-%m-%d %H:%M");
    if looked.older_runs {
        format!(
            "Only {} runs were looked through, back to {since} (run {run}). There are older ones: `--after {run}` \
             goes on with them, and `--all` looks through all.",
            looked.runs
        )
    } else {
        format!("All {} runs were looked through, back to {since}.", looked.runs)
    }
}

fn list(views: &[RunView]) -> String {
    let row = |run: &RunView| {
        let c = run.summary.counters;
        vec![
            run.run_id.to_string(),
            run.started_at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            run_type(run),
            name(&run.status),
            format!("{}/{}", run.succeeded_tenants, run.total_tenants),
            count(c.created),
            count(c.linked),
            count(c.updated),
            count(c.inactivated),
            count(c.ambiguous),
        ]
    };
    let header = [
        "run",
        "started (UTC)",
        "type",
        "status",
        "tenants",
        "created",
        "linked",
        "updated",
        "inactive",
        "to review",
    ];
    output::table(&header, views.iter().map(row).collect(), 4)
}

fn run_type(run: &RunView) -> String {
    let more = match run {
        RunView { unsaved_rules: true, .. } => " (rules not saved)",
        RunView { is_dry_run: true, takes_back: true, .. } => " (of an undo)",
        RunView { trigger: Trigger::Scheduled, .. } => " (scheduled)",
        _ => "",
    };
    format!("{}{more}", name(&run.run_type))
}

fn name(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

/// An operator decides only about what waits: lines of a run that writes.
async fn check_waits(house: &House, run: RunId) -> Result<(), Failure> {
    let found = house.store.run(house.workspace, run).await?.ok_or_else(unknown)?;
    if ::sync::has_waiting_lines(&found) {
        return Ok(());
    }
    Err(Failure::new(
        "nothing_waits_in_a_preview",
        "This run is a preview: what its lines say would wait, and nothing of it does. Nothing was changed.",
        "Take a sync whose lines wait, or apply the preview first (`entra-sync runs apply`).",
    ))
}

fn unknown() -> Failure {
    Failure::new("unknown_run", "There is no run with this id.", "Take one from `entra-sync runs`.")
}

fn counts_table(counts: &[LineCount]) -> String {
    let row = |found: &LineCount| {
        let not_done = found.not_done.as_ref().map(|code| format!("not done: {code}"));
        let why: Vec<String> = found.code.clone().into_iter().chain(not_done).collect();
        vec![found.action.replace('_', " "), why.join(", "), count(found.lines)]
    };
    output::table(&["action", "why", "lines"], counts.iter().map(row).collect(), 2)
}
