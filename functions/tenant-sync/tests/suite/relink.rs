//! Links that an operator changes, through the whole engine: previewed, applied, taken back, and left alone by
//! every later sync.

use std::{collections::BTreeMap, sync::Arc};

use ambient::Clock;
use domain::{
    contact::Contact,
    ids::{ContactId, EntraObjectId},
    ledger::{LinkChange, Wish},
    plan::Action,
    run::{Counters, RunKind, RunStatus},
    undo::UndoScope,
};
use fake_microsoft::Route;
use store::{ContactInput, PlanPart, PlanSource};

use crate::{
    customer::Customer,
    house::{Ended, House, WORKSPACE},
};

/// Two people whose contacts the PSA has, and a third one.
struct Story {
    customer: Customer,
    people: [EntraObjectId; 2],
    contacts: [ContactInput; 2],
}

impl Story {
    /// Everybody is synced; then the PSA gives each of the two contacts the other one's address.
    async fn swapped() -> Self {
        let mut customer = Customer::new().await;
        let people = [0, 1].map(|number| customer.person(number));
        let [first, second] = people.each_ref().map(|person| person.mail.clone().unwrap());
        let mut contacts = [
            customer.house.contact(customer.client, 1, "One", &first).await,
            customer.house.contact(customer.client, 2, "Two", &second).await,
        ];
        let ended = customer.sync().await;
        assert_eq!((ended.run.counters.linked, ended.run.counters.created), (2, 1));
        for (contact, address) in [(0, customer.at("between")), (1, first), (0, second)] {
            contacts[contact].values.email = Some(address.parse().unwrap());
            customer.house.edit(&contacts[contact]).await;
        }
        Self { customer, people: people.map(|person| person.id), contacts }
    }

    fn both(&self) -> Vec<Wish> {
        self.people.map(|object| Wish { object, contact: None }).into()
    }

    async fn change(&mut self, kind: RunKind, change: LinkChange, wishes: &[Wish]) -> Ended {
        self.customer.change_links(kind, change, wishes).await
    }

    /// Whose contact each of the two is, by the link and by the mark on the contact.
    async fn linked(&self) -> [(Option<ContactId>, Option<EntraObjectId>); 2] {
        let links = self.customer.house.links(self.customer.tenant).await;
        let link: BTreeMap<_, _> = links.iter().map(|link| (link.identity.object, link.contact)).collect();
        let contacts = self.customer.contacts().await;
        let marked = |id| {
            let contact: &Contact = contacts.iter().find(|contact| contact.id == id).unwrap();
            contact.entra.as_ref().map(|stamp| stamp.identity.object)
        };
        [0, 1]
            .map(|number: usize| (link.get(&self.people[number]).copied(), marked(self.contacts[number].id)))
    }

    /// That the last run has left its one line alone, and why.
    async fn assert_left(&self, expected: &str) {
        let lines = self.customer.lines().await;
        let codes = lines.iter().map(|line| match &line.action {
            Action::Leave { code, .. } => code.as_str(),
            other => panic!("{other:?}"),
        });
        assert_eq!(codes.collect::<Vec<_>>(), [expected]);
    }

    fn straight(&self) -> [(Option<ContactId>, Option<EntraObjectId>); 2] {
        [0, 1].map(|number: usize| (Some(self.contacts[number].id), Some(self.people[number])))
    }

    fn crossed(&self) -> [(Option<ContactId>, Option<EntraObjectId>); 2] {
        [0, 1].map(|number: usize| (Some(self.contacts[1 - number].id), Some(self.people[1 - number])))
    }
}

#[tokio::test]
async fn two_people_who_were_linked_the_wrong_way_round_are_matched_anew_at_once() {
    let mut story = Story::swapped().await;
    assert_eq!(story.linked().await, story.straight());
    let wishes = story.both();
    let before = story.customer.house.dump().await.people();
    let preview = story.change(RunKind::Preflight, LinkChange::Rematch, &wishes).await;
    story.customer.house.dump().await.people().assert_same(&before, "a preview writes nothing");
    let planned = story.customer.lines().await;

    let ended = story.change(RunKind::Links, LinkChange::Rematch, &wishes).await;
    assert_eq!(ended.run.run_status, RunStatus::Completed);
    assert_eq!(ended.run.counters, Counters { read: 2, linked: 2, unlinked: 2, ..Counters::default() });
    assert_eq!(ended.run.counters, preview.run.counters);
    let ids = |lines: &[domain::plan::Line]| lines.iter().map(|line| line.id).collect::<Vec<_>>();
    assert_eq!(ids(&story.customer.lines().await), ids(&planned), "what was previewed is what was done");
    assert_eq!(story.linked().await, story.crossed());
    story.customer.house.dump().await.assert_sound("matched anew");

    let again = story.change(RunKind::Links, LinkChange::Rematch, &wishes).await.run.counters;
    assert_eq!((again.unlinked, again.linked), (0, 0), "they fit");
    let synced = story.customer.sync().await.run.counters;
    assert_eq!((synced.read, synced.unchanged), (3, 3), "everybody is looked at, and nothing is changed");
}

