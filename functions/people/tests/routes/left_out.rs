//! Rows that are left out although the document is one, and nothing is wrong with what they say.

use embedded::Engine;
use serde_json::{Value, json};

use crate::world::{CSV, LINES, World, client_id, contact_id, lines};

const IMPORT: &str = "/contacts/import";

fn contact(number: u128, name: &str) -> Value {
    json!({
        "contactNameId": contact_id(number), "clientId": client_id(1), "fullName": name,
        "email": format!("c{number}@a.example"),
    })
}

/// A document that an old spreadsheet has written in another encoding: a row with an accent is left out, and
/// those without are imported.
#[tokio::test]
async fn a_row_that_is_not_utf8_is_left_out_and_the_others_are_imported() {
    let row = |number: u128| format!("{},{},c{number}@a.example,", contact_id(number), client_id(1));
    let header = "contactNameId,clientId,email,fullName\r\n".to_owned();
    let csv = [
        (header + &row(1) + "Ola Nord\r\n" + &row(2) + "Bj").as_bytes(),
        b"\xf8".as_slice(),
        ("rn Lie\r\n".to_owned() + &row(3) + "Mira Sund\r\n").as_bytes(),
    ]
    .concat();
    let bad = contact(2, "Bj?rn Lie").to_string().into_bytes();
    let bad: Vec<u8> = bad.into_iter().map(|byte| if byte == b'?' { 0xf8 } else { byte }).collect();
    let [first, last] = [(1, "Ola Nord"), (3, "Mira Sund")].map(|(number, name)| contact(number, name));
    let json_lines =
        [format!("\n{first}\n").as_bytes(), bad.as_slice(), format!("\n{last}\n").as_bytes()].concat();
    for (kind, document) in [(CSV, csv), (LINES, json_lines)] {
        let world = World::new().await;
        let answer = world.post(IMPORT, kind, document).await;
        assert_eq!(answer.failed(), [(3, "not_utf8".to_owned())], "{kind}");
        assert_eq!(answer.counts(), [2, 0, 0, 1], "{kind}");
    }
}

/// Somebody else writes the contact each time between an import's looking at it and its writing it.
#[tokio::test]
async fn a_contact_that_somebody_else_keeps_changing_is_left_as_it_is_and_the_others_are_imported() {
    let world = World::new().await;
    assert_eq!(world.post(IMPORT, LINES, lines(&[contact(1, "Mira Sund")])).await.counts(), [1, 0, 0, 0]);
    let (engine, change) = (world.engine.clone(), change_of(&world.engine, 1).to_string());
    world.probe.script(move |call| {
        if call.operation == "PutItem" {
            let (status, answer) = engine.respond("UpdateItem", change.as_bytes());
            assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
        }
        None
    });
    let rows = [contact(1, "Mira Sund-Berg"), contact(2, "Ola Nord")];
    let answer = world.post(IMPORT, LINES, lines(&rows)).await;
    assert_eq!(answer.failed(), [(1, "changed_meanwhile".to_owned())]);
    assert_eq!(answer.counts(), [1, 0, 0, 1]);
    assert!(!world.get("/contacts/export").await.text().contains("Sund-Berg"), "it is as it was");
    // Sent again, when nobody else is at work, it is written.
    world.probe.clear();
    assert_eq!(world.post(IMPORT, LINES, lines(&rows)).await.counts(), [0, 1, 1, 0]);
}

/// The request with which somebody else writes the contact once.
fn change_of(engine: &Engine, number: u128) -> Value {
    let (_, found) = engine.respond("Scan", json!({ "TableName": "contacts" }).to_string().as_bytes());
    let found: Value = serde_json::from_slice(&found).unwrap();
    let id = json!(contact_id(number));
    let is_contact =
        |item: &&Value| item["pk"]["S"].as_str().unwrap().contains("#CONTACT#") && item["sk"]["S"] == id;
    let item = found["Items"].as_array().unwrap().iter().find(is_contact).unwrap();
    json!({
        "TableName": "contacts",
        "Key": { "pk": item["pk"], "sk": item["sk"] },
        "UpdateExpression": "SET #version = #version + :one",
        "ExpressionAttributeNames": { "#version": "version" },
        "ExpressionAttributeValues": { ":one": { "N": "1" } },
    })
}
