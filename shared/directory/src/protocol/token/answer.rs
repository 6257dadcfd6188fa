//! Token answers.

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    error::{Diagnostics, identifier},
    protocol::{
        exchange::Answer,
        page::{text, unmarked},
    },
};

/// Life of an access token whose answer does not tell: half the shortest that is documented.
const UNTOLD_LIFE_SECONDS: i64 = 1_800;

/// Longest life believed: longer than any that is documented.
const LIFE_SECONDS_MAX: i64 = 48 * 3_600;

/// Most numbers kept of a refusal. Microsoft sends one or two; they are stored with what failed.
const NUMBERS_MAX: usize = 8;

/// Tokens that were granted.
#[derive(Clone, Debug)]
pub struct TokenGrant {
    /// For Graph; opaque.
    pub access_token: SecretString,
    /// When the access token ends.
    pub expires: Timestamp,
    /// A newer refresh token; `None` = keep the one that was used.
    pub refresh_token: Option<SecretString>,
    /// Who signed in; only when `openid` was asked for.
    pub id_token: Option<SecretString>,
    /// Scopes that were granted, when the answer tells.
    pub scopes: Option<Vec<String>>,
}

/// Scopes of `these` that are not among `those`. Those of OpenID Connect say nothing about what may be read;
/// a resource in front of a scope's name, and its case, make no difference.
pub fn scopes_not_in(these: &[String], those: &[String]) -> Vec<String> {
    let name = |scope: &str| scope.rsplit('/').next().unwrap_or(scope).to_ascii_lowercase();
    let those: Vec<String> = those.iter().map(|scope| name(scope)).collect();
    let is_missing = |scope: &&String| {
        let name = name(scope);
        !matches!(name.as_str(), "openid" | "profile" | "offline_access" | "email" | ".default")
            && !those.contains(&name)
    };
    these.iter().filter(is_missing).cloned().collect()
}

#[derive(Deserialize)]
struct GrantBody {
    access_token: SecretString,
    #[serde(default)]
    expires_in: Value,
    refresh_token: Option<SecretString>,
    id_token: Option<SecretString>,
    scope: Option<String>,
}

impl TokenGrant {
    /// Reads the body of a successful answer.
    pub(super) fn decode(body: &[u8], now: Timestamp) -> Option<Self> {
        // Not as text: a token with a replacement character in it is none.
        let body: GrantBody = serde_json::from_slice(unmarked(body)).ok()?;
        let life = life_seconds(&body.expires_in).clamp(0, LIFE_SECONDS_MAX);
        let expires = now.checked_add(SignedDuration::from_secs(life)).ok()?;
        let scopes = body.scope.map(|scope| scope.split_whitespace().map(str::to_owned).collect());
        Some(Self {
            access_token: filled(body.access_token)?,
            expires,
            refresh_token: body.refresh_token.and_then(filled),
            id_token: body.id_token.and_then(filled),
            scopes,
        })
    }

    /// Of the scopes in `asked`, those that were not granted; empty when the answer did not
    /// tell. Scopes of OpenID Connect are not reported back and therefore not missed; a resource
    /// in front of a scope's name makes no difference.
    pub fn missing_scopes(&self, asked: &[String]) -> Vec<String> {
        self.scopes.as_ref().map_or_else(Vec::new, |granted| scopes_not_in(asked, granted))
    }
}

fn filled(secret: SecretString) -> Option<SecretString> {
    use secrecy::ExposeSecret;
    (!secret.expose_secret().is_empty()).then_some(secret)
}

/// `expires_in` is a number; as text it has been seen too.
fn life_seconds(told: &Value) -> i64 {
    let number = match told {
        Value::String(text) => text.trim().parse().ok(),
        _ => told.as_i64(),
    };
    number.unwrap_or(UNTOLD_LIFE_SECONDS)
}

/// The body of a refusal. `error` decides; numbers are hints; the description is not kept.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TokenAnswerError {
    /// OAuth's `error`; empty when the body was no JSON.
    pub error: String,
    /// OAuth's `suberror`.
    pub suberror: Option<String>,
    /// AADSTS numbers.
    pub numbers: Vec<u32>,
}

