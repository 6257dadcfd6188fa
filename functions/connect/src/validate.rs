//! Checking that the connection still works.

use std::{
    borrow::Cow,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use assembly::WorkspaceCredentials;
use async_trait::async_trait;
use directory::{
    Code, Credentials, Directory, ErrorClass, GraphDirectory, GraphSettings, ReadError, Renewal, TenantList,
    protocol::token::{AppCredentials, TokenGrant},
};
use domain::ids::{EntraTenantId, WorkspaceId};
use jiff::Timestamp;
use secrecy::SecretString;
use secrets::{DirectTokens, SecretError, WorkspaceSecret};
use store::{Connection, ConnectionKind, ConnectionStatus, StoreError, ValidationFailure};

use crate::{
    Connect,
    awaited::{LISTING_LIMIT, within},
};

/// A connection that works.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Validated {
    /// When it was seen working.
    pub checked_at: Timestamp,
    /// Customer tenants it can see.
    pub managed_tenants: usize,
}

/// A stored sign-in that has just listed the partner's customers.
pub(crate) struct Checked {
    /// What has listed them.
    pub(crate) directory: Arc<GraphDirectory>,
    /// The customers.
    pub(crate) listed: TenantList,
    /// What the sign-in may do now, as far as Microsoft has told.
    pub(crate) granted: Option<Vec<String>>,
}

/// Why the connection is not seen working.
#[derive(Debug, thiserror::Error)]
pub enum ValidateError {
    /// There is no stored sign-in.
    #[error("there is no stored sign-in")]
    MissingAccessToken,
    /// No app registration is configured.
    #[error("no app registration is configured for this workspace")]
    MissingCredentials,
    /// Microsoft gave a new token and Graph refused that one as well.
    #[error("a renewed token is refused")]
    PostRefresh(#[source] ReadError),
    /// Microsoft does not renew the stored sign-in.
    #[error("the stored sign-in is not renewed")]
    Refresh(#[source] ReadError),
    /// The secrets cannot be read: nothing is known about the connection.
    #[error("the connection's secrets cannot be read")]
    Secrets(#[from] SecretError),
    /// The table does not answer.
    #[error("the connection cannot be read or changed")]
    Store(#[from] StoreError),
    /// The secrets could not be read while the connection was tried.
    #[error("the connection's secrets cannot be read")]
    Unknown(#[source] ReadError),
    /// Microsoft answered with a failure, or not at all.
    #[error("the partner's customers cannot be listed")]
    Upstream(#[source] ReadError),
}

impl ValidateError {
    /// Stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MissingAccessToken => "missing_access_token",
            Self::MissingCredentials => "missing_credentials",
            Self::PostRefresh(_) => "post_refresh_validation_failed",
            Self::Refresh(_) => "refresh_failed",
            Self::Secrets(error) => error.code(),
            Self::Store(_) => "store_unavailable",
            Self::Unknown(_) => "credentials_unavailable",
            Self::Upstream(_) => "upstream_error",
        }
    }

    /// Codes of what stands in the way of a renewal, and of nothing else.
    pub(crate) const RENEWAL_FAILURES: [&'static str; 3] =
        ["missing_access_token", "missing_credentials", "refresh_failed"];

    /// What happened and what it means for contacts.
    pub fn what_happened(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Secrets(_) => {
                "The connection's secrets cannot be read, so nothing is known about the connection. \
                 Contacts stay as they are."
            }
            Self::Store(_) => "The connection cannot be read or changed. Contacts stay as they are.",
            failed => failed.reason().map_or("", Code::what_happened),
        })
    }

    /// What to do next.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Secrets(error) => error.remedy(),
            Self::Store(_) => "Repeat the request in a moment.",
            failed => failed.reason().map_or("", Code::remedy),
        }
    }

    /// What was found out at Microsoft.
    pub fn read_error(&self) -> Option<&ReadError> {
        match self {
            Self::PostRefresh(error)
            | Self::Refresh(error)
            | Self::Unknown(error)
            | Self::Upstream(error) => Some(error),
            _ => None,
        }
    }

    /// The finer code.
    pub fn reason(&self) -> Option<Code> {
        match self {
            Self::MissingAccessToken => Some(Code::NotConnected),
            Self::MissingCredentials => Some(Code::AppCredentialsMissing),
            failed => failed.read_error().map(ReadError::code),
        }
    }

    /// Whether this says something about the connection, and not about this service.
    fn is_a_finding(&self) -> bool {
        !matches!(self, Self::Secrets(_) | Self::Store(_) | Self::Unknown(_))
    }

    /// Whether only a person can mend it. Microsoft being out of order is nothing of that kind.
    pub(crate) fn needs_a_person(&self) -> bool {
        matches!(
            self,
            Self::MissingAccessToken | Self::MissingCredentials | Self::PostRefresh(_) | Self::Refresh(_)
        )
    }

    pub(crate) fn of(error: ReadError, renewed: bool) -> Self {
        match error.code() {
            Code::AppCredentialsMissing => Self::MissingCredentials,
            Code::CredentialsUnavailable => Self::Unknown(error),
            Code::NotConnected => Self::MissingAccessToken,
            Code::PartnerRoleMissing => Self::Upstream(error),
            Code::PartnerTokenRefused => Self::PostRefresh(error),
            _ if error.class() != ErrorClass::CredentialRejected => Self::Upstream(error),
            _ if renewed => Self::PostRefresh(error),
            _ => Self::Refresh(error),
        }
    }
}

impl Connect {
    /// Renews the stored sign-in and lists the partner's customers with it; a token that Graph
    /// refuses is renewed once more. What is found out is kept with the connection.
    pub async fn validate_direct(&self, workspace: WorkspaceId) -> Result<Validated, ValidateError> {
        let connection = self.store.connection(workspace).await?;
        let connection = connection.filter(|connection| {
            connection.kind == ConnectionKind::Direct
                && connection.connection_status != ConnectionStatus::Disconnected
        });
        let found = self.probe(workspace, connection.as_ref()).await;
        if let Some(connection) = &connection {
            self.note(workspace, connection, &found).await?;
        }
        found
    }

