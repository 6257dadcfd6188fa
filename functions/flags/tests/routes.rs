//! The flags through their routes, as the rollout guide and the PSA's administrators call them.
#![expect(clippy::unwrap_used, reason = "a test whose set-up does not hold has failed")]

use std::sync::Arc;

use ambient::{SystemClock, SystemEntropy};
use aws_sdk_dynamodb::config::SharedHttpClient;
use axum::{
    Extension, Router,
    body::Body,
    http::{Request, StatusCode},
};
use domain::{
    flags::Feature,
    ids::{UserId, WorkspaceId},
};
use edge::{Caller, CallerKind, Edition, Permission, ServiceEdition};
use embedded::Engine;
use flags::{Access, Flags, routes};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use store::{Store, client_over, probe::Probe};
use tower::ServiceExt;
use uuid::Uuid;

const BASE: &str = "/api/v1/platform-feature-flags";
const KEY: &str = "a key of the master workspace, long enough";
const MASTER: WorkspaceId = WorkspaceId::new(Uuid::from_u128(1));
const CUSTOMER: WorkspaceId = WorkspaceId::new(Uuid::from_u128(2));

/// The routes over a table, for one kind of caller.
#[derive(Clone)]
struct Api {
    store: Store,
    access: Access,
    key: Option<&'static str>,
    caller: Option<Caller>,
    edition: Edition,
}

impl Api {
    /// Called with the key.
    async fn new() -> Self {
        let engine = Engine::in_memory().unwrap();
        let store = Store::new(client_over(SharedHttpClient::new(engine)), "flags");
        store.create_table_if_absent().await.unwrap();
        let access = Access { master: Some(MASTER), keys: vec!["x".repeat(32).into(), KEY.into()] };
        Self { store, access, key: Some(KEY), caller: None, edition: Edition::Enterprise }
    }

    async fn call(&self, method: &str, below: &str, body: Value) -> (StatusCode, Value) {
        let flags = Flags {
            store: self.store.clone(),
            access: self.access.clone(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        };
        let mut router: Router =
            routes::router(Arc::new(flags)).layer(Extension(ServiceEdition(self.edition)));
        if let Some(caller) = &self.caller {
            router = router.layer(Extension(caller.clone()));
        }
        let mut request = Request::builder().method(method).uri(format!("{BASE}{below}"));
        if let Some(key) = self.key {
            request = request.header("x-api-key", key);
        }
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = edge::finish(router).oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let status = answer.status();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        (status, if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() })
    }

    async fn refused(&self, method: &str, below: &str, body: Value) -> (u16, String) {
        let (status, body) = self.call(method, below, body).await;
        assert_eq!(body["success"], false, "{status} {body}");
        (status.as_u16(), body["code"].as_str().unwrap().to_owned())
    }

    async fn made(&self, body: Value) -> Value {
        let (status, answer) = self.call("POST", "", body).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        answer["data"].clone()
    }
}

fn staff(workspace: WorkspaceId, permissions: &[Permission]) -> Caller {
    Caller {
        workspace,
        user: Some(UserId::new(Uuid::from_u128(7))),
        kind: CallerKind::Internal,
        permissions: permissions.iter().map(|permission| permission.name().to_owned()).collect(),
        edition: Edition::Enterprise,
    }
}

