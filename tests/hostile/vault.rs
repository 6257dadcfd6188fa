//! Answers of a Vault, or of whatever stands where one is expected.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Router, body::Body, extract::State, http::StatusCode, response::IntoResponse};
use domain::ids::WorkspaceId;
use runtime::http::{Limits, client};
use secrets::{
    Document, Family, Provider, Scope, SecretError, VaultPath, VaultProvider, VaultSettings, VaultToken,
};
use serde_json::{Value, json};
use tests::spoil::{Spoiled, spoiled};
use tokio::net::TcpListener;
use uuid::Uuid;

const CANARY: &str = "canary";

/// What is answered to everything: a status and a body.
type Script = Arc<Mutex<(u16, Vec<u8>)>>;

async fn scripted(State(script): State<Script>) -> impl IntoResponse {
    let (status, body) = script.lock().unwrap_or_else(PoisonError::into_inner).clone();
    (StatusCode::from_u16(status).unwrap(), body)
}

async fn serve(router: Router) -> VaultProvider {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let path = |text: &str| VaultPath::parse(text).unwrap();
    let token = VaultToken::Given("canary-token".into());
    let settings =
        VaultSettings { address, namespace: None, mount: path("secret"), prefix: path("entra"), token };
    VaultProvider::new(client(Limits::default()).unwrap(), settings)
}

fn kept() -> Value {
    json!({ "data": { "data": { "entra_direct_refresh_token": "canary-refresh" },
        "metadata": { "version": 3, "destroyed": false } } })
}

/// A damaged answer is the secret, none, or a failure that quotes nothing; a secret that was there is never
/// taken for one that never was.
#[tokio::test]
async fn a_spoiled_answer_of_vault_has_a_result_that_tells_no_secret() {
    let script = Script::default();
    let vault = serve(Router::new().fallback(scripted).with_state(Arc::clone(&script))).await;
    let scope = Scope::Workspace(WorkspaceId::new(Uuid::from_u128(1)));
    let refused = json!({ "errors": ["canary: permission denied"] });
    let (mut read, mut failed) = (0, 0);
    for (status, sample) in [(200, kept()), (403, refused.clone()), (404, kept()), (500, refused)] {
        for Spoiled { how, bytes, .. } in spoiled(&sample).step_by(3) {
            *script.lock().unwrap() = (status, bytes);
            let told = |error: &SecretError| {
                let text = format!("{} {error:?}", runtime::telemetry::ErrorChain(error));
                assert!(!text.contains(CANARY), "{status}: {how}: {text}");
                assert!(catalogue::entries().any(|entry| entry.code == error.code()), "{}", error.code());
            };
            match vault.read(scope, Family::EntraDirect).await {
                Ok(Some(stored)) => {
                    read += 1;
                    assert!(status == 200 && !format!("{stored:?}").contains(CANARY), "{status}: {how}");
                }
                Ok(None) => assert!(matches!(status, 200 | 404), "{status}: {how}"),
                Err(error) => {
                    failed += 1;
                    told(&error);
                }
            }
            let document = Document::new().with("entra_direct_refresh_token", "canary-new");
            if let Err(error) = vault.write(scope, Family::EntraDirect, &document, None).await {
                told(&error);
            }
        }
    }
    assert!(read > 5 && failed > 200, "{read} {failed}");
}

#[tokio::test]
async fn an_answer_of_vault_without_end_is_not_read() {
    let blanks = || Ok::<_, Infallible>(" ".repeat(64 * 1024));
    let endless = move || async move { Body::from_stream(futures::stream::repeat_with(blanks)) };
    let vault = serve(Router::new().fallback(endless)).await;
    let error = vault.read(Scope::App, Family::Service).await.unwrap_err();
    assert!(matches!(error, SecretError::Unavailable { .. }), "{error:?}");
    assert!(
        runtime::telemetry::ErrorChain(&error).to_string().contains("larger than any secret"),
        "{error:?}"
    );
}
