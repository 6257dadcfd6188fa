//! What is shown: preview, confirmed mappings, history.

use domain::{
    ids::RunId,
    mandate::Mandate,
    mapping::{Decision, RawDecision},
    run::{Counters, RunKind, RunStatus, TenantStatus, Trigger},
};
use edge::Permission;
use embedded::Engine;
use mapping::{Expectation, change, confirm::confirm_auto_matches};
use serde_json::json;
use store::{Run, RunScope, Settled, TenantRun, probe::Probe};
use uuid::Uuid;

use crate::world::{WORKSPACE, World, client_id, editor, entra_id, start, tenant_id, user};

#[tokio::test]
async fn a_preview_puts_each_tenant_in_one_list_and_writes_nothing() {
    let world = World::new().await;
    let first = world.get("/preview").await.data();
    assert_eq!(
        first,
        json!({
            "autoMatched": [{
                "managedTenantId": tenant_id(1),
                "entraTenantId": entra_id(1),
                "displayName": "Borealis Dental Group",
                "primaryDomain": "borealisdental.example",
                "sourceUserCount": 12,
                "existingMapping": null,
                "mappedClientId": null,
                "match": {
                    "clientId": client_id(1),
                    "clientName": "Borealis Dental",
                    "confidenceScore": 1.0,
                    "reason": "exact_domain",
                    "matchedDomain": "borealisdental.example",
                    "isInactive": false,
                },
            }],
            "fuzzyCandidates": [{
                "managedTenantId": tenant_id(2),
                "entraTenantId": entra_id(2),
                "displayName": "Contoso Kliniek",
                "primaryDomain": "contoso.onmicrosoft.com",
                "sourceUserCount": 0,
                "existingMapping": null,
                "mappedClientId": null,
                "candidates": [{
                    "clientId": client_id(2),
                    "clientName": "Contoso Klinik",
                    "confidenceScore": 0.8889,
                    "reason": "fuzzy_name",
                    "autoMatch": false,
                    "isInactive": false,
                }],
            }],
            "unmatched": [{
                "managedTenantId": tenant_id(3),
                "entraTenantId": entra_id(3),
                "displayName": null,
                "primaryDomain": null,
                "sourceUserCount": 3,
                "existingMapping": null,
                "mappedClientId": null,
            }],
            "summary": {
                "total": 3, "autoMatched": 1, "fuzzyCandidates": 1, "unmatched": 1,
                "mapped": 0, "createNew": 0, "skipped": 0, "needsReview": 3,
            },
        })
    );
    assert_eq!(world.get("/preview").await.data(), first);
    assert_eq!(world.mapping.store.mappings(WORKSPACE).await.unwrap(), []);
}

#[tokio::test]
async fn decisions_are_shown_beside_suggestions_and_do_not_change_them() {
    let world = World::new().await;
    let decisions = json!({ "mappings": [
        { "managedTenantId": tenant_id(1), "clientId": client_id(2) },
        { "managedTenantId": tenant_id(2) },
        { "managedTenantId": tenant_id(3), "mappingState": "create_new" },
    ] });
    world.post("/confirm", decisions).await.data();
    let preview = world.get("/preview").await.data();
    let matched = &preview["autoMatched"][0];
    assert_eq!(matched["match"]["clientId"], json!(client_id(1)));
    assert_eq!(matched["mappedClientId"], json!(client_id(2)));
    assert_eq!(matched["mappingState"], "mapped");
    let existing = &matched["existingMapping"];
    assert_eq!(existing["clientId"], json!(client_id(2)));
    assert_eq!(existing["clientPortalEntraProvisioningMode"], "inherit");
    assert!(existing["mappingId"].is_string());
    assert_eq!(preview["fuzzyCandidates"][0]["mappingState"], "skip_for_now");
    assert_eq!(
        preview["summary"],
        json!({ "total": 3, "autoMatched": 1, "fuzzyCandidates": 1, "unmatched": 1,
                "mapped": 1, "createNew": 1, "skipped": 1, "needsReview": 0 })
    );
}

#[tokio::test]
async fn tenants_stand_in_the_order_of_their_names() {
    let world = World::new().await;
    for (number, name) in [(11, "zulu"), (12, "Alpha"), (13, "bravo")] {
        world.tenant(number, Some(name), None, None).await;
    }
    let preview = world.get("/preview").await.data();
    let names: Vec<_> =
        preview["unmatched"].as_array().unwrap().iter().map(|row| &row["displayName"]).collect();
    // The nameless tenant stands where its id does.
    assert_eq!(names, [&json!(null), &json!("Alpha"), &json!("bravo"), &json!("zulu")]);
}

