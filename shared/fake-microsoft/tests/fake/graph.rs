//! Listings: pages, properties, permissions, and what is refused.

use std::collections::HashSet;

use axum::{body::Body, http::Request};
use fake_microsoft::{RelationshipStatus, Route, User};
use jiff::SignedDuration;

use crate::support::{BASE, Session, error_code};

const SELECT: &str = "id,userPrincipalName,mail,proxyAddresses,displayName,accountEnabled,userType";

#[tokio::test]
async fn every_user_comes_exactly_once_whatever_the_number() {
    let sizes = [0, 1, 999, 1_000, 1_998];
    let session = Session::new(&sizes);
    let refresh_token = session.sign_in().await;
    for (number, (size, expected_pages)) in sizes.into_iter().zip([1, 1, 1, 2, 2]).enumerate() {
        let authority = session.tenant(number).to_string();
        let token = session.refresh(&authority, &refresh_token, &[]).await.json();
        let token = token["access_token"].as_str().unwrap();
        let pages = session.pages(&format!("/users?$select={SELECT}&$top=999"), token).await;
        assert_eq!(pages.len(), expected_pages, "{size}");
        let rows: Vec<_> = pages.iter().flat_map(|page| page["value"].as_array().unwrap()).collect();
        let ids: HashSet<_> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
        assert_eq!((rows.len(), ids.len()), (size as usize, size as usize));
        for (index, row) in (0..).zip(&rows) {
            let user = session.fake.world().user(session.tenant(number), index).unwrap();
            assert_eq!(row["id"], user.id.to_string());
            assert_eq!(row["userPrincipalName"], user.user_principal_name);
        }
    }
}

#[tokio::test]
async fn the_documented_properties_come_by_default_and_exactly_the_selected_ones_otherwise() {
    let session = Session::new(&[120]);
    let token = session.customer_token(0).await;
    let answer = session.graph("/users", &token).await;
    let body = answer.json();
    assert_eq!(body["value"].as_array().unwrap().len(), 100);
    assert_eq!(body["@odata.context"], format!("{BASE}/v1.0/$metadata#users"));
    assert_eq!(answer.header("x-ms-resource-unit"), "2");
    let names: Vec<_> = body["value"][0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        names.join(" "),
        "businessPhones displayName givenName id jobTitle mail mobilePhone officeLocation \
         preferredLanguage surname userPrincipalName"
    );

    let answer = session.graph("/users?$select=mail,userType&$top=19", &token).await;
    assert_eq!(answer.header("x-ms-resource-unit"), "1");
    let row = &answer.json()["value"][0];
    assert_eq!(row.as_object().unwrap().keys().collect::<Vec<_>>(), ["mail", "userType"]);
}

