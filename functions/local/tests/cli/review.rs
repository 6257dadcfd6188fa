//! Questions are listed, answered for good, and asked again when the answer is taken back.

use serde_json::{Value, json};

use crate::{
    tool::Folder,
    world::{after_demo, assert_unique, json_lines, same_msp},
};

/// An MSP in which the addresses of three people are further addresses of contacts with other names.
/// Synced once. Answers the three people as a sync without these contacts made them, and the contacts.
fn three_questions() -> (Folder, Vec<Value>, Vec<Value>) {
    let (demo, _) = after_demo();
    let folder = same_msp(&demo);
    let everybody = demo.export("contacts");
    let people: Vec<Value> =
        everybody.into_iter().filter(|contact| contact["entraObjectId"].is_string()).take(3).collect();
    let contact = |(number, person): (usize, &Value)| {
        json!({
            "contactNameId": format!("00000000-0000-4000-8000-00000000000{number}"),
            "clientId": person["clientId"],
            "fullName": format!("Reception {number}"),
            "email": format!("reception{number}@invented.example"),
            "additionalEmailAddresses": [person["email"]],
        })
    };
    let contacts: Vec<Value> = people.iter().enumerate().map(contact).collect();
    folder.write("clients.jsonl", json_lines(&demo.export("clients")));
    folder.write("contacts.jsonl", json_lines(&contacts));
    folder.json(&["import", "clients", "clients.jsonl"]);
    assert_eq!(folder.json(&["import", "contacts", "contacts.jsonl"])["created"], 3);
    folder.json(&["connect"]);
    folder.json(&["discover"]);
    folder.json(&["map", "--auto"]);
    folder.json(&["sync"]);
    (folder, people, contacts)
}

fn questions(folder: &Folder, status: &str) -> Vec<Value> {
    folder.json(&["review", "list", "--status", status]).as_array().unwrap().clone()
}

/// The question about a person.
#[track_caller]
fn about(folder: &Folder, status: &str, person: &Value) -> Option<String> {
    let found =
        questions(folder, status).into_iter().find(|it| it["entraObjectId"] == person["entraObjectId"]);
    found.map(|item| item["queueItemId"].as_str().unwrap().to_owned())
}

fn contact_of(folder: &Folder, person: &Value) -> Option<Value> {
    let contacts = folder.export("contacts");
    assert_unique(&contacts);
    contacts.into_iter().find(|contact| contact["entraObjectId"] == person["entraObjectId"])
}

#[test]
fn answers_are_facts_that_later_syncs_obey_until_they_are_taken_back() {
    let (folder, people, contacts) = three_questions();
    let ids: Vec<String> = people.iter().map(|person| about(&folder, "open", person).unwrap()).collect();
    let shown = folder.json(&["review", "show", &ids[0]]);
    assert_eq!(shown["reason"], "additional_address");
    assert_eq!(shown["candidateContacts"][0]["evidence"][0]["onContact"], "additional_email");
    assert!(folder.run(&["review", "show", &ids[0]]).succeeded().stdout.contains("Reception 0"));

    // One is the contact, one is a new contact, one is nobody.
    let desk = contacts[0]["contactNameId"].as_str().unwrap();
    let linked = folder.json(&["review", "link", &ids[0], desk])[0].clone();
    assert_eq!(linked["contactNameId"], contacts[0]["contactNameId"]);
    let mut freed = contacts[1].clone();
    freed["additionalEmailAddresses"] = json!([]);
    folder.write("freed.jsonl", freed.to_string());
    folder.json(&["import", "contacts", "freed.jsonl"]);
    let created = folder.json(&["review", "create", &ids[1]])[0].clone();
    let dismissed = folder.json(&["review", "dismiss", &ids[2], "--note", "a test account"])[0].clone();
    assert_eq!(
        (&linked["status"], &created["status"], &dismissed["status"]),
        (&json!("resolved"), &json!("resolved"), &json!("dismissed"))
    );
    let is_settled = |folder: &Folder| {
        assert!(people.iter().all(|person| about(folder, "open", person).is_none()));
        assert_eq!(contact_of(folder, &people[0]).unwrap()["contactNameId"], contacts[0]["contactNameId"]);
        let new = contact_of(folder, &people[1]).unwrap();
        assert_eq!((&new["contactNameId"], &new["email"]), (&created["contactNameId"], &people[1]["email"]));
        assert_eq!(contact_of(folder, &people[2]), None);
    };
    is_settled(&folder);
    let synced = folder.json(&["sync"]);
    is_settled(&folder);
    let lines = folder.json(&["runs", "lines", synced["run"]["runId"].as_str().unwrap()]);
    for line in lines.as_array().unwrap() {
        let is_one_of_them = people.iter().any(|person| line["entraObjectId"] == person["entraObjectId"]);
        assert!(!is_one_of_them || line["action"] != "review", "{line}");
    }

    // The answers are runs with a plan that nobody has changed, and part of the person's story.
    for answer in [&linked, &created, &dismissed] {
        let run = answer["runId"].as_str().unwrap();
        let shown = folder.json(&["runs", "show", run]);
        assert_eq!(
            (&shown["run"]["runType"], &shown["run"]["status"]),
            (&json!("decision"), &json!("completed"))
        );
        assert_eq!(folder.json(&["runs", "verify", run])["intact"], true);
    }
    // Taken back, each is asked again, by the next sync, too; and the way back of the way back holds.
    let undone: Vec<Value> = [&linked, &created, &dismissed]
        .map(|answer| folder.json(&["runs", "undo", answer["runId"].as_str().unwrap()]))
        .into();
    for _ in 0..2 {
        for (person, id) in people.iter().zip(&ids) {
            assert_eq!(about(&folder, "open", person).as_ref(), Some(id));
            assert_eq!(contact_of(&folder, person), None);
        }
        folder.json(&["sync"]);
    }
    for undo in &undone {
        folder.json(&["runs", "undo", undo["run"]["runId"].as_str().unwrap()]);
    }
    folder.json(&["sync"]);
    is_settled(&folder);
    assert_eq!(about(&folder, "dismissed", &people[2]).as_ref(), Some(&ids[2]));
}

