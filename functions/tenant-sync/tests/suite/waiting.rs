//! What crosses a stop limit waits until an operator decides, and for nothing else.

use std::collections::BTreeSet;

use domain::{
    ids::LineId,
    plan::{Action, Limit},
    policy::{Share, StopLimits},
    run::{RunKind, RunStatus},
    scope::Exclusion,
};
use store::{CompleteReadHours, PlanPart, PlanSource, SyncSettings};

use crate::{
    customer::Customer,
    house::{Ended, WORKSPACE},
};

/// Two are allowed and five come: three wait. Reads everybody each time, or for `hours` only changes.
async fn three_wait(hours: u32) -> (Customer, Ended, Vec<LineId>) {
    let mut customer = Customer::new().await;
    let mut settings =
        SyncSettings { complete_read_hours: CompleteReadHours(hours), ..SyncSettings::default() };
    settings.limits.creations = Share { count: 2, percent: 0 };
    customer.house.settings(settings).await;
    assert_eq!(customer.sync().await.run.counters.created, 3, "first people are no surge");
    for number in 1..=5 {
        customer.hire(number, "New Hire", &format!("hire{number}"), |_| {});
    }
    let ended = customer.sync().await;
    assert_eq!((ended.run.run_status, ended.run.counters.created), (RunStatus::Held, 2));
    let waiting = customer.lines().await.into_iter().filter_map(|line| match line.action {
        Action::Stage { limit: Limit::Creations, .. } => Some(line.id),
        _ => None,
    });
    let waiting: Vec<LineId> = waiting.collect();
    assert_eq!(waiting.len(), 3);
    (customer, ended, waiting)
}

/// What an operator does about what waits.
#[derive(Clone, Copy, Debug)]
enum Decides {
    Nothing,
    AllowsAll,
    AllowsOne,
    AllowsOneByOne,
    AllowsOneTwice,
    RejectsAll,
    RejectsOne,
    RejectsOneAllowsTheRest,
    RejectsOneTwice,
    AppliesTheSameAgain,
    TakesTheSyncBack,
    TakesTheSyncBackAsPreviewed,
}

async fn decide(customer: &mut Customer, of: &Ended, waiting: &[LineId], decides: Decides) {
    let allow = |lines: &[LineId]| PlanPart::Staged { lines: lines.to_vec() };
    let mut parts = Vec::new();
    let (mut rejected, mut times) = (None, 1);
    match decides {
        Decides::Nothing => {}
        Decides::AllowsAll => parts.push(allow(&[])),
        Decides::AllowsOne => parts.push(allow(&waiting[..1])),
        Decides::AllowsOneByOne => parts.extend(waiting.iter().map(|line| allow(&[*line]))),
        Decides::AllowsOneTwice => parts.extend([allow(&waiting[..1]), allow(&waiting[..1])]),
        Decides::RejectsAll => rejected = Some(&[][..]),
        Decides::RejectsOne => rejected = Some(&waiting[..1]),
        Decides::RejectsOneTwice => (rejected, times) = (Some(&waiting[..1]), 2),
        Decides::RejectsOneAllowsTheRest => {
            rejected = Some(&waiting[..1]);
            parts.push(allow(&waiting[1..]));
        }
        Decides::AppliesTheSameAgain => parts.push(PlanPart::Lines),
        Decides::TakesTheSyncBack => {
            parts.push(PlanPart::Undo { scope: domain::undo::UndoScope::default() });
        }
        Decides::TakesTheSyncBackAsPreviewed => {
            let part = PlanPart::Undo { scope: domain::undo::UndoScope::default() };
            let source = PlanSource { run: of.run.id, part };
            let preview = customer.work_from(RunKind::Preflight, source).await;
            let source = PlanSource { run: preview.run.id, part: PlanPart::Lines };
            customer.work_from(RunKind::Undo, source).await;
        }
    }
    if let Some(lines) = rejected {
        let (store, lines) = (&customer.house.store, lines.iter().copied().collect::<BTreeSet<_>>());
        for _ in 0..times {
            sync::reject(store, WORKSPACE, of.run.id, &lines, of.run.started_at).await.unwrap();
        }
    }
    for part in parts {
        let kind = if matches!(part, PlanPart::Undo { .. }) { RunKind::Undo } else { RunKind::Apply };
        let ended = customer.work_from(kind, PlanSource { run: of.run.id, part }).await;
        assert_eq!(ended.run.failed_tenants, 0, "{decides:?}");
    }
}

