//! One person's story over HTTP, and how far back it looks.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{
    house::{Does, House, Plan, WORKSPACE, tenant},
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
            "nextAfter": null,
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

#[tokio::test]
async fn a_story_is_told_to_its_end_part_by_part() {
    let house = House::new().await;
    let runs = runs(&house, 61).await;
    for limit in [1, 7, 30, 50] {
        let (mut told, mut after, mut parts) = (Vec::new(), String::new(), 0);
        loop {
            let part = story(&house, &format!("&limit={limit}{after}")).await;
            let moments = part["moments"].as_array().unwrap();
            told.extend(moments.iter().map(|moment| moment["runId"].clone()));
            parts += 1;
            assert_eq!(part["lookedThrough"]["olderRuns"], json!(!part["nextAfter"].is_null()), "{limit}");
            let Some(next) = part["nextAfter"].as_str() else { break };
            assert_eq!(Some(next), part["lookedThrough"]["oldestRunId"].as_str());
            after = format!("&after={next}");
        }
        let newest: Vec<Value> = runs.iter().rev().cloned().collect();
        assert_eq!(told, newest, "{limit}: every run once, the newest first");
        assert_eq!(parts, 61_usize.div_ceil(limit), "{limit}");
    }
    let path = format!("/timeline?managedTenantId={}&entraObjectId={}", tenant(1), created(1).object);
    house.get(&format!("{path}&after=yesterday")).await.refused(400, "invalid_id");
}

#[tokio::test]
async fn parts_of_a_story_put_together_are_the_story() {
    let house = House::new().await;
    runs(&house, 9).await;
    let part = async |after, runs| {
        let of = (after, runs);
        sync::timeline(&house.store, WORKSPACE, tenant(1), created(1).object, of).await.unwrap()
    };
    let whole = part(None, 50).await;
    let mut told = part(None, 4).await;
    while let Some(after) = told.next_after {
        told.go_on(part(Some(after), 4).await);
    }
    assert_eq!(told, whole);
    assert_eq!((told.moments.len(), told.looked_through.runs), (9, 9));
}