#[test]
fn answers_that_cannot_be_given_say_why() {
    let (folder, people, contacts) = three_questions();
    let ids: Vec<String> = people.iter().map(|person| about(&folder, "open", person).unwrap()).collect();
    let nobody = "00000000-0000-4000-8000-0000000000ff";
    folder.run(&["review", "show", nobody]).failed_with("item_not_found");
    folder.run(&["review", "link", nobody, nobody]).failed_with("item_not_found");
    folder.run(&["review", "link", &ids[0], nobody]).failed_with("contact_not_found");
    let desk = contacts[0]["contactNameId"].as_str().unwrap();
    folder.json(&["review", "link", &ids[0], desk]);
    folder.json(&["review", "link", &ids[0], desk]);
    folder.run(&["review", "create", &ids[0]]).failed_with("item_not_open");
    // Of several, each for itself.
    let ended =
        folder.run(&["review", "dismiss", &ids[1], nobody, &ids[2], "--output", "json"]).ended_with(1);
    let answers = ended.document();
    let codes: Vec<&Value> = answers.as_array().unwrap().iter().map(|answer| &answer["code"]).collect();
    assert_eq!(codes, [&Value::Null, &json!("item_not_found"), &Value::Null]);
    assert_eq!(questions(&folder, "dismissed").len(), 2);
}

/// `review all`, which ends with that code.
#[track_caller]
fn all(folder: &Folder, arguments: &[&str], code: i32) -> Vec<Value> {
    let all = [&["review", "all"], arguments, &["--output", "json"]].concat();
    folder.run(&all).ended_with(code).document().as_array().unwrap().clone()
}

#[test]
fn all_that_fit_are_answered_alike_and_shown_first() {
    let (folder, people, _) = three_questions();
    let before = folder.export("contacts").len();
    let asked = questions(&folder, "open").len();
    let shown = all(&folder, &["link"], 2);
    // Whatever else the invented directory leads to is about contacts of others, and left.
    let left: Vec<&Value> = shown.iter().filter(|item| item["answer"] != "link_existing").collect();
    assert_eq!((shown.len(), left.len()), (asked, asked - 3), "{shown:#?}");
    assert!(left.iter().all(|item| item["code"].is_string() && item["answer"].is_null()), "{left:?}");
    assert_eq!(folder.export("contacts").len(), before, "nothing was written");
    assert_eq!(questions(&folder, "open").len(), asked);

    let named = |person: usize| people[person]["fullName"].as_str().unwrap();
    let one = all(&folder, &["dismiss", "--find", named(0), "--apply"], 0);
    assert_eq!(one.len(), 1);
    assert_eq!((&one[0]["answer"], &one[0]["code"]), (&json!("dismissed"), &Value::Null), "{one:#?}");
    // Whether there is an address left for a new contact, the question says itself.
    let question = folder.json(&["review", "show", &about(&folder, "open", &people[1]).unwrap()]);
    let outcomes = question["outcomes"].as_array().unwrap();
    let new = outcomes.iter().find(|outcome| outcome["outcome"] == "create_new").unwrap();
    let possible = new["possible"] == true;
    let made = all(&folder, &["create", "--find", named(1), "--apply"], if possible { 0 } else { 3 });
    assert_eq!((made.len(), made[0]["answer"] == "create_new"), (1, possible), "{made:#?}");
    let others = all(&folder, &["link", "--find", named(2), "--apply"], 0);
    assert_eq!((others.len(), &others[0]["answer"]), (1, &json!("link_existing")));
    assert!(contact_of(&folder, &people[2]).unwrap()["fullName"].as_str().unwrap().starts_with("Reception"));
    assert_eq!(questions(&folder, "dismissed").len(), 1);
    assert_eq!(questions(&folder, "open").len(), asked - 2 - usize::from(possible));
    // What is over is not answered again, and what is unknown is no filter.
    assert_eq!(all(&folder, &["link", "--find", named(2), "--apply"], 0), Vec::<Value>::new());
    assert_ne!(folder.run(&["review", "all", "link", "--conflict", "nothing-known"]).code, Some(0));
}
