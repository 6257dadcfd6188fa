//! The token set of a direct connection.

use domain::ids::EntraTenantId;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use crate::{Document, Family, WorkspaceSecret, key};

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

impl WorkspaceSecret for DirectTokens {
    const FAMILY: Family = Family::EntraDirect;

    /// A set without a refresh token is none.
    fn from_document(document: &Document) -> Option<Self> {
        Some(Self {
            access_token: document.value(key::DIRECT_ACCESS_TOKEN).cloned(),
            refresh_token: document.value(key::DIRECT_REFRESH_TOKEN)?.clone(),
            expires_at: document.plain(key::DIRECT_TOKEN_EXPIRES_AT).and_then(|at| at.parse().ok()),
            scope: document.plain(key::DIRECT_TOKEN_SCOPE).map(str::to_owned),
            partner_tenant_id: document.plain(key::DIRECT_PARTNER_TENANT_ID).and_then(|id| id.parse().ok()),
        })
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
