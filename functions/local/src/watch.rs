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

#[cfg(test)]
mod tests {
    use ambient::{Clock, SystemClock};
    use domain::{
        mandate::Mandate,
        run::{Counters, RunKind, RunStatus, Trigger},
    };
    use embedded::Durability;
    use store::{Run, RunScope, SyncSettings, Turns};
    use uuid::Uuid;

    use super::*;
    use crate::FakeProfile;

    /// Nobody carries it on any more, and whoever watches is not kept waiting.
    #[tokio::test]
    async fn a_run_whose_execution_is_gone_is_told_as_interrupted() {
        let folder = tempfile::tempdir().unwrap();
        let as_of = SystemClock.now();
        let fake = FakeProfile { seed: 7, sizes: vec![3], as_of, port: 0, messy: false };
        let house = House::open(folder.path(), Durability::ProcessKill, Some(fake)).await.unwrap();
        let begun = Run {
            id: RunId::new(Uuid::from_u128(7)),
            workspace: house.workspace,
            kind: RunKind::AllTenants,
            scope: RunScope::default(),
            trigger: Trigger::Manual,
            run_status: RunStatus::Running,
            initiated_by: None,
            mandate: Some(Mandate::Machine),
            started_at: as_of,
            completed_at: None,
            execution: None,
            total_tenants: 1,
            succeeded_tenants: 0,
            failed_tenants: 0,
            counters: Counters::default(),
            cancel_requested: false,
            unsaved_rules: false,
            settings: SyncSettings::default(),
            source: None,
            turns: Turns::default(),
            halted: None,
            link_change: None,
            room: None,
        };
        assert!(house.store.create_run(&begun).await.unwrap());
        assert_eq!(run(&house, begun.id, "sync").await.unwrap_err().code, "run_interrupted");
        let nobodys = RunId::new(Uuid::from_u128(8));
        assert_eq!(run(&house, nobodys, "sync").await.unwrap_err().code, "unknown_run");
    }
}
