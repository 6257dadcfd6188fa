//! Every kind of question, answered in every way: what can be done is done for good, what cannot says why,
//! and what is taken back is asked again.

use domain::{
    contact::{Contact, EntraStamp},
    ids::{ClientId, ContactId, Identity, RunId},
    user::DirectoryUser,
};
use serde_json::{Value, json};

use crate::{
    sync::{user, user_with},
    world::{CLIENT, OTHER_CLIENT, TENANT, World, contact_id, item_id, object},
};

/// A question about one person, in a tenant that has these users.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) client: ClientId,
    users: Vec<DirectoryUser>,
    person: u128,
}

impl Scene {
    async fn sync(&self) -> Vec<String> {
        self.world.sync(self.client, &self.users).await
    }

    pub(crate) async fn is_open(&self) -> bool {
        let items = self.world.get("").await.data()["items"].clone();
        items.as_array().unwrap().iter().any(|item| item["queueItemId"] == json!(item_id(self.person)))
    }

    /// That the answer holds against two more syncs, and is gone once its run is taken back.
    async fn holds_until_taken_back(&self, answer: &Value, what: &str) {
        for _ in 0..2 {
            assert!(!self.is_open().await, "{what}");
            let said = self.sync().await;
            let asks = format!("{} ask", self.person);
            assert!(said.iter().all(|line| !line.starts_with(&asks)), "{what}: {said:?}");
        }
        let run: RunId = answer["runId"].as_str().unwrap().parse().unwrap();
        self.world.undo(self.client, run).await;
        assert!(self.is_open().await, "{what}: asked again");
        self.sync().await;
        assert!(self.is_open().await, "{what}: a sync changes nothing about that");
    }
}

fn mira(more: &Value) -> DirectoryUser {
    let mut raw = json!({ "displayName": "Mira Sund", "mail": "mira@acme.example" });
    raw.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    user_with(1, raw)
}

/// Somebody who may be told apart by the sign-in name.
fn mira_with_sign_in() -> DirectoryUser {
    mira(&json!({ "userPrincipalName": "m.sund@acme.example" }))
}

pub(crate) async fn scene(conflict: &str) -> Scene {
    let world = World::new().await;
    let mut scene = Scene { world, client: CLIENT, users: vec![mira_with_sign_in()], person: 1 };
    let world = &scene.world;
    match conflict {
        "alias_only" => {
            world.contact(1, "Front Desk", "desk@acme.example").await;
            scene.users = vec![mira(&json!({ "proxyAddresses": ["smtp:desk@acme.example"] }))];
        }
        "multiple_email_matches" => {
            world.contact(1, "Mira S", "mira@acme.example").await;
            world.contact(2, "M Sund", "m.sund@acme.example").await;
        }
        "additional_address" => {
            world.contact_of(CLIENT, 1, "Sales", &["sales@acme.example", "mira@acme.example"]).await;
        }
        "address_at_other_client" => {
            world.contact_of(OTHER_CLIENT, 1, "Mira Sund", &["mira@acme.example"]).await;
        }
        "address_shared" => {
            let colleague = user(2, "Bo Lind", "mira@acme.example");
            world.sync(CLIENT, std::slice::from_ref(&colleague)).await;
            scene.users.push(colleague);
        }
        "mailbox_reused" => {
            world
                .sync(CLIENT, &[user(2, "Bo Lind", "mira@acme.example"), user(3, "Eva", "e@acme.example")])
                .await;
            scene.users.push(user(3, "Eva", "e@acme.example"));
            world.sync(CLIENT, &scene.users[1..]).await;
            assert!(world.linked(2).await.is_none(), "gone");
        }
        "owned_by_colleague" => {
            let before = [user(1, "Mira Sund", "m@acme.example"), user(2, "Bo Lind", "bo@acme.example")];
            world.sync(CLIENT, &before).await;
            scene.users = vec![user(1, "Mira Sund", "bo@acme.example"), user(2, "Bo Lind", "m@acme.example")];
        }
        "moved_to_an_unlinked_contact" => {
            world.sync(CLIENT, &[user(1, "Mira Sund", "m@acme.example")]).await;
            world.contact(5, "Mira Sund-Berg", "mira@acme.example").await;
        }
        "linked_at_other_client" => {
            world.sync(CLIENT, &scene.users).await;
            world.map(OTHER_CLIENT).await;
            scene.client = OTHER_CLIENT;
        }
        other => panic!("{other}"),
    }
    let said = scene.sync().await;
    let asked = match conflict {
        "moved_to_an_unlinked_contact" => "multiple_email_matches",
        other => other,
    };
    assert!(said.contains(&format!("1 ask {asked}")), "{conflict}: {said:?}");
    assert!(scene.is_open().await);
    scene
}

