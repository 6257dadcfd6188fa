//! Many questions answered alike: each as it is answered alone, and those left that only a human can tell.

use ambient::Clock;
use domain::{
    ids::RunId,
    mandate::Mandate,
    plan::{AnswerKind, Conflict},
    user::DirectoryUser,
};
use review::{
    CandidateView, Choice, Decider, EvidenceView, ItemView, LinkedView, NotDecided, OutcomeView, Wish,
    answer, choose,
};
use serde_json::{Value, json};
use store::{ReviewStatus, probe::Fault};

use crate::{
    answers::scene,
    sync::{user, user_with},
    world::{CLIENT, OTHER_CLIENT, TENANT, WORKSPACE, World, contact_id, item_id, managed, object},
};

/// More than one request answers.
const PEOPLE: u128 = 130;

/// People with an alias that belongs to a contact of another name.
async fn people(world: &World) -> Vec<DirectoryUser> {
    let mut users = Vec::new();
    for number in 1..=PEOPLE {
        world.contact(number, &format!("Desk {number}"), &format!("desk{number}@acme.example")).await;
        users.push(user_with(
            number,
            json!({
                "displayName": format!("Person {number}"), "mail": format!("p{number}@acme.example"),
                "proxyAddresses": [format!("smtp:desk{number}@acme.example")],
            }),
        ));
    }
    users
}

/// Every part of the answer, put together.
async fn all(world: &World, body: Value) -> Vec<Value> {
    let (mut items, mut body) = (Vec::new(), body);
    loop {
        let part = world.post("/resolve-all", body.clone()).await.data();
        assert!(part["items"].as_array().unwrap().len() <= 100, "a request is bounded");
        items.extend(part["items"].as_array().unwrap().iter().cloned());
        match part["nextCursor"].as_str() {
            Some(next) => body["cursor"] = json!(next),
            None => return items,
        }
    }
}

async fn open(world: &World) -> u64 {
    world.get("?counts=true").await.data()["counts"]["open"].as_u64().unwrap()
}

fn coded<'a>(items: &'a [Value], code: &str) -> Vec<&'a Value> {
    items.iter().filter(|item| item["code"] == code).collect()
}

#[tokio::test]
async fn many_questions_are_answered_over_several_requests_and_each_as_if_it_were_alone() {
    let world = World::new().await;
    let mut users = people(&world).await;
    // Two contacts have one's addresses, and one's address is another client's.
    world.contact(501, "One", "several@acme.example").await;
    world.contact(502, "Other", "several.too@acme.example").await;
    users.push(user_with(
        501,
        json!({
            "displayName": "Several", "mail": "several@acme.example",
            "userPrincipalName": "several.too@acme.example",
        }),
    ));
    world.contact_of(OTHER_CLIENT, 503, "Elsewhere", &["elsewhere@acme.example"]).await;
    users.push(user(503, "Elsewhere", "elsewhere@acme.example"));
    world.sync(CLIENT, &users).await;
    let asked = open(&world).await;
    assert_eq!(u128::from(asked), PEOPLE + 2);

    let before = world.contacts().await;
    let preview = all(&world, json!({ "answer": "link_existing", "preview": true })).await;
    assert_eq!((open(&world).await, world.contacts().await), (asked, before), "nothing was written");
    assert_eq!(preview.iter().filter(|item| item["answer"] == "link_existing").count() as u128, PEOPLE);
    assert!(preview.iter().all(|item| item["runId"].is_null()));

    // Somebody answers one of them meanwhile.
    world.create(7).await.data();
    let done = all(&world, json!({ "answer": "link_existing" })).await;
    let linked: Vec<&Value> = done.iter().filter(|item| item["answer"] == "link_existing").collect();
    assert_eq!(linked.len() as u128, PEOPLE - 1);
    for (code, person) in [("several_contacts", 501), ("client_mismatch", 503)] {
        let left = coded(&done, code);
        assert_eq!(left.len(), 1, "{code}: {left:?}");
        assert_eq!(left[0]["queueItemId"], json!(item_id(person)));
        assert!(left[0]["explanation"].as_str().unwrap().len() > 20);
    }
    assert_eq!(open(&world).await, 2);
    assert_eq!(world.linked(1).await.unwrap().id, contact_id(1));
    // Again, it changes nothing more; and no sync asks about anybody anew.
    let again = all(&world, json!({ "answer": "link_existing" })).await;
    assert!(again.len() == 2 && again.iter().all(|item| item["answer"].is_null()), "{again:?}");
    world.sync(CLIENT, &users).await;
    assert_eq!(open(&world).await, 2);
    // One of them is taken back, and asked about again.
    let first = linked.iter().find(|item| item["queueItemId"] == json!(item_id(1))).unwrap();
    let run: RunId = first["runId"].as_str().unwrap().parse().unwrap();
    world.undo(CLIENT, run).await;
    assert_eq!(open(&world).await, 3);
    assert!(world.linked(1).await.is_none() && world.linked(2).await.is_some());
}

