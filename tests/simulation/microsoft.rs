//! The invented Microsoft of one history, and a partner who has signed in to it.

use std::sync::Arc;

use ambient::{SeededEntropy, VirtualClock};
use assembly::{Open, WorkspaceDirectories};
use directory::{
    CippHttp, CippSettings, GraphSettings, Login,
    cipp::Destinations,
    protocol::{
        authorize::{AuthorizeRequest, Pkce, Prompt, authorize_url},
        token::{AppCredentials, Authority},
    },
};
use domain::ids::WorkspaceId;
use fake_microsoft::{Fake, World, WorldConfig};
use jiff::SignedDuration;
use runtime::http::{Limits, builder};
use secrecy::{ExposeSecret, SecretString};
use secrets::{
    DirectTokens, Document, Environment, Family, MemoryProvider, Provider, ProviderName, Scope, SecretChain,
    WorkspaceSecret, key,
};
use store::Store;
use url::Url;
use uuid::Uuid;

use crate::stage::Stage;

/// The workspace that is connected.
pub(crate) const WORKSPACE: WorkspaceId = WorkspaceId::new(Uuid::from_u128(0xA1));

/// A fake Microsoft, and the secrets of the workspace that is connected to it.
pub(crate) struct Microsoft {
    pub(crate) fake: Fake,
    settings: GraphSettings,
    http: reqwest::Client,
    secrets: Arc<SecretChain>,
}

impl Microsoft {
    /// Puts the world of `config` on stage, its listings in pages of `page_size` rows, and signs in.
    /// Its time is `clock`, so its tokens end as they would.
    pub(crate) async fn on(stage: &Stage, config: WorldConfig, page_size: u16, clock: &VirtualClock) -> Self {
        let app = config.application.clone();
        let fake = Fake::new(World::generate(config), Arc::new(clock.clone()));
        stage.show(&fake);
        let graph: Url = stage.base.join("v1.0").unwrap();
        let settings = GraphSettings { page_size, ..GraphSettings::new(&stage.base, graph).unwrap() };
        let credentials =
            AppCredentials { client_id: app.client_id.clone(), client_secret: app.client_secret.clone() };
        let refresh_token = sign_in(stage, &settings, credentials, &app.redirect_uris[0], clock).await;

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
        Self { fake, settings, http: stage.http.clone(), secrets: Arc::new(secrets) }
    }

    /// Every workspace's directory as a process that has just been started has it: without tokens.
    pub(crate) fn directories(&self, store: Store, clock: &VirtualClock) -> WorkspaceDirectories {
        WorkspaceDirectories {
            store,
            secrets: Arc::clone(&self.secrets),
            graph: self.settings.clone(),
            // No history is connected through CIPP.
            cipp: CippSettings::new(CippHttp::new(|| builder(Limits::default())), Destinations::PublicOnly),
            http: self.http.clone(),
            clock: Arc::new(clock.clone()),
            entropy: entropy(),
            open: Open::default(),
        }
    }

    pub(crate) fn world(&self) -> &World {
        self.fake.world()
    }
}

fn entropy() -> Arc<SeededEntropy> {
    Arc::new(SeededEntropy::new(3))
}

/// What the partner's browser and the product do together; the refresh token. Without `openid`: a
/// signature for each of thousands of sign-ins would take most of the time.
async fn sign_in(
    stage: &Stage,
    settings: &GraphSettings,
    app: AppCredentials,
    redirect_uri: &str,
    clock: &VirtualClock,
) -> SecretString {
    let settings = GraphSettings {
        scopes: settings.scopes.iter().filter(|scope| *scope != "openid").cloned().collect(),
        ..settings.clone()
    };
    let login = Login::new(settings.clone(), stage.http.clone(), Arc::new(clock.clone()), entropy());
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
    let answer = stage.http.get(authorize_url(&settings.login_base, &request)).send().await.unwrap();
    let location: Url = answer.headers()["location"].to_str().unwrap().parse().unwrap();
    let (_, code) = location.query_pairs().find(|(name, _)| name == "code").unwrap();
    let code = SecretString::from(code.into_owned());
    let grant = login.redeem_code(app, code, pkce.verifier, redirect_uri.to_owned()).await.unwrap();
    grant.refresh_token.unwrap()
}
