//! What the operator has decided for all tenants of a workspace: who is synced, which fields are
//! written, and when people who are gone become inactive.
//!
//! Settings take effect with the next run; a run that is going on keeps to those it began a batch
//! with.

mod clients;
pub mod routes;

use std::sync::Arc;

use ambient::{Clock, SystemClock};
pub use clients::{ClientSettingsView, PlannedOverrides};
use domain::{
    consent::Asked,
    fields::{FieldRules, Hidden, InvalidRule},
    ids::{UserId, WorkspaceId},
    policy::{RunLimits, StopLimits, VanishRules},
    scope::{InvalidScope, ScopeRules},
};
use jiff::Timestamp;
use runtime::Foundation;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{CompleteReadHours, Store, StoreError, SyncSettings};

/// Everything the use cases need.
#[derive(Clone)]
pub struct Settings {
    /// The table.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// The settings as they are read.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SettingsView {
    /// Overwrite rules under the PSA's six keys and our own: truth values where a rule is plainly on or
    /// off, the policy or an object otherwise.
    pub field_sync_config: FieldRules,
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
    pub four_eyes: bool,
    /// Fields whose values are not shown in lines, explanations and stories of people.
    pub hidden_fields: Hidden,
}

/// What one person has asked for and another one has to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AwaitedView {
    /// What: `allow` with the run and its lines; `settings`, those that would change; `client` with what would
    /// hold for it. Null when it was not noted.
    pub asks: Value,
    /// Who has asked.
    pub asked_by: UserId,
    /// When.
    pub asked_at: Timestamp,
    /// Until when somebody else can ask for the same.
    pub until: Timestamp,
}

/// A change of some settings; what is absent stays.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SettingsChange {
    /// Overwrite rules in any of the PSA's spellings or ours; they replace the present ones as a
    /// whole.
    pub field_sync_config: Option<Value>,
    /// Who is taken.
    pub scope: Option<ScopeRules>,
    /// What happens to people who are leaving.
    pub vanish: Option<VanishRules>,
    /// What waits for an operator.
    pub limits: Option<StopLimits>,
    /// What of all tenants of a run together waits for an operator.
    pub run_limits: Option<RunLimits>,
    /// After how many hours everybody is read again, not only who has changed; 0 = always.
    pub complete_read_hours: Option<CompleteReadHours>,
    /// Whether it takes two people to let lines through that wait, and to widen what lets them wait.
    pub four_eyes: Option<bool>,
    /// Fields whose values are not shown in lines, explanations and stories of people.
    pub hidden_fields: Option<Hidden>,
}

/// A change that makes sense, and is not saved yet.
#[derive(Clone, Debug)]
pub struct Planned {
    before: SyncSettings,
    after: SyncSettings,
}

impl Planned {
    /// What two people have to ask for, if it takes two.
    pub fn takes_two(&self) -> Option<Value> {
        self.before.takes_two_for(&self.after).then(|| json!({ "settings": self.after }))
    }
}

/// A change that makes no sense.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// There is no such client.
    ClientUnknown,
    /// More than everybody.
    Percent,
    /// Overwrite rules that mean nothing, each part on its own.
    Rules(Vec<InvalidRule>),
    /// Scope rules that mean nothing, each part on its own.
    Scope(InvalidScope),
    /// More than is kept for one client.
    TooLarge,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").finish_non_exhaustive()
    }
}

impl Settings {
    /// The use cases as the Lambda function runs them.
    pub fn on_aws(foundation: &Foundation) -> Self {
        Self { store: assembly::store(foundation), clock: Arc::new(SystemClock) }
    }

    /// The settings in force.
    pub async fn read(&self, workspace: WorkspaceId) -> Result<SettingsView, StoreError> {
        self.store.settings(workspace).await.map(|settings| view(&settings))
    }

    /// The settings in force, and what one person has asked for and another one has to, the oldest first.
    pub async fn read_with_awaited(
        &self,
        workspace: WorkspaceId,
    ) -> Result<(SettingsView, Vec<AwaitedView>), StoreError> {
        let settings = self.store.settings(workspace).await?;
        let awaited = self.store.awaiting_second(workspace, self.clock.now()).await?;
        let awaited = awaited.into_iter().map(|asked| AwaitedView::new(asked, &settings)).collect();
        Ok((view(&settings), awaited))
    }

