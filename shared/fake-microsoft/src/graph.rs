//! Graph v1.0: finds the route, checks the token, and hands over to the listings.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{HeaderMap, Method, Uri},
    response::Response,
};

use crate::{
    answer::{self, Body, Reply},
    delta,
    distortion::{distort, distort_changes},
    fake::Inner,
    faults::{Effect, FaultBody, Route, SyncStateLoss},
    graph_error::GraphError,
    group_listing,
    listing::{self, Answer, Call},
    tokens::AccessToken,
};

/// The paths below `/v1.0` this fake serves, as Microsoft's OpenAPI document writes them.
pub const GRAPH_PATHS: [&str; 9] = [
    "/tenantRelationships/delegatedAdminRelationships",
    "/tenantRelationships/delegatedAdminCustomers",
    "/tenantRelationships/findTenantInformationByTenantId(tenantId={tenantId})",
    "/organization",
    "/users",
    "/users/delta",
    "/users/{user-id}",
    "/groups",
    "/groups/{group-id}/transitiveMembers/graph.user",
];

/// Answers every request below `/v1.0/`.
pub(crate) async fn handle(
    State(inner): State<Arc<Inner>>,
    Path(path): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let path = format!("/{path}");
    let route = route_of(&path);
    let token = bearer(&inner, &headers);
    inner.confidential.note_bearer(&headers);
    let strike = inner.faults.strike(route, token.as_ref().ok().map(|token| token.tenant));
    inner.wait(strike.delay).await;

    let base = answer::base(&headers);
    let refused = strike.effect.as_ref().and_then(|effect| match effect {
        Effect::Echo(status) => Some(answer::echo_of_graph(*status, &answer::sent(&method, &uri, &headers))),
        effect => refusal(&inner, &base, effect, token.as_ref().ok()),
    });
    let reply = refused.unwrap_or_else(|| {
        let call = token.map(|token| Call {
            inner: &inner,
            base,
            path: &path,
            raw_query: uri.query().unwrap_or_default(),
            consistency: headers.get("consistencylevel").and_then(|value| value.to_str().ok()),
            token,
        });
        answered(call, route, &method, strike.effect.as_ref())
    });
    answer::graph(&inner, route, &headers, reply)
}

/// Answers what is below no version that exists.
pub(crate) async fn handle_unknown(
    State(inner): State<Arc<Inner>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let segment = uri.path().trim_start_matches('/').split('/').next().unwrap_or_default();
    let error = match segment {
        "v1.0" => GraphError::unknown_segment(""),
        _ => GraphError::new(404, "BadRequest", format!("Invalid version: {segment}.")),
    };
    answer::graph(&inner, Route::Unknown, &headers, Reply::error(error))
}

fn route_of(path: &str) -> Route {
    match path {
        "/users" => Route::Users,
        "/users/delta" => Route::UsersDelta,
        "/groups" => Route::Groups,
        "/organization" => Route::Organization,
        "/tenantRelationships/delegatedAdminRelationships" => Route::Relationships,
        "/tenantRelationships/delegatedAdminCustomers" => Route::Customers,
        _ if listing::tenant_asked_about(path).is_some() => Route::TenantInformation,
        _ if listing::user_asked_about(path).is_some() => Route::User,
        _ if group_listing::group_asked_about(path).is_some() => Route::GroupMembers,
        _ => Route::Unknown,
    }
}

fn bearer(inner: &Inner, headers: &HeaderMap) -> Result<AccessToken, GraphError> {
    let header = headers.get("authorization").and_then(|value| value.to_str().ok());
    let Some(text) = header.and_then(|header| header.strip_prefix("Bearer ")) else {
        return Err(GraphError::unauthorized("Access token is empty."));
    };
    let Some(token) = AccessToken::open(&inner.sealer, text) else {
        return Err(GraphError::unauthorized("IDX14100: JWT is not well formed."));
    };
    if token.expires <= inner.clock.now() {
        return Err(GraphError::unauthorized("Lifetime validation failed, the token is expired."));
    }
    Ok(token)
}

