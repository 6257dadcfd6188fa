//! What a CIPP API is read with.

use async_trait::async_trait;
use domain::ids::EntraTenantId;
use jiff::Timestamp;
use secrecy::SecretString;

use super::address::CippBase;
use crate::{
    error::ReadError,
    protocol::{cipp::bearer::BearerClaims, token::AppCredentials},
};

/// Where the API is and what opens it: read together, so that one deployment's credential is never
/// sent to another.
#[derive(Clone, Debug)]
pub struct CippAccess {
    /// The API.
    pub base: CippBase,
    /// What opens it.
    pub credential: CippCredential,
}

/// What opens a CIPP API (docs.cipp.app, API documentation, setup and authentication).
#[derive(Clone, Debug)]
pub enum CippCredential {
    /// A token that somebody made elsewhere. It lives for about an hour and cannot be renewed.
    Bearer(SecretString),
    /// An API client of the deployment: tokens are made with it.
    Client {
        /// The partner's own tenant, in which the API client is registered.
        tenant: EntraTenantId,
        /// Its id and secret.
        app: AppCredentials,
    },
}

impl CippCredential {
    /// The partner's own tenant, as far as the credential tells. A bearer's word for it is not
    /// proven; it only makes the checks stricter.
    pub fn partner_tenant(&self) -> Option<EntraTenantId> {
        match self {
            Self::Bearer(token) => BearerClaims::read(token).tenant,
            Self::Client { tenant, .. } => Some(*tenant),
        }
    }

    /// When a token that was entered ends, if it tells; `None` for what renews itself.
    pub fn expires(&self) -> Option<Timestamp> {
        match self {
            Self::Bearer(token) => BearerClaims::read(token).expires,
            Self::Client { .. } => None,
        }
    }
}

/// Where a connection's access to CIPP is kept.
///
/// Errors are [`Code::NotConnected`](crate::Code), [`Code::CippAddressRefused`](crate::Code) or
/// [`Code::CredentialsUnavailable`](crate::Code).
#[async_trait]
pub trait CippCredentials: Send + Sync {
    /// The newest.
    async fn access(&self) -> Result<CippAccess, ReadError>;
}

/// Access that is known already.
#[async_trait]
impl CippCredentials for CippAccess {
    async fn access(&self) -> Result<CippAccess, ReadError> {
        Ok(self.clone())
    }
}