const CONFLICTS: [&str; 9] = [
    "additional_address",
    "address_at_other_client",
    "address_shared",
    "alias_only",
    "linked_at_other_client",
    "mailbox_reused",
    "moved_to_an_unlinked_contact",
    "multiple_email_matches",
    "owned_by_colleague",
];

/// The first contact a question names.
pub(crate) async fn candidate(scene: &Scene, position: usize) -> ContactId {
    let item = scene.world.get(&format!("/{}", item_id(1))).await.data();
    item["candidateContacts"][position]["contactNameId"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_person_becomes_a_new_contact_or_it_is_said_why_not() {
    for (conflict, expected) in [
        ("additional_address", Ok("m.sund@acme.example")),
        ("address_at_other_client", Ok("m.sund@acme.example")),
        ("address_shared", Ok("m.sund@acme.example")),
        ("alias_only", Ok("mira@acme.example")),
        ("linked_at_other_client", Ok("m.sund@acme.example")),
        ("mailbox_reused", Ok("m.sund@acme.example")),
        ("moved_to_an_unlinked_contact", Err("already_linked")),
        ("multiple_email_matches", Err("EMAIL_EXISTS")),
        ("owned_by_colleague", Err("already_linked")),
    ] {
        let scene = scene(conflict).await;
        let before = scene.world.contacts().await;
        let answer = scene.world.create(1).await;
        match expected {
            Ok(email) => {
                let data = answer.data();
                let contact = scene.world.linked(1).await.unwrap();
                assert_eq!(data["contactNameId"], json!(contact.id), "{conflict}");
                assert_eq!(contact.values.email.as_ref().unwrap().as_str(), email, "{conflict}");
                assert_eq!(contact.client, scene.client, "{conflict}");
                for contact in &before {
                    let now = scene.world.contacts().await.into_iter().find(|now| now.id == contact.id);
                    assert_eq!(now.as_ref(), Some(contact), "{conflict}: the others stay as they are");
                }
                // A tenant that has changed hands has another question after that: who owns the address.
                if conflict != "linked_at_other_client" {
                    scene.holds_until_taken_back(&data, conflict).await;
                    // Once more, the contact of the first time is taken up again.
                    let again = scene.world.create(1).await.data();
                    assert_eq!(again["contactNameId"], data["contactNameId"], "{conflict}");
                    assert!(!scene.world.linked(1).await.unwrap().inactive, "{conflict}");
                }
            }
            Err(code) => {
                assert_eq!(answer.refused(), (409, code), "{conflict}");
                assert!(!answer.body["remedy"].as_str().unwrap().is_empty());
                assert_eq!(scene.world.contacts().await, before, "{conflict}");
                assert!(scene.is_open().await, "{conflict}");
            }
        }
    }
}

/// Questions were once asked without keeping what the directory says of the person; of somebody without an
/// address there is nothing to make a contact of, or to write on one.
#[tokio::test]
async fn somebody_of_whom_no_address_is_known_becomes_nobodys_contact() {
    let world = World::new().await;
    world.contact(1, "Mira Sund", "mira@acme.example").await;
    world.ask_about_a_name(1, "Mira Sund").await;
    let before = world.contacts().await;
    for answer in [world.create(1).await, world.link(1, contact_id(1)).await] {
        assert_eq!(answer.refused(), (409, "item_without_email"));
        assert!(!answer.body["remedy"].as_str().unwrap().is_empty());
    }
    assert_eq!(world.contacts().await, before);
    let questions = world.get("").await.data()["items"].clone();
    assert_eq!(questions.as_array().map(Vec::len), Some(1), "it is still open");
    world.dismiss(1).await.data();
}

#[tokio::test]
async fn a_person_becomes_a_contact_that_is_there_or_it_is_said_why_not() {
    for (conflict, position, expected) in [
        ("additional_address", 0, Ok("Mira Sund")),
        ("address_at_other_client", 0, Err((409, "client_mismatch"))),
        ("address_shared", 0, Err((409, "contact_linked"))),
        ("alias_only", 0, Ok("Mira Sund")),
        ("linked_at_other_client", 0, Err((409, "client_mismatch"))),
        ("mailbox_reused", 0, Ok("Mira Sund")),
        ("moved_to_an_unlinked_contact", 0, Ok("Mira Sund")),
        ("moved_to_an_unlinked_contact", 1, Ok("Mira Sund")),
        ("multiple_email_matches", 0, Ok("Mira Sund")),
        ("multiple_email_matches", 1, Ok("Mira Sund")),
        ("owned_by_colleague", 0, Ok("Mira Sund")),
        ("owned_by_colleague", 1, Err((409, "contact_linked"))),
    ] {
        let what = format!("{conflict}, contact {position}");
        let scene = scene(conflict).await;
        let before = scene.world.contacts().await;
        let contact = candidate(&scene, position).await;
        let answer = scene.world.link(1, contact).await;
        match expected {
            Ok(name) => {
                let data = answer.data();
                let linked = scene.world.linked(1).await.unwrap();
                assert_eq!((linked.id, linked.values.full_name.as_str()), (contact, name), "{what}");
                let others = scene.world.contacts().await;
                let belong = others
                    .iter()
                    .filter(|it| it.entra.as_ref().is_some_and(|stamp| stamp.identity.object == object(1)));
                assert_eq!(belong.count(), 1, "{what}: no other contact is marked as this person");
                scene.holds_until_taken_back(&data, &what).await;
            }
            Err(refused) => {
                assert_eq!(answer.refused(), refused, "{what}");
                assert_eq!(scene.world.contacts().await, before, "{what}");
                assert!(scene.is_open().await, "{what}");
            }
        }
    }
}

#[tokio::test]
async fn a_dismissed_person_is_left_out_until_that_is_taken_back() {
    for conflict in CONFLICTS {
        let scene = scene(conflict).await;
        let before = scene.world.contacts().await;
        let data = scene.world.dismiss(1).await.data();
        assert_eq!(data["status"], "dismissed", "{conflict}");
        let dismissed = scene.world.get("?status=dismissed").await.data();
        let resolution = &dismissed["items"][0]["resolution"];
        assert_eq!(resolution["note"], "a test account");
        assert_eq!(resolution["runId"], data["runId"]);
        assert_eq!(scene.world.contacts().await, before, "{conflict}");
        scene.holds_until_taken_back(&data, conflict).await;
    }
}

#[tokio::test]
async fn two_people_who_swapped_addresses_keep_their_contacts() {
    let scene = scene("owned_by_colleague").await;
    for person in [1, 2] {
        let contact = scene.world.linked(person).await.unwrap();
        scene.world.link(person, contact.id).await.data();
    }
    for _ in 0..2 {
        let said = scene.sync().await;
        assert!(said.iter().all(|line| !line.contains("ask")), "{said:?}");
    }
    let emails: Vec<String> = scene
        .world
        .contacts()
        .await
        .into_iter()
        .map(|contact| format!("{} {}", contact.values.full_name, contact.values.email.unwrap()))
        .collect();
    for expected in ["Mira Sund m@acme.example", "Bo Lind bo@acme.example"] {
        assert!(emails.contains(&expected.to_owned()), "{emails:?}");
    }
}

#[tokio::test]
async fn a_new_question_about_another_address_is_asked() {
    let mut scene = scene("owned_by_colleague").await;
    let own = scene.world.linked(1).await.unwrap();
    scene.world.link(1, own.id).await.data();
    scene.world.contact(9, "Zoe", "zoe@acme.example").await;
    scene.users[0] = user(1, "Mira Sund", "zoe@acme.example");
    assert!(scene.sync().await.contains(&"1 ask multiple_email_matches".to_owned()));
    assert!(scene.is_open().await);
}

#[tokio::test]
async fn contacts_outside_the_list_and_inactive_ones_can_be_chosen() {
    let scene = scene("alias_only").await;
    scene.world.contact(7, "Somebody Else", "else@acme.example").await;
    assert_eq!(scene.world.link(1, contact_id(404)).await.refused(), (404, "contact_not_found"));
    scene.world.contact_of(OTHER_CLIENT, 8, "Elsewhere", &["x@other.example"]).await;
    assert_eq!(scene.world.link(1, contact_id(8)).await.refused(), (409, "client_mismatch"));
    let data = scene.world.link(1, contact_id(7)).await.data();
    assert_eq!(scene.world.linked(1).await.unwrap().id, contact_id(7));
    scene.holds_until_taken_back(&data, "outside the list").await;
}

#[tokio::test]
async fn a_contact_chosen_by_an_operator_is_marked_as_the_persons_at_once() {
    for (conflict, chosen) in [
        ("additional_address", Some(0)),
        ("alias_only", Some(0)),
        ("mailbox_reused", Some(0)),
        ("multiple_email_matches", Some(0)),
        ("multiple_email_matches", Some(1)),
        // A new one, and one that the question does not name.
        ("address_shared", None),
        ("address_shared", Some(7)),
    ] {
        let what = format!("{conflict}, {chosen:?}");
        let scene = scene(conflict).await;
        let contact = match chosen {
            None => None,
            Some(7) => {
                scene.world.contact(7, "Somebody Else", "else@acme.example").await;
                Some(contact_id(7))
            }
            Some(position) => Some(candidate(&scene, position).await),
        };
        let person = Identity { tenant: TENANT, object: object(1) };
        let is_theirs =
            |contact: &Contact| contact.entra.as_ref().is_some_and(|stamp| stamp.identity == person);
        assert!(!scene.world.contacts().await.iter().any(is_theirs), "{what}: nobody's before");
        match contact {
            Some(contact) => scene.world.link(1, contact).await.data(),
            None => scene.world.create(1).await.data(),
        };
        let marked: Vec<Contact> = scene.world.contacts().await.into_iter().filter(is_theirs).collect();
        assert_eq!(marked.len(), 1, "{what}");
        assert!(contact.is_none_or(|contact| contact == marked[0].id), "{what}");
        let stamp = EntraStamp {
            identity: person,
            user_principal_name: scene.users[0].user_principal_name.clone(),
            account_enabled: Some(true),
            inactive_reason: None,
        };
        assert_eq!(marked[0].entra.as_ref(), Some(&stamp), "{what}");
        assert_eq!(stamp.user_principal_name.is_some(), conflict != "alias_only", "{what}");
    }
}

#[tokio::test]
async fn an_answer_is_final_and_repeating_it_changes_nothing() {
    let scene = scene("multiple_email_matches").await;
    let (one, other) = (candidate(&scene, 0).await, candidate(&scene, 1).await);
    let first = scene.world.link(1, one).await.data();
    let contacts = scene.world.contacts().await;
    assert_eq!(scene.world.link(1, one).await.data(), first);
    for refused in [scene.world.link(1, other).await, scene.world.create(1).await] {
        assert_eq!(refused.refused(), (409, "item_not_open"));
        assert_eq!(refused.body["details"]["runId"], first["runId"], "{}", refused.body);
    }
    // As in the PSA: whoever dismisses what is answered is told how it stands.
    assert_eq!(scene.world.dismiss(1).await.data()["status"], "resolved");
    assert_eq!(scene.world.contacts().await, contacts);
    let runs = scene.world.store().runs(crate::world::WORKSPACE, None, 10).await.unwrap();
    assert_eq!(runs.len(), 1, "{runs:?}");
    assert_eq!(
        (runs[0].initiated_by, runs[0].run_status),
        (Some(crate::world::USER), domain::run::RunStatus::Completed)
    );
}

#[tokio::test]
async fn a_tenant_that_changed_hands_is_not_answered_for_the_old_client() {
    let scene = scene("alias_only").await;
    scene.world.map(OTHER_CLIENT).await;
    assert_eq!(scene.world.create(1).await.refused(), (409, "mapping_changed"));
    assert_eq!(scene.world.dismiss(1).await.data()["status"], "dismissed");
}

#[tokio::test]
async fn a_new_contact_is_possible_although_a_candidate_has_the_address_in_other_letters() {
    for spelled in ["mira@acme.example", "Mira@Acme.Example", "MIRA@ACME.EXAMPLE"] {
        for is_primary in [true, false] {
            let world = World::new().await;
            let addresses: &[&str] = if is_primary { &[spelled] } else { &["sales@acme.example", spelled] };
            world.contact_of(CLIENT, 1, "Sales", addresses).await;
            // The account in the way belongs to a colleague, or the address is an additional one.
            let colleague = user(2, "Bo Lind", spelled);
            let mut users = vec![mira_with_sign_in()];
            if is_primary {
                world.sync(CLIENT, std::slice::from_ref(&colleague)).await;
                users.push(colleague);
            }
            let scene = Scene { world, client: CLIENT, users, person: 1 };
            scene.sync().await;
            let what = format!("{spelled}, primary: {is_primary}");
            assert!(scene.is_open().await, "{what}");
            let answer = scene.world.create(1).await.data();
            let contact = scene.world.linked(1).await.unwrap();
            assert_eq!(contact.values.email.as_ref().unwrap().as_str(), "m.sund@acme.example", "{what}");
            scene.holds_until_taken_back(&answer, &what).await;
        }
    }
}

#[tokio::test]
async fn a_new_contact_without_a_free_address_is_refused_with_whose_it_is() {
    let world = World::new().await;
    world.contact(1, "Mira S", "Mira@ACME.example").await;
    world.contact(2, "M Sund", "M.SUND@acme.example").await;
    let scene = Scene { world, client: CLIENT, users: vec![mira_with_sign_in()], person: 1 };
    assert_eq!(scene.sync().await, ["1 ask multiple_email_matches"]);
    let before = scene.world.contacts().await;
    let answer = scene.world.create(1).await;
    assert_eq!(answer.refused(), (409, "EMAIL_EXISTS"));
    let names_the_owner =
        [1, 2].iter().any(|number| answer.body.to_string().contains(&contact_id(*number).to_string()));
    assert!(names_the_owner, "{}", answer.body);
    let item = scene.world.get(&format!("/{}", item_id(1))).await.data();
    let outcomes = item["outcomes"].as_array().unwrap();
    let create = outcomes.iter().find(|outcome| outcome["outcome"] == "create_new").unwrap();
    assert_eq!(create["possible"], false, "said before it is tried");
    assert_eq!(scene.world.contacts().await, before);
    // What is offered can be done.
    for outcome in outcomes.iter().filter(|outcome| outcome["possible"] == true) {
        assert!(["link_existing", "dismissed"].contains(&outcome["outcome"].as_str().unwrap()), "{outcome}");
    }
    scene.world.link(1, contact_id(2)).await.data();
    assert_eq!(scene.world.linked(1).await.unwrap().id, contact_id(2));
}

#[tokio::test]
async fn a_question_that_answers_itself_names_nobody_as_who_answered_it() {
    let scene = scene("alias_only").await;
    // A human gives the contact the person's name, and with that the sync is sure.
    scene.world.contact(1, "Mira Sund", "desk@acme.example").await;
    assert_eq!(scene.sync().await, ["1 link"]);
    assert!(!scene.is_open().await);
    let item = scene.world.get(&format!("/{}", item_id(1))).await.data();
    assert_eq!((&item["status"], &item["resolution"]), (&json!("resolved"), &Value::Null));
    let runs = scene.world.store().runs(crate::world::WORKSPACE, None, 10).await.unwrap();
    assert_eq!(runs, [], "nobody has decided");
    assert_eq!(scene.world.linked(1).await.unwrap().id, contact_id(1));
}

#[tokio::test]
async fn an_answer_to_an_earlier_question_is_not_shown_as_the_answer_to_a_later_one() {
    let mut scene = scene("owned_by_colleague").await;
    let own = scene.world.linked(1).await.unwrap();
    let path = format!("/{}", item_id(1));
    let first = scene.world.link(1, own.id).await.data();
    let answered = scene.world.get(&path).await.data()["resolution"].clone();
    assert_eq!((&answered["resolvedBy"], &answered["runId"]), (&json!(crate::world::USER), &first["runId"]));
    // Another question, which the sync answers by itself once the address is free.
    scene.world.contact(9, "Zoe", "zoe@acme.example").await;
    scene.users[0] = user(1, "Mira Sund", "zoe@acme.example");
    assert_eq!(scene.sync().await, ["1 ask multiple_email_matches"]);
    assert_eq!(scene.world.get(&path).await.data()["resolution"], Value::Null);
    scene.world.contact(9, "Zoe", "other@acme.example").await;
    assert_eq!(scene.sync().await, ["1 update"]);
    let item = scene.world.get(&path).await.data();
    assert_eq!((&item["status"], &item["resolution"]), (&json!("resolved"), &Value::Null));
    // Whoever gives the earlier answer now is not told that it was carried out.
    let refused = scene.world.link(1, own.id).await;
    assert_eq!(refused.refused(), (409, "item_not_open"));
    assert_eq!(refused.body["details"]["runId"], Value::Null, "{}", refused.body);
}
