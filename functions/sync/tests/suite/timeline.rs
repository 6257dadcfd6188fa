//! One person's story over HTTP, and how far back it looks.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{
    house::{Does, House, Plan, tenant},
    plans::{created, page},
};

/// The ids of `count` runs that each say something of person 1, the oldest first.
async fn runs(house: &House, count: usize) -> Vec<Value> {
    house.engine_does(Does::Carry(Plan { pages: vec![page(vec![created(1), created(2)])], failure: None }));
    let mut runs = Vec::new();
    for _ in 0..count {
        house.passes(SignedDuration::from_mins(1));
        runs.push(house.begin().await);
    }
    runs
}

async fn story(house: &House, limit: &str) -> Value {
    let path = format!("/timeline?managedTenantId={}&entraObjectId={}{limit}", tenant(1), created(1).object);
    house.get(&path).await.data(200)
}

#[tokio::test]
async fn a_story_says_how_far_back_it_looked() {
    let house = House::new().await;
    let nothing = story(&house, "").await;
    assert_eq!(
        nothing,
        json!({
            "moments": [],
            "lookedThrough": { "runs": 0, "oldestRunId": null, "since": null, "olderRuns": false },
        })
    );
    let runs = runs(&house, 22).await;
    for (limit, looked, is_all) in
        [("", 20, false), ("&limit=5", 5, false), ("&limit=22", 22, true), ("&limit=50", 22, true)]
    {
        let story = story(&house, limit).await;
        let told: Vec<&Value> =
            story["moments"].as_array().unwrap().iter().map(|moment| &moment["runId"]).collect();
        let newest: Vec<&Value> = runs.iter().rev().take(looked).collect();
        assert_eq!(told, newest, "{limit}");
        let oldest = house.run(newest[looked - 1]).await;
        assert_eq!(
            story["lookedThrough"],
            json!({
                "runs": looked,
                "oldestRunId": oldest.id,
                "since": oldest.started_at,
                "olderRuns": !is_all,
            }),
            "{limit}"
        );
    }
}
