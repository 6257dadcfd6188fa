//! Why a person was not explained.

use assembly::{store_failed, tenant_failure};
use directory::{Code, ErrorClass, ReadError};
use domain::scope::InvalidScope;
use edge::ApiError;
use store::StoreError;

/// Why a person was not explained. Nothing is ever written.
#[derive(Debug, thiserror::Error)]
pub enum NotExplained {
    /// A rule of who is synced cannot be used.
    #[error("a rule of who is synced cannot be used")]
    InvalidScope(#[source] InvalidScope),
    /// The tenant is mapped to no client, so nobody of it is synced.
    #[error("the tenant is mapped to no client")]
    NotMapped,
    /// Microsoft could not be read.
    #[error("the directory could not be read")]
    Read(#[from] ReadError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// Microsoft took too long.
    #[error("the directory took too long to answer")]
    TooSlow,
    /// Neither the directory nor the store knows the person.
    #[error("nobody knows the person")]
    UnknownPerson,
    /// There is no such tenant.
    #[error("there is no such tenant")]
    UnknownTenant,
}

impl From<NotExplained> for ApiError {
    fn from(error: NotExplained) -> Self {
        match error {
            NotExplained::InvalidScope(invalid) => {
                let first = invalid.faults.first().map(|fault| fault.message.clone()).unwrap_or_default();
                let first = edge::text::safe(&first, 200);
                Self::conflict(
                    "invalid_scope_rules",
                    format!("A rule of who is synced cannot be used: {first} Nothing was read."),
                    "Correct the scope in the settings.",
                )
            }
            NotExplained::NotMapped => Self::conflict(
                "not_mapped",
                "The tenant is mapped to no client, so nobody of it is synced.",
                "Map the tenant to a client, then ask again.",
            ),
            NotExplained::Read(error) => unread(&error),
            NotExplained::Store(error) => store_failed(error),
            NotExplained::TooSlow => Self::unavailable(
                "directory_slow",
                "Microsoft took too long to answer. Nothing was decided, and contacts stay as they are.",
                "Ask again in a minute.",
            ),
            NotExplained::UnknownPerson => Self::not_found(
                "unknown_person",
                "Microsoft has no such user in this tenant, and nobody with that name or address is linked.",
                "Look for the person by the object id or the sign-in name; in a large tenant an address that \
                 nobody signs in with is found only for people who are linked.",
            ),
            NotExplained::UnknownTenant => Self::not_found(
                "unknown_tenant",
                "There is no tenant with this id in this workspace.",
                "Take an id from the list of tenants; discover first if it is new.",
            ),
        }
    }
}

/// The code and the words are those a sync of the tenant fails with.
fn unread(error: &ReadError) -> ApiError {
    let failure = tenant_failure(error);
    let code = error.code().name();
    let answer = match error.class() {
        _ if error.code() == Code::NotConnected => ApiError::conflict(code, failure.message, failure.remedy),
        ErrorClass::Throttled { .. } | ErrorClass::Transient => {
            ApiError::unavailable(code, failure.message, "Ask again in a minute.")
        }
        _ => ApiError::bad_gateway(code, failure.message, failure.remedy),
    };
    match failure.diagnostics {
        Some(diagnostics) => answer.with_details(serde_json::json!({ "diagnostics": diagnostics })),
        None => answer,
    }
}
