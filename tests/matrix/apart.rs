//! Two workspaces are apart: whoever is admitted in one sees nothing of the other and changes nothing there. On
//! an empty table a handler that forgot whose request it answers would pass.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use ambient::{Clock, SystemClock};
use aws_sdk_dynamodb::{config::SharedHttpClient, types::AttributeValue};
use domain::{flags::Feature, ids::EntraObjectId};
use fake_microsoft::{CIPP_CLIENT_ID, CIPP_CLIENT_SECRET};
use jiff::SignedDuration;
use local::FakeProfile;
use serde_json::{Value, json};
use store::client_over;
use uuid::Uuid;

use crate::{callers::Caller, routes::ROUTES, service::Service};

const BASE: &str = "/api/integrations/entra";
const LINES: &str = "application/x-ndjson";
const JSON: &str = "application/json";
/// Of the table in the local mode.
const TABLE: &str = "entra-contact-sync";
/// Texts of the first workspace's rules that are in no answer by themselves.
const OF_THE_RULES: &str = "of-the-first-workspace.example";
const OF_A_CLIENT: &str = "of-its-client.example";
/// The person of all callers.
const USER: Uuid = Uuid::from_u128(7);

/// Items by their keys.
type Items = BTreeMap<(String, String), Value>;

/// The first workspace, connected and synced, and what is in it.
struct First {
    service: Service,
    tenant: String,
    client: String,
    contact: String,
    person: EntraObjectId,
    /// Somebody's address in the directory.
    address: String,
    run: String,
    preview: String,
    question: String,
}

