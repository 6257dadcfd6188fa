//! What an operator decides about lines that wait is about lines that wait, and a request that carries out says so.

use domain::{
    ids::{RunId, UserId},
    plan::{Action, Limit, Line},
    planner::Held,
};
use edge::{Caller, Permission};
use serde_json::{Value, json};
use store::{Ground, Lease, Settled, TenantRun};

use crate::{
    house::{Does, House, Plan, WORKSPACE, caller, tenant},
    plans::{created, line, page},
};

fn waits() -> Line {
    let proposal = Box::new(created(1).action);
    line(1, created(1).rule, Action::Stage { proposal, limit: Limit::Creations })
}

/// A run of that kind, in which a line waits, or would.
async fn run_with_a_waiting_line(house: &House, path: &str, body: Value) -> String {
    house.passes(jiff::SignedDuration::from_mins(1));
    house.engine_does(Does::Carry(Plan { pages: vec![page(vec![waits()])], failure: None }));
    let answer = house.post(path, body).await;
    let data = &answer.body["data"];
    data["runId"].as_str().unwrap_or_else(|| panic!("{}", answer.body)).to_owned()
}

/// Three lines of tenant 1 wait since its last sync, so its limit is shut.
async fn shut(house: &House, run: &str) -> Ground {
    let run: RunId = run.parse().unwrap();
    let ended = house.store.tenant_runs(WORKSPACE, run).await.unwrap();
    let result: &TenantRun = ended.iter().find(|result| result.tenant == tenant(1)).unwrap();
    let other = RunId::new(uuid::Uuid::from_u128(0x0ABC));
    let now = house.sync.clock.now();
    let (lease, _): (Lease, _) =
        house.store.acquire(WORKSPACE, tenant(1), other, now).await.unwrap().unwrap();
    let ground = Ground { held: Held { creations: 3, ..Held::default() }, ..Ground::default() };
    let settled = Settled::Everybody(&ground);
    assert!(house.store.end_tenant(WORKSPACE, other, lease, result, settled).await.unwrap());
    ground
}

async fn held(house: &House) -> Held {
    let states = house.store.tenant_states(WORKSPACE, &[tenant(1)]).await.unwrap();
    states[0].1.ground.held
}

#[tokio::test]
async fn a_decision_about_a_preview_is_refused_and_opens_no_limit() {
    let house = House::new().await;
    let sync = run_with_a_waiting_line(&house, "", json!({ "scope": "all-tenants" })).await;
    let ground = shut(&house, &sync).await;
    let preview =
        run_with_a_waiting_line(&house, "/preflight", json!({ "managedTenantId": tenant(1) })).await;
    let line = waits().id;
    for decision in ["reject", "reconsider"] {
        for lines in [json!({}), json!({ "lineIds": [line] })] {
            let path = format!("/runs/{preview}/held/{decision}");
            house.post(&path, lines.clone()).await.refused(409, "nothing_waits_in_a_preview");
            assert_eq!(held(&house).await, ground.held, "{decision}, {lines}");
        }
    }
    // Of the sync itself it is taken, and everything is decided.
    let rejected = house.post(&format!("/runs/{sync}/held/reject"), json!({})).await.data(200);
    assert_eq!(rejected["rejected"], 3, "a line of each tenant");
    assert!(held(&house).await.is_none());
}

#[tokio::test]
async fn whoever_asks_for_a_preview_of_what_is_carried_out_is_refused() {
    let house = House::new().await;
    let sync = run_with_a_waiting_line(&house, "", json!({ "scope": "all-tenants" })).await;
    let preview =
        run_with_a_waiting_line(&house, "/preflight", json!({ "managedTenantId": tenant(1) })).await;
    let runs = house.store.runs(WORKSPACE, None, 50).await.unwrap().len();
    for path in [
        format!("/runs/{preview}/apply"),
        format!("/runs/{sync}/held/allow"),
        format!("/runs/{sync}/held/reject"),
        format!("/runs/{sync}/held/reconsider"),
    ] {
        house.post(&path, json!({ "preview": true })).await.refused(400, "preview_of_a_plan");
        assert_eq!(house.store.runs(WORKSPACE, None, 50).await.unwrap().len(), runs, "{path}");
    }
    for said in [json!({ "preview": false }), json!({})] {
        let begun = house.post(&format!("/runs/{preview}/apply"), said).await.data(202);
        assert_eq!(begun["isDryRun"], false);
    }
}

#[tokio::test]
async fn with_four_eyes_it_takes_another_person_to_let_through_what_waits() {
    let house = House::new().await;
    let nothing = run_with_a_waiting_line(&house, "", json!({ "scope": "all-tenants" })).await;
    house.passes(jiff::SignedDuration::from_mins(1));
    let mut waiting = page(vec![waits()]);
    waiting.counters.held = 1;
    house.engine_does(Does::Carry(Plan { pages: vec![waiting], failure: None }));
    let sync = house.post("", json!({ "scope": "all-tenants" })).await.data(202)["runId"].clone();
    let sync = sync.as_str().unwrap().to_owned();
    let settings = store::SyncSettings { four_eyes: true, ..store::SyncSettings::default() };
    house.store.put_settings(WORKSPACE, &settings).await.unwrap();
    let somebody = |number: u128| Caller {
        user: Some(UserId::new(uuid::Uuid::from_u128(number))),
        ..caller(WORKSPACE, &Permission::ALL)
    };
    let allow = async |who: Caller, run: &str, body: Value| {
        house.ask("POST", &format!("/runs/{run}/held/allow"), Some(body), who).await
    };
    let runs = async || house.store.runs(WORKSPACE, None, 50).await.unwrap().len();
    let before = runs().await;
    let nobody = uuid::Uuid::from_u128(0xBAD).to_string();
    allow(somebody(1), &nobody, json!({})).await.refused(404, "unknown_run");
    allow(somebody(1), &nothing, json!({})).await.refused(409, "nothing_held");
    for _ in 0..2 {
        allow(somebody(1), &sync, json!({})).await.refused(409, "second_person_needed");
    }
    // Another one asks for something else.
    let one = json!({ "lineIds": [waits().id] });
    allow(somebody(2), &sync, one.clone()).await.refused(409, "second_person_needed");
    house.passes(jiff::SignedDuration::from_hours(25));
    allow(somebody(2), &sync, json!({})).await.refused(409, "second_person_needed");
    assert_eq!(runs().await, before, "nothing was started");
    // The first one's word has run out, and the second one's is the first now.
    let begun = allow(somebody(1), &sync, json!({})).await.data(202);
    assert_eq!(begun["sourceRunId"], sync.as_str());
    assert_eq!(runs().await, before + 1);
    // Once.
    allow(somebody(1), &sync, json!({})).await.refused(409, "second_person_needed");
    // What does not let anything through takes one.
    house.post(&format!("/runs/{sync}/held/reject"), json!({})).await.data(200);
}
