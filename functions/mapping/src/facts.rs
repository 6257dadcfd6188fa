//! What is stored, as the matcher wants to know it.

use domain::{
    contact::Client,
    domain_name::DomainName,
    mapping::{ClientFacts, TenantFacts},
};
use store::ManagedTenant;

/// What speaks for a tenant.
pub(crate) fn of_tenant(tenant: &ManagedTenant) -> TenantFacts {
    TenantFacts {
        managed_tenant: tenant.id,
        entra_tenant: tenant.entra,
        display_name: tenant.display_name.clone(),
        default_domain: tenant.default_domain.clone(),
        verified_domains: tenant.verified_domains.clone(),
    }
}

/// What speaks for a client. Its website may be a URL, a bare domain or an address, and so may its
/// weaker signs; what names no domain says nothing.
///
/// Earlier decisions are no facts: they are shown beside a suggestion and do not change it.
pub(crate) fn of_client(client: &Client) -> ClientFacts {
    let domain = |text: &String| DomainName::from_website_or_address(text);
    ClientFacts {
        client: client.id,
        name: client.name.clone(),
        primary_domains: client.website.iter().filter_map(domain).collect(),
        secondary_domains: client.secondary_domains.iter().filter_map(domain).collect(),
        inactive: client.inactive,
        entra_tenant: None,
    }
}

/// Where a tenant stands in a list: by its name as a reader sorts it, by Microsoft's id when it has
/// none.
pub(crate) fn place(tenant: &ManagedTenant) -> (String, String) {
    let id = tenant.entra.to_string();
    let name = tenant.display_name.as_deref().filter(|name| !name.trim().is_empty());
    (name.map_or_else(|| id.clone(), str::to_lowercase), id)
}
