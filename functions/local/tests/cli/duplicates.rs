//! Contacts that other tools have made again and again are found, and nothing is written.

use serde_json::{Value, json};

use crate::{
    server::Server,
    world::{after_demo, json_lines},
};

#[test]
fn copies_of_a_linked_contact_are_proposed_for_merging() {
    let (folder, _) = after_demo();
    // The PSA has contacts without an address from the beginning, one of them of somebody the sync has made.
    let before = folder.json(&["duplicates"]);
    let is_free = |contact: &Value| !before.to_string().contains(contact["clientId"].as_str().unwrap());
    let everybody = folder.export("contacts");
    let known = everybody.iter().find(|it| it["entraObjectId"].is_string() && is_free(it)).unwrap();
    let (name, client) = (&known["fullName"], &known["clientId"]);
    let copy = |number: u32| {
        json!({
            "contactNameId": format!("00000000-0000-4000-8000-00000000000{number}"),
            "clientId": client, "fullName": name,
            "email": known["email"].as_str().unwrap().replace('@', &format!("+{number}@")),
        })
    };
    folder.write("copies.jsonl", json_lines(&(1..=6).map(copy).collect::<Vec<Value>>()));
    assert_eq!(folder.json(&["import", "contacts", "copies.jsonl"])["created"], 6);
    let contacts = folder.export("contacts");

    let found = folder.json(&["duplicates", "--client", client.as_str().unwrap()]);
    let group = &found[0]["groups"][0];
    assert_eq!(
        (&group["keep"]["contactNameId"], &group["keep"]["isLinked"]),
        (&known["contactNameId"], &json!(true))
    );
    assert_eq!(group["merge"].as_array().unwrap().len(), 6);
    let counts = ["activeContacts", "activeAfterMerge"].map(|name| found[0][name].as_u64().unwrap());
    assert_eq!(counts[0] - counts[1], 6);
    let everywhere = folder.json(&["duplicates"]);
    let shown = folder.run(&["duplicates"]).succeeded();
    assert!(
        shown.stdout.contains("and 1 more") && shown.stdout.contains("has an address of the same mailbox")
    );
    folder
        .run(&["duplicates", "--client", "00000000-0000-4000-8000-000000000000"])
        .failed_with("unknown_client");

    let server = Server::start(&folder);
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.get(&format!("/contacts/duplicates{cursor}")).json();
        all.extend(page["data"]["clients"].as_array().unwrap().clone());
        match page["data"]["nextCursor"].as_str() {
            Some(next) => cursor = format!("?cursor={next}"),
            None => break,
        }
    }
    assert_eq!(json!(all), everywhere);
    server.get("/contacts/duplicates?clientId=x").refuses(404, "unknown_client");
    server.interrupt();
    server.ended().succeeded();
    assert_eq!(folder.export("contacts"), contacts, "nothing was written");
}
