//! What a preview stores is what the run after it does: line by line, byte by byte.

use std::sync::Arc;

use domain::{
    ids::{ClientId, EntraTenantId},
    plan::{Action, Conflict},
    run::{RunKind, RunStatus},
};
use fake_microsoft::WorldConfig;
use workflow::payloads::RunInput;

use crate::{dump::Item, house::House, microsoft::Microsoft, scenes::Scene};

#[tokio::test]
async fn a_preview_of_the_first_sync_is_the_first_sync() {
    let (house, tenants) = messy().await;
    let (preview, run) = preview_then_run(&house, &tenants, 1).await;
    assert!(preview.counters.created > 30 && preview.counters.linked > 10, "{:?}", preview.counters);
    assert!(preview.counters.ambiguous > 1 && preview.counters.excluded > 5, "{:?}", preview.counters);
    assert_eq!(run.counters, preview.counters);
}

#[tokio::test]
async fn people_with_one_mailbox_on_different_pages_meet_in_the_preview() {
    let (house, tenants) = messy().await;
    let preview = house.accept(1, RunKind::Preflight).await;
    house.carry(preview).await;
    let pages = house.pages(preview, tenants[0]).await;
    let created = |number: u32| {
        let page = pages.iter().find(|stored| stored.head.number == number).unwrap();
        page.page.lines.iter().filter_map(|line| match line.action {
            Action::Create { contact, .. } => Some((contact, line.address.clone())),
            _ => None,
        })
    };
    let asks = |action: &Action| match action {
        Action::Review { conflict: Conflict::AddressShared, candidates } => Some(candidates[0].contact),
        _ => None,
    };
    let last = pages.last().unwrap();
    let asked = last.page.lines.iter().find(|line| line.label == "Same Mailbox").unwrap();
    let candidate = asks(&asked.action).expect("the question whose mailbox it is");
    assert!(created(1).any(|made| made == (candidate, asked.address.clone())), "planned on the first page");
}

#[tokio::test]
async fn a_preview_of_a_later_sync_is_the_later_sync() {
    let scene = Scene::later().await;
    let house = scene.house().await;
    let preview = house.accept(4, RunKind::Preflight).await;
    let before = house.dump().await.people();
    let previewed = house.carry(preview).await;
    house.dump().await.people().assert_same(&before, "the preview");
    let ended = house.carry(scene.run).await;
    assert_eq!(ended.run.counters, previewed.run.counters);
    assert_eq!((ended.run.counters.vanished, ended.run.counters.reactivated), (2, 1));
    for tenant in scene.tenants() {
        assert_same_plan(&house, preview, scene.run, tenant).await;
    }
}

#[tokio::test]
async fn a_second_preview_is_the_first_one() {
    let (house, tenants) = messy().await;
    let runs = [house.accept(1, RunKind::Preflight).await, house.accept(2, RunKind::Preflight).await];
    for run in runs {
        house.carry(run).await;
    }
    for tenant in tenants {
        assert_same_plan(&house, runs[0], runs[1], tenant).await;
    }
}

/// Previews, runs, and compares what both stored about each tenant; how both ended.
async fn preview_then_run(house: &House, tenants: &[EntraTenantId], number: u64) -> (store::Run, store::Run) {
    let before = house.dump().await.people();
    let preview = house.accept(number, RunKind::Preflight).await;
    let previewed = house.carry(preview).await;
    house.dump().await.people().assert_same(&before, "the preview");

    let run = house.accept(number + 1, RunKind::Initial).await;
    let ended = house.carry(run).await;
    assert_eq!(
        (previewed.run.run_status, ended.run.run_status),
        (RunStatus::Completed, RunStatus::Completed)
    );
    for tenant in tenants {
        let (planned, done) = (previewed.tenant(*tenant), ended.tenant(*tenant));
        assert_eq!((planned.counters, planned.pages), (done.counters, done.pages));
        assert!(planned.chain.is_some() && done.chain.is_some());
        assert_same_plan(house, preview, run, *tenant).await;
    }
    (previewed.run, ended.run)
}

async fn assert_same_plan(house: &House, preview: RunInput, run: RunInput, tenant: EntraTenantId) {
    let (planned, done) = (house.pages(preview, tenant).await, house.pages(run, tenant).await);
    assert!(planned.len() > 1, "several pages");
    assert_eq!(planned.len(), done.len());
    for (planned, done) in planned.iter().zip(&done) {
        for (planned, done) in planned.page.lines.iter().zip(&done.page.lines) {
            assert_eq!(planned.id, done.id);
            assert_eq!(planned, done);
        }
        assert_eq!(planned.page.encode(), done.page.encode());
        assert_eq!(planned.head, done.head);
    }
    let (planned, done) = (stored(house, preview, tenant).await, stored(house, run, tenant).await);
    assert_eq!(planned, done, "the stored items");
}

/// The stored plan pages of a tenant, without the keys that name the run and the lease's token.
async fn stored(house: &House, run: RunInput, tenant: EntraTenantId) -> Vec<Item> {
    let partition = format!("#PLAN#{}#{}", run.run_id, crate::house::managed(tenant));
    let pages =
        house.dump().await.settled().items.into_iter().filter(|((pk, _), _)| pk.ends_with(&partition));
    pages
        .map(|(_, mut item)| {
            item.retain(|name, _| name != "pk" && name != "expires");
            item
        })
        .collect()
}

/// Three messy customers, two of them at one client, and the contacts their PSA has.
async fn messy() -> (House, Vec<EntraTenantId>) {
    let config = WorldConfig::sample(11, &[45, 30, 25]);
    let microsoft = Arc::new(Microsoft::serving(config, 12).await);
    let house = House::new(&microsoft).await;
    house.every_field().await;
    house.read_everybody().await;
    let first = microsoft.tenant(0).id;
    let shared = microsoft.employee(first, 0).mail.unwrap();
    microsoft.hire(first, 1, "Same Mailbox", "same.mailbox@other.example", |user| {
        user.mail = Some(shared.to_uppercase());
    });
    microsoft.hire(first, 2, "Ola Nord", "ola.nord@other.example", |user| {
        user.proxy_addresses = Some(vec!["smtp:front.desk@other.example".to_owned()]);
    });
    let (both, third) = (house.client(1).await, house.client(2).await);
    house.contact(both, 9_000, "The Front Desk", "front.desk@other.example").await;
    for (number, seed) in (0_u128..).zip(microsoft.world().psa_seed()) {
        let client = if number < 2 { both } else { third };
        known_contacts(&house, client, number * 1_000, &seed.contacts, &shared).await;
    }
    let tenants: Vec<EntraTenantId> = microsoft.world().tenants().iter().map(|tenant| tenant.id).collect();
    for (tenant, client) in tenants.iter().zip([both, both, third]) {
        house.map(*tenant, client).await;
    }
    (house, tenants)
}

async fn known_contacts(
    house: &House,
    client: ClientId,
    first: u128,
    contacts: &[fake_microsoft::PsaContactSeed],
    except: &str,
) {
    let contacts = contacts.iter().filter(|contact| !contact.email.eq_ignore_ascii_case(except));
    for (number, contact) in (first..).zip(contacts) {
        house.contact(client, number, &contact.full_name, &contact.email).await;
    }
}
