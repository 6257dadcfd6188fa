//! Failures of runs that other products are known for, each by its name.

use std::{collections::BTreeSet, sync::Arc};

use domain::{
    ids::{EntraObjectId, EntraTenantId, GroupId},
    policy::Timing,
    run::{RunKind, RunStatus, TenantStatus},
    scope::ScopeOverrides,
};
use fake_microsoft::{BadRow, CippFault, Effect, Group, Match, Route};
use jiff::SignedDuration;
use store::{ClientOverrides, SyncSettings, probe::Fault};

use crate::{
    customer::Customer,
    house::{House, WORKSPACE, managed},
    microsoft::Microsoft,
    mishaps::die,
};

/// People at each customer.
const PEOPLE: u32 = 7;

#[tokio::test]
async fn a_group_that_cannot_be_read_fails_its_tenant_aloud_and_makes_nobody_inactive() {
    for (effect, code) in [
        (None, "group_gone"),
        (Some(Effect::status(403)), "groups_not_readable"),
        (Some(Effect::status(500)), "graph_unavailable"),
        (Some(Effect::Malformed), "answer_unreadable"),
        (Some(Effect::ForeignNextLink("evil.example".to_owned())), "foreign_next_link"),
    ] {
        let (house, [customer, other]) = customers().await;
        eager_to_make_inactive(&house).await;
        restrict_to_a_group(&house, customer).await;
        let first = house.run(1, RunKind::Initial).await;
        assert_eq!(first.run.counters.created, u64::from(2 * PEOPLE), "{code}");
        let links = house.links(customer).await;

        let world = house.microsoft.world();
        match &effect {
            Some(effect) => {
                let members = Match::route(Route::GroupMembers).tenant(customer);
                house.microsoft.fake.faults().on(members, effect.clone(), None);
            }
            None => world.remove_group(customer, group()).unwrap(),
        }
        let ended = house.run(2, RunKind::AllTenants).await;
        assert_eq!(ended.run.run_status, RunStatus::Partial, "{code}");
        let failed = ended.tenant(customer);
        assert_eq!(failed.tenant_status, TenantStatus::Failed, "{code}");
        assert_eq!(failed.failure.as_ref().unwrap().code, code);
        assert_eq!(ended.tenant(other).tenant_status, TenantStatus::Completed, "{code}");
        assert_eq!(house.links(customer).await, links, "{code}: as if nothing had been read");

        house.microsoft.fake.faults().clear();
        if effect.is_none() {
            world.add_group(customer, everybody(&house, customer)).unwrap();
        }
        let again = house.run(3, RunKind::AllTenants).await;
        assert_eq!(
            (again.run.run_status, again.run.counters.inactivated),
            (RunStatus::Completed, 0),
            "{code}"
        );
    }
}

#[tokio::test]
async fn a_group_that_suddenly_looks_empty_waits_for_an_operator() {
    let (house, [customer, other]) = customers().await;
    restrict_to_a_group(&house, customer).await;
    let mut settings = SyncSettings::default();
    settings.vanish.out_of_scope = Timing::AtOnce;
    house.settings(settings).await;
    house.run(1, RunKind::Initial).await;
    let links = house.links(customer).await;
    let faults = house.microsoft.fake.faults();
    let members = Match::route(Route::GroupMembers).tenant(customer);
    // A page without rows is not the end of a listing.
    faults.on(members, Effect::EmptyPageWithNext, 1);
    let ended = house.run(2, RunKind::AllTenants).await;
    assert_eq!(ended.run.run_status, RunStatus::Completed);
    assert_eq!((ended.run.counters.excluded, ended.run.counters.inactivated), (0, 0));

    faults.on(members, Effect::EmptyAnswer, 1);
    let ended = house.run(3, RunKind::AllTenants).await;
    assert_eq!(ended.run.run_status, RunStatus::Held);
    let counters = ended.tenant(customer).counters;
    let people = u64::from(PEOPLE);
    assert_eq!((counters.excluded, counters.held, counters.inactivated), (people, people, 0));
    assert_eq!(ended.tenant(other).tenant_status, TenantStatus::Completed);
    assert_eq!(house.links(customer).await, links);
    assert_eq!(house.run(4, RunKind::AllTenants).await.run.run_status, RunStatus::Completed);
    assert_eq!(house.links(customer).await, links);
}

