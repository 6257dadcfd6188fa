//! What a data folder is about: whose workspace, and which Microsoft.

use std::{fs, io, path::Path};

use domain::ids::WorkspaceId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The profile's file in the data folder.
const FILE: &str = "profile.json";

/// The profile of a data folder.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Profile {
    /// Of this file; 1.
    pub format: u16,
    /// The workspace whose data it is.
    pub workspace: WorkspaceId,
    /// The invented Microsoft it is connected to; `None` for the real one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fake: Option<FakeProfile>,
}

/// An invented Microsoft that can be made again.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FakeProfile {
    /// The same seed gives the same people.
    pub seed: u64,
    /// Users of each tenant.
    pub sizes: Vec<u32>,
    /// The day the world was made for.
    pub as_of: Timestamp,
    /// Where it listened last: stored positions in listings name it.
    pub port: u16,
    /// Whether it is messy on purpose.
    pub messy: bool,
}

impl Profile {
    /// The profile in `folder`; `None` for a new folder.
    pub fn read(folder: &Path) -> io::Result<Option<Self>> {
        match fs::read(folder.join(FILE)) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes the profile into `folder`, whole or not at all.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let bytes = serde_json::to_vec_pretty(self)?;
        let temporary = folder.join("profile.json.new");
        fs::write(&temporary, bytes)?;
        fs::rename(temporary, folder.join(FILE))
    }
}
