//! The `entra-sync` command.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match local::Arguments::try_parse() {
        Ok(arguments) => local::main(arguments),
        Err(refused) => local::refuse(&refused),
    }
}
