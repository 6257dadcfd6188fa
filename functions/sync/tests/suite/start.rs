//! What is accepted, and what is refused.

use ambient::Clock;
use domain::{
    mandate::Mandate,
    mapping::Decision,
    run::{RunKind, RunStatus, Trigger},
};
use edge::Permission;
use jiff::SignedDuration;
use serde_json::{Value, json};
use store::{ConnectionStatus, SyncSettings, Turns, probe::Fault};

use crate::house::{Does, House, Plan, USER, WORKSPACE, caller, client, tenant};

fn all() -> Value {
    json!({ "scope": "all-tenants" })
}

#[tokio::test]
async fn an_accepted_run_is_stored_and_carried() {
    let house = House::new().await;
    let mut settings = SyncSettings::default();
    settings.scope.include_guests = true;
    house.store.put_settings(WORKSPACE, &settings).await.unwrap();
    for (body, scope, kind) in [
        (json!({ "scope": "initial" }), "initial", RunKind::Initial),
        (
            json!({ "scope": "single-client", "clientId": client(1), "managedTenantId": tenant(2) }),
            "single-client",
            RunKind::SingleTenant,
        ),
    ] {
        let data = house.post("", body).await.data(202);
        let execution = format!("execution:{}", data["runId"].as_str().unwrap());
        let expected = json!({
            "accepted": true,
            "scope": scope,
            "runId": data["runId"],
            "workflowId": execution,
            "error": null,
        });
        assert_eq!(data, expected);
        let run = house.run(&data["runId"]).await;
        assert_eq!((run.kind, run.trigger, run.run_status), (kind, Trigger::Manual, RunStatus::Queued));
        assert_eq!((run.initiated_by, run.execution), (Some(USER), Some(execution)));
        assert_eq!((run.started_at, run.settings), (house.clock.now(), settings.clone()));
    }
}

#[tokio::test]
async fn a_run_takes_along_what_its_caller_was_granted_and_no_more() {
    for (granted, operate, approve) in [
        (&[Permission::Update][..], true, true),
        (&[Permission::Operate], true, false),
        (&[Permission::Operate, Permission::Approve], true, true),
    ] {
        let house = House::new().await;
        let answer = house.ask("POST", "", Some(all()), caller(WORKSPACE, granted)).await;
        let run = house.run(&answer.data(202)["runId"]).await;
        assert_eq!(run.mandate, Some(Mandate::Person { user: USER, operate, approve }), "{granted:?}");
        assert!(run.is_mandated(), "{granted:?}");
    }
}

#[tokio::test]
async fn one_person_of_a_tenant_is_a_run_of_its_own() {
    let house = House::new().await;
    let person = "7fce9eed-7732-4102-a4e7-c066e7f02521";
    let body = json!({
        "scope": "single-client",
        "clientId": client(1),
        "managedTenantId": tenant(1),
        "objectId": person,
    });
    let data = house.post("", body.clone()).await.data(202);
    let run = house.run(&data["runId"]).await;
    assert_eq!((run.scope.tenant, run.scope.person), (Some(tenant(1)), Some(person.parse().unwrap())));
    let shown = house.get(&format!("/runs/{}", data["runId"].as_str().unwrap())).await.data(200);
    assert_eq!(shown["run"]["scopeObjectId"], json!(person), "{shown}");
    house.post("", body).await.refused(409, "already_running");
    // Whoever syncs everybody need not wait for one person: the tenant's lease keeps the two apart.
    house.post("", all()).await.data(202);
}

#[tokio::test]
async fn a_request_that_names_no_run_starts_none() {
    let house = House::new().await;
    for (body, code) in [
        (json!({}), "invalid_scope"),
        (json!({ "scope": "everything" }), "invalid_scope"),
        (json!({ "scope": "single-client" }), "client_missing"),
        (json!({ "scope": "single-client", "clientId": "  " }), "client_missing"),
        (json!({ "scope": "single-client", "managedTenantId": tenant(1) }), "client_missing"),
        (json!({ "scope": "single-client", "clientId": client(1), "objectId": client(1) }), "tenant_missing"),
        (
            json!({ "scope": "single-client", "clientId": client(1), "managedTenantId": tenant(1), "objectId": "a@b.c" }),
            "invalid_id",
        ),
        (json!({ "scope": "single-client", "clientId": "nope" }), "invalid_id"),
        (json!({ "scope": "single-client", "clientId": client(1), "managedTenantId": "7" }), "invalid_id"),
        (json!({ "scope": 7 }), "invalid_body"),
        (json!([]), "invalid_body"),
    ] {
        house.post("", body.clone()).await.refused(400, code);
        assert_eq!(house.store.runs(WORKSPACE, None, 10).await.unwrap(), [], "{body}");
    }
    house
        .ask("POST", "", Some(all()), caller(WORKSPACE, &[Permission::Read]))
        .await
        .refused(403, "permission_denied");
}