fn error(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn the_rollout_guide_makes_the_flags_and_switches_them_on() {
    let api = Api::new().await;
    let ensure = json!({ "__action": "ensure_entra_phase1_flags" });
    let (status, first) = api.call("POST", "", ensure.clone()).await;
    let keys: Vec<&str> = Feature::ALL.iter().map(|feature| feature.key()).collect();
    assert_eq!(status, StatusCode::OK);
    assert_eq!(first, json!({ "success": true, "data": { "createdKeys": keys, "existingKeys": [] } }));
    let (_, again) = api.call("POST", "/", ensure).await;
    assert_eq!(again["data"], json!({ "createdKeys": [], "existingKeys": keys }));

    let (_, listed) = api.call("GET", "?includeEntraPhase1Defaults=true", Value::Null).await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 5);
    assert_eq!(
        listed["defaults"]["entraPhase1"][0],
        json!({ "key": keys[0], "name": "Entra Integration UI", "tags": ["entra", "integration", "phase-1"] })
    );
    let is_on = async |feature| api.store.feature_is_on(CUSTOMER, feature).await.unwrap();
    for flag in listed["data"].as_array().unwrap() {
        assert_eq!(flag["active"], true);
        assert_eq!(flag["filters"]["groups"], json!([{ "properties": [], "rollout_percentage": 0 }]));
        let below = format!("/{}/tenants", flag["id"].as_str().unwrap());
        let add = json!({ "__action": "add", "tenantId": CUSTOMER });
        let (status, added) = api.call("POST", &below, add.clone()).await;
        assert_eq!((status, &added["data"]["id"]), (StatusCode::OK, &flag["id"]), "{added}");
        assert_eq!(api.call("POST", &below, add).await.1["data"], added["data"], "once");
        let group = &added["data"]["filters"]["groups"][0];
        assert_eq!(
            (&group["properties"][0]["value"], &group["rollout_percentage"]),
            (&json!([CUSTOMER]), &json!(100))
        );
    }
    for feature in Feature::ALL {
        assert!(is_on(feature).await);
        assert!(!api.store.feature_is_on(MASTER, feature).await.unwrap());
    }
    // By its key, too: the first request of the guide answers keys.
    let below = format!("/{}/tenants", Feature::Ui);
    let (_, removed) = api.call("POST", &below, json!({ "__action": "remove", "tenantId": CUSTOMER })).await;
    assert_eq!(removed["data"]["filters"]["groups"], json!([{ "properties": [], "rollout_percentage": 0 }]));
    assert!(!is_on(Feature::Ui).await && is_on(Feature::Cipp).await);
}

#[tokio::test]
async fn a_flag_is_made_read_changed_and_deleted() {
    let api = Api::new().await;
    let made = api.made(json!({ "key": "beta", "name": "Beta", "tags": ["a"], "active": false })).await;
    let id = made["id"].as_str().unwrap();
    assert_eq!(
        (&made["key"], &made["active"], &made["tags"]),
        (&json!("beta"), &json!(false), &json!(["a"]))
    );
    assert_eq!(api.made(json!({ "key": "plain" })).await["name"], "plain");
    for name in [id, "beta"] {
        assert_eq!(api.call("GET", &format!("/{name}"), Value::Null).await.1["data"], made);
    }
    let filters = json!({ "groups": [{ "properties": [], "rollout_percentage": 25.5 }], "note": "kept" });
    let (_, changed) = api.call("PATCH", &format!("/{id}"), json!({ "filters": filters, "other": 1 })).await;
    assert_eq!(
        (&changed["data"]["filters"], &changed["data"]["name"]),
        (&filters, &json!("Beta")),
        "what is not named stays"
    );
    let (_, renamed) = api.call("PATCH", "/beta", json!({ "key": "gamma", "active": true })).await;
    assert_eq!((&renamed["data"]["id"], &renamed["data"]["key"]), (&json!(id), &json!("gamma")));
    assert_eq!(api.refused("GET", "/beta", Value::Null).await, error(404, "unknown_flag"));
    assert_eq!(api.refused("PATCH", "/gamma", json!({ "key": "plain" })).await, error(409, "key_taken"));
    let (status, deleted) = api.call("DELETE", &format!("/{id}"), Value::Null).await;
    assert_eq!((status, &deleted["success"]), (StatusCode::OK, &json!(true)));
    assert_eq!(deleted["message"], "The flag gamma was deleted.");
    for (method, below) in [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "")] {
        let refused = api.refused(method, &format!("/{id}{below}"), json!({})).await;
        assert_eq!(refused, error(404, "unknown_flag"), "{method}");
    }
    api.made(json!({ "key": "gamma" })).await;
}

