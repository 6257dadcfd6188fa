//! `oauth2-mock-server` (npm, AXA): its tokens say what a test tells them to, signed with RS256.

use std::sync::Arc;

use ambient::{Clock, SystemClock, VirtualClock};
use authorizer::Refusal;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::repository;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::{
    gateway::{Endpoints, Forge, Gateway},
    msp::{CLIENT_ID, Msp, PARTNER, forged, is_verified, nowhere, verifier},
    tools::{launch, tool},
};

const MODULE: &str = ".tools/node_modules/oauth2-mock-server/dist/index.mjs";
const OBJECT: &str = "51f0c2d5-0b1f-4c3a-9d2e-7f1e2a3b4c5d";
const WORKSPACE: &str = "5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d";

struct MockServer {
    gateway: Gateway,
    peer: String,
    issuer: String,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    process: Child,
}

impl MockServer {
    /// `None` where it is not installed.
    async fn start() -> Option<Self> {
        tool(MODULE)?;
        let peer = nowhere();
        let endpoints = Endpoints { authorize: "/authorize", token: "/token", keys: "/jwks" };
        let gateway = Gateway::before(&peer, endpoints).await;
        let issuer = gateway.at(&format!("/{PARTNER}/v2.0"));
        let (input, output, process) = Self::launch(&peer, &issuer).await;
        Some(Self { gateway, peer, issuer, input, output, process })
    }

    async fn launch(peer: &str, issuer: &str) -> (ChildStdin, BufReader<ChildStdout>, Child) {
        let mut command = Command::new("node");
        command.arg(repository::path("tests/peers/mock-server.mjs")).arg(repository::path(MODULE));
        command.args([peer.rsplit(':').next().unwrap(), issuer]);
        let mut process = launch(command, &format!("{peer}/jwks")).await;
        let output = BufReader::new(process.stdout.take().unwrap());
        (process.stdin.take().unwrap(), output, process)
    }

    /// The same address, and other keys.
    async fn with_other_keys(self) -> Self {
        let Self { gateway, peer, issuer, mut process, .. } = self;
        process.kill().await.unwrap();
        let (input, output, process) = Self::launch(&peer, &issuer).await;
        Self { gateway, peer, issuer, input, output, process }
    }

    /// What Microsoft would say of a partner's technician, but for `changes`.
    async fn say(&mut self, changes: &Value) {
        let mut claims = json!({ "tid": PARTNER, "oid": OBJECT, "ver": "2.0", "name": "Tech One" });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        self.input.write_all(format!("{claims}\n").as_bytes()).await.unwrap();
        let mut line = String::new();
        while line.trim() != "done" {
            line.clear();
            assert_ne!(self.output.read_line(&mut line).await.unwrap(), 0, "the server ended");
        }
    }

    async fn sign_in(&self, msp: &Msp) -> Result<usize, String> {
        let begun = msp.begin().await;
        let answer = msp.connect.http.get(begun.auth_url.clone()).send().await.unwrap();
        let callback = answer.headers()["location"].to_str().unwrap().to_owned();
        msp.come_back(&begun, &callback).await.map(|connected| connected.managed_tenants)
    }

    /// A new id_token of whatever it was told to say.
    async fn id_token(&self, msp: &Msp) -> String {
        let _ = self.sign_in(msp).await;
        self.gateway.granted("id_token").pop().unwrap()
    }
}

