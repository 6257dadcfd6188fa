//! Previews over HTTP.

use std::sync::Arc;

use ambient::Clock;
use assembly::FeatureGate;
use domain::{
    fields::FieldRules,
    flags::Feature,
    policy::{StopLimits, Timing},
    run::{Counters, RunKind, RunStatus, TenantFailure},
};
use edge::{Permission, Surface};
use jiff::SignedDuration;
use serde_json::{Value, json};
use store::{ClientOverrides, CompleteReadHours, FeatureFlag, SyncSettings};

use crate::{
    house::{Does, House, Plan, WORKSPACE, caller, client, tenant},
    plans::{created, every_line, page},
};

fn bucket<'a>(data: &'a Value, name: &str) -> &'a Value {
    data["buckets"].as_array().unwrap().iter().find(|bucket| bucket["bucket"] == name).unwrap()
}

#[tokio::test]
async fn a_preview_sorts_its_lines_into_buckets() {
    let house = House::new().await;
    let lines = every_line();
    let mut planned = page(lines.iter().map(|(line, ..)| line.clone()).collect());
    planned.counters = Counters { read: 60, excluded: 1, unchanged: 49, ..Counters::default() };
    house.engine_does(Does::Carry(Plan { pages: vec![planned], failure: None }));
    let data = house.post("/preflight", json!({ "managedTenantId": tenant(1) })).await.data(200);

    let names: Vec<&str> =
        data["buckets"].as_array().unwrap().iter().map(|bucket| bucket["bucket"].as_str().unwrap()).collect();
    assert_eq!(names, ["create", "link", "needs_decision", "no_change", "mark_inactive"]);
    for name in names {
        let expected: Vec<Value> = lines
            .iter()
            .filter(|(.., bucket)| *bucket == Some(name))
            .map(|(line, ..)| json!(line.id))
            .collect();
        let samples = bucket(&data, name)["samples"].as_array().unwrap();
        assert_eq!(samples.iter().map(|line| line["lineId"].clone()).collect::<Vec<_>>(), expected, "{name}");
        // People of whom nothing changes have no line each, but they are counted.
        let count = if name == "no_change" { 49 } else { expected.len() };
        assert_eq!(bucket(&data, name)["count"], count, "{name}");
    }
    assert_eq!((&data["totalIdentities"], &data["checkedAt"]), (&json!(59), &json!(house.clock.now())));
    assert_eq!((&data["run"]["isDryRun"], &data["run"]["runType"]), (&json!(true), &json!("preflight")));
    assert_eq!(data["run"]["scopeManagedTenantId"], json!(tenant(1)));
    assert_eq!(data["tenantResults"].as_array().unwrap().len(), 1);
    assert_eq!((&data["counters"]["read"], &data["runId"]), (&json!(60), &data["run"]["runId"]));
    let run = house.run(&data["runId"]).await;
    assert_eq!((run.kind, run.run_status), (RunKind::Preflight, RunStatus::Completed));
}

#[tokio::test]
async fn samples_are_bounded_over_all_pages_and_tenants() {
    let pages: Vec<_> =
        (0..3).map(|number| page((0..50).map(|line| created(number * 50 + line)).collect())).collect();
    for (limit, expected) in [
        (None, 25),
        (Some(json!(1)), 1),
        (Some(json!(7.9)), 7),
        (Some(json!(0)), 1),
        (Some(json!(-5)), 1),
        (Some(json!(1_000)), 100),
    ] {
        let house = House::new().await;
        house.engine_does(Does::Carry(Plan { pages: pages.clone(), failure: None }));
        let mut body = json!({ "clientId": client(1) });
        if let Some(limit) = limit {
            body["sampleLimit"] = limit;
        }
        let data = house.post("/preflight", body).await.data(200);
        let created = bucket(&data, "create");
        assert_eq!(
            (created["samples"].as_array().unwrap().len(), &created["count"]),
            (expected, &json!(2 * 150))
        );
    }
}

#[tokio::test]
async fn a_preview_needs_a_scope_that_is_mapped() {
    let house = House::new().await;
    house.post("/preflight", json!({})).await.refused(400, "scope_missing");
    house.post("/preflight", json!({ "clientId": "" })).await.refused(400, "scope_missing");
    house.post("/preflight", json!({ "clientId": "nope" })).await.refused(400, "invalid_id");
    house.post("/preflight", json!({ "clientId": client(9) })).await.refused(409, "nothing_mapped");
    let mismatch = json!({ "clientId": client(2), "managedTenantId": tenant(1) });
    house.post("/preflight", mismatch).await.refused(409, "nothing_mapped");
}

