//! A table in memory, discovery over it, and an engine that does what a test tells it.

use std::sync::{Arc, Mutex};

use ambient::{Clock, SeededEntropy, VirtualClock};
use async_trait::async_trait;
use directory::Directories;
use discovery::{Discovery, discover};
use domain::ids::{ConnectionId, EntraTenantId, ManagedTenantId};
use embedded::Engine;
use fake_microsoft::WorldConfig;
use jiff::SignedDuration;
use store::{
    Connection, ConnectionKind, ConnectionStatus, DiscoveryReport, ManagedTenant, Store, client_over,
    probe::Probe,
};
use uuid::Uuid;
use workflow::{
    Executions, NotStarted,
    errors::TaskFailure,
    payloads::{DiscoveryInput, RunInput},
};

use crate::microsoft::{Microsoft, WORKSPACE};

/// Relationships on one page of their listing.
const PAGE_SIZE: u16 = 2;

pub(crate) struct House {
    pub(crate) microsoft: Microsoft,
    pub(crate) clock: VirtualClock,
    pub(crate) store: Store,
    /// In front of all that passes to the table.
    pub(crate) probe: Probe,
    pub(crate) discovery: Arc<Discovery>,
    pub(crate) engine: Arc<Carrier>,
}

/// The workflow engine.
pub(crate) struct Carrier {
    task: Discovery,
    pub(crate) does: Mutex<Does>,
}

/// What the engine does with a discovery.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Does {
    Carry,
    Refuse,
    Take,
}

/// Our id of a tenant.
pub(crate) fn managed(tenant: EntraTenantId) -> ManagedTenantId {
    ManagedTenantId::derived(WORKSPACE, tenant)
}

impl House {
    /// A connected workspace with five tidy customers.
    pub(crate) async fn new() -> Self {
        Self::of(WorldConfig { messy: false, ..WorldConfig::sample(7, &[1; 5]) }).await
    }

    pub(crate) async fn of(config: WorldConfig) -> Self {
        let clock = VirtualClock::starting_at(config.as_of);
        let microsoft = Microsoft::serving(config, PAGE_SIZE).await;
        let (probe, client) = Probe::around(Engine::in_memory().unwrap());
        let store = Store::new(client_over(client), "contacts");
        store.create_table_if_absent().await.unwrap();
        let directories: Arc<dyn Directories> = Arc::new(microsoft.directories(store.clone(), &clock));
        let discovery = |executions| Discovery {
            store: store.clone(),
            directories: Arc::clone(&directories),
            executions,
            clock: Arc::new(clock.clone()),
            entropy: Arc::new(SeededEntropy::new(7)),
        };
        let engine = Arc::new(Carrier { task: discovery(None), does: Mutex::new(Does::Carry) });
        let discovery = Arc::new(discovery(Some(Arc::clone(&engine) as Arc<dyn Executions>)));
        let house = Self { microsoft, clock, store, probe, discovery, engine };
        house.connect(ConnectionStatus::Connected).await;
        house
    }

    pub(crate) async fn connect(&self, connection_status: ConnectionStatus) {
        let connection = Connection {
            id: ConnectionId::new(Uuid::from_u128(0xCC)),
            kind: ConnectionKind::Direct,
            connection_status,
            partner_tenant: Some(self.microsoft.world().partner().id),
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

    /// Connects through the partner's CIPP deployment in place of the direct connection.
    pub(crate) async fn through_cipp(&self) {
        self.microsoft.open_cipp().await;
        let before = self.store.connection(WORKSPACE).await.unwrap().unwrap();
        let id = ConnectionId::new(Uuid::from_u128(0xCD));
        let connection = Connection { id, kind: ConnectionKind::Cipp, ..before.clone() };
        assert!(self.store.put_connection(WORKSPACE, Some(&before), &connection).await.unwrap());
    }

    /// Discovers, an hour after whatever happened last.
    pub(crate) async fn try_discover(&self) -> Result<DiscoveryReport, TaskFailure> {
        self.clock.advance(SignedDuration::from_hours(1));
        discover(&self.discovery, WORKSPACE, "execution").await
    }

    pub(crate) async fn discover(&self) -> DiscoveryReport {
        let report = self.try_discover().await.unwrap();
        assert_eq!(self.store.discovery(WORKSPACE).await.unwrap().as_ref(), Some(&report));
        report
    }

    /// Every customer, in the order of the world.
    pub(crate) fn customers(&self) -> Vec<EntraTenantId> {
        self.microsoft.world().tenants().iter().map(|tenant| tenant.id).collect()
    }

    pub(crate) async fn tenants(&self) -> Vec<ManagedTenant> {
        self.store.managed_tenants(WORKSPACE).await.unwrap()
    }

    pub(crate) async fn tenant(&self, tenant: EntraTenantId) -> ManagedTenant {
        self.store.managed_tenant(WORKSPACE, managed(tenant)).await.unwrap().unwrap()
    }
}

#[async_trait]
impl Executions for Carrier {
    async fn start_sync(&self, _: RunInput) -> Result<String, NotStarted> {
        Err(NotStarted { class: "not asked for".to_owned() })
    }

    async fn start_discovery(&self, input: DiscoveryInput, name: &str) -> Result<String, NotStarted> {
        let does = *self.does.lock().unwrap();
        match does {
            Does::Carry => {
                discover(&self.task, input.workspace_id, name).await.unwrap();
            }
            Does::Refuse => return Err(NotStarted { class: "ServiceUnavailable".to_owned() }),
            Does::Take => {}
        }
        Ok(name.to_owned())
    }
}
