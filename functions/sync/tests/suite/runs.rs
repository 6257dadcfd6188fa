//! Runs in lists, one by one, line by line, and cancelled.

use std::collections::BTreeSet;

use ambient::Clock;
use domain::{
    ids::{RunId, UserId, WorkspaceId},
    plan::ChainHash,
    run::{Counters, RunStatus, TenantFailure, TenantStatus, Trigger},
};
use edge::{Caller, Permission};
use jiff::SignedDuration;
use serde_json::{Value, json};
use store::{Progress, Run, Target, TenantRun};
use uuid::Uuid;

use crate::{
    house::{Does, House, Plan, WORKSPACE, caller, client, entra, tenant},
    plans::{created, every_line, page},
};

const NOBODY: &str = "11111111-1111-4111-8111-111111111111";

#[tokio::test]
async fn runs_are_listed_newest_first_and_page_by_page() {
    let house = House::new().await;
    house.engine_does(Does::Carry(Plan::default()));
    let mut begun = Vec::new();
    for _ in 0..7 {
        house.passes(SignedDuration::from_mins(1));
        begun.push(house.begin().await);
    }
    begun.reverse();
    let (mut listed, mut path, mut pages) = (Vec::new(), "/runs?limit=3".to_owned(), 0);
    loop {
        let data = house.get(&path).await.data(200);
        let runs = data["runs"].as_array().unwrap();
        assert!(runs.len() <= 3);
        listed.extend(runs.iter().map(|run| run["runId"].clone()));
        pages += 1;
        let Some(cursor) = data["nextCursor"].as_str() else { break };
        path = format!("/runs?limit=3&cursor={cursor}");
    }
    assert_eq!((listed, pages), (begun, 3));
    let data = house.get("/runs").await.data(200);
    assert_eq!(data["runs"].as_array().unwrap().len(), 7);
    let run = &data["runs"][0];
    assert_eq!(
        (&run["status"], &run["runType"], &run["isDryRun"]),
        (&json!("completed"), &json!("all-tenants"), &json!(false))
    );
    assert_eq!((&run["totalTenants"], &run["processedTenants"]), (&json!(3), &json!(3)));
}

#[tokio::test]
async fn what_no_list_has_given_out_is_refused() {
    let house = House::new().await;
    let run = house.begin().await;
    let run = run.as_str().unwrap();
    house.engine_does(Does::Carry(Plan { pages: vec![page(vec![created(1)])], failure: None }));
    house.passes(SignedDuration::from_hours(1));
    house.begin().await;
    let runs = house.get("/runs?limit=1").await.data(200);
    let cursor = runs["nextCursor"].as_str().unwrap();
    let tenant = tenant(1);
    for (path, status, code) in [
        ("/runs?limit=0".to_owned(), 400, "invalid_limit"),
        ("/runs?limit=many".to_owned(), 400, "invalid_limit"),
        ("/runs?cursor=nonsense".to_owned(), 400, "invalid_cursor"),
        ("/runs?limit=1&limit=2".to_owned(), 400, "invalid_query"),
        ("/runs?runId=nope".to_owned(), 400, "invalid_id"),
        (format!("/runs?runId={NOBODY}"), 404, "unknown_run"),
        ("/runs/nope".to_owned(), 400, "invalid_id"),
        (format!("/runs/{NOBODY}"), 404, "unknown_run"),
        (format!("/runs/{NOBODY}/lines?managedTenantId={tenant}"), 404, "unknown_run"),
        (format!("/runs/{run}/lines"), 400, "tenant_missing"),
        (format!("/runs/{run}/lines?managedTenantId=nope"), 400, "invalid_id"),
        (format!("/runs/{run}/lines?managedTenantId={tenant}&cursor={cursor}"), 400, "invalid_cursor"),
    ] {
        house.get(&path).await.refused(status, code);
    }
    house.post(&format!("/runs/{NOBODY}/cancel"), json!({})).await.refused(404, "unknown_run");
    house.post("/runs/nope/cancel", json!({})).await.refused(400, "invalid_id");
}

