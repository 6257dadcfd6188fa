//! A table in memory with tenants, and the steps over it.

use std::{collections::BTreeMap, sync::Arc};

use ambient::{Clock, VirtualClock};
use aws_sdk_dynamodb::{Client, config::SharedHttpClient, types::AttributeValue};
use domain::{
    ids::{ClientId, EntraTenantId, ManagedTenantId, MappingId, RunId, WorkspaceId},
    mandate::Mandate,
    mapping::{Decision, RequestedDecision, decide},
    run::{Counters, RunKind, RunStatus, TenantStatus, Trigger},
};
use embedded::Engine;
use jiff::Timestamp;
use run_steps::{RunSteps, StepOutput};
use store::{
    Lease, ManagedTenant, Run, RunScope, Store, SyncSettings, Target, TenantAccess, TenantRun, Turns,
    client_over, probe::Probe,
};
use uuid::Uuid;
use workflow::{
    errors::TaskFailure,
    payloads::{CaughtError, RunInput, RunOutcome, StepInput, Wave},
};

pub(crate) const WORKSPACE: WorkspaceId = WorkspaceId::new(Uuid::from_u128(0xA1));

pub(crate) const RUN: RunInput =
    RunInput { workspace_id: WORKSPACE, run_id: RunId::new(Uuid::from_u128(0x0199_0000_0000_7000)) };

const TABLE: &str = "contacts";

pub(crate) struct House {
    pub(crate) steps: RunSteps,
    pub(crate) clock: VirtualClock,
    /// In front of what the steps do.
    pub(crate) probe: Probe,
    /// The table past the probe.
    pub(crate) store: Store,
    raw: Client,
}

/// Everything that is stored: items by their keys, attributes in order.
pub(crate) type Dump = BTreeMap<String, BTreeMap<String, AttributeValue>>;

pub(crate) fn entra(number: u128) -> EntraTenantId {
    EntraTenantId::new(Uuid::from_u128(0xE000 + number))
}

pub(crate) fn tenant(number: u128) -> ManagedTenantId {
    ManagedTenantId::derived(WORKSPACE, entra(number))
}

pub(crate) fn client(number: u128) -> ClientId {
    ClientId::new(Uuid::from_u128(0xC000 + number))
}

pub(crate) fn target(number: u128) -> Target {
    Target { tenant: tenant(number), entra: entra(number), client: client(number) }
}

/// A run over everything that nobody has begun.
pub(crate) fn queued(now: Timestamp) -> Run {
    Run {
        id: RUN.run_id,
        workspace: WORKSPACE,
        kind: RunKind::AllTenants,
        trigger: Trigger::Manual,
        run_status: RunStatus::Queued,
        scope: RunScope::default(),
        initiated_by: None,
        mandate: Some(Mandate::Machine),
        started_at: now,
        completed_at: None,
        execution: None,
        total_tenants: 0,
        succeeded_tenants: 0,
        failed_tenants: 0,
        counters: Counters::default(),
        cancel_requested: false,
        unsaved_rules: false,
        halted: None,
        settings: SyncSettings::default(),
        source: None,
        link_change: None,
        room: None,
        turns: Turns::default(),
    }
}

impl House {
    pub(crate) async fn new() -> Self {
        let engine = Engine::in_memory().unwrap();
        let (probe, probed) = Probe::around(engine.clone());
        let raw = client_over(SharedHttpClient::new(engine));
        let store = Store::new(raw.clone(), TABLE);
        store.create_table_if_absent().await.unwrap();
        let clock = VirtualClock::starting_at("2026-03-02T08:00:00Z".parse().unwrap());
        let time: Arc<dyn Clock> = Arc::new(clock.clone());
        let steps = RunSteps { store: Store::new(client_over(probed), TABLE), clock: time };
        Self { steps, clock, probe, store, raw }
    }

