//! The directory and the table in a process of their own, so that the memory counted is the worker's.
//!
//! Talk between the two is a line each way: the addresses at first, then `change` and `changed`. The child
//! ends with its standard input.

use std::{
    io::{self, Write},
    path::Path,
    process::Stdio,
    sync::Arc,
};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, response::IntoResponse, routing::post};
use embedded::{Durability, Engine};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::TcpListener,
    process::{Child, ChildStdin, ChildStdout, Command},
    task::spawn_blocking,
};

use super::{change, failed, prepare, profile};
use crate::{Ending, House, arguments::BenchArguments, output::Failure};

/// What the parent asks for.
const CHANGE: &str = "change";

/// What the child answers when the people are changed.
const CHANGED: &str = "changed";

/// The child, seen from its parent.
pub(super) struct Peers {
    // Killed when it is dropped.
    _child: Child,
    asks: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Peers {
    /// Starts the child on `folder`; answers it and a house that works with it.
    pub(super) async fn start(options: &BenchArguments, folder: &Path) -> Result<(Self, House), Failure> {
        let program = std::env::current_exe().map_err(|error| failed(&error))?;
        let mut child = Command::new(program)
            .args(["--data".as_ref(), folder.as_os_str(), "bench-peers".as_ref()])
            .args(["--users", &options.users.to_string()])
            .args(["--tenants", &options.tenants.to_string()])
            .args(["--seed", &options.seed.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| failed(&error))?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (asks, answers) = pipes.ok_or_else(ended)?;
        let mut peers = Self { _child: child, asks, answers: BufReader::new(answers).lines() };
        let table = peers.answer().await?;
        let house = House::beside(folder, &table).await?;
        Ok((peers, house))
    }

    /// Changes people in the directory.
    pub(super) async fn change(&mut self) -> Result<(), Failure> {
        let asked = self.asks.write_all(format!("{CHANGE}\n").as_bytes()).await;
        asked.map_err(|error| failed(&error))?;
        if self.answer().await? == CHANGED { Ok(()) } else { Err(ended()) }
    }

    async fn answer(&mut self) -> Result<String, Failure> {
        let line = self.answers.next_line().await.map_err(|error| failed(&error))?;
        line.ok_or_else(ended)
    }
}

/// The child's part.
pub(crate) async fn serve(
    options: &BenchArguments,
    folder: &Path,
    durability: Durability,
) -> Result<Ending, Failure> {
    let house = House::open(folder, durability, Some(profile(options))).await?;
    prepare(&house).await?;
    let engine = house.database.clone().ok_or_else(ended)?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|error| failed(&error))?;
    let address = listener.local_addr().map_err(|error| failed(&error))?;
    let router = Router::new().route("/", post(table)).with_state(Arc::new(engine));
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    say(&format!("http://{address}"))?;
    while let Ok(Some(Ok(line))) = spawn_blocking(|| io::stdin().lines().next()).await {
        if line == CHANGE {
            change(&house);
            say(CHANGED)?;
        }
    }
    server.abort();
    Ok(Ending::Done)
}

fn say(line: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|error| failed(&error))
}

/// The engine as DynamoDB shows itself: one address, the operation in a header.
async fn table(State(engine): State<Arc<Engine>>, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit_once('.').map_or("", |(_, operation)| operation);
    let (status, answer) = engine.respond(operation, &body);
    let status = axum::http::StatusCode::from_u16(status).unwrap_or_default();
    (status, [("content-type", "application/x-amz-json-1.0")], answer)
}

fn ended() -> Failure {
    Failure::new("bench_failed", "The other process has ended.", "Report this as a bug.")
}
