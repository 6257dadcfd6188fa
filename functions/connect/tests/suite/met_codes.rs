//! Codes that Microsoft, CIPP or a customer's tenant bring about, met where operators meet them: at the end
//! of a sign-in, when a connection is validated, and in the doctor's answer.

use axum::http::StatusCode;
use directory::Code;
use fake_microsoft::{Effect, FaultBody, Match, Route, SignIn};
use serde_json::{Value, json};

use crate::{
    attacks::{parameter, with},
    bench::{Bench, STATUS, VALIDATE, VALIDATE_CIPP, workspace},
    doctor::DOCTOR,
};

/// Out of order for longer than anybody waits.
fn away(status: u16) -> Effect {
    let body = FaultBody::Text("Come back later.".to_owned());
    Effect::Status { status, retry_after: Some("100000".to_owned()), body }
}

/// More than any answer of the login service takes.
fn endless_answer() -> Effect {
    Effect::plain_text(200, &"x".repeat(1024 * 1024 + 1))
}

/// A page whose link is longer than any that a web server takes.
fn endless_link() -> Effect {
    let link = format!("https://graph.microsoft.com/v1.0/{}", "x".repeat(32 * 1024));
    Effect::plain_text(200, &json!({ "value": [], "@odata.nextLink": link }).to_string())
}

/// What the sign-in page says in place of a code.
fn says(error: &str, description: &str) -> SignIn {
    SignIn::Fail { error: error.to_owned(), description: description.to_owned() }
}

/// The settings page is told Microsoft's own word for it, and what that means in ours.
#[tokio::test]
async fn a_sign_in_page_that_gives_no_code_is_understood() {
    // A parameter that the browser came with, who signs in, Microsoft's word, and what it means.
    for (changed, sign_in, error, meaning) in [
        // Nobody has signed in there before, and nobody may be asked to.
        (Some(("prompt", "none")), SignIn::Consent, "login_required", Code::SignInRejected),
        (
            Some(("response_type", "token")),
            SignIn::Consent,
            "unsupported_response_type",
            Code::TokenRequestRejected,
        ),
        (None, SignIn::Deny, "access_denied", Code::ConsentDeclined),
        (
            None,
            says("interaction_required", "AADSTS50158: External security challenge was not satisfied."),
            "interaction_required",
            Code::SignInMfaRequired,
        ),
        (
            None,
            says("server_error", "AADSTS90033: A transient error has occurred."),
            "server_error",
            Code::LoginUnavailable,
        ),
        (
            None,
            says("access_denied", "AADSTS90094: The grant requires admin permission."),
            "access_denied",
            Code::AdminApprovalNeeded,
        ),
        (
            None,
            says("invalid_resource", "AADSTS500011: The resource principal was not found in the tenant."),
            "invalid_resource",
            Code::AppRegistrationIncomplete,
        ),
        (
            None,
            says("access_denied", "AADSTS50020: The user account does not exist in the tenant."),
            "access_denied",
            Code::PartnerAccountUnknown,
        ),
        (
            None,
            says("invalid_request", "AADSTS90002: Tenant not found."),
            "invalid_request",
            Code::PartnerTenantUnknown,
        ),
    ] {
        let bench = Bench::new().await;
        bench.fake.script_sign_in(sign_in);
        let browser = bench.begin().await;
        let auth_url = match changed {
            Some((name, value)) => with(&browser.auth_url, name, value),
            None => browser.auth_url.clone(),
        };
        let query = bench.visit(&auth_url).await;
        let answer = bench.come_back(&query, &browser.cookie).await;
        assert_eq!(answer.failure(), error, "{meaning}");
        let told = format!("{} {}", meaning.what_happened(), meaning.remedy());
        assert_eq!(answer.landing()["message"], told, "{meaning}");
        assert!(bench.connection().await.is_none() && bench.tokens().await.is_none(), "{meaning}");
    }
}

