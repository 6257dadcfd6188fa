//! Secret documents, as somebody may have edited or cut them.

use std::{fs, path::PathBuf, sync::Arc};

use ambient::SystemClock;
use domain::ids::WorkspaceId;
use jiff::SignedDuration;
use proptest::prelude::*;
use secrecy::ExposeSecret;
use secrets::{
    CippSecret, DirectTokens, Document, Environment, Family, FilesystemProvider, Provider, ProviderName,
    Scope, SecretChain, SecretError, WorkspaceSecret,
};
use serde_json::{Value, json};
use tests::spoil::{Spoiled, spoiled};
use uuid::Uuid;

use crate::trees::{any_bytes, any_json};

/// In every secret, so that it is found wherever it should not be.
const CANARY: &str = "canary";

fn tokens() -> Value {
    json!({ "entra_direct_access_token": "canary-access", "entra_direct_refresh_token": "canary-refresh",
        "entra_direct_token_expires_at": "2026-03-02T08:00:00Z", "entra_direct_token_scope": "openid",
        "entra_direct_partner_tenant_id": "0a1b2c3d-0b1f-4c3a-9d2e-7f1e2a3b4c5d" })
}

fn cipp() -> Value {
    json!({ "entra_cipp_base_url": "https://cipp.example", "entra_cipp_client_id": "canary-app",
        "entra_cipp_client_secret": "canary-secret",
        "entra_cipp_tenant_id": "0a1b2c3d-0b1f-4c3a-9d2e-7f1e2a3b4c5d" })
}

fn read(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Document::from_json(text) {
        Ok(document) => assert!(!format!("{document:?}").contains(CANARY)),
        Err(error) => assert!(!error.to_string().contains(CANARY), "{error}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_and_any_json_have_a_result(bytes in any_bytes(), body in any_json()) {
        read(&bytes);
        read(body.to_string().as_bytes());
    }
}

/// A folder with one document in it.
struct Kept {
    chain: SecretChain,
    file: PathBuf,
    workspace: WorkspaceId,
    _folder: tempfile::TempDir,
}

impl Kept {
    async fn new(family: Family) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let provider = Arc::new(FilesystemProvider::new(folder.path()));
        let workspace = WorkspaceId::new(Uuid::from_u128(1));
        let document = Document::new().with("entra_direct_refresh_token", "x");
        provider.write(Scope::Workspace(workspace), family, &document, None).await.unwrap();
        let below = folder.path().join("tenants").join(workspace.to_string());
        let files = fs::read_dir(below).unwrap().map(|entry| entry.unwrap().path());
        let file = files.into_iter().find(|path| path.extension().is_some_and(|end| end == "json")).unwrap();
        let chain = SecretChain::new(
            vec![provider as Arc<dyn Provider>],
            ProviderName::Filesystem,
            Environment::default(),
            Arc::new(SystemClock),
            SignedDuration::ZERO,
        );
        Self { chain: chain.unwrap(), file, workspace, _folder: folder }
    }
}

/// A damaged document is the secrets that are left in it, no secrets, or named as damaged; what it held is
/// in no error.
#[tokio::test]
async fn a_spoiled_document_has_a_result_that_tells_no_secret() {
    let kept = Kept::new(Family::EntraDirect).await;
    for Spoiled { how, bytes, place } in spoiled(&tokens()).step_by(2) {
        fs::write(&kept.file, &bytes).unwrap();
        match DirectTokens::read_fresh(&kept.chain, kept.workspace).await {
            Ok(Some((found, _))) if place.as_deref() != Some("/entra_direct_refresh_token") => {
                assert_eq!(found.refresh_token.expose_secret(), "canary-refresh", "{how}");
            }
            Ok(_) => {}
            Err(error) => told(&how, &error),
        }
    }
    let kept = Kept::new(Family::EntraCipp).await;
    for Spoiled { how, bytes, .. } in spoiled(&cipp()).step_by(2) {
        fs::write(&kept.file, &bytes).unwrap();
        if let Err(error) = CippSecret::read_fresh(&kept.chain, kept.workspace).await {
            told(&how, &error);
        }
    }
}

fn told(how: &str, error: &SecretError) {
    let text = format!("{} {error:?}", runtime::telemetry::ErrorChain(error));
    assert!(!text.contains(CANARY), "{how}: {text}");
    assert!(
        matches!(error, SecretError::Malformed { .. } | SecretError::Unavailable { .. }),
        "{how}: {text}"
    );
}
