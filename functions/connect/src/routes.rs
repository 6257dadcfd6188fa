//! The routes, in the PSA's words.

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{RawQuery, State},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, LOCATION, REFERRER_POLICY, SET_COOKIE},
    },
    response::{IntoResponse, Response},
    routing::{get, post},
};
use domain::flags::Feature;
use edge::{
    ApiError, Edition, Features, JsonBody, Permission, QueryOf, Reader, Reply, ServiceEdition, Writer, admit,
    paging,
};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use store::ConnectionKind;

use crate::{
    CALLBACK_PATH, CallbackError, CippInput, Completion, Connect, CustomersExamined, Finding, Part, Place,
    Purpose, ReturnPath, SETTINGS_PAGE_PATH, Status, answers::store_fault, cipp::TENANTS_ENDPOINT, consent,
    cookie,
};

/// Customers that one answer of the doctor is about: each takes a few requests to Microsoft.
const EXAMINED: paging::Limit = paging::Limit { default: 25, max: 100 };

const BASE: &str = "/api/integrations/entra";

/// What stays at Microsoft after disconnecting (learn.microsoft.com/graph/api/user-revokesigninsessions).
const NOT_REVOKED: &str = "Microsoft was not told: only your tenant can take back what was granted \
    there. In the Entra admin center delete the app's enterprise application or its permissions, and \
    revoke the sessions of the account that connected.";

/// The same after a connection through CIPP, which holds what was granted.
const NOT_REVOKED_AT_CIPP: &str = "CIPP was not told: the API client that was used stays good there. In CIPP \
    (Integrations, CIPP-API) delete it and save that to Azure, and look whether its app registration in your Entra \
    tenant is gone as well. Nothing was granted to this service at Microsoft.";

/// The routes of this room.
pub fn router(app: Arc<Connect>) -> Router {
    Router::new()
        .route(BASE, get(status))
        .route(&format!("{BASE}/"), get(status))
        .route(&format!("{BASE}/connect"), post(connect))
        .route(&format!("{BASE}/disconnect"), post(disconnect))
        .route(&format!("{BASE}/doctor"), get(doctor))
        .route(&format!("{BASE}/validate-direct"), post(validate_direct))
        .route(&format!("{BASE}/validate-cipp"), post(validate_cipp))
        // A look ahead by HEAD must not use the sign-in up.
        .route(CALLBACK_PATH, get(callback).head(async || StatusCode::METHOD_NOT_ALLOWED))
        .with_state(app)
}

async fn status(
    Reader(caller): Reader,
    State(app): State<Arc<Connect>>,
    features: Features,
) -> Result<Reply<Status>, ApiError> {
    let mut status = app.status(caller.workspace).await.map_err(store_fault)?;
    if !features.is_on(caller.workspace, Feature::Cipp).await? {
        status.available_connection_types.retain(|kind| *kind != ConnectionKind::Cipp);
    }
    Ok(Reply::ok(status))
}

