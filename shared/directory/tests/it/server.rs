//! A login service and a Graph of a few lines on loopback, scripted by the test.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, Once},
};

use ambient::{SeededEntropy, VirtualClock};
use async_trait::async_trait;
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::Response,
};
use directory::{
    Credentials, GraphDirectory, GraphSettings, ReadError,
    protocol::token::{AppCredentials, TokenGrant},
};
use domain::ids::EntraTenantId;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

pub(crate) const CUSTOMER: &str = "5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d";
pub(crate) const PARTNER: &str = "0a1b2c3d-0b1f-4c3a-9d2e-7f1e2a3b4c5d";

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    pub(crate) target: String,
    pub(crate) bearer: Option<String>,
    pub(crate) priority: Option<String>,
    pub(crate) consistency: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) body: String,
}

/// What is answered to requests whose path holds a text, in order; the last answer repeats.
pub(crate) type Script = Vec<(&'static str, VecDeque<Answer>)>;

#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) body: String,
}

pub(crate) fn ok(body: Value) -> Answer {
    Answer { status: 200, headers: Vec::new(), body: body.to_string() }
}

pub(crate) fn status(status: u16, body: Value) -> Answer {
    Answer { status, ..ok(body) }
}

pub(crate) fn token(name: &str) -> Answer {
    ok(json!({ "access_token": name, "expires_in": 3_600, "token_type": "Bearer" }))
}

/// A server, the requests it saw, and a directory that talks to it.
pub(crate) struct World {
    pub(crate) directory: GraphDirectory,
    pub(crate) credentials: Arc<Stored>,
    pub(crate) clock: VirtualClock,
    pub(crate) base: String,
    arrived: Arc<Mutex<Vec<Arrived>>>,
}

#[derive(Clone)]
struct Served {
    arrived: Arc<Mutex<Vec<Arrived>>>,
    script: Arc<Mutex<Script>>,
}

/// Credentials in memory.
pub(crate) struct Stored {
    pub(crate) refresh_token: Mutex<String>,
}

#[async_trait]
impl Credentials for Stored {
    async fn app(&self) -> Result<AppCredentials, ReadError> {
        Ok(AppCredentials { client_id: "app".to_owned(), client_secret: "p%+&=".into() })
    }

    async fn refresh_token(&self) -> Result<SecretString, ReadError> {
        Ok(self.refresh_token.lock().unwrap().clone().into())
    }

    async fn keep(&self, used: &SecretString, new: TokenGrant) -> Result<(), ReadError> {
        let mut stored = self.refresh_token.lock().unwrap();
        if *stored == used.expose_secret()
            && let Some(newer) = new.refresh_token
        {
            newer.expose_secret().clone_into(&mut stored);
        }
        Ok(())
    }

    fn partner_tenant(&self) -> Option<EntraTenantId> {
        PARTNER.parse().ok()
    }
}

impl World {
    /// Serves `script`, which may refer to the server's own address.
    pub(crate) async fn new(script: impl FnOnce(&str) -> Script) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let arrived = Arc::default();
        let served = Served { arrived: Arc::clone(&arrived), script: Arc::new(Mutex::new(script(&base))) };
        let router = Router::new().fallback(serve).with_state(served);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let clock = VirtualClock::starting_at("2026-03-02T08:00:00Z".parse::<Timestamp>().unwrap());
        let credentials = Arc::new(Stored { refresh_token: Mutex::new("refresh-1".to_owned()) });
        let url: url::Url = base.parse().unwrap();
        let mut settings = GraphSettings::new(&url, url.clone()).unwrap();
        settings.body_bytes_max = 100_000;
        let directory = GraphDirectory::new(
            settings,
            client(),
            Arc::clone(&credentials) as Arc<dyn Credentials>,
            Arc::new(clock.clone()),
            Arc::new(SeededEntropy::new(1)),
        );
        Self { directory, credentials, clock, base, arrived }
    }

    /// The requests whose path and query hold `part`.
    pub(crate) fn arrived(&self, part: &str) -> Vec<Arrived> {
        let arrived = self.arrived.lock().unwrap();
        arrived.iter().filter(|request| request.target.contains(part)).cloned().collect()
    }
}

pub(crate) fn client() -> reqwest::Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

async fn serve(State(served): State<Served>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let header = |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let target = head.uri.to_string();
    let body = to_bytes(body, 10_000).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    served.arrived.lock().unwrap().push(Arrived {
        target: target.clone(),
        bearer: header("authorization").and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned)),
        priority: header("x-ms-throttle-priority"),
        consistency: header("consistencylevel"),
        request_id: header("client-request-id"),
        body,
    });
    let answer = {
        let mut script = served.script.lock().unwrap();
        let answers = script.iter_mut().find(|(part, _)| target.contains(part)).map(|(_, answers)| answers);
        let answers = answers.unwrap_or_else(|| panic!("no answer for {target}"));
        if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0].clone() }
    };
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.body)).unwrap()
}
