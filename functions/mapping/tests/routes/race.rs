//! Two editors at once.

use std::{
    collections::BTreeSet,
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
};

use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::HttpRequest,
    runtime_components::RuntimeComponents,
};
use domain::{
    ids::ClientId,
    mapping::{Outcome, RawDecision},
};
use embedded::Engine;
use mapping::{Editor, Expectation, MappingError, change, confirm};
use store::{
    Store, client_over,
    probe::{Fault, Probe},
};

use crate::world::{WORKSPACE, World, client_id, editor, tenant_id};

type Interruption = Pin<Box<dyn Future<Output = ()> + Send>>;

/// An engine that lets something happen just before the next write.
#[derive(Clone)]
struct Interrupted {
    engine: Engine,
    before_write: Arc<Mutex<Vec<Interruption>>>,
}

impl fmt::Debug for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Interrupted")
    }
}

impl HttpConnector for Interrupted {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let is_write =
            request.headers().get("x-amz-target").is_some_and(|target| target.ends_with("PutItem"));
        let before = if is_write { self.before_write.lock().unwrap().pop() } else { None };
        let engine = self.engine.clone();
        HttpConnectorFuture::new(async move {
            if let Some(before) = before {
                before.await;
            }
            engine.call(request).await
        })
    }
}

impl HttpClient for Interrupted {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

struct Race {
    world: World,
    other: Arc<World>,
    engine: Interrupted,
}

impl Race {
    async fn new() -> Self {
        let engine = Interrupted { engine: Engine::in_memory().unwrap(), before_write: Arc::default() };
        let world = World::over(SharedHttpClient::new(engine.clone())).await;
        let other = Store::new(client_over(SharedHttpClient::new(engine.engine.clone())), "contacts");
        Self { world, other: Arc::new(World::around(other)), engine }
    }

    /// Just before the next write, `by` maps tenant 1 to `client`.
    fn interrupt(&self, by: Editor, client: u128) {
        let other = Arc::clone(&self.other);
        self.engine.before_write.lock().unwrap().push(Box::pin(async move {
            let mapped =
                change::remap(&other.mapping, &by, tenant_id(1), client_id(client), Expectation::Anything);
            mapped.await.unwrap();
        }));
    }
}

fn map(tenant: u128, client: ClientId) -> confirm::DecisionItem {
    let raw = RawDecision {
        managed_tenant: tenant_id(tenant),
        state: None,
        client: Some(client),
        confidence: None,
    };
    raw.into()
}

#[tokio::test]
async fn the_editor_who_was_overtaken_is_told_and_the_rest_is_saved() {
    let race = Race::new().await;
    race.interrupt(editor(2), 2);
    let items = [map(1, client_id(1)), map(3, client_id(1))];
    let confirmation = confirm::confirm(&race.world.mapping, &editor(1), &items).await.unwrap();
    let outcomes: Vec<Outcome> = confirmation.results.iter().map(|result| result.outcome).collect();
    assert_eq!(outcomes, [Outcome::ChangedBySomeoneElse, Outcome::Confirmed]);
    assert_eq!(confirmation.confirmed_mappings, 1);
    let record = race.world.mapping.store.mapping(WORKSPACE, tenant_id(1)).await.unwrap().unwrap();
    assert_eq!(record.current.decision.client(), Some(client_id(2)), "theirs holds");

    race.interrupt(editor(2), 1);
    let skipped = change::skip(&race.world.mapping, &editor(1), tenant_id(1), Expectation::Anything).await;
    assert!(matches!(skipped, Err(MappingError::Changed(tenant)) if tenant == tenant_id(1)));
}

#[tokio::test]
async fn two_editors_who_agree_do_not_notice_each_other() {
    let race = Race::new().await;
    race.interrupt(editor(2), 1);
    let confirmation =
        confirm::confirm(&race.world.mapping, &editor(1), &[map(1, client_id(1))]).await.unwrap();
    assert_eq!(confirmation.results[0].outcome, Outcome::Unchanged);
}

#[tokio::test]
async fn an_editors_own_two_requests_are_both_in_the_history() {
    let race = Race::new().await;
    race.interrupt(editor(1), 2);
    race.interrupt(editor(1), 3);
    let confirmation =
        confirm::confirm(&race.world.mapping, &editor(1), &[map(1, client_id(1))]).await.unwrap();
    assert_eq!(confirmation.results[0].outcome, Outcome::Confirmed);
    let record = race.world.mapping.store.mapping(WORKSPACE, tenant_id(1)).await.unwrap().unwrap();
    assert_eq!(record.current.decision.client(), Some(client_id(1)));
    let before: Vec<_> = record.history.iter().map(|past| past.decision.client()).collect();
    assert_eq!(before, [Some(client_id(2)), Some(client_id(3))]);
}

/// Whatever the interleaving: every decision that was reported as saved is the current one or in
/// the history, and nothing else is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_reported_decision_is_lost() {
    let world = World::new().await;
    for number in 10..40 {
        world.tenant(number, Some("A tenant"), None, None).await;
    }
    let mapping = Arc::clone(&world.mapping);
    let editing = |number: u128| {
        let mapping = Arc::clone(&mapping);
        tokio::spawn(async move {
            let items: Vec<_> = (10..40).map(|tenant| map(tenant, client_id(number))).collect();
            confirm::confirm(&mapping, &editor(number), &items).await.unwrap()
        })
    };
    let (one, two) = (editing(1), editing(2));
    let (one, two) = (one.await.unwrap(), two.await.unwrap());
    for (place, tenant) in (10..40).enumerate() {
        let record = mapping.store.mapping(WORKSPACE, tenant_id(tenant)).await.unwrap().unwrap();
        let stored: BTreeSet<_> = [&record.current]
            .into_iter()
            .chain(&record.history)
            .map(|past| past.decision.client().unwrap())
            .collect();
        let saved = |confirmation: &confirm::Confirmation, number| {
            (confirmation.results[place].outcome == Outcome::Confirmed).then_some(client_id(number))
        };
        let reported: BTreeSet<_> = [saved(&one, 1), saved(&two, 2)].into_iter().flatten().collect();
        assert_eq!(stored, reported);
        assert!(!reported.is_empty());
    }
}

#[tokio::test]
async fn a_write_that_reaches_the_table_twice_is_saved_once() {
    let (probe, http) = Probe::around(Engine::in_memory().unwrap());
    let world = World::over(http).await;
    probe.script(|call| (call.operation == "PutItem").then_some(Fault::Twice));
    let confirmation = confirm::confirm(&world.mapping, &editor(1), &[map(1, client_id(1))]).await.unwrap();
    assert_eq!(confirmation.results[0].outcome, Outcome::Confirmed);
    probe.clear();
    let record = world.mapping.store.mapping(WORKSPACE, tenant_id(1)).await.unwrap().unwrap();
    assert_eq!(record.history, []);
}

#[tokio::test]
async fn a_table_that_is_away_is_said_and_the_request_can_be_repeated() {
    let (probe, http) = Probe::around(Engine::in_memory().unwrap());
    let world = World::over(http).await;
    let request =
        serde_json::json!({ "mappings": [{ "managedTenantId": tenant_id(1), "clientId": client_id(1) }] });
    probe.script(|call| (call.operation == "PutItem").then_some(Fault::After));
    let answer = world.post("/confirm", request.clone()).await;
    assert_eq!(answer.refused(), (503, "store_unavailable"));
    probe.clear();
    let again = world.post("/confirm", request).await.data();
    assert_eq!(again["results"][0]["outcome"], "unchanged");
}
