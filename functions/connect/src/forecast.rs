//! What of every connection has ended or ends soon, told once a day without anybody asking. The partner's
//! relationships are listed for it, so that what is told is of today.
//!
//! Each ending is a line of the log, which an alarm counts, and part of the task's result, which goes to
//! the event bus. It is told again every day until it is mended, so nothing is remembered of what was told.

use domain::{forecast::Outlook, ids::WorkspaceId};
use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use store::{ConnectionStatus, StoreError};

use crate::Connect;

/// Workspaces that are looked at side by side: each is a handful of requests that wait for an answer.
const AT_ONCE: usize = 16;

/// So long before its end the task begins to ask nobody outside, and takes what is known.
const LAST_ASKS_BEFORE: SignedDuration = SignedDuration::from_secs(120);

/// Shortly before its end the task begins to look at nobody else.
const LAST_BEGINS_BEFORE: SignedDuration = SignedDuration::from_secs(20);

/// What the log lines have in common, by which an alarm finds them (`infra/template.yaml`).
const EVENT: &str = "expiry_forecast";

/// Endings that a result names at the most, and bytes that they take. An event on the bus holds 256 KB
/// (docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html), with what Lambda adds.
const NAMED_MAX: usize = 200;
const NAMED_BYTES_MAX: usize = 100_000;

/// One thing of one workspace that has ended or ends soon.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ending {
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// Stable code of how much time is left: `ended` or `ends_soon`.
    pub code: &'static str,
    /// What ends, when, and what to do.
    #[serde(flatten)]
    pub outlook: Outlook,
}

/// A workspace of which not everything is known.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unread {
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// Stable code of what stands in the way.
    pub code: &'static str,
}

/// What ends in all workspaces. Counts are of everything; the lists are cut where they would not fit into an
/// event.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ForecastOutcome {
    /// Things that have ended or end soon.
    pub pressing: usize,
    /// The most pressing of them.
    pub endings: Vec<Ending>,
    /// Workspaces of which not everything could be read.
    pub unread: usize,
    /// Some of them.
    pub unread_workspaces: Vec<Unread>,
    /// Workspaces that were not reached in the time there was.
    pub left: usize,
}

/// What of one connection has ended or ends soon.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Pressing {
    /// The most pressing first.
    pub outlook: Vec<Outlook>,
    /// Why not everything is known, of the credential or of the access to customers: a stable code.
    pub unread: Option<&'static str>,
}

impl Connect {
    /// What of the connection in force has ended or ends soon, from what is stored; nothing when there is
    /// none.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn pressing(&self, workspace: WorkspaceId) -> Result<Pressing, StoreError> {
        self.look(workspace, false).await
    }

    /// The same after asking when the access to the customers ends: whoever has switched off that a relationship
    /// extends itself has told nobody here. Where that cannot be asked, what was known before counts, and it is said.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn look_ahead(&self, workspace: WorkspaceId) -> Result<Pressing, StoreError> {
        self.look(workspace, true).await
    }

    async fn look(&self, workspace: WorkspaceId, asks: bool) -> Result<Pressing, StoreError> {
        let connection = self.store.connection(workspace).await?;
        let in_force = connection.filter(|it| it.connection_status != ConnectionStatus::Disconnected);
        let Some(connection) = in_force else { return Ok(Pressing::default()) };
        let mappings = self.store.mappings(workspace).await?;
        let unasked =
            if asks { self.ask_when_access_ends(workspace, &connection, &mappings).await? } else { None };
        let mut found = self.forecast(workspace, &connection, &mappings).await?;
        found.outlook.retain(Outlook::is_pressing);
        Ok(Pressing { unread: found.unread.or(unasked), ..found })
    }

    /// Looks at every workspace that was ever connected, and tells each ending in the log. One that cannot be
    /// read keeps nobody else waiting.
    pub(crate) async fn forecast_all(&self, deadline: Timestamp) -> Result<ForecastOutcome, StoreError> {
        let workspaces = in_turn(self.store.ever_connected().await?, self.clock.now());
        let mut outcome = ForecastOutcome::default();
        let mut looked_at = stream::iter(workspaces)
            .map(|workspace| async move {
                let now = self.clock.now();
                let found = if now + LAST_BEGINS_BEFORE > deadline {
                    None
                } else if now + LAST_ASKS_BEFORE > deadline {
                    Some(self.pressing(workspace).await)
                } else {
                    Some(self.look_ahead(workspace).await)
                };
                (workspace, found)
            })
            .buffered(AT_ONCE);
        while let Some((workspace, found)) = looked_at.next().await {
            match found {
                None => outcome.left += 1,
                Some(Ok(found)) => outcome.add(workspace, found),
                Some(Err(error)) => {
                    let error = runtime::telemetry::ErrorChain(&error);
                    tracing::warn!(%workspace, error = %error, "a workspace's forecast cannot be made");
                    outcome.add_unread(workspace, "store_unavailable");
                }
            }
        }
        if outcome.left > 0 {
            tracing::warn!(event = EVENT, left = outcome.left, "not every workspace was looked at");
        }
        outcome.cut();
        Ok(outcome)
    }
}

