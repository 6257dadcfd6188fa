//! Syncs that begin by themselves: when, once, and not where nothing can be synced.

use ambient::Clock;
use assembly::FeatureGate;
use domain::{
    flags::Feature,
    ids::RunId,
    mandate::Mandate,
    mapping::Decision,
    run::{RunKind, RunStatus, Trigger},
};
use edge::Permission;
use jiff::{SignedDuration, Timestamp};
use runtime::settings::Edition;
use serde_json::{Value, json};
use store::{ConnectionStatus, FeatureFlag, Run};
use sync::TickOutcome;

use crate::house::{Answer, Does, House, Plan, WORKSPACE, caller, client};

const SCHEDULE: &str = "/api/integrations/entra/schedule";

impl House {
    async fn at_schedule(&self, method: &str, body: Option<Value>) -> Answer {
        self.ask_at(method, SCHEDULE, body, caller(WORKSPACE, &Permission::ALL)).await
    }

    async fn every(&self, minutes: u32) -> Value {
        let body = json!({ "syncEnabled": true, "syncIntervalMinutes": minutes });
        self.at_schedule("POST", Some(body)).await.data(200)
    }

    async fn shown(&self) -> Value {
        self.at_schedule("GET", None).await.data(200)
    }

    fn gate(&self, all_on: bool) -> FeatureGate {
        FeatureGate::new(self.store.clone(), all_on)
    }

    async fn tick(&self) -> TickOutcome {
        let deadline = self.clock.now() + SignedDuration::from_mins(4);
        self.sync.tick(&self.gate(true), deadline).await.unwrap()
    }

    async fn scheduled(&self) -> Vec<Run> {
        let mut runs = self.store.runs(WORKSPACE, None, 50).await.unwrap();
        runs.retain(|run| run.trigger == Trigger::Scheduled);
        runs
    }
}

fn started(started: usize) -> TickOutcome {
    TickOutcome { started, ..TickOutcome::default() }
}

fn skipped(skipped: usize) -> TickOutcome {
    TickOutcome { skipped, ..TickOutcome::default() }
}

fn carries() -> Does {
    Does::Carry(Plan::default())
}

#[tokio::test]
async fn a_sync_of_all_tenants_begins_in_every_slot_and_once() {
    let house = House::new().await;
    house.engine_does(carries());
    let began = house.clock.now();
    let saved = house.every(60).await;
    assert_eq!((&saved["scheduleApplied"], &saved["scheduleError"]), (&json!(true), &Value::Null));
    assert_eq!(saved["nextRunAt"], json!(began + SignedDuration::from_hours(1)));
    assert_eq!(house.tick().await, started(0), "its time has not come");
    for hour in 1..4 {
        house.passes(SignedDuration::from_mins(60));
        assert_eq!(house.tick().await, started(1));
        assert_eq!(house.tick().await, started(0), "once");
        let runs = house.scheduled().await;
        assert_eq!(runs.len(), hour);
        let run = &runs[0];
        assert_eq!(
            (run.kind, run.run_status, run.initiated_by, run.mandate),
            (RunKind::AllTenants, RunStatus::Completed, None, Some(Mandate::Schedule))
        );
        let shown = house.shown().await;
        assert_eq!(shown["last"]["run"], json!(run.id));
        assert_eq!(shown["nextRunAt"], json!(house.clock.now() + SignedDuration::from_hours(1)));
    }
    // Whoever was away for long makes up for one.
    house.passes(SignedDuration::from_hours(50));
    assert_eq!(house.tick().await, started(1));
    assert_eq!(house.scheduled().await.len(), 4);
    house.at_schedule("POST", Some(json!({ "syncEnabled": false }))).await.data(200);
    house.passes(SignedDuration::from_hours(50));
    assert_eq!(house.tick().await, started(0));
    assert_eq!(house.shown().await["nextRunAt"], Value::Null);
}

#[tokio::test]
async fn nothing_begins_where_nothing_can_be_synced_and_it_goes_on_when_that_has_changed() {
    let house = House::empty().await;
    house.engine_does(carries());
    house.every(60).await;
    let hour = SignedDuration::from_hours(1);
    let expect = async |code: &str| {
        house.passes(hour);
        assert_eq!(house.tick().await, skipped(1), "{code}");
        let shown = house.shown().await;
        assert_eq!(shown["last"]["code"], code);
        assert_eq!((shown["stoppedBy"].as_str(), &shown["nextRunAt"]), (Some(code), &Value::Null));
        assert_eq!(house.tick().await, skipped(0), "it is not tried again before the next slot");
    };
    expect("not_connected").await;
    house.connect(ConnectionStatus::Connected).await;
    expect("nothing_mapped").await;
    house.decide(1, Decision::Mapped { client: client(1) }).await;
    house.passes(hour);
    assert_eq!(house.tick().await, started(1));
    house.connect(ConnectionStatus::Disconnected).await;
    expect("not_connected").await;
    house.connect(ConnectionStatus::Connected).await;
    // A sync is going on when the slot begins.
    house.engine_does(Does::Take);
    house.passes(SignedDuration::from_mins(59));
    house.post("", json!({ "scope": "all-tenants" })).await.data(202);
    house.passes(SignedDuration::from_mins(1));
    assert_eq!(house.tick().await, skipped(1));
    let shown = house.shown().await;
    assert_eq!((&shown["last"]["code"], &shown["stoppedBy"]), (&json!("already_running"), &Value::Null));
}

