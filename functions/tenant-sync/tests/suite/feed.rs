//! Reading only who has changed.

use domain::{
    contact::Link,
    ids::EntraObjectId,
    plan::{Action, Limit},
    run::{RunKind, RunStatus},
};
use fake_microsoft::{BadRow, Effect, Match, Route, SyncStateLoss, WorldConfig};
use jiff::SignedDuration;
use store::{CompleteReadHours, SyncSettings};

use std::sync::Arc;

use crate::{
    customer::Customer,
    house::{House, WORKSPACE},
    microsoft::Microsoft,
    mishaps::stored_but_not_applied,
};

/// A customer whose directory tells what has changed, after its first sync.
async fn told() -> Customer {
    let mut customer = Customer::new().await;
    let mut settings =
        SyncSettings { complete_read_hours: CompleteReadHours(168), ..SyncSettings::default() };
    settings.vanish.grace_hours = 1;
    settings.vanish.confirmations = 2;
    settings.field_sync_config = serde_json::json!({ "displayName": true });
    customer.house.settings(settings).await;
    assert_eq!(customer.sync().await.run.counters.created, 3);
    customer
}

fn listed(customer: &Customer) -> u64 {
    customer.house.microsoft.fake.requests().of(Route::Users).requests
}

#[tokio::test]
async fn nothing_changed_is_one_request_and_no_write_for_anybody() {
    let mut customer = told().await;
    customer.house.microsoft.fake.reset_requests();
    let before = customer.house.dump().await.people();
    let ended = customer.sync().await;
    assert_eq!((ended.run.run_status, ended.run.counters.read), (RunStatus::Completed, 0));
    let requests = customer.house.microsoft.fake.requests();
    assert_eq!(requests.of(Route::UsersDelta).requests, 1);
    assert_eq!((requests.of(Route::Users).requests, requests.of(Route::Organization).requests), (0, 0));
    customer.house.dump().await.people().assert_same(&before, "nothing changed");
    assert_eq!(customer.lines().await, []);
}

/// A worker stores the pages of a read of changes and dies. When the tenant is taken up, everybody would be due
/// to be read; what was stored must not be taken for everybody there is.
#[tokio::test]
async fn a_read_of_changes_that_is_taken_up_later_is_not_taken_for_a_complete_one() {
    for (lost, read) in [(false, 1), (true, 3)] {
        let customer = told().await;
        let renamed = customer.person(0);
        customer.change(renamed.id, |user| user.display_name = Some("Another Name".to_owned()));
        // Just young enough for the feed, and for a read of changes.
        customer.house.clock.advance(SignedDuration::from_hours(6 * 24 - 3));
        let (run, _) = stored_but_not_applied(&customer.house, 9).await;
        customer.house.clock.advance(SignedDuration::from_hours(4));
        if lost {
            let feed = Match::route(Route::UsersDelta);
            customer.house.microsoft.fake.faults().on(
                feed,
                Effect::LostSyncState(SyncStateLoss::GoneNotFound),
                1,
            );
        }
        let ended = customer.house.carry(run).await;
        let counters = ended.run.counters;
        assert_eq!((counters.updated, counters.missing, counters.held), (1, 0, 0), "{lost}");
        assert_eq!(counters.read, read, "{lost}");
        assert!(customer.house.links(customer.tenant).await.iter().all(|link| link.missing == 0), "{lost}");
    }
}

#[tokio::test]
async fn who_has_changed_is_read_and_nobody_else() {
    let mut customer = told().await;
    let renamed = customer.person(0);
    customer.change(renamed.id, |user| user.display_name = Some("Another Name".to_owned()));
    let hire = customer.hire(1, "Mira Sund", "mira.sund", |_| {});
    let disabled = customer.person(1);
    customer.change(disabled.id, |user| user.account_enabled = false);
    customer.house.microsoft.fake.reset_requests();
    let ended = customer.sync().await;
    let counters = ended.run.counters;
    assert_eq!((counters.read, counters.updated, counters.created, counters.inactivated), (3, 1, 1, 1));
    assert_eq!(listed(&customer), 0, "no listing");
    let address = hire.mail.unwrap();
    assert!(!customer.house.one_contact(customer.client, &address).await.inactive);
    assert_eq!(customer.sync().await.run.counters.read, 0);
}

