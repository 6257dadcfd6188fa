//! Which tenant the account of a refreshed token is at home in.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use directory::protocol::id_token::IdTokenError;
use domain::ids::EntraTenantId;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

#[derive(Deserialize)]
struct Claims {
    aud: String,
    iss: String,
    tid: String,
}

/// The home tenant in an id_token that came with a refresh. Such a token has no nonce, since no
/// browser was asked (OpenID Connect Core 1.0 §12.2). It came straight from the token endpoint, so
/// its signature need not be checked (§3.1.3.7) and its time has just begun.
pub(crate) fn home_tenant(
    id_token: &SecretString,
    client_id: &str,
    issuer_template: &str,
) -> Result<EntraTenantId, IdTokenError> {
    let claims = claims(id_token.expose_secret()).ok_or(IdTokenError::Unreadable)?;
    if claims.iss != issuer_template.replace("{tenantid}", &claims.tid) {
        return Err(IdTokenError::Issuer);
    }
    if claims.aud != client_id {
        return Err(IdTokenError::Audience);
    }
    claims.tid.parse().map_err(|_| IdTokenError::Unreadable)
}

fn claims(token: &str) -> Option<Claims> {
    let payload = token.split('.').nth(1)?;
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const TENANT: &str = "0a1b2c3d-0b1f-4c3a-9d2e-7f1e2a3b4c5d";

    fn read(claims: &Value) -> Result<EntraTenantId, IdTokenError> {
        let token = format!("h.{}.s", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()));
        home_tenant(&token.into(), "app", "https://login.example/{tenantid}/v2.0")
    }

    #[test]
    fn the_claims_must_agree_with_each_other_and_with_the_app() {
        let claims = |aud: &str, issuer: &str, tid: &str| {
            let iss = format!("https://{issuer}/v2.0");
            json!({ "aud": aud, "iss": iss, "tid": tid })
        };
        let issuer = format!("login.example/{TENANT}");
        assert_eq!(read(&claims("app", &issuer, TENANT)), Ok(TENANT.parse().unwrap()));
        for (claims, expected) in [
            (claims("other", &issuer, TENANT), IdTokenError::Audience),
            (claims("app", &format!("evil.example/{TENANT}"), TENANT), IdTokenError::Issuer),
            (claims("app", "login.example/common", TENANT), IdTokenError::Issuer),
            (claims("app", "login.example/common", "common"), IdTokenError::Unreadable),
            (json!({}), IdTokenError::Unreadable),
        ] {
            assert_eq!(read(&claims), Err(expected), "{claims}");
        }
        assert_eq!(home_tenant(&"no token".into(), "app", ""), Err(IdTokenError::Unreadable));
    }

    #[test]
    fn a_damaged_token_is_at_home_nowhere() {
        let claims =
            json!({ "aud": "app", "iss": format!("https://login.example/{TENANT}/v2.0"), "tid": TENANT });
        let whole = format!("h.{}.s", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()));
        let read = |token: &str| home_tenant(&token.into(), "app", "https://login.example/{tenantid}/v2.0");
        assert_eq!(read(&whole), Ok(TENANT.parse().unwrap()));
        for length in 0..whole.len() - ".s".len() {
            assert!(read(&whole[..length]).is_err(), "cut after {length} bytes");
        }
        for bytes in [b"\xff\xfe".as_slice(), b"null", b"[]", &b"[".repeat(20_000), b"{\"aud\":1e999}"] {
            assert!(read(&format!("h.{}.s", BASE64_URL_SAFE_NO_PAD.encode(bytes))).is_err(), "{bytes:?}");
        }
    }
}
