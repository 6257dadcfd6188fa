//! A worker may die at any write, and any write may arrive twice, late, or without an answer: what
//! is stored in the end is the same.

use std::pin::pin;

use ambient::Clock;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::run::RunStatus;
use jiff::SignedDuration;
use store::probe::Fault;
use tenant_sync::ATTEMPTS_MAX;
use workflow::payloads::Batch;

use crate::{
    gate::{Gate, Stop},
    house::{BATCH_TIME, House, managed},
    mishaps::{die, die_with_a_stored_page},
    scenes::Scene,
};

/// A little longer than a worker may be silent before its tenant is handed to another one.
const LEASE: SignedDuration = SignedDuration::from_secs(91);

/// What happens at one write.
#[derive(Clone, Copy, Debug)]
enum Mishap {
    /// The worker dies with it; a new one begins the workflow again.
    Death(Fault),
    /// The worker dies with it, and the one that goes on dies at one of its own writes.
    TwoDeaths,
    /// This call goes wrong and the worker goes on.
    Once(Fault),
    /// The worker stops in front of it for so long that another one is done before it goes on.
    Sleep,
}

#[tokio::test]
async fn two_executions_leave_the_same_behind() {
    for scene in [Scene::first().await, Scene::later().await, Scene::told().await] {
        let (one, other) = (scene.undisturbed().await, scene.undisturbed().await);
        other.1.assert_same(&one.1, "the second execution");
        one.1.assert_sound("an undisturbed run");
    }
}

#[tokio::test]
async fn the_first_sync_survives_a_death_before_any_write() {
    sweep(&Scene::first().await, Mishap::Death(Fault::Before)).await;
}

#[tokio::test]
async fn the_first_sync_survives_a_death_after_any_write() {
    sweep(&Scene::first().await, Mishap::Death(Fault::After)).await;
}

#[tokio::test]
async fn a_sync_of_what_has_changed_survives_a_death_before_any_write() {
    sweep(&Scene::told().await, Mishap::Death(Fault::Before)).await;
}

#[tokio::test]
async fn a_sync_of_what_has_changed_survives_a_death_after_any_write() {
    sweep(&Scene::told().await, Mishap::Death(Fault::After)).await;
}

#[tokio::test]
async fn any_write_of_a_sync_of_what_has_changed_may_lose_its_answer() {
    sweep(&Scene::told().await, Mishap::Once(Fault::After)).await;
}

#[tokio::test]
async fn any_write_of_a_sync_of_what_has_changed_may_arrive_twice() {
    sweep(&Scene::told().await, Mishap::Once(Fault::Twice)).await;
}

#[tokio::test]
async fn a_later_sync_survives_a_death_before_any_write() {
    sweep(&Scene::later().await, Mishap::Death(Fault::Before)).await;
}

#[tokio::test]
async fn a_later_sync_survives_a_death_after_any_write() {
    sweep(&Scene::later().await, Mishap::Death(Fault::After)).await;
}

#[tokio::test]
async fn an_apply_of_a_preview_survives_a_death_at_any_write() {
    survives_deaths(&Scene::preview_to_apply().await).await;
}

#[tokio::test]
async fn an_allow_of_waiting_lines_survives_a_death_at_any_write() {
    survives_deaths(&Scene::waiting_lines_to_allow().await).await;
}

#[tokio::test]
async fn a_sync_of_one_person_survives_a_death_at_any_write() {
    survives_deaths(&Scene::of_one_person().await).await;
}

#[tokio::test]
async fn a_change_of_links_survives_a_death_at_any_write() {
    survives_deaths(&Scene::of_changed_links().await).await;
}

#[tokio::test]
async fn an_undo_survives_a_death_at_any_write() {
    survives_deaths(&Scene::sync_to_undo().await).await;
}

#[tokio::test]
async fn any_write_of_the_first_sync_may_fail_once() {
    sweep(&Scene::first().await, Mishap::Once(Fault::Before)).await;
}