#[tokio::test]
async fn members_of_a_group_cost_one_listing_and_no_request_for_each_person() {
    for people in [10, 40] {
        let microsoft = Arc::new(Microsoft::plain(&[people], 50).await);
        let house = House::new(&microsoft).await;
        let customer = microsoft.tenant(0).id;
        house.map(customer, house.client(1).await).await;
        restrict_to_a_group(&house, customer).await;
        microsoft.fake.reset_requests();
        let ended = house.run(1, RunKind::Initial).await;
        assert_eq!(ended.run.counters.created, u64::from(people));
        let requests = microsoft.fake.requests();
        assert_eq!(requests.of(Route::GroupMembers).requests, 1, "{people}");
        assert_eq!(requests.of(Route::User).requests, 0, "{people}");
    }
}

/// Of seven people three are in a group: two in one within it, one in one within that, which leads back.
#[tokio::test]
async fn members_of_groups_within_a_group_are_in_it() {
    for (rule, taken) in [("include", 3), ("exclude", 4)] {
        let (house, [customer, _]) = customers().await;
        let world = house.microsoft.world();
        let people: Vec<EntraObjectId> = world.users(customer).iter().map(|user| user.id).collect();
        let [outer, middle, inner] = [0x6, 0x7, 0x8].map(|id| GroupId::new(uuid::Uuid::from_u128(id)));
        for (id, members, groups) in [
            (outer, &people[..0], vec![middle]),
            (middle, &people[..2], vec![inner]),
            (inner, &people[2..3], vec![outer]),
        ] {
            let group = Group { groups, ..Group::security(id, "Staff", members.to_vec()) };
            world.add_group(customer, group).unwrap();
        }
        let rules = Some(vec![outer]);
        let scope = match rule {
            "include" => ScopeOverrides { include_groups: rules, ..ScopeOverrides::default() },
            _ => ScopeOverrides { exclude_groups: rules, ..ScopeOverrides::default() },
        };
        let overrides = ClientOverrides { scope, ..ClientOverrides::default() };
        let client = house.client(1).await;
        house.store.put_overrides(WORKSPACE, client, &overrides).await.unwrap();
        let counters = house.run(1, RunKind::Initial).await.tenant(customer).counters;
        assert_eq!((counters.created, counters.excluded), (taken, u64::from(PEOPLE) - taken), "{rule}");
        let expected = if rule == "include" { &people[..3] } else { &people[3..] };
        let links = house.links(customer).await;
        let linked: BTreeSet<EntraObjectId> = links.iter().map(|link| link.identity.object).collect();
        assert_eq!(linked, expected.iter().copied().collect(), "{rule}");

        // Whoever joins a group within is found by the next sync, though nothing of the person has changed.
        world.edit_group(customer, inner, |group| group.members.push(people[5])).unwrap();
        let counters = house.run(2, RunKind::AllTenants).await.tenant(customer).counters;
        let joined = if rule == "include" { (1, 3) } else { (0, 4) };
        assert_eq!((counters.created, counters.excluded), joined, "{rule}");
    }
}