/// What is refused after the browser has come back, and what the settings page is told.
#[tokio::test]
async fn a_sign_in_that_is_refused_behind_the_browser_says_why() {
    let token = |number| (Route::Token, Effect::aadsts(number));
    let listing = |effect| (Route::Relationships, effect);
    for ((route, effect), error, meaning) in [
        (token(54_005), "token_exchange_failed", Code::SignInCodeRejected),
        (token(90_094), "consent_missing", Code::AdminApprovalNeeded),
        (token(65_004), "consent_missing", Code::ConsentDeclined),
        (token(650_052), "token_exchange_failed", Code::AppRegistrationIncomplete),
        (token(50_034), "token_exchange_failed", Code::PartnerAccountUnknown),
        (token(90_002), "token_exchange_failed", Code::PartnerTenantUnknown),
        (token(70_011), "token_exchange_failed", Code::TokenRequestRejected),
        ((Route::Token, endless_answer()), "token_exchange_failed", Code::AnswerTooLarge),
        (listing(Effect::status(400)), "validation_failed", Code::RequestRejected),
        (listing(Effect::status(404)), "validation_failed", Code::ResourceUnknown),
        (listing(Effect::status(409)), "validation_failed", Code::AnswerUnexpected),
        (listing(endless_link()), "validation_failed", Code::AnswerTooLarge),
    ] {
        let bench = Bench::new().await;
        let browser = bench.begin().await;
        let query = bench.visit(&browser.auth_url).await;
        bench.fake.faults().on(Match::route(route), effect, None);
        let answer = bench.come_back(&query, &browser.cookie).await;
        assert_eq!(answer.failure(), error, "{meaning}");
        let message = answer.landing()["message"].clone();
        let is_told = message.contains(meaning.what_happened()) && message.ends_with(meaning.remedy());
        assert!(is_told, "{meaning}: {message}");
        assert!(bench.connection().await.is_none() && bench.tokens().await.is_none(), "{meaning}");
    }
}

/// Its verifier is another browser's: Microsoft looks at that, and nothing has to be out of order.
#[tokio::test]
async fn a_code_of_another_sign_in_is_told_as_such() {
    let bench = Bench::new().await;
    let theirs = bench.begin_as(workspace(2), r#"{"connectionType":"direct"}"#).await;
    let code = parameter(&bench.visit(&theirs.auth_url).await, "code");
    let browser = bench.begin().await;
    let query = bench.visit(&browser.auth_url).await;
    let query = query.replace(&parameter(&query, "code"), &code);
    let answer = bench.come_back(&query, &browser.cookie).await;
    assert_eq!(answer.failure(), "token_exchange_failed");
    let message = answer.landing()["message"].clone();
    assert!(message.contains(Code::SignInCodeRejected.what_happened()), "{message}");
}

#[tokio::test]
async fn validating_tells_the_reason_and_keeps_it() {
    let token = |number| (Route::Token, Effect::aadsts(number));
    let listing = |effect| (Route::Relationships, effect);
    for ((route, effect), code, reason) in [
        (token(90_094), "refresh_failed", "admin_approval_needed"),
        (token(650_052), "refresh_failed", "app_registration_incomplete"),
        (token(65_004), "refresh_failed", "consent_declined"),
        (token(50_034), "refresh_failed", "partner_account_unknown"),
        (token(90_002), "refresh_failed", "partner_tenant_unknown"),
        (token(54_005), "refresh_failed", "sign_in_code_rejected"),
        // Microsoft's own mistake about somebody who asks too often looks like a dead sign-in.
        (token(50_196), "upstream_error", "login_throttled"),
        ((Route::Token, away(429)), "upstream_error", "login_throttled"),
        (token(70_011), "upstream_error", "token_request_rejected"),
        ((Route::Token, endless_answer()), "upstream_error", "answer_too_large"),
        (listing(endless_link()), "upstream_error", "answer_too_large"),
        (listing(Effect::status(400)), "upstream_error", "request_rejected"),
        (listing(Effect::status(404)), "upstream_error", "resource_unknown"),
        (listing(Effect::status(409)), "upstream_error", "answer_unexpected"),
        (listing(away(503)), "upstream_error", "graph_busy"),
    ] {
        let bench = Bench::new().await;
        bench.connect().await;
        bench.fake.faults().on(Match::route(route), effect, None);
        let answer = bench.ask("POST", VALIDATE, "").await;
        let status = if code == "refresh_failed" { StatusCode::BAD_REQUEST } else { StatusCode::BAD_GATEWAY };
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{reason}");
        assert_eq!(answer.json()["details"]["reason"], reason);
        let meaning = Code::ALL.iter().find(|code| code.name() == reason).unwrap();
        let told = format!("{} {}", meaning.what_happened(), meaning.remedy());
        let shown = bench.ask("GET", STATUS, "").await.json()["data"].clone();
        assert_eq!(shown["status"], "validation_failed", "{reason}");
        assert_eq!(shown["lastValidationError"]["code"], code, "{reason}");
        assert_eq!(shown["lastValidationError"]["message"], told, "{reason}");

        // Whatever it was, the sign-in was not spoiled by it.
        bench.fake.faults().clear();
        assert_eq!(bench.ask("POST", VALIDATE, "").await.status, StatusCode::OK, "{reason}");
    }
}

#[tokio::test]
async fn a_cipp_deployment_that_cannot_answer_now_is_neither_connected_nor_taken_for_wrong() {
    for (route, effect, reason) in [
        (Route::CippMe, away(429), "cipp_busy"),
        (Route::CippTenants, away(429), "cipp_busy"),
        (Route::CippTenants, Effect::plain_text(429, ""), "cipp_busy"),
        (Route::CippMe, Effect::plain_text(409, "no"), "answer_unexpected"),
        (Route::CippTenants, Effect::plain_text(409, "no"), "answer_unexpected"),
        (Route::Token, Effect::aadsts(50_196), "login_throttled"),
        (Route::Token, Effect::aadsts(70_011), "token_request_rejected"),
        (Route::Token, endless_answer(), "answer_too_large"),
    ] {
        let bench = Bench::new().await;
        let refused = async |path: Option<&str>| {
            let answer = match path {
                Some(path) => bench.ask("POST", path, "").await,
                None => bench.connect_cipp(&bench.cipp_client()).await,
            };
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (StatusCode::BAD_REQUEST, "validation_failed")
            );
            assert_eq!(answer.json()["details"]["reason"], reason, "{path:?}");
        };
        bench.fake.faults().on(Match::route(route), effect.clone(), None);
        refused(None).await;
        assert!(bench.connection().await.is_none() && bench.cipp().await.is_none(), "{reason}");

        bench.fake.faults().clear();
        assert_eq!(bench.connect_cipp(&bench.cipp_client()).await.status, StatusCode::OK, "{reason}");
        bench.fake.faults().on(Match::route(route), effect, None);
        refused(Some(VALIDATE_CIPP)).await;
        let shown = bench.ask("GET", STATUS, "").await.json()["data"].clone();
        assert_eq!(
            (&shown["status"], &shown["lastValidationError"]["code"]),
            (&json!("validation_failed"), &json!("validation_failed")),
            "{reason}"
        );
    }
}

