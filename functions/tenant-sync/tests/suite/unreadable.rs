//! Stored items that cannot be read, as a newer version or a hand in the table leaves them: they concern
//! one person, and the others are synced.

use std::sync::Arc;

use ambient::Clock;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    ids::RunId,
    plan::Action,
    run::{RunKind, RunStatus},
    undo::UndoScope,
};
use fake_microsoft::User;
use jiff::SignedDuration;
use store::{PlanPart, PlanSource};
use workflow::payloads::RunInput;

use crate::{
    customer::Customer,
    dump::{Dump, Item},
    house::{House, WORKSPACE, managed},
    microsoft::Microsoft,
};

const CODE: &str = "stored_unreadable";

/// What is damaged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Damage {
    Claim,
    Contact,
    Link,
    Seen,
}

#[tokio::test]
async fn what_cannot_be_read_of_one_person_is_one_failed_line() {
    for reads_everybody in [false, true] {
        for damage in [Damage::Contact, Damage::Link, Damage::Seen, Damage::Claim] {
            let what = format!("{damage:?}, everybody is read: {reads_everybody}");
            let (mut customer, person) = synced(reads_everybody).await;
            let whole = damaged(&mut customer, damage, &person).await;
            if damage == Damage::Claim {
                customer.hire(50, "Nina New", "nina", |user| user.mail.clone_from(&person.mail));
            }
            everybody_gets_another_job(&customer);
            let ended = customer.sync().await;
            assert_eq!(ended.run.run_status, RunStatus::Completed, "{what}");
            let counters = ended.run.counters;
            let updated = if damage == Damage::Claim { 3 } else { 2 };
            assert_eq!((counters.failed, counters.updated), (1, updated), "{what}");
            assert_eq!((counters.created, counters.inactivated, counters.missing), (0, 0, 0), "{what}");
            let lines = customer.lines().await;
            let failed: Vec<_> = lines
                .iter()
                .filter(|line| matches!(&line.action, Action::Fail { code } if code == CODE))
                .collect();
            let name = if damage == Damage::Claim { "Nina New" } else { name_of(&person) };
            assert_eq!(failed.iter().map(|line| line.label.as_str()).collect::<Vec<_>>(), [name], "{what}");

            // Mended, the next sync does what was left.
            mended(&mut customer, &whole).await;
            let ended = customer.sync().await.run.counters;
            let expected = if damage == Damage::Claim { (0, 0, 1) } else { (0, 1, 0) };
            assert_eq!((ended.failed, ended.updated, ended.ambiguous), expected, "{what}");
        }
    }
}

#[tokio::test]
async fn whoever_is_gone_stays_active_while_the_contact_cannot_be_read() {
    for damage in [Damage::Contact, Damage::Link] {
        let (mut customer, person) = synced(true).await;
        let whole = damaged(&mut customer, damage, &person).await;
        customer.leaves(person.id);
        customer.leaves(customer.person(1).id);
        for _ in 0..2 {
            let ended = customer.sync().await;
            assert_eq!(ended.run.run_status, RunStatus::Completed, "{damage:?}");
            customer.house.clock.advance(SignedDuration::from_hours(13));
        }
        mended(&mut customer, &whole).await;
        assert_eq!(customer.active().await, 2, "{damage:?}: only the other one is inactive");
        for _ in 0..2 {
            customer.sync().await;
            customer.house.clock.advance(SignedDuration::from_hours(13));
        }
        assert_eq!(customer.active().await, 1, "{damage:?}");
    }
}

#[tokio::test]
async fn a_plan_and_an_undo_leave_alone_what_cannot_be_read() {
    let (mut customer, person) = synced(false).await;
    everybody_gets_another_job(&customer);
    let preview = customer.house.run(10, RunKind::Preflight).await.run.id;
    let whole = damaged(&mut customer, Damage::Contact, &person).await;
    let applied = customer.work_from(RunKind::Apply, source(preview, PlanPart::Lines)).await;
    assert_eq!((applied.run.counters.stale, applied.run.run_status), (1, RunStatus::Completed));

    mended(&mut customer, &whole).await;
    customer.sync().await;
    let done = applied.run.id;
    let other = customer.person(1);
    damaged(&mut customer, Damage::Contact, &other).await;
    let undo = PlanPart::Undo { scope: UndoScope::default() };
    let undone = customer.work_from(RunKind::Undo, source(done, undo)).await;
    assert_eq!((undone.run.counters.restored, undone.run.counters.failed), (1, 0));
    let run = RunInput { workspace_id: WORKSPACE, run_id: undone.run.id };
    let lines = customer.house.lines(run, customer.tenant).await;
    let left = lines.iter().filter(|line| matches!(&line.action, Action::Leave { code, .. } if code == CODE));
    assert_eq!(left.map(|line| line.label.as_str()).collect::<Vec<_>>(), [name_of(&other)]);
}

