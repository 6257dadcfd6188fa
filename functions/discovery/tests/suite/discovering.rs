//! What a discovery finds out, compared with what was known.

use ambient::Clock;
use domain::ids::{EntraTenantId, ManagedTenantId};
use fake_microsoft::{DIRECTORY_READERS, Effect, Match, RelationshipStatus, Route, WorldConfig};
use store::{DiscoveryReport, ManagedTenant, TenantAccess, probe::Fault};

use crate::house::{House, managed};

fn sorted(mut ids: Vec<ManagedTenantId>) -> Vec<ManagedTenantId> {
    ids.sort_unstable();
    ids
}

/// Fails unless the report names exactly these tenants: new, gone, renamed, access lost.
#[track_caller]
fn assert_changes(report: &DiscoveryReport, changes: [&[EntraTenantId]; 4]) {
    let found = [&report.new, &report.gone, &report.renamed, &report.lost_access];
    for (what, (found, expected)) in
        ["new", "gone", "renamed", "lost access"].iter().zip(found.iter().zip(changes))
    {
        let expected = expected.iter().copied().map(managed).collect();
        assert_eq!(sorted((*found).clone()), sorted(expected), "{what}");
    }
}

/// The code of what keeps us out.
fn blocked(tenant: &ManagedTenant) -> Option<&str> {
    match &tenant.access {
        TenantAccess::Blocked { failure } => {
            assert!(failure.message.len() > 20 && failure.remedy.len() > 10, "{failure:?}");
            Some(&failure.code)
        }
        TenantAccess::Ok | TenantAccess::Unknown => None,
    }
}

#[tokio::test]
async fn the_first_discovery_finds_everybody_and_the_second_nothing_new() {
    let house = House::new().await;
    let customers = house.customers();
    let report = house.discover().await;
    assert_changes(&report, [&customers, &[], &[], &[]]);
    assert_eq!((report.found, report.failure, report.execution.as_str()), (5, None, "execution"));
    for known in house.microsoft.world().tenants() {
        let tenant = house.tenant(known.id).await;
        assert_eq!((tenant.id, tenant.entra), (managed(known.id), known.id));
        assert_eq!(tenant.display_name, Some(known.display_name.clone()));
        assert_eq!(tenant.default_domain.as_ref().unwrap().as_str(), known.default_domain());
        let domains: Vec<&str> =
            tenant.verified_domains.iter().map(domain::domain_name::DomainName::as_str).collect();
        assert!(known.domains.iter().all(|domain| domains.contains(&domain.name.as_str())), "{domains:?}");
        assert_eq!((tenant.access, tenant.discovered_at), (TenantAccess::Ok, report.completed_at));
    }

    let first = house.tenants().await;
    let report = house.discover().await;
    assert_changes(&report, [&[], &[], &[], &[]]);
    for (before, after) in first.into_iter().zip(house.tenants().await) {
        assert_eq!(after.last_seen_at, house.clock.now());
        assert_eq!(ManagedTenant { last_seen_at: before.last_seen_at, ..after }, before);
    }
}

#[tokio::test]
async fn a_new_name_and_a_new_domain_are_noticed() {
    let house = House::new().await;
    house.discover().await;
    let customer = house.customers()[2];
    house.microsoft.world().rename_tenant(customer, "Another Name Ltd").unwrap();
    house.microsoft.world().add_domain(customer, "another.example").unwrap();
    assert_changes(&house.discover().await, [&[], &[], &[customer], &[]]);
    let tenant = house.tenant(customer).await;
    assert_eq!(tenant.display_name.as_deref(), Some("Another Name Ltd"));
    assert!(tenant.verified_domains.iter().any(|domain| domain.as_str() == "another.example"));
    assert_changes(&house.discover().await, [&[], &[], &[], &[]]);
}

#[tokio::test]
async fn a_customer_who_is_gone_is_marked_and_kept_and_may_come_back() {
    let house = House::new().await;
    house.discover().await;
    let customer = house.customers()[1];
    let before = house.tenant(customer).await;
    let world = house.microsoft.world();
    world.set_relationship_status(customer, RelationshipStatus::Terminated).unwrap();
    let report = house.discover().await;
    assert_changes(&report, [&[], &[customer], &[], &[]]);
    assert_eq!((report.found, house.tenants().await.len()), (4, 5));
    let gone = house.tenant(customer).await;
    assert_eq!((blocked(&gone), gone.missing_since), (Some("relationship_ended"), Some(house.clock.now())));
    assert_eq!(
        (&gone.display_name, &gone.verified_domains),
        (&before.display_name, &before.verified_domains)
    );
    assert_changes(&house.discover().await, [&[], &[], &[], &[]]);
    assert_eq!(house.tenant(customer).await.missing_since, gone.missing_since, "since when stays");

    world.set_relationship_status(customer, RelationshipStatus::Active).unwrap();
    assert_changes(&house.discover().await, [&[], &[], &[], &[]]);
    let back = house.tenant(customer).await;
    assert_eq!(
        (back.access, back.missing_since, back.discovered_at),
        (TenantAccess::Ok, None, before.discovered_at)
    );
}

#[tokio::test]
async fn a_customer_that_comes_back_without_an_answer_is_not_said_to_have_left() {
    let house = House::new().await;
    house.discover().await;
    let customer = house.customers()[1];
    let world = house.microsoft.world();
    world.set_relationship_status(customer, RelationshipStatus::Terminated).unwrap();
    house.discover().await;
    world.set_relationship_status(customer, RelationshipStatus::Active).unwrap();
    let silent = Match::route(Route::Organization).tenant(customer);
    house.microsoft.fake.faults().on(silent, Effect::status(503), None);
    house.discover().await;
    let back = house.tenant(customer).await;
    assert_eq!((back.access, back.missing_since), (TenantAccess::Unknown, None));
}

