//! A workspace, the routes over it, and an engine that does what a test tells it.

use std::sync::{Arc, Mutex};

use ambient::{Clock, SeededEntropy, VirtualClock};
use assembly::FeatureGate;
use async_trait::async_trait;
use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use domain::{
    ids::{ClientId, ConnectionId, EntraTenantId, ManagedTenantId, MappingId, RunId, UserId, WorkspaceId},
    mapping::{Decision, RequestedDecision, decide},
    plan::{ChainHash, PlanPage},
    run::{Counters, TenantFailure, TenantStatus},
};
use edge::{Caller, CallerKind, Edition, Permission, ServiceEdition, Surface};
use embedded::Engine;
use http_body_util::BodyExt;
use jiff::{SignedDuration, Timestamp};
use run_steps::RunSteps;
use serde_json::Value;
use store::{
    Connection, ConnectionKind, ConnectionStatus, ManagedTenant, Run, Store, StoredPage, StoredPageHead,
    TenantAccess, TenantRun, client_over, probe::Probe,
};
use sync::{Sync, routes};
use tower::ServiceExt;
use uuid::Uuid;
use workflow::{
    Executions, NotStarted,
    payloads::{DiscoveryInput, RunInput, StepInput},
};

pub(crate) const WORKSPACE: WorkspaceId = WorkspaceId::new(Uuid::from_u128(0xA1));
pub(crate) const USER: UserId = UserId::new(Uuid::from_u128(0xD1));

pub(crate) const TABLE: &str = "contacts";

const BASE: &str = "/api/integrations/entra/sync";

pub(crate) struct House {
    pub(crate) sync: Arc<Sync>,
    pub(crate) clock: VirtualClock,
    pub(crate) engine: Arc<Carrier>,
    pub(crate) store: Store,
    /// In front of what the routes do.
    pub(crate) probe: Probe,
    /// The table, for whoever goes round the store.
    pub(crate) table: aws_sdk_dynamodb::Client,
}

/// The workflow engine.
pub(crate) struct Carrier {
    steps: RunSteps,
    does: Mutex<Does>,
}

/// What the engine does with a run.
#[derive(Clone, Default)]
pub(crate) enum Does {
    /// Carries it to its end at once: every tenant gets this plan.
    Carry(Plan),
    /// Takes none.
    Refuse,
    /// Takes it, and that is all that is heard of it.
    #[default]
    Take,
}

/// What is planned for a tenant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) pages: Vec<PlanPage>,
    pub(crate) failure: Option<TenantFailure>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Answer {
    #[track_caller]
    pub(crate) fn data(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self.body["data"].clone()
    }

    /// Fails unless the answer is a refusal that says what happened and what to do.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) {
        assert_eq!((self.status.as_u16(), &self.body["code"]), (status, &code.into()), "{}", self.body);
        for text in ["error", "remedy", "requestId"] {
            assert!(self.body[text].as_str().is_some_and(|text| text.len() > 5), "{}", self.body);
        }
    }
}

pub(crate) fn client(number: u128) -> ClientId {
    ClientId::new(Uuid::from_u128(0xC000 + number))
}

pub(crate) fn entra(number: u128) -> EntraTenantId {
    EntraTenantId::new(Uuid::from_u128(0xE000 + number))
}

pub(crate) fn tenant(number: u128) -> ManagedTenantId {
    ManagedTenantId::derived(WORKSPACE, entra(number))
}

pub(crate) fn caller(workspace: WorkspaceId, permissions: &[Permission]) -> Caller {
    Caller {
        workspace,
        user: Some(USER),
        kind: CallerKind::Internal,
        permissions: permissions.iter().map(|permission| permission.name().to_owned()).collect(),
        edition: Edition::Enterprise,
    }
}

impl House {
    /// A workspace that is not connected and knows no tenant.
    pub(crate) async fn empty() -> Self {
        let engine = Engine::in_memory().unwrap();
        let (probe, probed) = Probe::around(engine.clone());
        let table = aws_client(engine);
        let [store, seen] = [table.clone(), client_over(probed)].map(|client| Store::new(client, TABLE));
        store.create_table_if_absent().await.unwrap();
        let clock = VirtualClock::starting_at("2026-03-02T08:00:00Z".parse().unwrap());
        let time = || Arc::new(clock.clone()) as Arc<dyn Clock>;
        let steps = RunSteps { store: store.clone(), clock: time() };
        let engine = Arc::new(Carrier { steps, does: Mutex::default() });
        let sync = Sync {
            store: seen,
            executions: Arc::clone(&engine) as Arc<dyn Executions>,
            clock: time(),
            entropy: Arc::new(SeededEntropy::new(7)),
        };
        Self { sync: Arc::new(sync), clock, engine, store, probe, table }
    }

    /// A connected workspace; tenants 1 and 2 are mapped to client 1, tenant 3 to client 2.
    pub(crate) async fn new() -> Self {
        let house = Self::empty().await;
        house.connect(ConnectionStatus::Connected).await;
        for (number, at) in [(1, 1), (2, 1), (3, 2)] {
            house.decide(number, Decision::Mapped { client: client(at) }).await;
        }
        house
    }

    pub(crate) async fn connect(&self, connection_status: ConnectionStatus) {
        let connection = Connection {
            id: ConnectionId::new(Uuid::from_u128(0xCC)),
            kind: ConnectionKind::Direct,
            connection_status,
            partner_tenant: None,
            cipp_base_url: None,
            connected_at: self.clock.now(),
            disconnected_at: None,
            last_validated_at: None,
            last_validation_error: None,
            created_by: None,
        };
        let before = self.store.connection(WORKSPACE).await.unwrap();
        assert!(self.store.put_connection(WORKSPACE, before.as_ref(), &connection).await.unwrap());
    }

