//! Secrets in HashiCorp Vault or OpenBao: one KV version 2 secret per document, at
//! `{mount}/{prefix}/{scope}/{family}`.
//!
//! Each write carries the number of the version it replaces (`options.cas`), which Vault compares
//! itself, so two writers cannot both win. The number never goes back: removing a document writes
//! one more version, without members, and destroys that one with all before it. Only the path and
//! its numbers stay. To delete the metadata instead would begin again at 1, and a writer from
//! before the removal would take the new first version for the one it knows.
//!
//! What this cannot exclude: somebody who removes the latest version by hand (`vault kv delete`)
//! leaves its number, so a writer that had read it may write once more.
//!
//! Four calls, and what a policy has to allow: read and write `data` (`read`, `create`, `update`),
//! read `metadata` (`read`), and `destroy` (`update`). The token is not renewed here: that is for
//! whoever hands it out, an agent that keeps a token file for instance, which is read before every
//! call.

mod place;
mod wire;

use std::{fmt, path::PathBuf, time::Duration};

use async_trait::async_trait;
use reqwest::{
    Method, RequestBuilder, StatusCode,
    header::{HeaderMap, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Document, Family, Provider, ProviderName, Scope, SecretError, Stored, Version};

pub use place::VaultPath;
use wire::{Data, Destroy, Errors, Metadata, Removed, Write, Written};

/// Most of an answer that is read, in bytes: Vault keeps no more than 512 KB under one path, with any storage
/// (developer.hashicorp.com/vault/docs/internals/limits).
const ANSWER_BYTES_MAX: usize = 2 * 1024 * 1024;

const PROVIDER: ProviderName = ProviderName::Vault;
/// A store that is this slow is as good as down; the functions that wait for it have 29 seconds.
const ANSWER_TIME: Duration = Duration::from_secs(8);
const UNINTELLIGIBLE: &str = "an answer that cannot be understood";
/// How often a removal tries again because others keep writing.
const REMOVALS_MAX: usize = 3;

/// What opens a Vault.
#[derive(Clone, Debug)]
pub enum VaultToken {
    /// A file that holds it, read before every call: whoever renews the token replaces the file.
    File(PathBuf),
    /// The token itself.
    Given(SecretString),
    /// None: the address is an agent's, which adds its own.
    OfTheAgent,
}

/// Where a Vault is and what part of it is ours.
#[derive(Clone, Debug)]
pub struct VaultSettings {
    /// Its address, without `/v1` and without a trailing slash. Whoever makes this has seen to it
    /// that what is sent there cannot be read on the way.
    pub address: String,
    /// The namespace, where Vault has such.
    pub namespace: Option<VaultPath>,
    /// Where the KV version 2 engine is mounted.
    pub mount: VaultPath,
    /// What all paths in it begin with.
    pub prefix: VaultPath,
    /// What opens it.
    pub token: VaultToken,
}

/// Keeps documents in one KV version 2 engine.
#[derive(Debug)]
pub struct VaultProvider {
    client: reqwest::Client,
    settings: VaultSettings,
}

impl VaultProvider {
    /// `client` must follow no redirect: the token must not travel on.
    pub fn new(client: reqwest::Client, settings: VaultSettings) -> Self {
        Self { client, settings }
    }

    async fn current(&self, place: &Place) -> Result<State, SecretError> {
        let answer = self.call(place, Method::GET, "data", None::<&()>).await?;
        match answer.status {
            StatusCode::OK => {
                let data: Data = answer.read(place)?;
                let Some(members) = data.data.data else {
                    return Ok(State::Removed(data.data.metadata.version));
                };
                let (scope, family) = (place.scope, place.family);
                let document = Document::from_json(members.get())
                    .map_err(|reason| SecretError::Malformed { provider: PROVIDER, scope, family, reason })?;
                Ok(State::Kept(document, data.data.metadata.version))
            }
            StatusCode::NOT_FOUND => match answer.read::<Removed>(place) {
                Ok(removed) => Ok(State::Removed(removed.data.metadata.version)),
                Err(_) => answer.absent(place).map(|()| State::Never),
            },
            _ => Err(answer.refusal(place)),
        }
    }

    /// Writes `document` as the version after `cas`. A [`SecretError::Conflict`] says that there is
    /// another version.
    async fn put(&self, place: &Place, document: &Document, cas: u64) -> Result<u64, SecretError> {
        let body =
            Write::new(document, cas).map_err(|_| place.unavailable("the request could not be made"))?;
        let answer = self.call(place, Method::POST, "data", Some(&body)).await?;
        match answer.status {
            StatusCode::OK => Ok(answer.read::<Written>(place)?.data.version),
            // An engine of version 1 takes anything and numbers nothing.
            StatusCode::NO_CONTENT => Err(place.unavailable("what is mounted there is not KV version 2")),
            StatusCode::BAD_REQUEST if answer.is_about_the_version() => Err(place.conflict()),
            _ => Err(answer.refusal(place)),
        }
    }

    async fn remove(&self, place: &Place) -> Result<(), SecretError> {
        let answer = self.call(place, Method::GET, "metadata", None::<&()>).await?;
        let metadata = match answer.status {
            StatusCode::OK => answer.read::<Metadata>(place)?.data,
            StatusCode::NOT_FOUND => return answer.absent(place),
            _ => return Err(answer.refusal(place)),
        };
        let mut versions = metadata.kept();
        if versions.is_empty() {
            return Ok(());
        }
        versions.push(self.put(place, &Document::new(), metadata.current_version).await?);
        let answer = self.call(place, Method::POST, "destroy", Some(&Destroy { versions })).await?;
        if answer.status.is_success() { Ok(()) } else { Err(answer.refusal(place)) }
    }

    async fn call(
        &self,
        place: &Place,
        method: Method,
        part: &'static str,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<Answer, SecretError> {
        let VaultSettings { address, mount, prefix, .. } = &self.settings;
        let url = format!("{address}/v1/{mount}/{part}/{prefix}/{}/{}", place.scope, place.family);
        let headers = self.headers().await.map_err(|reason| place.unavailable(reason))?;
        let request = self.client.request(method, url).headers(headers).timeout(ANSWER_TIME);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        send(request).await.map_err(|reason| place.unavailable(reason))
    }

    async fn headers(&self) -> Result<HeaderMap, &'static str> {
        let mut headers = HeaderMap::new();
        // An agent may insist on it, so that no web page can be made to ask.
        headers.insert("x-vault-request", HeaderValue::from_static("true"));
        if let Some(namespace) = &self.settings.namespace {
            let namespace =
                HeaderValue::from_str(namespace.as_str()).map_err(|_| "the namespace is not one")?;
            headers.insert("x-vault-namespace", namespace);
        }
        let token = match &self.settings.token {
            VaultToken::OfTheAgent => return Ok(headers),
            VaultToken::Given(token) => token.clone(),
            VaultToken::File(path) => {
                let text = tokio::fs::read_to_string(path).await;
                SecretString::from(text.map_err(|_| "the token file cannot be read")?)
            }
        };
        let mut token = HeaderValue::from_str(token.expose_secret().trim())
            .ok()
            .filter(|token| !token.is_empty())
            .ok_or("the token is not one")?;
        token.set_sensitive(true);
        headers.insert("x-vault-token", token);
        Ok(headers)
    }
}

