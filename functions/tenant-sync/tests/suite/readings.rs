//! Readings that end before they have begun, or where they were left: the tenant fails alone under a code
//! that says why, and nobody becomes inactive because of it.

use ambient::Clock;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    ids::EntraTenantId,
    run::{RunKind, RunStatus},
};
use fake_microsoft::{Effect, Match, Route};
use serde_json::json;
use workflow::payloads::{Batch, RunInput};

use crate::{
    failures::{PEOPLE, active, assert_failed_alone, customers, customers_of, somebody_leaves},
    house::{BATCH_TIME, House, managed},
    microsoft::Microsoft,
};

/// The largest pages there are.
const LARGE_PAGES: u16 = 999;

#[tokio::test]
async fn a_login_service_that_gives_no_token_for_a_customer_marks_nobody_inactive() {
    let refusal = json!({
        "error": "invalid_scope",
        "error_description": "AADSTS70011: The provided value for the input parameter 'scope' is not valid.",
        "error_codes": [70_011],
    });
    for (effect, code) in [
        (Effect::Throttle { retry_after: Some("120".to_owned()) }, "login_throttled"),
        (Effect::status(503), "login_unavailable"),
        (Effect::TokenError { status: 400, body: refusal }, "token_request_rejected"),
    ] {
        let (house, [customer, others @ ..]) = customers().await;
        house.read_everybody().await;
        house.run(1, RunKind::Initial).await;
        somebody_leaves(&house, customer);
        let links = house.links(customer).await;
        house.microsoft.fake.faults().on(Match::route(Route::Token).tenant(customer), effect, None);
        let ended = house.run(2, RunKind::AllTenants).await;
        assert_failed_alone(&ended, customer, &others, code);
        assert_eq!(house.links(customer).await, links, "{code}: neither inactive nor missing");
        assert_goes_on(&house, customer, code).await;
    }
}

/// Pages become smaller with each time that Microsoft does not answer in time; a tenant that is too slow for
/// these as well is given up.
#[tokio::test]
async fn a_listing_that_is_never_answered_in_time_is_given_up_when_it_has_begun_again_often_enough() {
    let (house, [customer, others @ ..]) =
        customers_of(Microsoft::plain(&[PEOPLE; 3], LARGE_PAGES).await).await;
    house.read_everybody().await;
    house.run(1, RunKind::Initial).await;
    somebody_leaves(&house, customer);
    let links = house.links(customer).await;
    let faults = house.microsoft.fake.faults();
    let pages = Match::route(Route::Users).tenant(customer);
    // Of every listing the first page is answered, and the second one asked for twice.
    for first in [1, 4, 7, 10] {
        faults.on(pages.nth(first), Effect::EmptyPageWithNext, None);
    }
    let late = faults.on(pages, Effect::status(504), None);
    let ended = house.run(2, RunKind::AllTenants).await;
    assert_failed_alone(&ended, customer, &others, "page_too_large");
    assert_eq!(faults.fired(late), 4 * 2);
    assert_eq!(house.links(customer).await, links, "neither inactive nor missing");
    assert_goes_on(&house, customer, "page_too_large").await;
}

/// What becomes of a stored position.
type Spoil = fn(&str) -> String;

/// Whoever takes up a tenant goes on where the last worker stopped; from a position that leads nowhere
/// nothing is concluded about those who would have come behind it.
#[tokio::test]
async fn a_stored_position_that_leads_nowhere_fails_its_tenant_and_marks_nobody_inactive() {
    let spoils: [(&str, Spoil); 2] =
        [("cursor_unreadable", |_| "1".to_owned()), ("listing_endless", behind_too_many_pages)];
    for (code, spoil) in spoils {
        let (house, [customer, others @ ..]) = customers().await;
        house.read_everybody().await;
        house.run(1, RunKind::Initial).await;
        somebody_leaves(&house, customer);
        let links = house.links(customer).await;

        let run = house.accept(2, RunKind::AllTenants).await;
        stopped_behind_the_first_page(&house, run, customer).await;
        let house = with_position(&house, customer, spoil).await;
        let pages = Match::route(Route::Users).tenant(customer);
        house.microsoft.fake.faults().on(pages, Effect::EmptyPageWithNext, None);
        let ended = house.carry(run).await;
        assert_failed_alone(&ended, customer, &others, code);
        assert_eq!(house.links(customer).await, links, "{code}: neither inactive nor missing");
        assert_goes_on(&house, customer, code).await;
    }
}

/// Without the faults the third run says the last word about the two who have left.
async fn assert_goes_on(house: &House, customer: EntraTenantId, code: &str) {
    assert_eq!(active(house, customer).await, PEOPLE as usize, "{code}");
    house.microsoft.fake.faults().clear();
    let again = house.run(3, RunKind::AllTenants).await;
    assert_eq!(again.run.run_status, RunStatus::Completed, "{code}");
    assert_eq!(again.tenant(customer).counters.vanished, 2, "{code}");
    assert_eq!(active(house, customer).await, PEOPLE as usize - 2, "{code}");
}

/// Begins the run, and lets a worker stop at this customer because it is told to wait with the second page.
async fn stopped_behind_the_first_page(house: &House, run: RunInput, customer: EntraTenantId) {
    let pause = Effect::Throttle { retry_after: Some("120".to_owned()) };
    let second = Match::route(Route::Users).tenant(customer).nth(2);
    house.microsoft.fake.faults().on(second, pause, 1);
    let worker = house.worker();
    worker.begin(run).await;
    let batch = Batch::new(run, vec![managed(customer)]).unwrap();
    let result = worker.tenants.sync_batch(&batch, house.clock.now() + BATCH_TIME).await.unwrap();
    assert_eq!((result.finished, result.unfinished), (0, 1));
}

/// The same table with another position of the run that has stopped.
async fn with_position(house: &House, customer: EntraTenantId, spoil: fn(&str) -> String) -> House {
    let mut content = house.dump().await;
    let of_customer = managed(customer).to_string();
    let is_state = |(pk, sk): &(String, String)| pk.ends_with("#STATE") && *sk == of_customer;
    let (_, state) = content.items.iter_mut().find(|(key, _)| is_state(key)).unwrap();
    let Some(AttributeValue::M(progress)) = state.get_mut("progress") else { panic!("no progress") };
    let positions = progress.values_mut().filter_map(|of_run| match of_run {
        AttributeValue::M(of_run) => of_run.get_mut("cursor"),
        _ => None,
    });
    let [position] = <[&mut AttributeValue; 1]>::try_from(positions.collect::<Vec<_>>()).unwrap();
    *position = AttributeValue::S(spoil(position.as_s().unwrap()));
    House::with(&house.microsoft, &content, house.clock.now()).await
}

/// The same link, behind as many pages as a directory may have.
fn behind_too_many_pages(cursor: &str) -> String {
    let link = cursor.splitn(3, '.').nth(2).unwrap();
    format!("20000.0.{link}")
}