impl First {
    /// As its own staff makes it, by the routes.
    async fn new() -> Self {
        let as_of = SystemClock.now();
        let profile = FakeProfile { seed: 7, sizes: vec![5], as_of, port: 0, messy: false };
        let service = Service::over(Some(profile)).await;
        service.switch_on(&Feature::ALL).await;
        let world = service.house.fake.as_ref().unwrap().world();
        let (entra, seed) = (world.tenants()[0].id, world.psa_seed());
        let (users, partner) = (world.users(entra), world.partner().id);
        let client = seed[0].client_id.to_string();
        let row =
            json!({ "clientId": client, "clientName": seed[0].name, "website": seed[0].website }).to_string();
        own(&service, "POST", "/clients/import", LINES, &row).await;
        // Whose address is a further one of another contact is asked about.
        let address = users[0].mail.clone().unwrap();
        let contact = Uuid::from_u128(0xDE57).to_string();
        let row = json!({ "contactNameId": contact, "clientId": client, "fullName": "Reception",
            "email": "reception@desk.example", "additionalEmailAddresses": [address] });
        own(&service, "POST", "/contacts/import", LINES, &row.to_string()).await;
        let rules = json!({ "scope": { "excludeDomains": [OF_THE_RULES] } });
        own(&service, "PATCH", "/settings", JSON, &rules.to_string()).await;
        let rules = json!({ "scope": { "excludeDomains": [OF_A_CLIENT] } });
        own(&service, "PUT", &format!("/settings/clients/{client}"), JSON, &rules.to_string()).await;
        let schedule = json!({ "syncEnabled": true, "syncIntervalMinutes": 1440 });
        own(&service, "POST", "/schedule", JSON, &schedule.to_string()).await;
        let connect = json!({ "connectionType": "cipp", "baseUrl": service.house.invented_cipp(),
            "tenantId": partner, "clientId": CIPP_CLIENT_ID, "clientSecret": CIPP_CLIENT_SECRET });
        own(&service, "POST", "/connect", JSON, &connect.to_string()).await;
        own(&service, "POST", "/discovery", JSON, "{}").await;
        let preview = own(&service, "GET", "/mappings/preview", JSON, "").await;
        let tenant = preview["data"]["autoMatched"][0]["managedTenantId"].as_str().unwrap().to_owned();
        let mapped = json!({ "managedTenantId": tenant, "clientId": client, "mappingState": "mapped" });
        let mapped = json!({ "mappings": [mapped] }).to_string();
        own(&service, "POST", "/mappings/confirm", JSON, &mapped).await;
        let synced = own(&service, "POST", "/sync", JSON, r#"{"scope":"initial"}"#).await;
        let run = ended(&service, &synced).await;
        let preview = json!({ "managedTenantId": tenant }).to_string();
        let preview = own(&service, "POST", "/sync/preflight", JSON, &preview).await;
        let preview = ended(&service, &preview).await;
        let queue = own(&service, "GET", "/reconciliation-queue", JSON, "").await;
        let question = queue["data"]["items"][0]["queueItemId"].as_str().unwrap().to_owned();
        let person = users[1].id;
        Self { service, tenant, client, contact, person, address, run, preview, question }
    }

    /// A path of the matrix with ids of this workspace.
    fn filled(&self, path: &str) -> String {
        let segment = |segment: &str| match segment {
            "{clientId}" => self.client.clone(),
            "{managed_tenant_id}" => self.tenant.clone(),
            "{queue_item_id}" => self.question.clone(),
            "{run_id}" => self.run.clone(),
            // Of flags, which belong to no workspace.
            "{flag_id}" => USER.to_string(),
            other => other.to_owned(),
        };
        path.split('/').map(segment).collect::<Vec<_>>().join("/")
    }

    /// Everything that can be looked at, as far as it is the integration's.
    fn looks(&self) -> Vec<String> {
        let (tenant, client, run) = (&self.tenant, &self.client, &self.run);
        let (person, address) = (self.person, &self.address);
        let reads =
            ROUTES.iter().filter(|route| route.method == "GET" && route.guard.is_of_the_integration());
        let mut looks: Vec<String> = reads.map(|route| self.filled(route.path)).collect();
        let with_queries = [
            format!("/contacts/duplicates?clientId={client}"),
            format!("/contacts/export?clientId={client}"),
            "/contacts/export?format=csv".to_owned(),
            format!("/links?managedTenantId={tenant}&clientId={client}"),
            format!("/reconciliation-queue?counts=true&managedTenantId={tenant}"),
            format!("/sync/explain?managedTenantId={tenant}&person={person}"),
            format!("/sync/explain?managedTenantId={tenant}&person={address}"),
            format!("/sync/runs?runId={run}"),
            format!("/sync/runs/{run}/lines?managedTenantId={tenant}"),
            format!("/sync/runs/{run}/lines?managedTenantId={tenant}&count=true"),
            format!("/sync/timeline?managedTenantId={tenant}&entraObjectId={person}"),
        ];
        looks.extend(with_queries.into_iter().map(|path| format!("{BASE}{path}")));
        looks
    }

    /// Everything that can be changed, asked for with ids of this workspace: method, path, kind and body.
    fn changes(&self) -> Vec<(&'static str, String, &'static str, String)> {
        let (tenant, client, contact) = (&self.tenant, &self.client, &self.contact);
        let (run, preview, question) = (&self.run, &self.preview, &self.question);
        let person = self.person;
        let of_matrix = ROUTES.iter().filter(|route| route.method != "GET");
        let mut changes: Vec<_> = of_matrix
            .map(|route| (route.method, self.filled(route.path), JSON, route.body.to_owned()))
            .collect();
        let people = json!({ "managedTenantId": tenant, "entraObjectIds": [person] });
        let one_tenant = json!({ "managedTenantId": tenant });
        let runs = [run, preview].map(|run| format!("/sync/runs/{run}"));
        let mut posts = vec![
            ("/connect".to_owned(), json!({ "connectionType": "direct" })),
            ("/discovery".to_owned(), json!({})),
            (
                "/mappings/confirm".to_owned(),
                json!({ "mappings": [{ "managedTenantId": tenant, "mappingState": "skip_for_now" }] }),
            ),
            ("/mappings/skip".to_owned(), one_tenant.clone()),
            ("/mappings/unmap".to_owned(), one_tenant.clone()),
            ("/mappings/remap".to_owned(), json!({ "managedTenantId": tenant, "targetClientId": client })),
            ("/reconciliation-queue/dismiss".to_owned(), json!({ "queueItemId": question })),
            ("/reconciliation-queue/resolve-new".to_owned(), json!({ "queueItemId": question })),
            (
                "/reconciliation-queue/resolve-existing".to_owned(),
                json!({ "queueItemId": question, "contactNameId": contact }),
            ),
            ("/reconciliation-queue/resolve-all".to_owned(), json!({ "answer": "dismiss" })),
            ("/schedule".to_owned(), json!({ "syncEnabled": false })),
            ("/sync".to_owned(), json!({ "scope": "initial" })),
            ("/sync".to_owned(), json!({ "scope": "single-client", "clientId": client })),
            ("/sync/preflight".to_owned(), one_tenant.clone()),
            ("/sync/accept-size".to_owned(), one_tenant),
            ("/links/cut".to_owned(), people.clone()),
            ("/links/rematch".to_owned(), people),
            (
                "/links/move".to_owned(),
                json!({ "managedTenantId": tenant,
                    "moves": [{ "entraObjectId": person, "contactNameId": contact }] }),
            ),
            ("/validate-cipp".to_owned(), json!({})),
            ("/disconnect".to_owned(), json!({})),
        ];
        for run in runs {
            for what in ["apply", "cancel", "held/allow", "held/reconsider", "held/reject", "undo"] {
                posts.push((format!("{run}/{what}"), json!({})));
            }
        }
        let posts = posts.into_iter();
        changes.extend(posts.map(|(path, body)| ("POST", format!("{BASE}{path}"), JSON, body.to_string())));
        // The PSAs of two workspaces may well know the same ids.
        let row = json!({ "clientId": client, "clientName": "Taken over" }).to_string();
        changes.push(("POST", format!("{BASE}/clients/import"), LINES, row));
        let row = json!({ "contactNameId": contact, "clientId": client, "fullName": "Taken over",
            "email": "reception@desk.example" });
        changes.push(("POST", format!("{BASE}/contacts/import"), LINES, row.to_string()));
        let rules = json!({ "scope": { "excludeDomains": ["of-the-other.example"] } }).to_string();
        changes.push(("PATCH", format!("{BASE}/settings"), JSON, rules.clone()));
        changes.push(("PUT", format!("{BASE}/settings/clients/{client}"), JSON, rules));
        changes
    }

    /// Every item of the table in which this workspace is named.
    async fn items(&self) -> Items {
        let workspace = self.service.workspace().to_string();
        let engine = self.service.house.database.clone().unwrap();
        let client = client_over(SharedHttpClient::new(engine));
        let mut pages = client.scan().table_name(TABLE).into_paginator().send();
        let mut items = Items::new();
        while let Some(page) = pages.next().await {
            for item in page.unwrap().items() {
                let key = |name: &str| item[name].as_s().unwrap().clone();
                let members = item.iter().map(|(name, value)| (name.clone(), shown(value)));
                let members = Value::Object(members.collect());
                if members.to_string().contains(&workspace) {
                    items.insert((key("pk"), key("sk")), members);
                }
            }
        }
        items
    }

    /// Its secrets, by their files.
    fn secrets(&self) -> BTreeMap<String, Vec<u8>> {
        let folder = Path::new("secrets/tenants").join(self.service.workspace().to_string());
        let entries = fs::read_dir(self.service.folder().join(folder)).unwrap();
        let file =
            |entry: fs::DirEntry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap());
        entries.map(|entry| file(entry.unwrap())).collect()
    }
}

