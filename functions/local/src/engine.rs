//! The workflow engine of the local mode: the interpreter, and the tasks in the same process.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
};

use ambient::{Clock, Entropy};
use assembly::FeatureGate;
use async_trait::async_trait;
use discovery::{Discovery, discover_if_on};
use jiff::SignedDuration;
use run_steps::RunSteps;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tenant_sync::TenantSync;
use tokio::task::JoinHandle;
use workflow::{
    Executions, NotStarted, definitions,
    errors::{TaskError, TaskFailure},
    interpreter::{Execution, Machine, Tasks, TimeoutRule},
    payloads::{Batch, DiscoveryInput, RunInput, StepInput},
};

const RUN_STEPS: &str = "run-steps";
const TENANT_SYNC: &str = "tenant-sync";
const DISCOVERY: &str = "discovery-task";

/// How long one batch may take, as on AWS.
const BATCH_TIME: SignedDuration = SignedDuration::from_secs(80);

/// Runs executions in the background of this process.
pub struct LocalEngine {
    me: Weak<Self>,
    sync_run: Machine,
    discovery_machine: Machine,
    tasks: LocalTasks,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    running: Mutex<BTreeMap<String, JoinHandle<()>>>,
}

/// The functions the state machines call.
pub struct LocalTasks {
    /// `run-steps`.
    pub steps: RunSteps,
    /// `tenant-sync`.
    pub tenants: TenantSync,
    /// `discovery-task`.
    pub discovery: Discovery,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Whoever works at the machine itself is not asked for flags.
    pub open: FeatureGate,
    /// What the tasks ask once requests come from elsewhere.
    pub gate: Arc<OnceLock<FeatureGate>>,
}

impl LocalTasks {
    fn gate(&self) -> &FeatureGate {
        self.gate.get().unwrap_or(&self.open)
    }
}

impl std::fmt::Debug for LocalEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LocalEngine")
    }
}

impl LocalEngine {
    /// An engine over the deployed definitions.
    ///
    /// # Panics
    /// When the definitions that are part of this program do not load; a test holds that they do.
    pub fn new(tasks: LocalTasks, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            sync_run: definitions::sync_run(RUN_STEPS, TENANT_SYNC).expect("the definition loads"),
            discovery_machine: definitions::discovery(DISCOVERY).expect("the definition loads"),
            tasks,
            clock,
            entropy,
            running: Mutex::default(),
        })
    }

    /// Returns when the execution called `name` has ended; at once when there is none.
    pub async fn finished(&self, name: &str) {
        let handle = self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        if let Some(handle) = handle {
            let _: Result<(), tokio::task::JoinError> = handle.await;
        }
    }

    /// Returns when no execution is going on.
    pub async fn idle(&self) {
        loop {
            let names: Vec<String> =
                self.running.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect();
            if names.is_empty() {
                return;
            }
            for name in names {
                self.finished(&name).await;
            }
        }
    }

    fn start(&self, name: String, which: Which, input: Value) -> Result<String, NotStarted> {
        let gone = || NotStarted { class: "the engine is shutting down".to_owned() };
        let engine = self.me.upgrade().ok_or_else(gone)?;
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|_, handle| !handle.is_finished());
        let execution = name.clone();
        running.entry(name.clone()).or_insert_with(|| {
            tokio::spawn(async move {
                let machine = match which {
                    Which::Discovery => &engine.discovery_machine,
                    Which::SyncRun => &engine.sync_run,
                };
                let execution = Execution::new(machine, &engine.tasks, &*engine.clock, &*engine.entropy)
                    .named(&execution)
                    .with_timeouts(TimeoutRule::Interrupt);
                if let Err(failure) = execution.run(input).await {
                    tracing::error!(error = failure.error, cause = failure.cause, "the execution failed");
                }
            })
        });
        Ok(name)
    }
}

#[derive(Clone, Copy)]
enum Which {
    Discovery,
    SyncRun,
}

#[async_trait]
impl Executions for LocalEngine {
    async fn start_sync(&self, run: RunInput) -> Result<String, NotStarted> {
        let input = serde_json::to_value(run).map_err(|error| NotStarted { class: error.to_string() })?;
        self.start(run.run_id.to_string(), Which::SyncRun, input)
    }

    async fn start_discovery(&self, input: DiscoveryInput, name: &str) -> Result<String, NotStarted> {
        let input = serde_json::to_value(input).map_err(|error| NotStarted { class: error.to_string() })?;
        self.start(name.to_owned(), Which::Discovery, input)
    }
}

#[async_trait]
impl Tasks for LocalTasks {
    async fn invoke(&self, function: &str, payload: Value) -> Result<Value, TaskFailure> {
        match function {
            RUN_STEPS => {
                let input: StepInput = read(payload)?;
                self.gate().halt_if_off(input.run()).await?;
                answer(self.steps.step(input).await?)
            }
            TENANT_SYNC => {
                let deadline = self.clock.now() + BATCH_TIME;
                let batch: Batch = read(payload)?;
                self.gate().halt_if_off(batch.run()).await?;
                answer(self.tenants.sync_batch(&batch, deadline).await?)
            }
            DISCOVERY => {
                let input: DiscoveryInput = read(payload)?;
                answer(discover_if_on(&self.discovery, self.gate(), input.workspace_id, DISCOVERY).await?)
            }
            other => Err(TaskFailure::new(TaskError::Fault, format!("there is no function {other}"))),
        }
    }
}

fn read<T: DeserializeOwned>(payload: Value) -> Result<T, TaskFailure> {
    serde_json::from_value(payload)
        .map_err(|error| TaskFailure::new(TaskError::InvalidInput, error.to_string()))
}

fn answer(output: impl serde::Serialize) -> Result<Value, TaskFailure> {
    serde_json::to_value(output).map_err(|error| TaskFailure::new(TaskError::Fault, error.to_string()))
}
