//! Where the secrets of a connection are kept, when that place does not give or take them as it should.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use axum::http::StatusCode;
use jiff::SignedDuration;
use secrets::{
    Document, EnvProvider, Environment, Family, FilesystemProvider, MemoryProvider, Provider, ProviderName,
    Scope, SecretChain, SecretError, Stored, Version, key,
};

use crate::bench::{Bench, VALIDATE_CIPP, workspace};

/// Secrets that somebody else writes anew whenever this service is about to.
#[derive(Default)]
struct Contended {
    memory: MemoryProvider,
    writes: AtomicU64,
}

#[async_trait]
impl Provider for Contended {
    fn name(&self) -> ProviderName {
        self.memory.name()
    }

    async fn read(&self, scope: Scope, family: Family) -> Result<Option<Stored>, SecretError> {
        self.memory.read(scope, family).await
    }

    async fn write(
        &self,
        scope: Scope,
        family: Family,
        document: &Document,
        expected: Option<&Version>,
    ) -> Result<Version, SecretError> {
        let number = self.writes.fetch_add(1, Ordering::Relaxed);
        let theirs = Document::new().with(key::CIPP_API_TOKEN, &format!("token {number} of somebody else"));
        let now = self.memory.read(scope, family).await?.map(|stored| stored.version);
        self.memory.write(scope, family, &theirs, now.as_ref()).await?;
        self.memory.write(scope, family, document, expected).await
    }

    async fn delete(&self, scope: Scope, family: Family) -> Result<(), SecretError> {
        self.memory.delete(scope, family).await
    }
}

/// What the process was started with for workspace 1.
fn environment(variables: &[(&str, &str)]) -> Arc<dyn Provider> {
    let named = |name: &str| format!("TENANT_{}_{name}", workspace(1));
    let variables = variables.iter().map(|(name, value)| (named(name), (*value).to_owned()));
    Arc::new(EnvProvider::new(Environment::new(variables.collect()), ""))
}

/// Providers in this order, of which the last one is written.
fn chain(bench: &Bench, providers: Vec<Arc<dyn Provider>>) -> SecretChain {
    let writer = providers.last().unwrap().name();
    let (clock, lifetime) = (Arc::new(bench.clock.clone()), SignedDuration::from_secs(30));
    SecretChain::new(providers, writer, Environment::default(), clock, lifetime).unwrap()
}

#[tokio::test]
async fn a_connection_whose_secret_is_not_taken_is_not_made_and_it_is_said_why() {
    let fault = StatusCode::INTERNAL_SERVER_ERROR;
    for (code, status) in [
        ("secret_store_read_only", fault),
        ("secret_shadowed", fault),
        ("secret_conflict", StatusCode::SERVICE_UNAVAILABLE),
    ] {
        let bench = Bench::new().await;
        let providers: Vec<Arc<dyn Provider>> = match code {
            "secret_store_read_only" => vec![environment(&[])],
            "secret_shadowed" => {
                let hides = environment(&[(key::CIPP_API_TOKEN, "a token of the environment")]);
                vec![hides, Arc::new(MemoryProvider::new())]
            }
            _ => vec![Arc::new(Contended::default())],
        };
        let secrets = chain(&bench, providers);
        let bench = bench.keeping_secrets_in(secrets);
        let answer = bench.connect_cipp(&bench.cipp_client()).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code));
        let body = answer.json();
        assert!(body["error"].as_str().unwrap().contains("contacts stay as they are"), "{body}");
        assert!(body["remedy"].as_str().unwrap().ends_with('.'), "{body}");
        assert!(bench.connection().await.is_none(), "{code}: nothing was connected");
    }
}

/// A damaged secret is no reason to stay without a connection: whoever connects again writes a new one.
#[tokio::test]
async fn a_secret_that_somebody_has_spoiled_is_told_until_it_is_connected_again() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::new().await;
    assert_eq!(bench.connect_cipp(&bench.cipp_client()).await.status, StatusCode::OK);
    let secrets = chain(&bench, vec![Arc::new(FilesystemProvider::new(folder.path()))]);
    let bench = bench.keeping_secrets_in(secrets);
    let of_workspace = folder.path().join("tenants").join(workspace(1).to_string());
    fs::create_dir_all(&of_workspace).unwrap();
    fs::write(of_workspace.join("entra-cipp.json"), "{\"entra_cipp_base_url\":").unwrap();

    let answer = bench.ask("POST", VALIDATE_CIPP, "").await;
    let expected = (StatusCode::INTERNAL_SERVER_ERROR, "secret_malformed");
    assert_eq!((answer.status, answer.code().as_str()), expected);
    assert!(!answer.body.contains("entra_cipp_base_url"), "{}", answer.body);

    assert_eq!(bench.connect_cipp(&bench.cipp_client()).await.status, StatusCode::OK);
    assert_eq!(bench.ask("POST", VALIDATE_CIPP, "").await.status, StatusCode::OK);
}
