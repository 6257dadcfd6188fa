//! `/api/v1/platform-feature-flags…`

use std::{convert::Infallible, str::FromStr, sync::Arc};

use assembly::store_failed;
use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use domain::{
    flags::Feature,
    ids::{FlagId, WorkspaceId},
};
use edge::{ApiError, JsonBody, PathId, QueryOf, Reply, paging};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::{FeatureFlag, StoreError};

use crate::{FlagChange, FlagName, Flags, InvalidFlag, NotChanged, access::Administrator};

const BASE: &str = "/api/v1/platform-feature-flags";

/// Names the route of a cursor.
const ROUTE: &str = "flags";

const LIMIT: paging::Limit = paging::Limit { default: 100, max: 500 };

/// The routes.
pub fn router(flags: Arc<Flags>) -> Router {
    Router::new()
        .route(BASE, get(list).post(create))
        .route(&format!("{BASE}/"), get(list).post(create))
        .route(
            "/api/v1/platform-feature-flags/{flag_id}",
            get(show).patch(change).delete(delete).post(overridden),
        )
        .route("/api/v1/platform-feature-flags/{flag_id}/tenants", post(target))
        .with_state(flags)
}

/// A flag, as the PSA's flag service shows one.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FlagView {
    id: FlagId,
    key: String,
    name: String,
    active: bool,
    filters: domain::flags::Filters,
    tags: Vec<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListQuery {
    limit: Option<String>,
    cursor: Option<String>,
    include_entra_phase1_defaults: Option<String>,
}

/// The envelope has more than one member here.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ListView {
    success: bool,
    data: Vec<FlagView>,
    next_cursor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    defaults: Option<Value>,
}

async fn list(
    _: Administrator,
    State(flags): State<Arc<Flags>>,
    QueryOf(query): QueryOf<ListQuery>,
) -> Result<Json<ListView>, ApiError> {
    let limit = LIMIT.parse(query.limit.as_deref())?;
    let after =
        query.cursor.as_deref().map(|cursor| paging::position::<String>(ROUTE, cursor)).transpose()?;
    let (found, more) = flags.store.flags(after.as_deref(), limit).await.map_err(store_failed)?;
    let last = found.last().filter(|_| more).map(|flag| &flag.key);
    let next_cursor = last.map(|key| paging::cursor(ROUTE, key)).transpose()?;
    let wants_defaults = query.include_entra_phase1_defaults.as_deref() == Some("true");
    let data = found.into_iter().map(FlagView::from).collect();
    Ok(Json(ListView { success: true, data, next_cursor, defaults: wants_defaults.then(defaults) }))
}

/// The flags of the features, as they are made.
fn defaults() -> Value {
    let one =
        |feature: Feature| json!({ "key": feature.key(), "name": feature.title(), "tags": Feature::TAGS });
    json!({ "entraPhase1": Feature::ALL.map(one) })
}

async fn create(
    _: Administrator,
    State(flags): State<Arc<Flags>>,
    JsonBody(body): JsonBody<Map<String, Value>>,
) -> Result<Response, ApiError> {
    match body.get("__action") {
        None | Some(Value::Null) => {}
        Some(action) if action == "ensure_entra_phase1_flags" => {
            let ensured = flags.ensure(None).await.map_err(store_failed)?;
            return Ok(Reply::ok(ensured).into_response());
        }
        Some(_) => {
            return Err(invalid_action(
                "Send `ensure_entra_phase1_flags`, or leave it out to make one flag.",
            ));
        }
    }
    let wanted = FlagChange::read(&body)?;
    let Some(key) = wanted.key.clone() else {
        return Err(ApiError::bad_request(
            "key_missing",
            "A flag needs a `key`, and it is missing. No flag was made.",
            "Send the key the flag is asked for by.",
        ));
    };
    let flag = flags.create(&key, wanted).await?;
    Ok(Reply::created(FlagView::from(flag)).into_response())
}

async fn show(
    _: Administrator,
    State(flags): State<Arc<Flags>>,
    PathId(name): PathId<FlagName>,
) -> Result<Reply<FlagView>, ApiError> {
    let flag = flags.find(&name).await.map_err(store_failed)?;
    flag.map(|flag| Reply::ok(flag.into())).ok_or_else(|| NotChanged::NotFound.into())
}

