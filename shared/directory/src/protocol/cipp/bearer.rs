//! What a token that somebody entered tells about itself. Its signature is not checked: what is read
//! here is shown, and makes checks stricter, and opens nothing.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::ids::EntraTenantId;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

/// Longest token that is looked into.
const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// Claims of an access token (learn.microsoft.com/entra/identity-platform/access-token-claims-reference).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct BearerClaims {
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// The tenant that issued it.
    pub tenant: Option<EntraTenantId>,
}

impl BearerClaims {
    /// What `token` says; nothing when it is no JWT.
    pub fn read(token: &SecretString) -> Self {
        let text = token.expose_secret();
        if text.len() > TOKEN_BYTES_MAX {
            return Self::default();
        }
        let payload = text.split('.').nth(1).and_then(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok());
        let claims: Value =
            payload.and_then(|payload| serde_json::from_slice(&payload).ok()).unwrap_or_default();
        let seconds = match claims.get("exp") {
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(number) => number.as_i64(),
            None => None,
        };
        Self {
            expires: seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()),
            tenant: claims.get("tid").and_then(Value::as_str).and_then(|tenant| tenant.parse().ok()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn token(claims: &Value) -> SecretString {
        format!("h.{}.s", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string())).into()
    }

    #[test]
    fn what_tokens_say() {
        let tenant = "0a1b2c3d-0b1f-4c3a-9d2e-7f1e2a3b4c5d";
        for (claims, expires, told) in [
            (json!({ "exp": 1_772_442_300, "tid": tenant }), Some(1_772_442_300), true),
            (json!({ "exp": "1772442300", "tid": "common" }), Some(1_772_442_300), false),
            (json!({ "exp": 1.5e300 }), None, false),
            (json!({ "exp": null }), None, false),
            (json!([]), None, false),
        ] {
            let read = BearerClaims::read(&token(&claims));
            assert_eq!(read.expires.map(Timestamp::as_second), expires, "{claims}");
            assert_eq!(read.tenant.is_some(), told, "{claims}");
        }
        assert_eq!(BearerClaims::read(&"opaque".into()), BearerClaims::default());
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in ".{0,60}", claims in "\\PC{0,40}") {
            BearerClaims::read(&text.into());
            BearerClaims::read(&format!("a.{}.b", BASE64_URL_SAFE_NO_PAD.encode(claims)).into());
        }
    }
}
