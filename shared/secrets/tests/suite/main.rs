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

use domain::ids::WorkspaceId;
use secrets::{Document, Scope};

/// The text that must never show up anywhere.
const CANARY: &str = "CANARY-7f1e2a3b";

fn workspace(number: u128) -> WorkspaceId {
    WorkspaceId::new(uuid::Uuid::from_u128(number))
}

fn scope(number: u128) -> Scope {
    Scope::Workspace(workspace(number))
}

fn document(members: &[(&str, &str)]) -> Document {
    members.iter().fold(Document::new(), |document, (key, value)| document.with(key, value))
}
