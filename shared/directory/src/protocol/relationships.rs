//! `GET /v1.0/tenantRelationships/delegatedAdminRelationships`: which customers a partner may
//! enter (learn.microsoft.com/graph/api/resources/delegatedadminrelationship).

use std::collections::BTreeMap;

use domain::{ids::EntraTenantId, text::clean};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use url::Url;

use super::{
    GraphBase,
    page::{self, Decoded, Shape, Unreadable, collection, text},
};
use crate::port::{Access, BadRow, BadRowCause, EndCause, ListedTenant, TenantList};

/// Most rows a page may be asked to hold.
const PAGE_SIZE_MAX: u16 = 300;

/// How long before its end a relationship counts as expiring.
pub(super) const EXPIRY_NOTICE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Names of relationships that Microsoft 365 Lighthouse makes for itself begin so.
const LIGHTHOUSE_PREFIX: &str = "MLT_";

/// Types whose members are known. Others are read like them where they can be.
const TYPES: [&str; 2] =
    ["#microsoft.graph.delegatedAdminRelationship", "#microsoft.graph.resellerDelegatedAdminRelationship"];

/// Built-in roles that read all users (learn.microsoft.com/entra/identity/role-based-access-control/
/// permissions-reference): Directory Readers, Global Reader, Directory Writers, User
/// Administrator, Helpdesk Administrator, Global Administrator.
const USER_READING_ROLES: [&str; 6] = [
    "88d8e3e3-8f55-4a1e-953a-9b9898b8876b",
    "f2ef992c-3afb-46b9-b7cf-a126ee74c451",
    "9360feb5-f418-4baa-8175-e2a00bac4301",
    "fe930be7-5e62-47db-91af-98c3a49a38b1",
    "729827e3-9c14-49f7-bb1b-9608f156bbb8",
    "62e90394-69f5-4237-9190-012177145e10",
];

/// The partner's active relationships.
#[derive(Clone, Copy, Debug)]
pub struct Relationships;

/// A relationship with a customer.
#[derive(Clone, Debug, PartialEq)]
pub struct Relationship {
    customer: EntraTenantId,
    customer_name: Option<String>,
    /// `None` = active.
    unusable: Option<EndCause>,
    ends: Option<Timestamp>,
    auto_extends: bool,
    can_read_users: Option<bool>,
    modified: Option<Timestamp>,
}

impl Shape for Relationships {
    type Content = Vec<Result<Relationship, BadRow>>;

    const PAGED: bool = false;

    fn first(&self, base: &GraphBase, page_size: u16) -> Url {
        let size = page_size.clamp(1, PAGE_SIZE_MAX).to_string();
        let select = "id,displayName,status,customer,accessDetails,autoExtendDuration,endDateTime,lastModifiedDateTime";
        base.endpoint(
            "tenantRelationships/delegatedAdminRelationships",
            &[("$filter", "status eq 'active'"), ("$select", select), ("$top", &size)],
        )
    }

    /// A row that names no customer is an invitation nobody accepted.
    fn decode(&self, body: &[u8]) -> Result<Decoded<Self::Content>, Unreadable> {
        let text = text(body);
        let page = collection(&text)?;
        let mut content = Vec::with_capacity(page.rows().len());
        for (position, row) in (0..).zip(page.rows()) {
            let bad = |cause| BadRow { position, object: None, cause };
            content.extend(decode_row(row.get()).map_err(bad).transpose());
        }
        Ok(Decoded { content, next: page.next, delta: None })
    }
}

/// One listed tenant per customer, sorted by id; `partner`'s own tenant is left out.
///
/// # Errors
/// [`Unreadable`] when there are rows and none of them can be read.
pub fn listed(
    rows: Vec<Result<Relationship, BadRow>>,
    partner: Option<EntraTenantId>,
    now: Timestamp,
) -> Result<TenantList, Unreadable> {
    let mut customers: BTreeMap<EntraTenantId, Vec<Relationship>> = BTreeMap::new();
    let (mut bad_rows, mut is_readable) = (Vec::new(), rows.is_empty());
    for row in rows {
        match row {
            Ok(row) => {
                is_readable = true;
                if Some(row.customer) != partner {
                    customers.entry(row.customer).or_default().push(row);
                }
            }
            Err(bad) => bad_rows.push(bad),
        }
    }
    let tenants = customers.into_iter().filter_map(|(tenant, rows)| summary(tenant, &rows, now)).collect();
    if is_readable { Ok(TenantList { tenants, bad_rows }) } else { Err(Unreadable) }
}

