//! Closing a run.

use ambient::Clock;
use domain::{
    plan::ChainHash,
    run::{Counters, RunStatus, TenantFailure, TenantStatus},
};
use jiff::SignedDuration;
use store::{Progress, probe::Fault};
use workflow::payloads::CaughtError;

use crate::house::{Dump, House, RUN, WORKSPACE, queued, tenant};

#[tokio::test]
async fn a_run_ends_as_its_tenants_did() {
    use TenantStatus::{Completed, Failed, Held};
    for (tenants, status) in [
        (vec![], RunStatus::NothingToDo),
        (vec![Completed, Completed], RunStatus::Completed),
        (vec![Completed, Held], RunStatus::Held),
        (vec![Completed, Failed], RunStatus::Partial),
        (vec![Held, Failed], RunStatus::Partial),
        (vec![Failed, Failed], RunStatus::Failed),
    ] {
        let house = House::begun(tenants.len() as u128).await;
        let mut people = 0;
        for (number, status) in (1..).zip(&tenants) {
            house.end(number, *status).await;
            people += u64::try_from(number).unwrap();
        }
        assert_eq!(house.finish(None).await.unwrap().status, status, "{tenants:?}");
        let run = house.run().await;
        assert_eq!((run.run_status, run.completed_at), (status, Some(house.clock.now())));
        assert_eq!((run.counters.read, run.counters.created), (people, people), "{tenants:?}");
        let failed = tenants.iter().filter(|status| **status == Failed).count();
        assert_eq!(run.total_tenants as usize, tenants.len());
        assert_eq!(
            (run.succeeded_tenants as usize, run.failed_tenants as usize),
            (tenants.len() - failed, failed)
        );
    }
}

#[tokio::test]
async fn a_run_is_finished_once() {
    let house = House::begun(2).await;
    house.end(1, TenantStatus::Completed).await;
    let first = house.finish(None).await.unwrap();
    let before = house.dump().await;
    house.clock.advance(SignedDuration::from_hours(1));
    let error = CaughtError { error: "Fault".to_owned(), cause: String::new() };
    for error in [None, Some(error)] {
        assert_eq!(house.finish(error).await.unwrap(), first);
        assert_eq!(house.dump().await, before);
    }
}

#[tokio::test]
async fn who_never_came_to_an_end_fails_with_what_stopped_the_run() {
    let house = House::begun(3).await;
    house.end(1, TenantStatus::Completed).await;
    let error = CaughtError { error: "States.Timeout".to_owned(), cause: "somebody@example".to_owned() };
    let outcome = house.finish(Some(error)).await.unwrap();
    assert_eq!(outcome.status, RunStatus::Partial);
    let results = house.results().await;
    assert_eq!(results.len(), 3, "a result for every tenant");
    for result in results.into_iter().filter(|result| result.tenant != tenant(1)) {
        let failure = result.failure.unwrap();
        assert_eq!(
            (result.tenant_status, failure.code.as_str()),
            (TenantStatus::Failed, "run_stopped_early")
        );
        assert_eq!(failure.diagnostics.as_deref(), Some("error States.Timeout"), "and no cause");
        assert!(failure.remedy.contains("Run the sync again"));
    }
}

#[tokio::test]
async fn a_halted_run_gives_its_reason_to_every_tenant_left() {
    let house = House::begun(3).await;
    house.end(1, TenantStatus::Completed).await;
    let failure = TenantFailure {
        code: "client_secret_expired".to_owned(),
        message: "The app's client secret has expired.".to_owned(),
        remedy: "Create a new one.".to_owned(),
        diagnostics: Some("AADSTS7000222".to_owned()),
    };
    house.store.halt_run(WORKSPACE, RUN.run_id, &failure).await.unwrap();
    house.finish(None).await.unwrap();
    let failed = house.results().await.into_iter().filter_map(|result| result.failure);
    assert_eq!(failed.collect::<Vec<_>>(), [failure.clone(), failure.clone()]);
    assert_eq!(house.run().await.halted, Some(failure));
}

#[tokio::test]
async fn a_run_that_could_not_begin_has_failed_and_says_so() {
    let house = House::new().await;
    house.accept(queued(house.clock.now())).await;
    let error = CaughtError { error: "Fault".to_owned(), cause: "the table refuses GetItem".to_owned() };
    assert_eq!(house.finish(Some(error)).await.unwrap().status, RunStatus::Failed);
    let halted = house.run().await.halted.unwrap();
    assert_eq!(
        (halted.code.as_str(), halted.diagnostics.as_deref()),
        ("run_stopped_early", Some("error Fault"))
    );
}

#[tokio::test]
async fn a_cancelled_run_keeps_what_was_done() {
    let house = House::begun(3).await;
    house.end(1, TenantStatus::Completed).await;
    let lease = house.take(2).await;
    let counters = Counters { read: 5, created: 5, ..Counters::default() };
    let progress = Progress {
        run: RUN.run_id,
        started_at: house.clock.now(),
        pages: 2,
        cursor: Some("1.0.https://graph.example".to_owned()),
        only_changes: false,
        feed: None,
        read_complete: false,
        closed: false,
        counters,
        chain: ChainHash::GENESIS,
    };
    assert!(house.store.checkpoint(WORKSPACE, tenant(2), lease, &progress, house.clock.now()).await.unwrap());
    assert!(house.store.cancel_run(WORKSPACE, RUN.run_id).await.unwrap());
    house.clock.advance(SignedDuration::from_mins(1));

    assert_eq!(house.finish(None).await.unwrap().status, RunStatus::Cancelled);
    let run = house.run().await;
    assert_eq!((run.counters.created, run.succeeded_tenants, run.failed_tenants), (1 + 5, 1, 0));
    let results = house.results().await;
    let of = |number| results.iter().find(|result| result.tenant == tenant(number)).unwrap();
    assert_eq!((of(1).tenant_status, of(1).counters.created), (TenantStatus::Completed, 1));
    assert_eq!((of(2).tenant_status, of(2).counters, of(2).pages), (TenantStatus::Cancelled, counters, 2));
    assert_eq!((of(3).tenant_status, of(3).pages, &of(3).failure), (TenantStatus::Cancelled, 0, &None));
    assert!(!house.store.cancel_run(WORKSPACE, RUN.run_id).await.unwrap(), "it has ended");
}

#[tokio::test]
async fn finishing_may_be_cut_off_or_repeated_at_any_write() {
    let (expected, writes) = finished_with(|_| None).await;
    assert_eq!(writes, 3, "two results and the run");
    for fault in [Fault::Before, Fault::After, Fault::Twice] {
        for write in 1..=writes {
            let (left, _) = finished_with(move |number| (number == write).then_some(fault)).await;
            assert_eq!(left, expected, "{fault:?} at write {write}");
        }
    }
}

/// Finishes a run under `faults`, again once they are over; what is stored, and how many writes the
/// first attempt made.
async fn finished_with(faults: impl Fn(u64) -> Option<Fault> + Send + 'static) -> (Dump, u64) {
    let house = House::begun(3).await;
    house.end(2, TenantStatus::Held).await;
    house.probe.script(move |call| call.write.and_then(&faults));
    let _: Result<_, _> = house.finish(None).await;
    let writes = house.probe.counts().writes;
    house.probe.clear();
    assert_eq!(house.finish(None).await.unwrap().status, RunStatus::Partial);
    (house.dump().await, writes)
}
