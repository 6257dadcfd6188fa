//! `POST` and `GET /api/integrations/entra/discovery`.

use std::sync::Arc;

use assembly::store_failed;
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use domain::ids::WorkspaceId;
use edge::{ApiError, Operator, Reader, Reply};
use jiff::SignedDuration;
use serde::Serialize;
use store::DiscoveryReport;
use workflow::payloads::DiscoveryInput;

use crate::{Discovery, views::DiscoveryView};

/// How long a request waits for the discovery it has started; the gateway gives up after 30 s.
const PATIENCE: SignedDuration = SignedDuration::from_secs(20);

/// Between two looks at whether it has ended.
const INTERVAL: SignedDuration = SignedDuration::from_millis(250);

/// The routes.
pub fn router(discovery: Arc<Discovery>) -> Router {
    Router::new().route("/api/integrations/entra/discovery", get(show).post(start)).with_state(discovery)
}

/// A discovery that is still going on.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Accepted {
    accepted: bool,
    execution: String,
}

async fn show(
    State(discovery): State<Arc<Discovery>>,
    Reader(caller): Reader,
) -> Result<Reply<DiscoveryView>, ApiError> {
    let report = discovery.store.discovery(caller.workspace).await.map_err(store_failed)?;
    let report = report.ok_or_else(|| {
        ApiError::not_found(
            "not_discovered",
            "No tenants have been discovered yet.",
            "Start a discovery: POST /api/integrations/entra/discovery.",
        )
    })?;
    view(&discovery, caller.workspace, report).await.map(Reply::ok)
}

/// Starts a discovery and answers its outcome; 202 when it takes longer than a request may.
async fn start(
    State(discovery): State<Arc<Discovery>>,
    Operator(caller): Operator,
) -> Result<Response, ApiError> {
    let workspace = caller.workspace;
    let connection = discovery.store.connection(workspace).await.map_err(store_failed)?;
    if connection.is_none_or(|found| found.connection_status == store::ConnectionStatus::Disconnected) {
        return Err(ApiError::conflict(
            "not_connected",
            "There is no connection to Microsoft, so no tenants can be discovered.",
            "Connect first, then discover.",
        ));
    }
    let Some(executions) = &discovery.executions else {
        return Err(engine_unavailable());
    };
    let began = discovery.clock.now();
    let name = format!("discovery-{}", discovery.entropy.time_ordered_id(began));
    let input = DiscoveryInput { workspace_id: workspace, actor: caller.user };
    executions.start_discovery(input, &name).await.map_err(|error| engine_unavailable().caused_by(error))?;
    while discovery.clock.now().duration_since(began) < PATIENCE {
        let report = discovery.store.discovery(workspace).await.map_err(store_failed)?;
        if let Some(report) = report.filter(|report| report.completed_at >= began) {
            return view(&discovery, workspace, report).await.map(|view| Reply::ok(view).into_response());
        }
        discovery.clock.sleep(INTERVAL).await;
    }
    Ok(Reply::accepted(Accepted { accepted: true, execution: name }).into_response())
}

async fn view(
    discovery: &Discovery,
    workspace: WorkspaceId,
    report: DiscoveryReport,
) -> Result<DiscoveryView, ApiError> {
    if let Some(failure) = report.failure {
        let details = serde_json::json!({ "cause": failure.code, "diagnostics": failure.diagnostics });
        return Err(
            ApiError::bad_gateway("discovery_failed", failure.message, failure.remedy).with_details(details)
        );
    }
    let tenants = discovery.store.managed_tenants(workspace).await.map_err(store_failed)?;
    Ok(DiscoveryView::new(report, tenants))
}

fn engine_unavailable() -> ApiError {
    ApiError::unavailable(
        "workflow_unavailable",
        "The workflow engine did not take the discovery. Nothing was changed.",
        "Try again in a minute.",
    )
}
