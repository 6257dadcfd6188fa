//! The token set of a direct connection.

use domain::ids::{EntraTenantId, WorkspaceId};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use crate::{Document, Family, Scope, SecretChain, SecretError, Version, key};

/// What a workspace signs in to Microsoft with. Read and replaced as a whole.
#[derive(Clone, Debug)]
pub struct DirectTokens {
    /// The partner's access token, if one is kept.
    pub access_token: Option<SecretString>,
    /// What new access tokens are redeemed with.
    pub refresh_token: SecretString,
    /// When the access token expires; none when unknown, which counts as not expired.
    pub expires_at: Option<Timestamp>,
    /// The scopes granted, separated by spaces.
    pub scope: Option<String>,
    /// The tenant the partner signed in to.
    pub partner_tenant_id: Option<EntraTenantId>,
}

impl DirectTokens {
    /// The token set of `workspace` and the state it is in; may be as old as the cache allows.
    /// A set without a refresh token is none.
    ///
    /// # Errors
    /// When there is none and a provider failed.
    pub async fn read(
        chain: &SecretChain,
        workspace: WorkspaceId,
    ) -> Result<Option<(Self, Version)>, SecretError> {
        let stored = chain.read_where(Scope::Workspace(workspace), Family::EntraDirect, is_token_set).await?;
        Ok(stored.and_then(|stored| Some((from_document(&stored.document)?, stored.version))))
    }

    /// Like [`DirectTokens::read`] without the cache: for whoever is about to refresh, or lost
    /// against another one who did.
    ///
    /// # Errors
    /// When there is none and a provider failed.
    pub async fn read_fresh(
        chain: &SecretChain,
        workspace: WorkspaceId,
    ) -> Result<Option<(Self, Version)>, SecretError> {
        let stored =
            chain.read_fresh_where(Scope::Workspace(workspace), Family::EntraDirect, is_token_set).await?;
        Ok(stored.and_then(|stored| Some((from_document(&stored.document)?, stored.version))))
    }

    /// Replaces the token set of `workspace` if nobody did since `expected` was read (none: if
    /// there was no set).
    ///
    /// # Errors
    /// [`SecretError::Conflict`] when somebody did: theirs is the newer refresh token, read it.
    pub async fn save(
        &self,
        chain: &SecretChain,
        workspace: WorkspaceId,
        expected: Option<&Version>,
    ) -> Result<Version, SecretError> {
        let scope = Scope::Workspace(workspace);
        chain.write(scope, Family::EntraDirect, &self.to_document(), expected).await
    }

    /// Replaces whatever is kept for `workspace`, also what cannot be understood: for a person
    /// who has just signed in, whose token set is newer than any other.
    ///
    /// # Errors
    /// When a provider failed, or others kept writing meanwhile ([`SecretError::Conflict`]).
    pub async fn replace(&self, chain: &SecretChain, workspace: WorkspaceId) -> Result<Version, SecretError> {
        chain.replace(Scope::Workspace(workspace), Family::EntraDirect, &self.to_document()).await
    }

    /// Removes the token set of `workspace`, if there is one. Microsoft is not told: only an
    /// administrator there can revoke what was consented to.
    ///
    /// # Errors
    /// When a provider failed or still supplies one.
    pub async fn clear(chain: &SecretChain, workspace: WorkspaceId) -> Result<(), SecretError> {
        chain.delete(Scope::Workspace(workspace), Family::EntraDirect).await
    }

    fn to_document(&self) -> Document {
        let text = |value: Option<String>| value.unwrap_or_default();
        Document::new()
            .with(
                key::DIRECT_ACCESS_TOKEN,
                self.access_token.as_ref().map_or("", ExposeSecret::expose_secret),
            )
            .with(key::DIRECT_REFRESH_TOKEN, self.refresh_token.expose_secret())
            .with(key::DIRECT_TOKEN_EXPIRES_AT, &text(self.expires_at.map(|at| at.to_string())))
            .with(key::DIRECT_TOKEN_SCOPE, self.scope.as_deref().unwrap_or_default())
            .with(key::DIRECT_PARTNER_TENANT_ID, &text(self.partner_tenant_id.map(|id| id.to_string())))
    }
}

fn is_token_set(document: &Document) -> bool {
    document.value(key::DIRECT_REFRESH_TOKEN).is_some()
}

fn from_document(document: &Document) -> Option<DirectTokens> {
    Some(DirectTokens {
        access_token: document.value(key::DIRECT_ACCESS_TOKEN).cloned(),
        refresh_token: document.value(key::DIRECT_REFRESH_TOKEN)?.clone(),
        expires_at: document.plain(key::DIRECT_TOKEN_EXPIRES_AT).and_then(|at| at.parse().ok()),
        scope: document.plain(key::DIRECT_TOKEN_SCOPE).map(str::to_owned),
        partner_tenant_id: document.plain(key::DIRECT_PARTNER_TENANT_ID).and_then(|id| id.parse().ok()),
    })
}
