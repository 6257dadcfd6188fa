//! Renewing the stored sign-in before it ends, once for all processes.
//!
//! Microsoft gives a refresh token about 90 days, however often it is used
//! (learn.microsoft.com/entra/identity-platform/refresh-tokens). Syncs redeem it at the customers'
//! authorities and keep nothing newer, so a sign-in that is only used ends all the same: it has to be
//! replaced by the newer token that the partner's own authority gives.

use std::sync::Arc;

use assembly::WorkspaceCredentials;
use directory::{
    Credentials,
    protocol::token::{Authority, TokenFailure},
};
use domain::ids::WorkspaceId;
use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use secrets::{DirectTokens, WorkspaceSecret};
use serde::{Deserialize, Serialize};
use store::{Connection, ConnectionKind, ConnectionStatus, RenewalTaken, StoreError};
use workflow::errors::{TaskError, TaskFailure};

use crate::{Connect, ForecastOutcome, ValidateError};

/// What became of a renewal that did not fail.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Renewed {
    /// Somebody else is at it.
    AtWork {
        /// Until when, at the longest.
        until: Timestamp,
    },
    /// A newer refresh token is stored.
    Done {
        /// Since when.
        at: Timestamp,
    },
    /// There is no direct connection: nothing that could end.
    NoDirectConnection,
    /// The sign-in is younger than was asked for.
    NotDue {
        /// When it was made or last renewed.
        since: Timestamp,
    },
}

/// What the schedule asks for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RenewalInput {
    /// Sign-ins of this age are renewed.
    pub older_than_days: u16,
}

/// What became of the sign-ins that were due, and what ends in all workspaces.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RenewalOutcome {
    /// Renewed.
    pub renewed: usize,
    /// Not renewed; each is in the log with its reason, and tried again the next time.
    pub failed: usize,
    /// Nothing was to be done: given up, or somebody else was at it.
    pub skipped: usize,
    /// Not reached in the time there was.
    pub left: usize,
    /// What has ended or ends soon, after the renewals.
    pub forecast: ForecastOutcome,
}

/// Sign-ins that are renewed side by side: those that have died are looked at every day and keep the others waiting.
const AT_ONCE: usize = 8;

/// What is kept of the time: for the sign-in under way, a token call with its repetitions; and then for
/// looking at what ends, which a day full of renewals must not keep from being told.
const LAST_BEGINS_BEFORE: SignedDuration = SignedDuration::from_secs(120 + 180);

impl Connect {
    /// Renews every sign-in that is due, those first that have waited longest, and begins none
    /// some minutes before `deadline`; then looks in every workspace for what ends. Flags are not asked
    /// for: what is switched off stays as it is, so that switching it on brings it back.
    ///
    /// # Errors
    /// When it is not known which sign-ins are due, or who is connected. One that cannot be renewed keeps
    /// nobody else waiting.
    pub async fn renew_due(
        &self,
        input: RenewalInput,
        deadline: Timestamp,
    ) -> Result<RenewalOutcome, TaskFailure> {
        let older_than = SignedDuration::from_hours(24 * i64::from(input.older_than_days));
        let due = self.store.renewals_due(self.clock.now() - older_than).await.map_err(task_failure)?;
        let mut outcome = RenewalOutcome::default();
        let mut renewals = stream::iter(due)
            .map(|workspace| async move {
                let is_late = self.clock.now() + LAST_BEGINS_BEFORE > deadline;
                (workspace, if is_late { None } else { Some(self.renew(workspace, older_than).await) })
            })
            .buffered(AT_ONCE);
        while let Some((workspace, renewed)) = renewals.next().await {
            match renewed {
                None => outcome.left += 1,
                Some(Ok(Renewed::Done { .. })) => outcome.renewed += 1,
                Some(Ok(_)) => outcome.skipped += 1,
                Some(Err(error)) => {
                    let reason = error.reason().map_or("", directory::Code::name);
                    tracing::warn!(%workspace, code = error.code(), reason, "a sign-in is not renewed");
                    outcome.failed += 1;
                }
            }
        }
        drop(renewals);
        outcome.forecast = self.forecast_all(deadline).await.map_err(task_failure)?;
        let RenewalOutcome { renewed, failed, skipped, left, ref forecast } = outcome;
        let (pressing, unread) = (forecast.pressing, forecast.unread);
        tracing::info!(renewed, failed, skipped, left, pressing, unread, "sign-ins were renewed");
        Ok(outcome)
    }

