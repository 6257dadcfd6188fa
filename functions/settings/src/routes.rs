//! `GET` and `PATCH /api/integrations/entra/settings`.

use std::sync::Arc;

use assembly::store_failed;
use axum::{Router, extract::State, routing::get};
use edge::{ApiError, JsonBody, Reader, Reply, Writer};

use crate::{Refusal, Settings, SettingsChange, SettingsView};

/// The routes.
pub fn router(settings: Arc<Settings>) -> Router {
    Router::new().route("/api/integrations/entra/settings", get(show).patch(change)).with_state(settings)
}

async fn show(
    State(settings): State<Arc<Settings>>,
    Reader(caller): Reader,
) -> Result<Reply<SettingsView>, ApiError> {
    settings.read(caller.workspace).await.map(Reply::ok).map_err(store_failed)
}

async fn change(
    State(settings): State<Arc<Settings>>,
    Writer(caller): Writer,
    JsonBody(change): JsonBody<SettingsChange>,
) -> Result<Reply<SettingsView>, ApiError> {
    let changed = settings.change(caller.workspace, change).await.map_err(store_failed)?;
    changed.map(Reply::ok).map_err(|refusal| match refusal {
        Refusal::Percent => ApiError::bad_request(
            "invalid_percent",
            "`vanish.allowedPercent` is more than 100. Nothing was saved.",
            "Send a number from 0 to 100.",
        ),
        Refusal::Rules => ApiError::bad_request(
            "invalid_field_rules",
            "`fieldSyncConfig` is no object. Nothing was saved.",
            "Send an object such as {\"role\": true}.",
        ),
    })
}
