//! Discovers tenants for the workflow.

use std::process::ExitCode;

use discovery::{Discovery, discover};
use runtime::lambda::Invocation;
use workflow::payloads::DiscoveryInput;

fn main() -> ExitCode {
    runtime::main(async {
        let foundation = runtime::start().await?;
        let discovery = Discovery::on_aws(&foundation)?;
        runtime::lambda::run_task(async |input: DiscoveryInput, invocation: Invocation| {
            let outcome = Box::pin(discover(&discovery, input.workspace_id, &invocation.request_id)).await;
            outcome.map_err(assembly::Failure)
        })
        .await
    })
}
