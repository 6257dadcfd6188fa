//! What one room's failure is in another room's words.

use directory::{Diagnostics, ReadError};
use domain::run::TenantFailure;
use edge::ApiError;
use store::StoreError;

/// A failed store operation, as a route answers it.
pub fn store_failed(error: StoreError) -> ApiError {
    let answer = if error.is_transient() {
        ApiError::unavailable(
            "store_unavailable",
            "The database did not answer. Nothing was changed.",
            "Try again in a minute.",
        )
    } else {
        ApiError::internal_fault()
    };
    answer.caused_by(error)
}

/// A directory that could not be read, as a tenant's result says it.
pub fn tenant_failure(error: &ReadError) -> TenantFailure {
    TenantFailure {
        code: error.code().name().to_owned(),
        message: error.code().what_happened().to_owned(),
        remedy: error.code().remedy().to_owned(),
        diagnostics: diagnostics(error.diagnostics()),
    }
}

/// Ids to quote to Microsoft's support; no text of theirs.
fn diagnostics(diagnostics: &Diagnostics) -> Option<String> {
    let ids = [
        ("status", diagnostics.status.map(|status| status.to_string())),
        ("error", diagnostics.error.clone()),
        ("trace", diagnostics.trace_id.clone()),
        ("correlation", diagnostics.correlation_id.clone()),
        ("request", diagnostics.request_id.clone()),
    ];
    let mut known: Vec<String> =
        ids.into_iter().filter_map(|(name, id)| id.map(|id| format!("{name} {id}"))).collect();
    known.extend(diagnostics.aadsts.iter().map(|number| format!("AADSTS{number}")));
    (!known.is_empty()).then(|| known.join(", "))
}
