//! What an undo makes of a line, by what has become of the contact since.

mod protected;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::{
    contact::{ContactValues, EntraStamp},
    fields::Change,
    ids::{ClientId, EntraObjectId, EntraTenantId, LineId, WorkspaceId},
    plan::{Person, Rule},
};

const ACTIONS: [&str; 8] =
    ["create", "link", "take over", "update", "reactivate", "inactivate", "restore", "refresh"];
const SINCE: [&str; 6] = ["as left", "edited", "switched", "another's", "unlinked", "gone"];

/// What the run did × what has happened to the contact since: nothing; a human has changed one of two
/// fields that the run wrote; a human has made it inactive, or active; it belongs to another account;
/// it is tied to nobody; it is not there. Then the same when only the role is to be taken back.
///
/// `back` turns the contact and its link back, fields included; `fields` puts fields back and leaves
/// the rest; `leave` leaves it with a reason; `-` has nothing to say. `+` names what was kept.
const TABLE: &str = "
    line       | as left | edited  | switched | another's | unlinked | gone
    create     | back    | back    | leave    | leave     | leave    | leave
    link       | back    | back+   | fields   | fields    | fields   | leave
    take over  | back    | back+   | fields   | fields    | fields   | leave
    update     | fields  | fields+ | fields   | fields    | fields   | leave
    reactivate | back    | back+   | fields   | fields    | fields   | leave
    inactivate | back    | back    | leave    | leave     | leave    | leave
    restore    | back    | back+   | fields   | fields    | back     | leave
    refresh    | -       | -       | -        | -         | -        | -
    only role  |         |         |          |           |          |
    create     | -       | -       | -        | -         | -        | -
    link       | fields  | leave+  | fields   | fields    | fields   | leave
    take over  | fields  | leave+  | fields   | fields    | fields   | leave
    update     | fields  | leave+  | fields   | fields    | fields   | leave
    reactivate | fields  | leave+  | fields   | fields    | fields   | leave
    inactivate | -       | -       | -        | -         | -        | -
    restore    | fields  | leave+  | fields   | fields    | fields   | leave
    refresh    | -       | -       | -        | -         | -        | -
";

fn object(number: u128) -> EntraObjectId {
    EntraObjectId::new(Uuid::from_u128(number))
}

fn identity(number: u128) -> Identity {
    Identity { tenant: EntraTenantId::new(Uuid::from_u128(0x7E)), object: object(number) }
}

fn stamp(number: u128, inactive_reason: Option<InactiveReason>) -> EntraStamp {
    let account_enabled = Some(true);
    EntraStamp { identity: identity(number), user_principal_name: None, account_enabled, inactive_reason }
}

fn client() -> ClientId {
    ClientId::new(Uuid::from_u128(0xC11E))
}

/// The contact before the run; `None` when the run makes it.
fn before(action: &str) -> Option<Contact> {
    let (inactive, entra) = match action {
        "create" => return None,
        "link" | "restore" => (false, None),
        "take over" => (true, Some(stamp(2, Some(InactiveReason::DisabledUpstream)))),
        "reactivate" => (true, Some(stamp(1, Some(InactiveReason::DeletedUpstream)))),
        _ => (false, Some(stamp(1, None))),
    };
    Some(Contact {
        id: ContactId::new(Uuid::from_u128(7)),
        client: client(),
        version: 3,
        values: ContactValues {
            full_name: "Mira Sund".to_owned(),
            role: Some("Chair".to_owned()),
            ..ContactValues::default()
        },
        additional_emails: Vec::new(),
        inactive,
        protected: false,
        protected_fields: BTreeSet::new(),
        entra,
        line: None,
    })
}

/// The line of the run.
fn line(action: &str) -> Line {
    let facts = json!({
        "fullName": "Mira Sund", "email": "mira@acme.example", "role": "Dentist", "office": "Oslo",
    });
    let facts: crate::facts::SourceFacts = serde_json::from_value(facts).unwrap();
    let (contact, expect) = (ContactId::new(Uuid::from_u128(7)), 3);
    let text = |text: &str| Some(text.to_owned());
    let changes = vec![
        FieldChange::Role(Change::new(text("Chair"), text("Dentist"))),
        FieldChange::Office(Change::new(None, text("Oslo"))),
    ];
    let state = |link| {
        let before = before(action).unwrap();
        Some(Box::new(ContactState { inactive: before.inactive, entra: before.entra, link }))
    };
    let action = match action {
        "create" => Action::Create { contact, facts },
        "link" | "take over" => {
            let supersedes = (action == "take over").then(|| object(2));
            let (before, activate) = (state(LinkState::Cut), supersedes.is_some());
            Action::Link { contact, expect, before, supersedes, activate, changes, facts }
        }
        "update" => Action::Update { contact, expect, changes, facts },
        "reactivate" => {
            let before = state(LinkState::Inactive);
            Action::Reactivate { contact, expect, before, activate: true, changes, facts }
        }
        "inactivate" => {
            let reason = InactiveReason::DisabledUpstream;
            Action::MarkInactive { contact, expect, before: state(LinkState::Active), reason }
        }
        // An undo of the line `link`.
        "restore" => {
            let linked = after("link");
            way_back(&line("link"), identity(1), Some(&linked), &UndoScope::default(), &BTreeMap::new())
                .unwrap()
        }
        _ => Action::Refresh { facts },
    };
    let person = Person { object: object(1), label: "Mira Sund".to_owned(), address: None };
    let (workspace, tenant) = (WorkspaceId::new(Uuid::from_u128(0x3A)), identity(1).tenant);
    Line::new(workspace, tenant, person, Rule::IdentityLink, action)
}

