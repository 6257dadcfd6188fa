//! Who is at renewing the sign-in of a workspace, and when that was last done.
//!
//! One item for each workspace that was ever connected, all of them in one partition: no role may scan the
//! table, and this is how those that are due are found, and those whose connection has something that ends.
//! An entry stays when the connection is given up. It does no harm, and one that was taken away while
//! somebody connects would leave a sign-in to end unseen.

use domain::ids::WorkspaceId;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::{
    error::StoreError,
    keys,
    table::{Condition, Store, Written, decode, number},
};

const WHAT: &str = "renewal";

/// How long a renewal may take: a token call with its repetitions, and keeping what came.
const LEASE: SignedDuration = SignedDuration::from_secs(120);

/// The right to renew, which one process has at a time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RenewalLease {
    token: u64,
}

/// What became of asking for that right.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RenewalTaken {
    /// It is the caller's.
    Taken(RenewalLease),
    /// Somebody else has it.
    Busy {
        /// Until when, at the longest.
        until: Timestamp,
    },
    /// The last renewal is too young.
    Recent {
        /// When that was.
        renewed_at: Timestamp,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    #[serde(default)]
    token: u64,
    #[serde(default)]
    busy_until: i64,
    /// In milliseconds, so that it can be compared where it is.
    #[serde(default)]
    renewed_at: Option<i64>,
    /// When a connection was made that has no sign-in, in milliseconds.
    #[serde(default)]
    listed_at: Option<i64>,
}

impl Row {
    /// Whether a sign-in was never heard of: what is listed is a connection without one.
    const fn has_no_sign_in(&self) -> bool {
        self.listed_at.is_some() && self.renewed_at.is_none()
    }
}

#[derive(Deserialize)]
struct Keyed {
    sk: String,
    #[serde(flatten)]
    row: Row,
}

impl Store {
    /// Notes that somebody has signed in for `workspace`: from then on its renewal is asked for.
    pub async fn note_sign_in(&self, workspace: WorkspaceId, at: Timestamp) -> Result<(), StoreError> {
        let values = vec![(":at", number(at.as_millisecond()))];
        let change = "SET renewedAt = :at";
        self.update(&keys::renewal(workspace), change, Condition::default(), values).await?;
        Ok(())
    }

    /// Notes that `workspace` has a connection without a sign-in: there is nothing to renew, and something
    /// that ends.
    pub async fn note_connection(&self, workspace: WorkspaceId, at: Timestamp) -> Result<(), StoreError> {
        let values = vec![(":at", number(at.as_millisecond()))];
        let change = "SET listedAt = :at";
        self.update(&keys::renewal(workspace), change, Condition::default(), values).await?;
        Ok(())
    }

    /// Every workspace that was ever connected, by its id. Its connection may have been given up since.
    pub async fn ever_connected(&self) -> Result<Vec<WorkspaceId>, StoreError> {
        let rows: Vec<Keyed> = self.query(WHAT, keys::RENEWALS, None).await?;
        rows.into_iter().map(|row| row.sk.parse().map_err(|error| StoreError::damaged(WHAT, error))).collect()
    }

    /// When somebody signed in for `workspace` or its sign-in was last renewed, if that was noted.
    pub async fn renewed_at(&self, workspace: WorkspaceId) -> Result<Option<Timestamp>, StoreError> {
        let row: Option<Row> = self.get(WHAT, &keys::renewal(workspace)).await?;
        Ok(row.and_then(|row| row.renewed_at).map(moment))
    }

    /// The workspaces whose sign-in was last renewed no later than `due`, those first that have waited
    /// longest. Their connection may have been given up since.
    pub async fn renewals_due(&self, due: Timestamp) -> Result<Vec<WorkspaceId>, StoreError> {
        let rows: Vec<Keyed> = self.query(WHAT, keys::RENEWALS, None).await?;
        let due = due.as_millisecond();
        let mut found = Vec::new();
        for Keyed { sk, row } in rows {
            let renewed_at = row.renewed_at.unwrap_or(i64::MIN);
            if renewed_at <= due && !row.has_no_sign_in() {
                found.push((renewed_at, sk.parse().map_err(|error| StoreError::damaged(WHAT, error))?));
            }
        }
        found.sort_unstable();
        Ok(found.into_iter().map(|(_, workspace)| workspace).collect())
    }

    /// Takes the right to renew the sign-in of `workspace`, if nobody has it and the last renewal was
    /// not after `due`.
    pub async fn take_renewal(
        &self,
        workspace: WorkspaceId,
        due: Timestamp,
        now: Timestamp,
    ) -> Result<RenewalTaken, StoreError> {
        let condition = Condition {
            expression: "(attribute_not_exists(busyUntil) OR busyUntil <= :now) AND \
                 (attribute_not_exists(renewedAt) OR renewedAt <= :due)",
            names: vec![("#token", "token")],
            values: vec![(":now", number(now.as_millisecond())), (":due", number(due.as_millisecond()))],
            ..Condition::default()
        };
        let values = vec![
            (":one", number(1)),
            (":zero", number(0)),
            (":until", number((now + LEASE).as_millisecond())),
        ];
        let change = "SET #token = if_not_exists(#token, :zero) + :one, busyUntil = :until";
        match self.update(&keys::renewal(workspace), change, condition, values).await? {
            Written::Done(item) => {
                let row: Row = decode(WHAT, item)?;
                Ok(RenewalTaken::Taken(RenewalLease { token: row.token }))
            }
            Written::Refused(item) => {
                let row: Row = decode(WHAT, item.unwrap_or_default())?;
                Ok(match row.renewed_at.map(moment) {
                    Some(renewed_at) if renewed_at > due => RenewalTaken::Recent { renewed_at },
                    _ => RenewalTaken::Busy { until: moment(row.busy_until) },
                })
            }
        }
    }

    /// Gives the right back; with `renewed_at` when the sign-in was renewed. Answers false when the
    /// right had ended and somebody else has it.
    pub async fn end_renewal(
        &self,
        workspace: WorkspaceId,
        lease: RenewalLease,
        renewed_at: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        let held = Condition {
            expression: "#token = :token",
            names: vec![("#token", "token")],
            values: vec![(":token", number(lease.token))],
            ..Condition::default()
        };
        let mut values = vec![(":free", number(0))];
        let mut change = "SET busyUntil = :free";
        if let Some(at) = renewed_at {
            change = "SET busyUntil = :free, renewedAt = :at";
            values.push((":at", number(at.as_millisecond())));
        }
        Ok(self.update(&keys::renewal(workspace), change, held, values).await?.is_done())
    }
}

fn moment(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::MIN)
}
