//! Every route of the service, asked so that it does what it is for: what an operator does all year, in one
//! go. The way in `walk` is the part of it that is worth a failure at every place.

use std::{collections::BTreeSet, ops::Range};

use domain::{
    ids::{
        ClientId, ContactId, EntraObjectId, EntraTenantId, Identity, ManagedTenantId, ReviewItemId, RunId,
    },
    run::RunStatus,
};
use fake_microsoft::{Effect, Match, User};
use jiff::Timestamp;
use serde_json::{Value, json};
use store::{Run, Turns};
use uuid::Uuid;

use crate::{
    outlet,
    routes::{ROUTES, open_paths},
    walk::{BASE, JSON, LINES, Way},
    world::{Answer, World},
};

const FLAGS: &str = "/api/v1/platform-feature-flags";

/// Letters of an answer that a failure shows.
const SHOWN: usize = 400;

/// Requests in a row that go wrong at Microsoft.
const TIMES: u32 = 4;

/// Whom one tour is about. The next one is about others, so that each finds everything undone.
struct Party {
    number: u32,
    tenant: EntraTenantId,
    managed: ManagedTenantId,
    client: ClientId,
    /// A tenant whose mapping is changed, and its client.
    other: (ManagedTenantId, ClientId),
    /// Where its people have their addresses.
    domain: String,
    since: Timestamp,
}

impl Party {
    /// Of 16 people.
    fn object(&self, person: u32) -> EntraObjectId {
        EntraObjectId::new(Uuid::from_u128(0x70_0000_0000 + u128::from(self.number * 16 + person)))
    }

    fn address(&self, person: u32) -> String {
        format!("newcomer.{}.{person}@{}", self.number, self.domain)
    }

    fn user(&self, person: u32) -> User {
        let name = format!("Newcomer {} {person}", self.number);
        User::member(self.object(person), &name, &self.address(person), self.since)
    }

    /// The contact that has a person's address, too.
    fn desk(&self, person: u32) -> ContactId {
        ContactId::new(Uuid::from_u128(0xDE_0000_0000 + u128::from(self.number * 16 + person)))
    }

    /// Its row in a document of contacts.
    fn row(&self, person: u32, further: &[String]) -> Value {
        json!({
            "contactNameId": self.desk(person), "clientId": self.client,
            "fullName": format!("Reception {} {person}", self.number),
            "email": format!("desk.{}.{person}@reception.example", self.number),
            "additionalEmailAddresses": further,
        })
    }
}

/// The run that was begun; nothing when none was.
fn run_of(answer: &Answer) -> String {
    answer.json()["data"]["runId"].as_str().unwrap_or_default().to_owned()
}

impl World {
    /// Everything, from nothing to the end, whatever fails on the way.
    pub(crate) async fn tour(&mut self, number: u32) {
        let party = self.party(number);
        self.write_flags(number).await;
        self.import().await;
        self.connect(Way::Direct).await;
        self.get("").await;
        self.post("/validate-direct", &json!({})).await;
        self.post("/discovery", &json!({})).await;
        self.get("/discovery").await;
        self.map().await;
        self.change_settings(&party).await;
        let synced = self.sync_with_questions(&party).await;
        self.answer_questions(&party).await;
        self.decide_about_what_waits(&party).await;
        self.change_links(&party).await;
        self.carry_out_a_preview(&party).await;
        self.look_around(&party, &synced).await;
        self.change_mappings(&party).await;
        self.consent().await;
        self.cancel(&synced).await;
        self.leave().await;
        // What only a connection through CIPP has.
        self.connect(Way::CippClient).await;
        self.post("/validate-cipp", &json!({})).await;
        self.leave().await;
    }

    fn party(&self, number: u32) -> Party {
        let (world, workspace) = (self.fake().world(), self.house.workspace);
        let (tenants, seed) = (world.tenants(), world.psa_seed());
        let managed = |place: usize| ManagedTenantId::derived(workspace, tenants[place].id);
        Party {
            number,
            tenant: tenants[0].id,
            managed: managed(0),
            client: seed[0].client_id,
            other: (managed(1), seed[1].client_id),
            domain: tenants[0].default_domain().to_owned(),
            since: tenants[0].created,
        }
    }

    fn hire(&self, party: &Party, people: Range<u32>) {
        for person in people {
            self.fake().world().add_user(party.tenant, party.user(person)).unwrap();
        }
    }

