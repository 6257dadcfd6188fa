//! The workflow as data: the state machines, what flows through them, and a small interpreter.
//!
//! [`definitions`] holds the two state machines, the very files that are deployed to AWS.
//! [`payloads`] are the inputs and outputs of their tasks, [`errors`] the names they branch on.
//! [`interpreter`] runs a definition in this process, for local mode and for simulation.
//!
//! The machine only turns the crank: what a run has done and has left to do is in the store. This
//! crate knows no store, no directory and no AWS client, and it never asks for the time or for
//! randomness: both are arguments.

pub mod definitions;
pub mod errors;
mod executions;
pub mod interpreter;
pub mod payloads;

pub use executions::{Executions, NotStarted};
