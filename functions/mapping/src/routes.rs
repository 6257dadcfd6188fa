//! The routes of the mapping table.

use std::{error::Error, sync::Arc};

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use domain::{
    ids::{ClientId, ManagedTenantId},
    mapping::DecisionError,
};
use edge::{ApiError, Caller, JsonBody, PathId, Permission, Reader, Reply, Writer};
use serde::Deserialize;
use serde_json::json;
use store::StoreError;

use crate::{
    Editor, Expectation, Mapping, MappingError,
    change::{self, Change},
    confirm::{self, Confirmation, DECISIONS_MAX, DecisionItem},
    confirmed::{self, ConfirmedMappings},
    history::{self, History},
    preview::{self, Preview},
};

/// The routes, with absolute paths.
pub fn router(app: Arc<Mapping>) -> Router {
    Router::new()
        .route("/api/integrations/entra/mappings", get(list))
        .route("/api/integrations/entra/mappings/preview", get(suggest))
        .route("/api/integrations/entra/mappings/confirm", post(confirm))
        .route("/api/integrations/entra/mappings/skip", post(skip))
        .route("/api/integrations/entra/mappings/unmap", post(unmap))
        .route("/api/integrations/entra/mappings/remap", post(remap))
        .route("/api/integrations/entra/mappings/{managed_tenant_id}/history", get(past))
        .with_state(app)
}

type Answer<T> = Result<Reply<T>, ApiError>;

#[derive(Deserialize)]
struct ConfirmRequest {
    mappings: Vec<DecisionItem>,
}

#[derive(Deserialize)]
struct TenantRequest {
    #[serde(rename = "managedTenantId", alias = "managed_tenant_id")]
    tenant: ManagedTenantId,
    #[serde(rename = "expectedMappingId", alias = "expected_mapping_id", default)]
    expected: Expectation,
}

#[derive(Deserialize)]
struct RemapRequest {
    #[serde(rename = "managedTenantId", alias = "managed_tenant_id")]
    tenant: ManagedTenantId,
    #[serde(rename = "targetClientId", alias = "target_client_id")]
    client: ClientId,
    #[serde(rename = "expectedMappingId", alias = "expected_mapping_id", default)]
    expected: Expectation,
}

async fn list(State(app): State<Arc<Mapping>>, Reader(caller): Reader) -> Answer<ConfirmedMappings> {
    let list = confirmed::confirmed(&app.store, caller.workspace).await.map_err(MappingError::from);
    list.map(Reply::ok).map_err(refusal)
}

async fn suggest(State(app): State<Arc<Mapping>>, Reader(caller): Reader) -> Answer<Preview> {
    let preview = preview::preview(&app.store, caller.workspace).await.map_err(MappingError::from);
    preview.map(Reply::ok).map_err(refusal)
}

async fn past(
    State(app): State<Arc<Mapping>>,
    Reader(caller): Reader,
    PathId(tenant): PathId<ManagedTenantId>,
) -> Answer<History> {
    history::history(&app.store, caller.workspace, tenant).await.map(Reply::ok).map_err(refusal)
}

async fn confirm(
    State(app): State<Arc<Mapping>>,
    Writer(caller): Writer,
    JsonBody(request): JsonBody<ConfirmRequest>,
) -> Answer<Confirmation> {
    confirm::confirm(&app, &editor(&caller), &request.mappings).await.map(Reply::ok).map_err(refusal)
}

async fn skip(
    State(app): State<Arc<Mapping>>,
    Writer(caller): Writer,
    JsonBody(request): JsonBody<TenantRequest>,
) -> Answer<Change> {
    let change = change::skip(&app, &editor(&caller), request.tenant, request.expected).await;
    change.map(Reply::ok).map_err(refusal)
}

async fn unmap(
    State(app): State<Arc<Mapping>>,
    Writer(caller): Writer,
    JsonBody(request): JsonBody<TenantRequest>,
) -> Answer<Change> {
    let change = change::unmap(&app, &editor(&caller), request.tenant, request.expected).await;
    change.map(Reply::ok).map_err(refusal)
}

