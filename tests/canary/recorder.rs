//! The state machines, with everything that goes through them written down.

use std::sync::Arc;

use ambient::{Clock, SeededEntropy};
use assembly::FeatureGate;
use async_trait::async_trait;
use directory::Directories;
use discovery::{Discovery, discover_if_on};
use jiff::SignedDuration;
use local::House;
use run_steps::RunSteps;
use serde_json::Value;
use tenant_sync::TenantSync;
use workflow::{
    Executions, NotStarted, definitions,
    errors::TaskFailure,
    interpreter::{Event, Execution, Machine, Tasks},
    payloads::{DiscoveryInput, RunInput},
};

use crate::outlet::Outlet;

const RUN_STEPS: &str = "run-steps";
const TENANT_SYNC: &str = "tenant-sync";
const DISCOVERY: &str = "discovery";

/// The engine; an execution has ended when it has started.
pub(crate) struct Recorder {
    clock: Arc<dyn Clock>,
    discovery: Discovery,
    outlet: Outlet,
    steps: RunSteps,
    tenants: TenantSync,
    gate: FeatureGate,
}

impl Recorder {
    pub(crate) fn of(
        house: &House,
        clock: &Arc<dyn Clock>,
        directories: &Arc<dyn Directories>,
        outlet: &Outlet,
    ) -> Self {
        let (store, clock) = (house.store.clone(), Arc::clone(clock));
        Self {
            discovery: Discovery {
                store: store.clone(),
                directories: Arc::clone(directories),
                executions: None,
                clock: Arc::clone(&clock),
                entropy: Arc::clone(&house.entropy),
            },
            outlet: outlet.clone(),
            steps: RunSteps { store: store.clone(), clock: Arc::clone(&clock) },
            gate: FeatureGate::new(store.clone(), true),
            tenants: TenantSync { store, directories: Arc::clone(directories), clock: Arc::clone(&clock) },
            clock,
        }
    }

    async fn execute(&self, machine: &Machine, input: Value) {
        self.outlet.add("the input of a state machine", input.to_string());
        let jitter = SeededEntropy::new(1);
        let observer =
            |event: Event<'_>| self.outlet.add("an event of a state machine", format!("{event:?}"));
        let execution = Execution::new(machine, self, &*self.clock, &jitter).observed_by(&observer);
        match execution.run(input).await {
            Ok(output) => self.outlet.add("the output of a state machine", output.to_string()),
            Err(failure) => self.outlet.error("the failure of a state machine", &failure),
        }
    }

    async fn call(&self, function: &str, payload: Value) -> Result<Value, TaskFailure> {
        let value = |output: Result<Value, serde_json::Error>| output.unwrap();
        match function {
            RUN_STEPS => {
                let input = serde_json::from_value(payload).unwrap();
                Ok(value(serde_json::to_value(self.steps.step(input).await?)))
            }
            TENANT_SYNC => {
                let deadline = self.clock.now() + SignedDuration::from_secs(80);
                let batch = serde_json::from_value(payload).unwrap();
                Ok(value(serde_json::to_value(self.tenants.sync_batch(&batch, deadline).await?)))
            }
            _ => {
                let input: DiscoveryInput = serde_json::from_value(payload).unwrap();
                let found =
                    discover_if_on(&self.discovery, &self.gate, input.workspace_id, DISCOVERY).await?;
                Ok(value(serde_json::to_value(found)))
            }
        }
    }
}

#[async_trait]
impl Tasks for Recorder {
    async fn invoke(&self, function: &str, payload: Value) -> Result<Value, TaskFailure> {
        self.outlet.add(&format!("the input of {function}"), payload.to_string());
        let answer = self.call(function, payload).await;
        match &answer {
            Ok(output) => self.outlet.add(&format!("the output of {function}"), output.to_string()),
            Err(failure) => self.outlet.error(&format!("the failure of {function}"), failure),
        }
        answer
    }
}

#[async_trait]
impl Executions for Recorder {
    async fn start_sync(&self, run: RunInput) -> Result<String, NotStarted> {
        let machine = definitions::sync_run(RUN_STEPS, TENANT_SYNC).unwrap();
        self.execute(&machine, serde_json::to_value(run).unwrap()).await;
        Ok(run.run_id.to_string())
    }

    async fn start_discovery(&self, input: DiscoveryInput, name: &str) -> Result<String, NotStarted> {
        let machine = definitions::discovery(DISCOVERY).unwrap();
        self.execute(&machine, serde_json::to_value(input).unwrap()).await;
        Ok(name.to_owned())
    }
}