impl TokenAnswerError {
    /// Reads a refusal, and what is worth keeping of it.
    pub(super) fn decode(answer: &Answer) -> (Self, Diagnostics) {
        let body: Value = serde_json::from_str(&text(answer.bytes())).unwrap_or_default();
        let member = |name: &str| body.get(name).and_then(Value::as_str);
        let kept = |name: &str| member(name).and_then(identifier);
        let error = Self {
            error: member("error").unwrap_or_default().to_owned(),
            suberror: kept("suberror"),
            numbers: numbers(&body),
        };
        let diagnostics = Diagnostics {
            status: Some(answer.status),
            error: identifier(&error.error),
            suberror: error.suberror.clone(),
            aadsts: error.numbers.clone(),
            trace_id: kept("trace_id"),
            correlation_id: kept("correlation_id"),
            timestamp: kept("timestamp"),
            request_id: answer.identifier_header("x-ms-request-id"),
            client_request_id: answer.identifier_header("client-request-id"),
            ..Diagnostics::default()
        };
        (error, diagnostics)
    }
}

/// `error_codes`, or the numbers in the description when they are missing.
fn numbers(body: &Value) -> Vec<u32> {
    let told = body.get("error_codes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let number = |code: &Value| match code {
        Value::String(text) => text.parse().ok(),
        _ => code.as_u64().and_then(|number| u32::try_from(number).ok()),
    };
    let numbers: Vec<u32> = told.iter().filter_map(number).take(NUMBERS_MAX).collect();
    if !numbers.is_empty() {
        return numbers;
    }
    numbers_in(body.get("error_description").and_then(Value::as_str).unwrap_or_default())
}

/// The numbers after `AADSTS` in a description.
pub(super) fn numbers_in(description: &str) -> Vec<u32> {
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    let numbers = description.split("AADSTS").skip(1).filter_map(|rest| digits(rest).parse().ok());
    numbers.take(NUMBERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderMap;
    use secrecy::ExposeSecret;
    use serde_json::json;

    use super::*;
    use crate::protocol::exchange::AnswerBody;

    fn grant(body: Value) -> Option<TokenGrant> {
        TokenGrant::decode(body.to_string().as_bytes(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn expires_in_table() {
        for (told, seconds) in [
            (json!(4371), 4371),
            (json!("4371"), 4371),
            (json!(" 60 "), 60),
            (Value::Null, UNTOLD_LIFE_SECONDS),
            (json!("soon"), UNTOLD_LIFE_SECONDS),
            (json!(-1), 0),
            (json!(i64::MAX), LIFE_SECONDS_MAX),
        ] {
            let grant = grant(json!({ "access_token": "a", "expires_in": told })).unwrap();
            assert_eq!(grant.expires.as_second(), seconds, "{told}");
        }
    }

    #[test]
    fn scope_and_refresh_token_may_be_missing() {
        let bare = grant(json!({ "access_token": "a", "expires_in": 1 })).unwrap();
        assert!(bare.scopes.is_none() && bare.refresh_token.is_none() && bare.id_token.is_none());
        assert!(bare.missing_scopes(&["User.Read.All".to_owned()]).is_empty());
        let full = grant(json!({ "access_token": "a", "refresh_token": "r",
            "scope": "openid https://graph.microsoft.com/User.Read.All" }))
        .unwrap();
        assert_eq!(full.refresh_token.as_ref().unwrap().expose_secret(), "r");
        let asked = ["openid", "User.Read.All", "DelegatedAdminRelationship.Read.All"].map(str::to_owned);
        assert_eq!(full.missing_scopes(&asked), ["DelegatedAdminRelationship.Read.All"]);
        assert!(!format!("{full:?}").contains("\"r\""));
    }

    #[test]
    fn no_access_token_is_no_grant() {
        for body in
            [json!({}), json!({ "access_token": "" }), json!({ "access_token": 1 }), json!([]), json!("x")]
        {
            assert!(grant(body.clone()).is_none(), "{body}");
        }
    }

    #[test]
    fn a_refusal_keeps_numbers_and_ids_and_no_description() {
        let body = json!({ "error": "invalid_grant", "suberror": "basic_action",
            "error_description": "AADSTS50076: mira@contoso.example must use MFA. Trace ID: 1c0e",
            "trace_id": "1c0e-1", "correlation_id": "7f3a-1", "timestamp": "2026-03-02 08:11:04Z" });
        let answer = Answer {
            status: 400,
            headers: HeaderMap::new(),
            body: AnswerBody::Whole(body.to_string().into_bytes()),
        };
        let (error, diagnostics) = TokenAnswerError::decode(&answer);
        assert_eq!(error.numbers, [50076]);
        assert_eq!(diagnostics.trace_id.as_deref(), Some("1c0e-1"));
        assert!(!serde_json::to_string(&diagnostics).unwrap().contains("mira"));
    }
}
