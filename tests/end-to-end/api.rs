//! The deployed API, as the PSA and a browser call it.

use std::collections::BTreeSet;

use ambient::{Clock, SystemClock};
use authorizer::{Parties, sign_hs256};
use domain::ids::{UserId, WorkspaceId};
use edge::{Caller, CallerKind, Edition, Permission};
use jiff::SignedDuration;
use reqwest::{Method, Response};
use secrecy::SecretString;
use serde_json::Value;
use uuid::{Uuid, uuid};

use crate::emulator::client;

/// Who signs tokens, and for whom.
pub(crate) const ISSUER: &str = "https://psa.example";
/// The template's default.
const AUDIENCE: &str = "entra-contact-sync";
/// The key shared with the deployed authorizer.
pub(crate) const KEY: &str = "a-key-for-this-suite-of-more-than-thirty-two-bytes";

/// The key of the workspace that decides about feature flags, and that workspace.
pub(crate) const PLATFORM_KEY: &str = "the-key-of-the-master-workspace-of-this-suite";
pub(crate) const MASTER: &str = "1d3b6c50-93d1-4ad0-8a3b-2f4f6f0c9a11";

pub(crate) const WORKSPACE: WorkspaceId = WorkspaceId::new(uuid!("7c9e6679-7425-40de-944b-e07fc1f90ae7"));

/// The API's routes below one base, called by somebody.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    http: reqwest::Client,
    endpoint: String,
    host: String,
    token: Option<String>,
}

impl Api {
    /// The API with this id at an emulator, called by an administrator of the workspace.
    pub(crate) fn new(endpoint: &str, id: &str) -> Self {
        let port = endpoint.rsplit(':').next().unwrap();
        let api = Self {
            http: client(),
            endpoint: endpoint.to_owned(),
            // Names below `localhost` do not resolve everywhere; the header says which API is meant.
            host: format!("{id}.execute-api.localhost:{port}"),
            token: None,
        };
        api.by(&administrator())
    }

    /// The same, called by somebody else.
    pub(crate) fn by(&self, caller: &Caller) -> Self {
        let parties = Parties { issuer: ISSUER.to_owned(), audience: AUDIENCE.to_owned() };
        let lifetime = SignedDuration::from_mins(15);
        let key = SecretString::from(KEY);
        self.with_token(Some(&sign_hs256(caller, &parties, &key, SystemClock.now(), lifetime).unwrap()))
    }

    /// The same with this token, or with none.
    pub(crate) fn with_token(&self, token: Option<&str>) -> Self {
        Self { token: token.map(str::to_owned), ..self.clone() }
    }

    /// A request to a path below `/api/integrations/entra`.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.request_to(method, &format!("/api/integrations/entra{path}"))
    }

    /// A request to any path.
    pub(crate) fn request_to(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request =
            self.http.request(method, format!("{}{path}", self.endpoint)).header("host", &self.host);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// The `data` of what a GET answers.
    pub(crate) async fn get(&self, path: &str) -> Value {
        data(self.request(Method::GET, path).send().await.unwrap()).await.1
    }

    /// Status and `data` of what a POST answers.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        data(self.request(Method::POST, path).json(body).send().await.unwrap()).await
    }

    /// Imports rows of a kind (`clients`, `contacts`).
    pub(crate) async fn import(&self, kind: &str, rows: &[Value]) -> Value {
        let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
        let request = self.request(Method::POST, &format!("/{kind}/import"));
        let answer = request
            .header("content-type", "application/x-ndjson")
            .body(lines.join("\n"))
            .send()
            .await
            .unwrap();
        let (status, result) = data(answer).await;
        assert_eq!((status, &result["failedTotal"]), (200, &0.into()), "{result}");
        result
    }

    /// Every contact, page by page.
    pub(crate) async fn contacts(&self) -> Vec<Value> {
        let mut contacts = Vec::new();
        let mut path = "/contacts/export?limit=500".to_owned();
        loop {
            let answer = self.request(Method::GET, &path).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            let next =
                answer.headers().get("x-next-cursor").map(|cursor| cursor.to_str().unwrap().to_owned());
            let lines = answer.text().await.unwrap();
            contacts.extend(lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
            match next {
                Some(cursor) => path = format!("/contacts/export?limit=500&cursor={cursor}"),
                None => return contacts,
            }
        }
    }
}

/// Status and `data` of an answer in the PSA's envelope; a failure ends the test with its text.
async fn data(answer: Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    let body: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{status} {error}: {text}"));
    assert_eq!(body["success"], true, "{status} {body}");
    (status, body["data"].clone())
}

/// Staff of the MSP with every permission.
pub(crate) fn administrator() -> Caller {
    Caller {
        workspace: WORKSPACE,
        user: Some(UserId::new(Uuid::from_u128(7))),
        kind: CallerKind::Internal,
        permissions: Permission::ALL.iter().map(|permission| permission.name().to_owned()).collect(),
        edition: Edition::Enterprise,
    }
}

/// Staff of the MSP who may only look.
pub(crate) fn reader() -> Caller {
    Caller { permissions: BTreeSet::from([Permission::Read.name().to_owned()]), ..administrator() }
}
