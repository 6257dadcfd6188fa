//! What is going on in one tenant: the lease, and how far the present run has come.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    ids::{EntraObjectId, ManagedTenantId, RunId, WorkspaceId},
    plan::{ChainHash, Leaver, Limit},
    planner::Held,
    premise::Since,
    run::Counters,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    error::StoreError,
    keys,
    runs::TenantRun,
    table::{Change, Condition, Item, Store, Transacted, Write, Written, decode, number, text, value},
};

/// How long a worker may be silent before its tenant is handed to another one.
pub const LEASE: SignedDuration = SignedDuration::from_secs(90);

/// How long the progress of a run that never ended is kept.
const PROGRESS_KEPT: SignedDuration = SignedDuration::from_hours(24 * 7);

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
    /// How far each run has come that has begun and not ended its part in the tenant. Each has its
    /// own, so that a preview in between does not throw a sync back.
    #[serde(default)]
    pub progress: BTreeMap<RunId, Progress>,
    /// Run of the last complete sync.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success_run: Option<RunId>,
    /// When that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success_at: Option<Timestamp>,
    /// People in scope at that time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success_people: Option<u64>,
    /// What the next read builds on.
    #[serde(default)]
    pub ground: Ground,
    /// The last run that has ended its part in the tenant, whatever became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_run: Option<RunId>,
}

/// What a sync has learnt of a tenant for the next one.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Ground {
    /// Where the directory goes on telling what has changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feed: Option<Feed>,
    /// When the last complete read began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub complete_at: Option<Timestamp>,
    /// People that read had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub people: Option<u64>,
    /// People of them who were in scope; after a read of changes, as many as are linked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_scope: Option<u64>,
    /// Active links at the end of the last sync.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_links: Option<u64>,
    /// Who was leaving at the end of the last sync.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub leaving: Vec<Leaver>,
    /// People about whom the last sync has not said its last word; a read of changes looks at them
    /// again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<EntraObjectId>,
    /// Lines of the last sync that wait for an operator.
    #[serde(skip_serializing_if = "Held::is_none")]
    pub held: Held,
    /// Something a read of changes would not see: the next read is a complete one.
    pub look_again: bool,
}

impl Ground {
    /// What syncs have seen and left open since a plan that was begun at `at`.
    pub fn since(&self, at: Timestamp) -> Since {
        let read_at = self.complete_at.max(self.feed.as_ref().map(|feed| feed.taken_at));
        let open = self.leaving.iter().map(|leaver| leaver.object).chain(self.open.iter().copied());
        Since { read: read_at.is_some_and(|read_at| read_at > at), open: open.collect() }
    }
}