#[tokio::test]
async fn somebody_who_is_told_to_be_gone_is_given_grace_and_comes_back() {
    let mut customer = told().await;
    let gone = customer.person(0);
    let address = gone.mail.clone().unwrap();
    customer.leaves(gone.id);
    assert_eq!(customer.sync().await.run.counters.missing, 1);
    assert!(!customer.house.one_contact(customer.client, &address).await.inactive);
    // The directory does not say it again; it is remembered.
    assert_eq!(customer.sync().await.run.counters.inactivated, 1);
    assert!(customer.house.one_contact(customer.client, &address).await.inactive);
    assert_eq!(customer.sync().await.run.counters.inactivated, 0);
    customer.house.microsoft.world().restore_user(customer.tenant, gone.id).unwrap();
    assert_eq!(customer.sync().await.run.counters.reactivated, 1);
    assert!(!customer.house.one_contact(customer.client, &address).await.inactive);
}

#[tokio::test]
async fn a_lost_place_in_the_feed_means_that_everybody_is_read_and_nobody_has_left() {
    for loss in [
        SyncStateLoss::NotFound,
        SyncStateLoss::ResyncRequired,
        SyncStateLoss::GoneNotFound,
        SyncStateLoss::GoneElsewhere,
    ] {
        let mut customer = told().await;
        let faults = customer.house.microsoft.fake.faults();
        faults.on(Match::route(Route::UsersDelta).tenant(customer.tenant), Effect::LostSyncState(loss), 1);
        let ended = customer.sync().await;
        assert_eq!((ended.run.run_status, ended.run.counters.read), (RunStatus::Completed, 3), "{loss:?}");
        assert_eq!(ended.run.counters.inactivated, 0);
        assert!(customer.contacts().await.iter().all(|contact| !contact.inactive));
        let state = customer.house.store.tenant_states(WORKSPACE, &[ended.tenants[0].tenant]).await.unwrap();
        assert!(state[0].1.ground.complete_at.is_some());
    }
}

#[tokio::test]
async fn a_feed_that_breaks_off_marks_nobody_inactive() {
    for (effect, code, reads_everybody) in [
        (Effect::status(500), "graph_unavailable", false),
        (Effect::status(504), "graph_unavailable", false),
        (Effect::DropConnection, "connection_failed", false),
        (Effect::status(403), "role_missing", false),
        (Effect::Malformed, "answer_unreadable", true),
        (Effect::ForeignNextLink("evil.example".to_owned()), "foreign_next_link", true),
        (Effect::NextLinkLoop, "next_link_loop", true),
    ] {
        // The first, the second or the last page of three.
        for first in 1..=3 {
            let what = format!("{code}, page {first}");
            let (mut customer, leavers) = told_of_three_changes().await;
            let before = links(&customer, &leavers).await;
            let tenant = customer.tenant;
            let faults = customer.house.microsoft.fake.faults();
            let feed =
                faults.on(Match::route(Route::UsersDelta).tenant(tenant).from(first), effect.clone(), None);
            // Where a feed is of no use everybody is read: that breaks off, too.
            let listing = faults.on(Match::route(Route::Users).tenant(tenant).from(2), effect.clone(), None);
            let ended = customer.sync().await;
            let failure = ended.tenant(tenant).failure.clone().expect(&what);
            assert_eq!((failure.code.as_str(), ended.run.counters.inactivated), (code, 0), "{what}");
            let faults = customer.house.microsoft.fake.faults();
            assert!(faults.fired(feed) > 0, "{what}");
            assert_eq!(faults.fired(listing) > 0, reads_everybody, "{what}");
            assert_eq!(links(&customer, &leavers).await, before, "{what}: neither inactive nor missing");
            assert_eq!(customer.active().await, PEOPLE, "{what}");

            faults.clear();
            assert_grace_runs(&mut customer, &what).await;
        }
    }
}

