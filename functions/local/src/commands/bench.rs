//! `bench`: a sync of invented users, counted and timed.

mod apart;

use directory::Usage;
use domain::{
    contact::Client,
    ids::ClientId,
    mandate::Mandate,
    run::{Counters, RunKind},
};
use embedded::Durability;
use jiff::Timestamp;
use serde::Serialize;
use store::probe::Counts;
use uuid::Uuid;

pub(crate) use apart::serve as serve_apart;

use self::apart::Peers;
use super::{connect, discover, map};
use crate::{
    Ending, FakeProfile, House,
    arguments::{BenchArguments, OutputForm},
    output::{self, Failure, Talk},
};

/// One user in this many is changed before the last phase.
const CHANGED_ONE_IN: u32 = 100;

/// Rows of a page of users.
const PAGE: u64 = 999;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    users: u32,
    tenants: u32,
    seed: u64,
    store: &'static str,
    build: &'static str,
    phases: Vec<Phase>,
    peak_memory_bytes: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Phase {
    name: &'static str,
    milliseconds: i64,
    people: Counters,
    directory_requests: u64,
    token_requests: u64,
    directory_bytes: u64,
    resource_units: u64,
    /// For each tenant: ceil(n/999) pages, a token and a proof, when everybody is read; one request, and a
    /// proof where somebody has changed, when only changes are.
    request_floor: u64,
    store_operations: u64,
    store_writes: u64,
    store_bytes_sent: u64,
    store_calls: std::collections::BTreeMap<String, u64>,
    contact_writes: u64,
    writes_per_written_contact: Option<f64>,
    peak_memory_bytes: Option<u64>,
}

pub(crate) async fn run(options: &BenchArguments, durability: Durability) -> Result<Ending, Failure> {
    let folder = tempfile::tempdir()
        .map_err(|error| Failure::of("data_unusable", &error, "Check the folder for temporary files."))?;
    Talk::say("preparing …");
    let (mut peers, house) = if options.apart {
        let (peers, house) = Peers::start(options, folder.path()).await?;
        (Some(peers), house)
    } else {
        let house = House::open(folder.path(), durability, Some(profile(options))).await?;
        prepare(&house).await?;
        (None, house)
    };
    let sizes = sizes(options);
    let everybody: u64 = sizes.iter().map(|size| u64::from(*size).div_ceil(PAGE).max(1) + 2).sum();
    let tenants = u64::from(options.tenants);
    let mut phases = Vec::new();
    phases.push(phase(&house, "preview", RunKind::Preflight, everybody).await?);
    // The place in the feed of changes is asked for on the way.
    phases.push(phase(&house, "first", RunKind::AllTenants, everybody + tenants).await?);
    phases.push(phase(&house, "nothing changed", RunKind::AllTenants, tenants).await?);
    match &mut peers {
        Some(peers) => peers.change().await?,
        None => change(&house),
    }
    let told: u64 =
        sizes.iter().map(|size| u64::from(size.div_ceil(CHANGED_ONE_IN)).div_ceil(PAGE) + 1).sum();
    phases.push(phase(&house, "1 % changed", RunKind::AllTenants, told).await?);
    let settings = house.store.settings(house.workspace).await?;
    let settings = store::SyncSettings { complete_read_hours: store::CompleteReadHours(0), ..settings };
    house.store.put_settings(house.workspace, &settings).await?;
    phases.push(phase(&house, "everybody read again", RunKind::AllTenants, everybody).await?);
    let report = Report {
        users: options.users,
        tenants: options.tenants,
        seed: options.seed,
        store: if options.apart { "embedded, on disk, in another process" } else { "embedded, on disk" },
        build: if cfg!(debug_assertions) { "debug" } else { "release" },
        peak_memory_bytes: phases.iter().filter_map(|phase| phase.peak_memory_bytes).max(),
        phases,
    };
    output::result(OutputForm::Json, &report, String::new)?;
    Ok(Ending::Done)
}

fn sizes(options: &BenchArguments) -> Vec<u32> {
    let each = options.users / options.tenants;
    let mut sizes = vec![each; options.tenants as usize];
    sizes[0] += options.users - each * options.tenants;
    sizes
}

fn profile(options: &BenchArguments) -> FakeProfile {
    FakeProfile {
        seed: options.seed,
        sizes: sizes(options),
        as_of: ambient::Clock::now(&ambient::SystemClock),
        port: 0,
        messy: false,
    }
}