/// CIPP does not say why a group cannot be read; whatever it is, nobody is left out or taken because of it.
#[tokio::test]
async fn a_rule_by_group_works_through_cipp_and_fails_its_tenant_aloud_when_the_group_cannot_be_read() {
    for (effect, code) in [
        (None, "cipp_read_failed"),
        (Some(Effect::plain_text(403, "no")), "cipp_tenant_forbidden"),
        (Some(Effect::Malformed), "cipp_answer_unreadable"),
        (Some(Effect::Cipp(CippFault::Nothing)), "cipp_answer_incomplete"),
        (Some(Effect::BadRow(BadRow::WithoutId)), "cipp_answer_unreadable"),
    ] {
        let (house, [customer, other]) = customers().await;
        house.through_cipp().await;
        eager_to_make_inactive(&house).await;
        restrict_to_a_group(&house, customer).await;
        let world = house.microsoft.world();
        let out = world.users(customer)[1].id;
        world.edit_group(customer, group(), |group| group.members.retain(|member| *member != out)).unwrap();
        let first = house.run(1, RunKind::Initial).await;
        let counters = first.tenant(customer).counters;
        assert_eq!((counters.created, counters.excluded), (u64::from(PEOPLE) - 1, 1), "{code}");
        let links = house.links(customer).await;
        assert!(links.iter().all(|link| link.identity.object != out), "{code}");

        match &effect {
            // The second read of a tenant: the proof is the first.
            Some(effect) => {
                let members = Match::route(Route::CippGraphRequest).tenant(customer).from(2);
                house.microsoft.fake.faults().on(members, effect.clone(), None);
            }
            None => world.remove_group(customer, group()).unwrap(),
        }
        let ended = house.run(2, RunKind::AllTenants).await;
        let failed = ended.tenant(customer);
        assert_eq!(failed.tenant_status, TenantStatus::Failed, "{code}");
        assert_eq!(failed.failure.as_ref().unwrap().code, code);
        assert_eq!(ended.tenant(other).tenant_status, TenantStatus::Completed, "{code}");
        assert_eq!(house.links(customer).await, links, "{code}: as if nothing had been read");
    }
}

#[tokio::test]
async fn a_second_attempt_counts_what_the_first_one_created_as_created() {
    let microsoft = Arc::new(Microsoft::plain(&[PEOPLE], 3).await);
    let mut deaths = 0;
    for write in 1.. {
        let house = House::new(&microsoft).await;
        let (tenant, client) = (microsoft.tenant(0).id, house.client(1).await);
        house.map(tenant, client).await;
        let run = house.accept(1, RunKind::Initial).await;
        if !die(&house, run, write, Fault::After).await {
            break;
        }
        deaths += 1;
        let ended = house.carry(run).await;
        let counters = ended.run.counters;
        assert_eq!(
            (counters.read, counters.created, counters.linked, counters.unchanged),
            (PEOPLE.into(), PEOPLE.into(), 0, 0),
            "died at write {write}"
        );
        assert_eq!(house.contacts(client).await.len(), PEOPLE as usize, "died at write {write}");
    }
    assert!(deaths > 3 * PEOPLE, "only {deaths} deaths");
}

#[tokio::test]
async fn a_result_that_is_hard_to_record_is_counted_once() {
    let microsoft = Arc::new(Microsoft::plain(&[PEOPLE; 2], 50).await);
    microsoft.world().withdraw_consent(microsoft.tenant(0).id).unwrap();
    for fault in [Fault::Before, Fault::After, Fault::Twice] {
        for write in 1.. {
            let (house, _) = customers_of(&microsoft).await;
            let run = house.accept(1, RunKind::Initial).await;
            house.probe.reset();
            house.probe.script(move |call| (call.write == Some(write)).then_some(fault));
            let ended = house.carry(run).await;
            let what = format!("{fault:?} at write {write}");
            let Some(again) = (house.probe.counts().writes >= write).then_some(ended) else { break };
            let run = &again.run;
            assert_eq!(run.run_status, RunStatus::Partial, "{what}");
            assert_eq!(
                (run.total_tenants, run.succeeded_tenants, run.failed_tenants, again.tenants.len()),
                (2, 1, 1, 2),
                "{what}"
            );
            assert_eq!(run.counters.created, u64::from(PEOPLE), "{what}");
        }
    }
}

#[tokio::test]
async fn a_tenant_of_several_thousand_people_is_synced_to_its_end() {
    const MANY: u32 = 2_500;
    let microsoft = Arc::new(Microsoft::plain(&[MANY], 999).await);
    let house = House::new(&microsoft).await;
    let (tenant, client) = (microsoft.tenant(0).id, house.client(1).await);
    house.map(tenant, client).await;
    house.read_everybody().await;
    microsoft.fake.reset_requests();
    let first = house.run(1, RunKind::Initial).await;
    let counters = first.run.counters;
    assert_eq!(first.run.run_status, RunStatus::Completed, "{:?}", first.tenants);
    assert_eq!((counters.read, counters.created, counters.failed), (MANY.into(), MANY.into(), 0));
    assert_eq!(house.contacts(client).await.len(), MANY as usize);
    assert_eq!(house.links(tenant).await.len(), MANY as usize);
    assert_eq!(microsoft.fake.requests().of(Route::Users).requests, 3, "999 people with each");
    let second = house.run(2, RunKind::AllTenants).await;
    assert_eq!((second.run.counters.read, second.run.counters.unchanged), (MANY.into(), MANY.into()));
}

