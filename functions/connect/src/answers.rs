//! Failures as the API tells them; a command line prints the same texts.

use axum::http::StatusCode;
use directory::ReadError;
use edge::ApiError;
use secrets::SecretError;
use serde_json::json;
use store::StoreError;

use crate::{BeginError, DisconnectError, ValidateError};

impl From<BeginError> for ApiError {
    fn from(error: BeginError) -> Self {
        match error {
            BeginError::MissingCredentials => missing_credentials(),
            BeginError::Secrets(error) => secret_fault(error),
            BeginError::Store(error) => store_fault(error),
            BeginError::StateInUse => ApiError::internal_fault().caused_by(error),
        }
    }
}

impl From<ValidateError> for ApiError {
    fn from(error: ValidateError) -> Self {
        let refusal = |status| {
            let details = json!({
                "reason": error.reason(),
                "graph": error.read_error().map(ReadError::diagnostics),
            });
            ApiError::new(status, error.code(), error.what_happened(), error.remedy()).with_details(details)
        };
        match error {
            ValidateError::MissingAccessToken
            | ValidateError::MissingCredentials
            | ValidateError::PostRefresh(_)
            | ValidateError::Refresh(_) => refusal(StatusCode::BAD_REQUEST),
            ValidateError::Upstream(_) => refusal(StatusCode::BAD_GATEWAY),
            ValidateError::Unknown(_) => refusal(StatusCode::SERVICE_UNAVAILABLE),
            ValidateError::Secrets(error) => secret_fault(error),
            ValidateError::Store(error) => store_fault(error),
        }
    }
}

impl From<DisconnectError> for ApiError {
    fn from(error: DisconnectError) -> Self {
        match error {
            DisconnectError::Secrets(error) => ApiError::new(
                secret_status(&error),
                "secrets_not_deleted",
                "The connection is given up and no sync uses it any more, but not all of its secrets could \
                 be deleted. Contacts stay as they are.",
                format!("{} Then disconnect again.", error.remedy()),
            )
            .with_details(json!({ "status": "disconnected", "reason": error.code() }))
            .caused_by(error),
            DisconnectError::Store(error) => store_fault(error),
        }
    }
}

fn missing_credentials() -> ApiError {
    ApiError::bad_request(
        "missing_credentials",
        "No Microsoft app registration is configured for this workspace; the connection and all \
         contacts stay as they are.",
        "Enter the application id and the client secret of your app registration, then connect again.",
    )
}

pub(crate) fn secret_fault(error: SecretError) -> ApiError {
    ApiError::new(
        secret_status(&error),
        error.code(),
        "The connection's secrets cannot be read; the connection and all contacts stay as they are.",
        error.remedy(),
    )
    .caused_by(error)
}

/// Patience helps with some failures; the others are a fault of the installation.
fn secret_status(error: &SecretError) -> StatusCode {
    match error {
        SecretError::Conflict { .. } | SecretError::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

pub(crate) fn store_fault(error: StoreError) -> ApiError {
    if error.is_transient() {
        return ApiError::unavailable(
            "store_unavailable",
            "The service's table did not answer; it is not known whether the request took effect. \
             Contacts stay as they are.",
            "Look at the status in a moment and repeat the request if needed.",
        )
        .caused_by(error);
    }
    ApiError::internal_fault().caused_by(error)
}
