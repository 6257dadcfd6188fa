//! No secret is ever shown.

use std::{fs, sync::Arc};

use ambient::VirtualClock;
use jiff::{SignedDuration, Timestamp};
use secrets::{
    DirectTokens, EnvProvider, Environment, Family, FilesystemProvider, MemoryProvider, Provider,
    ProviderName, SecretChain, SecretError, WorkspaceSecret, key,
};

use crate::{CANARY, document, scope, workspace};

#[track_caller]
fn clean(text: &str) {
    assert!(!text.contains("CANARY") && !text.contains("7f1e2a3b"), "{text}");
}

#[tokio::test]
async fn nothing_that_prints_holds_a_secret() {
    let variable = "TENANT_00000000-0000-0000-0000-000000000002_entra_cipp_api_token";
    let environment = Environment::new([(variable.to_owned(), CANARY.to_owned())].into());
    let document = document(&[(key::MICROSOFT_CLIENT_ID, "id"), (key::MICROSOFT_CLIENT_SECRET, CANARY)]);
    let memory = Arc::new(MemoryProvider::new());
    memory.write(scope(1), Family::MicrosoftApp, &document, None).await.unwrap();
    let env = Arc::new(EnvProvider::new(environment.clone(), ""));
    clean(&format!("{environment:?} {document:?} {memory:?} {env:?}"));
    assert_eq!(format!("{document:?}"), r#"{"microsoft_client_id", "microsoft_client_secret"}"#);

    let chain = SecretChain::new(
        vec![env, memory],
        ProviderName::Memory,
        environment,
        Arc::new(VirtualClock::starting_at(Timestamp::UNIX_EPOCH)),
        SignedDuration::from_secs(30),
    )
    .unwrap();
    let tokens = DirectTokens {
        access_token: Some(CANARY.into()),
        refresh_token: CANARY.into(),
        expires_at: None,
        scope: None,
        partner_tenant_id: None,
    };
    let version = tokens.save(&chain, workspace(1), None).await.unwrap();
    let read = DirectTokens::read(&chain, workspace(1)).await.unwrap();
    let credentials = chain.app_credentials(workspace(1)).await.unwrap();
    clean(&format!("{chain:?} {tokens:?} {version:?} {read:?} {credentials:?}"));
    assert_eq!(format!("{version:?}"), "Version(memory)");

    for error in [
        tokens.save(&chain, workspace(1), None).await.unwrap_err(),
        chain.delete(scope(2), Family::EntraCipp).await.unwrap_err(),
    ] {
        clean(&format!("{error:?} {error} {}", error.remedy()));
    }
}

#[tokio::test]
async fn a_damaged_file_is_not_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("tenants/00000000-0000-0000-0000-000000000001");
    fs::create_dir_all(&home).unwrap();
    for text in [
        CANARY.to_owned(),
        format!("\"{CANARY}\""),
        format!("{{\"k\":\"{CANARY}\""),
        format!("{{\"k\":[\"{CANARY}\"]}}"),
    ] {
        fs::write(home.join("entra-direct.json"), text).unwrap();
        let provider = FilesystemProvider::new(folder.path());
        let error = provider.read(scope(1), Family::EntraDirect).await.unwrap_err();
        assert!(matches!(error, SecretError::Malformed { .. }));
        let source = std::error::Error::source(&error).unwrap();
        clean(&format!("{error:?} {error} {source:?} {source}"));
    }
}
