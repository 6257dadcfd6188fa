//! Workflows on Step Functions.

use async_trait::async_trait;
use aws_sdk_sfn::{Client, error::ProvideErrorMetadata};
use serde::Serialize;
use workflow::{
    Executions, NotStarted,
    payloads::{DiscoveryInput, RunInput},
};

/// Starts executions of the deployed state machines.
#[derive(Clone, Debug)]
pub struct StepFunctions {
    /// The way to AWS.
    pub client: Client,
    /// ARN of `sync-run`.
    pub sync_run: Option<String>,
    /// ARN of `discovery`.
    pub discovery: Option<String>,
}

impl StepFunctions {
    async fn start(
        &self,
        machine: Option<&String>,
        name: &str,
        input: &impl Serialize,
    ) -> Result<String, NotStarted> {
        let not_started = |class: &str| NotStarted { class: class.to_owned() };
        let machine = machine.ok_or_else(|| not_started("the function knows no state machine"))?;
        let input = serde_json::to_string(input).map_err(|_| not_started("input"))?;
        let started =
            self.client.start_execution().state_machine_arn(machine).name(name).input(input).send().await;
        match started {
            Ok(started) => Ok(started.execution_arn),
            // The name is the run's: an execution that ended keeps it for 90 days, and its run with
            // it (docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html).
            Err(error) if error.code() == Some("ExecutionAlreadyExists") => {
                Ok(format!("{}:{name}", machine.replace(":stateMachine:", ":execution:")))
            }
            Err(error) => {
                tracing::error!(code = error.code(), "the execution was not started");
                Err(not_started(error.code().unwrap_or("no answer")))
            }
        }
    }
}

#[async_trait]
impl Executions for StepFunctions {
    async fn start_sync(&self, run: RunInput) -> Result<String, NotStarted> {
        self.start(self.sync_run.as_ref(), &run.run_id.to_string(), &run).await
    }

    async fn start_discovery(&self, input: DiscoveryInput, name: &str) -> Result<String, NotStarted> {
        self.start(self.discovery.as_ref(), name, &input).await
    }
}
