//! Why a sign-in did not become a connection.

use std::borrow::Cow;

use directory::{Code, ErrorClass, ReadError, protocol::id_token::IdTokenError};
use secrets::SecretError;
use store::StoreError;

/// What operators are told to do when it was not their fault.
pub(crate) const START_AGAIN: &str = "Start connecting again from the settings page.";

/// The same, when a peer did not answer: the sign-in is used up.
const LATER: &str = "Start connecting again from the settings page in a few minutes.";

const NOTHING_CHANGED: &str =
    "Nothing was stored: a connection that was there before stays in force, and contacts stay as they are.";

/// Why a sign-in did not become a connection. Nothing was stored, except after
/// [`ConnectError::NotRestored`].
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Permissions that were asked for were not granted.
    #[error("{} of the permissions that were asked for were not granted", .0.len())]
    ConsentMissing(Vec<String>),
    /// Who signed in is not proven.
    #[error("the identity of the account is not proven")]
    Identity(#[source] IdTokenError),
    /// No app registration is configured.
    #[error("no app registration is configured for this workspace")]
    MissingCredentials,
    /// The connection could not be stored, nor the tokens before it be put back.
    #[error("the tokens of the connection before could not be put back")]
    NotRestored(#[source] SecretError),
    /// Somebody else connected at the same time.
    #[error("another connection was made at the same time")]
    Overtaken,
    /// The account belongs to another partner tenant than the one connected before.
    #[error("the account belongs to another partner tenant than the one connected before")]
    PartnerTenantChanged,
    /// The sign-in cannot list the partner's customers.
    #[error("the sign-in cannot list the partner's customers")]
    Probe(#[source] ReadError),
    /// The secrets cannot be read or written.
    #[error("the connection's secrets cannot be read or written")]
    Secrets(#[from] SecretError),
    /// The table does not answer.
    #[error("the connection cannot be read or stored")]
    Store(#[from] StoreError),
    /// Microsoft did not hand out tokens.
    #[error("microsoft did not hand out tokens")]
    TokenExchange(#[source] ReadError),
    /// Microsoft handed out tokens, but not those a connection needs.
    #[error("the answer of the token endpoint lacks a refresh token or an id_token")]
    TokensIncomplete,
}

impl ConnectError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ConsentMissing(_) => "consent_missing",
            Self::Identity(_) => "invalid_id_token",
            Self::MissingCredentials => "missing_credentials",
            Self::NotRestored(_) | Self::Overtaken | Self::Secrets(_) | Self::Store(_) => "callback_error",
            Self::PartnerTenantChanged => "partner_tenant_changed",
            Self::Probe(error) => probe_code(error),
            Self::TokenExchange(error) if lacks_consent(error.code()) => "consent_missing",
            Self::TokenExchange(_) | Self::TokensIncomplete => "token_exchange_failed",
        }
    }

    /// What happened and what it means for contacts: our own words only.
    pub fn what_happened(&self) -> Cow<'static, str> {
        let nothing = |text: &str| Cow::Owned(format!("{text} {NOTHING_CHANGED}"));
        match self {
            Self::ConsentMissing(missing) => {
                nothing(&format!("Microsoft did not grant: {}.", missing.join(", ")))
            }
            Self::Identity(IdTokenError::Consumer) => {
                nothing("A personal Microsoft account signed in; a work account is needed.")
            }
            Self::Identity(_) => {
                nothing("Microsoft's statement about who signed in does not fit this sign-in.")
            }
            Self::MissingCredentials => {
                nothing("No Microsoft app registration is configured for this workspace.")
            }
            Self::NotRestored(_) => Cow::Borrowed(
                "The connection could not be stored, and neither could the sign-in of the connection \
                 before be put back. Customers may be unreadable until you connect again; contacts stay \
                 as they are.",
            ),
            Self::Overtaken => nothing("Somebody else connected this workspace at the same time."),
            Self::PartnerTenantChanged => nothing(
                "The account belongs to another partner tenant than the one this workspace was \
                 connected with.",
            ),
            Self::Secrets(_) => nothing("The secret store did not take the sign-in."),
            Self::Store(_) => nothing("The connection could not be stored."),
            Self::Probe(error) | Self::TokenExchange(error) => Cow::Owned(format!(
                "The new sign-in was not stored; a connection that was there before stays in force. \
                 About the new one: {}",
                error.code().what_happened()
            )),
            Self::TokensIncomplete => nothing("Microsoft's answer lacks the long-lived sign-in."),
        }
    }

    /// What to do next.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::ConsentMissing(_) => {
                "Connect again and accept all requested permissions, with an account that may consent \
                 to them."
            }
            Self::Identity(IdTokenError::Consumer) => {
                "Connect again with a work account of your partner tenant."
            }
            Self::MissingCredentials => {
                "Enter the application id and the client secret of your app registration, then connect \
                 again."
            }
            Self::NotRestored(error) | Self::Secrets(error) => error.remedy(),
            Self::Overtaken => {
                "Look at the connection's status; connect again only if it is not the one you want."
            }
            Self::PartnerTenantChanged => {
                "Connect again with an account of the former partner tenant, or begin with the option \
                 to change the partner tenant."
            }
            Self::Probe(error) | Self::TokenExchange(error) if passes(error) => LATER,
            Self::Probe(error) | Self::TokenExchange(error) => error.code().remedy(),
            Self::Identity(_) | Self::Store(_) => START_AGAIN,
            Self::TokensIncomplete => {
                "Register the redirect address as platform Web and allow offline_access, then connect \
                 again."
            }
        }
    }
}

/// The contract's code for a sign-in that cannot list customers.
fn probe_code(error: &ReadError) -> &'static str {
    match error.class() {
        _ if lacks_consent(error.code()) => "consent_missing",
        ErrorClass::CredentialRejected => "auth_rejected",
        _ => "validation_failed",
    }
}

/// Whether nobody has to do anything about it.
fn passes(error: &ReadError) -> bool {
    matches!(error.class(), ErrorClass::Throttled { .. } | ErrorClass::Transient)
}

/// Whether somebody with the right to consent can help.
fn lacks_consent(code: Code) -> bool {
    matches!(
        code,
        Code::AdminApprovalNeeded
            | Code::AppConsentMissing
            | Code::ConsentDeclined
            | Code::PartnerRoleMissing
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_the_contract() {
        for (code, probed, exchanged) in [
            (Code::PartnerTokenRefused, "auth_rejected", "token_exchange_failed"),
            (Code::SignInRevoked, "auth_rejected", "token_exchange_failed"),
            (Code::ClientSecretInvalid, "auth_rejected", "token_exchange_failed"),
            (Code::PartnerRoleMissing, "consent_missing", "consent_missing"),
            (Code::AppConsentMissing, "consent_missing", "consent_missing"),
            (Code::AdminApprovalNeeded, "consent_missing", "consent_missing"),
            (Code::ConnectionFailed, "validation_failed", "token_exchange_failed"),
            (Code::GraphUnavailable, "validation_failed", "token_exchange_failed"),
            (Code::Throttled, "validation_failed", "token_exchange_failed"),
            (Code::AnswerUnreadable, "validation_failed", "token_exchange_failed"),
        ] {
            assert_eq!(ConnectError::Probe(code.into()).code(), probed, "{code}");
            assert_eq!(ConnectError::TokenExchange(code.into()).code(), exchanged, "{code}");
        }
    }
}
