//! Walks everything that a sync needs and says of each part whether it is in order, and if not, what to
//! do. It asks outside with the stored credentials, and changes nothing: the one write that it tries is
//! made to be refused.

mod customers;
mod expiry;
mod finding;
mod outside;
mod part;
mod quota;

use directory::protocol::token::scopes_not_in;
use domain::ids::WorkspaceId;
use jiff::{SignedDuration, fmt::rfc2822};
use secrets::{CippSecret, DirectTokens, SecretError, WorkspaceSecret};
use store::{Connection, ConnectionKind, ConnectionStatus, StoreError};

pub use finding::{Check, Finding, Verdict};
pub use part::{CustomersExamined, Examined, Part, Place};

use self::{
    outside::{CLOCK_LIMIT, Outside},
    quota::quota,
};
use crate::Connect;

/// How wrong a clock may be: Microsoft accepts a token five minutes before its time and after it.
const CLOCK_OFF_MAX: SignedDuration = SignedDuration::from_mins(5);

/// Permissions that are not asked for at sign-in and are no excess. Members of groups are read at customers
/// whose rules name groups, with what was consented to there; a consent of the partner's own tenant does nothing
/// for it.
const TOLERATED: [&str; 2] = ["GroupMember.Read.All", "User.Read"];

impl Connect {
    /// Examines everything that a sync of `workspace` needs, or a part of it.
    pub async fn examine(&self, workspace: WorkspaceId, part: Part) -> Examined {
        let customers = CustomersExamined::default();
        let mut examined = Examined { findings: Vec::new(), customers, next: None };
        let connection = match self.examine_surroundings(workspace, &part).await {
            Ok((connection, found)) => {
                examined.findings = found;
                connection
            }
            Err(found) => {
                examined.findings = found;
                self.count_unseen(workspace, &part, &mut examined).await;
                return examined;
            }
        };
        let outside = match self.look_outside(workspace, &connection, part.is_awaited).await {
            Ok(outside) => Some(outside),
            Err(found) => {
                examined.findings.push(found);
                None
            }
        };
        if part.is_first() {
            examined.findings.extend(self.examine_connection(workspace, &connection, outside.as_ref()).await);
        }
        if let Some(outside) = outside {
            let looked = self.examine_customers(workspace, &connection, &outside, &part, &mut examined).await;
            if looked.is_err() {
                examined.findings.push(store_problem());
            }
            examined.findings.extend(outside.usage().as_ref().and_then(quota));
        } else {
            self.count_unseen(workspace, &part, &mut examined).await;
        }
        examined
    }

    /// The table, the clock and the secrets. Without them, or without a connection, there is nothing more to
    /// look at.
    async fn examine_surroundings(
        &self,
        workspace: WorkspaceId,
        part: &Part,
    ) -> Result<(Connection, Vec<Finding>), Vec<Finding>> {
        let mut findings = Vec::new();
        let connection = match self.examine_store(workspace).await {
            Ok(connection) => {
                findings.push(Finding::fine(Check::Store, "The table can be read and written."));
                connection
            }
            Err(error) => {
                tracing::warn!(error = %runtime::telemetry::ErrorChain(&error), "the table is not usable");
                return Err(vec![store_problem()]);
            }
        };
        if part.is_first() {
            findings.push(self.examine_clock(part.is_awaited).await);
        }
        let in_force = connection.filter(|it| it.connection_status != ConnectionStatus::Disconnected);
        let Some(connection) = in_force else {
            findings.push(self.examine_app(workspace).await);
            findings.push(Finding::problem(
                Check::Connection,
                "not_connected",
                "There is no connection to Microsoft. Nobody is synced; contacts stay as they are.",
                "Connect to Microsoft.",
            ));
            return Err(findings);
        };
        match self.examine_secrets(workspace, &connection).await {
            Ok(()) => findings.push(Finding::fine(Check::Secrets, "The connection's secrets can be read.")),
            Err(error) => {
                findings.push(secrets_problem(&error));
                return Err(findings);
            }
        }
        if !part.is_first() {
            // Told with the first part.
            findings.clear();
        }
        Ok((connection, findings))
    }

    /// What is to be said of the connection itself; `outside` when it works.
    async fn examine_connection(
        &self,
        workspace: WorkspaceId,
        connection: &Connection,
        outside: Option<&Outside>,
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let Some(outside) = outside {
            let tenants = customers::counted(outside.listed.tenants.len(), "customer");
            let what = format!("The connection works and sees {tenants}.");
            findings.push(Finding::fine(Check::Connection, what));
            if connection.kind == ConnectionKind::Direct {
                findings.extend(self.examine_permissions(workspace, outside).await);
            }
        }
        match self.examine_expiry(workspace, connection).await {
            Ok(found) => findings.extend(found),
            Err(_) => findings.push(store_problem()),
        }
        findings
    }

    async fn examine_store(&self, workspace: WorkspaceId) -> Result<Option<Connection>, StoreError> {
        self.store.try_out(workspace).await?;
        self.store.connection(workspace).await
    }

