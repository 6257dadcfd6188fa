//! `GET` and `POST /api/integrations/entra/schedule`: whether, and how often, all tenants are synced by
//! themselves.

use std::sync::Arc;

use assembly::store_failed;
use axum::{Router, extract::State, routing::get};
use domain::schedule::Interval;
use edge::{ApiError, JsonBody, Reader, Reply, Writer};
use serde::Deserialize;
use serde_json::Value;

use crate::{SavedScheduleView, ScheduleView, Sync};

pub(super) fn router() -> Router<Arc<Sync>> {
    Router::new().route("/api/integrations/entra/schedule", get(show).post(save))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScheduleBody {
    sync_enabled: Option<Value>,
    sync_interval_minutes: Option<Value>,
}

async fn show(
    State(sync): State<Arc<Sync>>,
    Reader(caller): Reader,
) -> Result<Reply<ScheduleView>, ApiError> {
    sync.schedule(caller.workspace).await.map(Reply::ok).map_err(store_failed)
}

async fn save(
    State(sync): State<Arc<Sync>>,
    Writer(caller): Writer,
    JsonBody(body): JsonBody<ScheduleBody>,
) -> Result<Reply<SavedScheduleView>, ApiError> {
    let Some(Value::Bool(enabled)) = body.sync_enabled else {
        return Err(ApiError::bad_request(
            "sync_enabled_missing",
            "`syncEnabled` has to be true or false. The schedule stays as it was.",
            "Send it, with `syncIntervalMinutes` if it is not to be once a day.",
        ));
    };
    let interval = match body.sync_interval_minutes {
        None | Some(Value::Null) => Interval::default(),
        Some(minutes) => match minutes.as_f64() {
            Some(minutes) => Interval::nearest(minutes),
            None => {
                return Err(ApiError::bad_request(
                    "invalid_interval",
                    "`syncIntervalMinutes` has to be a number. The schedule stays as it was.",
                    "Send minutes, from 15 to 43200 (30 days).",
                ));
            }
        },
    };
    let saved = sync.save_schedule(caller.workspace, (enabled, interval), caller.user).await;
    saved.map(Reply::ok).map_err(store_failed)
}