#[tokio::test]
async fn nothing_begins_where_contact_sync_is_switched_off() {
    let house = House::new().await;
    house.engine_does(carries());
    house.every(60).await;
    let deadline = || house.clock.now() + SignedDuration::from_mins(4);
    house.passes(SignedDuration::from_hours(1));
    let gate = house.gate(false);
    assert_eq!(house.sync.tick(&gate, deadline()).await.unwrap(), skipped(1));
    assert_eq!(house.shown().await["last"]["code"], "integration_disabled");
    let id = domain::ids::FlagId::new(uuid::Uuid::from_u128(1));
    let mut flag = FeatureFlag::new(id, Feature::Ui.key(), house.clock.now());
    flag.filters = flag.filters.with(WORKSPACE);
    assert!(house.store.create_flag(&flag).await.unwrap());
    house.passes(SignedDuration::from_hours(1));
    // Nor in an edition without it, whatever the flags say.
    let community = house.gate(true).in_edition(Edition::Community);
    assert_eq!(house.sync.tick(&community, deadline()).await.unwrap(), skipped(1));
    house.passes(SignedDuration::from_hours(1));
    assert_eq!(house.sync.tick(&gate, deadline()).await.unwrap(), started(1));
}

#[tokio::test]
async fn however_many_look_and_wherever_one_is_cut_off_a_slot_has_one_run_and_it_is_carried() {
    let house = House::new().await;
    house.every(60).await;
    house.passes(SignedDuration::from_hours(1));
    let slot: Timestamp = house.clock.now();
    let run = RunId::of_slot(WORKSPACE, slot);
    // The engine takes none: it is tried again with the next look.
    house.engine_does(Does::Refuse);
    for _ in 0..2 {
        assert_eq!(house.tick().await, TickOutcome { failed: 1, ..TickOutcome::default() });
    }
    let stored = house.store.run(WORKSPACE, run).await.unwrap().unwrap();
    assert_eq!((stored.run_status, stored.execution), (RunStatus::Queued, None));
    house.engine_does(carries());
    let (one, other) = tokio::join!(house.tick(), house.tick());
    assert!(one.started + other.started >= 1 && one.failed + other.failed == 0, "{one:?} {other:?}");
    assert_eq!(house.scheduled().await.len(), 1);
    let stored = house.store.run(WORKSPACE, run).await.unwrap().unwrap();
    assert_eq!(stored.run_status, RunStatus::Completed);
    // Cut off before the slot was noted: the next look finds the run.
    assert_eq!(house.tick().await, started(0));
    assert_eq!(house.shown().await["last"]["run"], json!(run));
}

#[tokio::test]
async fn what_is_no_schedule_changes_nothing() {
    let house = House::new().await;
    let saved = house.every(240).await;
    for (body, code) in [
        (json!({}), "sync_enabled_missing"),
        (json!({ "syncEnabled": "yes" }), "sync_enabled_missing"),
        (json!({ "syncEnabled": true, "syncIntervalMinutes": "often" }), "invalid_interval"),
    ] {
        house.at_schedule("POST", Some(body)).await.refused(400, code);
        let shown = house.shown().await;
        assert_eq!(shown["syncIntervalMinutes"], 240);
        assert_eq!(shown["updatedAt"], saved["updatedAt"]);
    }
    for (minutes, taken) in [(json!(1), 15), (json!(90_000), 43_200), (json!(60.9), 60), (Value::Null, 1_440)]
    {
        let body = json!({ "syncEnabled": true, "syncIntervalMinutes": minutes });
        let saved = house.at_schedule("POST", Some(body)).await.data(200);
        assert_eq!(saved["syncIntervalMinutes"], taken);
    }
    let empty = House::empty().await;
    let shown = empty.shown().await;
    assert_eq!((&shown["syncEnabled"], &shown["syncIntervalMinutes"]), (&json!(false), &json!(1_440)));
    assert_eq!((&shown["updatedAt"], &shown["nextRunAt"]), (&Value::Null, &Value::Null));
}