/// One client for each tenant, connected, discovered, mapped.
async fn prepare(house: &House) -> Result<(), Failure> {
    let fake = house.fake.as_ref().ok_or_else(|| Failure::new("bench_failed", "There is no world.", ""))?;
    for tenant in fake.world().tenants() {
        let client = Client {
            id: ClientId::new(Uuid::new_v5(&Uuid::NAMESPACE_OID, tenant.id.uuid().as_bytes())),
            name: tenant.display_name.clone(),
            website: Some(tenant.default_domain().to_owned()),
            secondary_domains: Vec::new(),
            inactive: false,
        };
        house.store.upsert_client(house.workspace, &client).await?;
    }
    // The fields that the last phase changes are written, so that a change is a write.
    let settings = store::SyncSettings {
        field_sync_config: serde_json::json!({ "role": true, "displayName": true }),
        ..store::SyncSettings::default()
    };
    house.store.put_settings(house.workspace, &settings).await?;
    connect::in_the_fake(house).await?;
    discover::once(house).await?;
    ::mapping::confirm::confirm_auto_matches(&house.mapping, &map::editor(house)).await?;
    Ok(())
}

fn change(house: &House) {
    let Some(fake) = &house.fake else { return };
    let world = fake.world();
    for tenant in world.tenants() {
        for index in (0..world.user_count(tenant.id)).step_by(CHANGED_ONE_IN as usize) {
            if let Some(user) = world.user(tenant.id, index) {
                let edited = world.edit(tenant.id, user.id, |user| {
                    user.job_title = Some("Head of Change".to_owned());
                });
                debug_assert!(edited.is_ok());
            }
        }
    }
}

async fn phase(
    house: &House,
    name: &'static str,
    kind: RunKind,
    request_floor: u64,
) -> Result<Phase, Failure> {
    Talk::say(format!("{name} …"));
    forget_peak_memory();
    let before = usage(house);
    house.probe.reset();
    let began = house.clock.now();
    let progress = quiet(house, kind).await?;
    let milliseconds = elapsed(began, house.clock.now());
    let counts: Counts = house.probe.counts();
    let after = usage(house);
    let people = progress.run.counters;
    let planned = people.created + people.linked + people.updated + people.inactivated + people.reactivated;
    let contact_writes = if kind.writes() { planned } else { 0 };
    // In thousandths, so that the figure is exact.
    let per_contact = |contacts: u64| u32::try_from(counts.writes * 1000 / contacts).unwrap_or(u32::MAX);
    Ok(Phase {
        name,
        milliseconds,
        people,
        directory_requests: after.requests - before.requests,
        token_requests: after.token_requests - before.token_requests,
        directory_bytes: after.bytes - before.bytes,
        resource_units: after.resource_units - before.resource_units,
        request_floor,
        store_operations: counts.total(),
        store_writes: counts.writes,
        store_bytes_sent: counts.bytes_sent,
        store_calls: counts.calls,
        contact_writes,
        writes_per_written_contact: (contact_writes > 0)
            .then(|| f64::from(per_contact(contact_writes)) / 1000.0),
        peak_memory_bytes: peak_memory(),
    })
}

/// A run that nobody watches: watching would be counted too.
async fn quiet(house: &House, kind: RunKind) -> Result<sync::RunProgress, Failure> {
    let scope = store::RunScope::default();
    let request = sync::StartRequest::new(house.workspace, kind, scope, Mandate::Machine);
    let begun = sync::start(&house.sync, request).await;
    let begun = begun.map_err(|error| failed(&error))?;
    house.engine.finished(&begun.run.id.to_string()).await;
    let found = sync::progress(&house.store, house.workspace, begun.run.id).await?;
    let gone = || Failure::new("bench_failed", "The run is gone.", "Report this as a bug.");
    let found = found.ok_or_else(gone)?;
    if found.run.run_status == domain::run::RunStatus::Completed {
        return Ok(found);
    }
    let of_tenants = found.ended.iter().filter_map(|tenant| tenant.failure.as_ref());
    let why = found.run.halted.iter().chain(of_tenants).next();
    let why = why.map_or_else(String::new, |failure| format!(": {} [{}]", failure.message, failure.code));
    let ended = format!("The run ended as {:?}{why}", found.run.run_status);
    Err(Failure::new("bench_failed", ended, "Look at the log."))
}

fn usage(house: &House) -> Usage {
    house.directories.in_use(house.workspace).map(|directory| directory.usage()).unwrap_or_default()
}

fn elapsed(began: Timestamp, ended: Timestamp) -> i64 {
    i64::try_from(ended.duration_since(began).as_millis()).unwrap_or(i64::MAX)
}

fn failed(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::of("bench_failed", error, "Report this as a bug.")
}

/// Lets each phase have a peak of its own. Where Linux does not allow it, peaks only grow.
fn forget_peak_memory() {
    // See proc(5) under clear_refs: 5 resets the peak resident set size.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The most memory this process has had since then, as Linux counts it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}
