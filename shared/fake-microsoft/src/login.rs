//! The pages of the login host a browser visits, and the metadata a server reads.

use std::sync::Arc;

use axum::{
    extract::{Path, RawQuery, State},
    http::HeaderMap,
    response::Response,
};
use domain::ids::EntraTenantId;
use jiff::Timestamp;
use serde_json::{Value, json};
use url::Url;

use crate::{
    aadsts::Refusal,
    answer::{self, Body, Reply, base},
    fake::{Inner, SignIn},
    faults::{Effect, FaultBody, Route},
    parameters::Parameters,
    scopes::Scopes,
    secrets::Kind,
    tenant::Tenant,
    tokens::{Account, issuer, published_keys},
};

/// The authorities that are no tenant: work accounts of any tenant.
const MULTI_TENANT: [&str; 2] = ["organizations", "common"];

/// An authorization code waiting to be redeemed.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) issued: Timestamp,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: String,
    pub(crate) nonce: Option<String>,
    pub(crate) scopes: Scopes,
    pub(crate) consented: Vec<String>,
    pub(crate) account: Account,
    pub(crate) redeemed: bool,
}

/// `GET /{tenant}/oauth2/v2.0/authorize`
/// (learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow).
pub(crate) async fn authorize(
    State(inner): State<Arc<Inner>>,
    Path(authority): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    const KNOWN: [&str; 12] = [
        "client_id",
        "response_type",
        "redirect_uri",
        "scope",
        "response_mode",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
        "prompt",
        "login_hint",
        "domain_hint",
    ];
    let parameters = Parameters::parse(&query.unwrap_or_default(), &KNOWN);
    inner.confidential.note(Kind::State, parameters.optional("state").unwrap_or_default());
    let reply = match struck(&inner, Route::Authorize, &authority).await {
        Some(reply) => reply,
        None => match redirect_target(&inner, &parameters) {
            Err(refusal) => page(&refusal),
            Ok(redirect) => match consent(&inner, &authority, &parameters) {
                Ok(pairs) => redirect_with(redirect, &parameters, &pairs),
                Err(refused) => redirect_with(redirect, &parameters, &refused.pairs()),
            },
        },
    };
    answer::login(&inner, Route::Authorize, reply)
}

/// `GET /{tenant}/v2.0/adminconsent` (learn.microsoft.com/entra/identity-platform/v2-admin-consent).
pub(crate) async fn admin_consent(
    State(inner): State<Arc<Inner>>,
    Path(authority): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    const KNOWN: [&str; 4] = ["client_id", "scope", "redirect_uri", "state"];
    let parameters = Parameters::parse(&query.unwrap_or_default(), &KNOWN);
    let reply = match struck(&inner, Route::AdminConsent, &authority).await {
        Some(reply) => reply,
        None => match redirect_target(&inner, &parameters) {
            Err(refusal) => page(&refusal),
            Ok(redirect) => match tenant_consent(&inner, &authority, &parameters) {
                Ok(pairs) => redirect_with(redirect, &parameters, &pairs),
                Err(refused) => {
                    // The failure carries `admin_consent=True` as well, as in reality.
                    let mut pairs = vec![("admin_consent", "True".to_owned())];
                    pairs.extend(refused.pairs());
                    redirect_with(redirect, &parameters, &pairs)
                }
            },
        },
    };
    answer::login(&inner, Route::AdminConsent, reply)
}

/// `GET /{tenant}/v2.0/.well-known/openid-configuration` (OpenID Connect Discovery 1.0).
pub(crate) async fn metadata(
    State(inner): State<Arc<Inner>>,
    Path(authority): Path<String>,
    headers: HeaderMap,
) -> Response {
    let struck = struck(&inner, Route::Metadata, &authority).await;
    let reply = struck.unwrap_or_else(|| {
        let base = base(&headers);
        match issuer_name(&inner, &authority) {
            Ok(issuer_name) => Reply::new(200, Body::Json(discovery(&base, &authority, &issuer_name))),
            Err(refusal) => json_refusal(&inner, &base, &refusal),
        }
    });
    answer::login(&inner, Route::Metadata, reply)
}

/// `GET /{tenant}/discovery/v2.0/keys` (RFC 7517, with Microsoft's member `issuer`).
pub(crate) async fn keys(
    State(inner): State<Arc<Inner>>,
    Path(authority): Path<String>,
    headers: HeaderMap,
) -> Response {
    let struck = struck(&inner, Route::Keys, &authority).await;
    let reply = struck.unwrap_or_else(|| {
        let base = base(&headers);
        match issuer_name(&inner, &authority) {
            Ok(issuer_name) => Reply::new(200, Body::Json(published_keys(&base, &issuer_name))),
            Err(refusal) => json_refusal(&inner, &base, &refusal),
        }
    });
    answer::login(&inner, Route::Keys, reply)
}

