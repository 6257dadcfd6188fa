//! Things to store.

use std::collections::BTreeSet;

use domain::{
    contact::{Client, ContactValues, Phone, PhoneKind},
    email::EmailAddress,
    facts::SourceFacts,
    ids::{
        ClientId, ConnectionId, ContactId, EntraObjectId, EntraTenantId, ManagedTenantId, RunId, UserId,
        WorkspaceId,
    },
    mandate::Mandate,
    plan::{Action, LINES_PER_PAGE_MAX, Line, PLAN_PAGE_FORMAT, Person, PlanPage, Rule, fold},
    run::{Counters, RunKind, RunStatus, Trigger},
};
use jiff::Timestamp;
use store::{
    Applier, Author, ClientScope, Connection, ConnectionKind, ConnectionStatus, ContactInput, Tenure,
};
use store::{Run, RunScope, Store};
use uuid::Uuid;

pub(crate) const WORKSPACE: WorkspaceId = WorkspaceId::new(Uuid::from_u128(0xA1));
pub(crate) const CLIENT: ClientId = ClientId::new(Uuid::from_u128(0xC1));
pub(crate) const OTHER_CLIENT: ClientId = ClientId::new(Uuid::from_u128(0xC2));
pub(crate) const TENANT: EntraTenantId = EntraTenantId::new(Uuid::from_u128(0xE1));
pub(crate) const MANAGED: ManagedTenantId = ManagedTenantId::new(Uuid::from_u128(0xF1));
/// Who decides in these tests.
pub(crate) const AUTHOR: Author = Author { run: RunId::new(Uuid::from_u128(0xDE)), user: Some(USER) };
pub(crate) const USER: UserId = UserId::new(Uuid::from_u128(0xD1));

/// What decides, besides the facts, whether somebody counts as changed.
pub(crate) const SALT: &[u8] = b"rules";

pub(crate) fn scope() -> ClientScope {
    ClientScope::new(WORKSPACE, CLIENT)
}

/// So many seconds after the suite's beginning of time.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

pub(crate) fn object(person: u32) -> EntraObjectId {
    EntraObjectId::new(Uuid::from_u128(0x0B00_0000 + u128::from(person)))
}

/// A contact that the PSA made.
pub(crate) fn contact(number: u32) -> ContactId {
    ContactId::new(Uuid::from_u128(0xC0_0000 + u128::from(number)))
}

/// A run that began at that second.
pub(crate) fn run_id(second: u64) -> RunId {
    RunId::new(uuid::Builder::from_unix_timestamp_millis(second * 1000, &[7; 10]).into_uuid())
}

pub(crate) fn address(local: &str) -> EmailAddress {
    format!("{local}@acme.example").parse().unwrap()
}

pub(crate) fn facts(local: &str) -> SourceFacts {
    SourceFacts {
        full_name: format!("Mira {local}"),
        email: address(local),
        phones: vec![Phone { number: "+47 2100".to_owned(), kind: PhoneKind::Work, is_default: true }],
        role: Some("Engineer".to_owned()),
        department: None,
        office: None,
        company: None,
        user_principal_name: Some(format!("{local}@acme.example")),
        blanks: Vec::new(),
    }
}

pub(crate) fn values(local: &str) -> ContactValues {
    facts(local).values()
}

pub(crate) fn input(number: u32, local: &str) -> ContactInput {
    ContactInput {
        id: contact(number),
        client: CLIENT,
        values: values(local),
        additional_emails: Vec::new(),
        inactive: false,
        protected: None,
        protected_fields: None,
        unsaid: BTreeSet::new(),
        account: store::SaidAccount::Unsaid,
    }
}

pub(crate) fn line(person: u32, rule: Rule, action: Action) -> Line {
    let person = Person {
        object: object(person),
        label: format!("Person {person}"),
        address: Some(address(&format!("p{person}"))),
    };
    Line::new(WORKSPACE, TENANT, person, rule, action)
}

pub(crate) fn page(lines: Vec<Line>) -> PlanPage {
    assert!(lines.len() <= LINES_PER_PAGE_MAX);
    let seen = lines.iter().map(|line| fold(line.object)).collect();
    let read = lines.len() as u64;
    PlanPage {
        format: PLAN_PAGE_FORMAT,
        lines,
        seen,
        leavers: Vec::new(),
        asked: Vec::new(),
        guard: None,
        counters: Counters { read, unchanged: read, ..Counters::default() },
    }
}

pub(crate) fn applier(store: &Store, width: usize) -> Applier<'_> {
    Applier {
        store,
        scope: scope(),
        tenant: TENANT,
        managed_tenant: MANAGED,
        salt: SALT,
        at: at(0),
        width,
        author: AUTHOR,
        changes_links: false,
        since: None,
        tenure: Tenure::UNLIMITED,
    }
}

/// Applies a page of which every line is to be applied.
pub(crate) async fn apply(store: &Store, page: &PlanPage) {
    assert_eq!(applier(store, 4).apply(page).await.unwrap(), []);
}

pub(crate) fn client(number: u128) -> Client {
    Client {
        id: ClientId::new(Uuid::from_u128(number)),
        name: format!("Client {number}"),
        website: Some("https://acme.example".to_owned()),
        secondary_domains: vec!["mail.acme.example".to_owned()],
        inactive: false,
    }
}

pub(crate) fn connection(number: u32) -> Connection {
    Connection {
        id: ConnectionId::new(Uuid::from_u128(0xCC00 + u128::from(number))),
        kind: ConnectionKind::Direct,
        connection_status: ConnectionStatus::Connected,
        partner_tenant: Some(TENANT),
        cipp_base_url: None,
        connected_at: at(i64::from(number)),
        disconnected_at: None,
        last_validated_at: Some(at(i64::from(number) + 1)),
        last_validation_error: None,
        created_by: Some(USER),
    }
}

pub(crate) fn run(id: RunId) -> Run {
    Run {
        id,
        workspace: WORKSPACE,
        kind: RunKind::AllTenants,
        trigger: Trigger::Manual,
        run_status: RunStatus::Queued,
        scope: RunScope { client: Some(CLIENT), tenant: None, ..RunScope::default() },
        initiated_by: Some(USER),
        mandate: Some(Mandate::Person { user: USER, operate: true, approve: false }),
        started_at: at(0),
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