    /// Changes settings and answers those in force afterwards. Whether that takes two people is not asked.
    pub async fn change(
        &self,
        workspace: WorkspaceId,
        change: SettingsChange,
    ) -> Result<Result<SettingsView, Refusal>, StoreError> {
        match self.plan(workspace, change).await? {
            Ok(planned) => self.save(workspace, planned).await.map(Ok),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// What a change comes to.
    pub async fn plan(
        &self,
        workspace: WorkspaceId,
        change: SettingsChange,
    ) -> Result<Result<Planned, Refusal>, StoreError> {
        let fields = match check(&change) {
            Ok(fields) => fields,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let before = self.store.settings(workspace).await?;
        let after = SyncSettings {
            // Stored in one spelling, so that a later reader need not know the others.
            field_sync_config: fields.map_or(before.field_sync_config.clone(), |rules| json!(rules)),
            scope: change.scope.unwrap_or_else(|| before.scope.clone()),
            vanish: change.vanish.unwrap_or(before.vanish),
            limits: change.limits.unwrap_or(before.limits),
            run_limits: change.run_limits.unwrap_or(before.run_limits),
            complete_read_hours: change.complete_read_hours.unwrap_or(before.complete_read_hours),
            four_eyes: change.four_eyes.unwrap_or(before.four_eyes),
            hidden_fields: change.hidden_fields.unwrap_or_else(|| before.hidden_fields.clone()),
        };
        Ok(Ok(Planned { before, after }))
    }

    /// Saves a change and answers the settings in force afterwards.
    pub async fn save(&self, workspace: WorkspaceId, planned: Planned) -> Result<SettingsView, StoreError> {
        self.store.put_settings(workspace, &planned.after).await?;
        Ok(view(&planned.after))
    }
}

/// The overwrite rules of a change that makes sense.
fn check(change: &SettingsChange) -> Result<Option<FieldRules>, Refusal> {
    let fields = change.field_sync_config.as_ref().map(FieldRules::parse);
    let fields = fields.transpose().map_err(Refusal::Rules)?;
    if let Some(scope) = &change.scope {
        scope.compile().map_err(Refusal::Scope)?;
    }
    let of_run = change.run_limits.map(|limits| [limits.inactivations, limits.creations, limits.link_moves]);
    let more_in_run = of_run.into_iter().flatten().any(|share| share.percent > 100);
    if more_in_run || more_than_everybody(change.vanish, change.limits) {
        return Err(Refusal::Percent);
    }
    Ok(fields)
}

/// Whether a share is one of more than everybody.
fn more_than_everybody(vanish: Option<VanishRules>, limits: Option<StopLimits>) -> bool {
    let shares =
        limits.map(|limits| [limits.creations.percent, limits.link_moves.percent, limits.short_read_percent]);
    let mut shares = shares.into_iter().flatten().chain(vanish.map(|vanish| vanish.allowed_percent));
    shares.any(|percent| percent > 100)
}

impl AwaitedView {
    fn new(asked: Asked, now: &SyncSettings) -> Self {
        Self {
            asked_by: asked.by,
            asked_at: asked.at,
            until: asked.until(),
            asks: changes_only(asked.what, now),
        }
    }
}

fn view(settings: &SyncSettings) -> SettingsView {
    SettingsView {
        field_sync_config: settings.fields(),
        scope: settings.scope.clone(),
        vanish: settings.vanish,
        limits: settings.limits,
        run_limits: settings.run_limits,
        complete_read_hours: settings.complete_read_hours,
        four_eyes: settings.four_eyes,
        hidden_fields: settings.hidden_fields.clone(),
    }
}

/// Of settings that are asked for, those that are not in force, as they are shown elsewhere.
fn changes_only(mut asks: Value, now: &SyncSettings) -> Value {
    let shown = |settings: &SyncSettings| serde_json::to_value(view(settings)).unwrap_or_default();
    if let Some(settings) = asks.get_mut("settings")
        && let Ok(wanted) = serde_json::from_value::<SyncSettings>(settings.clone())
    {
        let (mut changes, now) = (shown(&wanted), shown(now));
        if let Some(changes) = changes.as_object_mut() {
            changes.retain(|name, wanted| now.get(name) != Some(wanted));
        }
        *settings = changes;
    }
    asks
}
