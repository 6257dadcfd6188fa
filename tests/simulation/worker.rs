//! Processes that carry runs.

use std::sync::Arc;

use ambient::{Clock, SeededEntropy, VirtualClock};
use async_trait::async_trait;
use jiff::SignedDuration;
use run_steps::RunSteps;
use serde_json::Value;
use tenant_sync::TenantSync;
use tokio::sync::Mutex;
use workflow::{
    definitions,
    errors::TaskFailure,
    interpreter::{Execution, Machine, Tasks, TimeoutRule},
    payloads::RunInput,
};

const RUN_STEPS: &str = "run-steps";
const TENANT_SYNC: &str = "tenant-sync";

/// How long one batch may take, as on AWS.
const BATCH_TIME: SignedDuration = SignedDuration::from_secs(80);

/// One process: it has its own tokens, and does one thing after another, so that the same seed
/// always does the same.
pub(crate) struct Worker {
    pub(crate) tenants: TenantSync,
    pub(crate) steps: RunSteps,
    pub(crate) clock: VirtualClock,
    pub(crate) machine: Arc<Machine>,
    pub(crate) turn: Mutex<()>,
}

/// The deployed definition.
pub(crate) fn machine() -> Machine {
    definitions::sync_run(RUN_STEPS, TENANT_SYNC).unwrap()
}

impl Worker {
    /// Runs the workflow of a stored run from its beginning to its end.
    pub(crate) async fn carry(&self, run: RunInput) -> Result<(), String> {
        let jitter = SeededEntropy::new(11);
        // Sleeps of tenants that wait side by side add up on the one clock.
        let execution = Execution::new(&self.machine, self, &self.clock, &jitter);
        let ended =
            execution.with_timeouts(TimeoutRule::Ignore).run(serde_json::to_value(run).unwrap()).await;
        ended.map(|_| ()).map_err(|failure| format!("the workflow of run {} failed: {failure:?}", run.run_id))
    }
}

#[async_trait]
impl Tasks for Worker {
    async fn invoke(&self, function: &str, payload: Value) -> Result<Value, TaskFailure> {
        let _turn = self.turn.lock().await;
        if function == RUN_STEPS {
            let output = self.steps.step(serde_json::from_value(payload).unwrap()).await?;
            return Ok(serde_json::to_value(output).unwrap());
        }
        let batch = serde_json::from_value(payload).unwrap();
        let result = self.tenants.sync_batch(&batch, self.clock.now() + BATCH_TIME).await?;
        Ok(serde_json::to_value(result).unwrap())
    }
}
