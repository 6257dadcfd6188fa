//! A workspace's first day, through the API only.

use std::collections::{BTreeMap, BTreeSet};

use ambient::{Clock, SystemClock};
use domain::ids::{ClientId, EntraTenantId, WorkspaceId};
use edge::{Caller, CallerKind};
use fake_microsoft::{Fake, PsaClientSeed};
use jiff::SignedDuration;
use reqwest::{Method, Url, header::LOCATION};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    api::{Api, PLATFORM_KEY, WORKSPACE, administrator, reader},
    emulator::client,
    workflow::Workflows,
};

/// Where the platform's flags are.
const FLAGS: &str = "/api/v1/platform-feature-flags";

/// Users of each customer; the second one's come in two pages of a directory.
pub(crate) const SIZES: [u32; 3] = [40, 1_050, 12];

/// Contacts the PSA has already that are people of the first customer.
const KNOWN: u32 = 2;

/// The customer that takes its consent back for a while.
const WITHDRAWN: usize = 2;

pub(crate) struct Story<'a> {
    pub(crate) api: Api,
    pub(crate) fake: &'a Fake,
    pub(crate) workflows: Workflows,
}

impl Story<'_> {
    pub(crate) async fn play(&self) {
        self.the_integration_is_switched_on().await;
        self.strangers_are_turned_away().await;
        self.clients_and_contacts_come_from_the_psa().await;
        self.a_technician_connects().await;
        self.customers_are_discovered().await;
        self.customers_are_mapped().await;
        self.a_preview_writes_nothing().await;

        let withdrawn = self.fake.world().tenants()[WITHDRAWN].id;
        self.fake.world().withdraw_consent(withdrawn).unwrap();
        self.a_customer_without_consent_fails_alone().await;

        self.fake.world().grant_consent(withdrawn).unwrap();
        let run = self.sync("completed").await;
        assert_eq!(run["summary"]["created"], SIZES[WITHDRAWN], "{run}");
        self.contacts_are_the_people_of_the_directories().await;

        let before = self.api.contacts().await;
        let run = self.sync("completed").await;
        assert_eq!(counted(&run), json!([0, 0, 0, 0]), "nobody has changed, so nobody is read: {run}");
        self.everybody_is_read_every_time().await;
        let run = self.sync("completed").await;
        let everybody: u32 = SIZES.iter().sum();
        assert_eq!(counted(&run), json!([0, 0, 0, everybody]), "{run}");
        assert_eq!(self.api.contacts().await, before);
        self.another_workspace_sees_nothing().await;
        self.switched_off_everything_is_hidden_and_kept().await;
    }

    /// As the rollout guide does it: with the key of the master workspace, in two requests.
    async fn the_integration_is_switched_on(&self) {
        self.is_hidden(&self.api).await;
        let stranger = self.api.with_token(None);
        let answer =
            stranger.request_to(Method::GET, FLAGS).header("x-api-key", "no key").send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 403);
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["code"], "master_workspace_only", "{body}");
        let made = self.flags("", &json!({ "__action": "ensure_entra_phase1_flags" })).await;
        assert_eq!((&made["existingKeys"], made["createdKeys"].as_array().unwrap().len()), (&json!([]), 5));
        for key in made["createdKeys"].as_array().unwrap() {
            self.target(key.as_str().unwrap(), "add", WORKSPACE).await;
        }
    }

    async fn target(&self, flag: &str, action: &str, workspace: WorkspaceId) {
        let body = json!({ "__action": action, "tenantId": workspace });
        let flag_after = self.flags(&format!("/{flag}/tenants"), &body).await;
        assert_eq!(flag_after["key"], flag, "{flag_after}");
    }

    /// What a POST with the key of the master workspace answers.
    async fn flags(&self, below: &str, body: &Value) -> Value {
        let request = self.api.with_token(None).request_to(Method::POST, &format!("{FLAGS}{below}"));
        let answer = request.header("x-api-key", PLATFORM_KEY).json(body).send().await.unwrap();
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap();
        assert_eq!((status, &body["success"]), (200, &json!(true)), "{body}");
        body["data"].clone()
    }

    async fn is_hidden(&self, who: &Api) {
        for path in ["", "/sync/runs", "/mappings", "/contacts/export"] {
            let answer = who.request(Method::GET, path).send().await.unwrap();
            let status = answer.status().as_u16();
            let body: Value = answer.json().await.unwrap();
            assert_eq!((status, &body["code"]), (404, &json!("integration_disabled")), "{path} {body}");
        }
    }

    async fn switched_off_everything_is_hidden_and_kept(&self) {
        let (status, runs) = (self.api.get("").await, self.api.get("/sync/runs").await);
        let contacts = self.api.contacts().await;
        self.target("entra-integration-ui", "remove", WORKSPACE).await;
        self.is_hidden(&self.api).await;
        self.target("entra-integration-ui", "add", WORKSPACE).await;
        assert_eq!(self.api.get("").await, status);
        assert_eq!(self.api.get("/sync/runs").await, runs);
        assert_eq!(self.api.contacts().await, contacts);
    }

    async fn everybody_is_read_every_time(&self) {
        let settings = json!({"completeReadHours": 0});
        let answer = self.api.request(Method::PATCH, "/settings").json(&settings).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{}", answer.text().await.unwrap());
    }

    async fn strangers_are_turned_away(&self) {
        let portal_user = Caller { kind: CallerKind::Client, ..administrator() };
        for (who, status, code) in [
            (self.api.with_token(None), 401, None),
            (self.api.with_token(Some("not.a.token")), 403, None),
            (self.api.by(&portal_user), 403, Some("portal_user_denied")),
            (self.api.by(&reader()), 403, Some("permission_denied")),
        ] {
            let answer = who.request(Method::POST, "/sync").json(&json!({})).send().await.unwrap();
            let found = answer.status().as_u16();
            let body: Value = answer.json().await.unwrap();
            assert_eq!((found, body["code"].as_str()), (status, code), "{body}");
        }
        let status = self.api.by(&reader()).get("").await;
        assert_eq!(status["status"], "not_connected");
    }

    async fn clients_and_contacts_come_from_the_psa(&self) {
        let clients = self.fake.world().psa_seed();
        assert_eq!(clients.len(), SIZES.len());
        let rows: Vec<Value> = clients
            .iter()
            .map(|client| {
                json!({ "clientId": client.client_id, "clientName": client.name, "website": client.website })
            })
            .collect();
        assert_eq!(self.api.import("clients", &rows).await["created"], rows.len());
        let result = self.api.import("contacts", &self.known_contacts(&clients[0])).await;
        assert_eq!(result["created"], KNOWN + 1);
    }

    /// People of the first customer that somebody typed in, and somebody who is in no directory.
    fn known_contacts(&self, client: &PsaClientSeed) -> Vec<Value> {
        let users = self.fake.world().users(self.fake.world().tenants()[0].id);
        let row = |number: u32, name: &str, email: &str| json!({ "contactNameId": known_contact(number), "clientId": client.client_id, "fullName": name, "email": email });
        let mut rows: Vec<Value> = (0..KNOWN)
            .map(|number| {
                let user = &users[number as usize];
                row(number, user.display_name.as_ref().unwrap(), &user.mail.as_ref().unwrap().to_uppercase())
            })
            .collect();
        rows.push(row(KNOWN, "Frida Nordmann", "frida@elsewhere.example"));
        rows
    }

    async fn a_technician_connects(&self) {
        let body = json!({ "connectionType": "direct" });
        let answer = self.api.request(Method::POST, "/connect").json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let begun: Value = answer.json().await.unwrap();
        let page = begun["data"]["authUrl"].as_str().unwrap();
        // Microsoft's page, where the technician consents at once, sends the browser back.
        let answer = client().get(page).send().await.unwrap();
        let callback: Url = answer.headers()[LOCATION].to_str().unwrap().parse().unwrap();
        let path = format!("{}?{}", callback.path(), callback.query().unwrap());
        let browser = self.api.with_token(None);
        let stolen =
            browser.request_to(Method::GET, &path.replace("state=", "state=x")).send().await.unwrap();
        assert!(landing(&stolen).contains("entra_status=failure"));
        let answer = browser.request_to(Method::GET, &path).header("cookie", cookie).send().await.unwrap();
        assert!(landing(&answer).contains("entra_status=success"), "{}", landing(&answer));

        assert_eq!(self.api.get("").await["status"], "connected");
        let (status, valid) = self.api.post("/validate-direct", &json!({})).await;
        assert_eq!((status, &valid["valid"]), (200, &json!(true)));
    }

    async fn customers_are_discovered(&self) {
        let (status, found) = self.api.post("/discovery", &json!({})).await;
        assert_eq!((status, &found["discoveredTenantCount"]), (200, &json!(SIZES.len())), "{found}");
        let ids: BTreeSet<EntraTenantId> = members(&found["discoveredTenants"], "entraTenantId")
            .iter()
            .map(|id| id.parse().unwrap())
            .collect();
        let expected: BTreeSet<EntraTenantId> =
            self.fake.world().tenants().iter().map(|tenant| tenant.id).collect();
        assert_eq!(ids, expected);
        assert!(members(&found["discoveredTenants"], "access").iter().all(|access| access == "ok"));
    }

    async fn customers_are_mapped(&self) {
        let preview = self.api.get("/mappings/preview").await;
        let suggested = preview["autoMatched"].as_array().unwrap();
        assert_eq!(suggested.len(), SIZES.len(), "{preview}");
        let decisions: Vec<Value> = suggested
            .iter()
            .map(|tenant| {
                let client = &tenant["match"]["clientId"];
                json!({ "managedTenantId": tenant["managedTenantId"], "clientId": client, "mappingState": "mapped" })
            })
            .collect();
        let (status, confirmed) = self.api.post("/mappings/confirm", &json!({ "mappings": decisions })).await;
        assert_eq!((status, &confirmed["confirmedMappings"]), (200, &json!(SIZES.len())));
        let listed = self.api.get("/mappings").await;
        let truth = self.clients();
        for mapping in listed["mappings"].as_array().unwrap() {
            let tenant: EntraTenantId = mapping["entraTenantId"].as_str().unwrap().parse().unwrap();
            assert_eq!(mapping["clientId"], json!(truth[&tenant]), "{mapping}");
        }
    }

    async fn a_preview_writes_nothing(&self) {
        let before = self.api.contacts().await;
        let client = self.fake.world().psa_seed()[0].client_id;
        let (status, preview) = self.api.post("/sync/preflight", &json!({ "clientId": client })).await;
        assert_eq!(status, 200, "{preview}");
        let count = |bucket: &str| {
            let buckets = preview["buckets"].as_array().unwrap();
            buckets.iter().find(|found| found["bucket"] == bucket).unwrap()["count"].as_u64().unwrap()
        };
        let (people, known) = (u64::from(SIZES[0]), u64::from(KNOWN));
        assert_eq!((count("create"), count("link")), (people - known, known), "{preview}");
        assert_eq!(self.api.contacts().await, before);
    }

    async fn a_customer_without_consent_fails_alone(&self) {
        let run = self.sync("partial").await;
        let read = SIZES[0] + SIZES[1];
        assert_eq!(counted(&run), json!([read - KNOWN, KNOWN, 0, 0]), "{run}");
        assert_eq!((&run["succeededTenants"], &run["failedTenants"]), (&json!(2), &json!(1)));
        let detail = self.api.get(&format!("/sync/runs/{}", run["runId"].as_str().unwrap())).await;
        let results = detail["tenantResults"].as_array().unwrap();
        let failed: Vec<&Value> = results.iter().filter(|result| result["status"] == "failed").collect();
        let client = self.fake.world().psa_seed()[WITHDRAWN].client_id;
        assert_eq!(failed.len(), 1);
        assert_eq!(failed[0]["clientId"], json!(client));
        assert!(!failed[0]["failure"]["remedy"].as_str().unwrap().is_empty(), "{}", failed[0]);
        let contacts = self.api.contacts().await;
        assert!(contacts.iter().all(|contact| contact["clientId"] != json!(client)));
        assert_eq!(contacts.len(), (read + 1) as usize);
    }

    /// Runs a sync of everything to its end; the run as it is listed.
    async fn sync(&self, expected: &str) -> Value {
        let (status, begun) = self.api.post("/sync", &json!({ "scope": "all-tenants" })).await;
        assert_eq!((status, &begun["accepted"]), (202, &json!(true)), "{begun}");
        let path = format!("/sync/runs/{}", begun["runId"].as_str().unwrap());
        let mut run = Value::Null;
        for _ in 0..600 {
            run = self.api.get(&path).await["run"].clone();
            if !["queued", "running"].contains(&run["status"].as_str().unwrap()) {
                break;
            }
            SystemClock.sleep(SignedDuration::from_millis(250)).await;
        }
        assert_eq!(run["status"], expected, "{run}");
        self.the_history_tells_the_same(&begun, expected).await;
        run
    }

    async fn the_history_tells_the_same(&self, begun: &Value, expected: &str) {
        let execution = begun["workflowId"].as_str().unwrap();
        let (outcome, states) = self.workflows.succeeded(execution).await;
        assert_eq!((&outcome["runId"], &outcome["status"]), (&begun["runId"], &json!(expected)));
        assert_eq!((states.first().unwrap().as_str(), states.last().unwrap().as_str()), ("Begin", "Finish"));
        for state in ["NextBatches", "WhatIsLeft", "SyncBatches", "WhetherToWait"] {
            assert!(states.iter().any(|entered| entered == state), "{state} {states:?}");
        }
    }

    /// Every user of every directory is one contact of the customer's client, and nobody else is.
    async fn contacts_are_the_people_of_the_directories(&self) {
        let clients = self.clients();
        let mut expected = BTreeSet::new();
        for tenant in self.fake.world().tenants() {
            for user in self.fake.world().users(tenant.id) {
                let address = user.mail.unwrap().to_lowercase();
                let (tenant_id, object) = (tenant.id.to_string(), user.id.to_string());
                expected.insert((
                    clients[&tenant.id].to_string(),
                    address,
                    user.display_name.unwrap(),
                    tenant_id,
                    object,
                ));
            }
        }
        let contacts = self.api.contacts().await;
        let text = |contact: &Value, member: &str| contact[member].as_str().unwrap_or_default().to_owned();
        let synced: Vec<&Value> =
            contacts.iter().filter(|contact| contact.get("entraObjectId").is_some()).collect();
        let found: BTreeSet<_> = synced
            .iter()
            .map(|contact| {
                let person = ["clientId", "email", "fullName", "entraTenantId", "entraObjectId"];
                let [client, email, name, tenant, object] = person.map(|member| text(contact, member));
                (client, email.to_lowercase(), name, tenant, object)
            })
            .collect();
        assert_eq!(found, expected);
        assert_eq!(synced.len(), expected.len(), "nobody is there twice");
        let others: Vec<String> = contacts
            .iter()
            .filter(|contact| contact.get("entraObjectId").is_none())
            .map(|contact| text(contact, "email"))
            .collect();
        assert_eq!(others, ["frida@elsewhere.example"]);
        assert!(contacts.iter().all(|contact| contact["isInactive"] == false));
        let known: BTreeSet<String> = (0..KNOWN).map(|number| known_contact(number).to_string()).collect();
        let kept: BTreeSet<String> = synced.iter().map(|contact| text(contact, "contactNameId")).collect();
        assert!(known.is_subset(&kept), "contacts that were there are linked, not made again");
    }

    async fn another_workspace_sees_nothing(&self) {
        let workspace = WorkspaceId::new(Uuid::from_u128(0xE15E));
        let elsewhere = self.api.by(&Caller { workspace, ..administrator() });
        self.is_hidden(&elsewhere).await;
        self.target("entra-integration-ui", "add", workspace).await;
        assert_eq!(elsewhere.get("").await["status"], "not_connected");
        assert_eq!(elsewhere.get("/sync/runs").await["runs"], json!([]));
        assert_eq!(elsewhere.get("/mappings").await["mappings"], json!([]));
        assert_eq!(elsewhere.contacts().await, Vec::<Value>::new());
    }

    /// Which client each directory belongs to: the one on the same domain.
    fn clients(&self) -> BTreeMap<EntraTenantId, ClientId> {
        let clients = self.fake.world().psa_seed();
        let client = |domain: &str| {
            let found = clients.iter().find(|client| client.domain.as_deref() == Some(domain));
            found.unwrap().client_id
        };
        let tenants = self.fake.world().tenants();
        tenants.iter().map(|tenant| (tenant.id, client(tenant.default_domain()))).collect()
    }
}

/// The PSA's id of a contact it has already.
fn known_contact(number: u32) -> Uuid {
    Uuid::from_u128(0xC0 + u128::from(number))
}

/// Created, linked, updated, unchanged.
fn counted(run: &Value) -> Value {
    ["created", "linked", "updated", "unchanged"]
        .map(|name| run["summary"][name].clone())
        .into_iter()
        .collect()
}

fn members(list: &Value, name: &str) -> Vec<String> {
    list.as_array().unwrap().iter().map(|entry| entry[name].as_str().unwrap().to_owned()).collect()
}

/// Where a browser is sent to.
fn landing(answer: &reqwest::Response) -> String {
    assert_eq!(answer.status(), 303);
    answer.headers()[LOCATION].to_str().unwrap().to_owned()
}
