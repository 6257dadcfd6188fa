//! Requests: the body of every route that takes one, documents to import, and the callback's query.

use std::sync::Arc;

use authorizer::{Configuration, Parties, Verifier, sign_hs256};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
    response::Response,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::{
    flags::Feature,
    ids::{FlagId, UserId},
};
use edge::{CallerKind, Edition, Permission};
use embedded::Durability;
use flags::Access;
use jiff::SignedDuration;
use local::House;
use proptest::{prelude::*, test_runner::TestRunner};
use secrecy::SecretString;
use serde_json::{Value, json};
use store::FeatureFlag;
use tempfile::TempDir;
use tests::spoil::{Spoiled, spoiled, whole};
use tokio::runtime::Runtime;
use tower::ServiceExt;
use uuid::Uuid;

use crate::trees::{any_bytes, any_json};

const KEY: &str = "the key of this suite, of more than thirty-two bytes";
const PARTY: &str = "hostile";
const BASE: &str = "/api/integrations/entra";
const CALLBACK: &str = "/api/auth/microsoft/entra/callback";
const ID: &str = "5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d";

/// Every route over an empty table, for one operator who may do everything.
struct Service {
    house: House,
    router: Router,
    token: String,
    _folder: TempDir,
}

impl Service {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let house = House::open(folder.path(), Durability::ProcessKill, None).await.unwrap();
        let configuration = Configuration {
            issuer: PARTY.to_owned(),
            audience: PARTY.to_owned(),
            published_keys_url: None,
            shared_secret: Some(KEY.into()),
        };
        let verifier = Verifier::configured(configuration, house.http.clone(), Arc::clone(&house.clock));
        let access = Access { master: Some(house.workspace), keys: Vec::new() };
        let router = local::api(&house, Arc::new(verifier.unwrap()), access);
        let caller = edge::Caller {
            workspace: house.workspace,
            user: Some(UserId::new(Uuid::from_u128(7))),
            kind: CallerKind::Internal,
            permissions: Permission::ALL.iter().map(|permission| permission.name().to_owned()).collect(),
            edition: Edition::Enterprise,
        };
        let parties = Parties { issuer: PARTY.to_owned(), audience: PARTY.to_owned() };
        let hour = SignedDuration::from_hours(1);
        let token = sign_hs256(&caller, &parties, &SecretString::from(KEY), house.clock.now(), hour).unwrap();
        let service = Self { house, router, token, _folder: folder };
        service.switch_on().await;
        service
    }

    async fn switch_on(&self) {
        let now = self.house.clock.now();
        for feature in Feature::ALL {
            let id = FlagId::new(Uuid::from_u128(0xF1 + feature as u128));
            let flag = FeatureFlag::new(id, feature.key(), now);
            let _: bool = self.house.store.create_flag(&flag).await.unwrap();
            self.house.store.target_flag(flag.id, self.house.workspace, true, now).await.unwrap().unwrap();
        }
    }

    async fn send(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> Response {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", kind)
            .body(Body::from(body.to_vec()));
        self.router.clone().oneshot(request.unwrap()).await.unwrap()
    }

    /// Sends a body. A refusal has a code and has written nothing; nothing is ever a fault of the service.
    async fn ask(&self, method: &str, path: &str, kind: &str, body: &[u8], how: &str) -> u16 {
        let before = self.house.probe.counts().writes;
        let answer = self.send(method, path, kind, body).await;
        let status = answer.status().as_u16();
        let bytes = to_bytes(answer.into_body(), 1 << 22).await.unwrap();
        let shown = String::from_utf8_lossy(&bytes);
        assert!(status < 500, "{method} {path}, {how}: {status} {shown}");
        if status >= 400 {
            let body: Value = serde_json::from_slice(&bytes).unwrap();
            assert!(body["code"].is_string(), "{method} {path}, {how}: {shown}");
            // The table refuses these, by the condition of the write.
            let tried = u64::from(body["code"] == "key_taken" || body["code"] == "never_synced");
            let written = self.house.probe.counts().writes - before;
            assert_eq!(written, tried, "{method} {path}, {how}: refused with {shown} and written");
            assert!(
                bytes.len() < 4_000,
                "{method} {path}, {how}: the refusal repeats what was sent: {shown}"
            );
        }
        status
    }
}

