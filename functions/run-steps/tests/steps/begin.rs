//! Opening a run.

use ambient::Clock;
use domain::{
    ids::{ClientId, UserId},
    mandate::Mandate,
    mapping::Decision,
    run::{RunKind, RunStatus, TenantFailure, Trigger},
};
use run_steps::StepOutput;
use store::{Run, RunScope, probe::Fault};
use uuid::Uuid;

use crate::house::{House, RUN, WORKSPACE, client, queued, target, tenant};

#[tokio::test]
async fn a_run_covers_what_is_mapped_when_it_begins_and_keeps_it() {
    let house = House::new().await;
    for number in 1..=3 {
        house.map(number, client(number)).await;
    }
    house.decide(4, Decision::SkipForNow).await;
    house.decide(5, Decision::NeedsReview).await;
    house.accept(queued(house.clock.now())).await;
    assert_eq!(house.begin().await, Ok(StepOutput::Begun(RUN)));
    let mut covered = house.store.targets(WORKSPACE, RUN.run_id).await.unwrap();
    covered.sort_unstable_by_key(|target| target.client);
    assert_eq!(covered, [1, 2, 3].map(target));
    let run = house.run().await;
    assert_eq!((run.run_status, run.total_tenants), (RunStatus::Running, 3));

    // Begun again, after another decision, it changes nothing.
    house.map(6, client(6)).await;
    house.decide(1, Decision::Unmapped).await;
    let before = house.dump().await;
    assert_eq!(house.begin().await, Ok(StepOutput::Begun(RUN)));
    assert_eq!(house.dump().await, before);
}

/// A workspace may have been switched off between the request and the first step.
#[tokio::test]
async fn a_run_that_was_halted_before_it_began_covers_nobody_and_makes_no_client() {
    let house = House::new().await;
    house.map(1, client(1)).await;
    house.decide(2, Decision::CreateNew).await;
    house.accept(Run { kind: RunKind::Initial, ..queued(house.clock.now()) }).await;
    let failure = TenantFailure {
        code: "integration_disabled".to_owned(),
        message: "Switched off.".to_owned(),
        remedy: "Switch it on.".to_owned(),
        diagnostics: None,
    };
    house.store.halt_run(WORKSPACE, RUN.run_id, &failure).await.unwrap();
    let before = house.dump().await;
    assert_eq!(house.begin().await, Ok(StepOutput::Begun(RUN)));
    assert_eq!(house.dump().await, before);
    house.finish(None).await.unwrap();
    let ended = house.run().await;
    assert_eq!((ended.run_status, ended.halted), (RunStatus::Failed, Some(failure)));
}

/// The request has asked already; a task asks again.
#[tokio::test]
async fn a_run_without_the_permission_for_it_covers_nobody_and_makes_no_client() {
    let syncs = Mandate::Person { user: UserId::new(Uuid::from_u128(0xD1)), operate: true, approve: false };
    for (kind, mandate) in
        [(RunKind::Initial, None), (RunKind::Initial, Some(Mandate::Schedule)), (RunKind::Apply, Some(syncs))]
    {
        let house = House::new().await;
        house.map(1, client(1)).await;
        house.decide(2, Decision::CreateNew).await;
        house.accept(Run { kind, mandate, ..queued(house.clock.now()) }).await;
        assert_eq!(house.begin().await, Ok(StepOutput::Begun(RUN)), "{mandate:?}");
        assert!(house.store.targets(WORKSPACE, RUN.run_id).await.unwrap().is_empty(), "{mandate:?}");
        assert!(house.store.clients(WORKSPACE).await.unwrap().is_empty(), "{mandate:?}");
        house.finish(None).await.unwrap();
        let ended = house.run().await;
        let code = ended.halted.map(|halted| halted.code);
        assert_eq!(
            (ended.run_status, code.as_deref()),
            (RunStatus::Failed, Some("not_mandated")),
            "{mandate:?}"
        );
    }
}

#[tokio::test]
async fn a_scope_narrows_what_a_run_covers() {
    for (scope, expected) in [
        (RunScope::default(), vec![1, 2, 3]),
        (RunScope { client: Some(client(1)), tenant: None, ..RunScope::default() }, vec![1, 3]),
        (RunScope { client: None, tenant: Some(tenant(2)), ..RunScope::default() }, vec![2]),
        (RunScope { client: Some(client(1)), tenant: Some(tenant(3)), ..RunScope::default() }, vec![3]),
        (RunScope { client: Some(client(2)), tenant: Some(tenant(3)), ..RunScope::default() }, vec![]),
    ] {
        let house = House::new().await;
        for (number, at) in [(1, 1), (2, 2), (3, 1)] {
            house.map(number, client(at)).await;
        }
        house.accept(Run { scope, ..queued(house.clock.now()) }).await;
        house.begin().await.unwrap();
        let covered = house.store.targets(WORKSPACE, RUN.run_id).await.unwrap();
        let expected: std::collections::BTreeSet<_> = expected.into_iter().map(tenant).collect();
        assert_eq!(
            covered.into_iter().map(|target| target.tenant).collect::<std::collections::BTreeSet<_>>(),
            expected
        );
    }
}

