//! Discovery over HTTP.

use std::sync::Arc;

use ambient::Clock;
use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use discovery::routes;
use domain::ids::{UserId, WorkspaceId};
use edge::{Caller, CallerKind, Edition, Permission, ServiceEdition};
use fake_microsoft::{Effect, Match, RelationshipStatus, Route};
use http_body_util::BodyExt;
use jiff::SignedDuration;
use serde_json::{Value, json};
use store::ConnectionStatus;
use tower::ServiceExt;
use uuid::Uuid;

use crate::{
    house::{Does, House, managed},
    microsoft::WORKSPACE,
};

async fn ask(
    house: &House,
    method: &str,
    workspace: WorkspaceId,
    permission: Permission,
) -> (StatusCode, Value) {
    let caller = Caller {
        workspace,
        user: Some(UserId::new(Uuid::from_u128(0xD1))),
        kind: CallerKind::Internal,
        permissions: [permission.name().to_owned()].into(),
        edition: Edition::Enterprise,
    };
    let request = Request::builder()
        .method(method)
        .uri("/api/integrations/entra/discovery")
        .extension(caller)
        .extension(ServiceEdition(Edition::Enterprise))
        .body(Body::empty())
        .unwrap();
    let router = edge::finish(routes::router(Arc::clone(&house.discovery)));
    let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (parts.status, serde_json::from_slice(&bytes).unwrap())
}

async fn get(house: &House) -> (StatusCode, Value) {
    ask(house, "GET", WORKSPACE, Permission::Read).await
}

async fn post(house: &House) -> (StatusCode, Value) {
    house.clock.advance(SignedDuration::from_mins(1));
    ask(house, "POST", WORKSPACE, Permission::Update).await
}

#[track_caller]
fn assert_refused((status, body): &(StatusCode, Value), expected: u16, code: &str) {
    assert_eq!((status.as_u16(), &body["code"]), (expected, &json!(code)), "{body}");
    assert!(body["remedy"].as_str().is_some_and(|remedy| remedy.len() > 10), "{body}");
}

#[tokio::test]
async fn a_discovery_answers_what_it_found_and_can_be_asked_again() {
    let house = House::new().await;
    assert_refused(&get(&house).await, 404, "not_discovered");
    let (status, body) = post(&house).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let data = &body["data"];
    assert_eq!((&data["discoveredTenantCount"], data["new"].as_array().unwrap().len()), (&json!(5), 5));
    let tenants = data["discoveredTenants"].as_array().unwrap();
    let names: Vec<String> =
        tenants.iter().map(|tenant| tenant["displayName"].as_str().unwrap().to_lowercase()).collect();
    assert!(names.is_sorted() && names.len() == 5, "{names:?}");
    for known in house.microsoft.world().tenants() {
        let shown = tenants.iter().find(|tenant| tenant["entraTenantId"] == json!(known.id)).unwrap();
        assert_eq!(shown["managedTenantId"], json!(managed(known.id)));
        assert_eq!(
            (&shown["primaryDomain"], &shown["access"]),
            (&json!(known.default_domain()), &json!("ok"))
        );
        assert_eq!((&shown["sourceUserCount"], &shown["accessFailure"]), (&json!(0), &Value::Null));
    }
    assert_eq!(get(&house).await, (StatusCode::OK, body));
}

#[tokio::test]
async fn who_is_gone_is_named_and_not_listed() {
    let house = House::new().await;
    post(&house).await;
    let customer = house.customers()[0];
    house.microsoft.world().set_relationship_status(customer, RelationshipStatus::Terminated).unwrap();
    let (_, body) = post(&house).await;
    let data = &body["data"];
    assert_eq!((&data["discoveredTenantCount"], &data["gone"]), (&json!(4), &json!([managed(customer)])));
    let tenants = data["discoveredTenants"].as_array().unwrap();
    assert!(tenants.iter().all(|tenant| tenant["entraTenantId"] != json!(customer)));
}

#[tokio::test]
async fn a_discovery_that_failed_says_why_until_one_succeeds() {
    let house = House::new().await;
    house.microsoft.fake.faults().on(Match::route(Route::Relationships), Effect::status(403), 1);
    let failed = post(&house).await;
    assert_refused(&failed, 502, "discovery_failed");
    assert_eq!(failed.1["details"]["cause"], "partner_role_missing");
    assert_refused(&get(&house).await, 502, "discovery_failed");
    assert_eq!(post(&house).await.0, StatusCode::OK);
    assert_eq!(get(&house).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_discovery_that_takes_long_is_answered_before_the_gateway_gives_up() {
    let house = House::new().await;
    *house.engine.does.lock().unwrap() = Does::Carry;
    post(&house).await;
    *house.engine.does.lock().unwrap() = Does::Take;
    let asked = house.clock.now();
    let (status, body) = post(&house).await;
    assert_eq!(
        (status, &body["data"]["accepted"]),
        (StatusCode::ACCEPTED, &json!(true)),
        "not the last one's outcome"
    );
    assert!(
        house.clock.now().duration_since(asked)
            < SignedDuration::from_mins(1) + SignedDuration::from_secs(29)
    );
}

#[tokio::test]
async fn what_cannot_begin_is_refused() {
    let house = House::new().await;
    *house.engine.does.lock().unwrap() = Does::Refuse;
    assert_refused(&post(&house).await, 503, "workflow_unavailable");
    house.connect(ConnectionStatus::Disconnected).await;
    assert_refused(&post(&house).await, 409, "not_connected");
    assert_refused(&ask(&house, "POST", WORKSPACE, Permission::Read).await, 403, "permission_denied");
    assert_eq!(house.tenants().await, []);
}

#[tokio::test]
async fn another_workspace_sees_none_of_it() {
    let house = House::new().await;
    post(&house).await;
    let other = WorkspaceId::new(Uuid::from_u128(0xA2));
    assert_refused(&ask(&house, "GET", other, Permission::Read).await, 404, "not_discovered");
    assert_refused(&ask(&house, "POST", other, Permission::Update).await, 409, "not_connected");
}
