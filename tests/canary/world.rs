//! One MSP with everything that can hold a secret.

use std::{fmt::Write as _, fs, path::Path, sync::Arc};

use ambient::{Clock, SystemClock, VirtualClock};
use assembly::{Open, WorkspaceDirectories};
use authorizer::{Configuration, Parties, Verifier, sign_hs256};
use aws_sdk_dynamodb::{config::SharedHttpClient, types::AttributeValue};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use connect::Connect;
use directory::{CippSettings, Directories, GraphSettings, protocol::retry::RetryPolicy};
use domain::ids::{GroupId, UserId};
use edge::{Caller, CallerKind, Edition, Permission};
use embedded::Durability;
use fake_microsoft::{CIPP_CLIENT_SECRET, Fake, Group, Kind};
use flags::Access;
use jiff::SignedDuration;
use local::{FakeProfile, House};
use secrecy::{ExposeSecret, SecretString};
use secrets::SecretChain;
use serde_json::Value;
use store::{SyncSettings, client_over};
use sync::{Explain, Sync};
use tempfile::TempDir;
use tower::ServiceExt;
use uuid::Uuid;
use workflow::{Executions, payloads::RunInput};

use crate::{
    keepers::Keeper,
    needles::Needles,
    outlet::{Excepted, Outlet},
    recorder::Recorder,
};

const PARTY: &str = "canary";
/// The key shared with the PSA.
const SHARED_KEY: &str = "CANARY-key-shared-with-the-psa-of-more-than-thirty-two-bytes";
/// The key of whoever decides about flags.
pub(crate) const FLAGS_KEY: &str = "CANARY-key-of-the-master-workspace-long-enough";
/// Of the table in the local mode.
const TABLE: &str = "entra-contact-sync";
/// No test waits between two tries.
const ONCE: RetryPolicy = RetryPolicy { attempts_max: 1, wait_max: SignedDuration::ZERO };