    async fn probe(
        &self,
        workspace: WorkspaceId,
        connection: Option<&Connection>,
    ) -> Result<Validated, ValidateError> {
        let how = (true, Some(LISTING_LIMIT));
        let checked = self.check_direct(workspace, connection, self.graph_awaited(), how).await?;
        Ok(Validated { checked_at: self.clock.now(), managed_tenants: checked.listed.tenants.len() })
    }

    /// Lists the partner's customers with the stored sign-in, within `limit`. Newer tokens are stored only when it
    /// `keeps` them; those before stay valid.
    pub(crate) async fn check_direct(
        &self,
        workspace: WorkspaceId,
        connection: Option<&Connection>,
        graph: GraphSettings,
        (keeps, limit): (bool, Option<Duration>),
    ) -> Result<Checked, ValidateError> {
        if self.secrets.app_credentials(workspace).await?.is_none() {
            return Err(ValidateError::MissingCredentials);
        }
        let connection = connection.ok_or(ValidateError::MissingAccessToken)?;
        // Past the cache: somebody may have connected again a moment ago, in another process.
        let stored = DirectTokens::read_fresh(&self.secrets, workspace).await?;
        stored.ok_or(ValidateError::MissingAccessToken)?;
        let secrets = Arc::clone(&self.secrets);
        let credentials = Arc::new(Watched {
            stored: WorkspaceCredentials::new(secrets, workspace, connection.partner_tenant)
                .together(self.store.clone(), Arc::clone(&self.clock)),
            renewed: AtomicBool::new(false),
            granted: Mutex::default(),
            keeps,
        });
        let directory = Arc::new(GraphDirectory::new(
            graph,
            self.http.clone(),
            Arc::clone(&credentials) as Arc<dyn Credentials>,
            Arc::clone(&self.clock),
            Arc::clone(&self.entropy),
        ));
        let listing = directory.managed_tenants();
        let listed = match limit {
            Some(limit) => within(limit, Code::GraphUnavailable, listing).await,
            None => listing.await,
        };
        // Whoever was stopped in between has not given it back.
        credentials.end_renewal().await;
        match listed {
            Ok(listed) => Ok(Checked { directory, listed, granted: credentials.granted() }),
            Err(error) => Err(ValidateError::of(error, credentials.renewed.load(Ordering::Relaxed))),
        }
    }

