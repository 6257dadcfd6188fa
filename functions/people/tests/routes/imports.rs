//! What is taken, what is refused, and what is said about it.

use domain::ids::ClientId;
use edge::Permission;
use serde_json::{Value, json};
use store::{ClientScope, StoredContact, probe::Fault};
use uuid::Uuid;

use axum::{body::Body, http::Request};

use crate::world::{BASE, CSV, LINES, WORKSPACE, World, client_id, contact_id, lines};

const CONTACTS: &str = "/contacts/import";
const CLIENTS: &str = "/clients/import";

fn contact(number: u128, client: ClientId, email: &str) -> Value {
    json!({
        "contactNameId": contact_id(number), "clientId": client, "fullName": "Mira Sund", "email": email,
    })
}

#[tokio::test]
async fn clients_are_created_updated_and_left_alone() {
    let world = World::new().await;
    let row = |name: &str| {
        json!({ "clientId": client_id(5), "clientName": name, "website": "https://a.example",
                "secondaryDomains": ["billing@b.example", "c.example"], "isInactive": true })
    };
    let first = world.post(CLIENTS, LINES, lines(&[row("Acme")])).await;
    assert_eq!(
        first.data(),
        json!({ "created": 1, "updated": 0, "unchanged": 0, "failed": [], "failedTotal": 0 })
    );
    world.probe.reset();
    assert_eq!(world.post(CLIENTS, LINES, lines(&[row("Acme")])).await.counts(), [0, 0, 1, 0]);
    assert_eq!(world.probe.counts().writes, 0, "a client that is the same is not written");
    assert_eq!(world.post(CLIENTS, LINES, lines(&[row("Acme AS")])).await.counts(), [0, 1, 0, 0]);
    let stored = world.people.store.client_by_id(WORKSPACE, client_id(5)).await.unwrap().unwrap();
    assert_eq!(stored.name, "Acme AS");
    assert_eq!(stored.secondary_domains, ["billing@b.example", "c.example"]);
    assert!(stored.inactive);
}

#[tokio::test]
async fn a_contact_in_every_format_is_the_same_contact() {
    let world = World::new().await;
    let row = json!({
        "contactNameId": contact_id(1), "clientId": client_id(1),
        "fullName": " Mira   Sund ", "email": "Mira.Sund@Borealis.example",
        "additionalEmailAddresses": ["ms@borealis.example", "MS@borealis.example", "mira.sund@borealis.example"],
        "phoneNumbers": [{ "phoneNumber": "+47 22", "canonicalType": "work", "isDefault": true, "displayOrder": 0 }],
        "role": "Dentist", "isInactive": false,
        "entraTenantId": Uuid::from_u128(0xE1), "entraObjectId": Uuid::from_u128(0x0B), "entraSyncStatus": "inactive",
    });
    let csv = format!(
        "\u{feff}clientId,contactNameId,email,fullName,additionalEmailAddresses,phoneNumbers,role,isInactive\r\n\
         {},{},mira.sund@borealis.example,Mira Sund,ms@borealis.example; ,'+47 22,Dentist,no\r\n",
        client_id(1),
        contact_id(1)
    );
    assert_eq!(world.post(CONTACTS, LINES, lines(std::slice::from_ref(&row))).await.counts(), [1, 0, 0, 0]);
    let array = json!([row]).to_string();
    assert_eq!(world.post(CONTACTS, "application/json", array).await.counts(), [0, 0, 1, 0]);
    assert_eq!(world.post(CONTACTS, CSV, csv).await.counts(), [0, 0, 1, 0]);

    let scope = ClientScope::new(WORKSPACE, client_id(1));
    let stored = world.people.store.contacts_of_client(scope).await.unwrap();
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].values.full_name, "Mira Sund");
    assert_eq!(stored[0].values.phones[0].number, "+47 22");
    assert!(stored[0].entra.is_none(), "the sync's marks are not imported");

    let account = |stored: &StoredContact| stored.account.map(|account| account.object.uuid());
    let (page, _) = world.people.store.contacts_page(scope, None, 10).await.unwrap();
    assert_eq!(
        account(&page[0]),
        Some(Uuid::from_u128(0x0B)),
        "a document that says nothing of it leaves it"
    );
    let nobodys = json!({
        "contactNameId": contact_id(1), "clientId": client_id(1), "fullName": "Mira Sund",
        "email": "mira.sund@borealis.example", "entraTenantId": null, "entraObjectId": "",
    });
    assert_eq!(
        world.post(CONTACTS, "application/json", json!([nobodys]).to_string()).await.counts(),
        [0, 1, 0, 0]
    );
    let (page, _) = world.people.store.contacts_page(scope, None, 10).await.unwrap();
    assert_eq!(account(&page[0]), None);
}

