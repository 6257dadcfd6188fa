//! `POST /{tenant}/oauth2/v2.0/token`: codes and refresh tokens in, tokens out
//! (learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow).

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{HeaderMap, header},
    response::Response,
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::form_urlencoded;

use crate::{
    aadsts::Refusal,
    answer::{self, Body, Cut, Reply, base},
    cipp,
    fake::Inner,
    faults::{Effect, Route, TokenQuirk},
    login::{authority_tenant, is_multi_tenant, json_refusal, plain_fault},
    parameters::Parameters,
    scopes::{self, Scopes},
    tenant::Tenant,
    tokens::{AccessToken, Account, IdTokenSubject, REFRESH_TOKEN_LIFE, RefreshToken, id_token},
};

/// How long a code can be redeemed.
const CODE_LIFE: SignedDuration = SignedDuration::from_mins(10);

const KNOWN: [&str; 8] = [
    "client_id",
    "client_secret",
    "grant_type",
    "code",
    "redirect_uri",
    "code_verifier",
    "refresh_token",
    "scope",
];

/// What a token answer is made from.
struct Grant {
    account: Account,
    tenant: Tenant,
    asked: Scopes,
    consented: Vec<String>,
    nonce: Option<String>,
    /// Whether the person who signed in allowed access while away.
    offline: bool,
}

/// Answers one token request.
pub(crate) async fn handle(
    State(inner): State<Arc<Inner>>,
    Path(authority): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let tenant = authority_tenant(&inner, &authority);
    let strike = inner.faults.strike(Route::Token, tenant.as_ref().map(|tenant| tenant.id));
    inner.wait(strike.delay).await;
    let base = base(&headers);
    inner.confidential.note_request(&Parameters::parse(&body, &KNOWN));
    let refused = strike.effect.as_ref().and_then(|effect| refusal(&inner, &base, effect, &body));
    let reply = refused.unwrap_or_else(|| {
        let granted = client_grant(&inner, &base, tenant.as_ref(), &headers, &body).unwrap_or_else(|| {
            grant(&inner, &authority, tenant, &headers, &body)
                .and_then(|grant| tokens(&inner, &base, &grant, strike.effect.as_ref()))
        });
        match granted {
            Ok(body) => {
                inner.confidential.note_answer(&body);
                Reply::new(200, Body::Json(body))
            }
            Err(refusal) => json_refusal(&inner, &base, &refusal),
        }
    });
    let reply = match strike.effect {
        Some(Effect::Malformed) => reply.cut(Cut::Text),
        Some(Effect::DropConnection) => reply.cut(Cut::Transfer),
        _ => reply,
    };
    answer::login(&inner, Route::Token, reply)
}

fn refusal(inner: &Inner, base: &str, effect: &Effect, request: &str) -> Option<Reply> {
    match effect {
        Effect::Echo(status) => Some(answer::echo(*status, request)),
        Effect::TokenError { status, body } => Some(Reply::new(*status, Body::Json(body.clone()))),
        Effect::Aadsts(number) => Some(json_refusal(inner, base, &Refusal::new(*number))),
        effect => plain_fault(effect),
    }
}

/// A token for an application itself; `None` when that is not what is asked for.
fn client_grant(
    inner: &Inner,
    base: &str,
    tenant: Option<&Tenant>,
    headers: &HeaderMap,
    body: &str,
) -> Option<Result<Value, Refusal>> {
    let parameters = Parameters::parse(body, &KNOWN);
    let granted =
        cipp::token::granted(inner, base, tenant, |name| parameters.optional(name).map(str::to_owned))?;
    Some(check_transport(headers).and_then(|()| parameters.check()).and(granted))
}

fn grant(
    inner: &Inner,
    authority: &str,
    tenant: Option<Tenant>,
    headers: &HeaderMap,
    body: &str,
) -> Result<Grant, Refusal> {
    check_transport(headers)?;
    let parameters = Parameters::parse(body, &KNOWN);
    parameters.check()?;
    let tenant = tenant.ok_or_else(|| Refusal::about(90_002, format!("Tenant '{authority}' not found.")))?;
    check_client(inner, headers, &parameters)?;
    match parameters.required("grant_type")? {
        "authorization_code" => from_code(inner, authority, tenant, &parameters),
        "refresh_token" => from_refresh_token(inner, authority, tenant, &parameters),
        _ => Err(Refusal::new(70_003)),
    }
}

