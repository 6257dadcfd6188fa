//! Where secrets come from: a chain of providers chosen by configuration.
//!
//! One JSON document per (scope, family) holds everything that must change together: a token set
//! is written at once or not at all, and only by the process that read the newest one
//! ([`Version`], compare-and-set). The members of a document carry the PSA's literal key names,
//! so that a provider which keeps one value per key (the environment, the PSA's own files) is
//! read by the same names.
//!
//! Nothing here can print a secret: values are [`secrecy::SecretString`], a [`Document`] shows
//! the names of its members only, and errors carry codes and places, never contents.
//!
//! This crate does not decide who may refresh a token; single flight is a lease elsewhere. It
//! talks to no network except through the clients it is handed, to Secrets Manager and to Vault.

mod app_credentials;
mod cache;
mod chain;
mod cipp_secret;
mod configuration;
mod direct_tokens;
mod document;
mod environment;
mod error;
mod family;
mod filesystem;
mod memory;
mod provider;
mod secrets_manager;
mod vault;
mod workspace_secret;

pub use app_credentials::{AppCredentials, CredentialSource};
pub use chain::SecretChain;
pub use cipp_secret::{CippKey, CippSecret};
pub use configuration::{ChainConfiguration, InvalidChain};
pub use direct_tokens::DirectTokens;
pub use document::{Document, InvalidDocument};
pub use environment::{EnvProvider, Environment};
pub use error::SecretError;
pub use family::{Family, Scope, key};
pub use filesystem::FilesystemProvider;
pub use memory::MemoryProvider;
pub use provider::{Provider, ProviderName, Stored, Version};
pub use secrets_manager::SecretsManagerProvider;
pub use vault::{VaultPath, VaultProvider, VaultSettings, VaultToken};
pub use workspace_secret::WorkspaceSecret;
