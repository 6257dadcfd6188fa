//! The same check for a router on a socket, where no gateway stands in front.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::header::AUTHORIZATION,
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use edge::{ApiError, Caller};
use runtime::telemetry::ErrorChain;

use crate::{
    event::{KEY_HEADER, bearer, takes_keys},
    verifier::{Refusal, Verifier},
};

/// `router` with the [`Caller`] of a verified token in each request's extensions.
///
/// A request without a good token goes on without a caller, and the guards of `edge` answer 401.
/// Nothing else a client sends becomes a caller. When the keys cannot be had the answer is 503
/// `sign_in_unavailable`.
pub fn authenticated(router: Router, verifier: Arc<Verifier>) -> Router {
    router.layer(from_fn_with_state(verifier, authenticate))
}

async fn authenticate(State(verifier): State<Arc<Verifier>>, mut request: Request, next: Next) -> Response {
    request.extensions_mut().remove::<Caller>();
    let Some(token) = token(&request) else { return next.run(request).await };
    match verifier.verify(token).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
        }
        // Where a key is enough it is looked at later; everywhere else nobody is signed in.
        Err(Refusal::KeysUnavailable(fault))
            if takes_keys(request.uri().path()) && request.headers().contains_key(KEY_HEADER) =>
        {
            tracing::warn!(error = %ErrorChain(&fault), "a token could not be checked, and there is a key");
        }
        Err(Refusal::KeysUnavailable(fault)) => {
            return sign_in_unavailable().caused_by(fault).into_response();
        }
        Err(refusal) => tracing::info!(code = refusal.code(), reason = %refusal, "token refused"),
    }
    next.run(request).await
}

fn token(request: &Request) -> Option<&str> {
    let mut headers = request.headers().get_all(AUTHORIZATION).iter();
    match (headers.next(), headers.next()) {
        (Some(header), None) => bearer(header.to_str().ok()?),
        _ => None,
    }
}

fn sign_in_unavailable() -> ApiError {
    ApiError::unavailable(
        "sign_in_unavailable",
        "Your sign-in could not be checked, because the PSA's keys cannot be had; nothing was read or changed.",
        "Repeat the request in a minute; if it fails again, check AUTH_JWKS_URL and that the PSA is reachable.",
    )
}