#[tokio::test]
async fn a_post_can_stand_for_another_method() {
    let api = Api::new().await;
    let made = api.made(json!({ "key": "beta" })).await;
    let (status, shown) = api.call("POST", "/beta", json!({ "__method": "GET", "name": "No" })).await;
    assert_eq!((status, &shown["data"]), (StatusCode::OK, &made));
    let (_, changed) = api.call("POST", "/beta", json!({ "__method": "patch", "name": "Yes" })).await;
    assert_eq!(changed["data"]["name"], "Yes");
    let (_, deleted) = api.call("POST", "/beta", json!({ "__method": "DELETE" })).await;
    assert_eq!(deleted["message"], "The flag beta was deleted.");
    assert_eq!(api.refused("POST", "/beta", json!({})).await, error(404, "unknown_flag"));
}

#[tokio::test]
async fn a_long_list_comes_page_by_page() {
    let api = Api::new().await;
    for number in 0..5 {
        api.made(json!({ "key": format!("flag-{number}") })).await;
    }
    let mut keys = Vec::new();
    let mut below = "?limit=2".to_owned();
    loop {
        let (_, page) = api.call("GET", &below, Value::Null).await;
        keys.extend(page["data"].as_array().unwrap().iter().map(|flag| flag["key"].clone()));
        match page["nextCursor"].as_str() {
            Some(cursor) => below = format!("?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(json!(keys), json!(["flag-0", "flag-1", "flag-2", "flag-3", "flag-4"]));
    assert_eq!(api.refused("GET", "?limit=none", Value::Null).await, error(400, "invalid_limit"));
    assert_eq!(api.refused("GET", "?cursor=x", Value::Null).await, error(400, "invalid_cursor"));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let api = Api::new().await;
    let made = api.made(json!({ "key": "beta" })).await;
    let many: Vec<WorkspaceId> = (0..9_000).map(|number| WorkspaceId::new(Uuid::from_u128(number))).collect();
    let large = json!({ "groups": [{ "properties": [{ "key": "tenant", "value": many }] }] });
    for (method, below, body, status, code) in [
        ("POST", "", json!({}), 400, "key_missing"),
        ("POST", "", json!({ "name": "x" }), 400, "key_missing"),
        ("POST", "", json!({ "key": 7 }), 400, "invalid_key"),
        ("POST", "", json!({ "key": "" }), 400, "invalid_key"),
        ("POST", "", json!({ "key": "a b" }), 400, "invalid_key"),
        ("POST", "", json!({ "key": CUSTOMER }), 400, "invalid_key"),
        ("POST", "", json!({ "key": "beta" }), 409, "key_taken"),
        ("POST", "", json!({ "__action": "ensure" }), 400, "invalid_action"),
        ("POST", "", json!([]), 400, "invalid_body"),
        ("PATCH", "/beta", json!({ "name": 7 }), 400, "invalid_name"),
        ("PATCH", "/beta", json!({ "active": "yes" }), 400, "invalid_active"),
        ("PATCH", "/beta", json!({ "filters": [] }), 400, "invalid_filters"),
        ("PATCH", "/beta", json!({ "filters": { "groups": "all" } }), 400, "invalid_filters"),
        ("PATCH", "/beta", json!({ "filters": large }), 400, "filters_too_large"),
        ("PATCH", "/beta", json!({ "tags": [7] }), 400, "invalid_tags"),
        ("POST", "/beta/tenants", json!({ "__action": "add" }), 400, "tenant_missing"),
        ("POST", "/beta/tenants", json!({ "__action": "add", "tenantId": " " }), 400, "tenant_missing"),
        ("POST", "/beta/tenants", json!({ "__action": "add", "tenantId": "acme" }), 400, "invalid_tenant"),
        (
            "POST",
            "/beta/tenants",
            json!({ "__action": "toggle", "tenantId": CUSTOMER }),
            400,
            "invalid_action",
        ),
        ("POST", "/beta/tenants", json!({ "tenantId": CUSTOMER }), 400, "invalid_action"),
        ("POST", "/none/tenants", json!({ "__action": "add", "tenantId": CUSTOMER }), 404, "unknown_flag"),
        ("PUT", "/beta", json!({}), 405, "method_not_allowed"),
    ] {
        let refused = api.refused(method, below, body.clone()).await;
        assert_eq!(refused, error(status, code), "{method} {below} {code}");
    }
    assert_eq!(api.call("GET", "/beta", Value::Null).await.1["data"], made);
}

#[tokio::test]
async fn only_the_master_workspace_decides() {
    let api = Api::new().await;
    let (read, update) = (Permission::Read, Permission::Update);
    let portal = Caller { kind: CallerKind::Client, ..staff(MASTER, &Permission::ALL) };
    let community = Caller { edition: Edition::Community, ..staff(MASTER, &Permission::ALL) };
    let only = (403, "master_workspace_only");
    for (key, caller, reading, changing) in [
        (Some(KEY), None, (200, ""), (200, "")),
        (Some(KEY), Some(portal.clone()), (200, ""), (200, "")),
        (None, None, only, only),
        (Some("a key of the master workspace, long enoug"), None, only, only),
        (Some(""), None, only, only),
        (None, Some(staff(MASTER, &[read, update])), (200, ""), (200, "")),
        // A key that is wrong is as good as none.
        (Some("wrong"), Some(staff(MASTER, &[read, update])), (200, ""), (200, "")),
        (None, Some(staff(MASTER, &[read])), (200, ""), (403, "permission_denied")),
        (None, Some(staff(MASTER, &[])), (403, "permission_denied"), (403, "permission_denied")),
        (None, Some(staff(CUSTOMER, &[read, update])), only, only),
        (None, Some(portal), (403, "portal_user_denied"), (403, "portal_user_denied")),
        (None, Some(community), (501, "enterprise_only"), (501, "enterprise_only")),
    ] {
        let api = Api { key, caller: caller.clone(), ..api.clone() };
        for (method, expected) in [("GET", reading), ("POST", changing)] {
            let body = if method == "POST" {
                json!({ "__action": "ensure_entra_phase1_flags" })
            } else {
                Value::Null
            };
            let (status, body) = api.call(method, "", body).await;
            let code = body["code"].as_str().unwrap_or_default();
            assert_eq!((status.as_u16(), code), expected, "{method} {key:?} {caller:?}");
        }
    }
    let nobody = Api { access: Access::default(), ..api.clone() };
    assert_eq!(nobody.refused("GET", "", Value::Null).await, error(500, "flags_not_configured"));
    let community = Api { edition: Edition::Community, ..api.clone() };
    assert_eq!(community.refused("GET", "", Value::Null).await, error(501, "enterprise_only"));
    let (status, _) = Api { key: None, ..api }.call("OPTIONS", "", Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
}

/// Somebody else is always faster.
#[tokio::test]
async fn a_flag_that_others_keep_changing_is_left_to_them_and_that_is_said() {
    let engine = Engine::in_memory().unwrap();
    let (probe, http) = Probe::around(engine.clone());
    let api = Api { store: Store::new(client_over(http), "flags"), ..Api::new().await };
    api.store.create_table_if_absent().await.unwrap();
    let made = api.made(json!({ "key": "busy", "active": true })).await;
    let id = made["id"].as_str().unwrap();
    let changes = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = Arc::clone(&changes);
    probe.script(move |call| {
        if call.write.is_some() {
            let change = json!({ "TableName": "flags", "UpdateExpression": "SET revision = revision + :one",
                "Key": { "pk": { "S": "PLATFORM#FLAG" }, "sk": { "S": "busy" } },
                "ExpressionAttributeValues": { ":one": { "N": "1" } } });
            let (status, _) = engine.respond("UpdateItem", change.to_string().as_bytes());
            assert_eq!(status, 200);
            counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
        None
    });
    let add = json!({ "__action": "add", "tenantId": CUSTOMER });
    for (method, below, body) in [("PATCH", "", json!({ "active": false })), ("POST", "/tenants", add)] {
        let before = changes.load(std::sync::atomic::Ordering::Relaxed);
        assert_eq!(
            api.refused(method, &format!("/{id}{below}"), body).await,
            error(409, "flag_contended"),
            "{method}"
        );
        let tried = changes.load(std::sync::atomic::Ordering::Relaxed) - before;
        assert!((5..=200).contains(&tried), "{tried}");
    }
    probe.clear();
    let (_, shown) = api.call("GET", &format!("/{id}"), Value::Null).await;
    assert_eq!((&shown["data"]["active"], &shown["data"]["key"]), (&json!(true), &json!("busy")), "{shown}");
}
