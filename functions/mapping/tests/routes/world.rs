//! A workspace with a few tenants and clients, and an operator who asks.

use std::sync::Arc;

use ambient::{SeededEntropy, VirtualClock};
use aws_sdk_dynamodb::config::SharedHttpClient;
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use domain::{
    contact::Client,
    ids::{ClientId, EntraTenantId, ManagedTenantId, UserId, WorkspaceId},
};
use edge::{Caller, CallerKind, Edition, Permission, ServiceEdition, finish};
use embedded::Engine;
use http_body_util::BodyExt;
use jiff::{SignedDuration, Timestamp};
use mapping::{Editor, Mapping, routes};
use serde_json::Value;
use store::{ManagedTenant, Store, TenantAccess, client_over};
use tower::ServiceExt;
use uuid::Uuid;

pub(crate) const WORKSPACE: WorkspaceId = WorkspaceId::new(Uuid::from_u128(0xA0));
pub(crate) const BASE: &str = "/api/integrations/entra/mappings";

pub(crate) struct World {
    pub(crate) mapping: Arc<Mapping>,
    pub(crate) clock: VirtualClock,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn data(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        self.body["data"].clone()
    }

    pub(crate) fn refused(&self) -> (u16, &str) {
        (self.status.as_u16(), self.body["code"].as_str().unwrap_or_default())
    }
}

pub(crate) fn user(number: u128) -> UserId {
    UserId::new(Uuid::from_u128(number))
}

pub(crate) fn editor(number: u128) -> Editor {
    Editor { workspace: WORKSPACE, user: Some(user(number)), may_create_clients: true }
}

pub(crate) fn client_id(number: u128) -> ClientId {
    ClientId::new(Uuid::from_u128(0xC000 + number))
}

pub(crate) fn entra_id(number: u128) -> EntraTenantId {
    EntraTenantId::new(Uuid::from_u128(0xE000 + number))
}

pub(crate) fn tenant_id(number: u128) -> ManagedTenantId {
    ManagedTenantId::derived(WORKSPACE, entra_id(number))
}

pub(crate) fn start() -> Timestamp {
    "2026-03-01T08:00:00Z".parse().unwrap()
}

impl World {
    /// Tenants: 1 Borealis Dental (exact domain), 2 Contoso Kliniek (name alone), 3 nameless.
    /// Clients: 1 Borealis Dental, 2 Contoso Klinik, 3 Zebra (inactive).
    pub(crate) async fn new() -> Self {
        Self::over(SharedHttpClient::new(Engine::in_memory().unwrap())).await
    }

    pub(crate) async fn over(http: SharedHttpClient) -> Self {
        let store = Store::new(client_over(http), "contacts");
        store.create_table_if_absent().await.unwrap();
        let world = Self::around(store);
        world.tenant(1, Some("Borealis Dental Group"), Some("borealisdental.example"), Some(12)).await;
        world.tenant(2, Some("Contoso Kliniek"), Some("contoso.onmicrosoft.com"), None).await;
        world.tenant(3, None, None, Some(3)).await;
        world.client(1, "Borealis Dental", Some("https://www.borealisdental.example/home"), false).await;
        world.client(2, "Contoso Klinik", None, false).await;
        world.client(3, "Zebra", None, true).await;
        world
    }

    pub(crate) fn around(store: Store) -> Self {
        let clock = VirtualClock::starting_at(start());
        let entropy = Arc::new(SeededEntropy::new(7));
        Self { mapping: Arc::new(Mapping { store, clock: Arc::new(clock.clone()), entropy }), clock }
    }

    pub(crate) async fn tenant(
        &self,
        number: u128,
        name: Option<&str>,
        domain: Option<&str>,
        users: Option<u64>,
    ) {
        let tenant = ManagedTenant {
            id: tenant_id(number),
            entra: entra_id(number),
            display_name: name.map(str::to_owned),
            default_domain: domain.map(|domain| domain.parse().unwrap()),
            verified_domains: Vec::new(),
            access: TenantAccess::Ok,
            access_ends: None,
            user_count: users,
            discovered_at: start(),
            last_seen_at: start(),
            missing_since: None,
        };
        self.mapping.store.put_managed_tenant(WORKSPACE, &tenant).await.unwrap();
    }

    pub(crate) async fn client(&self, number: u128, name: &str, website: Option<&str>, inactive: bool) {
        let client = Client {
            id: client_id(number),
            name: name.to_owned(),
            website: website.map(str::to_owned),
            secondary_domains: Vec::new(),
            inactive,
        };
        self.mapping.store.upsert_client(WORKSPACE, &client).await.unwrap();
    }

    pub(crate) fn later(&self) {
        self.clock.advance(SignedDuration::from_mins(1));
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, None, &[Permission::Read]).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask("POST", path, Some(body), &Permission::ALL).await
    }

    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        permissions: &[Permission],
    ) -> Answer {
        let caller = Caller {
            workspace: WORKSPACE,
            user: Some(user(1)),
            kind: CallerKind::Internal,
            permissions: permissions.iter().map(|permission| permission.name().to_owned()).collect(),
            edition: Edition::Enterprise,
        };
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request = Request::builder()
            .method(method)
            .uri(format!("{BASE}{path}"))
            .extension(caller)
            .extension(ServiceEdition(Edition::Enterprise))
            .body(body)
            .unwrap();
        let router: Router = finish(routes::router(Arc::clone(&self.mapping)));
        let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, body: serde_json::from_slice(&bytes).unwrap() }
    }
}