/// What the staff of the first workspace is answered, who get what they ask for.
async fn own(service: &Service, method: &str, path: &str, kind: &str, body: &str) -> Value {
    let (status, text) = service.text(Caller::Updater, method, &format!("{BASE}{path}"), (kind, body)).await;
    assert!((200..300).contains(&status), "{method} {path}: {status} {text}");
    serde_json::from_str(&text).unwrap()
}

/// Waits for the end of a run that was begun; answers its id.
async fn ended(service: &Service, begun: &Value) -> String {
    let run = begun["data"]["runId"].as_str().unwrap().to_owned();
    for _ in 0..1_500 {
        let shown = own(service, "GET", &format!("/sync/runs/{run}"), JSON, "").await;
        let status = shown["data"]["run"]["status"].as_str().unwrap();
        if !["queued", "running"].contains(&status) {
            assert_eq!(status, "completed", "{shown:#}");
            return run;
        }
        service.house.clock.sleep(SignedDuration::from_millis(20)).await;
    }
    panic!("{run} goes on and on");
}

/// A value that is the same whenever it is read: members of maps come in any order.
fn shown(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::M(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), shown(value)));
            Value::Object(members.collect())
        }
        AttributeValue::L(values) => Value::Array(values.iter().map(shown).collect()),
        AttributeValue::S(text) => Value::from(text.as_str()),
        other => Value::from(format!("{other:?}")),
    }
}

