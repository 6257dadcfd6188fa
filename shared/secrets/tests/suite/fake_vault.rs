//! Vault with one KV version 2 engine, as far as its public API reference tells: versions, check-and-set,
//! soft deletion, destruction. What it does not know it refuses. And a script of canned answers for what
//! it would never say by itself.

use std::{
    collections::{BTreeMap, VecDeque},
    net::TcpListener,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    body::to_bytes,
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Response},
};
use secrets::{VaultPath, VaultProvider, VaultSettings, VaultToken};
use serde_json::{Map, Value, json};

use crate::client;

pub(crate) const TOKEN: &str = "hvs.CANARY-7f1e2a3b";
const TIME: &str = "2026-11-23T10:00:00.000000001Z";

/// One server, for as long as the test's runtime lives.
#[derive(Clone, Debug)]
pub(crate) struct FakeVault {
    pub(crate) address: String,
    state: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    secrets: BTreeMap<String, Secret>,
    requests: Vec<Asked>,
    script: VecDeque<(u16, Value)>,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

#[derive(Debug, Default)]
struct Secret {
    current: u64,
    versions: BTreeMap<u64, Slot>,
}

#[derive(Debug)]
enum Slot {
    Kept(Value),
    Deleted(Value),
    Destroyed,
}

type Answer = Result<(u16, Value), (u16, Vec<&'static str>)>;

impl FakeVault {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let fake = Self { address, state: Arc::default() };
        let router = Router::new().fallback(serve).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        fake
    }

    pub(crate) fn settings(&self) -> VaultSettings {
        let path = |text| VaultPath::parse(text).unwrap();
        VaultSettings {
            address: self.address.clone(),
            namespace: None,
            mount: path("secret"),
            prefix: path("entra-sync"),
            token: VaultToken::Given(TOKEN.into()),
        }
    }

    pub(crate) fn provider(&self) -> VaultProvider {
        VaultProvider::new(client(), self.settings())
    }

    /// Answers the next request like this, whatever it asks.
    pub(crate) fn answer(&self, status: u16, body: Value) {
        self.state.lock().unwrap().script.push_back((status, body));
    }

    pub(crate) fn requests(&self) -> Vec<Asked> {
        self.state.lock().unwrap().requests.clone()
    }

    /// What an operator does by hand with `vault kv delete`.
    pub(crate) fn soft_delete(&self, path: &str) {
        let mut state = self.state.lock().unwrap();
        let secret = state.secrets.get_mut(path).unwrap();
        let slot = secret.versions.get_mut(&secret.current).unwrap();
        let Slot::Kept(data) = slot else { panic!("{slot:?}") };
        *slot = Slot::Deleted(data.take());
    }

    /// What an operator does by hand with `vault kv metadata delete`.
    pub(crate) fn forget(&self, path: &str) {
        self.state.lock().unwrap().secrets.remove(path).unwrap();
    }

    /// Everything that could still be read or undeleted, as text.
    pub(crate) fn remains(&self) -> String {
        let state = self.state.lock().unwrap();
        let slots = state.secrets.values().flat_map(|secret| secret.versions.values());
        let data = slots.filter_map(|slot| match slot {
            Slot::Kept(data) | Slot::Deleted(data) => Some(data.to_string()),
            Slot::Destroyed => None,
        });
        data.collect()
    }
}

async fn serve(State(fake): State<FakeVault>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 100_000).await.unwrap();
    let body = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&body) };
    let path = head.uri.to_string();
    let mut state = fake.state.lock().unwrap();
    let asked = Asked {
        method: head.method.clone(),
        path: path.clone(),
        headers: head.headers.clone(),
        body: body.as_ref().ok().cloned().unwrap_or_default(),
    };
    state.requests.push(asked);
    let answer = match (state.script.pop_front(), body) {
        (Some(scripted), _) => Ok(scripted),
        (None, Err(_)) => Err((400, vec!["error parsing JSON"])),
        (None, Ok(body)) => state.handle(&head.method, &path, &head.headers, &body),
    };
    let (status, body) = answer.unwrap_or_else(|(status, errors)| (status, json!({ "errors": errors })));
    let status = StatusCode::from_u16(status).unwrap();
    if body.is_null() { status.into_response() } else { (status, Json(body)).into_response() }
}

