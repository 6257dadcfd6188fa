//! An MSP whose Microsoft is a [`Gateway`].

use std::sync::Arc;

use ambient::Clock;
use authorizer::{Configuration, Refusal, Verifier};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use connect::{BegunLogin, Connect, Connected, Purpose};
use directory::{CippHttp, CippSettings, GraphSettings, cipp::Destinations};
use domain::ids::WorkspaceId;
use embedded::Durability;
use local::House;
use secrecy::ExposeSecret;
use secrets::{DirectTokens, Document, Family, Scope, WorkspaceSecret, key};
use serde_json::Value;
use tempfile::TempDir;
use url::Url;

use crate::{
    gateway::Gateway,
    tools::{client, free_port},
};

pub(crate) const CLIENT_ID: &str = "6f1c2d5e-7a8b-4c9d-8e0f-a1b2c3d4e5f6";
pub(crate) const CLIENT_SECRET: &str = "p%25~+&=/ä";
pub(crate) const PARTNER: &str = "0a1b2c3d-0b1f-4c3a-9d2e-7f1e2a3b4c5d";

/// Where the browser is sent back to.
pub(crate) const CALLBACK: &str = "http://127.0.0.1:8080/api/auth/microsoft/entra/callback";

pub(crate) struct Msp {
    pub(crate) connect: Connect,
    pub(crate) workspace: WorkspaceId,
    _house: House,
    _folder: TempDir,
}

impl Msp {
    pub(crate) async fn at(gateway: &Gateway) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let house = House::open(folder.path(), Durability::ProcessKill, None).await.unwrap();
        let app = Document::new()
            .with(key::MICROSOFT_CLIENT_ID, CLIENT_ID)
            .with(key::MICROSOFT_CLIENT_SECRET, CLIENT_SECRET);
        let scope = Scope::Workspace(house.workspace);
        house.secrets.write(scope, Family::MicrosoftApp, &app, None).await.unwrap();
        let builder = || runtime::http::builder(runtime::http::Limits::default());
        let connect = Connect {
            store: house.store.clone(),
            secrets: Arc::clone(&house.secrets),
            http: client(),
            graph: GraphSettings::new(&gateway.base, gateway.base.clone()).unwrap(),
            cipp: CippSettings::new(CippHttp::new(builder), Destinations::PublicOnly),
            redirect_base: "http://127.0.0.1:8080".parse().unwrap(),
            settings_page: "http://127.0.0.1:8080".parse().unwrap(),
            clock: Arc::clone(&house.clock),
            entropy: Arc::clone(&house.entropy),
        };
        assert_eq!(connect.redirect_uri(), CALLBACK);
        Self { connect, workspace: house.workspace, _house: house, _folder: folder }
    }

    pub(crate) async fn begin(&self) -> BegunLogin {
        self.connect.begin_login(self.workspace, None, Purpose::default()).await.unwrap()
    }

    /// Comes back from the server; the connection, or the code of the failure.
    pub(crate) async fn come_back(&self, begun: &BegunLogin, callback: &str) -> Result<Connected, String> {
        assert!(callback.starts_with(&format!("{CALLBACK}?")), "{callback}");
        let callback: Url = callback.parse().unwrap();
        let session = Some(begun.session.expose_secret());
        let completion = self.connect.complete_login(callback.query().unwrap(), session).await;
        completion.outcome.map_err(|error| {
            let cause = runtime::telemetry::ErrorChain(&error).to_string();
            format!("{}: {cause}", error.code())
        })
    }

    pub(crate) async fn tokens(&self) -> Option<DirectTokens> {
        let found = DirectTokens::read_fresh(&self.connect.secrets, self.workspace).await.unwrap();
        found.map(|(tokens, _)| tokens)
    }

    /// Nothing was connected.
    pub(crate) async fn is_as_before(&self) -> bool {
        self.tokens().await.is_none()
            && self.connect.store.connection(self.workspace).await.unwrap().is_none()
    }
}

/// A verifier of tokens of `issuer` with the keys at `keys`.
pub(crate) fn verifier(issuer: &str, keys: &str, clock: Arc<dyn Clock>) -> Verifier {
    let configuration = Configuration {
        issuer: issuer.to_owned(),
        audience: CLIENT_ID.to_owned(),
        published_keys_url: Some(keys.to_owned()),
        shared_secret: None,
    };
    Verifier::configured(configuration, client(), clock).unwrap()
}

/// The claims of a token, and the token with one of them changed.
pub(crate) fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// `token` with a claim more, under the signature it had.
pub(crate) fn forged(token: &str) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    let mut claims = claims(token);
    claims["tenant"] = "5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d".into();
    format!("{}.{}.{}", parts[0], BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()), parts[2])
}

/// Holds the signature of an id_token against the published keys. It is nobody's of the PSA, which is found
/// out when signature, issuer, audience and time are good and not before.
pub(crate) async fn is_verified(verifier: &Verifier, token: &str) -> bool {
    let genuine = verifier.verify(token).await;
    let forged = verifier.verify(&forged(token)).await;
    assert!(matches!(forged, Err(Refusal::SignatureWrong | Refusal::KeyUnknown)), "{forged:?}");
    matches!(genuine, Err(Refusal::ClaimMissing("tenant")))
}

/// An address at which nothing is.
pub(crate) fn nowhere() -> String {
    format!("http://127.0.0.1:{}", free_port())
}