#[tokio::test]
async fn any_write_of_the_first_sync_may_lose_its_answer() {
    sweep(&Scene::first().await, Mishap::Once(Fault::After)).await;
}

#[tokio::test]
async fn any_write_of_the_first_sync_may_arrive_twice() {
    sweep(&Scene::first().await, Mishap::Once(Fault::Twice)).await;
}

#[tokio::test]
async fn any_write_of_a_later_sync_may_fail_once() {
    sweep(&Scene::later().await, Mishap::Once(Fault::Before)).await;
}

#[tokio::test]
async fn any_write_of_a_later_sync_may_lose_its_answer() {
    sweep(&Scene::later().await, Mishap::Once(Fault::After)).await;
}

#[tokio::test]
async fn any_write_of_a_later_sync_may_arrive_twice() {
    sweep(&Scene::later().await, Mishap::Once(Fault::Twice)).await;
}

#[tokio::test]
async fn a_worker_of_the_first_sync_that_comes_back_from_the_dead_changes_nothing() {
    sweep(&Scene::first().await, Mishap::Sleep).await;
}

#[tokio::test]
async fn a_worker_of_a_later_sync_that_comes_back_from_the_dead_changes_nothing() {
    sweep(&Scene::later().await, Mishap::Sleep).await;
}

#[tokio::test]
async fn two_workers_on_the_same_batch_leave_what_one_leaves() {
    for scene in [Scene::first().await, Scene::later().await, Scene::told().await] {
        let (_, expected, _) = scene.undisturbed().await;
        let house = scene.house().await;
        let tenants = scene.tenants().into_iter().map(managed).collect();
        let batch = Batch::new(scene.run, tenants).unwrap();
        let [one, other] = [house.worker(), house.worker()];
        one.begin(scene.run).await;
        let deadline = house.clock.now() + BATCH_TIME;
        let results = tokio::join!(
            one.tenants.sync_batch(&batch, deadline),
            other.tenants.sync_batch(&batch, deadline)
        );
        let (one, other) = (results.0.unwrap(), results.1.unwrap());
        assert_eq!(one.finished + other.finished, 2, "each tenant is worked by one of them");
        house.carry(scene.run).await;
        house.dump().await.settled().assert_same(&expected, "two workers");
    }
}

#[tokio::test]
async fn a_directory_page_of_several_plan_pages_may_be_cut_off_anywhere() {
    let scene = Scene::of_one_large_page().await;
    let house = scene.house().await;
    house.carry(scene.run).await;
    let pages = house.pages(scene.run, scene.tenants()[0]).await;
    let groups: Vec<u32> = pages.iter().map(|page| page.head.group_end).collect();
    assert_eq!(groups, [2, 2], "two plan pages of one directory page");
    for mishap in [Mishap::Death(Fault::Before), Mishap::Death(Fault::After)] {
        sweep(&scene, mishap).await;
    }
}

#[tokio::test]
async fn a_tenant_at_which_every_worker_dies_fails_alone() {
    let scene = Scene::first().await;
    let house = scene.house().await;
    let tenant = die_with_a_stored_page(&house, scene.run).await;
    let batch = Batch::new(scene.run, vec![managed(tenant)]).unwrap();
    for _ in 1..ATTEMPTS_MAX {
        house.clock.advance(LEASE);
        // The second write takes the tenant up; the first one finds that the run has had it before.
        let (gate, http) = Gate::at(Stop::Before(3), &house.engine);
        let worker = house.worker_over(http);
        tokio::select! {
            biased;
            () = gate.arrived() => {}
            _ = worker.tenants.sync_batch(&batch, house.clock.now() + BATCH_TIME) => panic!("it wrote nothing"),
        }
    }
    let ended = house.carry(scene.run).await;
    assert_eq!((ended.run.run_status, ended.run.failed_tenants), (RunStatus::Partial, 1));
    let failure = ended.tenant(tenant).failure.clone().unwrap();
    assert_eq!(failure.code, "gave_up");
    assert!(failure.message.contains("4 times") && failure.remedy.contains("Run the sync again"));
    house.dump().await.assert_sound("after giving up");
}

