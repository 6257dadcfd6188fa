//! The token machine.

use directory::{
    Code, ErrorClass,
    protocol::{
        Answer, AnswerBody, Input,
        retry::{Retry, RetryPolicy},
        token::{Authority, TokenExchange, TokenFailure, TokenStep},
    },
};
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{HeaderMap, HeaderValue};
use secrecy::ExposeSecret;
use serde_json::json;

fn customer() -> Authority {
    Authority::Customer("5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d".parse().unwrap())
}

fn answer(status: u16, retry_after: Option<&'static str>, body: &str) -> Input {
    let mut headers = HeaderMap::new();
    if let Some(wait) = retry_after {
        headers.insert("retry-after", HeaderValue::from_static(wait));
    }
    Input::Answered(Answer { status, headers, body: AnswerBody::Whole(body.as_bytes().to_vec()) })
}

fn first(authority: Authority, input: Input) -> TokenStep {
    let policy = RetryPolicy { attempts_max: 4, wait_max: SignedDuration::from_secs(20) };
    let mut exchange = TokenExchange::new(authority, Retry::new(policy, 1));
    assert!(matches!(exchange.step(Input::Begin, Timestamp::UNIX_EPOCH), TokenStep::Send));
    exchange.step(input, Timestamp::UNIX_EPOCH)
}

#[test]
fn a_grant() {
    let body = json!({ "access_token": "secret", "expires_in": "3599", "token_type": "Bearer" }).to_string();
    let TokenStep::Grant(grant) = first(customer(), answer(200, None, &body)) else { panic!("no grant") };
    assert_eq!(grant.access_token.expose_secret(), "secret");
    assert_eq!(grant.expires.as_second(), 3_599);
    assert!(!format!("{grant:?}").contains("secret\""));
}

#[test]
fn plain_text_429_with_and_without_header() {
    let told = first(customer(), answer(429, Some("2.5"), "Too Many Requests"));
    assert!(matches!(told, TokenStep::Wait(wait) if wait == SignedDuration::from_millis(2_500)));
    let untold = first(customer(), answer(429, None, "Too Many Requests"));
    assert!(matches!(untold, TokenStep::Wait(wait) if wait <= SignedDuration::from_secs(2)));
    let TokenStep::Fail(TokenFailure::Decided(error)) = first(customer(), answer(429, Some("60"), "")) else {
        panic!("a failure was expected");
    };
    assert_eq!(error.code(), Code::LoginThrottled);
    assert_eq!(error.class(), ErrorClass::Throttled { retry_after: SignedDuration::from_secs(60) });
}

#[test]
fn a_loop_detected_by_microsoft_is_no_dead_refresh_token() {
    let body = json!({ "error": "invalid_grant", "error_codes": [50196] }).to_string();
    assert!(matches!(first(customer(), answer(400, None, &body)), TokenStep::Wait(_)));
}

#[test]
fn a_customers_refusal_is_decided_or_left_to_the_partners_authority() {
    let consent = json!({ "error": "invalid_grant", "error_codes": [65001], "trace_id": "t-1" }).to_string();
    let TokenStep::Fail(TokenFailure::Decided(error)) = first(customer(), answer(400, None, &consent)) else {
        panic!("decided");
    };
    assert_eq!((error.code(), error.diagnostics().trace_id.as_deref()), (Code::ConsentMissing, Some("t-1")));
    let expired = json!({ "error": "invalid_grant", "error_codes": [700_082] }).to_string();
    let step = first(customer(), answer(400, None, &expired));
    assert!(matches!(step, TokenStep::Fail(TokenFailure::Undecided(_))));
    let step = first(Authority::Organizations, answer(400, None, &expired));
    assert!(
        matches!(step, TokenStep::Fail(TokenFailure::Decided(error)) if error.code() == Code::SignInExpired)
    );
}

#[test]
fn a_page_of_html_is_tried_again_and_then_a_fault() {
    for status in [200, 403] {
        let policy = RetryPolicy { attempts_max: 2, wait_max: SignedDuration::from_secs(20) };
        let mut exchange = TokenExchange::new(customer(), Retry::new(policy, 1));
        let html = || answer(status, None, "<html>");
        assert!(matches!(exchange.step(html(), Timestamp::UNIX_EPOCH), TokenStep::Wait(_)));
        let TokenStep::Fail(TokenFailure::Decided(error)) = exchange.step(html(), Timestamp::UNIX_EPOCH)
        else {
            panic!("a failure was expected");
        };
        assert_eq!((error.code(), error.class()), (Code::AnswerUnreadable, ErrorClass::Fault), "{status}");
    }
}
