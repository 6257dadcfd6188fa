//! The Lambda service in front of our code.

use std::{collections::BTreeMap, convert::Infallible, future::Future};

use axum::Router;
use jiff::Timestamp;
use lambda_http::{
    RequestExt,
    request::RequestContext,
    tower::{Service, service_fn},
};
use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

/// The name reported for a payload that does not describe work for the task.
const INVALID_INPUT: &str = "InvalidInput";

/// A failed task as the state machine sees it.
pub trait TaskName {
    /// The stable name the state machine branches on.
    fn name(&self) -> &str;

    /// What happened, for people. No secret and no person's data: it is kept in the execution's
    /// history.
    fn cause(&self) -> String;
}

/// What a task knows about its own invocation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Invocation {
    /// The Lambda service's id of it.
    pub request_id: String,
    /// When the Lambda service will stop it.
    pub deadline: Timestamp,
}

/// Serves the state machine: one payload in, one result out. Never returns while all goes well.
///
/// A failure is logged once and reported under its name; a payload that is no `P` is reported as
/// `InvalidInput` without calling `handler`.
///
/// # Errors
/// When the Lambda service cannot be reached.
///
/// # Panics
/// When the process was not started by the Lambda service.
pub async fn run_task<P, O, E, F, R>(handler: F) -> Result<(), lambda_runtime::Error>
where
    P: DeserializeOwned,
    O: Serialize,
    E: TaskName,
    F: Fn(P, Invocation) -> R,
    R: Future<Output = Result<O, E>>,
{
    let handler = &handler;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Box<RawValue>>| async move {
        invoke(&event.payload, &event.context, handler).await
    }))
    .await
}

async fn invoke<P, O, E, F, R>(payload: &RawValue, context: &Context, handler: F) -> Result<O, Diagnostic>
where
    P: DeserializeOwned,
    E: TaskName,
    F: Fn(P, Invocation) -> R,
    R: Future<Output = Result<O, E>>,
{
    let result = match serde_json::from_str(payload.get()) {
        Ok(payload) => {
            let result = handler(payload, invocation(context)).await;
            result.map_err(|error| (error.name().to_owned(), error.cause()))
        }
        Err(error) => {
            Err((INVALID_INPUT.to_owned(), format!("the payload is not one for this task: {error}")))
        }
    };
    result.map_err(|(name, cause)| {
        tracing::error!(name, cause, "the task failed");
        Diagnostic { error_type: name, error_message: cause }
    })
}

fn invocation(context: &Context) -> Invocation {
    let deadline = i64::try_from(context.deadline).ok();
    let deadline = deadline.and_then(|deadline| Timestamp::from_millisecond(deadline).ok());
    Invocation { request_id: context.request_id.clone(), deadline: deadline.unwrap_or(Timestamp::MAX) }
}

/// What the API Gateway's authorizer said about the caller: the `requestContext.authorizer.lambda`
/// map of an HTTP API event (payload format 2.0), as a request extension. Nothing in a request
/// itself can put it there. Values that are no text are their JSON.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct GatewayContext(pub BTreeMap<String, String>);

/// The API Gateway's id of the request (`requestContext.requestId`), or else the Lambda
/// service's, as a request extension.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GatewayRequestId(pub String);

/// Serves an API Gateway HTTP API: every request goes to `router`, with a [`GatewayContext`]
/// and, where known, a [`GatewayRequestId`] among its extensions. Never returns while all goes
/// well.
///
/// # Errors
/// When the Lambda service cannot be reached.
///
/// # Panics
/// When the process was not started by the Lambda service.
pub async fn run_http(router: Router) -> Result<(), lambda_http::Error> {
    lambda_http::run(service_fn(move |request| {
        let answer = router.clone().call(with_gateway(request));
        async move { Ok::<_, Infallible>(answer.await.unwrap_or_else(|never| match never {})) }
    }))
    .await
}

