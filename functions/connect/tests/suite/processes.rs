//! Many processes renew one sign-in: this test binary starts itself again with one ignored test. The
//! table is in the parent and served as DynamoDB is; secrets are files in one folder.

use std::{collections::BTreeMap, net::Ipv4Addr, path::Path, process::Stdio, sync::Arc};

use ambient::{Clock, SystemClock, VirtualClock};
use async_trait::async_trait;
use aws_smithy_runtime_api::client::{http::HttpConnector, orchestrator::HttpRequest};
use aws_smithy_types::body::SdkBody;
use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode},
};
use connect::{Connect, Renewed};
use directory::Credentials;
use embedded::Engine;
use fake_microsoft::Route;
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use secrets::{
    DirectTokens, Document, Environment, Family, FilesystemProvider, Provider, ProviderName, Scope,
    SecretChain, SecretError, Stored, Version, WorkspaceSecret,
};
use tokio::process::{Child, Command};

use crate::bench::{Bench, TABLE, workspace};

const PROCESSES: usize = 8;
const TASKS: usize = 25;
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A connected workspace whose secrets are files, and what other processes need to share it.
struct Shared {
    bench: Bench,
    table: String,
    folder: tempfile::TempDir,
    secrets: Arc<SecretChain>,
}

impl Shared {
    async fn new() -> Self {
        let bench = Bench::new().await;
        bench.connect().await;
        let folder = tempfile::tempdir().unwrap();
        let provider = Arc::new(FilesystemProvider::new(folder.path()));
        let scope = Scope::Workspace(workspace(1));
        for family in [Family::MicrosoftApp, Family::EntraDirect] {
            let stored = bench.app.secrets.read(scope, family).await.unwrap().unwrap();
            provider.write(scope, family, &stored.document, None).await.unwrap();
        }
        let table = serve_table(bench.engine.clone()).await;
        let secrets = chain(provider, &bench.clock);
        Self { bench, table, folder, secrets }
    }

    /// The same use cases in this process.
    fn app(&self) -> Connect {
        let app = &self.bench.app;
        Connect {
            store: app.store.clone(),
            secrets: Arc::clone(&self.secrets),
            http: app.http.clone(),
            graph: app.graph.clone(),
            cipp: app.cipp.clone(),
            redirect_base: app.redirect_base.clone(),
            settings_page: app.settings_page.clone(),
            clock: Arc::clone(&app.clock),
            entropy: Arc::clone(&app.entropy),
        }
    }

    async fn tokens(&self) -> DirectTokens {
        DirectTokens::read_fresh(&self.secrets, workspace(1)).await.unwrap().unwrap().0
    }

    async fn refresh_token(&self) -> String {
        self.tokens().await.refresh_token.expose_secret().to_owned()
    }

