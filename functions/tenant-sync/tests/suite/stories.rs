//! Who is who: people, addresses and contacts, one story each.

use std::sync::Arc;

use domain::{
    ids::Identity,
    plan::{Action, Conflict},
    run::{RunKind, RunStatus},
    scope::Exclusion,
};
use fake_microsoft::{User, WorldConfig};
use store::{ContactInput, SaidAccount, SyncSettings};

use crate::{customer::Customer, house::House, microsoft::Microsoft, people::object};

#[tokio::test]
async fn two_tenants_of_one_client_fill_the_same_client() {
    let microsoft = Arc::new(Microsoft::plain(&[3, 4], 2).await);
    let house = House::new(&microsoft).await;
    let client = house.client(1).await;
    let tenants = [0, 1].map(|number| microsoft.tenant(number).id);
    for tenant in tenants {
        house.map(tenant, client).await;
    }
    let ended = house.run(1, RunKind::Initial).await;
    assert_eq!((ended.run.run_status, ended.run.counters.created), (RunStatus::Completed, 7));
    assert_eq!(house.contacts(client).await.len(), 7);
    assert_eq!([house.links(tenants[0]).await.len(), house.links(tenants[1]).await.len()], [3, 4]);
}

#[tokio::test]
async fn an_address_in_both_tenants_of_a_client_has_one_contact_and_one_question() {
    let microsoft = Arc::new(Microsoft::plain(&[1, 1], 2).await);
    let house = House::new(&microsoft).await;
    let client = house.client(1).await;
    for number in [0, 1] {
        let tenant = microsoft.tenant(number).id;
        microsoft.hire(tenant, 1 + number as u128, "In Both", "in.both@shared.example", |_| {});
        house.map(tenant, client).await;
    }
    // Both tenants at once: whoever claims the address first has it.
    let run = house.accept(1, RunKind::Initial).await;
    house.worker().at_once().carry(run).await.unwrap();
    let first = house.ended(run).await;
    house.one_contact(client, "in.both@shared.example").await;
    let second = house.run(2, RunKind::AllTenants).await;
    assert_eq!(second.run.counters.created, 0);
    assert_eq!(second.run.counters.ambiguous, 1);
    let reviews = house.reviews().await;
    assert_eq!((reviews.len(), reviews[0].conflict), (1, Conflict::AddressShared), "{first:?}");
    house.dump().await.assert_sound("two tenants, one address");
}

#[tokio::test]
async fn of_two_users_with_one_mailbox_the_second_is_a_question() {
    let mut customer = Customer::new().await;
    customer.house.every_field().await;
    for (number, name) in [(1, "First User"), (2, "Second User")] {
        customer.hire(number, name, &format!("user{number}"), |user| {
            user.mail = Some("box@other.example".to_owned());
        });
    }
    let ended = customer.sync().await;
    assert_eq!((ended.run.counters.created, ended.run.counters.ambiguous), (4, 1));
    let contact = customer.house.one_contact(customer.client, "box@other.example").await;
    assert_eq!(contact.values.full_name, "First User");
    let review = customer.house.reviews().await.remove(0);
    assert_eq!((review.object, review.conflict), (object(2), Conflict::AddressShared));
    assert_eq!(review.candidates[0].contact, contact.id);

    // The first one leaves the mailbox to the second, and the question answers itself.
    customer.change(object(1), |user| user.mail = Some("own@other.example".to_owned()));
    customer.sync().await;
    customer.sync().await;
    let contact = customer.house.one_contact(customer.client, "box@other.example").await;
    assert_eq!(contact.values.full_name, "Second User");
    assert_eq!(customer.house.reviews().await, []);
    customer.house.dump().await.assert_sound("after the mailbox has changed hands");
}