#[tokio::test]
async fn what_waits_at_a_limit_waits_until_an_operator_has_decided_about_it() {
    // Afterwards one more person comes. Whether the three who waited and the one who came have a contact
    // after that sync, how many wait after it, and how many the operator has let in.
    let cases = [
        (Decides::Nothing, 0, 4, 0),
        (Decides::AllowsAll, 1, 0, 3),
        (Decides::AllowsOne, 0, 3, 1),
        (Decides::AllowsOneByOne, 1, 0, 3),
        // Once is no more than once.
        (Decides::AllowsOneTwice, 0, 3, 1),
        (Decides::RejectsAll, 1, 0, 0),
        (Decides::RejectsOne, 0, 3, 0),
        (Decides::RejectsOneTwice, 0, 3, 0),
        (Decides::RejectsOneAllowsTheRest, 1, 0, 2),
        (Decides::AppliesTheSameAgain, 0, 4, 0),
        // The two who had come are cut off, and whoever waits goes on waiting.
        (Decides::TakesTheSyncBack, 0, 4, -2),
        (Decides::TakesTheSyncBackAsPreviewed, 0, 4, -2),
    ];
    for hours in [0, 168] {
        for (decides, created, held, let_in) in cases {
            let (mut customer, ended, waiting) = three_wait(hours).await;
            let before = customer.active().await;
            decide(&mut customer, &ended, &waiting, decides).await;
            assert_eq!(customer.active().await - before, let_in, "{decides:?}, {hours}");
            customer.hire(6, "Late Hire", "late", |_| {});
            let counters = customer.sync().await.run.counters;
            assert_eq!((counters.created, counters.held), (created, held), "{decides:?}, {hours}");
            let counters = customer.sync().await.run.counters;
            assert_eq!((counters.created, counters.held), (0, held), "{decides:?}, {hours}: once more");
        }
    }
}

#[tokio::test]
async fn who_was_rejected_is_decided_about_anew_once_that_is_taken_back() {
    let mut customer = Customer::new().await;
    customer.sync().await;
    let creations = Share { count: 0, percent: 0 };
    let limits = StopLimits { creations, ..StopLimits::default() };
    customer.house.settings(SyncSettings { limits, ..SyncSettings::default() }).await;
    customer.hire(50, "Nina New", "nina", |_| ());
    let held = customer.sync().await;
    assert_eq!(held.run.counters.held, 1);
    let (run, all) = (held.run.id, BTreeSet::new());
    let at = held.run.started_at;
    assert_eq!(sync::reject(&customer.house.store, WORKSPACE, run, &all, at).await.unwrap(), 1);
    customer.house.settings(SyncSettings::default()).await;
    assert_eq!(customer.sync().await.run.counters.created, 0, "she stays rejected");
    let action = customer.line("Nina New").await.action;
    let reason = Exclusion::RejectedByOperator;
    assert_eq!(action, Action::Exclude { reason, detail: None }, "and is not said to be dismissed");
    for taken_back in [1, 0] {
        let done = sync::reconsider(&customer.house.store, WORKSPACE, run, &all, at).await.unwrap();
        assert_eq!(done, taken_back);
    }
    assert_eq!(customer.sync().await.run.counters.created, 1);
    assert_eq!(customer.house.reviews().await.len(), 0, "and there is no question left");
}