    /// Another process with the environment of the Lambda function.
    fn process(&self, test: &str) -> Child {
        let path = |path: &Path| path.to_str().unwrap().to_owned();
        let microsoft = self.bench.server.base_url();
        let variables = BTreeMap::from([
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_ENDPOINT_URL", self.table.clone()),
            ("AWS_REGION", "eu-central-1".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("EDITION", "ee".to_owned()),
            ("HOME", "/nonexistent".to_owned()),
            ("LOG_LEVEL", "error".to_owned()),
            ("MICROSOFT_GRAPH_BASE_URL", microsoft.clone()),
            ("MICROSOFT_LOGIN_BASE_URL", microsoft),
            ("SECRET_FILESYSTEM_PATH", path(self.folder.path())),
            ("TABLE_NAME", TABLE.to_owned()),
            ("TEST_TIME", self.bench.app.clock.now().to_string()),
        ]);
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--ignored", "--nocapture"])
            .env_clear()
            .envs(variables)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    async fn access_token(&self) -> String {
        self.tokens().await.access_token.unwrap().expose_secret().to_owned()
    }

    async fn listed(&self) -> usize {
        listed(&self.app()).await
    }

    fn token_requests(&self) -> u64 {
        self.bench.fake.requests().of(Route::Token).requests
    }
}

fn chain(provider: Arc<dyn Provider>, clock: &VirtualClock) -> Arc<SecretChain> {
    let (environment, time) = (Environment::default(), Arc::new(clock.clone()));
    let lifetime = SignedDuration::from_secs(30);
    let chain = SecretChain::new(vec![provider], ProviderName::Filesystem, environment, time, lifetime);
    Arc::new(chain.unwrap())
}

/// Somebody may have connected anew a moment ago, in another process: what they have stored is known before the
/// connection is declared dead, whatever is in the cache.
#[tokio::test]
async fn the_newest_token_is_asked_for_past_the_cache() {
    let shared = Shared::new().await;
    let provider = Arc::new(FilesystemProvider::new(shared.folder.path()));
    let (ours, theirs) = (&shared.secrets, chain(provider, &shared.bench.clock));
    let credentials = assembly::WorkspaceCredentials::new(Arc::clone(ours), workspace(1), None);
    let before = credentials.refresh_token().await.unwrap();
    let (tokens, _) = DirectTokens::read_fresh(&theirs, workspace(1)).await.unwrap().unwrap();
    let newer = DirectTokens { refresh_token: "newer".into(), ..tokens };
    newer.put(&theirs, workspace(1)).await.unwrap();
    let cached = credentials.refresh_token().await.unwrap();
    assert_eq!(cached.expose_secret(), before.expose_secret());
    assert_eq!(credentials.newest_refresh_token().await.unwrap().expose_secret(), "newer");
}

/// The embedded table on a socket.
async fn serve_table(engine: Engine) -> String {
    let answer = move |headers: HeaderMap, body: Bytes| {
        let engine = engine.clone();
        async move {
            let mut request = HttpRequest::new(SdkBody::from(body.to_vec()));
            let target = headers["x-amz-target"].to_str().unwrap().to_owned();
            request.headers_mut().insert("x-amz-target", target);
            let response = engine.call(request).await.unwrap();
            let status = StatusCode::from_u16(response.status().as_u16()).unwrap();
            let content_type = [("content-type", "application/x-amz-json-1.0")];
            (status, content_type, response.body().bytes().unwrap().to_vec())
        }
    };
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    format!("http://{address}")
}

/// In a process of its own: the use cases as the Lambda function has them, at the parent's time.
async fn connect_of_a_function() -> (Connect, VirtualClock) {
    let foundation = runtime::start().await.unwrap();
    let time: Timestamp = foundation.settings.environment.value("TEST_TIME").unwrap().parse().unwrap();
    let clock = VirtualClock::starting_at(time);
    let app = Connect { clock: Arc::new(clock.clone()), ..Connect::on_aws(&foundation).await.unwrap() };
    (app, clock)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_renewals_in_eight_processes_make_one_token_request_each_week() {
    let shared = Shared::new().await;
    let mut known = vec![shared.refresh_token().await];
    for round in ["first", "second"] {
        shared.bench.clock.advance(WEEK);
        shared.bench.fake.reset_requests();
        let children: Vec<Child> =
            (0..PROCESSES).map(|_| shared.process("processes::child_renews_many_times")).collect();
        let mut ends: BTreeMap<String, usize> = BTreeMap::new();
        for child in children {
            let output = child.wait_with_output().await.unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{text} {}", String::from_utf8_lossy(&output.stderr));
            for end in text.lines().filter_map(|line| line.strip_prefix("end: ")) {
                *ends.entry(end.to_owned()).or_default() += 1;
            }
        }
        assert_eq!(ends.values().sum::<usize>(), PROCESSES * TASKS, "{ends:?}");
        assert_eq!(ends["done"], 1, "{ends:?}");
        assert_eq!(shared.token_requests(), 1, "in the {round} week");
        let token = shared.refresh_token().await;
        assert!(!known.contains(&token), "a newer one is stored");
        known.push(token);
        // And it works.
        assert_eq!(shared.app().validate_direct(workspace(1)).await.unwrap().managed_tenants, 2);
        known.push(shared.refresh_token().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by two_hundred_renewals_in_eight_processes_make_one_token_request_each_week"]
async fn child_renews_many_times() {
    let app = Arc::new(connect_of_a_function().await.0);
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let app = Arc::clone(&app);
            tokio::spawn(async move { app.renew(workspace(1), WEEK).await })
        })
        .collect();
    for task in tasks {
        let end = match task.await.unwrap().unwrap() {
            Renewed::AtWork { .. } => "at work",
            Renewed::Done { .. } => "done",
            Renewed::NoDirectConnection => "no connection",
            Renewed::NotDue { .. } => "not due",
        };
        // At the beginning of a line, whatever the harness has written on this one.
        println!("\nend: {end}");
    }
}

/// Whoever lists the customers needs the partner's token: a discovery, the doctor, the daily look at what ends.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_readers_in_eight_processes_make_one_token_request_for_each_token_that_ended() {
    let shared = Shared::new().await;
    let mut known = vec![shared.access_token().await];
    for round in ["first", "second"] {
        shared.bench.clock.advance(SignedDuration::from_hours(2));
        shared.bench.fake.reset_requests();
        let children: Vec<Child> =
            (0..PROCESSES).map(|_| shared.process("processes::child_lists_many_times")).collect();
        for child in children {
            let output = child.wait_with_output().await.unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{text} {}", String::from_utf8_lossy(&output.stderr));
            let listed = text.lines().filter(|line| *line == "listed: 2").count();
            assert_eq!(listed, TASKS, "{text}");
        }
        assert_eq!(shared.token_requests(), 1, "for the {round} token");
        let token = shared.access_token().await;
        assert!(!known.contains(&token), "the newer one is stored");
        known.push(token);
    }
    // What is stored is good, and nobody has to ask for another one.
    assert_eq!(shared.bench.fake.requests().of(Route::Relationships).requests, (PROCESSES * TASKS) as u64);
    shared.bench.fake.reset_requests();
    assert_eq!(shared.listed().await, 2);
    assert_eq!(shared.token_requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by two_hundred_readers_in_eight_processes_make_one_token_request_for_each_token_that_ended"]
async fn child_lists_many_times() {
    let (app, clock) = connect_of_a_function().await;
    // Other processes are waited for in real time.
    let ahead = clock.now().duration_since(SystemClock.now());
    let app = Arc::new(Connect { clock: Arc::new(Ahead(ahead)), ..app });
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let app = Arc::clone(&app);
            // Each as if it were alone: nothing is shared within the process either.
            tokio::spawn(async move { listed(&app).await })
        })
        .collect();
    for task in tasks {
        println!("\nlisted: {}", task.await.unwrap());
    }
}

/// The clock of this machine, by so much ahead of the time.
struct Ahead(SignedDuration);

#[async_trait]
impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now() + self.0
    }

    async fn sleep(&self, duration: SignedDuration) {
        SystemClock.sleep(duration).await;
    }
}

/// A process that has died with the right to renew keeps nobody from reading.
#[tokio::test]
async fn a_right_that_nobody_gives_back_is_waited_for_shortly() {
    let shared = Shared::new().await;
    shared.bench.clock.advance(SignedDuration::from_hours(2));
    let now = shared.bench.app.clock.now();
    let dead = shared.app().store.take_renewal(workspace(1), now, now).await.unwrap();
    assert!(matches!(dead, store::RenewalTaken::Taken(_)));
    shared.bench.fake.reset_requests();
    assert_eq!(shared.listed().await, 2);
    let waited = shared.bench.app.clock.now().duration_since(now);
    assert!((1..10).contains(&waited.as_secs()), "somebody might have been at it");
    assert_eq!(shared.token_requests(), 1);
}

/// Customers that whoever syncs or discovers would see, in a process that has read nothing yet.
async fn listed(app: &Connect) -> usize {
    let directories = assembly::WorkspaceDirectories {
        cipp: app.cipp.clone(),
        clock: Arc::clone(&app.clock),
        entropy: Arc::clone(&app.entropy),
        graph: app.graph.clone(),
        http: app.http.clone(),
        open: assembly::Open::default(),
        secrets: Arc::clone(&app.secrets),
        store: app.store.clone(),
    };
    let directory = directory::Directories::of(&directories, workspace(1)).await.unwrap();
    directory.managed_tenants().await.unwrap().tenants.len()
}

/// Ends its process when a token set is to be written, before or after it.
struct Deadly {
    files: FilesystemProvider,
    writes: bool,
}

#[async_trait]
impl Provider for Deadly {
    fn name(&self) -> ProviderName {
        self.files.name()
    }