#[tokio::test]
async fn auto_matches_are_confirmed_unless_somebody_has_decided() {
    let world = World::new().await;
    let first = confirm_auto_matches(&world.mapping, &editor(1)).await.unwrap();
    assert_eq!(first.confirmed_mappings, 1);
    let second = confirm_auto_matches(&world.mapping, &editor(1)).await.unwrap();
    assert_eq!(second.results, []);

    change::skip(&world.mapping, &editor(2), tenant_id(1), Expectation::Anything).await.unwrap();
    assert_eq!(confirm_auto_matches(&world.mapping, &editor(1)).await.unwrap().results, []);

    let review = RawDecision {
        managed_tenant: tenant_id(1),
        state: Some("needs_review".to_owned()),
        client: None,
        confidence: None,
    };
    mapping::confirm::confirm(&world.mapping, &editor(2), &[review.into()]).await.unwrap();
    assert_eq!(confirm_auto_matches(&world.mapping, &editor(1)).await.unwrap().confirmed_mappings, 1);
    let record = world.mapping.store.mapping(WORKSPACE, tenant_id(1)).await.unwrap().unwrap();
    assert_eq!(record.current.decision, Decision::Mapped { client: client_id(1) });
    assert_eq!(record.current.confidence.unwrap().value().to_string(), "1");
}

#[tokio::test]
async fn confirmed_mappings_carry_what_the_last_sync_said() {
    let world = World::new().await;
    world.tenant(4, Some("Another"), None, Some(8)).await;
    let decisions = json!({ "mappings": [
        { "managedTenantId": tenant_id(1), "clientId": client_id(2) },
        { "managedTenantId": tenant_id(2), "mappingState": "skip_for_now" },
        { "managedTenantId": tenant_id(3), "clientId": client_id(1) },
        { "managedTenantId": tenant_id(4), "clientId": client_id(2) },
    ] });
    world.post("/confirm", decisions).await.data();
    synced(&world, 1, RunKind::AllTenants, TenantStatus::Completed).await;
    synced(&world, 2, RunKind::AllTenants, TenantStatus::Failed).await;

    let rows = world.get("").await.data();
    assert_eq!(
        rows,
        json!({ "mappings": [
            {
                "managedTenantId": tenant_id(3), "entraTenantId": entra_id(3),
                "clientId": client_id(1), "clientName": "Borealis Dental",
                "displayName": null, "primaryDomain": null, "sourceUserCount": 3,
                "userCount": 3, "userCountSource": "discovery", "userCountObservedAt": start(),
                "lastSyncedAt": null, "lastRunStatus": null,
            },
            {
                "managedTenantId": tenant_id(4), "entraTenantId": entra_id(4),
                "clientId": client_id(2), "clientName": "Contoso Klinik",
                "displayName": "Another", "primaryDomain": null, "sourceUserCount": 8,
                "userCount": 8, "userCountSource": "discovery", "userCountObservedAt": start(),
                "lastSyncedAt": null, "lastRunStatus": null,
            },
            {
                "managedTenantId": tenant_id(1), "entraTenantId": entra_id(1),
                "clientId": client_id(2), "clientName": "Contoso Klinik",
                "displayName": "Borealis Dental Group", "primaryDomain": "borealisdental.example",
                "sourceUserCount": 12,
                // Nobody in scope is a count too.
                "userCount": 0, "userCountSource": "sync", "userCountObservedAt": "2026-03-01T08:01:00Z",
                "lastSyncedAt": "2026-03-01T08:01:00Z", "lastRunStatus": "failed",
            },
        ] })
    );
    synced(&world, 3, RunKind::Preflight, TenantStatus::Completed).await;
    let rows = world.get("").await.data();
    assert_eq!(rows["mappings"][2]["lastRunStatus"], "completed", "a dry run is no attempt");
}

#[tokio::test]
async fn a_failed_attempt_never_passes_for_the_last_sync() {
    let world = World::new().await;
    let decision = json!({ "managedTenantId": tenant_id(1), "clientId": client_id(2) });
    world.post("/confirm", json!({ "mappings": [decision] })).await.data();
    for (number, status, synced_at, attempt) in [
        (1, TenantStatus::Failed, None, "failed"),
        (2, TenantStatus::Completed, Some("2026-03-01T08:02:00Z"), "completed"),
        (3, TenantStatus::Failed, Some("2026-03-01T08:02:00Z"), "failed"),
        (4, TenantStatus::Failed, Some("2026-03-01T08:02:00Z"), "failed"),
        (5, TenantStatus::Completed, Some("2026-03-01T08:05:00Z"), "completed"),
    ] {
        synced(&world, number, RunKind::AllTenants, status).await;
        let row = world.get("").await.data()["mappings"][0].clone();
        let said = (&row["lastSyncedAt"], &row["lastRunStatus"]);
        assert_eq!(said, (&json!(synced_at), &json!(attempt)), "after run {number}");
    }
}

