//! Invented MSPs to work on.

use std::fs;

use serde_json::{Value, json};

use crate::tool::Folder;

/// A small demo.
pub(crate) const DEMO: [&str; 5] = ["demo", "--tenants", "4", "--users", "60"];

/// A folder in which the demo ran, and what it said.
pub(crate) fn after_demo() -> (Folder, Value) {
    let folder = Folder::new();
    let shown = folder.json(&DEMO);
    (folder, shown)
}

/// The same MSP as in `demo`, before anything is stored: demos of both end alike.
pub(crate) fn same_msp(demo: &Folder) -> Folder {
    let folder = Folder::new();
    fs::create_dir(folder.data()).unwrap();
    fs::copy(demo.data().join("profile.json"), folder.data().join("profile.json")).unwrap();
    folder
}

/// An MSP with clients, every third of the contacts it would end up with, one of them at the
/// wrong client, connected and mapped. Nothing is synced yet.
pub(crate) fn before_first_sync() -> Folder {
    let (demo, _) = after_demo();
    let folder = same_msp(&demo);
    let clients = demo.export("clients");
    let mut everybody = demo.export("contacts");
    everybody.sort_by_key(|contact| contact["email"].to_string());
    let mut contacts: Vec<Value> = everybody.into_iter().step_by(3).collect();
    // As the PSA has them that has never heard of a directory.
    for contact in &mut contacts {
        contact.as_object_mut().unwrap().retain(|column, _| !column.starts_with("entra"));
    }
    let home = contacts[0]["clientId"].clone();
    contacts[0]["clientId"] =
        clients.iter().map(|client| client["clientId"].clone()).find(|client| *client != home).unwrap();
    folder.write("clients.jsonl", json_lines(&clients));
    folder.write("contacts.jsonl", json_lines(&contacts));
    folder.json(&["import", "clients", "clients.jsonl"]);
    assert_eq!(folder.json(&["import", "contacts", "contacts.jsonl"])["created"], json!(contacts.len()));
    folder.json(&["connect"]);
    folder.json(&["discover"]);
    assert_eq!(folder.json(&["map", "--auto"])["summary"]["mapped"], 4);
    folder
}

pub(crate) fn json_lines(rows: &[Value]) -> String {
    rows.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
}

/// The people of a run or of a part of it, by how they ended.
pub(crate) fn counters(summary: &Value) -> Value {
    let names = [
        "read",
        "created",
        "linked",
        "updated",
        "ambiguous",
        "inactivated",
        "reactivated",
        "unchanged",
        "excluded",
        "failed",
        "vanished",
        "missing",
        "held",
        "stale",
    ];
    names.iter().map(|name| ((*name).to_owned(), summary[name].clone())).collect()
}

/// That no two contacts have an id or an address in common.
#[track_caller]
pub(crate) fn assert_unique(contacts: &[Value]) {
    let mut keys: Vec<String> = Vec::new();
    for contact in contacts {
        keys.push(contact["contactNameId"].as_str().unwrap().to_owned());
        keys.extend(contact["email"].as_str().map(str::to_lowercase));
        let more = contact["additionalEmailAddresses"].as_array().unwrap();
        keys.extend(more.iter().map(|address| address.as_str().unwrap().to_lowercase()));
    }
    keys.sort_unstable();
    let repeated: Vec<_> = keys.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(repeated.is_empty(), "{repeated:?}");
}