#[tokio::test]
async fn the_steps_come_in_their_order() {
    let house = House::empty().await;
    house.post("", all()).await.refused(409, "not_connected");
    house.connect(ConnectionStatus::Connected).await;
    house.post("", all()).await.refused(409, "nothing_mapped");
    for (number, decision) in [(1, Decision::SkipForNow), (2, Decision::NeedsReview)] {
        house.decide(number, decision).await;
    }
    house.post("", all()).await.refused(409, "nothing_mapped");
    house.decide(3, Decision::Mapped { client: client(1) }).await;
    let elsewhere = json!({ "scope": "single-client", "clientId": client(2) });
    house.post("", elsewhere).await.refused(409, "nothing_mapped");
    let other_tenant =
        json!({ "scope": "single-client", "clientId": client(1), "managedTenantId": tenant(1) });
    house.post("", other_tenant).await.refused(409, "nothing_mapped");
    house.connect(ConnectionStatus::Disconnected).await;
    house.post("", all()).await.refused(409, "not_connected");
    assert_eq!(house.store.runs(WORKSPACE, None, 10).await.unwrap(), [], "what is refused is no run");
    // A check that failed says nothing about the next read.
    house.connect(ConnectionStatus::ValidationFailed).await;
    house.post("", all()).await.data(202);
}

#[tokio::test]
async fn a_client_to_be_created_is_work_for_a_run_of_everything() {
    let house = House::empty().await;
    house.connect(ConnectionStatus::Connected).await;
    house.decide(1, Decision::CreateNew).await;
    let preflight = json!({ "managedTenantId": tenant(1) });
    house.post("/preflight", preflight).await.refused(409, "nothing_mapped");
    house.post("", all()).await.data(202);
}

#[tokio::test]
async fn a_second_run_of_the_same_kind_waits_for_the_first() {
    let house = House::new().await;
    let first = house.begin().await;
    let refused = house.post("", all()).await;
    refused.refused(409, "already_running");
    assert_eq!(refused.body["details"]["runId"], first);
    house.post("", json!({ "scope": "initial" })).await.refused(409, "already_running");
    // Something else may go on beside it.
    house.post("", json!({ "scope": "single-client", "clientId": client(1) })).await.data(202);
    assert_eq!(house.store.runs(WORKSPACE, None, 10).await.unwrap().len(), 2);

    let mut ended = house.run(&first).await;
    ended.run_status = RunStatus::Completed;
    house.store.finish_run(&ended).await.unwrap();
    assert_ne!(house.begin().await, first);
}

#[tokio::test]
async fn a_run_that_the_engine_refuses_is_stored_as_failed_and_blocks_nothing() {
    let house = House::new().await;
    house.engine_does(Does::Refuse);
    house.post("", all()).await.refused(503, "workflow_unavailable");
    let run = house.store.runs(WORKSPACE, None, 10).await.unwrap().remove(0);
    assert_eq!((run.run_status, run.completed_at), (RunStatus::Failed, Some(house.clock.now())));
    assert_eq!(run.halted.unwrap().code, "workflow_unavailable");
    house.engine_does(Does::Carry(Plan::default()));
    let run = house.begin().await;
    assert_eq!(house.run(&run).await.run_status, RunStatus::Completed);
}

#[tokio::test]
async fn a_run_whose_workflow_has_died_is_ended_by_the_next_one() {
    let house = House::new().await;
    let waiting = house.begin().await;
    house.passes(SignedDuration::from_mins(2));
    house.post("", all()).await.refused(409, "already_running");
    house.passes(SignedDuration::from_secs(1));
    let running = house.begin().await;
    let dead = house.run(&waiting).await;
    assert_eq!((dead.run_status, dead.halted.unwrap().code.as_str()), (RunStatus::Failed, "workflow_died"));

    let running_id = house.run(&running).await.id;
    house.store.begin_run(WORKSPACE, running_id, &[], &store::Overrides::new(), None).await.unwrap();
    house.passes(SignedDuration::from_mins(14));
    let turns = Turns { at: house.clock.now().as_millisecond(), ..Turns::default() };
    house.store.note_turns(WORKSPACE, running_id, turns).await.unwrap();
    house.passes(SignedDuration::from_mins(15));
    house.post("", all()).await.refused(409, "already_running");
    house.passes(SignedDuration::from_secs(1));
    house.begin().await;
    assert_eq!(house.run(&running).await.run_status, RunStatus::Failed);
}

#[tokio::test]
async fn a_run_that_was_not_stored_is_not_carried() {
    let house = House::new().await;
    house.engine_does(Does::Carry(Plan::default()));
    house.probe.script(|call| call.write.map(|_| Fault::Before));
    house.post("", all()).await.refused(503, "store_unavailable");
    house.probe.clear();
    assert_eq!(house.store.runs(WORKSPACE, None, 10).await.unwrap(), []);
}
