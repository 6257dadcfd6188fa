//! The AWS services a function calls: DynamoDB for real, on the embedded engine, and just enough
//! of the others.

use ambient::Clock;
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, SharedHttpClient},
        orchestrator::HttpRequest,
    },
    http::StatusCode as SmithyStatus,
};
use aws_smithy_types::body::SdkBody;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::post,
};
use domain::{flags::Feature, ids::FlagId};
use embedded::Engine;
use serde_json::json;
use store::{FeatureFlag, Store, client_over};

use crate::{samples::WORKSPACE, serve};

/// The table's name.
pub(crate) const TABLE: &str = "samples";

/// An account of its own.
pub(crate) struct Aws {
    /// Where it is (`AWS_ENDPOINT_URL`).
    pub(crate) endpoint: String,
    /// Its table.
    pub(crate) store: Store,
}

impl Aws {
    /// With every feature switched on for the workspace of the samples.
    pub(crate) async fn start() -> Self {
        let aws = Self::start_switched_off().await;
        for feature in Feature::ALL {
            let flag = flag(feature);
            assert!(aws.store.create_flag(&flag).await.unwrap());
            aws.store.target_flag(flag.id, WORKSPACE, true, flag.created_at).await.unwrap().unwrap();
        }
        aws
    }

    /// With no flag at all.
    pub(crate) async fn start_switched_off() -> Self {
        let engine = Engine::in_memory().unwrap();
        let store = Store::new(client_over(SharedHttpClient::new(engine.clone())), TABLE);
        store.create_table_if_absent().await.unwrap();
        let router = Router::new().route("/", post(handle)).with_state(engine);
        Self { endpoint: format!("http://{}", serve(router).await), store }
    }
}

fn flag(feature: Feature) -> FeatureFlag {
    let id = FlagId::new(uuid::Uuid::from_u128(feature as u128));
    FeatureFlag::new(id, feature.key(), ambient::SystemClock.now())
}

async fn handle(State(engine): State<Engine>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers["x-amz-target"].to_str().unwrap();
    match target {
        // No secret is kept: the functions have to say so, and go on.
        "secretsmanager.GetSecretValue" => {
            let message = "Secrets Manager can't find the specified secret.";
            refusal(&json!({ "__type": "ResourceNotFoundException", "Message": message }).to_string())
        }
        "AWSStepFunctions.StartExecution" => {
            let request: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let machine = request["stateMachineArn"].as_str().unwrap().replace("stateMachine", "execution");
            let execution = format!("{machine}:{}", request["name"].as_str().unwrap());
            amazon_json(
                StatusCode::OK,
                json!({ "executionArn": execution, "startDate": 1_795_428_000.0 }).to_string(),
            )
        }
        target if target.starts_with("DynamoDB_20120810.") => {
            let mut request = HttpRequest::new(SdkBody::from(body.as_ref()));
            request.headers_mut().insert("x-amz-target", target.to_owned());
            let answer = engine.call(request).await.unwrap();
            let ok = answer.status() == SmithyStatus::try_from(200).unwrap();
            let body = String::from_utf8(answer.body().bytes().unwrap().to_vec()).unwrap();
            if ok { amazon_json(StatusCode::OK, body) } else { refusal(&body) }
        }
        other => panic!("no function calls {other}"),
    }
}

fn refusal(body: &str) -> Response {
    amazon_json(StatusCode::BAD_REQUEST, body.to_owned())
}

fn amazon_json(status: StatusCode, body: String) -> Response {
    (status, [(CONTENT_TYPE, "application/x-amz-json-1.1")], body).into_response()
}
