//! People who leave and come back, tenants that are mapped anew, and humans who edit meanwhile.

use std::sync::Arc;

use domain::{
    contact::{Contact, InactiveReason},
    plan::{Action, Conflict, Rule},
    policy::Timing,
    run::{RunKind, RunStatus},
};
use fake_microsoft::{Effect, Match, Route, User};
use serde_json::json;
use store::SyncSettings;

use crate::{
    customer::Customer,
    house::{House, WORKSPACE, managed},
    microsoft::Microsoft,
    mishaps::stored_but_not_applied,
};

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
    let mut settings = SyncSettings::default();
    settings.vanish.grace_hours = 1;
    customer.house.settings(settings).await;
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
    assert_eq!(reason(&contact), (true, Some(InactiveReason::SoftDeletedUpstream)));

    customer.house.microsoft.world().add_user(customer.tenant, person).unwrap();
    assert_eq!(customer.sync().await.run.counters.reactivated, 1);
    let contact = customer.house.one_contact(customer.client, &address).await;
    assert_eq!(reason(&contact), (false, None));
}

#[tokio::test]
async fn who_was_deleted_for_good_is_told_apart_from_who_can_be_restored_and_from_who_is_only_missing() {
    let mut customer = Customer::new().await;
    let mut settings = SyncSettings::default();
    settings.vanish.grace_hours = 0;
    settings.vanish.disabled = Timing::AfterGrace;
    settings.vanish.out_of_scope = Timing::AfterGrace;
    settings.vanish.allowed_percent = 100;
    customer.house.settings(settings).await;
    let names = ["deleted", "purged", "first.deleted", "blocked", "guest"];
    let mut people = Vec::new();
    for (name, number) in names.into_iter().zip(1..) {
        people.push(customer.hire(number, name, name, |_| {}));
    }
    customer.sync().await;
    let purge = |customer: &Customer, person: &User| {
        customer.house.microsoft.world().purge_user(customer.tenant, person.id).unwrap();
    };
    customer.leaves(people[0].id);
    purge(&customer, &people[1]);
    // Deleted, and then for good: the last word counts.
    customer.leaves(people[2].id);
    customer.sync().await;
    purge(&customer, &people[2]);
    customer.change(people[3].id, |user| user.account_enabled = false);
    customer.change(people[4].id, |user| user.user_type = Some("Guest".to_owned()));
    customer.sync().await;
    customer.sync().await;
    let mut found = Vec::new();
    for person in &people {
        let address = person.mail.clone().unwrap();
        let contact = customer.house.one_contact(customer.client, &address).await;
        found.push(reason(&contact));
    }
    let expected = [
        InactiveReason::SoftDeletedUpstream,
        InactiveReason::PermanentlyDeletedUpstream,
        InactiveReason::PermanentlyDeletedUpstream,
        InactiveReason::DisabledUpstream,
        InactiveReason::OutOfScope,
    ];
    assert_eq!(found, expected.map(|reason| (true, Some(reason))));

    // Whoever reads everybody sees only that somebody is not there.
    customer.house.read_everybody().await;
    let missing = customer.hire(9, "Missing", "missing", |_| {});
    customer.sync().await;
    customer.leaves(missing.id);
    customer.sync().await;
    customer.sync().await;
    let contact = customer.house.one_contact(customer.client, &missing.mail.unwrap()).await;
    assert_eq!(reason(&contact), (true, Some(InactiveReason::DeletedUpstream)));
}