/// A house, its service, and everything that came out of it.
pub(crate) struct World {
    pub(crate) house: House,
    pub(crate) keeper: Keeper,
    pub(crate) outlet: Outlet,
    executions: Arc<Recorder>,
    router: Router,
    token: String,
    is_restricted: bool,
    /// What only this suite knows to be secret.
    own: Vec<(&'static str, String)>,
    folder: TempDir,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) body: String,
    pub(crate) excepted: Option<Excepted>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::keeping_secrets_in(Keeper::Folder).await
    }

    pub(crate) async fn keeping_secrets_in(keeper: Keeper) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let profile =
            FakeProfile { seed: 7, sizes: vec![6, 4], as_of: SystemClock.now(), port: 0, messy: true };
        let house = House::open(folder.path(), Durability::ProcessKill, Some(profile)).await.unwrap();
        let outlet = Outlet::default();
        let secrets = keeper.chain(&house).await;
        let (house, executions) = impatient(house, &secrets, &outlet);
        let configuration = Configuration {
            issuer: PARTY.to_owned(),
            audience: PARTY.to_owned(),
            published_keys_url: None,
            shared_secret: Some(SHARED_KEY.into()),
        };
        let verifier = Verifier::configured(configuration, house.http.clone(), Arc::clone(&house.clock));
        let access = Access { master: Some(house.workspace), keys: vec![FLAGS_KEY.into()] };
        let router = local::api(&house, Arc::new(verifier.unwrap()), access);
        let caller = Caller {
            workspace: house.workspace,
            user: Some(UserId::new(Uuid::from_u128(7))),
            kind: CallerKind::Internal,
            permissions: Permission::ALL.iter().map(|permission| permission.name().to_owned()).collect(),
            edition: Edition::Enterprise,
        };
        let parties = Parties { issuer: PARTY.to_owned(), audience: PARTY.to_owned() };
        let (key, hour) = (SecretString::from(SHARED_KEY), SignedDuration::from_hours(1));
        let token = sign_hs256(&caller, &parties, &key, house.clock.now(), hour).unwrap();
        let own = vec![
            ("the PSA's key", SHARED_KEY.to_owned()),
            // The rest of it are claims, ids among them that are everywhere.
            ("the PSA's token", token.rsplit('.').next().unwrap().to_owned()),
            ("the key of flags", FLAGS_KEY.to_owned()),
            ("the secret of the API client", CIPP_CLIENT_SECRET.to_owned()),
        ];
        let is_restricted = false;
        let world = Self { house, keeper, outlet, executions, router, token, is_restricted, own, folder };
        world.switch_on().await;
        world
    }

    /// A rule that names a group, which every customer has.
    pub(crate) async fn restrict_by_group(&mut self) {
        let group = GroupId::new(Uuid::from_u128(0x6));
        for tenant in self.fake().world().tenants() {
            let nobody = Group::security(group, "Contractors", Vec::new());
            self.fake().world().add_group(tenant.id, nobody).unwrap();
        }
        let mut settings = SyncSettings::default();
        settings.scope.exclude_groups.push(group);
        self.house.store.put_settings(self.house.workspace, &settings).await.unwrap();
        self.is_restricted = true;
    }

    pub(crate) fn is_restricted(&self) -> bool {
        self.is_restricted
    }

    pub(crate) fn fake(&self) -> &Fake {
        self.house.fake.as_ref().unwrap()
    }

    pub(crate) fn keep_secret(&mut self, name: &'static str, secret: &str) {
        self.own.push((name, secret.to_owned()));
    }

    async fn switch_on(&self) {
        let now = self.house.clock.now();
        for feature in domain::flags::Feature::ALL {
            let id = domain::ids::FlagId::new(Uuid::from_u128(0xF1 + feature as u128));
            let flag = store::FeatureFlag::new(id, feature.key(), now);
            assert!(self.house.store.create_flag(&flag).await.unwrap());
            self.house.store.target_flag(id, self.house.workspace, true, now).await.unwrap().unwrap();
        }
    }

    pub(crate) async fn send(&self, method: &str, path: &str, kind: &str, body: &str) -> Answer {
        let request = Request::builder()
            .header("authorization", format!("Bearer {}", self.token))
            .header("x-api-key", FLAGS_KEY)
            .header("content-type", kind);
        self.finish(request, method, path, body).await
    }

    /// A request of a browser that has `cookie`.
    pub(crate) async fn browse(&self, path: &str, cookie: &str) -> Answer {
        self.finish(Request::builder().header("cookie", cookie), "GET", path, "").await
    }

    async fn finish(
        &self,
        request: axum::http::request::Builder,
        method: &str,
        path: &str,
        body: &str,
    ) -> Answer {
        let request = request.method(method).uri(path).body(Body::from(body.to_owned())).unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body = String::from_utf8(to_bytes(body, 1 << 24).await.unwrap().to_vec()).unwrap();
        let what = format!("{method} {}", path.split('?').next().unwrap());
        let excepted = self.outlet.answer(&what, parts.status.as_u16(), &parts.headers, &body);
        let location = parts.headers.get("location").map(|value| value.to_str().unwrap().to_owned());
        Answer { status: parts.status.as_u16(), location, body, excepted }
    }

    /// A process that begins again: tenants are free, and runs that were cut off go on.
    pub(crate) async fn begin_again(&self) {
        let (store, workspace) = (&self.house.store, self.house.workspace);
        store.free_all_tenants(workspace).await.unwrap();
        for run in self.house.all_runs().await.unwrap() {
            if run.run_status.is_terminal() {
                continue;
            }
            let input = RunInput { workspace_id: workspace, run_id: run.id };
            self.executions.start_sync(input).await.unwrap();
            let now = store.run(workspace, run.id).await.unwrap().unwrap();
            assert!(now.run_status.is_terminal(), "{now:?}");
        }
    }

    /// Every secret there has been.
    pub(crate) fn needles(&self) -> Needles {
        let mut needles = Needles::default();
        for (name, secret) in &self.own {
            needles.add(name, secret);
        }
        let app = &self.fake().world().config().application;
        needles.add("the app's secret", app.client_secret.expose_secret());
        for (kind, text) in self.fake().confidential() {
            // A state names its workspace in front, which is no secret.
            let secret = if kind == Kind::State { text.split('.').nth(1).unwrap_or(&text) } else { &text };
            needles.add(&format!("{kind:?}"), secret);
        }
        needles
    }

    /// Adds what is stored now: every item of the table, and every file but the secrets.
    pub(crate) async fn look_at_what_is_stored(&self) {
        let engine = self.house.database.clone().unwrap();
        let mut pages =
            client_over(SharedHttpClient::new(engine)).scan().table_name(TABLE).into_paginator().send();
        while let Some(page) = pages.next().await {
            for item in page.unwrap().items() {
                let mut text = String::new();
                for (name, value) in item {
                    write!(text, "{name}={value:?} ").unwrap();
                    self.look_into(value);
                }
                self.outlet.add("the table", text);
            }
        }
        for (name, content) in self.files() {
            if !name.starts_with("secrets/") {
                self.outlet.add(&format!("the file {name}"), content);
            }
        }
    }

    /// The files of the data folder.
    pub(crate) fn files(&self) -> Vec<(String, Vec<u8>)> {
        files(self.folder.path(), self.folder.path())
    }

    /// Texts as they are, and plan pages as they were before they were compressed.
    fn look_into(&self, value: &AttributeValue) {
        match value {
            AttributeValue::B(bytes) => {
                let page = miniz_oxide::inflate::decompress_to_vec(bytes.as_ref());
                self.outlet.add("a stored plan page", page.unwrap_or_else(|_| bytes.as_ref().to_vec()));
            }
            AttributeValue::S(text) => self.outlet.add("the table", text.as_str()),
            _ => {}
        }
    }

    /// Whether the secret chain holds this, which is the one place for it.
    pub(crate) fn is_kept(&self, secret: &str) -> bool {
        let escaped = Value::from(secret).to_string();
        if let Some(kept) = self.keeper.kept() {
            return kept.contains(&escaped);
        }
        self.files().iter().any(|(name, content)| {
            name.starts_with("secrets/") && String::from_utf8_lossy(content).contains(&escaped)
        })
    }
}

