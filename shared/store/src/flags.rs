//! The platform's feature flags.
//!
//! A flag lives under its key, so that there is one of each and the guards find it with one read. A
//! deleted one stays as it was, with the time; its key is free again.

use domain::{
    flags::{Feature, Filters},
    ids::{FlagId, WorkspaceId},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    error::StoreError,
    keys,
    table::{Change, Condition, Query, Store, Transacted, Write, decode, encode, number, text, value},
};

const WHAT: &str = "feature flag";

/// A key without a flag: never used, or deleted.
const FREE: &str = "attribute_not_exists(pk) OR attribute_exists(deletedAt)";

/// How often a change is tried anew because somebody else was first: each time, somebody has come further.
const ATTEMPTS_MAX: usize = 200;

/// A feature flag.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FeatureFlag {
    /// What it is found by, whatever becomes of its key.
    pub id: FlagId,
    /// What it is asked for by.
    pub key: String,
    /// What it is called.
    pub name: String,
    /// Whether its filters count; otherwise it is on for nobody.
    pub active: bool,
    /// Whom it is on for.
    pub filters: Filters,
    /// For finding it.
    pub tags: Vec<String>,
    /// Counts its changes.
    pub revision: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}

/// What became of a change to a flag.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FlagChanged {
    /// It is stored.
    Done,
    /// Somebody else has changed the flag meanwhile; nothing was stored.
    Stale,
    /// Another flag has the new key; nothing was stored.
    KeyTaken,
}

impl FeatureFlag {
    /// A flag that was made `at` some time and is on for nobody yet; it is called by its key.
    pub fn new(id: FlagId, key: &str, at: Timestamp) -> Self {
        Self {
            id,
            key: key.to_owned(),
            name: key.to_owned(),
            active: true,
            filters: Filters::default(),
            tags: Vec::new(),
            revision: 1,
            created_at: at,
            updated_at: at,
            deleted_at: None,
        }
    }

    /// Whether it is on for a workspace.
    pub fn is_on_for(&self, workspace: WorkspaceId) -> bool {
        self.deleted_at.is_none() && self.active && self.filters.include(&self.key, workspace)
    }
}

impl Store {
    /// Whether a feature's flag is on for a workspace. One that was never made is off.
    pub async fn feature_is_on(&self, workspace: WorkspaceId, feature: Feature) -> Result<bool, StoreError> {
        let flag: Option<FeatureFlag> = self.get(WHAT, &keys::flag(feature.key())).await?;
        Ok(flag.is_some_and(|flag| flag.is_on_for(workspace)))
    }

    /// The flag under a key.
    pub async fn flag_by_key(&self, key: &str) -> Result<Option<FeatureFlag>, StoreError> {
        let flag: Option<FeatureFlag> = self.get(WHAT, &keys::flag(key)).await?;
        Ok(flag.filter(|flag| flag.deleted_at.is_none()))
    }

    /// The flag with an id.
    pub async fn flag_by_id(&self, id: FlagId) -> Result<Option<FeatureFlag>, StoreError> {
        let flags: Vec<FeatureFlag> = self.query(WHAT, keys::FLAGS, None).await?;
        Ok(flags.into_iter().find(|flag| flag.id == id && flag.deleted_at.is_none()))
    }

    /// At most `limit` flags by their keys, those after `after`, and whether there are more.
    pub async fn flags(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<FeatureFlag>, bool), StoreError> {
        let mut query =
            Query { after: after.map(|after| after_key(&keys::flag(after))), ..Query::of(keys::FLAGS) };
        let mut found = Vec::new();
        loop {
            let (items, next) = self.query_page(&query).await?;
            for item in items {
                let flag: FeatureFlag = decode(WHAT, item)?;
                if flag.deleted_at.is_some() {
                    continue;
                }
                if found.len() == limit {
                    return Ok((found, true));
                }
                found.push(flag);
            }
            match next {
                Some(next) => query.after = Some(next),
                None => return Ok((found, false)),
            }
        }
    }

    /// Stores a new flag. Answers false when its key is another flag's.
    pub async fn create_flag(&self, flag: &FeatureFlag) -> Result<bool, StoreError> {
        let free = Condition::of(FREE, Vec::new());
        Ok(self.put(WHAT, &keys::flag(&flag.key), flag, free).await?.is_done())
    }

    /// Switches a flag on or off for one workspace, whoever else changes it at the same time. Answers the
    /// flag as it is afterwards; `None` when there is none with this id.
    pub async fn target_flag(
        &self,
        id: FlagId,
        workspace: WorkspaceId,
        on: bool,
        at: Timestamp,
    ) -> Result<Option<FeatureFlag>, StoreError> {
        let Some(mut flag) = self.flag_by_id(id).await? else { return Ok(None) };
        for _ in 0..ATTEMPTS_MAX {
            let filters = if on { flag.filters.with(workspace) } else { flag.filters.without(workspace) };
            if filters == flag.filters {
                return Ok(Some(flag));
            }
            let after = FeatureFlag { filters, revision: flag.revision + 1, updated_at: at, ..flag.clone() };
            if self.change_flag(&flag, &after).await? == FlagChanged::Done {
                return Ok(Some(after));
            }
            match self.flag_by_key(&flag.key).await? {
                Some(newer) if newer.id == id => flag = newer,
                // It was given another key, or deleted.
                _ => match self.flag_by_id(id).await? {
                    Some(newer) => flag = newer,
                    None => return Ok(None),
                },
            }
        }
        Err(StoreError::Unavailable { operation: "PutItem", code: "the flag keeps changing".to_owned() })
    }

    /// Stores `after` in the place of `before`, if nobody has changed the flag since `before` was read.
    pub async fn change_flag(
        &self,
        before: &FeatureFlag,
        after: &FeatureFlag,
    ) -> Result<FlagChanged, StoreError> {
        let unchanged = Condition::of(
            "id = :id AND revision = :before AND attribute_not_exists(deletedAt)",
            vec![(":id", text(before.id)), (":before", number(before.revision))],
        );
        if before.key == after.key {
            let written = self.put(WHAT, &keys::flag(&after.key), after, unchanged).await?;
            return Ok(if written.is_done() { FlagChanged::Done } else { FlagChanged::Stale });
        }
        let moved = Write::Put {
            item: encode(WHAT, &keys::flag(&after.key), after)?,
            condition: Condition::of(FREE, Vec::new()),
        };
        let given_up = Write::Update(Change {
            key: keys::flag(&before.key),
            expression: "SET deletedAt = :at, revision = :after".into(),
            condition: unchanged,
            extra: vec![(":at", value(WHAT, &after.updated_at)?), (":after", number(after.revision))],
        });
        Ok(match self.transact(vec![moved, given_up]).await? {
            Transacted::Done => FlagChanged::Done,
            Transacted::Refused(failed) if failed.get(1) == Some(&true) => FlagChanged::Stale,
            Transacted::Refused(_) => FlagChanged::KeyTaken,
        })
    }
}

fn after_key(key: &keys::Key) -> crate::table::Item {
    crate::table::Item::from([("pk".to_owned(), text(&key.pk)), ("sk".to_owned(), text(&key.sk))])
}
