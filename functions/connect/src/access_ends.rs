//! When the partner's access to its customers ends, asked of Microsoft or CIPP without a discovery.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use directory::{Code, ErrorClass, ListedTenant, ReadError, TenantList};
use domain::{
    ids::{EntraTenantId, ManagedTenantId, WorkspaceId},
    mapping::MappingRecord,
};
use store::{Connection, ConnectionKind, StoreError};

use crate::Connect;

/// Longest time for one list: a CIPP deployment that was asleep needs tens of seconds.
pub(crate) const LIMIT: Duration = Duration::from_secs(45);

/// Why the customers cannot be listed.
struct Refusal {
    code: &'static str,
    /// Whether it passes by itself.
    passes: bool,
}

impl Refusal {
    fn of(error: &ReadError) -> Self {
        let passes = matches!(
            error.class(),
            ErrorClass::ExpiredPage | ErrorClass::Throttled { .. } | ErrorClass::Transient
        );
        Self { code: error.code().name(), passes }
    }
}

impl Connect {
    /// Notes for each customer that is synced when the access to it ends; nothing where nobody is synced. Answers
    /// the code of why that could not be asked.
    ///
    /// # Errors
    /// When the table does not answer.
    pub(crate) async fn ask_when_access_ends(
        &self,
        workspace: WorkspaceId,
        connection: &Connection,
        mappings: &[MappingRecord],
    ) -> Result<Option<&'static str>, StoreError> {
        let is_mapped = |record: &&MappingRecord| record.current.decision.client().is_some();
        let mapped = mappings.iter().filter(is_mapped).map(|record| record.managed_tenant);
        let mapped: BTreeSet<ManagedTenantId> = mapped.collect();
        if mapped.is_empty() {
            return Ok(None);
        }
        let listed = match self.list_for_forecast(workspace, connection).await {
            Ok(listed) => listed,
            // Tomorrow is another day: nobody is called for a peer that does not answer now.
            Err(refusal) if refusal.passes => {
                tracing::info!(%workspace, code = refusal.code, "when the access to customers ends is not asked");
                return Ok(None);
            }
            Err(refusal) => return Ok(Some(refusal.code)),
        };
        let listed: BTreeMap<EntraTenantId, ListedTenant> =
            listed.tenants.into_iter().map(|tenant| (tenant.entra_tenant, tenant)).collect();
        let at = self.clock.now();
        let known = self.store.managed_tenants(workspace).await?;
        for tenant in known.into_iter().filter(|tenant| mapped.contains(&tenant.id)) {
            // Of whoever is not listed nothing is said: the next discovery tells why.
            let Some(listed) = listed.get(&tenant.entra) else { continue };
            // An end that has passed is told until somebody discovers, though a list leaves it out from then on.
            let has_passed = !listed.auto_extends && tenant.access_ends.is_some_and(|ends| ends <= at);
            let now = listed.access_ends();
            if now != tenant.access_ends && !(now.is_none() && has_passed) {
                self.store.note_access_ends(workspace, tenant.id, now).await?;
            }
        }
        Ok(None)
    }

    async fn list_for_forecast(
        &self,
        workspace: WorkspaceId,
        connection: &Connection,
    ) -> Result<TenantList, Refusal> {
        let list = async {
            match connection.kind {
                ConnectionKind::Cipp => {
                    let listed = self.check_cipp(workspace, connection).await;
                    listed.map_err(|error| {
                        error.read_error().map_or(Refusal { code: error.code(), passes: false }, Refusal::of)
                    })
                }
                ConnectionKind::Direct => {
                    let asked =
                        self.check_direct(workspace, Some(connection), self.graph_awaited(), (false, None));
                    let listed = asked.await.map(|checked| checked.listed);
                    listed.map_err(|error| {
                        let code = error.reason().map_or(error.code(), Code::name);
                        error.read_error().map_or(Refusal { code, passes: false }, Refusal::of)
                    })
                }
            }
        };
        // Hundreds of workspaces are looked at in one go.
        let silent = match connection.kind {
            ConnectionKind::Cipp => Code::CippUnavailable,
            ConnectionKind::Direct => Code::GraphUnavailable,
        };
        tokio::time::timeout(LIMIT, list).await.unwrap_or_else(|_| Err(Refusal::of(&silent.into())))
    }
}
