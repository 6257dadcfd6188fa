//! The matcher as a whole.

mod examples;
mod large;
mod naive;
mod precision;

use uuid::Uuid;

use super::*;
use crate::{
    domain_name::DomainName,
    ids::{ClientId, EntraTenantId, ManagedTenantId},
};

fn domain(text: &str) -> DomainName {
    text.parse().unwrap()
}

fn domains(text: &str) -> Vec<DomainName> {
    text.split_whitespace().map(domain).collect()
}

fn client_id(number: u128) -> ClientId {
    ClientId::new(Uuid::from_u128(number))
}

fn tenant_id(number: u128) -> EntraTenantId {
    EntraTenantId::new(Uuid::from_u128(number))
}

/// A client with `primary` and `secondary` domains, separated by blanks.
fn client(number: u128, name: &str, primary: &str, secondary: &str) -> ClientFacts {
    ClientFacts {
        client: client_id(number),
        name: name.to_owned(),
        primary_domains: domains(primary),
        secondary_domains: domains(secondary),
        inactive: false,
        entra_tenant: None,
    }
}

/// A tenant whose first domain is the default one.
fn tenant(number: u128, name: &str, verified: &str) -> TenantFacts {
    let verified_domains = domains(verified);
    TenantFacts {
        managed_tenant: ManagedTenantId::new(Uuid::from_u128(number)),
        entra_tenant: tenant_id(number),
        display_name: Some(name.to_owned()),
        default_domain: verified_domains.first().cloned(),
        verified_domains,
    }
}