#[async_trait]
impl Provider for VaultProvider {
    fn name(&self) -> ProviderName {
        PROVIDER
    }

    async fn read(&self, scope: Scope, family: Family) -> Result<Option<Stored>, SecretError> {
        match self.current(&Place { scope, family }).await? {
            State::Kept(document, number) if !document.is_empty() => {
                Ok(Some(Stored { document, version: version(number) }))
            }
            State::Kept(..) | State::Removed(_) | State::Never => Ok(None),
        }
    }

    async fn write(
        &self,
        scope: Scope,
        family: Family,
        document: &Document,
        expected: Option<&Version>,
    ) -> Result<Version, SecretError> {
        let place = Place { scope, family };
        if let Some(expected) = expected {
            // The version of another provider is no state of this one.
            let number = expected.tag.parse().ok().filter(|_| expected.provider == PROVIDER);
            let number = number.ok_or_else(|| place.conflict())?;
            return self.put(&place, document, number).await.map(version);
        }
        match self.put(&place, document, 0).await {
            Err(SecretError::Conflict { .. }) => {}
            written => return written.map(version),
        }
        // There was one, which may be gone: the numbers go on all the same.
        match self.current(&place).await? {
            State::Removed(number) => self.put(&place, document, number).await.map(version),
            State::Kept(kept, number) if kept.is_empty() => {
                self.put(&place, document, number).await.map(version)
            }
            State::Kept(..) | State::Never => Err(place.conflict()),
        }
    }