#[derive(Deserialize)]
struct DoctorQuery {
    limit: Option<String>,
    cursor: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Diagnosis {
    /// Of what was looked at.
    healthy: bool,
    findings: Vec<Finding>,
    customers: CustomersExamined,
    next_cursor: Option<String>,
}

async fn doctor(
    Reader(caller): Reader,
    State(app): State<Arc<Connect>>,
    QueryOf(query): QueryOf<DoctorQuery>,
) -> Result<Reply<Diagnosis>, ApiError> {
    let customers_max = EXAMINED.parse(query.limit.as_deref())?;
    let cursor = query.cursor.as_deref();
    let after = cursor.map(|cursor| paging::position::<Place>("doctor", cursor)).transpose()?;
    let examined = app.examine(caller.workspace, Part { after, customers_max, is_awaited: true }).await;
    let next = examined.next.as_ref();
    Ok(Reply::ok(Diagnosis {
        healthy: examined.is_healthy(),
        customers: examined.customers,
        next_cursor: next.map(|place| paging::cursor("doctor", place)).transpose()?,
        findings: examined.findings,
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConnectBody {
    connection_type: Option<String>,
    return_path: Option<String>,
    #[serde(default)]
    change_partner: bool,
    base_url: Option<String>,
    api_token: Option<SecretString>,
    tenant_id: Option<String>,
    client_id: Option<String>,
    client_secret: Option<SecretString>,
    client_secret_expires_at: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CippConnection {
    status: &'static str,
    connection_type: &'static str,
    base_url: String,
    token_expires_at: Option<Timestamp>,
    managed_tenant_count: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Begun {
    connection_type: &'static str,
    auth_url: String,
    expires_at: Timestamp,
}

async fn connect(
    Writer(caller): Writer,
    State(app): State<Arc<Connect>>,
    features: Features,
    JsonBody(body): JsonBody<ConnectBody>,
) -> Result<Response, ApiError> {
    if body.connection_type.as_deref() == Some("cipp") {
        features.require(caller.workspace, Feature::Cipp).await?;
        let connected = app.connect_cipp(caller.workspace, caller.user, body.cipp()).await?;
        return Ok(Reply::ok(CippConnection {
            status: "connected",
            connection_type: "cipp",
            base_url: connected.base_url,
            token_expires_at: connected.token_expires_at,
            managed_tenant_count: connected.managed_tenants,
        })
        .into_response());
    }
    let purpose = body.purpose()?;
    let begun = app.begin_login(caller.workspace, caller.user, purpose).await?;
    let cookie = cookie::set(&begun.session, &app.redirect_uri()).ok_or_else(ApiError::internal_fault)?;
    let begun =
        Begun { connection_type: "direct", auth_url: begun.auth_url.into(), expires_at: begun.expires_at };
    Ok(([(SET_COOKIE, cookie)], Reply::ok(begun)).into_response())
}

async fn callback(
    State(app): State<Arc<Connect>>,
    edition: Option<Extension<ServiceEdition>>,
    features: Features,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    only_enterprise(edition)?;
    let session = cookie::session(&headers);
    let query = query.unwrap_or_default();
    if let Some(page) = consent::page(&query) {
        return Ok(page.into_response());
    }
    let completion = app.complete_login_where(&query, session, &features).await;
    if let Err(error) = &completion.outcome {
        log(error);
    }
    let location = HeaderValue::from_str(landing(&app, &completion).as_str());
    let location = location.map_err(|error| ApiError::internal_fault().caused_by(error))?;
    let headers = [
        (LOCATION, location),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    let mut response = (StatusCode::SEE_OTHER, headers).into_response();
    if let Some(cookie) = cookie::unset(&app.redirect_uri()) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    Ok(response)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Validation {
    valid: bool,
    checked_at: Timestamp,
    managed_tenant_sample_count: usize,
}

async fn validate_direct(
    Writer(caller): Writer,
    State(app): State<Arc<Connect>>,
) -> Result<Reply<Validation>, ApiError> {
    let validated = app.validate_direct(caller.workspace).await?;
    Ok(Reply::ok(Validation {
        valid: true,
        checked_at: validated.checked_at,
        managed_tenant_sample_count: validated.managed_tenants,
    }))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GivenUp {
    status: &'static str,
    disconnected_at: Option<Timestamp>,
    not_revoked: &'static str,
    client_id: Option<String>,
}

async fn disconnect(
    Writer(caller): Writer,
    State(app): State<Arc<Connect>>,
) -> Result<Reply<GivenUp>, ApiError> {
    let disconnected = app.disconnect(caller.workspace).await?;
    Ok(Reply::ok(GivenUp {
        status: "disconnected",
        disconnected_at: disconnected.disconnected_at,
        not_revoked: match disconnected.kind {
            Some(ConnectionKind::Cipp) => NOT_REVOKED_AT_CIPP,
            Some(ConnectionKind::Direct) | None => NOT_REVOKED,
        },
        client_id: disconnected.client_id,
    }))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CippValidation {
    valid: bool,
    checked_at: Timestamp,
    tenant_count_sample: usize,
    endpoint: &'static str,
}

async fn validate_cipp(
    Writer(caller): Writer,
    State(app): State<Arc<Connect>>,
    features: Features,
) -> Result<Reply<CippValidation>, ApiError> {
    features.require(caller.workspace, Feature::Cipp).await?;
    let validated = app.validate_cipp(caller.workspace).await?;
    Ok(Reply::ok(CippValidation {
        valid: true,
        checked_at: validated.checked_at,
        tenant_count_sample: validated.managed_tenants,
        endpoint: TENANTS_ENDPOINT,
    }))
}

impl ConnectBody {
    fn cipp(self) -> CippInput {
        CippInput {
            base_url: self.base_url,
            api_token: self.api_token,
            tenant_id: self.tenant_id,
            client_id: self.client_id,
            client_secret: self.client_secret,
            client_secret_expires_at: self.client_secret_expires_at,
            change_partner: self.change_partner,
        }
    }

    fn purpose(&self) -> Result<Purpose, ApiError> {
        match self.connection_type.as_deref() {
            Some("direct") => {}
            _ => {
                return Err(ApiError::bad_request(
                    "invalid_connection_type",
                    "The field `connectionType` is missing or names no type of connection; the \
                     connection and all contacts stay as they are.",
                    "Send `connectionType` with one of the `availableConnectionTypes` of the status.",
                ));
            }
        }
        let return_path = self.return_path.as_deref().map_or(Ok(ReturnPath::default()), str::parse);
        let return_path = return_path.map_err(|_| {
            ApiError::bad_request(
                "invalid_return_path",
                "The field `returnPath` leads outside of the integration's settings page; no sign-in \
                 was begun.",
                format!("Leave it out, or send {SETTINGS_PAGE_PATH} with or without a `tab` of that page."),
            )
        })?;
        Ok(Purpose { change_partner: self.change_partner, return_path })
    }
}

/// The callback has no caller; the edition is the one guard that can be asked before it is read.
fn only_enterprise(edition: Option<Extension<ServiceEdition>>) -> Result<(), ApiError> {
    let edition = edition.map_or(Edition::Community, |Extension(ServiceEdition(edition))| edition);
    match admit(edition, None, Permission::Update) {
        Err(refusal) if refusal.status == StatusCode::NOT_IMPLEMENTED => Err(refusal),
        _ => Ok(()),
    }
}

/// The page in the PSA that says how it ended.
fn landing(app: &Connect, completion: &Completion) -> String {
    let mut page = app.settings_page.clone();
    page.set_path(&format!("{}{SETTINGS_PAGE_PATH}", page.path().trim_end_matches('/')));
    let mut query = page.query_pairs_mut();
    query.extend_pairs(completion.return_path.tab().map(|tab| ("tab", tab)));
    match &completion.outcome {
        Ok(_) => {
            query.append_pair("entra_status", "success");
        }
        Err(error) => {
            let message = format!("{} {}", error.what_happened(), error.remedy());
            query
                .append_pair("entra_status", "failure")
                .append_pair("error", error.code())
                .append_pair("message", &message);
        }
    }
    drop(query);
    page.into()
}

fn log(error: &CallbackError) {
    let cause = runtime::telemetry::ErrorChain(error);
    tracing::warn!(code = error.code(), error = %cause, "a sign-in did not lead to a connection");
}
