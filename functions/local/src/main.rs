//! The `entra-sync` command.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    local::main(local::Arguments::parse())
}
