//! `GET /api/ListTenants`.

use serde_json::{Value, json};

use super::Parameters;
use crate::{
    answer::{Body, Reply},
    fake::Inner,
    tenant::{RelationshipStatus, Tenant},
};

/// Customers with a relationship, and the pseudo rows; a bare array.
pub(super) fn list(inner: &Inner, parameters: &Parameters) -> Reply {
    let mut rows: Vec<Value> =
        inner.world.tenants().iter().filter(|tenant| tenant.has_active_relationship()).map(row).collect();
    if parameters.is_on("alltenantselector") {
        rows.insert(0, json!({ "customerId": "AllTenants", "displayName": "*All Tenants", "defaultDomainName": "AllTenants" }));
    }
    let partner = inner.world.partner();
    rows.push(json!({
        "customerId": partner.id.to_string(),
        "displayName": format!("*Partner Tenant - {}", partner.display_name),
        "defaultDomainName": partner.default_domain(),
        "domains": "PartnerTenant",
    }));
    Reply::new(200, Body::Json(Value::Array(rows)))
}

fn row(tenant: &Tenant) -> Value {
    let active: Vec<_> =
        tenant.relationships.iter().filter(|one| one.status == RelationshipStatus::Active).collect();
    json!({
        "customerId": tenant.id.to_string(),
        "RowKey": tenant.id.to_string(),
        "PartitionKey": "Tenants",
        "defaultDomainName": tenant.default_domain(),
        "initialDomainName": tenant.initial_domain(),
        "displayName": tenant.display_name,
        "domains": "",
        "delegatedPrivilegeStatus": "granularDelegatedAdminPrivileges",
        "Excluded": false,
        "ExcludeUser": "",
        "ExcludeDate": "",
        "GraphErrorCount": 0,
        "LastGraphError": "",
        "RequiresRefresh": false,
        "hasAutoExtend": active.iter().any(|one| one.extends_itself),
        "relationshipCount": active.len(),
        "relationshipEnd": active.iter().map(|one| one.ends).max(),
    })
}
