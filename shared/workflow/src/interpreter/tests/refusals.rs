//! Definitions that are not loaded.

use std::error::Error as _;

use super::{super::DefinitionError, *};

#[test]
fn what_the_interpreter_does_not_cover_is_refused() {
    let states = [
        (json!({ "Type": "Parallel", "Branches": [], "End": true }), "type `Parallel`"),
        (json!({ "Type": "Pass", "Assign": {}, "End": true }), "`Assign`"),
        (json!({ "Type": "Succeed", "Assign": {} }), "`Assign`"),
        (json!({ "Type": "Pass" }), "`Next`"),
        (json!({ "Type": "Pass", "End": true, "Next": "It" }), "`Next`"),
        (json!({ "Type": "Pass", "InputPath": "$.a[?(@.b)]", "End": true }), "plain path"),
        (json!({ "Type": "Pass", "InputPath": "$.a[-1]", "End": true }), "plain path"),
        (json!({ "Type": "Pass", "InputPath": "$.a[0:2]", "End": true }), "plain path"),
        (json!({ "Type": "Pass", "InputPath": "$..a", "End": true }), "plain path"),
        (json!({ "Type": "Pass", "InputPath": "$$.State.Name", "End": true }), "plain path"),
        (json!({ "Type": "Pass", "ResultPath": "$.a[0]", "End": true }), "plain path"),
        (json!({ "Type": "Pass", "Parameters": { "a.$": "States.UUID()" }, "End": true }), "plain path"),
        (json!({ "Type": "Pass", "Parameters": { "a.$": 1 }, "End": true }), "must be a path"),
        (json!({ "Type": "Wait", "Timestamp": "2026-01-01T00:00:00Z", "End": true }), "`Timestamp`"),
        (json!({ "Type": "Wait", "End": true }), "`Seconds`"),
        (json!({ "Type": "Fail", "Error": "A" }), "`Cause`"),
        (
            json!({ "Type": "Choice", "Choices": [{ "Variable": "$.a", "IsNull": true, "Next": "It" }] }),
            "`IsNull`",
        ),
        (json!({ "Type": "Choice", "Choices": [{ "Variable": "$.a", "IsPresent": true }] }), "`Next`"),
        (task(json!({ "Resource": "arn:aws:states:::sqs:sendMessage" })), "lambda:invoke"),
        (task(json!({ "HeartbeatSeconds": 3 })), "`HeartbeatSeconds`"),
        (task(json!({ "Parameters": { "FunctionName": "f" } })), "`Payload`"),
        (task(json!({ "Retry": [{ "ErrorEquals": ["A", "States.ALL"] }] })), "alone"),
        (task(json!({ "Retry": [{ "ErrorEquals": [] }] })), "at least one"),
        (task(json!({ "Retry": [{ "ErrorEquals": ["A"], "BackoffRate": 0.5 }] })), "`BackoffRate`"),
        (
            map(
                json!({ "StartAt": "A", "States": { "A": { "Type": "Succeed" } } }),
                json!({ "ItemBatcher": {} }),
            ),
            "`ItemBatcher`",
        ),
        (
            map(
                json!({ "ProcessorConfig": { "Mode": "DISTRIBUTED" }, "StartAt": "A", "States": { "A": { "Type": "Succeed" } } }),
                json!({}),
            ),
            "`ExecutionType`",
        ),
        (json!({ "Type": "Map", "End": true }), "`ItemProcessor`"),
    ];
    for (state, complaint) in states {
        let definition = json!({ "StartAt": "It", "States": { "It": state } });
        let error = Machine::parse(&definition.to_string(), &[]).unwrap_err();
        assert!(error.to_string().contains("`It`"), "{error}");
        let detail = error.source().map(ToString::to_string).unwrap_or_default();
        assert!(detail.contains(complaint), "{state}: {detail}");
    }
}

#[test]
fn a_definition_that_leads_nowhere_is_refused() {
    let pass = |next: &str| json!({ "Type": "Pass", "Next": next });
    let end = || json!({ "Type": "Succeed" });
    let parse = |start: &str, states: Value| {
        Machine::parse(&json!({ "StartAt": start, "States": states }).to_string(), &[]).unwrap_err()
    };
    let inner = json!({ "StartAt": "A", "States": { "A": end() } });
    let catch_all = json!({ "ErrorEquals": ["States.ALL"], "Next": "B" });
    for (error, expected) in [
        (parse("A", json!({})), "state `StartAt` leads to `A`, which does not exist"),
        (parse("A", json!({ "A": pass("B") })), "state `A` leads to `B`, which does not exist"),
        (parse("A", json!({ "A": end(), "B": end() })), "no path leads to state `B`"),
        (parse("A", json!({ "A": pass("B"), "B": pass("A") })), "no path leads from state `A` to an end"),
        (parse("A", json!({ "A": map(inner, json!({})) })), "there are two states named `A`"),
        (
            parse("A", json!({ "A": task(json!({ "Catch": [catch_all, catch_all] })), "B": end() })),
            "state `A` has an entry after `States.ALL`, which no error would reach",
        ),
    ] {
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn placeholders_need_a_value() {
    let definition = json!({ "StartAt": "A", "States": { "A": { "Type": "Fail", "Error": "${E}", "Cause": "x${E}${F}" } } });
    assert!(Machine::parse(&definition.to_string(), &[("E", "e"), ("F", "f")]).is_ok());
    let error = Machine::parse(&definition.to_string(), &[("E", "e")]).unwrap_err();
    assert!(matches!(error, DefinitionError::UnknownPlaceholder { text } if text == "x${E}${F}"));
}
