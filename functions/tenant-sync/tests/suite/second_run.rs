//! What a sync costs when nothing, or next to nothing, has changed.

use std::sync::Arc;

use domain::{plan::Action, run::RunKind};
use fake_microsoft::WorldConfig;

use crate::{house::House, microsoft::Microsoft};

const PAGE_SIZE: u16 = 50;

#[tokio::test]
async fn nothing_changed_nothing_written() {
    let house = synced(&[230]).await;
    let tenant = house.microsoft.tenant(0).id;
    let before = house.dump().await.people();
    let run = house.accept(2, RunKind::AllTenants).await;
    let ended = house.carry(run).await;
    house.dump().await.people().assert_same(&before, "the second run");

    let lines = house.lines(run, tenant).await;
    let excludes = |action: &Action| matches!(action, Action::Exclude { .. });
    assert!(!lines.is_empty() && lines.iter().all(|line| excludes(&line.action)));
    let counters = ended.run.counters;
    assert_eq!(counters.read, counters.unchanged + counters.ambiguous + counters.excluded);
    assert_eq!(lines.len() as u64, counters.excluded);
}

#[tokio::test]
async fn nothing_changed_costs_a_constant_and_a_little_for_each_page() {
    for size in [40, 230, 430] {
        let house = synced(&[size]).await;
        let calls = cost(&house, 2).await;
        let pages = u64::from(size.div_ceil(u32::from(PAGE_SIZE)));
        assert!(calls <= 29 + 5 * pages, "{calls} calls for {pages} pages: {:?}", house.probe.counts());
    }
}

#[tokio::test]
async fn a_changed_person_costs_at_most_five_calls_more() {
    let house = synced(&[230]).await;
    let microsoft = Arc::clone(&house.microsoft);
    let tenant = microsoft.tenant(0);
    let unchanged = cost(&house, 2).await;
    let somebody = microsoft.employee(tenant.id, 3);
    microsoft.edit(tenant.id, &somebody, |user| user.display_name = Some("Another Name".to_owned()));
    let renamed = cost(&house, 3).await;
    assert!(renamed <= unchanged + 5, "{renamed} after {unchanged}: {:?}", house.probe.counts());

    microsoft.edit(tenant.id, &somebody, |user| user.account_enabled = false);
    let disabled = cost(&house, 4).await;
    // Leavers have a page and a checkpoint of their own at the end of the read, however many they are.
    // One call keeps count of them against the limits of the whole run.
    assert!(disabled <= unchanged + 4 + 2 + 1, "{disabled} after {unchanged}: {:?}", house.probe.counts());
}

#[tokio::test]
async fn a_created_contact_costs_three_writes_and_its_page_one() {
    let house = synced(&[30]).await;
    let tenant = house.microsoft.tenant(0);
    cost(&house, 2).await;
    let before = house.probe.counts().writes;
    let address = format!("new.colleague@{}", tenant.default_domain());
    house.microsoft.hire(tenant.id, 1, "New Colleague", &address, |_| {});
    cost(&house, 3).await;
    // The page takes its portion of what the whole run may create.
    assert_eq!(house.probe.counts().writes, before + 3 + 1);
}

/// The calls of a run to the table.
async fn cost(house: &House, number: u64) -> u64 {
    let run = house.accept(number, RunKind::AllTenants).await;
    let worker = house.worker();
    house.probe.reset();
    worker.carry(run).await.unwrap();
    house.probe.counts().total()
}

/// A messy customer of this size after its first sync.
async fn synced(sizes: &[u32]) -> House {
    let microsoft = Arc::new(Microsoft::serving(WorldConfig::sample(7, sizes), PAGE_SIZE).await);
    let house = House::new(&microsoft).await;
    house.every_field().await;
    let client = house.client(1).await;
    for (number, contact) in (0..).zip(&microsoft.world().psa_seed()[0].contacts) {
        house.contact(client, number, &contact.full_name, &contact.email).await;
    }
    house.map(microsoft.tenant(0).id, client).await;
    house.read_everybody().await;
    let first = house.run(1, RunKind::Initial).await;
    assert_eq!(first.run.counters.stale, 0);
    house
}