#[tokio::test]
async fn what_is_unknown_is_refused_and_not_ignored() {
    let session = Session::new(&[5]);
    let (partner, customer) = (session.partner_token().await, session.customer_token(0).await);
    let cases = [
        ("/users?$skip=1", 400, "Request_UnsupportedQuery"),
        ("/users?$filter=accountEnabled eq true", 400, "Request_UnsupportedQuery"),
        ("/users?select=id", 400, "Request_BadRequest"),
        ("/users?page=2", 400, "Request_BadRequest"),
        ("/users?$top=0", 400, "Request_UnsupportedQuery"),
        ("/users?$top=1000", 400, "Request_UnsupportedQuery"),
        ("/users?$top=many", 400, "BadRequest"),
        ("/users?$top=5&$top=6", 400, "BadRequest"),
        ("/users?$select=id,shoeSize", 400, "BadRequest"),
        ("/users?$select=Id", 400, "BadRequest"),
        ("/users?$select=mySite", 501, "NotImplemented"),
        ("/users?$count=true", 400, "Request_UnsupportedQuery"),
        ("/users?$skiptoken=abc", 400, "BadRequest"),
        ("/users/delta?$filter=id%20eq%20'x'", 400, "Request_UnsupportedQuery"),
        ("/users/delta?$orderby=mail", 400, "Request_UnsupportedQuery"),
        ("/users/delta?$count=true", 400, "Request_UnsupportedQuery"),
        ("/users/delta?deltatoken=latest", 400, "Request_BadRequest"),
        ("/users/delta?$deltatoken=latest&$deltaToken=latest", 400, "BadRequest"),
        ("/users/delta?$deltatoken=abc", 400, "BadRequest"),
        ("/users/delta?$skiptoken=abc", 400, "BadRequest"),
        ("/users/delta?$deltatoken=abc&$select=id", 400, "BadRequest"),
        ("/users/delta?$select=shoeSize", 400, "BadRequest"),
        ("/users/delta?$select=signInActivity", 501, "NotImplemented"),
        ("/users/nobody@nowhere.example", 404, "Request_ResourceNotFound"),
        ("/users/87d349ed-44d7-43e1-9a83-5f2406dee5bd", 404, "Request_ResourceNotFound"),
        ("/users/87d349ed-44d7-43e1-9a83-5f2406dee5bd?$top=1", 400, "Request_UnsupportedQuery"),
        ("/users/87d349ed-44d7-43e1-9a83-5f2406dee5bd/manager", 400, "BadRequest"),
        ("/users/", 400, "BadRequest"),
        ("/groups?$count=true", 400, "Request_UnsupportedQuery"),
        ("/groups?$filter=securityEnabled%20eq%20true", 400, "Request_UnsupportedQuery"),
        ("/groups?$select=visibility", 501, "NotImplemented"),
        ("/groups?$select=shoeSize", 400, "BadRequest"),
        ("/groups/02bd9fd6-8f93-4758-87c3-1fb73740a315", 400, "BadRequest"),
        ("/groups/02bd9fd6-8f93-4758-87c3-1fb73740a315/transitiveMembers", 400, "BadRequest"),
        ("/managedTenants/users", 400, "BadRequest"),
        ("/organization?$top=1", 400, "Request_UnsupportedQuery"),
        ("/organization?$select=users", 400, "BadRequest"),
        ("/organization?$select=privacyProfile", 501, "NotImplemented"),
        ("/tenantRelationships/managedTenants/tenants", 400, "BadRequest"),
        ("/tenantRelationships/delegatedAdminRelationships", 403, "Authorization_RequestDenied"),
        ("/tenantRelationships/delegatedAdminCustomers", 403, "Authorization_RequestDenied"),
    ];
    for (path, status, code) in cases {
        let answer = session.graph(&path.replace(' ', "%20"), &customer).await;
        assert_eq!((answer.status.as_u16(), error_code(&answer).as_str()), (status, code), "{path}");
        assert!(answer.json()["error"]["innerError"]["request-id"].is_string());
    }
    for (path, status) in [
        ("/tenantRelationships/delegatedAdminRelationships?$top=301", 400),
        ("/tenantRelationships/delegatedAdminRelationships?$filter=status%20eq%20'alive'", 400),
        ("/tenantRelationships/delegatedAdminRelationships?$select=domain", 400),
        ("/tenantRelationships/findTenantInformationByTenantId(tenantId='x')", 400),
        (
            "/tenantRelationships/findTenantInformationByTenantId(tenantId='2d0a9c5e-1111-4222-8333-444455556666')",
            404,
        ),
    ] {
        assert_eq!(session.graph(path, &partner).await.status.as_u16(), status, "{path}");
    }
    assert_eq!(session.get("/beta/users", Some(&customer)).await.status, 404);
    let post = Request::post("/v1.0/users").header("authorization", format!("Bearer {customer}"));
    assert_eq!(session.send(post.body(Body::empty()).unwrap()).await.status, 405);
    assert_eq!(session.fake.requests().of(Route::Unknown).requests, 7);
}

