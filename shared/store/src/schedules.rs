//! When the tenants of each workspace are synced by themselves.
//!
//! One item for each workspace that ever had a schedule, all of them in one partition: no role may scan the
//! table, and this is how those that are due are found.

use domain::{
    ids::{RunId, UserId, WorkspaceId},
    schedule::{Interval, Schedule},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    error::StoreError,
    keys,
    table::{Condition, Query, Store, decode, number, text, text_of, value},
};

const WHAT: &str = "schedule";

/// A schedule as it is stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredSchedule {
    /// The schedule.
    pub schedule: Schedule,
    /// When an operator has changed it last.
    pub updated_at: Timestamp,
    /// What became of its newest slot.
    pub last: Option<LastSlot>,
}

/// What became of a slot.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LastSlot {
    /// When it began.
    pub slot: Timestamp,
    /// The run that was started; `None` when none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// The code of why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    sync_enabled: bool,
    sync_interval_minutes: Interval,
    slots_since: Timestamp,
    updated_at: Timestamp,
    last: Option<LastSlot>,
}

impl From<Row> for StoredSchedule {
    fn from(row: Row) -> Self {
        let Row { sync_enabled, sync_interval_minutes, slots_since: since, updated_at, last } = row;
        Self { schedule: Schedule { sync_enabled, sync_interval_minutes, since }, updated_at, last }
    }
}

impl Store {
    /// The schedule of a workspace; `None` when it never had one.
    pub async fn schedule(&self, workspace: WorkspaceId) -> Result<Option<StoredSchedule>, StoreError> {
        let row: Option<Row> = self.get(WHAT, &keys::schedule(workspace)).await?;
        Ok(row.map(StoredSchedule::from))
    }

    /// Every schedule that is on; then why others cannot be read.
    pub async fn schedules(
        &self,
    ) -> Result<(Vec<(WorkspaceId, StoredSchedule)>, Vec<StoreError>), StoreError> {
        let mut query = Query::of(keys::SCHEDULES);
        let (mut found, mut unreadable) = (Vec::new(), Vec::new());
        loop {
            let (items, next) = self.query_page(&query).await?;
            for item in items {
                let workspace = text_of(&item, "sk").and_then(|sk| sk.parse().ok());
                let workspace = workspace.ok_or_else(|| StoreError::damaged(WHAT, "its key names nobody"));
                let row = decode::<Row>(WHAT, item);
                match workspace.and_then(|workspace| Ok((workspace, row?.into()))) {
                    Ok(stored) => found.push(stored),
                    Err(error) => unreadable.push(error),
                }
            }
            match next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
        found.retain(|(_, stored): &(_, StoredSchedule)| stored.schedule.sync_enabled);
        Ok((found, unreadable))
    }

    /// Saves a schedule. What became of its slots stays.
    pub async fn put_schedule(
        &self,
        workspace: WorkspaceId,
        schedule: &Schedule,
        by: Option<UserId>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut values = vec![
            (":on", value(WHAT, &schedule.sync_enabled)?),
            (":minutes", number(schedule.sync_interval_minutes.minutes())),
            (":since", text(schedule.since)),
            (":at", text(at)),
        ];
        let set =
            "SET syncEnabled = :on, syncIntervalMinutes = :minutes, slotsSince = :since, updatedAt = :at";
        let change = match by {
            Some(by) => {
                values.push((":by", text(by)));
                format!("{set}, updatedBy = :by")
            }
            None => format!("{set} REMOVE updatedBy"),
        };
        self.update(&keys::schedule(workspace), &change, Condition::default(), values).await?;
        Ok(())
    }

    /// Notes what became of a slot. Answers false when that, or what became of a later one, is noted already.
    pub async fn note_slot(&self, workspace: WorkspaceId, last: &LastSlot) -> Result<bool, StoreError> {
        let second = number(last.slot.as_second());
        let condition = Condition {
            names: vec![("#last", "last")],
            ..Condition::of(
                "attribute_exists(pk) AND (attribute_not_exists(lastSecond) OR lastSecond < :second)",
                vec![(":second", second)],
            )
        };
        let values = vec![(":last", value(WHAT, last)?)];
        let change = "SET #last = :last, lastSecond = :second";
        Ok(self.update(&keys::schedule(workspace), change, condition, values).await?.is_done())
    }
}
