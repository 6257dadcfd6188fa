//! The promises of the secret chain and of its providers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod canary;
mod chain;
mod conformance;
mod fake_vault;
mod filesystem;
mod scripted;
mod secrets_manager;
mod vault;

use std::sync::Once;

use domain::ids::WorkspaceId;
use secrets::{Document, Scope};

/// The text that must never show up anywhere.
const CANARY: &str = "CANARY-7f1e2a3b";

fn client() -> reqwest::Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

fn workspace(number: u128) -> WorkspaceId {
    WorkspaceId::new(uuid::Uuid::from_u128(number))
}

fn scope(number: u128) -> Scope {
    Scope::Workspace(workspace(number))
}

fn document(members: &[(&str, &str)]) -> Document {
    members.iter().fold(Document::new(), |document, (key, value)| document.with(key, value))
}
