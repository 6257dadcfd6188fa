//! What was decided about a tenant, and by whom.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    ids::{ClientId, ManagedTenantId, MappingId, UserId, WorkspaceId},
    mapping::{ActiveDecision, Confidence, MappingState},
};
use futures::{StreamExt, TryStreamExt, stream, try_join};
use jiff::Timestamp;
use serde::Serialize;
use store::Store;

use crate::MappingError;

/// Clients that are read at the same time.
const READS_AT_ONCE: usize = 8;

/// The decisions about one tenant.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct History {
    /// The tenant.
    pub managed_tenant_id: ManagedTenantId,
    /// Its name.
    pub display_name: Option<String>,
    /// Newest first; only the first one holds. As many as `domain::mapping::HISTORY_MAX` earlier
    /// ones are kept.
    pub decisions: Vec<PastDecision>,
}

/// One decision.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PastDecision {
    /// Its id.
    pub mapping_id: MappingId,
    /// Whether it holds now.
    pub is_active: bool,
    /// Its kind.
    pub mapping_state: MappingState,
    /// The client.
    pub client_id: Option<ClientId>,
    /// The client's name today; `None` when the client is not there any more.
    pub client_name: Option<String>,
    /// The score the operator was shown.
    pub confidence_score: Option<Confidence>,
    /// Who decided; `None` for the product itself.
    pub decided_by: Option<UserId>,
    /// When.
    pub decided_at: Timestamp,
}

/// The decisions about `tenant`, newest first; none when nothing was decided yet.
pub async fn history(
    store: &Store,
    workspace: WorkspaceId,
    tenant: ManagedTenantId,
) -> Result<History, MappingError> {
    let (known, record) =
        try_join!(store.managed_tenant(workspace, tenant), store.mapping(workspace, tenant))?;
    let known = known.ok_or(MappingError::UnknownTenant(tenant))?;
    let decisions: Vec<ActiveDecision> =
        record.into_iter().flat_map(|record| [vec![record.current], record.history].concat()).collect();
    let named: BTreeSet<ClientId> = decisions.iter().filter_map(|past| past.decision.client()).collect();
    let names: BTreeMap<ClientId, String> = stream::iter(named)
        .map(|client| store.client_by_id(workspace, client))
        .buffered(READS_AT_ONCE)
        .try_filter_map(async |client| Ok(client.map(|client| (client.id, client.name))))
        .try_collect()
        .await?;
    let decisions = decisions.into_iter().enumerate().map(|(place, past)| PastDecision {
        mapping_id: past.mapping_id,
        is_active: place == 0,
        mapping_state: past.decision.state(),
        client_id: past.decision.client(),
        client_name: past.decision.client().and_then(|client| names.get(&client).cloned()),
        confidence_score: past.confidence,
        decided_by: past.decided_by,
        decided_at: past.decided_at,
    });
    Ok(History {
        managed_tenant_id: tenant,
        display_name: known.display_name,
        decisions: decisions.collect(),
    })
}
