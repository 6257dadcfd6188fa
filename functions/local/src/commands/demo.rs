//! `demo`: the whole path on an invented MSP, from nothing to a second sync that writes nothing.
//!
//! It may be killed at any moment and started again: every step looks at what is there already.

use std::collections::BTreeSet;

use ::mapping::{
    Expectation,
    change::{remap, skip},
    confirm::confirm_auto_matches,
    preview::{Preview, TenantEntry, preview},
};
use domain::{
    contact::{Client, ContactValues, Phone, PhoneKind},
    ids::ContactId,
    run::{Counters, RunKind},
};
use embedded::Durability;
use fake_microsoft::{PsaClientSeed, PsaContactSeed};
use serde::Serialize;
use store::{ContactInput, Run, RunScope};
use sync::views::RunDetailView;
use uuid::Uuid;

use super::{connect, discover, flags, map, sync as sync_command};
use crate::{
    Arguments, Ending, FakeProfile, House,
    arguments::{DemoArguments, OutputForm},
    output::{self, Failure, Talk, count},
    watch,
};

/// What the demo shows at its end.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    tenants: usize,
    mapped: usize,
    preview: Counters,
    first_sync: RunDetailView,
    second_sync: RunDetailView,
    open_reviews: usize,
}

pub(crate) async fn run(
    arguments: &Arguments,
    options: &DemoArguments,
    durability: Durability,
) -> Result<Ending, Failure> {
    let fake = FakeProfile {
        seed: options.seed,
        sizes: spread(options.users, options.tenants),
        as_of: ambient::Clock::now(&ambient::SystemClock),
        port: 0,
        messy: true,
    };
    let house = House::open(&arguments.data, durability, Some(fake)).await?;
    runtime::telemetry::start(&house.settings);
    if house.fake.is_none() {
        return Err(Failure::new(
            "not_a_demo",
            format!("The folder {} belongs to a real workspace.", arguments.data.display()),
            "Give the demo a folder of its own with --data.",
        ));
    }
    let view = walk(&house).await?;
    output::result(arguments.output, &view, String::new)?;
    if arguments.output == OutputForm::Table {
        show(&house, &view).await?;
    }
    Ok(sync_command::ending(view.second_sync.run.status))
}

async fn walk(house: &House) -> Result<View, Failure> {
    let seed = house.fake.as_ref().map(|fake| fake.world().psa_seed()).unwrap_or_default();
    import(house, &seed).await?;
    // So that the HTTP API shows afterwards what the demo has done.
    flags::introduce(house).await?;
    if house.store.connection(house.workspace).await?.is_none() {
        Talk::say("1. Connecting: sign in, consent, check what the connection sees …");
        let connected = connect::in_the_fake(house).await?;
        Talk::say(format!("   connected; it sees {} customer tenants", connected.managed_tenants));
    }
    Talk::say("2. Discovering tenants and their domains …");
    let discovered = discover::once(house).await?;
    Talk::say(format!("   {} tenants", discovered.discovered_tenant_count));
    let preview = decide_mappings(house).await?;
    let (planned, first) = first_sync(house).await?;
    Talk::say("6. Syncing again: nothing has changed …");
    let second = sync_command::begin(house, RunKind::AllTenants, RunScope::default(), None).await?;
    let reviews = house.store.open_reviews(house.workspace, 1000).await?;
    Ok(View {
        tenants: preview.summary.total,
        mapped: preview.summary.mapped,
        preview: planned,
        first_sync: first,
        second_sync: second.into(),
        open_reviews: reviews.len(),
    })
}

/// Confirms what is without doubt; of the rest the demo takes the best suggestion, as an operator
/// who knows these clients would, and puts off tenants that have none.
async fn decide_mappings(house: &House) -> Result<Preview, Failure> {
    Talk::say("3. Mapping tenants to clients …");
    let editor = map::editor(house);
    let confirmed = confirm_auto_matches(&house.mapping, &editor).await?;
    let found = preview(&house.store, house.workspace).await?;
    let undecided = |tenant: &TenantEntry| tenant.existing_mapping.is_none();
    let mut chosen = 0;
    for choice in found.fuzzy_candidates.iter().filter(|choice| undecided(&choice.tenant)) {
        if let Some(best) = choice.candidates.first() {
            let (tenant, client) = (choice.tenant.managed_tenant_id, best.client_id);
            let mapped = remap(&house.mapping, &editor, tenant, client, Expectation::default()).await;
            mapped.map_err(|error| map::failure(&error))?;
            chosen += 1;
        }
    }
    for tenant in found.unmatched.iter().filter(|tenant| undecided(tenant)) {
        let skipped = skip(&house.mapping, &editor, tenant.managed_tenant_id, Expectation::default()).await;
        skipped.map_err(|error| map::failure(&error))?;
    }
    let decided = preview(&house.store, house.workspace).await?;
    Talk::say(format!(
        "   {} without doubt, {chosen} chosen from suggestions, {} put off: no client fits",
        confirmed.confirmed_mappings, decided.summary.skipped
    ));
    Ok(decided)
}

