//! A workspace with two clients, and an operator who sends and fetches documents.

use std::sync::Arc;

use aws_sdk_dynamodb::config::SharedHttpClient;
use axum::{
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use domain::ids::{ClientId, ContactId, UserId, WorkspaceId};
use edge::{Caller, CallerKind, Edition, Permission, ServiceEdition, finish};
use embedded::Engine;
use http_body_util::BodyExt;
use people::{Format, People, clients, routes};
use serde_json::Value;
use store::{Store, client_over, probe::Probe};
use tower::ServiceExt;
use uuid::Uuid;

pub(crate) const WORKSPACE: WorkspaceId = WorkspaceId::new(Uuid::from_u128(0xA0));
pub(crate) const BASE: &str = "/api/integrations/entra";
pub(crate) const LINES: &str = "application/x-ndjson";
pub(crate) const CSV: &str = "text/csv; charset=utf-8";

pub(crate) struct World {
    pub(crate) people: Arc<People>,
    pub(crate) probe: Probe,
    /// The table, for whoever writes to it past the probe.
    pub(crate) engine: Engine,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }

    pub(crate) fn data(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text());
        self.json()["data"].clone()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.bytes.clone()).unwrap()
    }

    pub(crate) fn refused(&self) -> (u16, String) {
        (self.status.as_u16(), self.json()["code"].as_str().unwrap_or_default().to_owned())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Lines and codes of the rows that were left out.
    pub(crate) fn failed(&self) -> Vec<(u64, String)> {
        let data = self.data();
        let failed = data["failed"].as_array().unwrap();
        let code = |row: &Value| row["code"].as_str().unwrap().to_owned();
        failed.iter().map(|row| (row["line"].as_u64().unwrap(), code(row))).collect()
    }

    /// Rows created, updated, unchanged, failed.
    pub(crate) fn counts(&self) -> [u64; 4] {
        let data = self.data();
        ["created", "updated", "unchanged", "failedTotal"].map(|name| data[name].as_u64().unwrap())
    }
}

pub(crate) fn client_id(number: u128) -> ClientId {
    ClientId::new(Uuid::from_u128(0xC000 + number))
}

pub(crate) fn contact_id(number: u128) -> ContactId {
    ContactId::new(Uuid::from_u128(0xD000 + number))
}

/// Rows as JSON lines.
pub(crate) fn lines(rows: &[Value]) -> String {
    let rows: Vec<String> = rows.iter().map(Value::to_string).collect();
    rows.join("\n")
}

impl World {
    /// Clients 1 and 2; no contacts.
    pub(crate) async fn new() -> Self {
        let engine = Engine::in_memory().unwrap();
        let (probe, http) = Probe::around(engine.clone());
        let store = Store::new(client_over(SharedHttpClient::new(http)), "contacts");
        store.create_table_if_absent().await.unwrap();
        let world = Self { people: Arc::new(People { store }), probe, engine };
        let two = format!(
            "clientId,clientName\n{},Borealis Dental\n{},Contoso Klinik\n",
            client_id(1),
            client_id(2)
        );
        clients::import(&world.people.store, WORKSPACE, Format::Csv, two.as_bytes()).await.unwrap();
        world
    }

    pub(crate) async fn post(&self, path: &str, kind: &str, document: impl Into<Body>) -> Answer {
        let request = Request::builder().method("POST").uri(format!("{BASE}{path}"));
        self.ask(request.header("content-type", kind).body(document.into()).unwrap(), &Permission::ALL).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let uri = if path.starts_with(BASE) { path.to_owned() } else { format!("{BASE}{path}") };
        self.ask(Request::builder().uri(uri).body(Body::empty()).unwrap(), &[Permission::Read]).await
    }

    pub(crate) async fn ask(&self, mut request: Request<Body>, permissions: &[Permission]) -> Answer {
        request.extensions_mut().insert(ServiceEdition(Edition::Enterprise));
        request.extensions_mut().insert(Caller {
            workspace: WORKSPACE,
            user: Some(UserId::new(Uuid::from_u128(1))),
            kind: CallerKind::Internal,
            permissions: permissions.iter().map(|permission| permission.name().to_owned()).collect(),
            edition: Edition::Enterprise,
        });
        let router = finish(routes::router(Arc::clone(&self.people)));
        let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status, headers: parts.headers, bytes }
    }
}
