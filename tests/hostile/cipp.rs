//! Answers of a CIPP deployment, in all their wrappings, and the address of one.

use directory::{
    BadRowCause, CippBase, Code, TenantProof,
    cipp::Destinations,
    protocol::cipp::{me::Me, organization, tenants::tenants, users},
};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use tests::spoil::{Spoiled, spoiled};

use crate::trees::{any_bytes, any_json};

const MIRA: &str = "87d349ed-44d7-43e1-9a83-5f2406dee5bd";
const OLA: &str = "1b0c31c4-66a3-4bd0-8c4e-1f8b8b6a0a01";
const TENANT: &str = "5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d";
const PARTNER: &str = "0a1b2c3d-0b1f-4c3a-9d2e-7f1e2a3b4c5d";

fn known() -> TenantProof {
    TenantProof {
        entra_tenant: TENANT.parse().unwrap(),
        display_name: None,
        verified_domains: vec!["contoso.example".parse().unwrap()],
        default_domain: None,
    }
}

fn user(id: &str) -> Value {
    json!({ "id": id, "userPrincipalName": "mira@contoso.example", "accountEnabled": "True", "mobilePhone": 4712,
        "businessPhones": "+47 1", "proxyAddresses": "SMTP:mira@contoso.example", "displayName": "Mira",
        "assignedLicenses": { "skuId": "x" }, "Tenant": TENANT, "CippStatus": "Good", "LicJoined": "E3" })
}

fn wrapped(rows: &Value) -> Value {
    json!({ "Results": rows, "Metadata": { "TenantFilter": TENANT,
        "nextLink": "https://graph.microsoft.com/v1.0/users?$skiptoken=x", "Queued": false } })
}

fn tenant(id: &str) -> Value {
    json!({ "customerId": id, "defaultDomainName": "contoso.example", "displayName": "Contoso",
        "Excluded": false, "relationshipEnd": "2028-01-06T10:12:00Z", "hasAutoExtend": "true" })
}

fn organizations() -> Value {
    json!({ "Results": [{ "id": TENANT, "displayName": "Contoso", "Tenant": TENANT,
        "verifiedDomains": [{ "name": "contoso.example", "isDefault": true }] }],
        "Metadata": { "TenantFilter": TENANT } })
}

fn me() -> Value {
    json!({ "clientPrincipal": { "userId": "x", "userRoles": ["reader"] }, "permissions": ["CIPP.Core.Read"] })
}

