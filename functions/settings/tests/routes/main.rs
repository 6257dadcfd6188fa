//! The settings through their routes.
#![expect(clippy::unwrap_used, reason = "tests")]

mod wrong_rules;

use std::sync::Arc;

use ambient::{Clock, SystemClock};
use assembly::FeatureGate;
use aws_sdk_dynamodb::config::SharedHttpClient;
use axum::{
    Extension, Router,
    body::Body,
    http::{Request, StatusCode},
};
use domain::{
    contact::Client,
    flags::Feature,
    ids::{ClientId, FlagId, UserId, WorkspaceId},
};
use edge::{Caller, CallerKind, Edition, Permission, ServiceEdition, Surface};
use embedded::Engine;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use settings::{Settings, routes};
use store::{FeatureFlag, Store, client_over};
use tower::ServiceExt;
use uuid::Uuid;

const WORKSPACE: WorkspaceId = WorkspaceId::new(Uuid::from_u128(1));

async fn api(permissions: &[Permission]) -> Router {
    api_and_store(permissions).await.0
}

async fn api_and_store(permissions: &[Permission]) -> (Router, Store) {
    let engine = Engine::in_memory().unwrap();
    let store = Store::new(client_over(SharedHttpClient::new(engine)), "contacts");
    store.create_table_if_absent().await.unwrap();
    (api_of(&store, 2, permissions), store)
}

/// The routes as user `number` calls them.
fn api_of(store: &Store, number: u128, permissions: &[Permission]) -> Router {
    let caller = Caller {
        workspace: WORKSPACE,
        user: Some(UserId::new(Uuid::from_u128(number))),
        kind: CallerKind::Internal,
        permissions: permissions.iter().map(|permission| permission.name().to_owned()).collect(),
        edition: Edition::Enterprise,
    };
    let router = routes::router(Arc::new(Settings { store: store.clone(), clock: Arc::new(SystemClock) }))
        .layer(Extension(caller))
        .layer(Extension(ServiceEdition(Edition::Enterprise)));
    edge::finish(router)
}

async fn call(api: &Router, method: &str, body: Value) -> (StatusCode, Value) {
    call_at(api, method, "", body).await
}

async fn call_at(api: &Router, method: &str, below: &str, body: Value) -> (StatusCode, Value) {
    let request = Request::builder()
        .method(method)
        .uri(format!("/api/integrations/entra/settings{below}"))
        .header("content-type", "application/json")
        .body(Body::from(if body.is_null() { String::new() } else { body.to_string() }))
        .unwrap();
    let answer = api.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap())
}

/// The path of a client that there is.
pub(crate) async fn acme(store: &Store) -> String {
    let client = Client {
        id: ClientId::new(Uuid::from_u128(7)),
        name: "Acme".to_owned(),
        website: None,
        secondary_domains: Vec::new(),
        inactive: false,
    };
    store.upsert_client(WORKSPACE, &client).await.unwrap();
    format!("/clients/{}", client.id)
}

