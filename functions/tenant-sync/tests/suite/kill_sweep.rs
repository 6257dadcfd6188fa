//! A worker may die at any write, and any write may arrive twice or late: what is stored in the
//! end is the same.

use std::pin::pin;

use store::probe::Fault;
use tokio::sync::oneshot;

use crate::{house::House, scenes::Scene};

#[tokio::test]
async fn two_executions_leave_the_same_behind() {
    for scene in [Scene::first().await, Scene::later().await] {
        let (one, other) = (scene.undisturbed().await, scene.undisturbed().await);
        other.1.assert_same(&one.1, "the second execution");
        one.1.assert_sound("an undisturbed run");
        eprintln!("{:#?} {}", one.0.run.counters, one.2);
        for t in scene.tenants() { eprintln!("{}", one.0.tenant(t).pages); }
    }
}
