//! People and what becomes of them, one story each.

use std::sync::Arc;

use domain::{
    contact::{Contact, InactiveReason},
    ids::{ClientId, EntraObjectId, EntraTenantId},
    plan::{Action, Conflict, Line, Rule},
    run::{RunKind, RunStatus},
    scope::Exclusion,
};
use fake_microsoft::{Effect, Match, Route, User, WorldConfig};
use store::SyncSettings;
use workflow::payloads::RunInput;

use crate::{
    house::{Ended, House, WORKSPACE, managed},
    microsoft::Microsoft,
    mishaps::stored_but_not_applied,
    people::object,
};

/// A customer with three ordinary people, at a client of its own.
struct Customer {
    house: House,
    tenant: EntraTenantId,
    client: ClientId,
    domain: String,
    runs: u64,
}

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
    assert_eq!(line.action, Action::Exclude { reason: Exclusion::MissingIdentity });
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
    assert_eq!(customer.line("A Guest").await.action, Action::Exclude { reason: Exclusion::Guest });
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
    assert_eq!(*action(&service), Action::Exclude { reason: Exclusion::ServiceAccount });
}

#[tokio::test]
async fn a_disabled_person_becomes_inactive_and_active_again_when_back() {
    let mut customer = Customer::new().await;
    let person = customer.person(1);
    let address = person.mail.clone().unwrap();
    customer.sync().await;
    customer.change(person.id, |user| user.account_enabled = false);
    let ended = customer.sync().await;
    assert_eq!(ended.run.counters.inactivated, 1);
    assert_eq!(customer.line(person.display_name.as_deref().unwrap()).await.rule, Rule::Disabled);
    let contact = customer.house.one_contact(customer.client, &address).await;
    assert_eq!(reason(&contact), (true, Some(InactiveReason::DisabledUpstream)));
    assert_eq!(customer.sync().await.run.counters.inactivated, 0, "once");

    customer.change(person.id, |user| user.account_enabled = true);
    let ended = customer.sync().await;
    assert_eq!(ended.run.counters.reactivated, 1);
    let contact = customer.house.one_contact(customer.client, &address).await;
    assert_eq!(reason(&contact), (false, None));
}

#[tokio::test]
async fn a_contact_that_a_human_made_inactive_stays_so() {
    let mut customer = Customer::new().await;
    let person = customer.person(1);
    let address = person.mail.clone().unwrap();
    let mut known = customer.house.contact(customer.client, 1, "Known", &address).await;
    customer.sync().await;
    known.inactive = true;
    customer.house.edit(&known).await;
    for enabled in [false, true, false, true] {
        customer.change(person.id, |user| user.account_enabled = enabled);
        customer.sync().await;
        let contact = customer.house.one_contact(customer.client, &address).await;
        assert_eq!(reason(&contact), (true, None));
    }
}

#[tokio::test]
async fn somebody_who_is_gone_becomes_inactive_at_the_second_read_and_not_before() {
    let mut customer = Customer::new().await;
    let person = customer.hire(1, "Mira Sund", "mira.sund", |_| {});
    let address = person.mail.clone().unwrap();
    customer.sync().await;
    customer.leaves(person.id);
    for inactivated in [0, 1, 0] {
        let ended = customer.sync().await;
        let counters = ended.run.counters;
        assert_eq!((counters.vanished, counters.inactivated), (inactivated, inactivated));
    }
    let contact = customer.house.one_contact(customer.client, &address).await;
    assert_eq!(reason(&contact), (true, Some(InactiveReason::DeletedUpstream)));

    customer.house.microsoft.world().add_user(customer.tenant, person).unwrap();
    assert_eq!(customer.sync().await.run.counters.reactivated, 1);
    let contact = customer.house.one_contact(customer.client, &address).await;
    assert_eq!(reason(&contact), (false, None));
}

#[tokio::test]
async fn somebody_who_is_missing_now_and_then_never_becomes_inactive() {
    let mut customer = Customer::new().await;
    customer.sync().await;
    for _ in 0..3 {
        // The first of two pages looks like the only one: a short read that seems complete.
        let first = Match::route(Route::Users).nth(1);
        customer.house.microsoft.fake.faults().on(first, Effect::CutListing, 1);
        assert_eq!(customer.sync().await.run.counters.missing, 1);
        assert_eq!(customer.sync().await.run.counters.missing, 0);
    }
    let contacts = customer.contacts().await;
    assert!(contacts.iter().all(|contact| reason(contact) == (false, None)));
    assert!(customer.house.links(customer.tenant).await.iter().all(|link| link.active && link.missing == 0));
}

#[tokio::test]
async fn a_human_edit_between_plan_and_apply_is_left_alone_and_reported() {
    let customer = Customer::on_pages_of(10).await;
    customer.house.every_field().await;
    let mut known = customer.house.contact(customer.client, 1, "Mira", &customer.at("mira.sund")).await;
    let other = customer.house.contact(customer.client, 2, "Ola", &customer.at("ola.nord")).await;
    customer.hire(1, "Mira Sund", "mira.sund", |_| {});
    customer.hire(2, "Ola Nord", "ola.nord", |_| {});

    let (run, _) = stored_but_not_applied(&customer.house, 1).await;
    "Typed By A Human".clone_into(&mut known.values.full_name);
    customer.house.edit(&known).await;
    let ended = customer.house.carry(run).await;
    assert_eq!((ended.run.run_status, ended.run.counters.stale), (RunStatus::Completed, 1));
    let stale = customer.house.store.stale_lines(WORKSPACE, run.run_id, managed(customer.tenant)).await;
    let lines = customer.house.lines(run, customer.tenant).await;
    let line = lines.iter().find(|line| line.label == "Mira Sund").unwrap();
    assert_eq!(stale.unwrap(), [(line.id, "contact_changed".to_owned())]);
    let contacts = customer.contacts().await;
    let find = |id| contacts.iter().find(|contact| contact.id == id).unwrap();
    assert_eq!((find(known.id).values.clone(), &find(known.id).entra), (known.values.clone(), &None));
    assert_eq!(find(other.id).values.full_name, "Ola Nord", "the other lines are applied");

    // The next run plans anew on what the human wrote.
    let again = customer.house.run(2, RunKind::AllTenants).await;
    assert_eq!((again.run.counters.linked, again.run.counters.stale), (1, 0));
}

