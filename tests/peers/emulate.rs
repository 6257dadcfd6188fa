//! `emulate` (npm, Vercel): its Microsoft Entra ID, whose id_tokens have Microsoft's claims.

use std::{fs, sync::Arc};

use ambient::SystemClock;
use secrecy::ExposeSecret;
use secrets::WorkspaceSecret;
use serde_json::json;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use url::Url;

use crate::{
    gateway::{Endpoints, Gateway, member},
    msp::{CALLBACK, CLIENT_ID, CLIENT_SECRET, Msp, PARTNER, claims, is_verified, nowhere, verifier},
    tools::{launch, tool},
};

const TECHNICIAN: &str = "tech@msp.example";
/// Always there, and of the tenant of personal accounts.
const PERSONAL: &str = "testuser@outlook.com";

struct Emulate {
    gateway: Gateway,
    msp: Msp,
    _process: Child,
    _folder: TempDir,
}

impl Emulate {
    /// `None` where it is not installed.
    async fn start() -> Option<Self> {
        Self::advertising(None).await
    }

    /// With another address in its issuer than the one it is asked at.
    async fn advertising(base: Option<&str>) -> Option<Self> {
        let program = tool(".tools/node_modules/.bin/emulate")?;
        let folder = tempfile::tempdir().unwrap();
        let peer = nowhere();
        let endpoints = Endpoints {
            authorize: "/oauth2/v2.0/authorize",
            token: "/oauth2/v2.0/token",
            keys: "/discovery/v2.0/keys",
        };
        let gateway = Gateway::before(&peer, endpoints).await;
        let seed = json!({ "microsoft": {
            "users": [{ "email": TECHNICIAN, "name": "Tech One", "tenant_id": PARTNER }],
            "oauth_clients": [{ "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "name": "Contact sync",
                "redirect_uris": [CALLBACK], "tenant_id": PARTNER }],
        } });
        // YAML is a superset of JSON.
        let file = folder.path().join("seed.yaml");
        fs::write(&file, seed.to_string()).unwrap();
        let mut command = Command::new(program);
        command.args(["--service", "microsoft", "--port", peer.rsplit(':').next().unwrap()]);
        command.args(["--base-url", base.unwrap_or(gateway.base.as_str().trim_end_matches('/'))]);
        command.arg("--seed").arg(&file).current_dir(folder.path());
        let process = launch(command, &format!("{peer}/.well-known/openid-configuration")).await;
        let msp = Msp::at(&gateway).await;
        Some(Self { gateway, msp, _process: process, _folder: folder })
    }

