use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    super::{Change, Field, FieldChange, FieldRules, Origin, Overwrite, provenance},
    change, contact, saying, showing,
};
use crate::contact::{Contact, Phone, PhoneKind};

#[test]
fn phones_are_written_for_their_numbers_and_kinds_and_the_default_follows() {
    let phone =
        |number: &str, kind: PhoneKind, is_default| Phone { number: number.to_owned(), kind, is_default };
    let directory = vec![phone("1", PhoneKind::Work, true), phone("2", PhoneKind::Mobile, false)];
    let rules = FieldRules { phones: Overwrite::Always.into(), ..FieldRules::default() };
    let facts = crate::facts::SourceFacts { phones: directory.clone(), ..super::facts() };
    for (case, local, is_written) in [
        ("the same", directory.clone(), false),
        (
            "another default",
            vec![phone("1", PhoneKind::Work, false), phone("2", PhoneKind::Mobile, true)],
            false,
        ),
        ("another order", vec![directory[1].clone(), directory[0].clone()], true),
        ("another kind", vec![phone("1", PhoneKind::Work, true), phone("2", PhoneKind::Work, false)], true),
        ("one missing", vec![directory[0].clone()], true),
        ("none", Vec::new(), true),
    ] {
        let mut shown = contact();
        shown.values.phones = local;
        let changes = rules.changes(&shown, None, &facts);
        assert_eq!(changes.len(), usize::from(is_written), "{case}");
        if let Some(change) = changes.first() {
            change.apply(&mut shown);
            assert_eq!(shown.values.phones, directory, "{case}");
        }
    }
}

#[test]
fn where_a_value_is_from() {
    for (field, local, base, value, origin) in [
        (Field::Role, "Owner", Some("Owner"), Some("Owner"), Origin::Synced),
        (Field::Role, "Chair", Some("Owner"), Some("Chair"), Origin::Edited),
        (Field::Role, "", Some("Owner"), None, Origin::Edited),
        (Field::Role, "Chair", Some(""), Some("Chair"), Origin::Edited),
        (Field::Role, "", Some(""), None, Origin::Synced),
        (Field::Role, "Chair", None, Some("Chair"), Origin::NeverSynced),
        (Field::Email, "a@acme.example", Some("a@acme.example"), Some("a@acme.example"), Origin::Synced),
        (Field::FullName, "mira", Some("mira"), Some("mira"), Origin::Synced),
        (Field::Phones, "1, 2", Some("1, 2"), Some("1, 2"), Origin::Synced),
        (Field::Phones, "2, 1", Some("1, 2"), Some("2, 1"), Origin::Edited),
        (Field::UserPrincipalName, "a@b", Some("a@c"), Some("a@b"), Origin::Edited),
        (Field::Department, "Care", Some("Care"), Some("Care"), Origin::Synced),
        (Field::Office, "Oslo", Some("Bergen"), Some("Oslo"), Origin::Edited),
        (Field::Company, "Acme", None, Some("Acme"), Origin::NeverSynced),
    ] {
        let base = base.map(|base| saying(field, base));
        let found = provenance(field, &showing(field, local, contact()), base.as_ref());
        assert_eq!((found.value.as_deref(), found.origin), (value, origin), "{field:?}, {local}");
    }
    let found = provenance(
        Field::Role,
        &showing(Field::Role, "Chair", contact()),
        Some(&saying(Field::Role, "Owner")),
    );
    assert_eq!(found.synced.as_deref(), Some("Owner"));
}

#[test]
fn a_change_is_one_flat_object() {
    let role = |old: &str, new: &str, over_edit| {
        let texts = Change { over_edit, ..Change::new(super::text(old), super::text(new)) };
        FieldChange::Role(texts)
    };
    for (json, change) in [
        (json!({"field": "role", "old": null, "new": "Owner"}), role("", "Owner", false)),
        (json!({"field": "role", "old": "Owner", "new": null}), role("Owner", "", false)),
        (
            json!({"field": "role", "old": "Chair", "new": "Owner", "overEdit": true}),
            role("Chair", "Owner", true),
        ),
        (
            json!({"field": "email", "old": "a@b.example", "new": null}),
            change(Field::Email, "a@b.example", ""),
        ),
        (json!({"field": "fullName", "old": "Mira", "new": ""}), change(Field::FullName, "Mira", "")),
        (json!({"field": "office", "old": "Oslo", "new": "Bergen"}), change(Field::Office, "Oslo", "Bergen")),
        (
            json!({"field": "phones", "old": [{"number": "1", "kind": "work", "isDefault": false}], "new": []}),
            change(Field::Phones, "1", ""),
        ),
    ] {
        assert_eq!(serde_json::to_value(&change).unwrap(), json);
        assert_eq!(serde_json::from_value::<FieldChange>(json).unwrap(), change);
    }
    let absent: Value = json!({"field": "department", "old": "Care"});
    assert_eq!(serde_json::from_value::<FieldChange>(absent).unwrap(), change(Field::Department, "Care", ""));
    // A damaged line must not read as one that empties a name.
    serde_json::from_value::<FieldChange>(json!({"field": "fullName", "old": "Mira"})).unwrap_err();
}

fn value(field: Field) -> BoxedStrategy<String> {
    match field {
        Field::Email => prop_oneof!["[a-c]{1,2}@acme\\.example", Just(String::new())].boxed(),
        Field::Phones => "([1-3](, [1-3]){0,2})?".boxed(),
        _ => "[a-c ]{0,3}".boxed(),
    }
}

/// A contact, tied to a directory or not, and a change of a field from what it shows.
fn scene() -> impl Strategy<Value = (Contact, FieldChange)> {
    let field = prop::sample::select(&Field::ALL);
    field.prop_flat_map(|field| {
        (value(field), value(field), any::<[bool; 3]>()).prop_map(
            move |(old, new, [is_tied, is_default, over])| {
                let mut contact = showing(field, &old, contact());
                if let Some(phone) = contact.values.phones.first_mut() {
                    phone.is_default = is_default;
                }
                if !is_tied {
                    contact.entra = None;
                }
                let mut change = change(field, &old, &new);
                match &mut change {
                    FieldChange::Phones(phones) => phones.old.clone_from(&contact.values.phones),
                    FieldChange::Role(role) => role.over_edit = over,
                    FieldChange::UserPrincipalName(name) if !is_tied => name.old = None,
                    _ => {}
                }
                (contact, change)
            },
        )
    })
}

proptest! {
    #[test]
    fn a_change_and_its_inverse_restore_the_contact((before, change) in scene()) {
        let mut contact = before.clone();
        change.apply(&mut contact);
        let is_tied = contact.entra.is_some() || change.field() != Field::UserPrincipalName;
        prop_assert!(change.is_in_place(&contact) || !is_tied);
        change.inverse().apply(&mut contact);
        prop_assert!(change.inverse().is_in_place(&contact));
        prop_assert_eq!(&contact, &before);
        change.inverse().inverse().apply(&mut contact);
        prop_assert!(change.is_in_place(&contact) || !is_tied);
    }

    #[test]
    fn a_change_is_in_place_until_somebody_edits((before, change) in scene(), edit in "[d-f]{1,3}") {
        let mut contact = before;
        change.apply(&mut contact);
        match &change {
            FieldChange::Email(_) => contact.values.email = format!("{edit}@acme.example").parse().ok(),
            FieldChange::UserPrincipalName(_) if contact.entra.is_none() => return Ok(()),
            _ => contact = showing(change.field(), &edit, contact),
        }
        prop_assert!(!change.is_in_place(&contact));
    }
}
