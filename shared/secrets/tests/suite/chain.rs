//! Who is asked, who is believed, who is written.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use ambient::VirtualClock;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use secrets::{
    AppCredentials, DirectTokens, Document, EnvProvider, Environment, Family, InvalidChain, MemoryProvider,
    Provider, ProviderName, Scope, SecretChain, SecretError, Stored, Version, WorkspaceSecret, key,
};

use crate::{document, scope, workspace};

/// A provider that counts its reads and can be out of order.
struct Probe {
    inner: MemoryProvider,
    down: AtomicBool,
    reads: AtomicUsize,
}

impl Probe {
    fn new(name: ProviderName) -> Arc<Self> {
        let inner = MemoryProvider::standing_in_for(name);
        Arc::new(Self { inner, down: false.into(), reads: 0.into() })
    }

    async fn holding(name: ProviderName, scope: Scope, family: Family, document: Document) -> Arc<Self> {
        let probe = Self::new(name);
        probe.inner.write(scope, family, &document, None).await.unwrap();
        probe
    }

    fn down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    fn check(&self, scope: Scope, family: Family) -> Result<(), SecretError> {
        if self.down.load(Ordering::SeqCst) {
            let reason = "it is down".to_owned();
            return Err(SecretError::Unavailable { provider: self.name(), scope, family, reason });
        }
        Ok(())
    }
}

#[async_trait]
impl Provider for Probe {
    fn name(&self) -> ProviderName {
        self.inner.name()
    }

    async fn read(&self, scope: Scope, family: Family) -> Result<Option<Stored>, SecretError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.check(scope, family)?;
        self.inner.read(scope, family).await
    }

    async fn write(
        &self,
        scope: Scope,
        family: Family,
        document: &Document,
        expected: Option<&Version>,
    ) -> Result<Version, SecretError> {
        self.check(scope, family)?;
        self.inner.write(scope, family, document, expected).await
    }

    async fn delete(&self, scope: Scope, family: Family) -> Result<(), SecretError> {
        self.check(scope, family)?;
        self.inner.delete(scope, family).await
    }
}

struct Setting {
    clock: VirtualClock,
    chain: SecretChain,
}

fn chain(providers: Vec<Arc<dyn Provider>>, variables: &[(&str, &str)]) -> Setting {
    let clock = VirtualClock::starting_at(Timestamp::UNIX_EPOCH);
    let writer = providers.last().unwrap().name();
    let chain = SecretChain::new(
        providers,
        writer,
        environment(variables),
        Arc::new(clock.clone()),
        SignedDuration::from_secs(30),
    );
    Setting { clock, chain: chain.unwrap() }
}

fn environment(variables: &[(&str, &str)]) -> Environment {
    let pairs = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Environment::new(pairs.collect::<BTreeMap<_, _>>())
}

const CIPP: Family = Family::EntraCipp;

#[tokio::test]
async fn the_first_that_has_it_wins_and_a_failure_is_not_absence() {
    use ProviderName::{Filesystem, Memory, SecretsManager};
    // Per provider: Some(value), absent, or down.
    for (states, expected) in [
        ([Ok(Some("1")), Ok(Some("2"))], Ok(Some("1"))),
        ([Ok(None), Ok(Some("2"))], Ok(Some("2"))),
        ([Err(()), Ok(Some("2"))], Ok(Some("2"))),
        ([Ok(None), Ok(None)], Ok(None)),
        ([Err(()), Ok(None)], Err(())),
        ([Ok(None), Err(())], Err(())),
        ([Err(()), Err(())], Err(())),
    ] {
        let mut providers: Vec<Arc<dyn Provider>> = Vec::new();
        for (name, state) in [SecretsManager, Filesystem].into_iter().zip(states) {
            let probe = Probe::new(name);
            if let Ok(Some(value)) = state {
                let document = document(&[(key::CIPP_API_TOKEN, value)]);
                probe.inner.write(scope(1), CIPP, &document, None).await.unwrap();
            }
            probe.down(state.is_err());
            providers.push(probe);
        }
        providers.push(Probe::new(Memory));
        let setting = chain(providers, &[]);
        let value = setting.chain.value(scope(1), CIPP, key::CIPP_API_TOKEN).await;
        let value = value.map(|value| value.map(|value| value.expose_secret().to_owned())).map_err(|_| ());
        assert_eq!(value, expected.map(|value| value.map(str::to_owned)), "{states:?}");
    }
}