    /// Discovers a tenant and decides about it.
    pub(crate) async fn decide(&self, number: u128, decision: Decision) {
        let now = self.clock.now();
        let managed = ManagedTenant {
            id: tenant(number),
            entra: entra(number),
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
        let requested = RequestedDecision { managed_tenant: managed.id, decision, confidence: None };
        let after = decide(None, &requested, None, now, MappingId::new(Uuid::from_u128(number))).unwrap();
        assert!(self.store.put_mapping(WORKSPACE, None, &after).await.unwrap());
    }

    pub(crate) fn engine_does(&self, does: Does) {
        *self.engine.does.lock().unwrap() = does;
    }

    pub(crate) fn passes(&self, time: SignedDuration) {
        self.clock.advance(time);
    }

    pub(crate) async fn run(&self, run: &Value) -> Run {
        let id: RunId = run.as_str().unwrap().parse().unwrap();
        self.store.run(WORKSPACE, id).await.unwrap().unwrap()
    }

    /// Starts a run of everything.
    pub(crate) async fn begin(&self) -> Value {
        let answer = self.post("", serde_json::json!({ "scope": "all-tenants" })).await;
        answer.data(202)["runId"].clone()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, None, caller(WORKSPACE, &[Permission::Read])).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask("POST", path, Some(body), caller(WORKSPACE, &Permission::ALL)).await
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, body: Option<Value>, caller: Caller) -> Answer {
        self.ask_at(method, &format!("{BASE}{path}"), body, caller).await
    }

    pub(crate) async fn ask_at(
        &self,
        method: &str,
        uri: &str,
        body: Option<Value>,
        caller: Caller,
    ) -> Answer {
        self.ask_behind(
            method,
            uri,
            body,
            caller,
            Surface(Arc::new(FeatureGate::new(self.store.clone(), true))),
        )
        .await
    }

    /// The same with features that are on or off.
    pub(crate) async fn ask_behind(
        &self,
        method: &str,
        uri: &str,
        body: Option<Value>,
        caller: Caller,
        surface: Surface,
    ) -> Answer {
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .extension(caller)
            .extension(ServiceEdition(Edition::Enterprise))
            .extension(surface)
            .body(body)
            .unwrap();
        let router = edge::finish(routes::router(Arc::clone(&self.sync)));
        let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, body: serde_json::from_slice(&bytes).unwrap() }
    }
}

impl Carrier {
    async fn carry(&self, run: RunInput, plan: &Plan) {
        let RunInput { workspace_id, run_id } = run;
        self.steps.step(StepInput::Begin { workspace_id, run_id }).await.unwrap();
        let now = self.steps.clock.now();
        for target in self.steps.store.targets(workspace_id, run_id).await.unwrap() {
            let (counters, chain) = self.store_plan(run, target.tenant, plan, now).await;
            let failed = plan.failure.is_some();
            let result = TenantRun {
                tenant: target.tenant,
                client: target.client,
                tenant_status: if failed { TenantStatus::Failed } else { TenantStatus::Completed },
                counters,
                failure: plan.failure.clone(),
                started_at: now,
                completed_at: now,
                pages: u32::try_from(plan.pages.len()).unwrap(),
                chain: Some(chain),
                guard: None,
            };
            assert!(self.steps.store.put_tenant_run(workspace_id, run_id, &result).await.unwrap());
        }
        self.finish(run).await;
    }

    pub(crate) async fn step(&self, input: StepInput) {
        self.steps.step(input).await.unwrap();
    }

    pub(crate) async fn finish(&self, run: RunInput) {
        let RunInput { workspace_id, run_id } = run;
        self.steps.step(StepInput::Finish { workspace_id, run_id, error: None }).await.unwrap();
    }

    async fn store_plan(
        &self,
        run: RunInput,
        tenant: ManagedTenantId,
        plan: &Plan,
        now: Timestamp,
    ) -> (Counters, ChainHash) {
        let (mut counters, mut chain) = (Counters::default(), ChainHash::GENESIS);
        let group_end = u32::try_from(plan.pages.len()).unwrap();
        let expires = now.as_second() + 60;
        let store = &self.steps.store;
        let taken = store.acquire(run.workspace_id, tenant, run.run_id, now).await.unwrap();
        let (lease, _) = taken.unwrap();
        for (number, page) in (1..).zip(&plan.pages) {
            counters.add(&page.counters);
            let head = StoredPageHead {
                number,
                group_end,
                next_cursor: None,
                feed: None,
                closes_read: false,
                only_changes: false,
                chain,
            };
            let stored = StoredPage::behind(chain, head, page.clone());
            chain = stored.head.chain;
            let put = store.put_page(run.workspace_id, run.run_id, tenant, lease, &stored, (now, expires));
            assert!(put.await.unwrap());
        }
        assert!(store.release_tenant(run.workspace_id, tenant, lease, None).await.unwrap());
        (counters, chain)
    }
}

#[async_trait]
impl Executions for Carrier {
    async fn start_sync(&self, run: RunInput) -> Result<String, NotStarted> {
        let does = self.does.lock().unwrap().clone();
        match does {
            Does::Refuse => return Err(NotStarted { class: "ServiceUnavailable".to_owned() }),
            Does::Take => {}
            Does::Carry(plan) => self.carry(run, &plan).await,
        }
        Ok(format!("execution:{}", run.run_id))
    }

    async fn start_discovery(&self, _: DiscoveryInput, _: &str) -> Result<String, NotStarted> {
        Err(NotStarted { class: "not asked for".to_owned() })
    }
}

fn aws_client(engine: Engine) -> aws_sdk_dynamodb::Client {
    client_over(aws_sdk_dynamodb::config::SharedHttpClient::new(engine))
}