async fn remap(
    State(app): State<Arc<Mapping>>,
    Writer(caller): Writer,
    JsonBody(request): JsonBody<RemapRequest>,
) -> Answer<Change> {
    let RemapRequest { tenant, client, expected } = request;
    let change = change::remap(&app, &editor(&caller), tenant, client, expected).await;
    change.map(Reply::ok).map_err(refusal)
}

fn editor(caller: &Caller) -> Editor {
    Editor {
        workspace: caller.workspace,
        user: caller.user,
        may_create_clients: caller.holds(Permission::CreateClient),
    }
}

fn refusal(error: MappingError) -> ApiError {
    match error {
        MappingError::Changed(tenant) => ApiError::conflict(
            "mapping_changed",
            "Somebody else decided about this tenant in the meantime; their decision holds and no contact changed.",
            "Reload the mapping table, look at their decision, and decide again if yours should replace it.",
        )
        .with_details(json!({ "managedTenantId": tenant })),
        MappingError::Decision(error) => undecidable(&error),
        MappingError::NeedsPermission => {
            let name = Permission::CreateClient.name();
            ApiError::forbidden(
                "permission_denied",
                format!("Creating clients needs the permission {name}; nothing was saved and no contact changes."),
                format!("Map those tenants to existing clients, or ask an administrator to grant {name}."),
            )
            .with_details(json!({ "permission": name }))
        }
        MappingError::PortalSettings(tenant) => ApiError::bad_request(
            "client_portal_not_supported",
            "The request sets up client portal users, which this service does not do; nothing was saved.",
            "Leave the client portal settings out, or send them as the preview shows them.",
        )
        .with_details(json!({ "managedTenantId": tenant })),
        MappingError::Store(error) => store_failure(error),
        MappingError::TooMany(number) => ApiError::bad_request(
            "too_many_mappings",
            format!("The request holds {number} decisions; nothing was saved and no contact changes."),
            format!("Send at most {DECISIONS_MAX} decisions at once."),
        ),
        MappingError::UnknownClient(client) => ApiError::not_found(
            "unknown_client",
            "The client does not exist in this workspace; nothing was saved and no contact changes.",
            "Reload the list of clients and choose again.",
        )
        .with_details(json!({ "clientId": client })),
        MappingError::UnknownTenant(tenant) => ApiError::not_found(
            "unknown_managed_tenant",
            "The tenant is not among the discovered ones; nothing was saved and no contact changes.",
            "Run the discovery, reload the mapping table and choose again.",
        )
        .with_details(json!({ "managedTenantId": tenant })),
    }
}

fn undecidable(error: &DecisionError) -> ApiError {
    let refused = ApiError::bad_request(
        error.code(),
        format!("The request was refused: {error}."),
        "Correct that decision and send the request again.",
    );
    match error {
        DecisionError::ConflictingClients { managed_tenant, first, second } => {
            refused.with_details(json!({ "managedTenantId": managed_tenant, "clientIds": [first, second] }))
        }
        DecisionError::MappedWithoutClient { managed_tenant } => {
            refused.with_details(json!({ "managedTenantId": managed_tenant }))
        }
        DecisionError::InvalidConfidence { managed_tenant, .. }
        | DecisionError::UnknownState { managed_tenant, .. } => {
            let reason = error.source().map(ToString::to_string);
            refused.with_details(json!({ "managedTenantId": managed_tenant, "reason": reason }))
        }
    }
}

fn store_failure(error: StoreError) -> ApiError {
    if !error.is_transient() {
        return ApiError::internal_fault().caused_by(error);
    }
    ApiError::unavailable(
        "store_unavailable",
        "The table did not answer; some of the decisions may be saved, and no contact changed.",
        "Send the same request again in a moment: what was saved already counts as unchanged.",
    )
    .caused_by(error)
}
