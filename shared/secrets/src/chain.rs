//! The chain: who is asked, in which order, and who is written.

use std::{fmt, sync::Arc};

use ambient::Clock;
use jiff::SignedDuration;
use secrecy::SecretString;

use crate::{
    Document, Environment, Family, InvalidChain, Provider, ProviderName, Scope, SecretError, Stored, Version,
    cache::Cache,
};

/// All secrets, whoever keeps them.
///
/// The first provider with a usable document wins. One that fails is logged and the next one is
/// asked; but "there is none" is only said when every provider said so: an outage must not look
/// like a workspace that was never connected.
pub struct SecretChain {
    providers: Vec<Arc<dyn Provider>>,
    writer: Arc<dyn Provider>,
    pub(crate) environment: Environment,
    clock: Arc<dyn Clock>,
    cache: Cache,
}

/// May an answer be a little old?
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Age {
    Cached,
    Fresh,
}

impl SecretChain {
    /// Asks `providers` in order, writes to the one named `writer`, and keeps what was read for
    /// `time_to_live`. `environment` is where [`SecretChain::app_credentials`] looks between the
    /// workspace's secrets and the installation's.
    ///
    /// # Errors
    /// When `writer` is not among `providers`.
    pub fn new(
        providers: Vec<Arc<dyn Provider>>,
        writer: ProviderName,
        environment: Environment,
        clock: Arc<dyn Clock>,
        time_to_live: SignedDuration,
    ) -> Result<Self, InvalidChain> {
        let found = providers.iter().find(|provider| provider.name() == writer).cloned();
        let writer = found.ok_or(InvalidChain::WriterNotRead(writer))?;
        Ok(Self { providers, writer, environment, clock, cache: Cache::new(time_to_live) })
    }

    /// The document of (`scope`, `family`); may be as old as the cache allows.
    ///
    /// # Errors
    /// When no provider has one and one of them failed.
    pub async fn read(&self, scope: Scope, family: Family) -> Result<Option<Stored>, SecretError> {
        self.read_where(scope, family, |_| true).await
    }

    /// Like [`SecretChain::read`], but asks the providers themselves: for whoever is about to
    /// replace what it reads, or lost against another writer.
    ///
    /// # Errors
    /// When no provider has one and one of them failed.
    pub async fn read_fresh(&self, scope: Scope, family: Family) -> Result<Option<Stored>, SecretError> {
        self.search(scope, family, Age::Fresh, |_| true).await
    }

    /// The value of one key of (`scope`, `family`), from the first provider that has it.
    ///
    /// # Errors
    /// When no provider has it and one of them failed.
    pub async fn value(
        &self,
        scope: Scope,
        family: Family,
        key: &str,
    ) -> Result<Option<SecretString>, SecretError> {
        let stored = self.read_where(scope, family, |document| document.value(key).is_some()).await?;
        Ok(stored.and_then(|stored| stored.document.value(key).cloned()))
    }

    /// The first document that `usable` accepts. Never a mixture of two.
    pub(crate) async fn read_where(
        &self,
        scope: Scope,
        family: Family,
        usable: impl Fn(&Document) -> bool + Send,
    ) -> Result<Option<Stored>, SecretError> {
        self.search(scope, family, Age::Cached, usable).await
    }

    /// [`SecretChain::read_where`] without the cache.
    pub(crate) async fn read_fresh_where(
        &self,
        scope: Scope,
        family: Family,
        usable: impl Fn(&Document) -> bool + Send,
    ) -> Result<Option<Stored>, SecretError> {
        self.search(scope, family, Age::Fresh, usable).await
    }

