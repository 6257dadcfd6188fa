//! Who may ask, and what is refused before anything is looked at.

use domain::user::DirectoryUser;
use edge::{Caller, CallerKind, Edition, Permission};
use serde_json::json;

use crate::world::{World, caller, item_id};

const ANSWERS: [&str; 3] = ["/resolve-existing", "/resolve-new", "/dismiss"];

#[tokio::test]
async fn every_route_asks_who_is_asking() {
    let world = World::new().await;
    let item = format!("/{}", item_id(1));
    let reads = [("GET", ""), ("GET", item.as_str())];
    let routes = reads.into_iter().chain(ANSWERS.map(|path| ("POST", path)));
    for (method, path) in routes {
        let needed = if method == "GET" { Permission::Read } else { Permission::Approve };
        let may = || caller(&[needed]);
        let is_enough = |other: &Permission| *other == needed || needed.included_in() == Some(*other);
        let others: Vec<Permission> = Permission::ALL.into_iter().filter(|other| !is_enough(other)).collect();
        for (who, expected) in [
            (None, (401, "not_authenticated")),
            (Some(Caller { user: None, ..may() }), (401, "not_authenticated")),
            (Some(Caller { kind: CallerKind::Client, ..may() }), (403, "portal_user_denied")),
            (Some(caller(&others)), (403, "permission_denied")),
            (Some(Caller { edition: Edition::Community, ..may() }), (501, "enterprise_only")),
        ] {
            let answer = world.ask(method, path, Some(json!({})), who).await;
            assert_eq!(answer.refused(), expected, "{method} {path}");
        }
        // And whoever may is let in: what is refused then is the request.
        let answer = world.ask(method, path, Some(json!({})), Some(may())).await;
        assert!([200, 400, 404].contains(&answer.status.as_u16()), "{method} {path}: {}", answer.body);
    }
}

#[tokio::test]
async fn requests_that_cannot_be_understood_are_refused_with_a_code() {
    let world = World::new().await;
    let item = item_id(1);
    for (path, body, expected) in [
        ("/resolve-existing", json!({}), (400, "id_missing")),
        ("/resolve-existing", json!({ "queueItemId": item }), (400, "id_missing")),
        ("/resolve-existing", json!({ "queueItemId": item, "contactNameId": " " }), (400, "id_missing")),
        ("/resolve-existing", json!({ "queueItemId": "x", "contactNameId": item }), (400, "invalid_id")),
        ("/resolve-existing", json!({ "queueItemId": item, "contactNameId": item }), (404, "item_not_found")),
        ("/resolve-new", json!({ "queueItemId": "" }), (400, "id_missing")),
        ("/resolve-new", json!({ "queueItemId": item }), (404, "item_not_found")),
        ("/dismiss", json!({}), (400, "id_missing")),
        ("/dismiss", json!({ "queueItemId": item }), (404, "item_not_found")),
        ("/dismiss", json!({ "queueItemId": 7 }), (400, "invalid_body")),
    ] {
        assert_eq!(world.post(path, body.clone()).await.refused(), expected, "{path} {body}");
    }
    for (query, expected) in [
        ("?limit=0", (400, "invalid_limit")),
        ("?limit=-1", (400, "invalid_limit")),
        ("?status=closed", (400, "invalid_status")),
        ("?clientId=x", (400, "invalid_id")),
        ("?cursor=x", (400, "invalid_cursor")),
        ("/not-an-id", (400, "invalid_id")),
    ] {
        assert_eq!(world.get(query).await.refused(), expected, "{query}");
    }
    assert_eq!(world.sync(crate::world::CLIENT, &[] as &[DirectoryUser]).await, [""; 0]);
}
