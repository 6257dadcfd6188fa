//! Who decides about flags: the master workspace, by its key or in a session of its own.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Method, StatusCode, request::Parts},
};
use domain::ids::WorkspaceId;
use edge::{ApiError, Caller, Edition, Permission, ServiceEdition, admit};
use runtime::Settings;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::Flags;

const API_KEY: &str = "x-api-key";

/// The master workspace and its keys.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The workspace that decides about flags; without one nobody does.
    pub master: Option<WorkspaceId>,
    /// Its keys.
    pub keys: Vec<SecretString>,
}

/// Somebody who may decide about flags; taking it as an argument is the guard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Administrator;

impl Access {
    /// As the environment says.
    pub fn of(settings: &Settings) -> Self {
        Self { master: settings.master_workspace, keys: settings.platform_api_keys.clone() }
    }

    /// Whether a key is one of the master workspace's. How long that takes says nothing about the keys.
    fn knows(&self, key: &str) -> bool {
        let digest = |text: &str| Sha256::digest(text);
        let given = digest(key);
        self.keys.iter().fold(false, |known, key| known | (digest(key.expose_secret()) == given))
    }

    /// Admits whoever decides about flags: the holder of a key, or else a session of the master workspace.
    fn admit(
        &self,
        service: Edition,
        key: Option<&str>,
        caller: Option<&Caller>,
        permission: Permission,
    ) -> Result<(), ApiError> {
        if service != Edition::Enterprise {
            // The one refusal that needs no look at who is calling.
            return admit(service, caller, permission).map(|_| ());
        }
        let master = self.master.ok_or_else(not_configured)?;
        if key.is_some_and(|key| self.knows(key)) {
            return Ok(());
        }
        let caller = caller.ok_or_else(not_the_master)?;
        let caller = admit(service, Some(caller), permission)?;
        if caller.workspace == master { Ok(()) } else { Err(not_the_master()) }
    }
}

impl FromRequestParts<Arc<Flags>> for Administrator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, flags: &Arc<Flags>) -> Result<Self, ApiError> {
        let service = parts.extensions.get().map_or(Edition::Community, |ServiceEdition(edition)| *edition);
        let reads = parts.method == Method::GET || parts.method == Method::HEAD;
        let permission = if reads { Permission::Read } else { Permission::Update };
        flags.access.admit(service, key(&parts.headers), parts.extensions.get(), permission)?;
        Ok(Self)
    }
}

/// The key of a request that brings exactly one.
fn key(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(API_KEY).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok().map(str::trim),
        _ => None,
    }
}

fn not_configured() -> ApiError {
    ApiError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "flags_not_configured",
        "No workspace decides about feature flags, because none is configured; nothing was read or changed.",
        "Set MASTER_BILLING_TENANT_ID where this service is deployed.",
    )
}

fn not_the_master() -> ApiError {
    ApiError::forbidden(
        "master_workspace_only",
        "Only the master workspace decides about feature flags; nothing was read or changed.",
        "Send a key of the master workspace in the header x-api-key, or sign in there.",
    )
}
