//! `GET /api/ListGraphRequest?Endpoint=organization`: which tenant answers to a filter. CIPP gets a
//! token for the tenant that the filter names, and falls back to the partner's own when it does not
//! understand the filter; the organisation is what that token is for, whatever CIPP says about it.

use domain::ids::EntraTenantId;

use super::{
    envelope::Rows,
    passed_on::{echo_of, is_asked},
    row::Row,
};
use crate::{
    error::Code,
    port::TenantProof,
    protocol::{
        organization::{decode_row, proof as only_the_expected},
        page::text,
    },
};

/// The proof that `expected` answered, and not the partner's own tenant.
///
/// # Errors
/// When another tenant answered, or none that says who it is.
pub fn proof(
    body: &[u8],
    expected: EntraTenantId,
    partner: Option<EntraTenantId>,
) -> Result<TenantProof, Code> {
    let text = text(body);
    let read = Rows::read(&text).map_err(|none| none.code(Code::CippReadFailed))?;
    if read.queued {
        return Err(Code::CippAnswerIncomplete);
    }
    let rows: Vec<Row> = read.rows.iter().filter_map(|row| Row::read(row)).collect();
    if rows.iter().any(|row| row.text("cippStatus").is_some_and(|status| status != "Good")) {
        return Err(Code::CippReadFailed);
    }
    let proofs: Vec<Option<TenantProof>> =
        rows.iter().map(|row| row.json().ok().and_then(|row| decode_row(row.get()))).collect();
    let partner_answers = |proof: &TenantProof| Some(proof.entra_tenant) == partner;
    if proofs.iter().flatten().any(partner_answers) {
        return Err(Code::PartnerTenantAnswered);
    }
    let proof = only_the_expected(proofs, expected)?;
    // Without its domains nobody on its pages could be told from somebody else's people.
    if proof.verified_domains.is_empty() {
        return Err(Code::TenantUnproven);
    }
    let echoes = read.tenant_filter.iter().map(String::as_str).chain(rows.iter().filter_map(echo_of));
    for echo in echoes {
        if !is_asked(echo, expected, &proof.verified_domains) {
            return Err(Code::TenantMismatch);
        }
    }
    Ok(proof)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const TENANT: &str = "5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d";
    const PARTNER: &str = "0a1b2c3d-0b1f-4c3a-9d2e-7f1e2a3b4c5d";

    fn prove(body: &Value) -> Result<TenantProof, Code> {
        proof(body.to_string().as_bytes(), TENANT.parse().unwrap(), PARTNER.parse().ok())
    }

    #[test]
    fn only_the_tenant_that_was_asked_for() {
        let row = |id: &str| json!({ "id": id, "displayName": "B", "verifiedDomains": [{ "name": "b.example", "isDefault": true }] });
        let found =
            prove(&json!({ "Results": [row(TENANT)], "Metadata": { "TenantFilter": TENANT } })).unwrap();
        assert_eq!(found.default_domain, "b.example".parse().ok());
        assert!(prove(&json!({ "results": { "Id": TENANT, "VerifiedDomains": { "Name": "x", "name": "b.example" } } })).is_ok());
        assert!(prove(&json!([row(TENANT)])).is_ok());
        for (body, code) in [
            (
                json!({ "Results": [row(PARTNER)], "Metadata": { "TenantFilter": TENANT } }),
                Code::PartnerTenantAnswered,
            ),
            (json!({ "Results": [row(TENANT), row(PARTNER)] }), Code::PartnerTenantAnswered),
            (json!({ "Results": [row("11111111-0b1f-4c3a-9d2e-7f1e2a3b4c5d")] }), Code::TenantMismatch),
            (
                json!({ "Results": [row(TENANT)], "Metadata": { "TenantFilter": PARTNER } }),
                Code::TenantMismatch,
            ),
            (json!({ "Results": [{ "id": TENANT, "verifiedDomains": [] }] }), Code::TenantUnproven),
            (json!({ "Results": [{ "displayName": "B" }] }), Code::TenantUnproven),
            (json!({ "Results": [] }), Code::TenantUnproven),
            (json!({ "Results": [row(TENANT), row(TENANT)] }), Code::TenantUnproven),
            (json!({ "Results": [], "Metadata": { "Queued": true } }), Code::CippAnswerIncomplete),
            (json!({ "Results": "Could not connect to tenant" }), Code::CippReadFailed),
            (
                json!({ "Results": [{ "Tenant": TENANT, "CippStatus": "Could not connect to tenant." }] }),
                Code::CippReadFailed,
            ),
            (json!(null), Code::CippAnswerIncomplete),
            (json!(7), Code::CippAnswerUnreadable),
        ] {
            assert_eq!(prove(&body), Err(code), "{body}");
        }
    }
}
