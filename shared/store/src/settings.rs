//! The workspace's sync settings.

use std::collections::BTreeMap;

use domain::{
    fields::{FieldRules, Hidden},
    ids::{ClientId, WorkspaceId},
    planner::InForce,
    policy::{RunLimits, StopLimits, VanishRules},
    scope::{ScopeOverrides, ScopeRules},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

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
    /// What of all tenants of a run together waits for an operator.
    pub run_limits: RunLimits,
    /// After how many hours everybody is read again, not only who has changed; 0 = always.
    pub complete_read_hours: CompleteReadHours,
    /// Whether it takes two people to let lines through that wait, and to widen what lets them wait.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub four_eyes: bool,
    /// Fields whose values are not shown.
    #[serde(skip_serializing_if = "Hidden::is_none")]
    pub hidden_fields: Hidden,
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

    /// The stop limits.
    pub fn in_force(&self) -> InForce {
        InForce::new(&self.limits, &self.vanish, self.run_limits)
    }

    /// Whether the same is planned of everybody under `other`: what a person's line says follows from these
    /// rules. The limits only decide when it waits, and the confirmations when it is planned.
    pub fn decides_like(&self, other: &Self) -> bool {
        let timings = |settings: &Self| (settings.vanish.disabled, settings.vanish.out_of_scope);
        self.fields() == other.fields() && self.scope == other.scope && timings(self) == timings(other)
    }

    /// What holds for a client, whose overrides are among `all` if it has any.
    #[must_use]
    pub fn of_client(&self, client: ClientId, all: &Overrides) -> Self {
        all.get(&client).map_or_else(|| self.clone(), |own| self.overridden_by(own))
    }

    /// What holds for a client with these overrides.
    #[must_use]
    pub fn overridden_by(&self, overrides: &ClientOverrides) -> Self {
        Self {
            field_sync_config: json!(self.fields().overridden_by(&overrides.field_sync_config)),
            scope: self.scope.overridden_by(&overrides.scope),
            vanish: overrides.vanish.unwrap_or(self.vanish),
            limits: overrides.limits.unwrap_or(self.limits),
            run_limits: self.run_limits,
            complete_read_hours: self.complete_read_hours,
            four_eyes: self.four_eyes,
            hidden_fields: self.hidden_fields.clone(),
        }
    }

    /// Whether a change from these settings takes two people: more would pass than now without an operator's
    /// word, or one person's would do.
    pub fn takes_two_for(&self, after: &Self) -> bool {
        let lets_more = after.in_force().lets_more_than(&self.in_force())
            || after.limits.short_read_percent < self.limits.short_read_percent;
        self.four_eyes && (lets_more || !after.four_eyes)
    }
}

/// What holds for one client instead of the workspace's settings. What is absent stays as the workspace
/// has it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ClientOverrides {
    /// Overwrite rules, of which only the keys that are there count.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub field_sync_config: Value,
    /// Who is taken.
    pub scope: ScopeOverrides,
    /// What happens to people who are leaving.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vanish: Option<VanishRules>,
    /// What waits for an operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<StopLimits>,
}

impl ClientOverrides {
    /// Whether the workspace's settings hold as they are.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Overrides of those clients that have any.
pub type Overrides = BTreeMap<ClientId, ClientOverrides>;

#[derive(Deserialize, Serialize)]
struct OverridesRow {
    overrides: ClientOverrides,
}

impl Store {
    /// Tries out whether the table can be read, and written: by a change whose condition never holds, so that
    /// nothing is changed.
    pub async fn try_out(&self, workspace: WorkspaceId) -> Result<(), StoreError> {
        let condition = Condition {
            expression: "attribute_exists(pk) AND attribute_not_exists(pk)",
            names: vec![("#never", "never")],
            ..Condition::default()
        };
        self.update(&keys::settings(workspace), "REMOVE #never", condition, Vec::new()).await?;
        Ok(())
    }

    /// The settings; the defaults before the first save.
    pub async fn settings(&self, workspace: WorkspaceId) -> Result<SyncSettings, StoreError> {
        Ok(self.get("settings", &keys::settings(workspace)).await?.unwrap_or_default())
    }

    /// The overrides of every client that has any.
    pub async fn overrides(&self, workspace: WorkspaceId) -> Result<Overrides, StoreError> {
        #[derive(Deserialize)]
        struct Keyed {
            sk: String,
            overrides: ClientOverrides,
        }
        let pk = keys::settings(workspace).pk;
        let rows: Vec<Keyed> = self.query("client settings", &pk, Some("CLIENT#")).await?;
        let mut overrides = Overrides::new();
        for row in rows.into_iter().filter(|row| !row.overrides.is_empty()) {
            let client = row.sk.trim_start_matches("CLIENT#").parse();
            let client = client.map_err(|error| StoreError::damaged("client settings", error))?;
            overrides.insert(client, row.overrides);
        }
        Ok(overrides)
    }

    /// What holds for one client instead of the workspace's settings.
    pub async fn overrides_of(
        &self,
        workspace: WorkspaceId,
        client: ClientId,
    ) -> Result<ClientOverrides, StoreError> {
        let row: Option<OverridesRow> =
            self.get("client settings", &keys::client_settings(workspace, client)).await?;
        Ok(row.map(|row| row.overrides).unwrap_or_default())
    }

    /// Saves what holds for one client; empty overrides give it back to the workspace's settings.
    pub async fn put_overrides(
        &self,
        workspace: WorkspaceId,
        client: ClientId,
        overrides: &ClientOverrides,
    ) -> Result<(), StoreError> {
        let key = keys::client_settings(workspace, client);
        let row = OverridesRow { overrides: overrides.clone() };
        self.put("client settings", &key, &row, Condition::default()).await?;
        Ok(())
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
