//! Secrets Manager as far as its public API reference tells, behind the SDK's HTTP seam; and a
//! script of canned answers for what it would never say by itself.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};

use aws_credential_types::Credentials;
use aws_sdk_secretsmanager::{
    Client, Config,
    config::{BehaviorVersion, Region, retry::RetryConfig},
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::HttpRequest,
};
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

/// Remembers every request and keeps versions under the rules of `ClientRequestToken`.
#[derive(Clone, Debug, Default)]
pub(crate) struct FakeSecretsManager(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    secrets: BTreeMap<String, Secret>,
    requests: Vec<(String, Value)>,
    script: VecDeque<(u16, Value)>,
}

#[derive(Debug, Default)]
struct Secret {
    versions: BTreeMap<String, String>,
    current: String,
}

impl FakeSecretsManager {
    pub(crate) fn client(&self) -> Client {
        let connector = SharedHttpConnector::new(self.clone());
        Client::from_conf(
            Config::builder()
                .behavior_version(BehaviorVersion::v2026_01_12())
                .region(Region::from_static("eu-central-1"))
                .credentials_provider(Credentials::new("id", "key", None, None, "test"))
                .retry_config(RetryConfig::disabled())
                .http_client(http_client_fn(move |_, _| connector.clone()))
                .build(),
        )
    }

    /// Answers the next request like this, whatever it asks.
    pub(crate) fn answer(&self, status: u16, body: Value) {
        self.0.lock().unwrap().script.push_back((status, body));
    }

    /// What was asked: operation and body.
    pub(crate) fn requests(&self) -> Vec<(String, Value)> {
        self.0.lock().unwrap().requests.clone()
    }
}

impl HttpConnector for FakeSecretsManager {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.strip_prefix("secretsmanager.").expect("a JSON 1.1 target").to_owned();
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let mut state = self.0.lock().unwrap();
        state.requests.push((operation.clone(), body.clone()));
        let scripted = state.script.pop_front();
        let (status, body) = scripted.unwrap_or_else(|| match state.handle(&operation, &body) {
            Ok(body) => (200, body),
            Err((code, message)) => (400, json!({ "__type": code, "message": message })),
        });
        let response = http::Response::builder().status(status).body(SdkBody::from(body.to_string()));
        HttpConnectorFuture::ready(Ok(response.unwrap().try_into().unwrap()))
    }
}

type Answer = Result<Value, (&'static str, &'static str)>;

impl State {
    fn handle(&mut self, operation: &str, body: &Value) -> Answer {
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        match operation {
            "CreateSecret" => {
                let name = text("Name").unwrap();
                if self.secrets.contains_key(&name) {
                    return Err(("ResourceExistsException", "the name is taken"));
                }
                self.secrets.insert(name.clone(), Secret::default());
                self.put(&name, text("ClientRequestToken").unwrap(), text("SecretString").unwrap())
            }
            "PutSecretValue" => self.put(
                &text("SecretId").unwrap(),
                text("ClientRequestToken").unwrap(),
                text("SecretString").unwrap(),
            ),
            "GetSecretValue" => {
                assert_eq!(body["VersionStage"], "AWSCURRENT");
                let secret = self.secrets.get(&text("SecretId").unwrap()).ok_or(NOT_FOUND)?;
                Ok(json!({
                    "VersionId": secret.current,
                    "VersionStages": ["AWSCURRENT"],
                    "SecretString": secret.versions[&secret.current],
                }))
            }
            "DeleteSecret" => {
                assert_eq!(body["ForceDeleteWithoutRecovery"], true);
                self.secrets.remove(&text("SecretId").unwrap()).map(|_| json!({})).ok_or(NOT_FOUND)
            }
            other => panic!("nobody should call {other}"),
        }
    }

    fn put(&mut self, name: &str, token: String, text: String) -> Answer {
        assert!((32..=64).contains(&token.len()), "a token of {} characters", token.len());
        let secret = self.secrets.get_mut(name).ok_or(NOT_FOUND)?;
        match secret.versions.get(&token) {
            Some(existing) if *existing != text => {
                Err(("ResourceExistsException", "you can't modify a version"))
            }
            // Repeated: accepted, and nothing moves.
            Some(_) if secret.current != token => Ok(json!({ "VersionId": token, "VersionStages": [] })),
            _ => {
                secret.versions.insert(token.clone(), text);
                secret.current.clone_from(&token);
                Ok(json!({ "VersionId": token, "VersionStages": ["AWSCURRENT"] }))
            }
        }
    }
}

const NOT_FOUND: (&str, &str) = ("ResourceNotFoundException", "there is no such secret");
