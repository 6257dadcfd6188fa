//! What is saved, and what is refused.

use domain::ids::MappingId;
use edge::Permission;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{WORKSPACE, World, client_id, tenant_id};

async fn is_undecided(world: &World) -> bool {
    world.mapping.store.mappings(WORKSPACE).await.unwrap().is_empty()
}

#[tokio::test]
async fn each_decision_has_its_own_outcome() {
    let world = World::new().await;
    let request = json!({ "mappings": [
        { "managedTenantId": tenant_id(1), "clientId": client_id(1), "mappingState": "mapped",
          "confidenceScore": 1, "clientPortalEntraProvisioningMode": "inherit",
          "clientPortalEntitlementGroupId": null, "clientPortalEntitlementMembershipMode": "transitive" },
        { "managed_tenant_id": tenant_id(2), "client_id": client_id(9) },
        { "managedTenantId": tenant_id(9), "clientId": client_id(1) },
        { "managedTenantId": tenant_id(3), "clientId": " " },
    ] });
    let data = world.post("/confirm", request.clone()).await.data();
    assert_eq!(data["confirmedMappings"], 2);
    let shown = |data: &Value| -> Vec<(String, Value, Value)> {
        let results = data["results"].as_array().unwrap();
        let text = |row: &Value| row["managedTenantId"].as_str().unwrap().to_owned();
        results.iter().map(|row| (text(row), row["outcome"].clone(), row["code"].clone())).collect()
    };
    let expected = |first: &str, last: &str| {
        vec![
            (tenant_id(1).to_string(), json!(first), json!(null)),
            (tenant_id(2).to_string(), json!("unknown_client"), json!("unknown_client")),
            (tenant_id(9).to_string(), json!("unknown_tenant"), json!("unknown_managed_tenant")),
            (tenant_id(3).to_string(), json!(last), json!(null)),
        ]
    };
    assert_eq!(shown(&data), expected("confirmed", "confirmed"));
    assert!(data["results"].as_array().unwrap().iter().all(|row| row["message"].is_string()));

    let again = world.post("/confirm", request).await.data();
    assert_eq!(again["confirmedMappings"], 2);
    assert_eq!(shown(&again), expected("unchanged", "unchanged"));
    assert_eq!(
        world.post("/confirm", json!({ "mappings": [] })).await.data(),
        json!({ "confirmedMappings": 0, "results": [] })
    );
}

#[tokio::test]
async fn a_wrong_request_saves_nothing() {
    let world = World::new().await;
    let good = json!({ "managedTenantId": tenant_id(3), "clientId": client_id(1) });
    for (item, code) in [
        (json!({ "managedTenantId": tenant_id(3), "client_id": client_id(2) }), "conflicting_clients"),
        (json!({ "managedTenantId": tenant_id(1), "mappingState": "mapped" }), "mapped_without_client"),
        (json!({ "managedTenantId": tenant_id(1), "mappingState": "skipped" }), "unknown_mapping_state"),
        (
            json!({ "managedTenantId": tenant_id(1), "clientId": client_id(1), "confidenceScore": 87 }),
            "invalid_confidence_score",
        ),
        (
            json!({ "managedTenantId": tenant_id(1), "clientPortalEntraProvisioningMode": "built_in" }),
            "client_portal_not_supported",
        ),
        (
            json!({ "managedTenantId": tenant_id(1), "client_portal_entitlement_group_id": "g" }),
            "client_portal_not_supported",
        ),
        (json!({ "managedTenantId": "" }), "invalid_body"),
        (json!({ "managedTenantId": tenant_id(1), "clientId": "x" }), "invalid_body"),
        (json!({ "clientId": client_id(1) }), "invalid_body"),
        (json!({ "managedTenantId": tenant_id(1), "expectedMappingId": 7 }), "invalid_body"),
        (json!([]), "invalid_body"),
        (json!("x"), "invalid_body"),
    ] {
        let answer = world.post("/confirm", json!({ "mappings": [good, item] })).await;
        assert_eq!(answer.refused(), (400, code), "{item}");
    }
    for body in [json!({}), json!({ "mappings": {} }), json!({ "mappings": null })] {
        assert_eq!(world.post("/confirm", body.clone()).await.refused(), (400, "invalid_body"), "{body}");
    }
    let many: Vec<Value> = (0..5_001).map(|_| good.clone()).collect();
    assert_eq!(
        world.post("/confirm", json!({ "mappings": many })).await.refused(),
        (400, "too_many_mappings")
    );
    assert!(is_undecided(&world).await);
}

#[tokio::test]
async fn a_refusal_says_where() {
    let world = World::new().await;
    let bad = json!({ "mappings": [{ "managedTenantId": tenant_id(1) }, { "managedTenantId": "x" }] });
    let answer = world.post("/confirm", bad).await;
    assert_eq!(answer.body["details"]["path"], "mappings[1].managedTenantId");
    let conflict = json!({ "mappings": [
        { "managedTenantId": tenant_id(1), "clientId": client_id(1) },
        { "managedTenantId": tenant_id(1), "clientId": client_id(2) },
    ] });
    let answer = world.post("/confirm", conflict).await;
    assert_eq!(
        answer.body["details"],
        json!({ "managedTenantId": tenant_id(1), "clientIds": [client_id(1), client_id(2)] })
    );
}