fn with_gateway(mut request: lambda_http::Request) -> lambda_http::Request {
    let mut context = GatewayContext::default();
    let mut request_id = None;
    if let Some(RequestContext::ApiGatewayV2(gateway)) = request.request_context_ref() {
        request_id.clone_from(&gateway.request_id);
        let fields = gateway.authorizer.iter().flat_map(|authorizer| &authorizer.fields);
        context.0 = fields.map(|(name, value)| (name.clone(), text(value))).collect();
    }
    let request_id = request_id.or_else(|| Some(request.lambda_context_ref()?.request_id.clone()));
    request.extensions_mut().insert(context);
    if let Some(id) = request_id {
        request.extensions_mut().insert(GatewayRequestId(id));
    }
    request
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use axum::{Extension, routing::get};
    use lambda_http::Body;
    use serde_json::json;

    use super::*;

    struct Failure;

    impl TaskName for Failure {
        fn name(&self) -> &'static str {
            "Throttled"
        }

        fn cause(&self) -> String {
            "Microsoft asked us to slow down".to_owned()
        }
    }

    #[derive(serde::Deserialize)]
    struct Payload {
        number: u32,
    }

    async fn task(payload: Payload, invocation: Invocation) -> Result<String, Failure> {
        match payload.number {
            0 => Err(Failure),
            number => Ok(format!("{number} by {}", invocation.deadline)),
        }
    }

    #[tokio::test]
    async fn results_and_failures_have_the_shape_the_state_machine_knows() {
        let failed = |name: &str, cause: &str| {
            Err(Diagnostic { error_type: name.to_owned(), error_message: cause.to_owned() })
        };
        for (payload, expected) in [
            (r#"{"number":7}"#, Ok("7 by 2026-11-23T10:00:00Z".to_owned())),
            (r#"{"number":0}"#, failed("Throttled", "Microsoft asked us to slow down")),
            (
                "{}",
                failed(
                    "InvalidInput",
                    "the payload is not one for this task: missing field `number` at line 1 column 2",
                ),
            ),
        ] {
            let payload = RawValue::from_string(payload.to_owned()).unwrap();
            let mut context = Context::default();
            context.deadline = 1_795_428_000_000;
            assert_eq!(invoke(&payload, &context, task).await, expected);
        }
    }

    async fn never(_: Payload, _: Invocation) -> Result<String, Failure> {
        panic!("it is no work")
    }

    /// What is no work for the task is said to be none before anything is done.
    #[tokio::test]
    async fn whatever_is_no_work_is_named_so_and_nothing_is_done() {
        let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
        let within = format!(r#"{{"number":{deep}}}"#);
        for payload in [
            "null",
            "true",
            "7",
            "1e999",
            r#""7""#,
            r#""\ud800""#,
            "[]",
            "[7,7]",
            r#"{"Number":7}"#,
            r#"{"number":null}"#,
            r#"{"number":-1}"#,
            r#"{"number":7.5}"#,
            r#"{"number":1e999}"#,
            r#"{"number":4294967296}"#,
            r#"{"number":7,"number":7}"#,
            r#"{"number":{}}"#,
            &deep,
            &within,
        ] {
            let payload = RawValue::from_string(payload.to_owned()).unwrap();
            let refused = invoke(&payload, &Context::default(), never).await.unwrap_err();
            assert_eq!(refused.error_type, INVALID_INPUT);
            let shown = refused.error_message;
            assert!(shown.len() < 300, "{shown}");
        }
    }

    fn event(authorizer: serde_json::Value) -> lambda_http::Request {
        let event = json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": "/api/integrations/entra",
            "rawQueryString": "limit=5",
            "headers": { "host": "h", "x-workspace": "forged" },
            "requestContext": {
                "accountId": "1", "apiId": "a", "domainName": "h", "domainPrefix": "h",
                "http": { "method": "GET", "path": "/api/integrations/entra", "protocol": "HTTP/1.1",
                          "sourceIp": "192.0.2.1", "userAgent": "t" },
                "authorizer": authorizer,
                "requestId": "gateway-1", "routeKey": "$default", "stage": "$default",
                "time": "23/Nov/2026:10:00:00 +0000", "timeEpoch": 1_795_428_000_000_i64,
            },
            "isBase64Encoded": false,
        });
        lambda_http::request::from_str(&event.to_string()).unwrap()
    }

    #[tokio::test]
    async fn a_router_sees_what_the_authorizer_said_and_nothing_else() {
        for (authorizer, expected) in [
            (
                json!({ "lambda": { "workspace": "w", "flag": true, "permissions": ["a"] } }),
                "workspace=w flag=true permissions=[\"a\"]",
            ),
            (json!({ "lambda": null }), ""),
            (json!({ "jwt": { "claims": { "workspace": "w" }, "scopes": null } }), ""),
        ] {
            let show = |Extension(context): Extension<GatewayContext>,
                        Extension(id): Extension<GatewayRequestId>| async move {
                let pair = |name: &str| context.0.get(name).map(|value| format!("{name}={value}"));
                let pairs: Vec<_> =
                    ["workspace", "flag", "permissions"].into_iter().filter_map(pair).collect();
                format!("{} {}", id.0, pairs.join(" "))
            };
            let mut router = Router::new().route("/api/integrations/entra", get(show));
            let answer = router.call(with_gateway(event(authorizer))).await.unwrap();
            let body = axum::body::to_bytes(answer.into_body(), 1024).await.unwrap();
            assert_eq!(body, format!("gateway-1 {expected}"));
        }
    }

    #[test]
    fn a_request_from_elsewhere_has_an_empty_context() {
        let request = with_gateway(lambda_http::Request::new(Body::Empty));
        assert_eq!(request.extensions().get(), Some(&GatewayContext::default()));
        assert_eq!(request.extensions().get::<GatewayRequestId>(), None);
    }
}
