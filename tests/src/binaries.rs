//! The functions' binaries, built like the test that asks for them.

use std::{collections::BTreeMap, env, path::PathBuf, process::Command};

use crate::repository;

/// Every binary of the crates below `functions/`, with its crate: what Cargo finds by itself,
/// `src/main.rs` under the crate's name and `src/bin/*.rs` under theirs.
pub fn names() -> BTreeMap<String, String> {
    let mut binaries = BTreeMap::new();
    for function in repository::functions() {
        if repository::path(&format!("functions/{function}/src/main.rs")).exists() {
            binaries.insert(function.clone(), function.clone());
        }
        let folder = format!("functions/{function}/src/bin");
        if repository::path(&folder).is_dir() {
            for file in repository::files(&folder) {
                let name = file.rsplit('/').next().unwrap().trim_end_matches(".rs").to_owned();
                binaries.insert(name, function.clone());
            }
        }
    }
    binaries
}

/// Builds `binaries`, which costs a second when nothing has changed; the folder they are in.
///
/// A test run does not build the binaries of other packages by itself. The whole workspace is
/// selected, as the test run does: with less, dependencies would be compiled with other features.
pub fn build(binaries: &[&str]) -> PathBuf {
    let folder = env::current_exe().unwrap().ancestors().nth(2).unwrap().to_owned();
    let profile = match folder.file_name().and_then(|name| name.to_str()).unwrap() {
        "debug" => "dev",
        other => other,
    };
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--workspace", "--profile", profile]);
    for binary in binaries {
        command.args(["--bin", binary]);
    }
    // Cargo tells a test about its package. A build script that looks at that (ring's does) would
    // take it for a change, and everything above it would be compiled again, here and afterwards.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let told = text.starts_with("CARGO_") && !matches!(&*text, "CARGO_HOME" | "CARGO_TARGET_DIR");
        if told || text.starts_with("NEXTEST") {
            command.env_remove(&name);
        }
    }
    let status = command.current_dir(repository::path("")).status().unwrap();
    assert!(status.success(), "the binaries cannot be built");
    folder
}
