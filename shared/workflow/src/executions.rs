//! Starting a workflow.

use async_trait::async_trait;

use crate::payloads::{DiscoveryInput, RunInput};

/// The engine could not take an execution. Nothing has been started; the run that was to be
/// carried can be started again under the same id.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the workflow engine did not take the execution ({class})")]
pub struct NotStarted {
    /// What kind of failure it was, for the log.
    pub class: String,
}

/// The engine that carries runs: Step Functions on AWS, the interpreter in local mode.
#[async_trait]
pub trait Executions: Send + Sync {
    /// Starts `sync-run` for a stored run, under the run's id: starting it again while it runs
    /// answers the same execution.
    async fn start_sync(&self, run: RunInput) -> Result<String, NotStarted>;

    /// Starts `discovery` under `name`.
    async fn start_discovery(&self, input: DiscoveryInput, name: &str) -> Result<String, NotStarted>;
}
