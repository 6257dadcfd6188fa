//! A PSA's browser, this service, and Microsoft.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use ambient::{Clock, SystemEntropy, VirtualClock};
use assembly::{FeatureGate, Open, WorkspaceDirectories};
use async_trait::async_trait;
use axum::{
    Extension, Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use connect::{CALLBACK_PATH, Connect};
use directory::{CippHttp, CippSettings, Directories, Directory, GraphSettings, cipp::Destinations};
use domain::ids::{UserId, WorkspaceId};
use edge::{Caller, CallerKind, Edition, Permission, ServiceEdition, Surface};
use embedded::Engine;
use fake_microsoft::{Fake, FakeServer, World, WorldConfig};
use http_body_util::BodyExt;
use jiff::SignedDuration;
use runtime::http::{Limits, builder, client};
use secrecy::ExposeSecret;
use secrets::{
    CippSecret, DirectTokens, Document, Environment, Family, MemoryProvider, Provider, ProviderName, Scope,
    SecretChain, SecretError, Stored, Version, WorkspaceSecret, key,
};
use serde_json::Value;
use store::{Connection, Store, client_over, probe::Probe};
use tower::ServiceExt;
use url::Url;
use uuid::Uuid;

pub(crate) const CLIENT_SECRET: &str = "CANARY-client-secret";
pub(crate) const CONNECT: &str = "/api/integrations/entra/connect";
pub(crate) const DISCONNECT: &str = "/api/integrations/entra/disconnect";
pub(crate) const STATUS: &str = "/api/integrations/entra";
pub(crate) const VALIDATE: &str = "/api/integrations/entra/validate-direct";
pub(crate) const VALIDATE_CIPP: &str = "/api/integrations/entra/validate-cipp";
pub(crate) const TABLE: &str = "contacts";

pub(crate) struct Bench {
    pub(crate) app: Arc<Connect>,
    pub(crate) clock: VirtualClock,
    pub(crate) engine: Engine,
    pub(crate) fake: Fake,
    pub(crate) keeper: Arc<Keeper>,
    pub(crate) probe: Probe,
    router: Router,
    pub(crate) server: FakeServer,
}

/// Secrets in memory that can be told to refuse.
#[derive(Default)]
pub(crate) struct Keeper {
    memory: MemoryProvider,
    /// What happens once, in front of the next removal.
    pub(crate) before_delete: Meanwhile,
    /// What happens once, in front of the next write: after whoever writes has read.
    pub(crate) before_write: Meanwhile,
    /// What happens once, behind the next write.
    pub(crate) after_write: Meanwhile,
    pub(crate) refuses_reads: AtomicBool,
    pub(crate) refuses_writes: AtomicBool,
    pub(crate) refuses_deletes: AtomicBool,
}

/// What somebody else does at the same moment.
#[derive(Default)]
pub(crate) struct Meanwhile(Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>);

impl Meanwhile {
    pub(crate) fn happens(&self, what: impl Future<Output = ()> + Send + 'static) {
        *self.0.lock().unwrap() = Some(Box::pin(what));
    }

    async fn now(&self) {
        let what = self.0.lock().unwrap().take();
        if let Some(what) = what {
            what.await;
        }
    }
}

/// A sign-in as a browser knows it.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) auth_url: Url,
    pub(crate) cookie: String,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// What a failed sign-in must leave as it was.
#[derive(Debug, PartialEq)]
pub(crate) struct Kept {
    connection: Option<Connection>,
    refresh_token: Option<String>,
}

pub(crate) fn workspace(number: u128) -> WorkspaceId {
    WorkspaceId::new(Uuid::from_u128(number))
}

pub(crate) fn caller(workspace: WorkspaceId, permissions: &[Permission]) -> Caller {
    Caller {
        workspace,
        user: Some(UserId::new(Uuid::from_u128(99))),
        kind: CallerKind::Internal,
        permissions: permissions.iter().map(|permission| permission.name().to_owned()).collect(),
        edition: Edition::Enterprise,
    }
}

impl Bench {
    /// Two customers, and workspaces 1 and 2 with an app registration.
    pub(crate) async fn new() -> Self {
        let http = CippHttp::new(|| builder(Limits::default()));
        Self::asking_cipp(CippSettings::new(http, Destinations::ThisMachineToo)).await
    }

    /// The same, with another way to CIPP deployments.
    pub(crate) async fn asking_cipp(cipp: CippSettings) -> Self {
        let mut config = WorldConfig { messy: false, ..WorldConfig::sample(7, &[3, 3]) };
        config.application.client_secret = CLIENT_SECRET.into();
        let redirect_base = config.application.redirect_uris[0].strip_suffix(CALLBACK_PATH).unwrap();
        let redirect_base: Url = redirect_base.parse().unwrap();
        let client_id = config.application.client_id.clone();
        let clock = VirtualClock::starting_at(config.as_of);
        let time = || Arc::new(clock.clone()) as Arc<dyn Clock>;
        let fake = Fake::new(World::generate(config), time());
        let server = fake.serve(0).await.unwrap();
        let microsoft: Url = server.base_url().parse().unwrap();

        let engine = Engine::in_memory().unwrap();
        let (probe, http) = Probe::around(engine.clone());
        let store = Store::new(client_over(http), TABLE);
        store.create_table_if_absent().await.unwrap();
        let keeper = Arc::new(Keeper::default());
        let providers = vec![Arc::clone(&keeper) as Arc<dyn Provider>];
        let lifetime = SignedDuration::from_secs(30);
        let chain =
            SecretChain::new(providers, ProviderName::Memory, Environment::default(), time(), lifetime);
        let app = Arc::new(Connect {
            store,
            secrets: Arc::new(chain.unwrap()),
            http: client(Limits::default()).unwrap(),
            graph: GraphSettings::new(&microsoft, microsoft.clone()).unwrap(),
            cipp,
            redirect_base,
            settings_page: "https://psa.example/base/".parse().unwrap(),
            clock: time(),
            entropy: Arc::new(SystemEntropy),
        });
        let edition = Extension(ServiceEdition(Edition::Enterprise));
        let router = edge::finish(connect::router(Arc::clone(&app)).layer(edition));
        let bench = Self { app, clock, engine, fake, keeper, probe, router, server };
        for number in [1, 2] {
            bench.set_app(workspace(number), &client_id, CLIENT_SECRET).await;
        }
        bench
    }

    /// The same, but from now on the flags count, of which there are none.
    pub(crate) fn switched_off(self) -> Self {
        let surface = Surface(Arc::new(FeatureGate::new(self.app.store.clone(), false)));
        let router = connect::router(Arc::clone(&self.app)).layer(Extension(surface));
        let router = edge::finish(router.layer(Extension(ServiceEdition(Edition::Enterprise))));
        Self { router, ..self }
    }

    /// The same with its secrets in another chain, in which there are none of those before.
    pub(crate) fn keeping_secrets_in(self, secrets: SecretChain) -> Self {
        let Connect { store, http, graph, cipp, redirect_base, settings_page, clock, entropy, .. } =
            &*self.app;
        let app = Arc::new(Connect {
            store: store.clone(),
            secrets: Arc::new(secrets),
            http: http.clone(),
            graph: graph.clone(),
            cipp: cipp.clone(),
            redirect_base: redirect_base.clone(),
            settings_page: settings_page.clone(),
            clock: Arc::clone(clock),
            entropy: Arc::clone(entropy),
        });
        let edition = Extension(ServiceEdition(Edition::Enterprise));
        let router = edge::finish(connect::router(Arc::clone(&app)).layer(edition));
        Self { app, router, ..self }
    }

    pub(crate) async fn set_app(&self, workspace: WorkspaceId, client_id: &str, secret: &str) {
        let document = Document::new()
            .with(key::MICROSOFT_CLIENT_ID, client_id)
            .with(key::MICROSOFT_CLIENT_SECRET, secret)
            .with(key::MICROSOFT_TENANT_ID, "msp.example");
        let scope = Scope::Workspace(workspace);
        self.app.secrets.delete(scope, Family::MicrosoftApp).await.unwrap();
        self.app.secrets.write(scope, Family::MicrosoftApp, &document, None).await.unwrap();
    }

    pub(crate) fn client_id(&self) -> String {
        self.fake.world().config().application.client_id.clone()
    }

    pub(crate) async fn send(&self, caller: Option<Caller>, mut request: Request<Body>) -> Answer {
        if let Some(caller) = caller {
            request.extensions_mut().insert(caller);
        }
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// A request of somebody who may do everything in workspace 1.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        self.ask_as(workspace(1), method, path, body).await
    }

    pub(crate) async fn ask_as(
        &self,
        workspace: WorkspaceId,
        method: &str,
        path: &str,
        body: &str,
    ) -> Answer {
        let request = Request::builder().method(method).uri(path);
        let request = request.body(Body::from(body.to_owned())).unwrap();
        self.send(Some(caller(workspace, &Permission::ALL)), request).await
    }

    pub(crate) async fn begin(&self) -> Browser {
        self.begin_as(workspace(1), r#"{"connectionType":"direct"}"#).await
    }

    pub(crate) async fn begin_as(&self, workspace: WorkspaceId, body: &str) -> Browser {
        let answer = self.ask_as(workspace, "POST", CONNECT, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let auth_url = answer.json()["data"]["authUrl"].as_str().unwrap().parse().unwrap();
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        Browser { auth_url, cookie }
    }

    /// Signs in at Microsoft; the query Microsoft sends the browser back with.
    pub(crate) async fn visit(&self, auth_url: &Url) -> String {
        let answer = self.app.http.get(auth_url.clone()).send().await.unwrap();
        let location: Url = answer.headers()["location"].to_str().unwrap().parse().unwrap();
        assert_eq!(location.path(), CALLBACK_PATH);
        location.query().unwrap().to_owned()
    }

    pub(crate) async fn come_back(&self, query: &str, cookie: &str) -> Answer {
        let uri = format!("{CALLBACK_PATH}?{query}");
        let request = Request::get(uri).header("cookie", cookie).body(Body::empty()).unwrap();
        self.send(None, request).await
    }

    /// The whole sign-in.
    pub(crate) async fn connect(&self) {
        let browser = self.begin().await;
        let query = self.visit(&browser.auth_url).await;
        assert_eq!(self.come_back(&query, &browser.cookie).await.landing()["entra_status"], "success");
    }

    pub(crate) async fn connection(&self) -> Option<Connection> {
        self.app.store.connection(workspace(1)).await.unwrap()
    }

    pub(crate) async fn tokens(&self) -> Option<DirectTokens> {
        let found = DirectTokens::read_fresh(&self.app.secrets, workspace(1)).await.unwrap();
        found.map(|(tokens, _)| tokens)
    }

    pub(crate) async fn cipp(&self) -> Option<CippSecret> {
        let found = CippSecret::read_fresh(&self.app.secrets, workspace(1)).await.unwrap();
        found.map(|(secret, _)| secret)
    }

    /// The way a sync or a discovery reads, in a process that has read nothing yet.
    pub(crate) async fn directory(&self) -> Arc<dyn Directory> {
        let directories = WorkspaceDirectories {
            cipp: self.app.cipp.clone(),
            clock: Arc::clone(&self.app.clock),
            entropy: Arc::clone(&self.app.entropy),
            graph: self.app.graph.clone(),
            http: self.app.http.clone(),
            open: Open::default(),
            secrets: Arc::clone(&self.app.secrets),
            store: self.app.store.clone(),
        };
        Directories::of(&directories, workspace(1)).await.unwrap()
    }

    pub(crate) async fn kept(&self) -> Kept {
        let tokens = self.tokens().await;
        let refresh_token = tokens.map(|tokens| tokens.refresh_token.expose_secret().to_owned());
        Kept { connection: self.connection().await, refresh_token }
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The query of the settings page that a callback leads to.
    pub(crate) fn landing(&self) -> HashMap<String, String> {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{self:?}");
        assert_eq!(self.header("cache-control"), "no-store");
        assert_eq!(self.header("referrer-policy"), "no-referrer");
        assert!(self.header("set-cookie").starts_with("entra_login=; "), "{self:?}");
        let location: Url = self.header("location").parse().unwrap();
        assert_eq!(location.host_str(), Some("psa.example"));
        assert_eq!(location.path(), "/base/msp/settings/integrations/entra");
        location.query_pairs().into_owned().collect()
    }

    /// The code of a failed callback.
    pub(crate) fn failure(&self) -> String {
        let landing = self.landing();
        assert_eq!(landing["entra_status"], "failure");
        assert!(landing["message"].contains("contacts stay") || landing["message"].contains("Contacts stay"));
        landing["error"].clone()
    }
}

impl Keeper {
    fn unavailable(scope: Scope, family: Family) -> SecretError {
        let reason = "out of order".to_owned();
        SecretError::Unavailable { provider: ProviderName::Memory, scope, family, reason }
    }
}

#[async_trait]
impl Provider for Keeper {
    fn name(&self) -> ProviderName {
        self.memory.name()
    }

    async fn read(&self, scope: Scope, family: Family) -> Result<Option<Stored>, SecretError> {
        if self.refuses_reads.load(Ordering::Relaxed) {
            return Err(Self::unavailable(scope, family));
        }
        self.memory.read(scope, family).await
    }

    async fn write(
        &self,
        scope: Scope,
        family: Family,
        document: &Document,
        expected: Option<&Version>,
    ) -> Result<Version, SecretError> {
        if self.refuses_writes.load(Ordering::Relaxed) {
            return Err(Self::unavailable(scope, family));
        }
        self.before_write.now().await;
        let written = self.memory.write(scope, family, document, expected).await;
        self.after_write.now().await;
        written
    }

    async fn delete(&self, scope: Scope, family: Family) -> Result<(), SecretError> {
        if self.refuses_deletes.load(Ordering::Relaxed) {
            return Err(Self::unavailable(scope, family));
        }
        self.before_delete.now().await;
        self.memory.delete(scope, family).await
    }
}
