//! Who is taken for one person, who never is, and the damage that tools have done.

use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::ids::{EntraObjectId, EntraTenantId};

fn id(number: u128) -> ContactId {
    ContactId::new(Uuid::from_u128(number))
}

fn account(number: u128) -> Identity {
    let tenant = EntraTenantId::new(Uuid::from_u128(0x7E));
    Identity { tenant, object: EntraObjectId::new(Uuid::from_u128(number)) }
}

fn contact(number: u128, name: &str, email: &str, more: serde_json::Value) -> Contact {
    let client = Uuid::from_u128(1);
    let mut raw = json!({"id": Uuid::from_u128(number), "client": client, "version": 1, "fullName": name});
    let raw_map = raw.as_object_mut().unwrap();
    if !email.is_empty() {
        raw_map.insert("email".to_owned(), json!(email));
    }
    raw_map.extend(more.as_object().unwrap().clone());
    serde_json::from_value(raw).unwrap()
}

fn phone(number: &str) -> serde_json::Value {
    json!({"phones": [{"number": number, "kind": "work"}]})
}

fn linked(object: u128) -> serde_json::Value {
    json!({"entra": {"identity": account(object)}})
}

fn told(contacts: &[Contact]) -> Vec<String> {
    let seen: Vec<Seen<'_>> = contacts.iter().map(|contact| Seen { contact, account: None }).collect();
    let number = |contact: ContactId| contact.uuid().as_u128();
    let copy = |copy: &Copy| {
        let evidence = serde_json::to_value(copy.evidence).unwrap();
        format!("{} {}", number(copy.contact), evidence.as_str().unwrap())
    };
    let group = |group: &Group| {
        let copies: Vec<String> = group.copies.iter().map(copy).collect();
        format!("{}: {}", number(group.keep), copies.join(", "))
    };
    groups(&seen).iter().map(group).collect()
}

#[test]
fn who_is_one_person_and_who_is_not() {
    let none = || json!({});
    let cases: Vec<(&str, Vec<Contact>, &[&str])> = vec![
        (
            "one mailbox, written with a tag",
            vec![
                contact(1, "A", "mira@acme.example", none()),
                contact(2, "B", "mira+psa@acme.example", none()),
            ],
            &["1: 2 same_mailbox"],
        ),
        (
            "the same name at different addresses",
            vec![
                contact(1, "Mira Sund", "mira@acme.example", none()),
                contact(2, "Mira Sund", "sund@acme.example", none()),
            ],
            &[],
        ),
        (
            "the same name and number, however it is written",
            vec![
                contact(1, "Mira Sund", "mira@acme.example", phone("+47 21 00 00 01")),
                contact(2, "MIRA  SUND", "sund@acme.example", phone("(0047) 2100-0001")),
            ],
            &["1: 2 name_and_phone"],
        ),
        (
            "the same address at another domain, and the name",
            vec![
                contact(1, "Mira Sund", "mira@acme.example", none()),
                contact(2, "Sund, Mira", "mira@acme.onmicrosoft.example", none()),
                contact(3, "Mira Sund", "mira@acme.onmicrosoft.com", none()),
            ],
            &["1: 3 name_and_local_part"],
        ),
        (
            "colleagues with one telephone",
            vec![
                contact(1, "Mira Sund", "mira@acme.example", phone("21000001")),
                contact(2, "Jo Lie", "jo@acme.example", phone("21000001")),
            ],
            &[],
        ),
        (
            "copies that have nothing but the name",
            vec![
                contact(3, "Mira Sund", "", none()),
                contact(1, "Mira Sund", "", none()),
                contact(2, "Mira Sund", "mira@acme.example", none()),
            ],
            &["2: 1 name_and_nothing_else, 3 name_and_nothing_else"],
        ),
        (
            "two people of one name, and copies of nobody knows whom",
            vec![
                contact(1, "Mira Sund", "mira@acme.example", none()),
                contact(2, "Mira Sund", "sund@acme.example", none()),
                contact(3, "Mira Sund", "", none()),
                contact(4, "Mira Sund", "", none()),
            ],
            &["3: 4 name_and_nothing_else"],
        ),
        (
            "a function is no person",
            vec![contact(1, "Reception", "", none()), contact(2, "Reception", "", none())],
            &[],
        ),
        (
            "the linked one is kept",
            vec![
                contact(1, "Mira Sund", "mira@acme.example", phone("21000001")),
                contact(2, "Mira Sund", "", linked(7)),
                contact(3, "Mira Sund", "m@acme.example", phone("21000001")),
            ],
            &["1: 3 name_and_phone"],
        ),
        (
            "linked to two accounts, they are two people",
            vec![
                contact(1, "Mira Sund", "mira@acme.example", linked(7)),
                contact(2, "Mira Sund", "mira+2@acme.example", linked(8)),
            ],
            &[],
        ),
        (
            "what is inactive is out of the way already",
            vec![
                contact(1, "Mira Sund", "mira@acme.example", none()),
                contact(2, "Mira Sund", "", json!({"inactive": true})),
            ],
            &[],
        ),
    ];
    for (title, contacts, expected) in cases {
        assert_eq!(told(&contacts), expected, "{title}");
    }
}