impl Kept {
    fn handle(&mut self, method: &Method, path: &str, headers: &HeaderMap, body: &Value) -> Answer {
        if headers.get("x-vault-request").is_none_or(|value| value != "true") {
            return Err((412, vec!["missing 'X-Vault-Request' header"]));
        }
        if headers.get("x-vault-token").is_none_or(|token| token != TOKEN) {
            return Err((403, vec!["permission denied"]));
        }
        let Some((part, path)) = path.strip_prefix("/v1/secret/").and_then(|path| path.split_once('/'))
        else {
            return Err((404, vec!["no handler for route. route entry not found."]));
        };
        match (method.as_str(), part) {
            ("GET", "data") => self.read(path),
            ("POST", "data") => self.write(path, body),
            ("GET", "metadata") => self.metadata(path),
            ("POST", "destroy") => self.destroy(path, body),
            _ => Err((405, vec!["unsupported operation"])),
        }
    }

    fn read(&self, path: &str) -> Answer {
        let secret = self.secrets.get(path).ok_or((404, vec![]))?;
        let slot = &secret.versions[&secret.current];
        let mut metadata = about(secret.current, slot);
        metadata["custom_metadata"] = Value::Null;
        let (status, data) = match slot {
            Slot::Kept(data) => (200, data.clone()),
            Slot::Deleted(_) | Slot::Destroyed => (404, Value::Null),
        };
        Ok((
            status,
            json!({ "request_id": "r", "lease_id": "", "data": { "data": data, "metadata": metadata } }),
        ))
    }

    fn write(&mut self, path: &str, body: &Value) -> Answer {
        only(body, &["data", "options"])?;
        only(&body["options"], &["cas"])?;
        if !body["data"].is_object() {
            return Err((400, vec!["no data provided"]));
        }
        let current = self.secrets.get(path).map_or(0, |secret| secret.current);
        // The engine need not insist on it, but whoever leaves it out overwrites.
        let cas = body["options"]["cas"].as_u64();
        let cas = cas.ok_or((400, vec!["check-and-set parameter required for this call"]))?;
        if cas != current {
            return Err((400, vec!["check-and-set parameter did not match the current version"]));
        }
        let secret = self.secrets.entry(path.to_owned()).or_default();
        secret.current += 1;
        let slot = Slot::Kept(body["data"].clone());
        let answer = json!({ "data": about(secret.current, &slot) });
        secret.versions.insert(secret.current, slot);
        Ok((200, answer))
    }

    fn metadata(&self, path: &str) -> Answer {
        let secret = self.secrets.get(path).ok_or((404, vec![]))?;
        let versions = secret.versions.iter().map(|(number, slot)| {
            let mut about = about(*number, slot);
            about.as_object_mut().unwrap().remove("version");
            (number.to_string(), about)
        });
        let versions: Map<String, Value> = versions.collect();
        let data = json!({
            "cas_required": false, "created_time": TIME, "current_version": secret.current, "max_versions": 0,
            "oldest_version": 0, "updated_time": TIME, "custom_metadata": null, "versions": versions,
        });
        Ok((200, json!({ "data": data })))
    }

    fn destroy(&mut self, path: &str, body: &Value) -> Answer {
        only(body, &["versions"])?;
        let numbers = body["versions"].as_array().filter(|numbers| !numbers.is_empty());
        let numbers = numbers.ok_or((400, vec!["no version number provided"]))?;
        if let Some(secret) = self.secrets.get_mut(path) {
            for number in numbers {
                let number = number.as_u64().ok_or((400, vec!["not a version number"]))?;
                secret.versions.entry(number).and_modify(|slot| *slot = Slot::Destroyed);
            }
        }
        Ok((204, Value::Null))
    }
}

fn only(value: &Value, known: &[&str]) -> Result<(), (u16, Vec<&'static str>)> {
    let members = value.as_object().ok_or((400, vec!["not an object"]))?;
    let strange = members.keys().any(|name| !known.contains(&name.as_str()));
    if strange { Err((400, vec!["a member nobody knows"])) } else { Ok(()) }
}

fn about(number: u64, slot: &Slot) -> Value {
    json!({
        "created_time": TIME,
        "deletion_time": if matches!(slot, Slot::Deleted(_)) { TIME } else { "" },
        "destroyed": matches!(slot, Slot::Destroyed),
        "version": number,
    })
}