#[tokio::test]
async fn another_workspace_sees_none_of_it() {
    let house = House::new().await;
    let run = house.begin().await;
    let run = run.as_str().unwrap();
    let stranger = || caller(WorkspaceId::new(Uuid::from_u128(0xA2)), &Permission::ALL);
    let listed = house.ask("GET", "/runs", None, stranger()).await.data(200);
    assert_eq!(listed, json!({ "runs": [], "nextCursor": null }));
    for path in [format!("/runs/{run}"), format!("/runs?runId={run}")] {
        house.ask("GET", &path, None, stranger()).await.refused(404, "unknown_run");
    }
    let cancel = format!("/runs/{run}/cancel");
    house.ask("POST", &cancel, Some(json!({})), stranger()).await.refused(404, "unknown_run");
    assert!(!house.run(&json!(run)).await.cancel_requested);
}

#[tokio::test]
async fn a_run_under_way_shows_each_tenant_and_the_sums_of_this_moment() {
    let house = House::new().await;
    let id = house.begin().await;
    let run = house.run(&id).await;
    let target = |number| Target { tenant: tenant(number), entra: entra(number), client: client(1) };
    house
        .store
        .begin_run(WORKSPACE, run.id, &[1, 2, 3].map(target), &store::Overrides::new(), None)
        .await
        .unwrap();
    let counters = |created| Counters { read: created, created, ..Counters::default() };
    let failure = TenantFailure {
        code: "consent_missing".to_owned(),
        message: "The app is not consented.".to_owned(),
        remedy: "Grant admin consent.".to_owned(),
        diagnostics: None,
    };
    let now = house.clock.now();
    let result = TenantRun {
        tenant: tenant(1),
        client: client(1),
        tenant_status: TenantStatus::Failed,
        counters: counters(2),
        failure: Some(failure),
        started_at: now,
        completed_at: now,
        pages: 1,
        chain: None,
        guard: None,
    };
    assert!(house.store.put_tenant_run(WORKSPACE, run.id, &result).await.unwrap());
    let (lease, _) = house.store.acquire(WORKSPACE, tenant(2), run.id, now).await.unwrap().unwrap();
    let progress = Progress {
        run: run.id,
        started_at: now,
        pages: 1,
        cursor: None,
        only_changes: false,
        feed: None,
        read_complete: false,
        closed: false,
        counters: counters(5),
        chain: ChainHash::GENESIS,
    };
    assert!(house.store.checkpoint(WORKSPACE, tenant(2), lease, &progress, now).await.unwrap());

    let shown = house.get(&format!("/runs/{}", run.id)).await.data(200);
    assert_eq!(shown, house.get(&format!("/runs?runId={}", run.id)).await.data(200));
    let summary = &shown["run"]["summary"];
    assert_eq!(
        (&summary["created"], &summary["processedTenants"], &summary["failedTenants"]),
        (&json!(7), &json!(1), &json!(1))
    );
    assert_eq!((&shown["run"]["status"], &shown["run"]["totalTenants"]), (&json!("running"), &json!(3)));
    let of = |number| {
        let tenants = shown["tenantResults"].as_array().unwrap();
        tenants.iter().find(|result| result["managedTenantId"] == json!(tenant(number))).unwrap()
    };
    assert_eq!((&of(1)["status"], &of(1)["failure"]["code"]), (&json!("failed"), &json!("consent_missing")));
    assert_eq!(of(1)["errorMessage"], "The app is not consented. Grant admin consent.");
    assert_eq!(
        (&of(2)["status"], &of(2)["created"], &of(2)["completedAt"]),
        (&json!("running"), &json!(5), &Value::Null)
    );
    assert_eq!((&of(3)["status"], &of(3)["startedAt"]), (&json!("queued"), &Value::Null));
}

