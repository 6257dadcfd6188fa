//! What the folder looks like, and what it may look like.

use std::{fs, path::Path};

use secrets::{Family, FilesystemProvider, Provider, Scope, SecretError, key};

use crate::{CANARY, document, scope};

const WORKSPACE: &str = "tenants/00000000-0000-0000-0000-000000000001";

fn put(base: &Path, path: &str, text: &str) {
    let path = base.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[tokio::test]
async fn the_psas_single_values_are_read_until_a_document_replaces_them() {
    let folder = tempfile::tempdir().unwrap();
    let provider = FilesystemProvider::new(folder.path());
    put(folder.path(), &format!("{WORKSPACE}/{}", key::DIRECT_REFRESH_TOKEN), "r1\n");
    put(folder.path(), &format!("{WORKSPACE}/{}", key::DIRECT_TOKEN_SCOPE), "  ");
    put(folder.path(), "AUTH_JWT_SECRET", "s1");

    let stored = provider.read(scope(1), Family::EntraDirect).await.unwrap().unwrap();
    assert_eq!(stored.document.names().collect::<Vec<_>>(), [key::DIRECT_REFRESH_TOKEN]);
    assert_eq!(stored.document.plain(key::DIRECT_REFRESH_TOKEN), Some("r1"));
    let app = provider.read(Scope::App, Family::Service).await.unwrap().unwrap();
    assert_eq!(app.document.plain(key::AUTH_JWT_SECRET), Some("s1"));
    assert!(provider.read(scope(2), Family::EntraDirect).await.unwrap().is_none());

    let next = document(&[(key::DIRECT_REFRESH_TOKEN, "r2")]);
    provider.write(scope(1), Family::EntraDirect, &next, Some(&stored.version)).await.unwrap();
    let stored = provider.read(scope(1), Family::EntraDirect).await.unwrap().unwrap();
    assert_eq!(stored.document.plain(key::DIRECT_REFRESH_TOKEN), Some("r2"));

    provider.delete(scope(1), Family::EntraDirect).await.unwrap();
    assert!(provider.read(scope(1), Family::EntraDirect).await.unwrap().is_none());
    assert!(!folder.path().join(WORKSPACE).join(key::DIRECT_REFRESH_TOKEN).exists());
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_look() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().join("secrets");
    let provider = FilesystemProvider::new(&base);
    provider.write(scope(1), Family::EntraDirect, &document(&[("k", "v")]), None).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&base), 0o700);
    assert_eq!(mode(&base.join(WORKSPACE)), 0o700);
    for file in fs::read_dir(base.join(WORKSPACE)).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
}

#[tokio::test]
async fn what_a_dead_writer_left_is_in_nobodys_way() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), &format!("{WORKSPACE}/.entra-direct.new"), "{\"half");
    put(folder.path(), &format!("{WORKSPACE}/.entra-direct.lock"), "");
    let provider = FilesystemProvider::new(folder.path());
    assert!(provider.read(scope(1), Family::EntraDirect).await.unwrap().is_none());
    provider.write(scope(1), Family::EntraDirect, &document(&[("k", "v")]), None).await.unwrap();
    assert!(provider.read(scope(1), Family::EntraDirect).await.unwrap().is_some());
}

#[tokio::test]
async fn two_processes_cannot_both_win() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (FilesystemProvider::new(folder.path()), FilesystemProvider::new(folder.path()));
    let (a, b) = (document(&[("k", "a")]), document(&[("k", "b")]));
    let (first, second) = tokio::join!(
        one.write(scope(1), Family::EntraDirect, &a, None),
        two.write(scope(1), Family::EntraDirect, &b, None),
    );
    assert_ne!(first.is_ok(), second.is_ok());
}

#[tokio::test]
async fn damage_is_an_error_and_never_absence() {
    let folder = tempfile::tempdir().unwrap();
    let provider = FilesystemProvider::new(folder.path());
    put(
        folder.path(),
        &format!("{WORKSPACE}/entra-direct.json"),
        &format!("{{\"k\":{{\"v\":\"{CANARY}\"}}}}"),
    );
    let error = provider.read(scope(1), Family::EntraDirect).await.unwrap_err();
    assert!(matches!(error, SecretError::Malformed { .. }), "{error}");
    assert_eq!(error.code(), "secret_malformed");
    assert!(!format!("{error:?} {error}").contains(CANARY));

    fs::create_dir_all(folder.path().join("app/service.json")).unwrap();
    let error = provider.read(Scope::App, Family::Service).await.unwrap_err();
    assert!(matches!(error, SecretError::Unavailable { .. }), "{error}");
}
