//! The queue of questions.

use std::collections::HashSet;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    ids::{Identity, ReviewItemId},
    inventory::ReviewState,
    plan::{Action, Candidate, Conflict, Rule},
};
use jiff::{SignedDuration, Timestamp};
use store::{Applier, ReviewItem, ReviewStatus};

use super::{
    backend::{Backend, Table},
    make::{
        AUTHOR, CLIENT, MANAGED, TENANT, WORKSPACE, address, applier, apply, at, contact, line, object, page,
        run_id,
    },
    world::{creation, question, settlement, taken_back},
};

async fn ask(table: &Table, person: u32, at: Timestamp) {
    let applier = Applier { at, ..applier(&table.store, 1) };
    assert_eq!(applier.apply(&page(vec![question(person)])).await.unwrap(), []);
}

async fn open(table: &Table, limit: u16) -> Vec<ReviewItem> {
    table.store.open_reviews(WORKSPACE, limit).await.unwrap()
}

pub(crate) async fn a_question_is_asked_once(backend: &Backend) {
    let table = backend.table().await;
    ask(&table, 1, at(0)).await;
    let Action::Review { conflict, candidates } = question(1).action else { unreachable!() };
    let expected = ReviewItem {
        id: ReviewItemId::derived(WORKSPACE, Identity { tenant: TENANT, object: object(1) }),
        managed_tenant: MANAGED,
        entra_tenant: TENANT,
        object: object(1),
        client: CLIENT,
        label: "Person 1".to_owned(),
        address: Some(address("p1")),
        conflict,
        candidates,
        review_status: ReviewStatus::Open,
        opened_at: at(0),
        about: None,
        resolution: None,
        answered_itself: false,
        deciding: None,
    };
    assert_eq!(open(&table, 10).await, std::slice::from_ref(&expected));

    // Asked again it keeps its place, and says what is known now.
    let candidate =
        Candidate { contact: contact(5), client: CLIENT, full_name: None, email: None, inactive: true };
    let conflict = Conflict::AliasOnly;
    let action = Action::Review { conflict, candidates: vec![candidate.clone()] };
    let mut again = line(1, Rule::AliasAddress, action);
    again.address = None;
    let later = Applier { at: at(100), ..applier(&table.store, 1) };
    assert_eq!(later.apply(&page(vec![again])).await.unwrap(), []);
    let expected = ReviewItem { conflict, candidates: vec![candidate], address: None, ..expected };
    assert_eq!(open(&table, 10).await, [expected]);
}

pub(crate) async fn an_answered_question_leaves_the_queue(backend: &Backend) {
    let table = backend.table().await;
    for person in [1, 2] {
        ask(&table, person, at(0)).await;
    }
    let answer = creation(1).answering_review(true);
    apply(&table.store, &page(vec![answer.clone()])).await;
    let people = |items: Vec<ReviewItem>| items.into_iter().map(|item| item.object).collect::<Vec<_>>();
    assert_eq!(people(open(&table, 10).await), [object(2)]);
    let inventory = table.store.inventory(WORKSPACE, TENANT).await.unwrap();
    assert!(inventory.reviews.keys().eq([&object(2)]));

    // Asked again, it is the newest one.
    ask(&table, 1, at(50)).await;
    assert_eq!(people(open(&table, 10).await), [object(1), object(2)]);

    // A line that answers changes nothing about a person who was never asked about, or dismissed.
    table
        .change(&format!("REVIEW#{}", object(1)), |item| {
            item.insert("reviewStatus".to_owned(), AttributeValue::S("dismissed".to_owned()));
        })
        .await;
    let before = table.dump().await;
    apply(&table.store, &page(vec![answer])).await;
    table.dump().await.assert_same(&before, "dismissed");
    apply(&table.store, &page(vec![creation(3).answering_review(true)])).await;
    assert_eq!(table.dump().await.items.len(), before.items.len() + 3, "no question is made");
}

