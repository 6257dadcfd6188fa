//! Successes as the caller sees them.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// A successful answer: `{ "success": true, "data": … }`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reply<T> {
    /// The HTTP status, 200 unless said otherwise.
    pub status: StatusCode,
    /// What was asked for.
    pub data: T,
}

impl<T> Reply<T> {
    /// 200.
    pub fn ok(data: T) -> Self {
        Self { status: StatusCode::OK, data }
    }

    /// 201: something new exists.
    pub fn created(data: T) -> Self {
        Self { status: StatusCode::CREATED, data }
    }

    /// 202: the work was taken and goes on.
    pub fn accepted(data: T) -> Self {
        Self { status: StatusCode::ACCEPTED, data }
    }
}

impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        (self.status, Json(Envelope { success: true, data: self.data })).into_response()
    }
}

#[derive(Serialize)]
struct Envelope<T> {
    success: bool,
    data: T,
}
