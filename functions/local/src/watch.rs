//! Watching a run until it has ended.

use std::time::Duration;

use domain::ids::RunId;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::SignedDuration;
use sync::{RunProgress, progress};

use crate::{
    House,
    output::{Failure, Talk},
};

/// Between two looks.
const INTERVAL: SignedDuration = SignedDuration::from_millis(100);

/// Watches `run` with a bar on standard error, and answers how it ended.
pub(crate) async fn run(house: &House, run: RunId, label: &str) -> Result<RunProgress, Failure> {
    let bar = bar(label);
    let name = run.to_string();
    let finished = house.engine.finished(&name);
    tokio::pin!(finished);
    loop {
        tokio::select! {
            () = &mut finished => break,
            () = house.clock.sleep(INTERVAL) => show(house, run, &bar).await?,
        }
    }
    bar.finish_and_clear();
    let found = progress(&house.store, house.workspace, run).await?;
    let found = found.ok_or_else(|| {
        Failure::new("unknown_run", "The run has disappeared from the store.", "Start it again.")
    })?;
    if !found.run.run_status.is_terminal() {
        return Err(Failure::new(
            "run_interrupted",
            "The run stopped before its end. What it has applied is complete.",
            "Type the same command again: it goes on where it stopped.",
        ));
    }
    Ok(found)
}

async fn show(house: &House, run: RunId, bar: &ProgressBar) -> Result<(), Failure> {
    let Some(found) = progress(&house.store, house.workspace, run).await? else { return Ok(()) };
    let total = found.ended.len() + found.under_way.len() + found.waiting.len();
    bar.set_length(total as u64);
    bar.set_position(found.ended.len() as u64);
    let counters = found.run.counters;
    bar.set_message(format!(
        "{} people read, {} created, {} linked",
        counters.read, counters.created, counters.linked
    ));
    Ok(())
}

fn bar(label: &str) -> ProgressBar {
    if !Talk::is_terminal() {
        return ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    }
    let style = ProgressStyle::with_template("{prefix:>12} [{bar:30}] {pos}/{len} tenants  {msg}");
    let bar = ProgressBar::new(0).with_prefix(label.to_owned());
    bar.enable_steady_tick(Duration::from_millis(100));
    match style {
        Ok(style) => bar.with_style(style.progress_chars("━╸ ")),
        Err(_) => bar,
    }
}
