//! When the table, the secrets or Microsoft fail: both halves are stored or neither, and what is
//! found out is kept.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::http::StatusCode;
use fake_microsoft::{Effect, Match, Route};
use jiff::SignedDuration;
use secrecy::ExposeSecret;
use secrets::{DirectTokens, Family, Scope, WorkspaceSecret};
use serde_json::{Value, json};
use store::{Connection, ConnectionStatus, probe::Fault};

use crate::bench::{Bench, DISCONNECT, STATUS, VALIDATE, workspace};

#[tokio::test]
async fn a_connection_that_cannot_be_stored_takes_its_tokens_back() {
    for connected in [false, true] {
        let bench = Bench::new().await;
        if connected {
            bench.connect().await;
            bench.clock.advance(SignedDuration::from_hours(1));
        }
        let before = bench.kept().await;
        let browser = bench.begin().await;
        let query = bench.visit(&browser.auth_url).await;
        bench.probe.script(|call| (call.operation == "PutItem").then_some(Fault::Before));
        assert_eq!(bench.come_back(&query, &browser.cookie).await.failure(), "callback_error");
        bench.probe.clear();
        assert_eq!(bench.kept().await, before);
    }
}

#[tokio::test]
async fn a_write_that_arrived_without_an_answer_counts() {
    for fault in [Fault::After, Fault::Twice] {
        let bench = Bench::new().await;
        let browser = bench.begin().await;
        let query = bench.visit(&browser.auth_url).await;
        bench.probe.script(move |call| (call.operation == "PutItem").then_some(fault));
        let landing = bench.come_back(&query, &browser.cookie).await.landing();
        assert_eq!(landing["entra_status"], "success", "{fault:?}");
        assert!(bench.connection().await.is_some() && bench.tokens().await.is_some());
    }
}

#[tokio::test]
async fn tokens_that_cannot_be_stored_leave_the_connection_alone() {
    let bench = Bench::new().await;
    bench.connect().await;
    let before = bench.kept().await;
    let browser = bench.begin().await;
    let query = bench.visit(&browser.auth_url).await;
    bench.keeper.refuses_writes.store(true, Ordering::Relaxed);
    assert_eq!(bench.come_back(&query, &browser.cookie).await.failure(), "callback_error");
    assert_eq!(bench.kept().await, before);
}

