//! What a workspace decides once: connection, clients, tenants, mappings, settings, sign-ins.

use domain::{
    fields::Field,
    ids::{ClientId, EntraTenantId, ManagedTenantId, MappingId},
    mapping::{ActiveDecision, Confidence, Decision, MAPPING_RECORD_FORMAT, MappingRecord},
    policy::VanishRules,
    scope::ScopeRules,
};
use jiff::SignedDuration;
use serde_json::json;
use store::{
    Connection, ConnectionStatus, DiscoveryReport, ManagedTenant, PendingLogin, SyncSettings, TenantAccess,
    ValidationFailure, probe::Fault,
};
use uuid::Uuid;

use super::{
    backend::{Backend, at_once},
    make::{CLIENT, MANAGED, TENANT, USER, WORKSPACE, at, client, connection},
    runs::{failure, target},
};

pub(crate) fn pending_login() -> PendingLogin {
    PendingLogin {
        user: Some(USER),
        session: "hash of the session".to_owned(),
        verifier: None,
        nonce: "nonce".to_owned(),
        redirect_uri: "https://psa.example/api/callback".to_owned(),
        began_at: at(0),
    }
}

pub(crate) fn sync_settings() -> SyncSettings {
    SyncSettings {
        field_sync_config: json!({
            "displayName": true, "mail": "1", "empty": {}, "list": [], "none": null, "number": 1.5,
        }),
        scope: ScopeRules { include_guests: true, ..ScopeRules::default() },
        vanish: VanishRules { confirmations: 3, allowed: 7, allowed_percent: 20, ..VanishRules::default() },
        four_eyes: true,
        hidden_fields: [Field::Phones, Field::Role].into_iter().collect(),
        ..SyncSettings::default()
    }
}

pub(crate) fn managed_tenant() -> ManagedTenant {
    ManagedTenant {
        id: MANAGED,
        entra: TENANT,
        display_name: Some("Acme".to_owned()),
        default_domain: Some("acme.example".parse().unwrap()),
        verified_domains: vec!["acme.example".parse().unwrap(), "acme.onmicrosoft.com".parse().unwrap()],
        access: TenantAccess::Blocked { failure: failure("consent_missing") },
        access_ends: Some(at(1_000)),
        user_count: Some(321),
        discovered_at: at(0),
        last_seen_at: at(10),
        missing_since: Some(at(20)),
    }
}

pub(crate) fn discovery_report() -> DiscoveryReport {
    DiscoveryReport {
        execution: "arn:discovery".to_owned(),
        completed_at: at(5),
        found: 4,
        new: vec![MANAGED],
        gone: vec![target(1).tenant, target(2).tenant],
        renamed: vec![target(3).tenant],
        lost_access: Vec::new(),
        unreadable_rows: 2,
        failure: Some(failure("connection_refused")),
    }
}

pub(crate) fn mapping_record(step: u32) -> MappingRecord {
    let decision = |step: u32, decision| ActiveDecision {
        mapping_id: MappingId::new(Uuid::from_u128(u128::from(step))),
        decision,
        confidence: Some(Confidence::try_from(0.87).unwrap()),
        decided_by: Some(USER),
        decided_at: at(step.into()),
    };
    MappingRecord {
        format: MAPPING_RECORD_FORMAT,
        managed_tenant: MANAGED,
        current: decision(step, Decision::Mapped { client: CLIENT }),
        history: (0..step).rev().map(|step| decision(step, Decision::SkipForNow)).collect(),
    }
}

