//! Secrets in the process' own memory, for tests and simulation.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;

use crate::{Document, Family, Provider, ProviderName, Scope, SecretError, Stored, Version};

/// Keeps documents until the process ends.
#[derive(Debug)]
pub struct MemoryProvider {
    name: ProviderName,
    documents: Mutex<BTreeMap<(Scope, Family), Document>>,
}

impl MemoryProvider {
    /// A provider that keeps nothing yet.
    pub fn new() -> Self {
        Self::standing_in_for(ProviderName::Memory)
    }

    /// The same under another provider's name, for what depends on the names in a chain.
    pub fn standing_in_for(name: ProviderName) -> Self {
        Self { name, documents: Mutex::default() }
    }

    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<(Scope, Family), Document>) -> T) -> T {
        work(&mut self.documents.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Default for MemoryProvider {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Provider for MemoryProvider {
    fn name(&self) -> ProviderName {
        self.name
    }

    async fn read(&self, scope: Scope, family: Family) -> Result<Option<Stored>, SecretError> {
        let document = self.with(|documents| documents.get(&(scope, family)).cloned());
        let document = document.filter(|document| !document.is_empty());
        Ok(document.map(|document| Stored { version: Version::of_contents(self.name, &document), document }))
    }

    async fn write(
        &self,
        scope: Scope,
        family: Family,
        document: &Document,
        expected: Option<&Version>,
    ) -> Result<Version, SecretError> {
        let provider = self.name;
        self.with(|documents| {
            let current = documents.get(&(scope, family)).filter(|document| !document.is_empty());
            let current = current.map(|document| Version::of_contents(provider, document));
            if current.as_ref() != expected {
                return Err(SecretError::Conflict { provider, scope, family });
            }
            documents.insert((scope, family), document.clone());
            Ok(Version::of_contents(provider, document))
        })
    }

    async fn delete(&self, scope: Scope, family: Family) -> Result<(), SecretError> {
        self.with(|documents| documents.remove(&(scope, family)));
        Ok(())
    }
}
