//! One folder, and the command run in it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

/// Between two looks at something another process does.
const INTERVAL: Duration = Duration::from_millis(10);

/// Looks before giving up: half a minute.
const LOOKS_MAX: usize = 3000;

/// A folder of its own with the data folder `data` in it, which does not exist yet.
pub(crate) struct Folder(TempDir);

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// The folder around the data folder; commands run in it.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// The command in this folder, with nothing of the surrounding environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_entra-sync"));
        command.env_clear().current_dir(self.path()).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.command(arguments).output().unwrap().into()
    }

    /// The JSON document of a command that succeeds.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        self.run(&[arguments, &["--output", "json"]].concat()).succeeded().document()
    }

    /// Exported rows, in the order of the export.
    pub(crate) fn export(&self, what: &str) -> Vec<Value> {
        let exported = self.run(&["export", what]).succeeded().stdout;
        exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// A JSON file in the data folder.
    pub(crate) fn json_file(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.data().join(name)).unwrap()).unwrap()
    }

    /// Writes a file beside the data folder.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path().join(name), content).unwrap();
    }

    /// Every file in the data folder, with its path in it.
    pub(crate) fn files(&self) -> Vec<(String, Vec<u8>)> {
        let (data, mut folders, mut files) = (self.data(), vec![self.data()], Vec::new());
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(&data).unwrap().to_str().unwrap().to_owned();
                    files.push((name, fs::read(&path).unwrap()));
                }
            }
        }
        files
    }
}

impl Ended {
    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        self.ended_with(0)
    }

    #[track_caller]
    pub(crate) fn ended_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// That it failed with a stable code, said so on standard error, and gave out nothing.
    #[track_caller]
    pub(crate) fn failed_with(self, code: &str) -> Self {
        assert_eq!(self.code, Some(1), "{self:#?}");
        assert!(self.stderr.contains(&format!("[{code}]")), "{code} is expected: {self:#?}");
        assert_eq!(self.stdout, "", "{self:#?}");
        self
    }

    /// That what was typed is refused before anything is opened.
    #[track_caller]
    pub(crate) fn refused(self, mentioned: &str) {
        assert_eq!(self.code, Some(1), "{self:#?}");
        assert!(self.stderr.contains(mentioned), "{mentioned} is expected: {self:#?}");
        assert_eq!(self.stdout, "", "{self:#?}");
    }

    /// Standard output, which has to be one JSON document and nothing else.
    #[track_caller]
    pub(crate) fn document(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Looks again and again until there is something.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..LOOKS_MAX {
        if let Some(found) = look() {
            return found;
        }
        thread::sleep(INTERVAL);
    }
    panic!("still no {what} after half a minute");
}