    /// Signs in as somebody, up to where the browser is sent back.
    async fn visit(&self, auth_url: &Url, email: &str) -> String {
        let http = &self.msp.connect.http;
        let page = http.get(auth_url.clone()).send().await.unwrap();
        assert_eq!(page.status(), 200);
        assert!(page.text().await.unwrap().contains(email));
        // What the page's form would send.
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(auth_url.query_pairs()).append_pair("email", email);
        let chosen = http
            .post(self.gateway.at("/oauth2/v2.0/authorize/callback"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.finish());
        let answer = chosen.send().await.unwrap();
        answer.headers()["location"].to_str().unwrap().to_owned()
    }

    async fn sign_in(&self, email: &str) -> Result<usize, String> {
        let begun = self.msp.begin().await;
        let callback = self.visit(&begun.auth_url, email).await;
        self.msp.come_back(&begun, &callback).await.map(|connected| connected.managed_tenants)
    }
}

#[tokio::test]
async fn a_partner_signs_in_and_the_newest_refresh_token_is_kept() {
    let Some(emulate) = Emulate::start().await else { return };
    let Emulate { gateway, msp, .. } = &emulate;
    assert_eq!(emulate.sign_in(TECHNICIAN).await, Ok(1));
    let connection = msp.connect.store.connection(msp.workspace).await.unwrap().unwrap();
    assert_eq!(connection.partner_tenant, PARTNER.parse().ok());

    let asked = gateway.asked();
    assert_eq!(asked.len(), 2, "the code, then the refresh token that came for it");
    assert_eq!(member(&asked[0], "grant_type"), Some("authorization_code"));
    assert_eq!(member(&asked[0], "code_verifier").map(str::len), Some(43));
    assert_eq!(member(&asked[1], "refresh_token"), Some(gateway.granted("refresh_token")[0].as_str()));
    let kept = msp.tokens().await.unwrap();
    assert_eq!(kept.refresh_token.expose_secret(), gateway.granted("refresh_token")[1]);

    // Every use gives another one, and the one before is dead.
    let validated = msp.connect.validate_direct(msp.workspace).await.unwrap();
    assert_eq!(validated.managed_tenants, 1);
    let newest = msp.tokens().await.unwrap();
    assert_eq!(newest.refresh_token.expose_secret(), gateway.granted("refresh_token")[2]);
    kept.put(&msp.connect.secrets, msp.workspace).await.unwrap();
    assert!(msp.connect.validate_direct(msp.workspace).await.is_err(), "an old refresh token");
}

#[tokio::test]
async fn its_signature_is_verified_with_the_keys_it_publishes() {
    let Some(emulate) = Emulate::start().await else { return };
    let gateway = &emulate.gateway;
    emulate.sign_in(TECHNICIAN).await.unwrap();
    let metadata = gateway.document(&format!("/{PARTNER}/v2.0/.well-known/openid-configuration")).await;
    let issuer = metadata["issuer"].as_str().unwrap();
    assert_eq!(emulate.msp.connect.graph.issuer_template().replace("{tenantid}", PARTNER), issuer);
    let token = &gateway.granted("id_token")[0];
    assert_eq!(claims(token)["iss"], issuer);
    let keys = metadata["jwks_uri"].as_str().unwrap();
    assert!(is_verified(&verifier(issuer, keys, Arc::new(SystemClock)), token).await);
    assert!(!is_verified(&verifier("https://login.example", keys, Arc::new(SystemClock)), token).await);
}

#[tokio::test]
async fn what_it_refuses_has_our_code_and_stores_nothing() {
    let Some(emulate) = Emulate::start().await else { return };
    for (name, value) in [
        ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
        ("client_secret", "another"),
        ("redirect_uri", "http://127.0.0.1:8080/elsewhere"),
        ("code", "another"),
    ] {
        emulate.gateway.tamper(name, value);
        let refused = emulate.sign_in(TECHNICIAN).await.unwrap_err();
        assert!(refused.starts_with("token_exchange_failed"), "{name}: {refused}");
        let expected = if name == "client_secret" { "app_credentials_rejected" } else { "sign_in_rejected" };
        assert!(refused.contains(expected), "{name}: {refused}");
        assert!(emulate.msp.is_as_before().await, "{name}");
    }
}

#[tokio::test]
async fn a_personal_account_is_refused() {
    let Some(emulate) = Emulate::start().await else { return };
    let refused = emulate.sign_in(PERSONAL).await.unwrap_err();
    assert!(refused.contains("a personal Microsoft account"), "{refused}");
    assert!(emulate.msp.is_as_before().await);
}

#[tokio::test]
async fn an_issuer_that_is_not_the_configured_one_is_refused() {
    let elsewhere = "http://login.elsewhere.example";
    let Some(emulate) = Emulate::advertising(Some(elsewhere)).await else { return };
    let refused = emulate.sign_in(TECHNICIAN).await.unwrap_err();
    assert!(refused.contains("issued by somebody else"), "{refused}");
    assert_eq!(claims(&emulate.gateway.granted("id_token")[0])["iss"], format!("{elsewhere}/{PARTNER}/v2.0"));
    assert!(emulate.msp.is_as_before().await);
}

#[tokio::test]
async fn an_authorization_is_good_for_one_callback() {
    let Some(emulate) = Emulate::start().await else { return };
    let begun = emulate.msp.begin().await;
    let callback = emulate.visit(&begun.auth_url, TECHNICIAN).await;
    emulate.msp.come_back(&begun, &callback).await.unwrap();
    let again = emulate.msp.come_back(&begun, &callback).await.unwrap_err();
    assert!(again.starts_with("invalid_state"), "{again}");
    assert_eq!(emulate.gateway.asked().len(), 2, "the code is not sent twice");
}