#[tokio::test]
async fn after_a_remap_people_are_asked_about_and_not_moved() {
    let mut customer = Customer::new().await;
    customer.sync().await;
    let before = customer.contacts().await;
    let links = customer.house.links(customer.tenant).await;
    let other = customer.house.client(2).await;
    customer.house.map(customer.tenant, other).await;
    let newcomer = customer.hire(1, "New Colleague", "new.colleague", |_| {});
    for asked in [3, 0] {
        let ended = customer.sync().await;
        assert_eq!((ended.run.run_status, ended.run.counters.ambiguous), (RunStatus::Completed, 3));
        let lines = customer.lines().await;
        let linked_elsewhere = lines.iter().filter(|line| {
            matches!(line.action, Action::Review { conflict: Conflict::LinkedAtOtherClient, .. })
        });
        assert_eq!(linked_elsewhere.count(), asked, "a question is asked once");
    }
    assert_eq!(customer.contacts().await, before);
    let left = customer.house.links(customer.tenant).await;
    assert!(links.iter().all(|link| left.contains(link)));
    assert_eq!(customer.house.reviews().await.len(), 3);
    let contacts = customer.house.contacts(other).await;
    assert_eq!(contacts.len(), 1, "who is new belongs to the new client");
    assert_eq!(contacts[0].entra.as_ref().unwrap().identity.object, newcomer.id);

    // Back again, and the questions are gone.
    customer.house.map(customer.tenant, customer.client).await;
    let ended = customer.sync().await;
    assert_eq!(ended.run.counters.ambiguous, 1, "only who came meanwhile");
    assert_eq!(customer.contacts().await, before);
}

#[tokio::test]
async fn a_remap_while_the_run_is_going_on_stops_it_at_the_old_client() {
    let customer = Customer::new().await;
    let (run, _) = stored_but_not_applied(&customer.house, 1).await;
    let other = customer.house.client(2).await;
    customer.house.map(customer.tenant, other).await;
    let ended = customer.house.carry(run).await;
    let failure = ended.tenant(customer.tenant).failure.clone().unwrap();
    assert_eq!(failure.code, "mapping_changed");
    assert_eq!((customer.contacts().await, customer.house.contacts(other).await), (Vec::new(), Vec::new()));
    let again = customer.house.run(2, RunKind::AllTenants).await;
    assert_eq!((again.run.run_status, again.run.counters.created), (RunStatus::Completed, 3));
    assert_eq!(customer.house.contacts(other).await.len(), 3);
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

impl Customer {
    async fn new() -> Self {
        Self::on_pages_of(2).await
    }

    async fn on_pages_of(rows: u16) -> Self {
        let microsoft = Arc::new(Microsoft::plain(&[3], rows).await);
        let house = House::new(&microsoft).await;
        let (tenant, client) = (microsoft.tenant(0), house.client(1).await);
        house.map(tenant.id, client).await;
        Self { house, tenant: tenant.id, client, domain: tenant.default_domain().to_owned(), runs: 0 }
    }

    fn at(&self, local: &str) -> String {
        format!("{local}@{}", self.domain)
    }

    /// One of the three.
    fn person(&self, number: usize) -> User {
        self.house.microsoft.employee(self.tenant, number)
    }

    fn hire(&self, number: u128, name: &str, local: &str, change: impl FnOnce(&mut User)) -> User {
        self.house.microsoft.hire(self.tenant, number, name, &self.at(local), change)
    }

    fn change(&self, person: EntraObjectId, change: impl FnOnce(&mut User)) {
        self.house.microsoft.world().edit(self.tenant, person, change).unwrap();
    }

    fn leaves(&self, person: EntraObjectId) {
        self.house.microsoft.world().remove_user(self.tenant, person).unwrap();
    }

    async fn sync(&mut self) -> Ended {
        self.runs += 1;
        self.house.run(self.runs, RunKind::AllTenants).await
    }

    async fn contacts(&self) -> Vec<Contact> {
        self.house.contacts(self.client).await
    }

    /// The lines of the last run.
    async fn lines(&self) -> Vec<Line> {
        let run = self.house.store.runs(WORKSPACE, None, 1).await.unwrap().remove(0);
        let run = RunInput { workspace_id: WORKSPACE, run_id: run.id };
        self.house.lines(run, self.tenant).await
    }

    /// The line about somebody in the last run.
    async fn line(&self, label: &str) -> Line {
        let lines = self.lines().await;
        lines.into_iter().find(|line| line.label == label).unwrap_or_else(|| panic!("no line about {label}"))
    }
}

/// Whether the contact is inactive, and why this sync made it so.
fn reason(contact: &Contact) -> (bool, Option<InactiveReason>) {
    (contact.inactive, contact.entra.as_ref().and_then(|stamp| stamp.inactive_reason))
}