#[tokio::test]
async fn a_single_key_is_found_behind_a_document_without_it() {
    let first =
        Probe::holding(ProviderName::SecretsManager, scope(1), CIPP, document(&[(key::CIPP_BASE_URL, "u")]))
            .await;
    let second =
        Probe::holding(ProviderName::Filesystem, scope(1), CIPP, document(&[(key::CIPP_API_TOKEN, "t")]))
            .await;
    let setting = chain(vec![first, second], &[]);
    let token = setting.chain.value(scope(1), CIPP, key::CIPP_API_TOKEN).await.unwrap().unwrap();
    assert_eq!(token.expose_secret(), "t");
    assert!(setting.chain.value(scope(1), CIPP, key::CIPP_CLIENT_ID).await.unwrap().is_none());
}

#[tokio::test]
async fn an_answer_is_kept_for_its_time_and_forgotten_with_a_write() {
    let probe = Probe::holding(ProviderName::Filesystem, scope(1), CIPP, document(&[("k", "1")])).await;
    let setting = chain(vec![probe.clone()], &[]);
    let read = async || {
        let stored = setting.chain.read(scope(1), CIPP).await.unwrap().unwrap();
        (stored.document.plain("k").unwrap().to_owned(), stored.version)
    };
    assert_eq!(read().await.0, "1");
    setting.clock.advance(SignedDuration::from_secs(29));
    assert_eq!((read().await.0.as_str(), probe.reads()), ("1", 1));
    setting.clock.advance(SignedDuration::from_secs(1));
    let (value, version) = read().await;
    assert_eq!((value.as_str(), probe.reads()), ("1", 2));

    setting.chain.write(scope(1), CIPP, &document(&[("k", "2")]), Some(&version)).await.unwrap();
    assert_eq!((read().await.0.as_str(), probe.reads()), ("2", 3));

    // Somebody else writes: seen by a fresh read at once, and then by everybody.
    probe.inner.delete(scope(1), CIPP).await.unwrap();
    probe.inner.write(scope(1), CIPP, &document(&[("k", "3")]), None).await.unwrap();
    assert_eq!(read().await.0, "2");
    setting.chain.read_fresh(scope(1), CIPP).await.unwrap();
    assert_eq!(read().await.0, "3");

    setting.chain.delete(scope(1), CIPP).await.unwrap();
    assert!(setting.chain.read(scope(1), CIPP).await.unwrap().is_none());
}

#[tokio::test]
async fn absence_is_asked_again_every_time() {
    let probe = Probe::new(ProviderName::Filesystem);
    let setting = chain(vec![probe.clone()], &[]);
    assert!(setting.chain.read(scope(1), CIPP).await.unwrap().is_none());
    probe.inner.write(scope(1), CIPP, &document(&[("k", "1")]), None).await.unwrap();
    assert!(setting.chain.read(scope(1), CIPP).await.unwrap().is_some());
}