#[tokio::test]
async fn a_preview_of_a_change_is_applied_exactly_and_taken_back() {
    let mut story = Story::swapped().await;
    let wishes = story.both();
    let preview = story.change(RunKind::Preflight, LinkChange::Rematch, &wishes).await.run.id;
    let source = PlanSource { run: preview, part: PlanPart::Lines };
    let applied = story.customer.apply_link_preview(LinkChange::Rematch, source).await;
    assert_eq!((applied.run.counters.linked, applied.run.counters.stale), (2, 0));
    assert_eq!(story.linked().await, story.crossed());

    let undo = PlanSource { run: applied.run.id, part: PlanPart::Undo { scope: UndoScope::default() } };
    let undone = story.customer.work_from(RunKind::Undo, undo).await;
    assert_eq!((undone.run.counters.restored, undone.run.counters.stale), (4, 0));
    assert_eq!(story.linked().await, story.straight());
    story.customer.house.dump().await.assert_sound("taken back");
}

#[tokio::test]
async fn a_contact_that_was_edited_since_the_preview_keeps_its_person_and_takes_nobody_elses() {
    let mut story = Story::swapped().await;
    let wishes = story.both();
    let preview = story.change(RunKind::Preflight, LinkChange::Rematch, &wishes).await.run.id;
    story.contacts[0].values.role = Some("Edited".to_owned());
    let edited = story.contacts[0].clone();
    story.customer.house.edit(&edited).await;
    let source = PlanSource { run: preview, part: PlanPart::Lines };
    let applied = story.customer.apply_link_preview(LinkChange::Rematch, source).await.run.counters;
    // The end of the one link, and both new ones, which need it.
    assert_eq!((applied.unlinked, applied.linked, applied.stale), (2, 2, 3));
    let [first, second] = story.linked().await;
    assert_eq!(first, story.straight()[0], "the one that was edited is who it was");
    assert_eq!(second, (None, None), "the other one's link has ended, and the contact is nobody's");
    story.customer.house.dump().await.assert_sound("half of it");
    // Nobody is lost by it.
    let synced = story.customer.sync().await.run.counters;
    assert_eq!((synced.ambiguous, synced.created), (1, 0));
}

#[tokio::test]
async fn a_link_that_was_cut_is_not_made_again_until_it_is_asked_for_and_needs_no_connection() {
    let mut story = Story::swapped().await;
    let first = vec![story.both()[0]];
    story.customer.house.microsoft.fake.reset_requests();
    let ended = story.change(RunKind::Links, LinkChange::Cut, &first).await;
    assert_eq!(ended.run.counters, Counters { unlinked: 1, ..Counters::default() });
    let requests = story.customer.house.microsoft.fake.requests();
    assert_eq!(requests.of(Route::User).requests + requests.of(Route::Token).requests, 0);
    assert_eq!(story.linked().await[0], (None, None));
    for _ in 0..2 {
        let synced = story.customer.sync().await.run.counters;
        assert_eq!((synced.linked, synced.created, synced.ambiguous), (0, 0, 0));
    }
    let again = story.change(RunKind::Links, LinkChange::Cut, &first).await.run.counters;
    assert_eq!(again, Counters::default(), "there is nothing to be cut any more");
    let matched = story.change(RunKind::Links, LinkChange::Rematch, &first).await.run.counters;
    assert_eq!(matched.ambiguous, 1, "the other one has the address");
}

#[tokio::test]
async fn somebody_is_moved_by_hand_and_stays_there() {
    let mut story = Story::swapped().await;
    let client = story.customer.client;
    let spare = story.customer.house.contact(client, 3, "Spare", &story.customer.at("spare")).await;
    let (object, taken) = (story.people[0], story.contacts[1].id);
    let to = |contact| [Wish { object, contact: Some(contact) }];
    let refused = story.change(RunKind::Links, LinkChange::Move, &to(taken)).await.run.counters;
    assert_eq!(refused, Counters { left: 1, ..Counters::default() });
    let lines = story.customer.lines().await;
    assert!(matches!(&lines[0].action, Action::Leave { code, .. } if code == "contact_linked"), "{lines:?}");

    let moved = story.change(RunKind::Links, LinkChange::Move, &to(spare.id)).await.run.counters;
    assert_eq!((moved.unlinked, moved.linked), (1, 1));
    assert_eq!(story.linked().await[0], (Some(spare.id), None));
    let again = story.change(RunKind::Links, LinkChange::Move, &to(spare.id)).await.run.counters;
    assert_eq!(again, Counters::default(), "that is so already");
    let synced = story.customer.sync().await.run.counters;
    assert_eq!((synced.linked, synced.created, synced.ambiguous), (0, 0, 0));
    story.customer.house.dump().await.assert_sound("moved");
}

