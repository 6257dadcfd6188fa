//! Secrets in AWS Secrets Manager: one secret per document, named `{prefix}/{scope}/{family}`.
//!
//! Secrets Manager has no conditional write, but it has something to build one from: the caller
//! chooses the id of a new version (`ClientRequestToken`), and a version's contents can never be
//! changed (`PutSecretValue`: same id and other contents fail with `ResourceExistsException`).
//! The id is therefore derived from the version that is being replaced. Of two writers that read
//! the same version, the second asks for an id that is taken and loses.
//!
//! What this cannot exclude: a change from outside (the console, a rotation) between our check
//! of the current version and the write a moment later is overwritten. `CreateSecret` needs none
//! of this, a name can be created once.

use std::fmt::Debug;

use async_trait::async_trait;
use aws_sdk_secretsmanager::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
};
use secrecy::ExposeSecret;
use uuid::Uuid;

use crate::{Document, Family, Provider, ProviderName, Scope, SecretError, Stored, Version};

const PROVIDER: ProviderName = ProviderName::SecretsManager;
const CURRENT: &str = "AWSCURRENT";
const UNINTELLIGIBLE: &str = "an answer that cannot be understood";

/// Keeps documents in one AWS account and region.
#[derive(Debug)]
pub struct SecretsManagerProvider {
    client: Client,
    prefix: String,
    kms_key: Option<String>,
}

impl SecretsManagerProvider {
    /// All names begin with `prefix` and a slash: what an IAM policy can be bound to.
    pub fn new(client: Client, prefix: &str) -> Self {
        Self { client, prefix: prefix.trim_matches('/').to_owned(), kms_key: None }
    }

    /// Encrypts secrets that it creates with this KMS key; without one AWS takes its own. A secret that exists
    /// keeps its key.
    #[must_use]
    pub fn encrypting_with(self, kms_key: Option<String>) -> Self {
        Self { kms_key, ..self }
    }

    fn place(&self, scope: Scope, family: Family) -> Place {
        Place { name: format!("{}/{scope}/{family}", self.prefix), scope, family }
    }

    async fn create(&self, place: &Place, document: &Document) -> Result<Version, SecretError> {
        // The first version's id is left to chance (the SDK's, kept over its retries): versions of
        // a removed secret of the same name must not come back.
        let request = self
            .client
            .create_secret()
            .name(&place.name)
            .description("Entra Contact Sync")
            .set_kms_key_id(self.kms_key.clone())
            .secret_string(document.to_json().expose_secret());
        match request.send().await {
            Ok(created) => place.version(created.version_id),
            Err(error) if is(&error, "ResourceExistsException") => match self.current(place).await? {
                // Made by hand and never filled in: as good as none.
                Some(empty) if empty.document.is_empty() => self.put(place, document, &empty.version).await,
                _ => Err(place.conflict()),
            },
            Err(error) if is_being_deleted(&error) => {
                Err(place.unavailable("the removed secret is still being deleted; try again in a minute"))
            }
            Err(error) => Err(place.failure(&error)),
        }
    }

    async fn put(
        &self,
        place: &Place,
        document: &Document,
        expected: &Version,
    ) -> Result<Version, SecretError> {
        let request = self
            .client
            .put_secret_value()
            .secret_id(&place.name)
            .client_request_token(successor(&place.name, expected))
            .secret_string(document.to_json().expose_secret());
        let put = match request.send().await {
            Ok(put) => put,
            Err(error)
                if is(&error, "ResourceExistsException") || is(&error, "ResourceNotFoundException") =>
            {
                return Err(place.conflict());
            }
            Err(error) => return Err(place.failure(&error)),
        };
        // A request that only repeats an older one is accepted and changes nothing.
        let version = place.version(put.version_id.clone())?;
        if put.version_stages().iter().any(|stage| stage == CURRENT)
            || self.current(place).await?.is_some_and(|stored| stored.version == version)
        {
            Ok(version)
        } else {
            Err(place.conflict())
        }
    }

    async fn current(&self, place: &Place) -> Result<Option<Stored>, SecretError> {
        let request = self.client.get_secret_value().secret_id(&place.name).version_stage(CURRENT);
        let found = match request.send().await {
            Ok(found) => found,
            Err(error) if is(&error, "ResourceNotFoundException") || is_being_deleted(&error) => {
                return Ok(None);
            }
            Err(error) => return Err(place.failure(&error)),
        };
        let (scope, family) = (place.scope, place.family);
        let document = Document::from_json(found.secret_string().unwrap_or_default())
            .map_err(|reason| SecretError::Malformed { provider: PROVIDER, scope, family, reason })?;
        Ok(Some(Stored { document, version: place.version(found.version_id)? }))
    }
}

