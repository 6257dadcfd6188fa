//! `runs`.

use ::sync::{
    progress,
    views::{LineView, RunDetailView, RunView},
};

use super::{
    Context,
    sync::{lines_table, run_table, tenant_lines, tenant_names},
};
use crate::{
    Ending,
    arguments::{RunsArguments, RunsCommand},
    output::{self, Failure, Talk, count},
};

pub(crate) async fn run(context: &Context, options: &RunsArguments) -> Result<Ending, Failure> {
    let house = &context.house;
    match options.command {
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
        Some(RunsCommand::Lines { run, tenant, all: show_all }) => {
            let found = progress(&house.store, house.workspace, run).await?.ok_or_else(unknown)?;
            let mut all = Vec::new();
            let tenants = found.ended.iter().map(|result| result.tenant);
            let tenants = tenants.chain(found.under_way.iter().map(|(target, _)| target.tenant));
            for id in tenants.filter(|id| tenant.is_none_or(|only| only == *id)) {
                all.extend(tenant_lines(house, run, id).await?);
            }
            let views: Vec<LineView> = all.iter().map(|(_, line)| line.into()).collect();
            let names = tenant_names(house).await?;
            output::result(context.output, &views, || lines_table(&all, &names, show_all))?;
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

fn list(views: &[RunView]) -> String {
    let row = |run: &RunView| {
        let c = run.summary.counters;
        vec![
            run.run_id.to_string(),
            run.started_at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            name(&run.run_type),
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

fn name(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

fn unknown() -> Failure {
    Failure::new("unknown_run", "There is no run with this id.", "Take one from `entra-sync runs`.")
}