#[tokio::test]
async fn who_signed_in_is_not_believed_without_the_keys() {
    for (route, effect, once, expected) in [
        (Route::Keys, Effect::status(503), false, Some("token_exchange_failed")),
        (Route::Metadata, Effect::status(404), false, Some("token_exchange_failed")),
        (Route::Metadata, Effect::plain_text(200, "{}"), false, Some("token_exchange_failed")),
        (Route::Keys, Effect::plain_text(200, "<html>"), false, Some("token_exchange_failed")),
        (Route::Keys, Effect::plain_text(200, r#"{"keys":[]}"#), false, Some("invalid_id_token")),
        (Route::Keys, Effect::status(503), true, None),
        (Route::Metadata, Effect::Throttle { retry_after: Some("1".to_owned()) }, true, None),
    ] {
        let bench = Bench::new().await;
        let browser = bench.begin().await;
        let query = bench.visit(&browser.auth_url).await;
        bench.fake.faults().on(Match::route(route), effect.clone(), once.then_some(1));
        let landing = bench.come_back(&query, &browser.cookie).await;
        let stored = bench.tokens().await.is_some() || bench.connection().await.is_some();
        match expected {
            Some(code) => assert_eq!(landing.failure(), code, "{route:?} {effect:?}"),
            None => assert_eq!(landing.landing()["entra_status"], "success", "{route:?} {effect:?}"),
        }
        assert_eq!(stored, expected.is_none(), "{route:?} {effect:?}");
    }
}

#[tokio::test]
async fn of_two_sign_ins_at_once_one_wins_wholly() {
    let bench = Bench::new().await;
    let (one, other) = (bench.begin().await, bench.begin().await);
    let queries = (bench.visit(&one.auth_url).await, bench.visit(&other.auth_url).await);
    let (one, other) =
        tokio::join!(bench.come_back(&queries.0, &one.cookie), bench.come_back(&queries.1, &other.cookie));
    let landings = [one.landing(), other.landing()];
    let won = landings.iter().filter(|landing| landing["entra_status"] == "success").count();
    assert_eq!(won, 1, "{landings:?}");
    assert_eq!(bench.ask("POST", VALIDATE, "").await.status, StatusCode::OK);
}

/// Somebody connects while somebody else disconnects: in the end there is a connection with its sign-in, or neither.
#[tokio::test]
async fn a_connection_and_its_sign_in_are_there_or_gone_together() {
    for (meanwhile, ends_connected) in [
        ("connected before the secrets are deleted", false),
        ("secrets deleted before the connection is in force", true),
        ("disconnected before the connection is in force", false),
    ] {
        let bench = Bench::new().await;
        bench.connect().await;
        let token = bench.tokens().await.unwrap().refresh_token;
        let app = Arc::clone(&bench.app);
        match meanwhile {
            "connected before the secrets are deleted" => {
                bench.keeper.before_delete.happens(async move {
                    app.connect_with_refresh_token(workspace(1), None, token, false).await.unwrap();
                });
                bench.app.disconnect(workspace(1)).await.unwrap();
            }
            "secrets deleted before the connection is in force" => {
                bench.app.disconnect(workspace(1)).await.unwrap();
                bench.keeper.after_write.happens(async move {
                    app.secrets.delete(Scope::Workspace(workspace(1)), Family::EntraDirect).await.unwrap();
                });
                bench.app.connect_with_refresh_token(workspace(1), None, token, false).await.unwrap();
            }
            _ => {
                bench.keeper.after_write.happens(async move {
                    app.disconnect(workspace(1)).await.unwrap();
                });
                let overtaken = bench.app.connect_with_refresh_token(workspace(1), None, token, false).await;
                assert_eq!(overtaken.unwrap_err().code(), "callback_error");
            }
        }
        let is_connected = bench.connection().await.unwrap().connection_status == ConnectionStatus::Connected;
        assert_eq!(
            (is_connected, bench.tokens().await.is_some()),
            (ends_connected, ends_connected),
            "{meanwhile}"
        );
        let validated = bench.ask("POST", VALIDATE, "").await.status;
        assert_eq!(validated == StatusCode::OK, ends_connected, "{meanwhile}");
    }
}

/// Somebody else's sign-in, or the end of the connection, comes between what a sign-in has read and what it writes.
#[tokio::test]
async fn whoever_comes_too_late_leaves_what_was_there() {
    for meanwhile in ["first sign-in of another", "new sign-in of another", "disconnected"] {
        let bench = Bench::new().await;
        bench.connect().await;
        let token = bench.tokens().await.unwrap().refresh_token;
        if meanwhile == "first sign-in of another" {
            bench.app.disconnect(workspace(1)).await.unwrap();
        }
        let (app, theirs) = (Arc::clone(&bench.app), token.clone());
        bench.keeper.before_write.happens(async move {
            if meanwhile == "disconnected" {
                app.disconnect(workspace(1)).await.unwrap();
            } else {
                app.connect_with_refresh_token(workspace(1), None, theirs, false).await.unwrap();
            }
        });
        let (app, winner) = (Arc::clone(&bench.app), Arc::new(std::sync::Mutex::new(None)));
        let noted = Arc::clone(&winner);
        // Behind the winner's write, which is the first one.
        bench.keeper.after_write.happens(async move {
            let found = DirectTokens::read_fresh(&app.secrets, workspace(1)).await.unwrap();
            *noted.lock().unwrap() = found.map(|(tokens, _)| tokens.refresh_token.expose_secret().to_owned());
        });
        let late = bench.app.connect_with_refresh_token(workspace(1), None, token, false).await;
        assert_eq!(late.unwrap_err().code(), "callback_error", "{meanwhile}");
        let left = bench.tokens().await.map(|tokens| tokens.refresh_token.expose_secret().to_owned());
        let is_connected = bench.connection().await.unwrap().connection_status == ConnectionStatus::Connected;
        if meanwhile == "disconnected" {
            assert_eq!((left, is_connected), (None, false), "{meanwhile}");
        } else {
            assert!(left.is_some() && left == *winner.lock().unwrap(), "{meanwhile}");
            assert!(is_connected, "{meanwhile}");
            assert_eq!(bench.ask("POST", VALIDATE, "").await.status, StatusCode::OK, "{meanwhile}");
        }
    }
}

/// A check or the daily renewal notes what it found at the connection while a new sign-in is tried out.
#[tokio::test]
async fn what_is_noted_at_a_connection_meanwhile_is_nobody_who_was_faster() {
    let bench = Bench::new().await;
    bench.connect().await;
    let (app, token) = (Arc::clone(&bench.app), bench.tokens().await.unwrap().refresh_token);
    bench.keeper.after_write.happens(async move {
        let now = app.store.connection(workspace(1)).await.unwrap().unwrap();
        let noted = Connection { connection_status: ConnectionStatus::ValidationFailed, ..now.clone() };
        assert!(app.store.put_connection(workspace(1), Some(&now), &noted).await.unwrap());
    });
    let connected = bench.app.connect_with_refresh_token(workspace(1), None, token, false).await.unwrap();
    assert_eq!(bench.connection().await, Some(connected.connection));
}

/// The gateway ends a request after half a minute, and a function that is ended says and notes nothing.
#[tokio::test]
async fn a_peer_that_is_silent_is_told_in_time_and_by_a_code() {
    let bench = Bench::new().await;
    bench.connect().await;
    let silent = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let silent: url::Url = format!("http://{}/v1.0", silent.local_addr().unwrap()).parse().unwrap();
    let login: url::Url = bench.server.base_url().parse().unwrap();
    let app = bench.app_asking(directory::GraphSettings::new(&login, silent).unwrap());
    let before = bench.kept().await;
    let browser = bench.begin().await;
    let query = bench.visit(&browser.auth_url).await;
    let session = browser.cookie.split_once('=').unwrap().1;
    let came_back = async {
        let completion = app.complete_login(&query, Some(session)).await;
        let kept = bench.kept().await;
        (completion.outcome.unwrap_err().code().to_owned(), kept == before)
    };
    let both = async {
        let came_back = came_back.await;
        (came_back, app.validate_direct(workspace(1)).await.unwrap_err().code())
    };
    let (came_back, validated) = tokio::time::timeout(Duration::from_secs(45), both).await.unwrap();
    assert_eq!(came_back, ("validation_failed".to_owned(), true));
    assert_eq!(validated, "upstream_error");
    let noted = bench.connection().await.unwrap();
    assert_eq!(noted.connection_status, ConnectionStatus::ValidationFailed);
}

#[tokio::test]
async fn a_check_says_and_keeps_what_is_wrong() {
    for (what, status, code, reason) in [
        ("app gone", StatusCode::BAD_REQUEST, "missing_credentials", "app_credentials_missing"),
        ("wrong secret", StatusCode::BAD_REQUEST, "refresh_failed", "client_secret_invalid"),
        ("revoked", StatusCode::BAD_REQUEST, "refresh_failed", "sign_in_revoked"),
        ("refused", StatusCode::BAD_REQUEST, "post_refresh_validation_failed", "partner_token_refused"),
        ("forbidden", StatusCode::BAD_GATEWAY, "upstream_error", "partner_role_missing"),
        ("graph down", StatusCode::BAD_GATEWAY, "upstream_error", "graph_unavailable"),
        ("login down", StatusCode::BAD_GATEWAY, "upstream_error", "login_unavailable"),
    ] {
        let bench = Bench::new().await;
        bench.connect().await;
        let fault = |route, effect| bench.fake.faults().on(Match::route(route), effect, None);
        match what {
            "app gone" => bench.set_app(workspace(1), "", "").await,
            "wrong secret" => bench.set_app(workspace(1), &bench.client_id(), "wrong").await,
            "revoked" => bench.fake.revoke_sign_ins(),
            "refused" => _ = fault(Route::Relationships, Effect::status(401)),
            "forbidden" => _ = fault(Route::Relationships, Effect::status(403)),
            "graph down" => _ = fault(Route::Relationships, Effect::status(503)),
            _ => _ = fault(Route::Token, Effect::status(503)),
        }
        let answer = bench.ask("POST", VALIDATE, "").await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{what}");
        assert_eq!(answer.json()["details"]["reason"], reason, "{what}");
        let shown = bench.ask("GET", STATUS, "").await.json()["data"].clone();
        assert_eq!(shown["status"], "validation_failed", "{what}");
        assert_eq!(shown["lastValidationError"]["code"], code, "{what}");
        assert!(shown["lastValidationError"]["message"].as_str().unwrap().contains("ontacts"), "{what}");

        bench.fake.faults().clear();
        bench.set_app(workspace(1), &bench.client_id(), crate::bench::CLIENT_SECRET).await;
        if what != "revoked" {
            let answer = bench.ask("POST", VALIDATE, "").await;
            assert_eq!(answer.json()["data"]["valid"], true, "{what}: {answer:?}");
            assert_eq!(answer.json()["data"]["managedTenantSampleCount"], 2);
            let shown = bench.ask("GET", STATUS, "").await.json()["data"].clone();
            assert_eq!(
                (&shown["status"], &shown["lastValidationError"]),
                (&json!("connected"), &Value::Null)
            );
        }
    }
}

#[tokio::test]
async fn one_refused_token_is_renewed() {
    let bench = Bench::new().await;
    bench.connect().await;
    let before = bench.kept().await;
    bench.fake.faults().on(Match::route(Route::Relationships), Effect::status(401), 1);
    assert_eq!(bench.ask("POST", VALIDATE, "").await.status, StatusCode::OK);
    assert_ne!(bench.kept().await, before, "the renewed sign-in is kept");
}

#[tokio::test]
async fn a_service_that_fails_says_nothing_about_the_connection() {
    let bench = Bench::new().await;
    bench.connect().await;
    let before = bench.connection().await;
    bench.probe.script(|call| (call.operation == "GetItem").then_some(Fault::Before));
    for (method, path) in [("GET", STATUS), ("POST", VALIDATE), ("POST", DISCONNECT)] {
        let answer = bench.ask(method, path, "").await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::SERVICE_UNAVAILABLE, "store_unavailable")
        );
    }
    bench.probe.clear();
    assert_eq!(bench.connection().await, before);
    assert!(bench.tokens().await.is_some());
}

