//! The way to the directories of a workspace.

use std::sync::Arc;

use async_trait::async_trait;
use domain::ids::WorkspaceId;

use crate::{Directory, ReadError};

/// Knows every workspace's connection.
#[async_trait]
pub trait Directories: Send + Sync {
    /// The directory behind the workspace's connection in force. Makes no request; that the
    /// connection works shows at the first read.
    async fn of(&self, workspace: WorkspaceId) -> Result<Arc<dyn Directory>, ReadError>;
}
