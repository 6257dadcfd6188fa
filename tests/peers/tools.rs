//! The servers' processes.

use std::{
    env,
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    process::Stdio,
};

use ambient::{Clock, SystemClock};
use jiff::SignedDuration;
use tests::repository;
use tokio::process::{Child, Command};

/// A file that `tests/run tools` installs; `None`, with a word about it, where it is not there and need not be.
#[expect(clippy::print_stderr, reason = "whoever reads the log of a test has to learn what was left out")]
pub(crate) fn tool(file: &str) -> Option<PathBuf> {
    let path = repository::path(file);
    if path.exists() {
        return Some(path);
    }
    assert!(env::var_os("CI").is_none(), "{file} is missing: run `tests/run tools` first");
    eprintln!("left out: {file} is missing; `tests/run tools` installs it");
    None
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Starts a server that ends with the test, and waits until it answers at `ready`.
pub(crate) async fn launch(mut command: Command, ready: &str) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut process = command.spawn().unwrap();
    let http = client();
    for _ in 0..300 {
        if http.get(ready).send().await.is_ok_and(|answer| answer.status().is_success()) {
            return process;
        }
        assert!(process.try_wait().unwrap().is_none(), "{command:?} ended");
        SystemClock.sleep(SignedDuration::from_millis(100)).await;
    }
    panic!("{command:?} did not start");
}

/// The client of everything here; it follows no redirect.
pub(crate) fn client() -> reqwest::Client {
    runtime::http::client(runtime::http::Limits::default()).unwrap()
}
