//! Decoders against everything.

use directory::{
    TenantProof,
    protocol::{
        cipp, organization::Organization, page::Shape, public_tenant::PublicInformation,
        relationships::Relationships, users::Users,
    },
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const NAMES: [&str; 18] = [
    "Results",
    "Metadata",
    "nextLink",
    "Tenant",
    "CippStatus",
    "clientPrincipal",
    "id",
    "value",
    "@odata.nextLink",
    "mail",
    "proxyAddresses",
    "assignedLicenses",
    "accountEnabled",
    "customer",
    "tenantId",
    "status",
    "verifiedDomains",
    "endDateTime",
];

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!("87d349ed-44d7-43e1-9a83-5f2406dee5bd")),
        Just(json!("active")),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(&NAMES[..]), inner), 0..6).prop_map(|members| {
                members
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect::<Map<_, _>>()
                    .into()
            }),
        ]
    })
}

fn decode_all(body: &[u8]) {
    let tenant = "5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d".parse().unwrap();
    let _ = Users.decode(body);
    let _ = Organization.decode(body);
    let _ = Relationships.decode(body);
    let _ = PublicInformation(tenant).decode(body);
    let proof = TenantProof {
        entra_tenant: tenant,
        display_name: None,
        verified_domains: vec!["contoso.example".parse().unwrap()],
        default_domain: None,
    };
    let _ = cipp::tenants::tenants(body, Some(tenant), jiff::Timestamp::UNIX_EPOCH);
    let _ = cipp::organization::proof(body, tenant, None);
    let _ = cipp::me::Me::read(body);
    if let Ok(page) = cipp::users::users(body, &proof) {
        let people = page.rows.users.len() + page.rows.bad_rows.len();
        assert!(people <= body.len(), "no more people than bytes");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_decoder_panic(body in prop::collection::vec(any::<u8>(), 0..300)) {
        decode_all(&body);
    }

    #[test]
    fn no_json_makes_a_decoder_panic(body in any_json(), rows in prop::collection::vec(any_json(), 0..5)) {
        decode_all(body.to_string().as_bytes());
        decode_all(json!({ "value": rows }).to_string().as_bytes());
        let filter = json!({ "TenantFilter": "5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d" });
        decode_all(json!({ "Results": rows, "Metadata": filter }).to_string().as_bytes());
    }

    #[test]
    fn every_row_is_a_user_or_a_bad_row(rows in prop::collection::vec(any_json(), 0..8)) {
        let body = json!({ "value": rows }).to_string();
        let page = Users.decode(body.as_bytes()).unwrap().content;
        prop_assert_eq!(page.users.len() + page.bad_rows.len(), rows.len());
    }

    #[test]
    fn a_body_cut_anywhere_is_unreadable_not_short(cut in 1_usize..100) {
        let body = json!({ "value": [{ "id": "87d349ed-44d7-43e1-9a83-5f2406dee5bd", "displayName": "Mira" },
            { "id": "1b0c31c4-66a3-4bd0-8c4e-1f8b8b6a0a01" }] }).to_string();
        let cut = cut.min(body.len());
        prop_assert!(Users.decode(&body.as_bytes()[..body.len() - cut]).is_err());
    }
}
