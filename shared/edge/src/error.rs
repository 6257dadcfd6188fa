//! Failures as the caller sees them.

use std::{error::Error, fmt, sync::Arc};

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header::WWW_AUTHENTICATE},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::Value;

use crate::{frame::RequestId, text};

/// Longest error or remedy text in an answer, in characters.
const LONGEST_TEXT: usize = 600;

/// A failed request: an honest status, a stable code, and text for an operator.
///
/// The text says what happened and what it means for contacts, the remedy what to do next. A
/// source is logged with the request id and never answered.
#[derive(Clone, Debug)]
pub struct ApiError {
    /// The HTTP status.
    pub status: StatusCode,
    /// A stable snake_case name of the failure.
    pub code: &'static str,
    /// What happened and what it means for contacts.
    pub message: String,
    /// What to do next.
    pub remedy: String,
    /// Facts a program can use, such as the field that was refused.
    pub details: Option<Value>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl ApiError {
    /// A failure of any status. `code` has an entry in the catalogue, so that whoever meets it can look it
    /// up; tests find the one that has none.
    pub fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        debug_assert!(catalogue::find(code).is_some(), "{code} is not in the catalogue");
        Self { status, code, message: message.into(), remedy: remedy.into(), details: None, source: None }
    }

    /// 400: the request itself is wrong.
    pub fn bad_request(code: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message, remedy)
    }

    /// 403: the caller may not do this.
    pub fn forbidden(code: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message, remedy)
    }

    /// 404: what the request names does not exist in the caller's workspace.
    pub fn not_found(code: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message, remedy)
    }

    /// 409: the state of things does not allow it now.
    pub fn conflict(code: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message, remedy)
    }

    /// 502: Microsoft or CIPP answered with a failure.
    pub fn bad_gateway(code: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, code, message, remedy)
    }

    /// 503: something this service needs cannot be reached; the same request may succeed later.
    pub fn unavailable(code: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message, remedy)
    }

    /// 500 `internal_fault`: a defect of this service. Give the cause with [`ApiError::caused_by`].
    pub fn internal_fault() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_fault",
            "The service failed on this request; what it had stored before is kept and contacts stay consistent.",
            "Repeat the request; if it fails again, give the request id to whoever operates the service.",
        )
    }

    /// Adds facts a program can use.
    #[must_use]
    pub fn with_details(self, details: Value) -> Self {
        Self { details: Some(details), ..self }
    }

    /// Adds the cause, for the log only.
    #[must_use]
    pub fn caused_by(self, source: impl Error + Send + Sync + 'static) -> Self {
        Self { source: Some(Arc::new(source)), ..self }
    }

    /// The envelope of a failure. `request_id` is absent only outside of [`crate::finish`].
    pub(crate) fn envelope<'a>(&'a self, request_id: Option<&'a RequestId>) -> impl Serialize + 'a {
        Envelope {
            success: false,
            error: text::safe(&self.message, LONGEST_TEXT),
            code: self.code,
            remedy: text::safe(&self.remedy, LONGEST_TEXT),
            request_id: request_id.map(RequestId::as_str),
            details: self.details.as_ref(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    success: bool,
    error: String,
    code: &'static str,
    remedy: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a Value>,
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl Error for ApiError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

impl IntoResponse for ApiError {
    /// The answer, with the error itself beside it as an extension: the frame adds the request id,
    /// which is not known here, and logs the source.
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.envelope(None))).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            // RFC 9110 §15.5.2: a 401 names the scheme that would have been accepted.
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(self);
        response
    }
}