/// What the doctor's route says of customers that are not in order.
async fn of_customers(bench: &Bench) -> Vec<(Value, Value, Value)> {
    let data = bench.ask("GET", DOCTOR, "").await.json()["data"].clone();
    let findings = data["findings"].as_array().unwrap().iter();
    let is_meant = |found: &&Value| found["check"] == "customer" && found["verdict"] != "fine";
    findings
        .filter(is_meant)
        .map(|found| (found["tenant"].clone(), found["verdict"].clone(), found["code"].clone()))
        .collect()
}

#[tokio::test]
async fn a_customer_that_cannot_be_read_is_told_by_the_doctor_with_the_code_of_a_sync() {
    let token = |number| (Route::Token, Effect::aadsts(number));
    for ((route, effect), verdict, code) in [
        (token(50_194), "problem", "app_single_tenant"),
        // The partner's own tenant takes the same secret, so that it is this customer's alone.
        (token(7_000_215), "problem", "customer_app_rejected"),
        (token(650_052), "problem", "service_missing"),
        (token(50_173), "problem", "customer_sign_in_rejected"),
        (token(530_034), "problem", "delegated_admin_blocked"),
        (token(70_011), "problem", "token_request_rejected"),
        (token(50_196), "unknown", "login_throttled"),
        ((Route::Token, endless_answer()), "problem", "answer_too_large"),
        ((Route::Organization, Effect::status(401)), "problem", "customer_token_refused"),
        ((Route::User, Effect::status(401)), "problem", "customer_token_refused"),
        ((Route::Organization, Effect::status(400)), "problem", "request_rejected"),
        ((Route::User, Effect::status(409)), "problem", "answer_unexpected"),
        ((Route::UsersDelta, away(503)), "unknown", "graph_busy"),
        ((Route::UsersDelta, Effect::status(404)), "problem", "resource_unknown"),
        ((Route::Users, endless_link()), "problem", "answer_too_large"),
    ] {
        let bench = Bench::new().await;
        bench.connect().await;
        bench.map_both().await;
        let second = bench.fake.world().tenants()[1].id;
        let fault = bench.fake.faults().on(Match::route(route).tenant(second), effect, None);
        let expected = (json!("Customer 2"), json!(verdict), json!(code));
        assert_eq!(of_customers(&bench).await, [expected], "{code}");
        assert!(bench.fake.faults().fired(fault) > 0, "{code}");
        bench.fake.faults().clear();
        assert_eq!(of_customers(&bench).await, [], "{code}: nothing is left of it");
    }
}
