//! A table in memory, the functions over it, and the workflow that calls them.

use std::{collections::BTreeSet, sync::Arc};

use ambient::{Clock, SeededEntropy, VirtualClock};
use async_trait::async_trait;
use aws_sdk_dynamodb::{
    Client,
    config::SharedHttpClient,
    types::{Put, TransactWriteItem},
};
use domain::{
    contact::{Client as PsaClient, Contact, ContactValues, Link},
    ids::{ClientId, ConnectionId, ContactId, EntraTenantId, ManagedTenantId, MappingId, RunId},
    ledger::{LinkChange, Wish},
    mandate::Mandate,
    mapping::{Decision, RequestedDecision, decide},
    plan::Line,
    run::{Counters, RunKind, RunStatus, Trigger},
};
use embedded::Engine;
use jiff::{SignedDuration, Timestamp};
use run_steps::RunSteps;
use serde_json::{Value, json};
use store::{
    ClientScope, CompleteReadHours, Connection, ConnectionKind, ConnectionStatus, ContactInput,
    ManagedTenant, PlanSource, ReviewItem, Run, RunScope, Store, StoredPage, SyncSettings, TenantAccess,
    TenantRun, Turns, Upserted, client_over, probe::Probe,
};
use tenant_sync::TenantSync;
use tokio::sync::Mutex;
use uuid::Uuid;
use workflow::{
    definitions,
    errors::TaskFailure,
    interpreter::{Execution, ExecutionFailure, Machine, Tasks, TimeoutRule},
    payloads::{RunInput, StepInput},
};

use crate::{dump::Dump, microsoft::Microsoft};

pub(crate) use crate::microsoft::WORKSPACE;

const TABLE: &str = "contacts";
const RUN_STEPS: &str = "run-steps";
const TENANT_SYNC: &str = "tenant-sync";

/// How long one batch may take, as on AWS.
pub(crate) const BATCH_TIME: SignedDuration = SignedDuration::from_secs(80);

/// Items in one transaction (AWS API reference).
const TRANSACTION_MAX: usize = 100;

/// One workspace's table and what works on it.
pub(crate) struct House {
    pub(crate) microsoft: Arc<Microsoft>,
    pub(crate) clock: VirtualClock,
    /// In front of what the workers do.
    pub(crate) probe: Probe,
    /// The table as tests fill and read it, past the probe.
    pub(crate) store: Store,
    pub(crate) engine: Engine,
    probed: SharedHttpClient,
    raw: Client,
}

/// One process: it has its own tokens, and does one thing after another.
pub(crate) struct Worker {
    pub(crate) tenants: TenantSync,
    pub(crate) steps: RunSteps,
    clock: VirtualClock,
    machine: Machine,
    turn: Option<Mutex<()>>,
}

impl House {
    /// An empty table of a workspace that is connected to `microsoft`.
    pub(crate) async fn new(microsoft: &Arc<Microsoft>) -> Self {
        let house = Self::over(microsoft).await;
        let connection = Connection {
            id: ConnectionId::new(Uuid::from_u128(0xCC)),
            kind: ConnectionKind::Direct,
            connection_status: ConnectionStatus::Connected,
            partner_tenant: Some(microsoft.world().partner().id),
            cipp_base_url: None,
            connected_at: house.clock.now(),
            disconnected_at: None,
            last_validated_at: None,
            last_validation_error: None,
            created_by: None,
        };
        house.store.put_connection(WORKSPACE, None, &connection).await.unwrap();
        house
    }

    /// Ends the connection.
    pub(crate) async fn disconnect(&self) {
        let before = self.store.connection(WORKSPACE).await.unwrap().unwrap();
        let connection = Connection { connection_status: ConnectionStatus::Disconnected, ..before.clone() };
        assert!(self.store.put_connection(WORKSPACE, Some(&before), &connection).await.unwrap());
    }

    /// Connects through the partner's CIPP deployment in place of the direct connection.
    pub(crate) async fn through_cipp(&self) {
        self.microsoft.open_cipp().await;
        let before = self.store.connection(WORKSPACE).await.unwrap().unwrap();
        let id = ConnectionId::new(Uuid::from_u128(0xCD));
        let connection = Connection { id, kind: ConnectionKind::Cipp, ..before.clone() };
        assert!(self.store.put_connection(WORKSPACE, Some(&before), &connection).await.unwrap());
    }

