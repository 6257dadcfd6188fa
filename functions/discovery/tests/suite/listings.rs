//! A listing is whole, or it changes nothing.

use discovery::views::DiscoveryView;
use fake_microsoft::{Effect, FaultBody, Match, RelationshipStatus, Route};
use serde_json::json;
use store::{ConnectionStatus, TenantAccess, probe::Fault};

use crate::{house::House, microsoft::WORKSPACE};

#[tokio::test]
async fn a_listing_that_is_refused_on_any_page_changes_nothing_and_says_why() {
    for page in [1, 2, 3] {
        let house = House::new().await;
        house.discover().await;
        let before = house.tenants().await;
        let customer = house.customers()[0];
        house.microsoft.world().rename_tenant(customer, "Another Name Ltd").unwrap();
        let refused = Match::route(Route::Relationships).nth(page);
        house.microsoft.fake.faults().on(refused, Effect::status(403), 1);
        let report = house.discover().await;
        let failure = report.failure.unwrap();
        assert_eq!((failure.code.as_str(), report.found), ("partner_role_missing", 0), "page {page}");
        assert_eq!((report.new, report.gone, report.renamed), (Vec::new(), Vec::new(), Vec::new()));
        assert_eq!(house.tenants().await, before, "page {page}");
        assert_eq!(house.discover().await.renamed.len(), 1, "page {page}");
    }
}

#[tokio::test]
async fn a_listing_that_breaks_is_tried_again_by_the_workflow() {
    for (effect, name) in [
        (Effect::status(500), "Transient"),
        (Effect::DropConnection, "Transient"),
        (Effect::ExpiredPage, "Transient"),
        (Effect::Throttle { retry_after: Some("600".to_owned()) }, "Throttled"),
        (Effect::ThrottleApplication { retry_after: None }, "Throttled"),
    ] {
        let house = House::new().await;
        house.discover().await;
        let before = (house.tenants().await, house.store.discovery(WORKSPACE).await.unwrap());
        house.microsoft.fake.faults().on(Match::route(Route::Relationships).from(2), effect.clone(), 20);
        assert_eq!(house.try_discover().await.unwrap_err().name(), name, "{effect:?}");
        assert_eq!(
            (house.tenants().await, house.store.discovery(WORKSPACE).await.unwrap()),
            before,
            "{effect:?}"
        );
        house.microsoft.fake.faults().clear();
        house.clock.advance(jiff::SignedDuration::from_mins(20));
        assert_eq!(house.discover().await.found, 5, "{effect:?}");
    }
}

#[tokio::test]
async fn a_listing_that_lies_is_not_believed() {
    for (effect, code) in [
        (Effect::ForeignNextLink("evil.example".to_owned()), "foreign_next_link"),
        (Effect::NextLinkLoop, "next_link_loop"),
        (Effect::Malformed, "answer_unreadable"),
        (Effect::EmptyAnswer, "nothing_listed"),
    ] {
        let house = House::new().await;
        house.discover().await;
        let before = house.tenants().await;
        house.microsoft.fake.faults().on(Match::route(Route::Relationships), effect.clone(), None);
        let failure = house.discover().await.failure.unwrap();
        assert_eq!(failure.code, code, "{effect:?}");
        assert_eq!(house.tenants().await, before, "{effect:?}");
    }
}

