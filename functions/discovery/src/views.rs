//! What discovery answers, in the PSA's names.

use domain::{
    ids::{EntraTenantId, ManagedTenantId},
    run::TenantFailure,
};
use jiff::Timestamp;
use serde::Serialize;
use store::{DiscoveryReport, ManagedTenant, TenantAccess};

/// A discovered tenant.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantView {
    /// Our id.
    pub managed_tenant_id: ManagedTenantId,
    /// Microsoft's id.
    pub entra_tenant_id: EntraTenantId,
    /// Its name.
    pub display_name: Option<String>,
    /// The domain new users get.
    pub primary_domain: Option<String>,
    /// Every verified domain.
    pub verified_domains: Vec<String>,
    /// Users the provider reports; 0 when it reports none.
    pub source_user_count: u64,
    /// `ok`, `blocked` or `unknown`.
    pub access: &'static str,
    /// Why it is blocked.
    pub access_failure: Option<TenantFailure>,
    /// When our access ends by itself.
    pub access_ends: Option<Timestamp>,
    /// First time it was seen.
    pub discovered_at: Timestamp,
    /// Last time it was seen.
    pub last_seen_at: Timestamp,
    /// Since when it is not listed any more.
    pub missing_since: Option<Timestamp>,
}

impl From<ManagedTenant> for TenantView {
    fn from(tenant: ManagedTenant) -> Self {
        let (access, access_failure) = match tenant.access {
            TenantAccess::Ok => ("ok", None),
            TenantAccess::Unknown => ("unknown", None),
            TenantAccess::Blocked { failure } => ("blocked", Some(failure)),
        };
        Self {
            managed_tenant_id: tenant.id,
            entra_tenant_id: tenant.entra,
            display_name: tenant.display_name,
            primary_domain: tenant.default_domain.map(|domain| domain.to_string()),
            verified_domains: tenant.verified_domains.iter().map(ToString::to_string).collect(),
            source_user_count: tenant.user_count.unwrap_or_default(),
            access,
            access_failure,
            access_ends: tenant.access_ends,
            discovered_at: tenant.discovered_at,
            last_seen_at: tenant.last_seen_at,
            missing_since: tenant.missing_since,
        }
    }
}

/// A finished discovery.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscoveryView {
    /// Tenants the connection can see.
    pub discovered_tenant_count: u32,
    /// Those tenants, by name.
    pub discovered_tenants: Vec<TenantView>,
    /// When it ended.
    pub completed_at: Timestamp,
    /// Seen for the first time.
    pub new: Vec<ManagedTenantId>,
    /// Not listed any more.
    pub gone: Vec<ManagedTenantId>,
    /// With another name than before.
    pub renamed: Vec<ManagedTenantId>,
    /// Could be read before and cannot now.
    pub lost_access: Vec<ManagedTenantId>,
    /// Rows of the list of customers that could not be read.
    pub unreadable_row_count: u32,
    /// What such rows mean; `None` when there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreadable_rows: Option<TenantFailure>,
}

impl DiscoveryView {
    /// The report with the tenants it found.
    pub fn new(report: DiscoveryReport, tenants: Vec<ManagedTenant>) -> Self {
        let mut tenants: Vec<TenantView> = tenants
            .into_iter()
            .filter(|tenant| tenant.missing_since.is_none())
            .map(TenantView::from)
            .collect();
        tenants.sort_by_cached_key(|tenant| {
            let name = tenant.display_name.clone().unwrap_or_else(|| tenant.entra_tenant_id.to_string());
            (name.to_lowercase(), tenant.managed_tenant_id)
        });
        Self {
            discovered_tenant_count: report.found,
            discovered_tenants: tenants,
            completed_at: report.completed_at,
            new: report.new,
            gone: report.gone,
            renamed: report.renamed,
            lost_access: report.lost_access,
            unreadable_row_count: report.unreadable_rows,
            unreadable_rows: (report.unreadable_rows > 0).then(rows_unreadable),
        }
    }
}

fn rows_unreadable() -> TenantFailure {
    TenantFailure {
        code: "customer_rows_unreadable".to_owned(),
        message: "Some rows of the list of customers could not be read, so it is not known whom they are about. \
             The other customers were taken in, and nobody counts as gone because of this list. Contacts stay as \
             they are."
            .to_owned(),
        remedy: "Discover again. If it stays, look in Partner Center, or in CIPP's list of tenants, for a customer \
             without a tenant id."
            .to_owned(),
        diagnostics: None,
    }
}
