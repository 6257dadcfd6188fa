//! Which Microsoft app registration a workspace uses.

use std::fmt;

use domain::{forecast::end_of_secret, ids::WorkspaceId};
use jiff::Timestamp;
use secrecy::SecretString;

use crate::{Document, Family, Scope, SecretChain, SecretError, key};

/// Where an app registration was found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CredentialSource {
    /// The installation's secrets.
    AppSecret,
    /// The environment the process was started with.
    Env,
    /// The workspace's own secrets.
    TenantSecret,
}

impl CredentialSource {
    /// The name on the wire (`directCredentialSource` in the status).
    pub const fn name(self) -> &'static str {
        match self {
            Self::AppSecret => "app-secret",
            Self::Env => "env",
            Self::TenantSecret => "tenant-secret",
        }
    }
}

impl fmt::Display for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An app registration: all of it from one source.
#[derive(Clone, Debug)]
pub struct AppCredentials {
    /// The application (client) id. No secret.
    pub client_id: String,
    /// The client secret.
    pub client_secret: SecretString,
    /// The tenant the app is registered in, as it was entered; for display only, never an
    /// authority to sign in at.
    pub tenant_id: Option<String>,
    /// When the client secret ends, if an operator noted it beside the secret: Microsoft tells it only to
    /// whoever may read the directory's applications.
    pub secret_ends: Option<Timestamp>,
    /// Where it was found.
    pub source: CredentialSource,
}

/// The names of the values in one source.
struct Keys {
    client_id: &'static str,
    client_secret: &'static str,
    tenant_id: &'static str,
    secret_ends: &'static str,
}

const WORKSPACE_KEYS: Keys = Keys {
    client_id: key::MICROSOFT_CLIENT_ID,
    client_secret: key::MICROSOFT_CLIENT_SECRET,
    tenant_id: key::MICROSOFT_TENANT_ID,
    secret_ends: key::MICROSOFT_CLIENT_SECRET_EXPIRES_AT,
};

const APP_KEYS: Keys = Keys {
    client_id: key::APP_MICROSOFT_CLIENT_ID,
    client_secret: key::APP_MICROSOFT_CLIENT_SECRET,
    tenant_id: key::APP_MICROSOFT_TENANT_ID,
    secret_ends: key::APP_MICROSOFT_CLIENT_SECRET_EXPIRES_AT,
};

impl SecretChain {
    /// The app registration `workspace` signs in with: its own, else the environment's, else the
    /// installation's. A source counts only when it has both the id and the secret.
    ///
    /// # Errors
    /// When a source could not be read. The next one is not used then: a token that was issued
    /// to one app is refused to another.
    pub async fn app_credentials(
        &self,
        workspace: WorkspaceId,
    ) -> Result<Option<AppCredentials>, SecretError> {
        let own = self
            .complete(Scope::Workspace(workspace), &WORKSPACE_KEYS, CredentialSource::TenantSecret)
            .await?;
        if own.is_some() {
            return Ok(own);
        }
        let environment =
            [APP_KEYS.client_id, APP_KEYS.client_secret, APP_KEYS.tenant_id, APP_KEYS.secret_ends]
                .into_iter()
                .filter_map(|key| Some((key, self.environment.value(key)?)))
                .fold(Document::new(), |document, (key, value)| document.with(key, value));
        match credentials(&environment, &APP_KEYS, CredentialSource::Env) {
            None => self.complete(Scope::App, &APP_KEYS, CredentialSource::AppSecret).await,
            found => Ok(found),
        }
    }

    async fn complete(
        &self,
        scope: Scope,
        keys: &Keys,
        source: CredentialSource,
    ) -> Result<Option<AppCredentials>, SecretError> {
        let usable = |document: &Document| credentials(document, keys, source).is_some();
        let stored = self.read_where(scope, Family::MicrosoftApp, usable).await?;
        Ok(stored.and_then(|stored| credentials(&stored.document, keys, source)))
    }
}

fn credentials(document: &Document, keys: &Keys, source: CredentialSource) -> Option<AppCredentials> {
    Some(AppCredentials {
        client_id: document.plain(keys.client_id)?.to_owned(),
        client_secret: document.value(keys.client_secret)?.clone(),
        tenant_id: document.plain(keys.tenant_id).map(str::to_owned),
        secret_ends: document.plain(keys.secret_ends).and_then(end_of_secret),
        source,
    })
}
