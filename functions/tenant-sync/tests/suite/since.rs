//! What others have seen and decided between a plan and its being carried out.

use std::collections::BTreeSet;

use domain::{ids::Identity, plan::Action, run::RunKind};
use fake_microsoft::User;
use serde_json::json;
use store::{CompleteReadHours, PlanPart, PlanSource, SaidAccount, SyncSettings};

use crate::{
    customer::Customer,
    house::{Ended, WORKSPACE, managed},
};

fn allow(of: &Ended) -> PlanSource {
    PlanSource { run: of.run.id, part: PlanPart::Staged { lines: Vec::new() } }
}

/// The codes of the lines of the run that were not carried out.
async fn not_done(customer: &Customer, of: &Ended) -> Vec<String> {
    let lines =
        customer.house.store.stale_lines(WORKSPACE, of.run.id, managed(customer.tenant)).await.unwrap();
    lines.into_iter().map(|(_, code)| code).collect()
}

/// Five people are blocked at once and two may be: those who wait, reading everybody or for `hours` only changes.
async fn blocked(hours: u32) -> (Customer, Ended, Vec<User>) {
    let mut customer = Customer::new().await;
    let mut settings =
        SyncSettings { complete_read_hours: CompleteReadHours(hours), ..SyncSettings::default() };
    (settings.vanish.allowed, settings.vanish.allowed_percent) = (2, 0);
    customer.house.settings(settings).await;
    let people: Vec<User> =
        (1..=5).map(|number| customer.hire(number, "Mira Sund", &format!("mira{number}"), |_| {})).collect();
    customer.sync().await;
    for person in &people {
        customer.change(person.id, |user| user.account_enabled = false);
    }
    let ended = customer.sync().await;
    assert!(ended.run.counters.held > 0, "{:?}", ended.run.counters);
    (customer, ended, people)
}

#[tokio::test]
async fn what_was_rejected_is_not_let_through_with_the_rest() {
    for hours in [0, 168] {
        let (mut customer, ended, _) = blocked(hours).await;
        let waiting =
            customer.lines().await.into_iter().filter(|line| matches!(line.action, Action::Stage { .. }));
        let rejected: BTreeSet<_> = waiting.map(|line| line.id).take(2).collect();
        let (store, run) = (&customer.house.store, ended.run.id);
        assert_eq!(sync::reject(store, WORKSPACE, run, &rejected, ended.run.started_at).await.unwrap(), 2);
        let (active, held) = (customer.active().await, i64::try_from(ended.run.counters.held).unwrap());
        let allowed = customer.work_from(RunKind::Apply, allow(&ended)).await;
        assert_eq!(not_done(&customer, &allowed).await, ["rejected", "rejected"], "{hours}");
        assert_eq!(customer.active().await, active - (held - 2), "{hours}");
    }
}

#[tokio::test]
async fn whoever_is_back_is_not_made_inactive_by_an_older_plan() {
    for hours in [0, 168] {
        let (mut customer, ended, people) = blocked(hours).await;
        let active = customer.active().await;
        for person in &people {
            customer.change(person.id, |user| user.account_enabled = true);
        }
        customer.sync().await;
        let back = customer.active().await;
        assert!(back >= active);
        let allowed = customer.work_from(RunKind::Apply, allow(&ended)).await;
        assert_eq!(customer.active().await, back, "{hours}");
        let not_done = not_done(&customer, &allowed).await;
        assert!(!not_done.is_empty() && not_done.iter().all(|code| code == "read_since"), "{not_done:?}");
        // Nor does a late rejection keep their contacts from what comes later.
        let store = &customer.house.store;
        let rejected =
            sync::reject(store, WORKSPACE, ended.run.id, &BTreeSet::new(), ended.run.started_at).await;
        assert_eq!(rejected.unwrap(), 0, "{hours}");
        assert!(customer.house.links(customer.tenant).await.iter().all(|link| !link.keep));
    }
}

/// A sync that comes every few minutes does not take the decision away from whoever thinks about it for longer.
#[tokio::test]
async fn who_still_waits_after_a_later_sync_can_be_let_through_by_the_older_one() {
    for hours in [0, 168] {
        let (mut customer, ended, people) = blocked(hours).await;
        customer.sync().await;
        let allowed = customer.work_from(RunKind::Apply, allow(&ended)).await;
        assert_eq!(not_done(&customer, &allowed).await, Vec::<String>::new(), "{hours}");
        let gone = customer.house.links(customer.tenant).await.into_iter().filter(|link| !link.active);
        assert_eq!(gone.count(), people.len(), "{hours}");
    }
}

#[tokio::test]
async fn nobody_gets_a_second_contact_by_a_preview_from_before_the_link() {
    let mut customer = Customer::new().await;
    let person = customer.hire(1, "Mira Sund", "mira", |_| {});
    customer.runs += 1;
    let preview = customer.house.run(customer.runs, RunKind::Preflight).await;
    // The PSA learns whose account it is, and a sync links the two.
    let mut input = customer.house.contact(customer.client, 1, "Mira Sund", "elsewhere@psa.example").await;
    input.account = SaidAccount::Of(Identity { tenant: customer.tenant, object: person.id });
    customer.house.edit(&input).await;
    customer.sync().await;
    let before = customer.contacts().await;
    let source = PlanSource { run: preview.run.id, part: PlanPart::Lines };
    let applied = customer.work_from(RunKind::Apply, source).await;
    assert!(not_done(&customer, &applied).await.contains(&"linked_elsewhere".to_owned()));
    assert_eq!(customer.contacts().await, before);
}

/// The next sync decides anew about whoever was decided under other rules.
#[tokio::test]
async fn a_plan_is_remembered_under_the_rules_it_was_made_with() {
    let mut customer = Customer::new().await;
    let settings = SyncSettings::default();
    customer.house.settings(settings.clone()).await;
    let person = customer.hire(1, "Mira Sund", "mira", |user| user.job_title = Some("Welder".to_owned()));
    let address = person.mail.clone().unwrap();
    customer.house.contact(customer.client, 1, "Mira Sund", &address).await;
    customer.runs += 1;
    let preview = customer.house.run(customer.runs, RunKind::Preflight).await;
    let fields = json!({ "role": true });
    customer.house.settings(SyncSettings { field_sync_config: fields, ..settings }).await;
    customer.work_from(RunKind::Apply, PlanSource { run: preview.run.id, part: PlanPart::Lines }).await;
    customer.sync().await;
    let contact = customer.house.one_contact(customer.client, &address).await;
    assert_eq!(contact.values.role.as_deref(), Some("Welder"));
}
