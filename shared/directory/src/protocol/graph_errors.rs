//! What an answer of Graph means for a read (learn.microsoft.com/graph/errors): the status
//! decides, the code refines, the message is never looked at.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{exchange::Answer, listing::Place, retry::retry_after};
use crate::error::{Code, Diagnostics, identifier};

/// Nested codes followed before giving up.
const DEPTH_MAX: usize = 8;

/// Codes worth knowing; nested ones win over those around them.
const KNOWN: [&str; 14] = [
    EXPIRED[0],
    EXPIRED[1],
    EXPIRED[2],
    PREMIUM_ONLY,
    "Authorization_RequestDenied",
    "BadRequest",
    "InvalidAuthenticationToken",
    "Request_BadRequest",
    "Request_ResourceNotFound",
    "Request_UnsupportedQuery",
    "TooManyRequests",
    "activityLimitReached",
    "serviceNotAvailable",
    "generalException",
];

/// The position in the listing is gone.
const EXPIRED: [&str; 3] = ["syncStateNotFound", "resyncRequired", "Directory_ExpiredPageToken"];

/// A property was asked for that needs a premium licence; none of ours does.
const PREMIUM_ONLY: &str = "Authentication_RequestFromNonPremiumTenantOrB2CTenant";

/// What to make of an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Judgement {
    /// Read its body.
    Accept,
    /// Try again, after this long if told; the code is for when it is tried too often.
    Again(Code, Option<SignedDuration>),
    /// No use.
    Fail(Code),
    /// The service gave up on a page of this size.
    GatewayTimeout(Option<SignedDuration>),
    /// The token is not accepted.
    Unauthorized,
}

/// Judges an answer. `resumed`: the request came from a link of the service, which can expire.
pub(crate) fn judge(answer: &Answer, place: Place, resumed: bool, now: Timestamp) -> Judgement {
    let told = retry_after(&answer.headers, now);
    let busy = || match told {
        Some(_) => Judgement::Again(Code::GraphBusy, told),
        None => Judgement::Again(Code::GraphUnavailable, None),
    };
    let code = error_code(answer);
    let has = |codes: &[&str]| code.as_deref().is_some_and(|code| codes.contains(&code));
    match answer.status {
        200 => Judgement::Accept,
        400 if resumed && has(&EXPIRED) => Judgement::Fail(Code::PageExpired),
        401 => Judgement::Unauthorized,
        403 if has(&[PREMIUM_ONLY]) => Judgement::Fail(Code::RequestRejected),
        403 => Judgement::Fail(match place {
            Place::Customer => Code::RoleMissing,
            Place::Partner => Code::PartnerRoleMissing,
        }),
        404 => Judgement::Fail(Code::ResourceUnknown),
        410 if resumed => Judgement::Fail(Code::PageExpired),
        400 | 410 | 501 => Judgement::Fail(Code::RequestRejected),
        429 => Judgement::Again(Code::Throttled, told),
        504 => Judgement::GatewayTimeout(told),
        408 | 423 | 500..=599 => busy(),
        _ => Judgement::Fail(Code::AnswerUnexpected),
    }
}

/// Whether the app, and not only this tenant, is told to slow down.
pub fn is_throttled_for_the_whole_app(answer: &Answer) -> bool {
    answer.status == 429
        && throttle_scope(answer).is_some_and(|scope| scope.eq_ignore_ascii_case("application"))
}

/// What is worth keeping of an answer that failed.
pub(crate) fn diagnostics(answer: &Answer) -> Diagnostics {
    Diagnostics {
        status: Some(answer.status),
        error: error_code(answer).as_deref().and_then(identifier),
        request_id: answer.identifier_header("request-id"),
        client_request_id: answer.identifier_header("client-request-id"),
        throttle_scope: throttle_scope(answer).and_then(identifier),
        ..Diagnostics::default()
    }
}

/// First part of `<Scope>/<Limit>/<AppId>/<TenantId>`.
fn throttle_scope(answer: &Answer) -> Option<&str> {
    answer.header("x-ms-throttle-scope")?.split('/').next()
}

/// The deepest known code of an error body; without one, the outermost.
fn error_code(answer: &Answer) -> Option<String> {
    if answer.status == 200 {
        return None;
    }
    let body: Value = serde_json::from_slice(answer.bytes()).ok()?;
    let mut error = body.get("error")?;
    let outermost = error.get("code").and_then(Value::as_str);
    let mut chosen = outermost;
    for _ in 0..DEPTH_MAX {
        let code = error.get("code").and_then(Value::as_str);
        chosen = code.filter(|code| KNOWN.contains(code)).or(chosen);
        match inner(error) {
            Some(deeper) => error = deeper,
            None => break,
        }
    }
    chosen.map(str::to_owned)
}

