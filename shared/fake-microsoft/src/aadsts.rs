//! The refusals of the login host, by AADSTS number
//! (learn.microsoft.com/entra/identity-platform/reference-error-codes).

use ambient::{Clock, Entropy};
use serde_json::{Value, json};
use uuid::Uuid;

/// A refusal before it has a time and trace ids.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) number: u32,
    pub(crate) error: &'static str,
    pub(crate) status: u16,
    message: String,
    suberror: Option<&'static str>,
}

impl Refusal {
    /// The documented refusal with this number; an unknown number is an `invalid_grant`.
    pub(crate) fn new(number: u32) -> Self {
        let (error, status, message) = documented(number);
        let suberror = match number {
            50_072 | 50_074 | 50_076 | 50_078 | 50_079 | 50_158 => Some("basic_action"),
            53_000..=53_003 | 530_034 | 530_035 => Some("message_only"),
            65_001 => Some("consent_required"),
            50_173 => Some("bad_token"),
            _ => None,
        };
        Self { number, error, status, message: message.to_owned(), suberror }
    }

    /// The same refusal with a message that names what was wrong.
    pub(crate) fn about(number: u32, message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::new(number) }
    }

    /// `AADSTS65001: …` as browsers show it.
    pub(crate) fn text(&self) -> String {
        format!("AADSTS{}: {}", self.number, self.message)
    }

    /// The body of the token endpoint.
    pub(crate) fn body(&self, base: &str, clock: &dyn Clock, entropy: &dyn Entropy) -> Value {
        let now = clock.now();
        let timestamp = now.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let (trace, correlation): (Uuid, Uuid) = (entropy.time_ordered_id(now), entropy.time_ordered_id(now));
        let description =
            format!("{} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}", self.text());
        let mut body = json!({
            "error": self.error,
            "error_description": description,
            "error_codes": [self.number],
            "timestamp": timestamp,
            "trace_id": trace.to_string(),
            "correlation_id": correlation.to_string(),
            "error_uri": format!("{base}/error?code={}", self.number),
        });
        if let Some(suberror) = self.suberror {
            body["suberror"] = json!(suberror);
        }
        if matches!(self.suberror, Some("basic_action" | "message_only")) {
            let policy = entropy.time_ordered_id(now);
            let claims =
                format!(r#"{{"access_token":{{"capolids":{{"essential":true,"values":["{policy}"]}}}}}}"#);
            body["claims"] = json!(claims);
        }
        body
    }
}

/// Number, `error`, HTTP status and the message in short.
const DOCUMENTED: [(u32, &str, u16, &str); 41] = [
    (28_000, "invalid_request", 400, "The scope is not valid because it contains more than one resource."),
    (50_011, "invalid_request", 400, "The redirect URI does not match those configured."),
    (50_020, "invalid_grant", 400, "The user account does not exist in the tenant."),
    (50_034, "invalid_grant", 400, "The user account does not exist in the directory."),
    (50_053, "invalid_grant", 400, "The account is locked."),
    (50_057, "invalid_grant", 400, "The user account is disabled."),
    (50_076, "invalid_grant", 400, "You must use multi-factor authentication to access this."),
    (50_079, "invalid_grant", 400, "You must enroll in multi-factor authentication."),
    (50_158, "interaction_required", 400, "External security challenge was not satisfied."),
    (50_173, "invalid_grant", 400, "The grant has been revoked, a fresh auth token is needed."),
    (50_177, "invalid_grant", 400, "External challenge is not supported for this user."),
    (50_194, "invalid_request", 400, "The application is not configured as multi-tenant."),
    (50_196, "invalid_grant", 400, "The server encountered a client request loop."),
    (53_000, "invalid_grant", 400, "Device is not in required device state."),
    (53_003, "invalid_grant", 400, "Access has been blocked by Conditional Access policies."),
    (54_005, "invalid_grant", 400, "OAuth2 Authorization code was already redeemed."),
    (65_001, "invalid_grant", 400, "The user or administrator has not consented to the app."),
    (65_004, "access_denied", 400, "User declined to consent to access the app."),
    (70_003, "unsupported_grant_type", 400, "The app requested an unsupported grant type."),
    (70_008, "invalid_grant", 400, "The authorization code or refresh token has expired."),
    (70_011, "invalid_scope", 400, "The value of the input parameter 'scope' is not valid."),
    (70_043, "invalid_grant", 400, "The refresh token ended by sign-in frequency checks."),
    (90_002, "invalid_request", 400, "Tenant not found."),
    (90_014, "invalid_request", 400, "A parameter is missing or appears more than once."),
    (90_033, "temporarily_unavailable", 503, "A transient error has occurred. Please try again."),
    (500_011, "invalid_resource", 400, "The resource principal was not found in the tenant."),
    (500_112, "invalid_client", 400, "The reply address does not match that of the code."),
    (500_212, "invalid_grant", 400, "An outbound access policy refuses the resource tenant."),
    (501_481, "invalid_grant", 400, "The Code_Verifier does not match the code_challenge."),
    (530_034, "invalid_grant", 400, "Delegated administration is blocked as suspicious."),
    (650_052, "invalid_client", 400, "The organization has not subscribed to the service."),
    (700_016, "unauthorized_client", 400, "Application was not found in the directory."),
    (700_027, "invalid_client", 401, "The certificate used to sign the client assertion is not registered."),
    (700_082, "invalid_grant", 400, "The refresh token has expired due to inactivity."),
    (900_144, "invalid_request", 400, "A parameter of the request is missing."),
    (7_000_215, "invalid_client", 401, "Invalid client secret provided."),
    (7_000_218, "invalid_client", 401, "A 'client_assertion' or 'client_secret' must be sent."),
    (7_000_222, "invalid_client", 401, "The provided client secret keys are expired."),
    (700_084, "invalid_grant", 400, "The refresh token was issued to a single page app."),
    (9_002_313, "invalid_grant", 400, "Invalid request. Request is malformed or invalid."),
    (9_002_326, "invalid_request", 400, "Cross-origin token redemption is not permitted."),
];

fn documented(number: u32) -> (&'static str, u16, &'static str) {
    let row = DOCUMENTED.iter().find(|row| row.0 == number);
    row.map_or(("invalid_grant", 400, "The request was refused."), |row| (row.1, row.2, row.3))
}
