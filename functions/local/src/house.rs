//! Every room, furnished for one machine.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use ambient::{Clock, Entropy, SystemClock, SystemEntropy};
use assembly::{FeatureGate, Open, WorkspaceDirectories};
use aws_sdk_dynamodb::config::SharedHttpClient;
use connect::{CALLBACK_PATH, Connect};
use directory::{CippSettings, Directories, GraphSettings, cipp::Destinations};
use discovery::Discovery;
use domain::ids::{RunId, WorkspaceId};
use embedded::{Durability, Engine, OpenError};
use fake_microsoft::{Application, Fake, FakeServer, Sizes, World, WorldConfig};
use mapping::Mapping;
use review::Review;
use run_steps::RunSteps;
use runtime::{
    Settings,
    http::{self, Limits},
};
use secrecy::ExposeSecret;
use secrets::{Document, Family, Scope, SecretChain, key};
use store::{Run, Store, StoreError, client_at, client_over, probe::Probe};
use sync::{Explain, Sync};
use tenant_sync::TenantSync;
use workflow::{Executions, payloads::RunInput};

use crate::{FakeProfile, LocalEngine, Profile, engine::LocalTasks};

/// The table in the data folder.
const TABLE: &str = "entra-contact-sync";

/// Runs that are read at once.
const RUNS_AT_ONCE: u16 = 100;

/// The redirect address of the app, if nothing else is configured.
pub(crate) const REDIRECT_PORT: u16 = 3000;