#[tokio::test]
async fn a_partner_signs_in_with_pkce() {
    let Some(mut server) = MockServer::start().await else { return };
    let msp = Msp::at(&server.gateway).await;
    server.say(&json!({})).await;
    assert_eq!(server.sign_in(&msp).await, Ok(1));
    let tokens = msp.tokens().await.unwrap();
    assert_eq!(tokens.partner_tenant_id, PARTNER.parse().ok());

    server.gateway.tamper("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    let msp = Msp::at(&server.gateway).await;
    let refused = server.sign_in(&msp).await.unwrap_err();
    assert!(refused.starts_with("token_exchange_failed"), "{refused}");
    assert!(msp.is_as_before().await);
}

#[tokio::test]
async fn what_an_id_token_must_say() {
    let Some(mut server) = MockServer::start().await else { return };
    let msp = Msp::at(&server.gateway).await;
    let now = SystemClock.now().as_second();
    let other = "1b0c31c4-66a3-4bd0-8c4e-1f8b8b6a0a01";
    for (changes, expected) in [
        (json!({ "aud": "another" }), "made for another app"),
        (json!({ "aud": [CLIENT_ID] }), "cannot be read"),
        (json!({ "nonce": "another" }), "belongs to another sign-in"),
        (json!({ "nonce": null }), "belongs to another sign-in"),
        (json!({ "exp": now - 301 }), "has expired"),
        (json!({ "nbf": now + 400 }), "not valid yet"),
        (json!({ "ver": "1.0" }), "unknown version"),
        (json!({ "ver": null }), "cannot be read"),
        (json!({ "tid": other }), "issued by somebody else"),
        (json!({ "tid": null }), "cannot be read"),
        (json!({ "oid": null }), "cannot be read"),
        (json!({ "iss": server.peer }), "issued by somebody else"),
        (json!({ "iss": format!("{}/", server.issuer) }), "issued by somebody else"),
    ] {
        server.say(&changes).await;
        let refused = server.sign_in(&msp).await.unwrap_err();
        assert!(refused.contains(expected), "{changes}: {refused}");
        assert!(msp.is_as_before().await, "{changes}");
    }
    server.say(&json!({})).await;
    assert_eq!(server.sign_in(&msp).await, Ok(1));
    server.say(&json!({ "tid": other, "iss": server.gateway.at(&format!("/{other}/v2.0")) })).await;
    let refused = server.sign_in(&msp).await.unwrap_err();
    assert!(refused.starts_with("partner_tenant_changed"), "{refused}");
}

/// What somebody between us and the login service would have to do to sign in as another account.
#[tokio::test]
async fn an_id_token_that_nobody_signed_connects_nothing() {
    let Some(mut server) = MockServer::start().await else { return };
    let msp = Msp::at(&server.gateway).await;
    server.say(&json!({})).await;
    for (forge, expected) in [
        (forged as Forge, "signature is wrong"),
        (|token| with_header(token, json!({ "alg": "none" })), "algorithm that is not accepted"),
        (|token| with_header(token, json!({ "alg": "HS256", "kid": "x" })), "algorithm that is not accepted"),
        (|token| with_header(token, json!({ "alg": "RS256", "kid": "x" })), "key that is not published"),
    ] {
        server.gateway.forge(forge);
        let refused = server.sign_in(&msp).await.unwrap_err();
        assert!(refused.starts_with("invalid_id_token"), "{refused}");
        assert!(refused.contains(expected), "{expected}: {refused}");
        assert!(msp.is_as_before().await, "{expected}");
    }
}

/// `token` under another header.
fn with_header(token: &str, header: Value) -> String {
    let (_, rest) = token.split_once('.').unwrap();
    format!("{}.{rest}", BASE64_URL_SAFE_NO_PAD.encode(header.to_string()))
}

#[tokio::test]
async fn keys_are_fetched_and_fetched_again_when_they_change() {
    let Some(mut server) = MockServer::start().await else { return };
    let msp = Msp::at(&server.gateway).await;
    let clock = VirtualClock::starting_at(SystemClock.now());
    let verifier = verifier(&server.issuer, &server.gateway.at("/jwks"), Arc::new(clock.clone()));

    server.say(&json!({})).await;
    let first = server.id_token(&msp).await;
    assert!(is_verified(&verifier, &first).await);

    let mut server = server.with_other_keys().await;
    server.say(&json!({})).await;
    let second = server.id_token(&msp).await;
    let too_soon = verifier.verify(&second).await.unwrap_err();
    assert!(matches!(too_soon, Refusal::KeyUnknown), "the keys were fetched a moment ago: {too_soon}");
    clock.advance(SignedDuration::from_secs(61));
    assert!(is_verified(&verifier, &second).await);
    let old = verifier.verify(&first).await.unwrap_err();
    assert!(matches!(old, Refusal::KeyUnknown), "a key that was withdrawn: {old}");
}

/// The same server as the PSA: what its tokens would have to say, and what they may not.
#[tokio::test]
async fn tokens_of_a_psa_are_verified() {
    let Some(mut server) = MockServer::start().await else { return };
    let msp = Msp::at(&server.gateway).await;
    let verifier = verifier(&server.issuer, &server.gateway.at("/jwks"), Arc::new(SystemClock));
    let now = SystemClock.now().as_second();
    let psa = json!({ "tenant": WORKSPACE, "sub": OBJECT, "user_type": "internal", "edition": "enterprise",
        "permissions": ["system_settings.read"] });
    for (changes, expected) in [
        (json!({}), None),
        (json!({ "aud": "another" }), Some("audience_wrong")),
        (json!({ "iss": server.peer }), Some("issuer_wrong")),
        (json!({ "exp": now - 61 }), Some("token_expired")),
        (json!({ "nbf": now + 90 }), Some("token_not_yet_valid")),
        (json!({ "tenant": null }), Some("claim_missing")),
        (json!({ "user_type": "robot" }), Some("claim_invalid")),
    ] {
        let mut claims = psa.clone();
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        server.say(&claims).await;
        let token = server.id_token(&msp).await;
        let verified = verifier.verify(&token).await;
        assert_eq!(verified.as_ref().err().map(Refusal::code), expected, "{changes}");
        if let Ok(caller) = verified {
            assert_eq!(caller.workspace, WORKSPACE.parse().unwrap());
        }
    }
}