#[tokio::test]
async fn access_that_is_lost_is_reported_once_with_its_cause() {
    let house = House::new().await;
    house.discover().await;
    let customer = house.customers()[3];
    let before = house.tenant(customer).await;
    house.microsoft.world().withdraw_consent(customer).unwrap();
    // The token of the last discovery is still good; a new process has none.
    house.clock.advance(jiff::SignedDuration::from_hours(2));
    assert_changes(&house.discover().await, [&[], &[], &[], &[customer]]);
    let lost = house.tenant(customer).await;
    assert_eq!(blocked(&lost), Some("consent_missing"));
    assert_eq!(
        (lost.display_name, lost.default_domain, lost.verified_domains),
        (before.display_name, before.default_domain, before.verified_domains)
    );
    assert_changes(&house.discover().await, [&[], &[], &[], &[]]);
    house.microsoft.world().grant_consent(customer).unwrap();
    assert_changes(&house.discover().await, [&[], &[], &[], &[]]);
    assert_eq!(house.tenant(customer).await.access, TenantAccess::Ok);
}

#[tokio::test]
async fn no_answer_changes_nothing_that_is_known() {
    let house = House::new().await;
    let faults = house.microsoft.fake.faults();
    let customer = house.customers()[0];
    let silent = Match::route(Route::Organization).tenant(customer);
    for effect in [Effect::status(503), Effect::Throttle { retry_after: Some("600".to_owned()) }] {
        faults.on(silent, effect, None);
        house.discover().await;
        faults.clear();
    }
    assert_eq!(house.tenant(customer).await.access, TenantAccess::Unknown, "never seen");
    house.discover().await;
    let before = house.tenant(customer).await;
    faults.on(silent, Effect::status(503), None);
    assert_changes(&house.discover().await, [&[], &[], &[], &[]]);
    let after = house.tenant(customer).await;
    assert_eq!(ManagedTenant { last_seen_at: before.last_seen_at, ..after }, before);

    // Lost after a silence is lost all the same.
    faults.clear();
    house.microsoft.world().withdraw_consent(customer).unwrap();
    house.clock.advance(jiff::SignedDuration::from_hours(2));
    assert_changes(&house.discover().await, [&[], &[], &[], &[customer]]);
}

#[tokio::test]
async fn a_customer_that_was_never_readable_is_known_by_its_public_name() {
    let house = House::new().await;
    let customer = house.microsoft.tenant(4);
    house.microsoft.world().withdraw_consent(customer.id).unwrap();
    let report = house.discover().await;
    assert_eq!((report.new.len(), report.lost_access.len()), (5, 0));
    let tenant = house.tenant(customer.id).await;
    assert_eq!(blocked(&tenant), Some("consent_missing"));
    assert_eq!(tenant.display_name.as_deref(), Some(customer.display_name.as_str()));
    assert_eq!(tenant.default_domain.unwrap().as_str(), customer.default_domain());
    assert_eq!(tenant.verified_domains, [], "a public name proves nothing");
}

#[tokio::test]
async fn a_tenant_that_proves_to_be_another_is_blocked_and_teaches_nothing() {
    let house = House::new().await;
    let customer = house.customers()[2];
    house.microsoft.fake.faults().on(
        Match::route(Route::Organization).tenant(customer),
        Effect::WrongTenant,
        None,
    );
    house.discover().await;
    let tenant = house.tenant(customer).await;
    assert_eq!((blocked(&tenant), tenant.verified_domains.len()), (Some("tenant_mismatch"), 0));
}

#[tokio::test]
async fn a_messy_partner_lists_each_customer_once_and_not_itself() {
    let house = House::of(WorldConfig::sample(7, &[1; 12])).await;
    let report = house.discover().await;
    let tenants = house.tenants().await;
    assert_eq!((report.found as usize, tenants.len()), (12, 12));
    let partner = house.microsoft.world().partner().id;
    assert!(tenants.iter().all(|tenant| tenant.entra != partner));
    // The second customer's relationship ends by itself.
    let ending = house.tenant(house.customers()[1]).await;
    let relationship = house.microsoft.tenant(1).relationships.remove(0);
    assert_eq!(ending.access_ends, Some(relationship.ends));
    assert_eq!(house.tenant(house.customers()[0]).await.access_ends, None);
    house.microsoft.world().set_relationship_roles(house.customers()[0], &[DIRECTORY_READERS]).unwrap();
    assert_changes(&house.discover().await, [&[], &[], &[], &[]]);
}

#[tokio::test]
async fn a_discovery_that_is_cut_off_at_any_write_is_done_again() {
    let undisturbed = House::new().await;
    undisturbed.probe.reset();
    undisturbed.discover().await;
    let (expected, writes) = (seen(&undisturbed).await, undisturbed.probe.counts().writes);
    assert_eq!(writes, 8, "five tenants, the report, and the right to renew taken and given back");
    for fault in [Fault::Before, Fault::After, Fault::Twice] {
        for write in 1..=writes {
            let house = House::new().await;
            house.probe.reset();
            house.probe.script(move |call| (call.write == Some(write)).then_some(fault));
            if let Err(failure) = house.try_discover().await {
                assert_eq!(failure.name(), "Transient", "{fault:?} at {write}");
                house.discover().await;
            }
            assert_eq!(seen(&house).await, expected, "{fault:?} at {write}");
        }
    }
}

/// The tenants as they are known, whenever that was.
async fn seen(house: &House) -> Vec<ManagedTenant> {
    let now = house.microsoft.world().config().as_of;
    let tenants = house.tenants().await.into_iter();
    tenants.map(|tenant| ManagedTenant { discovered_at: now, last_seen_at: now, ..tenant }).collect()
}
