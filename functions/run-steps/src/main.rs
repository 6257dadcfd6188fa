//! Takes the workflow's small steps.

use std::{process::ExitCode, sync::Arc};

use ambient::SystemClock;
use run_steps::RunSteps;
use runtime::lambda::Invocation;
use workflow::payloads::StepInput;

fn main() -> ExitCode {
    runtime::main(async {
        let foundation = runtime::start().await?;
        let steps = RunSteps { store: assembly::store(&foundation), clock: Arc::new(SystemClock) };
        let gate = assembly::FeatureGate::of(&foundation);
        runtime::lambda::run_task(async |input: StepInput, _: Invocation| {
            gate.halt_if_off(input.run()).await.map_err(assembly::Failure)?;
            Box::pin(steps.step(input)).await.map_err(assembly::Failure)
        })
        .await
    })
}