#[tokio::test]
async fn lines_come_page_by_page_and_say_what_and_why() {
    let house = House::new().await;
    let lines = every_line();
    let pages =
        lines.chunks(4).map(|lines| page(lines.iter().map(|(line, ..)| line.clone()).collect())).collect();
    house.engine_does(Does::Carry(Plan { pages, failure: None }));
    let run = house.begin().await;
    let base = format!("/runs/{}/lines?managedTenantId={}", run.as_str().unwrap(), tenant(1));
    let (mut shown, mut path) = (Vec::new(), base.clone());
    loop {
        let data = house.get(&path).await.data(200);
        shown.extend(data["lines"].as_array().unwrap().clone());
        let Some(cursor) = data["nextCursor"].as_str() else { break };
        path = format!("{base}&cursor={cursor}");
    }
    assert_eq!(shown.len(), lines.len());
    for (shown, (line, action, _)) in shown.iter().zip(&lines) {
        assert_eq!((&shown["lineId"], &shown["action"]), (&json!(line.id), &json!(action)));
        assert_eq!(shown["contactNameId"], json!(line.action.contact()));
        assert!(shown["reason"].as_str().unwrap().len() > 10, "{shown}");
    }
    let change = json!([{ "field": "full name", "old": "Old", "new": "New", "overEdit": false }]);
    assert_eq!(shown[1]["changes"], change, "{}", shown[1]);
    assert_eq!(shown[4]["candidates"][0]["fullName"], "Somebody");
    let ids: BTreeSet<String> = shown.iter().map(|line| line["lineId"].to_string()).collect();
    assert_eq!(ids.len(), lines.len());
    // A tenant that the run does not cover has no lines.
    let none = format!("/runs/{}/lines?managedTenantId={NOBODY}", run.as_str().unwrap());
    assert_eq!(house.get(&none).await.data(200), json!({ "lines": [], "nextCursor": null }));
}

#[tokio::test]
async fn a_run_is_cancelled_once_and_not_after_its_end() {
    let house = House::new().await;
    let run = house.begin().await;
    let path = format!("/runs/{}/cancel", run.as_str().unwrap());
    for _ in 0..2 {
        let data = house.post(&path, json!({})).await.data(202);
        assert_eq!(data, json!({ "runId": run, "cancelRequested": true }));
        assert!(house.run(&run).await.cancel_requested);
    }
    let mut ended = house.run(&run).await;
    ended.run_status = RunStatus::Cancelled;
    house.store.finish_run(&ended).await.unwrap();
    house.post(&path, json!({})).await.refused(409, "run_ended");
    house
        .ask("POST", &path, Some(json!({})), caller(WORKSPACE, &[Permission::Read]))
        .await
        .refused(403, "permission_denied");
}

#[tokio::test]
async fn a_run_whose_workflow_has_died_is_ended_by_its_cancelling() {
    let house = House::new().await;
    let run = house.begin().await;
    house.passes(SignedDuration::from_mins(3));
    house.post(&format!("/runs/{}/cancel", run.as_str().unwrap()), json!({})).await.data(202);
    assert_eq!(house.run(&run).await.run_status, RunStatus::Cancelled);
}

#[tokio::test]
async fn history_names_whoever_started_a_run_and_nobody_for_a_schedule() {
    let house = House::new().await;
    house.engine_does(Does::Carry(Plan::default()));
    let by = |number| Caller {
        user: Some(UserId::new(Uuid::from_u128(number))),
        ..caller(WORKSPACE, &Permission::ALL)
    };
    let body = || Some(json!({ "scope": "all-tenants" }));
    let mut expected = Vec::new();
    for number in [0xD1, 0xD2, 0xD1] {
        house.passes(SignedDuration::from_mins(1));
        let run = house.ask("POST", "", body(), by(number)).await.data(202)["runId"].clone();
        expected.push(json!([run, "manual", by(number).user]));
    }
    // As a schedule would store it.
    house.passes(SignedDuration::from_mins(1));
    let id = RunId::new(Uuid::from_u128(u128::MAX));
    let last = house.run(&expected[2][0]).await;
    let scheduled =
        Run { id, trigger: Trigger::Scheduled, initiated_by: None, started_at: house.clock.now(), ..last };
    assert!(house.store.create_run(&scheduled).await.unwrap());
    expected.push(json!([id, "scheduled", null]));

    let said = |run: &Value| json!([run["runId"], run["trigger"], run["initiatedBy"]]);
    let listed = house.get("/runs").await.data(200);
    let listed: Vec<Value> = listed["runs"].as_array().unwrap().iter().rev().map(said).collect();
    assert_eq!(listed, expected);
    for run in &expected {
        // Whoever looks at a run is not who started it.
        let path = format!("/runs/{}", run[0].as_str().unwrap());
        let shown = house.ask("GET", &path, None, by(0xD9)).await.data(200);
        assert_eq!(said(&shown["run"]), *run);
    }
}