#[tokio::test]
async fn creating_clients_needs_its_own_permission() {
    let world = World::new().await;
    let body = json!({ "mappings": [
        { "managedTenantId": tenant_id(1), "clientId": client_id(1) },
        { "managedTenantId": tenant_id(3), "mappingState": "create_new" },
    ] });
    let answer = world.ask("POST", "/confirm", Some(body.clone()), &[Permission::Update]).await;
    assert_eq!(answer.refused(), (403, "permission_denied"));
    assert_eq!(answer.body["details"], json!({ "permission": "client.create" }));
    assert!(is_undecided(&world).await);
    assert_eq!(world.post("/confirm", body).await.data()["confirmedMappings"], 2);
}

#[tokio::test]
async fn single_changes_and_their_refusals() {
    let world = World::new().await;
    let one = json!({ "managedTenantId": tenant_id(1) });
    let unmapped = world.post("/unmap", one.clone()).await.data();
    assert_eq!((&unmapped["status"], &unmapped["outcome"]), (&json!("unmapped"), &json!("unchanged")));
    assert!(is_undecided(&world).await, "there was nothing to take back");

    let skipped = world.post("/skip", json!({ "managed_tenant_id": tenant_id(1) })).await.data();
    assert_eq!((&skipped["status"], &skipped["outcome"]), (&json!("skipped"), &json!("confirmed")));
    let remap = json!({ "managedTenantId": tenant_id(1), "targetClientId": client_id(2) });
    let remapped = world.post("/remap", remap).await.data();
    assert_eq!(remapped["status"], "remapped");
    assert_eq!(remapped["targetClientId"], json!(client_id(2)));
    assert_eq!(remapped["confirmedMappings"], 1);
    assert_eq!(world.post("/unmap", one).await.data()["outcome"], "confirmed");
    let record = world.mapping.store.mapping(WORKSPACE, tenant_id(1)).await.unwrap().unwrap();
    assert_eq!(record.history.len(), 2);

    for (path, body, refused) in [
        ("/skip", json!({}), (400, "invalid_body")),
        ("/unmap", json!({ "managedTenantId": "" }), (400, "invalid_body")),
        ("/remap", json!({ "managedTenantId": tenant_id(1) }), (400, "invalid_body")),
        ("/skip", json!({ "managedTenantId": tenant_id(9) }), (404, "unknown_managed_tenant")),
        ("/unmap", json!({ "managedTenantId": tenant_id(9) }), (404, "unknown_managed_tenant")),
        (
            "/remap",
            json!({ "managedTenantId": tenant_id(9), "targetClientId": client_id(9) }),
            (404, "unknown_managed_tenant"),
        ),
        (
            "/remap",
            json!({ "managedTenantId": tenant_id(1), "targetClientId": client_id(9) }),
            (404, "unknown_client"),
        ),
    ] {
        assert_eq!(world.post(path, body.clone()).await.refused(), refused, "{path} {body}");
    }
}

/// Two operators look at the same page; the second to save is told, not obeyed.
#[tokio::test]
async fn who_says_what_he_saw_replaces_nothing_else() {
    let world = World::new().await;
    let map = |client, seen: Value| {
        json!({ "mappings": [{
            "managedTenantId": tenant_id(1), "clientId": client_id(client), "expectedMappingId": seen,
        }] })
    };
    assert_eq!(world.post("/confirm", map(1, json!(null))).await.data()["confirmedMappings"], 1);

    let late = world.post("/confirm", map(2, json!(null))).await.data();
    assert_eq!(late["confirmedMappings"], 0);
    assert_eq!(late["results"][0]["outcome"], "changed_by_someone_else");
    assert_eq!(late["results"][0]["code"], "mapping_changed");
    let same = world.post("/confirm", map(1, json!(null))).await.data();
    assert_eq!(same["results"][0]["outcome"], "unchanged", "it holds already");

    let stale = MappingId::new(Uuid::from_u128(1));
    for path in ["/skip", "/unmap", "/remap"] {
        let body = json!({
            "managedTenantId": tenant_id(1), "targetClientId": client_id(2), "expectedMappingId": stale,
        });
        assert_eq!(world.post(path, body).await.refused(), (409, "mapping_changed"), "{path}");
    }
    let record = world.mapping.store.mapping(WORKSPACE, tenant_id(1)).await.unwrap().unwrap();
    assert_eq!(record.current.decision.client(), Some(client_id(1)));
    assert_eq!(record.history, []);

    let seen = json!(record.current.mapping_id);
    assert_eq!(world.post("/confirm", map(2, seen)).await.data()["confirmedMappings"], 1);
}
