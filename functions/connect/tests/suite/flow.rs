//! What works: connecting, looking at it, checking it, giving it up.

use axum::http::StatusCode;
use connect::{Purpose, SETTINGS_PAGE_PATH};
use directory::Code;
use fake_microsoft::{Effect, Match, Route};
use jiff::SignedDuration;
use secrecy::ExposeSecret;
use secrets::CredentialSource;
use serde_json::{Value, json};
use store::{Connection, ConnectionKind, ConnectionStatus};

use crate::bench::{Bench, CONNECT, DISCONNECT, STATUS, VALIDATE, workspace};

#[tokio::test]
async fn a_sign_in_becomes_a_connection() {
    let bench = Bench::new().await;
    let before = bench.ask("GET", STATUS, "").await.json()["data"].clone();
    assert_eq!(before["status"], "not_connected");
    assert_eq!(before["connectionDetails"], Value::Null);
    assert_eq!(before["appCredentialSource"], CredentialSource::TenantSecret.name());
    assert_eq!(before["redirectUri"], "http://127.0.0.1:8080/api/auth/microsoft/entra/callback");

    let answer = bench.ask("POST", CONNECT, r#"{"connectionType":"direct"}"#).await;
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("entra_login="), "{cookie}");
    assert!(
        cookie.ends_with("; Path=/api/auth/microsoft/entra/callback; Max-Age=600; HttpOnly; SameSite=Lax")
    );
    assert_eq!(answer.json()["data"]["expiresAt"], "2026-03-02T08:10:00Z");
    assert_eq!(bench.ask("GET", STATUS, "").await.json()["data"], before, "beginning changes nothing");

    bench.connect().await;
    let partner = bench.fake.world().partner().id;
    let status = bench.ask("GET", STATUS, "").await.json()["data"].clone();
    assert_eq!(
        status,
        json!({
            "status": "connected",
            "connectionType": "direct",
            "lastDiscoveryAt": null,
            "mappedTenantCount": 0,
            "pendingCreateTenantCount": 0,
            "nextSyncIntervalMinutes": null,
            "hasCompletedFirstSync": false,
            "availableConnectionTypes": ["direct", "cipp"],
            "lastValidatedAt": "2026-03-02T08:00:00Z",
            "lastValidationError": null,
            "connectionDetails": {
                "cippBaseUrl": null,
                "cippCredentialType": null,
                "cippTokenExpiresAt": null,
                "directTenantId": "msp.example",
                "directCredentialSource": "tenant-secret",
                "partnerTenantId": partner,
                "connectedAt": "2026-03-02T08:00:00Z",
            },
            "expiryForecast": status["expiryForecast"],
            "appCredentialSource": "tenant-secret",
            "appCredentialError": null,
            "disconnectedAt": null,
            "redirectUri": before["redirectUri"],
            "requestedScopes": bench.app.graph.scopes,
        })
    );
    let connection = bench.connection().await.unwrap();
    assert_eq!((connection.kind, connection.partner_tenant), (ConnectionKind::Direct, Some(partner)));
    assert_eq!(connection.created_by.unwrap().uuid().as_u128(), 99);
    let tokens = bench.tokens().await.unwrap();
    assert_eq!(tokens.partner_tenant_id, Some(partner));
    assert!(tokens.expires_at.is_some() && tokens.scope.unwrap().contains("User.Read.All"));
    assert!(!tokens.access_token.unwrap().expose_secret().is_empty());
}

#[tokio::test]
async fn a_sign_in_may_take_ten_minutes() {
    let bench = Bench::new().await;
    let browser = bench.begin().await;
    bench.clock.advance(SignedDuration::from_mins(10));
    let query = bench.visit(&browser.auth_url).await;
    assert_eq!(bench.come_back(&query, &browser.cookie).await.landing()["entra_status"], "success");
}

#[tokio::test]
async fn connecting_again_replaces_the_connection() {
    let bench = Bench::new().await;
    bench.connect().await;
    let first = bench.kept().await;
    let id = bench.connection().await.unwrap().id;
    bench.clock.advance(SignedDuration::from_hours(1));
    bench.connect().await;
    assert_ne!(bench.kept().await, first);
    let connection = bench.connection().await.unwrap();
    assert_ne!(connection.id, id);
    assert_eq!(connection.connection_status, ConnectionStatus::Connected);
}

