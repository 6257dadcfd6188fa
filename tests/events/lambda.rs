//! A Lambda service for one invocation: it starts a binary, hands it an event, and takes the answer.

use std::{collections::BTreeMap, path::Path, process::Stdio, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Path as UrlPath, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::Value;
use tokio::{
    io::AsyncReadExt,
    process::Command,
    sync::{Mutex, mpsc},
};

use crate::serve;

/// Far longer than any answer takes, for a busy machine: a test that fails must end.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a function answered.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Its result.
    Response(Value),
    /// Its failure: `errorType` and `errorMessage`.
    Error(Value),
}

impl Answer {
    pub(crate) fn result(self) -> Value {
        match self {
            Self::Response(value) => value,
            Self::Error(error) => panic!("the function failed: {error}"),
        }
    }
}

struct Service {
    event: Mutex<Option<Value>>,
    answers: mpsc::UnboundedSender<Answer>,
}

/// Starts `binary` with nothing but `environment` and what Lambda sets, and gives it `event`
/// (docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).
pub(crate) async fn invoke(binary: &Path, environment: &BTreeMap<String, String>, event: Value) -> Answer {
    invoke_and_read_the_log(binary, environment, event).await.0
}

/// The same, with the lines that it has logged.
pub(crate) async fn invoke_and_read_the_log(
    binary: &Path,
    environment: &BTreeMap<String, String>,
    event: Value,
) -> (Answer, Vec<Value>) {
    let (answers, mut answered) = mpsc::unbounded_channel();
    let service = Arc::new(Service { event: Mutex::new(Some(event)), answers });
    let router = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/{kind}", post(answer))
        .with_state(service);
    let address = serve(router).await.to_string();
    let mut process = Command::new(binary)
        .env_clear()
        .envs(environment)
        .env("AWS_LAMBDA_RUNTIME_API", address)
        .env("AWS_LAMBDA_FUNCTION_NAME", "function")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/function")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/23/[$LATEST]sample")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut out = process.stdout.take().unwrap();
    let log = tokio::spawn(async move {
        let mut text = String::new();
        out.read_to_string(&mut text).await.unwrap();
        text
    });
    let answer = tokio::select! {
        answer = tokio::time::timeout(PATIENCE, answered.recv()) => {
            answer.unwrap_or_else(|_| panic!("{} did not answer", binary.display())).unwrap()
        }
        status = process.wait() => panic!("{} ended before it answered: {status:?}", binary.display()),
    };
    // The log is written before the answer is.
    process.kill().await.unwrap();
    let log = log.await.unwrap();
    (answer, log.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

async fn next(State(service): State<Arc<Service>>) -> Response {
    let event = service.event.lock().await.take();
    let Some(event) = event else { return std::future::pending().await };
    let headers = [
        ("lambda-runtime-aws-request-id", "5f6c8f7e-1c1e-4c5b-9c0a-2f9e1f0b7a11"),
        ("lambda-runtime-deadline-ms", "4102444800000"),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-central-1:123456789012:function:function"),
    ];
    (headers, event.to_string()).into_response()
}

async fn answer(
    State(service): State<Arc<Service>>,
    UrlPath((_, kind)): UrlPath<(String, String)>,
    body: String,
) -> StatusCode {
    let body = serde_json::from_str(&body).unwrap();
    let answer = if kind == "response" { Answer::Response(body) } else { Answer::Error(body) };
    service.answers.send(answer).unwrap();
    StatusCode::ACCEPTED
}
