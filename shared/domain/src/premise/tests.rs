use uuid::Uuid;

use super::*;
use crate::{
    contact::{Fingerprint, InactiveReason, Link},
    facts::SourceFacts,
    ids::{ClientId, ContactId, EntraTenantId, Identity, WorkspaceId},
    plan::{Person, Rule},
};

fn tenant() -> EntraTenantId {
    EntraTenantId::new(Uuid::from_u128(9))
}

fn object() -> EntraObjectId {
    EntraObjectId::new(Uuid::from_u128(1))
}

fn contact(number: u128) -> ContactId {
    ContactId::new(Uuid::from_u128(number))
}

fn line(action: Action) -> Line {
    let person = Person { object: object(), label: "Mira Sund".to_owned(), address: None };
    Line::new(WorkspaceId::new(Uuid::from_u128(8)), tenant(), person, Rule::NoMatch, action)
}

fn linked(to: u128, active: bool, keep: bool) -> KnownPerson {
    let link = Link {
        identity: Identity { tenant: tenant(), object: object() },
        contact: contact(to),
        client: ClientId::new(Uuid::from_u128(7)),
        active,
        fingerprint: Fingerprint(1),
        missing: 0,
        missing_since: None,
        keep,
    };
    KnownPerson { link: Some(link), ..KnownPerson::default() }
}

fn decided(review: ReviewState) -> KnownPerson {
    KnownPerson { review: Some(review), ..KnownPerson::default() }
}

fn facts() -> SourceFacts {
    SourceFacts {
        full_name: "Mira Sund".to_owned(),
        email: "mira@b.example".parse().unwrap(),
        phones: Vec::new(),
        role: None,
        department: None,
        office: None,
        company: None,
        user_principal_name: None,
        blanks: Vec::new(),
    }
}

#[test]
fn what_others_have_seen_and_decided_since_the_plan_counts() {
    let create = line(Action::Create { contact: contact(1), facts: facts() });
    let gone = line(Action::MarkInactive {
        contact: contact(1),
        expect: 1,
        reason: InactiveReason::DisabledUpstream,
        before: None,
    });
    let note = line(Action::NoteMissing { times: 1, since: None, reason: None });
    let refresh = line(Action::Refresh { facts: facts() });
    let nobody = KnownPerson::default;
    let parted = || KnownPerson { parted: true, ..KnownPerson::default() };
    let first = Since::default();
    let passed = Since { read: true, open: BTreeSet::new() };
    let open = Since { read: true, open: BTreeSet::from([object()]) };
    let read_since = Some(READ_SINCE);
    // The line, what is known of the person, and why it is forbidden: when no sync has read the tenant since, when one
    // has and is done with the person, and when it has left the person open.
    for (name, line, now, expected) in [
        ("a new contact", &create, nobody(), [None, read_since, None]),
        ("made already", &create, linked(1, true, false), [None, None, None]),
        ("linked to another one", &create, linked(2, true, false), [Some("linked_elsewhere"); 3]),
        ("rejected", &create, decided(ReviewState::Rejected), [Some(REJECTED); 3]),
        ("dismissed", &create, decided(ReviewState::Dismissed), [Some("dismissed"); 3]),
        ("unlinked for good", &create, parted(), [Some("unlinked"); 3]),
        ("gone", &gone, linked(1, true, false), [None, read_since, None]),
        ("kept by an operator", &gone, linked(1, true, true), [Some(REJECTED), read_since, Some(REJECTED)]),
        ("missing for once", &note, linked(1, true, false), [None, read_since, None]),
        ("seen", &refresh, linked(1, true, false), [None, read_since, None]),
    ] {
        let told = [&first, &passed, &open].map(|since| since.forbids(line, &now));
        assert_eq!(told, expected, "{name}");
        assert!(Since::asks_about(&line.action), "{name}");
    }
}