fn check_transport(headers: &HeaderMap) -> Result<(), Refusal> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if content_type.is_none_or(|value| !value.starts_with("application/x-www-form-urlencoded")) {
        return Err(Refusal::about(900_144, "The request body must be form-encoded."));
    }
    // A browser's request: a server must not send `Origin` together with a secret.
    if headers.contains_key(header::ORIGIN) { Err(Refusal::new(9_002_326)) } else { Ok(()) }
}

fn check_client(inner: &Inner, headers: &HeaderMap, parameters: &Parameters) -> Result<(), Refusal> {
    let basic = basic_credentials(headers);
    let (client_id, secret) = match &basic {
        Some((client_id, secret)) => (client_id.as_str(), Some(secret.as_str())),
        None => (parameters.required("client_id")?, parameters.optional("client_secret")),
    };
    let application = &inner.world.config().application;
    if client_id != application.client_id {
        let message = format!("Application with identifier '{client_id}' was not found in the directory.");
        return Err(Refusal::about(700_016, message));
    }
    match secret {
        None => Err(Refusal::new(7_000_218)),
        Some(secret) if secret != application.client_secret.expose_secret() => Err(Refusal::new(7_000_215)),
        Some(_) => Ok(()),
    }
}

/// The client's id and secret from HTTP Basic, both form-encoded (RFC 6749 §2.3.1).
fn basic_credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let header = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(header).ok()?).ok()?;
    let (client_id, secret) = text.split_once(':')?;
    let decode = |part: &str| {
        form_urlencoded::parse(part.as_bytes()).next().map_or_else(String::new, |(name, _)| name.into_owned())
    };
    Some((decode(client_id), decode(secret)))
}

fn from_code(
    inner: &Inner,
    authority: &str,
    tenant: Tenant,
    parameters: &Parameters,
) -> Result<Grant, Refusal> {
    let text = parameters.required("code")?;
    let redirect_uri = parameters.required("redirect_uri")?;
    let verifier = parameters.required("code_verifier")?;
    let code = inner.code(text).ok_or_else(|| Refusal::new(9_002_313))?;
    if code.redeemed {
        return Err(Refusal::new(54_005));
    }
    if inner.clock.now().duration_since(code.issued) > CODE_LIFE {
        return Err(Refusal::new(70_008));
    }
    if redirect_uri != code.redirect_uri {
        return Err(Refusal::new(500_112));
    }
    if URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) != code.challenge {
        return Err(Refusal::new(501_481));
    }
    let home = home_of(inner, authority, tenant, code.account)?;
    let asked = match parameters.optional("scope") {
        Some(scope) => Scopes::parse(scope)?,
        None => code.scopes.clone(),
    };
    if !inner.redeem_code(text) {
        return Err(Refusal::new(54_005));
    }
    let offline = code.scopes.offline_access && asked.offline_access;
    Ok(Grant {
        account: code.account,
        tenant: home,
        asked,
        consented: code.consented,
        nonce: code.nonce,
        offline,
    })
}

/// A code is redeemed where its owner is at home.
fn home_of(inner: &Inner, authority: &str, tenant: Tenant, account: Account) -> Result<Tenant, Refusal> {
    if is_multi_tenant(authority) {
        return inner.world.tenant(account.home).ok_or_else(|| Refusal::new(90_002));
    }
    if tenant.id == account.home { Ok(tenant) } else { Err(Refusal::new(50_020)) }
}