#[tokio::test]
async fn what_a_later_provider_had_moves_to_the_writer_with_the_first_write() {
    let writer = Probe::new(ProviderName::SecretsManager);
    let old = Probe::holding(ProviderName::Filesystem, scope(1), CIPP, document(&[("k", "old")])).await;
    let clock = Arc::new(VirtualClock::starting_at(Timestamp::UNIX_EPOCH));
    let providers: Vec<Arc<dyn Provider>> = vec![writer.clone(), old];
    let chain = SecretChain::new(
        providers,
        ProviderName::SecretsManager,
        Environment::default(),
        clock,
        SignedDuration::ZERO,
    )
    .unwrap();
    let stored = chain.read(scope(1), CIPP).await.unwrap().unwrap();
    let next = document(&[("k", "new")]);
    chain.write(scope(1), CIPP, &next, Some(&stored.version)).await.unwrap();
    assert_eq!(chain.read(scope(1), CIPP).await.unwrap().unwrap().document.plain("k"), Some("new"));
    // Removing removes it everywhere: nothing comes back from behind.
    chain.delete(scope(1), CIPP).await.unwrap();
    assert!(chain.read(scope(1), CIPP).await.unwrap().is_none());
}

#[tokio::test]
async fn what_nobody_would_read_is_not_written_and_what_remains_is_told() {
    let variable = "TENANT_00000000-0000-0000-0000-000000000001_entra_cipp_api_token";
    let env = Arc::new(EnvProvider::new(environment(&[(variable, "t")]), ""));
    let setting = chain(vec![env, Probe::new(ProviderName::Filesystem)], &[]);
    let shadowed = |result: Result<(), SecretError>| {
        let error = result.unwrap_err();
        error.code() == "secret_shadowed"
            && matches!(error, SecretError::Shadowed { by: ProviderName::Env, .. })
    };
    assert!(shadowed(setting.chain.write(scope(1), CIPP, &document(&[("k", "v")]), None).await.map(|_| ())));
    assert!(shadowed(setting.chain.delete(scope(1), CIPP).await));
    setting.chain.delete(scope(2), CIPP).await.unwrap();
    setting.chain.write(scope(2), CIPP, &document(&[("k", "v")]), None).await.unwrap();
}

#[tokio::test]
async fn a_writer_nobody_reads_is_refused() {
    let clock = Arc::new(VirtualClock::starting_at(Timestamp::UNIX_EPOCH));
    let chain = SecretChain::new(
        vec![Arc::new(MemoryProvider::new())],
        ProviderName::Filesystem,
        Environment::default(),
        clock,
        SignedDuration::ZERO,
    );
    assert_eq!(chain.unwrap_err(), InvalidChain::WriterNotRead(ProviderName::Filesystem));
}

