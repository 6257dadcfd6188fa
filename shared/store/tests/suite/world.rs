//! A small client with people in every state, and a line of every kind for them.

use domain::{
    contact::{EntraStamp, InactiveReason},
    fields::{Change, FieldChange},
    ids::{ContactId, Identity},
    plan::{
        About, Action, Answer, AnswerKind, Candidate, Conflict, ContactState, Line, LinkState, PlanPage,
        Rule, Turn,
    },
    scope::Exclusion,
};
use store::Upserted;

use super::{
    backend::{Backend, Table},
    make::{
        CLIENT, OTHER_CLIENT, TENANT, WORKSPACE, address, apply, contact, facts, input, line, object, page,
    },
};

/// A line of one kind, and what it costs.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) person: u32,
    pub(crate) line: Line,
    /// Calls that applying the line makes, the reading of the contact included.
    pub(crate) calls: &'static str,
    pub(crate) writes: u64,
}

/// The contact that was made for a person.
pub(crate) fn made(person: u32) -> ContactId {
    let identity = Identity { tenant: TENANT, object: object(person) };
    ContactId::derived(WORKSPACE, identity, &address(&format!("p{person}")), None)
}

/// The line that makes a contact for a person.
pub(crate) fn creation(person: u32) -> Line {
    let facts = facts(&format!("p{person}"));
    line(person, Rule::NoMatch, Action::Create { contact: made(person), facts })
}

/// A table in which every line of [`cases`] can be applied: 2, 3 and 14 are the PSA's contacts, 4
/// to 9, 17 and 18 are linked, 6 was made inactive, 14 and 15 wait for an answer, and 16 has one.
pub(crate) async fn world(backend: &Backend) -> Table {
    let table = backend.table().await;
    for (number, local) in [(2, "p2"), (3, "old3"), (14, "p14")] {
        let upserted = table.store.upsert_contact(WORKSPACE, &input(number, local)).await.unwrap();
        assert_eq!(upserted, Upserted::Created);
    }
    apply(&table.store, &page((4..=9).chain([17, 18]).map(creation).collect())).await;
    apply(&table.store, &page(vec![inactivation(6), question(14), question(15), question(16)])).await;
    apply(&table.store, &page(vec![settlement(16)])).await;
    table.probe.reset();
    table
}

/// One page with a line of every kind.
pub(crate) fn everything() -> PlanPage {
    page(cases().into_iter().map(|case| case.line).collect())
}

/// A line of every kind.
pub(crate) fn cases() -> Vec<Case> {
    let read_and_two = "BatchGetItem 1, PutItem 2";
    vec![
        Case { name: "create", person: 1, line: creation(1), calls: "PutItem 3", writes: 3 },
        Case { name: "link", person: 2, line: link(2, "p2", Vec::new()), calls: read_and_two, writes: 2 },
        Case {
            name: "link with another address",
            person: 3,
            line: link(3, "p3", vec![renaming(3), moving("old3", "p3")]),
            calls: "BatchGetItem 1, PutItem 3, UpdateItem 1",
            writes: 4,
        },
        Case {
            name: "update",
            person: 4,
            line: update(4, "p4", vec![renaming(4)]),
            calls: read_and_two,
            writes: 2,
        },
        Case {
            name: "update of the address",
            person: 5,
            line: update(5, "new5", vec![moving("p5", "new5")]),
            calls: "BatchGetItem 1, PutItem 3, UpdateItem 1",
            writes: 4,
        },
        Case { name: "reactivate", person: 6, line: reactivation(6), calls: read_and_two, writes: 2 },
        Case {
            name: "mark inactive",
            person: 7,
            line: inactivation(7),
            calls: "BatchGetItem 1, PutItem 1, UpdateItem 1",
            writes: 2,
        },
        Case {
            name: "note missing",
            person: 8,
            line: line(8, Rule::Vanished, Action::NoteMissing { times: 1, since: None, reason: None }),
            calls: "UpdateItem 1",
            writes: 1,
        },
        Case {
            name: "refresh",
            person: 9,
            line: line(9, Rule::IdentityLink, Action::Refresh { facts: facts("renamed9") }),
            calls: "UpdateItem 1",
            writes: 1,
        },
        Case { name: "review", person: 10, line: question(10), calls: "PutItem 1, UpdateItem 1", writes: 2 },
        Case { name: "answer", person: 15, line: settlement(15), calls: "UpdateItem 1", writes: 1 },
        Case {
            name: "answer that is taken back",
            person: 16,
            line: taken_back(16),
            calls: "UpdateItem 1",
            writes: 1,
        },
        Case {
            name: "exclude",
            person: 11,
            line: line(11, Rule::Scope, Action::Exclude { reason: Exclusion::Guest, detail: None }),
            calls: "",
            writes: 0,
        },
        Case {
            name: "fail",
            person: 12,
            line: line(12, Rule::BadRecord, Action::Fail { code: "bad_record".to_owned() }),
            calls: "",
            writes: 0,
        },
        Case {
            name: "link that answers a question",
            person: 14,
            line: link(14, "p14", Vec::new()).answering_review(true),
            calls: "BatchGetItem 1, PutItem 2, UpdateItem 1",
            writes: 3,
        },
        Case { name: "hold", person: 13, line: hold(13), calls: "", writes: 0 },
        Case {
            name: "unlink",
            person: 17,
            line: unlink(17, Some(1)),
            calls: "BatchGetItem 1, TransactWriteItems 1",
            writes: 1,
        },
        Case {
            name: "unlink from nothing",
            person: 18,
            line: unlink(18, None),
            calls: "UpdateItem 1",
            writes: 1,
        },
    ]
}