/// Begins somewhere else every day: where there are more workspaces than can be asked in one day, it is not always the
/// same that are not.
fn in_turn(mut workspaces: Vec<WorkspaceId>, now: Timestamp) -> Vec<WorkspaceId> {
    let day = usize::try_from(now.as_second() / (24 * 60 * 60)).unwrap_or_default();
    let first = day.wrapping_mul(31).checked_rem(workspaces.len()).unwrap_or_default();
    workspaces.rotate_left(first);
    workspaces
}

impl ForecastOutcome {
    fn add(&mut self, workspace: WorkspaceId, found: Pressing) {
        if let Some(code) = found.unread {
            self.add_unread(workspace, code);
        }
        for outlook in found.outlook {
            let Some(code) = outlook.code() else { continue };
            tracing::warn!(
                event = EVENT,
                %workspace,
                code,
                subject = outlook.subject.name(),
                tenant = outlook.tenant.as_deref(),
                days_left = outlook.days_left,
                step = outlook.step,
                "something ends"
            );
            self.pressing += 1;
            self.endings.push(Ending { workspace_id: workspace, code, outlook });
        }
        // However many there are, no more than can be named are held.
        self.order();
        self.endings.truncate(NAMED_MAX);
    }

    fn add_unread(&mut self, workspace: WorkspaceId, code: &'static str) {
        tracing::warn!(event = EVENT, %workspace, code, "what ends cannot be read");
        self.unread += 1;
        if self.unread_workspaces.len() < NAMED_MAX {
            self.unread_workspaces.push(Unread { workspace_id: workspace, code });
        }
    }

    fn order(&mut self) {
        // The order within a workspace is the forecast's own.
        self.endings.sort_by_key(|ending| {
            (ending.outlook.urgency, ending.outlook.ends_at, ending.outlook.subject, ending.workspace_id)
        });
    }

    /// Leaves so many endings as an event holds.
    fn cut(&mut self) {
        let mut bytes = 0;
        let fits = |ending: &Ending| {
            bytes += serde_json::to_vec(ending).map_or(NAMED_BYTES_MAX, |text| text.len());
            bytes <= NAMED_BYTES_MAX
        };
        let number = self.endings.iter().map(fits).take_while(|fits| *fits).count();
        self.endings.truncate(number);
    }
}

#[cfg(test)]
mod tests {
    use domain::forecast::{Credential, TenantAccess, forecast};
    use uuid::Uuid;

    use super::*;

    /// The longest name that Microsoft allows, in letters of four bytes.
    fn customers(number: usize) -> Pressing {
        let now: Timestamp = "2026-11-26T12:00:00Z".parse().unwrap();
        let ends = |days: usize| {
            let hours = 24 * i64::try_from(days).unwrap();
            now.checked_add(SignedDuration::from_hours(hours)).ok()
        };
        let tenants: Vec<_> = (0..number)
            .map(|number| TenantAccess { name: "𝔐".repeat(256), ends: ends(number % 29 + 1) })
            .collect();
        let mut outlook = forecast(now, Credential::CippClient { secret_ends: None }, &tenants);
        outlook.retain(Outlook::is_pressing);
        Pressing { outlook, unread: None }
    }

    #[test]
    fn however_much_ends_the_result_fits_into_an_event_and_counts_everything() {
        let mut outcome = ForecastOutcome::default();
        for workspace in 1..=3 {
            outcome.add(WorkspaceId::new(Uuid::from_u128(workspace)), customers(150));
        }
        for workspace in 1..=400 {
            outcome.add_unread(WorkspaceId::new(Uuid::from_u128(workspace)), "store_unavailable");
        }
        outcome.cut();
        assert_eq!((outcome.pressing, outcome.unread), (450, 400));
        assert!(!outcome.endings.is_empty() && outcome.endings.len() < NAMED_MAX);
        assert_eq!(outcome.endings[0].outlook.days_left, Some(1), "the first to end");
        assert!(outcome.endings.is_sorted_by_key(|ending| ending.outlook.ends_at));
        assert_eq!(outcome.unread_workspaces.len(), NAMED_MAX);
        let text = serde_json::to_string(&outcome).unwrap();
        assert!(text.len() < 130_000, "{}", text.len());
    }
}