/// `(id, secret, tenant)` in the workspace's secrets, the environment and the installation's
/// secrets; blank is absent.
#[tokio::test]
async fn app_credentials_come_from_one_complete_source() {
    type Source = (&'static str, &'static str, &'static str);
    type Found = (&'static str, &'static str, &'static str, Option<&'static str>);
    const NONE: Source = ("", "", "");
    let cases: [(Source, Source, Source, Option<Found>); 9] = [
        (
            ("w", "ws", "wt"),
            ("e", "es", "et"),
            ("a", "as", "at"),
            Some(("tenant-secret", "w", "ws", Some("wt"))),
        ),
        (NONE, ("e", "es", "et"), ("a", "as", "at"), Some(("env", "e", "es", Some("et")))),
        (NONE, NONE, ("a", "as", "at"), Some(("app-secret", "a", "as", Some("at")))),
        (NONE, NONE, NONE, None),
        // Half a source counts as none, and its half is not used.
        (("w", "", "wt"), ("", "es", ""), ("a", "as", ""), Some(("app-secret", "a", "as", None))),
        (("", "ws", ""), ("e", "es", ""), NONE, Some(("env", "e", "es", None))),
        (("w", "", ""), ("", "es", ""), ("a", "", ""), None),
        // Blanks around a value are not part of it; blanks alone are nothing.
        ((" w ", "\tws\n", "  "), NONE, NONE, Some(("tenant-secret", "w", "ws", None))),
        (("w", "   ", ""), NONE, (" a ", " as ", " at "), Some(("app-secret", "a", "as", Some("at")))),
    ];
    for (own, env, app, expected) in cases {
        let store = Arc::new(MemoryProvider::new());
        for (scope, keys, source) in [
            (
                scope(1),
                [key::MICROSOFT_CLIENT_ID, key::MICROSOFT_CLIENT_SECRET, key::MICROSOFT_TENANT_ID],
                own,
            ),
            (
                Scope::App,
                [
                    key::APP_MICROSOFT_CLIENT_ID,
                    key::APP_MICROSOFT_CLIENT_SECRET,
                    key::APP_MICROSOFT_TENANT_ID,
                ],
                app,
            ),
        ] {
            let document = document(&[(keys[0], source.0), (keys[1], source.1), (keys[2], source.2)]);
            store.write(scope, Family::MicrosoftApp, &document, None).await.unwrap();
        }
        let variables = [
            ("MICROSOFT_CLIENT_ID", env.0),
            ("MICROSOFT_CLIENT_SECRET", env.1),
            ("MICROSOFT_TENANT_ID", env.2),
        ];
        let setting = chain(vec![store], &variables);
        let found: Option<AppCredentials> = setting.chain.app_credentials(workspace(1)).await.unwrap();
        let found = found.as_ref().map(|it| {
            let secret = it.client_secret.expose_secret();
            (it.source.name(), it.client_id.as_str(), secret, it.tenant_id.as_deref())
        });
        assert_eq!(found, expected, "{own:?} {env:?} {app:?}");
    }
}

#[tokio::test]
async fn an_unreadable_workspace_does_not_borrow_another_app() {
    let probe = Probe::new(ProviderName::Filesystem);
    probe.down(true);
    let variables = [("MICROSOFT_CLIENT_ID", "e"), ("MICROSOFT_CLIENT_SECRET", "es")];
    let setting = chain(vec![probe], &variables);
    let error = setting.chain.app_credentials(workspace(1)).await.unwrap_err();
    assert_eq!(error.code(), "secret_store_unavailable");
}

fn tokens(refresh: &str) -> DirectTokens {
    DirectTokens {
        access_token: Some(SecretString::from("access")),
        refresh_token: SecretString::from(refresh),
        expires_at: Some("2026-11-23T10:00:00Z".parse().unwrap()),
        scope: Some("User.Read offline_access".to_owned()),
        partner_tenant_id: Some("5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d".parse().unwrap()),
    }
}

#[tokio::test]
async fn a_token_set_is_read_as_it_was_saved_and_only_the_newest_may_be_replaced() {
    let setting = chain(vec![Arc::new(MemoryProvider::new())], &[]);
    let (chain, id) = (&setting.chain, workspace(1));
    assert!(DirectTokens::read(chain, id).await.unwrap().is_none());
    let first = tokens("r1").save(chain, id, None).await.unwrap();

    let (read, version) = DirectTokens::read(chain, id).await.unwrap().unwrap();
    assert_eq!(version, first);
    assert_eq!(read.refresh_token.expose_secret(), "r1");
    assert_eq!(read.access_token.as_ref().map(ExposeSecret::expose_secret), Some("access"));
    let (expected, read_scope) = (tokens("r1"), read.scope.as_deref());
    assert_eq!(
        (read.expires_at, read_scope, read.partner_tenant_id),
        (expected.expires_at, expected.scope.as_deref(), expected.partner_tenant_id)
    );

    let second = tokens("r2").save(chain, id, Some(&first)).await.unwrap();
    let lost = tokens("r3").save(chain, id, Some(&first)).await.unwrap_err();
    assert_eq!(lost.code(), "secret_conflict");
    let (read, version) = DirectTokens::read_fresh(chain, id).await.unwrap().unwrap();
    assert_eq!((read.refresh_token.expose_secret(), version), ("r2", second));

    // A person who signs in again wins, whatever is there.
    let (_, third) = tokens("r4").put(chain, id).await.unwrap();
    assert_eq!(DirectTokens::read(chain, id).await.unwrap().unwrap().1, third);
    DirectTokens::clear(chain, id).await.unwrap();
    assert!(DirectTokens::read(chain, id).await.unwrap().is_none());
}

/// Whoever cannot finish connecting puts back what was there, and nothing over what came after.
#[tokio::test]
async fn what_was_written_over_is_put_back_unless_somebody_has_replaced_that() {
    for (was_there, is_replaced, expected) in
        [(true, false, Some("r1")), (false, false, None), (true, true, Some("r3")), (false, true, Some("r3"))]
    {
        let setting = chain(vec![Arc::new(MemoryProvider::new())], &[]);
        let (chain, id) = (&setting.chain, workspace(1));
        if was_there {
            tokens("r1").save(chain, id, None).await.unwrap();
        }
        let (before, written) = tokens("r2").put(chain, id).await.unwrap();
        assert_eq!(before.is_some(), was_there);
        if is_replaced {
            tokens("r3").save(chain, id, Some(&written)).await.unwrap();
        }
        DirectTokens::put_back(before, chain, id, &written).await.unwrap();
        let now = DirectTokens::read_fresh(chain, id).await.unwrap();
        let now = now.as_ref().map(|(tokens, _)| tokens.refresh_token.expose_secret());
        assert_eq!(now, expected, "{was_there} {is_replaced}");
    }
}

/// A set without a refresh token is none, but it is still there to be replaced; an expiry nobody
/// can read is unknown, not past.
#[tokio::test]
async fn incomplete_and_odd_token_sets() {
    let store = Arc::new(MemoryProvider::new());
    let setting = chain(vec![store.clone()], &[]);
    let (chain, id) = (&setting.chain, workspace(1));
    let half = document(&[(key::DIRECT_ACCESS_TOKEN, "a")]);
    store.write(scope(1), Family::EntraDirect, &half, None).await.unwrap();
    assert!(DirectTokens::read(chain, id).await.unwrap().is_none());
    tokens("r1").put(chain, id).await.unwrap();

    store.delete(scope(1), Family::EntraDirect).await.unwrap();

    // Nor is it in the way when somebody else has a whole one, who is asked later.
    let theirs = tokens("r8").to_document();
    let later = Probe::holding(ProviderName::Vault, scope(1), Family::EntraDirect, theirs).await;
    store.write(scope(1), Family::EntraDirect, &half, None).await.unwrap();
    let both: Vec<Arc<dyn Provider>> = vec![store.clone(), later];
    let (nothing, time, lifetime) = (environment(&[]), setting.clock.clone(), SignedDuration::from_secs(30));
    let of_two = &SecretChain::new(both, ProviderName::Memory, nothing, Arc::new(time), lifetime).unwrap();
    tokens("r9").put(of_two, id).await.unwrap();
    let (read, _) = DirectTokens::read_fresh(of_two, id).await.unwrap().unwrap();
    assert_eq!(read.refresh_token.expose_secret(), "r9");
    store.delete(scope(1), Family::EntraDirect).await.unwrap();
    let odd = document(&[
        (key::DIRECT_REFRESH_TOKEN, "r"),
        (key::DIRECT_TOKEN_EXPIRES_AT, "soon"),
        (key::DIRECT_PARTNER_TENANT_ID, "contoso"),
    ]);
    store.write(scope(1), Family::EntraDirect, &odd, None).await.unwrap();
    let (read, _) = DirectTokens::read_fresh(chain, id).await.unwrap().unwrap();
    assert_eq!((read.expires_at, read.partner_tenant_id, read.access_token.is_none()), (None, None, true));
}

#[tokio::test]
async fn the_environment_is_read_and_never_written() {
    let env = EnvProvider::new(environment(&[]), "");
    let error = env.write(scope(1), CIPP, &document(&[("k", "v")]), None).await.unwrap_err();
    assert_eq!(error.code(), "secret_store_read_only");
}
