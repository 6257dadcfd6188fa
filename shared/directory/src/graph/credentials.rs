//! Where the connection's secrets come from.

use async_trait::async_trait;
use domain::ids::EntraTenantId;
use jiff::Timestamp;
use secrecy::SecretString;

use crate::{
    error::ReadError,
    protocol::token::{AppCredentials, TokenGrant},
};

/// An access token for the partner's own directory.
#[derive(Clone, Debug)]
pub struct PartnerAccess {
    /// The token.
    pub token: SecretString,
    /// When it ends.
    pub expires: Timestamp,
}

/// Whether a caller has to fetch the partner's next token.
#[derive(Clone, Debug)]
pub enum Renewal {
    /// Somebody else has, meanwhile.
    Done(PartnerAccess),
    /// It has to; [`Credentials::end_renewal`] says that it is done, whatever became of it.
    Ours,
}

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

    /// The partner's access token that is kept for whoever needs it, in whatever process; none where each fetches
    /// its own.
    async fn kept_access(&self) -> Result<Option<PartnerAccess>, ReadError> {
        Ok(None)
    }

    /// Asks for the right to fetch the partner's next token, which one caller has at a time, in whatever process.
    /// While another has it, waits for what that one fetches; but not for long, since it may have died. `known` is
    /// the token that is of no more use; without one it is what is kept now.
    async fn begin_renewal(&self, _known: Option<&SecretString>) -> Result<Renewal, ReadError> {
        Ok(Renewal::Ours)
    }

    /// Gives the right back.
    async fn end_renewal(&self) {}

    /// The partner's authority answered `used`: keep what came, unless `used` is no longer the stored
    /// refresh token, for then somebody else was faster. The old token stays valid, so a failure to keep
    /// the new one loses nothing.
    async fn keep(&self, used: &SecretString, new: TokenGrant) -> Result<(), ReadError>;

    /// The partner's own tenant, as soon as it is known.
    fn partner_tenant(&self) -> Option<EntraTenantId>;
}
