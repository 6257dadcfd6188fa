//! Errors of an execution, by the names the States Language gives them.

use crate::errors::TaskFailure;

pub(super) const ALL: &str = "States.ALL";
pub(super) const DATA_LIMIT_EXCEEDED: &str = "States.DataLimitExceeded";
pub(super) const RUNTIME: &str = "States.Runtime";
pub(super) const TASK_FAILED: &str = "States.TaskFailed";
pub(super) const TIMEOUT: &str = "States.Timeout";

const ITEM_FAILED: &str = "States.ExceedToleratedFailureThreshold";
const NO_CHOICE_MATCHED: &str = "States.NoChoiceMatched";
const RESULT_PATH_MATCH_FAILURE: &str = "States.ResultPathMatchFailure";

/// The error that ended an execution.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{error}: {cause}")]
pub struct ExecutionFailure {
    /// Its name: a task error's, the platform's, or one that begins with `States.`.
    pub error: String,
    /// What happened, for people.
    pub cause: String,
}

impl ExecutionFailure {
    /// Nothing can retry or catch this one: the definition and the data do not fit.
    pub(super) fn runtime(cause: impl Into<String>) -> Self {
        Self::new(RUNTIME, cause)
    }

    /// Only its own name catches this one, `States.ALL` does not.
    pub(super) fn data_limit(what: &str, bytes: usize, most: usize) -> Self {
        Self::new(DATA_LIMIT_EXCEEDED, format!("{what} has {bytes} bytes, where at most {most} are allowed"))
    }

    pub(super) fn timeout(seconds: u32) -> Self {
        Self::new(TIMEOUT, format!("the task took longer than {seconds} s"))
    }

    pub(super) fn no_choice_matched() -> Self {
        Self::new(NO_CHOICE_MATCHED, "no rule matched and there is no default")
    }

    pub(super) fn result_path(path: impl std::fmt::Display) -> Self {
        Self::new(RESULT_PATH_MATCH_FAILURE, format!("the input has no place for a result at `{path}`"))
    }

    /// A child of a distributed `Map` failed. The service tells the children's errors only in their
    /// own histories; here the first is in the cause.
    pub(super) fn distributed_item(index: usize, child: &Self) -> Self {
        Self::new(ITEM_FAILED, format!("item {index} failed with {child}"))
    }

    pub(super) fn new(error: impl Into<String>, cause: impl Into<String>) -> Self {
        Self { error: error.into(), cause: cause.into() }
    }
}

impl From<TaskFailure> for ExecutionFailure {
    fn from(failure: TaskFailure) -> Self {
        Self::new(failure.name(), failure.cause())
    }
}
