//! Why a CIPP deployment is not connected, or not seen working.

use std::borrow::Cow;

use axum::http::StatusCode;
use directory::{Code, ErrorClass, ReadError, cipp::AddressRefusal};
use edge::ApiError;
use secrets::SecretError;
use serde_json::json;
use store::StoreError;

use crate::answers::{secret_fault, store_fault};

const NOTHING_CHANGED: &str =
    "Nothing was stored: a connection that was there before stays in force, and contacts stay as they are.";

/// Why a CIPP deployment is not connected, or not seen working.
#[derive(Debug, thiserror::Error)]
pub enum CippError {
    /// Credentials must not be sent to the address.
    #[error("the address is not accepted")]
    InvalidAddress(#[source] AddressRefusal),
    /// When the secret ends is neither a day nor a moment.
    #[error("the end of the client secret is no date")]
    InvalidSecretEnd,
    /// The tenant of the API client is no id.
    #[error("the tenant of the API client is no GUID")]
    InvalidTenant,
    /// The token cannot stand in a header.
    #[error("the token holds characters that no token has")]
    InvalidToken,
    /// Nothing to open the API with.
    #[error("there is no credential for CIPP")]
    MissingCredentials,
    /// Half of an API client, or a client and a token.
    #[error("the credential is incomplete, or there are two")]
    MixedCredentials,
    /// The connection could not be stored, nor the credential before it be put back.
    #[error("the credential of the connection before could not be put back")]
    NotRestored(#[source] SecretError),
    /// Somebody else connected at the same time.
    #[error("another connection was made at the same time")]
    Overtaken,
    /// The credential belongs to another partner tenant than the one connected before.
    #[error("the credential belongs to another partner tenant than the one connected before")]
    PartnerTenantChanged,
    /// The deployment does not list the partner's customers.
    #[error("the deployment does not list the partner's customers")]
    Probe(#[source] ReadError),
    /// The secrets cannot be read or written.
    #[error("the connection's secrets cannot be read or written")]
    Secrets(#[from] SecretError),
    /// The table does not answer.
    #[error("the connection cannot be read or stored")]
    Store(#[from] StoreError),
}

impl CippError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidAddress(_) => "invalid_base_url",
            Self::InvalidSecretEnd => "invalid_client_secret_expires_at",
            Self::InvalidTenant => "invalid_tenant_id",
            Self::InvalidToken => "invalid_api_token",
            Self::MissingCredentials => "missing_credentials",
            Self::MixedCredentials => "mixed_credentials",
            Self::NotRestored(_) => "not_restored",
            Self::Overtaken => "overtaken",
            Self::PartnerTenantChanged => "partner_tenant_changed",
            Self::Probe(error) if error.code() == Code::NotConnected => "missing_credentials",
            Self::Probe(error) if is_refusal(error) => "auth_rejected",
            Self::Probe(_) => "validation_failed",
            Self::Secrets(error) => error.code(),
            Self::Store(_) => "store_unavailable",
        }
    }

    /// What was found out at CIPP.
    pub fn read_error(&self) -> Option<&ReadError> {
        match self {
            Self::Probe(error) => Some(error),
            _ => None,
        }
    }

    /// What happened and what it means for contacts.
    pub fn what_happened(&self) -> Cow<'static, str> {
        let nothing = |text: &str| Cow::Owned(format!("{text} {NOTHING_CHANGED}"));
        match self {
            Self::InvalidAddress(refusal) => {
                nothing(&format!("The address of the CIPP API is not accepted: {refusal}."))
            }
            Self::InvalidSecretEnd => nothing("The end of the client secret is not a date."),
            Self::InvalidTenant => nothing("The tenant of the API client is not a tenant id."),
            Self::InvalidToken => nothing("The token for CIPP holds characters that no token has."),
            Self::MissingCredentials => Cow::Borrowed(
                "There is no credential for CIPP. The connection and all contacts stay as they are.",
            ),
            Self::MixedCredentials => {
                nothing("An API client needs its tenant, its id and its secret, and no token beside them.")
            }
            Self::NotRestored(_) => Cow::Borrowed(
                "The connection could not be stored, and neither could the credential of the connection \
                 before be put back. Customers may be unreadable until you connect again; contacts stay \
                 as they are.",
            ),
            Self::Overtaken => nothing("Somebody else connected this workspace at the same time."),
            Self::PartnerTenantChanged => nothing(
                "The credential belongs to another partner tenant than the one this workspace was \
                 connected with.",
            ),
            Self::Probe(error) => Cow::Borrowed(error.code().what_happened()),
            Self::Secrets(_) => nothing("The secret store did not answer as it should."),
            Self::Store(_) => nothing("The connection could not be read or stored."),
        }
    }

    /// What to do next.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::InvalidAddress(_) => {
                "Enter the public https address of the function app behind your CIPP, such as \
                 https://cippabcde.azurewebsites.net, without a path or a port."
            }
            Self::InvalidSecretEnd => "Send a day such as 2027-03-01, or leave it out.",
            Self::InvalidTenant => {
                "Send the id (a GUID) of your own tenant, in which CIPP registered the API client."
            }
            Self::InvalidToken => "Copy the token again, or use an API client.",
            Self::MissingCredentials | Self::MixedCredentials => {
                "Send `tenantId`, `clientId` and `clientSecret` of an API client made in CIPP's API \
                 settings; or `apiToken` alone, which ends after about an hour."
            }
            Self::NotRestored(error) | Self::Secrets(error) => error.remedy(),
            Self::Overtaken => {
                "Look at the connection's status; connect again only if it is not the one you want."
            }
            Self::PartnerTenantChanged => {
                "Use an API client of the former partner's CIPP, or send `changePartner`."
            }
            Self::Probe(error) => error.code().remedy(),
            Self::Store(_) => "Repeat the request in a moment.",
        }
    }

    /// Whether this says something about the connection, and not about this service.
    pub(super) fn is_a_finding(&self) -> bool {
        match self {
            Self::MissingCredentials => true,
            Self::Probe(error) => error.code() != Code::CredentialsUnavailable,
            _ => false,
        }
    }
}