    async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send("PATCH", &format!("{BASE}{path}"), JSON, &body.to_string()).await
    }

    async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send("PUT", &format!("{BASE}{path}"), JSON, &body.to_string()).await
    }

    async fn import_contacts(&self, rows: &[Value]) {
        let rows: Vec<String> = rows.iter().map(Value::to_string).collect();
        self.send("POST", &format!("{BASE}/contacts/import"), LINES, &rows.join("\n")).await;
    }

    async fn write_flags(&self, number: u32) {
        let (key, workspace) = (format!("canary-{number}"), self.house.workspace);
        let flag = format!("{FLAGS}/{key}");
        for (method, path, body) in [
            ("POST", FLAGS, json!({ "__action": "ensure_entra_phase1_flags" })),
            ("POST", FLAGS, json!({ "key": key, "name": "A canary", "active": true })),
            ("PATCH", &flag, json!({ "name": "Another canary" })),
            ("POST", &flag, json!({ "__method": "PATCH", "tags": ["canary"] })),
            ("POST", &format!("{flag}/tenants"), json!({ "__action": "add", "tenantId": workspace })),
            ("GET", &flag, Value::Null),
            ("GET", FLAGS, Value::Null),
            ("DELETE", &flag, Value::Null),
        ] {
            let body = if body.is_null() { String::new() } else { body.to_string() };
            self.send(method, path, JSON, &body).await;
        }
    }

    async fn change_settings(&self, party: &Party) {
        // As they are without anybody's word, whatever a tour before this one has left.
        self.patch("/settings", &json!({ "limits": {}, "hiddenFields": [] })).await;
        self.get("/settings").await;
        let own = format!("/settings/clients/{}", party.client);
        self.put(&own, &json!({ "fieldSyncConfig": { "role": true } })).await;
        self.get(&own).await;
        self.get("/settings/clients").await;
        self.post("/schedule", &json!({ "syncEnabled": true, "syncIntervalMinutes": 60 })).await;
        self.get("/schedule").await;
        self.post("/schedule", &json!({ "syncEnabled": false })).await;
    }

    /// A sync that asks about four people, whose addresses are further ones of other contacts, and makes
    /// contacts of four others; answers the run.
    async fn sync_with_questions(&self, party: &Party) -> String {
        let desks: Vec<Value> = (0..4).map(|person| party.row(person, &[party.address(person)])).collect();
        self.import_contacts(&desks).await;
        self.hire(party, 0..8);
        run_of(&self.post("/sync", &json!({ "scope": "initial" })).await)
    }

    async fn answer_questions(&self, party: &Party) {
        let question = |person: u32| {
            let identity = Identity { tenant: party.tenant, object: party.object(person) };
            ReviewItemId::derived(self.house.workspace, identity)
        };
        self.get("/reconciliation-queue?counts=true").await;
        self.get(&format!("/reconciliation-queue/{}", question(0))).await;
        let it_is = json!({ "queueItemId": question(0), "contactNameId": party.desk(0) });
        self.post("/reconciliation-queue/resolve-existing", &it_is).await;
        // Who becomes a contact needs an address that is nobody's.
        self.import_contacts(&[party.row(1, &[])]).await;
        self.post("/reconciliation-queue/resolve-new", &json!({ "queueItemId": question(1) })).await;
        let nobody = json!({ "queueItemId": question(2), "reason": "a test account" });
        self.post("/reconciliation-queue/dismiss", &nobody).await;
        for preview in [true, false] {
            let all = json!({ "answer": "link_existing", "preview": preview });
            self.post("/reconciliation-queue/resolve-all", &all).await;
        }
    }

    /// Three new people at once are too many by then: one of them is rejected and asked about again, and all
    /// are let through; what came of it is taken back.
    async fn decide_about_what_waits(&self, party: &Party) {
        let none = json!({ "limits": { "creations": { "count": 0, "percent": 0 } } });
        self.patch("/settings", &none).await;
        self.hire(party, 8..11);
        let held = run_of(&self.post("/sync", &json!({ "scope": "all-tenants" })).await);
        let lines = format!("/sync/runs/{held}/lines?managedTenantId={}", party.managed);
        let lines = self.get(&lines).await.json();
        let lines = lines["data"]["lines"].as_array().into_iter().flatten();
        let one: Vec<&Value> =
            lines.filter(|line| line["action"] == "hold").map(|line| &line["lineId"]).take(1).collect();
        let one = json!({ "lineIds": one });
        self.post(&format!("/sync/runs/{held}/held/reject"), &one).await;
        self.post(&format!("/sync/runs/{held}/held/reconsider"), &one).await;
        let allowed = self.post(&format!("/sync/runs/{held}/held/allow"), &json!({})).await;
        let undo = format!("/sync/runs/{}/undo", run_of(&allowed));
        self.post(&undo, &json!({ "preview": true })).await;
        self.post(&undo, &json!({})).await;
        self.patch("/settings", &json!({ "limits": {} })).await;
    }

    async fn change_links(&self, party: &Party) {
        self.get(&format!("/links?managedTenantId={}", party.managed)).await;
        let one = json!({ "managedTenantId": party.managed, "entraObjectIds": [party.object(4)] });
        self.post("/links/cut", &one).await;
        self.post("/links/rematch", &one).await;
        let to = json!({ "entraObjectId": party.object(5), "contactNameId": party.desk(1) });
        self.post("/links/move", &json!({ "managedTenantId": party.managed, "moves": [to] })).await;
    }

    async fn carry_out_a_preview(&self, party: &Party) {
        self.hire(party, 11..12);
        let preview = self.post("/sync/preflight", &json!({ "managedTenantId": party.managed })).await;
        self.post(&format!("/sync/runs/{}/apply", run_of(&preview)), &json!({})).await;
        self.post("/sync/accept-size", &json!({ "managedTenantId": party.managed })).await;
    }

    async fn look_around(&self, party: &Party, run: &str) {
        let (tenant, person) = (party.managed, party.object(4));
        for path in [
            "/sync/runs".to_owned(),
            format!("/sync/runs/{run}"),
            format!("/sync/runs/{run}/lines?managedTenantId={tenant}"),
            format!("/sync/runs/{run}/lines?managedTenantId={tenant}&count=true"),
            format!("/sync/runs/{run}/verify"),
            format!("/sync/timeline?managedTenantId={tenant}&entraObjectId={person}"),
            format!("/sync/explain?managedTenantId={tenant}&person={person}"),
            // Nobody signs in with it: everybody is looked through.
            format!(
                "/sync/explain?managedTenantId={tenant}&person=desk.{}.0@reception.example",
                party.number
            ),
            "/doctor".to_owned(),
            "/clients/export?format=csv".to_owned(),
            "/contacts/export?limit=3".to_owned(),
            format!("/contacts/export?format=csv&clientId={}", party.client),
            "/contacts/duplicates".to_owned(),
        ] {
            self.get(&path).await;
        }
    }

    /// In the end they are as they were.
    async fn change_mappings(&self, party: &Party) {
        let (tenant, client) = party.other;
        let body = json!({ "managedTenantId": tenant });
        self.post("/mappings/skip", &body).await;
        self.post("/mappings/unmap", &body).await;
        let back = json!({ "managedTenantId": tenant, "targetClientId": client });
        self.post("/mappings/remap", &back).await;
        self.get(&format!("/mappings/{tenant}/history")).await;
    }

    /// Runs end here when they have begun, so one is put there that nobody has begun yet. Whoever begins
    /// again ends it.
    async fn cancel(&self, like: &str) {
        if let Some(run) = self.queue_again(like).await {
            self.post(&format!("/sync/runs/{run}/cancel"), &json!({})).await;
        }
    }

    async fn queue_again(&self, like: &str) -> Option<RunId> {
        let store = &self.house.store;
        let ended = store.run(self.house.workspace, like.parse().ok()?).await.ok()??;
        let id = RunId::new(self.house.entropy.time_ordered_id(ended.started_at));
        let queued = Run {
            id,
            run_status: RunStatus::Queued,
            completed_at: None,
            execution: None,
            turns: Turns::default(),
            ..ended
        };
        store.create_run(&queued).await.ok()?.then_some(id)
    }
}

