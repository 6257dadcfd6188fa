//! What is sent and what comes back, as far as it is looked at.
//!
//! Source: HashiCorp, "KV Secrets Engine - Version 2 (API)".

use std::collections::BTreeMap;

use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::Document;

/// "Read secret version".
#[derive(Deserialize)]
pub(super) struct Data {
    pub(super) data: DataOfVersion,
}

#[derive(Deserialize)]
pub(super) struct DataOfVersion {
    /// The members; null once the version is deleted or destroyed.
    pub(super) data: Option<Box<RawValue>>,
    pub(super) metadata: Numbered,
}

/// The same with status 404: the version is deleted or destroyed.
#[derive(Deserialize)]
pub(super) struct Removed {
    pub(super) data: RemovedVersion,
}

#[derive(Deserialize)]
pub(super) struct RemovedVersion {
    pub(super) metadata: Numbered,
}

#[derive(Deserialize)]
pub(super) struct Numbered {
    pub(super) version: u64,
}

/// "Create/update secret".
#[derive(Serialize)]
pub(super) struct Write {
    options: Options,
    data: Box<RawValue>,
}

#[derive(Serialize)]
struct Options {
    cas: u64,
}

impl Write {
    pub(super) fn new(document: &Document, cas: u64) -> serde_json::Result<Self> {
        let data = RawValue::from_string(document.to_json().expose_secret().to_owned())?;
        Ok(Self { options: Options { cas }, data })
    }
}

/// Its answer.
#[derive(Deserialize)]
pub(super) struct Written {
    pub(super) data: Numbered,
}

/// "Read secret metadata".
#[derive(Deserialize)]
pub(super) struct Metadata {
    pub(super) data: History,
}

#[derive(Deserialize)]
pub(super) struct History {
    pub(super) current_version: u64,
    #[serde(default)]
    versions: BTreeMap<u64, VersionState>,
}

#[derive(Deserialize)]
struct VersionState {
    destroyed: bool,
}

impl History {
    /// The versions that could still be read, or be undeleted.
    pub(super) fn kept(&self) -> Vec<u64> {
        self.versions.iter().filter(|(_, state)| !state.destroyed).map(|(number, _)| *number).collect()
    }
}

/// "Destroy secret versions".
#[derive(Serialize)]
pub(super) struct Destroy {
    pub(super) versions: Vec<u64>,
}

/// What is wrong, or an empty list where there is nothing.
#[derive(Deserialize)]
pub(super) struct Errors {
    pub(super) errors: Vec<String>,
}
