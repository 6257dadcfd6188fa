//! What flows through the state machines: camel-case JSON, bounded, without personal data.
//!
//! | machine | state | function | input | output |
//! |---|---|---|---|---|
//! | `sync-run` | (start) | | [`RunInput`] | [`RunOutcome`] |
//! | `sync-run` | `Begin` | run-steps | [`StepInput::Begin`] | [`RunInput`] |
//! | `sync-run` | `NextBatches` | run-steps | [`StepInput::NextBatches`] | [`Wave`] |
//! | `sync-run` | `SyncBatch` | tenant-sync | [`Batch`] | [`BatchResult`] |
//! | `sync-run` | `Finish`, `FinishFailed` | run-steps | [`StepInput::Finish`] | [`RunOutcome`] |
//! | `discovery` | `Discover` | discovery | [`DiscoveryInput`] | the function's own report |

use domain::{
    ids::{ManagedTenantId, RunId, UserId, WorkspaceId},
    run::RunStatus,
};
use serde::{Deserialize, Serialize};

/// The most batches in one [`Wave`].
pub const BATCHES_PER_WAVE_MAX: usize = 40;

/// The most tenants in one [`Batch`].
///
/// Together with [`BATCHES_PER_WAVE_MAX`] this keeps a wave below 64 KiB, a quarter of what Step
/// Functions lets a state hold.
pub const TENANTS_PER_BATCH_MAX: usize = 25;

/// The longest a wave may ask to wait, in seconds: one hour. A longer pause is several waves, so
/// that a cancelled run is noticed.
pub const WAIT_SECONDS_MAX: u32 = 3600;

/// Which run a machine works for: the input of `sync-run` and the output of `begin`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunInput {
    /// Whose run it is.
    pub workspace_id: WorkspaceId,
    /// The run; its kind, scope and progress are in the store.
    pub run_id: RunId,
}

/// What the run-steps function is asked to do, told by `step`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "step")]
pub enum StepInput {
    /// Opens the run; answered by the [`RunInput`].
    Begin {
        /// Whose run it is.
        workspace_id: WorkspaceId,
        /// The run.
        run_id: RunId,
    },
    /// Hands out the next batches; answered by a [`Wave`].
    NextBatches {
        /// Whose run it is.
        workspace_id: WorkspaceId,
        /// The run.
        run_id: RunId,
    },
    /// Closes the run; answered by a [`RunOutcome`].
    Finish {
        /// Whose run it is.
        workspace_id: WorkspaceId,
        /// The run.
        run_id: RunId,
        /// What stopped the machine early; absent when nothing was left to do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<CaughtError>,
    },
}

impl StepInput {
    /// The run the step is about.
    pub const fn run(&self) -> RunInput {
        let (Self::Begin { workspace_id, run_id }
        | Self::NextBatches { workspace_id, run_id }
        | Self::Finish { workspace_id, run_id, .. }) = *self;
        RunInput { workspace_id, run_id }
    }
}

/// An error a machine caught. Read in the machine's own spelling too (`Error`, `Cause`).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct CaughtError {
    /// Its name: one of [`crate::errors::TaskError`]'s, or the platform's.
    #[serde(alias = "Error")]
    pub error: String,
    /// What the task or the platform says about it. On AWS this is the function's whole error
    /// document as JSON text.
    #[serde(default, alias = "Cause")]
    pub cause: String,
}

/// What is to be done next in a run. Made by [`Wave::work`], [`Wave::pause`] or [`Wave::done`].
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Wave {
    /// Whose run it is.
    pub workspace_id: WorkspaceId,
    /// The run.
    pub run_id: RunId,
    /// The batches to work now, at most [`BATCHES_PER_WAVE_MAX`].
    pub batches: Vec<Batch>,
    /// How long to wait after the batches and before the next wave, at most [`WAIT_SECONDS_MAX`].
    /// Without batches the machine waits at least a few seconds, so it never spins.
    pub wait_seconds: u32,
    /// Whether nothing is left to do; the batches are then empty.
    pub done: bool,
}

impl Wave {
    /// Batches to be worked now, and a pause after them (0 for none).
    pub fn work(run: RunInput, batches: Vec<Batch>, wait_seconds: u32) -> Result<Self, PayloadTooLarge> {
        bounded("batches in a wave", batches.len(), BATCHES_PER_WAVE_MAX)?;
        let wait_seconds = wait_seconds.min(WAIT_SECONDS_MAX);
        Ok(Self { workspace_id: run.workspace_id, run_id: run.run_id, batches, wait_seconds, done: false })
    }

    /// Nothing can be worked now; ask again after this many seconds (at least one, at most
    /// [`WAIT_SECONDS_MAX`]).
    pub fn pause(run: RunInput, wait_seconds: u32) -> Self {
        Self {
            workspace_id: run.workspace_id,
            run_id: run.run_id,
            batches: Vec::new(),
            wait_seconds: wait_seconds.clamp(1, WAIT_SECONDS_MAX),
            done: false,
        }
    }