/// Whatever of an answer can only be of one workspace: ids, addresses and domains.
fn marks(answer: &str) -> impl Iterator<Item = String> {
    let words = answer.split(|letter: char| !(letter.is_ascii_alphanumeric() || "@._-".contains(letter)));
    let is_an_id = |word: &str| word.len() == 36 && Uuid::try_parse(word).is_ok_and(|id| id != USER);
    let marks = words.filter(move |word| word.ends_with(".example") || is_an_id(word));
    marks.map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_sees_anything_of_another_workspace() {
    let first = First::new().await;
    let service = &first.service;
    let (mut known, mut telling, mut found) = (BTreeSet::new(), 0, BTreeSet::new());
    for look in first.looks() {
        let (status, answer) = service.text(Caller::Updater, "GET", &look, (JSON, "")).await;
        if status != 200 {
            continue;
        }
        let marks: Vec<String> = marks(&answer).filter(|mark| !look.contains(mark.as_str())).collect();
        telling += usize::from(!marks.is_empty());
        known.extend(marks);
        found.insert(look);
    }
    // A search for nothing, and in refusals, would find nothing.
    assert!(telling >= 18, "{telling} answers tell whose they are");
    let contact = first.contact.as_str();
    for mark in [
        first.run.as_str(),
        &first.tenant,
        &first.client,
        contact,
        &first.question,
        OF_THE_RULES,
        OF_A_CLIENT,
    ] {
        assert!(known.contains(mark), "{mark}");
    }
    assert!(known.contains(&first.person.to_string()) && known.contains(&first.address));
    let mut wrong = Vec::new();
    for look in first.looks() {
        let (status, answer) = service.text(Caller::OtherWorkspace, "GET", &look, (JSON, "")).await;
        // An answer may repeat what was asked for.
        let of_others: Vec<&String> = known
            .iter()
            .filter(|mark| !look.contains(mark.as_str()) && answer.contains(mark.as_str()))
            .collect();
        if !of_others.is_empty() {
            wrong.push(format!("{look}: {of_others:?} in {answer}"));
        }
        let path = look.split('?').next().unwrap();
        if known.iter().any(|mark| path.contains(mark.as_str())) && found.contains(&look) && status < 400 {
            wrong.push(format!("{look}: {status} for somebody else's id: {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // What has no mark.
    let (_, schedule) = service.send(Caller::OtherWorkspace, "GET", &format!("{BASE}/schedule"), "").await;
    assert_eq!(schedule["data"]["syncEnabled"], false, "{schedule}");
    let (_, status) = service.send(Caller::OtherWorkspace, "GET", BASE, "").await;
    assert_eq!(status["data"]["status"], "not_connected", "{status}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_changes_anything_of_another_workspace() {
    let first = First::new().await;
    let service = &first.service;
    let (items, secrets) = (first.items().await, first.secrets());
    assert!(items.len() > 20 && secrets.contains_key("entra-cipp.json"), "{:?}", items.keys());
    let mut done = BTreeSet::new();
    for (method, path, kind, body) in first.changes() {
        let (status, answer) = service.text(Caller::OtherWorkspace, method, &path, (kind, &body)).await;
        assert!(status < 500, "{method} {path} {body}: {status} {answer}");
        done.extend((status < 300).then_some((method, path.clone())));
        let now = first.items().await;
        let changed: Vec<_> = items.iter().filter(|(key, item)| now.get(*key) != Some(*item)).collect();
        let added: Vec<_> = now.keys().filter(|key| !items.contains_key(*key)).collect();
        assert!(changed.is_empty() && added.is_empty(), "{method} {path} {body}: {changed:#?} {added:?}");
        assert_eq!(first.secrets(), secrets, "{method} {path}");
    }
    // Some of it was done: where they are at home.
    assert!(done.len() >= 6, "{done:?}");
}