pub(crate) async fn an_answer_is_kept_until_it_is_taken_back(backend: &Backend) {
    let table = backend.table().await;
    for person in [1, 2, 3] {
        ask(&table, person, at(i64::from(person))).await;
    }
    let in_state = async |status| {
        let found = table.store.reviews(WORKSPACE, status, None, 10).await.unwrap();
        assert_eq!(table.store.count_reviews(WORKSPACE, status).await.unwrap(), found.len() as u64);
        found.into_iter().map(|(item, _)| item).collect::<Vec<_>>()
    };
    apply(&table.store, &page(vec![settlement(2)])).await;
    let settled = in_state(ReviewStatus::Resolved).await;
    let resolution = settled[0].resolution.clone().unwrap();
    assert_eq!((resolution.run, resolution.by, resolution.at), (AUTHOR.run, AUTHOR.user, at(0)));
    assert_eq!((resolution.contact, resolution.address), (Some(contact(2)), Some(address("p2"))));
    let people = |items: Vec<ReviewItem>| items.into_iter().map(|item| item.object).collect::<Vec<_>>();
    assert_eq!(people(in_state(ReviewStatus::Open).await), [object(3), object(1)]);
    assert_eq!(in_state(ReviewStatus::Dismissed).await, []);
    let state = ReviewState::Settled { address: Some(address("p2")) };
    let inventory = table.store.inventory(WORKSPACE, TENANT).await.unwrap();
    assert_eq!(inventory.reviews[&object(2)], state);

    // Nobody asks again who does not know of the answer.
    let before = table.dump().await;
    ask(&table, 2, at(50)).await;
    table.dump().await.assert_same(&before, "answered");
    let again = domain::plan::Line { asks_again: true, ..question(2) };
    let later = Applier { at: at(60), ..applier(&table.store, 1) };
    later.apply(&page(vec![again.clone()])).await.unwrap();
    assert_eq!(people(in_state(ReviewStatus::Open).await), [object(2), object(3), object(1)]);
    // The sync is sure by itself: nobody is said to have answered that, and what was answered before holds.
    let clear = creation(2).answering_review(true);
    let later = Applier { at: at(65), ..applier(&table.store, 1) };
    later.apply(&page(vec![clear])).await.unwrap();
    let closed = in_state(ReviewStatus::Resolved).await.remove(0);
    assert_eq!((closed.object, closed.answer()), (object(2), None));
    let inventory = table.store.inventory(WORKSPACE, TENANT).await.unwrap();
    assert_eq!(inventory.reviews[&object(2)], state);
    later.apply(&page(vec![again])).await.unwrap();
    assert_eq!(people(in_state(ReviewStatus::Open).await), [object(2), object(3), object(1)]);
    later.apply(&page(vec![settlement(2)])).await.unwrap();
    let settled = in_state(ReviewStatus::Resolved).await.remove(0);
    assert_eq!(settled.answer().map(|answer| (answer.by, answer.at)), Some((AUTHOR.user, at(65))));
    later.apply(&page(vec![taken_back(2)])).await.unwrap();
    assert_eq!(people(in_state(ReviewStatus::Open).await), [object(2), object(3), object(1)]);

    apply(&table.store, &page(vec![settlement(1)])).await;
    let later = Applier { at: at(70), ..applier(&table.store, 1) };
    later.apply(&page(vec![taken_back(1)])).await.unwrap();
    assert_eq!(people(in_state(ReviewStatus::Open).await), [object(1), object(2), object(3)]);
    // A list goes on where it ended.
    let (_, place) = table.store.reviews(WORKSPACE, ReviewStatus::Open, None, 2).await.unwrap().remove(1);
    let rest = table.store.reviews(WORKSPACE, ReviewStatus::Open, Some(&place), 10).await.unwrap();
    assert_eq!(rest.into_iter().map(|(item, _)| item.object).collect::<Vec<_>>(), [object(3)]);
}

pub(crate) async fn one_run_decides_at_a_time(backend: &Backend) {
    let table = backend.table().await;
    let (store, identity) = (&table.store, Identity { tenant: TENANT, object: object(1) });
    let begin = async |run, before| store.begin_deciding(WORKSPACE, identity, run, before).await.unwrap();
    let (one, two) = (run_id(1), run_id(2));
    assert!(!begin(one, None).await, "there is no question");
    ask(&table, 1, at(0)).await;
    assert!(begin(one, None).await && begin(one, None).await);
    assert!(!begin(two, None).await && !begin(two, Some(run_id(3))).await);
    assert!(begin(two, Some(one)).await && begin(two, Some(one)).await);
    // A question that is renewed meanwhile keeps its run; one that is answered has none.
    ask(&table, 1, at(10)).await;
    assert!(!begin(one, None).await);
    apply(store, &page(vec![settlement(1)])).await;
    assert!(!begin(two, Some(two)).await);
}

pub(crate) async fn the_newest_question_comes_first(backend: &Backend) {
    let table = backend.table().await;
    let second = |milliseconds| at(0) + SignedDuration::from_millis(milliseconds);
    let asked = [0, 500, 520, 521, 1_000, 60_000];
    for (person, milliseconds) in [(3, 521), (0, 0), (5, 60_000), (1, 500), (4, 1_000), (2, 520)] {
        ask(&table, person, second(milliseconds)).await;
    }
    ask(&table, 1, second(90_000)).await;
    let newest: Vec<_> = open(&table, 10).await.iter().map(|item| item.opened_at).collect();
    assert_eq!(newest, asked.map(second).into_iter().rev().collect::<Vec<_>>());
    let people: Vec<_> = open(&table, 2).await.iter().map(|item| item.object).collect();
    assert_eq!(people, [object(5), object(4)]);
}

pub(crate) async fn a_dismissed_question_stays_dismissed(backend: &Backend) {
    let table = backend.table().await;
    ask(&table, 1, at(0)).await;
    table
        .change("REVIEW#", |item| {
            item.insert("reviewStatus".to_owned(), AttributeValue::S("dismissed".to_owned()));
        })
        .await;
    let dismissed = table.dump().await;
    ask(&table, 1, at(100)).await;
    table.dump().await.assert_same(&dismissed, "dismissed");
    let inventory = table.store.inventory(WORKSPACE, TENANT).await.unwrap();
    assert_eq!(inventory.reviews, [(object(1), ReviewState::Dismissed)].into());
    // The other questions are asked in any case.
    ask(&table, 2, at(100)).await;
    let open: HashSet<_> =
        table.store.open_reviews(WORKSPACE, 10).await.unwrap().iter().map(|i| i.object).collect();
    assert!(open.contains(&object(2)));
}