#[tokio::test]
async fn secrets_that_cannot_be_deleted_are_reported() {
    let bench = Bench::new().await;
    bench.connect().await;
    bench.keeper.refuses_deletes.store(true, Ordering::Relaxed);
    for _ in 0..2 {
        let answer = bench.ask("POST", DISCONNECT, "").await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::SERVICE_UNAVAILABLE, "secrets_not_deleted")
        );
        let status = bench.connection().await.unwrap().connection_status;
        assert_eq!(status, ConnectionStatus::Disconnected, "no sync begins with it");
    }
    bench.keeper.refuses_deletes.store(false, Ordering::Relaxed);
    assert_eq!(bench.ask("POST", DISCONNECT, "").await.status, StatusCode::OK);
    assert!(bench.tokens().await.is_none());
}

#[tokio::test]
async fn what_microsoft_says_in_place_of_a_code_is_passed_on_by_its_name() {
    for error in [
        "interaction_required",
        "invalid_resource",
        "login_required",
        "server_error",
        "temporarily_unavailable",
        "unauthorized_client",
        "unsupported_response_type",
    ] {
        let bench = Bench::new().await;
        let browser = bench.begin().await;
        let state = browser.auth_url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        let answer = bench.come_back(&format!("error={error}&state={state}"), &browser.cookie).await;
        assert_eq!(answer.failure(), error);
        assert!(bench.connection().await.is_none());
    }
}
