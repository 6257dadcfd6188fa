//! What is protected stays, and is named.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::super::*;
use crate::{
    contact::{ContactValues, EntraStamp},
    facts::SourceFacts,
    fields::{Change, Field},
    ids::{ClientId, EntraObjectId, EntraTenantId, LineId, WorkspaceId},
    plan::{Person, Rule},
};

const WHO: Identity = Identity {
    tenant: EntraTenantId::new(Uuid::from_u128(1)),
    object: EntraObjectId::new(Uuid::from_u128(2)),
};
const ID: ContactId = ContactId::new(Uuid::from_u128(3));

#[test]
fn what_is_protected_by_now_is_left_and_named() {
    let line = update();
    let kept = |fields: &[(&str, &str)]| -> Vec<(String, String)> {
        fields.iter().map(|(field, value)| ((*field).to_owned(), (*value).to_owned())).collect()
    };
    let mut now = after(&line);
    now.protected_fields = BTreeSet::from([Field::Role]);
    let Some(Action::Restore { changes, kept: left, .. }) = back(&line, &now, UndoScope::default()) else {
        panic!("the department goes back");
    };
    assert_eq!(changes, [FieldChange::Department(Change::new(Some("Sales".to_owned()), None))]);
    assert_eq!(left, kept(&[("role", "Lead")]));

    now.protected = true;
    let whole = leave(ID, "contact_protected", kept(&[("role", "Lead"), ("department", "Sales")]));
    assert_eq!(back(&line, &now, UndoScope::default()), Some(whole));
    let role = UndoScope::of(Vec::new(), [Field::Role]);
    assert_eq!(back(&line, &now, role), Some(leave(ID, "contact_protected", kept(&[("role", "Lead")]))));
    let office = UndoScope::of(Vec::new(), [Field::Office]);
    assert_eq!(back(&line, &now, office), None, "no line about it");
}

#[test]
fn a_protected_contact_stays_active_and_linked() {
    let create = line(Action::Create { contact: ID, facts: facts() });
    let mut now = create.action.contact_after(client(), WHO, create.id, None).unwrap();
    assert!(matches!(back(&create, &now, UndoScope::default()), Some(Action::Restore { .. })));
    now.protected = true;
    let left = leave(ID, "contact_protected", Vec::new());
    assert_eq!(back(&create, &now, UndoScope::default()), Some(left));
}

fn back(line: &Line, now: &Contact, scope: UndoScope) -> Option<Action> {
    way_back(line, WHO, Some(now), &scope, &BTreeMap::new())
}

fn update() -> Line {
    let text = |text: &str| Change::new(None, Some(text.to_owned()));
    let changes = vec![FieldChange::Role(text("Lead")), FieldChange::Department(text("Sales"))];
    line(Action::Update { contact: ID, expect: 1, changes, facts: facts() })
}

fn after(line: &Line) -> Contact {
    let before = Contact {
        id: ID,
        client: client(),
        version: 1,
        values: ContactValues { full_name: "Ada".to_owned(), ..ContactValues::default() },
        additional_emails: Vec::new(),
        inactive: false,
        protected: false,
        protected_fields: BTreeSet::new(),
        entra: Some(EntraStamp {
            identity: WHO,
            user_principal_name: None,
            account_enabled: Some(true),
            inactive_reason: None,
        }),
        line: None::<LineId>,
    };
    line.action.contact_after(client(), WHO, line.id, Some(&before)).unwrap()
}

fn client() -> ClientId {
    ClientId::new(Uuid::from_u128(4))
}

fn facts() -> SourceFacts {
    SourceFacts {
        email: "ada@example.com".parse().unwrap(),
        full_name: "Ada".to_owned(),
        user_principal_name: None,
        blanks: Vec::new(),
        phones: Vec::new(),
        role: None,
        department: None,
        office: None,
        company: None,
    }
}

fn line(action: Action) -> Line {
    let person = Person { object: WHO.object, label: "Ada".to_owned(), address: None };
    Line::new(WorkspaceId::new(Uuid::from_u128(5)), WHO.tenant, person, Rule::IdentityLink, action)
}
