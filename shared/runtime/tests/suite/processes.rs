//! What depends on the environment of a process is tried in processes of their own: this test
//! binary starts itself again with one ignored test and a prepared environment.

use std::{
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use runtime::lambda::{Invocation, TaskName, run_http, run_task};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::serve;

fn process(test: &str, variables: &[(&str, &str)]) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env_clear()
        .envs(variables.iter().copied())
        .env("HOME", "/nonexistent")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

async fn finished(child: Child) -> String {
    let output = child.wait_with_output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    text.into_owned()
}

/// Answers any AWS service and notes which one was asked by whom.
async fn fake_aws(name: &'static str, seen: &Arc<Mutex<Vec<String>>>) -> String {
    let seen = Arc::clone(seen);
    let router = Router::new().fallback(any(move |headers: HeaderMap| async move {
        let target = headers["x-amz-target"].to_str().unwrap();
        let credential = headers["authorization"].to_str().unwrap();
        let credential = credential.split_once("Credential=").unwrap().1.split('/').next().unwrap();
        seen.lock().unwrap().push(format!("{name} {target} {credential}"));
        Json(json!({}))
    }));
    format!("http://{}", serve(router).await)
}

#[tokio::test]
async fn endpoints_and_credentials_come_from_the_environment() {
    let seen = Arc::default();
    let (all, table) = (fake_aws("all", &seen).await, fake_aws("table", &seen).await);
    let child = process(
        "processes::child_calls_three_services",
        &[
            ("AWS_ENDPOINT_URL", &all),
            ("AWS_ENDPOINT_URL_DYNAMODB", &table),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "alice"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
        ],
    );
    finished(child).await;
    let expected = [
        "table DynamoDB_20120810.ListTables alice",
        "all secretsmanager.ListSecrets alice",
        "all AWSStepFunctions.ListStateMachines alice",
    ];
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[tokio::test]
#[ignore = "run by endpoints_and_credentials_come_from_the_environment in a process of its own"]
async fn child_calls_three_services() {
    let foundation = runtime::start().await.unwrap();
    foundation.aws.dynamodb().list_tables().send().await.unwrap();
    foundation.aws.secrets_manager().list_secrets().send().await.unwrap();
    // The empty answer lacks a required list; that it was asked is what counts.
    let _ = foundation.aws.step_functions().list_state_machines().send().await;
}

#[tokio::test]
async fn a_process_without_a_region_says_so_at_once() {
    finished(process("processes::child_has_no_region", &[])).await;
}

#[tokio::test]
#[ignore = "run by a_process_without_a_region_says_so_at_once in a process of its own"]
async fn child_has_no_region() {
    let error = runtime::start().await.unwrap_err();
    let text = runtime::telemetry::ErrorChain(&error).to_string();
    assert!(text.contains("set `AWS_REGION`"), "{text}");
}

#[tokio::test]
async fn a_process_that_fails_says_why_once_and_ends_with_one() {
    let text = finished(process("processes::child_fails", &[("LOG_LEVEL", "loud")])).await;
    assert_eq!(text.matches("`LOG_LEVEL` is `loud`").count(), 1, "{text}");
}

#[test]
#[ignore = "run by a_process_that_fails_says_why_once_and_ends_with_one in a process of its own"]
fn child_fails() {
    let code = runtime::main(async { runtime::start().await.map(|_| ()) });
    assert_eq!(format!("{code:?}"), format!("{:?}", std::process::ExitCode::FAILURE));
}

/// Far longer than any answer takes: a test that fails must end.
const PATIENCE: Duration = Duration::from_secs(20);

/// The Lambda Runtime API: hands out events one by one, then leaves the function waiting.
#[derive(Clone)]
struct Service {
    events: Arc<Mutex<Vec<Value>>>,
    answers: tokio::sync::mpsc::UnboundedSender<(String, Value)>,
}

async fn lambda(test: &str, events: Vec<Value>) -> Vec<(String, Value)> {
    let expected = events.len();
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let service =
        Service { events: Arc::new(Mutex::new(events.into_iter().rev().collect())), answers: sender };
    let router = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/{kind}", post(answer))
        .with_state(service);
    let address = serve(router).await.to_string();
    let _child = process(
        test,
        &[
            ("AWS_LAMBDA_RUNTIME_API", address.as_str()),
            ("AWS_LAMBDA_FUNCTION_NAME", "f"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "s"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "g"),
        ],
    );
    let mut answers = Vec::new();
    while answers.len() < expected {
        let answer = tokio::time::timeout(PATIENCE, receiver.recv()).await;
        answers.push(answer.expect("an answer in time").unwrap());
    }
    answers
}

async fn next(State(service): State<Service>) -> Response {
    let event = service.events.lock().unwrap().pop();
    let Some(event) = event else { return std::future::pending().await };
    let headers = [
        ("lambda-runtime-aws-request-id", "r-1"),
        ("lambda-runtime-deadline-ms", "1795428000000"),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-central-1:1:function:f"),
    ];
    (headers, event.to_string()).into_response()
}

async fn answer(
    State(service): State<Service>,
    Path((_, kind)): Path<(String, String)>,
    body: String,
) -> axum::http::StatusCode {
    service.answers.send((kind, serde_json::from_str(&body).unwrap())).unwrap();
    axum::http::StatusCode::ACCEPTED
}

struct Refused;

impl TaskName for Refused {
    fn name(&self) -> &'static str {
        "AccessLost"
    }

    fn cause(&self) -> String {
        "the tenant refused us".to_owned()
    }
}

#[tokio::test]
async fn a_task_answers_the_lambda_service() {
    let events = vec![json!({ "number": 7 }), json!({ "number": 0 }), json!("nonsense")];
    let answers = lambda("processes::child_is_a_task", events).await;
    assert_eq!(answers[0], ("response".to_owned(), json!("7 for r-1 until 2026-11-23T10:00:00Z")));
    let failures: Vec<_> = answers[1..]
        .iter()
        .map(|(kind, body)| (kind.as_str(), body["errorType"].as_str().unwrap()))
        .collect();
    assert_eq!(failures, [("error", "AccessLost"), ("error", "InvalidInput")]);
    assert_eq!(answers[1].1["errorMessage"], "the tenant refused us");
}

#[tokio::test]
#[ignore = "run by a_task_answers_the_lambda_service in a process of its own"]
async fn child_is_a_task() {
    #[derive(serde::Deserialize)]
    struct Payload {
        number: u32,
    }
    let handler = async |payload: Payload, invocation: Invocation| match payload.number {
        0 => Err(Refused),
        number => Ok(format!("{number} for {} until {}", invocation.request_id, invocation.deadline)),
    };
    run_task(handler).await.unwrap();
}

#[tokio::test]
async fn a_router_answers_the_api_gateway() {
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": "/hello", "rawQueryString": "",
        "headers": { "content-type": "application/json" },
        "requestContext": {
            "http": { "method": "POST", "path": "/hello" },
            "requestId": "gateway-1", "stage": "$default", "timeEpoch": 1,
        },
        "body": "{\"a\":1}", "isBase64Encoded": false,
    });
    let answers = lambda("processes::child_is_a_router", vec![event]).await;
    let (kind, body) = &answers[0];
    assert_eq!((kind.as_str(), &body["statusCode"]), ("response", &json!(200)));
    assert_eq!(body["body"], "{\"a\":1}");
    assert_eq!(body["isBase64Encoded"], false);
}

#[tokio::test]
#[ignore = "run by a_router_answers_the_api_gateway in a process of its own"]
async fn child_is_a_router() {
    let echo = async |Json(body): Json<Value>| Json(body);
    run_http(Router::new().route("/hello", post(echo))).await.unwrap();
}
