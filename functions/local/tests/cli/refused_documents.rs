//! Documents and rows that are not taken.

use serde_json::json;

use crate::tool::Folder;

const CLIENT: &str = "00000000-0000-4000-8000-000000000001";
const OTHER: &str = "00000000-0000-4000-8000-000000000002";
const CONTACT: &str = "00000000-0000-4000-9000-000000000001";

/// A folder with one client and one contact.
fn small() -> Folder {
    let folder = Folder::new();
    folder.write("clients.jsonl", json!({ "clientId": CLIENT, "clientName": "Acme" }).to_string());
    folder.json(&["import", "clients", "clients.jsonl"]);
    let contact = json!({
        "contactNameId": CONTACT, "clientId": CLIENT, "fullName": "Berit", "email": "berit@acme.example",
    });
    folder.write("contacts.jsonl", contact.to_string());
    folder.json(&["import", "contacts", "contacts.jsonl"]);
    folder
}

fn everything(folder: &Folder) -> String {
    folder.run(&["export", "clients"]).stdout + &folder.run(&["export", "contacts"]).stdout
}

#[test]
fn a_document_that_cannot_be_taken_apart_changes_nothing() {
    let folder = small();
    let before = everything(&folder);
    let binary = b"\x89PNG\r\n\x1a\n\0\0".as_slice();
    for (name, content) in [
        ("empty.csv", b"".as_slice()),
        ("nonsense.json", b"{\"clientId\":"),
        ("nonsense.jsonl", b"clientId clientName\nmore"),
        ("open.json", b"[{\"clientId\":\"00000000-0000-4000-8000-000000000009\",\"clientName\":\"x\"}"),
        ("twice.json", b"[]\n[]"),
        ("quote.csv", b"clientId,clientName\n00000000-0000-4000-8000-000000000009,\"x\n"),
        ("unknown.csv", b"clientId,clientName,shoeSize\n00000000-0000-4000-8000-000000000009,x,44\n"),
        ("without.csv", b"clientId\n00000000-0000-4000-8000-000000000009\n"),
        ("repeated.csv", b"clientId,clientName,clientName\n00000000-0000-4000-8000-000000000009,x,y\n"),
        ("semicolon.csv", b"clientId;clientName\n00000000-0000-4000-8000-000000000009;x\n"),
        ("binary.csv", binary),
        ("binary.jsonl", binary),
    ] {
        folder.write(name, content);
        for what in ["clients", "contacts"] {
            folder.run(&["import", what, name, "--output", "json"]).failed_with("document_unreadable");
        }
    }
    assert_eq!(everything(&folder), before);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = Folder::new();
    for name in ["no-such-file.csv", "."] {
        let ended = folder.run(&["import", "clients", name]).failed_with("file_unreadable");
        assert!(ended.stderr.contains(name), "{ended:#?}");
    }
}

#[test]
fn a_document_without_rows_is_one() {
    let folder = small();
    let before = everything(&folder);
    for (name, content) in [
        ("empty.jsonl", ""),
        ("blank.jsonl", "\n  \n"),
        ("empty.json", "[]"),
        ("header.csv", "clientId,clientName\n"),
    ] {
        folder.write(name, content);
        let result = folder.json(&["import", "clients", name]);
        assert_eq!((&result["created"], &result["failedTotal"]), (&json!(0), &json!(0)), "{name}");
    }
    assert_eq!(everything(&folder), before);
}