/// The preview and the first sync; both are taken up again where a killed demo left them.
async fn first_sync(house: &House) -> Result<(Counters, RunDetailView), Failure> {
    for run in house.resume(|_| true).await? {
        Talk::say(format!("   going on with the interrupted run {run}"));
        watch::run(house, run, "resuming").await?;
    }
    let runs = house.all_runs().await?;
    let oldest = |writes: bool| runs.iter().rev().find(|run| run.kind.writes() == writes);
    let planned = if let Some(run) = oldest(false) {
        run.counters
    } else {
        Talk::say("4. Previewing: the plan is stored, nothing else is written …");
        sync_command::begin(house, RunKind::Preflight, RunScope::default(), None).await?.run.counters
    };
    Talk::say(format!(
        "   the plan: {} to create, {} to link, {} to review, {} left out",
        planned.created, planned.linked, planned.ambiguous, planned.excluded
    ));
    let first = if let Some(Run { id, .. }) = oldest(true) {
        let found = sync::progress(&house.store, house.workspace, *id).await?;
        found.ok_or_else(|| Failure::new("unknown_run", "The first run has disappeared.", "Start again."))?
    } else {
        Talk::say("5. Syncing …");
        sync_command::begin(house, RunKind::Initial, RunScope::default(), None).await?
    };
    Ok((planned, first.into()))
}

/// Fills the PSA's side, unless a sync has run: then the contacts are the sync's and the
/// operator's.
async fn import(house: &House, seed: &[PsaClientSeed]) -> Result<(), Failure> {
    if house.store.connection(house.workspace).await?.is_some() {
        return Ok(());
    }
    let contacts: usize = seed.iter().map(|client| client.contacts.len()).sum();
    Talk::say(format!("0. Filling the PSA's side: {} clients, {contacts} contacts …", seed.len()));
    for client in seed {
        let row = Client {
            id: client.client_id,
            name: client.name.clone(),
            website: client.website.clone(),
            secondary_domains: client.secondary_email_domains.clone(),
            inactive: false,
        };
        house.store.upsert_client(house.workspace, &row).await?;
        for contact in &client.contacts {
            house.store.upsert_contact(house.workspace, &input(client, contact)).await?;
        }
    }
    Ok(())
}

fn input(client: &PsaClientSeed, contact: &PsaContactSeed) -> ContactInput {
    let name = format!("{}{}", contact.email.to_lowercase(), contact.full_name);
    let phone =
        |number: &String| Phone { number: number.trim().to_owned(), kind: PhoneKind::Work, is_default: true };
    ContactInput {
        id: ContactId::new(Uuid::new_v5(&client.client_id.uuid(), name.as_bytes())),
        client: client.client_id,
        values: ContactValues {
            full_name: contact.full_name.clone(),
            email: contact.email.parse().ok(),
            phones: contact.phone.iter().map(phone).collect(),
            role: contact.role.clone(),
            ..ContactValues::default()
        },
        additional_emails: Vec::new(),
        inactive: false,
        protected: None,
        protected_fields: None,
        unsaid: BTreeSet::new(),
        account: store::SaidAccount::Unsaid,
    }
}

async fn show(house: &House, view: &View) -> Result<(), Failure> {
    let names = sync_command::tenant_names(house).await?;
    let c = |detail: &RunDetailView| detail.run.summary.counters;
    let (planned, first, second) = (view.preview, c(&view.first_sync), c(&view.second_sync));
    let row = |what: &str, pick: fn(&Counters) -> u64| {
        vec![what.to_owned(), count(pick(&planned)), count(pick(&first)), count(pick(&second))]
    };
    let rows = vec![
        row("people read", |c| c.read),
        row("contacts created", |c| c.created),
        row("contacts linked", |c| c.linked),
        row("contacts updated", |c| c.updated),
        row("made inactive", |c| c.inactivated),
        row("waiting for a decision", |c| c.ambiguous),
        row("unchanged", |c| c.unchanged),
        row("left out, each with a reason", |c| c.excluded),
        row("could not be used", |c| c.failed),
    ];
    output::raw(&sync_command::run_table(&view.first_sync, &names))?;
    output::raw(&output::table(&["", "preview", "first sync", "second sync"], rows, 1))?;
    Talk::say("The second sync read only who had changed, or waits for a decision.");
    let data = house.folder.display();
    Talk::say(format!(
        "\nEverything is in {data}. Look around with:\n  \
         entra-sync --data {data} runs\n  entra-sync --data {data} map\n  \
         entra-sync --data {data} runs lines {}\n  entra-sync --data {data} export contacts --format csv",
        view.first_sync.run.run_id
    ));
    Ok(())
}

/// Sizes of `tenants` tenants with `users` users together: few large ones, many small ones.
fn spread(users: u32, tenants: u32) -> Vec<u32> {
    let weight = |position: u32| u64::from(tenants - position) + 2;
    let total: u64 = (0..tenants).map(weight).sum();
    let share = |position| u32::try_from(u64::from(users) * weight(position) / total).unwrap_or(u32::MAX);
    let mut sizes: Vec<u32> = (0..tenants).map(share).collect();
    let rest = users.saturating_sub(sizes.iter().sum());
    if let Some(first) = sizes.first_mut() {
        *first += rest;
    }
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_people_are_spread_over_all_tenants() {
        for (users, tenants) in [(3000, 25), (1, 1), (10, 25), (1_000_000, 1000)] {
            let sizes = spread(users, tenants);
            assert_eq!(sizes.len(), tenants as usize);
            assert_eq!(sizes.iter().sum::<u32>(), users);
        }
    }
}
