//! The error JSON of Graph (learn.microsoft.com/graph/errors).

use serde_json::{Value, json};

use crate::faults::SyncStateLoss;

/// One refusal of Graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GraphError {
    pub(crate) status: u16,
    code: String,
    message: String,
}

impl GraphError {
    pub(crate) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into() }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(crate) fn unsupported_query(message: impl Into<String>) -> Self {
        Self::new(400, "Request_UnsupportedQuery", message)
    }

    pub(crate) fn unauthorized(message: &str) -> Self {
        Self::new(401, "InvalidAuthenticationToken", message)
    }

    pub(crate) fn forbidden() -> Self {
        let message = "Insufficient privileges to complete the operation.";
        Self::new(403, "Authorization_RequestDenied", message)
    }

    pub(crate) fn unknown_segment(segment: &str) -> Self {
        Self::bad_request(format!("Resource not found for the segment '{segment}'."))
    }

    pub(crate) fn expired_page() -> Self {
        let message =
            "The specified page token value has expired and can no longer be included in your request.";
        Self::new(400, "Directory_ExpiredPageToken", message)
    }

    pub(crate) fn lost_sync_state(form: SyncStateLoss) -> Self {
        let (status, code) = form.status_and_code();
        let message = "The sync state generation is not found; the changes must be read anew.";
        Self::new(status, code, message)
    }

    pub(crate) fn no_such_object(id: &str) -> Self {
        let message = format!(
            "Resource '{id}' does not exist or one of its queried reference-property objects are not present."
        );
        Self::new(404, "Request_ResourceNotFound", message)
    }

    /// What Graph says with a bare status.
    pub(crate) fn of_status(status: u16) -> Self {
        let (code, message) = match status {
            400 => ("BadRequest", "The request is not valid."),
            401 => ("InvalidAuthenticationToken", "Access token validation failure."),
            403 => return Self::forbidden(),
            404 => ("Request_ResourceNotFound", "The resource does not exist."),
            410 => ("syncStateNotFound", "The sync state generation is not found."),
            423 => ("resourceLocked", "The resource is locked."),
            429 => ("TooManyRequests", "Too many requests."),
            502 => ("BadGateway", "Invalid response from an upstream server."),
            503 => ("serviceNotAvailable", "The service is temporarily unavailable."),
            504 => ("gatewayTimeout", "The server did not answer in time."),
            509 => ("BandwidthLimitExceeded", "Your app has been throttled for exceeding the bandwidth cap."),
            _ => ("InternalServerError", "An error occurred while processing the request."),
        };
        Self::new(status, code, message)
    }

    /// The text for people.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The body; `date` is `2026-03-02T08:11:04`.
    pub(crate) fn body(&self, date: &str, request_id: &str, client_request_id: &str) -> Value {
        json!({ "error": {
            "code": self.code,
            "message": self.message,
            "innerError": {
                "date": date,
                "request-id": request_id,
                "client-request-id": client_request_id,
            },
        } })
    }
}