#[async_trait]
impl Provider for SecretsManagerProvider {
    fn name(&self) -> ProviderName {
        PROVIDER
    }

    async fn read(&self, scope: Scope, family: Family) -> Result<Option<Stored>, SecretError> {
        let stored = self.current(&self.place(scope, family)).await?;
        Ok(stored.filter(|stored| !stored.document.is_empty()))
    }

    async fn write(
        &self,
        scope: Scope,
        family: Family,
        document: &Document,
        expected: Option<&Version>,
    ) -> Result<Version, SecretError> {
        let place = self.place(scope, family);
        let Some(expected) = expected else {
            return self.create(&place, document).await;
        };
        let current = match self.current(&place).await {
            Ok(current) => current.map(|stored| stored.version),
            // Contents that cannot be understood are a state nobody can have read.
            Err(SecretError::Malformed { .. }) => None,
            Err(error) => return Err(error),
        };
        if current.as_ref() != Some(expected) {
            return Err(place.conflict());
        }
        self.put(&place, document, expected).await
    }

    async fn delete(&self, scope: Scope, family: Family) -> Result<(), SecretError> {
        let place = self.place(scope, family);
        // Without the recovery window: a token that was disconnected must be gone, and the name
        // must be free for the next connection.
        let request = self.client.delete_secret().secret_id(&place.name).force_delete_without_recovery(true);
        match request.send().await {
            Err(error) if !is(&error, "ResourceNotFoundException") => Err(place.failure(&error)),
            _ => Ok(()),
        }
    }
}

/// One secret's name and what it stands for.
struct Place {
    name: String,
    scope: Scope,
    family: Family,
}

impl Place {
    fn version(&self, id: Option<String>) -> Result<Version, SecretError> {
        let tag = id.ok_or_else(|| self.unavailable("the answer has no version id"))?;
        Ok(Version { provider: PROVIDER, tag })
    }

    fn conflict(&self) -> SecretError {
        SecretError::Conflict { provider: PROVIDER, scope: self.scope, family: self.family }
    }

    fn unavailable(&self, reason: &str) -> SecretError {
        SecretError::Unavailable {
            provider: PROVIDER,
            scope: self.scope,
            family: self.family,
            reason: reason.to_owned(),
        }
    }

    /// The kind of a failure. The error itself is dropped: its `Debug` may hold the response.
    fn failure<E: ProvideErrorMetadata, R>(&self, error: &SdkError<E, R>) -> SecretError {
        self.unavailable(match error {
            SdkError::ServiceError(refused) => refused.err().code().unwrap_or(UNINTELLIGIBLE),
            SdkError::TimeoutError(_) => "no answer in time",
            SdkError::DispatchFailure(failure) if failure.is_timeout() => "no answer in time",
            SdkError::DispatchFailure(failure) if failure.is_other() => "no credentials, or no connection",
            SdkError::DispatchFailure(_) => "no connection",
            SdkError::ResponseError(_) => UNINTELLIGIBLE,
            _ => "the request could not be made",
        })
    }
}

fn is<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>, code: &str) -> bool {
    error.as_service_error().and_then(ProvideErrorMetadata::code) == Some(code)
}

/// A secret that is scheduled for deletion refuses everything with this code; only the message
/// tells that reason from others.
fn is_being_deleted<E: ProvideErrorMetadata, R: Debug>(error: &SdkError<E, R>) -> bool {
    let message = error.as_service_error().and_then(ProvideErrorMetadata::message).unwrap_or_default();
    is(error, "InvalidRequestException") && message.contains("deletion")
}

/// The id of the version that replaces `version`: 36 characters (32 to 64 are allowed).
fn successor(name: &str, version: &Version) -> String {
    const NAMESPACE: Uuid = Uuid::from_u128(0x0f6a_5d2c_3b8e_4e0a_8f57_9c41_2d6b_7a13);
    Uuid::new_v5(&NAMESPACE, format!("{name}\u{1f}{}", version.tag).as_bytes()).to_string()
}
