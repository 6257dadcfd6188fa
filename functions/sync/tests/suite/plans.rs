//! Plan pages with a line of every kind.

use domain::{
    contact::InactiveReason,
    facts::SourceFacts,
    fields::{Change, FieldChange},
    ids::{ContactId, EntraObjectId},
    plan::{Action, Candidate, Conflict, Line, PLAN_PAGE_FORMAT, Person, PlanPage, Rule},
    run::Counters,
    scope::Exclusion,
};
use uuid::Uuid;

use crate::house::{WORKSPACE, client, entra};

pub(crate) fn contact(number: u128) -> ContactId {
    ContactId::new(Uuid::from_u128(0xC0_0000 + number))
}

/// A page of these lines, with nobody beside them.
pub(crate) fn page(lines: Vec<Line>) -> PlanPage {
    let read = lines.len() as u64;
    PlanPage {
        format: PLAN_PAGE_FORMAT,
        lines,
        seen: Vec::new(),
        leavers: Vec::new(),
        asked: Vec::new(),
        guard: None,
        counters: Counters { read, ..Counters::default() },
    }
}

/// The line about person `number`.
pub(crate) fn line(number: u128, rule: Rule, action: Action) -> Line {
    let person = Person {
        object: EntraObjectId::new(Uuid::from_u128(0x0B00_0000 + number)),
        label: format!("Person {number}"),
        address: Some(format!("p{number}@acme.example").parse().unwrap()),
    };
    Line::new(WORKSPACE, entra(1), person, rule, action)
}

pub(crate) fn created(number: u128) -> Line {
    line(number, Rule::NoMatch, Action::Create { contact: contact(number), facts: facts(number) })
}

/// A line of every kind, each with the name and the bucket it has on the wire.
pub(crate) fn every_line() -> Vec<(Line, &'static str, Option<&'static str>)> {
    let changes = || vec![FieldChange::FullName(Change::new("Old".to_owned(), "New".to_owned()))];
    let reason = InactiveReason::DeletedUpstream;
    let candidate = Candidate {
        contact: contact(90),
        client: client(1),
        full_name: Some("Somebody".to_owned()),
        email: None,
        inactive: false,
    };
    let asks = Action::Review { conflict: Conflict::AddressShared, candidates: vec![candidate] };
    vec![
        (created(1), "create", Some("create")),
        (
            line(
                2,
                Rule::PrimaryAddress,
                Action::Link {
                    contact: contact(2),
                    expect: 1,
                    before: None,
                    supersedes: None,
                    activate: false,
                    changes: changes(),
                    facts: facts(2),
                },
            ),
            "link",
            Some("link"),
        ),
        (
            line(
                3,
                Rule::IdentityLink,
                Action::Update { contact: contact(3), expect: 1, changes: changes(), facts: facts(3) },
            ),
            "update",
            Some("link"),
        ),
        (
            line(
                4,
                Rule::IdentityLink,
                Action::Reactivate {
                    contact: contact(4),
                    expect: 1,
                    before: None,
                    activate: true,
                    changes: Vec::new(),
                    facts: facts(4),
                },
            ),
            "reactivate",
            Some("link"),
        ),
        (line(5, Rule::PrimaryAddress, asks), "review", Some("needs_decision")),
        (
            line(6, Rule::Vanished, Action::Hold { contact: contact(6), reason }),
            "hold",
            Some("needs_decision"),
        ),
        (
            line(
                7,
                Rule::Vanished,
                Action::MarkInactive { contact: contact(7), expect: 1, before: None, reason },
            ),
            "mark_inactive",
            Some("mark_inactive"),
        ),
        (
            line(8, Rule::Vanished, Action::NoteMissing { times: 1, since: None, reason: None }),
            "note_missing",
            Some("no_change"),
        ),
        (line(9, Rule::IdentityLink, Action::Refresh { facts: facts(9) }), "refresh", Some("no_change")),
        (line(10, Rule::Scope, Action::Exclude { reason: Exclusion::Guest, detail: None }), "exclude", None),
        (line(11, Rule::BadRecord, Action::Fail { code: "bad_record".to_owned() }), "fail", None),
    ]
}

fn facts(number: u128) -> SourceFacts {
    SourceFacts {
        full_name: format!("Person {number}"),
        email: format!("p{number}@acme.example").parse().unwrap(),
        phones: Vec::new(),
        role: None,
        department: None,
        office: None,
        company: None,
        user_principal_name: None,
        blanks: Vec::new(),
    }
}