/// The contact as the run left it.
fn after(action: &str) -> Contact {
    let before = if action == "restore" { Some(after("link")) } else { before(action) };
    let line = line(action);
    line.action.contact_after(client(), identity(1), line.id, before.as_ref()).or(before).unwrap()
}

/// The contact as it is when the undo is made.
fn now(action: &str, since: &str) -> Option<Contact> {
    let mut contact = after(action);
    match since {
        "edited" => contact.values.role = Some("Owner".to_owned()),
        "switched" => contact.inactive = !contact.inactive,
        "another's" => contact.entra = Some(stamp(9, None)),
        "unlinked" => contact.entra = None,
        "gone" => return None,
        _ => return Some(contact),
    }
    contact.version += 1;
    Some(contact)
}

fn outcome(action: &str, since: &str, scope: &UndoScope) -> String {
    let now = now(action, since);
    let Some(back) = way_back(&line(action), identity(1), now.as_ref(), scope, &BTreeMap::new()) else {
        return "-".to_owned();
    };
    let case = format!("{action}, {since}, {scope:?}");
    let (word, kept) = match &back {
        Action::Leave { code, kept, .. } => {
            let expected = if since == "gone" { "contact_missing" } else { "changed_since" };
            assert_eq!(code, expected, "{case}");
            ("leave", kept)
        }
        Action::Restore { changes, turn, kept, .. } if turn.from == turn.to => {
            assert!(!changes.is_empty(), "{case}: nothing to do");
            ("fields", kept)
        }
        Action::Restore { kept, .. } => ("back", kept),
        other => panic!("{case}: {other:?}"),
    };
    if let Some(now) = &now {
        check(&back, now, &case);
    }
    let expected: &[(String, String)] = &[("role".to_owned(), "Owner".to_owned())];
    assert!(kept.is_empty() || kept == expected, "{case}: {kept:?}");
    format!("{word}{}", if kept.is_empty() { "" } else { "+" })
}

/// What no way back may do, whatever it says.
fn check(back: &Action, now: &Contact, case: &str) {
    let written = back.contact_after(client(), identity(1), LineId::new(Uuid::nil()), Some(now));
    let after = written.as_ref().unwrap_or(now);
    let is_edited = now.values.role.as_deref() == Some("Owner");
    assert!(!is_edited || after.values.role == now.values.role, "{case}: an edit is lost");
    let is_anothers = now.entra.as_ref().is_some_and(|stamp| stamp.identity == identity(9));
    assert!(
        !is_anothers || (after.entra == now.entra, after.inactive == now.inactive) == (true, true),
        "{case}"
    );
}

#[test]
fn every_line_by_what_has_happened_since() {
    let mut scope = UndoScope::default();
    let mut seen = BTreeSet::new();
    for row in TABLE.lines().filter(|row| !row.trim().is_empty()).skip(1) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        if cells[0] == "only role" {
            scope = UndoScope::of(Vec::new(), [Field::Role]);
            continue;
        }
        for (since, cell) in SINCE.into_iter().zip(&cells[1..]) {
            assert_eq!(outcome(cells[0], since, &scope), *cell, "{}, {since}, {scope:?}", cells[0]);
            assert!(seen.insert((cells[0], since, scope.fields.is_some())), "{row}");
        }
    }
    let all = ACTIONS.into_iter().flat_map(|action| {
        SINCE.into_iter().flat_map(move |since| [(action, since, false), (action, since, true)])
    });
    assert_eq!(seen, all.collect(), "every combination, once");
}

#[test]
fn an_undo_is_about_nobody_but_those_it_names() {
    for action in ACTIONS {
        let person = |number| UndoScope { people: vec![object(number)], ..UndoScope::default() };
        let phones = UndoScope::of(Vec::new(), [Field::Phones]);
        assert_eq!(outcome(action, "as left", &person(2)), "-", "{action}");
        assert_eq!(outcome(action, "as left", &phones), "-", "{action}");
        let whole = outcome(action, "as left", &UndoScope::default());
        assert_eq!(outcome(action, "as left", &person(1)), whole, "{action}");
    }
}

