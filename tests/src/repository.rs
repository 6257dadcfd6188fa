//! Where things are in the repository.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// `path` below the repository's root.
pub fn path(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(path)
}

/// The text of a file.
pub fn text(file: &str) -> String {
    let file = path(file);
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The files below a folder, in order, as paths from the repository's root.
pub fn files(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path(folder)).unwrap_or_else(|error| panic!("{folder}: {error}")) {
        let entry = entry.unwrap();
        let name = format!("{folder}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&name));
        } else {
            found.push(name);
        }
    }
    found.sort();
    found
}

/// The crates below `functions/` by name.
pub fn functions() -> Vec<String> {
    let entries = fs::read_dir(path("functions")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}