/// The data folder, or what stands in it, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HouseError {
    /// A file.
    #[error("a file in the data folder cannot be read or written")]
    Io(#[from] io::Error),
    /// The database.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The table.
    #[error("the database does not answer")]
    Store(#[from] StoreError),
    /// The secrets.
    #[error("the secrets cannot be read or written")]
    Secrets(#[from] secrets::SecretError),
    /// The environment.
    #[error(transparent)]
    Settings(#[from] runtime::settings::InvalidSettings),
    /// The secret chain.
    #[error(transparent)]
    Chain(#[from] secrets::InvalidChain),
    /// The HTTP client.
    #[error("the HTTP client was not made")]
    Http(#[from] reqwest::Error),
    /// Microsoft's addresses.
    #[error(transparent)]
    Endpoint(#[from] assembly::InvalidEndpoint),
}

/// One machine's house.
pub struct House {
    /// Whose data it is.
    pub workspace: WorkspaceId,
    /// The table.
    pub store: Store,
    /// Counts what passes to the table.
    pub probe: Probe,
    /// The secrets.
    pub secrets: Arc<SecretChain>,
    /// Every workspace's directory.
    pub directories: Arc<WorkspaceDirectories>,
    /// The workflow engine.
    pub engine: Arc<LocalEngine>,
    /// Connecting.
    pub connect: Arc<Connect>,
    /// Discovering.
    pub discovery: Arc<Discovery>,
    /// Mapping.
    pub mapping: Arc<Mapping>,
    /// The review queue.
    pub review: Arc<Review>,
    /// Runs.
    pub sync: Arc<Sync>,
    /// Explaining people.
    pub explain: Arc<Explain>,
    /// The environment's settings.
    pub settings: Settings,
    /// The HTTP client.
    pub http: reqwest::Client,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The invented Microsoft, when there is one.
    pub fake: Option<Fake>,
    /// The engine below the table; `None` when that is another process's.
    pub database: Option<Engine>,
    /// The data folder.
    pub folder: PathBuf,
    gate: Arc<OnceLock<FeatureGate>>,
    server: Option<FakeServer>,
}

impl std::fmt::Debug for House {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("House").field("folder", &self.folder).finish_non_exhaustive()
    }
}

#[cfg(test)]
impl House {
    /// The invented Microsoft goes away.
    pub(crate) fn stop_the_fake(&mut self) {
        self.server = None;
    }
}

impl House {
    /// Opens the house in `folder`. A new folder becomes a house with `new_fake` for Microsoft, or
    /// with the real one.
    pub async fn open(
        folder: &Path,
        durability: Durability,
        new_fake: Option<FakeProfile>,
    ) -> Result<Self, HouseError> {
        let settings = settings(folder)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        // First of all: it says whether another process works here.
        let engine = Engine::open(folder, durability, async |engine| {
            let store = Store::new(client_over(SharedHttpClient::new(engine)), TABLE);
            store.create_table_if_absent().await.map_err(HouseError::from)
        })
        .await?;
        let (probe, client) = Probe::around(engine.clone());
        let mut profile = profile(folder, new_fake, &*clock, &*entropy)?;
        let (fake, server) = match &mut profile.fake {
            Some(wanted) => {
                let (fake, server) = serve_fake(wanted, Arc::clone(&clock)).await?;
                (Some(fake), Some(server))
            }
            None => (None, None),
        };
        profile.write(folder)?;
        let http = http::client(Limits::default())?;
        let secrets = Arc::new(runtime::secret_chain(&settings, None, &http, Arc::clone(&clock))?);
        let graph = match &server {
            Some(server) => fake_graph(&server.base_url())?,
            None => assembly::graph_settings(&settings)?,
        };
        if let Some(fake) = &fake {
            register_app(&secrets, profile.workspace, fake).await?;
        }
        let client = client_over(client);
        let parts =
            Parts { settings, clock, entropy, http, secrets, graph, probe, client, database: Some(engine) };
        let house = Self::furnish(folder, profile.workspace, parts, fake, server).await?;
        // Owning the folder proves that whoever held these is dead.
        house.store.free_all_tenants(house.workspace).await?;
        Ok(house)
    }

    /// A house on the folder of another process, which has the invented Microsoft and answers for the table
    /// at `table`. Two houses must not work on one folder; this is for measuring.
    pub(crate) async fn beside(folder: &Path, table: &str) -> Result<Self, HouseError> {
        let settings = settings(folder)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let profile = Profile::read(folder)?.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        let port = profile.fake.map_or(0, |fake| fake.port);
        let http = http::client(Limits::default())?;
        let (probe, client) = Probe::around(http::sdk_http_client(http.clone()));
        let parts = Parts {
            secrets: Arc::new(runtime::secret_chain(&settings, None, &http, Arc::clone(&clock))?),
            settings,
            clock,
            http,
            entropy: Arc::new(SystemEntropy),
            graph: fake_graph(&format!("http://127.0.0.1:{port}"))?,
            probe,
            client: client_at(table, client),
            database: None,
        };
        Self::furnish(folder, profile.workspace, parts, None, None).await
    }

    async fn furnish(
        folder: &Path,
        workspace: WorkspaceId,
        parts: Parts,
        fake: Option<Fake>,
        server: Option<FakeServer>,
    ) -> Result<Self, HouseError> {
        let Parts { settings, clock, entropy, http, secrets, graph, probe, client, database } = parts;
        let cipp = cipp_settings(&settings, fake.is_some());
        let store = Store::new(client, TABLE);
        let directories = Arc::new(WorkspaceDirectories {
            store: store.clone(),
            secrets: Arc::clone(&secrets),
            graph: graph.clone(),
            cipp: cipp.clone(),
            http: http.clone(),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            open: Open::default(),
        });
        let discovery = |executions| Discovery {
            store: store.clone(),
            directories: Arc::clone(&directories) as Arc<dyn Directories>,
            executions,
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
        };
        let gate = Arc::new(OnceLock::new());
        let tasks = LocalTasks {
            steps: RunSteps { store: store.clone(), clock: Arc::clone(&clock) },
            tenants: TenantSync {
                store: store.clone(),
                directories: Arc::clone(&directories) as Arc<dyn Directories>,
                clock: Arc::clone(&clock),
            },
            discovery: discovery(None),
            clock: Arc::clone(&clock),
            open: FeatureGate::new(store.clone(), true),
            gate: Arc::clone(&gate),
        };
        let engine = LocalEngine::new(tasks, Arc::clone(&clock), Arc::clone(&entropy));
        let executions = Arc::clone(&engine) as Arc<dyn Executions>;
        let redirect = settings.redirect_base(&secrets).await?;
        let address = |text: &str| text.parse().map_err(|_| assembly::InvalidEndpoint);
        Ok(Self {
            connect: Arc::new(Connect {
                store: store.clone(),
                secrets: Arc::clone(&secrets),
                http: http.clone(),
                graph,
                cipp,
                redirect_base: address(&redirect)?,
                settings_page: address(settings.settings_page_base())?,
                clock: Arc::clone(&clock),
                entropy: Arc::clone(&entropy),
            }),
            discovery: Arc::new(discovery(Some(Arc::clone(&executions)))),
            mapping: Arc::new(Mapping {
                store: store.clone(),
                clock: Arc::clone(&clock),
                entropy: Arc::clone(&entropy),
            }),
            review: Arc::new(Review {
                store: store.clone(),
                clock: Arc::clone(&clock),
                entropy: Arc::clone(&entropy),
            }),
            sync: Arc::new(Sync {
                store: store.clone(),
                executions,
                clock: Arc::clone(&clock),
                entropy: Arc::clone(&entropy),
            }),
            explain: Arc::new(Explain {
                store: store.read_only(),
                directories: Arc::clone(&directories) as Arc<dyn Directories>,
                clock: Arc::clone(&clock),
                patience: sync::PATIENCE,
            }),
            workspace,
            store,
            probe,
            secrets,
            directories,
            engine,
            settings,
            http,
            clock,
            entropy,
            fake,
            database,
            folder: folder.to_owned(),
            gate,
            server,
        })
    }

    /// Where the CIPP deployment of the invented Microsoft is, when there is one.
    pub fn invented_cipp(&self) -> Option<String> {
        self.server.as_ref().map(FakeServer::base_url)
    }

    /// From now on the workspace's flags count, for tasks too; answers the gate. The commands of this
    /// machine's operator are not asked for them.
    pub(crate) fn heed_flags(&self) -> FeatureGate {
        let gate = || FeatureGate::new(self.store.clone(), self.settings.feature_flags_disabled);
        self.gate.get_or_init(gate).clone()
    }

    /// Takes up runs that a dead process left unfinished, those that are `wanted`; answers them, the
    /// oldest first.
    pub async fn resume(&self, wanted: impl Fn(&Run) -> bool) -> Result<Vec<RunId>, StoreError> {
        let mut unfinished = Vec::new();
        for run in self.all_runs().await?.iter().rev() {
            if !run.run_status.is_terminal() && wanted(run) {
                let input = RunInput { workspace_id: self.workspace, run_id: run.id };
                let started = self.engine.start_sync(input).await;
                if started.is_ok() {
                    unfinished.push(run.id);
                }
            }
        }
        Ok(unfinished)
    }

    /// Every run there ever was, newest first.
    pub async fn all_runs(&self) -> Result<Vec<Run>, StoreError> {
        let mut all: Vec<Run> = Vec::new();
        loop {
            // A page of the table may hold fewer than were asked for.
            let page = self.store.runs(self.workspace, all.last().map(|run| run.id), RUNS_AT_ONCE).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }
}

struct Parts {
    settings: Settings,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    http: reqwest::Client,
    secrets: Arc<SecretChain>,
    graph: GraphSettings,
    probe: Probe,
    client: aws_sdk_dynamodb::Client,
    database: Option<Engine>,
}

/// The environment's settings, with the local mode's own defaults: secrets in the data folder, and
/// the whole product switched on for whoever owns the machine.
fn settings(folder: &Path) -> Result<Settings, HouseError> {
    let secrets = folder.join("secrets").to_string_lossy().into_owned();
    // The command says itself what it does; the log is for what goes wrong.
    let quiet = ("LOG_LEVEL", "warn".to_owned());
    let defaults = [("SECRET_FILESYSTEM_PATH", secrets), ("EDITION", "ee".to_owned()), quiet];
    let defaults = defaults.map(|(name, value)| (name.to_owned(), value));
    Ok(Settings::from_environment_or(defaults.into())?)
}

fn profile(
    folder: &Path,
    new_fake: Option<FakeProfile>,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<Profile, HouseError> {
    let new = || {
        let workspace = WorkspaceId::new(entropy.time_ordered_id(clock.now()));
        Profile { format: 1, workspace, fake: new_fake }
    };
    Ok(Profile::read(folder)?.unwrap_or_else(new))
}

async fn serve_fake(
    wanted: &mut FakeProfile,
    clock: Arc<dyn Clock>,
) -> Result<(Fake, FakeServer), HouseError> {
    let sample = WorldConfig::sample(wanted.seed, &wanted.sizes);
    let world = World::generate(WorldConfig {
        sizes: Sizes::Each(wanted.sizes.clone()),
        as_of: wanted.as_of,
        messy: wanted.messy,
        application: Application {
            redirect_uris: vec![format!("http://localhost:{REDIRECT_PORT}{CALLBACK_PATH}")],
            ..sample.application.clone()
        },
        ..sample
    });
    let fake = Fake::new(world, clock);
    let server = match fake.serve(wanted.port).await {
        Ok(server) => server,
        // Somebody else has the port by now; listings under way begin again.
        Err(_) => fake.serve(0).await?,
    };
    wanted.port = server.address().port();
    Ok((fake, server))
}

/// An invented Microsoft has its CIPP on this machine as well.
fn cipp_settings(settings: &Settings, invented: bool) -> CippSettings {
    let cipp = assembly::cipp_settings(settings);
    let destinations = if invented { Destinations::ThisMachineToo } else { cipp.destinations };
    CippSettings { destinations, ..cipp }
}

fn fake_graph(base: &str) -> Result<GraphSettings, HouseError> {
    let address = |text: String| text.parse::<url::Url>().map_err(|_| assembly::InvalidEndpoint);
    let graph = address(format!("{}/v1.0", base.trim_end_matches('/')))?;
    Ok(GraphSettings::new(&address(base.to_owned())?, graph).map_err(|_| assembly::InvalidEndpoint)?)
}

/// Gives the workspace the app registration of the invented Microsoft.
async fn register_app(secrets: &SecretChain, workspace: WorkspaceId, fake: &Fake) -> Result<(), HouseError> {
    let app = &fake.world().config().application;
    let scope = Scope::Workspace(workspace);
    let stored = secrets.read_fresh(scope, Family::MicrosoftApp).await?;
    let current = stored.as_ref().and_then(|stored| stored.document.plain(key::MICROSOFT_CLIENT_ID));
    if current == Some(app.client_id.as_str()) {
        return Ok(());
    }
    let document = Document::new()
        .with(key::MICROSOFT_CLIENT_ID, &app.client_id)
        .with(key::MICROSOFT_CLIENT_SECRET, app.client_secret.expose_secret());
    let expected = stored.as_ref().map(|stored| &stored.version);
    secrets.write(scope, Family::MicrosoftApp, &document, expected).await?;
    Ok(())
}