    /// The time that Microsoft's login service has, against this machine's.
    async fn examine_clock(&self, is_awaited: bool) -> Finding {
        let unknown = || Finding {
            verdict: Verdict::Unknown,
            ..Finding::problem(
                Check::Clock,
                "login_unavailable",
                "Microsoft's login service did not say what time it is, so this machine's clock was not \
                 checked. Contacts stay as they are.",
                "Check the outbound network, then repeat the examination.",
            )
        };
        let address = format!(
            "{}/organizations/v2.0/.well-known/openid-configuration",
            self.graph.login_base.as_str().trim_end_matches('/')
        );
        let request = self.http.get(address);
        let request = if is_awaited { request.timeout(CLOCK_LIMIT) } else { request };
        let Ok(answer) = request.send().await else { return unknown() };
        let told = answer.headers().get(reqwest::header::DATE).and_then(|date| date.to_str().ok());
        let told = told.and_then(|date| rfc2822::DateTimeParser::new().parse_timestamp(date).ok());
        let Some(told) = told else { return unknown() };
        let now = self.clock.now();
        let off = now.duration_since(told);
        if off.abs() <= CLOCK_OFF_MAX {
            return Finding::fine(Check::Clock, "The clock of this machine is right.");
        }
        Finding::problem(
            Check::Clock,
            "clock_wrong",
            format!(
                "The clock of this machine is {} {}: it says {now}, Microsoft says {told}. Tokens are taken \
                 for valid when they are not; syncs fail and contacts stay as they are.",
                amount(off.abs()),
                if off.is_positive() { "fast" } else { "slow" },
            ),
            "Let the machine keep its time by NTP.",
        )
    }

    async fn examine_app(&self, workspace: WorkspaceId) -> Finding {
        match self.secrets.app_credentials(workspace).await {
            Ok(Some(app)) => {
                let source = app.source.name();
                Finding::fine(Check::Secrets, format!("The app registration can be read (from {source})."))
            }
            Ok(None) => Finding::fine(
                Check::Secrets,
                "The secrets can be read. No app registration is configured, which only a direct connection \
                 needs.",
            ),
            Err(error) => secrets_problem(&error),
        }
    }

    async fn examine_secrets(
        &self,
        workspace: WorkspaceId,
        connection: &Connection,
    ) -> Result<(), SecretError> {
        match connection.kind {
            ConnectionKind::Cipp => CippSecret::read_fresh(&self.secrets, workspace).await.map(drop),
            ConnectionKind::Direct => {
                self.secrets.app_credentials(workspace).await?;
                DirectTokens::read_fresh(&self.secrets, workspace).await.map(drop)
            }
        }
    }

    /// What the sign-in may do, against what is needed. Microsoft tells with the token that was just used; if
    /// it has not, what it told last is stored.
    async fn examine_permissions(&self, workspace: WorkspaceId, outside: &Outside) -> Option<Finding> {
        let granted = match &outside.granted {
            Some(granted) => granted.clone(),
            None => self.granted_last(workspace).await?,
        };
        let missing = not_in(&self.graph.scopes, &granted);
        let check = Check::Permissions;
        if !missing.is_empty() {
            return Some(Finding::problem(
                check,
                "permission_missing",
                format!("The app may not do what is needed: {} is not granted.", missing.join(", ")),
                "Add the permission to the app registration, and connect again.",
            ));
        }
        let unneeded = not_in(&granted, &self.graph.scopes);
        // Needed for groups that decide who is synced; and given to every app by itself.
        let unneeded: Vec<String> =
            unneeded.into_iter().filter(|name| !TOLERATED.contains(&name.as_str())).collect();
        if unneeded.is_empty() {
            return Some(Finding::fine(check, "The app may do what is needed, and no more."));
        }
        Some(Finding::warning(
            check,
            "permission_unneeded",
            format!(
                "The app may do more than is needed ({}). Nothing here makes use of it; whoever steals the \
                 sign-in could.",
                unneeded.join(", ")
            ),
            "Take what is not needed out of the app registration, and connect again.",
        ))
    }

    async fn granted_last(&self, workspace: WorkspaceId) -> Option<Vec<String>> {
        let (tokens, _) = DirectTokens::read_fresh(&self.secrets, workspace).await.ok().flatten()?;
        Some(tokens.scope?.split_whitespace().map(str::to_owned).collect())
    }
}

fn store_problem() -> Finding {
    Finding::problem(
        Check::Store,
        "store_unavailable",
        "The table cannot be read or written. No sync can run; contacts stay as they are.",
        "Check that the table exists and that the functions' roles may use it; the log says what it answered.",
    )
}

fn secrets_problem(error: &SecretError) -> Finding {
    Finding::problem(
        Check::Secrets,
        error.code(),
        "The connection's secrets cannot be read. No customer can be read; contacts stay as they are.",
        error.remedy(),
    )
}

/// Names of permissions of `these` that are not among `those`.
fn not_in(these: &[String], those: &[String]) -> Vec<String> {
    let name = |scope: String| scope.rsplit('/').next().map(str::to_owned).unwrap_or(scope);
    scopes_not_in(these, those).into_iter().map(name).collect()
}

/// A length of time, as people say it.
fn amount(of: SignedDuration) -> String {
    match of.as_mins() {
        minutes if minutes < 120 => format!("{minutes} minutes"),
        minutes => format!("{} hours", minutes / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_compared_by_their_names() {
        let scopes = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
        let asked = scopes("openid offline_access https://graph.microsoft.com/User.Read.All");
        assert_eq!(not_in(&asked, &scopes("user.read.all profile")), [""; 0]);
        assert_eq!(not_in(&asked, &scopes("profile")), ["User.Read.All"]);
        let granted = scopes("https://graph.microsoft.com/Directory.ReadWrite.All User.Read.All email");
        assert_eq!(not_in(&granted, &asked), ["Directory.ReadWrite.All"]);
    }

    #[test]
    fn a_length_of_time_reads_well() {
        assert_eq!(amount(SignedDuration::from_mins(7)), "7 minutes");
        assert_eq!(amount(SignedDuration::from_hours(26)), "26 hours");
    }
}