/// Who is not listed may be in it.
#[tokio::test]
async fn one_row_that_cannot_be_read_is_told_and_the_others_are_taken_in() {
    for through_cipp in [false, true] {
        let house = House::new().await;
        if through_cipp {
            house.through_cipp().await;
        }
        house.discover().await;
        let before = house.tenants().await;
        let [first, second, ..] = house.customers()[..] else { panic!("there are five") };
        let (route, rows) = if through_cipp {
            let row = |id: &str, name: &str| json!({ "customerId": id, "displayName": name });
            let rows = json!([
                row(&first.to_string(), "Another Name Ltd"),
                row("", "Nobody"),
                row("x", "Nobody"),
                7
            ]);
            (Route::CippTenants, rows)
        } else {
            let row = |id: &str, status: &str| json!({ "status": status, "customer": { "tenantId": id, "displayName": "Another Name Ltd" } });
            // Of the second only what has ended can be read.
            let rows = [
                row(&first.to_string(), "active"),
                row(&second.to_string(), "expired"),
                row("x", "active"),
                row("", "active"),
                json!(7),
            ];
            (Route::Relationships, json!({ "value": rows }))
        };
        let body = FaultBody::Text(rows.to_string());
        let spoiled = Effect::Status { status: 200, retry_after: None, body };
        house.microsoft.fake.faults().on(Match::route(route), spoiled, None);
        let report = house.discover().await;
        assert_eq!((report.failure, report.unreadable_rows, report.gone), (None, 3, Vec::new()));
        assert_eq!(report.found, if through_cipp { 1 } else { 2 });
        let tenants = house.tenants().await;
        assert_eq!(tenants.len(), before.len());
        for (tenant, before) in tenants.iter().zip(&before) {
            assert_eq!((tenant.missing_since, &tenant.access), (None, &before.access), "{tenant:?}");
        }
        let view = DiscoveryView::new(house.store.discovery(WORKSPACE).await.unwrap().unwrap(), tenants);
        let told = serde_json::to_value(&view).unwrap();
        assert_eq!(told["unreadableRowCount"], 3);
        assert_eq!(told["unreadableRows"]["code"], "customer_rows_unreadable");
        assert_eq!(told["discoveredTenants"].as_array().unwrap().len(), 5);

        house.microsoft.fake.faults().clear();
        let report = house.discover().await;
        assert_eq!((report.found, report.unreadable_rows, report.gone), (5, 0, Vec::new()));
        let report = house.store.discovery(WORKSPACE).await.unwrap().unwrap();
        let told = serde_json::to_value(DiscoveryView::new(report, Vec::new())).unwrap();
        assert_eq!((&told["unreadableRowCount"], told.get("unreadableRows")), (&json!(0), None));
    }
}

/// A list of nothing but such rows is none.
#[tokio::test]
async fn a_list_in_which_no_row_can_be_read_changes_nothing() {
    let house = House::new().await;
    house.discover().await;
    let before = house.tenants().await;
    let body = FaultBody::Text(json!({ "value": [7, { "customer": {} }] }).to_string());
    let spoiled = Effect::Status { status: 200, retry_after: None, body };
    house.microsoft.fake.faults().on(Match::route(Route::Relationships), spoiled, None);
    assert_eq!(house.discover().await.failure.unwrap().code, "answer_unreadable");
    assert_eq!(house.tenants().await, before);
}

#[tokio::test]
async fn an_empty_page_in_the_middle_is_not_the_end() {
    let house = House::new().await;
    let empty = Match::route(Route::Relationships).nth(2);
    house.microsoft.fake.faults().on(empty, Effect::EmptyPageWithNext, 1);
    assert_eq!(house.discover().await.found, 5);
}

#[tokio::test]
async fn a_partner_without_customers_has_none() {
    let house = House::new().await;
    for customer in house.customers() {
        house.microsoft.world().set_relationship_status(customer, RelationshipStatus::Terminated).unwrap();
    }
    let report = house.discover().await;
    assert_eq!((report.found, report.failure), (0, None));
}

/// The partner's own token is good for an hour after its sign-in has died: the customers are listed, and none of them
/// can be entered any more. That is no customer's doing.
#[tokio::test]
async fn a_sign_in_that_dies_behind_the_listing_is_an_outcome_of_the_connection() {
    let house = House::new().await;
    let behind_the_first = Match::route(Route::Token).from(2);
    house.microsoft.fake.faults().on(behind_the_first, Effect::Aadsts(50173), None);
    let report = house.discover().await;
    assert_eq!(report.failure.unwrap().code, "sign_in_revoked");
    assert!(report.lost_access.is_empty() && report.gone.is_empty());
    for tenant in house.tenants().await {
        assert!(!matches!(tenant.access, TenantAccess::Blocked { .. }), "{tenant:?}");
    }
    house.microsoft.fake.faults().clear();
    let report = house.discover().await;
    assert_eq!((report.found, report.failure), (5, None));
    assert_eq!(house.tenant(house.customers()[1]).await.access, TenantAccess::Ok);
}

#[tokio::test]
async fn a_connection_that_is_refused_is_an_outcome() {
    let house = House::new().await;
    house.discover().await;
    let before = house.tenants().await;
    house.clock.advance(jiff::SignedDuration::from_hours(2));
    house.microsoft.fake.revoke_sign_ins();
    assert_eq!(house.discover().await.failure.unwrap().code, "sign_in_revoked");
    house.connect(ConnectionStatus::Disconnected).await;
    assert_eq!(house.discover().await.failure.unwrap().code, "not_connected");
    assert_eq!(house.tenants().await, before);
}

#[tokio::test]
async fn a_table_that_does_not_answer_is_worth_trying_again() {
    let house = House::new().await;
    house.probe.script(|_| Some(Fault::Before));
    assert_eq!(house.try_discover().await.unwrap_err().name(), "Transient");
    house.probe.clear();
    assert_eq!(house.discover().await.found, 5);
}
