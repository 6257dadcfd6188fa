//! What the queue shows.

use serde_json::{Value, json};

use crate::{
    sync::{user, user_with},
    world::{CLIENT, OTHER_CLIENT, World, contact_id, item_id},
};

fn people(data: &Value) -> Vec<&Value> {
    data["items"].as_array().unwrap().iter().map(|item| &item["displayName"]).collect()
}

#[tokio::test]
async fn a_question_comes_with_evidence_and_what_each_answer_would_do() {
    let world = World::new().await;
    world.contact_of(CLIENT, 1, "Sales", &["sales@acme.example", "mira@acme.example"]).await;
    let raw = json!({
        "displayName": "Mira Sund", "mail": "mira@acme.example", "userPrincipalName": "m.sund@acme.example",
        "proxyAddresses": ["smtp:sales@acme.example"], "jobTitle": "Dentist",
    });
    world.sync(CLIENT, &[user_with(1, raw)]).await;
    let items = world.get("?counts=true").await.data();
    assert_eq!(items["counts"], json!({ "open": 1, "resolved": 0, "dismissed": 0 }));
    assert_eq!(items["nextCursor"], Value::Null);
    let item = &items["items"][0];
    assert_eq!(*item, world.get(&format!("/{}", item_id(1))).await.data());
    for (name, expected) in [
        ("queueItemId", json!(item_id(1))),
        ("clientId", json!(CLIENT)),
        ("userPrincipalName", json!("m.sund@acme.example")),
        ("displayName", json!("Mira Sund")),
        ("email", json!("mira@acme.example")),
        ("status", json!("open")),
        ("reason", json!("additional_address")),
        ("resolution", Value::Null),
    ] {
        assert_eq!(item[name], expected, "{name}");
    }
    assert_eq!(
        item["candidateContacts"],
        json!([{
            "contactNameId": contact_id(1), "clientId": CLIENT, "email": "sales@acme.example",
            "fullName": "Sales", "isInactive": false, "linkedTo": null,
            "evidence": [
                { "address": "mira@acme.example", "inDirectory": "email", "onContact": "additional_email" },
                { "address": "sales@acme.example", "inDirectory": "alias", "onContact": "email" },
            ],
        }])
    );
    let outcomes: Vec<(&Value, &Value, &Value)> = item["outcomes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|outcome| (&outcome["outcome"], &outcome["possible"], &outcome["explanation"]))
        .collect();
    let yes = json!(true);
    assert_eq!(
        outcomes,
        [
            (
                &json!("link_existing"),
                &yes,
                &json!(
                    "The contact is linked to the person. full name: Sales → Mira Sund. e-mail: sales@acme.example → \
                     mira@acme.example. role:  → Dentist."
                )
            ),
            (
                &json!("create_new"),
                &yes,
                &json!(
                    "A new contact Mira Sund is made with m.sund@acme.example, because the person's first address \
                     belongs to another contact."
                )
            ),
            (
                &json!("dismissed"),
                &yes,
                &json!("The person is left out of every later sync until this is taken back.")
            ),
        ]
    );
}

#[tokio::test]
async fn a_candidate_says_whose_it_is() {
    let world = World::new().await;
    let colleague = user(2, "Bo Lind", "desk@acme.example");
    world.sync(CLIENT, std::slice::from_ref(&colleague)).await;
    world.sync(CLIENT, &[colleague, user(1, "Mira Sund", "desk@acme.example")]).await;
    let item = world.get(&format!("/{}", item_id(1))).await.data();
    let linked = &item["candidateContacts"][0]["linkedTo"];
    assert_eq!((&linked["isThisPerson"], &linked["isActive"]), (&json!(false), &json!(true)));
    let possible: Vec<(&Value, &Value)> = item["outcomes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|outcome| (&outcome["possible"], &outcome["code"]))
        .collect();
    let (yes, no) = (json!(true), json!(false));
    assert_eq!(
        possible,
        [(&no, &json!("contact_linked")), (&no, &json!("EMAIL_EXISTS")), (&yes, &Value::Null)]
    );
}

#[tokio::test]
async fn a_question_is_renewed_with_what_the_directory_says_now() {
    let world = World::new().await;
    world.contact(1, "Front Desk", "desk@acme.example").await;
    let mira = |name: &str| {
        user_with(
            1,
            json!({ "displayName": name, "mail": "mira@acme.example", "proxyAddresses": ["smtp:desk@acme.example"] }),
        )
    };
    assert_eq!(world.sync(CLIENT, &[mira("Mira Sund")]).await, ["1 ask alias_only"]);
    assert_eq!(world.sync(CLIENT, &[mira("Mira Sund")]).await, [""; 0], "nothing new to ask");
    assert_eq!(world.sync(CLIENT, &[mira("Mira Sund-Berg")]).await, ["1 ask alias_only"]);
    assert_eq!(people(&world.get("").await.data()), ["Mira Sund-Berg"]);
    world.create(1).await.data();
    assert_eq!(world.linked(1).await.unwrap().values.full_name, "Mira Sund-Berg");
}

#[tokio::test]
async fn the_list_is_filtered_and_goes_on_where_it_ended() {
    let world = World::new().await;
    world.contact(1, "Desk", "desk@acme.example").await;
    let users: Vec<_> = (1..=7)
        .map(|person| {
            user_with(
                person,
                json!({
                    "displayName": format!("Person {person}"), "mail": format!("p{person}@acme.example"),
                    "proxyAddresses": ["smtp:desk@acme.example"],
                }),
            )
        })
        .collect();
    // One after the other, so that the order is known.
    for count in 1..=users.len() {
        world.sync(CLIENT, &users[..count]).await;
    }
    let all = world.get("").await.data();
    let names: Vec<String> = (1..=7).rev().map(|person| format!("Person {person}")).collect();
    assert_eq!(people(&all), names.iter().collect::<Vec<_>>());

    let mut read: Vec<Value> = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = world.get(&format!("?limit=3{cursor}")).await.data();
        read.extend(page["items"].as_array().unwrap().clone());
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(json!(read), all["items"], "page by page");
    assert_eq!(people(&world.get("?limit=2").await.data()), [&names[0], &names[1]]);
    assert_eq!(people(&world.get("?limit=1000").await.data()).len(), 7, "more than there may be is the most");
    assert_eq!(people(&world.get(&format!("?clientId={OTHER_CLIENT}")).await.data()), [""; 0]);
    assert_eq!(people(&world.get(&format!("?clientId={CLIENT}")).await.data()).len(), 7);

    world.dismiss(3).await.data();
    world.create(5).await.data();
    let counts = world.get("?counts=true&limit=1").await.data()["counts"].clone();
    assert_eq!(counts, json!({ "open": 5, "resolved": 1, "dismissed": 1 }));
    assert_eq!(people(&world.get("?status=dismissed").await.data()), ["Person 3"]);
    let resolved = world.get("?status=resolved").await.data();
    assert_eq!(people(&resolved), ["Person 5"]);
    assert_eq!(resolved["items"][0]["resolution"]["resolutionAction"], "create_new");
}
