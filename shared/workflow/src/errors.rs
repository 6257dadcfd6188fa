//! The error names the state machines branch on, and a task's failure as they see it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The most bytes of a failure's cause that are kept.
///
/// A cause travels in the execution's history and in the payload of `finish`; Step Functions would
/// take 32 KiB of it.
pub const CAUSE_BYTES_MAX: usize = 1024;

/// Why a task failed, by the name the state machines know it by.
///
/// The names are a contract with `infra/statemachines/*.asl.json` and never change.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum TaskError {
    /// The customer's tenant no longer lets us in.
    AccessLost,
    /// Microsoft, CIPP or the secret store refused our credential.
    CredentialRejected,
    /// The task is at fault: a broken invariant or a failure of no other kind.
    Fault,
    /// The payload does not describe work that exists.
    InvalidInput,
    /// Another worker took over what this task was working on.
    LeaseLost,
    /// The tenant that answered is not the tenant that was asked for.
    TenantProofFailed,
    /// A neighbour asked us to slow down. Retried.
    Throttled,
    /// A neighbour failed in a way that passes by itself. Retried.
    Transient,
}

impl TaskError {
    /// Every error, in the order of their names.
    pub const ALL: [Self; 8] = [
        Self::AccessLost,
        Self::CredentialRejected,
        Self::Fault,
        Self::InvalidInput,
        Self::LeaseLost,
        Self::TenantProofFailed,
        Self::Throttled,
        Self::Transient,
    ];

    /// The stable name; also the `errorType` a function reports to the Lambda service.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccessLost => "AccessLost",
            Self::CredentialRejected => "CredentialRejected",
            Self::Fault => "Fault",
            Self::InvalidInput => "InvalidInput",
            Self::LeaseLost => "LeaseLost",
            Self::TenantProofFailed => "TenantProofFailed",
            Self::Throttled => "Throttled",
            Self::Transient => "Transient",
        }
    }

    /// Whether the state machines try the task again, with backoff and jitter.
    pub const fn is_retried(self) -> bool {
        matches!(self, Self::Throttled | Self::Transient)
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for TaskError {
    type Err = UnknownTaskError;

    fn from_str(name: &str) -> Result<Self, UnknownTaskError> {
        Self::ALL
            .into_iter()
            .find(|error| error.name() == name)
            .ok_or_else(|| UnknownTaskError { name: name.chars().take(64).collect() })
    }
}

/// A name that is not one of [`TaskError`]'s: the name of a platform's error such as
/// `Sandbox.Timedout`, or nothing of ours.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{name}` is not the name of a task error")]
pub struct UnknownTaskError {
    name: String,
}

/// A task's failure: the name machines branch on, and a cause for people.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{name}: {cause}")]
pub struct TaskFailure {
    name: String,
    cause: String,
}

impl TaskFailure {
    /// A failure of one of our tasks.
    ///
    /// `cause` is text or JSON for an operator. It must hold no secret; what exceeds
    /// [`CAUSE_BYTES_MAX`] is cut off.
    pub fn new(error: TaskError, cause: impl Into<String>) -> Self {
        Self::named(error.name(), cause)
    }

    /// A failure reported by the platform, such as `Lambda.TooManyRequestsException`.
    pub fn named(name: impl Into<String>, cause: impl Into<String>) -> Self {
        Self { name: name.into(), cause: truncated(cause.into()) }
    }

    /// The name that `Retry` and `Catch` compare.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What an operator reads, at most [`CAUSE_BYTES_MAX`] bytes.
    pub fn cause(&self) -> &str {
        &self.cause
    }
}

fn truncated(mut cause: String) -> String {
    cause.truncate(cause.floor_char_boundary(CAUSE_BYTES_MAX));
    cause
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_is_found_by_its_name_and_written_as_it() {
        for error in TaskError::ALL {
            assert_eq!(error.name().parse(), Ok(error));
            assert_eq!(serde_json::to_value(error).unwrap(), error.name());
        }
        assert!("throttled".parse::<TaskError>().is_err());
        assert!(TaskError::ALL.is_sorted_by_key(|error| error.name()));
    }

    #[test]
    fn a_long_cause_is_cut_between_characters() {
        let failure = TaskFailure::new(TaskError::Fault, "é".repeat(CAUSE_BYTES_MAX));
        assert_eq!(failure.cause().len(), CAUSE_BYTES_MAX);
        let failure = TaskFailure::new(TaskError::Fault, format!("x{}", "é".repeat(CAUSE_BYTES_MAX)));
        assert_eq!(failure.cause().len(), CAUSE_BYTES_MAX - 1);
    }
}
