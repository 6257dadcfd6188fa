//! The state machines, in the interpreter that carries them.

use aws_sdk_sfn::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region},
    types::ExecutionStatus,
};
use serde_json::Value;
use workflow::definitions::{
    DISCOVERY, DISCOVERY_FUNCTION, RUN_STEPS_FUNCTION, SYNC_RUN, TENANT_SYNC_FUNCTION,
};

use crate::{
    deployment::STACK,
    emulator::{ACCOUNT, REGION, Server, client},
};

/// Step Functions at an endpoint.
pub(crate) struct Workflows(Client);

impl Workflows {
    pub(crate) fn at(server: &Server) -> Self {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .credentials_provider(Credentials::new("test", "test", None, None, "end-to-end"))
            .endpoint_url(&server.endpoint)
            .http_client(runtime::http::sdk_http_client(client()))
            .region(Region::new(REGION))
            .build();
        Self(Client::from_conf(config))
    }

    /// Creates the machines under the names and with the functions they are deployed with.
    pub(crate) async fn create(&self) {
        for (name, definition) in [("sync-run", SYNC_RUN), ("discovery", DISCOVERY)] {
            let mut definition = definition.to_owned();
            for (placeholder, function) in [
                (RUN_STEPS_FUNCTION, "run-steps"),
                (TENANT_SYNC_FUNCTION, "tenant-sync"),
                (DISCOVERY_FUNCTION, "discovery-task"),
            ] {
                let arn = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{STACK}-{function}");
                definition = definition.replace(&format!("${{{placeholder}}}"), &arn);
            }
            // This interpreter has no express executions.
            let definition = definition.replace("\"EXPRESS\"", "\"STANDARD\"");
            let request =
                self.0.create_state_machine().name(format!("{STACK}-{name}")).definition(definition);
            let role = format!("arn:aws:iam::{ACCOUNT}:role/{STACK}");
            request.role_arn(role).send().await.unwrap();
        }
    }

    /// What an execution that has succeeded answered, and the states it entered, in order.
    pub(crate) async fn succeeded(&self, execution: &str) -> (Value, Vec<String>) {
        let found = self.0.describe_execution().execution_arn(execution).send().await.unwrap();
        assert_eq!(found.status(), &ExecutionStatus::Succeeded, "{found:?}");
        let mut history = self.0.get_execution_history().execution_arn(execution).into_paginator().send();
        let mut states = Vec::new();
        while let Some(page) = history.next().await {
            let events = page.unwrap().events;
            let entered = events.iter().filter_map(|event| event.state_entered_event_details());
            states.extend(entered.map(|details| details.name().to_owned()));
        }
        (serde_json::from_str(found.output().unwrap()).unwrap(), states)
    }
}