    /// Renews the stored sign-in of `workspace` if it is at least `older_than` old. Of many that try
    /// at once, in however many processes, one does; done again, it changes nothing.
    ///
    /// The token before stays valid at Microsoft, and the newer one is stored before the renewal
    /// counts as done. So whoever is killed in between has lost nothing: the next one renews again,
    /// once the right to do so has ended.
    ///
    /// # Errors
    /// When it could not be renewed: then everything is as it was. A failure that only a person can
    /// mend is kept with the connection.
    pub async fn renew(
        &self,
        workspace: WorkspaceId,
        older_than: SignedDuration,
    ) -> Result<Renewed, ValidateError> {
        let connection = self.store.connection(workspace).await?.filter(|connection| {
            connection.kind == ConnectionKind::Direct
                && connection.connection_status != ConnectionStatus::Disconnected
        });
        let Some(connection) = connection else { return Ok(Renewed::NoDirectConnection) };
        let now = self.clock.now();
        let due = now - older_than;
        if connection.connected_at > due {
            return Ok(Renewed::NotDue { since: connection.connected_at });
        }
        let lease = match self.store.take_renewal(workspace, due, now).await? {
            RenewalTaken::Taken(lease) => lease,
            RenewalTaken::Busy { until } => return Ok(Renewed::AtWork { until }),
            RenewalTaken::Recent { renewed_at } => return Ok(Renewed::NotDue { since: renewed_at }),
        };
        match self.exchange_stored(workspace, &connection).await {
            Ok(()) => {
                let at = self.clock.now();
                self.store.end_renewal(workspace, lease, Some(at)).await?;
                self.note_renewed(workspace, &connection).await?;
                Ok(Renewed::Done { at })
            }
            Err(error) => {
                // Nobody has to wait for a right that is of no more use. If it cannot be given back, it
                // ends by itself.
                if let Err(error) = self.store.end_renewal(workspace, lease, None).await {
                    tracing::warn!(error = %runtime::telemetry::ErrorChain(&error), "a renewal is not ended");
                }
                let found = Err(error);
                if found.as_ref().is_err_and(ValidateError::needs_a_person) {
                    self.note(workspace, &connection, &found).await?;
                }
                found.map(|_| Renewed::NoDirectConnection)
            }
        }
    }

    /// Takes back what an earlier renewal noted at the connection: the sign-in is as good as it was. What else was
    /// found out about the connection stays until it is checked.
    async fn note_renewed(&self, workspace: WorkspaceId, connection: &Connection) -> Result<(), StoreError> {
        let is_mended = |connection: &Connection| {
            let failure = connection.last_validation_error.as_ref();
            connection.connection_status == ConnectionStatus::ValidationFailed
                && failure
                    .is_some_and(|failure| ValidateError::RENEWAL_FAILURES.contains(&failure.code.as_str()))
        };
        if is_mended(connection) {
            let mended = |connection: &mut Connection| {
                if is_mended(connection) {
                    connection.connection_status = ConnectionStatus::Connected;
                    connection.last_validation_error = None;
                }
            };
            self.change_in_force(workspace, connection.id, mended).await?;
        }
        Ok(())
    }

    /// Redeems the stored refresh token and stores the newer one in its place, unless somebody has
    /// stored another meanwhile.
    async fn exchange_stored(
        &self,
        workspace: WorkspaceId,
        connection: &Connection,
    ) -> Result<(), ValidateError> {
        let failed = |error| ValidateError::of(error, false);
        let stored = DirectTokens::read_fresh(&self.secrets, workspace).await?;
        let (stored, _) = stored.ok_or(ValidateError::MissingAccessToken)?;
        let secrets = Arc::clone(&self.secrets);
        let credentials = WorkspaceCredentials::new(secrets, workspace, connection.partner_tenant);
        credentials.belong(&stored).map_err(failed)?;
        let used = stored.refresh_token;
        let app = credentials.app().await.map_err(failed)?;
        let authority = connection.partner_tenant.map_or(Authority::Organizations, Authority::Partner);
        let login = self.microsoft(self.graph.clone());
        let grant = login.refresh(authority, app, used.clone()).await.map_err(|failure| match failure {
            TokenFailure::Decided(error) | TokenFailure::Undecided(error) => failed(error),
        })?;
        credentials.keep(&used, grant).await.map_err(failed)
    }
}

fn task_failure(error: StoreError) -> TaskFailure {
    let kind = if error.is_transient() { TaskError::Transient } else { TaskError::Fault };
    TaskFailure::new(kind, runtime::telemetry::ErrorChain(&error).to_string())
}
