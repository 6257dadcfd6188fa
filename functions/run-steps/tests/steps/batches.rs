//! What is handed out next.

use std::collections::BTreeSet;

use ambient::Clock;
use domain::run::{TenantFailure, TenantStatus};
use jiff::SignedDuration;
use workflow::payloads::{BATCHES_PER_WAVE_MAX, TENANTS_PER_BATCH_MAX, Wave};

use crate::house::{House, RUN, WORKSPACE, tenant};

/// A little longer than a worker may be silent before its tenant is handed to another one.
const LEASE: SignedDuration = SignedDuration::from_secs(91);

#[tokio::test]
async fn a_wave_is_bounded_and_names_every_tenant_once() {
    for (count, batches, named) in
        [(0, 0, 0), (1, 1, 1), (10, 10, 10), (25, 9, 25), (1_000, 40, 1_000), (1_200, 40, 1_000)]
    {
        let house = House::begun(count).await;
        let wave = house.wave().await;
        assert_eq!((wave.batches.len(), wave.done), (batches, count == 0), "{count}");
        assert!(wave.batches.len() <= BATCHES_PER_WAVE_MAX);
        let sizes = wave.batches.iter().map(|batch| batch.tenants.len());
        assert!(sizes.clone().all(|size| (1..=TENANTS_PER_BATCH_MAX).contains(&size)), "{count}");
        let tenants: BTreeSet<_> = wave.batches.iter().flat_map(|batch| &batch.tenants).collect();
        assert_eq!((tenants.len(), sizes.sum::<usize>()), (named, named), "{count}");
        assert!(wave.batches.iter().all(|batch| batch.run() == RUN));
    }
}

#[tokio::test]
async fn who_has_ended_is_not_handed_out_again() {
    let house = House::begun(3).await;
    house.end(2, TenantStatus::Failed).await;
    assert_eq!(named(&house.wave().await), [tenant(1), tenant(3)].into());
    for number in [1, 3] {
        house.end(number, TenantStatus::Completed).await;
    }
    assert!(house.wave().await.done);
}

#[tokio::test]
async fn a_wave_waits_while_all_that_is_left_is_being_worked_on() {
    let house = House::begun(2).await;
    house.take(1).await;
    assert_eq!(named(&house.wave().await), [tenant(2)].into(), "who is free");
    house.take(2).await;
    let began = house.clock.now();
    let mut waves = 0;
    loop {
        let wave = house.wave().await;
        if !wave.batches.is_empty() {
            assert_eq!(named(&wave), [tenant(1), tenant(2)].into());
            break;
        }
        assert!(!wave.done && (1..=120).contains(&wave.wait_seconds), "{wave:?}");
        house.clock.sleep(SignedDuration::from_secs(wave.wait_seconds.into())).await;
        waves += 1;
        assert!(waves < 20, "it does not end");
    }
    assert!(house.clock.now().duration_since(began) <= LEASE, "not longer than the lease");
}

#[tokio::test]
async fn a_pause_that_microsoft_asked_for_is_kept() {
    let house = House::begun(1).await;
    let lease = house.take(1).await;
    let until = house.clock.now() + SignedDuration::from_secs(7);
    assert!(house.store.release_tenant(WORKSPACE, tenant(1), lease, Some(until)).await.unwrap());
    let wave = house.wave().await;
    assert_eq!((wave.batches.len(), wave.wait_seconds, wave.done), (0, 7, false));
    house.clock.advance(SignedDuration::from_secs(7));
    assert_eq!(named(&house.wave().await), [tenant(1)].into());
}

#[tokio::test]
async fn a_cancelled_a_halted_and_an_old_run_have_nothing_left_to_do() {
    let cancelled = House::begun(2).await;
    assert!(cancelled.store.cancel_run(WORKSPACE, RUN.run_id).await.unwrap());
    assert!(cancelled.wave().await.done);

    let halted = House::begun(2).await;
    let failure = TenantFailure {
        code: "sign_in_revoked".to_owned(),
        message: "The stored sign-in was revoked.".to_owned(),
        remedy: "Connect again.".to_owned(),
        diagnostics: None,
    };
    halted.store.halt_run(WORKSPACE, RUN.run_id, &failure).await.unwrap();
    assert!(halted.wave().await.done);

    let old = House::begun(2).await;
    old.clock.advance(SignedDuration::from_hours(24));
    assert_eq!(old.wave().await.batches.len(), 2);
    old.clock.advance(SignedDuration::from_secs(1));
    assert!(old.wave().await.done);

    let ended = House::begun(2).await;
    ended.finish(None).await.unwrap();
    assert!(ended.wave().await.done);
}

#[tokio::test]
async fn a_run_whose_workers_never_begin_gives_up() {
    let house = House::begun(2).await;
    let mut waits = Vec::new();
    loop {
        let wave = house.wave().await;
        if wave.done {
            break;
        }
        waits.push(wave.wait_seconds);
        house.clock.advance(SignedDuration::from_secs(i64::from(wave.wait_seconds) + 1));
        assert!(waits.len() < 50, "it spins: {waits:?}");
    }
    assert!(waits.is_sorted() && waits.first() == Some(&0) && waits.len() > 4, "{waits:?}");

    // One that is taken up now and then is not stuck.
    let house = House::begun(1).await;
    for _ in 0..30 {
        assert!(!house.wave().await.done);
        house.take(1).await;
        house.clock.advance(LEASE);
    }
}

fn named(wave: &Wave) -> BTreeSet<domain::ids::ManagedTenantId> {
    wave.batches.iter().flat_map(|batch| batch.tenants.iter().copied()).collect()
}
