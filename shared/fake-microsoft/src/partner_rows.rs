//! The rows only a partner sees: relationships and customers.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::{
    graph_error::GraphError,
    properties::Properties,
    tenant::{Relationship, RelationshipStatus, Tenant},
    world::World,
};

pub(crate) const RELATIONSHIP_PROPERTIES: Properties = Properties {
    resource: "delegatedAdminRelationship",
    held: &[
        "id",
        "accessDetails",
        "activatedDateTime",
        "autoExtendDuration",
        "createdDateTime",
        "customer",
        "displayName",
        "duration",
        "endDateTime",
        "lastModifiedDateTime",
        "status",
    ],
    not_held: &[],
};

pub(crate) const CUSTOMER_PROPERTIES: Properties = Properties {
    resource: "delegatedAdminCustomer",
    held: &["id", "displayName", "tenantId"],
    not_held: &[],
};

/// Reads `status eq 'active'`, the one filter this fake understands.
pub(crate) fn status_filter(filter: &str) -> Result<RelationshipStatus, GraphError> {
    let name = filter.trim().strip_prefix("status eq '").and_then(|rest| rest.strip_suffix('\''));
    let status = name.and_then(|name| RelationshipStatus::ALL.into_iter().find(|one| one.name() == name));
    status.ok_or_else(|| GraphError::bad_request("Invalid filter clause: only status eq '…' is supported."))
}

/// Every relationship, of every customer, that has `status` if one is asked for.
pub(crate) fn relationships(
    world: &World,
    status: Option<RelationshipStatus>,
    fields: &[&'static str],
) -> Vec<Value> {
    let wanted = |one: RelationshipStatus| status.is_none_or(|status| status == one);
    let invitation = invitation(world);
    world.with_customers(|tenants| {
        let granted = tenants
            .iter()
            .flat_map(|tenant| tenant.relationships.iter().map(move |one| (Some(tenant), one)))
            .chain(invitation.iter().map(|one| (None, one)));
        granted
            .filter(|(_, one)| wanted(one.status))
            .map(|(tenant, one)| relationship_row(tenant, one, fields))
            .collect()
    })
}

/// Every customer with an active relationship.
pub(crate) fn customers(world: &World, fields: &[&'static str]) -> Vec<Value> {
    let row = |tenant: &Tenant| {
        let mut row = annotations("#microsoft.graph.delegatedAdminCustomer", &tenant.id.to_string());
        for field in fields {
            let value =
                if *field == "displayName" { tenant.display_name.clone() } else { tenant.id.to_string() };
            row.insert((*field).to_owned(), json!(value));
        }
        Value::Object(row)
    };
    world.with_customers(|tenants| {
        tenants.iter().filter(|tenant| tenant.has_active_relationship()).map(row).collect()
    })
}

/// An invitation nobody has approved yet: it has no customer.
fn invitation(world: &World) -> Option<Relationship> {
    let config = world.config();
    config.messy.then(|| Relationship {
        id: format!("0d1e2f3a-4b5c-4d6e-8f70-8192a3b4c5d6-{}", config.partner),
        display_name: "Invitation".to_owned(),
        status: RelationshipStatus::ApprovalPending,
        roles: vec![crate::tenant::DIRECTORY_READERS],
        activated: config.as_of,
        ends: config.as_of,
        extends_itself: false,
        through_reseller: false,
    })
}

fn relationship_row(tenant: Option<&Tenant>, one: &Relationship, fields: &[&'static str]) -> Value {
    let kind = if one.through_reseller {
        "#microsoft.graph.resellerDelegatedAdminRelationship"
    } else {
        "#microsoft.graph.delegatedAdminRelationship"
    };
    let mut row = annotations(kind, &format!("{} {}", one.id, one.status.name()));
    for field in fields {
        row.insert((*field).to_owned(), relationship_field(tenant, one, field));
    }
    if one.through_reseller && fields.len() == RELATIONSHIP_PROPERTIES.held.len() {
        row.insert("isPartnerConsentPending".to_owned(), json!(false));
        row.insert("indirectProviderTenantId".to_owned(), Value::Null);
    }
    Value::Object(row)
}

fn relationship_field(tenant: Option<&Tenant>, one: &Relationship, field: &str) -> Value {
    let approved = tenant.is_some();
    match field {
        "id" => json!(one.id),
        "displayName" => json!(one.display_name),
        "status" => json!(one.status.name()),
        "customer" => tenant.map_or(
            Value::Null,
            |tenant| json!({ "tenantId": tenant.id.to_string(), "displayName": tenant.display_name }),
        ),
        "accessDetails" => {
            let role = |id: &uuid::Uuid| json!({ "roleDefinitionId": id.to_string() });
            json!({ "unifiedRoles": one.roles.iter().map(role).collect::<Vec<_>>() })
        }
        "duration" => {
            let days = one.ends.duration_since(one.activated).as_hours() / 24;
            json!(format!("P{}D", days.max(1)))
        }
        "autoExtendDuration" => json!(if one.extends_itself { "P180D" } else { "PT0S" }),
        "activatedDateTime" if approved => json!(one.activated.to_string()),
        "endDateTime" if approved => json!(one.ends.to_string()),
        "createdDateTime" | "lastModifiedDateTime" => json!(one.activated.to_string()),
        _ => Value::Null,
    }
}

fn annotations(kind: &str, version: &str) -> Map<String, Value> {
    let digest = STANDARD.encode(&Sha256::digest(version)[..12]);
    let mut row = Map::new();
    row.insert("@odata.type".to_owned(), json!(kind));
    row.insert("@odata.etag".to_owned(), json!(format!("W/\"{digest}\"")));
    row
}