#[test]
fn contacts_of_which_the_psa_says_one_account_are_one_person() {
    let contacts = [
        contact(1, "Mira Sund", "mira@acme.example", json!({})),
        contact(2, "M. S.", "ms@acme.example", json!({})),
    ];
    let seen = contacts.each_ref().map(|contact| Seen { contact, account: Some(account(7)) });
    let copies = vec![Copy { contact: id(2), evidence: Evidence::SameAccount }];
    assert_eq!(groups(&seen), [Group { keep: id(1), copies }]);
}

/// KelvinTegelaar/CIPP#5257: about 900 people had become 33,000 entries.
#[test]
fn thirty_three_thousand_entries_are_nine_hundred_people() {
    let people = 900;
    let contacts: Vec<Contact> = (0..33_000_u128)
        .map(|number| {
            let person = number % people;
            let name = format!("Person Number{person}");
            match number / people {
                0 => contact(number, &name, &format!("p{person}@acme.example"), linked(1_000 + person)),
                round if round % 3 == 0 => {
                    contact(number, &name, &format!("p{person}+{round}@acme.example"), json!({}))
                }
                _ => contact(number, &name, "", json!({})),
            }
        })
        .collect();
    let seen: Vec<Seen<'_>> = contacts.iter().map(|contact| Seen { contact, account: None }).collect();
    let found = groups(&seen);
    assert_eq!(found.len(), 900);
    assert!(found.iter().all(|group| group.keep.uuid().as_u128() < people), "the linked ones are kept");
    assert_eq!(found.iter().map(|group| group.copies.len()).sum::<usize>(), 33_000 - 900);
}

fn any_contact() -> impl Strategy<Value = Contact> {
    let name = prop::sample::select(vec!["Mira Sund", "Jo Lie", "Reception", ""]);
    let email = prop::sample::select(vec![
        "",
        "mira@a.example",
        "mira+1@a.example",
        "mira@b.example",
        "jo@a.example",
    ]);
    let phone = prop::sample::select(vec!["", "21000001", "+47 21000002"]);
    (1_u128..500, name, email, phone, prop::option::of(1_u128..4), any::<bool>()).prop_map(
        |(number, name, email, phone, linked, inactive)| {
            let mut more = json!({"inactive": inactive});
            if !phone.is_empty() {
                more["phones"] = json!([{"number": phone, "kind": "work"}]);
            }
            if let Some(object) = linked {
                more["entra"] = json!({"identity": account(object)});
            }
            contact(number, name, email, more)
        },
    )
}

proptest! {
    #[test]
    fn nobody_is_in_two_groups_and_nobody_of_two_accounts_in_one(mut contacts in prop::collection::vec(any_contact(), 0..30)) {
        contacts.sort_by_key(|contact| contact.id);
        contacts.dedup_by_key(|contact| contact.id);
        let seen: Vec<Seen<'_>> = contacts.iter().map(|contact| Seen { contact, account: None }).collect();
        let found = groups(&seen);
        let mut members = BTreeSet::new();
        for group in &found {
            let all = group.copies.iter().map(|copy| copy.contact).chain([group.keep]);
            let mut accounts = BTreeSet::new();
            for member in all {
                prop_assert!(members.insert(member), "in one group only");
                let contact = contacts.iter().find(|contact| contact.id == member).unwrap();
                prop_assert!(!contact.inactive);
                accounts.extend(contact.entra.as_ref().map(|stamp| stamp.identity));
            }
            prop_assert!(accounts.len() <= 1);
        }
        // Once the copies are out of the way there is nothing more to be found.
        let copies: BTreeSet<ContactId> =
            found.iter().flat_map(|group| &group.copies).map(|copy| copy.contact).collect();
        let left: Vec<Seen<'_>> =
            seen.iter().filter(|seen| !copies.contains(&seen.contact.id)).copied().collect();
        for group in groups(&left) {
            // Those that were nobody's of several may be somebody's now.
            let are_bare = group.copies.iter().all(|copy| copy.evidence == Evidence::NameAndNothingElse);
            prop_assert!(are_bare, "{group:?}");
        }
    }
}