pub(crate) async fn connections(backend: &Backend) {
    let table = backend.table().await;
    let store = &table.store;
    assert_eq!(store.connection(WORKSPACE).await.unwrap(), None);
    let first = connection(1);
    assert!(store.put_connection(WORKSPACE, None, &first).await.unwrap());
    assert!(!store.put_connection(WORKSPACE, None, &connection(2)).await.unwrap(), "somebody was faster");
    assert_eq!(store.connection(WORKSPACE).await.unwrap(), Some(first.clone()));

    let failing = ValidationFailure {
        message: "the connection was refused; nothing is synced; connect again".to_owned(),
        code: "refresh_token_expired".to_owned(),
        checked_at: at(9),
    };
    let checked = Connection {
        connection_status: ConnectionStatus::ValidationFailed,
        last_validation_error: Some(failing),
        ..first.clone()
    };
    assert!(store.put_connection(WORKSPACE, Some(&first), &checked).await.unwrap());
    assert_eq!(table.dump().await.items.len(), 1, "a check makes no history");

    // A check that began before the connection was given up does not bring it back.
    let given_up = Connection { connection_status: ConnectionStatus::Disconnected, ..checked.clone() };
    assert!(store.put_connection(WORKSPACE, Some(&checked), &given_up).await.unwrap());
    assert!(!store.put_connection(WORKSPACE, Some(&checked), &checked).await.unwrap());
    assert!(store.put_connection(WORKSPACE, Some(&given_up), &checked).await.unwrap());

    // The new connection comes into force at the second attempt.
    table.probe.reset();
    table.probe.script(|call| (call.write == Some(2)).then_some(Fault::Before));
    assert!(store.put_connection(WORKSPACE, Some(&checked), &connection(2)).await.is_err());
    table.probe.clear();
    assert_eq!(store.connection(WORKSPACE).await.unwrap(), Some(checked.clone()));
    assert!(store.put_connection(WORKSPACE, Some(&checked), &connection(2)).await.unwrap());
    assert!(!store.put_connection(WORKSPACE, Some(&checked), &connection(3)).await.unwrap());
    assert_eq!(store.connection(WORKSPACE).await.unwrap(), Some(connection(2)));
    let past = table.dump().await.one("PAST#");
    assert_eq!(past["connectionStatus"].as_s().unwrap(), "disconnected");
    assert_eq!(past["disconnectedAt"].as_s().unwrap(), &connection(2).connected_at.to_string());
}

pub(crate) async fn clients(backend: &Backend) {
    let table = backend.table().await;
    let bare = domain::contact::Client {
        website: None,
        secondary_domains: Vec::new(),
        inactive: true,
        name: String::new(),
        ..client(2)
    };
    assert!(table.store.upsert_client(WORKSPACE, &bare).await.unwrap());
    assert!(table.store.upsert_client(WORKSPACE, &client(1)).await.unwrap());
    assert!(!table.store.upsert_client(WORKSPACE, &client(1)).await.unwrap(), "it was like that");
    assert_eq!(table.store.clients(WORKSPACE).await.unwrap(), [client(1), bare.clone()]);
    assert!(table.store.upsert_client(WORKSPACE, &client(2)).await.unwrap());
    assert_eq!(table.store.client_by_id(WORKSPACE, bare.id).await.unwrap(), Some(client(2)));
    let nobody = ClientId::new(Uuid::from_u128(9));
    assert_eq!(table.store.client_by_id(WORKSPACE, nobody).await.unwrap(), None);
}

pub(crate) async fn discovery(backend: &Backend) {
    let table = backend.table().await;
    let store = &table.store;
    assert_eq!(store.last_discovery(WORKSPACE).await.unwrap(), None);
    let full = managed_tenant();
    let bare = ManagedTenant {
        id: ManagedTenantId::derived(WORKSPACE, EntraTenantId::new(Uuid::from_u128(2))),
        entra: EntraTenantId::new(Uuid::from_u128(2)),
        display_name: None,
        default_domain: None,
        verified_domains: Vec::new(),
        access: TenantAccess::Unknown,
        access_ends: None,
        user_count: None,
        missing_since: None,
        ..full.clone()
    };
    let readable = ManagedTenant { access: TenantAccess::Ok, ..bare.clone() };
    for tenant in [&full, &bare, &readable] {
        store.put_managed_tenant(WORKSPACE, tenant).await.unwrap();
        assert_eq!(store.managed_tenant(WORKSPACE, tenant.id).await.unwrap().as_ref(), Some(tenant));
    }
    assert_eq!(store.managed_tenants(WORKSPACE).await.unwrap(), [full, readable]);
    let ended = discovery_report();
    let failed = DiscoveryReport { completed_at: at(9), ..ended.clone() };
    let ended = DiscoveryReport { failure: None, gone: Vec::new(), ..ended };
    for (report, last) in [(ended, Some(at(5))), (failed, None)] {
        store.put_discovery(WORKSPACE, &report).await.unwrap();
        assert_eq!(store.last_discovery(WORKSPACE).await.unwrap(), last);
        assert_eq!(store.discovery(WORKSPACE).await.unwrap(), Some(report));
    }
}

