//! Requests through the HTTP API.

use serde_json::{Value, json};

use crate::{
    aws::Aws,
    feed, feed_event, sample,
    samples::{CLIENT, RUN, WORKSPACE, accept, ask, connect, discover, managed_tenant, map},
};

/// The status and the body of an answer to the gateway, in the PSA's envelope.
async fn request(aws: &Aws, name: &str) -> (u64, Value) {
    let answer = feed(aws, name).await.result();
    let body = answer["body"].as_str().unwrap();
    let body: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"));
    let status = answer["statusCode"].as_u64().unwrap();
    assert_eq!(body["success"], status < 300, "{body}");
    assert_eq!(answer["headers"]["x-request-id"], "JKJaXmPLvHcESHA=");
    (status, body)
}

#[tokio::test]
async fn connect_shows_a_status_and_begins_a_sign_in() {
    let aws = Aws::start().await;
    let (status, body) = request(&aws, "connect/http-status").await;
    assert_eq!((status, &body["data"]["status"]), (200, &json!("not_connected")));

    let answer = feed(&aws, "connect/http-connect").await.result();
    assert_eq!(answer["statusCode"], 200);
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    let page = body["data"]["authUrl"].as_str().unwrap();
    assert!(
        page.starts_with("https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize?"),
        "{page}"
    );
    assert!(
        page.contains("redirect_uri=https%3A%2F%2Fpsa.example%2Fapi%2Fauth%2Fmicrosoft%2Fentra%2Fcallback")
    );
    // Payload format 2.0 carries cookies beside the headers.
    let cookie = answer["cookies"][0].as_str().unwrap();
    assert!(cookie.starts_with("entra_login=") && cookie.contains("; Secure"), "{cookie}");
}

#[tokio::test]
async fn connect_sends_a_browser_without_a_sign_in_to_the_settings_page() {
    let aws = Aws::start().await;
    let answer = feed(&aws, "connect/http-callback").await.result();
    assert_eq!(answer["statusCode"], 303);
    let page = answer["headers"]["location"].as_str().unwrap();
    assert!(page.contains("entra_status=failure"), "{page}");
}

#[tokio::test]
async fn a_request_nobody_signed_is_refused() {
    let aws = Aws::start().await;
    for name in [
        "connect/http-status",
        "mapping/http-preview",
        "review/http-list",
        "settings/http-show",
        "sync/http-run",
    ] {
        let mut event = sample(name);
        event["requestContext"].as_object_mut().unwrap().remove("authorizer");
        let answer = feed_event(&aws, name.split('/').next().unwrap(), event).await.result();
        assert_eq!(answer["statusCode"], 401, "{name}");
    }
}

#[tokio::test]
async fn discovery_shows_what_was_found() {
    let aws = Aws::start().await;
    discover(&aws.store).await;
    let (status, body) = request(&aws, "discovery/http-show").await;
    assert_eq!((status, &body["data"]["discoveredTenantCount"]), (200, &json!(1)));
    assert_eq!(body["data"]["discoveredTenants"][0]["managedTenantId"], json!(managed_tenant()));
}

/// The two requests of the rollout guide: make the flags, and switch one on for a workspace.
#[tokio::test]
async fn flags_are_made_and_switched_on_with_a_key() {
    let aws = Aws::start_switched_off().await;
    let (status, body) = request(&aws, "connect/http-status").await;
    assert_eq!((status, &body["code"]), (404, &json!("integration_disabled")));

    let (status, body) = request(&aws, "flags/http-ensure").await;
    let keys = &body["data"]["createdKeys"];
    assert_eq!((status, keys.as_array().map(Vec::len)), (200, Some(5)), "{body}");
    let (status, again) = request(&aws, "flags/http-ensure").await;
    assert_eq!(
        (status, &again["data"]["createdKeys"], &again["data"]["existingKeys"]),
        (200, &json!([]), keys)
    );
    let (status, body) = request(&aws, "connect/http-status").await;
    assert_eq!((status, &body["code"]), (404, &json!("integration_disabled")), "a new flag is on for nobody");

    let (status, body) = request(&aws, "flags/http-add-tenant").await;
    assert_eq!((status, &body["data"]["key"]), (200, &json!("entra-integration-ui")), "{body}");
    assert_eq!(body["data"]["filters"]["groups"][0]["properties"][0]["value"], json!([WORKSPACE]), "{body}");
    let (status, body) = request(&aws, "connect/http-status").await;
    assert_eq!((status, &body["data"]["status"]), (200, &json!("not_connected")), "{body}");
    let (status, body) = request(&aws, "review/http-list").await;
    assert_eq!((status, &body["code"]), (404, &json!("feature_disabled")));
    assert_eq!(body["details"]["flag"], "entra-integration-ambiguous-queue");
}