/// The way back leads to where the run began, and its way back to where the run ended.
#[test]
fn there_and_back_and_there_again() {
    let scope = UndoScope::default();
    let shown = |contact: &Contact| -> Value {
        let mut shown = json!(contact);
        let parts = shown.as_object_mut().unwrap();
        parts.remove("version");
        parts.remove("line");
        shown
    };
    for action in ACTIONS.into_iter().filter(|action| *action != "refresh") {
        let there = after(action);
        let back = way_back(&line(action), identity(1), Some(&there), &scope, &BTreeMap::new()).unwrap();
        let undone =
            back.contact_after(client(), identity(1), LineId::new(Uuid::nil()), Some(&there)).unwrap();
        match before(action) {
            // Nothing is deleted.
            None => assert!(undone.inactive && undone.entra.is_none()),
            Some(_) if action == "restore" => assert_eq!(shown(&undone), shown(&after("link"))),
            Some(before) => assert_eq!(shown(&undone), shown(&before), "{action}"),
        }
        let undo = Line { action: back, ..line(action) };
        let again = way_back(&undo, identity(1), Some(&undone), &scope, &BTreeMap::new()).unwrap();
        let again =
            again.contact_after(client(), identity(1), LineId::new(Uuid::nil()), Some(&undone)).unwrap();
        assert_eq!(shown(&again), shown(&there), "{action}");
    }
}

/// As it was stored before fields were checked: by their labels, and whatever else was typed.
#[test]
fn scopes_of_old_runs_are_read() {
    let read = |fields: Value| -> UndoScope { serde_json::from_value(json!({ "fields": fields })).unwrap() };
    let all: Vec<&str> = Field::ALL.into_iter().map(Field::label).collect();
    assert_eq!(read(json!(all)), UndoScope::of(Vec::new(), Field::ALL));
    assert_eq!(serde_json::from_value::<UndoScope>(json!({})).unwrap(), UndoScope::default());
    // What named no field took nothing back.
    let nothing = read(json!(["fax"]));
    assert_eq!(outcome("update", "as left", &nothing), "-");
    assert_eq!(outcome("create", "as left", &nothing), "-");
    for scope in [nothing, UndoScope::default(), UndoScope::of(vec![object(1)], [Field::FullName])] {
        assert_eq!(serde_json::from_value::<UndoScope>(json!(scope)).unwrap(), scope);
    }
}

/// Active again in between, and inactive by a human now: not what the run has left.
#[test]
fn what_a_human_has_made_inactive_since_stays_so() {
    let mut contact = after("inactivate");
    let before =
        way_back(&line("inactivate"), identity(1), Some(&contact), &UndoScope::default(), &BTreeMap::new());
    assert!(matches!(before, Some(Action::Restore { .. })), "{before:?}");
    contact.entra.as_mut().unwrap().inactive_reason = None;
    contact.version += 2;
    let back =
        way_back(&line("inactivate"), identity(1), Some(&contact), &UndoScope::default(), &BTreeMap::new());
    assert!(matches!(&back, Some(Action::Leave { code, .. }) if code == "changed_since"), "{back:?}");
}

/// Whose the former address is by now: nobody's, the contact's own as an additional one, or another contact's.
#[test]
fn a_former_address_that_is_anothers_stays_there_and_the_rest_goes_back() {
    let mut line = line("update");
    let Action::Update { contact, changes, .. } = &mut line.action else { unreachable!() };
    let contact = *contact;
    let address = |text: &str| -> EmailAddress { text.parse().unwrap() };
    changes.push(FieldChange::Email(Change::new(
        Some(address("former@acme.example")),
        Some(address("mira@acme.example")),
    )));
    let mut now = now("update", "as left").unwrap();
    now.values.email = Some(address("mira@acme.example"));
    let another = ContactId::new(Uuid::from_u128(8));
    let everything = UndoScope::default;
    let only_address = || UndoScope::of(Vec::new(), [Field::Email]);
    for (owner, scope, told) in [
        (None, everything(), "Restore: role, office, e-mail; kept -"),
        (Some(contact), everything(), "Restore: role, office, e-mail; kept -"),
        (Some(another), everything(), "Restore: role, office; kept e-mail"),
        (None, only_address(), "Restore: e-mail; kept -"),
        (Some(another), only_address(), "Leave address_taken; kept e-mail"),
        (Some(another), UndoScope::of(Vec::new(), [Field::Role]), "Restore: role; kept -"),
    ] {
        let owner = owner.map(|contact| Owner { client: client(), contact, additional: true });
        let owners = owner.map(|owner| (address("former@acme.example"), owner)).into_iter().collect();
        let back = way_back(&line, identity(1), Some(&now), &scope, &owners).unwrap();
        let listed = |labels: Vec<&str>| if labels.is_empty() { "-".to_owned() } else { labels.join(", ") };
        let (what, kept) = match &back {
            Action::Restore { changes, kept, .. } => {
                let fields = changes.iter().map(|change| change.field().label()).collect();
                (format!("Restore: {}", listed(fields)), kept)
            }
            Action::Leave { code, kept, .. } => (format!("Leave {code}"), kept),
            other => panic!("{other:?}"),
        };
        let kept = kept.iter().map(|(label, _)| label.as_str()).collect();
        assert_eq!(format!("{what}; kept {}", listed(kept)), told, "{owner:?}, {scope:?}");
    }
}
