//! The request and response pairs printed in Microsoft's documentation of the endpoints: each is
//! decoded, or named here with the reason why it cannot be.

use directory::{
    BadRowCause,
    protocol::{
        organization::{Organization, proof},
        page::Shape,
        public_tenant::PublicInformation,
        relationships::{Relationships, listed},
        users::Users,
    },
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

const SAMPLES: &str = include_str!("../../../../tests/contracts/graph-docs-samples.json");
const VERSION: &str = "https://graph.microsoft.com/v1.0/";

/// Pairs of endpoints that are not read: (beginning of the path, why).
const NOT_READ: [(&str, &str); 4] = [
    ("groups/", "groups are no source of people here; one of the samples is not even JSON"),
    ("directory/deletedItems", "groups and single objects, not users"),
    ("contracts", "not a list of customers that can be entered; the sample holds placeholders only"),
    (
        "tenantRelationships/delegatedAdminCustomers",
        "the relationships name the same customers with their state",
    ),
];

/// Users without an `id`, which the documentation left out: (query, how many rows).
const WITHOUT_ID: [(&str, usize); 4] = [
    ("users?$search=\"displayName:wa\" OR \"displayName:ad\"", 2),
    ("users?$search=\"displayName:wa\"&$orderby", 1),
    ("users?$select=ext55gb1l09_msLearnCourses", 3),
    ("users/delta?$select=displayName,jobTitle,mobilePhone", 1),
];

#[derive(Deserialize)]
struct Sample {
    url: String,
    status: u16,
    body: Value,
}

#[test]
fn every_sample_decodes_or_has_a_reason() {
    let samples: Vec<Sample> = serde_json::from_str(SAMPLES).unwrap();
    let (mut read, mut left_out) = (0, 0);
    for sample in &samples {
        assert_eq!(sample.status, 200);
        let path = sample.url.strip_prefix(VERSION).unwrap();
        let body = sample.body.to_string();
        if NOT_READ.iter().any(|(beginning, _)| path.starts_with(beginning)) {
            left_out += 1;
            continue;
        }
        read += 1;
        match path.split(['?', '/', '(']).next().unwrap() {
            "users" => users(path, &body),
            "organization" => organization(&body),
            "tenantRelationships" if path.ends_with("delegatedAdminRelationships") => relationships(&body),
            "tenantRelationships" => public_information(&body),
            _ => panic!("{path} is new: decode it or say why not"),
        }
    }
    assert_eq!((read, left_out), (15, 9));
}

fn users(path: &str, body: &str) {
    let page = Users.decode(body.as_bytes()).unwrap().content;
    let without_id =
        WITHOUT_ID.iter().find(|(beginning, _)| path.starts_with(beginning)).map_or(0, |(_, rows)| *rows);
    assert_eq!(page.bad_rows.len(), without_id, "{path}");
    assert!(page.bad_rows.iter().all(|row| row.cause == BadRowCause::NoId), "{path}");
    assert!(without_id > 0 || !page.users.is_empty(), "{path}");
}

fn organization(body: &str) {
    let rows = Organization.decode(body.as_bytes()).unwrap().content;
    let tenant = "9efe224a-224a-9efe-4a22-fe9e4a22fe9e".parse().unwrap();
    assert_eq!(proof(rows, tenant).unwrap().entra_tenant, tenant);
}

fn relationships(body: &str) {
    let rows = Relationships.decode(body.as_bytes()).unwrap().content;
    assert_eq!(rows.len(), 3, "the reseller's relationship too");
    let tenants = listed(rows, None, Timestamp::UNIX_EPOCH);
    let names: Vec<&str> = tenants.iter().filter_map(|tenant| tenant.display_name.as_deref()).collect();
    assert_eq!(names, ["Contoso subsidiary Inc", "Contoso Inc"], "one customer has two relationships");
}

fn public_information(body: &str) {
    let tenant = "6babcaad-604b-40ac-a9d7-9fd97c0b779f".parse().unwrap();
    let found = PublicInformation(tenant).decode(body.as_bytes()).unwrap().content;
    assert_eq!(found.default_domain, "contoso.com".parse().ok());
}
