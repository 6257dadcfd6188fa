//! Documents in and out.

use std::{io::Write, process::Stdio};

use serde_json::{Value, json};

use crate::{
    tool::{Ended, Folder},
    world::{after_demo, json_lines},
};

fn client(number: u32, name: &str) -> Value {
    json!({
        "clientId": format!("00000000-0000-4000-8000-{number:012}"),
        "clientName": name,
        "website": "https://www.acme.example",
        "secondaryDomains": ["acme.test", "acme-shop.example"],
        "isInactive": number.is_multiple_of(2),
    })
}

fn contact(number: u32, client: u32, name: &str) -> Value {
    json!({
        "contactNameId": format!("00000000-0000-4000-9000-{number:012}"),
        "clientId": format!("00000000-0000-4000-8000-{client:012}"),
        "fullName": name,
        "email": format!("person{number}@acme.example"),
        "additionalEmailAddresses": [format!("p{number}@acme.test")],
        "phoneNumbers": [
            { "phoneNumber": "+47 22 33 44 55", "canonicalType": "work", "isDefault": true, "displayOrder": 0 },
            { "phoneNumber": "-1", "canonicalType": "satellite", "isDefault": false, "displayOrder": 1 },
        ],
        "role": "=cmd|' /C calc'!A0",
        "department": "+Care",
        "officeLocation": "Oslo, 2nd floor",
        "companyName": null,
        "isInactive": false,
        "isProtected": number.is_multiple_of(2),
        "protectedFields": ["phones", "role"],
    })
}

/// Names that readers of CSV, JSON and spreadsheets trip over.
const NAMES: [&str; 7] = [
    "=1+1",
    "'=1+1",
    "+47, \"Berit\" \u{201e}Ødegård\u{201c}",
    "@sum; Łukasz",
    "-Zoë 🌻",
    "山田 太郎",
    "'t Hart",
];

fn filled() -> Folder {
    let folder = Folder::new();
    let clients: Vec<Value> = (1..=3).map(|number| client(number, NAMES[number as usize])).collect();
    let contacts: Vec<Value> =
        (0..7).map(|number| contact(number, 1 + number % 3, NAMES[number as usize])).collect();
    folder.write("clients.jsonl", json_lines(&clients));
    folder.write("contacts.json", json!(contacts).to_string());
    let created = |created: usize| counts(created, 0, 0);
    assert_eq!(folder.json(&["import", "clients", "clients.jsonl"]), created(3));
    assert_eq!(folder.json(&["import", "contacts", "contacts.json"]), created(7));
    assert_eq!(folder.json(&["import", "contacts", "contacts.json"]), counts(0, 0, 7));
    assert_eq!(folder.export("clients"), clients);
    let mut exported = folder.export("contacts");
    exported.sort_by_key(|row| row["contactNameId"].to_string());
    assert_eq!(exported, contacts);
    folder
}

fn counts(created: usize, updated: usize, unchanged: usize) -> Value {
    json!({ "created": created, "updated": updated, "unchanged": unchanged, "failed": [], "failedTotal": 0 })
}

#[test]
fn what_is_exported_is_taken_back_unchanged_in_every_form() {
    let folder = filled();
    for what in ["clients", "contacts"] {
        let rows = folder.export(what);
        let lines = folder.run(&["export", what, "--format", "jsonl"]).succeeded().stdout;
        let csv = folder.run(&["export", what, "--format", "csv"]).succeeded().stdout;
        let array = json!(rows).to_string();
        for (name, text) in [("rows.jsonl", &lines), ("rows.CSV", &csv), ("rows.json", &array)] {
            folder.write(name, text);
            assert_eq!(folder.json(&["import", what, name]), counts(0, 0, rows.len()), "{what} {name}");
        }
        // Into a folder that knows nothing yet.
        let other = Folder::new();
        if what == "contacts" {
            other.write("clients.jsonl", json_lines(&folder.export("clients")));
            other.json(&["import", "clients", "clients.jsonl"]);
        }
        other.write("rows.csv", &csv);
        assert_eq!(other.json(&["import", what, "rows.csv"]), counts(rows.len(), 0, 0));
        assert_eq!(other.export(what), rows);
        assert_eq!(other.run(&["export", what, "--format", "csv"]).stdout, csv);
    }
}

#[test]
fn what_a_sync_made_survives_an_export_and_an_import() {
    let (folder, _) = after_demo();
    let contacts = folder.export("contacts");
    let csv = folder.run(&["export", "contacts", "--format", "csv"]).stdout;
    folder.write("contacts.csv", &csv);
    assert_eq!(folder.json(&["import", "contacts", "contacts.csv"]), counts(0, 0, contacts.len()));
    assert_eq!(folder.export("contacts"), contacts, "the sync's marks are still there");
    folder.run(&["preview"]).succeeded();
}

#[test]
fn no_cell_begins_a_formula() {
    let folder = filled();
    for what in ["clients", "contacts"] {
        let csv = folder.run(&["export", what, "--format", "csv"]).succeeded().stdout;
        assert!(csv.ends_with("\r\n"), "RFC 4180");
        assert!(csv.contains("'=1+1") && csv.contains("''=1+1"), "{csv}");
        for row in csv.lines() {
            // A cell begins a line, follows a comma, or is behind the quotation mark that opens it.
            let cells = row.split(',').map(|cell| cell.strip_prefix('"').unwrap_or(cell));
            for cell in cells {
                assert!(!cell.starts_with(['=', '@', '+', '-', '\t']), "{cell} in {row}");
            }
        }
    }
}

#[test]
fn a_change_is_one_update_and_a_clients_contacts_are_its_own() {
    let folder = filled();
    let mut first = folder.export("contacts")[0].clone();
    first["fullName"] = json!("Somebody Else");
    folder.write("one.jsonl", json_lines(std::slice::from_ref(&first)));
    assert_eq!(folder.json(&["import", "contacts", "one.jsonl"]), counts(0, 1, 0));
    let client = first["clientId"].as_str().unwrap();
    let own = folder.run(&["export", "contacts", "--client", client]).succeeded().stdout;
    assert_eq!(own.lines().count(), 3);
    assert!(own.contains("Somebody Else"));
    assert!(own.lines().all(|line| line.contains(client)));
}

#[test]
fn a_document_may_come_from_standard_input() {
    let folder = Folder::new();
    let lines = json_lines(&[client(1, "Acme"), client(2, "Umbrella")]);
    let mut command = folder.command(&["import", "clients", "-", "--output", "json"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let ended = Ended::from(child.wait_with_output().unwrap()).succeeded();
    assert_eq!(ended.document(), counts(2, 0, 0));
}

#[test]
fn pages_of_an_export_have_one_header() {
    let folder = Folder::new();
    folder.write("clients.jsonl", json_lines(&[client(1, "Acme")]));
    folder.json(&["import", "clients", "clients.jsonl"]);
    let contacts: Vec<Value> = (0..1100).map(|number| contact(number, 1, "Two\r\nLines")).collect();
    folder.write("contacts.jsonl", json_lines(&contacts));
    assert_eq!(folder.json(&["import", "contacts", "contacts.jsonl"])["created"], 1100);
    let csv = folder.run(&["export", "contacts", "--format", "csv"]).succeeded().stdout;
    assert_eq!(csv.matches("contactNameId").count(), 1);
    assert_eq!(folder.export("contacts").len(), 1100);
    folder.write("contacts.csv", csv);
    assert_eq!(folder.json(&["import", "contacts", "contacts.csv"]), counts(0, 0, 1100));
}
