//! The login service: grants, refusals, id_tokens, and tokens that somebody entered.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use directory::{
    Code,
    protocol::{
        Answer, AnswerBody, Input,
        cipp::bearer::BearerClaims,
        id_token::{Expectation, IdTokenClaims, IdTokenError, SignedIn},
        retry::{Retry, RetryPolicy},
        token::{Authority, TokenExchange, TokenFailure, TokenGrant, TokenStep},
    },
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tests::spoil::{Spoiled, spoiled};

use crate::trees::{any_bytes, any_json};

const TENANT: &str = "0a1b2c3d-0b1f-4c3a-9d2e-7f1e2a3b4c5d";
const OBJECT: &str = "51f0c2d5-0b1f-4c3a-9d2e-7f1e2a3b4c5d";
const NOW: i64 = 1_772_438_400;

fn grant() -> Value {
    json!({ "token_type": "Bearer", "access_token": "access", "expires_in": 4371, "ext_expires_in": 4371,
        "refresh_token": "refresh", "id_token": "id", "scope": "openid https://graph.microsoft.com/User.Read.All" })
}

fn refusal() -> Value {
    json!({ "error": "invalid_grant", "suberror": "basic_action", "error_codes": [50076],
        "error_description": "AADSTS50076: mira@contoso.example must use MFA. Trace ID: 1c0e",
        "trace_id": "1c0e-1", "correlation_id": "7f3a-1", "timestamp": "2026-03-02 08:11:04Z" })
}

fn claims() -> Value {
    json!({ "aud": "app", "iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0"), "nbf": NOW,
        "exp": NOW + 3_900, "nonce": "n", "oid": OBJECT, "tid": TENANT, "name": "Tech One",
        "preferred_username": "tech@msp.example", "ver": "2.0" })
}

/// What follows from an answer: tokens, the code of a failure, or another attempt.
fn answered(authority: Authority, status: u16, body: AnswerBody) -> Result<Option<TokenGrant>, Code> {
    let policy = RetryPolicy { attempts_max: 2, wait_max: SignedDuration::from_secs(9) };
    let mut exchange = TokenExchange::new(authority, Retry::new(policy, 1));
    let answer = Answer { status, headers: HeaderMap::new(), body };
    match exchange.step(Input::Answered(answer), Timestamp::UNIX_EPOCH) {
        TokenStep::Grant(grant) => Ok(Some(grant)),
        TokenStep::Fail(TokenFailure::Decided(error) | TokenFailure::Undecided(error)) => {
            let kept = serde_json::to_string(error.diagnostics()).unwrap();
            assert!(kept.len() < 800, "what is stored of a refusal is short: {} bytes", kept.len());
            assert!(!kept.contains("mira"), "{kept}");
            Err(error.code())
        }
        TokenStep::Send | TokenStep::Wait(_) => Ok(None),
    }
}

fn answers(status: u16, body: &[u8]) -> [Result<Option<TokenGrant>, Code>; 2] {
    let tenant = TENANT.parse().unwrap();
    [Authority::Partner(tenant), Authority::Customer(tenant)]
        .map(|authority| answered(authority, status, AnswerBody::Whole(body.to_vec())))
}

fn token(payload: &[u8]) -> SecretString {
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    format!("{}.{}.sig", encode(br#"{"alg":"RS256"}"#), encode(payload)).into()
}

fn signed_in(token: &SecretString) -> Result<SignedIn, IdTokenError> {
    let expected = Expectation {
        client_id: "app",
        issuer_template: "https://login.microsoftonline.com/{tenantid}/v2.0",
        nonce: "n",
        partner_tenant: None,
    };
    IdTokenClaims::decode(token)?.validate(&expected, Timestamp::from_second(NOW).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_and_any_json_have_a_result(bytes in any_bytes(), body in any_json(), text in ".{0,80}") {
        for body in [bytes, body.to_string().into_bytes()] {
            for status in [200, 204, 302, 400, 401, 403, 429, 500, 503] {
                let _ = answers(status, &body);
            }
            prop_assert!(signed_in(&token(&body)).is_err());
            let _ = BearerClaims::read(&token(&body));
        }
        prop_assert!(signed_in(&SecretString::from(text.as_str())).is_err());
        let _ = BearerClaims::read(&text.into());
    }
}

/// A spoiled answer gives the tokens that were in it or none, and no token ever has a broken character.
#[test]
fn a_spoiled_grant_is_the_grant_or_none() {
    for Spoiled { how, bytes, place } in spoiled(&grant()) {
        for granted in answers(200, &bytes).into_iter().flatten().flatten() {
            let access = granted.access_token.expose_secret();
            assert!(!access.is_empty() && !access.contains('\u{fffd}'), "{how}");
            if place.as_deref() != Some("/access_token") {
                assert_eq!(access, "access", "{how}");
            }
        }
    }
}

#[test]
fn a_grant_with_a_byte_order_mark_is_a_grant() {
    let marked = format!("\u{feff}{}", grant());
    assert!(answers(200, marked.as_bytes()).into_iter().all(|answer| answer.unwrap().is_some()));
}

/// The code of a sign-in is good for once: an answer that will be as large again is not asked for again.
#[test]
fn an_answer_beyond_the_limit_is_refused_at_once() {
    for status in [200, 400, 302] {
        let code = answered(Authority::Organizations, status, AnswerBody::TooLarge).map(|_| ());
        assert_eq!(code, Err(Code::AnswerTooLarge), "{status}");
    }
    for status in [429, 503] {
        let again = answered(Authority::Organizations, status, AnswerBody::TooLarge).unwrap();
        assert!(again.is_none(), "{status}: the status says to try again");
    }
}

#[test]
fn a_spoiled_refusal_is_a_refusal() {
    for Spoiled { how, bytes, .. } in spoiled(&refusal()) {
        for answer in answers(400, &bytes) {
            assert!(!matches!(answer, Ok(Some(_))), "{how}");
        }
    }
}

#[test]
fn numbers_without_end_are_not_kept() {
    let mut many = refusal();
    many["error_codes"] = vec![50076; 100_000].into();
    assert_eq!(answers(400, many.to_string().as_bytes())[0].as_ref().unwrap_err(), &Code::SignInMfaRequired);
    many["error_codes"] = Value::Null;
    many["error_description"] = "AADSTS50076 ".repeat(10_000).into();
    assert_eq!(answers(400, many.to_string().as_bytes())[0].as_ref().unwrap_err(), &Code::SignInMfaRequired);
}

/// Nobody else ever signs in because a token was damaged.
#[test]
fn a_spoiled_id_token_is_of_the_same_account_or_of_none() {
    assert!(signed_in(&token(claims().to_string().as_bytes())).is_ok());
    for Spoiled { how, bytes, .. } in spoiled(&claims()) {
        let _ = BearerClaims::read(&token(&bytes));
        if let Ok(signed_in) = signed_in(&token(&bytes)) {
            assert_eq!(signed_in.tenant, TENANT.parse().unwrap(), "{how}");
            assert_eq!(signed_in.object, OBJECT.parse().unwrap(), "{how}");
            assert!(signed_in.name.is_none_or(|name| name.chars().count() <= 256), "{how}");
        }
    }
    let whole = token(claims().to_string().as_bytes());
    let text = whole.expose_secret();
    for length in 0..text.len() - ".sig".len() {
        assert!(signed_in(&text[..length].into()).is_err(), "cut after {length} bytes");
    }
}
