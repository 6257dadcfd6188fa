//! The workspace's sync settings.

use domain::{fields::FieldRules, ids::WorkspaceId, policy::VanishRules, scope::ScopeRules};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    error::StoreError,
    keys,
    table::{Condition, Store},
};

/// Rules that hold for every tenant of the workspace.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SyncSettings {
    /// The PSA's overwrite rules, as it sent them.
    pub field_sync_config: Value,
    /// Who is taken.
    pub scope: ScopeRules,
    /// What happens to people who are gone.
    pub vanish: VanishRules,
}

impl SyncSettings {
    /// The overwrite rules.
    pub fn fields(&self) -> FieldRules {
        FieldRules::from_psa(&self.field_sync_config)
    }
}

impl Store {
    /// The settings; the defaults before the first save.
    pub async fn settings(&self, workspace: WorkspaceId) -> Result<SyncSettings, StoreError> {
        Ok(self.get("settings", &keys::settings(workspace)).await?.unwrap_or_default())
    }

    /// Saves the settings.
    pub async fn put_settings(
        &self,
        workspace: WorkspaceId,
        settings: &SyncSettings,
    ) -> Result<(), StoreError> {
        self.put("settings", &keys::settings(workspace), settings, Condition::default()).await?;
        Ok(())
    }
}