/// The same house, with nobody who tries again, and with the state machines written down.
fn impatient(mut house: House, secrets: &Arc<SecretChain>, outlet: &Outlet) -> (House, Arc<Recorder>) {
    let before = &house.directories;
    let graph = GraphSettings { retry: ONCE, ..before.graph.clone() };
    let cipp = CippSettings { retry: ONCE, ..before.cipp.clone() };
    let all = Arc::new(WorkspaceDirectories {
        store: before.store.clone(),
        secrets: Arc::clone(secrets),
        graph: graph.clone(),
        cipp: cipp.clone(),
        http: before.http.clone(),
        clock: Arc::clone(&before.clock),
        entropy: Arc::clone(&before.entropy),
        open: Open::default(),
    });
    let directories = Arc::clone(&all) as Arc<dyn Directories>;
    // Whoever waits for the end of something waits no time.
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::starting_at(house.clock.now()));
    let (store, entropy) = (house.store.clone(), Arc::clone(&house.entropy));
    let executions = Arc::new(Recorder::of(&house, &clock, &directories, outlet));
    let old = &house.connect;
    house.connect = Arc::new(Connect {
        store: store.clone(),
        secrets: Arc::clone(secrets),
        http: old.http.clone(),
        graph,
        cipp,
        redirect_base: old.redirect_base.clone(),
        settings_page: old.settings_page.clone(),
        clock: Arc::clone(&old.clock),
        entropy: Arc::clone(&entropy),
    });
    house.discovery = Arc::new(discovery::Discovery {
        store: store.clone(),
        directories: Arc::clone(&directories),
        executions: Some(Arc::clone(&executions) as Arc<dyn Executions>),
        clock: Arc::clone(&clock),
        entropy: Arc::clone(&entropy),
    });
    house.explain = Arc::new(Explain {
        store: store.read_only(),
        directories,
        clock: Arc::clone(&clock),
        patience: sync::PATIENCE,
    });
    let engine = Arc::clone(&executions) as Arc<dyn Executions>;
    house.sync = Arc::new(Sync { store, executions: engine, clock, entropy });
    house.directories = all;
    house.secrets = Arc::clone(secrets);
    (house, executions)
}

fn files(root: &Path, folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(root, &path));
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            found.push((name, fs::read(&path).unwrap()));
        }
    }
    found
}
