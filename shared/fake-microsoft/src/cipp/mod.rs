//! A fake CIPP deployment over the same world: the functions of its API that read tenants and users
//! (github.com/KelvinTegelaar/CIPP-API), as forgiving and as treacherous as the real ones. Names of
//! parameters are matched in any letter case but otherwise exactly, unknown ones are ignored, and a
//! request without a `tenantFilter` is answered for the partner's own tenant.

mod graph_request;
mod tenants;
pub(crate) mod token;

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::{Path, State},
    http::{HeaderMap, Method, Uri},
    response::Response,
};
use domain::ids::EntraTenantId;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::{
    answer::{self, Body, Cut, Reply},
    fake::Inner,
    faults::{CippFault, Effect, FaultBody, Route},
};

pub use token::{CIPP_CLIENT_ID, CIPP_CLIENT_SECRET};

/// The query of a request by names in lower case.
pub(crate) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    fn parse(query: &str) -> Self {
        let mut values = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()).into_owned() {
            values.entry(name.to_ascii_lowercase()).or_insert(value);
        }
        Self(values)
    }

    /// A value that is not blank.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}

/// Whom a request is about.
pub(crate) enum Asked {
    All,
    One(EntraTenantId),
    /// The filter names a tenant that is not there.
    Unknown,
}

/// Answers every request below `/api/`.
pub(crate) async fn handle(
    State(inner): State<Arc<Inner>>,
    Path(function): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let route = match function.to_ascii_lowercase().as_str() {
        "me" => Route::CippMe,
        "listtenants" => Route::CippTenants,
        "listusers" => Route::CippUsers,
        "listgraphrequest" => Route::CippGraphRequest,
        _ => Route::Unknown,
    };
    let parameters = Parameters::parse(uri.query().unwrap_or_default());
    let asked = asked(&inner, &parameters);
    let tenant = match &asked {
        Asked::One(tenant) => Some(*tenant),
        Asked::All | Asked::Unknown => None,
    };
    let strike = inner.faults.strike(route, tenant);
    inner.wait(strike.delay).await;
    let effect = strike.effect.as_ref();
    let base = answer::base(&headers);
    inner.confidential.note_bearer(&headers);
    let refused = effect.and_then(|effect| match effect {
        Effect::Echo(status) => Some(answer::echo(*status, &answer::sent(&method, &uri, &headers))),
        effect => refusal(effect, &base),
    });
    let reply = refused.unwrap_or_else(|| {
        if route == Route::Unknown || method != Method::GET {
            return Reply::new(404, Body::Text("Endpoint not found".to_owned()));
        }
        if !token::is_good(&inner, &headers) {
            // The sign-in in front of the functions.
            return Reply::new(401, Body::Html(String::new())).with("www-authenticate", Some("Bearer"));
        }
        answered(&inner, route, &parameters, asked, effect)
    });
    let reply = match effect {
        Some(Effect::Malformed) => reply.cut(Cut::Text),
        Some(Effect::DropConnection) => reply.cut(Cut::Transfer),
        _ => reply,
    };
    answer::plain(&inner, route, reply)
}

fn answered(
    inner: &Inner,
    route: Route,
    parameters: &Parameters,
    asked: Asked,
    effect: Option<&Effect>,
) -> Reply {
    match route {
        Route::CippMe => Reply::new(
            200,
            Body::Json(json!({
                "clientPrincipal": { "appId": CIPP_CLIENT_ID, "appRole": ["readonly"] },
                "permissions": ["CIPP.Core.Read", "Identity.User.Read", "Identity.Group.Read"],
            })),
        ),
        Route::CippTenants => tenants::list(inner, parameters),
        _ => graph_request::answer(inner, route, parameters, asked, effect),
    }
}

fn asked(inner: &Inner, parameters: &Parameters) -> Asked {
    match parameters.get("tenantfilter") {
        None => Asked::One(inner.world.config().partner),
        Some(filter) if filter.eq_ignore_ascii_case("AllTenants") => Asked::All,
        Some(filter) => {
            inner.world.tenant_of_authority(filter).map_or(Asked::Unknown, |tenant| Asked::One(tenant.id))
        }
    }
}

/// The faults that answer before the request is looked at.
fn refusal(effect: &Effect, base: &str) -> Option<Reply> {
    let page = "<!DOCTYPE html><html><head><title>CIPP</title></head><body></body></html>";
    let body = |value: Value| Some(Reply::new(200, Body::Json(value)));
    match effect {
        Effect::Status { status, retry_after, body } => {
            let body = match body {
                FaultBody::Graph => Body::Html(page.to_owned()),
                FaultBody::GraphCode { message, .. } => {
                    Body::Json(json!({ "Results": format!("Error: {message}") }))
                }
                FaultBody::Text(text) => Body::Text(text.clone()),
            };
            Some(Reply::new(*status, body).with("retry-after", retry_after.as_deref()))
        }
        Effect::Cipp(CippFault::Page) => Some(Reply::new(200, Body::Html(page.to_owned()))),
        Effect::Cipp(CippFault::SignIn) => Some(Reply::redirect(&format!("{base}/.auth/login/aad"))),
        Effect::Cipp(CippFault::RedirectTo(address)) => Some(Reply::redirect(address)),
        Effect::Cipp(CippFault::Nothing) => body(Value::Null),
        Effect::Cipp(CippFault::Queued) => body(json!({
            "Results": [],
            "Metadata": { "Queued": true, "QueueMessage": "Loading data", "QueueId": "queue-1" },
        })),
        Effect::Cipp(CippFault::FailureText) => body(json!({ "Results": "Could not connect to tenant." })),
        Effect::Cipp(CippFault::FailureRow) => body(json!([{
            "Results": "Failed to retrieve tenants: the refresh token has expired",
            "displayName": "Failed to retrieve tenants. Perform a permission check.",
            "customerId": "",
            "defaultDomainName": "",
        }])),
        _ => None,
    }
}