async fn change(
    _: Administrator,
    State(flags): State<Arc<Flags>>,
    PathId(name): PathId<FlagName>,
    JsonBody(body): JsonBody<Map<String, Value>>,
) -> Result<Reply<FlagView>, ApiError> {
    let change = FlagChange::read(&body)?;
    Ok(Reply::ok(flags.change(&name, &change).await?.into()))
}

#[derive(Debug, Serialize)]
struct Deleted {
    success: bool,
    message: String,
}

async fn delete(
    _: Administrator,
    State(flags): State<Arc<Flags>>,
    PathId(name): PathId<FlagName>,
) -> Result<Json<Deleted>, ApiError> {
    let flag = flags.delete(&name).await?;
    Ok(Json(Deleted { success: true, message: format!("The flag {} was deleted.", flag.key) }))
}

/// For callers that can send nothing but GET and POST.
async fn overridden(
    administrator: Administrator,
    state: State<Arc<Flags>>,
    name: PathId<FlagName>,
    body: JsonBody<Map<String, Value>>,
) -> Result<Response, ApiError> {
    let method = body.0.get("__method").and_then(Value::as_str).unwrap_or_default();
    match method.trim().to_ascii_uppercase().as_str() {
        "PATCH" => change(administrator, state, name, body).await.map(IntoResponse::into_response),
        "DELETE" => delete(administrator, state, name).await.map(IntoResponse::into_response),
        _ => show(administrator, state, name).await.map(IntoResponse::into_response),
    }
}

async fn target(
    _: Administrator,
    State(flags): State<Arc<Flags>>,
    PathId(name): PathId<FlagName>,
    JsonBody(body): JsonBody<Map<String, Value>>,
) -> Result<Reply<FlagView>, ApiError> {
    let tenant = body.get("tenantId").and_then(Value::as_str).map(str::trim).unwrap_or_default();
    if tenant.is_empty() {
        return Err(ApiError::bad_request(
            "tenant_missing",
            "The field `tenantId` is missing. No flag was changed.",
            "Send the id of the workspace.",
        ));
    }
    let workspace: WorkspaceId = tenant.parse().map_err(|_| {
        ApiError::bad_request(
            "invalid_tenant",
            "The field `tenantId` is not the id of a workspace. No flag was changed.",
            "Send the UUID of the workspace in the PSA.",
        )
    })?;
    let on = match body.get("__action").and_then(Value::as_str) {
        Some("add") => true,
        Some("remove") => false,
        _ => return Err(invalid_action("Send `add` or `remove`.")),
    };
    Ok(Reply::ok(flags.target(&name, workspace, on).await?.into()))
}

fn invalid_action(remedy: &str) -> ApiError {
    ApiError::bad_request(
        "invalid_action",
        "The field `__action` names nothing that can be done here. No flag was changed.",
        remedy,
    )
}

impl FromStr for FlagName {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.into())
    }
}

impl From<FeatureFlag> for FlagView {
    fn from(flag: FeatureFlag) -> Self {
        let FeatureFlag { id, key, name, active, filters, tags, created_at, updated_at, .. } = flag;
        Self { id, key, name, active, filters, tags, created_at, updated_at }
    }
}

impl From<InvalidFlag> for ApiError {
    fn from(invalid: InvalidFlag) -> Self {
        let InvalidFlag { member, code, expected } = invalid;
        Self::bad_request(
            code,
            format!("The field `{member}` cannot be used. No flag was changed."),
            format!("Send {expected}."),
        )
    }
}

impl From<NotChanged> for ApiError {
    fn from(error: NotChanged) -> Self {
        match error {
            NotChanged::Invalid(invalid) => invalid.into(),
            NotChanged::KeyTaken => Self::conflict(
                "key_taken",
                "Another flag has this key. No flag was changed.",
                "Choose another key, or change the flag that has it.",
            ),
            NotChanged::Contended => contended(),
            NotChanged::NotFound => Self::not_found(
                "unknown_flag",
                "There is no flag with this id or key. No flag was changed.",
                "Take an id or a key from the list of flags.",
            ),
            NotChanged::Store(StoreError::Unavailable { code, .. }) if code == "the flag keeps changing" => {
                contended()
            }
            NotChanged::Store(error) => store_failed(error),
        }
    }
}

fn contended() -> ApiError {
    ApiError::conflict(
        "flag_contended",
        "Others kept changing this flag at the same time. This change was not made.",
        "Send it again.",
    )
}
