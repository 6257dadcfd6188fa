//! The platform's feature flags: making them, changing them, and switching them on for a workspace.
//!
//! Only the master workspace decides about flags: by its key, or in a session of its own staff. What is
//! switched off is hidden and stops; nothing that was stored is touched.

mod access;
mod change;
pub mod routes;

use std::sync::Arc;

use ambient::{Clock, Entropy, SystemClock, SystemEntropy};
use domain::{
    flags::{Feature, Filters},
    ids::{FlagId, WorkspaceId},
};
use jiff::Timestamp;
use runtime::Foundation;
use serde::Serialize;
use store::{FeatureFlag, Store, StoreError};

pub use access::Access;
pub use change::{FlagChange, InvalidFlag};

/// Everything the use cases need.
pub struct Flags {
    /// The table.
    pub store: Store,
    /// Who may.
    pub access: Access,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For ids.
    pub entropy: Arc<dyn Entropy>,
}

impl std::fmt::Debug for Flags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Flags")
    }
}

/// What a flag is named by in an address: its id, or its key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FlagName {
    /// Its id.
    Id(FlagId),
    /// Its key.
    Key(String),
}

/// Which flags there were, and which were made.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ensured {
    /// Keys of those that were made now.
    pub created_keys: Vec<&'static str>,
    /// Keys of those that were there, and stay as they are.
    pub existing_keys: Vec<&'static str>,
}

/// Why a flag was not changed.
#[derive(Debug, thiserror::Error)]
pub enum NotChanged {
    /// What is wanted makes no sense.
    #[error(transparent)]
    Invalid(#[from] InvalidFlag),
    /// Another flag has the key.
    #[error("another flag has the key")]
    KeyTaken,
    /// Others kept changing it.
    #[error("the flag keeps changing")]
    Contended,
    /// There is no such flag.
    #[error("there is no such flag")]
    NotFound,
    /// The store failed.
    #[error("the flag could not be stored")]
    Store(#[from] StoreError),
}

impl From<&str> for FlagName {
    fn from(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Key(text.trim().to_owned()), Self::Id)
    }
}

impl Flags {
    /// The use cases as the Lambda function runs them.
    pub fn on_aws(foundation: &Foundation) -> Self {
        Self {
            store: assembly::store(foundation),
            access: Access::of(&foundation.settings),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        }
    }

    /// Makes the flags of all features that are not there yet, on for `on_for` and nobody else. Those that
    /// are there stay as they are.
    pub async fn ensure(&self, on_for: Option<WorkspaceId>) -> Result<Ensured, StoreError> {
        let nobody = Filters::default();
        let filters = on_for.map_or_else(|| nobody.clone(), |workspace| nobody.with(workspace));
        let mut ensured = Ensured::default();
        for feature in Feature::ALL {
            let wanted = FlagChange { filters: Some(filters.clone()), ..FlagChange::for_feature(feature) };
            let flag = wanted.onto(self.new_flag(feature.key()));
            let keys = if self.store.create_flag(&flag).await? {
                &mut ensured.created_keys
            } else {
                &mut ensured.existing_keys
            };
            keys.push(feature.key());
        }
        Ok(ensured)
    }

    /// Makes a flag.
    pub async fn create(&self, key: &str, wanted: FlagChange) -> Result<FeatureFlag, NotChanged> {
        change::check_key(key)?;
        let flag = wanted.onto(self.new_flag(key));
        if self.store.create_flag(&flag).await? { Ok(flag) } else { Err(NotChanged::KeyTaken) }
    }

    /// One flag.
    pub async fn find(&self, name: &FlagName) -> Result<Option<FeatureFlag>, StoreError> {
        match name {
            FlagName::Id(id) => self.store.flag_by_id(*id).await,
            FlagName::Key(key) => self.store.flag_by_key(key).await,
        }
    }

    /// Changes what `change` names; the rest stays, whoever changes that meanwhile.
    pub async fn change(&self, name: &FlagName, change: &FlagChange) -> Result<FeatureFlag, NotChanged> {
        self.replace(name, |before| change.clone().onto(before)).await
    }

    /// Deletes a flag: it is off for everybody, and its key is free. What it said is kept.
    pub async fn delete(&self, name: &FlagName) -> Result<FeatureFlag, NotChanged> {
        let now = self.clock.now();
        self.replace(name, |before| FeatureFlag { deleted_at: Some(now), ..before }).await
    }

    /// Switches a flag on or off for one workspace. Doing it again changes nothing.
    pub async fn target(
        &self,
        name: &FlagName,
        workspace: WorkspaceId,
        on: bool,
    ) -> Result<FeatureFlag, NotChanged> {
        let found = self.find(name).await?.ok_or(NotChanged::NotFound)?;
        if on {
            change::check_size(&found.filters.with(workspace))?;
        }
        let flag = self.store.target_flag(found.id, workspace, on, self.clock.now()).await?;
        flag.ok_or(NotChanged::NotFound)
    }

    async fn replace(
        &self,
        name: &FlagName,
        change: impl Fn(FeatureFlag) -> FeatureFlag,
    ) -> Result<FeatureFlag, NotChanged> {
        /// Each time, somebody else has come further.
        const ATTEMPTS_MAX: usize = 50;
        let mut name = name.clone();
        for _ in 0..ATTEMPTS_MAX {
            let before = self.find(&name).await?.ok_or(NotChanged::NotFound)?;
            // Whatever happens to its key.
            name = FlagName::Id(before.id);
            let (revision, updated_at) = (before.revision + 1, self.clock.now());
            let after = FeatureFlag { revision, updated_at, ..change(before.clone()) };
            match self.store.change_flag(&before, &after).await? {
                store::FlagChanged::Done => return Ok(after),
                store::FlagChanged::KeyTaken => return Err(NotChanged::KeyTaken),
                store::FlagChanged::Stale => {}
            }
        }
        Err(NotChanged::Contended)
    }

    fn new_flag(&self, key: &str) -> FeatureFlag {
        let now: Timestamp = self.clock.now();
        FeatureFlag::new(FlagId::new(self.entropy.time_ordered_id(now)), key, now)
    }
}
