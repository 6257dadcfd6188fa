//! Where the connection's secrets come from.

use async_trait::async_trait;
use domain::ids::EntraTenantId;
use secrecy::SecretString;

use crate::{
    error::ReadError,
    protocol::token::{AppCredentials, TokenGrant},
};

/// The secrets of one connection.
///
/// Errors are [`Code::AppCredentialsMissing`](crate::Code), [`Code::NotConnected`](crate::Code)
/// or [`Code::CredentialsUnavailable`](crate::Code).
#[async_trait]
pub trait Credentials: Send + Sync {
    /// The app registration's own credentials.
    async fn app(&self) -> Result<AppCredentials, ReadError>;

    /// The refresh token; somebody else may have stored a newer one a moment ago.
    async fn refresh_token(&self) -> Result<SecretString, ReadError>;

    /// The newest refresh token, asked of whoever keeps it: before a connection is declared dead.
    async fn newest_refresh_token(&self) -> Result<SecretString, ReadError> {
        self.refresh_token().await
    }

    /// A newer refresh token came back from the partner's authority for `used`: keep it, unless
    /// `used` is no longer the stored one, for then somebody else was faster. The old token
    /// stays valid, so a failure to keep the new one loses nothing.
    async fn keep(&self, used: &SecretString, new: TokenGrant) -> Result<(), ReadError>;

    /// The partner's own tenant, as soon as it is known.
    fn partner_tenant(&self) -> Option<EntraTenantId>;
}