/// The faults that answer before the request is looked at.
fn refusal(inner: &Inner, base: &str, effect: &Effect, token: Option<&AccessToken>) -> Option<Reply> {
    let throttle = |scope: &str, retry_after: &Option<String>| {
        let tenant = token.map_or_else(String::new, |token| token.tenant.to_string());
        let application = &inner.world.config().application.client_id;
        Reply::error(GraphError::of_status(429))
            .with("retry-after", retry_after.as_deref())
            .with("x-ms-throttle-scope", Some(&format!("{scope}/ReadWrite/{application}/{tenant}")))
            .with("x-ms-throttle-information", Some("ResourceUnitLimitExceeded"))
    };
    match effect {
        Effect::Throttle { retry_after } => Some(throttle("Tenant_Application", retry_after)),
        Effect::ThrottleApplication { retry_after } => Some(throttle("Application", retry_after)),
        Effect::ExpiredPage => Some(Reply::error(GraphError::expired_page())),
        Effect::LostSyncState(form) => {
            let anew = format!("{base}/v1.0/users/delta?$deltatoken=");
            let location = (*form == SyncStateLoss::GoneElsewhere).then_some(anew.as_str());
            Some(Reply::error(GraphError::lost_sync_state(*form)).with("location", location))
        }
        Effect::Status { status, retry_after, body } => {
            let reply = match body {
                FaultBody::Graph => Reply::error(GraphError::of_status(*status)),
                FaultBody::GraphCode { code, message } => {
                    Reply::error(GraphError::new(*status, code, message.as_str()))
                }
                FaultBody::Text(text) => Reply::new(*status, Body::Text(text.clone())),
            };
            Some(reply.with("retry-after", retry_after.as_deref()))
        }
        _ => None,
    }
}

fn answered(
    call: Result<Call<'_>, GraphError>,
    route: Route,
    method: &Method,
    effect: Option<&Effect>,
) -> Reply {
    let reply = match call.and_then(|call| answer_of(&call, route, method, effect)) {
        Ok((answer, units)) => Reply::new(200, Body::JsonText(answer.into_json()))
            .with("x-ms-resource-unit", Some(&units.to_string())),
        Err(error) => Reply::error(error),
    };
    match effect {
        Some(Effect::Malformed) => reply.cut(answer::Cut::Text),
        Some(Effect::DropConnection) => reply.cut(answer::Cut::Transfer),
        _ => reply,
    }
}

fn answer_of(
    call: &Call<'_>,
    route: Route,
    method: &Method,
    effect: Option<&Effect>,
) -> Result<(Answer, u32), GraphError> {
    if route == Route::Unknown {
        return Err(GraphError::unknown_segment(unknown_segment(call.path)));
    }
    if method != Method::GET {
        let message = "Specified HTTP method is not allowed for the request target.";
        return Err(GraphError::new(405, "Request_BadRequest", message));
    }
    let (mut answer, units) = match route {
        Route::Users => listing::users(call)?,
        Route::UsersDelta => (Answer::Changes(Box::new(delta::changes(call, effect)?)), 1),
        Route::User => listing::user(call)?,
        Route::Groups => group_listing::groups(call)?,
        Route::GroupMembers => group_listing::members(call)?,
        Route::Organization => listing::organization(call)?,
        Route::Relationships => listing::relationships(call)?,
        Route::Customers => listing::customers(call)?,
        _ => listing::tenant_information(call)?,
    };
    match (&mut answer, effect) {
        (Answer::List(list), Some(effect)) => distort(list, effect),
        (Answer::Changes(list), Some(effect)) => distort_changes(list, effect),
        _ => {}
    }
    Ok((answer, units))
}

/// The first segment that leads nowhere.
fn unknown_segment(path: &str) -> &str {
    let mut segments = path.trim_start_matches('/').split('/');
    match segments.next().unwrap_or_default() {
        "tenantRelationships" | "users" | "organization" | "groups" => segments.next().unwrap_or_default(),
        first => first,
    }
}