    /// A table with this content, at this time.
    pub(crate) async fn with(microsoft: &Arc<Microsoft>, content: &Dump, now: Timestamp) -> Self {
        let house = Self { clock: VirtualClock::starting_at(now), ..Self::over(microsoft).await };
        let items: Vec<_> = content.items.values().cloned().collect();
        for items in items.chunks(TRANSACTION_MAX) {
            let put = |item: &crate::dump::Item| {
                let put = Put::builder().table_name(TABLE).set_item(Some(item.clone())).build().unwrap();
                TransactWriteItem::builder().put(put).build()
            };
            let writes = items.iter().map(put).collect();
            house.raw.transact_write_items().set_transact_items(Some(writes)).send().await.unwrap();
        }
        house
    }

    async fn over(microsoft: &Arc<Microsoft>) -> Self {
        let engine = Engine::in_memory().unwrap();
        let (probe, probed) = Probe::around(engine.clone());
        let raw = client_over(SharedHttpClient::new(engine.clone()));
        let store = Store::new(raw.clone(), TABLE);
        store.create_table_if_absent().await.unwrap();
        let clock = VirtualClock::starting_at(microsoft.world().config().as_of);
        Self { microsoft: Arc::clone(microsoft), clock, probe, store, engine, probed, raw }
    }

    /// A process that has just been started.
    pub(crate) fn worker(&self) -> Worker {
        self.worker_over(self.probed.clone())
    }

    /// A process that reaches the table through `http`.
    pub(crate) fn worker_over(&self, http: SharedHttpClient) -> Worker {
        let store = Store::new(client_over(http), TABLE);
        let clock = || Arc::new(self.clock.clone()) as Arc<dyn Clock>;
        let directories = self.microsoft.directories(store.clone(), &self.clock);
        Worker {
            tenants: TenantSync { store: store.clone(), directories: Arc::new(directories), clock: clock() },
            steps: RunSteps { store, clock: clock() },
            clock: self.clock.clone(),
            machine: definitions::sync_run(RUN_STEPS, TENANT_SYNC).unwrap(),
            turn: Some(Mutex::default()),
        }
    }

    pub(crate) async fn settings(&self, settings: SyncSettings) {
        self.store.put_settings(WORKSPACE, &settings).await.unwrap();
    }

    /// Has every sync read everybody, not only who has changed.
    pub(crate) async fn read_everybody(&self) {
        let settings = self.store.settings(WORKSPACE).await.unwrap();
        self.settings(SyncSettings { complete_read_hours: CompleteReadHours(0), ..settings }).await;
    }

    /// Switches every field on and lets one complete read confirm that somebody is gone.
    pub(crate) async fn every_field(&self) {
        let fields = json!({
            "displayName": true, "email": true, "phone": true, "role": true, "upn": true,
            "department": true, "office": true, "company": true,
        });
        let mut settings = SyncSettings { field_sync_config: fields, ..SyncSettings::default() };
        settings.vanish.confirmations = 1;
        settings.vanish.grace_hours = 0;
        self.settings(settings).await;
    }

    pub(crate) async fn client(&self, number: u128) -> ClientId {
        let id = ClientId::new(Uuid::from_u128(0xC000 + number));
        let client = PsaClient {
            id,
            name: format!("Client {number}"),
            website: None,
            secondary_domains: Vec::new(),
            inactive: false,
        };
        self.store.upsert_client(WORKSPACE, &client).await.unwrap();
        id
    }

    /// A contact as the PSA has it.
    pub(crate) async fn contact(
        &self,
        client: ClientId,
        number: u128,
        name: &str,
        address: &str,
    ) -> ContactInput {
        let email = (!address.is_empty()).then(|| address.parse().unwrap());
        let values = ContactValues { full_name: name.to_owned(), email, ..ContactValues::default() };
        let id = ContactId::new(Uuid::from_u128(0xC0_0000 + number));
        let input = ContactInput {
            id,
            client,
            values,
            additional_emails: Vec::new(),
            inactive: false,
            protected: None,
            protected_fields: None,
            unsaid: BTreeSet::new(),
            account: store::SaidAccount::Unsaid,
        };
        let upserted = self.store.upsert_contact(WORKSPACE, &input).await.unwrap();
        assert_eq!(upserted, Upserted::Created, "{name}");
        input
    }

    /// A human's edit.
    pub(crate) async fn edit(&self, contact: &ContactInput) {
        let upserted = self.store.upsert_contact(WORKSPACE, contact).await.unwrap();
        assert_eq!(upserted, Upserted::Updated);
    }

