//! Lines that are left alone because something had changed since they were planned.

use domain::plan::{Action, Line, Rule};
use store::{Applier, ContactInput, StaleLine, Upserted};

use super::{
    backend::Backend,
    make::{
        OTHER_CLIENT, WORKSPACE, applier, apply, at, contact, facts, input, line, object, page, scope, values,
    },
    world::{cases, creation, everything, link, made, moving, update, world},
};

pub(crate) async fn a_human_edit_stops_exactly_its_line(backend: &Backend) {
    let reference = world(backend).await;
    apply(&reference.store, &everything()).await;
    let expected = reference.dump().await;
    let cases: Vec<_> = cases().into_iter().filter(|case| case.line.writes_contact()).collect();
    assert_eq!(cases.len(), 9);
    for case in cases {
        let table = world(backend).await;
        let written = case.line.contact_written().unwrap();
        // Whoever is to be created is made by hand, with the same address; the others are renamed.
        let (id, code) =
            if case.name == "create" { (contact(50), "address_taken") } else { (written, "contact_changed") };
        let stored = table.store.contacts(scope(), &[id].into()).await.unwrap();
        let mut after = stored.get(&id).map_or_else(|| values("p1"), |contact| contact.values.clone());
        "By Hand".clone_into(&mut after.full_name);
        let edit = ContactInput { id, values: after, ..input(0, "-") };
        table.store.upsert_contact(WORKSPACE, &edit).await.unwrap();
        let by_hand = table.store.contacts(scope(), &[id].into()).await.unwrap();

        let left_alone = [StaleLine { line: case.line.id, code }];
        let (before, alone) = (table.dump().await, page(vec![case.line.clone()]));
        assert_eq!(applier(&table.store, 4).apply(&alone).await.unwrap(), left_alone, "{}", case.name);
        table.dump().await.assert_same(&before, case.name);

        assert_eq!(applier(&table.store, 4).apply(&everything()).await.unwrap(), left_alone, "{}", case.name);
        assert_eq!(table.store.contacts(scope(), &[id].into()).await.unwrap(), by_hand, "{}", case.name);
        let local = format!("p{}@", case.person);
        let theirs = [written.to_string(), id.to_string(), object(case.person).to_string(), local];
        let theirs = [&theirs[..], &["old3@".to_owned(), "new5@".to_owned()]].concat();
        let (dump, expected) = (table.dump().await.without(&theirs), expected.clone().without(&theirs));
        dump.assert_same(&expected, case.name);
    }
}

/// Two runs can have one and the same line: a preview that is applied twice, or after a sync has done what it
/// shows. Who was first did it, and only undoing that run may take it back.
pub(crate) async fn a_line_that_another_run_has_carried_out_is_that_runs_work(backend: &Backend) {
    let table = world(backend).await;
    apply(&table.store, &everything()).await;
    let contacts = table.store.contacts_of_client(scope()).await.unwrap();
    let writing = everything().lines.into_iter().filter(Line::writes_contact);
    let expected: Vec<StaleLine> =
        writing.map(|line| StaleLine { line: line.id, code: "applied_before" }).collect();
    assert_eq!(expected.len(), 9);
    let later = Applier { at: at(60), ..applier(&table.store, 4) };
    for _ in 0..2 {
        assert_eq!(later.apply(&everything()).await.unwrap(), expected);
        assert_eq!(table.store.contacts_of_client(scope()).await.unwrap(), contacts);
    }
    // What was decided about a person since stays.
    store_keeps_decisions(&table.store, &later).await;
    // The first run, repeated, still knows its own work.
    assert_eq!(applier(&table.store, 4).apply(&everything()).await.unwrap(), []);
}

async fn store_keeps_decisions(store: &store::Store, later: &Applier<'_>) {
    let identity = domain::ids::Identity { tenant: super::make::TENANT, object: object(1) };
    store.keep_contact(WORKSPACE, identity).await.unwrap();
    let links = async || store.inventory(WORKSPACE, super::make::TENANT).await.unwrap();
    let before = links().await.link(object(1)).unwrap();
    assert!(before.keep);
    later.apply(&everything()).await.unwrap();
    assert_eq!(links().await.link(object(1)).unwrap(), before);
}

pub(crate) async fn what_a_line_does_not_write_over(backend: &Backend) {
    let table = world(backend).await;
    let elsewhere = ContactInput { client: OTHER_CLIENT, ..input(60, "p60") };
    assert_eq!(table.store.upsert_contact(WORKSPACE, &elsewhere).await.unwrap(), Upserted::Created);
    let linked_to_another = Action::Link {
        contact: contact(2),
        expect: 1,
        before: None,
        supersedes: None,
        activate: false,
        changes: Vec::new(),
        facts: facts("p4"),
    };
    let anothers = Action::Link {
        contact: made(4),
        expect: 1,
        before: None,
        supersedes: None,
        activate: false,
        changes: Vec::new(),
        facts: facts("p20"),
    };
    let same_id = Action::Create { contact: made(4), facts: facts("p20") };
    let unlinked = 30;
    for (what, line, code) in [
        ("a contact that is not there", link(40, "p40", Vec::new()), "contact_missing"),
        ("a contact of another client", link(60, "p60", Vec::new()), "contact_missing"),
        ("an address of another client", creation(60), "address_taken"),
        ("another contact's address", update(4, "p5", vec![moving("p4", "p5")]), "address_taken"),
        ("a contact linked to another", line(20, Rule::PrimaryAddress, anothers), "contact_changed"),
        ("a person linked elsewhere", line(4, Rule::PrimaryAddress, linked_to_another), "linked_elsewhere"),
        ("a contact of another person", line(20, Rule::NoMatch, same_id), "contact_exists"),
        (
            "a person without a link",
            line(unlinked, Rule::Vanished, Action::NoteMissing { times: 1, since: None, reason: None }),
            "link_gone",
        ),
        (
            "a person without a link",
            line(unlinked, Rule::IdentityLink, Action::Refresh { facts: facts("p30") }),
            "link_gone",
        ),
    ] {
        let before = table.dump().await;
        let id = line.id;
        let stale = applier(&table.store, 1).apply(&page(vec![line])).await.unwrap();
        assert_eq!(stale, [StaleLine { line: id, code }], "{what}");
        // Both are found out about after a first write; a worker that holds its tenant's lease does
        // not meet them.
        let touched = match code {
            // With the next one the person gets another id.
            "contact_exists" => vec!["EMAIL#p20@".to_owned(), format!("LINK#{}", object(20))],
            "linked_elsewhere" => vec![contact(2).to_string()],
            _ => Vec::new(),
        };
        table.dump().await.without(&touched).assert_same(&before.without(&touched), what);
    }
}
