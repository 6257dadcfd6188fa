//! The same sync through a CIPP deployment, which reads whatever its token is for and may lie about
//! whose that is.

use std::{collections::BTreeSet, sync::Arc};

use ambient::Clock;
use domain::{
    ids::EntraTenantId,
    run::{RunKind, RunStatus, TenantStatus},
};
use fake_microsoft::{CippFault, Effect, FaultBody, Match, Route};
use jiff::SignedDuration;

use crate::{house::House, microsoft::Microsoft};

/// People at each customer, in directory pages of [`PAGE_SIZE`].
const PEOPLE: u32 = 7;

const PAGE_SIZE: u16 = 3;

async fn customers() -> (House, [EntraTenantId; 3]) {
    let microsoft = Arc::new(Microsoft::plain(&[PEOPLE; 3], PAGE_SIZE).await);
    let house = House::new(&microsoft).await;
    house.every_field().await;
    let tenants = [0, 1, 2].map(|number| microsoft.tenant(number).id);
    for (number, tenant) in (1..).zip(tenants) {
        house.map(tenant, house.client(number).await).await;
    }
    (house, tenants)
}

/// Name, address and number of every contact.
async fn contacts(house: &House) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for number in 1..=3 {
        for contact in house.contacts(house.client(number).await).await {
            all.insert(format!("{:?} {}", contact.values, contact.inactive));
        }
    }
    all
}

#[tokio::test]
async fn both_kinds_of_connection_make_the_same_contacts() {
    let (direct, _) = customers().await;
    direct.run(1, RunKind::Initial).await;
    let (house, [customer, ..]) = customers().await;
    house.through_cipp().await;
    let ended = house.run(1, RunKind::Initial).await;
    assert_eq!((ended.run.run_status, ended.run.counters.created), (RunStatus::Completed, 3 * 7));
    assert_eq!(contacts(&house).await, contacts(&direct).await);
    assert_eq!(house.microsoft.fake.requests().of(Route::Users).requests, 0, "nothing is read past CIPP");

    let again = house.run(2, RunKind::AllTenants).await;
    assert_eq!((again.run.run_status, again.run.counters.unchanged), (RunStatus::Completed, 3 * 7));
    let leaver = house.microsoft.world().users(customer)[1].id;
    house.microsoft.world().remove_user(customer, leaver).unwrap();
    let third = house.run(3, RunKind::AllTenants).await;
    assert_eq!((third.run.counters.vanished, third.run.counters.inactivated), (1, 1));
}

#[tokio::test]
async fn the_partners_own_staff_never_become_a_customers_contacts() {
    let lies = [
        // From the first request on, and only from the first page of users on.
        (1, CippFault::PartnerAnswers, "partner_tenant_answered"),
        (2, CippFault::PartnerAnswers, "tenant_mismatch"),
        (1, CippFault::OtherEcho, "tenant_mismatch"),
        (2, CippFault::OtherEcho, "tenant_mismatch"),
    ];
    for (first, lie, code) in lies {
        let (house, [customer, others @ ..]) = customers().await;
        house.through_cipp().await;
        let asked = Match::route(Route::CippGraphRequest).tenant(customer).from(first);
        house.microsoft.fake.faults().on(asked, Effect::Cipp(lie.clone()), None);
        let ended = house.run(1, RunKind::Initial).await;
        assert_eq!(ended.run.run_status, RunStatus::Partial, "{lie:?}");
        let result = ended.tenant(customer);
        assert_eq!(result.tenant_status, TenantStatus::Failed, "{lie:?}");
        assert_eq!(result.failure.as_ref().unwrap().code, code, "{lie:?} from {first} on");
        assert_eq!((result.counters.read, house.links(customer).await.len()), (0, 0), "{lie:?}");
        assert_eq!(house.contacts(house.client(1).await).await, [], "{lie:?}");
        for other in others {
            assert_eq!(ended.tenant(other).tenant_status, TenantStatus::Completed, "{lie:?}");
        }
    }
}

