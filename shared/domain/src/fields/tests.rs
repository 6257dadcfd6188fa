mod changes;
mod configuration;
mod kept;
mod truth_table;

use serde_json::json;
use uuid::Uuid;

use super::{Change, Field, FieldChange};
use crate::{
    contact::{Contact, Phone, PhoneKind},
    facts::SourceFacts,
};

/// A contact that a directory is tied to and that shows nothing.
fn contact() -> Contact {
    let id = Uuid::nil();
    serde_json::from_value(json!({
        "id": id, "client": id, "version": 1, "fullName": "",
        "entra": {"identity": {"tenant": id, "object": id}},
    }))
    .unwrap()
}

/// What a directory says of somebody who has nothing but an address.
fn facts() -> SourceFacts {
    serde_json::from_value(json!({"fullName": "mira", "email": "mira@acme.example"})).unwrap()
}

/// `contact` with one field that shows `value`; a blank shows nothing.
fn showing(field: Field, value: &str, mut contact: Contact) -> Contact {
    change(field, "", value).apply(&mut contact);
    contact
}

/// Facts in which the directory says `value` of one field.
fn saying(field: Field, value: &str) -> SourceFacts {
    let mut facts = facts();
    match field {
        Field::Company => facts.company = text(value),
        Field::Department => facts.department = text(value),
        Field::Email => facts.email = value.parse().unwrap(),
        Field::FullName => value.clone_into(&mut facts.full_name),
        Field::Office => facts.office = text(value),
        Field::Phones => facts.phones = phones(value),
        Field::Role => facts.role = text(value),
        Field::UserPrincipalName => facts.user_principal_name = text(value),
    }
    facts
}

fn change(field: Field, old: &str, new: &str) -> FieldChange {
    let texts = || Change::new(text(old), text(new));
    match field {
        Field::Company => FieldChange::Company(texts()),
        Field::Department => FieldChange::Department(texts()),
        Field::Email => FieldChange::Email(Change::new(old.parse().ok(), new.parse().ok())),
        Field::FullName => FieldChange::FullName(Change::new(old.to_owned(), new.to_owned())),
        Field::Office => FieldChange::Office(texts()),
        Field::Phones => FieldChange::Phones(Change::new(phones(old), phones(new))),
        Field::Role => FieldChange::Role(texts()),
        Field::UserPrincipalName => FieldChange::UserPrincipalName(texts()),
    }
}

fn text(value: &str) -> Option<String> {
    (!value.is_empty()).then(|| value.to_owned())
}

fn phones(value: &str) -> Vec<Phone> {
    let phone = |number: &str| Phone { number: number.to_owned(), kind: PhoneKind::Work, is_default: false };
    value.split(", ").filter(|number| !number.is_empty()).map(phone).collect()
}