#[tokio::test]
async fn questions_are_chosen_by_what_is_unclear_and_by_name_and_the_others_stay() {
    let world = World::new().await;
    let mut users = people(&world).await;
    users.truncate(20);
    world.contact_of(OTHER_CLIENT, 503, "Elsewhere", &["elsewhere@acme.example"]).await;
    users.push(user(503, "Elsewhere", "elsewhere@acme.example"));
    world.sync(CLIENT, &users).await;
    let dismissed =
        all(&world, json!({ "answer": "dismiss", "find": "PERSON 1", "note": "functions" })).await;
    assert_eq!(dismissed.len(), 11, "1 and 10 to 19");
    let created = all(&world, json!({ "answer": "create_new", "conflict": "alias_only" })).await;
    assert_eq!(created.len(), 9);
    assert!(created.iter().all(|item| item["answer"] == "create_new" && !item["contactNameId"].is_null()));
    assert_eq!(open(&world).await, 1);
    let item = world.get(&format!("/{}", item_id(1))).await.data();
    assert_eq!(item["resolution"]["note"], "functions");
    let refused = world.post("/resolve-all", json!({ "answer": "guess" })).await;
    assert_eq!(refused.refused(), (400, "invalid_answer"));
}

#[tokio::test]
async fn a_name_alone_links_nobody_however_many_are_answered_at_once() {
    // The person's contact is at the client of before; none of this one's has an address of the person.
    let scene = scene("linked_at_other_client").await;
    let before = scene.world.contacts().await;
    let done = all(&scene.world, json!({ "answer": "link_existing" })).await;
    assert_eq!(coded(&done, "name_only").len() + coded(&done, "client_mismatch").len(), 1, "{done:?}");
    assert_eq!(scene.world.contacts().await, before);
    assert!(scene.is_open().await);
}

#[test]
fn only_the_one_contact_that_has_an_address_of_the_person_is_chosen() {
    let (own, other) = (contact_id(1), contact_id(2));
    let theirs = || LinkedView {
        entra_tenant_id: TENANT,
        entra_object_id: object(1),
        is_this_person: true,
        is_active: true,
    };
    let candidate = |id, has_address: bool| CandidateView {
        contact_name_id: id,
        client_id: CLIENT,
        email: None,
        full_name: Some("Mira Sund".to_owned()),
        is_inactive: false,
        evidence: has_address
            .then(|| EvidenceView {
                address: "mira@acme.example".to_owned(),
                in_directory: "alias",
                on_contact: "email",
            })
            .into_iter()
            .collect(),
        linked_to: None,
    };
    let item = |candidates: Vec<CandidateView>, code: Option<&'static str>| ItemView {
        queue_item_id: item_id(1),
        managed_tenant_id: managed(),
        client_id: CLIENT,
        entra_tenant_id: TENANT,
        entra_object_id: object(1),
        user_principal_name: None,
        display_name: "Mira Sund".to_owned(),
        email: Some("mira@acme.example".to_owned()),
        candidate_contacts: candidates,
        status: ReviewStatus::Open,
        created_at: jiff::Timestamp::UNIX_EPOCH,
        reason: Conflict::AliasOnly,
        explanation: "",
        outcomes: vec![OutcomeView {
            outcome: AnswerKind::LinkExisting,
            contact_name_id: Some(own),
            possible: code.is_none(),
            code,
            explanation: String::new(),
            remedy: None,
        }],
        resolution: None,
    };
    for (candidates, code, expected) in [
        (vec![candidate(own, true)], None, Ok(Choice::LinkExisting(own))),
        (vec![candidate(own, true), candidate(other, false)], None, Ok(Choice::LinkExisting(own))),
        (vec![candidate(own, true), candidate(other, true)], None, Err("several_contacts")),
        (vec![candidate(own, false)], None, Err("name_only")),
        (vec![], None, Err("name_only")),
        // What the PSA or a sync says of the account counts like an address.
        (
            vec![CandidateView { linked_to: Some(theirs()), ..candidate(own, false) }],
            None,
            Ok(Choice::LinkExisting(own)),
        ),
        (
            vec![
                CandidateView { linked_to: Some(theirs()), ..candidate(other, false) },
                candidate(own, true),
            ],
            None,
            Err("several_contacts"),
        ),
        (vec![candidate(own, true)], Some("contact_protected"), Err("contact_protected")),
    ] {
        let chosen = choose(&item(candidates.clone(), code), &Wish::Link).map_err(|left| left.code);
        assert_eq!(chosen, expected, "{candidates:?}");
        // Other answers need no contact.
        let item = item(candidates, code);
        assert_eq!(choose(&item, &Wish::CreateNew), Ok(Choice::CreateNew));
        assert_eq!(choose(&item, &Wish::Dismiss { note: None }), Ok(Choice::Dismiss { note: None }));
    }
}

