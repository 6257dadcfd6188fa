//! Secrets that are kept in a Vault or in Secrets Manager, and what goes wrong there: refusals that quote
//! whatever was sent.

use std::sync::Arc;

use fake_microsoft::Kind;
use jiff::SignedDuration;
use local::House;
use secrecy::ExposeSecret;
use secrets::{Environment, Family, Provider, Scope, SecretChain, SecretsManagerProvider};
use serde_json::{Value, json};

use crate::{faults::everything_was_looked_at, outlet, walk::Way, world::World};

#[expect(dead_code, reason = "the suite of the secrets uses the rest of it")]
#[path = "../../shared/secrets/tests/suite/fake_vault.rs"]
mod fake_vault;
#[path = "../../shared/secrets/tests/suite/scripted.rs"]
mod scripted;

use fake_vault::{FakeVault, TOKEN};
use scripted::FakeSecretsManager;

/// Requests in a row that go wrong.
const TIMES: usize = 3;

/// Who keeps the secrets.
pub(crate) enum Keeper {
    /// Files in the data folder.
    Folder,
    SecretsManager(FakeSecretsManager),
    Vault(FakeVault),
}

impl Keeper {
    fn provider(&self) -> Option<Arc<dyn Provider>> {
        match self {
            Self::Folder => None,
            Self::SecretsManager(fake) => {
                Some(Arc::new(SecretsManagerProvider::new(fake.client(), "entra-sync")))
            }
            Self::Vault(fake) => Some(Arc::new(fake.provider())),
        }
    }

    /// The chain of `house`, or one of this keeper alone, which then has the registration of the app.
    pub(crate) async fn chain(&self, house: &House) -> Arc<SecretChain> {
        let Some(provider) = self.provider() else { return Arc::clone(&house.secrets) };
        let scope = Scope::Workspace(house.workspace);
        let app = house.secrets.read_fresh(scope, Family::MicrosoftApp).await.unwrap().unwrap();
        house.secrets.delete(scope, Family::MicrosoftApp).await.unwrap();
        let name = provider.name();
        // Nothing is remembered, so that whatever is needed is asked for.
        let (environment, remembered) = (Environment::default(), SignedDuration::ZERO);
        let chain = SecretChain::new(vec![provider], name, environment, Arc::clone(&house.clock), remembered)
            .unwrap();
        chain.write(scope, Family::MicrosoftApp, &app.document, None).await.unwrap();
        Arc::new(chain)
    }

    /// What was ever kept, as text; `None` for files, which are looked at where they are.
    pub(crate) fn kept(&self) -> Option<String> {
        match self {
            Self::Folder => None,
            Self::SecretsManager(fake) => {
                let texts = fake.requests().into_iter().filter_map(|(_, body)| {
                    let text: Value = serde_json::from_str(body["SecretString"].as_str()?).unwrap();
                    Some(text.to_string())
                });
                Some(texts.collect())
            }
            Self::Vault(fake) => {
                Some(fake.requests().into_iter().map(|asked| asked.body.to_string()).collect())
            }
        }
    }

    fn answer(&self, status: u16, body: &Value) {
        for _ in 0..TIMES {
            match self {
                Self::Folder => {}
                Self::SecretsManager(fake) => fake.answer(status, body.clone()),
                Self::Vault(fake) => fake.answer(status, body.clone()),
            }
        }
    }

    /// Uses up what was not asked for.
    async fn answer_truly_again(&self) {
        for _ in 0..TIMES {
            if let Some(provider) = self.provider() {
                let _ = provider.read(Scope::App, Family::Service).await;
            }
        }
    }

    /// Answers that hold `text` wherever a text can stand.
    fn indiscreet(&self, text: &str) -> Vec<(u16, Value)> {
        match self {
            Self::Folder => Vec::new(),
            Self::SecretsManager(_) => vec![
                (400, json!({ "__type": "AccessDeniedException", "message": text })),
                (400, json!({ "__type": text, "message": text })),
                (400, json!({ "__type": "ResourceExistsException", "message": text })),
                (500, json!({ "__type": "InternalServiceError", "message": text })),
                (200, json!({ "VersionId": "v", "SecretString": text })),
                (200, json!({ "VersionId": text, "SecretString": json!({ "other": [text] }).to_string() })),
            ],
            Self::Vault(_) => {
                let metadata = json!({ "version": 7, "custom_metadata": { text: text } });
                let mut answers: Vec<(u16, Value)> = [400, 403, 404, 412, 429, 500, 503]
                    .map(|status| (status, json!({ "errors": [text] })))
                    .into();
                answers.extend([
                    (200, json!({ "data": { "data": { "entra_direct_refresh_token": [text] }, "metadata": metadata } })),
                    (200, json!({ "data": { "data": text, "metadata": metadata } })),
                    (200, json!({ "data": { "data": { "other": text }, "metadata": { "version": text } } })),
                    (200, json!({ "errors": text, "warnings": [text], "auth": { "client_token": text } })),
                ]);
                answers
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_leaves_whatever_goes_wrong_at_a_vault() {
    everything_goes_wrong_where_secrets_are(Keeper::Vault(FakeVault::start())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_leaves_whatever_goes_wrong_at_secrets_manager() {
    everything_goes_wrong_where_secrets_are(Keeper::SecretsManager(FakeSecretsManager::default())).await;
}

async fn everything_goes_wrong_where_secrets_are(keeper: Keeper) {
    let log = outlet::log();
    let mut world = World::keeping_secrets_in(keeper).await;
    if matches!(world.keeper, Keeper::Vault(_)) {
        world.keep_secret("the token of Vault", TOKEN);
    }
    for way in [Way::Direct, Way::CippClient] {
        assert_eq!(world.walk(way).await, "completed", "the way is really walked");
        let sent = world.fake().confidential();
        let refresh = &sent.iter().rfind(|(kind, _)| *kind == Kind::RefreshToken).unwrap().1;
        let app = world.fake().world().config().application.client_secret.expose_secret().to_owned();
        let text = format!("refused: {TOKEN} {refresh} {app}");
        for (status, body) in world.keeper.indiscreet(&text) {
            // At the beginning, and in a connection that worked until then.
            world.keeper.answer(status, &body);
            world.connect(way).await;
            world.keeper.answer_truly_again().await;
            world.connect(way).await;
            world.keeper.answer(status, &body);
            world.work(way).await;
            world.keeper.answer_truly_again().await;
            world.begin_again().await;
        }
        assert_eq!(world.walk(way).await, "completed", "and it can still be walked");
    }
    world.outlet.add("the log", log.text());
    everything_was_looked_at(&world, Way::Direct);
    let folder = world.files().into_iter().filter(|(name, _)| name.starts_with("secrets/"));
    let texts: String = folder.map(|(_, content)| String::from_utf8_lossy(&content).into_owned()).collect();
    assert_eq!(world.needles().find(texts.as_bytes()), None, "no secret is kept in a file any more");
    assert_eq!(world.outlet.leaks(&world.needles()), Vec::<String>::new());
}
