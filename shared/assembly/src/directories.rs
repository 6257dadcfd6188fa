//! One directory for each workspace, kept while the process lives: it holds the access tokens.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use ambient::{Clock, Entropy};
use async_trait::async_trait;
use directory::{Code, Directories, Directory, GraphDirectory, GraphSettings, ReadError};
use domain::ids::{ConnectionId, WorkspaceId};
use secrets::SecretChain;
use store::{ConnectionStatus, Store};

use crate::WorkspaceCredentials;

/// The directories of all workspaces.
pub struct WorkspaceDirectories {
    /// The table, for the connection in force.
    pub store: Store,
    /// The connection's secrets.
    pub secrets: Arc<SecretChain>,
    /// Where Microsoft is.
    pub graph: GraphSettings,
    /// The way there.
    pub http: reqwest::Client,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Jitter and request ids.
    pub entropy: Arc<dyn Entropy>,
    /// Those in use, each with the connection it was made for.
    pub open: Open,
}

/// Directories in use, by workspace.
#[derive(Default)]
pub struct Open(Mutex<BTreeMap<WorkspaceId, (ConnectionId, Arc<GraphDirectory>)>>);

impl WorkspaceDirectories {
    /// The directory in use for `workspace`, with its counters.
    pub fn in_use(&self, workspace: WorkspaceId) -> Option<Arc<GraphDirectory>> {
        let open = self.open.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.get(&workspace).map(|(_, directory)| Arc::clone(directory))
    }
}

#[async_trait]
impl Directories for WorkspaceDirectories {
    async fn of(&self, workspace: WorkspaceId) -> Result<Arc<dyn Directory>, ReadError> {
        let connection = self.store.connection(workspace).await.map_err(|error| {
            tracing::error!(error = %runtime::telemetry::ErrorChain(&error), "the connection cannot be read");
            Code::CredentialsUnavailable
        })?;
        let connection = connection
            .filter(|connection| connection.connection_status != ConnectionStatus::Disconnected)
            .ok_or(Code::NotConnected)?;
        let mut open = self.open.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((id, directory)) = open.get(&workspace)
            && *id == connection.id
        {
            return Ok(Arc::clone(directory) as Arc<dyn Directory>);
        }
        let credentials =
            WorkspaceCredentials::new(Arc::clone(&self.secrets), workspace, connection.partner_tenant);
        let directory = Arc::new(GraphDirectory::new(
            self.graph.clone(),
            self.http.clone(),
            Arc::new(credentials),
            Arc::clone(&self.clock),
            Arc::clone(&self.entropy),
        ));
        open.insert(workspace, (connection.id, Arc::clone(&directory)));
        Ok(directory)
    }
}