#[tokio::test]
async fn a_customer_that_cipp_cannot_read_fails_alone_and_nobody_becomes_inactive() {
    for (effect, code) in [
        (Effect::Cipp(CippFault::FailureText), "cipp_read_failed"),
        (Effect::Cipp(CippFault::FailureRow), "cipp_read_failed"),
        (Effect::Cipp(CippFault::Nothing), "cipp_answer_incomplete"),
        (Effect::Cipp(CippFault::Queued), "cipp_answer_incomplete"),
        (Effect::plain_text(403, "no"), "cipp_tenant_forbidden"),
        (Effect::plain_text(500, "null"), "cipp_unavailable"),
        (
            Effect::Status {
                status: 429,
                retry_after: Some("120".to_owned()),
                body: FaultBody::Text("Too many requests.".to_owned()),
            },
            "cipp_busy",
        ),
        (Effect::Malformed, "cipp_answer_unreadable"),
        (Effect::ForeignNextLink("evil.example".to_owned()), "foreign_next_link"),
        (Effect::NextLinkLoop, "next_link_loop"),
    ] {
        let (house, [customer, others @ ..]) = customers().await;
        house.through_cipp().await;
        house.run(1, RunKind::Initial).await;
        let links = house.links(customer).await;
        let leaver = house.microsoft.world().users(customer)[1].id;
        house.microsoft.world().remove_user(customer, leaver).unwrap();

        // The proof is given, and so is the first page.
        let asked = Match::route(Route::CippGraphRequest).tenant(customer);
        let fault = match effect {
            Effect::NextLinkLoop => asked.from(2),
            _ => asked.from(3),
        };
        house.microsoft.fake.faults().on(fault, effect, None);
        let ended = house.run(2, RunKind::AllTenants).await;
        let result = ended.tenant(customer);
        assert_eq!(result.failure.as_ref().map(|failure| failure.code.as_str()), Some(code));
        assert_eq!(house.links(customer).await, links, "{code}");
        for other in others {
            assert_eq!(ended.tenant(other).tenant_status, TenantStatus::Completed, "{code}");
        }
    }
}

#[tokio::test]
async fn a_deployment_that_asks_for_a_long_pause_gets_it_and_is_not_hammered() {
    let (house, tenants) = customers().await;
    house.through_cipp().await;
    let body = FaultBody::Text("Too many requests.".to_owned());
    let pause = Effect::Status { status: 429, retry_after: Some("300".to_owned()), body };
    // The proof and the first page are given.
    let asked = Match::route(Route::CippGraphRequest).tenant(tenants[0]);
    house.microsoft.fake.faults().on(asked.nth(3), pause, 1);
    house.microsoft.fake.reset_requests();
    let before = house.clock.now();
    let ended = house.run(1, RunKind::Initial).await;
    assert_eq!((ended.run.run_status, ended.run.counters.created), (RunStatus::Completed, 3 * 7));
    let (waited, hour) = (house.clock.now().duration_since(before), SignedDuration::from_hours(1));
    assert!(waited >= hour + SignedDuration::from_secs(300), "{waited:?}");
    let other = ended.tenant(tenants[1]);
    assert!(other.completed_at < ended.tenant(tenants[0]).completed_at, "others did not wait");
    // For each customer a proof and three pages; after the pause the page is asked for again, and before
    // that the proof.
    let requests = house.microsoft.fake.requests().of(Route::CippGraphRequest).requests;
    assert_eq!(requests, 3 * 4 + 2);
    house.dump().await.assert_sound("after the pause");
}

#[tokio::test]
async fn a_credential_that_is_refused_stops_the_run_and_not_each_customer() {
    let (house, _) = customers().await;
    house.through_cipp().await;
    house.microsoft.fake.faults().on(
        Match::route(Route::CippGraphRequest),
        Effect::plain_text(401, ""),
        None,
    );
    let ended = house.run(1, RunKind::Initial).await;
    assert_eq!(ended.run.run_status, RunStatus::Failed);
    assert_eq!(ended.run.halted.as_ref().map(|halted| halted.code.as_str()), Some("cipp_token_refused"));
}