/// What the end of a run in a tenant means for the next sync.
#[derive(Clone, Copy, Debug)]
pub enum Settled<'a> {
    /// Nothing: the run failed, or wrote nothing.
    Nothing,
    /// One person was synced. The next sync builds on this, and the tenant's last sync is the one it was.
    OnePerson(&'a Ground),
    /// The tenant was synced.
    Everybody(&'a Ground),
}

/// A place in a directory's feed of changes.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Feed {
    /// The link; confidential, though there is no token in it.
    pub link: String,
    /// When the directory gave it; after seven days it is worth nothing.
    pub taken_at: Timestamp,
    /// Stands for the rules under which everything before was looked at.
    pub rules: u64,
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
    /// Whether only who has changed is read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_changes: bool,
    /// Where the directory goes on telling what has changed, once this read is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feed: Option<String>,
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
        let values = vec![
            (":one", number(1)),
            (":zero", number(0)),
            (":until", number((now + LEASE).as_millisecond())),
            (":none", value("tenant state", &BTreeMap::<RunId, Progress>::new())?),
        ];
        let change = "SET #token = if_not_exists(#token, :zero) + :one, busyUntil = :until, holder = :run, \
             attempts = :one, progress = if_not_exists(progress, :none)";
        let free = Condition {
            expression: "(attribute_not_exists(busyUntil) OR busyUntil <= :now) AND \
                 (attribute_not_exists(holder) OR holder <> :run) AND \
                 (attribute_not_exists(endedRun) OR endedRun <> :run)",
            names: vec![("#token", "token")],
            values: vec![(":now", number(now.as_millisecond())), (":run", text(run))],
            ..Condition::default()
        };
        let refusal = match self.update(&key, change, free, values).await? {
            Written::Done(item) => return self.taken(workspace, tenant, item, now).await.map(Ok),
            Written::Refused(item) => item,
        };
        let earlier: TenantState = decode("tenant state", refusal.unwrap_or_default())?;
        // A worker that was thought dead does not begin again what another one has brought to its end.
        if earlier.busy_until > now.as_millisecond() || earlier.ended_run == Some(run) {
            return Ok(Err(refused(&earlier)));
        }
        // The run takes the tenant up once more.
        let values = vec![(":one", number(1)), (":soon", number((now + LEASE).as_millisecond()))];
        let change = "SET #token = #token + :one, busyUntil = :soon, attempts = attempts + :one";
        let condition = Condition {
            // The end of the lease too: its holder may have come back since it was read.
            expression: "#token = :token AND busyUntil = :until",
            names: vec![("#token", "token")],
            values: vec![(":token", number(earlier.token)), (":until", number(earlier.busy_until))],
            ..Condition::default()
        };
        match self.update(&key, change, condition, values).await? {
            Written::Done(item) => self.taken(workspace, tenant, item, now).await.map(Ok),
            Written::Refused(item) => {
                let other: TenantState = decode("tenant state", item.unwrap_or_default())?;
                Ok(Err(refused(&other)))
            }
        }
    }

    /// The lease that was just taken. Progress of runs that never ended is forgotten on the way.
    async fn taken(
        &self,
        workspace: WorkspaceId,
        tenant: ManagedTenantId,
        item: Item,
        now: Timestamp,
    ) -> Result<(Lease, TenantState), StoreError> {
        let mut state: TenantState = decode("tenant state", item)?;
        let lease = Lease { token: state.token };
        let is_old = |progress: &Progress| now.duration_since(progress.started_at) >= PROGRESS_KEPT;
        let old: Vec<RunId> = state
            .progress
            .values()
            .filter(|progress| is_old(progress))
            .map(|progress| progress.run)
            .collect();
        for run in old {
            let key = keys::tenant_state(workspace, tenant);
            let condition = of_run(held(lease), run);
            self.update(&key, "REMOVE progress.#run", condition, Vec::new()).await?;
            state.progress.remove(&run);
        }
        Ok((lease, state))
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
        ];
        let change = "SET progress.#run = :progress, busyUntil = :until, attempts = :none";
        let condition = of_run(held(lease), progress.run);
        let key = keys::tenant_state(workspace, tenant);
        Ok(self.update(&key, change, condition, values).await?.is_done())
    }

    /// Keeps the lease from `now` on. Answers false when it is lost.
    pub async fn keep_tenant(
        &self,
        workspace: WorkspaceId,
        tenant: ManagedTenantId,
        lease: Lease,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let Change { key, expression, condition, extra } = kept(workspace, tenant, lease, now);
        Ok(self.update(&key, &expression, condition, extra).await?.is_done())
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
    /// forgotten, all or nothing. `ground` when it was a sync that came to its end. Answers false when
    /// the lease is lost; then nothing was written. The first result of a tenant in a run stays.
    pub async fn end_tenant(
        &self,
        workspace: WorkspaceId,
        run: RunId,
        lease: Lease,
        result: &TenantRun,
        settled: Settled<'_>,
    ) -> Result<bool, StoreError> {
        let item = self.sealed_result(workspace, run, result).await?;
        let put = Write::Put { item, condition: Condition::absent() };
        let end = ending(workspace, run, lease, result, settled)?;
        match self.transact(vec![put, end.clone()]).await? {
            Transacted::Done => Ok(true),
            Transacted::Refused(failed) if failed.get(1) == Some(&true) => Ok(false),
            // There is a result already: only the tenant is given back.
            Transacted::Refused(_) => Ok(self.transact(vec![end]).await? == Transacted::Done),
        }
    }

    /// Takes it for right that a tenant has become small: the next read is a complete one, and not short
    /// of an earlier one. Answers false when the tenant was never synced.
    pub async fn accept_size(
        &self,
        workspace: WorkspaceId,
        tenant: ManagedTenantId,
    ) -> Result<bool, StoreError> {
        let values = vec![(":yes", value("tenant state", &true)?)];
        let change = "SET ground.lookAgain = :yes REMOVE ground.#people";
        self.change_ground(workspace, tenant, change, ("#people", "people"), values).await
    }

    /// Has the next sync read everybody. Answers false when the tenant was never synced: then it does so
    /// anyway.
    pub async fn look_again(
        &self,
        workspace: WorkspaceId,
        tenant: ManagedTenantId,
    ) -> Result<bool, StoreError> {
        let values = vec![(":yes", value("tenant state", &true)?)];
        let change = "SET ground.#again = :yes";
        self.change_ground(workspace, tenant, change, ("#again", "lookAgain"), values).await
    }

    /// Opens the stop limits again, once an operator has decided about everything that waited: what comes
    /// now is measured afresh. Answers false when the tenant was never synced.
    pub async fn open_limits(
        &self,
        workspace: WorkspaceId,
        tenant: ManagedTenantId,
    ) -> Result<bool, StoreError> {
        self.change_ground(workspace, tenant, "REMOVE ground.#held", ("#held", "held"), Vec::new()).await
    }

    /// Changes what the next sync builds on; false when the tenant was never synced.
    async fn change_ground(
        &self,
        workspace: WorkspaceId,
        tenant: ManagedTenantId,
        change: &'static str,
        name: (&'static str, &'static str),
        values: Vec<(&'static str, AttributeValue)>,
    ) -> Result<bool, StoreError> {
        let condition =
            Condition { expression: "attribute_exists(ground)", names: vec![name], ..Condition::default() };
        let key = keys::tenant_state(workspace, tenant);
        Ok(self.update(&key, change, condition, values).await?.is_done())
    }

    /// Notes that one line for each of `limits` waits no more. Answers false when the tenant was never
    /// synced, or is taken up at the same time: then the next sync counts afresh.
    pub async fn release_held(
        &self,
        workspace: WorkspaceId,
        tenant: ManagedTenantId,
        limits: &[Limit],
    ) -> Result<bool, StoreError> {
        let states = self.tenant_states(workspace, &[tenant]).await?;
        let Some((_, state)) = states.into_iter().next() else { return Ok(false) };
        let mut held = state.ground.held;
        for limit in limits {
            held.release(*limit);
        }
        let condition = Condition {
            expression: "#token = :token AND attribute_exists(ground)",
            names: vec![("#token", "token"), ("#held", "held")],
            values: vec![(":token", number(state.token))],
            ..Condition::default()
        };
        let key = keys::tenant_state(workspace, tenant);
        let values = vec![(":held", value("tenant state", &held)?)];
        Ok(self.update(&key, "SET ground.#held = :held", condition, values).await?.is_done())
    }

    /// States of many tenants; those never synced are left out, and those that cannot be read: whoever takes up
    /// such a tenant is told, and the others go on.
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
        let items = self.batch_get_items("tenant state", keys).await?;
        let readable = items.into_iter().filter_map(|item| {
            let row: Result<Keyed, StoreError> = decode("tenant state", item);
            let row = row.and_then(|row| {
                let tenant = row.sk.parse().map_err(|error| StoreError::damaged("tenant state", error))?;
                Ok((tenant, row.state))
            });
            row.ok()
        });
        Ok(readable.collect())
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
        for row in rows.into_iter().filter(|row| row.state.busy_until > 0 || row.state.attempts > 0) {
            let tenant = row.sk.parse().map_err(|error| StoreError::damaged("tenant state", error))?;
            let lease = Lease { token: row.state.token };
            // That a process was killed says nothing against the tenant.
            let change = "SET busyUntil = :free, attempts = :free";
            self.change_state(workspace, tenant, lease, change, vec![(":free", number(0))]).await?;
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

fn refused(state: &TenantState) -> LeaseRefused {
    LeaseRefused { until: Timestamp::from_millisecond(state.busy_until).unwrap_or(Timestamp::MIN) }
}

fn ending(
    workspace: WorkspaceId,
    run: RunId,
    lease: Lease,
    result: &TenantRun,
    settled: Settled<'_>,
) -> Result<Write, StoreError> {
    let key = keys::tenant_state(workspace, result.tenant);
    let mut extra = vec![(":free", number(0)), (":run", text(run))];
    let mut change = "SET busyUntil = :free, endedRun = :run REMOVE progress.#run";
    match settled {
        Settled::Nothing => {}
        Settled::OnePerson(ground) => {
            change = "SET busyUntil = :free, endedRun = :run, ground = :ground REMOVE progress.#run";
            extra.push((":ground", value("tenant state", ground)?));
        }
        Settled::Everybody(ground) => {
            change = "SET busyUntil = :free, endedRun = :run, lastSuccessRun = :run, lastSuccessAt = :at, \
                 lastSuccessPeople = :people, ground = :ground REMOVE progress.#run";
            let people = ground.in_scope.unwrap_or_default();
            extra.extend([(":at", text(result.completed_at)), (":people", number(people))]);
            extra.push((":ground", value("tenant state", ground)?));
        }
    }
    Ok(Write::Update(Change { key, expression: change.into(), condition: of_run(held(lease), run), extra }))
}

/// Keeps the lease from `now` on, if it is the last one that was given out.
pub(crate) fn kept(workspace: WorkspaceId, tenant: ManagedTenantId, lease: Lease, now: Timestamp) -> Change {
    Change {
        key: keys::tenant_state(workspace, tenant),
        expression: "SET busyUntil = :until".into(),
        condition: held(lease),
        extra: vec![(":until", number((now + LEASE).as_millisecond()))],
    }
}

/// The lease is the last one that was given out.
fn held(lease: Lease) -> Condition {
    Condition {
        expression: "#token = :token",
        names: vec![("#token", "token")],
        values: vec![(":token", number(lease.token))],
        ..Condition::default()
    }
}

/// The same condition, in an expression that names `run` as `#run`.
fn of_run(condition: Condition, run: RunId) -> Condition {
    Condition { own_names: vec![("#run", run.to_string())], ..condition }
}