#[tokio::test]
async fn a_feed_of_no_use_has_everybody_read_and_gives_grace_as_ever() {
    for effect in
        [Effect::Malformed, Effect::ForeignNextLink("evil.example".to_owned()), Effect::NextLinkLoop]
    {
        for first in 1..=3 {
            let (mut customer, _) = told_of_three_changes().await;
            let pages = Match::route(Route::UsersDelta).tenant(customer.tenant).from(first);
            customer.house.microsoft.fake.faults().on(pages, effect.clone(), None);
            let what = format!("{effect:?}, page {first}");
            assert_grace_runs(&mut customer, &what).await;
            assert!(listed(&customer) > 0, "{what}");
        }
    }
}

/// People at the customer of [`told_of_three_changes`]: so many that two who leave are no surge.
const PEOPLE: i64 = 8;

/// The directory tells of three changes, one on each page: somebody is gone, somebody has another name, and
/// somebody is disabled. The first and the last of them.
async fn told_of_three_changes() -> (Customer, [EntraObjectId; 2]) {
    let mut customer = told().await;
    for number in 4..=u128::try_from(PEOPLE).unwrap() {
        customer.hire(number, "A Colleague", &format!("colleague{number}"), |_| {});
    }
    customer.sync().await;
    let [gone, renamed, disabled] = [0, 1, 2].map(|number| customer.person(number).id);
    customer.leaves(gone);
    customer.change(renamed, |user| user.display_name = Some("Another Name".to_owned()));
    customer.change(disabled, |user| user.account_enabled = false);
    customer.house.microsoft.fake.set_delta_page_size(1);
    customer.house.microsoft.fake.reset_requests();
    (customer, [gone, disabled])
}

/// Whoever is gone becomes inactive with the second read, whoever is disabled with the first.
async fn assert_grace_runs(customer: &mut Customer, what: &str) {
    let counters = customer.sync().await.run.counters;
    assert_eq!((counters.missing, counters.inactivated), (1, 1), "{what}");
    assert_eq!(customer.active().await, PEOPLE - 1, "{what}");
    let counters = customer.sync().await.run.counters;
    assert_eq!((counters.missing, counters.inactivated), (0, 1), "{what}");
    assert_eq!(customer.active().await, PEOPLE - 2, "{what}");
    let contacts = customer.contacts().await;
    assert!(contacts.iter().any(|contact| contact.values.full_name == "Another Name"), "{what}");
}

async fn links(customer: &Customer, people: &[EntraObjectId]) -> Vec<Link> {
    let links = customer.house.links(customer.tenant).await;
    links.into_iter().filter(|link| people.contains(&link.identity.object)).collect()
}

#[tokio::test]
async fn a_feed_older_than_six_days_means_that_everybody_is_read() {
    // Everybody is due so many hours after the last complete read; the hours between one sync and the next,
    // the first of them after a complete read; whether the last one reads everybody.
    for (due, hours, everybody) in [
        (168, &[6 * 24 - 1][..], false),
        (168, &[6 * 24 + 1], true),
        // With each sync the feed is as good as new, and the complete read is no younger.
        (168, &[4 * 24, 3 * 24 - 1], false),
        (168, &[4 * 24, 3 * 24 + 1], true),
        (24, &[23], false),
        (24, &[25], true),
        (24, &[12, 11], false),
        (24, &[12, 13], true),
        (24, &[25, 23], false),
        (24, &[25, 25], true),
        (0, &[1], true),
    ] {
        let mut customer = told().await;
        due_after(&customer, due).await;
        for (number, hours) in hours.iter().enumerate() {
            // A sync comes an hour after whatever was before it.
            customer.house.clock.advance(SignedDuration::from_hours(hours - 1));
            customer.change(customer.person(0).id, |user| {
                user.display_name = Some(format!("Name Number {number}"));
            });
            customer.house.microsoft.fake.reset_requests();
            assert_eq!(customer.sync().await.run.counters.updated, 1, "{due}, {hours}");
        }
        assert_eq!(listed(&customer) > 0, everybody, "{due}, {hours:?}");
    }
}

