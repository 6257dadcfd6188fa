//! What the fake serves, held against Microsoft's own OpenAPI document.

use fake_microsoft::{GRAPH_PATHS, Group};
use serde_json::{Value, json};

use crate::support::Session;

const DOCUMENT: &str = include_str!("../../../../tests/contracts/graph-v1-subset.openapi.json");

/// Every property of users and of the organisation the fake holds.
const USER_PROPERTIES: &str = "id,deletedDateTime,accountEnabled,assignedLicenses,businessPhones,city,companyName,\
    country,createdDateTime,department,displayName,employeeId,employeeType,externalUserState,givenName,jobTitle,mail,\
    mailNickname,mobilePhone,officeLocation,onPremisesSyncEnabled,otherMails,postalCode,preferredLanguage,\
    proxyAddresses,securityIdentifier,state,streetAddress,surname,usageLocation,userPrincipalName,userType";

struct Contract {
    document: Value,
}

impl Contract {
    fn read() -> Self {
        let mut document: Value = serde_json::from_str(DOCUMENT).unwrap();
        as_json_schema(&mut document);
        Self { document }
    }

    /// The answer to GET on `path` with `status` ("200" or "4XX").
    fn check(&self, path: &str, status: &str, body: &Value) {
        let response = &self.document["paths"][path]["get"]["responses"][status];
        let response = match response["$ref"].as_str() {
            Some(reference) => self.document.pointer(reference.trim_start_matches('#')).unwrap(),
            None => response,
        };
        let mut schema = response["content"]["application/json"]["schema"].clone();
        assert!(schema.is_object(), "{path} {status} is not in the contract");
        schema["components"] = self.document["components"].clone();
        let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(body)
            .map(|error| format!("{} at {}", error, error.instance_path))
            .take(5)
            .collect();
        assert!(errors.is_empty(), "{path}: {errors:#?}");
    }

    /// Fails when a row has a property the contract does not declare; annotations are free.
    fn check_declared(&self, schema: &str, rows: &Value) {
        let properties = &self.document["components"]["schemas"][schema]["properties"];
        for name in rows.as_array().unwrap().iter().flat_map(|row| row.as_object().unwrap().keys()) {
            assert!(name.starts_with('@') || properties.get(name).is_some(), "{schema} has no {name}");
        }
    }
}

/// OpenAPI 3.0 says `nullable` where JSON Schema says that `null` is a type of its own.
fn as_json_schema(value: &mut Value) {
    if let Some(object) = value.as_object_mut() {
        let nullable = object.remove("nullable") == Some(json!(true));
        object.values_mut().for_each(as_json_schema);
        if nullable {
            let schema = Value::Object(std::mem::take(object));
            *value = json!({ "anyOf": [schema, { "type": "null" }] });
        }
    } else if let Some(array) = value.as_array_mut() {
        array.iter_mut().for_each(as_json_schema);
    }
}

/// Routes of Graph v1.0 that were pruned from the document.
const PRUNED: [&str; 3] = ["/users/{user-id}", "/groups", "/groups/{group-id}/transitiveMembers/graph.user"];

#[test]
fn every_route_is_in_the_contract() {
    let contract = Contract::read();
    for path in GRAPH_PATHS {
        let is_known = contract.document["paths"][path]["get"].is_object();
        assert_ne!(is_known, PRUNED.contains(&path), "{path}");
    }
    assert!(!contract.document["paths"].as_object().unwrap().contains_key("/managedTenants/users"));
}

#[tokio::test]
async fn every_page_of_users_keeps_the_contract() {
    let contract = Contract::read();
    let session = Session::new(&[400]);
    let token = session.customer_token(0).await;
    for query in [String::new(), format!("?$select={USER_PROPERTIES}&$top=300")] {
        for page in session.pages(&format!("/users{query}"), &token).await {
            contract.check("/users", "200", &page);
            contract.check_declared("microsoft.graph.user", &page["value"]);
        }
    }
}

