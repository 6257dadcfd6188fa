//! One history's table, and what works on it.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap, btree_map::Entry},
    rc::Rc,
    sync::Arc,
};

use ambient::{Clock, SeededEntropy, VirtualClock};
use async_trait::async_trait;
use aws_sdk_dynamodb::{Client, config::SharedHttpClient, types::AttributeValue};
use domain::{
    contact::{Client as PsaClient, Contact},
    email::EmailAddress,
    ids::{ClientId, ConnectionId, ContactId, EntraTenantId, ManagedTenantId, MappingId, RunId},
    invariants::People,
    mandate::Mandate,
    mapping::{Decision, RequestedDecision, decide},
    plan::Line,
    run::RunKind,
};
use fake_microsoft::WorldConfig;
use jiff::Timestamp;
use run_steps::RunSteps;
use store::{
    ClientScope, Connection, ConnectionKind, ConnectionStatus, ManagedTenant, PlanSource, RunScope, Store,
    StoreError, TenantAccess, client_over, probe::Probe,
};
use sync::{NotBegun, StartRequest, Sync};
use tenant_sync::TenantSync;
use tokio::sync::Mutex;
use uuid::Uuid;
use workflow::{
    Executions, NotStarted,
    interpreter::Machine,
    payloads::{DiscoveryInput, RunInput},
};

use crate::{
    audit::Kept,
    dump::Dump,
    ledger::Ledger,
    microsoft::{Microsoft, WORKSPACE},
    shelf::Shelf,
    stage::Stage,
    worker::{Worker, machine},
};

const TABLE: &str = "contacts";

/// Pages that are read at once; no run of a history has more.
const PAGES_MAX: u16 = 1_000;

/// A connected workspace.
pub(crate) struct House {
    pub(crate) microsoft: Arc<Microsoft>,
    pub(crate) clock: VirtualClock,
    /// In front of what the workers do.
    pub(crate) probe: Probe,
    /// The table as everybody but the workers uses it, past the probe.
    pub(crate) store: Store,
    pub(crate) engine: Ledger,
    pub(crate) clients: Vec<ClientId>,
    pub(crate) tenants: Vec<EntraTenantId>,
    /// Every address anybody ever had.
    addresses: BTreeSet<EmailAddress>,
    shelf: RefCell<Shelf>,
    probed: SharedHttpClient,
    raw: Client,
    sync: Sync,
    machine: Arc<Machine>,
    decisions: u128,
}

impl House {
    /// A workspace with so many clients, connected to the world of `config`.
    pub(crate) async fn new(stage: &Stage, config: WorldConfig, page_size: u16, clients: u64) -> Self {
        let clock = VirtualClock::starting_at(config.as_of);
        let microsoft = Arc::new(Microsoft::on(stage, config, page_size, &clock).await);
        let mut house = Self::over(microsoft, clock, 5).await;
        house.connect().await;
        for number in 0..clients {
            house.add_client(number).await;
        }
        house.discover().await;
        house
    }

    /// Another house with the same directories and the same time, and everything that is stored in this one.
    pub(crate) async fn twin(&self) -> Self {
        let mut twin = Self::over(Arc::clone(&self.microsoft), self.clock.clone(), 6).await;
        for item in self.items().await {
            twin.raw.put_item().table_name(TABLE).set_item(Some(item)).send().await.unwrap();
        }
        twin.clients.clone_from(&self.clients);
        twin.addresses.clone_from(&self.addresses);
        twin
    }

    async fn over(microsoft: Arc<Microsoft>, clock: VirtualClock, entropy: u64) -> Self {
        let engine = Ledger::in_memory();
        let (probe, probed) = Probe::around(engine.clone());
        let raw = client_over(SharedHttpClient::new(engine.clone()));
        let store = Store::new(raw.clone(), TABLE);
        store.create_table_if_absent().await.unwrap();
        let sync = Sync {
            store: store.clone(),
            executions: Arc::new(Accepting),
            clock: Arc::new(clock.clone()),
            entropy: Arc::new(SeededEntropy::new(entropy)),
        };
        let tenants = microsoft.world().tenants().iter().map(|tenant| tenant.id).collect();
        Self {
            microsoft,
            clock,
            probe,
            store,
            engine,
            clients: Vec::new(),
            tenants,
            addresses: BTreeSet::new(),
            shelf: RefCell::default(),
            probed,
            raw,
            sync,
            machine: Arc::new(machine()),
            decisions: 0,
        }
    }

    async fn connect(&self) {
        let connection = Connection {
            id: ConnectionId::new(Uuid::from_u128(0xCC)),
            kind: ConnectionKind::Direct,
            connection_status: ConnectionStatus::Connected,
            partner_tenant: Some(self.microsoft.world().partner().id),
            cipp_base_url: None,
            connected_at: self.clock.now(),
            disconnected_at: None,
            last_validated_at: None,
            last_validation_error: None,
            created_by: None,
        };
        self.store.put_connection(WORKSPACE, None, &connection).await.unwrap();
    }

    async fn add_client(&mut self, number: u64) {
        let id = ClientId::new(Uuid::from_u128(0xC000 + u128::from(number)));
        let name = format!("Client {number}");
        let client = PsaClient { id, name, website: None, secondary_domains: Vec::new(), inactive: false };
        self.store.upsert_client(WORKSPACE, &client).await.unwrap();
        self.clients.push(id);
    }