#[tokio::test]
async fn a_change_that_is_never_told_is_found_by_the_next_complete_read() {
    let mut customer = told_of_three_changes().await.0;
    due_after(&customer, 24).await;
    let faults = customer.house.microsoft.fake.faults();
    let lost = faults.on(Match::route(Route::UsersDelta), Effect::LostChange, 3);
    for _ in 0..3 {
        let counters = customer.sync().await.run.counters;
        assert_eq!((counters.read, counters.missing, counters.inactivated), (0, 0, 0));
    }
    assert_eq!(customer.house.microsoft.fake.faults().fired(lost), 3);
    assert_eq!((customer.active().await, listed(&customer)), (PEOPLE, 0));
    customer.house.clock.advance(SignedDuration::from_hours(24));
    assert_grace_runs(&mut customer, "found").await;
    assert!(listed(&customer) > 0);
}

/// Everybody is read when the last complete read is older.
async fn due_after(customer: &Customer, hours: u32) {
    let settings = customer.house.store.settings(WORKSPACE).await.unwrap();
    let settings = SyncSettings { complete_read_hours: CompleteReadHours(hours), ..settings };
    customer.house.settings(settings).await;
}

#[tokio::test]
async fn another_rule_has_everybody_looked_at_again() {
    let mut customer = told().await;
    let mut settings = customer.house.store.settings(WORKSPACE).await.unwrap();
    settings.field_sync_config = serde_json::json!({ "role": true });
    customer.house.settings(settings).await;
    assert_eq!(customer.sync().await.run.counters.read, 3);
    assert_eq!(customer.sync().await.run.counters.read, 0);
    let reviews = |line: &domain::plan::Line| matches!(line.action, Action::Review { .. });
    assert!(!customer.lines().await.iter().any(reviews));
}

#[tokio::test]
async fn an_open_question_is_looked_at_again_and_nobody_else_is() {
    let mut customer = told().await;
    let mut asked_about =
        customer.house.contact(customer.client, 1, "Front Desk", &customer.at("info")).await;
    let person = customer.hire(1, "Ola Nord", "ola.nord", |_| {});
    let info = customer.at("info");
    customer.change(person.id, |user| user.proxy_addresses = Some(vec![format!("smtp:{info}")]));
    assert_eq!(customer.sync().await.run.counters.ambiguous, 1);
    for _ in 0..2 {
        customer.house.microsoft.fake.reset_requests();
        let counters = customer.sync().await.run.counters;
        assert_eq!((counters.read, counters.ambiguous), (1, 1));
        assert_eq!(listed(&customer), 0);
        assert_eq!(customer.house.microsoft.fake.requests().of(Route::User).requests, 1);
    }
    // A human answers it by what the contact says; the directory knows nothing of that.
    "Ola Nord".clone_into(&mut asked_about.values.full_name);
    customer.house.edit(&asked_about).await;
    assert_eq!(customer.sync().await.run.counters.linked, 1);
    assert_eq!(customer.sync().await.run.counters.read, 0);
}