#[tokio::test]
async fn a_preview_that_takes_long_is_answered_with_where_to_look() {
    let house = House::new().await;
    let asked = house.clock.now();
    let data = house.post("/preflight", json!({ "clientId": client(1) })).await.data(202);
    assert_eq!((&data["status"], &data["isDryRun"]), (&json!("queued"), &json!(true)));
    let waited = house.clock.now().duration_since(asked);
    assert!((SignedDuration::from_secs(20)..SignedDuration::from_secs(29)).contains(&waited), "{waited:?}");
    house.get(&format!("/runs/{}", data["runId"].as_str().unwrap())).await.data(200);
    // It goes on: the same preview is not begun twice, and a sync may be.
    house.post("/preflight", json!({ "clientId": client(1) })).await.refused(409, "already_running");
    house.post("", json!({ "scope": "single-client", "clientId": client(1) })).await.data(202);
}

#[tokio::test]
async fn a_tenant_that_cannot_be_read_shows_why_in_its_preview() {
    let house = House::new().await;
    let failure = TenantFailure {
        code: "role_missing".to_owned(),
        message: "The account may not read its users.".to_owned(),
        remedy: "Assign Directory Readers.".to_owned(),
        diagnostics: Some("status 403".to_owned()),
    };
    house.engine_does(Does::Carry(Plan { pages: Vec::new(), failure: Some(failure) }));
    let data = house.post("/preflight", json!({ "managedTenantId": tenant(1) })).await.data(200);
    assert_eq!(data["run"]["status"], "failed");
    let result = &data["tenantResults"][0];
    assert_eq!((&result["status"], &result["failure"]["code"]), (&json!("failed"), &json!("role_missing")));
    assert!(data["buckets"].as_array().unwrap().iter().all(|bucket| bucket["count"] == 0));
}

#[tokio::test]
async fn a_preview_that_the_engine_refuses_is_said_to_have_failed() {
    let house = House::new().await;
    house.engine_does(Does::Refuse);
    house.post("/preflight", json!({ "clientId": client(1) })).await.refused(503, "workflow_unavailable");
}

#[tokio::test]
async fn rules_that_are_not_saved_stand_in_the_run_and_nowhere_else() {
    let house = House::new().await;
    let own = ClientOverrides {
        field_sync_config: json!({ "role": "never" }),
        limits: Some(StopLimits { short_read_percent: 7, ..StopLimits::default() }),
        ..ClientOverrides::default()
    };
    house.store.put_overrides(WORKSPACE, client(1), &own).await.unwrap();
    let rules = json!({ "role": true });
    for (scope, is_of_client) in [
        (json!({ "clientId": client(1) }), true),
        (json!({ "managedTenantId": tenant(2) }), true),
        (json!({ "clientId": client(2) }), false),
        (json!({}), false),
    ] {
        house.engine_does(Does::Carry(Plan::default()));
        let mut body = scope.clone();
        body["fieldSyncConfig"] = rules.clone();
        body["scope"] = json!({ "licensedOnly": true });
        let data = house.post("/preflight", body).await.data(200);
        assert_eq!(data["run"]["unsavedRules"], true, "{scope}");
        let run = house.run(&data["runId"]).await;
        assert_eq!(run.settings.fields(), FieldRules::from_psa(&rules), "{scope}");
        assert!(run.settings.scope.licensed_only);
        // The rest is as it is for whom the preview is about.
        assert_eq!(run.settings.limits.short_read_percent == 7, is_of_client, "{scope}");
        let (_, overrides) = house.store.targets_and_overrides(WORKSPACE, run.id).await.unwrap();
        let is_of_all = scope == json!({});
        assert_eq!(overrides.get(&client(1)), is_of_all.then_some(&own), "{scope}");
        let path = format!("/runs/{}/apply", run.id);
        house.post(&path, json!({})).await.refused(409, "unsaved_rules");
    }
    assert_eq!(house.store.settings(WORKSPACE).await.unwrap(), SyncSettings::default());
    let saved = house.post("/preflight", json!({ "clientId": client(1) })).await.data(200);
    assert_eq!(saved["run"]["unsavedRules"], false);
    let run = house.run(&saved["runId"]).await;
    let (_, overrides) = house.store.targets_and_overrides(WORKSPACE, run.id).await.unwrap();
    assert_eq!(overrides.get(&client(1)), Some(&own));
}