#[tokio::test]
async fn a_stored_plan_that_was_tampered_with_is_made_again_and_not_applied() {
    let scene = Scene::first().await;
    let (_, expected, _) = scene.undisturbed().await;
    let house = scene.house().await;
    die_with_a_stored_page(&house, scene.run).await;
    let mut content = house.dump().await;
    let page = content.items.iter_mut().find(|((_, sk), _)| sk.starts_with("PAGE#")).unwrap().1;
    page.insert("chain".to_owned(), AttributeValue::S("0".repeat(64)));
    let house = House::with(&house.microsoft, &content, house.clock.now()).await;
    house.carry(scene.run).await;
    house.dump().await.settled().assert_same(&expected, "made again");
}

#[tokio::test]
async fn a_run_that_waits_for_a_dead_worker_ends_within_two_minutes_of_its_death() {
    let scene = Scene::first().await;
    let house = scene.house().await;
    assert!(die(&house, scene.run, 10, Fault::After).await);
    let died = house.clock.now();
    let ended = house.carry(scene.run).await;
    let ended_at = ended.run.completed_at.unwrap();
    assert!(ended_at.duration_since(died) < SignedDuration::from_mins(2));
}

/// Before any write and after it, and with a second death while another worker goes on.
async fn survives_deaths(scene: &Scene) {
    let (ended, _, _) = scene.undisturbed().await;
    assert_eq!(ended.run.run_status, RunStatus::Completed, "{:?}", ended.tenants);
    for mishap in [Mishap::Death(Fault::Before), Mishap::Death(Fault::After), Mishap::TwoDeaths] {
        sweep(scene, mishap).await;
    }
}

/// Lets `mishap` happen at each write of the run in turn.
async fn sweep(scene: &Scene, mishap: Mishap) {
    let (_, expected, writes) = scene.undisturbed().await;
    assert!(writes > 8, "{writes}");
    let mut happened = 0;
    for write in 1..=writes {
        let house = scene.house().await;
        happened += u64::from(match mishap {
            Mishap::Death(fault) => {
                let died = die(&house, scene.run, write, fault).await;
                house.carry(scene.run).await;
                died
            }
            Mishap::TwoDeaths => {
                let died = die(&house, scene.run, write, Fault::After).await;
                // Another write each time, from the first ones to the last ones of what is left.
                die(&house, scene.run, 1 + write * 5 % 11, Fault::Before).await;
                house.carry(scene.run).await;
                died
            }
            Mishap::Once(fault) => stumble(&house, scene, write, fault).await,
            Mishap::Sleep => sleep(&house, scene, write).await,
        });
        let what = format!("{mishap:?} at write {write} of {writes}");
        let left = house.dump().await;
        left.assert_sound(&what);
        left.settled().assert_same(&expected, &what);
    }
    assert_eq!(happened, writes);
}

async fn stumble(house: &House, scene: &Scene, write: u64, fault: Fault) -> bool {
    house.probe.reset();
    house.probe.script(move |call| (call.write == Some(write)).then_some(fault));
    house.carry(scene.run).await;
    house.probe.counts().writes >= write
}

async fn sleep(house: &House, scene: &Scene, write: u64) -> bool {
    let (gate, http) = Gate::at(Stop::Before(write), &house.engine);
    let sleeper = house.worker_over(http);
    let mut sleeping = pin!(sleeper.carry(scene.run));
    let asleep = tokio::select! {
        biased;
        () = gate.arrived() => true,
        _ = &mut sleeping => false,
    };
    if asleep {
        house.carry(scene.run).await;
        gate.open();
        sleeping.await.unwrap();
    }
    asleep
}