/// A body for each route that takes one: (method, path below the base, body).
fn bodies() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        (
            "POST",
            "/connect",
            json!({ "connectionType": "cipp", "baseUrl": "https://127.0.0.1", "apiToken": "t",
                "tenantId": ID, "clientId": ID, "clientSecret": "s", "changePartner": false }),
        ),
        (
            "POST",
            "/connect",
            json!({ "connectionType": "direct", "returnPath": "/msp/settings/integrations/entra?tab=history" }),
        ),
        (
            "POST",
            "/mappings/confirm",
            json!({ "mappings": [{ "managedTenantId": ID, "clientId": ID, "mappingState": "mapped",
                "confidenceScore": 0.9 }] }),
        ),
        (
            "POST",
            "/mappings/remap",
            json!({ "managedTenantId": ID, "targetClientId": ID, "expectedMappingId": ID }),
        ),
        ("POST", "/mappings/skip", json!({ "managedTenantId": ID, "expectedMappingId": null })),
        ("POST", "/mappings/unmap", json!({ "managedTenantId": ID })),
        (
            "POST",
            "/reconciliation-queue/resolve-existing",
            json!({ "queueItemId": ID, "contactNameId": ID, "reason": "x" }),
        ),
        ("POST", "/reconciliation-queue/dismiss", json!({ "queueItemId": ID, "reason": "x" })),
        (
            "PATCH",
            "/settings",
            json!({ "fieldSyncConfig": { "role": true, "phone": false }, "syncEnabled": false,
                "syncIntervalMinutes": 60, "userFilterConfig": { "excludePatterns": ["^svc-"] } }),
        ),
        (
            "PUT",
            "/settings/clients/5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d",
            json!({ "fieldSyncConfig": { "role": true } }),
        ),
        ("POST", "/sync", json!({ "scope": "single-client", "clientId": ID, "managedTenantId": ID })),
        (
            "POST",
            "/sync/preflight",
            json!({ "clientId": ID, "managedTenantId": ID, "sampleLimit": 5, "fieldSyncConfig": { "role": true },
                "scope": { "groups": [ID] } }),
        ),
        (
            "POST",
            "/sync/runs/5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d/apply",
            json!({ "managedTenantId": ID, "lines": [ID] }),
        ),
        (
            "POST",
            "/sync/runs/5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d/held/allow",
            json!({ "managedTenantId": ID }),
        ),
        ("POST", "/sync/accept-size", json!({ "managedTenantId": ID })),
    ]
}

#[test]
fn a_spoiled_body_is_taken_or_refused_with_a_code_and_changes_nothing_then() {
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        let service = Service::start().await;
        for (method, path, sample) in bodies() {
            let (mut at_whole, path) = (0, format!("{BASE}{path}"));
            for Spoiled { how, bytes, place } in spoiled(&sample) {
                // Cuts and broken bytes end in the same reader everywhere: one in fifteen will do.
                at_whole += usize::from(place.is_none());
                if place.is_none() && at_whole > 16 && at_whole % 15 != 0 {
                    continue;
                }
                service.ask(method, &path, "application/json", &bytes, &how).await;
            }
        }
        let flag =
            json!({ "key": "x-y", "name": "X", "active": true, "filters": { "groups": [] }, "tags": ["a"] });
        for Spoiled { how, bytes, .. } in spoiled(&flag).filter(|spoiled| spoiled.place.is_some()) {
            service.ask("POST", "/api/v1/platform-feature-flags", "application/json", &bytes, &how).await;
        }
    });
}

