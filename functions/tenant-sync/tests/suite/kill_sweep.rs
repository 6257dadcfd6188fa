//! A worker may die at any write, and any write may arrive twice, late, or without an answer: what
//! is stored in the end is the same.

use std::pin::pin;

use store::probe::Fault;
use tokio::sync::oneshot;

use crate::{gate::Gate, house::House, scenes::Scene};

/// What happens at one write.
#[derive(Clone, Copy, Debug)]
enum Mishap {
    /// The worker dies with it; a new one begins the workflow again.
    Death(Fault),
    /// This call goes wrong and the worker goes on.
    Once(Fault),
    /// The worker stops in front of it for so long that another one is done before it goes on.
    Sleep,
}

#[tokio::test]
async fn two_executions_leave_the_same_behind() {
    for scene in [Scene::first().await, Scene::later().await] {
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
async fn a_later_sync_survives_a_death_before_any_write() {
    sweep(&Scene::later().await, Mishap::Death(Fault::Before)).await;
}

#[tokio::test]
async fn a_later_sync_survives_a_death_after_any_write() {
    sweep(&Scene::later().await, Mishap::Death(Fault::After)).await;
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

/// Lets `mishap` happen at each write of the run in turn.
async fn sweep(scene: &Scene, mishap: Mishap) {
    let (_, expected, writes) = scene.undisturbed().await;
    assert!(writes > 30, "{writes}");
    let mut happened = 0;
    for write in 1..=writes {
        let house = scene.house().await;
        happened += u64::from(match mishap {
            Mishap::Death(fault) => die(&house, scene, write, fault).await,
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

/// Lets a worker die at `write` and a new one go on; whether it came to that.
async fn die(house: &House, scene: &Scene, write: u64, fault: Fault) -> bool {
    let died = until_death(house, scene, write, fault).await;
    house.probe.clear();
    house.carry(scene.run).await;
    died
}

/// From the moment of death on, nothing of the worker reaches the table.
async fn until_death(house: &House, scene: &Scene, write: u64, fault: Fault) -> bool {
    let (send, death) = oneshot::channel();
    let mut alive = Some(send);
    house.probe.reset();
    house.probe.script(move |call| {
        if alive.is_some() && call.write == Some(write) {
            alive.take()?.send(()).ok();
            return Some(fault);
        }
        alive.is_none().then_some(Fault::Before)
    });
    let worker = house.worker();
    tokio::select! {
        biased;
        _ = death => true,
        _ = worker.carry(scene.run) => false,
    }
}

async fn stumble(house: &House, scene: &Scene, write: u64, fault: Fault) -> bool {
    house.probe.reset();
    house.probe.script(move |call| (call.write == Some(write)).then_some(fault));
    house.carry(scene.run).await;
    house.probe.counts().writes >= write
}

async fn sleep(house: &House, scene: &Scene, write: u64) -> bool {
    let (gate, http) = Gate::before(write, &house.engine);
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