/// One person about whom the directory never answers.
#[tokio::test]
async fn whoever_is_never_answered_about_keeps_nobody_else_waiting() {
    let mut customer = told().await;
    customer.house.contact(customer.client, 1, "Front Desk", &customer.at("info")).await;
    let person = customer.hire(1, "Ola Nord", "ola.nord", |_| {});
    let info = customer.at("info");
    customer.change(person.id, |user| user.proxy_addresses = Some(vec![format!("smtp:{info}")]));
    assert_eq!(customer.sync().await.run.counters.ambiguous, 1);
    let row = Match::route(Route::User).tenant(customer.tenant);
    customer.house.microsoft.fake.faults().on(row, Effect::status(504), u32::MAX);
    customer.hire(2, "Liv Moe", "liv.moe", |_| {});
    let run = customer.sync().await.run;
    assert_eq!((run.run_status, run.counters.created), (RunStatus::Completed, 1));
    // And is looked at again once it answers.
    customer.house.microsoft.fake.faults().clear();
    assert_eq!(customer.sync().await.run.counters.ambiguous, 1);
}

#[tokio::test]
async fn a_record_that_cannot_be_read_does_not_have_everybody_read() {
    let mut customer = told().await;
    let person = customer.person(0);
    customer.change(person.id, |user| user.job_title = Some("Lead".to_owned()));
    let faults = customer.house.microsoft.fake.faults();
    let row = Match::route(Route::UsersDelta).tenant(customer.tenant);
    faults.on(row, Effect::BadRow(BadRow::WrongMember), 1);
    let failed = customer.sync().await.run;
    assert_eq!((failed.run_status, failed.counters.failed), (RunStatus::Completed, 1));
    customer.house.microsoft.fake.reset_requests();
    let again = customer.sync().await.run.counters;
    assert_eq!((again.read, again.failed, listed(&customer)), (1, 0, 0));
    assert_eq!(customer.sync().await.run.counters.read, 0);
}

#[tokio::test]
async fn a_removal_of_a_kind_that_nobody_knows_is_one_failed_line_and_removes_nobody() {
    let mut customer = told().await;
    customer.leaves(customer.person(0).id);
    let row = Match::route(Route::UsersDelta).tenant(customer.tenant);
    customer.house.microsoft.fake.faults().on(row, Effect::BadRow(BadRow::UnknownRemoval), 1);
    let run = customer.sync().await.run;
    let counters = run.counters;
    assert_eq!((run.run_status, counters.failed, counters.missing), (RunStatus::Completed, 1, 0));
    let lines = customer.lines().await;
    let told = matches!(&lines[..], [line] if is_failed_with(&line.action, "unknown_removal"));
    assert!(told, "{lines:?}");
    assert_eq!(customer.active().await, 3);
}

fn is_failed_with(action: &Action, expected: &str) -> bool {
    matches!(action, Action::Fail { code } if code == expected)
}

#[tokio::test]
async fn a_surge_that_waits_for_an_operator_does_not_leak_with_every_sync() {
    for hours in [0, 168] {
        let mut customer = told().await;
        let mut settings = customer.house.store.settings(WORKSPACE).await.unwrap();
        settings.complete_read_hours = CompleteReadHours(hours);
        settings.limits.creations.count = 2;
        settings.limits.creations.percent = 0;
        customer.house.settings(settings.clone()).await;
        for number in 1..=5 {
            customer.hire(number, "New Hire", &format!("hire{number}"), |_| {});
        }
        let counters = customer.sync().await.run.counters;
        assert_eq!((counters.created, counters.held), (2, 3), "{hours}");
        customer.hire(6, "Late Hire", "late", |_| {});
        for _ in 0..2 {
            let counters = customer.sync().await.run.counters;
            assert_eq!((counters.created, counters.held), (0, 4), "{hours}");
        }
        let staged =
            |line: &domain::plan::Line| matches!(line.action, Action::Stage { limit: Limit::Creations, .. });
        assert_eq!(customer.lines().await.iter().filter(|line| staged(line)).count(), 4, "{hours}");
        // Whoever raises the limit lets them in.
        settings.limits.creations.count = 4;
        customer.house.settings(settings).await;
        let counters = customer.sync().await.run.counters;
        assert_eq!((counters.created, counters.held), (4, 0), "{hours}");
    }
}