    async fn delete(&self, scope: Scope, family: Family) -> Result<(), SecretError> {
        let place = Place { scope, family };
        let mut attempts = 0;
        loop {
            attempts += 1;
            match self.remove(&place).await {
                Err(SecretError::Conflict { .. }) if attempts < REMOVALS_MAX => {}
                Err(SecretError::Conflict { .. }) => {
                    return Err(place.unavailable("others keep writing it"));
                }
                removed => return removed,
            }
        }
    }
}

fn version(number: u64) -> Version {
    Version { provider: PROVIDER, tag: number.to_string() }
}

/// What is at a path.
enum State {
    /// A document in this version.
    Kept(Document, u64),
    /// Nothing any more; the last version had this number.
    Removed(u64),
    /// Nothing yet.
    Never,
}

/// Whose secrets, and which.
struct Place {
    scope: Scope,
    family: Family,
}

impl Place {
    fn conflict(&self) -> SecretError {
        SecretError::Conflict { provider: PROVIDER, scope: self.scope, family: self.family }
    }

    fn unavailable(&self, reason: impl fmt::Display) -> SecretError {
        let reason = reason.to_string();
        SecretError::Unavailable { provider: PROVIDER, scope: self.scope, family: self.family, reason }
    }
}

/// An answer that has arrived. Never shown: it may hold secrets.
struct Answer {
    status: StatusCode,
    body: Vec<u8>,
}

impl Answer {
    /// The parser's own error is dropped, since it may quote.
    fn read<T: DeserializeOwned>(&self, place: &Place) -> Result<T, SecretError> {
        serde_json::from_slice(&self.body).map_err(|_| place.unavailable(UNINTELLIGIBLE))
    }

    fn errors(&self) -> Option<Vec<String>> {
        serde_json::from_slice::<Errors>(&self.body).ok().map(|errors| errors.errors)
    }

    fn is_about_the_version(&self) -> bool {
        // The status is that of every bad request; only the words tell.
        self.errors().is_some_and(|errors| {
            errors.iter().any(|error| error.contains("check-and-set parameter did not match"))
        })
    }

    /// A 404 without a reason is absence. With one, or from somebody else, it says nothing about the
    /// secret: a wrong mount must not look like a workspace that was never connected.
    fn absent(&self, place: &Place) -> Result<(), SecretError> {
        match self.errors() {
            Some(errors) if errors.is_empty() => Ok(()),
            _ => Err(self.refusal(place)),
        }
    }

    /// The kind of a failure. Vault's own words are dropped: they are not ours to show.
    fn refusal(&self, place: &Place) -> SecretError {
        let meaning = match self.status.as_u16() {
            300..=399 => "it leads to another server; VAULT_ADDR has to be the address of the active one",
            400 => "it does not understand the request",
            403 => "the token is missing, has ended, or may not do this",
            404 => "nothing is mounted there",
            412 | 472 | 473 => "it is in standby and not up to date",
            429 => "it limits requests",
            503 => "it is sealed, in standby or in maintenance",
            500..=599 => "it has failed",
            _ => UNINTELLIGIBLE,
        };
        place.unavailable(format_args!("{}: {meaning}", self.status.as_u16()))
    }
}

async fn send(request: RequestBuilder) -> Result<Answer, &'static str> {
    let failed = |error: reqwest::Error| match () {
        () if error.is_timeout() => "no answer in time",
        () if error.is_connect() => "no connection",
        () if error.is_builder() => "the request could not be made",
        () => UNINTELLIGIBLE,
    };
    let mut response = request.send().await.map_err(failed)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err("its answer is larger than any secret");
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, body })
}