/// What a route answers when it has done what it is for.
fn success(method: &str, path: &str) -> u16 {
    match (method, path.strip_prefix(BASE).unwrap_or(path)) {
        ("POST", FLAGS) => 201,
        (
            "POST",
            "/links/cut"
            | "/links/move"
            | "/links/rematch"
            | "/sync"
            | "/sync/runs/{run_id}/apply"
            | "/sync/runs/{run_id}/cancel"
            | "/sync/runs/{run_id}/held/allow"
            | "/sync/runs/{run_id}/undo",
        ) => 202,
        _ => 200,
    }
}

/// A way that only meets refusals would look into nothing: every route of the matrix has done what it is for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_does_what_it_is_for_and_no_secret_leaves() {
    let log = outlet::log();
    let mut world = World::new().await;
    world.tour(0).await;
    world.begin_again().await;
    let routes: BTreeSet<(&str, &str)> = ROUTES.iter().map(|route| (route.method, route.path)).collect();
    assert!(routes.len() > 50, "{}", routes.len());
    let mut wrong = Vec::new();
    let mut expect = |method: &str, path: &str, status: u16| {
        if !world.outlet.has_answered(method, path, status) {
            let answers = world.outlet.answers(method, path).into_iter();
            let answers: Vec<String> = answers.map(|answer| answer.chars().take(SHOWN).collect()).collect();
            wrong.push(format!("{method} {path} has never answered {status}, but {answers:#?}"));
        }
    };
    for (method, path) in routes {
        expect(method, path, success(method, path));
    }
    for path in open_paths() {
        // To whoever has signed in, and to whoever has consented.
        expect("GET", path, 303);
        expect("GET", path, 200);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    world.outlet.add("the log", log.text());
    assert_eq!(world.outlet.leaks(&world.needles()), Vec::<String>::new());
}

/// Requests to Microsoft that go wrong anywhere on the way, and say whatever was sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_leaves_whatever_goes_wrong_while_an_operator_works() {
    let log = outlet::log();
    let mut world = World::new().await;
    world.tour(0).await;
    world.begin_again().await;
    for (number, status) in (1..).zip([400, 401, 403, 429, 503]) {
        let from = Match::any().from(number * 8);
        let fault = world.fake().faults().on(from, Effect::Echo(status), TIMES);
        world.tour(number).await;
        assert!(world.fake().faults().fired(fault) > 0, "{status}: nothing went wrong");
        world.fake().faults().clear();
        world.begin_again().await;
    }
    world.outlet.add("the log", log.text());
    assert_eq!(world.outlet.leaks(&world.needles()), Vec::<String>::new());
}
