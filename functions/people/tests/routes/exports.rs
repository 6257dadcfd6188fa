//! What leaves, page by page.

use std::collections::BTreeSet;

use axum::{body::Body, http::Request};
use domain::{
    contact::{ContactValues, InactiveReason},
    facts::SourceFacts,
    ids::{EntraObjectId, EntraTenantId, LineId, ManagedTenantId, RunId},
    plan::{Action, Line, PLAN_PAGE_FORMAT, PlanPage, Rule},
    run::Counters,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use store::{Applier, Author, ClientScope, ContactInput, Tenure};
use uuid::Uuid;

use crate::world::{CSV, LINES, WORKSPACE, World, client_id, contact_id, lines};

async fn with_contacts(numbers: std::ops::Range<u128>) -> World {
    let world = World::new().await;
    for number in numbers {
        let input = ContactInput {
            id: contact_id(number),
            client: client_id(1 + number % 2),
            values: ContactValues {
                full_name: format!("Contact {number}"),
                email: Some(format!("c{number}@a.example").parse().unwrap()),
                ..ContactValues::default()
            },
            additional_emails: Vec::new(),
            inactive: false,
            protected: None,
            protected_fields: None,
            unsaid: BTreeSet::new(),
            account: store::SaidAccount::Unsaid,
        };
        world.people.store.upsert_contact(WORKSPACE, &input).await.unwrap();
    }
    world
}

fn ids(text: &str) -> Vec<String> {
    let id = |line: &str| {
        serde_json::from_str::<Value>(line).unwrap()["contactNameId"].as_str().unwrap().to_owned()
    };
    text.lines().map(id).collect()
}

#[tokio::test]
async fn pages_hold_every_contact_once() {
    let world = with_contacts(0..11).await;
    for (first, client, expected) in
        [("", None, 11), ("&clientId=", Some(client_id(1)), 6), ("&clientId=", Some(client_id(2)), 5)]
    {
        let client = client.map(|client| client.to_string()).unwrap_or_default();
        let mut path = format!("/contacts/export?format=jsonl&limit=3{first}{client}");
        let mut seen = Vec::new();
        for _ in 0..20 {
            let page = world.get(&path).await;
            let rows = ids(&page.text());
            assert!(rows.len() <= 3);
            seen.extend(rows);
            let Some(link) = page.header("link") else { break };
            path = link.strip_prefix('<').unwrap().split_once('>').unwrap().0.to_owned();
            assert!(path.ends_with(page.header("x-next-cursor").unwrap()));
        }
        assert_eq!(seen.len(), expected);
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), expected);
    }
}

#[tokio::test]
async fn many_clients_without_contacts_make_short_pages() {
    let world = with_contacts(0..2).await;
    let clients: Vec<Value> =
        (100..400).map(|number| json!({ "clientId": client_id(number), "clientName": "Empty" })).collect();
    world.post("/clients/import", LINES, lines(&clients)).await.data();
    let first = world.get("/contacts/export").await;
    assert_eq!(ids(&first.text()).len(), 2);
    let second =
        world.get(&format!("/contacts/export?cursor={}", first.header("x-next-cursor").unwrap())).await;
    assert_eq!(second.text(), "");
    assert_eq!(second.header("x-next-cursor"), None);
}