#[tokio::test]
async fn a_page_token_is_good_for_its_own_request_only() {
    let session = Session::new(&[30, 30]);
    let (own, other) = (session.customer_token(0).await, session.customer_token(1).await);
    let link = session.graph("/users?$top=10&$select=id,mail", &own).await.json()["@odata.nextLink"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(link.starts_with(&format!("{BASE}/v1.0/users?$top=10&$select=id,mail&$skiptoken=")), "{link}");
    assert_eq!(session.get(&link, Some(&own)).await.status, 200);
    for (link, token) in [(link.clone(), &other), (link.replace("id,mail", "id"), &own)] {
        assert_eq!(session.get(&link, Some(token)).await.status, 400);
    }
}

#[tokio::test]
async fn a_bearer_token_is_required_fresh_and_bound_to_its_tenant() {
    let session = Session::new(&[2]);
    let token = session.customer_token(0).await;
    for bearer in [None, Some("nonsense"), Some(&format!("{token}x")[..])] {
        let answer = session.get("/v1.0/users", bearer).await;
        assert_eq!(error_code(&answer), "InvalidAuthenticationToken");
        assert_eq!(answer.status, 401);
        assert!(answer.header("www-authenticate").starts_with("Bearer "));
    }
    let organization = session.graph("/organization?$select=id,verifiedDomains", &token).await.json();
    assert_eq!(organization["value"][0]["id"], session.tenant(0).to_string());
    session.clock.advance(SignedDuration::from_mins(91));
    assert_eq!(session.graph("/users", &token).await.status, 401);
}

#[tokio::test]
async fn rights_end_with_the_relationship_the_role_and_the_scope() {
    let session = Session::new(&[2]);
    let (world, customer) = (session.fake.world(), session.tenant(0));
    let token = session.customer_token(0).await;
    world.set_relationship_roles(customer, &[]).unwrap();
    assert_eq!(error_code(&session.graph("/users", &token).await), "Authorization_RequestDenied");
    assert_eq!(session.graph("/organization", &token).await.status, 200);
    world.set_relationship_status(customer, RelationshipStatus::Terminated).unwrap();
    assert_eq!(session.graph("/organization", &token).await.status, 403);

    let refresh_token = session.sign_in().await;
    let narrow = session.refresh("organizations", &refresh_token, &[("scope", "User.Read.All")]).await.json();
    let narrow = narrow["access_token"].as_str().unwrap();
    let refused = session.graph("/tenantRelationships/delegatedAdminCustomers", narrow).await;
    assert_eq!(refused.status, 403);
}

#[tokio::test]
async fn the_partner_lists_relationships_and_customers_in_pages() {
    let session = Session::new(&vec![1; 305]);
    let token = session.partner_token().await;
    let path = "/tenantRelationships/delegatedAdminRelationships?$filter=status%20eq%20'active'\
                &$select=customer,autoExtendDuration,endDateTime&$top=300";
    let pages = session.pages(path, &token).await;
    let rows: Vec<_> = pages.iter().flat_map(|page| page["value"].as_array().unwrap()).collect();
    let tenants: HashSet<_> = rows.iter().map(|row| row["customer"]["tenantId"].as_str().unwrap()).collect();
    assert_eq!((pages.len(), tenants.len()), (2, 305));
    assert!(rows.len() > 305, "some customers have several relationships");
    let all = session.pages("/tenantRelationships/delegatedAdminRelationships", &token).await;
    let all: Vec<_> = all.iter().flat_map(|page| page["value"].as_array().unwrap()).collect();
    assert!(all.iter().any(|row| row["customer"].is_null() && row["status"] == "approvalPending"));
    assert!(all.iter().any(|row| row["status"] == "expired"));
    assert!(all.iter().any(|row| row["displayName"].as_str().unwrap().starts_with("MLT_")));

    session.fake.world().rename_tenant(session.tenant(0), "Another Name Ltd").unwrap();
    let customers = session.pages("/tenantRelationships/delegatedAdminCustomers?$top=300", &token).await;
    assert_eq!(customers[0]["value"][0]["displayName"], "Another Name Ltd");
    let one = session.tenant(0);
    let path = format!("/tenantRelationships/findTenantInformationByTenantId(tenantId=%27{one}%27)");
    let information = session.graph(&path, &token).await.json();
    assert_eq!(information["tenantId"], one.to_string());
    assert_eq!(information["displayName"], "Another Name Ltd");
}

#[tokio::test]
async fn request_ids_are_echoed_and_counts_need_the_header() {
    let session = Session::new(&[7]);
    let token = session.customer_token(0).await;
    let id = "0f0f0f0f-1111-4222-8333-444455556666";
    let request = Request::get("/v1.0/users?$count=true&$top=2")
        .header("authorization", format!("Bearer {token}"))
        .header("consistencylevel", "eventual")
        .header("client-request-id", id);
    let answer = session.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.header("client-request-id"), id);
    assert_ne!(answer.header("request-id"), id);
    assert_eq!(answer.json()["@odata.count"], 7);
}

#[tokio::test]
async fn edits_show_at_once() {
    let session = Session::new(&[4]);
    let (world, tenant) = (session.fake.world(), session.tenant(0));
    let token = session.customer_token(0).await;
    let (first, second) = (world.user(tenant, 0).unwrap(), world.user(tenant, 1).unwrap());
    world.edit(tenant, first.id, |user| user.job_title = Some("Chair".to_owned())).unwrap();
    world.remove_user(tenant, second.id).unwrap();
    let id = "7c9e6679-7425-40de-944b-e07fc1f90ae7".parse().unwrap();
    let added = User::member(id, "Late Comer", "late@new.example", world.config().as_of);
    world.add_user(tenant, added).unwrap();
    let rows = session.graph("/users?$select=id,jobTitle", &token).await.json();
    let rows = rows["value"].as_array().unwrap().clone();
    assert_eq!((rows.len(), world.user_count(tenant)), (4, 4));
    assert_eq!(rows[0]["jobTitle"], "Chair");
    assert_eq!(rows[3]["id"], id.to_string());
    assert!(rows.iter().all(|row| row["id"] != second.id.to_string()));
    assert_eq!(world.remove_user(tenant, second.id).unwrap_err().to_string(), {
        format!("tenant {tenant} of the fake has no user {}", second.id)
    });
    world.edit(tenant, id, |user| user.account_enabled = false).unwrap();
    assert!(!world.user_by_id(tenant, id).unwrap().account_enabled);
}