#[tokio::test]
async fn a_run_of_the_same_minute_leaves_the_last_one_as_it_ended() {
    let house = House::new().await;
    let pages = vec![page(vec![created(1), created(2)])];
    house.engine_does(Does::Carry(Plan { pages, failure: None }));
    let first = house.begin().await;
    let path = format!("/runs/{}", first.as_str().unwrap());
    let ended = house.get(&path).await.data(200);
    assert_eq!(ended["run"]["status"], "completed");
    house.engine_does(Does::Take);
    let second = house.begin().await;
    assert_ne!(first, second);
    assert_eq!(house.get(&path).await.data(200), ended);
    let shown = house.get(&format!("/runs/{}", second.as_str().unwrap())).await.data(200);
    assert_eq!((&shown["run"]["status"], &shown["run"]["completedAt"]), (&json!("queued"), &Value::Null));
    assert_eq!((&shown["run"]["summary"]["created"], &shown["tenantResults"]), (&json!(0), &json!([])));
}

#[tokio::test]
async fn a_run_that_had_nothing_to_do_is_not_shown_as_a_completed_one() {
    let house = House::new().await;
    let run = house.begin().await;
    // The mappings were taken back before the run began.
    let id = house.run(&run).await.id;
    house.store.begin_run(WORKSPACE, id, &[], &store::Overrides::new(), None).await.unwrap();
    let input = workflow::payloads::RunInput { workspace_id: WORKSPACE, run_id: id };
    house.engine.finish(input).await;
    for shown in [
        house.get("/runs").await.data(200)["runs"][0].clone(),
        house.get(&format!("/runs/{id}")).await.data(200)["run"].clone(),
    ] {
        assert_eq!((&shown["status"], &shown["totalTenants"]), (&json!("nothing_to_do"), &json!(0)));
    }
}

#[tokio::test]
async fn a_failed_tenant_is_counted_once_and_with_its_cause() {
    let house = House::new().await;
    let failure = TenantFailure {
        code: "consent_missing".to_owned(),
        message: "The app is not consented.".to_owned(),
        remedy: "Grant admin consent.".to_owned(),
        diagnostics: Some("AADSTS65001".to_owned()),
    };
    house.engine_does(Does::Carry(Plan { pages: Vec::new(), failure: Some(failure.clone()) }));
    let run = house.begin().await;
    let shown = house.get(&format!("/runs/{}", run.as_str().unwrap())).await.data(200);
    let head = &shown["run"];
    assert_eq!(head["status"], "failed");
    for (name, expected) in
        [("totalTenants", 3), ("processedTenants", 3), ("succeededTenants", 0), ("failedTenants", 3)]
    {
        assert_eq!((&head[name], &head["summary"][name]), (&json!(expected), &json!(expected)), "{name}");
    }
    let results = shown["tenantResults"].as_array().unwrap();
    assert_eq!(results.len(), 3);
    assert!(results.iter().all(|result| result["failure"] == json!(failure)), "{shown}");
}

#[tokio::test]
async fn a_run_whose_workflow_has_died_is_not_shown_as_going_on() {
    for path in ["/runs", "/runs/{run}", "/runs?runId={run}"] {
        let house = House::new().await;
        let waiting = house.begin().await;
        house.passes(SignedDuration::from_mins(2));
        let shown = async || {
            let data = house.get(&path.replace("{run}", waiting.as_str().unwrap())).await.data(200);
            let run = data["runs"].get(0).or(data.get("run")).unwrap_or(&data).clone();
            run["status"].clone()
        };
        assert_eq!(shown().await, json!("queued"), "{path}: it may still begin");
        house.passes(SignedDuration::from_secs(1));
        assert_eq!(shown().await, json!("failed"), "{path}");
        let run = house.run(&waiting).await;
        assert_eq!(
            (run.completed_at, run.halted.unwrap().code.as_str()),
            (Some(house.clock.now()), "workflow_died")
        );
        assert_eq!(shown().await, json!("failed"), "{path}: and stays so");
    }
}