#[test]
fn bad_rows_are_reported_with_their_lines_and_the_others_are_applied() {
    let folder = small();
    let long = "x".repeat(10_000);
    let good = format!(r#"{{"clientId":"{OTHER}","clientName":"Umbrella"}}"#);
    let rows: [(&str, String); 9] = [
        ("invalid_value", format!(r#"{{"clientId":"nope","clientName":"{long:.9}"}}"#)),
        ("missing_value", format!(r#"{{"clientId":"{CLIENT}"}}"#)),
        ("missing_value", format!(r#"{{"clientId":"{CLIENT}","clientName":"  "}}"#)),
        ("too_long", format!(r#"{{"clientId":"{CLIENT}","clientName":"{long}"}}"#)),
        ("invalid_value", format!(r#"{{"clientId":"{CLIENT}","clientName":7}}"#)),
        ("invalid_value", format!(r#"{{"clientId":"{CLIENT}","clientName":"a","isInactive":"perhaps"}}"#)),
        ("unknown_column", format!(r#"{{"clientId":"{CLIENT}","clientName":"a","shoeSize":44}}"#)),
        ("malformed_json", "{".to_owned()),
        ("repeated_id", good.clone()),
    ];
    let texts: Vec<&str> = rows.iter().map(|(_, row)| row.as_str()).collect();
    folder.write("clients.jsonl", format!("{good}\n\n{}\n", texts.join("\n")));
    let ended = folder.run(&["import", "clients", "clients.jsonl", "--output", "json"]).ended_with(1);
    let result = ended.document();
    assert_eq!((&result["created"], &result["failedTotal"]), (&json!(1), &json!(rows.len())));
    for (position, ((code, _), failed)) in rows.iter().zip(result["failed"].as_array().unwrap()).enumerate() {
        let line = position + 3;
        assert_eq!((&failed["code"], &failed["line"]), (&json!(code), &json!(line)));
        assert!(ended.stderr.contains(&format!("line {line}: ")), "{ended:#?}");
    }
    assert_eq!(folder.export("clients").len(), 2);
}

#[test]
fn contacts_of_nobody_and_addresses_of_others_are_left_out() {
    let folder = small();
    let before = folder.export("contacts");
    let rows = [
        ("unknown_client", OTHER, "new@acme.example", "Berit", ""),
        ("email_exists", CLIENT, "BERIT@acme.example", "Berit", ""),
        ("invalid_value", CLIENT, "no address", "Berit", ""),
        ("missing_value", CLIENT, "", "Berit", ""),
        ("invalid_value", CLIENT, "new@acme.example", "Berit", "no phone list"),
    ];
    let header = "contactNameId,clientId,fullName,email,phoneNumbers\r\n";
    let row = |(place, (_, client, email, name, phones)): (usize, &(_, &str, &str, &str, &str))| {
        let phones = if phones.is_empty() { String::new() } else { format!("[{phones}") };
        format!("00000000-0000-4000-9000-00000000010{place},{client},{name},{email},{phones}\r\n")
    };
    let body: String = rows.iter().enumerate().map(row).collect();
    folder.write("contacts.csv", format!("{header}{body}only,two\r\n"));
    let ended = folder.run(&["import", "contacts", "contacts.csv", "--output", "json"]).ended_with(1);
    let result = ended.document();
    let codes: Vec<&str> =
        result["failed"].as_array().unwrap().iter().map(|failed| failed["code"].as_str().unwrap()).collect();
    let expected: Vec<&str> = rows.iter().map(|row| row.0).chain(["malformed_csv"]).collect();
    assert_eq!(codes, expected);
    let lines: Vec<u64> =
        result["failed"].as_array().unwrap().iter().map(|failed| failed["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [2, 3, 4, 5, 6, 7]);
    assert_eq!(folder.export("contacts"), before);
    for value in ["no address", "no phone list", "BERIT@"] {
        assert!(
            !ended.stderr.contains(value) && !ended.stdout.contains(value),
            "no row is repeated: {value}"
        );
    }
}

#[test]
fn an_import_does_not_move_a_contact() {
    let folder = small();
    folder.write("other.jsonl", json!({ "clientId": OTHER, "clientName": "Umbrella" }).to_string());
    folder.json(&["import", "clients", "other.jsonl"]);
    let before = folder.export("contacts");
    let moved = json!({
        "contactNameId": CONTACT, "clientId": OTHER, "fullName": "Berit", "email": "berit@acme.example",
    });
    folder.write("contacts.jsonl", moved.to_string());
    let ended = folder.run(&["import", "contacts", "contacts.jsonl", "--output", "json"]).ended_with(1);
    assert_eq!(ended.document()["failed"][0]["code"], "contact_at_other_client");
    assert_eq!(folder.export("contacts"), before);
}