    /// Nothing is left to do.
    pub const fn done(run: RunInput) -> Self {
        Self {
            workspace_id: run.workspace_id,
            run_id: run.run_id,
            batches: Vec::new(),
            wait_seconds: 0,
            done: true,
        }
    }
}

/// Tenants one call of the tenant-sync function works: several small ones at once, or one large.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Batch {
    /// Whose run it is.
    pub workspace_id: WorkspaceId,
    /// The run.
    pub run_id: RunId,
    /// The tenants, at most [`TENANTS_PER_BATCH_MAX`].
    pub tenants: Vec<ManagedTenantId>,
}

impl Batch {
    /// A batch of these tenants.
    pub fn new(run: RunInput, tenants: Vec<ManagedTenantId>) -> Result<Self, PayloadTooLarge> {
        bounded("tenants in a batch", tenants.len(), TENANTS_PER_BATCH_MAX)?;
        Ok(Self { workspace_id: run.workspace_id, run_id: run.run_id, tenants })
    }

    /// The run the batch belongs to.
    pub const fn run(&self) -> RunInput {
        RunInput { workspace_id: self.workspace_id, run_id: self.run_id }
    }
}

/// How a batch went. For the execution's history only: the store has the truth.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResult {
    /// Tenants that are through, well or not.
    pub finished: u32,
    /// Tenants that left a checkpoint and will be handed out again.
    pub unfinished: u32,
}

/// How a run ended: the output of `finish` and of the machine.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunOutcome {
    /// Whose run it was.
    pub workspace_id: WorkspaceId,
    /// The run.
    pub run_id: RunId,
    /// How it ended.
    pub status: RunStatus,
}

/// The input of the `discovery` machine and of its one task.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscoveryInput {
    /// Whose managed tenants are looked for.
    pub workspace_id: WorkspaceId,
    /// Who asked for it; absent when a schedule did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<UserId>,
}

/// More was put into a payload than a state machine may carry.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{count} {what}, where at most {most} are allowed")]
pub struct PayloadTooLarge {
    what: &'static str,
    count: usize,
    most: usize,
}

const fn bounded(what: &'static str, count: usize, most: usize) -> Result<(), PayloadTooLarge> {
    if count > most { Err(PayloadTooLarge { what, count, most }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    const ID: &str = "00000000-0000-0000-0000-000000000007";

    #[test]
    fn a_step_is_told_by_its_tag() {
        let step = |name: &str| json!({ "step": name, "workspaceId": ID, "runId": ID });
        for name in ["begin", "nextBatches", "finish"] {
            let input: StepInput = serde_json::from_value(step(name)).unwrap();
            assert_eq!(input.run(), run());
            assert_eq!(serde_json::to_value(&input).unwrap(), step(name));
        }
        for (written, cause) in [
            (json!({ "error": "Fault", "cause": "no page" }), "no page"),
            (json!({ "Error": "Fault", "Cause": "no page" }), "no page"),
            (json!({ "Error": "Fault" }), ""),
        ] {
            let mut failed = step("finish");
            failed["error"] = written;
            let input: StepInput = serde_json::from_value(failed).unwrap();
            let StepInput::Finish { error: Some(error), .. } = input else { panic!("{input:?}") };
            assert_eq!((error.error.as_str(), error.cause.as_str()), ("Fault", cause));
        }
    }

    #[test]
    fn the_fullest_wave_stays_far_below_the_limit_of_a_state() {
        let tenant = ManagedTenantId::new(Uuid::from_u128(u128::MAX));
        let batch = Batch::new(run(), vec![tenant; TENANTS_PER_BATCH_MAX]).unwrap();
        let wave = Wave::work(run(), vec![batch.clone(); BATCHES_PER_WAVE_MAX], u32::MAX).unwrap();
        assert!(serde_json::to_vec(&wave).unwrap().len() < 64 * 1024);
        assert_eq!(wave.wait_seconds, WAIT_SECONDS_MAX);

        assert!(Batch::new(run(), vec![tenant; TENANTS_PER_BATCH_MAX + 1]).is_err());
        let error = Wave::work(run(), vec![batch; BATCHES_PER_WAVE_MAX + 1], 0).unwrap_err();
        assert_eq!(error.to_string(), "41 batches in a wave, where at most 40 are allowed");
    }

    #[test]
    fn a_pause_is_never_empty() {
        assert_eq!(Wave::pause(run(), 0).wait_seconds, 1);
    }

    #[test]
    fn an_absent_actor_is_not_written() {
        let input: DiscoveryInput = serde_json::from_value(json!({ "workspaceId": ID })).unwrap();
        assert_eq!(serde_json::to_value(input).unwrap(), json!({ "workspaceId": ID }));
    }

    fn run() -> RunInput {
        let id = Uuid::from_u128(7);
        RunInput { workspace_id: WorkspaceId::new(id), run_id: RunId::new(id) }
    }
}
