//! `schedule`.

use ::sync::ScheduleView;
use domain::schedule::Interval;
use jiff::Timestamp;

use super::Context;
use crate::{
    Ending,
    arguments::ScheduleArguments,
    output::{self, Failure, Talk},
};

pub(crate) async fn run(context: &Context, options: ScheduleArguments) -> Result<Ending, Failure> {
    let (sync, workspace) = (&context.house.sync, context.house.workspace);
    let before = sync.schedule(workspace).await?;
    let enabled = match (options.on || options.every.is_some(), options.off) {
        (_, true) => Some(false),
        (true, false) => Some(true),
        (false, false) => None,
    };
    let view = match enabled {
        Some(enabled) => {
            let minutes = options.every.unwrap_or(before.sync_interval_minutes);
            let saved = sync.save_schedule(workspace, (enabled, Interval::nearest(minutes.into())), None);
            saved.await?.schedule
        }
        None => before,
    };
    output::result(context.output, &view, || told(&view))?;
    if view.sync_enabled {
        Talk::say("On this machine it is `entra-sync serve` that starts syncs which are due.");
    }
    Ok(Ending::Done)
}

fn told(view: &ScheduleView) -> String {
    let row = |what: &str, value: String| vec![what.to_owned(), value];
    let next = match (view.next_run_at, view.stopped_by) {
        (Some(at), _) => minute(at),
        (None, Some(code)) => format!("none: {} [{code}]", why(code)),
        (None, None) => "none: the schedule is off".to_owned(),
    };
    let mut rows = vec![
        row("all tenants are synced by themselves", if view.sync_enabled { "on" } else { "off" }.to_owned()),
        row("how often", every(view.sync_interval_minutes)),
        row("the next sync", next),
    ];
    if let Some(last) = &view.last {
        let what = match (&last.run, &last.code) {
            (Some(run), _) => format!("{}: run {run}", minute(last.slot)),
            (None, Some(code)) => format!("{}: no sync, {} [{code}]", minute(last.slot), why(code)),
            (None, None) => minute(last.slot),
        };
        rows.push(row("the last one", what));
    }
    output::table(&["schedule", "value"], rows, 2)
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn why(code: &str) -> &'static str {
    match code {
        "already_running" => "another one was going on",
        "integration_disabled" => "contact sync was switched off",
        "nothing_mapped" => "no tenant is mapped to a client",
        _ => "there is no connection to Microsoft",
    }
}

fn every(minutes: u32) -> String {
    match minutes {
        minutes if minutes % 1_440 == 0 => {
            format!("every {} days", minutes / 1_440).replace(" 1 days", " day")
        }
        minutes if minutes % 60 == 0 => format!("every {} hours", minutes / 60).replace(" 1 hours", " hour"),
        minutes => format!("every {minutes} minutes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_told_in_the_largest_unit_that_fits() {
        for (minutes, told) in [
            (15, "every 15 minutes"),
            (60, "every hour"),
            (90, "every 90 minutes"),
            (240, "every 4 hours"),
            (1_440, "every day"),
            (10_080, "every 7 days"),
        ] {
            assert_eq!(every(minutes), told);
        }
    }
}