#[tokio::test]
async fn flags_are_listed_for_the_master_workspace_and_nobody_else() {
    let aws = Aws::start().await;
    let (status, body) = request(&aws, "flags/http-list").await;
    assert_eq!((status, body["data"].as_array().map(Vec::len)), (200, Some(5)), "{body}");
    assert_eq!(body["defaults"]["entraPhase1"].as_array().map(Vec::len), Some(5));

    let mut elsewhere = sample("flags/http-list");
    elsewhere["requestContext"]["authorizer"]["lambda"]["workspace"] = json!(CLIENT);
    let mut wrong_key = sample("flags/http-ensure");
    wrong_key["headers"]["x-api-key"] = json!("a key for the samples of requests about flag");
    for event in [elsewhere, wrong_key] {
        let answer = feed_event(&aws, "flags", event).await.result();
        assert_eq!(answer["statusCode"], 403, "{answer}");
        assert!(answer["body"].as_str().unwrap().contains("\"master_workspace_only\""), "{answer}");
    }
}

#[tokio::test]
async fn mapping_suggests_the_client_of_the_same_domain() {
    let aws = Aws::start().await;
    discover(&aws.store).await;
    let (status, body) = request(&aws, "mapping/http-preview").await;
    assert_eq!(status, 200);
    let suggested = &body["data"]["autoMatched"][0];
    assert_eq!(suggested["managedTenantId"], json!(managed_tenant()));
    assert_eq!(suggested["match"]["clientId"], json!(CLIENT));
}

#[tokio::test]
async fn people_takes_clients_in_and_gives_contacts_out() {
    let aws = Aws::start().await;
    let (status, body) = request(&aws, "people/http-import-clients").await;
    assert_eq!((status, &body["data"]["created"]), (200, &json!(1)));
    assert_eq!(aws.store.clients(WORKSPACE).await.unwrap()[0].id, CLIENT);

    let answer = feed(&aws, "people/http-export-contacts").await.result();
    assert_eq!(answer["statusCode"], 200);
    let kind = answer["headers"]["content-type"].as_str().unwrap();
    assert!(kind.starts_with("text/csv"), "{kind}");
}

#[tokio::test]
async fn review_lists_the_questions() {
    let aws = Aws::start().await;
    ask(&aws.store).await;
    let (status, body) = request(&aws, "review/http-list").await;
    assert_eq!((status, &body["data"]["counts"]["open"]), (200, &json!(1)), "{body}");
    let item = &body["data"]["items"][0];
    assert_eq!((&item["status"], &item["clientId"]), (&json!("open"), &json!(CLIENT)));
    assert_eq!((&item["displayName"], &item["reason"]), (&json!("Mira Sund"), &json!("alias_only")));
}

#[tokio::test]
async fn settings_are_changed_and_shown() {
    let aws = Aws::start().await;
    let (status, before) = request(&aws, "settings/http-show").await;
    assert_eq!((status, &before["data"]["fieldSyncConfig"]["phone"]), (200, &json!(false)));
    let (status, changed) = request(&aws, "settings/http-change").await;
    assert_eq!((status, &changed["data"]["fieldSyncConfig"]["phone"]), (200, &json!(true)), "{changed}");
    assert_eq!(request(&aws, "settings/http-show").await, (200, changed));
}

#[tokio::test]
async fn sync_starts_the_state_machine_and_shows_a_run() {
    let aws = Aws::start().await;
    let (status, body) = request(&aws, "sync/http-start").await;
    assert_eq!((status, &body["code"]), (409, &json!("not_connected")));

    connect(&aws.store).await;
    discover(&aws.store).await;
    map(&aws.store).await;
    let (status, body) = request(&aws, "sync/http-start").await;
    assert_eq!((status, &body["data"]["accepted"]), (202, &json!(true)));
    let execution = body["data"]["workflowId"].as_str().unwrap();
    assert!(execution.starts_with("arn:aws:states:eu-central-1:123456789012:execution:samples-sync-run:"));

    accept(&aws.store).await;
    let (status, body) = request(&aws, "sync/http-run").await;
    assert_eq!((status, &body["data"]["run"]["runId"]), (200, &json!(RUN)));
}
