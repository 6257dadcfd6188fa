//! Clients that an operator wants created: made when a run begins that a person has started for
//! everything, never by a schedule or for a single client.

use domain::{
    contact::Client,
    ids::{ClientId, MappingId},
    mapping::{Decision, MappingRecord, RequestedDecision, decide},
    run::{RunKind, Trigger},
};
use store::{ManagedTenant, Run, RunScope, StoreError};

use crate::RunSteps;

/// Whether `run` creates clients.
pub(crate) fn is_due(run: &Run) -> bool {
    let everything = matches!(run.kind, RunKind::AllTenants | RunKind::Initial);
    everything && run.trigger == Trigger::Manual && run.scope == RunScope::default()
}

impl RunSteps {
    /// Creates the clients of all tenants marked so, and maps the tenants to them. Done again, or
    /// by two at once, it creates no second client: its id follows from the tenant.
    pub(crate) async fn create_clients(&self, run: &Run) -> Result<(), StoreError> {
        for record in self.store.mappings(run.workspace).await? {
            if record.current.decision != Decision::CreateNew {
                continue;
            }
            let tenant = self.store.managed_tenant(run.workspace, record.managed_tenant).await?;
            if let Some(tenant) = tenant {
                self.create_client(run, &record, &tenant).await?;
            }
        }
        Ok(())
    }

    async fn create_client(
        &self,
        run: &Run,
        record: &MappingRecord,
        tenant: &ManagedTenant,
    ) -> Result<(), StoreError> {
        let id = ClientId::derived(run.workspace, tenant.id);
        if self.store.client_by_id(run.workspace, id).await?.is_none() {
            self.store.upsert_client(run.workspace, &client(id, tenant)).await?;
        }
        let requested = RequestedDecision {
            managed_tenant: tenant.id,
            decision: Decision::Mapped { client: id },
            confidence: None,
        };
        let (actor, next) = (record.current.decided_by, MappingId::following(record.current.mapping_id));
        if let Some(mapped) = decide(Some(record), &requested, actor, self.clock.now(), next)
            && !self.store.put_mapping(run.workspace, Some(record), &mapped).await?
        {
            tracing::info!(managed_tenant = %tenant.id, "somebody decided about the tenant meanwhile");
        }
        Ok(())
    }
}

fn client(id: ClientId, tenant: &ManagedTenant) -> Client {
    let domain = tenant.default_domain.as_ref().filter(|domain| domain.identifies_a_company());
    let name = tenant.display_name.clone().or_else(|| domain.map(ToString::to_string));
    Client {
        id,
        name: name.unwrap_or_else(|| tenant.entra.to_string()),
        website: domain.map(ToString::to_string),
        secondary_domains: Vec::new(),
        inactive: false,
    }
}