pub(crate) async fn one_of_two_editors_of_a_mapping_wins(backend: &Backend) {
    let table = backend.table().await;
    let store = &table.store;
    assert_eq!(store.mapping(WORKSPACE, MANAGED).await.unwrap(), None);
    let (first, second) = (mapping_record(0), mapping_record(1));
    assert!(store.put_mapping(WORKSPACE, None, &first).await.unwrap());
    assert!(!store.put_mapping(WORKSPACE, None, &second).await.unwrap(), "it was decided meanwhile");
    assert!(store.put_mapping(WORKSPACE, Some(&first), &second).await.unwrap());
    assert!(!store.put_mapping(WORKSPACE, Some(&first), &mapping_record(2)).await.unwrap());
    assert_eq!(store.mapping(WORKSPACE, MANAGED).await.unwrap(), Some(second.clone()));
    assert_eq!(store.mappings(WORKSPACE).await.unwrap(), std::slice::from_ref(&second));

    // The same decision, seen again later with another score.
    let mut scored = second.clone();
    scored.current.confidence = None;
    scored.current.decided_at = at(77);
    assert!(store.put_mapping(WORKSPACE, Some(&second), &scored).await.unwrap());
    assert!(!store.put_mapping(WORKSPACE, Some(&second), &mapping_record(3)).await.unwrap());

    for seed in 0..4 {
        table.wire.shuffle(seed);
        let now = store.mapping(WORKSPACE, MANAGED).await.unwrap().unwrap();
        let edits = at_once(2, |editor| {
            let (store, now) = (table.store.clone(), now.clone());
            let step = 10 + 2 * u32::try_from(seed).unwrap() + editor;
            async move { store.put_mapping(WORKSPACE, Some(&now), &mapping_record(step)).await.unwrap() }
        });
        assert_eq!(edits.await.into_iter().filter(|won| *won).count(), 1, "seed {seed}");
    }
}

pub(crate) async fn settings(backend: &Backend) {
    let table = backend.table().await;
    assert_eq!(table.store.settings(WORKSPACE).await.unwrap(), SyncSettings::default());
    for settings in [sync_settings(), SyncSettings::default()] {
        table.store.put_settings(WORKSPACE, &settings).await.unwrap();
        assert_eq!(table.store.settings(WORKSPACE).await.unwrap(), settings);
    }
}

pub(crate) async fn sign_ins(backend: &Backend) {
    let table = backend.table().await;
    assert!(table.store.begin_login(WORKSPACE, "hash", &pending_login()).await.unwrap());
    assert!(!table.store.begin_login(WORKSPACE, "hash", &pending_login()).await.unwrap(), "used twice");
    assert!(table.store.take_login(WORKSPACE, "other").await.unwrap().is_none());
    for seed in 0..4 {
        table.wire.shuffle(seed);
        let hash = format!("hash {seed}");
        let login = PendingLogin { user: None, ..pending_login() };
        table.store.begin_login(WORKSPACE, &hash, &login).await.unwrap();
        let taken = at_once(20, |_| {
            let (store, hash) = (table.store.clone(), hash.clone());
            async move { store.take_login(WORKSPACE, &hash).await.unwrap() }
        });
        let taken: Vec<_> = taken.await.into_iter().flatten().collect();
        assert_eq!(taken.len(), 1, "seed {seed}");
        assert_eq!(taken[0].user, None);
        assert!(table.store.take_login(WORKSPACE, &hash).await.unwrap().is_none());
    }
    let taken = table.store.take_login(WORKSPACE, "hash").await.unwrap().unwrap();
    for item in table.dump().await.items.values() {
        for secret in ["verifier", "nonce", "session"] {
            assert!(!item.contains_key(secret), "{secret} is kept after its use");
        }
        assert!(item.contains_key("expires"));
    }
    let expected = pending_login();
    assert_eq!(
        (taken.user, taken.session, taken.verifier, taken.nonce, taken.redirect_uri, taken.began_at),
        (
            expected.user,
            expected.session,
            expected.verifier,
            expected.nonce,
            expected.redirect_uri,
            expected.began_at
        ),
    );
    let minutes = |minutes| at(0) + SignedDuration::from_mins(minutes);
    assert!(!pending_login().is_expired(minutes(10)));
    assert!(pending_login().is_expired(minutes(10) + SignedDuration::from_millis(1)));
}
