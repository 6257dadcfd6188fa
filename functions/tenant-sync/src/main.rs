//! Syncs batches of tenants for the workflow.

use std::{process::ExitCode, sync::Arc};

use ambient::SystemClock;
use runtime::lambda::Invocation;
use tenant_sync::TenantSync;
use workflow::payloads::Batch;

fn main() -> ExitCode {
    runtime::main(async {
        let foundation = runtime::start().await?;
        let sync = TenantSync {
            store: assembly::store(&foundation),
            directories: Arc::new(assembly::directories(&foundation)?),
            clock: Arc::new(SystemClock),
        };
        let gate = assembly::FeatureGate::of(&foundation);
        runtime::lambda::run_task(async |batch: Batch, invocation: Invocation| {
            gate.halt_if_off(batch.run()).await.map_err(assembly::Failure)?;
            Box::pin(sync.sync_batch(&batch, invocation.deadline)).await.map_err(assembly::Failure)
        })
        .await
    })
}