#[tokio::test]
async fn clients_leave_in_pages_too() {
    let world = World::new().await;
    let first = world.get("/clients/export?limit=1").await;
    assert_eq!(first.header("content-type"), Some("application/x-ndjson"));
    assert_eq!(
        serde_json::from_str::<Value>(&first.text()).unwrap(),
        json!({ "clientId": client_id(1), "clientName": "Borealis Dental", "website": null,
                "secondaryDomains": [], "isInactive": false })
    );
    let cursor = first.header("x-next-cursor").unwrap();
    let second = world.get(&format!("/clients/export?format=csv&limit=1&cursor={cursor}")).await;
    assert_eq!(second.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    assert_eq!(second.header("content-disposition"), Some("attachment; filename=\"clients.csv\""));
    assert_eq!(
        second.text(),
        format!(
            "clientId,clientName,website,secondaryDomains,isInactive\r\n{},Contoso Klinik,,,false\r\n",
            client_id(2)
        )
    );
    assert_eq!(second.header("x-next-cursor"), None);
}

#[tokio::test]
async fn no_cell_of_a_csv_begins_a_formula() {
    let world = World::new().await;
    let row = json!({
        "contactNameId": contact_id(1), "clientId": client_id(1), "fullName": "=HYPERLINK(\"http://x\")",
        "email": "+a@a.example", "role": "@SUM(1)", "phoneNumbers": "+47 22; mobile: 9",
    });
    world.post("/contacts/import", LINES, row.to_string()).await.data();
    let csv = world.get("/contacts/export?format=csv").await.text();
    let row = csv.lines().nth(1).unwrap();
    assert_eq!(
        row,
        format!(
            "{},{},\"'=HYPERLINK(\"\"http://x\"\")\",'+a@a.example,,\
             \"[{{\"\"canonicalType\"\":\"\"work\"\",\"\"displayOrder\"\":0,\"\"isDefault\"\":true,\"\"phoneNumber\"\":\"\"+47 22\"\"}},\
             {{\"\"canonicalType\"\":\"\"mobile\"\",\"\"displayOrder\"\":1,\"\"isDefault\"\":false,\"\"phoneNumber\"\":\"\"9\"\"}}]\",\
             '@SUM(1),,,,false,false,,,,,,,,",
            contact_id(1),
            client_id(1)
        )
    );
    assert_eq!(world.post("/contacts/import", CSV, csv).await.counts(), [0, 0, 1, 0]);
}

#[tokio::test]
async fn what_cannot_be_exported_is_refused() {
    let world = with_contacts(0..1).await;
    for (path, status, code) in [
        ("/contacts/export?format=xml", 400, "invalid_format"),
        ("/contacts/export?limit=0", 400, "invalid_limit"),
        ("/contacts/export?cursor=x", 400, "invalid_cursor"),
        ("/contacts/export?client=x", 400, "invalid_query"),
        ("/contacts/export?clientId=x", 404, "unknown_client"),
        (&format!("/contacts/export?clientId={}", client_id(9)), 404, "unknown_client"),
        ("/clients/export?format=", 400, "invalid_format"),
        ("/clients/export?cursor=x", 400, "invalid_cursor"),
    ] {
        assert_eq!(world.get(path).await.refused(), (status, code.to_owned()), "{path}");
    }
    for path in ["/contacts/export", "/clients/export"] {
        let uri = format!("{}{path}", crate::world::BASE);
        let request = Request::builder().uri(uri).body(Body::empty()).unwrap();
        assert_eq!(world.ask(request, &[]).await.refused().0, 403, "{path}");
    }
}

#[tokio::test]
async fn the_syncs_marks_leave_and_survive_an_import() {
    let world = with_contacts(0..1).await;
    linked(&world).await;
    let exported = world.get("/contacts/export").await.text();
    let row: Value = serde_json::from_str(&exported).unwrap();
    assert_eq!(row["entraSyncSource"], "entra_sync");
    assert_eq!(row["entraSyncStatus"], "inactive");
    assert_eq!(row["entraSyncStatusReason"], "disabled_upstream");
    assert_eq!(row["isInactive"], true);
    let csv = world.get("/contacts/export?format=csv").await.text();
    assert!(csv.contains(",entra_sync,"), "{csv}");
    assert!(csv.ends_with(",inactive,disabled_upstream\r\n"), "{csv}");
    assert_eq!(world.post("/contacts/import", LINES, exported.clone()).await.counts(), [0, 0, 1, 0]);
    let renamed = exported.replace("Contact 0", "Somebody");
    assert_eq!(world.post("/contacts/import", LINES, renamed.clone()).await.counts(), [0, 1, 0, 0]);
    assert_eq!(world.get("/contacts/export").await.text(), renamed);
}

/// Contact 0 is linked to a directory user who was then blocked.
async fn linked(world: &World) {
    let tenant = EntraTenantId::new(Uuid::from_u128(0xE0));
    let facts = SourceFacts {
        full_name: "Contact 0".to_owned(),
        email: "c0@a.example".parse().unwrap(),
        phones: Vec::new(),
        role: None,
        department: None,
        office: None,
        company: None,
        user_principal_name: Some("c0@a.example".to_owned()),
        blanks: Vec::new(),
    };
    let applier = Applier {
        store: &world.people.store,
        scope: ClientScope::new(WORKSPACE, client_id(1)),
        tenant,
        managed_tenant: ManagedTenantId::derived(WORKSPACE, tenant),
        salt: b"rules",
        at: Timestamp::UNIX_EPOCH,
        width: 1,
        author: Author { run: RunId::new(Uuid::from_u128(1)), user: None },
        changes_links: false,
        since: None,
        tenure: Tenure::UNLIMITED,
    };
    let contact = contact_id(0);
    for (number, rule, action) in [
        (
            1,
            Rule::PrimaryAddress,
            Action::Link {
                contact,
                expect: 1,
                before: None,
                supersedes: None,
                activate: false,
                changes: Vec::new(),
                facts,
            },
        ),
        (
            2,
            Rule::Disabled,
            Action::MarkInactive {
                contact,
                expect: 2,
                before: None,
                reason: InactiveReason::DisabledUpstream,
            },
        ),
    ] {
        let line = Line {
            id: LineId::new(Uuid::from_u128(number)),
            object: EntraObjectId::new(Uuid::from_u128(0xB0)),
            label: "Contact 0".to_owned(),
            address: None,
            rule,
            answers_review: false,
            answer: None,
            takes_back: None,
            about: None,
            asks_again: false,
            action,
        };
        let page = PlanPage {
            format: PLAN_PAGE_FORMAT,
            lines: vec![line],
            seen: Vec::new(),
            leavers: Vec::new(),
            asked: Vec::new(),
            guard: None,
            counters: Counters::default(),
        };
        assert_eq!(applier.apply(&page).await.unwrap(), []);
    }
}