#[tokio::test]
async fn a_link_to_a_contact_that_the_psa_has_deleted_is_ended_and_the_person_gets_another_contact() {
    let mut story = Story::swapped().await;
    let mut content = story.customer.house.dump().await;
    let gone = story.contacts[0].id.to_string();
    content.items.retain(|(pk, sk), _| !(pk.contains("CONTACT#") && *sk == gone));
    let (microsoft, now) = (Arc::clone(&story.customer.house.microsoft), story.customer.house.clock.now());
    story.customer.house = House::with(&microsoft, &content, now).await;
    let first = vec![story.both()[0]];
    let ended = story.change(RunKind::Links, LinkChange::Cut, &first).await.run.counters;
    assert_eq!(ended, Counters { unlinked: 1, ..Counters::default() });
    let links = story.customer.house.links(story.customer.tenant).await;
    assert!(links.iter().all(|link| link.identity.object != story.people[0]));
    // An undo has nothing to put back, and says so.
    let run = story.customer.house.store.runs(WORKSPACE, None, 1).await.unwrap().remove(0).id;
    let undo = PlanSource { run, part: PlanPart::Undo { scope: UndoScope::default() } };
    assert_eq!(story.customer.work_from(RunKind::Undo, undo).await.run.counters.left, 1);
    story.assert_left("link_led_nowhere").await;
}

/// Of a link that was stored without what the directory has said of its person nobody knows whom it is to be
/// moved for.
#[tokio::test]
async fn somebody_of_whom_no_address_was_kept_is_not_moved() {
    let mut story = Story::swapped().await;
    let client = story.customer.client;
    let spare = story.customer.house.contact(client, 3, "Spare", &story.customer.at("spare")).await;
    let mut content = story.customer.house.dump().await;
    let key = format!("LINK#{}", story.people[0]);
    let row = content.items.iter_mut().find(|((_, sk), _)| *sk == key).unwrap().1;
    assert!(row.remove("facts").is_some());
    let (microsoft, now) = (Arc::clone(&story.customer.house.microsoft), story.customer.house.clock.now());
    story.customer.house = House::with(&microsoft, &content, now).await;
    let wish = [Wish { object: story.people[0], contact: Some(spare.id) }];
    let left = story.change(RunKind::Links, LinkChange::Move, &wish).await.run.counters;
    assert_eq!(left, Counters { left: 1, ..Counters::default() });
    story.assert_left("item_without_email").await;
}

#[tokio::test]
async fn what_cannot_be_read_fails_alone() {
    let mut story = Story::swapped().await;
    let mut content = story.customer.house.dump().await;
    let key = format!("LINK#{}", story.people[0]);
    let row = content.items.iter_mut().find(|((_, sk), _)| *sk == key).unwrap().1;
    row.insert("client".to_owned(), aws_sdk_dynamodb::types::AttributeValue::S("?".to_owned()));
    let (microsoft, now) = (Arc::clone(&story.customer.house.microsoft), story.customer.house.clock.now());
    story.customer.house = House::with(&microsoft, &content, now).await;
    let wishes = story.both();
    let cut = story.change(RunKind::Preflight, LinkChange::Cut, &wishes).await.run.counters;
    assert_eq!((cut.failed, cut.unlinked), (1, 1));
    // Whether the other one's contact is free, nobody can say.
    let matched = story.change(RunKind::Preflight, LinkChange::Rematch, &wishes).await.run.counters;
    assert_eq!((matched.failed, matched.unlinked), (2, 0));
}

#[tokio::test]
async fn an_undo_needs_no_connection() {
    let mut story = Story::swapped().await;
    let first = vec![story.both()[0]];
    let run = story.change(RunKind::Links, LinkChange::Cut, &first).await.run.id;
    story.customer.house.disconnect().await;
    let undo = PlanSource { run, part: PlanPart::Undo { scope: UndoScope::default() } };
    let undone = story.customer.work_from(RunKind::Undo, undo).await;
    assert_eq!((undone.run.run_status, undone.run.counters.restored), (RunStatus::Completed, 1));
    assert_eq!(story.linked().await, story.straight());
    let read = story.customer.sync().await;
    assert_eq!(read.run.halted.unwrap().code, "not_connected");
}
