//! Connecting through a CIPP deployment.

use axum::http::StatusCode;
use fake_microsoft::{CIPP_CLIENT_ID, CIPP_CLIENT_SECRET, CippFault, Effect, Match, Route};
use jiff::SignedDuration;
use secrets::CippKey;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use store::{Connection, ConnectionKind, ConnectionStatus, probe::Fault};

use crate::bench::{Answer, Bench, CONNECT, DISCONNECT, STATUS, VALIDATE, VALIDATE_CIPP, workspace};

impl Bench {
    pub(crate) fn cipp_client(&self) -> Value {
        json!({ "connectionType": "cipp", "baseUrl": self.server.base_url(),
            "tenantId": self.fake.world().partner().id.to_string(),
            "clientId": CIPP_CLIENT_ID, "clientSecret": CIPP_CLIENT_SECRET })
    }

    pub(crate) async fn connect_cipp(&self, body: &Value) -> Answer {
        self.ask("POST", CONNECT, &body.to_string()).await
    }
}

#[tokio::test]
async fn disconnecting_says_what_stays_good_at_cipp() {
    let bench = Bench::new().await;
    bench.connect_cipp(&bench.cipp_client()).await.json();
    let data = bench.ask("POST", DISCONNECT, "").await.json()["data"].clone();
    assert_eq!(data["clientId"], CIPP_CLIENT_ID);
    let text = data["notRevoked"].as_str().unwrap();
    assert!(
        text.contains("API client") && text.contains("CIPP-API") && !text.contains("enterprise"),
        "{text}"
    );
    assert!(bench.cipp().await.is_none());
}

/// The credential is stored before the connection: a process that is killed in between leaves this behind.
#[tokio::test]
async fn a_change_of_deployment_that_was_cut_off_asks_nothing_of_the_other_one() {
    let bench = Bench::new().await;
    bench.connect_cipp(&bench.cipp_client()).await.json();
    let now = bench.connection().await.unwrap();
    let elsewhere = Some("https://cipp.other.example".to_owned());
    let former = Connection { cipp_base_url: elsewhere, ..now.clone() };
    assert!(bench.app.store.put_connection(workspace(1), Some(&now), &former).await.unwrap());
    bench.fake.reset_requests();
    let refused = bench.ask("POST", VALIDATE_CIPP, "").await;
    assert!(refused.json().to_string().contains("cipp_mismatch"), "{refused:?}");
    let directory = bench.directory().await;
    assert_eq!(directory.managed_tenants().await.unwrap_err().code().name(), "cipp_mismatch");
    assert_eq!(bench.fake.requests().of(Route::CippTenants).requests, 0, "nothing was asked");
    // Connected again, it works.
    bench.connect_cipp(&bench.cipp_client()).await.json();
    assert_eq!(bench.directory().await.managed_tenants().await.unwrap().tenants.len(), 2);
}

#[tokio::test]
async fn an_api_client_connects_and_is_seen() {
    let bench = Bench::new().await;
    let answer = bench.connect_cipp(&bench.cipp_client()).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let data = answer.json()["data"].clone();
    assert_eq!((&data["status"], &data["connectionType"]), (&json!("connected"), &json!("cipp")));
    assert_eq!((&data["baseUrl"], &data["managedTenantCount"]), (&json!(bench.server.base_url()), &json!(2)));
    assert_eq!(data["tokenExpiresAt"], Value::Null);
    let connection = bench.connection().await.unwrap();
    assert_eq!(
        (connection.kind, connection.connection_status),
        (ConnectionKind::Cipp, ConnectionStatus::Connected)
    );
    assert_eq!(connection.partner_tenant, Some(bench.fake.world().partner().id));
    assert_eq!(connection.cipp_base_url, Some(bench.server.base_url()));
    assert!(matches!(bench.cipp().await.unwrap().key, CippKey::Client { .. }));

    let status = bench.ask("GET", STATUS, "").await.json()["data"].clone();
    assert_eq!((&status["status"], &status["connectionType"]), (&json!("connected"), &json!("cipp")));
    assert_eq!(status["availableConnectionTypes"], json!(["direct", "cipp"]));
    assert_eq!(status["connectionDetails"]["cippBaseUrl"], bench.server.base_url());
    assert_eq!(status["connectionDetails"]["cippCredentialType"], "client");
    let valid = bench.ask("POST", VALIDATE_CIPP, "").await.json()["data"].clone();
    assert_eq!((&valid["valid"], &valid["tenantCountSample"]), (&json!(true), &json!(2)));
    assert_eq!(valid["endpoint"], "/api/ListTenants");
}

