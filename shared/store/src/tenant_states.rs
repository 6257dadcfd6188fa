//! What is going on in one tenant: the lease, and how far the present run has come.

use domain::{
    ids::{ManagedTenantId, RunId, WorkspaceId},
    plan::ChainHash,
    run::Counters,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    error::StoreError,
    keys,
    runs::TenantRun,
    table::{Condition, Store, Transacted, Write, Written, decode, encode, number, text, value},
};

/// How long a worker may be silent before its tenant is handed to another one.
pub(crate) const LEASE: SignedDuration = SignedDuration::from_secs(90);

/// How long a run may leave a tenant half-way before another run may take it.
const ABANDONED_MILLISECONDS: i64 = 5 * 60 * 1000;

/// The right to work on one tenant. Its token is part of every checkpoint's condition, so a worker
/// that was thought dead cannot move a tenant that another one has taken over.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Lease {
    /// Raised with every hand-over.
    pub token: u64,
}

/// The tenant is being worked on by somebody else, or must not be asked yet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LeaseRefused {
    /// When to try again.
    pub until: Timestamp,
}

/// State of one tenant.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantState {
    /// Last lease's token; 0 before the first.
    #[serde(default)]
    pub token: u64,
    /// End of the lease or of a pause the provider asked for, in Unix milliseconds; 0 = free.
    #[serde(default)]
    pub busy_until: i64,
    /// Run of the last lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<RunId>,
    /// How often the holder's run has taken the tenant without moving on.
    #[serde(default)]
    pub attempts: u32,
    /// How far the holder's run has come; there only until its part in the tenant has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// When the holder last took, moved or gave back the tenant, in Unix milliseconds.
    #[serde(default)]
    pub touched_at: i64,
    /// Run of the last complete sync.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success_run: Option<RunId>,
    /// When that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success_at: Option<Timestamp>,
    /// People in scope at that time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success_people: Option<u64>,
}

/// How far a run has come in one tenant: written together with the last page's being applied.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// The run.
    pub run: RunId,
    /// When work on the tenant began.
    pub started_at: Timestamp,
    /// Plan pages that are stored and (in a run that writes) applied.
    pub pages: u32,
    /// Where the directory goes on; `None` before the first page and after the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Whether the directory was read to its end.
    #[serde(default)]
    pub read_complete: bool,
    /// Whether the people who were missing from the read are dealt with.
    #[serde(default)]
    pub closed: bool,
    /// Sums over the pages.
    #[serde(default)]
    pub counters: Counters,
    /// Hash over the pages.
    pub chain: ChainHash,
}

impl TenantState {
    /// Until when `run` may not take the tenant, in Unix milliseconds: while somebody works on it,
    /// while the provider asked for patience, and while another run is half-way through it, for what
    /// that run has noted would be lost. A run that has not moved for five minutes is dead.
    pub fn busy_until_for(&self, run: RunId) -> i64 {
        let is_anothers = self.progress.as_ref().is_some_and(|progress| progress.run != run);
        let abandoned = self.touched_at.saturating_add(ABANDONED_MILLISECONDS);
        if is_anothers { self.busy_until.max(abandoned) } else { self.busy_until }
    }
}

impl Store {
    /// Takes the tenant for `run`. Counts an attempt; a checkpoint sets the count back.
    pub async fn acquire(
        &self,
        workspace: WorkspaceId,
        tenant: ManagedTenantId,
        run: RunId,
        now: Timestamp,
    ) -> Result<Result<(Lease, TenantState), LeaseRefused>, StoreError> {
        let key = keys::tenant_state(workspace, tenant);
        let earlier: Option<TenantState> = self.get("tenant state", &key).await?;
        let earlier = earlier.unwrap_or_default();
        if earlier.busy_until_for(run) > now.as_millisecond() {
            return Ok(Err(refused(&earlier, run)));
        }
        let same_run = earlier.holder == Some(run);
        let state = TenantState {
            token: earlier.token + 1,
            busy_until: (now + LEASE).as_millisecond(),
            holder: Some(run),
            attempts: if same_run { earlier.attempts + 1 } else { 1 },
            progress: earlier.progress.filter(|progress| progress.run == run),
            touched_at: now.as_millisecond(),
            ..earlier
        };
        let condition = Condition {
            // The end of the lease too: its holder may have come back since it was read.
            expression: "attribute_not_exists(pk) OR (#token = :token AND busyUntil = :until)",
            names: vec![("#token", "token")],
            values: vec![(":token", number(earlier.token)), (":until", number(earlier.busy_until))],
        };
        match self.put("tenant state", &key, &state, condition).await? {
            Written::Done(_) => Ok(Ok((Lease { token: state.token }, state))),
            Written::Refused(item) => {
                let other: TenantState = decode("tenant state", item.unwrap_or_default())?;
                Ok(Err(refused(&other, run)))
            }
        }
    }

    /// Notes how far the run has come and keeps the lease. Answers false when the lease is lost.
    pub async fn checkpoint(
        &self,
        workspace: WorkspaceId,
        tenant: ManagedTenantId,
        lease: Lease,
        progress: &Progress,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let values = vec![
            (":progress", value("tenant state", progress)?),
            (":until", number((now + LEASE).as_millisecond())),
            (":none", number(0)),
            (":now", number(now.as_millisecond())),
        ];
        let change = "SET progress = :progress, busyUntil = :until, attempts = :none, touchedAt = :now";
        self.change_state(workspace, tenant, lease, change, values).await
    }