#[tokio::test]
async fn somebody_who_is_missing_now_and_then_never_becomes_inactive() {
    let mut customer = Customer::new().await;
    customer.house.read_everybody().await;
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
async fn rules_that_change_while_a_run_is_going_on_hold_for_the_next_one() {
    let mut customer = Customer::on_pages_of(10).await;
    let address = customer.at("mira.sund");
    customer.house.contact(customer.client, 1, "Mira", &address).await;
    customer.hire(1, "Mira Sund", "mira.sund", |_| {});
    let (run, _) = stored_but_not_applied(&customer.house, 100).await;
    let fields = json!({ "displayName": true });
    customer.house.settings(SyncSettings { field_sync_config: fields, ..SyncSettings::default() }).await;
    customer.house.carry(run).await;
    let contact = customer.house.one_contact(customer.client, &address).await;
    assert_eq!(contact.values.full_name, "Mira", "the rules of the run");
    assert_eq!(customer.sync().await.run.counters.updated, 1);
    let contact = customer.house.one_contact(customer.client, &address).await;
    assert_eq!(contact.values.full_name, "Mira Sund", "the present rules");
}

#[tokio::test]
async fn a_run_that_another_one_overtakes_in_the_middle_of_a_tenant_ends_well() {
    let customer = Customer::new().await;
    let (first, _) = stored_but_not_applied(&customer.house, 1).await;
    let overtaking = customer.house.run(2, RunKind::AllTenants).await;
    assert_eq!((overtaking.run.run_status, overtaking.run.counters.created), (RunStatus::Completed, 3));
    let before = customer.contacts().await;
    let ended = customer.house.carry(first).await;
    assert_eq!((ended.run.run_status, ended.run.counters.stale), (RunStatus::Completed, 0));
    assert_eq!(customer.contacts().await, before);
    customer.house.dump().await.assert_sound("after both");
    customer.house.read_everybody().await;
    let again = customer.house.run(3, RunKind::AllTenants).await;
    assert_eq!(again.run.counters.unchanged, 3);
}

/// Two workers at once, each with a run that covers the same customer, who has somebody to be asked about.
#[tokio::test]
async fn a_sync_of_everything_and_one_of_a_client_at_once_make_nobody_twice() {
    let people = [7, 5];
    let microsoft = Arc::new(Microsoft::plain(&people, 2).await);
    for first in [RunKind::AllTenants, RunKind::SingleTenant] {
        let house = House::new(&microsoft).await;
        let client = house.client(1).await;
        for (number, client) in [client, house.client(2).await].into_iter().enumerate() {
            house.map(microsoft.tenant(number).id, client).await;
        }
        let mailbox = microsoft.employee(microsoft.tenant(0).id, 2).mail.unwrap();
        let elsewhere = house.client(3).await;
        house.contact(elsewhere, 1, "At Another Client", &mailbox).await;

        let (all, one) = (house.accept(1, RunKind::AllTenants).await, house.accept_of(2, client).await);
        let [early, late] = if first == RunKind::AllTenants { [all, one] } else { [one, all] };
        let workers = [house.worker(), house.worker()];
        let carried = tokio::join!(workers[0].carry(early), workers[1].carry(late));
        carried.0.unwrap();
        carried.1.unwrap();
        let (mut created, mut asked) = (0, 0);
        for run in [all, one] {
            let ended = house.ended(run).await;
            assert_eq!(ended.run.run_status, RunStatus::Completed, "{first:?}: {:?}", ended.tenants);
            let lines = house.lines(run, microsoft.tenant(0).id).await;
            asked += lines.iter().filter(|line| matches!(line.action, Action::Review { .. })).count();
            created += ended.run.counters.created;
        }
        assert_eq!((created, asked), (7 + 5 - 1, 1), "{first:?}: each of them once");
        assert_eq!(house.contacts(client).await.len(), 6, "{first:?}");
        assert_eq!(house.reviews().await.len(), 1, "{first:?}");
        house.dump().await.assert_sound("after both");

        house.read_everybody().await;
        let again = house.run(3, RunKind::AllTenants).await.run.counters;
        assert_eq!((again.unchanged, again.ambiguous, again.created), (11, 1, 0), "{first:?}");
    }
}

/// Whether the contact is inactive, and why this sync made it so.
fn reason(contact: &Contact) -> (bool, Option<InactiveReason>) {
    (contact.inactive, contact.entra.as_ref().and_then(|stamp| stamp.inactive_reason))
}

#[tokio::test]
async fn how_many_people_are_in_scope_is_kept_after_every_sync() {
    let mut customer = Customer::new().await;
    customer.hire(1, "A Guest", "guest", |user| user.user_type = Some("Guest".to_owned()));
    customer.hire(2, "Blocked From The Start", "blocked", |user| user.account_enabled = false);
    for (disable, people) in [(false, 3), (true, 2)] {
        if disable {
            customer.change(customer.person(0).id, |user| user.account_enabled = false);
        }
        customer.sync().await;
        let states =
            customer.house.store.tenant_states(WORKSPACE, &[managed(customer.tenant)]).await.unwrap();
        assert_eq!(states[0].1.last_success_people, Some(people));
    }
}

#[tokio::test]
async fn a_client_with_rules_of_its_own_is_synced_by_them_and_the_others_are_not() {
    let microsoft = Arc::new(Microsoft::plain(&[3, 3], 10).await);
    let house = House::new(&microsoft).await;
    let [strict, lenient] = [house.client(1).await, house.client(2).await];
    let tenants = [microsoft.tenant(0).id, microsoft.tenant(1).id];
    for (tenant, client) in tenants.iter().zip([strict, lenient]) {
        house.map(*tenant, client).await;
    }
    let overrides = store::ClientOverrides {
        field_sync_config: serde_json::json!({ "displayName": true }),
        scope: domain::scope::ScopeOverrides { include_guests: Some(true), ..Default::default() },
        ..Default::default()
    };
    house.store.put_overrides(WORKSPACE, lenient, &overrides).await.unwrap();
    for tenant in tenants {
        let domain = microsoft.world().tenant(tenant).unwrap().default_domain().to_owned();
        microsoft.hire(
            tenant,
            u128::from(tenant.uuid().as_fields().0),
            "A Guest",
            &format!("guest@{domain}"),
            |user| {
                user.user_type = Some("Guest".to_owned());
            },
        );
    }
    house.run(1, RunKind::Initial).await;
    assert_eq!([house.contacts(strict).await.len(), house.contacts(lenient).await.len()], [3, 4]);
    for tenant in tenants {
        let person = microsoft.employee(tenant, 0);
        microsoft.edit(tenant, &person, |user| user.display_name = Some("Another Name".to_owned()));
    }
    let renamed = house.run(2, RunKind::AllTenants).await;
    assert_eq!(renamed.run.counters.updated, 1);
    for (client, expected) in [(strict, 0), (lenient, 1)] {
        let contacts = house.contacts(client).await;
        let named = contacts.iter().filter(|contact| contact.values.full_name == "Another Name").count();
        assert_eq!(named, expected);
    }
    // What is said while a run is going on holds from the next one on.
    let run = house.accept(3, RunKind::AllTenants).await;
    house.store.put_overrides(WORKSPACE, strict, &overrides).await.unwrap();
    house.carry(run).await;
    house.run(4, RunKind::AllTenants).await;
    assert_eq!(house.contacts(strict).await.len(), 4, "the guest has come along");
}

#[tokio::test]
async fn a_field_that_is_blank_is_cleared_once_that_is_confirmed_by_changes_and_by_complete_reads_alike() {
    for everybody in [false, true] {
        let mut customer = Customer::new().await;
        let mut settings = SyncSettings::default();
        settings.vanish.grace_hours = 0;
        settings.vanish.confirmations = 3;
        settings.field_sync_config = json!({
            "role": {"overwrite": "always", "clear": "after_grace"}, "allowClearing": true,
        });
        customer.house.settings(settings).await;
        if everybody {
            customer.house.read_everybody().await;
        }
        let person = customer.hire(1, "Mira Sund", "mira.sund", |user| {
            user.job_title = Some("Dentist".to_owned());
        });
        let address = person.mail.clone().unwrap();
        customer.sync().await;
        customer.change(person.id, |user| user.job_title = None);
        let mut shown = Vec::new();
        for _ in 0..4 {
            let ended = customer.sync().await;
            let contact = customer.house.one_contact(customer.client, &address).await;
            shown.push((contact.values.role.is_some(), ended.run.counters.updated));
        }
        let expected = [(true, 0), (true, 0), (false, 1), (false, 0)];
        assert_eq!(shown, expected, "everybody: {everybody}");
    }
}
