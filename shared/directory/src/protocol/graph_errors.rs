//! What an answer of Graph means for a read (learn.microsoft.com/graph/errors): the status
//! decides, the code refines, the message is never looked at.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    exchange::Answer,
    listing::Place,
    page::{Refusals, unmarked},
    retry::retry_after,
};
use crate::error::{Code, Diagnostics, ReadError, identifier};

/// Nested codes followed before giving up.
const DEPTH_MAX: usize = 8;

/// Codes worth knowing; nested ones win over those around them.
const KNOWN: [&str; 14] = [
    EXPIRED[0],
    EXPIRED[1],
    EXPIRED[2],
    PREMIUM_ONLY,
    MISSING,
    "Authorization_RequestDenied",
    "BadRequest",
    "InvalidAuthenticationToken",
    "Request_BadRequest",
    "Request_UnsupportedQuery",
    "TooManyRequests",
    "activityLimitReached",
    "serviceNotAvailable",
    "generalException",
];

/// The position in the listing, or in the changes, is gone. The first has been seen with a capital
/// letter, too, so letter case counts nowhere.
const EXPIRED: [&str; 3] = ["syncStateNotFound", "resyncRequired", "Directory_ExpiredPageToken"];

/// The object that the address names does not exist.
const MISSING: &str = "Request_ResourceNotFound";

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

/// What was asked, as far as the meaning of a refusal depends on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    /// Whose token was sent.
    pub(crate) place: Place,
    /// The request came from a link of the service, which can expire.
    pub(crate) resumed: bool,
    /// What refusals mean at the endpoint.
    pub(crate) refusals: Refusals,
}

/// Judges an answer.
pub(crate) fn judge(answer: &Answer, asked: Asked, now: Timestamp) -> Judgement {
    let Asked { place, resumed, refusals } = asked;
    let told = retry_after(&answer.headers, now);
    let busy = || match told {
        Some(_) => Judgement::Again(Code::GraphBusy, told),
        None => Judgement::Again(Code::GraphUnavailable, None),
    };
    let code = error_code(answer);
    let has = |codes: &[&str]| code.as_deref().is_some_and(|code| is_one_of(code, codes));
    match answer.status {
        200 => Judgement::Accept,
        400 | 404 | 409 | 410 | 412 if resumed && has(&EXPIRED) => Judgement::Fail(refusals.expired),
        401 => Judgement::Unauthorized,
        403 if has(&[PREMIUM_ONLY]) => Judgement::Fail(Code::RequestRejected),
        403 => Judgement::Fail(match place {
            Place::Customer => refusals.denied,
            Place::Partner => Code::PartnerRoleMissing,
        }),
        404 if has(&[MISSING]) => Judgement::Fail(refusals.missing),
        404 => Judgement::Fail(Code::ResourceUnknown),
        410 if resumed => Judgement::Fail(refusals.expired),
        400 | 410 | 501 => Judgement::Fail(Code::RequestRejected),
        429 => Judgement::Again(Code::Throttled, told),
        504 => Judgement::GatewayTimeout(told),
        408 | 423 | 500..=599 => busy(),
        _ => Judgement::Fail(Code::AnswerUnexpected),
    }
}

/// Whether a read failed because there is no such object, and not because the address is wrong.
pub(crate) fn is_missing(error: &ReadError) -> bool {
    let diagnostics = error.diagnostics();
    let told = diagnostics.error.as_deref().is_some_and(|code| is_one_of(code, &[MISSING]));
    diagnostics.status == Some(404) && told
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
    let body: Value = serde_json::from_slice(unmarked(answer.bytes())).ok()?;
    let mut error = body.get("error")?;
    let outermost = error.get("code").and_then(Value::as_str);
    let mut chosen = outermost;
    for _ in 0..DEPTH_MAX {
        let code = error.get("code").and_then(Value::as_str);
        chosen = code.filter(|code| is_one_of(code, &KNOWN)).or(chosen);
        match inner(error) {
            Some(deeper) => error = deeper,
            None => break,
        }
    }
    chosen.map(str::to_owned)
}

fn is_one_of(code: &str, codes: &[&str]) -> bool {
    codes.iter().any(|known| known.eq_ignore_ascii_case(code))
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

    fn asked(place: Place, resumed: bool) -> Asked {
        Asked { place, resumed, refusals: Refusals::USUAL }
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
            let judged = judge(&answer(status, &[], &body), asked(Place::Customer, resumed), now);
            assert_eq!(judged, expected, "{status} {body}");
        }
        let busy = answer(503, &[("retry-after", "4")], "");
        let told = Some(SignedDuration::from_secs(4));
        assert_eq!(judge(&busy, asked(Place::Customer, false), now), Again(Code::GraphBusy, told));
        let denied = answer(403, &[], &error("Authorization_RequestDenied"));
        assert_eq!(judge(&denied, asked(Place::Partner, false), now), Fail(Code::PartnerRoleMissing));
    }

    #[test]
    fn what_refusals_mean_depends_on_what_was_asked() {
        let refusals = Refusals {
            denied: Code::GroupsNotReadable,
            expired: Code::ChangesExpired,
            missing: Code::GroupGone,
        };
        for (status, code, resumed, expected) in [
            (400, "syncStateNotFound", true, Code::ChangesExpired),
            (400, "SyncStateNotFound", true, Code::ChangesExpired),
            (410, "syncStateNotFound", true, Code::ChangesExpired),
            (404, "syncStateNotFound", true, Code::ChangesExpired),
            (400, "resyncRequired", true, Code::ChangesExpired),
            (410, "resyncRequired", true, Code::ChangesExpired),
            (409, "resyncRequired", true, Code::ChangesExpired),
            (400, "Directory_ExpiredPageToken", true, Code::ChangesExpired),
            (410, "Novelty", true, Code::ChangesExpired),
            (410, "", true, Code::ChangesExpired),
            (400, "Request_BadRequest", true, Code::RequestRejected),
            (400, "syncStateNotFound", false, Code::RequestRejected),
            (410, "syncStateNotFound", false, Code::RequestRejected),
            (403, "Authorization_RequestDenied", true, Code::GroupsNotReadable),
            (404, "Request_ResourceNotFound", false, Code::GroupGone),
            (404, "Request_ResourceNotFound", true, Code::GroupGone),
            (404, "BadRequest", false, Code::ResourceUnknown),
            (404, "", false, Code::ResourceUnknown),
        ] {
            let body = if code.is_empty() { String::new() } else { error(code) };
            let asked = Asked { place: Place::Customer, resumed, refusals };
            let judged = judge(&answer(status, &[], &body), asked, Timestamp::UNIX_EPOCH);
            assert_eq!(judged, Judgement::Fail(expected), "{status} {code} {resumed}");
        }
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
