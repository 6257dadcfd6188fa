//! AWS on this machine: the emulator, and the second interpreter of state machines beside it.

use std::{
    fs::File,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
};

use ambient::{Clock, SystemClock};
use jiff::SignedDuration;
use tests::repository;
use tokio::process::{Child, Command};

/// The region of everything.
pub(crate) const REGION: &str = "us-east-1";
/// The emulator's own account.
pub(crate) const ACCOUNT: &str = "000000000000";

/// A server that ends with the test.
pub(crate) struct Server {
    /// Where it is.
    pub(crate) endpoint: String,
    _process: Child,
}

/// Whether a function may only do what its role says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Roles {
    Enforced,
    /// For the second interpreter, which calls functions as nobody in particular.
    Ignored,
}

/// The emulator: it runs the functions' binaries as processes.
pub(crate) async fn start(folder: &Path, roles: Roles) -> Server {
    let port = free_port();
    let endpoint = format!("http://127.0.0.1:{port}");
    let mut command = Command::new(repository::path(".venv-ministack/bin/ministack"));
    command
        .env("BIND_HOST", "127.0.0.1")
        .env("GATEWAY_PORT", port.to_string())
        // It hands this on to the functions.
        .env("AWS_ENDPOINT_URL", &endpoint)
        .env("AUTH", matches!(roles, Roles::Enforced).to_string())
        // A function's process is given up soon, so that a test can wait for a new one.
        .env("LAMBDA_WARM_TTL_SECONDS", "5")
        .env("TMPDIR", folder);
    let ready = format!("{endpoint}/_ministack/ready");
    let server = launch(command, endpoint, &ready, folder.join("ministack.log")).await;
    // Waits and retries of state machines a hundred times faster.
    let config = serde_json::json!({ "stepfunctions._SFN_WAIT_SCALE": 0.01 });
    let address = format!("{}/_ministack/config", server.endpoint);
    let answer = client().post(address).json(&config).send().await.unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
    server
}

/// The second interpreter, which calls the emulator's functions.
pub(crate) async fn start_second_interpreter(folder: &Path, emulator: &Server) -> Server {
    let port = free_port().to_string();
    let mut command = Command::new(repository::path(".venv-moto/bin/python"));
    command
        .arg(repository::path("tests/end-to-end/second_interpreter.py"))
        .args(["-H", "127.0.0.1", "-p", &port])
        .env("MOTO_PORT", emulator.endpoint.rsplit(':').next().unwrap())
        .env("MOTO_ACCOUNT_ID", ACCOUNT);
    let endpoint = format!("http://127.0.0.1:{port}");
    let ready = format!("{endpoint}/moto-api/data.json");
    launch(command, endpoint, &ready, folder.join("moto.log")).await
}

async fn launch(mut command: Command, endpoint: String, ready: &str, log: PathBuf) -> Server {
    let file = File::create(&log).unwrap();
    let mut process = command
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_DEFAULT_REGION", REGION)
        .env("AWS_REGION", REGION)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::null())
        .stderr(file.try_clone().unwrap())
        .stdout(file)
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{error}: run `tests/run tools` first"));
    let http = client();
    for _ in 0..600 {
        if http.get(ready).send().await.is_ok_and(|answer| answer.status().is_success()) {
            return Server { endpoint, _process: process };
        }
        let ended = process.try_wait().unwrap();
        assert!(ended.is_none(), "{endpoint} ended: {}", std::fs::read_to_string(&log).unwrap());
        SystemClock.sleep(SignedDuration::from_millis(100)).await;
    }
    panic!("{endpoint} did not start: {}", std::fs::read_to_string(&log).unwrap());
}

/// The client of everything in this suite; it follows no redirect.
pub(crate) fn client() -> reqwest::Client {
    runtime::http::client(runtime::http::Limits::default()).unwrap()
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}
