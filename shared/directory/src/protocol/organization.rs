//! `GET /v1.0/organization` with a customer's token: which tenant answers
//! (learn.microsoft.com/graph/api/organization-list).

use domain::{domain_name::DomainName, ids::EntraTenantId, text::clean};
use serde_json::Value;
use url::Url;

use super::{
    GraphBase,
    page::{self, Decoded, Shape, Unreadable, collection, text},
};
use crate::{Code, port::TenantProof};

/// The organisation that the token is for.
#[derive(Clone, Copy, Debug)]
pub struct Organization;

impl Shape for Organization {
    /// What the rows say; there is exactly one in an honest answer.
    type Content = Vec<Option<TenantProof>>;

    const PAGED: bool = false;

    fn first(&self, base: &GraphBase, _page_size: u16) -> Url {
        base.endpoint("organization", &[("$select", "id,displayName,verifiedDomains")])
    }

    fn decode(&self, body: &[u8]) -> Result<Decoded<Self::Content>, Unreadable> {
        let text = text(body);
        let page = collection(&text)?;
        let content = page.rows().iter().map(|row| decode_row(row.get())).collect();
        Ok(Decoded { content, next: page.next, delta: None })
    }
}

/// The proof that `expected` answered. Everything else is refused: another tenant, none, more
/// than one, or one that does not say who it is.
pub fn proof(rows: Vec<Option<TenantProof>>, expected: EntraTenantId) -> Result<TenantProof, Code> {
    let [row]: [Option<TenantProof>; 1] = rows.try_into().map_err(|_| Code::TenantUnproven)?;
    let proof = row.ok_or(Code::TenantUnproven)?;
    if proof.entra_tenant == expected { Ok(proof) } else { Err(Code::TenantMismatch) }
}

/// `None` when the row does not say which tenant it is.
pub(super) fn decode_row(row: &str) -> Option<TenantProof> {
    let row = page::row(row)?;
    let entra_tenant = row.get("id")?.as_str()?.parse().ok()?;
    let domains = row.get("verifiedDomains").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let name = |domain: &Value| domain.get("name")?.as_str()?.parse::<DomainName>().ok();
    let is_default = |domain: &&Value| domain.get("isDefault").and_then(Value::as_bool) == Some(true);
    let default_domain = domains.iter().find(is_default).and_then(name);
    let mut verified_domains: Vec<DomainName> = domains.iter().filter_map(name).collect();
    verified_domains.sort();
    verified_domains.dedup();
    let display_name = row.get("displayName").and_then(Value::as_str).and_then(clean);
    Some(TenantProof { entra_tenant, display_name, verified_domains, default_domain })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TENANT: &str = "5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d";

    fn prove(body: Value) -> Result<TenantProof, Code> {
        let rows = Organization.decode(body.to_string().as_bytes()).unwrap().content;
        proof(rows, TENANT.parse().unwrap())
    }

    #[test]
    fn name_and_domains_of_the_tenant_that_answers() {
        let found = prove(json!({ "value": [{ "id": TENANT, "displayName": "Borealis Dental", "verifiedDomains": [
            { "name": "borealisdental.onmicrosoft.com", "isInitial": true, "isDefault": false },
            { "name": "BorealisDental.com", "isDefault": true }, { "name": "not a domain" }, { "name": null }, 7 ] }] }))
        .unwrap();
        assert_eq!(found.display_name.as_deref(), Some("Borealis Dental"));
        assert_eq!(found.default_domain, "borealisdental.com".parse().ok());
        let names: Vec<&str> = found.verified_domains.iter().map(DomainName::as_str).collect();
        assert_eq!(names, ["borealisdental.com", "borealisdental.onmicrosoft.com"]);
    }

    #[test]
    fn everything_but_the_expected_tenant_is_refused() {
        let other = "9efe224a-224a-9efe-4a22-fe9e4a22fe9e";
        for (rows, expected) in [
            (json!([{ "id": other }]), Code::TenantMismatch),
            (json!([]), Code::TenantUnproven),
            (json!([{ "id": TENANT }, { "id": other }]), Code::TenantUnproven),
            (json!([{ "displayName": "x" }]), Code::TenantUnproven),
            (json!([{ "id": "organization-id" }]), Code::TenantUnproven),
            (json!([null]), Code::TenantUnproven),
        ] {
            assert_eq!(prove(json!({ "value": rows })), Err(expected), "{rows}");
        }
        assert!(
            prove(json!({ "value": [{ "id": TENANT.to_uppercase(), "verifiedDomains": null }] })).is_ok()
        );
    }
}
