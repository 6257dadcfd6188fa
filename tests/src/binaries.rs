//! The functions' binaries, built like the test that asks for them.

use std::{collections::BTreeMap, env, path::PathBuf, process::Command, sync::OnceLock};

use crate::repository;

/// Every binary that runs on Lambda, with its crate: what Cargo finds by itself below `functions/`,
/// `src/main.rs` under the crate's name and `src/bin/*.rs` under theirs. The crate `local` is the
/// command line, which does not.
pub fn names() -> BTreeMap<String, String> {
    let mut binaries = BTreeMap::new();
    for function in repository::functions().into_iter().filter(|name| name != "local") {
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

/// What Cargo tells a test about its package, by the beginnings of the variables' names.
const TOLD: [&str; 7] = [
    "CARGO_BIN_",
    "CARGO_CRATE_NAME",
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "CARGO_PRIMARY_PACKAGE",
    "CARGO_TARGET_TMPDIR",
    "OUT_DIR",
];

/// Builds them, which costs half a second when nothing has changed; the folder they are in.
///
/// A test run does not build the binaries of other packages by itself. What is selected here gives
/// dependencies the features they have in a test run of the whole workspace, so that they are not
/// compiled once more: all packages, and one test, for the sake of the packages tests depend on.
pub fn build() -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(build_once).clone()
}

fn build_once() -> PathBuf {
    let folder = env::current_exe().unwrap().ancestors().nth(2).unwrap().to_owned();
    let profile = match folder.file_name().and_then(|name| name.to_str()).unwrap() {
        "debug" => "dev",
        other => other,
    };
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--workspace", "--profile", profile, "--test", "template"]);
    for binary in names().into_keys() {
        command.args(["--bin", &binary]);
    }
    // A build script that looks at one of these (ring's does) would take it for a change, and
    // everything above it would be compiled again, here and afterwards.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if TOLD.iter().any(|told| text.starts_with(told)) {
            command.env_remove(&name);
        }
    }
    let status = command.current_dir(repository::path("")).status().unwrap();
    assert!(status.success(), "the binaries cannot be built");
    folder
}
