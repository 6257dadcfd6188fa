//! Stored plan pages.

use ambient::{Entropy, SeededEntropy};
use domain::{
    plan::{ChainHash, LINES_PER_PAGE_MAX, PAGE_BYTES_MAX, PlanPage},
    run::Counters,
};
use jiff::Timestamp;
use store::{Lease, StaleLine, StoredPage, StoredPageHead};

use super::{
    backend::{Backend, Table},
    make::{MANAGED, WORKSPACE, at, page, run_id},
    world::{creation, everything},
};

pub(crate) fn stored(number: u32, page: PlanPage) -> StoredPage {
    let head = StoredPageHead {
        number,
        group_end: number + 1,
        next_cursor: Some(format!("after {number}")),
        feed: None,
        closes_read: false,
        only_changes: false,
        chain: ChainHash::GENESIS,
    };
    StoredPage::behind(ChainHash::GENESIS, head, page)
}

/// Puts a page under a lease of its own.
async fn put(table: &Table, page: &StoredPage) {
    let lease = take(table, at(0)).await;
    assert!(put_under(table, lease, page, at(0)).await);
    assert!(table.store.release_tenant(WORKSPACE, MANAGED, lease, None).await.unwrap());
}

async fn take(table: &Table, now: Timestamp) -> Lease {
    table.store.acquire(WORKSPACE, MANAGED, run_id(1), now).await.unwrap().unwrap().0
}

async fn put_under(table: &Table, lease: Lease, page: &StoredPage, now: Timestamp) -> bool {
    let times = (now, 1_900_000_000);
    table.store.put_page(WORKSPACE, run_id(1), MANAGED, lease, page, times).await.unwrap()
}

async fn pages(table: &Table, after: u32, limit: u16) -> Vec<StoredPage> {
    table.store.pages(WORKSPACE, run_id(1), MANAGED, after, limit).await.unwrap()
}

/// A page whose lines hold `bytes` bytes that do not compress.
fn incompressible(seed: u64, bytes: usize) -> PlanPage {
    let entropy = SeededEntropy::new(seed);
    let mut lines = Vec::new();
    let mut size = 0;
    for person in 0..u32::try_from(LINES_PER_PAGE_MAX).unwrap() {
        let mut line = creation(person);
        let mut drawn = [0; 4];
        for _ in 0..256 {
            entropy.fill(&mut drawn);
            // Sixteen bits out of 21 of four bytes: Chinese characters beyond the basic plane.
            line.label.push(char::from_u32(0x20000 + u32::from_le_bytes(drawn) % 0xA6D0).unwrap());
        }
        size += serde_json::to_vec(&line).unwrap().len();
        if size > bytes {
            break;
        }
        lines.push(line);
    }
    page(lines)
}

pub(crate) async fn pages_in_order_and_never_more_than_asked_for(backend: &Backend) {
    let table = backend.table().await;
    assert_eq!(pages(&table, 0, 10).await, []);
    // Together more than one megabyte, so that a query answers fewer than it was asked for.
    let all: Vec<_> = (1..=12).map(|number| stored(number, incompressible(number.into(), 200_000))).collect();
    for page in all.iter().rev() {
        put(&table, page).await;
    }
    for (after, limit, expected) in [
        (0, 1, &all[..1]),
        (0, 10, &all[..10]),
        (0, 12, &all[..]),
        (0, 100, &all[..]),
        (1, 1, &all[1..2]),
        (4, 6, &all[4..10]),
        (4, 100, &all[4..]),
        (12, 5, &all[12..]),
    ] {
        assert!(pages(&table, after, limit).await == expected, "{limit} after {after}");
    }
}

pub(crate) async fn a_page_that_does_not_compress(backend: &Backend) {
    let table = backend.table().await;
    let mut page = incompressible(7, PAGE_BYTES_MAX);
    assert!(page.encode().len() > PAGE_BYTES_MAX * 98 / 100);
    page.seen = (0..999).map(|person| u64::MAX - person).collect();
    page.counters = Counters { read: u64::MAX, stale: 1, ..Counters::default() };
    let page = stored(1, page);
    put(&table, &page).await;
    assert!(table.probe.counts().bytes_sent > 100_000);
    assert!(pages(&table, 0, 1).await == [page]);
}

pub(crate) async fn a_page_planned_again_takes_the_place_of_the_first(backend: &Backend) {
    let table = backend.table().await;
    put(&table, &stored(1, page(vec![creation(1)]))).await;
    let mut again = stored(1, everything());
    again.head.next_cursor = None;
    again.head.closes_read = true;
    put(&table, &again).await;
    assert_eq!(pages(&table, 0, 9).await, [again]);
    let other = table.store.pages(WORKSPACE, run_id(2), MANAGED, 0, 9).await.unwrap();
    assert_eq!(other, []);
}

pub(crate) async fn a_worker_that_lost_its_lease_stores_no_page(backend: &Backend) {
    let table = backend.table().await;
    let (early, late) = (stored(1, page(vec![creation(1)])), stored(1, everything()));
    let first = take(&table, at(0)).await;
    assert!(put_under(&table, first, &early, at(60)).await);
    assert!(put_under(&table, first, &late, at(60)).await, "the same worker again");
    let busy = table.store.acquire(WORKSPACE, MANAGED, run_id(1), at(149)).await.unwrap();
    assert_eq!(busy.unwrap_err().until, at(150), "whoever stores a page keeps the lease");
    let second = take(&table, at(150)).await;
    assert!(!put_under(&table, first, &early, at(151)).await, "a page is there already");
    assert_eq!(pages(&table, 0, 9).await, [late]);
    assert!(put_under(&table, second, &early, at(152)).await);
    assert_eq!(pages(&table, 0, 9).await, std::slice::from_ref(&early));
    // Nor one that nobody has stored yet: whoever has the lease now may be planning another one.
    let next = stored(2, page(vec![creation(2)]));
    assert!(!put_under(&table, first, &next, at(153)).await);
    assert_eq!(pages(&table, 0, 9).await, [early]);
}

pub(crate) async fn stale_lines_are_kept(backend: &Backend) {
    let table = backend.table().await;
    let stale = |person, code| StaleLine { line: creation(person).id, code };
    let stored = [(2, vec![stale(3, "link_gone")]), (1, vec![stale(1, "contact_changed"), stale(2, "x")])];
    for (page, lines) in &stored {
        let put = table.store.put_stale_lines(WORKSPACE, run_id(1), MANAGED, *page, lines, 1_900_000_000);
        put.await.unwrap();
    }
    let found = table.store.stale_lines(WORKSPACE, run_id(1), MANAGED).await.unwrap();
    let expected = [(1, "contact_changed"), (2, "x"), (3, "link_gone")];
    assert_eq!(found, expected.map(|(person, code)| (creation(person).id, code.to_owned())));
    assert_eq!(pages(&table, 0, 9).await, [], "they are no plan pages");
}
