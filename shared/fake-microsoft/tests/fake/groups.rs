//! Groups, and the people in them.

use fake_microsoft::{Group, NotInWorld};
use serde_json::{Value, json};

use crate::support::{Session, error_code};

fn id(number: u32) -> String {
    format!("02bd9fd6-8f93-4758-87c3-{number:012}")
}

fn cast(group: &str) -> String {
    format!("/v1.0/groups/{group}/transitiveMembers/microsoft.graph.user")
}

#[tokio::test]
async fn members_come_from_nested_groups_too_each_once() {
    let session = Session::new(&[9]);
    let (world, tenant) = (session.fake.world(), session.tenant(0));
    let token = session.customer_token(0).await;
    let user = |index| world.user(tenant, index).unwrap().id;
    let members = |indexes: &[u32]| indexes.iter().map(|index| user(*index)).collect();
    // 1 holds 2 and 3, both of them hold 4, and 4 leads back to 1.
    for (number, indexes, groups) in
        [(1, &[0, 1][..], vec![2, 3]), (2, &[1, 2], vec![4]), (3, &[3], vec![4, 99]), (4, &[4, 0], vec![1])]
    {
        let group = Group::security(id(number).parse().unwrap(), "Staff", members(indexes));
        let groups = groups.into_iter().map(|number| id(number).parse().unwrap()).collect();
        world.add_group(tenant, Group { groups, ..group }).unwrap();
    }
    world.remove_user(tenant, user(2)).unwrap();

    let first = format!("{}?$count=true&$select=id&$top=2", cast(&id(1)));
    let mut pages = vec![session.get_eventual(&first, &token).await.json()];
    while let Some(link) = pages.last().unwrap()["@odata.nextLink"].as_str().map(str::to_owned) {
        assert_eq!(session.get(&link, Some(&token)).await.status, 400, "the header belongs to every page");
        pages.push(session.get_eventual(&link, &token).await.json());
    }
    let ids: Vec<&str> = pages
        .iter()
        .flat_map(|page| page["value"].as_array().unwrap())
        .map(|row| row["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, [0, 1, 3, 4].map(|index| user(index).to_string()));
    assert_eq!((&pages[0]["@odata.count"], &pages[1]["@odata.count"]), (&json!(4), &Value::Null));

    world.edit_group(tenant, id(1).parse().unwrap(), |group| group.members.clear()).unwrap();
    world.edit_group(tenant, id(1).parse().unwrap(), |group| group.groups.clear()).unwrap();
    assert_eq!(session.get_eventual(&first, &token).await.json()["value"], json!([]));
    world.remove_group(tenant, id(1).parse().unwrap()).unwrap();
    let gone = session.get_eventual(&first, &token).await;
    assert_eq!((gone.status.as_u16(), error_code(&gone).as_str()), (404, "Request_ResourceNotFound"));
    let unknown = id(1).parse().unwrap();
    assert_eq!(world.remove_group(tenant, unknown), Err(NotInWorld::Group(tenant, unknown)));
    assert_eq!(world.edit_group(tenant, unknown, |_| {}), Err(NotInWorld::Group(tenant, unknown)));
}

#[tokio::test]
async fn a_cast_is_an_advanced_query() {
    let session = Session::new(&[1]);
    let token = session.customer_token(0).await;
    for query in ["?$select=id", "?$count=false", "?$count=true&$search=x", "?$count=true&$orderby=id"] {
        let answer = session.get_eventual(&format!("{}{query}", cast(&id(1))), &token).await;
        assert_eq!(error_code(&answer), "Request_UnsupportedQuery", "{query}");
    }
    let answer = session.get(&format!("{}?$count=true", cast(&id(1))), Some(&token)).await;
    assert_eq!(error_code(&answer), "Request_UnsupportedQuery");
}

#[tokio::test]
async fn groups_are_listed_in_pages_for_those_who_may() {
    let session = Session::new(&[1]);
    let (world, tenant) = (session.fake.world(), session.tenant(0));
    for (number, security_enabled) in [(1, Some(true)), (2, Some(false)), (3, None)] {
        let group = Group::security(id(number).parse().unwrap(), &format!("Group {number}"), Vec::new());
        world.add_group(tenant, Group { security_enabled, ..group }).unwrap();
    }
    let token = session.customer_token(0).await;
    let pages = session.pages("/groups?$select=id,displayName,securityEnabled&$top=2", &token).await;
    let rows: Vec<&Value> = pages.iter().flat_map(|page| page["value"].as_array().unwrap()).collect();
    assert_eq!(pages.len(), 2);
    assert_eq!(rows[0], &json!({ "id": id(1), "displayName": "Group 1", "securityEnabled": true }));
    assert_eq!((&rows[1]["securityEnabled"], &rows[2]["securityEnabled"]), (&json!(false), &Value::Null));

    let refresh_token = session.sign_in().await;
    let scope = [("scope", "https://graph.microsoft.com/User.Read.All")];
    let narrow = session.refresh(&tenant.to_string(), &refresh_token, &scope).await.json();
    let narrow = narrow["access_token"].as_str().unwrap();
    assert_eq!(session.graph("/users", narrow).await.status, 200);
    assert_eq!(session.graph("/groups", narrow).await.status, 403);
    world.set_relationship_roles(tenant, &[]).unwrap();
    assert_eq!(session.graph("/groups", &token).await.status, 403);
}

#[tokio::test]
async fn one_user_is_found_by_id_and_by_sign_in_name() {
    let session = Session::new(&[5]);
    let (world, tenant) = (session.fake.world(), session.tenant(0));
    let token = session.customer_token(0).await;
    let user = world.user(tenant, 3).unwrap();
    world
        .edit(tenant, user.id, |user| user.user_principal_name = "O'Hara_x#EXT#@a.example".to_owned())
        .unwrap();
    for key in [user.id.to_string(), "o%27hara_X%23EXT%23@a.example".to_owned()] {
        let body = session.graph(&format!("/users/{key}?$select=id,mail"), &token).await.json();
        assert_eq!((&body["id"], &body["mail"]), (&json!(user.id.to_string()), &json!(user.mail)));
        assert_eq!(body.as_object().unwrap().len(), 3, "with the context: {body}");
    }
    world.remove_user(tenant, user.id).unwrap();
    assert_eq!(session.graph(&format!("/users/{}", user.id), &token).await.status, 404);
}
