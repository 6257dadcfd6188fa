//! One directory for each workspace, kept while the process lives: it holds the access tokens.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use ambient::{Clock, Entropy};
use async_trait::async_trait;
use directory::{
    CippDirectory, CippSettings, Code, Directories, Directory, GraphDirectory, GraphSettings, ReadError,
};
use domain::ids::{ConnectionId, WorkspaceId};
use secrets::SecretChain;
use store::{Connection, ConnectionKind, ConnectionStatus, Store};

use crate::{WorkspaceCipp, WorkspaceCredentials};

/// The directories of all workspaces.
pub struct WorkspaceDirectories {
    /// The table, for the connection in force.
    pub store: Store,
    /// The connection's secrets.
    pub secrets: Arc<SecretChain>,
    /// Where Microsoft is.
    pub graph: GraphSettings,
    /// How CIPP deployments are asked.
    pub cipp: CippSettings,
    /// The way to Microsoft.
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
pub struct Open(Mutex<BTreeMap<WorkspaceId, (ConnectionId, InUse)>>);

#[derive(Clone)]
enum InUse {
    Cipp(Arc<CippDirectory>),
    Direct(Arc<GraphDirectory>),
}

impl InUse {
    fn directory(&self) -> Arc<dyn Directory> {
        match self {
            Self::Cipp(directory) => Arc::clone(directory) as Arc<dyn Directory>,
            Self::Direct(directory) => Arc::clone(directory) as Arc<dyn Directory>,
        }
    }
}

impl WorkspaceDirectories {
    /// The directory in use for a direct connection of `workspace`, with its counters.
    pub fn in_use(&self, workspace: WorkspaceId) -> Option<Arc<GraphDirectory>> {
        let open = self.open.0.lock().unwrap_or_else(PoisonError::into_inner);
        match open.get(&workspace) {
            Some((_, InUse::Direct(directory))) => Some(Arc::clone(directory)),
            _ => None,
        }
    }

    fn new_directory(&self, workspace: WorkspaceId, connection: &Connection) -> Result<InUse, ReadError> {
        let (secrets, clock, entropy) =
            (Arc::clone(&self.secrets), Arc::clone(&self.clock), Arc::clone(&self.entropy));
        let http = self.http.clone();
        Ok(match connection.kind {
            ConnectionKind::Cipp => {
                let destinations = self.cipp.destinations;
                let credentials = Arc::new(WorkspaceCipp::new(secrets, workspace, connection, destinations));
                let settings = self.cipp.clone();
                let directory = CippDirectory::new(settings, &self.graph, http, credentials, clock, entropy)?;
                InUse::Cipp(Arc::new(directory))
            }
            ConnectionKind::Direct => {
                let credentials = WorkspaceCredentials::new(secrets, workspace, connection.partner_tenant)
                    .together(self.store.clone(), Arc::clone(&self.clock));
                let graph = self.graph.clone();
                let directory = GraphDirectory::new(graph, http, Arc::new(credentials), clock, entropy);
                InUse::Direct(Arc::new(directory))
            }
        })
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
            return Ok(directory.directory());
        }
        let new = self.new_directory(workspace, &connection)?;
        let directory = new.directory();
        open.insert(workspace, (connection.id, new));
        Ok(directory)
    }
}