#[tokio::test]
async fn an_account_is_a_tenant_and_an_object() {
    let world = World::new().await;
    for (tenant, object, column) in [
        (json!(Uuid::from_u128(1)), json!(null), "entraObjectId"),
        (json!(""), json!(Uuid::from_u128(2)), "entraTenantId"),
        (json!("tenant"), json!(Uuid::from_u128(2)), "entraTenantId"),
        (json!(Uuid::from_u128(1)), json!(7), "entraObjectId"),
    ] {
        let row = json!({
            "contactNameId": contact_id(1), "clientId": client_id(1), "fullName": "Mira Sund",
            "email": "mira.sund@borealis.example", "entraTenantId": tenant, "entraObjectId": object,
        });
        let answer = world.post(CONTACTS, "application/json", json!([row]).to_string()).await;
        assert_eq!(answer.counts(), [0, 0, 0, 1], "{row}");
        assert!(answer.json().to_string().contains(column), "{}", answer.json());
    }
}

/// The PSA has no such columns of its own: what a document says nothing of stays.
#[tokio::test]
async fn an_import_without_the_newer_columns_leaves_them() {
    let world = World::new().await;
    let plain = contact(1, client_id(1), "one@a.example");
    let mut full = plain.clone();
    for (column, value) in [
        ("department", json!("Care")),
        ("officeLocation", json!("Oslo")),
        ("companyName", json!("Acme")),
        ("isProtected", json!(true)),
        ("protectedFields", json!(["jobTitle", "phones"])),
    ] {
        full[column] = value;
    }
    let id = format!("{},{}", contact_id(1), client_id(1));
    let csv = |columns: &str, cells: &str| {
        format!("contactNameId,clientId,fullName,email{columns}\r\n{id},Mira Sund,one@a.example{cells}\r\n")
    };
    for (kind, document, counts, shown) in [
        (LINES, full.to_string(), [1, 0, 0, 0], json!(["Care", "Oslo", "Acme", true, ["phones", "role"]])),
        (LINES, plain.to_string(), [0, 0, 1, 0], json!(["Care", "Oslo", "Acme", true, ["phones", "role"]])),
        (CSV, csv("", ""), [0, 0, 1, 0], json!(["Care", "Oslo", "Acme", true, ["phones", "role"]])),
        (
            CSV,
            csv(",department,isProtected", ",,no"),
            [0, 1, 0, 0],
            json!([null, "Oslo", "Acme", false, ["phones", "role"]]),
        ),
        (
            CSV,
            csv(",protectedFields", ",email; upn"),
            [0, 1, 0, 0],
            json!([null, "Oslo", "Acme", false, ["email", "userPrincipalName"]]),
        ),
        (CSV, csv(",protectedFields", ","), [0, 1, 0, 0], json!([null, "Oslo", "Acme", false, []])),
    ] {
        assert_eq!(world.post(CONTACTS, kind, document.clone()).await.counts(), counts, "{document}");
        let row: Value = serde_json::from_str(&world.get("/contacts/export").await.text()).unwrap();
        let columns = ["department", "officeLocation", "companyName", "isProtected", "protectedFields"];
        assert_eq!(json!(columns.map(|column| &row[column])), shown, "{document}");
    }
}