fn from_refresh_token(
    inner: &Inner,
    authority: &str,
    tenant: Tenant,
    parameters: &Parameters,
) -> Result<Grant, Refusal> {
    let text = parameters.required("refresh_token")?;
    let asked = Scopes::parse(parameters.required("scope")?)?;
    let token = RefreshToken::open(&inner.sealer, text).ok_or_else(|| Refusal::new(9_002_313))?;
    if token.generation != inner.generation() {
        return Err(Refusal::new(50_173));
    }
    if inner.clock.now().duration_since(token.issued) > REFRESH_TOKEN_LIFE {
        return Err(Refusal::new(700_082));
    }
    let at_home = is_multi_tenant(authority) || tenant.id == token.account.home;
    let (tenant, consented) = if at_home {
        check_account(inner, token.account)?;
        (home_of(inner, authority, tenant, token.account)?, token.permissions)
    } else {
        // What the technician consented to at sign-in concerns the partner's own tenant only.
        check_access(inner, &tenant, token.account)?;
        (tenant, scopes::registered())
    };
    Ok(Grant { account: token.account, tenant, asked, consented, nonce: None, offline: true })
}

/// The person must still be there and allowed to sign in.
fn check_account(inner: &Inner, account: Account) -> Result<(), Refusal> {
    match inner.world.user_by_id(account.home, account.object) {
        None => Err(Refusal::new(50_034)),
        Some(user) if !user.account_enabled => Err(Refusal::new(50_057)),
        Some(_) => Ok(()),
    }
}

/// A customer's token needs a way in (an active relationship) and the customer's consent.
fn check_access(inner: &Inner, tenant: &Tenant, account: Account) -> Result<(), Refusal> {
    check_account(inner, account)?;
    if account.home != inner.world.config().partner || !tenant.has_active_relationship() {
        return Err(Refusal::new(50_020));
    }
    if tenant.consented { Ok(()) } else { Err(Refusal::new(65_001)) }
}

fn tokens(inner: &Inner, base: &str, grant: &Grant, effect: Option<&Effect>) -> Result<Value, Refusal> {
    let granted = grant.asked.granted(&grant.consented);
    if granted.is_empty() && !grant.asked.permissions.is_empty() {
        return Err(Refusal::new(65_001));
    }
    let quirk = match effect {
        Some(Effect::TokenQuirk(quirk)) => Some(*quirk),
        _ => None,
    };
    let now = inner.clock.now();
    let lifetime = match quirk {
        Some(TokenQuirk::Lifetime(seconds)) => i64::from(seconds),
        _ => inner.access_token_lifetime(),
    };
    let access_token = AccessToken {
        tenant: grant.tenant.id,
        account: grant.account,
        expires: now.checked_add(SignedDuration::from_secs(lifetime)).unwrap_or(now),
        permissions: granted.clone(),
    };
    let mut body = json!({
        "token_type": "Bearer",
        "expires_in": lifetime,
        "ext_expires_in": lifetime,
        "access_token": access_token.seal(&inner.sealer),
    });
    if quirk == Some(TokenQuirk::ExpiresInText) {
        body["expires_in"] = json!(lifetime.to_string());
    }
    if quirk != Some(TokenQuirk::WithoutScope) {
        body["scope"] = json!(grant.asked.echo(&granted));
    }
    if grant.offline && quirk != Some(TokenQuirk::WithoutRefreshToken) {
        let token = RefreshToken {
            account: grant.account,
            issued: now,
            generation: inner.generation(),
            permissions: grant.consented.clone(),
            serial: inner.serial(),
        };
        body["refresh_token"] = json!(token.seal(&inner.sealer));
    }
    if grant.asked.openid() {
        body["id_token"] = json!(signed_identity(inner, base, grant, now)?);
    }
    Ok(body)
}

fn signed_identity(inner: &Inner, base: &str, grant: &Grant, now: Timestamp) -> Result<String, Refusal> {
    let user = inner.world.user_by_id(grant.account.home, grant.account.object);
    let user = user.ok_or_else(|| Refusal::new(50_034))?;
    let subject = IdTokenSubject {
        account: grant.account,
        name: user.display_name.as_deref(),
        user_name: &user.user_principal_name,
    };
    let client_id = &inner.world.config().application.client_id;
    id_token(base, client_id, &subject, grant.nonce.as_deref(), now).ok_or_else(|| Refusal::new(90_033))
}
