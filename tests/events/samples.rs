//! What the samples are about: one workspace with one client, one customer tenant and one run.

use domain::{
    contact::Client,
    ids::{
        ClientId, ConnectionId, EntraObjectId, EntraTenantId, ManagedTenantId, MappingId, RunId, WorkspaceId,
    },
    mandate::Mandate,
    mapping::{ActiveDecision, Decision, MAPPING_RECORD_FORMAT, MappingRecord},
    plan::{Action, Conflict, Line, PLAN_PAGE_FORMAT, Person, PlanPage, Rule},
    run::{Counters, RunKind, RunStatus, Trigger},
};
use jiff::Timestamp;
use serde_json::json;
use store::{
    Applier, Author, ClientScope, Connection, ConnectionKind, ConnectionStatus, DiscoveryReport,
    ManagedTenant, Run, Store, TenantAccess, Tenure,
};
use uuid::{Uuid, uuid};

pub(crate) const WORKSPACE: WorkspaceId = WorkspaceId::new(uuid!("7c9e6679-7425-40de-944b-e07fc1f90ae7"));
pub(crate) const CLIENT: ClientId = ClientId::new(uuid!("9b2d7c1e-52f4-4f0e-8a83-0c6e3f1d2a44"));
pub(crate) const RUN: RunId = RunId::new(uuid!("0199c0de-9c00-7000-8000-000000000001"));
const TENANT: EntraTenantId = EntraTenantId::new(uuid!("6b1a2f0c-8f2e-4a57-9a3b-5d4c3b2a1908"));

pub(crate) fn managed_tenant() -> ManagedTenantId {
    ManagedTenantId::derived(WORKSPACE, TENANT)
}

/// A connection, of which no secret is kept.
pub(crate) async fn connect(store: &Store) {
    let connection = Connection {
        id: ConnectionId::new(Uuid::from_u128(1)),
        kind: ConnectionKind::Direct,
        connection_status: ConnectionStatus::Connected,
        partner_tenant: None,
        cipp_base_url: None,
        connected_at: now(),
        disconnected_at: None,
        last_validated_at: None,
        last_validation_error: None,
        created_by: None,
    };
    assert!(store.put_connection(WORKSPACE, None, &connection).await.unwrap());
}

/// A discovery that has found the tenant, and the client of the same domain.
pub(crate) async fn discover(store: &Store) {
    let tenant = ManagedTenant {
        id: managed_tenant(),
        entra: TENANT,
        display_name: Some("Fjord Bakery".to_owned()),
        default_domain: Some("fjordbakery.example".parse().unwrap()),
        verified_domains: vec!["fjordbakery.example".parse().unwrap()],
        access: TenantAccess::Ok,
        access_ends: None,
        user_count: None,
        discovered_at: now(),
        last_seen_at: now(),
        missing_since: None,
    };
    store.put_managed_tenant(WORKSPACE, &tenant).await.unwrap();
    let report = DiscoveryReport {
        execution: "discovery-1".to_owned(),
        completed_at: now(),
        found: 1,
        new: vec![managed_tenant()],
        gone: Vec::new(),
        renamed: Vec::new(),
        lost_access: Vec::new(),
        unreadable_rows: 0,
        failure: None,
    };
    store.put_discovery(WORKSPACE, &report).await.unwrap();
    let client = Client {
        id: CLIENT,
        name: "Fjord Bakery AS".to_owned(),
        website: Some("https://fjordbakery.example".to_owned()),
        secondary_domains: Vec::new(),
        inactive: false,
    };
    assert!(store.upsert_client(WORKSPACE, &client).await.unwrap());
}

/// The tenant mapped to the client.
pub(crate) async fn map(store: &Store) {
    let record = MappingRecord {
        format: MAPPING_RECORD_FORMAT,
        managed_tenant: managed_tenant(),
        current: ActiveDecision {
            mapping_id: MappingId::new(Uuid::from_u128(2)),
            decision: Decision::Mapped { client: CLIENT },
            confidence: None,
            decided_by: None,
            decided_at: now(),
        },
        history: Vec::new(),
    };
    assert!(store.put_mapping(WORKSPACE, None, &record).await.unwrap());
}

/// A run that was accepted just now.
pub(crate) async fn accept(store: &Store) {
    // What a run has to have for its tasks; the rest has defaults.
    let run: Run = serde_json::from_value(json!({
        "id": RUN,
        "workspace": WORKSPACE,
        "kind": RunKind::AllTenants,
        "trigger": Trigger::Manual,
        "runStatus": RunStatus::Queued,
        "scope": {},
        "mandate": Mandate::Machine,
        "startedAt": now(),
    }))
    .unwrap();
    assert!(store.create_run(&run).await.unwrap());
}

/// A question about a person of the tenant.
pub(crate) async fn ask(store: &Store) {
    let person = Person {
        object: EntraObjectId::new(Uuid::from_u128(3)),
        label: "Mira Sund".to_owned(),
        address: Some("mira@fjordbakery.example".parse().unwrap()),
    };
    let action = Action::Review { conflict: Conflict::AliasOnly, candidates: Vec::new() };
    let line = Line::new(WORKSPACE, TENANT, person, Rule::AliasAddress, action);
    let applier = Applier {
        store,
        scope: ClientScope::new(WORKSPACE, CLIENT),
        tenant: TENANT,
        managed_tenant: managed_tenant(),
        salt: b"",
        at: now(),
        width: 1,
        author: Author { run: RUN, user: None },
        changes_links: false,
        since: None,
        tenure: Tenure::UNLIMITED,
    };
    let page = PlanPage {
        format: PLAN_PAGE_FORMAT,
        lines: vec![line],
        seen: Vec::new(),
        leavers: Vec::new(),
        asked: Vec::new(),
        guard: None,
        counters: Counters::default(),
    };
    assert_eq!(applier.apply(&page).await.unwrap(), []);
}

fn now() -> Timestamp {
    use ambient::Clock;
    ambient::SystemClock.now()
}