fn everything(body: &[u8]) {
    let (asked, partner) = (known(), PARTNER.parse().ok());
    let _ = Me::read(body);
    if let Ok(listed) = tenants(body, partner, Timestamp::UNIX_EPOCH) {
        assert!(listed.tenants.iter().all(|tenant| Some(tenant.entra_tenant) != partner));
    }
    if let Ok(proof) = organization::proof(body, asked.entra_tenant, partner) {
        assert_eq!(proof.entra_tenant, asked.entra_tenant);
        assert!(!proof.verified_domains.is_empty());
    }
    if let Ok(page) = users::users(body, &asked) {
        assert!(page.rows.users.len() + page.rows.bad_rows.len() <= body.len());
        assert!(page.next.is_none_or(|link| link.starts_with("https://graph.microsoft.")));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_and_any_json_have_a_result(bytes in any_bytes(), body in any_json(), rows in prop::collection::vec(any_json(), 0..4)) {
        everything(&bytes);
        for body in [body, json!(rows), wrapped(&json!(rows))] {
            everything(body.to_string().as_bytes());
        }
    }

    #[test]
    fn any_address_is_refused_or_is_https_without_a_secret(text in ".{0,40}", host in "[a-z0-9.:@\\[\\]%#?/\\\\-]{0,24}") {
        for text in [text, format!("https://{host}"), format!("http://{host}"), host] {
            if let Ok(base) = CippBase::parse(&text, Destinations::PublicOnly) {
                let shown = base.to_string();
                prop_assert!(shown.starts_with("https://") && !shown.contains('@'), "{}", shown);
                prop_assert!(!shown.contains(['?', '#']), "{}", shown);
            }
        }
    }
}

#[test]
fn a_spoiled_answer_has_a_result_in_every_wrapping() {
    let rows = json!([user(MIRA), user(OLA)]);
    for sample in [
        wrapped(&rows),
        rows.clone(),
        user(MIRA),
        wrapped(&user(MIRA)),
        json!({ "Results": "Failed to read: x" }),
        json!("Failed to read: x"),
        json!([tenant(TENANT), tenant(OLA)]),
        json!({ "Results": [tenant(TENANT)] }),
        organizations(),
        me(),
    ] {
        for Spoiled { bytes, .. } in spoiled(&sample) {
            everything(&bytes);
        }
    }
}

/// Two members of a row say of whom the page is and whether it was read at all: those concern the page.
#[test]
fn one_bad_record_is_one_bad_row_and_never_the_page() {
    let sample = wrapped(&json!([user(MIRA), user(OLA)]));
    let read = |body: &[u8]| users::users(body, &known());
    let whole = read(sample.to_string().as_bytes()).unwrap();
    for Spoiled { how, bytes, place } in spoiled(&sample) {
        let place = place.unwrap_or_default();
        if !place.starts_with("/Results/0/") || place.ends_with("/Tenant") || place.ends_with("/CippStatus") {
            continue;
        }
        let page = read(&bytes).unwrap_or_else(|code| panic!("{how}: the page is lost ({code})"));
        assert_eq!(page.rows.users.len() + page.rows.bad_rows.len(), 2, "{how}");
        assert_eq!(page.rows.users.last(), whole.rows.users.last(), "{how}");
    }
}

/// Whoever is missing from a whole list is taken for gone, and no row that cannot be read may have that effect.
#[test]
fn a_customer_whose_row_is_spoiled_is_listed_or_a_bad_row_and_the_others_are_listed() {
    let sample = json!([tenant(TENANT), tenant(OLA)]);
    for Spoiled { how, bytes, place } in spoiled(&sample) {
        // Another id, or none at all, is another list; and `Excluded` is how CIPP is told to leave one out.
        let place = place.unwrap_or_default();
        if !place.starts_with("/0/") || place.ends_with("/Excluded") {
            continue;
        }
        let listed =
            tenants(&bytes, None, Timestamp::UNIX_EPOCH).unwrap_or_else(|code| panic!("{how}: {code}"));
        assert_eq!(listed.tenants.len() + listed.bad_rows.len(), 2, "{how}");
        assert!(listed.tenants.iter().any(|tenant| tenant.entra_tenant == OLA.parse().unwrap()), "{how}");
    }
}

/// PowerShell's modules add members of their own; nobody here reads them.
#[test]
fn what_stands_in_a_member_nobody_reads_spoils_no_row() {
    for strange in ["1e999", "\"\\ud800\"", &format!("{}{}", "[".repeat(400), "]".repeat(400))] {
        let row = json!(user(MIRA)).to_string().replace("\"E3\"", strange);
        let page = format!(r#"{{"Results":[{row}],"Metadata":{{"TenantFilter":"{TENANT}"}}}}"#);
        assert_eq!(users::users(page.as_bytes(), &known()).unwrap().rows.users.len(), 1, "{strange}");
        let row = tenant(TENANT).to_string().replace("\"contoso.example\"", strange);
        let listed = tenants(format!("[{row}]").as_bytes(), None, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!((listed.tenants.len(), listed.is_whole()), (1, true), "{strange}");
    }
    let mut large = user(MIRA);
    large["LicJoined"] = "x".repeat(2 * 1024 * 1024).into();
    let page = wrapped(&json!([large, user(OLA)])).to_string();
    let rows = users::users(page.as_bytes(), &known()).unwrap().rows;
    assert_eq!((rows.users.len(), rows.bad_rows[0].cause), (1, BadRowCause::NotAnObject));
}

#[test]
fn an_answer_with_a_byte_order_mark_is_the_same_answer() {
    let marked = |body: &Value| format!("\u{feff}{body}");
    assert_eq!(Me::read(marked(&me()).as_bytes()).unwrap().may_read, Some(true));
    assert_eq!(users::users(marked(&wrapped(&user(MIRA))).as_bytes(), &known()).unwrap().rows.users.len(), 1);
}

#[test]
fn a_list_of_more_rows_than_any_has_is_not_read() {
    let body = format!("[{}0]", "0,".repeat(100_000));
    let listed = tenants(body.as_bytes(), None, Timestamp::UNIX_EPOCH).map(|listed| listed.tenants.len());
    assert_eq!(listed, Err(Code::CippAnswerUnreadable));
}

#[test]
fn a_link_longer_than_any_address_is_not_kept() {
    let mut page = wrapped(&user(MIRA));
    let link = format!("https://graph.microsoft.com/v1.0/users?$skiptoken={}", "x".repeat(32 * 1024));
    page["Metadata"]["nextLink"] = link.into();
    let code = users::users(page.to_string().as_bytes(), &known()).map(|_| ()).unwrap_err();
    assert_eq!(code, Code::AnswerTooLarge);
}
