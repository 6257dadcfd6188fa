//! The shipped state machines: that they load, that their numbers fit, and what a run looks like.
#![expect(clippy::unwrap_used, reason = "a test whose set-up does not hold has failed")]

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Mutex,
};

use ambient::{Clock, SeededEntropy, VirtualClock};
use async_trait::async_trait;
use domain::{
    ids::{ManagedTenantId, RunId, WorkspaceId},
    run::RunStatus,
};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;
use workflow::{
    definitions::{self, DISCOVERY, SYNC_RUN},
    errors::{TaskError, TaskFailure},
    interpreter::{Event, Execution, ExecutionFailure, Happening, Machine, Tasks},
    payloads::{Batch, BatchResult, RunInput, RunOutcome, StepInput, Wave},
};

/// The product's tasks, scripted: waves to hand out, and failures that come before each answer.
#[derive(Default)]
struct Script {
    waves: Mutex<VecDeque<Wave>>,
    begin: Failures,
    next: Failures,
    batch: Failures,
    finish: Failures,
    finished: Mutex<Vec<Option<String>>>,
    called_after_finish: Mutex<bool>,
    at_once: AtOnce,
}

/// Batches that are being worked, now and at most.
#[derive(Default)]
struct AtOnce(Mutex<(usize, usize)>);

impl AtOnce {
    /// Takes as long as everybody else who has begun by then needs to begin, too.
    async fn work(&self) {
        {
            let mut count = self.0.lock().unwrap();
            count.0 += 1;
            count.1 = count.1.max(count.0);
        }
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        self.0.lock().unwrap().0 -= 1;
    }
}

#[derive(Default)]
struct Failures(Mutex<VecDeque<TaskError>>);

impl Failures {
    fn of(errors: impl IntoIterator<Item = TaskError>) -> Self {
        Self(Mutex::new(errors.into_iter().collect()))
    }

