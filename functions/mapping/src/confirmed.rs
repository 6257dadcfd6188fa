//! Tenants that are mapped to a client, with what their last sync said.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    domain_name::DomainName,
    ids::{ClientId, EntraTenantId, ManagedTenantId, RunId, WorkspaceId},
    run::{RunStatus, TenantStatus},
};
use futures::{StreamExt, TryStreamExt, stream, try_join};
use jiff::Timestamp;
use serde::Serialize;
use store::{ManagedTenant, Store, StoreError, TenantState};

use crate::facts;

/// Runs that are read at the same time.
const READS_AT_ONCE: usize = 8;

/// The list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConfirmedMappings {
    /// By client name, then tenant name, then Microsoft's id.
    pub mappings: Vec<ConfirmedMapping>,
}

/// One mapped tenant.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfirmedMapping {
    /// Our id of the tenant.
    pub managed_tenant_id: ManagedTenantId,
    /// Microsoft's id of it.
    pub entra_tenant_id: EntraTenantId,
    /// The client.
    pub client_id: ClientId,
    /// Its name; `None` when the client is not there any more.
    pub client_name: Option<String>,
    /// The tenant's name.
    pub display_name: Option<String>,
    /// The domain new users get.
    pub primary_domain: Option<DomainName>,
    /// Users discovery was told of; 0 when the provider says none.
    pub source_user_count: u64,
    /// People in scope at the last successful sync, or else the users discovery was told of.
    pub user_count: u64,
    /// Where `userCount` comes from.
    pub user_count_source: UserCountSource,
    /// When it was counted.
    pub user_count_observed_at: Timestamp,
    /// When the last successful sync ended.
    pub last_synced_at: Option<Timestamp>,
    /// How the last attempt ended, successful or not: `running`, `completed`, `held`, `failed`,
    /// `cancelled`; `None` before the first one. Dry runs are no attempts.
    pub last_run_status: Option<&'static str>,
}

/// Where a number of users comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UserCountSource {
    /// Counted by discovery.
    Discovery,
    /// Counted by a sync.
    Sync,
}

/// Every tenant whose decision is a client. Tenants that discovery has never seen are left out.
pub async fn confirmed(store: &Store, workspace: WorkspaceId) -> Result<ConfirmedMappings, StoreError> {
    let (tenants, clients, records) =
        try_join!(store.managed_tenants(workspace), store.clients(workspace), store.mappings(workspace))?;
    let mapped: BTreeMap<ManagedTenantId, ClientId> = records
        .into_iter()
        .filter_map(|record| Some((record.managed_tenant, record.current.decision.client()?)))
        .collect();
    let ids: Vec<ManagedTenantId> = mapped.keys().copied().collect();
    let states: BTreeMap<ManagedTenantId, TenantState> =
        store.tenant_states(workspace, &ids).await?.into_iter().collect();
    let attempts = later_attempts(store, workspace, &states).await?;
    let names: BTreeMap<ClientId, String> =
        clients.into_iter().map(|client| (client.id, client.name)).collect();

    let mut rows: Vec<_> = tenants
        .iter()
        .filter_map(|tenant| {
            let client = *mapped.get(&tenant.id)?;
            let state = states.get(&tenant.id).cloned().unwrap_or_default();
            let name = names.get(&client).cloned();
            let later = state.holder.and_then(|run| attempts.get(&run)?.of(tenant.id));
            let order = (name.as_deref().map(str::to_lowercase), facts::place(tenant));
            Some((order, row(tenant, client, name, &state, later)))
        })
        .collect();
    // A client without a name stands last.
    rows.sort_by(|((a, at), _), ((b, bt), _)| (a.is_none(), a, at).cmp(&(b.is_none(), b, bt)));
    Ok(ConfirmedMappings { mappings: rows.into_iter().map(|(_, row)| row).collect() })
}

fn row(
    tenant: &ManagedTenant,
    client: ClientId,
    client_name: Option<String>,
    state: &TenantState,
    later: Option<&'static str>,
) -> ConfirmedMapping {
    let source_user_count = tenant.user_count.unwrap_or_default();
    let (user_count, user_count_source, user_count_observed_at) =
        match (state.last_success_people, state.last_success_at) {
            (Some(people), Some(at)) => (people, UserCountSource::Sync, at),
            _ => (source_user_count, UserCountSource::Discovery, tenant.last_seen_at),
        };
    ConfirmedMapping {
        managed_tenant_id: tenant.id,
        entra_tenant_id: tenant.entra,
        client_id: client,
        client_name,
        display_name: tenant.display_name.clone(),
        primary_domain: tenant.default_domain.clone(),
        source_user_count,
        user_count,
        user_count_source,
        user_count_observed_at,
        last_synced_at: state.last_success_at,
        last_run_status: later.or(state.last_success_at.map(|_| "completed")),
    }
}

/// How one run went, for the tenants it held last.
struct Attempt {
    ended: BTreeMap<ManagedTenantId, TenantStatus>,
    run: RunStatus,
}

impl Attempt {
    fn of(&self, tenant: ManagedTenantId) -> Option<&'static str> {
        match (self.ended.get(&tenant), self.run) {
            (Some(TenantStatus::Completed), _) => Some("completed"),
            (Some(TenantStatus::Held), _) => Some("held"),
            (Some(TenantStatus::Failed), _) => Some("failed"),
            (None, RunStatus::Queued | RunStatus::Running) => Some("running"),
            (Some(TenantStatus::Cancelled), _) | (None, RunStatus::Cancelled) => Some("cancelled"),
            (None, _) => None,
        }
    }
}

/// The runs that held a tenant after its last success, dry runs left out. Usually there are none,
/// or one that covers all tenants.
async fn later_attempts(
    store: &Store,
    workspace: WorkspaceId,
    states: &BTreeMap<ManagedTenantId, TenantState>,
) -> Result<BTreeMap<RunId, Attempt>, StoreError> {
    let runs: BTreeSet<RunId> = states
        .values()
        .filter(|state| state.holder != state.last_success_run)
        .filter_map(|state| state.holder)
        .collect();
    let attempt = async |id: RunId| {
        let Some(run) = store.run(workspace, id).await?.filter(|run| run.kind.writes()) else {
            return Ok(None);
        };
        let ended = store.tenant_runs(workspace, id).await?;
        let ended = ended.into_iter().map(|part| (part.tenant, part.tenant_status)).collect();
        Ok(Some((id, Attempt { ended, run: run.run_status })))
    };
    let found: Vec<_> = stream::iter(runs).map(attempt).buffered(READS_AT_ONCE).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}