#[tokio::test]
async fn a_user_without_any_address_is_left_out_and_listed() {
    let mut customer = Customer::new().await;
    customer.hire(1, "No Address", "nobody", |user| {
        user.mail = None;
        user.proxy_addresses = Some(Vec::new());
        user.user_principal_name = "nobody@acme.onmicrosoft.com".to_owned();
    });
    customer.sync().await;
    let line = customer.line("No Address").await;
    assert_eq!(line.action, Action::Exclude { reason: Exclusion::MissingIdentity, detail: None });
    assert_eq!(customer.contacts().await.len(), 3);
}

#[tokio::test]
async fn a_twin_by_name_alone_is_somebody_else() {
    let mut customer = Customer::new().await;
    let twin = customer.house.contact(customer.client, 1, "Mira Sund", "mira.sund@private.example").await;
    let nameless = customer.house.contact(customer.client, 2, "Mira Sund", "").await;
    customer.hire(1, "Mira Sund", "mira.sund", |_| {});
    let ended = customer.sync().await;
    assert_eq!((ended.run.counters.created, ended.run.counters.linked), (4, 0));
    for input in [twin, nameless] {
        let contacts = customer.contacts().await;
        let untouched = contacts.iter().find(|contact| contact.id == input.id).unwrap();
        assert_eq!((untouched.version, &untouched.values, &untouched.entra), (1, &input.values, &None));
    }
}

#[tokio::test]
async fn the_object_id_that_the_psa_has_on_a_contact_counts_before_any_address() {
    let mut customer = Customer::new().await;
    let other = customer.house.contact(customer.client, 1, "Reception", &customer.at("mira.sund")).await;
    let hers = customer.house.contact(customer.client, 2, "Mira", "mira@private.example").await;
    let identity = Identity { tenant: customer.tenant, object: object(1) };
    customer.house.edit(&ContactInput { account: SaidAccount::Of(identity), ..hers.clone() }).await;
    customer.hire(1, "Mira Sund", "mira.sund", |_| {});
    let ended = customer.sync().await;
    assert_eq!((ended.run.counters.created, ended.run.counters.linked), (3, 1));
    let contacts = customer.contacts().await;
    let of = |id| contacts.iter().find(|contact| contact.id == id).unwrap();
    assert_eq!(of(hers.id).entra.as_ref().map(|stamp| stamp.identity), Some(identity));
    assert_eq!(of(other.id).entra, None);
}

#[tokio::test]
async fn an_address_in_other_letters_is_the_same_address() {
    let mut customer = Customer::new().await;
    let known = customer.house.contact(customer.client, 1, "Mira", &customer.at("mira.sund")).await;
    customer.hire(1, "Mira Sund", "mira.sund", |user| {
        user.mail = Some(user.user_principal_name.to_uppercase());
    });
    let ended = customer.sync().await;
    assert_eq!((ended.run.counters.created, ended.run.counters.linked), (3, 1));
    let linked = customer.house.one_contact(customer.client, &customer.at("mira.sund")).await;
    assert_eq!((linked.id, linked.entra.unwrap().identity.object), (known.id, object(1)));
    // Another spelling tomorrow is no change.
    customer.change(object(1), |user| user.mail = Some(user.user_principal_name.to_lowercase()));
    let before = customer.house.dump().await.people();
    customer.sync().await;
    customer.house.dump().await.people().assert_same(&before, "another spelling");
}

#[tokio::test]
async fn a_guest_stays_out_until_an_operator_lets_guests_in() {
    let mut customer = Customer::new().await;
    customer.hire(1, "A Guest", "guest", |user| {
        user.user_type = Some("Guest".to_owned());
        user.user_principal_name = "guest_partner.example#EXT#@acme.onmicrosoft.com".to_owned();
        user.mail = Some("guest@partner.example".to_owned());
    });
    customer.sync().await;
    assert_eq!(
        customer.line("A Guest").await.action,
        Action::Exclude { reason: Exclusion::Guest, detail: None }
    );
    let mut settings = SyncSettings::default();
    settings.scope.include_guests = true;
    customer.house.settings(settings).await;
    customer.sync().await;
    customer.house.one_contact(customer.client, "guest@partner.example").await;
}