/// Whether the credential is refused, and not the address wrong or the deployment out of order.
fn is_refusal(error: &ReadError) -> bool {
    error.class() == ErrorClass::CredentialRejected
        && !matches!(error.code(), Code::CippAddressRefused | Code::CippWrongAddress)
}

impl From<CippError> for ApiError {
    fn from(error: CippError) -> Self {
        let status = match error {
            CippError::Secrets(error) => return secret_fault(error),
            CippError::Store(error) => return store_fault(error),
            CippError::NotRestored(_) => StatusCode::SERVICE_UNAVAILABLE,
            CippError::Overtaken => StatusCode::CONFLICT,
            _ => StatusCode::BAD_REQUEST,
        };
        let answer = ApiError::new(status, error.code(), error.what_happened(), error.remedy());
        match &error {
            // Class and status, and nothing of what stands at an address that somebody typed.
            CippError::Probe(read) => {
                answer.with_details(json!({ "reason": read.code(), "status": read.diagnostics().status }))
            }
            _ => answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_the_contract() {
        for (code, expected) in [
            (Code::CippTokenRefused, "auth_rejected"),
            (Code::CippTokenExpired, "auth_rejected"),
            (Code::CippForbidden, "auth_rejected"),
            (Code::ClientSecretInvalid, "auth_rejected"),
            (Code::AppUnknown, "auth_rejected"),
            (Code::CippWrongAddress, "validation_failed"),
            (Code::CippAddressRefused, "validation_failed"),
            (Code::CippUnavailable, "validation_failed"),
            (Code::CippTenantsNotListed, "validation_failed"),
            (Code::CippAnswerUnreadable, "validation_failed"),
            (Code::LoginUnavailable, "validation_failed"),
            (Code::NotConnected, "missing_credentials"),
        ] {
            assert_eq!(CippError::Probe(code.into()).code(), expected, "{code}");
        }
    }
}
