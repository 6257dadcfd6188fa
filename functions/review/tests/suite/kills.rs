//! A request may die at any write, any write may arrive twice, and others may be at work on the tenant:
//! the answer is carried out once, or not at all.

use ambient::Clock;
use domain::{
    contact::{Contact, Link},
    ids::RunId,
    run::{RunKind, RunStatus, Trigger},
};
use jiff::SignedDuration;
use serde_json::json;
use store::{ReviewStatus, Run, RunScope, probe::Fault};
use uuid::Uuid;

use crate::{
    answers::{Scene, candidate, scene},
    world::{Answer, CLIENT, TENANT, WORKSPACE, item_id, managed},
};

/// A question and an answer to it.
#[derive(Clone, Copy, Debug)]
enum Case {
    Create(&'static str),
    Dismiss(&'static str),
    Link(&'static str, usize),
}

const CASES: [Case; 6] = [
    Case::Create("address_shared"),
    Case::Create("linked_at_other_client"),
    Case::Dismiss("alias_only"),
    Case::Link("mailbox_reused", 0),
    Case::Link("moved_to_an_unlinked_contact", 1),
    Case::Link("owned_by_colleague", 0),
];

impl Case {
    async fn scene(self) -> Scene {
        match self {
            Self::Create(conflict) | Self::Dismiss(conflict) | Self::Link(conflict, _) => {
                scene(conflict).await
            }
        }
    }

    async fn answer(self, scene: &Scene) -> Answer {
        match self {
            Self::Create(_) => scene.world.create(1).await,
            Self::Dismiss(_) => scene.world.dismiss(1).await,
            Self::Link(_, position) => {
                let contact = candidate(scene, position).await;
                scene.world.link(1, contact).await
            }
        }
    }
}

/// What is left behind, without what differs from run to run.
#[derive(Debug, PartialEq)]
struct Left {
    contacts: Vec<Contact>,
    links: Vec<Link>,
    status: ReviewStatus,
    kind: Option<domain::plan::AnswerKind>,
    deciding: Option<RunId>,
    completed: usize,
}

impl Left {
    async fn by(scene: &Scene) -> Self {
        let store = scene.world.store();
        let item = store.review(WORKSPACE, item_id(1)).await.unwrap().unwrap();
        let runs = store.runs(WORKSPACE, None, 50).await.unwrap();
        assert!(runs.iter().all(|run| run.run_status.is_terminal()), "no run goes on for ever: {runs:?}");
        for run in runs.iter().filter(|run| run.run_status == RunStatus::Completed) {
            assert!(run.counters.is_consistent(), "{run:?}");
            assert_eq!(store.targets(WORKSPACE, run.id).await.unwrap().len(), 1);
            let results = store.tenant_runs(WORKSPACE, run.id).await.unwrap();
            let pages = store.pages(WORKSPACE, run.id, managed(), 0, 10).await.unwrap();
            assert_eq!(results[0].pages as usize, pages.len());
            assert_eq!(results[0].chain, pages.last().map(|page| page.head.chain));
        }
        Self {
            contacts: scene.world.contacts().await,
            links: store.links(WORKSPACE, TENANT).await.unwrap(),
            status: item.review_status,
            kind: item.resolution.map(|resolution| resolution.kind),
            deciding: item.deciding,
            completed: runs.iter().filter(|run| run.run_status == RunStatus::Completed).count(),
        }
    }
}

/// Longer than a dead request keeps the tenant.
fn wait(scene: &Scene) {
    scene.world.clock.advance(SignedDuration::from_secs(100));
}

async fn undisturbed(case: Case) -> (Left, u64) {
    let scene = case.scene().await;
    scene.world.probe.reset();
    case.answer(&scene).await.data();
    let writes = scene.world.probe.counts().writes;
    (Left::by(&scene).await, writes)
}

#[tokio::test]
async fn a_request_that_dies_at_any_write_is_gone_on_with_by_the_next() {
    for case in CASES {
        let (expected, writes) = undisturbed(case).await;
        assert!(writes >= 9, "{case:?}: {writes}");
        for (write, fault) in (1..=writes).flat_map(|write| [(write, Fault::Before), (write, Fault::After)]) {
            let what = format!("{case:?}, write {write}, {fault:?}");
            let scene = case.scene().await;
            scene.world.probe.reset();
            scene.world.probe.script(move |call| match call.write {
                Some(this) if this == write => Some(fault),
                Some(this) if this > write => Some(Fault::Before),
                _ => None,
            });
            assert_eq!(case.answer(&scene).await.refused(), (503, "store_unavailable"), "{what}");
            scene.world.probe.clear();
            wait(&scene);
            case.answer(&scene).await.data();
            assert_eq!(Left::by(&scene).await, expected, "{what}");
        }
    }
}

#[tokio::test]
async fn any_write_may_fail_once_or_arrive_twice() {
    for case in CASES {
        let (expected, writes) = undisturbed(case).await;
        for (write, fault) in (1..=writes).flat_map(|write| [(write, Fault::After), (write, Fault::Twice)]) {
            let what = format!("{case:?}, write {write}, {fault:?}");
            let scene = case.scene().await;
            scene.world.probe.reset();
            scene.world.probe.script(move |call| (call.write == Some(write)).then_some(fault));
            let mut tries = 0;
            while case.answer(&scene).await.status != 200 {
                tries += 1;
                assert!(tries < 3, "{what}");
                wait(&scene);
            }
            scene.world.probe.clear();
            // The end of a run that was carried out may still be to note.
            wait(&scene);
            case.answer(&scene).await.data();
            assert_eq!(Left::by(&scene).await, expected, "{what}");
        }
    }
}

#[tokio::test]
async fn of_two_operators_one_decides() {
    for case in [Case::Link("multiple_email_matches", 0), Case::Dismiss("multiple_email_matches")] {
        let scene = case.scene().await;
        let other = candidate(&scene, 1).await;
        let (one, two) = tokio::join!(case.answer(&scene), scene.world.link(1, other));
        let runs = scene.world.store().runs(WORKSPACE, None, 10).await.unwrap();
        let completed: Vec<_> = runs.iter().filter(|run| run.run_status == RunStatus::Completed).collect();
        assert_eq!(completed.len(), 1, "{runs:?}");
        let codes = ["item_being_decided", "item_not_open", "tenant_busy"];
        for answer in [&one, &two] {
            // Whoever dismisses what the other one has answered is told of that answer.
            let is_told = answer.status == 200 && answer.body["data"]["runId"] == json!(completed[0].id);
            let (status, code) = answer.refused();
            assert!(is_told || status == 409 && codes.contains(&code), "{one:?} {two:?}");
        }
        assert!(one.status == 200 || two.status == 200);
        let stamped = scene.world.contacts().await.into_iter().filter(|contact| contact.entra.is_some());
        assert!(stamped.count() <= 1);
        assert!(!scene.is_open().await);
    }
}

#[tokio::test]
async fn nobody_is_answered_about_while_the_tenant_is_being_synced() {
    let scene = scene("alias_only").await;
    let (store, clock) = (scene.world.store(), &scene.world.clock);
    let id = RunId::new(Uuid::from_u128(0x5));
    let run: Run = serde_json::from_value(json!({
        "id": id, "workspace": WORKSPACE, "kind": RunKind::AllTenants, "trigger": Trigger::Manual,
        "runStatus": RunStatus::Running, "scope": RunScope::default(), "startedAt": clock.now(),
    }))
    .unwrap();
    store.create_run(&run).await.unwrap();
    let (lease, _) = store.acquire(WORKSPACE, managed(), id, clock.now()).await.unwrap().unwrap();
    let before = scene.world.contacts().await;
    assert_eq!(scene.world.create(1).await.refused(), (409, "tenant_busy"));
    // Between two waves nobody holds the tenant, but the plan that is stored may be applied yet.
    store.release_tenant(WORKSPACE, managed(), lease, None).await.unwrap();
    assert_eq!(scene.world.create(1).await.refused(), (409, "tenant_busy"));
    assert_eq!(scene.world.contacts().await, before);
    assert_eq!(store.runs(WORKSPACE, None, 10).await.unwrap().len(), 1, "no run is left over");
    // A run that nothing moves any more does not stand in the way for ever.
    clock.advance(SignedDuration::from_mins(20));
    scene.world.create(1).await.data();
    assert_eq!(scene.world.linked(1).await.unwrap().client, CLIENT);
}

#[tokio::test]
async fn a_human_edit_between_plan_and_write_stops_the_answer() {
    let scene = scene("alias_only").await;
    let contact = candidate(&scene, 0).await;
    // Six writes lead up to the contact's.
    let (sender, receiver) = std::sync::mpsc::channel();
    scene.world.probe.reset();
    scene.world.probe.script(move |call| {
        if call.write == Some(7) {
            let _: Result<_, _> = sender.send(());
            return Some(Fault::Before);
        }
        None
    });
    assert_eq!(scene.world.link(1, contact).await.refused(), (503, "store_unavailable"));
    receiver.try_recv().unwrap();
    scene.world.probe.clear();
    scene.world.contact(1, "Edited by hand", "desk@acme.example").await;
    wait(&scene);
    // What was planned does not hold any more; what holds now is planned and done.
    let data = scene.world.link(1, contact).await.data();
    assert_eq!(data["contactNameId"], json!(contact));
    assert_eq!(scene.world.linked(1).await.unwrap().id, contact);
    let runs = scene.world.store().runs(WORKSPACE, None, 10).await.unwrap();
    let stale: Vec<u64> = runs.iter().map(|run| run.counters.stale).collect();
    assert_eq!(stale, [0, 1], "the first one is reported");
}

/// The run is in the list, and whoever looks at it has to see that it did nothing.
#[tokio::test]
async fn a_run_that_died_before_it_had_a_plan_says_that_the_answer_was_not_carried_out() {
    let case = CASES[0];
    let (_, writes) = undisturbed(case).await;
    let mut told = 0;
    for write in 1..=writes {
        let scene = case.scene().await;
        scene.world.probe.reset();
        scene.world.probe.script(move |call| call.write.filter(|this| *this >= write).map(|_| Fault::Before));
        case.answer(&scene).await.refused();
        scene.world.probe.clear();
        wait(&scene);
        case.answer(&scene).await.data();
        let store = scene.world.store();
        for run in store.runs(WORKSPACE, None, 50).await.unwrap() {
            for result in store.tenant_runs(WORKSPACE, run.id).await.unwrap() {
                let Some(failure) = result.failure else { continue };
                assert_eq!(failure.code, "answer_not_carried_out", "write {write}");
                assert_eq!((run.run_status, result.pages), (RunStatus::Failed, 0), "write {write}");
                told += 1;
            }
        }
    }
    assert!(told >= 1, "there is a moment between the run and its plan");
}
