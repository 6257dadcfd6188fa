//! What holds for one client instead of the workspace's settings.

use domain::{
    fields::FieldRules,
    ids::{ClientId, WorkspaceId},
};
use serde::Serialize;
use serde_json::{Value, json};
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
    /// back to the workspace's settings. Whether that takes two people is not asked.
    pub async fn override_for(
        &self,
        workspace: WorkspaceId,
        client: ClientId,
        overrides: ClientOverrides,
    ) -> Result<Result<ClientSettingsView, Refusal>, StoreError> {
        match self.plan_for(workspace, client, overrides).await? {
            Ok(planned) => self.save_for(workspace, planned).await,
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// What overrides come to.
    pub async fn plan_for(
        &self,
        workspace: WorkspaceId,
        client: ClientId,
        overrides: ClientOverrides,
    ) -> Result<Result<PlannedOverrides, Refusal>, StoreError> {
        let settings = self.store.settings(workspace).await?;
        if let Err(refusal) = check(&settings, &overrides) {
            return Ok(Err(refusal));
        }
        if self.store.client_by_id(workspace, client).await?.is_none() {
            return Ok(Err(Refusal::ClientUnknown));
        }
        let kept = self.store.overrides_of(workspace, client).await?;
        let changes_fields = overrides.field_sync_config != kept.field_sync_config;
        let takes_two = settings.overridden_by(&kept).takes_two_for(&settings.overridden_by(&overrides));
        Ok(Ok(PlannedOverrides { client, overrides, takes_two, changes_fields }))
    }

    /// Saves what holds for one client.
    pub async fn save_for(
        &self,
        workspace: WorkspaceId,
        planned: PlannedOverrides,
    ) -> Result<Result<ClientSettingsView, Refusal>, StoreError> {
        self.store.put_overrides(workspace, planned.client, &planned.overrides).await?;
        self.of_client(workspace, planned.client).await
    }
}

/// Overrides that make sense, and are not saved yet.
#[derive(Clone, Debug)]
pub struct PlannedOverrides {
    client: ClientId,
    overrides: ClientOverrides,
    takes_two: bool,
    changes_fields: bool,
}

impl PlannedOverrides {
    /// Whether the field rules of the client become others.
    pub fn changes_fields(&self) -> bool {
        self.changes_fields
    }

    /// What two people have to ask for, if it takes two.
    pub fn takes_two(&self) -> Option<Value> {
        self.takes_two.then(|| json!({ "client": self.client, "overrides": self.overrides }))
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
