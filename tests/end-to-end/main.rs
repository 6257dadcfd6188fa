//! The template deployed to an emulator of AWS that runs the real binaries, enforces their roles,
//! and has a real API in front; the same story with the state machines in a second, independent
//! interpreter.
//!
//! Needs what `tests/run tools` installs; built with the feature `e2e`.
#![expect(clippy::unwrap_used, reason = "a test whose set-up does not hold has failed")]

mod api;
mod deployment;
mod emulator;
mod secrets;
mod story;
mod workflow;

use std::{path::Path, sync::Arc};

use ambient::SystemClock;
use fake_microsoft::{Application, Fake, FakeServer, World, WorldConfig};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    api::{Api, ISSUER, KEY, MASTER, PLATFORM_KEY},
    emulator::Roles,
    story::{SIZES, Story},
    workflow::Workflows,
};

/// Where people would reach the PSA; the test is its browser.
const PSA: &str = "http://127.0.0.1:8080";

#[tokio::test(flavor = "multi_thread")]
async fn the_deployed_system_syncs_contacts() {
    let folder = tempfile::tempdir().unwrap();
    let emulator = emulator::start(folder.path(), Roles::Enforced).await;
    let (fake, microsoft) = microsoft().await;
    let deployment = deploy(&emulator, folder.path(), &fake, &microsoft, &[]).await;
    let api = Api::new(&emulator.endpoint, deployment.output("ApiId"));
    Story { api, fake: &fake, workflows: Workflows::at(&emulator) }.play().await;
    secrets::are_encrypted_with(&emulator, deployment.output("SecretKeyArn")).await;
    nothing_personal_is_logged(&fake, &deployment::logs(&emulator).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_machines_do_the_same_in_another_interpreter() {
    let folder = tempfile::tempdir().unwrap();
    let emulator = emulator::start(folder.path(), Roles::Ignored).await;
    let interpreter = emulator::start_second_interpreter(folder.path(), &emulator).await;
    let (fake, microsoft) = microsoft().await;
    let variables = [("AWS_ENDPOINT_URL_SFN", interpreter.endpoint.as_str())];
    let deployment = deploy(&emulator, folder.path(), &fake, &microsoft, &variables).await;
    let workflows = Workflows::at(&interpreter);
    workflows.create().await;
    let api = Api::new(&emulator.endpoint, deployment.output("ApiId"));
    Story { api, fake: &fake, workflows }.play().await;
}

/// Directories of plain, complete people: everybody in them is to become a contact.
async fn microsoft() -> (Fake, FakeServer) {
    let application = Application {
        client_id: "6f1c2d5e-7a8b-4c9d-8e0f-a1b2c3d4e5f6".to_owned(),
        client_secret: SecretString::from("fake-secret-of-the-application"),
        redirect_uris: vec![format!("{PSA}/api/auth/microsoft/entra/callback")],
    };
    let config = WorldConfig { messy: false, application, ..WorldConfig::sample(11, &SIZES) };
    let fake = Fake::new(World::generate(config), Arc::new(SystemClock));
    let server = fake.serve(0).await.unwrap();
    (fake, server)
}

async fn deploy(
    emulator: &emulator::Server,
    folder: &Path,
    fake: &Fake,
    microsoft: &FakeServer,
    variables: &[(&str, &str)],
) -> deployment::Deployment {
    let application = &fake.world().config().application;
    let base = microsoft.base_url();
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    let parameters = [
        ("Architecture", architecture),
        ("AuthJwtIssuer", ISSUER),
        ("AuthJwtSecret", KEY),
        ("MasterWorkspaceId", MASTER),
        ("MicrosoftClientId", &application.client_id),
        ("MicrosoftClientSecret", application.client_secret.expose_secret()),
        ("MicrosoftGraphBaseUrl", &base),
        ("MicrosoftLoginBaseUrl", &base),
        ("NextAuthUrl", PSA),
        ("PlatformApiKey", PLATFORM_KEY),
        ("PublicBaseUrl", PSA),
        ("LogLevel", "DEBUG"),
    ];
    deployment::deploy(emulator, folder, &parameters, variables).await
}

/// What the functions wrote at the level `debug` holds no secret and nobody's name.
fn nothing_personal_is_logged(fake: &Fake, log: &str) {
    for expected in ["run ended", "discovered", "request refused"] {
        assert!(log.contains(expected), "the log of the functions is not complete: {log}");
    }
    let log = log.to_lowercase();
    let application = &fake.world().config().application;
    assert!(!log.contains(application.client_secret.expose_secret()));
    assert!(!log.contains("bearer ey") && !log.contains("refresh_token="));
    for tenant in fake.world().tenants() {
        for user in fake.world().users(tenant.id) {
            assert!(!log.contains(&user.user_principal_name.to_lowercase()), "{}", user.id);
        }
    }
}