#[test]
fn a_body_beyond_the_limit_is_refused() {
    Runtime::new().unwrap().block_on(async {
        let service = Service::start().await;
        let body = format!("{{\"scope\":\"{}\"}}", "x".repeat(edge::BODY_LIMIT_BYTES));
        let path = format!("{BASE}/sync");
        assert_eq!(service.ask("POST", &path, "application/json", body.as_bytes(), "too large").await, 413);
        let document = vec![b' '; 10 * 1024 * 1024 + 1];
        let path = format!("{BASE}/contacts/import");
        assert_eq!(service.ask("POST", &path, "text/csv", &document, "too large").await, 413);
    });
}

fn client_rows() -> Value {
    json!([{ "clientId": ID, "clientName": "Contoso", "website": "https://contoso.example",
        "secondaryDomains": ["contoso.net"], "isInactive": false }])
}

fn contact_rows() -> Value {
    json!([{ "contactNameId": ID, "clientId": ID, "fullName": "Mira", "email": "mira@contoso.example",
        "role": "Lead", "phoneNumbers": [{ "phoneNumber": "+47 1", "canonicalType": "work" }],
        "isInactive": false }])
}

/// One bad row is one failed line: a document that can be taken apart is never refused for one of its rows.
#[test]
fn a_spoiled_document_is_counted_row_by_row() {
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        let service = Service::start().await;
        for (what, rows) in [("clients", client_rows()), ("contacts", contact_rows())] {
            let path = format!("{BASE}/{what}/import");
            let sound = format!("{BASE}/clients/import");
            service.ask("POST", &sound, "application/json", client_rows().to_string().as_bytes(), "sound").await;
            for Spoiled { how, bytes, place } in spoiled(&rows) {
                if place.is_none() && (how.starts_with("cut") || how.starts_with("no UTF-8")) && bytes.len() % 15 != 0 {
                    continue;
                }
                let status = service.ask("POST", &path, "application/json", &bytes, &how).await;
                assert!(place.is_none_or(|place| !place.starts_with("/0/")) || [200, 207, 400].contains(&status));
                if let Some(row) = bytes.strip_prefix(b"[").and_then(|bytes| bytes.strip_suffix(b"]")) {
                    service.ask("POST", &path, "application/x-ndjson", row, &how).await;
                }
            }
        }
        let csv = "clientId,clientName,website,isInactive\r\n5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d,\"a,\"\"b\"\"\",,true\r\n";
        for Spoiled { how, bytes, .. } in whole(csv) {
            service.ask("POST", &format!("{BASE}/clients/import"), "text/csv", &bytes, &how).await;
        }
    });
}

/// The text of a list within a row is a list, or that row has failed and no other.
#[test]
fn a_spoiled_list_of_phone_numbers_in_a_cell_is_a_failed_row_and_no_other() {
    Runtime::new().unwrap().block_on(async {
        let service = Service::start().await;
        let sound = client_rows().to_string();
        let clients = format!("{BASE}/clients/import");
        service.ask("POST", &clients, "application/json", sound.as_bytes(), "sound").await;
        let phones = json!([{ "phoneNumber": "+47 1", "canonicalType": "work", "isDefault": true,
            "displayOrder": 0 }]);
        let row = |(number, Spoiled { bytes, .. }): (u128, Spoiled)| {
            let (id, email) = (Uuid::from_u128(0xF0_0000 + number), format!("mira{number}@contoso.example"));
            json!({ "contactNameId": id, "clientId": ID, "fullName": "Mira", "email": email,
                "phoneNumbers": String::from_utf8_lossy(&bytes) })
            .to_string()
        };
        let rows: Vec<String> = (0..).zip(spoiled(&phones)).map(row).collect();
        let (contacts, document) = (format!("{BASE}/contacts/import"), rows.join("\n"));
        let answer = service.send("POST", &contacts, "application/x-ndjson", document.as_bytes()).await;
        assert_eq!(answer.status(), 200);
        let result: Value =
            serde_json::from_slice(&to_bytes(answer.into_body(), 1 << 22).await.unwrap()).unwrap();
        let count = |name: &str| usize::try_from(result["data"][name].as_u64().unwrap()).unwrap();
        let (created, failed) = (count("created"), count("failedTotal"));
        assert_eq!(created + failed, rows.len(), "{result:#}");
        assert!(created > 5 && failed > 100, "{created} {failed}");
    });
}