/// What is changed between a preview of client 1 and its being applied, and whether the plan still holds.
const CHANGES: [(&str, bool); 10] = [
    ("nothing", true),
    ("a field", false),
    ("who is synced", false),
    ("whether the disabled leave", false),
    ("a limit", true),
    ("the schedule of complete reads", true),
    ("a field of client 1", false),
    ("who is synced at client 1", false),
    ("a limit of client 1", true),
    ("a field of client 2", true),
];

#[tokio::test]
async fn a_plan_is_carried_out_only_under_the_rules_it_was_made_by() {
    for (change, holds) in CHANGES {
        let house = House::new().await;
        let own =
            ClientOverrides { field_sync_config: json!({ "role": "never" }), ..ClientOverrides::default() };
        house.store.put_overrides(WORKSPACE, client(1), &own).await.unwrap();
        house.engine_does(Does::Carry(Plan::default()));
        let preview = house.post("/preflight", json!({ "clientId": client(1) })).await.data(200);
        let (mut settings, mut own, mut of) = (SyncSettings::default(), own, client(1));
        match change {
            "nothing" => {}
            "a field" => settings.field_sync_config = json!({ "phone": true }),
            "who is synced" => settings.scope.licensed_only = true,
            "whether the disabled leave" => settings.vanish.disabled = Timing::Never,
            "a limit" => settings.limits.short_read_percent = 7,
            "the schedule of complete reads" => settings.complete_read_hours = CompleteReadHours(7),
            "a field of client 1" => own.field_sync_config = json!({ "role": "always" }),
            "who is synced at client 1" => {
                own.scope = serde_json::from_value(json!({ "licensedOnly": true })).unwrap();
            }
            "a limit of client 1" => {
                own.limits = Some(StopLimits { short_read_percent: 7, ..StopLimits::default() });
            }
            "a field of client 2" => of = client(2),
            other => panic!("{other}"),
        }
        house.store.put_settings(WORKSPACE, &settings).await.unwrap();
        house.store.put_overrides(WORKSPACE, of, &own).await.unwrap();
        let applied =
            house.post(&format!("/runs/{}/apply", preview["runId"].as_str().unwrap()), json!({})).await;
        if holds {
            applied.data(202);
        } else {
            applied.refused(409, "rules_changed");
        }
    }
}

#[tokio::test]
async fn rules_that_make_no_sense_are_not_tried_out() {
    let house = House::new().await;
    for wrong in [
        json!({ "fieldSyncConfig": { "fax": true } }),
        json!({ "fieldSyncConfig": [] }),
        json!({ "scope": { "excludePatterns": [""] } }),
    ] {
        let mut body = wrong.clone();
        body["clientId"] = json!(client(1));
        house.post("/preflight", body).await.refused(400, "invalid_rules");
    }
    assert!(house.store.runs(WORKSPACE, None, 1).await.unwrap().is_empty());
}

/// With its plan applied, a preview of one client is a sync of one client.
#[tokio::test]
async fn a_preview_of_one_client_is_not_applied_where_single_clients_are_not_synced() {
    for body in [json!({ "clientId": client(1) }), json!({ "managedTenantId": tenant(1) })] {
        is_not_applied(body).await;
    }
}

async fn is_not_applied(body: Value) {
    let house = House::new().await;
    house.engine_does(Does::Carry(Plan::default()));
    let preview = house.post("/preflight", body).await.data(200);
    let run = preview["run"]["runId"].as_str().or(preview["runId"].as_str()).unwrap().to_owned();
    let id = domain::ids::FlagId::new(uuid::Uuid::from_u128(1));
    let mut flag = FeatureFlag::new(id, Feature::Ui.key(), house.clock.now());
    flag.filters = flag.filters.with(WORKSPACE);
    assert!(house.store.create_flag(&flag).await.unwrap());
    let uri = format!("/api/integrations/entra/sync/runs/{run}/apply");
    let gate = || Surface(Arc::new(FeatureGate::new(house.store.clone(), false)));
    let admin = || caller(WORKSPACE, &Permission::ALL);
    let answer = house.ask_behind("POST", &uri, Some(json!({})), admin(), gate()).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["code"]),
        (404, &json!("feature_disabled")),
        "{}",
        answer.body
    );
    let id = domain::ids::FlagId::new(uuid::Uuid::from_u128(2));
    let mut flag = FeatureFlag::new(id, Feature::ClientSync.key(), house.clock.now());
    flag.filters = flag.filters.with(WORKSPACE);
    assert!(house.store.create_flag(&flag).await.unwrap());
    let answer = house.ask_behind("POST", &uri, Some(json!({})), admin(), gate()).await;
    assert_ne!(answer.body["code"], "feature_disabled", "{}", answer.body);
}