/// What is switched off is kept; a request that leaves it out would take it away.
#[tokio::test]
async fn the_field_rules_of_a_client_outlast_a_flag_that_is_off() {
    let (api, store) = api_and_store(&Permission::ALL).await;
    let path = acme(&store).await;
    let rules = json!({"fieldSyncConfig": {"role": "never"}});
    let (status, before) = call_at(&api, "PUT", &path, rules).await;
    assert_eq!(status, StatusCode::OK, "{before}");

    let mut flag = FeatureFlag::new(FlagId::new(Uuid::from_u128(1)), Feature::Ui.key(), SystemClock.now());
    flag.filters = flag.filters.with(WORKSPACE);
    assert!(store.create_flag(&flag).await.unwrap());
    let off = api.clone().layer(Extension(Surface(Arc::new(FeatureGate::new(store.clone(), false)))));
    for body in [json!({}), json!({"scope": {"includeGuests": true}}), json!({"fieldSyncConfig": {}})] {
        let (status, answer) = call_at(&off, "PUT", &path, body.clone()).await;
        assert_eq!((status, &answer["code"]), (StatusCode::NOT_FOUND, &json!("feature_disabled")), "{body}");
    }
    assert_eq!(call_at(&off, "GET", &path, Value::Null).await.1["data"], before["data"]);
    // Sent along as they are, they do not keep the rest from being changed.
    let kept = json!({"fieldSyncConfig": {"role": "never"}, "scope": {"includeGuests": true}});
    assert_eq!(call_at(&off, "PUT", &path, kept).await.0, StatusCode::OK);
    // Where there are none, nothing is taken away.
    assert_eq!(call_at(&api, "PUT", &path, json!({})).await.0, StatusCode::OK);
    assert_eq!(
        call_at(&off, "PUT", &path, json!({"scope": {"includeGuests": true}})).await.0,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_client_has_rules_of_its_own_until_it_is_given_back() {
    let (api, store) = api_and_store(&Permission::ALL).await;
    let path = acme(&store).await;
    call(
        &api,
        "PATCH",
        json!({"fieldSyncConfig": {"role": true}, "scope": {"excludeDomains": ["a.example"]}}),
    )
    .await;

    let own = json!({
        "fieldSyncConfig": {"phone": "only_if_empty", "role": false},
        "scope": {"includeGuests": true},
        "limits": {"creations": {"count": 1, "percent": 2}},
    });
    let (status, answer) = call_at(&api, "PUT", &path, own).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let effective = &answer["data"]["effective"];
    assert_eq!(effective["fieldSyncConfig"]["phone"], "only_if_empty");
    assert_eq!(effective["fieldSyncConfig"]["role"], false);
    assert_eq!(
        (&effective["scope"]["includeGuests"], &effective["scope"]["excludeDomains"][0]),
        (&json!(true), &json!("a.example"))
    );
    assert_eq!(effective["limits"]["creations"]["count"], 1);
    assert_eq!(effective["vanish"]["graceHours"], 12, "of all");
    let (_, listed) = call_at(&api, "GET", "/clients", Value::Null).await;
    assert_eq!(listed["data"], json!([answer["data"]]));
    let (_, all) = call(&api, "GET", Value::Null).await;
    assert_eq!(all["data"]["fieldSyncConfig"]["role"], true, "the others keep theirs");

    for (body, status, code) in [
        (json!({"fieldSyncConfig": {"role": "sometimes"}}), StatusCode::BAD_REQUEST, "invalid_field_rules"),
        (json!({"scope": {"excludePatterns": ["("]}}), StatusCode::BAD_REQUEST, "invalid_scope_rules"),
        (json!({"vanish": {"allowedPercent": 101}}), StatusCode::BAD_REQUEST, "invalid_percent"),
        (
            json!({"scope": {"includeDomains": vec!["x.example"; 2_000]}}),
            StatusCode::BAD_REQUEST,
            "overrides_too_large",
        ),
    ] {
        let (refused, answer) = call_at(&api, "PUT", &path, body).await;
        assert_eq!((refused, answer["code"].as_str()), (status, Some(code)), "{answer}");
    }
    let (unknown, answer) =
        call_at(&api, "PUT", &format!("/clients/{}", Uuid::from_u128(8)), json!({})).await;
    assert_eq!((unknown, answer["code"].as_str()), (StatusCode::NOT_FOUND, Some("unknown_client")));
    let (_, answer) = call_at(&api, "GET", &path, Value::Null).await;
    assert_eq!(answer["data"]["overrides"]["fieldSyncConfig"]["phone"], "only_if_empty", "nothing was saved");

    let (status, answer) = call_at(&api, "PUT", &path, json!({})).await;
    assert_eq!((status, &answer["data"]["effective"]), (StatusCode::OK, &all["data"]));
    let (_, listed) = call_at(&api, "GET", "/clients", Value::Null).await;
    assert_eq!(listed["data"], json!([]));
}

#[tokio::test]
async fn a_change_leaves_what_it_does_not_name() {
    let api = api(&Permission::ALL).await;
    let (status, answer) = call(&api, "GET", Value::Null).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["data"]["fieldSyncConfig"]["role"], json!(false));
    assert_eq!(answer["data"]["fieldSyncConfig"]["markInactiveWhenDisabled"], json!(true));

    let (status, _) = call(&api, "PATCH", json!({"fieldSyncConfig": {"job_title": "1"}})).await;
    assert_eq!(status, StatusCode::OK);
    let (_, answer) = call(&api, "PATCH", json!({"scope": {"includeGuests": true}})).await;
    assert_eq!(answer["data"]["fieldSyncConfig"]["role"], json!(true));
    assert_eq!(answer["data"]["scope"]["includeGuests"], json!(true));
    let (_, read) = call(&api, "GET", Value::Null).await;
    assert_eq!(read["data"], answer["data"]);
}

#[tokio::test]
async fn rules_come_back_in_the_form_that_says_them() {
    let api = api(&Permission::ALL).await;
    let off = json!({
        "displayName": false, "email": false, "phone": false, "role": false, "department": false, "office": false,
        "company": false, "upn": false, "markInactiveWhenDisabled": true, "markActiveWhenEnabled": false, "allowClearing": false,
    });
    for (rules, shown) in [
        (json!({}), json!({})),
        (json!({"full_name": "1", "mobilePhone": true}), json!({"displayName": true, "phone": true})),
        (json!({"jobTitle": "always", "upn": "never"}), json!({"role": true})),
        (
            json!({"role": "unless_edited", "officeLocation": "only_if_empty", "companyName": true}),
            json!({"role": "unless_edited", "office": "only_if_empty", "company": true}),
        ),
        (
            json!({"department": {"overwrite": "when_source_changes", "clear": true}, "allowClearing": true}),
            json!({"department": {"overwrite": "when_source_changes", "clear": true}, "allowClearing": true}),
        ),
    ] {
        let mut expected = off.clone();
        expected.as_object_mut().unwrap().extend(shown.as_object().cloned().unwrap());
        let (status, answer) = call(&api, "PATCH", json!({"fieldSyncConfig": rules})).await;
        assert_eq!((status, &answer["data"]["fieldSyncConfig"]), (StatusCode::OK, &expected), "{rules}");
        let (_, again) =
            call(&api, "PATCH", json!({"fieldSyncConfig": answer["data"]["fieldSyncConfig"]})).await;
        assert_eq!(again["data"], answer["data"], "what is given out is taken back");
    }
}

#[tokio::test]
async fn every_wrong_rule_is_named() {
    let api = api(&Permission::ALL).await;
    let long = "x".repeat(5_000);
    let rules = json!({
        "role": "yes", "shoeSize": true, "mail": {"overwrite": "always", "clear": true}, (long): true,
    });
    let (status, answer) = call(&api, "PATCH", json!({"fieldSyncConfig": rules})).await;
    assert_eq!((status, &answer["code"]), (StatusCode::BAD_REQUEST, &json!("invalid_field_rules")));
    let rules = answer["details"]["rules"].as_array().unwrap();
    let codes: Vec<_> =
        rules.iter().map(|rule| (rule["path"].as_str().unwrap(), rule["code"].as_str().unwrap())).collect();
    assert_eq!(codes[0], ("shoeSize", "unknown_key"));
    assert_eq!(codes[1].1, "unknown_key");
    assert!(codes[1].0.len() < 300, "cut");
    assert_eq!(codes[2..], [("mail.clear", "not_clearable"), ("role", "invalid_value")]);
}

#[tokio::test]
async fn what_makes_no_sense_changes_nothing() {
    let api = api(&Permission::ALL).await;
    let (_, before) = call(&api, "GET", Value::Null).await;
    for (body, code) in [
        (json!({"fieldSyncConfig": []}), "invalid_field_rules"),
        (json!({"fieldSyncConfig": {"role": "yes"}}), "invalid_field_rules"),
        (json!({"fieldSyncConfig": {"roles": true}}), "invalid_field_rules"),
        (json!({"vanish": {"allowedPercent": 101}}), "invalid_percent"),
        (json!({"vanish": {"allowedPercent": -1}}), "invalid_body"),
        (json!({"scope": {"includeGuests": "yes"}}), "invalid_body"),
        (json!({"scopes": {}}), "invalid_body"),
    ] {
        let (status, answer) = call(&api, "PATCH", body.clone()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(answer["code"], json!(code), "{body}");
    }
    assert_eq!(call(&api, "GET", Value::Null).await.1["data"], before["data"]);
}

#[tokio::test]
async fn reading_does_not_permit_changing() {
    let api = api(&[Permission::Read]).await;
    assert_eq!(call(&api, "GET", Value::Null).await.0, StatusCode::OK);
    assert_eq!(call(&api, "PATCH", json!({})).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_pattern_that_cannot_be_used_is_refused_on_save_and_never_ignored() {
    let (api, store) = api_and_store(&Permission::ALL).await;
    let of_acme = acme(&store).await;
    let saved = json!({"scope": {"excludePatterns": ["^room-"]}});
    for (method, below) in [("PATCH", ""), ("PUT", of_acme.as_str())] {
        let (status, answer) = call_at(&api, method, below, saved.clone()).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let (_, before) = call_at(&api, "GET", below, Value::Null).await;
        for pattern in ["(", "[a-", "*bot", "(?=bot)", "(a)\\1", ""] {
            let body = json!({"scope": {"excludePatterns": ["^svc-", pattern]}});
            let (status, answer) = call_at(&api, method, below, body).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{pattern}");
            assert_eq!(answer["code"], "invalid_scope_rules", "{pattern}: {answer}");
            assert!(answer.to_string().contains("excludePatterns[1]"), "{pattern}: says where: {answer}");
            let (_, after) = call_at(&api, "GET", below, Value::Null).await;
            assert_eq!(after["data"], before["data"], "{pattern}: nothing was saved");
        }
    }
}

#[tokio::test]
async fn with_four_eyes_no_single_person_widens_a_limit_or_turns_it_off() {
    let (one, store) = api_and_store(&Permission::ALL).await;
    let two = api_of(&store, 3, &Permission::ALL);
    let of_client = acme(&store).await;
    let share = |count: u32| json!({ "count": count, "percent": 5 });
    let (status, answer) = call(&one, "PATCH", json!({ "fourEyes": true })).await;
    assert_eq!((status, &answer["data"]["fourEyes"]), (StatusCode::OK, &json!(true)), "{answer}");
    let run_limits = |creations: u32| {
        json!({
            "runLimits": { "inactivations": share(50), "creations": share(creations), "linkMoves": share(25) },
        })
    };
    let limits = |short: u8| {
        json!({
            "limits": { "creations": share(50), "linkMoves": share(5), "shortReadPercent": short },
        })
    };
    // What lets less through, or nothing else, takes one person.
    for body in [run_limits(400), json!({ "fieldSyncConfig": { "role": true } }), limits(60)] {
        let (status, answer) = call(&one, "PATCH", body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }
    for (what, below, method, body) in [
        ("more new contacts", "", "PATCH", run_limits(401)),
        ("a shorter read", "", "PATCH", limits(10)),
        ("more people who leave", "", "PATCH", json!({ "vanish": { "allowedPercent": 11 } })),
        ("more at one client", of_client.as_str(), "PUT", json!({ "vanish": { "allowed": 6 } })),
        ("one person again", "", "PATCH", json!({ "fourEyes": false })),
    ] {
        let before = call_at(&one, "GET", below, Value::Null).await;
        for _ in 0..2 {
            let (status, answer) = call_at(&one, method, below, body.clone()).await;
            let code = answer["code"].as_str();
            assert_eq!((status, code), (StatusCode::CONFLICT, Some("second_person_needed")), "{what}");
            let (status, mut now) = call_at(&one, "GET", below, Value::Null).await;
            if below.is_empty() {
                let awaited = now["data"].as_object_mut().unwrap().remove("awaitsSecondPerson").unwrap();
                assert_eq!(awaited.as_array().map(Vec::len), Some(1), "{what}: {awaited}");
                // Only what would change is shown.
                let asks = awaited[0]["asks"]["settings"].as_object().unwrap();
                assert!(asks.keys().all(|name| body.get(name).is_some()), "{what}: {awaited}");
                assert_eq!(asks.len(), 1, "{what}: {awaited}");
            }
            assert_eq!((status, now), before, "{what}");
        }
        let (status, answer) = call_at(&two, method, below, body.clone()).await;
        assert_eq!(status, StatusCode::OK, "{what}: {answer}");
        assert_ne!(call_at(&one, "GET", below, Value::Null).await, before, "{what}");
    }
}