#[tokio::test]
async fn every_page_of_changes_keeps_the_contract() {
    let contract = Contract::read();
    let session = Session::new(&[400]);
    let (world, tenant) = (session.fake.world(), session.tenant(0));
    let token = session.customer_token(0).await;
    let select = format!("$select={USER_PROPERTIES}");
    let latest = session.graph(&format!("/users/delta?$deltatoken=latest&{select}"), &token).await.json();
    let users: Vec<_> = (0..4).map(|index| world.user(tenant, index).unwrap().id).collect();
    world.edit(tenant, users[0], |user| user.job_title = None).unwrap();
    world.remove_user(tenant, users[1]).unwrap();
    world.purge_user(tenant, users[2]).unwrap();
    let later = latest["@odata.deltaLink"].as_str().unwrap().trim_start_matches("http://fake.test/v1.0");
    for (first, rows) in [(later, 3), (&format!("/users/delta?{select}"), 400), ("/users/delta", 400)] {
        let pages = session.pages(first, &token).await;
        for page in &pages {
            contract.check("/users/delta", "200", page);
            contract.check_declared("microsoft.graph.user", &page["value"]);
        }
        assert_eq!(pages.iter().map(|page| page["value"].as_array().unwrap().len()).sum::<usize>(), rows);
    }
}

/// The rows of the pruned routes are users as well.
#[tokio::test]
async fn members_and_single_users_keep_the_contract() {
    let contract = Contract::read();
    let session = Session::new(&[30]);
    let (world, tenant) = (session.fake.world(), session.tenant(0));
    let token = session.customer_token(0).await;
    let users = world.users(tenant);
    let group = "02bd9fd6-8f93-4758-87c3-1fb73740a315".parse().unwrap();
    let members = users.iter().map(|user| user.id).collect();
    world.add_group(tenant, Group::security(group, "Staff", members)).unwrap();
    let cast = format!("/v1.0/groups/{group}/transitiveMembers/microsoft.graph.user?$count=true&$select=");
    let members = session.get_eventual(&format!("{cast}{USER_PROPERTIES}"), &token).await.json();
    contract.check("/users", "200", &members);
    contract.check_declared("microsoft.graph.user", &members["value"]);
    let path = format!("/users/{}?$select={USER_PROPERTIES}", users[7].id);
    let one = json!([session.graph(&path, &token).await.json()]);
    contract.check("/users", "200", &json!({ "value": one }));
    contract.check_declared("microsoft.graph.user", &one);
    assert_eq!((&one[0]["id"], &members["value"][7]["mail"]), (&members["value"][7]["id"], &one[0]["mail"]));
}

#[tokio::test]
async fn the_other_answers_keep_the_contract() {
    let contract = Contract::read();
    let session = Session::new(&[2; 12]);
    let (partner, customer) = (session.partner_token().await, session.customer_token(0).await);
    let relationships = "/tenantRelationships/delegatedAdminRelationships";
    let customers = "/tenantRelationships/delegatedAdminCustomers";
    for (path, token, schema) in [
        ("/organization", &customer, "microsoft.graph.organization"),
        (customers, &partner, "microsoft.graph.delegatedAdminCustomer"),
    ] {
        let body = session.graph(path, token).await.json();
        contract.check(path, "200", &body);
        contract.check_declared(schema, &body["value"]);
    }
    contract.check(relationships, "200", &session.graph(relationships, &partner).await.json());
    let one = session.tenant(0);
    let path = format!("/tenantRelationships/findTenantInformationByTenantId(tenantId='{one}')");
    contract.check(GRAPH_PATHS[2], "200", &session.graph(&path, &partner).await.json());
    for (path, token) in [("/users?$skip=1", &customer), ("/users", &"none".to_owned())] {
        contract.check("/users", "4XX", &session.graph(path, token).await.json());
    }
}

#[test]
fn the_check_itself_notices_what_is_wrong() {
    let contract = Contract::read();
    for row in [
        json!({ "id": 42 }),
        json!({ "id": "x", "businessPhones": null }),
        json!({ "createdDateTime": "soon" }),
    ] {
        let check = || contract.check("/users", "200", &json!({ "value": [row] }));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(check)).is_err(), "{row}");
    }
}