/// The digest in front of a cursor tells damage and foreign routes apart and proves no origin: whoever seals
/// a position of their own is given what is theirs, or refused.
#[test]
fn a_cursor_of_any_position_leads_somewhere_or_is_refused() {
    Runtime::new().unwrap().block_on(async {
        let service = Service::start().await;
        let export = |what: &str| format!("{BASE}/{what}/export");
        let question = json!({ "place": "2026-03-01T08:00:00Z#x", "tenant": ID, "object": ID });
        for (path, route, sample) in [
            ("/clients/export", export("clients"), json!(ID)),
            ("/contacts/export", export("contacts"), json!({ "client": ID, "contact": ID })),
            ("/contacts/duplicates", format!("{BASE}/contacts/duplicates"), json!(ID)),
            ("/links", "links".to_owned(), json!({ "tenant": ID, "after": ID })),
            ("/reconciliation-queue", "queue".to_owned(), question),
            ("/sync/runs", "runs".to_owned(), json!(ID)),
        ] {
            let sound = edge::paging::cursor(&route, &sample).unwrap();
            let sound = format!("{BASE}{path}?cursor={sound}");
            assert_eq!(service.ask("GET", &sound, "text/plain", b"", "sound").await, 200, "{route}");
            let mut refused = 0;
            for Spoiled { how, bytes, .. } in spoiled(&sample) {
                let cursor = match serde_json::from_slice::<Value>(&bytes) {
                    Ok(position) => edge::paging::cursor(&route, &position).unwrap(),
                    Err(_) => BASE64_URL_SAFE_NO_PAD.encode(&bytes),
                };
                // More than an address may have.
                if cursor.len() > 50_000 {
                    continue;
                }
                let path = format!("{BASE}{path}?cursor={cursor}");
                let status = service.ask("GET", &path, "text/plain", b"", &how).await;
                assert!([200, 400].contains(&status), "{route}: {how}: {status}");
                refused += u32::from(status == 400);
            }
            assert!(refused > 20, "{route}: {refused}");
        }
    });
}

/// With one service for all cases, which takes longer to start than to ask.
#[test]
fn any_request_has_an_answer() {
    let runtime = Runtime::new().unwrap();
    let service = runtime.block_on(Service::start());
    let query = "[a-z]{0,9}|(code|state|error|session_state)=[a-zA-Z0-9%._+&=-]{0,60}";
    let config = ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() };
    let asked = TestRunner::new(config).run(&(any_bytes(), any_json(), query), |(bytes, tree, query)| {
        runtime.block_on(async {
            for body in [bytes, tree.to_string().into_bytes()] {
                for (method, path, _) in bodies() {
                    service
                        .ask(method, &format!("{BASE}{path}"), "application/json", &body, "anything")
                        .await;
                }
                for kind in ["text/csv", "application/json", "application/x-ndjson"] {
                    service.ask("POST", &format!("{BASE}/contacts/import"), kind, &body, "anything").await;
                }
            }
            let answer = service.send("GET", &format!("{CALLBACK}?{query}"), "text/plain", b"").await;
            assert_eq!(answer.status(), 303, "{query}");
            let location = answer.headers()["location"].to_str().unwrap();
            assert!(location.contains("entra_status=failure"), "{query}: {location}");
            for path in [
                "/mappings/preview",
                "/contacts/export",
                "/reconciliation-queue",
                "/sync/runs",
                "/sync/explain",
            ] {
                service.ask("GET", &format!("{BASE}{path}?{query}"), "text/plain", b"", &query).await;
            }
        });
        Ok(())
    });
    asked.unwrap();
}