    async fn discover(&self) {
        let now = self.clock.now();
        for tenant in &self.tenants {
            let managed = ManagedTenant {
                id: managed(*tenant),
                entra: *tenant,
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
        }
    }

    /// Decides about a tenant, as an operator does.
    pub(crate) async fn decide(&mut self, tenant: EntraTenantId, decision: Decision) {
        let before = self.store.mapping(WORKSPACE, managed(tenant)).await.unwrap();
        let requested = RequestedDecision { managed_tenant: managed(tenant), decision, confidence: None };
        self.decisions += 1;
        let id = MappingId::new(Uuid::from_u128(self.decisions));
        if let Some(after) = decide(before.as_ref(), &requested, None, self.clock.now(), id) {
            assert!(self.store.put_mapping(WORKSPACE, before.as_ref(), &after).await.unwrap());
        }
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
            machine: Arc::clone(&self.machine),
            turn: Mutex::default(),
        }
    }

    /// Accepts a run.
    pub(crate) async fn start(
        &self,
        kind: RunKind,
        scope: RunScope,
        source: Option<PlanSource>,
    ) -> Result<RunInput, NotBegun> {
        self.start_as(StartRequest { source, ..StartRequest::new(WORKSPACE, kind, scope, Mandate::Machine) })
            .await
    }

    /// The same with everything that can be asked for.
    pub(crate) async fn start_as(&self, request: StartRequest) -> Result<RunInput, NotBegun> {
        let begun = sync::start(&self.sync, request).await?;
        Ok(RunInput { workspace_id: WORKSPACE, run_id: begun.run.id })
    }

    /// Everything stored about people. Claims are found by address: those contacts show, those
    /// directories have or had, and those plans name.
    pub(crate) async fn people(&mut self, planned: impl Iterator<Item = &Line>) -> People {
        let mut shelf = self.shelf();
        for client in &self.clients {
            if let Entry::Vacant(place) = shelf.contacts.entry(client.to_string()) {
                let scope = ClientScope::new(WORKSPACE, *client);
                place.insert(self.store.contacts_of_client(scope).await.unwrap());
            }
        }
        for tenant in &self.tenants {
            if let Entry::Vacant(place) = shelf.links.entry(tenant.to_string()) {
                place.insert(self.store.links(WORKSPACE, *tenant).await.unwrap());
            }
        }
        let contacts: BTreeMap<ContactId, Contact> =
            shelf.contacts.values().flatten().map(|contact| (contact.id, contact.clone())).collect();
        self.addresses.extend(planned.filter_map(|line| line.address.clone()));
        self.addresses.extend(contacts.values().flat_map(addresses).cloned());
        let owners = match shelf.owners.take().filter(|(asked, _)| *asked == self.addresses) {
            Some((_, owners)) => owners,
            None => self.store.owners(WORKSPACE, &self.addresses).await.unwrap(),
        };
        shelf.owners = Some((self.addresses.clone(), owners.clone()));
        let links = shelf.links.values().flatten().cloned().collect();
        *self.shelf.borrow_mut() = shelf;
        People { contacts, links, owners }
    }

    /// The pages a run has stored so far.
    pub(crate) async fn plan(&self, run: RunId) -> Result<Rc<Vec<Kept>>, StoreError> {
        let mut shelf = self.shelf();
        let plan = if let Some(plan) = shelf.plans.get(&run.to_string()) {
            Rc::clone(plan)
        } else {
            let mut plan = Vec::new();
            for target in self.store.targets(WORKSPACE, run).await? {
                let mut after = 0;
                loop {
                    let pages = self.store.pages(WORKSPACE, run, target.tenant, after, PAGES_MAX).await?;
                    let Some(last) = pages.last() else { break };
                    after = last.head.number;
                    plan.extend(pages.into_iter().map(|stored| Kept { target, stored }));
                }
            }
            let plan = Rc::new(plan);
            shelf.plans.insert(run.to_string(), Rc::clone(&plan));
            plan
        };
        *self.shelf.borrow_mut() = shelf;
        Ok(plan)
    }

    /// What was read before and is still so. Whoever takes it puts it back; nothing is written meanwhile.
    fn shelf(&self) -> Shelf {
        let mut shelf = self.shelf.take();
        shelf.forget(self.engine.touched());
        shelf
    }

    /// Everything that is stored.
    pub(crate) async fn dump(&self) -> Dump {
        let mut dump = Dump::default();
        self.items().await.into_iter().for_each(|item| dump.add(item));
        dump
    }

    async fn items(&self) -> Vec<HashMap<String, AttributeValue>> {
        let (mut items, mut after) = (Vec::new(), None);
        loop {
            let scan = self.raw.scan().table_name(TABLE).consistent_read(true);
            let answer = scan.set_exclusive_start_key(after).send().await.unwrap();
            items.extend(answer.items.unwrap_or_default());
            after = answer.last_evaluated_key;
            if after.is_none() {
                return items;
            }
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

pub(crate) fn managed(tenant: EntraTenantId) -> ManagedTenantId {
    ManagedTenantId::derived(WORKSPACE, tenant)
}

pub(crate) fn addresses(contact: &Contact) -> impl Iterator<Item = &EmailAddress> {
    contact.values.email.iter().chain(&contact.additional_emails)
}

/// A workflow engine that takes everything; the history carries what it was given.
struct Accepting;

#[async_trait]
impl Executions for Accepting {
    async fn start_sync(&self, run: RunInput) -> Result<String, NotStarted> {
        Ok(format!("execution of {}", run.run_id))
    }

    async fn start_discovery(&self, _: DiscoveryInput, name: &str) -> Result<String, NotStarted> {
        Ok(name.to_owned())
    }
}
