//! What an answer does, case by case; how it holds against a sync is told in the review room.

use std::collections::BTreeSet;

use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::{
    contact::{ContactValues, EntraStamp, Fingerprint, InactiveReason},
    ids::EntraTenantId,
};

const CLIENT: ClientId = ClientId::new(Uuid::from_u128(0xC1));
const OTHER: ClientId = ClientId::new(Uuid::from_u128(0xC2));
const WORKSPACE: WorkspaceId = WorkspaceId::new(Uuid::from_u128(0xA1));

fn person(number: u128) -> Identity {
    let tenant = EntraTenantId::new(Uuid::from_u128(0xE1));
    Identity { tenant, object: EntraObjectId::new(Uuid::from_u128(number)) }
}

fn address(local: &str) -> EmailAddress {
    format!("{local}@acme.example").parse().unwrap()
}

fn question() -> Question {
    let about: About = serde_json::from_value(json!({
        "facts": { "fullName": "Mira", "email": "mira@acme.example", "role": "Dentist" },
        "signIn": "m@acme.example", "aliases": ["alias@acme.example"],
    }))
    .unwrap();
    Question::new(WORKSPACE, CLIENT, person(1), Some(&about), ("Mira", None))
}

fn contact(number: u128, email: &str) -> Contact {
    Contact {
        id: ContactId::new(Uuid::from_u128(number)),
        client: CLIENT,
        version: 4,
        values: ContactValues {
            full_name: format!("Contact {number}"),
            email: Some(address(email)),
            ..ContactValues::default()
        },
        additional_emails: Vec::new(),
        inactive: false,
        protected: false,
        protected_fields: BTreeSet::new(),
        entra: None,
        line: None,
    }
}

fn belonging_to(number: u128, contact: Contact) -> Contact {
    let entra = EntraStamp {
        identity: person(number),
        user_principal_name: None,
        account_enabled: None,
        inactive_reason: None,
    };
    Contact { entra: Some(entra), ..contact }
}

fn link(number: u128, contact: &Contact, active: bool) -> Link {
    Link {
        identity: person(number),
        contact: contact.id,
        client: contact.client,
        active,
        fingerprint: Fingerprint(1),
        missing: 0,
        missing_since: None,
        keep: false,
    }
}

fn knowing(contacts: &[&Contact]) -> Situation {
    let fields = FieldRules::from_psa(&json!({ "email": true, "role": true }));
    let mut now = Situation { fields, ..Situation::default() };
    for contact in contacts {
        now.contacts.insert(contact.id, (*contact).clone());
        if let Some(email) = &contact.values.email {
            let owner = Owner { client: contact.client, contact: contact.id, additional: false };
            now.owners.insert(email.clone(), owner);
        }
    }
    now
}

fn fields(ruling: &Ruling) -> Vec<&'static str> {
    ruling.action.changes().iter().map(|change| change.describe().0).collect()
}

#[test]
fn a_contact_is_linked_and_enabled_fields_are_written() {
    let free = contact(1, "desk");
    let ruling = question().link_existing(&knowing(&[&free]), free.id).unwrap();
    assert_eq!(fields(&ruling), ["e-mail", "role"]);
    assert_eq!((ruling.action.expected_version(), ruling.parting), (Some(4), None));
    assert_eq!(ruling.answer.address, Some(address("mira")));

    // An address that somebody else has is left with them.
    let owner = contact(2, "mira");
    let ruling = question().link_existing(&knowing(&[&free, &owner]), free.id).unwrap();
    assert_eq!(fields(&ruling), ["role"]);
}

#[test]
fn what_stands_in_the_way_of_a_link() {
    let free = contact(1, "desk");
    let protected = Contact { protected: true, ..contact(1, "desk") };
    let elsewhere = Contact { client: OTHER, ..contact(1, "desk") };
    let colleagues = belonging_to(2, contact(1, "desk"));
    let mut taken = knowing(&[&colleagues]);
    taken.accounts.insert(person(2), link(2, &colleagues, true));
    let mut of_another_tenant = belonging_to(2, contact(1, "desk"));
    let foreign = Identity { tenant: EntraTenantId::new(Uuid::from_u128(0xE2)), ..person(2) };
    of_another_tenant.entra.as_mut().unwrap().identity = foreign;
    let nobody = Question { facts: None, ..question() };
    for (question, now, expected) in [
        (question(), knowing(&[]), Refusal::ContactNotFound),
        (question(), knowing(&[&protected]), Refusal::ContactProtected),
        (question(), knowing(&[&elsewhere]), Refusal::ClientMismatch { client: OTHER }),
        (question(), taken, Refusal::ContactLinked { identity: person(2) }),
        (question(), knowing(&[&of_another_tenant]), Refusal::ContactLinked { identity: foreign }),
        (nobody, knowing(&[&free]), Refusal::NoAddress),
    ] {
        assert_eq!(question.link_existing(&now, free.id), Err(expected));
    }
}

