//! Discovers tenants for the workflow.

use std::process::ExitCode;

use discovery::{Discovery, discover_if_on};
use runtime::lambda::Invocation;
use workflow::payloads::DiscoveryInput;

fn main() -> ExitCode {
    runtime::main(async {
        let foundation = runtime::start().await?;
        let discovery = Discovery::on_aws(&foundation)?;
        let gate = assembly::FeatureGate::of(&foundation);
        runtime::lambda::run_task(async |input: DiscoveryInput, invocation: Invocation| {
            let workspace = input.workspace_id;
            let outcome =
                Box::pin(discover_if_on(&discovery, &gate, workspace, &invocation.request_id)).await;
            outcome.map_err(assembly::Failure)
        })
        .await
    })
}
