//! The invented Microsoft on loopback, and a partner who has signed in to it.

use std::sync::Arc;

use ambient::{Clock, SeededEntropy, SystemClock, VirtualClock};
use assembly::{Open, WorkspaceDirectories};
use async_trait::async_trait;
use directory::{
    CippHttp, CippSettings, GraphSettings, Login,
    cipp::Destinations,
    protocol::{
        authorize::{AuthorizeRequest, Pkce, Prompt, authorize_url},
        token::{AppCredentials, Authority},
    },
};
use domain::ids::WorkspaceId;
use fake_microsoft::{CIPP_CLIENT_ID, CIPP_CLIENT_SECRET, Fake, FakeServer, Tenant, World, WorldConfig};
use jiff::{SignedDuration, Timestamp};
use runtime::http::{Limits, builder, client};
use secrecy::{ExposeSecret, SecretString};
use secrets::{
    CippKey, CippSecret, DirectTokens, Document, Environment, Family, MemoryProvider, Provider, ProviderName,
    Scope, SecretChain, WorkspaceSecret, key,
};
use store::Store;
use url::Url;
use uuid::Uuid;

/// The workspace that is connected.
pub(crate) const WORKSPACE: WorkspaceId = WorkspaceId::new(Uuid::from_u128(0xA1));

/// A fake Microsoft, and the secrets of the workspace that is connected to it.
pub(crate) struct Microsoft {
    /// Its own time stands still, so none of its tokens ever ends.
    pub(crate) fake: Fake,
    settings: GraphSettings,
    cipp: CippSettings,
    /// Shared, since making one reads the system's root certificates.
    http: reqwest::Client,
    secrets: Arc<SecretChain>,
    server: FakeServer,
}

/// The fake's time: it stands still, and a slow answer is slow in real time, as its client's patience is.
struct StandingStill(Timestamp);

#[async_trait]
impl Clock for StandingStill {
    fn now(&self) -> Timestamp {
        self.0
    }

    async fn sleep(&self, duration: SignedDuration) {
        SystemClock.sleep(duration).await;
    }
}

impl Microsoft {
    /// Serves the world of `config`, its listings in pages of `page_size` rows, and signs in.
    pub(crate) async fn serving(config: WorldConfig, page_size: u16) -> Self {
        Self::within(Limits::default(), config, page_size).await
    }

    /// [`Self::serving`], to a client with these limits.
    pub(crate) async fn within(limits: Limits, config: WorldConfig, page_size: u16) -> Self {
        let clock = VirtualClock::starting_at(config.as_of);
        let app = config.application.clone();
        let fake = Fake::new(World::generate(config), Arc::new(StandingStill(clock.now())));
        let server = fake.serve(0).await.unwrap();
        let base: Url = server.base_url().parse().unwrap();
        let graph: Url = format!("{base}v1.0").parse().unwrap();
        let settings = GraphSettings { page_size, ..GraphSettings::new(&base, graph).unwrap() };

        let credentials =
            AppCredentials { client_id: app.client_id.clone(), client_secret: app.client_secret.clone() };
        let http = client(limits).unwrap();
        let login = Login::new(settings.clone(), http.clone(), Arc::new(clock.clone()), entropy());
        let refresh_token = sign_in(&login, &http, &settings, credentials, &app.redirect_uris[0]).await;
        let provider: Arc<dyn Provider> = Arc::new(MemoryProvider::new());
        let secrets = SecretChain::new(
            vec![provider],
            ProviderName::Memory,
            Environment::default(),
            Arc::new(clock.clone()),
            SignedDuration::from_secs(30),
        );
        let secrets = secrets.unwrap();
        let registration = Document::new()
            .with(key::MICROSOFT_CLIENT_ID, &app.client_id)
            .with(key::MICROSOFT_CLIENT_SECRET, app.client_secret.expose_secret());
        let scope = Scope::Workspace(WORKSPACE);
        secrets.write(scope, Family::MicrosoftApp, &registration, None).await.unwrap();
        let tokens = DirectTokens {
            access_token: None,
            refresh_token,
            expires_at: None,
            scope: None,
            partner_tenant_id: Some(fake.world().partner().id),
        };
        tokens.save(&secrets, WORKSPACE, None).await.unwrap();
        let cipp = CippHttp::new(|| builder(Limits::default()));
        let cipp = CippSettings { page_size, ..CippSettings::new(cipp, Destinations::ThisMachineToo) };
        let secrets = Arc::new(secrets);
        Self { fake, settings, cipp, http, secrets, server }
    }

    /// Every workspace's directory as a process that has just been started has it: without tokens.
    pub(crate) fn directories(&self, store: Store, clock: &VirtualClock) -> WorkspaceDirectories {
        WorkspaceDirectories {
            store,
            secrets: Arc::clone(&self.secrets),
            graph: self.settings.clone(),
            cipp: self.cipp.clone(),
            http: self.http.clone(),
            clock: Arc::new(clock.clone()),
            entropy: entropy(),
            open: Open::default(),
        }
    }

    /// Gives the workspace access to the partner's CIPP deployment as well.
    pub(crate) async fn open_cipp(&self) {
        let secret = CippSecret {
            base_url: self.server.base_url(),
            key: CippKey::Client {
                tenant_id: self.world().partner().id,
                client_id: CIPP_CLIENT_ID.to_owned(),
                client_secret: CIPP_CLIENT_SECRET.into(),
            },
            secret_ends: None,
        };
        secret.put(&self.secrets, WORKSPACE).await.unwrap();
    }

    pub(crate) fn world(&self) -> &World {
        self.fake.world()
    }

    /// Customer `number`.
    pub(crate) fn tenant(&self, number: usize) -> Tenant {
        self.world().tenants()[number].clone()
    }
}

fn entropy() -> Arc<SeededEntropy> {
    Arc::new(SeededEntropy::new(3))
}

/// What the partner's browser and the product do together; the refresh token.
async fn sign_in(
    login: &Login,
    http: &reqwest::Client,
    settings: &GraphSettings,
    app: AppCredentials,
    redirect_uri: &str,
) -> SecretString {
    let pkce = Pkce::generate(&*entropy());
    let request = AuthorizeRequest {
        authority: Authority::Organizations,
        client_id: &app.client_id,
        redirect_uri,
        scopes: &settings.scopes,
        state: "state",
        nonce: "nonce",
        code_challenge: &pkce.challenge,
        prompt: Prompt::SelectAccount,
        login_hint: None,
    };
    let answer = http.get(authorize_url(&settings.login_base, &request)).send().await.unwrap();
    let location: Url = answer.headers()["location"].to_str().unwrap().parse().unwrap();
    let (_, code) = location.query_pairs().find(|(name, _)| name == "code").unwrap();
    let code = SecretString::from(code.into_owned());
    let grant = login.redeem_code(app, code, pkce.verifier, redirect_uri.to_owned()).await.unwrap();
    grant.refresh_token.unwrap()
}
