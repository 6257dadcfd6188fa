//! What is counted.

use super::{Broken, Planned, holds};
use crate::{plan::Action, run::Counters};

/// Everybody who was read ended in exactly one way, and who has vanished is among the inactive.
pub fn counters_are_consistent(counters: &Counters) -> Result<(), Broken> {
    let consistent = counters.vanished <= counters.inactivated && counters.is_consistent();
    holds("everybody who was read ended in one way", [(!consistent).then(|| told(counters))].into_iter())
}

/// A run's counters are the sums over its tenants.
pub fn counters_add_up(total: &Counters, parts: &[Counters]) -> Result<(), Broken> {
    let sum = parts.iter().fold(Counters::default(), |mut sum, part| {
        sum.add(part);
        sum
    });
    let wrong = (sum != *total).then(|| format!("the sum is {} and the total {}", told(&sum), told(total)));
    holds("a run counts what its tenants count", [wrong].into_iter())
}

/// A tenant's counters say how many lines of its applied pages do what, and how many were stale. Who
/// is unchanged or asked about already has no line, so of these there may be more.
pub fn counters_count_lines(
    counters: &Counters,
    applied: &[Planned<'_>],
    stale: usize,
) -> Result<(), Broken> {
    let count = |is: fn(&Planned<'_>) -> bool| applied.iter().filter(|planned| is(planned)).count() as u64;
    let exact = [
        ("created", counters.created, count(|it| matches!(it.line.action, Action::Create { .. }))),
        ("linked", counters.linked, count(|it| matches!(it.line.action, Action::Link { .. }))),
        ("updated", counters.updated, count(|it| matches!(it.line.action, Action::Update { .. }))),
        (
            "reactivated",
            counters.reactivated,
            count(|it| matches!(it.line.action, Action::Reactivate { .. })),
        ),
        (
            "inactivated",
            counters.inactivated,
            count(|it| matches!(it.line.action, Action::MarkInactive { .. })),
        ),
        ("excluded", counters.excluded, count(|it| matches!(it.line.action, Action::Exclude { .. }))),
        ("failed", counters.failed, count(|it| matches!(it.line.action, Action::Fail { .. }))),
        ("held", counters.held, count(is_staged)),
        ("restored", counters.restored, count(|it| matches!(it.line.action, Action::Restore { .. }))),
        ("left", counters.left, count(|it| matches!(it.line.action, Action::Leave { .. }))),
        ("settled", counters.settled, count(|it| matches!(it.line.action, Action::Settle { .. }))),
        ("unlinked", counters.unlinked, count(|it| matches!(it.line.action, Action::Unlink { .. }))),
        ("vanished", counters.vanished, count(has_vanished)),
        ("stale", counters.stale, stale as u64),
    ];
    let at_least = [
        ("ambiguous", counters.ambiguous, count(|it| matches!(it.line.action, Action::Review { .. }))),
        ("unchanged", counters.unchanged, count(|it| matches!(it.line.action, Action::Refresh { .. }))),
    ];
    let exact = exact.into_iter().filter(|(_, counted, lines)| counted != lines);
    let at_least = at_least.into_iter().filter(|(_, counted, lines)| counted < lines);
    let cases = exact.chain(at_least);
    let found = cases.map(|(name, counted, lines)| Some(format!("{name} is {counted} with {lines} lines")));
    holds("counters count lines", found)
}

/// Since format 2 every inactivation is decided at the end of a read, or was when it was planned.
fn has_vanished(planned: &Planned<'_>) -> bool {
    matches!(planned.line.action, Action::MarkInactive { .. })
}

fn is_staged(planned: &Planned<'_>) -> bool {
    matches!(planned.line.action, Action::Hold { .. } | Action::Stage { .. })
}

fn told(counters: &Counters) -> String {
    serde_json::to_string(counters).unwrap_or_default()
}
