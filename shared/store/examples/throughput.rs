//! How fast the repositories are on the embedded engine, the SDK in between.
//!
//! `cargo run -p store --example throughput`, with `--release` for figures that mean something to
//! a user. Every figure is that of one task on one thread.
#![expect(clippy::print_stdout, reason = "printing figures is what this program is for")]

use std::error::Error;

use ambient::{Clock, SystemClock};
use aws_sdk_dynamodb::config::SharedHttpClient;
use domain::{
    contact::{Phone, PhoneKind},
    facts::SourceFacts,
    ids::{ClientId, ContactId, EntraObjectId, EntraTenantId, Identity, ManagedTenantId, RunId, WorkspaceId},
    mandate::Mandate,
    plan::{Action, LINES_PER_PAGE_MAX, Line, PLAN_PAGE_FORMAT, Person, PlanPage, Rule},
    run::{Counters, RunKind, RunStatus, Trigger},
};
use embedded::{Durability, Engine, OpenError};
use jiff::Timestamp;
use store::{Applier, Author, ClientScope, Run, RunScope, Store, Tenure, client_over};
use uuid::Uuid;

const WORKSPACE: WorkspaceId = WorkspaceId::new(Uuid::from_u128(1));
const CLIENT: ClientId = ClientId::new(Uuid::from_u128(2));
const TENANT: EntraTenantId = EntraTenantId::new(Uuid::from_u128(3));

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("{:<32} {:>10} {:>10} {:>14} {:>14}", "", "puts/s", "gets/s", "create page", "people/s");
    measure("in memory", Engine::in_memory()?, 10_000, 10).await?;
    let folder = tempfile::tempdir()?;
    let engine =
        Engine::open(folder.path(), Durability::ProcessKill, async |_| Ok::<(), OpenError>(())).await?;
    measure("folder, survives a killed process", engine, 10_000, 10).await?;
    let folder = tempfile::tempdir()?;
    let engine = Engine::open(folder.path(), Durability::PowerCut, async |_| Ok::<(), OpenError>(())).await?;
    measure("folder, survives a power cut", engine, 500, 1).await
}

async fn measure(name: &str, engine: Engine, calls: u32, pages: u32) -> Result<(), Box<dyn Error>> {
    let store = Store::new(client_over(SharedHttpClient::new(engine)), "contacts");
    store.create_table_if_absent().await?;

    let began = SystemClock.now();
    for number in 0..calls {
        store.create_run(&run(number)).await?;
    }
    let puts = f64::from(calls) / seconds_since(began);

    let began = SystemClock.now();
    for number in 0..calls {
        store.run(WORKSPACE, run_id(number)).await?;
    }
    let gets = f64::from(calls) / seconds_since(began);

    let applier = Applier {
        store: &store,
        scope: ClientScope::new(WORKSPACE, CLIENT),
        tenant: TENANT,
        managed_tenant: ManagedTenantId::derived(WORKSPACE, TENANT),
        salt: b"rules",
        at: Timestamp::UNIX_EPOCH,
        width: 8,
        author: Author { run: run_id(0), user: None },
        changes_links: false,
        since: None,
        tenure: Tenure::UNLIMITED,
    };
    let plan: Vec<PlanPage> = (0..pages).map(page).collect::<Result<_, _>>()?;
    let began = SystemClock.now();
    for page in &plan {
        applier.apply(page).await?;
    }
    let page = seconds_since(began) / f64::from(pages);
    let people = f64::from(u32::try_from(LINES_PER_PAGE_MAX)?) / page;
    println!("{name:<32} {puts:>10.0} {gets:>10.0} {:>11.0} ms {people:>14.0}", page * 1_000.0);
    Ok(())
}

fn seconds_since(began: Timestamp) -> f64 {
    SystemClock.now().duration_since(began).as_secs_f64()
}

/// A page that creates as many contacts as a page may.
fn page(number: u32) -> Result<PlanPage, domain::email::InvalidEmailAddress> {
    let first = number as usize * LINES_PER_PAGE_MAX;
    let lines: Vec<Line> = (first..first + LINES_PER_PAGE_MAX).map(creation).collect::<Result<_, _>>()?;
    let seen = lines.iter().map(|line| domain::plan::fold(line.object)).collect();
    let (leavers, asked, guard, counters) = (Vec::new(), Vec::new(), None, Counters::default());
    Ok(PlanPage { format: PLAN_PAGE_FORMAT, lines, seen, leavers, asked, guard, counters })
}

fn creation(person: usize) -> Result<Line, domain::email::InvalidEmailAddress> {
    let object = EntraObjectId::new(Uuid::from_u128(person as u128));
    let sign_in = format!("person{person}@acme.example");
    let facts = SourceFacts {
        full_name: format!("Person Number {person}"),
        email: sign_in.parse()?,
        phones: vec![Phone { number: "+47 21 00 00 00".to_owned(), kind: PhoneKind::Work, is_default: true }],
        role: Some("Engineer".to_owned()),
        department: None,
        office: None,
        company: None,
        user_principal_name: Some(sign_in),
        blanks: Vec::new(),
    };
    let contact = ContactId::derived(WORKSPACE, Identity { tenant: TENANT, object }, &facts.email, None);
    let person = Person { object, label: facts.full_name.clone(), address: Some(facts.email.clone()) };
    Ok(Line::new(WORKSPACE, TENANT, person, Rule::NoMatch, Action::Create { contact, facts }))
}

fn run_id(number: u32) -> RunId {
    RunId::new(Uuid::from_u128(u128::from(number)))
}

fn run(number: u32) -> Run {
    Run {
        id: run_id(number),
        workspace: WORKSPACE,
        kind: RunKind::AllTenants,
        trigger: Trigger::Manual,
        run_status: RunStatus::Queued,
        scope: RunScope::default(),
        initiated_by: None,
        mandate: Some(Mandate::Machine),
        started_at: Timestamp::UNIX_EPOCH,
        completed_at: None,
        execution: None,
        total_tenants: 0,
        succeeded_tenants: 0,
        failed_tenants: 0,
        counters: Counters::default(),
        cancel_requested: false,
        unsaved_rules: false,
        settings: store::SyncSettings::default(),
        source: None,
        link_change: None,
        room: None,
        turns: store::Turns::default(),
        halted: None,
    }
}
