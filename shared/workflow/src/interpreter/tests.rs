//! What each state does, as tables of small machines.

mod errors;
mod maps;
mod refusals;

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use ambient::{Clock, SeededEntropy, VirtualClock};
use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Event, Execution, ExecutionFailure, Happening, Machine, Tasks};
use crate::errors::TaskFailure;

/// Tasks that fail with the scripted names, then answer with the function and what it was given.
#[derive(Default)]
struct Script {
    failures: Mutex<Vec<&'static str>>,
    calls: AtomicUsize,
}

#[async_trait]
impl Tasks for Script {
    async fn invoke(&self, function: &str, payload: Value) -> Result<Value, TaskFailure> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        match self.failures.lock().unwrap().pop() {
            Some(name) => Err(TaskFailure::named(name, "scripted")),
            None => Ok(json!({ "from": function, "given": payload })),
        }
    }
}

fn failing(names: &[&'static str]) -> Script {
    Script { failures: Mutex::new(names.iter().rev().copied().collect()), ..Script::default() }
}

fn clock() -> VirtualClock {
    VirtualClock::starting_at(Timestamp::UNIX_EPOCH)
}

fn machine(start: &str, states: Value) -> Machine {
    Machine::parse(&json!({ "StartAt": start, "States": states }).to_string(), &[]).unwrap()
}

/// Runs a machine of one state named `It` and the given others.
async fn run_one(state: Value, input: Value) -> Result<Value, ExecutionFailure> {
    let machine = machine("It", json!({ "It": state }));
    machine.run(input, &Script::default(), &clock(), &SeededEntropy::new(1)).await
}

fn task(extra: Value) -> Value {
    let mut task = json!({
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": { "FunctionName": "f", "Payload.$": "$" },
        "End": true,
    });
    task.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    task
}

fn map(processor: Value, extra: Value) -> Value {
    let mut map = json!({ "Type": "Map", "ItemProcessor": processor, "End": true });
    map.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    map
}

#[tokio::test]
async fn data_flows_through_a_task_as_its_paths_say() {
    let input = json!({ "a": { "b": [10, 20] }, "keep": true });
    let payload = |result: Value| json!({ "from": "f", "given": result });
    let parameters = json!({
        "FunctionName": "f",
        "Payload": {
            "x.$": "$.a.b[1]",
            "list": [{ "name.$": "$$.Execution.Name" }, 1],
            "input.$": "$$.Execution.Input.keep"
        }
    });
    let table = [
        (json!({ "OutputPath": "$.Payload" }), payload(input.clone())),
        (json!({ "InputPath": "$.a", "OutputPath": "$.Payload" }), payload(input["a"].clone())),
        (json!({ "InputPath": null, "OutputPath": "$.Payload" }), payload(json!({}))),
        (json!({ "OutputPath": null }), json!({})),
        (json!({ "ResultPath": null }), input.clone()),
        (
            json!({ "Parameters": parameters, "OutputPath": "$.Payload.given" }),
            json!({ "x": 20, "list": [{ "name": "local" }, 1], "input": true }),
        ),
        (
            json!({ "ResultSelector": { "code.$": "$.StatusCode" }, "ResultPath": "$.a.new" }),
            json!({ "a": { "b": [10, 20], "new": { "code": 200 } }, "keep": true }),
        ),
        (
            json!({ "InputPath": "$.a.b", "ResultSelector": {}, "ResultPath": "$.made.deep" }),
            json!({ "a": { "b": [10, 20] }, "keep": true, "made": { "deep": {} } }),
        ),
    ];
    for (extra, expected) in table {
        assert_eq!(run_one(task(extra.clone()), input.clone()).await.unwrap(), expected, "{extra}");
    }
}

#[tokio::test]
async fn paths_that_select_nothing_fail_the_execution_whatever_catches() {
    let catch = json!([{ "ErrorEquals": ["States.ALL"], "Next": "Caught" }]);
    for extra in [
        json!({ "InputPath": "$.missing" }),
        json!({ "OutputPath": "$.missing" }),
        json!({ "ResultSelector": { "x.$": "$.missing" } }),
        json!({ "Parameters": { "FunctionName": "f", "Payload": { "x.$": "$.list[3]" } } }),
    ] {
        let mut state = task(extra.clone());
        state["Catch"] = catch.clone();
        let machine = machine("It", json!({ "It": state, "Caught": { "Type": "Succeed" } }));
        let input = json!({ "list": [0] });
        let failure =
            machine.run(input, &Script::default(), &clock(), &SeededEntropy::new(1)).await.unwrap_err();
        assert_eq!(failure.error, "States.Runtime", "{extra}");
    }
    let blocked = task(json!({ "ResultPath": "$.text.inside" }));
    let failure = run_one(blocked, json!({ "text": "x" })).await.unwrap_err();
    assert_eq!(failure.error, "States.ResultPathMatchFailure");
}

#[tokio::test]
async fn a_choice_takes_the_first_rule_that_holds() {
    let rules = [
        (
            json!({ "Variable": "$.flag", "BooleanEquals": true }),
            json!({ "flag": true }),
            json!({ "flag": "true" }),
        ),
        (json!({ "Variable": "$.n", "NumericEquals": 2 }), json!({ "n": 2.0 }), json!({ "n": "2" })),
        (json!({ "Variable": "$.n", "NumericLessThan": 2 }), json!({ "n": 1 }), json!({ "n": 2 })),
        (json!({ "Variable": "$.n", "NumericLessThanEquals": 2 }), json!({ "n": 2 }), json!({ "n": 3 })),
        (json!({ "Variable": "$.n", "NumericGreaterThan": 2 }), json!({ "n": 3 }), json!({ "n": 2 })),
        (json!({ "Variable": "$.n", "NumericGreaterThanEquals": 2 }), json!({ "n": 2 }), json!({ "n": 1 })),
        (json!({ "Variable": "$.s", "StringEquals": "b" }), json!({ "s": "b" }), json!({ "s": "a" })),
        (json!({ "Variable": "$.s", "StringLessThan": "b" }), json!({ "s": "a" }), json!({ "s": 1 })),
        (
            json!({ "Variable": "$.s", "StringGreaterThanEquals": "b" }),
            json!({ "s": "c" }),
            json!({ "s": "a" }),
        ),
        (json!({ "Variable": "$.l[0]", "IsPresent": true }), json!({ "l": [null] }), json!({ "l": [] })),
        (json!({ "Variable": "$.l", "IsPresent": false }), json!({}), json!({ "l": null })),
        (json!({ "Not": { "Variable": "$.n", "NumericEquals": 2 } }), json!({ "n": 1 }), json!({ "n": 2 })),
        (
            json!({ "And": [{ "Variable": "$.n", "IsPresent": true }, { "Variable": "$.n", "NumericEquals": 1 }] }),
            json!({ "n": 1 }),
            json!({}),
        ),
        (
            json!({ "Or": [{ "Variable": "$.n", "IsPresent": false }, { "Variable": "$.n", "NumericEquals": 1 }] }),
            json!({}),
            json!({ "n": 2 }),
        ),
    ];
    for (rule, holds, fails) in rules {
        let mut first = rule.clone();
        first["Next"] = json!("Yes");
        let machine = machine(
            "It",
            json!({
                "It": { "Type": "Choice", "Choices": [first], "Default": "No" },
                "Yes": { "Type": "Pass", "Result": "yes", "End": true },
                "No": { "Type": "Pass", "Result": "no", "End": true },
            }),
        );
        for (input, expected) in [(holds, "yes"), (fails, "no")] {
            let result = machine.run(input, &Script::default(), &clock(), &SeededEntropy::new(1)).await;
            assert_eq!(result.unwrap(), expected, "{rule}");
        }
    }
}

#[tokio::test]
async fn a_choice_without_an_answer_fails() {
    let choice =
        json!({ "Type": "Choice", "Choices": [{ "Variable": "$.n", "NumericEquals": 1, "Next": "End" }] });
    let machine = machine("It", json!({ "It": choice, "End": { "Type": "Succeed" } }));
    for (input, error) in [(json!({ "n": 2 }), "States.NoChoiceMatched"), (json!({}), "States.Runtime")] {
        let result = machine.run(input, &Script::default(), &clock(), &SeededEntropy::new(1)).await;
        assert_eq!(result.unwrap_err().error, error);
    }
}

#[tokio::test]
async fn a_wait_takes_its_seconds_on_the_clock() {
    let fixed = json!({ "Type": "Wait", "Seconds": 7, "End": true });
    let told = json!({ "Type": "Wait", "SecondsPath": "$.s", "End": true });
    for (wait, input, seconds) in [
        (fixed, json!({}), Some(7)),
        (told.clone(), json!({ "s": 90 }), Some(90)),
        (told, json!({ "s": 1.5 }), None),
    ] {
        let clock = clock();
        let machine = machine("It", json!({ "It": wait }));
        let result = machine.run(input.clone(), &Script::default(), &clock, &SeededEntropy::new(1)).await;
        match seconds {
            Some(seconds) => assert_eq!((result.unwrap(), clock.now().as_second()), (input, seconds)),
            None => assert_eq!(result.unwrap_err().error, "States.Runtime"),
        }
    }
}

#[tokio::test]
async fn pass_succeed_and_fail_do_what_they_say() {
    let pass = json!({ "Type": "Pass", "Parameters": { "n.$": "$.a" }, "ResultPath": "$.made", "End": true });
    assert_eq!(run_one(pass, json!({ "a": 1 })).await.unwrap(), json!({ "a": 1, "made": { "n": 1 } }));
    let succeed = json!({ "Type": "Succeed", "OutputPath": "$.a" });
    assert_eq!(run_one(succeed, json!({ "a": 1 })).await.unwrap(), json!(1));
    let fail = json!({ "Type": "Fail", "Error": "Wrong", "CausePath": "$.a" });
    assert_eq!(run_one(fail, json!({ "a": "why" })).await.unwrap_err().to_string(), "Wrong: why");
}

#[tokio::test]
async fn a_machine_that_never_ends_fails_and_an_observer_sees_its_way() {
    let machine = machine(
        "It",
        json!({
            "It": { "Type": "Choice", "Choices": [{ "Variable": "$.stop", "IsPresent": true, "Next": "End" }], "Default": "Again" },
            "Again": { "Type": "Wait", "Seconds": 1, "Next": "It" },
            "End": { "Type": "Succeed" },
        }),
    );
    let seen = Mutex::new(Vec::new());
    let observer = |event: Event<'_>| {
        if event.happening == Happening::Entered {
            seen.lock().unwrap().push(event.state.to_owned());
        }
    };
    let (tasks, clock, jitter) = (Script::default(), clock(), SeededEntropy::new(1));
    let execution =
        Execution::new(&machine, &tasks, &clock, &jitter).observed_by(&observer).with_transitions_max(5);
    assert_eq!(execution.run(json!({})).await.unwrap_err().error, "States.Runtime");
    assert_eq!(*seen.lock().unwrap(), ["It", "Again", "It", "Again", "It"]);
}