/// What several relationships with one customer amount to.
fn summary(entra_tenant: EntraTenantId, rows: &[Relationship], now: Timestamp) -> Option<ListedTenant> {
    let lasts = |row: &&Relationship| (row.auto_extends, row.ends.unwrap_or(Timestamp::MAX));
    let active = || rows.iter().filter(|row| row.unusable.is_none());
    let display_name = rows
        .iter()
        .filter(|row| row.customer_name.is_some())
        .max_by_key(|row| (row.modified, row.unusable.is_none()))
        .and_then(|row| row.customer_name.clone());
    let (deciding, access) = if let Some(longest) = active().max_by_key(lasts) {
        (longest, access_of(longest, now))
    } else {
        let last = rows.iter().max_by_key(|row| (row.unusable, row.ends))?;
        (last, Access::Ended { cause: last.unusable.unwrap_or(EndCause::Unknown) })
    };
    let roles: Vec<bool> = active().filter_map(|row| row.can_read_users).collect();
    Some(ListedTenant {
        entra_tenant,
        display_name,
        access,
        relationship_ends: deciding.ends,
        auto_extends: deciding.auto_extends,
        can_read_users: (!roles.is_empty()).then(|| roles.contains(&true)),
    })
}

fn access_of(active: &Relationship, now: Timestamp) -> Access {
    let soon = active.ends.is_some_and(|ends| ends.duration_since(now) <= EXPIRY_NOTICE);
    if soon && !active.auto_extends { Access::Expiring } else { Access::Active }
}

fn decode_row(row: &str) -> Result<Option<Relationship>, BadRowCause> {
    let row = page::row(row).filter(Value::is_object).ok_or(BadRowCause::NotAnObject)?;
    let member = |name: &str| row.get(name).and_then(Value::as_str);
    if member("displayName").is_some_and(|name| name.starts_with(LIGHTHOUSE_PREFIX)) {
        return Ok(None);
    }
    let Some(customer) = row.get("customer").filter(|customer| !customer.is_null()) else {
        return Ok(None);
    };
    let Some(tenant) = customer.get("tenantId").and_then(Value::as_str).and_then(|id| id.parse().ok()) else {
        let known = member("@odata.type").is_none_or(|kind| TYPES.contains(&kind));
        return if known { Err(BadRowCause::NoId) } else { Ok(None) };
    };
    Ok(Some(Relationship {
        customer: tenant,
        customer_name: customer.get("displayName").and_then(Value::as_str).and_then(clean),
        unusable: unusable(member("status")),
        ends: member("endDateTime").and_then(|time| time.parse().ok()),
        auto_extends: member("autoExtendDuration")
            .is_some_and(|duration| !matches!(duration, "P0D" | "PT0S" | "")),
        can_read_users: can_read_users(row.pointer("/accessDetails/unifiedRoles")),
        modified: member("lastModifiedDateTime").and_then(|time| time.parse().ok()),
    }))
}

/// Only `active` is usable; the `-ing` values are transitional.
fn unusable(status: Option<&str>) -> Option<EndCause> {
    match status {
        Some("active") => None,
        Some("created" | "approvalPending" | "approved" | "activating") => Some(EndCause::NotActiveYet),
        Some("expiring" | "terminationRequested" | "terminating") => Some(EndCause::Ending),
        Some("expired") => Some(EndCause::Expired),
        Some("terminated") => Some(EndCause::Terminated),
        _ => Some(EndCause::Unknown),
    }
}