    async fn read(&self, scope: Scope, family: Family) -> Result<Option<Stored>, SecretError> {
        self.files.read(scope, family).await
    }

    async fn write(
        &self,
        scope: Scope,
        family: Family,
        document: &Document,
        expected: Option<&Version>,
    ) -> Result<Version, SecretError> {
        if self.writes {
            self.files.write(scope, family, document, expected).await?;
        }
        std::process::exit(KILLED)
    }

    async fn delete(&self, scope: Scope, family: Family) -> Result<(), SecretError> {
        self.files.delete(scope, family).await
    }
}

const KILLED: i32 = 9;

/// Microsoft has answered, and nothing more happens here: the sign-in goes on with the token before,
/// or with the newer one, and the next renewal is made.
#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_that_is_killed_loses_no_token() {
    for (child, stored) in [
        ("processes::child_dies_before_it_stores", false),
        ("processes::child_dies_when_it_has_stored", true),
    ] {
        let shared = Shared::new().await;
        let first = shared.refresh_token().await;
        shared.bench.clock.advance(WEEK);
        shared.bench.fake.reset_requests();
        let output = shared.process(child).wait_with_output().await.unwrap();
        assert_eq!(output.status.code(), Some(KILLED), "{}", String::from_utf8_lossy(&output.stdout));
        assert_eq!(shared.token_requests(), 1, "Microsoft had answered");
        assert_eq!(shared.refresh_token().await != first, stored, "{child}");

        // The dead process has the right a while longer, but the sign-in works meanwhile.
        let app = shared.app();
        assert!(matches!(app.renew(workspace(1), WEEK).await.unwrap(), Renewed::AtWork { .. }), "{child}");
        assert_eq!(app.validate_direct(workspace(1)).await.unwrap().managed_tenants, 2);
        let before = shared.refresh_token().await;
        shared.bench.clock.advance(SignedDuration::from_secs(121));
        assert!(matches!(app.renew(workspace(1), WEEK).await.unwrap(), Renewed::Done { .. }), "{child}");
        assert_ne!(shared.refresh_token().await, before, "{child}");
        assert!(matches!(app.renew(workspace(1), WEEK).await.unwrap(), Renewed::NotDue { .. }), "{child}");
    }
}

async fn die(writes: bool) {
    let (app, clock) = connect_of_a_function().await;
    let folder = runtime::settings::Settings::from_environment().unwrap().secrets.filesystem_path;
    let files = FilesystemProvider::new(folder);
    let app = Connect { secrets: chain(Arc::new(Deadly { files, writes }), &clock), ..app };
    app.renew(workspace(1), WEEK).await.unwrap();
}

#[tokio::test]
#[ignore = "run by a_renewal_that_is_killed_loses_no_token"]
async fn child_dies_before_it_stores() {
    die(false).await;
}

#[tokio::test]
#[ignore = "run by a_renewal_that_is_killed_loses_no_token"]
async fn child_dies_when_it_has_stored() {
    die(true).await;
}
