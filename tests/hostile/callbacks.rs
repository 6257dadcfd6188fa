//! What a browser may bring back from a sign-in, or whoever sends it.

use std::sync::Arc;

use ambient::{Clock, SystemClock, SystemEntropy};
use aws_sdk_dynamodb::config::SharedHttpClient;
use connect::{Connect, Purpose};
use directory::{CippHttp, CippSettings, GraphSettings, cipp::Destinations};
use domain::ids::WorkspaceId;
use embedded::Engine;
use jiff::SignedDuration;
use proptest::prelude::*;
use runtime::http::{Limits, builder, client};
use secrets::{
    Document, Environment, Family, MemoryProvider, Provider, ProviderName, Scope, SecretChain, key,
};
use store::{Store, client_over};
use tokio::runtime::{Builder, Runtime};
use url::Url;
use uuid::Uuid;

/// A sign-in waits, at a Microsoft that nobody reaches.
struct Waiting {
    runtime: Runtime,
    app: Connect,
    state: String,
}

impl Waiting {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let (app, state) = runtime.block_on(async {
            let store =
                Store::new(client_over(SharedHttpClient::new(Engine::in_memory().unwrap())), "contacts");
            store.create_table_if_absent().await.unwrap();
            let clock: Arc<dyn Clock> = Arc::new(SystemClock);
            let memory = Arc::new(MemoryProvider::new());
            let workspace = WorkspaceId::new(Uuid::from_u128(1));
            let document = Document::new()
                .with(key::MICROSOFT_CLIENT_ID, "app")
                .with(key::MICROSOFT_CLIENT_SECRET, "secret")
                .with(key::MICROSOFT_TENANT_ID, "msp.example");
            memory.write(Scope::Workspace(workspace), Family::MicrosoftApp, &document, None).await.unwrap();
            let chain = SecretChain::new(
                vec![memory as Arc<dyn Provider>],
                ProviderName::Memory,
                Environment::default(),
                Arc::clone(&clock),
                SignedDuration::from_secs(30),
            );
            let nowhere: Url = "http://127.0.0.1:9".parse().unwrap();
            let http = CippHttp::new(|| builder(Limits::default()));
            let app = Connect {
                store,
                secrets: Arc::new(chain.unwrap()),
                http: client(Limits::default()).unwrap(),
                graph: GraphSettings::new(&nowhere, nowhere.clone()).unwrap(),
                cipp: CippSettings::new(http, Destinations::PublicOnly),
                redirect_base: "https://psa.example".parse().unwrap(),
                settings_page: "https://psa.example".parse().unwrap(),
                clock,
                entropy: Arc::new(SystemEntropy),
            };
            let begun = app.begin_login(workspace, None, Purpose::default()).await.unwrap();
            let state =
                begun.auth_url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
            (app, state)
        });
        Self { runtime, app, state }
    }

    /// The code that `query` ends with; never a connection, and never text of the query's own.
    fn code(&self, query: &str) -> &'static str {
        let completion = self.runtime.block_on(self.app.complete_login(query, Some("some session")));
        let error = completion.outcome.map(|_| ()).unwrap_err();
        assert!(catalogue::entries().any(|entry| entry.code == error.code()), "{}", error.code());
        let told = format!("{error:?} {error} {} {}", error.what_happened(), error.remedy());
        assert!(!told.contains("canary"), "{query}: {told}");
        error.code()
    }
}

const PIECES: [&str; 22] = [
    "code=canary",
    "code=",
    "code",
    "CODE=canary",
    "state=",
    "error=access_denied",
    "error=canary",
    "error=",
    "error_description=AADSTS50076%3A+canary",
    "session_state=x",
    "iss=y",
    "&",
    "&&",
    "=",
    "%",
    "%00",
    "%ff=%fe",
    "+",
    "code[]=canary",
    "code=%F0%9F%98%80",
    "state=%2E%2E",
    ";",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_query_ends_in_a_code(
        text in prop::collection::vec(".{0,80}", 8),
        pieces in prop::collection::vec(prop::collection::vec(prop::sample::select(&PIECES[..]), 0..6), 8),
    ) {
        let waiting = Waiting::new();
        for text in text.into_iter().chain(pieces.iter().map(|pieces| pieces.join("&"))) {
            waiting.code(&text);
            waiting.code(&format!("code=canary&state={text}"));
        }
    }
}

/// Each time it is another one until the last byte: nothing is used up before it is whole.
#[test]
fn a_callback_that_is_cut_anywhere_uses_nothing_up() {
    let waiting = Waiting::new();
    let whole = format!("code=canary&session_state=x&state={}", waiting.state);
    for length in 0..whole.len() {
        let code = waiting.code(&whole[..length]);
        assert!(matches!(code, "missing_params" | "invalid_state"), "cut after {length} bytes: {code}");
    }
    assert_eq!(waiting.code(&whole), "session_mismatch", "it was still there");
    assert_eq!(waiting.code(&whole), "invalid_state", "and is used up now");
}

#[test]
fn a_callback_beyond_any_size_is_refused_unread() {
    let waiting = Waiting::new();
    for long in
        ["x".repeat(9_000), "x=1&".repeat(50_000), format!("code=c&state={}", "%41".repeat(1_000_000))]
    {
        assert_eq!(waiting.code(&long), "invalid_request");
    }
    let many: Vec<String> = (0..900).map(|number| format!("x{number}=1")).collect();
    let code = waiting.code(&format!("{}&code=c&state={}", many.join("&"), waiting.state));
    assert_eq!(code, "session_mismatch", "parameters that nobody knows do no harm");
}