/// The tenant an authority stands for; the partner for `organizations` and `common`.
pub(crate) fn authority_tenant(inner: &Inner, authority: &str) -> Option<Tenant> {
    if MULTI_TENANT.contains(&authority) {
        return Some(inner.world.partner());
    }
    inner.world.tenant_of_authority(authority)
}

/// Whether the authority lets anybody in who is at home anywhere.
pub(crate) fn is_multi_tenant(authority: &str) -> bool {
    MULTI_TENANT.contains(&authority)
}

/// Applies the script to a request: waits, and answers if a fault is to answer.
pub(crate) async fn struck(inner: &Inner, route: Route, authority: &str) -> Option<Reply> {
    let tenant: Option<EntraTenantId> = authority_tenant(inner, authority).map(|tenant| tenant.id);
    let strike = inner.faults.strike(route, tenant);
    inner.wait(strike.delay).await;
    strike.effect.as_ref().and_then(plain_fault)
}

/// The faults any page of the login host can have.
pub(crate) fn plain_fault(effect: &Effect) -> Option<Reply> {
    match effect {
        Effect::Throttle { retry_after } | Effect::ThrottleApplication { retry_after } => Some(
            Reply::new(429, Body::Text("Too Many Requests".to_owned()))
                .with("retry-after", retry_after.as_deref()),
        ),
        Effect::Status { status, retry_after, body } => {
            let body = match body {
                FaultBody::Graph => Body::Text("The service is unavailable.".to_owned()),
                FaultBody::Text(text) => Body::Text(text.clone()),
                FaultBody::GraphCode { code, message } => {
                    Body::Json(json!({ "error": code, "error_description": message }))
                }
            };
            Some(Reply::new(*status, body).with("retry-after", retry_after.as_deref()))
        }
        _ => None,
    }
}

/// A refusal as JSON.
pub(crate) fn json_refusal(inner: &Inner, base: &str, refusal: &Refusal) -> Reply {
    let body = refusal.body(base, inner.clock.as_ref(), &inner.entropy);
    Reply::new(refusal.status, Body::Json(body))
}

fn discovery(base: &str, authority: &str, issuer_name: &str) -> Value {
    json!({
        "issuer": issuer(base, issuer_name),
        "authorization_endpoint": format!("{base}/{authority}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{base}/{authority}/oauth2/v2.0/token"),
        "jwks_uri": format!("{base}/{authority}/discovery/v2.0/keys"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
    })
}

/// What the callback is told instead of a code.
struct Refused {
    error: String,
    description: String,
}

impl Refused {
    fn new(error: &str, description: &str) -> Self {
        Self { error: error.to_owned(), description: description.to_owned() }
    }

    fn pairs(&self) -> Vec<(&'static str, String)> {
        vec![("error", self.error.clone()), ("error_description", self.description.clone())]
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.error, &refusal.text())
    }
}

/// The redirect URI, if client and URI are registered; nothing else may be redirected to.
fn redirect_target(inner: &Inner, parameters: &Parameters) -> Result<Url, Refusal> {
    let application = &inner.world.config().application;
    if parameters.required("client_id")? != application.client_id {
        return Err(Refusal::new(700_016));
    }
    let redirect_uri = parameters.required("redirect_uri")?;
    if !application.redirect_uris.iter().any(|registered| registered == redirect_uri) {
        return Err(Refusal::new(50_011));
    }
    Url::parse(redirect_uri).map_err(|_| Refusal::new(50_011))
}

/// The happy end of a sign-in: a code.
fn consent(
    inner: &Inner,
    authority: &str,
    parameters: &Parameters,
) -> Result<Vec<(&'static str, String)>, Refused> {
    parameters.check()?;
    let challenge = flow_parameters(parameters)?;
    let scopes = Scopes::parse(parameters.required("scope")?)?;
    let nonce = parameters.optional("nonce").map(str::to_owned);
    let signing_in = inner.sign_in();
    let tenant = account_tenant(inner, &signing_in)?;
    let invited = authority_tenant(inner, authority).ok_or_else(|| Refusal::new(90_002))?;
    if !is_multi_tenant(authority) && invited.id != tenant.id {
        return Err(Refusal::new(50_020).into());
    }
    check_prompt(inner, parameters.optional("prompt"))?;
    let consented = match &signing_in {
        SignIn::Deny => return Err(Refusal::new(65_004).into()),
        SignIn::Fail { error, description } => return Err(Refused::new(error, description)),
        SignIn::Limited { permissions } => {
            scopes.permissions.iter().filter(|asked| permissions.contains(asked)).cloned().collect()
        }
        SignIn::Consent | SignIn::AsTenant(_) => scopes.permissions.clone(),
    };
    let user = inner.world.user(tenant.id, 0).ok_or_else(|| Refusal::new(50_034))?;
    let code = Code {
        issued: inner.clock.now(),
        redirect_uri: parameters.required("redirect_uri")?.to_owned(),
        challenge,
        nonce,
        scopes,
        consented,
        account: Account { home: tenant.id, object: user.id },
        redeemed: false,
    };
    let session = inner.entropy_id().to_string();
    Ok(vec![("code", inner.issue_code(code)), ("session_state", session)])
}

