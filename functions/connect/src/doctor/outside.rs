//! The way to Microsoft for an examination: it stores nothing, neither what is found nor newer tokens.

use std::{sync::Arc, time::Duration};

use assembly::{Open, WorkspaceDirectories};
use directory::{
    CippSettings, Code, Directories, Directory, GraphDirectory, GraphSettings, ReadError, TenantList, Usage,
};
use domain::ids::WorkspaceId;
use store::{Connection, ConnectionKind};

use super::{Check, Finding};
use crate::{CippError, Connect, ValidateError, awaited::LISTING_LIMIT, validate::Checked};

/// How long each step may take when somebody waits. Together with what is read of the table and the secrets
/// they stay below the time limit of the function.
pub(super) const CLOCK_LIMIT: Duration = Duration::from_secs(3);
pub(super) const CUSTOMER_LIMIT: Duration = Duration::from_secs(7);
pub(super) const CUSTOMERS_LIMIT: Duration = Duration::from_secs(12);

/// A connection that works.
pub(super) struct Outside {
    pub(super) directory: Arc<dyn Directory>,
    pub(super) listed: TenantList,
    /// What the sign-in may do now, as far as Microsoft has told; `None` through CIPP.
    pub(super) granted: Option<Vec<String>>,
    /// For its counters.
    direct: Option<Arc<GraphDirectory>>,
}

impl Outside {
    /// What Microsoft has said of its limits so far; `None` through CIPP, which does not pass it on.
    pub(super) fn usage(&self) -> Option<Usage> {
        self.direct.as_ref().map(|directory| directory.usage())
    }
}

impl Connect {
    /// Lists the partner's customers with the stored credentials; a finding when that does not work.
    pub(super) async fn look_outside(
        &self,
        workspace: WorkspaceId,
        connection: &Connection,
        is_awaited: bool,
    ) -> Result<Outside, Finding> {
        let looked = async {
            match connection.kind {
                ConnectionKind::Cipp => self.look_through_cipp(workspace, connection, is_awaited).await,
                ConnectionKind::Direct => self.look_directly(workspace, connection, is_awaited).await,
            }
        };
        if !is_awaited {
            return looked.await;
        }
        tokio::time::timeout(LISTING_LIMIT, looked)
            .await
            .unwrap_or_else(|_| Err(Finding::unread(Check::Connection, &no_answer(connection.kind))))
    }

    async fn look_directly(
        &self,
        workspace: WorkspaceId,
        connection: &Connection,
        is_awaited: bool,
    ) -> Result<Outside, Finding> {
        let graph = self.graph_for(is_awaited);
        match self.check_direct(workspace, Some(connection), graph, (false, None)).await {
            Ok(Checked { directory: direct, listed, granted }) => {
                let directory = Arc::clone(&direct) as Arc<dyn Directory>;
                Ok(Outside { directory, listed, granted, direct: Some(direct) })
            }
            Err(error) => Err(of_direct(&error)),
        }
    }

    async fn look_through_cipp(
        &self,
        workspace: WorkspaceId,
        connection: &Connection,
        is_awaited: bool,
    ) -> Result<Outside, Finding> {
        let listed = self.check_cipp(workspace, connection).await.map_err(|error| of_cipp(&error))?;
        let directories = WorkspaceDirectories {
            store: self.store.clone(),
            secrets: Arc::clone(&self.secrets),
            graph: self.graph_for(is_awaited),
            cipp: self.cipp_for(is_awaited),
            http: self.http.clone(),
            clock: Arc::clone(&self.clock),
            entropy: Arc::clone(&self.entropy),
            open: Open::default(),
        };
        let directory = directories.of(workspace).await;
        let directory = directory.map_err(|error| Finding::unread(Check::Connection, &error))?;
        Ok(Outside { directory, listed, granted: None, direct: None })
    }

    fn graph_for(&self, is_awaited: bool) -> GraphSettings {
        if is_awaited { self.graph_awaited() } else { self.graph.clone() }
    }

    fn cipp_for(&self, is_awaited: bool) -> CippSettings {
        if is_awaited { self.cipp.for_a_probe() } else { self.cipp.clone() }
    }
}

/// What a peer says that says nothing.
pub(super) fn no_answer(kind: ConnectionKind) -> ReadError {
    match kind {
        ConnectionKind::Cipp => Code::CippUnavailable.into(),
        ConnectionKind::Direct => Code::GraphUnavailable.into(),
    }
}

fn of_direct(error: &ValidateError) -> Finding {
    let check = Check::Connection;
    error.read_error().map_or_else(
        || {
            let code = error.reason().map_or(error.code(), Code::name);
            Finding::problem(check, code, error.what_happened(), error.remedy())
        },
        |error| Finding::unread(check, error),
    )
}

fn of_cipp(error: &CippError) -> Finding {
    let check = Check::Connection;
    error.read_error().map_or_else(
        || Finding::problem(check, error.code(), error.what_happened(), error.remedy()),
        |error| Finding::unread(check, error),
    )
}