fn can_read_users(roles: Option<&Value>) -> Option<bool> {
    let reads = |role: &Value| {
        let id = role.get("roleDefinitionId").and_then(Value::as_str).unwrap_or_default();
        USER_READING_ROLES.iter().any(|known| known.eq_ignore_ascii_case(id))
    };
    roles.and_then(Value::as_array).map(|roles| roles.iter().any(reads))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const A: &str = "5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d";
    const B: &str = "0a1b2c3d-0b1f-4c3a-9d2e-7f1e2a3b4c5d";

    fn row(tenant: &str, status: &str, ends: &str, auto: &str) -> Value {
        json!({ "@odata.type": TYPES[0], "id": format!("{A}-{B}"), "displayName": "read", "status": status,
            "autoExtendDuration": auto, "endDateTime": ends, "lastModifiedDateTime": "2026-01-06T10:12:00.9941884Z",
            "customer": { "tenantId": tenant, "displayName": "Borealis" },
            "accessDetails": { "unifiedRoles": [{ "roleDefinitionId": USER_READING_ROLES[0] }] } })
    }

    fn whole(rows: Value, partner: Option<EntraTenantId>) -> Result<TenantList, Unreadable> {
        let rows = Relationships.decode(json!({ "value": rows }).to_string().as_bytes()).unwrap().content;
        listed(rows, partner, "2026-03-02T08:00:00Z".parse().unwrap())
    }

    fn list(rows: Value) -> Vec<ListedTenant> {
        let listed = whole(rows, None).unwrap();
        assert!(listed.is_whole());
        listed.tenants
    }

    #[test]
    fn several_relationships_of_one_customer_one_expired() {
        let tenants = list(json!([
            row(A, "expired", "2025-01-01T00:00:00Z", "PT0S"),
            row(A, "active", "2028-01-06T10:12:00Z", "PT0S"),
            row(B, "active", "2027-01-06T10:12:00Z", "P180D"),
            row(A, "active", "2026-03-05T00:00:00Z", "PT0S"),
        ]));
        assert_eq!(tenants.len(), 2);
        assert_eq!(tenants[0].entra_tenant, B.parse().unwrap(), "sorted by id");
        assert!(tenants[0].auto_extends);
        assert_eq!(tenants[1].access, Access::Active);
        assert_eq!(tenants[1].relationship_ends, "2028-01-06T10:12:00Z".parse().ok());
        assert_eq!(tenants[1].can_read_users, Some(true));
    }

    #[test]
    fn access_table() {
        let ended = |cause| Access::Ended { cause };
        for (status, ends, auto, expected) in [
            ("active", "2028-01-01T00:00:00Z", "PT0S", Access::Active),
            ("active", "2026-03-20T00:00:00Z", "P0D", Access::Expiring),
            ("active", "2026-03-20T00:00:00Z", "P180D", Access::Active),
            ("created", "", "", ended(EndCause::NotActiveYet)),
            ("approvalPending", "", "", ended(EndCause::NotActiveYet)),
            ("expiring", "2026-03-20T00:00:00Z", "", ended(EndCause::Ending)),
            ("terminating", "", "", ended(EndCause::Ending)),
            ("expired", "2026-03-01T00:00:00Z", "", ended(EndCause::Expired)),
            ("terminated", "", "", ended(EndCause::Terminated)),
            ("unknownFutureValue", "", "", ended(EndCause::Unknown)),
        ] {
            assert_eq!(
                list(json!([row(A, status, ends, auto)]))[0].access,
                expected,
                "{status} {ends} {auto}"
            );
        }
        let ends = [("terminated", ""), ("approvalPending", ""), ("expired", "")];
        let rows: Vec<Value> = ends.iter().map(|(status, ends)| row(A, status, ends, "")).collect();
        assert_eq!(list(json!(rows))[0].access, ended(EndCause::NotActiveYet), "the most hopeful cause");
    }

    #[test]
    fn rows_that_are_no_customers() {
        let mut invitation = row(A, "approvalPending", "", "");
        invitation["customer"] = Value::Null;
        let mut bare = row(A, "active", "", "");
        bare.as_object_mut().unwrap().remove("customer");
        let mut lighthouse = row(A, "active", "", "");
        lighthouse["displayName"] = json!("MLT_abc_def");
        assert_eq!(list(json!([invitation, bare, lighthouse])), []);
    }

    #[test]
    fn reseller_and_unknown_types() {
        let mut reseller = row(A, "active", "", "");
        reseller["@odata.type"] = json!(TYPES[1]);
        reseller["isPartnerConsentPending"] = json!(true);
        let mut novelty = row(B, "active", "", "");
        novelty["@odata.type"] = json!("#microsoft.graph.novelty");
        assert_eq!(list(json!([reseller, novelty])).len(), 2);
        novelty["customer"] = json!({ "name": "unreadable" });
        assert_eq!(list(json!([novelty])), []);
    }

    #[test]
    fn a_customer_that_cannot_be_read_is_one_bad_row() {
        let with = |customer: Value| {
            let mut bad = row(A, "active", "", "");
            bad["customer"] = customer;
            bad
        };
        let bad = |cause| BadRow { position: 0, object: None, cause };
        for (bad_row, cause) in [
            (with(json!({ "tenantId": "tenant-value" })), BadRowCause::NoId),
            (with(json!({})), BadRowCause::NoId),
            (with(json!("x")), BadRowCause::NoId),
            (json!(7), BadRowCause::NotAnObject),
        ] {
            let listed = whole(json!([bad_row, row(B, "active", "", "")]), None).unwrap();
            assert_eq!(listed.bad_rows, [bad(cause)], "{bad_row}");
            assert_eq!(listed.tenants.len(), 1, "{bad_row}");
            assert!(!listed.is_whole());
            assert_eq!(whole(json!([bad_row]), None), Err(Unreadable), "nothing was recognised");
        }
    }

    #[test]
    fn the_newest_name_wins() {
        let mut old = row(A, "active", "2029-01-01T00:00:00Z", "");
        old["lastModifiedDateTime"] = json!("2024-01-01T00:00:00Z");
        old["customer"]["displayName"] = json!("Old name");
        assert_eq!(list(json!([old, row(A, "active", "", "")]))[0].display_name.as_deref(), Some("Borealis"));
    }

    #[test]
    fn roles_that_cannot_read_users_and_roles_untold() {
        let mut exchange = row(A, "active", "", "");
        exchange["accessDetails"]["unifiedRoles"] =
            json!([{ "roleDefinitionId": "29232cdf-9323-42fd-ade2-1d097af3e4de" }]);
        assert_eq!(list(json!([exchange]))[0].can_read_users, Some(false));
        let mut untold = row(A, "active", "", "");
        untold["accessDetails"] = Value::Null;
        assert_eq!(list(json!([untold]))[0].can_read_users, None);
    }

    #[test]
    fn the_partner_among_its_customers_is_left_out() {
        let rows = json!([row(A, "active", "", ""), row(B, "active", "", "")]);
        let tenants = whole(rows, A.parse().ok()).unwrap().tenants;
        assert_eq!(tenants.len(), 1);
        assert_eq!(tenants[0].entra_tenant, B.parse().unwrap());
    }
}