fn source(run: RunId, part: PlanPart) -> PlanSource {
    PlanSource { run, part }
}

/// Three people who have been synced, and one of them.
async fn synced(reads_everybody: bool) -> (Customer, User) {
    let mut customer = Customer::new().await;
    customer.house.every_field().await;
    if reads_everybody {
        customer.house.read_everybody().await;
    }
    customer.sync().await;
    assert_eq!(customer.active().await, 3);
    let person = customer.person(0);
    (customer, person)
}

fn name_of(user: &User) -> &str {
    user.display_name.as_deref().unwrap_or_default()
}

fn everybody_gets_another_job(customer: &Customer) {
    for number in 0..3 {
        customer.change(customer.person(number).id, |user| user.job_title = Some("Diver".to_owned()));
    }
}

/// Damages an item of the person; answers what was there before.
async fn damaged(customer: &mut Customer, damage: Damage, person: &User) -> Dump {
    let whole = customer.house.dump().await;
    let mut content = whole.clone();
    let address = person.mail.as_deref().unwrap_or_default().to_lowercase();
    let link = format!("LINK#{}", person.id);
    let contact = whole.items.iter().find(|((_, sk), _)| *sk == link).unwrap().1["contact"].as_s().unwrap();
    let is_it = |(pk, sk): &(String, String)| match damage {
        Damage::Claim => pk.ends_with(&format!("#EMAIL#{address}")),
        Damage::Contact => pk.contains("#CONTACT#") && sk == contact,
        Damage::Link | Damage::Seen => *sk == link,
    };
    let found: Vec<&mut Item> =
        content.items.iter_mut().filter(|(key, _)| is_it(key)).map(|(_, item)| item).collect();
    let [item] = <[&mut Item; 1]>::try_from(found).unwrap();
    let name = match damage {
        Damage::Claim => "contact",
        Damage::Contact => "version",
        Damage::Link => "fingerprint",
        Damage::Seen => "facts",
    };
    assert!(item.insert(name.to_owned(), AttributeValue::S("of another version".to_owned())).is_some());
    let house = &customer.house;
    customer.house = House::with(&house.microsoft, &content, house.clock.now()).await;
    whole
}

/// Puts the item back, in a table that has gone on.
async fn mended(customer: &mut Customer, whole: &Dump) {
    let mut content = customer.house.dump().await;
    let unreadable = AttributeValue::S("of another version".to_owned());
    for (key, item) in &mut content.items {
        for (name, value) in item.iter_mut().filter(|(_, value)| **value == unreadable) {
            *value = whole.items[key][name].clone();
        }
    }
    let house = &customer.house;
    customer.house = House::with(&house.microsoft, &content, house.clock.now()).await;
}

/// The state of one tenant was written by another version: that tenant fails, and nobody else waits.
#[tokio::test]
async fn a_tenant_whose_state_cannot_be_read_fails_alone() {
    let microsoft = Arc::new(Microsoft::plain(&[3, 3], 10).await);
    let house = House::new(&microsoft).await;
    let tenants = [microsoft.tenant(0).id, microsoft.tenant(1).id];
    let clients = [house.client(1).await, house.client(2).await];
    for (tenant, client) in tenants.iter().zip(clients) {
        house.map(*tenant, client).await;
    }
    house.run(1, RunKind::Initial).await;
    let mut content = house.dump().await;
    let unreadable = managed(tenants[0]).to_string();
    let mut states =
        content.items.iter_mut().filter(|((pk, sk), _)| pk.ends_with("#STATE") && *sk == unreadable);
    let (_, state) = states.next().unwrap();
    assert!(state.insert("ground".to_owned(), AttributeValue::S("of another version".to_owned())).is_some());
    let house = House::with(&microsoft, &content, house.clock.now()).await;
    for (number, tenant) in (1..).zip(tenants) {
        let domain = microsoft.world().tenant(tenant).unwrap().default_domain().to_owned();
        microsoft.hire(tenant, number, "New Hire", &format!("hire@{domain}"), |_| {});
    }
    for (number, created) in [(2, 1), (3, 0)] {
        let run = house.run(number, RunKind::AllTenants).await.run;
        assert_eq!((run.succeeded_tenants, run.failed_tenants, run.counters.created), (1, 1, created));
        let results = house.store.tenant_runs(WORKSPACE, run.id).await.unwrap();
        let failed: Vec<_> = results.iter().filter_map(|result| result.failure.as_ref()).collect();
        assert_eq!(
            failed.iter().map(|failure| failure.code.as_str()).collect::<Vec<_>>(),
            ["tenant_state_unreadable"]
        );
    }
    assert_eq!(house.contacts(clients[0]).await.len(), 3);
}
