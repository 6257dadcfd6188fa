//! Starts the syncs that are due, every few minutes.

use std::process::ExitCode;

use assembly::FeatureGate;
use runtime::lambda::Invocation;
use sync::{Sync, TickInput};

fn main() -> ExitCode {
    runtime::main(async {
        let foundation = runtime::start().await?;
        let (sync, gate) = (Sync::on_aws(&foundation), FeatureGate::of(&foundation));
        runtime::lambda::run_task(async |_: TickInput, invocation: Invocation| {
            Box::pin(sync.tick(&gate, invocation.deadline)).await.map_err(assembly::Failure)
        })
        .await
    })
}
