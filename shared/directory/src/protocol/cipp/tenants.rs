//! `GET /api/ListTenants`: the customers that the API client may see. A failure comes as a list of one
//! row, with status 200.

use domain::ids::EntraTenantId;
use jiff::Timestamp;

use super::{envelope::Rows, row::Row};
use crate::{
    error::Code,
    port::{Access, BadRow, BadRowCause, ListedTenant, TenantList},
    protocol::{page::text, relationships::EXPIRY_NOTICE},
};

/// The row that stands for all tenants together.
const ALL_TENANTS: &str = "AllTenants";

/// How the row of the partner's own tenant is marked.
const PARTNER_DOMAINS: &str = "PartnerTenant";
const PARTNER_NAME: &str = "*Partner Tenant";

/// The customers in an answer, sorted by id, without the partner's own tenant and those that CIPP was
/// told to leave out.
///
/// # Errors
/// When the answer is a failure, or there are rows and none of them is a tenant.
pub fn tenants(body: &[u8], partner: Option<EntraTenantId>, now: Timestamp) -> Result<TenantList, Code> {
    let text = text(body);
    let read = Rows::read(&text).map_err(|none| none.code(Code::CippTenantsNotListed))?;
    if read.queued || read.next.is_some() {
        return Err(Code::CippAnswerIncomplete);
    }
    let mut listed: Vec<ListedTenant> = Vec::new();
    let (mut is_recognised, mut bad_rows) = (false, Vec::new());
    for (position, raw) in (0..).zip(&read.rows).filter(|(_, raw)| raw.get() != "null") {
        let mut bad = |cause| bad_rows.push(BadRow { position, object: None, cause });
        let Some(row) = Row::read(raw) else {
            bad(BadRowCause::NotAnObject);
            continue;
        };
        let id = row.text("customerId").or_else(|| row.text("tenantId")).unwrap_or_default();
        if id.eq_ignore_ascii_case(ALL_TENANTS) {
            is_recognised = true;
            continue;
        }
        let Ok(id) = id.parse::<EntraTenantId>() else {
            bad(if id.is_empty() { BadRowCause::NoId } else { BadRowCause::IdNotGuid });
            continue;
        };
        is_recognised = true;
        if !is_partner(&row, id, partner) && row.switch("excluded") != Some(true) {
            listed.push(tenant(&row, id, now));
        }
    }
    // A failure comes as a row, too.
    if !bad_rows.is_empty() && !is_recognised {
        return Err(Code::CippTenantsNotListed);
    }
    listed.sort_by_key(|tenant| tenant.entra_tenant);
    listed.dedup_by_key(|tenant| tenant.entra_tenant);
    Ok(TenantList { tenants: listed, bad_rows })
}

fn is_partner(row: &Row, id: EntraTenantId, partner: Option<EntraTenantId>) -> bool {
    Some(id) == partner
        || row.text("domains").is_some_and(|domains| domains.eq_ignore_ascii_case(PARTNER_DOMAINS))
        || row.text("displayName").is_some_and(|name| name.starts_with(PARTNER_NAME))
}