#[tokio::test]
async fn a_pasted_token_connects_and_tells_when_it_ends() {
    let bench = Bench::new().await;
    let token = bench.fake.cipp_token(SignedDuration::from_mins(50));
    let body = json!({ "connectionType": "cipp", "baseUrl": bench.server.base_url(), "apiToken": format!(" Bearer {token}\n") });
    let answer = bench.connect_cipp(&body).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let ends = (bench.fake.world().config().as_of + SignedDuration::from_mins(50)).to_string();
    assert_eq!(answer.json()["data"]["tokenExpiresAt"], ends);
    let status = bench.ask("GET", STATUS, "").await.json()["data"]["connectionDetails"].clone();
    assert_eq!(
        (&status["cippCredentialType"], &status["cippTokenExpiresAt"]),
        (&json!("token"), &json!(ends))
    );

    bench.clock.advance(SignedDuration::from_hours(1));
    let answer = bench.ask("POST", VALIDATE_CIPP, "").await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::BAD_REQUEST, "auth_rejected"));
    assert_eq!(answer.json()["details"]["reason"], "cipp_token_expired");
    let status = bench.ask("GET", STATUS, "").await.json()["data"].clone();
    assert_eq!(
        (&status["status"], &status["lastValidationError"]["code"]),
        (&json!("validation_failed"), &json!("auth_rejected"))
    );
    let expired = bench.connect_cipp(&body).await;
    assert_eq!(expired.code(), "auth_rejected");

    let fresh = bench.fake.cipp_token(SignedDuration::from_mins(50));
    let body = json!({ "connectionType": "cipp", "baseUrl": bench.server.base_url(), "apiToken": fresh });
    assert_eq!(bench.connect_cipp(&body).await.status, StatusCode::OK);
    assert_eq!(bench.ask("GET", STATUS, "").await.json()["data"]["lastValidationError"], Value::Null);
}

