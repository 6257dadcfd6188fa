//! The workspace's sync settings.

use domain::{
    fields::FieldRules,
    ids::WorkspaceId,
    policy::{StopLimits, VanishRules},
    scope::ScopeRules,
};
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
    /// What happens to people who are leaving.
    pub vanish: VanishRules,
    /// What waits for an operator.
    pub limits: StopLimits,
    /// After how many hours everybody is read again, not only who has changed; 0 = always.
    pub complete_read_hours: CompleteReadHours,
}

/// Hours between complete reads; in between only who has changed is read. A directory's feed of changes
/// lasts a week, so more than 168 hours, the default, are a week. Zero reads everybody every time.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct CompleteReadHours(pub u32);

impl Default for CompleteReadHours {
    fn default() -> Self {
        Self(168)
    }
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
