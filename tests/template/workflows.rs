//! The state machines: their functions and their patience.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{
    repository,
    template::{Template, permissions},
};

#[test]
fn every_placeholder_of_a_definition_is_replaced_by_a_function_the_machine_may_invoke() {
    let template = Template::load();
    let machines = template.resources("AWS::Serverless::StateMachine");
    let mut deployed = Vec::new();
    for (id, machine) in machines {
        let file = definition_file(machine);
        let wanted = placeholders(&repository::text(&file));
        let substitutions = machine["DefinitionSubstitutions"].as_object().unwrap();
        let given: BTreeSet<String> = substitutions.keys().cloned().collect();
        assert_eq!(given, wanted, "{id}");
        let role = template.resource(machine["Role"]["Fn::GetAtt"][0].as_str().unwrap());
        let invoke = permissions(role).into_iter().find(|(action, _)| action == "lambda:InvokeFunction");
        let functions: BTreeSet<String> = substitutions.values().map(Value::to_string).collect();
        let allowed: BTreeSet<String> =
            invoke.unwrap().1.as_array().unwrap().iter().map(Value::to_string).collect();
        assert_eq!(allowed, functions, "{id}");
        deployed.push(file);
    }
    deployed.sort();
    assert_eq!(deployed, repository::files("infra/statemachines"));
}

#[test]
fn a_function_ends_before_the_machine_gives_it_up() {
    let template = Template::load();
    for (id, machine) in template.resources("AWS::Serverless::StateMachine") {
        let definition: Value = serde_json::from_str(&repository::text(&definition_file(machine))).unwrap();
        let substitutions = &machine["DefinitionSubstitutions"];
        let mut tasks = Vec::new();
        collect_tasks(&definition, &mut tasks);
        assert!(!tasks.is_empty());
        for (placeholder, patience) in tasks {
            let function = substitutions[&placeholder]["Fn::GetAtt"][0].as_str().unwrap();
            let timeout = template.resource(function)["Timeout"].as_u64().unwrap();
            assert!(timeout < patience, "{id}: {function} {timeout} s, task {patience} s");
        }
    }
}

#[test]
fn a_schedule_may_call_its_function_with_the_sample() {
    let template = Template::load();
    for (name, task) in [("Renewal", "renewal-task"), ("Schedule", "schedule-task")] {
        let rule = template.resource(&format!("{name}Rule"));
        let target = &rule["Targets"][0];
        assert_eq!(target["Arn"], json!({ "Fn::GetAtt": [format!("{name}TaskFunction"), "Arn"] }));
        let input: Value = serde_json::from_str(target["Input"].as_str().unwrap()).unwrap();
        let sample = tests::repository::text(&format!("events/{task}/scheduled.json"));
        assert_eq!(input, serde_json::from_str::<Value>(&sample).unwrap());
        let permission = template.resource(&format!("{name}Permission"));
        assert_eq!(permission["FunctionName"]["Ref"], format!("{name}TaskFunction"));
        assert_eq!(permission["SourceArn"], json!({ "Fn::GetAtt": [format!("{name}Rule"), "Arn"] }));
    }
}

#[test]
fn what_ends_goes_to_the_event_bus_and_raises_an_alarm_every_day() {
    let template = Template::load();
    let bus = json!({
        "Fn::Sub": "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/default"
    });
    let results = template.resource("RenewalTaskResults");
    assert_eq!(results["FunctionName"]["Ref"], "RenewalTaskFunction");
    assert_eq!(results["DestinationConfig"], json!({ "OnSuccess": { "Destination": bus } }));
    let permissions = permissions(template.resource("RenewalTaskRole"));
    let put: Vec<_> = permissions.iter().filter(|(action, _)| action.starts_with("events:")).collect();
    assert_eq!(put, [&("events:PutEvents".to_owned(), bus)]);

    let filter = template.resource("ExpiryForecastFilter");
    assert_eq!(filter["LogGroupName"]["Ref"], "RenewalTaskLogs");
    let metric = &filter["MetricTransformations"][0];
    let alarm = template.resource("ExpiryForecastAlarm");
    assert_eq!(
        (&alarm["MetricName"], &alarm["Namespace"]),
        (&metric["MetricName"], &metric["MetricNamespace"])
    );
    assert_eq!(alarm["AlarmActions"], template.resource("RenewalFailedAlarm")["AlarmActions"]);
    // An alarm that is still raised when the task runs again would not be raised again.
    let seconds = alarm["Period"].as_u64().unwrap() * alarm["EvaluationPeriods"].as_u64().unwrap();
    assert!(seconds < 24 * 60 * 60);
}