/// A run of tenant 1 that ends so.
async fn synced(world: &World, number: u128, kind: RunKind, status: TenantStatus) {
    world.later();
    let store = &world.mapping.store;
    let now = start().checked_add(jiff::SignedDuration::from_mins(i64::try_from(number).unwrap())).unwrap();
    let id = RunId::new(Uuid::from_u128(number));
    let run = Run {
        id,
        workspace: WORKSPACE,
        kind,
        trigger: Trigger::Manual,
        run_status: RunStatus::Running,
        scope: RunScope::default(),
        initiated_by: None,
        mandate: Some(Mandate::Machine),
        started_at: now,
        completed_at: None,
        execution: None,
        total_tenants: 1,
        succeeded_tenants: 0,
        failed_tenants: 0,
        counters: Counters::default(),
        cancel_requested: false,
        unsaved_rules: false,
        settings: store::SyncSettings::default(),
        source: None,
        link_change: None,
        room: None,
        turns: store::Turns::default(),
        halted: None,
    };
    assert!(store.create_run(&run).await.unwrap());
    let (lease, _) = store.acquire(WORKSPACE, tenant_id(1), id, now).await.unwrap().unwrap();
    let ended = TenantRun {
        tenant: tenant_id(1),
        client: client_id(2),
        tenant_status: status,
        counters: Counters::default(),
        failure: None,
        started_at: now,
        completed_at: now,
        pages: 1,
        chain: None,
        guard: None,
    };
    let ground = store::Ground { in_scope: Some(0), ..store::Ground::default() };
    let is_synced = status == TenantStatus::Completed && kind.writes();
    let settled = if is_synced { Settled::Everybody(&ground) } else { Settled::Nothing };
    assert!(store.end_tenant(WORKSPACE, id, lease, &ended, settled).await.unwrap());
}

#[tokio::test]
async fn the_list_costs_the_same_however_many_runs_there_were() {
    let mut costs = Vec::new();
    for runs in [2, 50] {
        let (probe, http) = Probe::around(Engine::in_memory().unwrap());
        let world = World::over(http).await;
        let decision = json!({ "managedTenantId": tenant_id(1), "clientId": client_id(2) });
        world.post("/confirm", json!({ "mappings": [decision] })).await.data();
        for number in 1..=runs {
            synced(&world, number, RunKind::AllTenants, TenantStatus::Completed).await;
        }
        for path in ["", "/preview"] {
            probe.reset();
            world.get(path).await.data();
            costs.push((path, probe.counts().total()));
        }
        let row = world.get("").await.data()["mappings"][0].clone();
        assert_eq!(row["lastRunStatus"], "completed", "{runs}");
    }
    let (few, many) = costs.split_at(2);
    assert_eq!(few, many);
    assert!(few.iter().all(|(_, calls)| (1..10).contains(calls)), "{few:?}");
}

#[tokio::test]
async fn history_says_who_decided_what_and_when() {
    let world = World::new().await;
    let path = format!("/{}/history", tenant_id(1));
    assert_eq!(world.get(&path).await.data()["decisions"], json!([]));

    let one = json!({ "managedTenantId": tenant_id(1), "clientId": client_id(1), "confidenceScore": 0.8667 });
    world.post("/confirm", json!({ "mappings": [one] })).await.data();
    world.later();
    world
        .post("/remap", json!({ "managedTenantId": tenant_id(1), "targetClientId": client_id(2) }))
        .await
        .data();
    world.later();
    world.post("/unmap", json!({ "managedTenantId": tenant_id(1) })).await.data();

    let history = world.get(&path).await.data();
    assert_eq!(history["displayName"], "Borealis Dental Group");
    let decisions = history["decisions"].as_array().unwrap();
    let shown: Vec<_> = decisions
        .iter()
        .map(|past| json!([past["isActive"], past["mappingState"], past["clientName"], past["decidedAt"]]))
        .collect();
    assert_eq!(
        json!(shown),
        json!([
            [true, "unmapped", null, "2026-03-01T08:02:00Z"],
            [false, "mapped", "Contoso Klinik", "2026-03-01T08:01:00Z"],
            [false, "mapped", "Borealis Dental", "2026-03-01T08:00:00Z"],
        ])
    );
    assert_eq!(decisions[2]["confidenceScore"], json!(0.87));
    assert!(decisions.iter().all(|past| past["decidedBy"] == json!(user(1))));

    assert_eq!(
        world.get(&format!("/{}/history", tenant_id(99))).await.refused(),
        (404, "unknown_managed_tenant")
    );
    assert_eq!(world.get("/nonsense/history").await.refused(), (400, "invalid_id"));
}

#[tokio::test]
async fn readers_read_and_writers_write() {
    let world = World::new().await;
    for path in ["", "/preview"] {
        assert_eq!(world.ask("GET", path, None, &[]).await.refused(), (403, "permission_denied"));
    }
    let path = format!("/{}/history", tenant_id(1));
    assert_eq!(world.ask("GET", &path, None, &[]).await.refused(), (403, "permission_denied"));
    for path in ["/confirm", "/skip", "/unmap", "/remap"] {
        let answer = world.ask("POST", path, Some(json!({})), &[Permission::Read]).await;
        assert_eq!(answer.refused(), (403, "permission_denied"), "{path}");
    }
}