#[tokio::test]
async fn what_does_not_work_leaves_no_trace() {
    let bench = Bench::new().await;
    bench.connect().await;
    let with = |changes: Value| {
        let mut body = bench.cipp_client();
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    };
    let before = bench.everything().await;
    let token = bench.fake.cipp_token(SignedDuration::from_mins(50));
    for (changes, code) in [
        (json!({ "clientId": null, "clientSecret": " ", "tenantId": "" }), "missing_credentials"),
        (json!({ "clientSecret": null }), "mixed_credentials"),
        (json!({ "apiToken": token }), "mixed_credentials"),
        (json!({ "tenantId": "msp.example" }), "invalid_tenant_id"),
        (json!({ "clientSecretExpiresAt": "next spring" }), "invalid_client_secret_expires_at"),
        (
            json!({ "clientId": null, "clientSecret": null, "tenantId": null, "apiToken": "a\r\nX: b" }),
            "invalid_api_token",
        ),
        (
            json!({ "clientId": null, "clientSecret": null, "tenantId": null, "apiToken": "nonsense" }),
            "auth_rejected",
        ),
        (json!({ "clientSecret": "wrong" }), "auth_rejected"),
        (json!({ "tenantId": "99999999-0b1f-4c3a-9d2e-7f1e2a3b4c5d" }), "partner_tenant_changed"),
        (
            json!({ "tenantId": "99999999-0b1f-4c3a-9d2e-7f1e2a3b4c5d", "changePartner": true }),
            "auth_rejected",
        ),
    ] {
        let answer = bench.connect_cipp(&with(changes.clone())).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::BAD_REQUEST, code), "{changes}");
        assert_eq!(bench.everything().await, before, "{changes}: not a byte has changed");
    }
    for (route, effect, code, reason) in [
        (Route::CippMe, Effect::Cipp(CippFault::Page), "validation_failed", "cipp_wrong_address"),
        (Route::CippMe, Effect::Cipp(CippFault::SignIn), "validation_failed", "cipp_wrong_address"),
        (Route::CippMe, Effect::plain_text(401, ""), "auth_rejected", "cipp_token_refused"),
        (Route::CippTenants, Effect::plain_text(403, "no"), "auth_rejected", "cipp_forbidden"),
        (
            Route::CippTenants,
            Effect::Cipp(CippFault::FailureRow),
            "validation_failed",
            "cipp_tenants_not_listed",
        ),
        (Route::CippTenants, Effect::Cipp(CippFault::Nothing), "validation_failed", "cipp_answer_incomplete"),
        (Route::CippTenants, Effect::plain_text(500, "\"x\""), "validation_failed", "cipp_unavailable"),
        (Route::CippTenants, Effect::Malformed, "validation_failed", "cipp_answer_unreadable"),
        (
            Route::CippTenants,
            Effect::plain_text(404, "Endpoint not found"),
            "validation_failed",
            "cipp_wrong_address",
        ),
        (Route::Token, Effect::aadsts(7_000_222), "auth_rejected", "client_secret_expired"),
    ] {
        bench.fake.faults().on(Match::route(route), effect, None);
        let answer = bench.connect_cipp(&bench.cipp_client()).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::BAD_REQUEST, code), "{reason}");
        assert_eq!(answer.json()["details"]["reason"], reason);
        bench.fake.faults().clear();
        assert_eq!(bench.everything().await, before, "{reason}: not a byte has changed");
    }
    // A version that has no such function: the listing decides.
    bench.fake.faults().on(Match::route(Route::CippMe), Effect::plain_text(404, "Endpoint not found"), None);
    assert_eq!(bench.connect_cipp(&bench.cipp_client()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_gets_no_token() {
    let bench = Bench::new().await;
    let elsewhere = Bench::new().await;
    let target = format!("{}/api/ListTenants", elsewhere.server.base_url());
    bench.fake.faults().on(
        Match::route(Route::CippTenants),
        Effect::Cipp(CippFault::RedirectTo(target)),
        None,
    );
    let answer = bench.connect_cipp(&bench.cipp_client()).await;
    assert_eq!(
        (answer.code().as_str(), &answer.json()["details"]["reason"]),
        ("validation_failed", &json!("cipp_wrong_address"))
    );
    assert_eq!(elsewhere.fake.requests().total(), 0);
}

#[tokio::test]
async fn connecting_one_kind_gives_the_other_up() {
    let bench = Bench::new().await;
    bench.connect().await;
    bench.clock.advance(SignedDuration::from_mins(1));
    assert_eq!(bench.connect_cipp(&bench.cipp_client()).await.status, StatusCode::OK);
    assert!(bench.tokens().await.is_none() && bench.cipp().await.is_some());
    let answer = bench.ask("POST", VALIDATE, "").await;
    assert_eq!(answer.code(), "missing_access_token", "there is no direct connection");
    assert_eq!(bench.ask("GET", STATUS, "").await.json()["data"]["status"], "connected");

    bench.clock.advance(SignedDuration::from_mins(1));
    bench.connect().await;
    assert!(bench.tokens().await.is_some() && bench.cipp().await.is_none());
    assert_eq!(bench.connection().await.unwrap().kind, ConnectionKind::Direct);
    let answer = bench.ask("POST", VALIDATE_CIPP, "").await;
    assert_eq!(answer.code(), "missing_credentials");
    assert_eq!(bench.ask("GET", STATUS, "").await.json()["data"]["lastValidationError"], Value::Null);
}

#[tokio::test]
async fn both_halves_are_stored_or_neither() {
    for connected in [false, true] {
        let bench = Bench::new().await;
        if connected {
            assert_eq!(bench.connect_cipp(&bench.cipp_client()).await.status, StatusCode::OK);
            bench.clock.advance(SignedDuration::from_hours(1));
        }
        let (before, secret) = (bench.connection().await, bench.cipp().await.is_some());
        bench.probe.script(|call| (call.operation == "PutItem").then_some(Fault::Before));
        let token = bench.fake.cipp_token(SignedDuration::from_mins(50));
        let body = json!({ "connectionType": "cipp", "baseUrl": bench.server.base_url(), "apiToken": token });
        assert_eq!(bench.connect_cipp(&body).await.status, StatusCode::SERVICE_UNAVAILABLE);
        bench.probe.clear();
        assert_eq!((bench.connection().await, bench.cipp().await.is_some()), (before.clone(), secret));
        assert!(!matches!(bench.cipp().await.map(|secret| secret.key), Some(CippKey::Token(_))));
        bench.keeper.refuses_writes.store(true, Ordering::Relaxed);
        assert_eq!(bench.connect_cipp(&body).await.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(bench.connection().await, before);
    }
}

#[tokio::test]
async fn what_validation_finds_is_kept_and_cleared() {
    let bench = Bench::new().await;
    assert_eq!(bench.ask("POST", VALIDATE_CIPP, "").await.code(), "missing_credentials");
    assert!(bench.connection().await.is_none());
    bench.connect_cipp(&bench.cipp_client()).await;
    let fault =
        bench.fake.faults().on(Match::route(Route::CippTenants), Effect::Cipp(CippFault::FailureRow), None);
    assert_eq!(bench.ask("POST", VALIDATE_CIPP, "").await.code(), "validation_failed");
    let status = bench.ask("GET", STATUS, "").await.json()["data"].clone();
    assert_eq!(
        (&status["status"], &status["lastValidationError"]["code"]),
        (&json!("validation_failed"), &json!("validation_failed"))
    );
    bench.fake.faults().remove(fault);
    assert_eq!(bench.ask("POST", VALIDATE_CIPP, "").await.status, StatusCode::OK);
    let status = bench.ask("GET", STATUS, "").await.json()["data"].clone();
    assert_eq!((&status["status"], &status["lastValidationError"]), (&json!("connected"), &Value::Null));

    assert_eq!(bench.ask("POST", DISCONNECT, "").await.status, StatusCode::OK);
    assert!(bench.cipp().await.is_none());
    assert_eq!(bench.ask("POST", VALIDATE_CIPP, "").await.code(), "missing_credentials");
    let status = bench.ask("GET", STATUS, "").await.json()["data"].clone();
    assert_eq!((&status["status"], &status["connectionDetails"]), (&json!("not_connected"), &Value::Null));
}

#[tokio::test]
async fn credentials_show_nowhere() {
    let bench = Bench::new().await;
    let token = bench.fake.cipp_token(SignedDuration::from_mins(50));
    let pasted = json!({ "connectionType": "cipp", "baseUrl": bench.server.base_url(), "apiToken": token });
    let mut seen = Vec::new();
    for body in [&bench.cipp_client(), &pasted] {
        seen.push(format!("{:?}", bench.connect_cipp(body).await));
        for (method, path) in [("GET", STATUS), ("POST", VALIDATE_CIPP), ("GET", STATUS)] {
            seen.push(format!("{:?}", bench.ask(method, path, "").await));
        }
        let text = format!("CANARY-{token} {CIPP_CLIENT_SECRET}");
        bench.fake.faults().on(Match::route(Route::CippTenants), Effect::plain_text(400, &text), 2);
        seen.push(format!("{:?}", bench.ask("POST", VALIDATE_CIPP, "").await));
        seen.push(format!("{:?}", bench.connect_cipp(body).await));
        bench.fake.faults().clear();
        seen.push(format!("{:?}", bench.cipp().await));
        seen.push(bench.table().await);
    }
    let seen = seen.concat();
    for secret in [token.as_str(), CIPP_CLIENT_SECRET, "CANARY"] {
        assert!(!seen.contains(secret), "shown: {}…", &secret[..6]);
    }
}

#[tokio::test]
async fn of_two_who_connect_at_once_one_is_told_that_the_other_was_first() {
    let bench = Bench::new().await;
    let body = bench.cipp_client();
    let (one, other) = tokio::join!(bench.connect_cipp(&body), bench.connect_cipp(&body));
    let mut ended = [one, other].map(|answer| (answer.status, answer.code()));
    ended.sort();
    let expected = [(StatusCode::OK, ""), (StatusCode::CONFLICT, "overtaken")];
    assert_eq!(ended, expected.map(|(status, code)| (status, code.to_owned())));
    assert!(bench.cipp().await.is_some() && bench.connection().await.is_some());
}

#[tokio::test]
async fn a_credential_that_can_be_neither_used_nor_taken_back_is_told() {
    let bench = Bench::new().await;
    bench.probe.script(|call| (call.operation == "PutItem").then_some(Fault::Before));
    bench.keeper.refuses_deletes.store(true, Ordering::Relaxed);
    let answer = bench.connect_cipp(&bench.cipp_client()).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::SERVICE_UNAVAILABLE, "not_restored".to_owned()));
    bench.probe.clear();
    assert!(bench.connection().await.is_none());
}