#[test]
fn the_contact_of_an_account_that_is_gone_goes_on_with_the_person() {
    for (is_ours, activate) in [(true, true), (false, false)] {
        let mut left = Contact { inactive: true, ..belonging_to(2, contact(1, "mira")) };
        left.entra.as_mut().unwrap().inactive_reason = is_ours.then_some(InactiveReason::DeletedUpstream);
        let mut now = knowing(&[&left]);
        now.accounts.insert(person(2), link(2, &left, false));
        let ruling = question().link_existing(&now, left.id).unwrap();
        let Action::Link { supersedes, activate: activated, before, .. } = &ruling.action else { panic!() };
        assert_eq!((*supersedes, *activated), (Some(person(2).object), activate));
        let before = before.as_ref().unwrap();
        assert_eq!((before.inactive, &before.entra), (true, &left.entra), "there is a way back");
    }
}

#[test]
fn whoever_is_linked_stays_or_moves() {
    let own = belonging_to(1, contact(1, "old"));
    let free = contact(2, "mira");
    let mut now = knowing(&[&own, &free]);
    now.link = Some(link(1, &own, true));
    now.accounts.insert(person(1), link(1, &own, true));
    let stays = question().link_existing(&now, own.id).unwrap();
    assert_eq!(stays.action, Action::Settle { contact: Some(own.id) });
    assert_eq!(question().create_new(&now), Err(Refusal::AlreadyLinked { contact: own.id }));

    let moves = question().link_existing(&now, free.id).unwrap();
    assert_eq!(moves.answer.leaves, None, "the link is cut before");
    let Some(Action::Restore { contact, turn, changes, .. }) = moves.parting else { panic!() };
    assert_eq!((contact, changes), (own.id, Vec::new()));
    assert_eq!((turn.from.link, turn.to.link, turn.to.entra), (LinkState::Active, LinkState::Cut, None));
}

#[test]
fn a_link_to_what_is_not_the_persons_is_left() {
    let elsewhere = Contact { client: OTHER, ..belonging_to(1, contact(1, "old")) };
    let mut now = knowing(&[&elsewhere]);
    now.link = Some(link(1, &elsewhere, true));
    let ruling = question().create_new(&now).unwrap();
    assert_eq!((ruling.answer.leaves, ruling.parting), (Some(elsewhere.id), None));
}

#[test]
fn a_new_contact_gets_the_first_address_that_is_free() {
    let owner = |number, local| contact(number, local);
    for (taken, expected) in [
        (vec![], Some("mira")),
        (vec!["mira"], Some("m")),
        (vec!["mira", "m"], Some("alias")),
        (vec!["mira", "m", "alias"], None),
    ] {
        let owners: Vec<Contact> = (10..).zip(&taken).map(|(number, local)| owner(number, local)).collect();
        let now = knowing(&owners.iter().collect::<Vec<_>>());
        let ruling = question().create_new(&now);
        match expected {
            Some(local) => {
                let Action::Create { facts, contact } = &ruling.as_ref().unwrap().action else { panic!() };
                assert_eq!(facts.email, address(local));
                assert_eq!(*contact, ContactId::derived(WORKSPACE, person(1), &address(local), None));
                // The question was about the first one, whichever the contact gets.
                assert_eq!(ruling.unwrap().answer.address, Some(address("mira")));
            }
            None => assert_eq!(ruling.unwrap_err().code(), "EMAIL_EXISTS"),
        }
    }
}

#[test]
fn what_was_made_for_the_person_before_is_taken_up_again() {
    let made = Contact {
        id: ContactId::derived(WORKSPACE, person(1), &address("mira"), None),
        inactive: true,
        ..contact(1, "mira")
    };
    let ruling = question().create_new(&knowing(&[&made])).unwrap();
    assert!(matches!(ruling.action, Action::Link { contact, activate: true, .. } if contact == made.id));
    assert_eq!(ruling.answer.kind, AnswerKind::CreateNew);

    // Unless it is somebody else's by now.
    let ruling = question().create_new(&knowing(&[&belonging_to(2, made)])).unwrap();
    assert!(matches!(ruling.action, Action::Create { facts, .. } if facts.email == address("m")));
}

#[test]
fn a_question_from_before_people_were_kept_can_be_answered() {
    let shown = address("mira");
    for (label, name) in [("Mira Sund", "Mira Sund"), (" ", "mira")] {
        let question = Question::new(WORKSPACE, CLIENT, person(1), None, (label, Some(&shown)));
        let ruling = question.create_new(&knowing(&[])).unwrap();
        assert!(matches!(ruling.action, Action::Create { facts, .. } if facts.full_name == name));
    }
    let nobody = Question::new(WORKSPACE, CLIENT, person(1), None, ("Mira", None));
    assert_eq!(nobody.create_new(&knowing(&[])), Err(Refusal::NoAddress));
    assert_eq!(nobody.dismiss(Some("why".to_owned())).answer.note.as_deref(), Some("why"));
}