    /// Discovers `tenant` and maps it to `client`, or maps it anew.
    pub(crate) async fn map(&self, tenant: EntraTenantId, client: ClientId) -> ManagedTenantId {
        let now = self.clock.now();
        let managed = ManagedTenant {
            id: managed(tenant),
            entra: tenant,
            display_name: None,
            default_domain: None,
            verified_domains: Vec::new(),
            access: TenantAccess::Ok,
            access_ends: None,
            user_count: None,
            discovered_at: now,
            last_seen_at: now,
            missing_since: None,
        };
        self.store.put_managed_tenant(WORKSPACE, &managed).await.unwrap();
        let before = self.store.mapping(WORKSPACE, managed.id).await.unwrap();
        let requested = RequestedDecision {
            managed_tenant: managed.id,
            decision: Decision::Mapped { client },
            confidence: None,
        };
        let number = before.as_ref().map_or(1, |before| before.history.len() as u128 + 2);
        let id = MappingId::new(Uuid::from_u128(number));
        if let Some(after) = decide(before.as_ref(), &requested, None, now, id) {
            assert!(self.store.put_mapping(WORKSPACE, before.as_ref(), &after).await.unwrap());
        }
        managed.id
    }

    /// Stores a run over everything that is mapped, an hour after whatever happened last.
    pub(crate) async fn accept(&self, number: u64, kind: RunKind) -> RunInput {
        self.accept_from(number, kind, None).await
    }

    /// Stores a run over the tenants of one client, as [`Self::accept`] does one over everything.
    pub(crate) async fn accept_of(&self, number: u64, client: ClientId) -> RunInput {
        let scope = RunScope { client: Some(client), ..RunScope::default() };
        self.store_run(number, RunKind::SingleTenant, scope, None).await
    }

    pub(crate) async fn accept_from(
        &self,
        number: u64,
        kind: RunKind,
        source: Option<PlanSource>,
    ) -> RunInput {
        self.store_run(number, kind, RunScope::default(), source).await
    }

    /// Stores a run that changes links of one tenant.
    pub(crate) async fn accept_links(
        &self,
        number: u64,
        kind: RunKind,
        tenant: EntraTenantId,
        (change, wishes): (LinkChange, &[Wish]),
    ) -> RunInput {
        let scope = RunScope { tenant: Some(managed(tenant)), ..RunScope::default() };
        let run = self.store_link_run(number, kind, (scope, Some(change)), None).await;
        assert!(self.store.put_link_order(WORKSPACE, run.run_id, wishes).await.unwrap());
        run
    }

    pub(crate) async fn store_run(
        &self,
        number: u64,
        kind: RunKind,
        scope: RunScope,
        source: Option<PlanSource>,
    ) -> RunInput {
        self.store_link_run(number, kind, (scope, None), source).await
    }

    pub(crate) async fn store_link_run(
        &self,
        number: u64,
        kind: RunKind,
        (scope, link_change): (RunScope, Option<LinkChange>),
        source: Option<PlanSource>,
    ) -> RunInput {
        self.clock.advance(SignedDuration::from_hours(1));
        let run = Run {
            id: run_id(number),
            workspace: WORKSPACE,
            kind,
            trigger: Trigger::Manual,
            run_status: RunStatus::Queued,
            scope,
            initiated_by: None,
            mandate: Some(Mandate::Machine),
            started_at: self.clock.now(),
            completed_at: None,
            execution: None,
            total_tenants: 0,
            succeeded_tenants: 0,
            failed_tenants: 0,
            counters: Counters::default(),
            cancel_requested: false,
            unsaved_rules: false,
            halted: None,
            settings: self.store.settings(WORKSPACE).await.unwrap(),
            source,
            link_change,
            room: None,
            turns: Turns::default(),
        };
        assert!(self.store.create_run(&run).await.unwrap());
        RunInput { workspace_id: WORKSPACE, run_id: run_id(number) }
    }

    /// Carries a run to its end with a new worker.
    pub(crate) async fn carry(&self, run: RunInput) -> Ended {
        self.worker().carry(run).await.unwrap();
        self.ended(run).await
    }

    /// Stores a run and carries it to its end.
    pub(crate) async fn run(&self, number: u64, kind: RunKind) -> Ended {
        let run = self.accept(number, kind).await;
        self.carry(run).await
    }