    /// A run that has begun and covers tenants 1 to `count`.
    pub(crate) async fn begun(count: u128) -> Self {
        let house = Self::new().await;
        house.accept(queued(house.clock.now())).await;
        let targets: Vec<Target> = (1..=count).map(target).collect();
        house.store.begin_run(WORKSPACE, RUN.run_id, &targets, &store::Overrides::new(), None).await.unwrap();
        house
    }

    pub(crate) async fn accept(&self, run: Run) {
        assert!(self.store.create_run(&run).await.unwrap());
    }

    /// Discovers a tenant and decides about it.
    pub(crate) async fn decide(&self, number: u128, decision: Decision) {
        let now = self.clock.now();
        let managed = ManagedTenant {
            id: tenant(number),
            entra: entra(number),
            display_name: Some(format!("Tenant {number}")),
            default_domain: Some(format!("tenant{number}.example").parse().unwrap()),
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
        let requested = RequestedDecision { managed_tenant: managed.id, decision, confidence: None };
        let id = before.as_ref().map_or(Uuid::from_u128(number), |before| {
            Uuid::from_u128(before.current.mapping_id.uuid().as_u128() + 0x1_0000)
        });
        let after = decide(before.as_ref(), &requested, None, now, MappingId::new(id)).unwrap();
        assert!(self.store.put_mapping(WORKSPACE, before.as_ref(), &after).await.unwrap());
    }

    pub(crate) async fn map(&self, number: u128, client: ClientId) {
        self.decide(number, Decision::Mapped { client }).await;
    }

    pub(crate) async fn begin(&self) -> Result<StepOutput, TaskFailure> {
        let RunInput { workspace_id, run_id } = RUN;
        self.steps.step(StepInput::Begin { workspace_id, run_id }).await
    }

    pub(crate) async fn wave(&self) -> Wave {
        let RunInput { workspace_id, run_id } = RUN;
        match self.steps.step(StepInput::NextBatches { workspace_id, run_id }).await.unwrap() {
            StepOutput::Wave(wave) => wave,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn finish(&self, error: Option<CaughtError>) -> Result<RunOutcome, TaskFailure> {
        let RunInput { workspace_id, run_id } = RUN;
        match self.steps.step(StepInput::Finish { workspace_id, run_id, error }).await? {
            StepOutput::Finished(outcome) => Ok(outcome),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn run(&self) -> Run {
        self.store.run(WORKSPACE, RUN.run_id).await.unwrap().unwrap()
    }

    pub(crate) async fn results(&self) -> Vec<TenantRun> {
        self.store.tenant_runs(WORKSPACE, RUN.run_id).await.unwrap()
    }

    /// Takes a tenant for the run.
    pub(crate) async fn take(&self, number: u128) -> Lease {
        let taken = self.store.acquire(WORKSPACE, tenant(number), RUN.run_id, self.clock.now()).await;
        taken.unwrap().unwrap().0
    }

    /// Stores how a tenant ended, with one person for each of its number.
    pub(crate) async fn end(&self, number: u128, tenant_status: TenantStatus) {
        let people = u64::try_from(number).unwrap();
        let result = TenantRun {
            tenant: tenant(number),
            client: client(number),
            tenant_status,
            counters: Counters { read: people, created: people, ..Counters::default() },
            failure: None,
            started_at: self.clock.now(),
            completed_at: self.clock.now(),
            pages: 1,
            chain: None,
            guard: None,
        };
        assert!(self.store.put_tenant_run(WORKSPACE, RUN.run_id, &result).await.unwrap());
    }

    /// Everything that is stored.
    pub(crate) async fn dump(&self) -> Dump {
        let answer = self.raw.scan().table_name(TABLE).consistent_read(true).send().await.unwrap();
        assert_eq!(answer.last_evaluated_key, None, "one page holds it all");
        let key = |item: &BTreeMap<String, AttributeValue>| format!("{:?} {:?}", item["pk"], item["sk"]);
        let items = answer.items.unwrap_or_default().into_iter().map(BTreeMap::from_iter);
        items.map(|item| (key(&item), item)).collect()
    }
}
