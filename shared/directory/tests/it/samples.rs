//! The request and response pairs printed in Microsoft's documentation of the endpoints: each is
//! decoded, or named here with the reason why it cannot be.

use directory::{
    BadRowCause,
    protocol::{
        changes::Changes,
        groups::GroupMembers,
        organization::{Organization, proof},
        page::{Shape, Unreadable},
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
const NOT_READ: [(&str, &str); 5] = [
    ("groups/{id}/transitiveMembers/microsoft.graph.group", "groups in a group; the sample is not even JSON"),
    ("groups/02bd9fd6-8f93-4758-87c3-1fb73740a315/transitiveMembers", "members of every type, not users"),
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
            "users" if path.starts_with("users/delta") => changes(path, &body),
            "users" => users(path, &body),
            "groups" => members(path, &body),
            "organization" => organization(&body),
            "tenantRelationships" if path.ends_with("delegatedAdminRelationships") => relationships(&body),
            "tenantRelationships" => public_information(&body),
            _ => panic!("{path} is new: decode it or say why not"),
        }
    }
    assert_eq!((read, left_out), (17, 7));
}

fn users(path: &str, body: &str) {
    let page = Users.decode(body.as_bytes()).unwrap().content;
    let without_id =
        WITHOUT_ID.iter().find(|(beginning, _)| path.starts_with(beginning)).map_or(0, |(_, rows)| *rows);
    assert_eq!(page.bad_rows.len(), without_id, "{path}");
    assert!(page.bad_rows.iter().all(|row| row.cause == BadRowCause::NoId), "{path}");
    assert!(without_id > 0 || !page.users.is_empty(), "{path}");
}

/// The same rows as of a listing.
fn changes(path: &str, body: &str) {
    users(path, body);
    let page = Changes.decode(body.as_bytes()).unwrap();
    assert!(page.next.is_some() && page.delta.is_none() && page.content.removed.is_empty(), "{path}");
    assert_eq!(page.content.users, Users.decode(body.as_bytes()).unwrap().content.users, "{path}");
}

/// The documentation asked one of its samples for no id, so nobody can be told by it.
fn members(path: &str, body: &str) {
    let group = "02bd9fd6-8f93-4758-87c3-1fb73740a315".parse().unwrap();
    let members = GroupMembers(group).decode(body.as_bytes()).map(|page| page.content.len());
    assert_eq!(members, if body.contains("\"id\"") { Ok(1) } else { Err(Unreadable) }, "{path}");
}

fn organization(body: &str) {
    let rows = Organization.decode(body.as_bytes()).unwrap().content;
    let tenant = "9efe224a-224a-9efe-4a22-fe9e4a22fe9e".parse().unwrap();
    assert_eq!(proof(rows, tenant).unwrap().entra_tenant, tenant);
}

fn relationships(body: &str) {
    let rows = Relationships.decode(body.as_bytes()).unwrap().content;
    assert_eq!(rows.len(), 3, "the reseller's relationship too");
    let listed = listed(rows, None, Timestamp::UNIX_EPOCH).unwrap();
    assert!(listed.is_whole());
    let tenants = listed.tenants;
    let names: Vec<&str> = tenants.iter().filter_map(|tenant| tenant.display_name.as_deref()).collect();
    assert_eq!(names, ["Contoso subsidiary Inc", "Contoso Inc"], "one customer has two relationships");
}

fn public_information(body: &str) {
    let tenant = "6babcaad-604b-40ac-a9d7-9fd97c0b779f".parse().unwrap();
    let found = PublicInformation(tenant).decode(body.as_bytes()).unwrap().content;
    assert_eq!(found.default_domain, "contoso.com".parse().ok());
}