    pub(crate) async fn ended(&self, input: RunInput) -> Ended {
        let run = self.store.run(WORKSPACE, input.run_id).await.unwrap().unwrap();
        let tenants = self.store.tenant_runs(WORKSPACE, input.run_id).await.unwrap();
        let mut sums = Counters::default();
        for tenant in &tenants {
            assert!(tenant.counters.is_consistent(), "{:?}", tenant.counters);
            sums.add(&tenant.counters);
        }
        assert_eq!(run.counters, sums, "the run is the sum of its tenants");
        Ended { run, tenants }
    }

    pub(crate) async fn pages(&self, run: RunInput, tenant: EntraTenantId) -> Vec<StoredPage> {
        self.store.pages(WORKSPACE, run.run_id, managed(tenant), 0, 1_000).await.unwrap()
    }

    pub(crate) async fn lines(&self, run: RunInput, tenant: EntraTenantId) -> Vec<Line> {
        self.pages(run, tenant).await.into_iter().flat_map(|stored| stored.page.lines).collect()
    }

    pub(crate) async fn contacts(&self, client: ClientId) -> Vec<Contact> {
        self.store.contacts_of_client(ClientScope::new(WORKSPACE, client)).await.unwrap()
    }

    pub(crate) async fn one_contact(&self, client: ClientId, address: &str) -> Contact {
        let contacts = self.contacts(client).await;
        let address = address.parse().unwrap();
        let mut found =
            contacts.into_iter().filter(|contact| contact.values.email.as_ref() == Some(&address));
        let contact = found.next().unwrap_or_else(|| panic!("no contact has {address}"));
        assert_eq!(found.next(), None, "one contact has {address}");
        contact
    }

    pub(crate) async fn links(&self, tenant: EntraTenantId) -> Vec<Link> {
        self.store.links(WORKSPACE, tenant).await.unwrap()
    }

    pub(crate) async fn reviews(&self) -> Vec<ReviewItem> {
        self.store.open_reviews(WORKSPACE, 100).await.unwrap()
    }

    /// Everything that is stored.
    pub(crate) async fn dump(&self) -> Dump {
        let mut dump = Dump::default();
        let mut after = None;
        loop {
            let scan = self.raw.scan().table_name(TABLE).consistent_read(true);
            let answer = scan.set_exclusive_start_key(after).send().await.unwrap();
            answer.items.unwrap_or_default().into_iter().for_each(|item| dump.add(item));
            after = answer.last_evaluated_key;
            if after.is_none() {
                return dump;
            }
        }
    }
}

/// A run that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) run: Run,
    pub(crate) tenants: Vec<TenantRun>,
}

impl Ended {
    pub(crate) fn tenant(&self, tenant: EntraTenantId) -> &TenantRun {
        self.tenants.iter().find(|result| result.tenant == managed(tenant)).expect("a result")
    }
}

/// The id of the run with this number.
pub(crate) fn run_id(number: u64) -> RunId {
    RunId::new(uuid::Builder::from_unix_timestamp_millis(number, &[7; 10]).into_uuid())
}

pub(crate) fn managed(tenant: EntraTenantId) -> ManagedTenantId {
    ManagedTenantId::derived(WORKSPACE, tenant)
}

impl Worker {
    /// Lets the worker do several things at once, as AWS would.
    pub(crate) fn at_once(mut self) -> Self {
        self.turn = None;
        self
    }

    /// Does the workflow's first step.
    pub(crate) async fn begin(&self, run: RunInput) {
        let RunInput { workspace_id, run_id } = run;
        self.steps.step(StepInput::Begin { workspace_id, run_id }).await.unwrap();
    }

    /// Runs the workflow of a stored run from its beginning to its end.
    pub(crate) async fn carry(&self, run: RunInput) -> Result<Value, ExecutionFailure> {
        let jitter = SeededEntropy::new(11);
        // Sleeps of tenants that wait side by side add up on the one clock.
        Execution::new(&self.machine, self, &self.clock, &jitter)
            .with_timeouts(TimeoutRule::Ignore)
            .run(serde_json::to_value(run).unwrap())
            .await
    }
}

#[async_trait]
impl Tasks for Worker {
    async fn invoke(&self, function: &str, payload: Value) -> Result<Value, TaskFailure> {
        let _turn = match &self.turn {
            Some(turn) => Some(turn.lock().await),
            None => None,
        };
        if function == RUN_STEPS {
            let output = self.steps.step(serde_json::from_value(payload).unwrap()).await?;
            return Ok(serde_json::to_value(output).unwrap());
        }
        let batch = serde_json::from_value(payload).unwrap();
        let result = self.tenants.sync_batch(&batch, self.clock.now() + BATCH_TIME).await?;
        Ok(serde_json::to_value(result).unwrap())
    }
}
