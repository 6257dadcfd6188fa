//! What holds for one client instead of the workspace's settings.

use domain::{
    fields::FieldRules,
    ids::{ClientId, WorkspaceId},
};
use serde::Serialize;
use store::{ClientOverrides, StoreError};

use crate::{Refusal, Settings, SettingsView, more_than_everybody, view};

/// Most bytes of one client's overrides: they travel with every run.
const OVERRIDES_BYTES_MAX: usize = 16_000;

/// One client's part of the settings.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientSettingsView {
    /// The client.
    pub client_id: ClientId,
    /// What is said for this client alone.
    pub overrides: ClientOverrides,
    /// What holds for it, with the workspace's settings where nothing else is said.
    pub effective: SettingsView,
}

impl Settings {
    /// The clients that have overrides, by id.
    pub async fn overridden(&self, workspace: WorkspaceId) -> Result<Vec<ClientSettingsView>, StoreError> {
        let settings = self.store.settings(workspace).await?;
        let overrides = self.store.overrides(workspace).await?;
        let of = |(client_id, overrides): (ClientId, ClientOverrides)| ClientSettingsView {
            client_id,
            effective: view(&settings.overridden_by(&overrides)),
            overrides,
        };
        Ok(overrides.into_iter().map(of).collect())
    }

    /// What holds for one client.
    pub async fn of_client(
        &self,
        workspace: WorkspaceId,
        client_id: ClientId,
    ) -> Result<Result<ClientSettingsView, Refusal>, StoreError> {
        if self.store.client_by_id(workspace, client_id).await?.is_none() {
            return Ok(Err(Refusal::ClientUnknown));
        }
        let settings = self.store.settings(workspace).await?;
        let overrides = self.store.overrides_of(workspace, client_id).await?;
        let effective = view(&settings.overridden_by(&overrides));
        Ok(Ok(ClientSettingsView { client_id, overrides, effective }))
    }

    /// Says what holds for one client; it replaces what was said before. Empty overrides give the client
    /// back to the workspace's settings.
    pub async fn override_for(
        &self,
        workspace: WorkspaceId,
        client: ClientId,
        overrides: ClientOverrides,
    ) -> Result<Result<ClientSettingsView, Refusal>, StoreError> {
        let settings = self.store.settings(workspace).await?;
        if let Err(refusal) = check(&settings, &overrides) {
            return Ok(Err(refusal));
        }
        if self.store.client_by_id(workspace, client).await?.is_none() {
            return Ok(Err(Refusal::ClientUnknown));
        }
        self.store.put_overrides(workspace, client, &overrides).await?;
        self.of_client(workspace, client).await
    }
}

fn check(settings: &store::SyncSettings, overrides: &ClientOverrides) -> Result<(), Refusal> {
    if serde_json::to_vec(overrides).map_or(usize::MAX, |bytes| bytes.len()) > OVERRIDES_BYTES_MAX {
        return Err(Refusal::TooLarge);
    }
    if !overrides.field_sync_config.is_null() {
        FieldRules::parse(&overrides.field_sync_config).map_err(Refusal::Rules)?;
    }
    settings.scope.overridden_by(&overrides.scope).compile().map_err(Refusal::Scope)?;
    if more_than_everybody(overrides.vanish, overrides.limits) {
        return Err(Refusal::Percent);
    }
    Ok(())
}
