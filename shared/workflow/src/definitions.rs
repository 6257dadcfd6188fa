//! The shipped state machines, as they are deployed.
//!
//! A definition names its functions by placeholders (`${RunStepsFunctionArn}`), which SAM's
//! `DefinitionSubstitutions` replaces on AWS and [`Machine::parse`] in this process.

use crate::interpreter::{DefinitionError, Machine};

/// The machine behind every kind of run: begin, wave after wave of batches, finish.
pub const SYNC_RUN: &str = include_str!("../../../infra/statemachines/sync-run.asl.json");

/// The machine that finds managed tenants: one task.
pub const DISCOVERY: &str = include_str!("../../../infra/statemachines/discovery.asl.json");

/// The placeholder of the function that begins a run, hands out batches and finishes the run.
pub const RUN_STEPS_FUNCTION: &str = "RunStepsFunctionArn";

/// The placeholder of the function that works one batch of tenants.
pub const TENANT_SYNC_FUNCTION: &str = "TenantSyncFunctionArn";

/// The placeholder of the function that finds managed tenants.
pub const DISCOVERY_FUNCTION: &str = "DiscoveryFunctionArn";

/// [`SYNC_RUN`], calling the functions of these names.
pub fn sync_run(run_steps: &str, tenant_sync: &str) -> Result<Machine, DefinitionError> {
    Machine::parse(SYNC_RUN, &[(RUN_STEPS_FUNCTION, run_steps), (TENANT_SYNC_FUNCTION, tenant_sync)])
}

/// [`DISCOVERY`], calling the function of this name.
pub fn discovery(discovery: &str) -> Result<Machine, DefinitionError> {
    Machine::parse(DISCOVERY, &[(DISCOVERY_FUNCTION, discovery)])
}