    fn next(&self) -> Result<(), TaskFailure> {
        match self.0.lock().unwrap().pop_front() {
            Some(error) => Err(TaskFailure::new(error, "scripted")),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Tasks for Script {
    async fn invoke(&self, function: &str, payload: Value) -> Result<Value, TaskFailure> {
        if !self.finished.lock().unwrap().is_empty() {
            *self.called_after_finish.lock().unwrap() = true;
        }
        match function {
            "run-steps" => self.step(serde_json::from_value(payload).unwrap()),
            "tenant-sync" => {
                let batch: Batch = serde_json::from_value(payload).unwrap();
                self.at_once.work().await;
                self.batch.next()?;
                let finished = u32::try_from(batch.tenants.len()).unwrap();
                Ok(json!(BatchResult { finished, unfinished: 0 }))
            }
            unknown => panic!("{unknown}"),
        }
    }
}

impl Script {
    fn step(&self, input: StepInput) -> Result<Value, TaskFailure> {
        let run = input.run();
        match input {
            StepInput::Begin { .. } => {
                self.begin.next()?;
                Ok(json!(run))
            }
            StepInput::NextBatches { .. } => {
                self.next.next()?;
                Ok(json!(self.waves.lock().unwrap().pop_front().unwrap_or(Wave::done(run))))
            }
            StepInput::Finish { error, .. } => {
                self.finish.next()?;
                let status = if error.is_some() { RunStatus::Failed } else { RunStatus::Completed };
                self.finished.lock().unwrap().push(error.map(|error| error.error));
                let (workspace_id, run_id) = (run.workspace_id, run.run_id);
                Ok(json!(RunOutcome { workspace_id, run_id, status }))
            }
        }
    }
}

struct Record {
    result: Result<Value, ExecutionFailure>,
    transcript: Vec<String>,
    seconds: i64,
}

async fn run_script(script: &Script) -> Record {
    let machine = definitions::sync_run("run-steps", "tenant-sync").unwrap();
    let clock = VirtualClock::starting_at(Timestamp::UNIX_EPOCH);
    let transcript = Mutex::new(Vec::new());
    let observer = |event: Event<'_>| {
        let item = event.item.map(|item| format!("[{item}]")).unwrap_or_default();
        let line = match event.happening {
            Happening::Caught { failure, next } => {
                format!("{}{item} caught {} -> {next}", event.state, failure.error)
            }
            Happening::Entered => format!("{}{item}", event.state),
            Happening::Left => return,
            Happening::Retrying { failure, retry, .. } => {
                format!("{}{item} retry {retry} after {}", event.state, failure.error)
            }
            Happening::Waiting { duration } => format!("{}{item} {duration:#}", event.state),
        };
        transcript.lock().unwrap().push(line);
    };
    let jitter = SeededEntropy::new(1);
    let execution = Execution::new(&machine, script, &clock, &jitter).observed_by(&observer);
    let result = execution.run(json!(run())).await;
    Record { result, transcript: transcript.into_inner().unwrap(), seconds: clock.now().as_second() }
}

fn run() -> RunInput {
    RunInput { workspace_id: WorkspaceId::new(Uuid::from_u128(1)), run_id: RunId::new(Uuid::from_u128(2)) }
}

fn work(batches: usize, wait_seconds: u32) -> Wave {
    let batch = Batch::new(run(), vec![ManagedTenantId::new(Uuid::from_u128(3)); 2]).unwrap();
    Wave::work(run(), vec![batch; batches], wait_seconds).unwrap()
}

#[tokio::test]
async fn a_run_goes_wave_by_wave_waits_when_told_and_survives_a_failing_batch() {
    let script = Script {
        waves: Mutex::new(VecDeque::from([work(2, 30), Wave::pause(run(), 60), work(1, 0)])),
        begin: Failures::of([TaskError::Transient]),
        batch: Failures::of([TaskError::AccessLost]),
        ..Script::default()
    };
    let record = run_script(&script).await;
    let expected = [
        "Begin",
        "Begin retry 1 after Transient",
        "NextBatches",
        "WhatIsLeft",
        "SyncBatches",
        "SyncBatch[0]",
        "SyncBatch[0] caught AccessLost -> LeaveBatch",
        "LeaveBatch[0]",
        "SyncBatch[1]",
        "WhetherToWait",
        "WaitAsTold",
        "WaitAsTold 30s",
        "NextBatches",
        "WhatIsLeft",
        "WaitAsTold",
        "WaitAsTold 1m",
        "NextBatches",
        "WhatIsLeft",
        "SyncBatches",
        "SyncBatch[0]",
        "WhetherToWait",
        "NextBatches",
        "WhatIsLeft",
        "Finish",
    ];
    // Items run at once, so only their own order is certain.
    let mut transcript = record.transcript;
    transcript[5..9].sort();
    let mut sorted = expected.map(str::to_owned);
    sorted[5..9].sort();
    assert_eq!(transcript, sorted);
    assert_eq!(record.result.unwrap()["status"], "completed");
    assert!((90..=91).contains(&record.seconds));
    assert_eq!(*script.finished.lock().unwrap(), [None]);
}

#[tokio::test]
async fn batches_do_not_wait_for_each_other_and_are_never_too_many_at_once() {
    for (batches, most) in [(1, 1), (7, 7), (10, 10), (40, 10)] {
        let script = Script { waves: Mutex::new(VecDeque::from([work(batches, 0)])), ..Script::default() };
        let record = run_script(&script).await;
        assert!(record.result.is_ok(), "{batches}");
        assert_eq!(*script.at_once.0.lock().unwrap(), (0, most), "{batches}");
    }
}

#[tokio::test]
async fn a_wave_without_work_or_time_never_spins() {
    let mut wave = Wave::pause(run(), 1);
    wave.wait_seconds = 0;
    let script = Script { waves: Mutex::new(VecDeque::from([wave.clone(), wave])), ..Script::default() };
    let record = run_script(&script).await;
    assert_eq!(record.seconds, 10);
    assert!(record.result.is_ok());
}

#[tokio::test]
async fn what_stops_the_machine_is_told_to_finish() {
    let failing = |errors: &[TaskError]| Failures::of(errors.iter().copied());
    let scripts = [
        (Script { begin: failing(&[TaskError::InvalidInput]), ..Script::default() }, "InvalidInput"),
        (Script { next: failing(&[TaskError::Fault]), ..Script::default() }, "Fault"),
        (Script { next: failing(&[TaskError::Throttled; 7]), ..Script::default() }, "Throttled"),
    ];
    for (script, error) in scripts {
        let record = run_script(&script).await;
        assert_eq!(record.result.unwrap()["status"], "failed");
        assert_eq!(record.transcript.last().unwrap(), "FinishFailed");
        assert_eq!(*script.finished.lock().unwrap(), [Some(error.to_owned())]);
    }
}

#[tokio::test]
async fn a_run_that_cannot_be_finished_fails_the_execution() {
    let script = Script { finish: Failures::of([TaskError::Fault; 11]), ..Script::default() };
    assert_eq!(run_script(&script).await.result.unwrap_err().error, "Fault");
}

proptest! {
    #[test]
    fn whatever_fails_a_run_is_finished_exactly_once(
        waves in prop::collection::vec((0..4_usize, 0..90_u32), 0..5),
        begin in failures(0..8),
        next in failures(0..12),
        batch in failures(0..20),
        finish in failures(0..11),
    ) {
        let waves = waves.into_iter().map(|(batches, wait)| work(batches, wait)).collect();
        let script = Script {
            waves: Mutex::new(waves),
            begin: Failures::of(begin),
            next: Failures::of(next),
            batch: Failures::of(batch),
            finish: Failures::of(finish),
            ..Script::default()
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let record = runtime.block_on(run_script(&script));
        let ends = |line: &String| line == "Finish" || line == "FinishFailed";
        prop_assert!(record.result.is_ok());
        prop_assert_eq!(record.transcript.iter().filter(|line| ends(line)).count(), 1);
        prop_assert_eq!(script.finished.lock().unwrap().len(), 1);
        prop_assert!(!*script.called_after_finish.lock().unwrap());
    }
}

fn failures(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<TaskError>> {
    prop::collection::vec(prop::sample::select(&TaskError::ALL), count)
}

#[tokio::test]
async fn discovery_passes_its_input_on_and_fails_with_the_error_it_met() {
    struct Discovery(Failures);
    #[async_trait]
    impl Tasks for Discovery {
        async fn invoke(&self, function: &str, payload: Value) -> Result<Value, TaskFailure> {
            assert_eq!(function, "discovery");
            self.0.next()?;
            Ok(payload)
        }
    }
    let machine: Machine = definitions::discovery("discovery").unwrap();
    let clock = VirtualClock::starting_at(Timestamp::UNIX_EPOCH);
    let input = json!({ "workspaceId": Uuid::from_u128(1) });
    for (errors, failed) in [
        (vec![], None),
        (vec![TaskError::Throttled; 4], None),
        (vec![TaskError::Throttled; 5], Some("Throttled")),
        (vec![TaskError::CredentialRejected], Some("CredentialRejected")),
    ] {
        let tasks = Discovery(Failures::of(errors));
        let result = machine.run(input.clone(), &tasks, &clock, &SeededEntropy::new(1)).await;
        match failed {
            None => assert_eq!(result.unwrap(), input),
            Some(name) => assert_eq!(result.unwrap_err().error, name),
        }
    }
}

#[test]
fn the_machines_retry_what_the_error_names_say() {
    let retried: BTreeSet<&str> =
        TaskError::ALL.into_iter().filter(|error| error.is_retried()).map(TaskError::name).collect();
    for (definition, tasks) in [(SYNC_RUN, 5), (DISCOVERY, 1)] {
        let definition: Value = serde_json::from_str(definition).unwrap();
        let all = tasks_of(&definition);
        assert_eq!(all.len(), tasks);
        for task in all {
            let names: BTreeSet<&str> = task["Retry"].as_array().unwrap().iter().flat_map(names).collect();
            let ours: BTreeSet<&str> =
                names.iter().copied().filter(|name| name.parse::<TaskError>().is_ok()).collect();
            assert!(names.contains("States.ALL") || ours == retried, "{task}");
            assert!(task["TimeoutSeconds"].is_u64(), "{task}");
        }
    }
}

/// An express execution lasts five minutes at most (Step Functions quotas); a child that lasted
/// longer would fail the whole map.
#[test]
fn a_batch_with_all_its_attempts_fits_into_an_express_execution() {
    let definition: Value = serde_json::from_str(SYNC_RUN).unwrap();
    let task = &definition["States"]["SyncBatches"]["ItemProcessor"]["States"]["SyncBatch"];
    let timeout = task["TimeoutSeconds"].as_u64().unwrap();
    let mut seconds = timeout;
    for retrier in task["Retry"].as_array().unwrap() {
        let number = |name: &str| retrier[name].as_u64().unwrap();
        // A call that was refused for want of capacity did not run.
        let is_refusal = names(retrier).collect::<Vec<_>>() == ["Lambda.TooManyRequestsException"];
        for attempt in 0..u32::try_from(number("MaxAttempts")).unwrap() {
            let backoff = number("IntervalSeconds") * number("BackoffRate").pow(attempt);
            seconds += backoff.min(number("MaxDelaySeconds")) + if is_refusal { 0 } else { timeout };
        }
    }
    assert!(seconds < 300, "{seconds}");
}

fn names(retrier: &Value) -> impl Iterator<Item = &str> {
    retrier["ErrorEquals"].as_array().unwrap().iter().filter_map(Value::as_str)
}

fn tasks_of(machine: &Value) -> Vec<&Value> {
    let states = machine["States"].as_object().unwrap().values();
    states
        .flat_map(|state| match state["Type"].as_str().unwrap() {
            "Task" => vec![state],
            "Map" => tasks_of(&state["ItemProcessor"]),
            _ => Vec::new(),
        })
        .collect()
}
