//! Discovered customer tenants and the decisions about them.

use domain::{
    domain_name::DomainName,
    ids::{EntraTenantId, ManagedTenantId, WorkspaceId},
    mapping::MappingRecord,
    run::TenantFailure,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    error::StoreError,
    keys,
    table::{Condition, Store, Written, text, value},
};

/// A customer tenant as discovered.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ManagedTenant {
    /// Our id.
    pub id: ManagedTenantId,
    /// Microsoft's id.
    pub entra: EntraTenantId,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The domain new users get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_domain: Option<DomainName>,
    /// Every verified domain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verified_domains: Vec<DomainName>,
    /// Whether we can read it, and if not, why.
    pub access: TenantAccess,
    /// When the partner's access ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_ends: Option<Timestamp>,
    /// Number of users discovery was told, if the provider says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_count: Option<u64>,
    /// First time it was seen.
    pub discovered_at: Timestamp,
    /// Last discovery that contained it.
    pub last_seen_at: Timestamp,
    /// First complete discovery that did not contain it any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_since: Option<Timestamp>,
}

/// Whether a tenant can be read.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum TenantAccess {
    /// It cannot, for a reason an operator can act on.
    Blocked {
        /// Why.
        failure: TenantFailure,
    },
    /// It answered.
    Ok,
    /// Not tried, or the try did not get an answer.
    Unknown,
}

/// The outcome of a discovery.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscoveryReport {
    /// Name of the workflow execution that carried it.
    pub execution: String,
    /// When it ended.
    pub completed_at: Timestamp,
    /// Tenants the connection can see.
    pub found: u32,
    /// Tenants seen for the first time.
    pub new: Vec<ManagedTenantId>,
    /// Tenants that were there before and are not any more.
    pub gone: Vec<ManagedTenantId>,
    /// Tenants with another name than before.
    pub renamed: Vec<ManagedTenantId>,
    /// Tenants that could be read before and cannot now.
    pub lost_access: Vec<ManagedTenantId>,
    /// Rows of the listing that could not be read. With any of them nobody is gone for not being listed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unreadable_rows: u32,
    /// Why nothing could be listed; then nothing was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<TenantFailure>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Store {
    /// Every tenant ever discovered, by id.
    pub async fn managed_tenants(&self, workspace: WorkspaceId) -> Result<Vec<ManagedTenant>, StoreError> {
        self.query("managed tenant", &format!("{workspace}#TENANT"), None).await
    }

    /// One tenant.
    pub async fn managed_tenant(
        &self,
        workspace: WorkspaceId,
        tenant: ManagedTenantId,
    ) -> Result<Option<ManagedTenant>, StoreError> {
        self.get("managed tenant", &keys::tenant(workspace, tenant)).await
    }

    /// Writes what discovery found out about a tenant.
    pub async fn put_managed_tenant(
        &self,
        workspace: WorkspaceId,
        tenant: &ManagedTenant,
    ) -> Result<(), StoreError> {
        let key = keys::tenant(workspace, tenant.id);
        self.put("managed tenant", &key, tenant, Condition::default()).await?;
        Ok(())
    }

    /// Notes when the partner's access to a tenant that was discovered ends, and nothing else of it: a discovery
    /// may be going on.
    pub async fn note_access_ends(
        &self,
        workspace: WorkspaceId,
        tenant: ManagedTenantId,
        ends: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let (change, values) = match ends {
            Some(ends) => ("SET accessEnds = :ends", vec![(":ends", value("managed tenant", &ends)?)]),
            None => ("REMOVE accessEnds", Vec::new()),
        };
        let is_known = Condition::of("attribute_exists(pk)", Vec::new());
        let _: Written = self.update(&keys::tenant(workspace, tenant), change, is_known, values).await?;
        Ok(())
    }

    /// Notes how a discovery ended.
    pub async fn put_discovery(
        &self,
        workspace: WorkspaceId,
        report: &DiscoveryReport,
    ) -> Result<(), StoreError> {
        self.put("discovery", &keys::discovery(workspace), report, Condition::default()).await?;
        Ok(())
    }

    /// How the last discovery ended.
    pub async fn discovery(&self, workspace: WorkspaceId) -> Result<Option<DiscoveryReport>, StoreError> {
        self.get("discovery", &keys::discovery(workspace)).await
    }

    /// When the connection's tenants were last listed.
    pub async fn last_discovery(&self, workspace: WorkspaceId) -> Result<Option<Timestamp>, StoreError> {
        let report = self.discovery(workspace).await?;
        Ok(report.filter(|report| report.failure.is_none()).map(|report| report.completed_at))
    }

    /// Every decision of the workspace.
    pub async fn mappings(&self, workspace: WorkspaceId) -> Result<Vec<MappingRecord>, StoreError> {
        self.query("mapping", &format!("{workspace}#MAPPING"), None).await
    }

    /// The decision about one tenant.
    pub async fn mapping(
        &self,
        workspace: WorkspaceId,
        tenant: ManagedTenantId,
    ) -> Result<Option<MappingRecord>, StoreError> {
        self.get("mapping", &keys::mapping(workspace, tenant)).await
    }

    /// Writes a decision over the one it was made on (`before`). Answers false when somebody else
    /// has decided meanwhile.
    pub async fn put_mapping(
        &self,
        workspace: WorkspaceId,
        before: Option<&MappingRecord>,
        after: &MappingRecord,
    ) -> Result<bool, StoreError> {
        let condition = match before {
            None => Condition::absent(),
            Some(before) => Condition {
                expression: "#current.mappingId = :mapping AND #current.decidedAt = :decided",
                names: vec![("#current", "current")],
                values: vec![
                    (":mapping", text(before.current.mapping_id)),
                    (":decided", text(before.current.decided_at)),
                ],
                ..Condition::default()
            },
        };
        let key = keys::mapping(workspace, after.managed_tenant);
        Ok(self.put("mapping", &key, after, condition).await?.is_done())
    }
}
