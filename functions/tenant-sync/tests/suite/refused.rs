//! One item that the table does not take, however often it is tried, is one line that was not carried out.

use domain::{
    contact::{ContactValues, Phone, PhoneKind},
    run::RunStatus,
};
use fake_microsoft::User;
use serde_json::json;
use store::{ContactInput, SyncSettings, Upserted, WRITE_REFUSED};

use crate::{
    customer::Customer,
    house::{Ended, WORKSPACE},
};

/// More than what is left in [`full`], less than a line may have.
const LONG_NAME: &str = "a.very.long.name.that.does.not.fit.in.any.more.whatever.is.done";

/// As large as the table takes: with what a sync adds, it is refused.
async fn full(customer: &Customer, input: &ContactInput) -> ContactInput {
    for size in (300_000..410_000).rev().step_by(40) {
        let phones = vec![Phone { number: "1".repeat(size), kind: PhoneKind::Work, is_default: true }];
        let values = ContactValues { phones, ..input.values.clone() };
        let input = ContactInput { values, ..input.clone() };
        match customer.house.store.upsert_contact(WORKSPACE, &input).await {
            Ok(Upserted::Created | Upserted::Updated) => return input,
            Ok(other) => panic!("{other:?}"),
            Err(_) => {}
        }
    }
    panic!("nothing is small enough")
}

/// The codes of the lines of the run that were not carried out.
async fn stale(customer: &Customer, ended: &Ended) -> Vec<String> {
    let (run, tenant) = (ended.run.id, crate::house::managed(customer.tenant));
    let lines = customer.house.store.stale_lines(WORKSPACE, run, tenant).await.unwrap();
    lines.into_iter().map(|(_, code)| code).collect()
}

async fn soundly(customer: &Customer, what: &str) {
    customer.house.dump().await.assert_sound(what);
}

async fn is_linked(customer: &Customer, person: &User) -> bool {
    let links = customer.house.links(customer.tenant).await;
    links.iter().any(|link| link.identity.object == person.id && link.active)
}

#[tokio::test]
async fn a_contact_that_is_too_large_to_be_linked_stops_nobody_else() {
    let mut customer = Customer::new().await;
    let person = customer.hire(70, "Mira Sund", "mira.sund", |_| {});
    let address = person.mail.clone().unwrap();
    let input = customer.house.contact(customer.client, 1, "Mira Sund", &address).await;
    let large = full(&customer, &input).await;
    for round in 0..3 {
        let ended = customer.sync().await;
        assert_eq!(ended.run.run_status, RunStatus::Completed, "{round}");
        assert_eq!(stale(&customer, &ended).await, [WRITE_REFUSED], "{round}");
        assert_eq!(ended.run.counters.stale, 1);
        assert_eq!(customer.active().await, 3 + 1, "the others are there, and the contact as it was");
        assert!(!is_linked(&customer, &person).await);
        let contact = customer.house.one_contact(customer.client, &address).await;
        assert_eq!((contact.values, contact.entra), (large.values.clone(), None));
        soundly(&customer, "too large").await;
    }
    // Made smaller, the next sync does it.
    customer.house.store.upsert_contact(WORKSPACE, &input).await.unwrap();
    let ended = customer.sync().await;
    assert_eq!((ended.run.counters.linked, ended.run.counters.stale), (1, 0));
    assert!(is_linked(&customer, &person).await);
}

#[tokio::test]
async fn an_address_that_could_not_be_written_belongs_to_nobody() {
    let mut customer = Customer::new().await;
    let fields = json!({ "email": true });
    customer.house.settings(SyncSettings { field_sync_config: fields, ..SyncSettings::default() }).await;
    let person = customer.hire(70, "Mira Sund", "mira", |_| {});
    let address = person.mail.clone().unwrap();
    let input = customer.house.contact(customer.client, 1, "Mira Sund", &address).await;
    customer.sync().await;
    assert!(is_linked(&customer, &person).await);
    full(&customer, &input).await;
    let address = customer.at(LONG_NAME);
    customer.change(person.id, |user| {
        user.mail = Some(address.clone());
        user.proxy_addresses = Some(Vec::new());
    });
    let (other, other_address) = (customer.person(0), customer.at("other"));
    customer.change(other.id, |user| user.mail = Some(other_address.clone()));
    let ended = customer.sync().await;
    assert_eq!(stale(&customer, &ended).await, ["write_refused"]);
    assert_eq!(ended.run.counters.updated, 2, "both were planned, and one was written");
    soundly(&customer, "an address that was claimed").await;
    let owners = customer.house.store.owners(WORKSPACE, &[address.parse().unwrap()].into()).await.unwrap();
    assert!(owners.is_empty(), "{owners:?}");
}
