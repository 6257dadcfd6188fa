//! What stands between the product and another server: Microsoft's addresses in front of the server's own,
//! and of Microsoft Graph the one listing that a sign-in is tried out with.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderValue, header},
    response::Response,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::{Url, form_urlencoded};

use crate::tools::client;

const LISTING: &str = "/v1.0/tenantRelationships/delegatedAdminRelationships";

/// Members of a form.
pub(crate) type Form = Vec<(String, String)>;

/// Makes another token of one.
pub(crate) type Forge = fn(&str) -> String;

/// Where the server has its endpoints.
#[derive(Clone, Copy)]
pub(crate) struct Endpoints {
    pub(crate) authorize: &'static str,
    pub(crate) token: &'static str,
    pub(crate) keys: &'static str,
}

#[derive(Clone)]
pub(crate) struct Gateway {
    /// Its address: the product's `MICROSOFT_LOGIN_BASE_URL` and `MICROSOFT_GRAPH_BASE_URL`.
    pub(crate) base: Url,
    shared: Arc<Shared>,
}

struct Shared {
    base: Url,
    peer: String,
    endpoints: Endpoints,
    http: reqwest::Client,
    asked: Mutex<Vec<Form>>,
    granted: Mutex<Vec<Value>>,
    /// Changes a token request on its way.
    tamper: Mutex<Option<(&'static str, &'static str)>>,
    /// Changes the id_token on its way back.
    forge: Mutex<Option<Forge>>,
}

impl Gateway {
    /// In front of the server at `peer`, which need not be there yet.
    pub(crate) async fn before(peer: &str, endpoints: Endpoints) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base: Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let shared = Arc::new(Shared {
            base: base.clone(),
            peer: peer.to_owned(),
            endpoints,
            http: client(),
            asked: Mutex::default(),
            granted: Mutex::default(),
            tamper: Mutex::default(),
            forge: Mutex::default(),
        });
        let router = Router::new().fallback(serve).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base, shared }
    }

    /// The address of a path.
    pub(crate) fn at(&self, path: &str) -> String {
        self.base.join(path).unwrap().into()
    }

    /// The token requests so far.
    pub(crate) fn asked(&self) -> Vec<Form> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// A member of the token answers so far.
    pub(crate) fn granted(&self, member: &str) -> Vec<String> {
        let granted = self.shared.granted.lock().unwrap();
        granted.iter().map(|answer| answer[member].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// From now on a member of token requests has another value when it arrives.
    pub(crate) fn tamper(&self, member: &'static str, value: &'static str) {
        *self.shared.tamper.lock().unwrap() = Some((member, value));
    }

    /// From now on another id_token comes back than the server made.
    pub(crate) fn forge(&self, forge: Forge) {
        *self.shared.forge.lock().unwrap() = Some(forge);
    }

    /// A document that the server publishes.
    pub(crate) async fn document(&self, path: &str) -> Value {
        let answer = self.shared.http.get(self.at(path)).send().await.unwrap();
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }
}

/// A member of a form.
pub(crate) fn member<'a>(form: &'a Form, name: &str) -> Option<&'a str> {
    form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

async fn serve(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 100_000).await.unwrap();
    let path = head.uri.path();
    if path == LISTING {
        return listing(&shared, head.headers.get(header::AUTHORIZATION));
    }
    if path == "/organizations/v2.0/.well-known/openid-configuration" {
        let keys = shared.base.join("/organizations/discovery/v2.0/keys").unwrap();
        return json_answer(200, &json!({ "jwks_uri": keys.as_str() }));
    }
    // Below each tenant's name Microsoft has what these servers have once.
    let endpoint = path.split_once("/oauth2/v2.0/").filter(|(tenant, _)| tenant.len() > 1);
    let is_token = endpoint.is_some_and(|(_, endpoint)| endpoint == "token");
    let path = match endpoint {
        Some((_, "authorize")) => shared.endpoints.authorize,
        Some((_, "token")) => shared.endpoints.token,
        _ if path == "/organizations/discovery/v2.0/keys" => shared.endpoints.keys,
        _ => path,
    };
    let query = head.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let body = if is_token { changed(&shared, &body) } else { body };
    let mut forwarded = shared.http.request(head.method, format!("{}{path}{query}", shared.peer)).body(body);
    if let Some(kind) = head.headers.get(header::CONTENT_TYPE) {
        forwarded = forwarded.header(header::CONTENT_TYPE, kind);
    }
    let answer = forwarded.send().await.unwrap();
    let mut response = Response::builder().status(answer.status());
    for name in [header::CONTENT_TYPE, header::LOCATION] {
        if let Some(value) = answer.headers().get(&name) {
            response = response.header(name, value);
        }
    }
    let status = answer.status();
    let body = answer.bytes().await.unwrap();
    if is_token && status == 200 {
        let mut granted: Value = serde_json::from_slice(&body).unwrap();
        if let (Some(forge), Some(token)) = (*shared.forge.lock().unwrap(), granted["id_token"].as_str()) {
            granted["id_token"] = forge(token).into();
        }
        let body = granted.to_string();
        shared.granted.lock().unwrap().push(granted);
        return response.body(Body::from(body)).unwrap();
    }
    response.body(Body::from(body)).unwrap()
}

/// Notes a token request, and what arrives of it.
fn changed(shared: &Shared, body: &Bytes) -> Bytes {
    let mut form: Form = form_urlencoded::parse(body).into_owned().collect();
    shared.asked.lock().unwrap().push(form.clone());
    if let Some((name, value)) = *shared.tamper.lock().unwrap() {
        for (_, old) in form.iter_mut().filter(|(key, _)| key == name) {
            value.clone_into(old);
        }
    }
    form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish().into()
}

/// One customer, for whoever brings the newest access token.
fn listing(shared: &Shared, authorization: Option<&HeaderValue>) -> Response {
    let granted = shared.granted.lock().unwrap();
    let newest = granted.last().and_then(|answer| answer["access_token"].as_str());
    let bearer = authorization.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let (status, body) = if bearer.is_some() && bearer == newest {
        let customer =
            json!({ "tenantId": "5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d", "displayName": "Borealis" });
        (200, json!({ "value": [{ "id": "r-1", "status": "active", "customer": customer }] }))
    } else {
        (401, json!({ "error": { "code": "InvalidAuthenticationToken", "message": "x" } }))
    };
    json_answer(status, &body)
}

fn json_answer(status: u16, body: &Value) -> Response {
    Response::builder().status(status).body(Body::from(body.to_string())).unwrap()
}
