//! What an export gives, an import takes back unchanged.

use proptest::{collection::vec, option, prelude::*, sample::subsequence};
use serde_json::{Value, json};

use crate::world::{CSV, LINES, World, client_id, contact_id, lines};

/// Text that spreadsheets, CSV readers and list separators could trip over.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "['=+@-]{0,3}[a-zÆøß\",; \\[{]{1,12}",
        "[ \t\r\n]{0,2}[a-z]{1,4}[\r\n,\"']{0,3}[a-z]{1,4}",
        "\\PC{1,16}",
        Just("'".to_owned()),
    ]
    .prop_map(|text| if text.trim().is_empty() { "x".to_owned() } else { format!("{text}x") })
}

fn contacts() -> impl Strategy<Value = Vec<Value>> {
    let phone = (text(), prop_oneof![Just("work".to_owned()), Just("mobile".to_owned()), text()]);
    let places = (option::of(text()), option::of(text()), option::of(text()));
    let protection = (any::<bool>(), subsequence(vec!["role", "email", "upn", "phones"], 0..=4));
    let contact =
        (text(), option::of(text()), vec(phone, 0..3), "[-+=']?[a-z]{1,5}", 0..3_usize, any::<bool>());
    vec((contact, places, protection), 1..6).prop_map(|contacts| {
        let contact = |(number, (contact, places, protection)): (u128, _)| {
            let (name, role, phones, local, more, inactive) = contact;
            let (department, office, company): (Option<String>, Option<String>, Option<String>) = places;
            let (protected, protected_fields): (bool, Vec<&str>) = protection;
            let phones: Vec<(String, String)> = phones;
            let phones: Vec<Value> = phones
                .into_iter()
                .enumerate()
                .map(|(place, (number, kind))| {
                    json!({ "phoneNumber": number, "canonicalType": kind, "isDefault": place == 0 })
                })
                .collect();
            let local: String = local;
            let additional: Vec<String> =
                (0..more).map(|place| format!("-{place}{local}{number}@b.example")).collect();
            let name: String = name;
            let role: Option<String> = role;
            json!({
                "contactNameId": contact_id(number),
                "clientId": client_id(1 + number % 2),
                "fullName": name,
                "email": format!("{local}{number}@a.example"),
                "additionalEmailAddresses": additional,
                "phoneNumbers": phones,
                "role": role,
                "department": department,
                "officeLocation": office,
                "companyName": company,
                "isInactive": inactive,
                "isProtected": protected,
                "protectedFields": protected_fields,
            })
        };
        (0..).zip(contacts).map(contact).collect()
    })
}

fn clients() -> impl Strategy<Value = Vec<Value>> {
    let client = (text(), option::of(text()), vec("['=+@-]?[a-z]{1,8}", 0..3), any::<bool>());
    vec(client, 1..6).prop_map(|clients| {
        let client = |(number, (name, website, domains, inactive)): (u128, (_, Option<String>, _, _))| {
            let (name, domains): (String, Vec<String>) = (name, domains);
            json!({
                "clientId": client_id(10 + number), "clientName": name, "website": website,
                "secondaryDomains": domains, "isInactive": inactive,
            })
        };
        (0..).zip(clients).map(client).collect()
    })
}

/// Whatever is imported: its export says that nothing changes, in both formats, and another
/// workspace that imports the CSV exports the same JSON lines.
async fn check(kind: &str, rows: &[Value]) {
    let (import, as_lines, as_csv) = (
        format!("/{kind}/import"),
        format!("/{kind}/export?format=jsonl"),
        format!("/{kind}/export?format=csv"),
    );
    let world = World::new().await;
    let first = world.post(&import, LINES, lines(rows)).await;
    let count = u64::try_from(rows.len()).unwrap();
    assert_eq!(first.counts(), [count, 0, 0, 0], "{}", first.text());

    let lines_text = world.get(&as_lines).await.text();
    let csv_text = world.get(&as_csv).await.text();
    let all = u64::try_from(lines_text.lines().count()).unwrap();
    assert_eq!(world.post(&import, LINES, lines_text.clone()).await.counts(), [0, 0, all, 0]);
    let again = world.post(&import, CSV, csv_text.clone()).await;
    assert_eq!(again.counts(), [0, 0, all, 0], "{}\n{csv_text}", again.text());

    let other = World::new().await;
    let taken = other.post(&import, CSV, csv_text).await;
    assert_eq!(taken.counts()[3], 0, "{}", taken.text());
    assert_eq!(other.get(&as_lines).await.text(), lines_text);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn contacts_survive_both_formats(rows in contacts()) {
        run(check("contacts", &rows));
    }

    #[test]
    fn clients_survive_both_formats(rows in clients()) {
        run(check("clients", &rows));
    }
}

fn run(check: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(check);
}
