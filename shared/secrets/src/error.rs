//! What can go wrong with secrets, told without telling them.

use crate::{Family, InvalidDocument, ProviderName, Scope};

/// A secret could not be read, written or removed. No variant holds a secret or an error that
/// might quote one.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SecretError {
    /// Another writer was first.
    #[error("the {family} secrets of {scope} were changed in `{provider}` after they were read")]
    Conflict {
        /// Where.
        provider: ProviderName,
        /// Whose.
        scope: Scope,
        /// Which.
        family: Family,
    },
    /// What is kept is not a secret document.
    #[error("the {family} secrets of {scope} in `{provider}` cannot be understood")]
    Malformed {
        /// Where.
        provider: ProviderName,
        /// Whose.
        scope: Scope,
        /// Which.
        family: Family,
        /// Why.
        #[source]
        reason: InvalidDocument,
    },
    /// The provider is one that cannot be written.
    #[error("secrets cannot be written to `{0}`")]
    ReadOnly(ProviderName),
    /// What would be written or was removed is not what a reader would see.
    #[error("`{by}` supplies the {family} secrets of {scope} and hides what is written to `{writer}`")]
    Shadowed {
        /// Who answers.
        by: ProviderName,
        /// Who is written.
        writer: ProviderName,
        /// Whose.
        scope: Scope,
        /// Which.
        family: Family,
    },
    /// The provider did not answer, or refused.
    #[error("`{provider}` did not give or take the {family} secrets of {scope} ({reason})")]
    Unavailable {
        /// Where.
        provider: ProviderName,
        /// Whose.
        scope: Scope,
        /// Which.
        family: Family,
        /// The service's error code or the operating system's words.
        reason: String,
    },
}

impl SecretError {
    /// A stable name for this kind of failure.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => "secret_conflict",
            Self::Malformed { .. } => "secret_malformed",
            Self::ReadOnly(_) => "secret_store_read_only",
            Self::Shadowed { .. } => "secret_shadowed",
            Self::Unavailable { .. } => "secret_store_unavailable",
        }
    }

    /// What it means for the contacts and what to do next.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => "Nothing was overwritten and no contact was touched. Try again.",
            Self::Malformed { .. } => {
                "No contact was touched. Connect again in the settings, or correct the stored JSON object."
            }
            Self::ReadOnly(_) => {
                "Nothing was saved and no contact was touched. Set SECRET_WRITE_PROVIDER to `secretsmanager`, \
                 `filesystem` or `vault`."
            }
            Self::Shadowed { .. } => {
                "No contact was touched. Remove the secrets from the place that hides them, or move it behind \
                 the write provider in SECRET_READ_CHAIN."
            }
            Self::Unavailable { .. } => {
                "No contact was touched. Check that the secret store is reachable and that this installation \
                 may use it, then try again."
            }
        }
    }
}
