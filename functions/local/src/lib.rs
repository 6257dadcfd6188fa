//! The `entra-sync` command: every room in one process, without a cloud account.
//!
//! The same routers, use cases, workflow definition and store code as on AWS; only the engine
//! below the store, the workflow's interpreter and the place of the secrets differ. Results go to
//! standard output, talk to standard error.

mod arguments;
mod commands;
mod engine;
mod house;
mod output;
mod profile;
mod watch;

use std::{io, process::ExitCode};

pub use arguments::{Arguments, Command};
pub use commands::api;
pub use engine::LocalEngine;
pub use house::{House, HouseError};
pub use profile::{FakeProfile, Profile};

use output::Talk;

/// How a command ended, as an exit code: what scripts branch on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ending {
    /// Done, or nothing to do.
    Done,
    /// A preview found something to write.
    ChangesPlanned,
    /// Lines wait for an operator.
    Held,
    /// Something did not work; it was said on standard error.
    Failed,
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        Self::from(match ending {
            Ending::Done => 0,
            Ending::Failed => 1,
            Ending::ChangesPlanned => 2,
            Ending::Held => 3,
        })
    }
}

/// Says what is wrong with what was typed (or answers `--help` and `--version`). Code 2 means
/// something else here than it does to the argument parser.
pub fn refuse(refused: &clap::Error) -> ExitCode {
    let told = refused.print().map_or_else(|error| error.kind() == io::ErrorKind::BrokenPipe, |()| true);
    if told && !refused.use_stderr() { Ending::Done.into() } else { Ending::Failed.into() }
}

/// Runs the command that was typed.
pub fn main(arguments: Arguments) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(commands::run(arguments)),
        Err(error) => Err(output::Failure::from(HouseError::Io(error))),
    };
    match result {
        Ok(ending) => ending.into(),
        Err(failure) => {
            Talk::failure(&failure);
            Ending::Failed.into()
        }
    }
}
