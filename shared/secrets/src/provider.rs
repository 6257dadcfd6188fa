//! The port: one place that keeps secret documents.

use std::fmt;

use async_trait::async_trait;

use crate::{Document, Family, Scope, SecretError};

/// Which provider.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ProviderName {
    /// The variables the process was started with; cannot be written.
    Env,
    /// Files below one folder.
    Filesystem,
    /// The process' own memory; for tests and simulation, not to be had by configuration.
    Memory,
    /// AWS Secrets Manager.
    SecretsManager,
    /// HashiCorp Vault or OpenBao.
    Vault,
}

impl ProviderName {
    /// The name in settings, logs and errors.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Env => "env",
            Self::Filesystem => "filesystem",
            Self::Memory => "memory",
            Self::SecretsManager => "secretsmanager",
            Self::Vault => "vault",
        }
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which state of a document was read. Opaque: only good for handing it back when writing, and
/// only equal to the version of the same state in the same provider.
#[derive(Clone, Eq, PartialEq)]
pub struct Version {
    pub(crate) provider: ProviderName,
    pub(crate) tag: String,
}

impl Version {
    /// The version of a document in a provider that numbers nothing: its contents. A document
    /// that was changed and changed back is the same state, which is harmless, because a writer
    /// that saw it saw exactly what it replaces.
    pub(crate) fn of_contents(provider: ProviderName, document: &Document) -> Self {
        Self { provider, tag: document.digest() }
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The tag may be a digest of secrets: not something to show.
        write!(f, "Version({})", self.provider)
    }
}

/// A document and the state it was read in.
#[derive(Clone, Debug)]
pub struct Stored {
    /// What is kept.
    pub document: Document,
    /// To be handed back when writing.
    pub version: Version,
}

/// One place that keeps secret documents.
///
/// All providers pass the same conformance suite (`tests/conformance.rs`).
#[async_trait]
pub trait Provider: Send + Sync {
    /// Which one this is.
    fn name(&self) -> ProviderName;

    /// The document, or none when there is none; one without members is none. A provider that keeps one value per key makes
    /// a document of the keys it has.
    ///
    /// # Errors
    /// [`SecretError::Unavailable`] and [`SecretError::Malformed`].
    async fn read(&self, scope: Scope, family: Family) -> Result<Option<Stored>, SecretError>;

    /// Replaces the document if its state is still `expected` (none: if there is no document),
    /// wholly or not at all.
    ///
    /// # Errors
    /// [`SecretError::Conflict`] when the state is another one: the caller reads again and
    /// decides again. [`SecretError::ReadOnly`] and [`SecretError::Unavailable`].
    async fn write(
        &self,
        scope: Scope,
        family: Family,
        document: &Document,
        expected: Option<&Version>,
    ) -> Result<Version, SecretError>;

    /// Removes the document in whatever state it is; removing what is not there is fine.
    ///
    /// # Errors
    /// [`SecretError::ReadOnly`] and [`SecretError::Unavailable`].
    async fn delete(&self, scope: Scope, family: Family) -> Result<(), SecretError>;
}