#[test]
fn lines_that_wait_raise_an_alarm_within_their_run() {
    let template = Template::load();
    let filter = template.resource("LinesWaitFilter");
    assert_eq!(filter["LogGroupName"]["Ref"], "RunStepsLogs");
    let metric = &filter["MetricTransformations"][0];
    let alarm = template.resource("LinesWaitAlarm");
    assert_eq!(
        (&alarm["MetricName"], &alarm["Namespace"]),
        (&metric["MetricName"], &metric["MetricNamespace"])
    );
    assert_eq!(alarm["AlarmActions"], template.resource("SyncRunFailedAlarm")["AlarmActions"]);
}

#[test]
fn a_function_behind_the_gateway_ends_before_the_gateway_gives_it_up() {
    let template = Template::load();
    for (id, integration) in template.resources("AWS::ApiGatewayV2::Integration") {
        let function = integration["IntegrationUri"]["Fn::GetAtt"][0].as_str().unwrap();
        // 30 s (docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html).
        assert!(template.resource(function)["Timeout"].as_u64().unwrap() < 30, "{id}");
    }
}

/// The machine's ARN is written out in its own role, where it cannot be referred to.
#[test]
fn the_distributed_map_may_start_its_children() {
    let template = Template::load();
    let machine = template.resource("SyncRunMachine");
    assert_eq!(machine["Name"], json!({ "Fn::Sub": "${AWS::StackName}-sync-run" }));
    let permissions = permissions(template.resource("SyncRunRole"));
    let resource = |name: &str| {
        let found = permissions.iter().find(|(action, _)| action == name).unwrap();
        found.1["Fn::Sub"].as_str().unwrap().to_owned()
    };
    assert!(resource("states:StartExecution").ends_with(":stateMachine:${AWS::StackName}-sync-run"));
    assert!(resource("states:StopExecution").ends_with(":execution:${AWS::StackName}-sync-run/*"));
}

#[test]
fn a_failed_machine_raises_an_alarm() {
    let template = Template::load();
    let watched: BTreeSet<&str> = template
        .resources("AWS::CloudWatch::Alarm")
        .into_iter()
        .filter(|(_, alarm)| alarm["Namespace"] == "AWS/States" && alarm["MetricName"] == "ExecutionsFailed")
        .map(|(_, alarm)| alarm["Dimensions"][0]["Value"]["Ref"].as_str().unwrap())
        .collect();
    assert_eq!(watched, BTreeSet::from(["DiscoveryMachine", "SyncRunMachine"]));
}

fn definition_file(machine: &Value) -> String {
    format!("infra/{}", machine["DefinitionUri"].as_str().unwrap())
}

fn placeholders(definition: &str) -> BTreeSet<String> {
    let parts = definition.split("${").skip(1);
    parts.map(|part| part.split('}').next().unwrap().to_owned()).collect()
}

/// Every task's placeholder and how long the machine waits for it.
fn collect_tasks(value: &Value, found: &mut Vec<(String, u64)>) {
    if value["Type"] == "Task" {
        let name = value["Parameters"]["FunctionName"].as_str().unwrap();
        let placeholder = name.trim_start_matches("${").trim_end_matches('}');
        found.push((placeholder.to_owned(), value["TimeoutSeconds"].as_u64().unwrap()));
    }
    let members = value.as_object().into_iter().flat_map(|members| members.values());
    for member in members.chain(value.as_array().into_iter().flatten()) {
        collect_tasks(member, found);
    }
}
