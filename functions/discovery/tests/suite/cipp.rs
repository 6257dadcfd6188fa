//! Customers as a CIPP deployment lists them.

use fake_microsoft::{CippFault, Effect, Match, RelationshipStatus, Route};
use store::TenantAccess;

use crate::{house::House, microsoft::WORKSPACE};

#[tokio::test]
async fn both_kinds_of_connection_find_the_same_customers() {
    let (direct, house) = (House::new().await, House::new().await);
    house.through_cipp().await;
    let (one, other) = (direct.discover().await, house.discover().await);
    assert_eq!((other.found, other.failure), (one.found, None));
    let found = house.store.managed_tenants(WORKSPACE).await.unwrap();
    for (found, expected) in found.iter().zip(direct.store.managed_tenants(WORKSPACE).await.unwrap()) {
        assert_eq!((found.entra, &found.display_name), (expected.entra, &expected.display_name));
        assert_eq!(
            (&found.default_domain, &found.verified_domains),
            (&expected.default_domain, &expected.verified_domains)
        );
        assert_eq!(found.access, TenantAccess::Ok);
    }
}

/// Whoever is excluded in CIPP, or hidden from the API client, looks the same as whoever has left.
#[tokio::test]
async fn a_tenant_that_is_not_listed_any_more_is_not_said_to_have_left() {
    let house = House::new().await;
    house.through_cipp().await;
    house.discover().await;
    let customer = house.customers()[1];
    house.microsoft.world().set_relationship_status(customer, RelationshipStatus::Terminated).unwrap();
    let report = house.discover().await;
    assert_eq!(report.gone, [crate::house::managed(customer)]);
    let gone = house.tenant(customer).await;
    let TenantAccess::Blocked { failure } = gone.access else { panic!("{gone:?}") };
    assert_eq!(failure.code, "cipp_tenant_not_listed");
}

#[tokio::test]
async fn a_failure_in_place_of_customers_changes_nothing() {
    let house = House::new().await;
    house.through_cipp().await;
    house.discover().await;
    let before = house.store.managed_tenants(WORKSPACE).await.unwrap();
    let fault = Effect::Cipp(CippFault::FailureRow);
    house.microsoft.fake.faults().on(Match::route(Route::CippTenants), fault, None);
    let report = house.discover().await;
    assert_eq!(report.failure.unwrap().code, "cipp_tenants_not_listed");
    assert_eq!(house.store.managed_tenants(WORKSPACE).await.unwrap(), before);
}

#[tokio::test]
async fn a_tenant_for_which_the_partner_answers_is_blocked() {
    let house = House::new().await;
    house.through_cipp().await;
    let tenant = house.microsoft.tenant(0).id;
    let fault = Effect::Cipp(CippFault::PartnerAnswers);
    house.microsoft.fake.faults().on(Match::route(Route::CippGraphRequest).tenant(tenant), fault, None);
    house.discover().await;
    let found = house.store.managed_tenants(WORKSPACE).await.unwrap();
    let found = found.iter().find(|found| found.entra == tenant).unwrap();
    let TenantAccess::Blocked { failure } = &found.access else { panic!("{found:?}") };
    assert_eq!(failure.code, "partner_tenant_answered");
}