/// `innerError`, in whichever case the service writes it today.
fn inner(error: &Value) -> Option<&Value> {
    error
        .as_object()?
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("innererror"))
        .map(|(_, inner)| inner)
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, HeaderValue};

    use super::*;
    use crate::protocol::exchange::AnswerBody;

    fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Answer {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, HeaderValue::from_static(value));
        }
        Answer { status, headers: map, body: AnswerBody::Whole(body.as_bytes().to_vec()) }
    }

    fn error(code: &str) -> String {
        format!(r#"{{"error":{{"code":"{code}","message":"x","innerError":{{"request-id":"r"}}}}}}"#)
    }

    #[test]
    fn what_answers_mean() {
        use Judgement::{Accept, Again, Fail, GatewayTimeout, Unauthorized};
        let now = Timestamp::UNIX_EPOCH;
        for (status, body, resumed, expected) in [
            (200, String::new(), false, Accept),
            (204, String::new(), false, Fail(Code::AnswerUnexpected)),
            (302, String::new(), false, Fail(Code::AnswerUnexpected)),
            (400, error("Request_UnsupportedQuery"), true, Fail(Code::RequestRejected)),
            (400, error("Directory_ExpiredPageToken"), true, Fail(Code::PageExpired)),
            (400, error("syncStateNotFound"), true, Fail(Code::PageExpired)),
            (400, error("syncStateNotFound"), false, Fail(Code::RequestRejected)),
            (410, error("syncStateNotFound"), true, Fail(Code::PageExpired)),
            (410, "Gone".to_owned(), true, Fail(Code::PageExpired)),
            (401, error("InvalidAuthenticationToken"), false, Unauthorized),
            (403, error("Authorization_RequestDenied"), false, Fail(Code::RoleMissing)),
            (403, error(PREMIUM_ONLY), false, Fail(Code::RequestRejected)),
            (404, error("Request_ResourceNotFound"), false, Fail(Code::ResourceUnknown)),
            (409, String::new(), false, Fail(Code::AnswerUnexpected)),
            (423, String::new(), false, Again(Code::GraphUnavailable, None)),
            (429, "Too Many Requests".to_owned(), false, Again(Code::Throttled, None)),
            (500, error("generalException"), false, Again(Code::GraphUnavailable, None)),
            (501, error("NotImplemented"), false, Fail(Code::RequestRejected)),
            (502, "<html>".to_owned(), false, Again(Code::GraphUnavailable, None)),
            (503, String::new(), false, Again(Code::GraphUnavailable, None)),
            (504, String::new(), false, GatewayTimeout(None)),
            (509, String::new(), false, Again(Code::GraphUnavailable, None)),
        ] {
            let judged = judge(&answer(status, &[], &body), Place::Customer, resumed, now);
            assert_eq!(judged, expected, "{status} {body}");
        }
        let busy = answer(503, &[("retry-after", "4")], "");
        let told = Some(SignedDuration::from_secs(4));
        assert_eq!(judge(&busy, Place::Customer, false, now), Again(Code::GraphBusy, told));
        let denied = answer(403, &[], &error("Authorization_RequestDenied"));
        assert_eq!(judge(&denied, Place::Partner, false, now), Fail(Code::PartnerRoleMissing));
    }

    #[test]
    fn the_deepest_known_code_counts_in_either_spelling() {
        for (body, expected) in [
            (
                r#"{"error":{"code":"BadRequest","innererror":{"code":"syncStateNotFound"}}}"#,
                Some("syncStateNotFound"),
            ),
            (r#"{"error":{"code":"BadRequest","innerError":{"code":"Novelty"}}}"#, Some("BadRequest")),
            (r#"{"error":{"code":"Novelty","innerError":{}}}"#, Some("Novelty")),
            (r#"{"error":"text"}"#, None),
            ("[]", None),
            ("<html>", None),
        ] {
            assert_eq!(error_code(&answer(400, &[], body)).as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn application_scope_pauses_all_tenants() {
        for (status, scope, expected) in [
            (429, "Application/ReadWrite/app/tenant", true),
            (429, "Tenant_Application/ReadWrite/app/tenant", false),
            (503, "Application/ReadWrite/app/tenant", false),
        ] {
            let answer = answer(status, &[("x-ms-throttle-scope", scope)], "");
            assert_eq!(is_throttled_for_the_whole_app(&answer), expected, "{status} {scope}");
        }
    }

    #[test]
    fn diagnostics_keep_identifiers_and_drop_texts() {
        let body =
            r#"{"error":{"code":"Authorization_RequestDenied","message":"mira@contoso.example may not"}}"#;
        let denied = answer(403, &[("request-id", "11111111-2222"), ("client-request-id", "a b@c")], body);
        let shown = serde_json::to_string(&diagnostics(&denied)).unwrap();
        assert_eq!(
            shown,
            r#"{"status":403,"error":"Authorization_RequestDenied","requestId":"11111111-2222"}"#
        );
    }
}