    /// Keeps the lease without having come further.
    pub async fn renew(
        &self,
        workspace: WorkspaceId,
        tenant: ManagedTenantId,
        lease: Lease,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let values = vec![(":until", number((now + LEASE).as_millisecond()))];
        self.change_state(workspace, tenant, lease, "SET busyUntil = :until", values).await
    }

    /// Gives the tenant back, to be gone on with; nobody may take it before `not_before`.
    pub async fn release_tenant(
        &self,
        workspace: WorkspaceId,
        tenant: ManagedTenantId,
        lease: Lease,
        not_before: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        let values = vec![(":until", number(not_before.map_or(0, Timestamp::as_millisecond)))];
        self.change_state(workspace, tenant, lease, "SET busyUntil = :until", values).await
    }

    /// Ends the tenant's part of a run: its result is stored, the tenant given back and its progress
    /// forgotten, all or nothing. `people` when it was a complete sync. Answers false when the lease
    /// is lost; then nothing was written. The first result of a tenant in a run stays.
    pub async fn end_tenant(
        &self,
        workspace: WorkspaceId,
        run: RunId,
        lease: Lease,
        result: &TenantRun,
        people: Option<u64>,
    ) -> Result<bool, StoreError> {
        let key = keys::tenant_run(workspace, run, result.tenant);
        let put = Write::Put { item: encode("tenant result", &key, result)?, condition: Condition::absent() };
        let end = ending(workspace, run, lease, result, people);
        match self.transact(vec![put, end.clone()]).await? {
            Transacted::Done => Ok(true),
            Transacted::Refused(failed) if failed.get(1) == Some(&true) => Ok(false),
            // There is a result already: only the tenant is given back.
            Transacted::Refused(_) => Ok(self.transact(vec![end]).await? == Transacted::Done),
        }
    }

    /// States of many tenants; those never synced are left out.
    pub async fn tenant_states(
        &self,
        workspace: WorkspaceId,
        tenants: &[ManagedTenantId],
    ) -> Result<Vec<(ManagedTenantId, TenantState)>, StoreError> {
        #[derive(Deserialize)]
        struct Keyed {
            sk: String,
            #[serde(flatten)]
            state: TenantState,
        }
        let keys = tenants.iter().map(|tenant| keys::tenant_state(workspace, *tenant)).collect();
        let rows: Vec<Keyed> = self.batch_get("tenant state", keys).await?;
        let keyed = |row: Keyed| {
            let tenant = row.sk.parse().map_err(|error| StoreError::damaged("tenant state", error))?;
            Ok((tenant, row.state))
        };
        rows.into_iter().map(keyed).collect()
    }

    /// Frees every tenant that a dead process of this machine still holds. Only for the local
    /// mode, where owning the data folder proves that no other worker lives.
    pub async fn free_all_tenants(&self, workspace: WorkspaceId) -> Result<(), StoreError> {
        #[derive(Deserialize)]
        struct Keyed {
            sk: String,
            #[serde(flatten)]
            state: TenantState,
        }
        let rows: Vec<Keyed> = self.query("tenant state", &format!("{workspace}#STATE"), None).await?;
        for row in rows.into_iter().filter(|row| row.state.busy_until > 0) {
            let tenant = row.sk.parse().map_err(|error| StoreError::damaged("tenant state", error))?;
            self.release_tenant(workspace, tenant, Lease { token: row.state.token }, None).await?;
        }
        Ok(())
    }

    async fn change_state(
        &self,
        workspace: WorkspaceId,
        tenant: ManagedTenantId,
        lease: Lease,
        change: &str,
        values: Vec<(&'static str, aws_sdk_dynamodb::types::AttributeValue)>,
    ) -> Result<bool, StoreError> {
        let key = keys::tenant_state(workspace, tenant);
        Ok(self.update(&key, change, held(lease), values).await?.is_done())
    }
}

fn refused(state: &TenantState, run: RunId) -> LeaseRefused {
    let until = state.busy_until_for(run);
    LeaseRefused { until: Timestamp::from_millisecond(until).unwrap_or(Timestamp::MIN) }
}

fn ending(
    workspace: WorkspaceId,
    run: RunId,
    lease: Lease,
    result: &TenantRun,
    people: Option<u64>,
) -> Write {
    let mut extra = vec![(":free", number(0))];
    let mut change = "SET busyUntil = :free REMOVE progress";
    if let Some(people) = people {
        change = "SET busyUntil = :free, lastSuccessRun = :run, lastSuccessAt = :at, \
             lastSuccessPeople = :people REMOVE progress";
        extra.extend([
            (":run", text(run)),
            (":at", text(result.completed_at)),
            (":people", number(people)),
        ]);
    }
    Write::Update { key: keys::tenant_state(workspace, result.tenant), change, condition: held(lease), extra }
}

/// The lease is the last one that was given out.
fn held(lease: Lease) -> Condition {
    Condition {
        expression: "#token = :token",
        names: vec![("#token", "token")],
        values: vec![(":token", number(lease.token))],
    }
}
