//! The API Gateway's question, and the answer to it.

use std::collections::BTreeMap;

use runtime::{lambda::TaskName, telemetry::ErrorChain};
use serde::{Deserialize, Serialize};

use crate::{
    keys::KeyFault,
    verifier::{Refusal, Verifier},
};

/// What the routes begin with whose function is its own guard: it takes a key where there is no token.
const GUARDED_THERE: &str = "ANY /api/v1/platform-feature-flags";

/// The header of a key that takes the place of a token there.
pub(crate) const KEY_HEADER: &str = "x-api-key";

/// A request to be authorized: HTTP API, payload format 2.0. Only the headers and the route are read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// The route as it is deployed, with names in the place of ids.
    #[serde(default)]
    route_key: String,
    /// Header names as the gateway writes them (lower case); several values joined by commas.
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

/// The simple response of a Lambda authorizer.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// Whether the gateway passes the request on; otherwise it answers 403 by itself.
    pub is_authorized: bool,
    /// The caller, as `edge::Caller::from_context` reads it; empty for a refused request.
    pub context: BTreeMap<String, String>,
}

/// Answers the gateway. Whatever is wrong with a token refuses the request, and the log says what.
///
/// When the keys cannot be had nothing is known about the token: that is an error, which the
/// gateway answers with 500 and does not remember, unlike a refusal.
///
/// A request whose function is its own guard goes on without a caller instead of being refused; with a key it does so
/// as well when the token beside it cannot be checked.
pub async fn authorize(verifier: &Verifier, event: Event) -> Result<Answer, KeyFault> {
    let goes_on = event.route_key.starts_with(GUARDED_THERE);
    let refused = Answer { is_authorized: goes_on, context: BTreeMap::new() };
    let header = event.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    let Some(token) = header.and_then(|(_, value)| bearer(value)) else {
        tracing::info!(code = "token_absent", "request refused");
        return Ok(refused);
    };
    match verifier.verify(token).await {
        Ok(caller) => Ok(Answer { is_authorized: true, context: caller.to_context() }),
        // The key is enough there, and is looked at by the function: the PSA may be what has to be switched off.
        Err(Refusal::KeysUnavailable(fault)) if goes_on && has_key(&event) => {
            tracing::warn!(error = %ErrorChain(&fault), "a token could not be checked, and there is a key");
            Ok(refused)
        }
        Err(Refusal::KeysUnavailable(fault)) => Err(fault),
        Err(refusal) => {
            tracing::info!(code = refusal.code(), reason = %refusal, "request refused");
            Ok(refused)
        }
    }
}

impl TaskName for KeyFault {
    fn name(&self) -> &'static str {
        "KeysUnavailable"
    }

    fn cause(&self) -> String {
        ErrorChain(self).to_string()
    }
}

/// Whether the routes at `path` are their own guard.
pub(crate) fn takes_keys(path: &str) -> bool {
    GUARDED_THERE.strip_prefix("ANY ").is_some_and(|begin| path.starts_with(begin))
}

fn has_key(event: &Event) -> bool {
    event.headers.keys().any(|name| name.eq_ignore_ascii_case(KEY_HEADER))
}

/// The token of an `Authorization: Bearer` header (RFC 6750 §2.1); several values are none.
pub(crate) fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim().split_once(' ')?;
    let token = token.trim();
    let is_one = !token.is_empty() && !token.contains([' ', ',', '\t']);
    (scheme.eq_ignore_ascii_case("bearer") && is_one).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_bearer_token_is_a_token() {
        for (header, token) in [
            ("Bearer a.b.c", Some("a.b.c")),
            ("bearer  a.b.c ", Some("a.b.c")),
            ("Basic YTpi", None),
            ("Bearer", None),
            ("Bearer ", None),
            ("Bearer a.b.c,Bearer d.e.f", None),
            ("Bearer a.b.c d", None),
            ("a.b.c", None),
        ] {
            assert_eq!(bearer(header), token, "{header}");
        }
    }
}
