//! A browser and a server that talk to the fake without a socket.

use std::{collections::HashMap, sync::Arc};

use ambient::VirtualClock;
use axum::{
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::ids::EntraTenantId;
use fake_microsoft::{Fake, World, WorldConfig};
use http_body_util::BodyExt;
use secrecy::ExposeSecret;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tower::ServiceExt;
use url::{Url, form_urlencoded};

pub(crate) const BASE: &str = "http://fake.test";
pub(crate) const VERIFIER: &str = "Zk3-a-verifier-of-enough-letters-for-RFC-7636-1";
pub(crate) const ALL_SCOPES: &str = "openid profile offline_access https://graph.microsoft.com/User.Read.All \
     https://graph.microsoft.com/DelegatedAdminRelationship.Read.All \
     https://graph.microsoft.com/CrossTenantInformation.ReadBasic.All";
pub(crate) const DEFAULT_SCOPE: &str = "https://graph.microsoft.com/.default";

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The query of the redirect's target.
    pub(crate) fn callback(&self) -> HashMap<String, String> {
        assert_eq!(self.status, 302, "{}", self.text);
        Url::parse(self.header("location")).unwrap().query_pairs().into_owned().collect()
    }
}

pub(crate) struct Session {
    pub(crate) fake: Fake,
    pub(crate) clock: VirtualClock,
}

impl Session {
    pub(crate) fn new(sizes: &[u32]) -> Self {
        Self::of(WorldConfig::sample(7, sizes))
    }

    pub(crate) fn of(config: WorldConfig) -> Self {
        let clock = VirtualClock::starting_at(config.as_of);
        Self { fake: Fake::new(World::generate(config), Arc::new(clock.clone())), clock }
    }

    pub(crate) fn tenant(&self, number: usize) -> EntraTenantId {
        self.fake.world().tenants()[number].id
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.fake.router().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    pub(crate) async fn get(&self, target: &str, token: Option<&str>) -> Answer {
        let path = target.strip_prefix(BASE).unwrap_or(target);
        let mut request = Request::get(path).header("host", "fake.test");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// With the header `ConsistencyLevel: eventual`.
    pub(crate) async fn get_eventual(&self, target: &str, token: &str) -> Answer {
        let request = Request::get(target.strip_prefix(BASE).unwrap_or(target))
            .header("host", "fake.test")
            .header("authorization", format!("Bearer {token}"))
            .header("consistencylevel", "eventual");
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn graph(&self, path_and_query: &str, token: &str) -> Answer {
        self.get(&format!("/v1.0{path_and_query}"), Some(token)).await
    }

    pub(crate) async fn post_token(&self, authority: &str, pairs: &[(&str, &str)]) -> Answer {
        let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let request = Request::post(format!("/{authority}/oauth2/v2.0/token"))
            .header("host", "fake.test")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(body));
        self.send(request.unwrap()).await
    }

    /// The parameters of a proper authorize request.
    pub(crate) fn authorize_parameters(&self) -> Vec<(String, String)> {
        let application = &self.fake.world().config().application;
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        [
            ("client_id", application.client_id.as_str()),
            ("response_type", "code"),
            ("redirect_uri", &application.redirect_uris[0]),
            ("scope", ALL_SCOPES),
            ("state", "state 1"),
            ("nonce", "nonce 1"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    pub(crate) async fn authorize(&self, authority: &str, parameters: &[(String, String)]) -> Answer {
        let query: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        self.get(&format!("/{authority}/oauth2/v2.0/authorize?{query}"), None).await
    }

    /// Signs in at `organizations`; a code.
    pub(crate) async fn code(&self) -> String {
        let answer = self.authorize("organizations", &self.authorize_parameters()).await;
        answer.callback()["code"].clone()
    }

    pub(crate) async fn redeem(&self, code: &str, changes: &[(&str, &str)]) -> Answer {
        let application = self.fake.world().config().application.clone();
        let mut pairs = vec![
            ("client_id", application.client_id.as_str()),
            ("client_secret", application.client_secret.expose_secret()),
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &application.redirect_uris[0]),
            ("code_verifier", VERIFIER),
            ("scope", ALL_SCOPES),
        ];
        change(&mut pairs, changes);
        self.post_token("organizations", &pairs).await
    }

    pub(crate) async fn refresh(&self, authority: &str, token: &str, changes: &[(&str, &str)]) -> Answer {
        let application = self.fake.world().config().application.clone();
        let mut pairs = vec![
            ("client_id", application.client_id.as_str()),
            ("client_secret", application.client_secret.expose_secret()),
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("scope", DEFAULT_SCOPE),
        ];
        change(&mut pairs, changes);
        self.post_token(authority, &pairs).await
    }

    /// Signs in; the refresh token.
    pub(crate) async fn sign_in(&self) -> String {
        let body = self.redeem(&self.code().await, &[]).await.json();
        body["refresh_token"].as_str().unwrap().to_owned()
    }

    /// An access token for the partner.
    pub(crate) async fn partner_token(&self) -> String {
        let refresh_token = self.sign_in().await;
        self.access_token(&self.fake.world().partner().id.to_string(), &refresh_token).await
    }

    /// An access token for customer `number`.
    pub(crate) async fn customer_token(&self, number: usize) -> String {
        let refresh_token = self.sign_in().await;
        self.access_token(&self.tenant(number).to_string(), &refresh_token).await
    }

    async fn access_token(&self, authority: &str, refresh_token: &str) -> String {
        let body = self.refresh(authority, refresh_token, &[]).await.json();
        body["access_token"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
    }

    /// Follows every link from `first`; the pages.
    pub(crate) async fn pages(&self, first: &str, token: &str) -> Vec<Value> {
        let mut pages = vec![self.graph(first, token).await.json()];
        while let Some(link) = pages.last().unwrap()["@odata.nextLink"].as_str().map(str::to_owned) {
            pages.push(self.get(&link, Some(token)).await.json());
        }
        pages
    }
}

/// Replaces the values of parameters; an empty value takes the parameter out, a new name adds one.
fn change<'a>(pairs: &mut Vec<(&'a str, &'a str)>, changes: &[(&'a str, &'a str)]) {
    for (name, value) in changes {
        pairs.retain(|(existing, _)| existing != name);
        if !value.is_empty() {
            pairs.push((name, value));
        }
    }
}

pub(crate) fn error_code(answer: &Answer) -> String {
    answer.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
}

pub(crate) fn aadsts(answer: &Answer) -> u64 {
    answer.json()["error_codes"][0].as_u64().unwrap_or_default()
}