#[tokio::test]
async fn nothing_changed_costs_one_request_and_three_store_operations_for_each_tenant() {
    let mut costs = Vec::new();
    // As many batches for both, so that only the tenants count.
    for tenants in [20_usize, 30] {
        let config = WorldConfig { messy: false, ..WorldConfig::sample(7, &vec![30; tenants]) };
        let microsoft = Arc::new(Microsoft::serving(config, 50).await);
        let house = House::new(&microsoft).await;
        for number in 0..tenants {
            let client = house.client(number as u128 + 1).await;
            house.map(microsoft.tenant(number).id, client).await;
        }
        house.run(1, RunKind::Initial).await;
        let run = house.accept(2, RunKind::AllTenants).await;
        let worker = house.worker();
        house.probe.reset();
        microsoft.fake.reset_requests();
        worker.carry(run).await.unwrap();
        assert_eq!(house.ended(run).await.run.counters.read, 0);
        let requests = microsoft.fake.requests();
        let graph = requests.total() - requests.of(Route::Token).requests;
        costs.push((house.probe.counts().total(), graph));
    }
    let [few, many] = costs[..] else { unreachable!() };
    assert_eq!((few.1, many.1), (20, 30), "one request for each tenant");
    assert!(many.0 - few.0 == 3 * 10, "{} more operations for ten more tenants", many.0 - few.0);
}

/// What changes costs by how many have changed, and not by how many there are.
#[tokio::test]
async fn changes_cost_by_how_many_they_are_and_not_by_how_many_people_there_are() {
    // How many people change at once: each is a contact and a link, or an address claimed besides.
    const CHANGED: [usize; 3] = [1, 5, 25];
    for (change, writes) in [(Change::Rename, 2), (Change::Hire, 3)] {
        let mut costs = Vec::new();
        for people in [150, 300] {
            let microsoft = Arc::new(Microsoft::plain(&[people], 999).await);
            let house = House::new(&microsoft).await;
            house.every_field().await;
            let tenant = microsoft.tenant(0);
            house.map(tenant.id, house.client(1).await).await;
            house.run(1, RunKind::Initial).await;
            let mut of_size = Vec::new();
            for (number, changed) in (2..).zip(CHANGED) {
                for person in 0..changed {
                    match change {
                        Change::Rename => {
                            let user = microsoft.employee(tenant.id, person);
                            let name = format!("Name Number {number}");
                            microsoft.edit(tenant.id, &user, |user| user.display_name = Some(name));
                        }
                        Change::Hire => {
                            let object = 1_000 * u128::from(number) + person as u128;
                            let address = format!("hire{object}@{}", tenant.default_domain());
                            microsoft.hire(tenant.id, object, "New Hire", &address, |_| {});
                        }
                    }
                }
                let run = house.accept(number, RunKind::AllTenants).await;
                let worker = house.worker();
                house.probe.reset();
                microsoft.fake.reset_requests();
                worker.carry(run).await.unwrap();
                let done = house.ended(run).await.run.counters;
                assert_eq!((done.read, done.updated + done.created), (changed as u64, changed as u64));
                let requests = microsoft.fake.requests();
                let graph = requests.total() - requests.of(Route::Token).requests;
                of_size.push((house.probe.counts().total(), graph));
            }
            costs.push(of_size);
        }
        assert_eq!(costs[0], costs[1], "{change:?}: half as many people, the same costs");
        let cost = &costs[0];
        assert!(
            cost.iter().all(|(_, requests)| *requests == 2),
            "{change:?}: the changes and a proof: {cost:?}"
        );
        for (from, to) in [(0, 1), (1, 2)] {
            let more = (CHANGED[to] - CHANGED[from]) as u64;
            let grown = cost[to].0 - cost[from].0;
            assert!(grown <= writes * more, "{change:?}: {grown} operations more for {more} people more");
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Change {
    Rename,
    Hire,
}
