//! Whoever changes a stored plan is found out.

use domain::{
    ids::RunId,
    plan::{Action, ChainHash, PlanPage, Rule},
    run::{Counters, TenantStatus},
    scope::Exclusion,
};
use jiff::Timestamp;
use store::{Store, StoredPage, StoredPageHead, TenantRun};
use sync::verify;
use uuid::Uuid;

use crate::{
    house::{House, WORKSPACE, client, tenant},
    plans::{line, page},
};

const RUN: RunId = RunId::new(Uuid::from_u128(0x4E));

fn left_out(number: u128) -> PlanPage {
    page(vec![line(number, Rule::Scope, Action::Exclude { reason: Exclusion::Guest, detail: None })])
}

async fn put(store: &Store, number: u32, page: PlanPage, chain: ChainHash) {
    let head = StoredPageHead {
        number,
        group_end: number,
        next_cursor: None,
        feed: None,
        closes_read: false,
        only_changes: false,
        chain,
    };
    let stored = StoredPage { head, page };
    let now = Timestamp::UNIX_EPOCH;
    let (lease, _) = store.acquire(WORKSPACE, tenant(1), RUN, now).await.unwrap().unwrap();
    let put = store.put_page(WORKSPACE, RUN, tenant(1), lease, &stored, (now, 4_000_000_000)).await;
    assert!(put.unwrap());
    assert!(store.release_tenant(WORKSPACE, tenant(1), lease, None).await.unwrap());
}

/// A tenant's plan of three pages, and the hashes after each.
async fn three_pages(store: &Store) -> Vec<ChainHash> {
    let mut chain = ChainHash::GENESIS;
    let mut chains = Vec::new();
    for number in 1..=3_u32 {
        let page = left_out(u128::from(number));
        chain = chain.followed_by(&page.encode());
        put(store, number, page, chain).await;
        chains.push(chain);
    }
    let now = jiff::Timestamp::UNIX_EPOCH;
    let result = TenantRun {
        tenant: tenant(1),
        client: client(1),
        tenant_status: TenantStatus::Completed,
        counters: Counters::default(),
        failure: None,
        started_at: now,
        completed_at: now,
        pages: 3,
        chain: Some(chain),
        guard: None,
    };
    assert!(store.put_tenant_run(WORKSPACE, RUN, &result).await.unwrap());
    chains
}

async fn first_fault(store: &Store) -> Option<u32> {
    let checks = verify(store, WORKSPACE, RUN).await.unwrap();
    assert_eq!(checks.len(), 1);
    assert_eq!((checks[0].pages, checks[0].intact), (3, checks[0].first_fault.is_none()));
    checks[0].first_fault
}

#[tokio::test]
async fn an_untouched_plan_is_intact_and_a_changed_page_is_named() {
    for changed in 1..=3_u32 {
        let house = House::new().await;
        let chains = three_pages(&house.store).await;
        assert_eq!(first_fault(&house.store).await, None);
        put(&house.store, changed, left_out(9), chains[changed as usize - 1]).await;
        assert_eq!(first_fault(&house.store).await, Some(changed), "page {changed}");
    }
}

#[tokio::test]
async fn a_chain_that_was_made_anew_does_not_end_in_the_noted_hash() {
    let house = House::new().await;
    three_pages(&house.store).await;
    let mut chain = ChainHash::GENESIS;
    for number in 1..=3_u32 {
        let page = left_out(u128::from(number) + 10);
        chain = chain.followed_by(&page.encode());
        put(&house.store, number, page, chain).await;
    }
    assert_eq!(first_fault(&house.store).await, Some(3));
}

#[tokio::test]
async fn a_page_that_is_gone_is_named() {
    let house = House::new().await;
    let now = jiff::Timestamp::UNIX_EPOCH;
    let page = left_out(1);
    let chain = ChainHash::GENESIS.followed_by(&page.encode());
    put(&house.store, 1, page, chain).await;
    let result = TenantRun {
        tenant: tenant(1),
        client: client(1),
        tenant_status: TenantStatus::Completed,
        counters: Counters::default(),
        failure: None,
        started_at: now,
        completed_at: now,
        pages: 3,
        chain: Some(chain),
        guard: None,
    };
    house.store.put_tenant_run(WORKSPACE, RUN, &result).await.unwrap();
    assert_eq!(first_fault(&house.store).await, Some(2));
}