#[tokio::test]
async fn a_sign_in_ends_where_it_was_begun() {
    let bench = Bench::new().await;
    for (body, tab) in [
        (
            format!(r#"{{"connectionType":"direct","returnPath":"{SETTINGS_PAGE_PATH}?tab=connection"}}"#),
            Some("connection"),
        ),
        (format!(r#"{{"connectionType":"direct","returnPath":"{SETTINGS_PAGE_PATH}"}}"#), None),
    ] {
        let browser = bench.begin_as(workspace(1), &body).await;
        let query = bench.visit(&browser.auth_url).await;
        let landing = bench.come_back(&query, &browser.cookie).await.landing();
        assert_eq!(landing.get("tab").map(String::as_str), tab);
        let landing = bench.come_back(&query, &browser.cookie).await.landing();
        assert_eq!(landing.get("tab"), None, "nobody's sign-in leads nowhere in particular");
    }
    let body = r#"{"connectionType":"direct","returnPath":"https://evil.example/"}"#;
    let refused = bench.ask("POST", CONNECT, body).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::BAD_REQUEST, "invalid_return_path"));
}

#[tokio::test]
async fn another_partner_tenant_takes_a_decision() {
    let bench = Bench::new().await;
    bench.connect().await;
    let ours = bench.connection().await.unwrap();
    let mut other = ours.clone();
    other.partner_tenant = Some(bench.fake.world().tenants()[0].id);
    bench.app.store.put_connection(workspace(1), Some(&ours), &other).await.unwrap();
    for (body, expected) in [
        (r#"{"connectionType":"direct"}"#, Some("partner_tenant_changed")),
        (r#"{"connectionType":"direct","changePartner":true}"#, None),
    ] {
        let before = bench.kept().await;
        let browser = bench.begin_as(workspace(1), body).await;
        let query = bench.visit(&browser.auth_url).await;
        let landing = bench.come_back(&query, &browser.cookie).await.landing();
        assert_eq!(landing.get("error").map(String::as_str), expected);
        assert_eq!(bench.kept().await == before, expected.is_some());
    }
    assert_eq!(bench.connection().await.unwrap().partner_tenant, ours.partner_tenant);
}

/// The tokens are stored before the connection: a process that is killed in between leaves this behind.
#[tokio::test]
async fn a_change_of_partner_that_was_cut_off_asks_nothing_with_the_other_sign_in() {
    let bench = Bench::new().await;
    bench.connect().await;
    let ours = bench.connection().await.unwrap();
    let former = Connection { partner_tenant: Some(bench.fake.world().tenants()[0].id), ..ours.clone() };
    bench.app.store.put_connection(workspace(1), Some(&ours), &former).await.unwrap();
    bench.clock.advance(SignedDuration::from_hours(8 * 24));
    bench.fake.reset_requests();

    let validated = bench.ask("POST", VALIDATE, "").await;
    assert_eq!(validated.code(), "refresh_failed");
    assert!(validated.json().to_string().contains("partner_mismatch"), "{validated:?}");
    let renewed = bench.app.renew(workspace(1), SignedDuration::from_hours(24)).await.unwrap_err();
    assert_eq!(renewed.reason().map(Code::name), Some("partner_mismatch"));
    let directory = bench.directory().await;
    assert_eq!(directory.managed_tenants().await.unwrap_err().code().name(), "partner_mismatch");
    assert_eq!(bench.fake.requests().of(Route::Token).requests, 0, "nothing was asked");

    // Finished, it works.
    let browser = bench.begin_as(workspace(1), r#"{"connectionType":"direct","changePartner":true}"#).await;
    let query = bench.visit(&browser.auth_url).await;
    assert_eq!(bench.come_back(&query, &browser.cookie).await.landing()["entra_status"], "success");
    assert_eq!(bench.ask("POST", VALIDATE, "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_command_line_signs_in_without_http() {
    let bench = Bench::new().await;
    let begun = bench.app.begin_login(workspace(1), None, Purpose::default()).await.unwrap();
    let query = bench.visit(&begun.auth_url).await;
    let completion = bench.app.complete_login(&query, Some(begun.session.expose_secret())).await;
    assert_eq!(completion.outcome.unwrap().managed_tenants, 2);
    assert_eq!(bench.connection().await.unwrap().created_by, None);
}

#[tokio::test]
async fn a_refresh_token_from_elsewhere_connects() {
    let bench = Bench::new().await;
    bench.connect().await;
    let token = bench.tokens().await.unwrap().refresh_token;
    let other = workspace(2);
    let connected = bench.app.connect_with_refresh_token(other, None, token.clone(), false).await.unwrap();
    assert_eq!(connected.connection.partner_tenant, Some(bench.fake.world().partner().id));
    assert_eq!(connected.managed_tenants, 2);
    assert_eq!(bench.ask_as(other, "POST", VALIDATE, "").await.status, StatusCode::OK);

    let forged = bench.app.connect_with_refresh_token(other, None, "1.AXforged".into(), false).await;
    assert_eq!(forged.unwrap_err().code(), "token_exchange_failed");
    let ours = bench.app.store.connection(other).await.unwrap().unwrap();
    let mut theirs = ours.clone();
    theirs.partner_tenant = Some(bench.fake.world().tenants()[0].id);
    bench.app.store.put_connection(other, Some(&ours), &theirs).await.unwrap();
    let changed = bench.app.connect_with_refresh_token(other, None, token.clone(), false).await;
    assert_eq!(changed.unwrap_err().code(), "partner_tenant_changed");
    assert_eq!(bench.app.store.connection(other).await.unwrap(), Some(theirs));
    bench.app.connect_with_refresh_token(other, None, token, true).await.unwrap();
}

#[tokio::test]
async fn disconnecting_can_be_repeated_and_undone_by_connecting() {
    let bench = Bench::new().await;
    let never = bench.ask("POST", DISCONNECT, "").await;
    assert_eq!((never.status, &never.json()["data"]["disconnectedAt"]), (StatusCode::OK, &Value::Null));
    bench.connect().await;
    for _ in 0..2 {
        let answer = bench.ask("POST", DISCONNECT, "").await.json()["data"].clone();
        assert_eq!(
            (&answer["status"], &answer["disconnectedAt"]),
            (&json!("disconnected"), &json!("2026-03-02T08:00:00Z"))
        );
        assert_eq!(answer["clientId"], bench.client_id());
        assert!(answer["notRevoked"].as_str().unwrap().contains("Entra"));
        assert!(bench.tokens().await.is_none());
        bench.clock.advance(SignedDuration::from_hours(1));
    }
    let status = bench.ask("GET", STATUS, "").await.json()["data"].clone();
    assert_eq!((&status["status"], &status["connectionDetails"]), (&json!("not_connected"), &Value::Null));
    assert_eq!(status["disconnectedAt"], "2026-03-02T08:00:00Z");
    let validated = bench.ask("POST", VALIDATE, "").await;
    assert_eq!(
        (validated.status, validated.code().as_str()),
        (StatusCode::BAD_REQUEST, "missing_access_token")
    );
    bench.connect().await;
    assert_eq!(bench.ask("GET", STATUS, "").await.json()["data"]["status"], "connected");
}

/// A sync or a discovery that has been going on for a while, and a token that somebody else has stored since.
#[tokio::test]
async fn a_sign_in_that_has_died_is_blamed_on_no_customer_although_another_token_is_kept() {
    let bench = Bench::new().await;
    bench.connect().await;
    let directory = bench.directory().await;
    assert_eq!(directory.managed_tenants().await.unwrap().tenants.len(), 2);
    bench.clock.advance(SignedDuration::from_mins(1));
    bench.app.validate_direct(workspace(1)).await.unwrap();
    bench.fake.revoke_sign_ins();
    let customer = bench.fake.world().tenants()[0].id;
    assert_eq!(directory.prove(customer).await.unwrap_err().code().name(), "sign_in_revoked");
}

/// What a kept token may do is what was granted when it was fetched.
#[tokio::test]
async fn a_role_that_was_given_back_is_seen_although_a_token_from_before_is_kept() {
    for (times, expected, listings) in [(Some(1), Ok(2), 2), (None, Err("partner_role_missing"), 2)] {
        let bench = Bench::new().await;
        bench.connect().await;
        bench.fake.reset_requests();
        bench.fake.faults().on(Match::route(Route::Relationships), Effect::status(403), times);
        let found = bench.directory().await.managed_tenants().await;
        let found = found.map(|listed| listed.tenants.len()).map_err(|error| error.code().name());
        assert_eq!(found, expected);
        let asked = bench.fake.requests();
        assert_eq!((asked.of(Route::Relationships).requests, asked.of(Route::Token).requests), (listings, 1));
    }
}
