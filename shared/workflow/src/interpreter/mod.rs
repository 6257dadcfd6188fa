//! A small interpreter of the Amazon States Language, for the states this product uses.
//!
//! It covers `Task` (`arn:aws:states:::lambda:invoke`), `Map` (inline and distributed), `Choice`,
//! `Wait`, `Pass`, `Succeed` and `Fail`, with `Retry`, `Catch` and plain JSONPath: names and
//! indices. Anything else in a definition (a field, a state, a filter, an intrinsic function) is
//! refused by [`Machine::parse`], so a definition that loads means here what it means on AWS.
//! Rules are those of the [States Language](https://states-language.net/spec.html) and of the
//! [Step Functions guide](https://docs.aws.amazon.com/step-functions/latest/dg/); where the two
//! differ, the service wins.
//!
//! Selecting, filling templates, deciding and backing off are pure functions; only [`Execution`]
//! waits, on the clock it is handed, and only through [`Tasks`] does anything happen.
//!
//! Knowingly different from AWS:
//! - No history: an execution lives as long as the future that runs it. The store has the truth of
//!   a run, so a run that was cut short is simply started again.
//! - `Map` items are polled by one task. A [`Tasks`] that wants several processors spawns.
//! - A path that selects nothing fails with `States.Runtime`, as the service does, although the
//!   language names finer errors.
//! - Timeouts follow the [`TimeoutRule`].

mod choice;
mod data;
mod definition;
mod events;
mod execution;
mod failure;
mod graph;
mod path;
mod retry;
mod template;
#[cfg(test)]
mod tests;

use ambient::{Clock, Entropy};
use async_trait::async_trait;
use serde_json::Value;

use self::definition::Graph;
pub use self::{
    data::STATE_BYTES_MAX,
    events::{Event, Happening, Observer, TimeoutRule},
    execution::{Execution, TRANSITIONS_MAX},
    failure::ExecutionFailure,
    graph::DefinitionError,
};
use crate::errors::TaskFailure;

/// What the machine's tasks call.
#[async_trait]
pub trait Tasks: Send + Sync {
    /// Calls `function` (the definition's `FunctionName`) and returns its answer.
    ///
    /// Must be cancel-safe as a process is crash-safe: a `Map` whose item fails, and a timeout
    /// under [`TimeoutRule::Interrupt`], drop the calls in flight.
    async fn invoke(&self, function: &str, payload: Value) -> Result<Value, TaskFailure>;
}

/// A state machine that was read and checked.
#[derive(Debug)]
pub struct Machine {
    graph: Graph,
}

impl Machine {
    /// Reads a definition, putting `substitutions` (name, value) in the place of `${name}`.
    ///
    /// Refuses what the interpreter does not cover, a target or a placeholder that does not exist,
    /// and a state that cannot be reached or that no path leads out of.
    pub fn parse(definition: &str, substitutions: &[(&str, &str)]) -> Result<Self, DefinitionError> {
        let mut definition = serde_json::from_str(definition).map_err(DefinitionError::NotJson)?;
        template::substitute(&mut definition, substitutions)?;
        let graph = Graph::read(definition)?;
        graph::check(&graph)?;
        Ok(Self { graph })
    }

    /// Runs the machine to its end: the output of its last state, or the error nothing caught.
    ///
    /// For an execution that is named or observed, or whose timeouts interrupt: [`Execution`].
    pub async fn run(
        &self,
        input: Value,
        tasks: &dyn Tasks,
        clock: &dyn Clock,
        jitter: &dyn Entropy,
    ) -> Result<Value, ExecutionFailure> {
        Execution::new(self, tasks, clock, jitter).run(input).await
    }
}