/// The line that ends a person's link for good; without `expect`, the link alone.
pub(crate) fn unlink(person: u32, expect: Option<u64>) -> Line {
    let entra = expect.map(|_| EntraStamp {
        identity: Identity { tenant: TENANT, object: object(person) },
        user_principal_name: facts(&format!("p{person}")).user_principal_name,
        account_enabled: Some(true),
        inactive_reason: None,
    });
    let from = ContactState { inactive: false, entra, link: LinkState::Active };
    let to = ContactState { inactive: false, entra: None, link: LinkState::Parted };
    let turn = Box::new(Turn { from, to });
    line(person, Rule::Ledger, Action::Unlink { contact: made(person), expect, turn })
}

/// The line that asks a human whose address a person has.
pub(crate) fn question(person: u32) -> Line {
    let candidate = |number, client| Candidate {
        contact: contact(number),
        client,
        full_name: (client == CLIENT).then(|| format!("Candidate {number}")),
        email: (client == CLIENT).then(|| address("p2")),
        inactive: false,
    };
    let candidates = vec![candidate(2, CLIENT), candidate(90, OTHER_CLIENT)];
    let action = Action::Review { conflict: Conflict::MultipleEmailMatches, candidates };
    line(person, Rule::PrimaryAddress, action)
}

/// The same with what the directory says of the person.
pub(crate) fn question_about(person: u32) -> Line {
    let about =
        About { facts: Some(facts(&format!("p{person}"))), sign_in: None, aliases: vec![address("alias")] };
    question(person).asking(|| about, false)
}

/// The line that carries out an operator's answer: the person stays linked to contact 2.
pub(crate) fn settlement(person: u32) -> Line {
    line(person, Rule::Decision, Action::Settle { contact: Some(contact(2)) }).answering(answer(person))
}

/// The line that takes that back.
pub(crate) fn taken_back(person: u32) -> Line {
    let answer = Some(Box::new(answer(person)));
    Line { takes_back: answer, ..line(person, Rule::Undo, Action::Settle { contact: Some(contact(2)) }) }
}

fn answer(person: u32) -> Answer {
    let address = Some(address(&format!("p{person}")));
    Answer { kind: AnswerKind::LinkExisting, address, note: Some("seen".to_owned()), leaves: None }
}

pub(crate) fn link(number: u32, local: &str, changes: Vec<FieldChange>) -> Line {
    let action = Action::Link {
        contact: contact(number),
        expect: 1,
        before: None,
        supersedes: None,
        activate: false,
        changes,
        facts: facts(local),
    };
    line(number, Rule::PrimaryAddress, action)
}

pub(crate) fn update(person: u32, local: &str, changes: Vec<FieldChange>) -> Line {
    let action = Action::Update { contact: made(person), expect: 1, changes, facts: facts(local) };
    line(person, Rule::IdentityLink, action)
}

pub(crate) fn inactivation(person: u32) -> Line {
    let reason = InactiveReason::DisabledUpstream;
    line(
        person,
        Rule::Disabled,
        Action::MarkInactive { contact: made(person), expect: 1, before: None, reason },
    )
}

pub(crate) fn moving(old: &str, new: &str) -> FieldChange {
    FieldChange::Email(Change::new(Some(address(old)), Some(address(new))))
}

fn reactivation(person: u32) -> Line {
    let action = Action::Reactivate {
        contact: made(person),
        expect: 2,
        before: None,
        activate: true,
        changes: Vec::new(),
        facts: facts(&format!("p{person}")),
    };
    line(person, Rule::IdentityLink, action)
}

fn hold(person: u32) -> Line {
    let reason = InactiveReason::DeletedUpstream;
    line(person, Rule::Vanished, Action::Hold { contact: made(person), reason })
}

fn renaming(person: u32) -> FieldChange {
    FieldChange::FullName(Change::new(format!("Mira p{person}"), format!("Mira Renamed {person}")))
}