#[tokio::test]
async fn nobody_begins_a_run_that_is_not_there() {
    let house = House::new().await;
    assert_eq!(house.begin().await.unwrap_err().name(), "InvalidInput");
    assert_eq!(house.finish(None).await.unwrap_err().name(), "InvalidInput");
}

#[tokio::test]
async fn an_ended_run_does_not_begin_again() {
    let house = House::begun(0).await;
    house.finish(None).await.unwrap();
    house.map(1, client(1)).await;
    let before = house.dump().await;
    assert_eq!(house.begin().await, Ok(StepOutput::Begun(RUN)));
    assert_eq!(house.dump().await, before);
}

#[tokio::test]
async fn a_table_that_does_not_answer_is_worth_trying_again() {
    let house = House::new().await;
    house.accept(queued(house.clock.now())).await;
    house.probe.script(|_| Some(Fault::Before));
    assert_eq!(house.begin().await.unwrap_err().name(), "Transient");
    house.probe.clear();
    house.begin().await.unwrap();
}

#[tokio::test]
async fn a_client_that_is_to_be_created_is_created_once_and_synced() {
    let house = House::new().await;
    house.decide(1, Decision::CreateNew).await;
    house.map(2, client(2)).await;
    house.accept(queued(house.clock.now())).await;
    house.begin().await.unwrap();
    let id = ClientId::derived(WORKSPACE, tenant(1));
    let made = house.store.client_by_id(WORKSPACE, id).await.unwrap().unwrap();
    assert_eq!((made.name.as_str(), made.website.as_deref()), ("Tenant 1", Some("tenant1.example")));
    let mapping = house.store.mapping(WORKSPACE, tenant(1)).await.unwrap().unwrap();
    assert_eq!(mapping.current.decision, Decision::Mapped { client: id });
    assert_eq!(mapping.history[0].decision, Decision::CreateNew);
    assert_eq!(house.run().await.total_tenants, 2);
}

#[tokio::test]
async fn only_a_person_who_starts_everything_creates_clients() {
    let everything = RunScope::default();
    let one = RunScope { client: Some(client(2)), tenant: None, ..RunScope::default() };
    for (kind, trigger, scope) in [
        (RunKind::AllTenants, Trigger::Scheduled, everything),
        (RunKind::Preflight, Trigger::Manual, everything),
        (RunKind::SingleTenant, Trigger::Manual, one),
    ] {
        let house = House::new().await;
        house.decide(1, Decision::CreateNew).await;
        house.map(2, client(2)).await;
        house.accept(Run { kind, trigger, scope, ..queued(house.clock.now()) }).await;
        house.begin().await.unwrap();
        assert_eq!(house.store.clients(WORKSPACE).await.unwrap(), [], "{kind:?} {trigger:?}");
        assert_eq!(house.run().await.total_tenants, 1);
    }
}

#[tokio::test]
async fn beginning_may_be_cut_off_or_repeated_at_any_write() {
    let (expected, writes) = begun_with(|_| None).await;
    assert!(writes >= 4, "{writes}");
    for fault in [Fault::Before, Fault::After, Fault::Twice] {
        for write in 1..=writes {
            let (left, _) = begun_with(move |number| (number == write).then_some(fault)).await;
            assert_eq!(left, expected, "{fault:?} at write {write}");
        }
    }
}

/// Begins a run under `faults`, again once they are over; what is stored, and how many writes the
/// first attempt made.
async fn begun_with(faults: impl Fn(u64) -> Option<Fault> + Send + 'static) -> (crate::house::Dump, u64) {
    let house = House::new().await;
    for number in [1, 2] {
        house.decide(number, Decision::CreateNew).await;
    }
    house.map(3, client(3)).await;
    house.accept(queued(house.clock.now())).await;
    house.probe.script(move |call| call.write.and_then(&faults));
    let _: Result<_, _> = house.begin().await;
    let writes = house.probe.counts().writes;
    house.probe.clear();
    house.begin().await.unwrap();
    (house.dump().await, writes)
}