#[tokio::test]
async fn abbott_and_robotics_example_are_no_robots() {
    // The second person of every messy customer is an Abbott, a Botha or a Talbot; the third
    // customer is robotics.example.
    let microsoft = Arc::new(Microsoft::serving(WorldConfig::sample(7, &[2, 2, 2]), 50).await);
    let house = House::new(&microsoft).await;
    let mut surnames = Vec::new();
    for number in 0..3 {
        let (tenant, client) = (microsoft.tenant(number).id, house.client(number as u128).await);
        house.map(tenant, client).await;
        surnames.extend(microsoft.world().user(tenant, 1).unwrap().surname);
    }
    surnames.sort_unstable();
    assert_eq!(surnames, ["Abbott", "Botha", "Talbot"]);
    assert_eq!(microsoft.tenant(2).default_domain(), "robotics.example");
    let abbott =
        microsoft.hire(microsoft.tenant(2).id, 1, "Tom Abbott", "tom.abbott@robotics.example", |_| {});
    let service = microsoft.hire(microsoft.tenant(2).id, 2, "Backup", "svc-backup@robotics.example", |_| {});
    let run = house.accept(1, RunKind::Initial).await;
    let ended = house.carry(run).await;
    assert_eq!((ended.run.counters.created, ended.run.counters.excluded), (7, 1));
    let lines = house.lines(run, microsoft.tenant(2).id).await;
    let action = |user: &User| &lines.iter().find(|line| line.object == user.id).unwrap().action;
    assert!(matches!(action(&abbott), Action::Create { .. }));
    let detail = Some("service account".to_owned());
    assert_eq!(*action(&service), Action::Exclude { reason: Exclusion::ServiceAccount, detail });
}

#[tokio::test]
async fn an_address_at_another_client_is_asked_about_without_showing_whose_it_is() {
    let mut customer = Customer::new().await;
    let other = customer.house.client(2).await;
    let foreign = customer.house.contact(other, 1, "Somebody There", &customer.at("mira.sund")).await;
    customer.hire(1, "Mira Sund", "mira.sund", |_| {});
    customer.sync().await;
    let line = customer.line("Mira Sund").await;
    let Action::Review { conflict, candidates } = line.action else { panic!("{line:?}") };
    assert_eq!(conflict, Conflict::AddressAtOtherClient);
    assert_eq!((candidates[0].contact, candidates[0].client), (foreign.id, other));
    assert_eq!((&candidates[0].full_name, &candidates[0].email), (&None, &None));
    let untouched = customer.house.contacts(other).await.remove(0);
    assert_eq!((untouched.version, untouched.entra), (1, None));
}

#[tokio::test]
async fn a_new_name_and_address_move_the_contact_and_free_the_old_address() {
    let mut customer = Customer::new().await;
    customer.house.every_field().await;
    let person = customer.hire(1, "Mira Sund", "mira.sund", |_| {});
    customer.sync().await;
    let before = customer.house.one_contact(customer.client, &customer.at("mira.sund")).await;
    let married = customer.at("mira.nord");
    customer.change(person.id, |user| {
        user.display_name = Some("Mira Nord".to_owned());
        user.mail = Some(married.clone());
    });
    let ended = customer.sync().await;
    assert_eq!(ended.run.counters.updated, 1);
    let after = customer.house.one_contact(customer.client, &married).await;
    assert_eq!((after.id, after.values.full_name.as_str()), (before.id, "Mira Nord"));

    // The old mailbox goes to somebody new.
    customer.change(person.id, |user| user.proxy_addresses = Some(Vec::new()));
    customer.change(person.id, |user| user.user_principal_name.clone_from(&married));
    customer.sync().await;
    customer.hire(2, "Mira Sund", "mira.sund", |_| {});
    let ended = customer.sync().await;
    assert_eq!(ended.run.counters.created, 1);
    let heir = customer.house.one_contact(customer.client, &customer.at("mira.sund")).await;
    assert_ne!(heir.id, before.id);
    customer.house.dump().await.assert_sound("a mailbox reused by a new hire");
}
