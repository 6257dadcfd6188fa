//! One suite over every provider that can be written.

use std::sync::Arc;

use secrets::{
    Family, FilesystemProvider, MemoryProvider, Provider, Scope, SecretError, SecretsManagerProvider, key,
};

use crate::{document, fake_vault::FakeVault, scope, scripted::FakeSecretsManager};

const FAMILY: Family = Family::EntraDirect;

#[tokio::test]
async fn memory() {
    suite(|| Arc::new(MemoryProvider::new())).await;
}

#[tokio::test]
async fn filesystem() {
    let folder = tempfile::tempdir().unwrap();
    let mut number = 0;
    suite(|| {
        number += 1;
        Arc::new(FilesystemProvider::new(folder.path().join(format!("{number}/not/yet/there"))))
    })
    .await;
}

#[tokio::test]
async fn secrets_manager() {
    suite(|| {
        let client = FakeSecretsManager::default().client();
        Arc::new(SecretsManagerProvider::new(client, "entra-sync"))
    })
    .await;
}

#[tokio::test]
async fn vault() {
    suite(|| Arc::new(FakeVault::start().provider())).await;
}

/// `provider` makes one that keeps nothing yet.
async fn suite(mut provider: impl FnMut() -> Arc<dyn Provider>) {
    what_is_written_is_read(provider().as_ref()).await;
    documents_are_apart(provider().as_ref()).await;
    a_write_needs_the_current_state(provider().as_ref()).await;
    a_removed_document_is_gone_and_may_come_back(provider().as_ref()).await;
    a_version_does_not_outlive_a_removal(provider().as_ref()).await;
    a_document_without_members_is_none(provider().as_ref()).await;
    one_of_many_writers_wins(provider()).await;
}

async fn what_is_written_is_read(provider: &dyn Provider) {
    assert!(provider.read(scope(1), FAMILY).await.unwrap().is_none());
    let first = document(&[(key::DIRECT_REFRESH_TOKEN, "r\"1\u{e9}"), ("other", "kept")]);
    let written = provider.write(scope(1), FAMILY, &first, None).await.unwrap();
    let stored = provider.read(scope(1), FAMILY).await.unwrap().unwrap();
    assert_eq!(stored.version, written);
    assert_eq!(stored.document.plain(key::DIRECT_REFRESH_TOKEN), Some("r\"1\u{e9}"));
    assert_eq!(stored.document.plain("other"), Some("kept"));

    // The whole document is replaced, not merged.
    let second = document(&[(key::DIRECT_REFRESH_TOKEN, "r2")]);
    let written = provider.write(scope(1), FAMILY, &second, Some(&stored.version)).await.unwrap();
    let stored = provider.read(scope(1), FAMILY).await.unwrap().unwrap();
    assert_eq!(stored.version, written);
    assert_eq!(stored.document.names().collect::<Vec<_>>(), [key::DIRECT_REFRESH_TOKEN]);
}

async fn documents_are_apart(provider: &dyn Provider) {
    let places = [
        (scope(1), Family::EntraDirect),
        (scope(2), Family::EntraDirect),
        (scope(1), Family::EntraCipp),
        (scope(1), Family::MicrosoftApp),
        (Scope::App, Family::MicrosoftApp),
        (Scope::App, Family::Service),
    ];
    for (number, (scope, family)) in places.into_iter().enumerate() {
        let document = document(&[("number", &number.to_string())]);
        provider.write(scope, family, &document, None).await.unwrap();
    }
    provider.delete(scope(1), Family::EntraCipp).await.unwrap();
    for (number, (scope, family)) in places.into_iter().enumerate() {
        let stored = provider.read(scope, family).await.unwrap();
        let number = (family != Family::EntraCipp).then(|| number.to_string());
        assert_eq!(stored.as_ref().and_then(|it| it.document.plain("number")), number.as_deref());
    }
}

async fn a_write_needs_the_current_state(provider: &dyn Provider) {
    let conflict = |result: Result<_, SecretError>| matches!(result, Err(SecretError::Conflict { .. }));
    let (a, b) = (document(&[("k", "a")]), document(&[("k", "b")]));
    let first = provider.write(scope(1), FAMILY, &a, None).await.unwrap();
    assert!(conflict(provider.write(scope(1), FAMILY, &b, None).await), "there is one already");
    let second = provider.write(scope(1), FAMILY, &b, Some(&first)).await.unwrap();
    let stale = document(&[("k", "c")]);
    assert!(conflict(provider.write(scope(1), FAMILY, &stale, Some(&first)).await), "an old state");
    assert!(conflict(provider.write(scope(2), FAMILY, &stale, Some(&second)).await), "nothing is there");
    let stored = provider.read(scope(1), FAMILY).await.unwrap().unwrap();
    assert_eq!((stored.document.plain("k"), stored.version), (Some("b"), second));
}

async fn a_removed_document_is_gone_and_may_come_back(provider: &dyn Provider) {
    provider.delete(scope(1), FAMILY).await.unwrap();
    provider.write(scope(1), FAMILY, &document(&[("k", "a")]), None).await.unwrap();
    provider.delete(scope(1), FAMILY).await.unwrap();
    assert!(provider.read(scope(1), FAMILY).await.unwrap().is_none());
    provider.write(scope(1), FAMILY, &document(&[("k", "b")]), None).await.unwrap();
    assert!(provider.read(scope(1), FAMILY).await.unwrap().is_some());
}

/// A refresh that began before a disconnect must not overwrite the connection made after it.
async fn a_version_does_not_outlive_a_removal(provider: &dyn Provider) {
    let old = provider.write(scope(1), FAMILY, &document(&[("k", "old")]), None).await.unwrap();
    provider.delete(scope(1), FAMILY).await.unwrap();
    let late = document(&[("k", "late")]);
    assert!(provider.write(scope(1), FAMILY, &late, Some(&old)).await.is_err());
    provider.write(scope(1), FAMILY, &document(&[("k", "new")]), None).await.unwrap();
    assert!(provider.write(scope(1), FAMILY, &late, Some(&old)).await.is_err());
    let stored = provider.read(scope(1), FAMILY).await.unwrap().unwrap();
    assert_eq!(stored.document.plain("k"), Some("new"));
}

async fn a_document_without_members_is_none(provider: &dyn Provider) {
    provider.write(scope(1), FAMILY, &document(&[]), None).await.unwrap();
    assert!(provider.read(scope(1), FAMILY).await.unwrap().is_none());
    provider.write(scope(1), FAMILY, &document(&[("k", "a")]), None).await.unwrap();
    assert!(provider.read(scope(1), FAMILY).await.unwrap().is_some());
}

async fn one_of_many_writers_wins(provider: Arc<dyn Provider>) {
    let first = provider.write(scope(1), FAMILY, &document(&[("k", "0")]), None).await.unwrap();
    let writers: Vec<_> = (1..=8)
        .map(|number: u32| {
            let (provider, first) = (Arc::clone(&provider), first.clone());
            tokio::spawn(async move {
                let document = document(&[("k", &number.to_string())]);
                provider.write(scope(1), FAMILY, &document, Some(&first)).await.map(|_| number)
            })
        })
        .collect();
    let mut winners = Vec::new();
    for writer in writers {
        match writer.await.unwrap() {
            Ok(number) => winners.push(number),
            Err(error) => assert!(matches!(error, SecretError::Conflict { .. }), "{error}"),
        }
    }
    let stored = provider.read(scope(1), FAMILY).await.unwrap().unwrap();
    assert_eq!(winners.len(), 1);
    assert_eq!(stored.document.plain("k"), Some(winners[0].to_string().as_str()));
}