fn tenant(row: &Row, id: EntraTenantId, now: Timestamp) -> ListedTenant {
    let ends = row.text("relationshipEnd").and_then(|ends| ends.parse::<Timestamp>().ok());
    let auto_extends = row.switch("hasAutoExtend") == Some(true);
    // A date that has passed is not believed: CIPP keeps it, and the proof tells.
    let ends = ends.filter(|ends| *ends > now);
    let soon = ends.is_some_and(|ends| ends.duration_since(now) <= EXPIRY_NOTICE);
    ListedTenant {
        entra_tenant: id,
        display_name: row.shown("displayName"),
        access: if soon && !auto_extends { Access::Expiring } else { Access::Active },
        relationship_ends: ends,
        auto_extends,
        can_read_users: None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ONE: &str = "5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d";
    const OTHER: &str = "1b0c31c4-66a3-4bd0-8c4e-1f8b8b6a0a01";
    const PARTNER: &str = "0a1b2c3d-0b1f-4c3a-9d2e-7f1e2a3b4c5d";

    fn read(body: &Value) -> Result<Vec<String>, Code> {
        let now = "2026-03-02T08:00:00Z".parse().unwrap();
        let listed = tenants(body.to_string().as_bytes(), PARTNER.parse().ok(), now)?;
        let bad = listed.bad_rows.iter().map(|row| format!("{}: {:?}", row.position, row.cause));
        Ok(listed.tenants.iter().map(|tenant| tenant.entra_tenant.to_string()).chain(bad).collect())
    }

    /// CIPP keeps the date of a relationship that was replaced long ago.
    #[test]
    fn an_end_that_has_passed_is_no_end() {
        let now: Timestamp = "2026-03-02T08:00:00Z".parse().unwrap();
        for (ends, extends, access, expected) in [
            ("2025-01-06T10:12:00Z", false, Access::Active, None),
            ("2026-03-02T08:00:00Z", false, Access::Active, None),
            ("2026-03-12T08:00:00Z", false, Access::Expiring, Some("2026-03-12T08:00:00Z")),
            ("2026-03-12T08:00:00Z", true, Access::Active, None),
            ("2027-03-12T08:00:00Z", false, Access::Active, Some("2027-03-12T08:00:00Z")),
            ("soon", false, Access::Active, None),
        ] {
            let row = json!([{ "customerId": ONE, "relationshipEnd": ends, "hasAutoExtend": extends }]);
            let listed = tenants(row.to_string().as_bytes(), None, now).unwrap().tenants.remove(0);
            let expected = expected.map(|ends| ends.parse::<Timestamp>().unwrap());
            assert_eq!((listed.access, listed.access_ends()), (access, expected), "{ends}");
        }
    }

    #[test]
    fn shapes_of_listings() {
        let failure = json!({ "Results": "Failed to retrieve tenants: x", "customerId": "", "defaultDomainName": "",
            "displayName": "Failed to retrieve tenants. Perform a permission check." });
        let row = |id: &str| json!({ "customerId": id, "displayName": "Borealis" });
        for (body, expected) in [
            (json!([]), Ok(vec![])),
            (json!([row(ONE), row(OTHER)]), Ok(vec![OTHER, ONE])),
            (json!([row(ONE), row(ONE)]), Ok(vec![ONE])),
            (row(ONE), Ok(vec![ONE])),
            (json!({ "Results": [row(ONE)], "Metadata": {} }), Ok(vec![ONE])),
            (json!([{ "CustomerId": ONE }]), Ok(vec![ONE])),
            (json!([{ "tenantId": ONE }]), Ok(vec![ONE])),
            (json!([{ "customerId": "AllTenants" }, row(ONE)]), Ok(vec![ONE])),
            (json!([{ "customerId": "AllTenants" }]), Ok(vec![])),
            (json!([row(PARTNER)]), Ok(vec![])),
            (
                json!([{ "customerId": OTHER, "displayName": "*Partner Tenant - MSP" }, row(ONE)]),
                Ok(vec![ONE]),
            ),
            (json!([{ "customerId": OTHER, "domains": "PartnerTenant" }]), Ok(vec![])),
            (json!([{ "customerId": ONE, "Excluded": true }]), Ok(vec![])),
            (json!([{ "customerId": ONE, "Excluded": "True" }]), Ok(vec![])),
            (json!([{ "customerId": ONE, "Excluded": "false" }]), Ok(vec![ONE])),
            (json!([failure]), Err(Code::CippTenantsNotListed)),
            (failure.clone(), Err(Code::CippTenantsNotListed)),
            (json!({ "Results": "Error" }), Err(Code::CippTenantsNotListed)),
            (json!("Error"), Err(Code::CippTenantsNotListed)),
            (json!([7, "x"]), Err(Code::CippTenantsNotListed)),
            (json!([null, row(ONE)]), Ok(vec![ONE])),
            (json!([row(ONE), 7]), Ok(vec![ONE, "1: NotAnObject"])),
            (json!([{ "customerId": 7 }, null, row(ONE)]), Ok(vec![ONE, "0: IdNotGuid"])),
            (json!([row(ONE), { "displayName": "x" }]), Ok(vec![ONE, "1: NoId"])),
            (json!([{ "customerId": 7 }]), Err(Code::CippTenantsNotListed)),
            (json!([{ "defaultDomainName": "b.example" }]), Err(Code::CippTenantsNotListed)),
            (json!(null), Err(Code::CippAnswerIncomplete)),
            (json!([null]), Err(Code::CippAnswerIncomplete)),
            (json!({ "Results": [], "Metadata": { "Queued": true } }), Err(Code::CippAnswerIncomplete)),
        ] {
            let expected = expected.map(|ids| ids.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(read(&body), expected, "{body}");
        }
    }

    #[test]
    fn a_relationship_that_ends_soon_is_told() {
        for (ends, extends, access) in [
            (json!("2028-01-06T10:12:00Z"), json!(false), Access::Active),
            (json!("2026-03-20T10:12:00Z"), json!(false), Access::Expiring),
            (json!("2026-03-20T10:12:00Z"), json!("true"), Access::Active),
            (json!("2025-03-20T10:12:00Z"), json!(false), Access::Active),
            (json!(""), json!(null), Access::Active),
            (json!(null), json!(null), Access::Active),
        ] {
            let body = json!([{ "customerId": ONE, "relationshipEnd": ends, "hasAutoExtend": extends }]);
            let now = "2026-03-02T08:00:00Z".parse().unwrap();
            let listed = tenants(body.to_string().as_bytes(), None, now).unwrap();
            assert_eq!(listed.tenants[0].access, access, "{body}");
        }
    }
}
