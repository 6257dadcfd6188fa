//! The table for whoever only looks: what has this and nothing else cannot write.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    contact::{Client, Owner},
    email::EmailAddress,
    ids::{ClientId, ContactId, EntraObjectId, EntraTenantId, LineId, ManagedTenantId, RunId, WorkspaceId},
    mapping::MappingRecord,
};

use crate::{
    ClientOverrides, ClientScope, ContactsAndLastSeen, FoundPerson, ManagedTenant, Run, Store, StoreError,
    StoredPage, SyncSettings, TenantState,
};

/// The table, to be read only: it has no method that writes, and does not give the [`Store`] away.
#[derive(Clone, Debug)]
pub struct ReadOnly(Store);

impl Store {
    /// The same table, to be read only.
    #[must_use]
    pub fn read_only(&self) -> ReadOnly {
        ReadOnly(self.clone())
    }
}

impl ReadOnly {
    /// See [`Store::settings`].
    pub async fn settings(&self, workspace: WorkspaceId) -> Result<SyncSettings, StoreError> {
        self.0.settings(workspace).await
    }

    /// See [`Store::overrides_of`].
    pub async fn overrides_of(
        &self,
        workspace: WorkspaceId,
        client: ClientId,
    ) -> Result<ClientOverrides, StoreError> {
        self.0.overrides_of(workspace, client).await
    }

    /// See [`Store::managed_tenant`].
    pub async fn managed_tenant(
        &self,
        workspace: WorkspaceId,
        tenant: ManagedTenantId,
    ) -> Result<Option<ManagedTenant>, StoreError> {
        self.0.managed_tenant(workspace, tenant).await
    }

    /// See [`Store::mapping`].
    pub async fn mapping(
        &self,
        workspace: WorkspaceId,
        tenant: ManagedTenantId,
    ) -> Result<Option<MappingRecord>, StoreError> {
        self.0.mapping(workspace, tenant).await
    }

    /// What is known of one tenant from its syncs; the defaults when it was never synced.
    pub async fn tenant_state(
        &self,
        workspace: WorkspaceId,
        tenant: ManagedTenantId,
    ) -> Result<TenantState, StoreError> {
        let states = self.0.tenant_states(workspace, &[tenant]).await?;
        Ok(states.into_iter().next().map(|(_, state)| state).unwrap_or_default())
    }

    /// See [`Store::client_by_id`].
    pub async fn client_by_id(
        &self,
        workspace: WorkspaceId,
        client: ClientId,
    ) -> Result<Option<Client>, StoreError> {
        self.0.client_by_id(workspace, client).await
    }

    /// See [`Store::owners_and_unreadable`].
    pub async fn owners_and_unreadable(
        &self,
        workspace: WorkspaceId,
        addresses: &BTreeSet<EmailAddress>,
    ) -> Result<(BTreeMap<EmailAddress, Owner>, BTreeSet<EmailAddress>), StoreError> {
        self.0.owners_and_unreadable(workspace, addresses).await
    }

    /// See [`Store::people`].
    pub async fn people(
        &self,
        workspace: WorkspaceId,
        tenant: EntraTenantId,
        people: &BTreeSet<EntraObjectId>,
    ) -> Result<(BTreeMap<EntraObjectId, FoundPerson>, BTreeSet<EntraObjectId>), StoreError> {
        self.0.people(workspace, tenant, people).await
    }

    /// See [`Store::contacts_and_last_seen`].
    pub async fn contacts_and_last_seen(
        &self,
        scope: ClientScope,
        contacts: &BTreeSet<ContactId>,
        tenant: EntraTenantId,
        people: &BTreeSet<EntraObjectId>,
    ) -> Result<ContactsAndLastSeen, StoreError> {
        self.0.contacts_and_last_seen(scope, contacts, tenant, people).await
    }

    /// See [`Store::runs`].
    pub async fn runs(
        &self,
        workspace: WorkspaceId,
        after: Option<RunId>,
        limit: u16,
    ) -> Result<Vec<Run>, StoreError> {
        self.0.runs(workspace, after, limit).await
    }

    /// See [`Store::pages`].
    pub async fn pages(
        &self,
        workspace: WorkspaceId,
        run: RunId,
        tenant: ManagedTenantId,
        after: u32,
        limit: u16,
    ) -> Result<Vec<StoredPage>, StoreError> {
        self.0.pages(workspace, run, tenant, after, limit).await
    }

    /// See [`Store::stale_lines`].
    pub async fn stale_lines(
        &self,
        workspace: WorkspaceId,
        run: RunId,
        tenant: ManagedTenantId,
    ) -> Result<Vec<(LineId, String)>, StoreError> {
        self.0.stale_lines(workspace, run, tenant).await
    }
}