/// Each bad row fails alone, under its line; the good rows around it are applied.
#[tokio::test]
async fn bad_rows_are_reported_and_good_rows_applied() {
    let world = World::new().await;
    let mut rows = vec![contact(0, client_id(1), "one@a.example").to_string()];
    let mut expected = Vec::new();
    for (column, value, code) in [
        ("fullName", json!("  "), "missing_value"),
        ("fullName", Value::Null, "missing_value"),
        ("fullName", json!(7), "invalid_value"),
        ("fullName", json!("x".repeat(257)), "too_long"),
        ("email", json!("nobody"), "invalid_value"),
        ("email", json!(""), "missing_value"),
        ("additionalEmailAddresses", json!(["nobody"]), "invalid_value"),
        ("additionalEmailAddresses", json!([7]), "invalid_value"),
        ("phoneNumbers", json!([{ "number": "1" }]), "missing_value"),
        ("isInactive", json!("perhaps"), "invalid_value"),
        ("department", json!(7), "invalid_value"),
        ("isProtected", json!("perhaps"), "invalid_value"),
        ("protectedFields", json!(["role", "shoeSize"]), "invalid_value"),
        ("contactNameId", json!("7"), "invalid_value"),
        ("contactNameId", json!(contact_id(0)), "repeated_id"),
        ("clientId", json!(""), "missing_value"),
        ("clientId", json!(client_id(9)), "unknown_client"),
        ("fullname", json!("x"), "unknown_column"),
        ("email", json!("one@a.example"), "email_exists"),
        ("additionalEmailAddresses", json!("ONE@a.example"), "email_exists"),
    ] {
        let number = u128::try_from(rows.len()).unwrap();
        let mut row = contact(number, client_id(1), &format!("c{number}@a.example"));
        row[column] = value;
        rows.push(row.to_string());
        expected.push((u64::try_from(rows.len()).unwrap(), code.to_owned()));
    }
    for row in ["{", "7"] {
        rows.push(row.to_owned());
        expected.push((u64::try_from(rows.len()).unwrap(), "malformed_json".to_owned()));
    }
    rows.push(contact(99, client_id(2), "last@a.example").to_string());
    let answer = world.post(CONTACTS, LINES, rows.join("\n")).await;
    assert_eq!(answer.failed(), expected);
    assert_eq!(answer.counts(), [2, 0, 0, 22]);
}

#[tokio::test]
async fn an_address_belongs_to_one_contact() {
    let world = World::new().await;
    let one = contact(1, client_id(1), "one@a.example");
    assert_eq!(world.post(CONTACTS, LINES, lines(&[one])).await.counts(), [1, 0, 0, 0]);
    for (row, named) in [
        (contact(2, client_id(2), "ONE@A.example"), "`email`"),
        (
            {
                let mut row = contact(2, client_id(2), "two@a.example");
                row["additionalEmailAddresses"] = json!(["three@a.example", "one@a.example"]);
                row
            },
            "`additionalEmailAddresses`",
        ),
    ] {
        let answer = world.post(CONTACTS, LINES, lines(&[row])).await;
        assert_eq!(answer.failed(), [(1, "email_exists".to_owned())]);
        let data = answer.data();
        let message = data["failed"][0]["message"].as_str().unwrap();
        assert!(message.contains(named), "{message}");
        assert!(!message.contains('@'), "no address in {message}");
    }
    // The refused row has not claimed its free addresses.
    let others = [contact(3, client_id(1), "two@a.example"), contact(4, client_id(1), "three@a.example")];
    assert_eq!(world.post(CONTACTS, LINES, lines(&others)).await.counts(), [2, 0, 0, 0]);
}

#[tokio::test]
async fn within_a_document_the_first_row_gets_the_address_unless_its_owner_gives_it_up() {
    let world = World::new().await;
    let rows = [contact(1, client_id(1), "x@a.example"), contact(2, client_id(2), "x@a.example")];
    let answer = world.post(CONTACTS, LINES, lines(&rows)).await;
    assert_eq!(answer.failed(), [(2, "email_exists".to_owned())]);

    // Contact 2 stands before the one that gives the address up.
    let rows = [contact(2, client_id(2), "x@a.example"), contact(1, client_id(1), "y@a.example")];
    let answer = world.post(CONTACTS, LINES, lines(&rows)).await;
    assert_eq!(answer.counts(), [1, 1, 0, 0], "{}", answer.text());
}

#[tokio::test]
async fn a_contact_does_not_move_to_another_client() {
    let world = World::new().await;
    let one = contact(1, client_id(1), "one@a.example");
    world.post(CONTACTS, LINES, lines(&[one])).await.data();
    let answer = world.post(CONTACTS, LINES, lines(&[contact(1, client_id(2), "one@a.example")])).await;
    assert_eq!(answer.failed(), [(1, "contact_at_other_client".to_owned())]);
    let there = world.people.store.contacts_of_client(ClientScope::new(WORKSPACE, client_id(2))).await;
    assert_eq!(there.unwrap(), []);
}

