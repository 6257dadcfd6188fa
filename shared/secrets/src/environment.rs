//! Secrets from the variables the process was started with.

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};

use crate::{Document, Family, Provider, ProviderName, Scope, SecretError, Stored, Version};

/// A snapshot of environment variables, taken once at the start; never the live environment.
#[derive(Clone, Default)]
pub struct Environment(Arc<BTreeMap<String, SecretString>>);

impl Environment {
    /// The variables by name.
    pub fn new(variables: BTreeMap<String, String>) -> Self {
        Self(Arc::new(variables.into_iter().map(|(name, value)| (name, value.into())).collect()))
    }

    /// The value of `name`, trimmed; none when that leaves nothing.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.expose_secret().trim()).filter(|value| !value.is_empty())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Environment({} variables)", self.0.len())
    }
}

/// Reads secrets of the installation from `{KEY}` and those of a workspace from
/// `{prefix}TENANT_{workspace}_{key}`.
#[derive(Debug)]
pub struct EnvProvider {
    environment: Environment,
    prefix: String,
}

impl EnvProvider {
    /// `prefix` stands before the names of workspace secrets and may be empty.
    pub fn new(environment: Environment, prefix: &str) -> Self {
        Self { environment, prefix: prefix.to_owned() }
    }

    fn value(&self, scope: Scope, key: &str) -> Option<&str> {
        let Scope::Workspace(id) = scope else {
            return self.environment.value(key);
        };
        let id = id.to_string();
        let named = |id: &str| self.environment.value(&format!("{}TENANT_{id}_{key}", self.prefix));
        // Shells and AWS Lambda refuse hyphens in the names of variables.
        named(&id).or_else(|| named(&id.replace('-', "_")))
    }
}

#[async_trait]
impl Provider for EnvProvider {
    fn name(&self) -> ProviderName {
        ProviderName::Env
    }

    async fn read(&self, scope: Scope, family: Family) -> Result<Option<Stored>, SecretError> {
        let document =
            family.keys(scope).iter().fold(Document::new(), |document, key| match self.value(scope, key) {
                Some(value) => document.with(key, value),
                None => document,
            });
        if document.is_empty() {
            return Ok(None);
        }
        let version = Version::of_contents(ProviderName::Env, &document);
        Ok(Some(Stored { document, version }))
    }

    async fn write(
        &self,
        _: Scope,
        _: Family,
        _: &Document,
        _: Option<&Version>,
    ) -> Result<Version, SecretError> {
        Err(SecretError::ReadOnly(ProviderName::Env))
    }

    async fn delete(&self, _: Scope, _: Family) -> Result<(), SecretError> {
        Err(SecretError::ReadOnly(ProviderName::Env))
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::WorkspaceId;

    use super::*;
    use crate::key;

    const WORKSPACE: &str = "5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d";

    fn provider(prefix: &str, variables: &[(&str, &str)]) -> EnvProvider {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        EnvProvider::new(Environment::new(variables.collect()), prefix)
    }

    #[tokio::test]
    async fn names_follow_the_scope() {
        let workspace = Scope::Workspace(WORKSPACE.parse().unwrap());
        let other = Scope::Workspace(WorkspaceId::new(uuid::Uuid::from_u128(1)));
        for (prefix, variable, scope, key, found) in [
            ("", "MICROSOFT_CLIENT_ID", Scope::App, key::APP_MICROSOFT_CLIENT_ID, true),
            ("P_", "MICROSOFT_CLIENT_ID", Scope::App, key::APP_MICROSOFT_CLIENT_ID, true),
            (
                "",
                "TENANT_5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d_microsoft_client_id",
                workspace,
                key::MICROSOFT_CLIENT_ID,
                true,
            ),
            (
                "",
                "TENANT_5e61cc55_0b1f_4c3a_9d2e_7f1e2a3b4c5d_microsoft_client_id",
                workspace,
                key::MICROSOFT_CLIENT_ID,
                true,
            ),
            (
                "P_",
                "P_TENANT_5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d_microsoft_client_id",
                workspace,
                key::MICROSOFT_CLIENT_ID,
                true,
            ),
            (
                "P_",
                "TENANT_5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d_microsoft_client_id",
                workspace,
                key::MICROSOFT_CLIENT_ID,
                false,
            ),
            ("", "MICROSOFT_CLIENT_ID", workspace, key::MICROSOFT_CLIENT_ID, false),
            (
                "",
                "TENANT_5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d_microsoft_client_id",
                other,
                key::MICROSOFT_CLIENT_ID,
                false,
            ),
        ] {
            let provider = provider(prefix, &[(variable, " value\n")]);
            let stored = provider.read(scope, Family::MicrosoftApp).await.unwrap();
            let value = stored.as_ref().and_then(|stored| stored.document.plain(key));
            assert_eq!(value, found.then_some("value"), "{variable} with prefix {prefix:?}");
        }
    }

    #[tokio::test]
    async fn blank_is_absent_and_nothing_can_be_written() {
        let provider = provider("", &[("MICROSOFT_CLIENT_ID", " \t")]);
        assert!(provider.read(Scope::App, Family::MicrosoftApp).await.unwrap().is_none());
        let written = provider.write(Scope::App, Family::MicrosoftApp, &Document::new(), None).await;
        assert!(matches!(written, Err(SecretError::ReadOnly(ProviderName::Env))));
        let deleted = provider.delete(Scope::App, Family::MicrosoftApp).await;
        assert!(matches!(deleted, Err(SecretError::ReadOnly(ProviderName::Env))));
    }
}