#[tokio::test]
async fn an_answer_that_somebody_gives_meanwhile_is_not_counted_as_this_one() {
    let world = World::new().await;
    let users = people(&world).await;
    world.sync(CLIENT, &users[..4]).await;
    let me = Decider { workspace: WORKSPACE, mandate: Mandate::Machine };
    let dismiss = Choice::Dismiss { note: None };
    // Both have the question before them, and the other one is faster.
    let theirs = world.create(1).await.data();
    let refused = answer(&world.review, me, item_id(1), &dismiss).await.unwrap_err();
    assert!(matches!(refused, NotDecided::ItemNotOpen { status: ReviewStatus::Resolved, .. }), "{refused:?}");
    let shown = world.get(&format!("/{}", item_id(1))).await.data();
    assert_eq!(shown["resolution"]["runId"], theirs["runId"]);
    world.dismiss(2).await.data();
    let linked = Choice::LinkExisting(contact_id(2));
    let refused = answer(&world.review, me, item_id(2), &linked).await.unwrap_err();
    assert_eq!(refused.code(), "item_not_open");
    // The same answer of both is one answer.
    world.link(3, contact_id(3)).await.data();
    let (contact, run) =
        answer(&world.review, me, item_id(3), &Choice::LinkExisting(contact_id(3))).await.unwrap();
    assert!(contact == Some(contact_id(3)) && run.is_some());
    world.dismiss(4).await.data();
    assert!(answer(&world.review, me, item_id(4), &dismiss).await.is_ok());
}

#[tokio::test]
async fn whose_tenant_is_being_synced_is_left_at_once_and_answered_later() {
    let world = World::new().await;
    let users = people(&world).await;
    world.sync(CLIENT, &users[..60]).await;
    let run = RunId::new(uuid::Uuid::from_u128(0x0ABC));
    let now = world.clock.now();
    let lease = world.store().acquire(WORKSPACE, managed(), run, now).await.unwrap().unwrap();
    let left = all(&world, json!({ "answer": "link_existing" })).await;
    assert_eq!(coded(&left, "tenant_busy").len(), 60);
    assert!(world.clock.now().duration_since(now) < jiff::SignedDuration::from_secs(5), "nobody waits");
    assert_eq!(open(&world).await, 60);
    drop(lease);
    world.clock.advance(jiff::SignedDuration::from_mins(5));
    let done = all(&world, json!({ "answer": "link_existing" })).await;
    assert_eq!(done.iter().filter(|item| item["answer"] == "link_existing").count(), 60, "{done:?}");
}

#[tokio::test]
async fn a_table_that_fails_on_the_way_loses_no_report_and_the_rest_is_answered_the_next_time() {
    let world = World::new().await;
    let users = people(&world).await;
    world.sync(CLIENT, &users[..10]).await;
    world.probe.reset();
    world.probe.script(|call| (call.write == Some(40)).then_some(Fault::Before));
    let part = world.post("/resolve-all", json!({ "answer": "link_existing" })).await.data();
    world.probe.clear();
    let told = part["items"].as_array().unwrap().clone();
    assert!((1..10).contains(&told.len()), "{told:?}");
    assert!(told.iter().all(|item| item["answer"] == "link_existing" && item["runId"].is_string()));
    let cursor = part["nextCursor"].clone();
    assert!(cursor.is_string(), "it goes on with the one that failed");
    let rest = all(&world, json!({ "answer": "link_existing", "cursor": cursor })).await;
    assert_eq!(told.len() + rest.len(), 10);
    assert!(rest.iter().all(|item| item["answer"] == "link_existing"), "{rest:?}");
    assert_eq!(open(&world).await, 0);
}
