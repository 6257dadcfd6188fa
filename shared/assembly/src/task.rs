//! A task's failure, as the Lambda service reports it.

use runtime::lambda::TaskName;
use workflow::errors::TaskFailure;

/// Gives a [`TaskFailure`] the name the state machine branches on.
#[derive(Debug)]
pub struct Failure(pub TaskFailure);

impl TaskName for Failure {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn cause(&self) -> String {
        self.0.cause().to_owned()
    }
}

impl From<TaskFailure> for Failure {
    fn from(failure: TaskFailure) -> Self {
        Self(failure)
    }
}
