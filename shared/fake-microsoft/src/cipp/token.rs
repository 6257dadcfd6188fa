//! Tokens of the deployment's API client: made at the login host with the client's own credentials
//! (learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow), checked by the sign-in
//! in front of the functions.

use axum::http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};

use crate::{
    aadsts::Refusal,
    fake::{Fake, Inner},
    secrets::Kind,
    tenant::Tenant,
    tokens::{MODULUS, SIGNING_KEY, issuer},
};

/// The id of the API client.
pub const CIPP_CLIENT_ID: &str = "c1bb9a52-7a8b-4c9d-8e0f-0a1b2c3d4e5f";

/// Its secret.
pub const CIPP_CLIENT_SECRET: &str = "c~1.fake+cipp&secret=with%reserved";

/// How long a token lives.
const LIFETIME: SignedDuration = SignedDuration::from_secs(3_599);

const GRANT_TYPE: &str = "client_credentials";

impl Fake {
    /// A token of the API client that lives for `lifetime`, as somebody would paste it.
    pub fn cipp_token(&self, lifetime: SignedDuration) -> String {
        let token = sign(&self.inner, "http://127.0.0.1", lifetime).unwrap_or_default();
        self.inner.confidential.note(Kind::AccessToken, &token);
        token
    }
}

/// What the token endpoint answers an API client; `None` when something else is asked for.
pub(crate) fn granted(
    inner: &Inner,
    base: &str,
    tenant: Option<&Tenant>,
    parameter: impl Fn(&str) -> Option<String>,
) -> Option<Result<Value, Refusal>> {
    (parameter("grant_type").as_deref() == Some(GRANT_TYPE)).then(|| {
        let tenant = tenant.ok_or_else(|| Refusal::new(90_002))?;
        let is_home = tenant.id == inner.world.config().partner;
        let client = parameter("client_id").unwrap_or_default();
        if !is_home || client != CIPP_CLIENT_ID {
            let message = format!("Application with identifier '{client}' was not found in the directory.");
            return Err(Refusal::about(700_016, message));
        }
        if parameter("client_secret").as_deref() != Some(CIPP_CLIENT_SECRET) {
            return Err(Refusal::new(7_000_215));
        }
        if parameter("scope") != Some(format!("api://{CIPP_CLIENT_ID}/.default")) {
            return Err(Refusal::new(70_011));
        }
        let token = sign(inner, base, LIFETIME).ok_or_else(|| Refusal::new(50_033))?;
        let seconds = LIFETIME.as_secs();
        Ok(json!({ "token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token }))
    })
}

/// Whether a request carries a token that the deployment accepts.
pub(super) fn is_good(inner: &Inner, headers: &HeaderMap) -> bool {
    let bearer = headers.get("authorization").and_then(|value| value.to_str().ok());
    let Some(token) = bearer.and_then(|value| value.strip_prefix("Bearer ")) else { return false };
    let Ok(key) = DecodingKey::from_rsa_components(MODULUS, "AQAB") else { return false };
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[CIPP_CLIENT_ID]);
    // The fake's own time counts.
    validation.validate_exp = false;
    let Ok(decoded) = jsonwebtoken::decode::<Value>(token, &key, &validation) else { return false };
    let expires = decoded.claims["exp"].as_i64().and_then(|seconds| Timestamp::from_second(seconds).ok());
    expires.is_some_and(|expires| expires > inner.clock.now())
}

fn sign(inner: &Inner, base: &str, lifetime: SignedDuration) -> Option<String> {
    let partner = inner.world.config().partner.to_string();
    let now = inner.clock.now();
    let claims = json!({
        "aud": CIPP_CLIENT_ID,
        "iss": issuer(base, &partner),
        "iat": now.as_second(),
        "exp": now.saturating_add(lifetime).unwrap_or(now).as_second(),
        "azp": CIPP_CLIENT_ID,
        "tid": partner,
        "ver": "2.0",
        "uti": inner.serial().to_string(),
    });
    let key = EncodingKey::from_rsa_pem(SIGNING_KEY).ok()?;
    jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &key).ok()
}