#[tokio::test]
async fn the_result_of_a_tenant_says_when_it_began_and_when_it_ended() {
    let mut customer = Customer::new().await;
    let pause = Effect::Throttle { retry_after: Some("17".to_owned()) };
    customer.house.microsoft.fake.faults().on(Match::route(Route::Users).nth(2), pause, 1);
    let ended = customer.sync().await;
    let result = ended.tenant(customer.tenant);
    let took = result.completed_at.duration_since(result.started_at);
    assert!(took >= SignedDuration::from_secs(17), "{took:?}");
    assert!(ended.run.started_at <= result.started_at);
    assert!(ended.run.completed_at.unwrap() >= result.completed_at);
}

#[tokio::test]
async fn what_cannot_succeed_is_asked_once_and_its_cause_is_kept() {
    for (place, effect, code, causes) in [
        (Route::Users, Effect::status(403), "role_missing", &["status 403", "request "][..]),
        (Route::Organization, Effect::status(403), "role_missing", &["status 403", "request "]),
        (Route::Token, Effect::aadsts(65001), "consent_missing", &["AADSTS65001"]),
    ] {
        let (house, [customer, _]) = customers().await;
        let fault = house.microsoft.fake.faults().on(Match::route(place).tenant(customer), effect, None);
        let ended = house.run(1, RunKind::Initial).await;
        let failure = ended.tenant(customer).failure.clone().unwrap();
        assert_eq!(failure.code, code, "{place:?}");
        let diagnostics = failure.diagnostics.unwrap_or_default();
        assert!(causes.iter().all(|cause| diagnostics.contains(cause)), "{place:?}: {diagnostics}");
        assert_eq!(house.microsoft.fake.faults().fired(fault), 1, "{place:?}");
        let states = house.store.tenant_states(WORKSPACE, &[managed(customer)]).await.unwrap();
        assert_eq!(states[0].1.attempts, 1, "{place:?}: taken up once");
    }
}

/// Two customers, each at a client of its own.
async fn customers() -> (House, [EntraTenantId; 2]) {
    customers_of(&Arc::new(Microsoft::plain(&[PEOPLE; 2], 3).await)).await
}

async fn customers_of(microsoft: &Arc<Microsoft>) -> (House, [EntraTenantId; 2]) {
    let house = House::new(microsoft).await;
    let tenants = [0, 1].map(|number| microsoft.tenant(number).id);
    for (number, tenant) in (1..).zip(tenants) {
        house.map(tenant, house.client(number).await).await;
    }
    (house, tenants)
}

/// Whoever is not there, or not in scope, becomes inactive with the next read, however many they are.
async fn eager_to_make_inactive(house: &House) {
    let mut settings = SyncSettings::default();
    settings.vanish.confirmations = 1;
    settings.vanish.grace_hours = 0;
    settings.vanish.allowed_percent = 100;
    settings.vanish.out_of_scope = Timing::AtOnce;
    settings.run_limits.inactivations.percent = 100;
    house.settings(settings).await;
}

/// Takes of the first customer only who is in a group, as everybody is.
async fn restrict_to_a_group(house: &House, customer: EntraTenantId) {
    house.microsoft.world().add_group(customer, everybody(house, customer)).unwrap();
    let scope = ScopeOverrides { include_groups: Some(vec![group()]), ..ScopeOverrides::default() };
    let overrides = ClientOverrides { scope, ..ClientOverrides::default() };
    house.store.put_overrides(WORKSPACE, house.client(1).await, &overrides).await.unwrap();
}

fn everybody(house: &House, customer: EntraTenantId) -> Group {
    let members: Vec<EntraObjectId> =
        house.microsoft.world().users(customer).iter().map(|user| user.id).collect();
    Group::security(group(), "Staff", members)
}

fn group() -> GroupId {
    GroupId::new(uuid::Uuid::from_u128(0x6))
}