    /// Replaces whatever is kept for (`scope`, `family`), also what cannot be understood.
    ///
    /// # Errors
    /// When a provider failed, or others kept writing meanwhile ([`SecretError::Conflict`]).
    pub(crate) async fn replace(
        &self,
        scope: Scope,
        family: Family,
        document: &Document,
    ) -> Result<Version, SecretError> {
        const ATTEMPTS_MAX: usize = 3;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let current = match self.read_fresh(scope, family).await {
                Err(SecretError::Malformed { .. }) => self.delete(scope, family).await.map(|()| None)?,
                current => current?.map(|stored| stored.version),
            };
            match self.write(scope, family, document, current.as_ref()).await {
                Err(SecretError::Conflict { .. }) if attempts < ATTEMPTS_MAX => {}
                result => return result,
            }
        }
    }

    /// Replaces the document of (`scope`, `family`) if nobody did since `expected` was read
    /// (none: if there was no document).
    ///
    /// # Errors
    /// [`SecretError::Conflict`] when somebody did; [`SecretError::Shadowed`] when a provider
    /// that is asked earlier has a document, so that the new one would never be read.
    pub async fn write(
        &self,
        scope: Scope,
        family: Family,
        document: &Document,
        expected: Option<&Version>,
    ) -> Result<Version, SecretError> {
        let writer = self.writer.name();
        for earlier in self.providers.iter().take_while(|provider| provider.name() != writer) {
            if earlier.read(scope, family).await?.is_some() {
                return Err(SecretError::Shadowed { by: earlier.name(), writer, scope, family });
            }
        }
        // What was read from a later provider means that the writer had nothing.
        let expected = expected.filter(|version| version.provider == writer);
        let written = self.writer.write(scope, family, document, expected).await;
        // Also after a failure: it may have been written all the same, or by somebody else.
        self.cache.forget(scope, family);
        written
    }

    /// Whether what was read is what a write would replace.
    pub(crate) fn is_of_writer(&self, version: &Version) -> bool {
        version.provider == self.writer.name()
    }

    /// Removes the document of (`scope`, `family`) from every provider that can be written.
    ///
    /// # Errors
    /// The first failure, after all were tried; [`SecretError::Shadowed`] when a provider that
    /// cannot be written still has the secrets.
    pub async fn delete(&self, scope: Scope, family: Family) -> Result<(), SecretError> {
        let mut failure = None;
        for provider in &self.providers {
            let deleted = match provider.delete(scope, family).await {
                Err(SecretError::ReadOnly(by)) => match provider.read(scope, family).await {
                    Ok(None) => Ok(()),
                    Ok(Some(_)) => {
                        Err(SecretError::Shadowed { by, writer: self.writer.name(), scope, family })
                    }
                    Err(error) => Err(error),
                },
                deleted => deleted,
            };
            failure = failure.or(deleted.err());
        }
        self.cache.forget(scope, family);
        failure.map_or(Ok(()), Err)
    }

    async fn search(
        &self,
        scope: Scope,
        family: Family,
        age: Age,
        usable: impl Fn(&Document) -> bool + Send,
    ) -> Result<Option<Stored>, SecretError> {
        let mut failure = None;
        for provider in &self.providers {
            match self.ask(provider.as_ref(), scope, family, age).await {
                Ok(Some(stored)) if usable(&stored.document) => return Ok(Some(stored)),
                Ok(_) => {}
                Err(error) => {
                    let (code, provider) = (error.code(), provider.name().name());
                    tracing::warn!(code, provider, %scope, %family, %error, "a secret provider failed");
                    failure = Some(error);
                }
            }
        }
        failure.map_or(Ok(None), Err)
    }

    async fn ask(
        &self,
        provider: &dyn Provider,
        scope: Scope,
        family: Family,
        age: Age,
    ) -> Result<Option<Stored>, SecretError> {
        let slot = (scope, family, provider.name());
        if age == Age::Cached
            && let Some(stored) = self.cache.find(slot, self.clock.now())
        {
            return Ok(Some(stored));
        }
        let generation = self.cache.generation();
        let found = provider.read(scope, family).await?;
        self.cache.keep(slot, found.as_ref(), generation, self.clock.now());
        Ok(found)
    }
}

impl fmt::Debug for SecretChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.providers.iter().map(|provider| provider.name()).collect();
        let mut shown = f.debug_struct("SecretChain");
        shown.field("read", &names).field("write", &self.writer.name()).finish_non_exhaustive()
    }
}