#[tokio::test]
async fn a_document_that_is_none_changes_nothing() {
    let world = World::new().await;
    let good = contact(1, client_id(1), "one@a.example").to_string();
    for (kind, document, code) in [
        (LINES, "<html>\n<body>\n".to_owned(), "malformed_document"),
        (LINES, format!("[{good}]"), "malformed_document"),
        ("application/json", format!("[{good},"), "malformed_document"),
        ("application/json", good.clone(), "malformed_document"),
        (CSV, String::new(), "malformed_document"),
        (CSV, "contactNameId,clientId,fullName\n".to_owned(), "missing_column"),
        (CSV, "contactNameId,clientId,fullName,email,Title\n".to_owned(), "unknown_column"),
        (CSV, "contactNameId,clientId,fullName,email,email\n".to_owned(), "repeated_column"),
        (
            CSV,
            format!(
                "contactNameId,clientId,fullName,email\n{},{},Mira,m@a.example\n\"open,,,\n",
                contact_id(1),
                client_id(1)
            ),
            "malformed_document",
        ),
    ] {
        let answer = world.post(CONTACTS, kind, document.clone()).await;
        assert_eq!(answer.refused(), (400, code.to_owned()), "{document}");
    }
    assert_eq!(world.post(CONTACTS, "text/plain", good.clone()).await.refused().0, 415);
    let large = "\n".repeat(10 * 1024 * 1024 + 1);
    assert_eq!(world.post(CONTACTS, LINES, large).await.refused(), (413, "body_too_large".to_owned()));
    let there = world.people.store.contacts_of_client(ClientScope::new(WORKSPACE, client_id(1))).await;
    assert_eq!(there.unwrap(), []);
    assert_eq!(world.post(CONTACTS, LINES, "").await.counts(), [0; 4]);
    assert_eq!(world.post(CONTACTS, "application/json", "[]").await.counts(), [0; 4]);
}

#[tokio::test]
async fn csv_rows_are_reported_with_their_lines() {
    let world = World::new().await;
    let (one, two) = (contact_id(1), contact_id(2));
    let client = client_id(1);
    let document = format!(
        "contactNameId,clientId,fullName,email,role\r\n\
         {one},{client},\"Mira\r\nSund\",mira@a.example,\r\n\
         {two},{client},Ola,ola@a.example\r\n\
         {two},{client},,ola@a.example,x\r\n\
         {two},{client},Ola,ola@a.example,=cmd\r\n"
    );
    let answer = world.post(CONTACTS, CSV, document).await;
    assert_eq!(answer.failed(), [(4, "malformed_csv".to_owned()), (5, "missing_value".to_owned())]);
    assert_eq!(answer.counts(), [2, 0, 0, 2]);
}

#[tokio::test]
async fn only_the_first_failures_are_listed_and_all_are_counted() {
    let world = World::new().await;
    let mut rows: Vec<Value> =
        (0..700).map(|number| contact(number, client_id(9), &format!("a{number}@a.example"))).collect();
    rows[3] = contact(3, client_id(1), "three@a.example");
    let answer = world.post(CONTACTS, LINES, lines(&rows)).await;
    assert_eq!(answer.counts(), [1, 0, 0, 699]);
    let failed = answer.failed();
    assert_eq!(failed.len(), 100);
    assert_eq!((failed[0].0, failed[3].0, failed[99].0), (1, 5, 101));
}

#[tokio::test]
async fn a_table_that_is_away_is_said_and_the_document_can_be_sent_again() {
    let world = World::new().await;
    let rows: Vec<Value> =
        (0..20).map(|number| contact(number, client_id(1), &format!("a{number}@a.example"))).collect();
    world.probe.script(|call| (call.write == Some(31)).then_some(Fault::After));
    world.probe.reset();
    let answer = world.post(CONTACTS, LINES, lines(&rows)).await;
    assert_eq!(answer.refused(), (503, "store_unavailable".to_owned()));
    world.probe.clear();
    let [created, updated, unchanged, failed] = world.post(CONTACTS, LINES, lines(&rows)).await.counts();
    assert_eq!((created + unchanged, updated, failed), (20, 0, 0));
    assert!(unchanged > 0);
}

#[tokio::test]
async fn importing_needs_the_right_to_change() {
    let world = World::new().await;
    for path in [CONTACTS, CLIENTS] {
        let request = Request::builder().method("POST").uri(format!("{BASE}{path}"));
        let request = request.header("content-type", LINES).body(Body::from("{}")).unwrap();
        assert_eq!(world.ask(request, &[Permission::Read]).await.refused().0, 403, "{path}");
    }
}