    /// Keeps the finding, unless the connection was replaced or given up meanwhile.
    pub(crate) async fn note(
        &self,
        workspace: WorkspaceId,
        connection: &Connection,
        found: &Result<Validated, ValidateError>,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let (status, failure) = match found {
            Ok(_) => (ConnectionStatus::Connected, None),
            Err(error) if error.is_a_finding() => {
                let message = format!("{} {}", error.what_happened(), error.remedy());
                let failure = ValidationFailure { message, code: error.code().to_owned(), checked_at: now };
                (ConnectionStatus::ValidationFailed, Some(failure))
            }
            Err(_) => return Ok(()),
        };
        self.change_in_force(workspace, connection.id, |connection| {
            connection.connection_status = status;
            connection.last_validated_at = Some(now);
            connection.last_validation_error = failure;
        })
        .await?;
        Ok(())
    }
}

/// Stored credentials, and whether they were renewed since.
struct Watched {
    stored: WorkspaceCredentials,
    renewed: AtomicBool,
    /// What the newest ones may do, if that was told.
    granted: Mutex<Option<Vec<String>>>,
    /// Whether newer tokens are stored.
    keeps: bool,
}

impl Watched {
    fn granted(&self) -> Option<Vec<String>> {
        self.granted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Credentials for Watched {
    async fn app(&self) -> Result<AppCredentials, ReadError> {
        self.stored.app().await
    }

    async fn refresh_token(&self) -> Result<SecretString, ReadError> {
        self.stored.refresh_token().await
    }

    async fn newest_refresh_token(&self) -> Result<SecretString, ReadError> {
        self.stored.newest_refresh_token().await
    }

    // What is kept is not asked for: it would be good for an hour after the sign-in has ended.

    async fn begin_renewal(&self, known: Option<&SecretString>) -> Result<Renewal, ReadError> {
        let renewal = if self.keeps { self.stored.begin_renewal(known).await? } else { Renewal::Ours };
        self.renewed.fetch_or(matches!(renewal, Renewal::Done(_)), Ordering::Relaxed);
        Ok(renewal)
    }

    async fn end_renewal(&self) {
        self.stored.end_renewal().await;
    }

    async fn keep(&self, used: &SecretString, new: TokenGrant) -> Result<(), ReadError> {
        self.renewed.store(true, Ordering::Relaxed);
        self.granted.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&new.scopes);
        if self.keeps { self.stored.keep(used, new).await } else { Ok(()) }
    }

    fn partner_tenant(&self) -> Option<EntraTenantId> {
        self.stored.partner_tenant()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_the_contract() {
        for (code, renewed, expected) in [
            (Code::AppCredentialsMissing, false, "missing_credentials"),
            (Code::NotConnected, false, "missing_access_token"),
            (Code::SignInRevoked, false, "refresh_failed"),
            (Code::ClientSecretExpired, false, "refresh_failed"),
            (Code::SignInRevoked, true, "post_refresh_validation_failed"),
            (Code::PartnerTokenRefused, true, "post_refresh_validation_failed"),
            (Code::PartnerRoleMissing, true, "upstream_error"),
            (Code::GraphUnavailable, true, "upstream_error"),
            (Code::LoginUnavailable, false, "upstream_error"),
            (Code::CredentialsUnavailable, false, "credentials_unavailable"),
        ] {
            let error = ValidateError::of(code.into(), renewed);
            assert_eq!(error.code(), expected, "{code}");
            assert!(!error.what_happened().is_empty() && !error.remedy().is_empty());
        }
    }
}