/// Checks the parameters of the code flow with PKCE (RFC 7636); yields the challenge.
fn flow_parameters(parameters: &Parameters) -> Result<String, Refused> {
    if parameters.required("response_type")? != "code" {
        let message = "The response_type is not supported; only 'code' is.";
        return Err(Refused::new("unsupported_response_type", message));
    }
    if !matches!(parameters.optional("response_mode"), None | Some("query")) {
        return Err(Refused::new("invalid_request", "Only the response_mode 'query' is supported."));
    }
    if parameters.required("code_challenge_method")? != "S256" {
        return Err(Refused::new("invalid_request", "The code_challenge_method must be 'S256'."));
    }
    let challenge = parameters.required("code_challenge")?;
    let base64url = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if challenge.len() != 43 || !challenge.bytes().all(base64url) {
        return Err(Refused::new("invalid_request", "The code_challenge is not that of a SHA-256."));
    }
    Ok(challenge.to_owned())
}

/// `none` works only for somebody who signed in here before.
fn check_prompt(inner: &Inner, prompt: Option<&str>) -> Result<(), Refused> {
    match prompt {
        None | Some("login" | "consent" | "select_account") => Ok(()),
        Some("none") if inner.has_signed_in() => Ok(()),
        Some("none") => Err(Refused::new("login_required", "No signed-in session was found.")),
        Some(_) => Err(Refused::new("invalid_request", "The value of 'prompt' is not supported.")),
    }
}

fn account_tenant(inner: &Inner, signing_in: &SignIn) -> Result<Tenant, Refusal> {
    match signing_in {
        SignIn::AsTenant(tenant) => inner.world.tenant(*tenant).ok_or_else(|| Refusal::new(90_002)),
        _ => Ok(inner.world.partner()),
    }
}

fn tenant_consent(
    inner: &Inner,
    authority: &str,
    parameters: &Parameters,
) -> Result<Vec<(&'static str, String)>, Refused> {
    parameters.check()?;
    let scope = parameters.required("scope")?;
    Scopes::parse(scope)?;
    parameters.required("state")?;
    let tenant = authority_tenant(inner, authority).ok_or_else(|| Refusal::new(90_002))?;
    match inner.sign_in() {
        SignIn::Deny => return Err(Refusal::new(65_004).into()),
        SignIn::Fail { error, description } => return Err(Refused::new(&error, &description)),
        _ => inner.world.grant_consent(tenant.id).map_err(|_| Refusal::new(90_002))?,
    }
    Ok(vec![
        ("admin_consent", "True".to_owned()),
        ("tenant", tenant.id.to_string()),
        ("scope", scope.to_owned()),
    ])
}

/// The issuer of an authority: a template for `organizations` and `common`.
fn issuer_name(inner: &Inner, authority: &str) -> Result<String, Refusal> {
    if is_multi_tenant(authority) {
        return Ok("{tenantid}".to_owned());
    }
    let tenant = inner.world.tenant_of_authority(authority).ok_or_else(|| Refusal::new(90_002))?;
    Ok(tenant.id.to_string())
}

fn redirect_with(mut redirect: Url, parameters: &Parameters, pairs: &[(&str, String)]) -> Reply {
    {
        let mut query = redirect.query_pairs_mut();
        for (name, value) in pairs {
            query.append_pair(name, value);
        }
        if let Some(state) = parameters.optional("state") {
            query.append_pair("state", state);
        }
    }
    Reply::redirect(redirect.as_str())
}

/// The error page Microsoft shows when it cannot redirect safely.
fn page(refusal: &Refusal) -> Reply {
    let text = refusal.text().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let html = format!("<!doctype html><title>Sign in to your account</title><p>{text}</p>");
    Reply::new(400, Body::Html(html))
}
