//! Environment variables: the template against the configuration registry.

use std::collections::BTreeSet;

use runtime::settings::{Function, SetBy, VARIABLES, Variable};
use serde_json::Value;
use tests::{binaries, template::Template};

/// The workflow's task cannot know the machine that calls it, and does not start it.
const NOT_FOR: [(&str, &[&str]); 4] = [
    // Tokens are verified with keys that are published or given here.
    ("authorizer", &["VAULT_TOKEN"]),
    // It starts the machine, and its task asks Microsoft.
    ("discovery", &["MICROSOFT_CLIENT_SECRET", "VAULT_TOKEN"]),
    ("discovery-task", &["DISCOVERY_STATE_MACHINE_ARN"]),
    // It starts runs, and asks Microsoft for nothing.
    (
        "schedule-task",
        &[
            "MICROSOFT_CLIENT_ID",
            "MICROSOFT_CLIENT_SECRET",
            "MICROSOFT_GRAPH_BASE_URL",
            "MICROSOFT_LOGIN_BASE_URL",
            "MICROSOFT_TENANT_ID",
            "VAULT_TOKEN",
        ],
    ),
];

/// Whether a binary goes without a variable of its crate's.
fn is_not_for(binary: &str, variable: &str) -> bool {
    NOT_FOR.iter().any(|(without, names)| *without == binary && names.contains(&variable))
}

#[test]
fn every_function_has_the_variables_it_needs_and_only_known_ones() {
    let template = Template::load();
    let crates = binaries::names();
    for function in template.functions() {
        let binary = function.binary();
        let set: BTreeSet<String> = function.environment().into_iter().map(|(name, _)| name).collect();
        for variable in needed(&crates[binary]) {
            let wanted = !is_not_for(binary, variable.name);
            assert_eq!(set.contains(variable.name), wanted, "{binary}: {}", variable.name);
        }
        for name in &set {
            let known = VARIABLES.iter().any(|variable| variable.name == name);
            assert!(known, "{binary}: {name} is not in the registry");
        }
    }
}

#[test]
fn a_function_has_no_secret_it_does_not_need() {
    let template = Template::load();
    let crates = binaries::names();
    for function in template.functions() {
        let needed = needed(&crates[function.binary()]);
        for variable in VARIABLES.iter().filter(|variable| variable.secret) {
            let wanted = needed.iter().any(|needed| needed.name == variable.name)
                && !is_not_for(function.binary(), variable.name);
            let set = function.environment().contains_key(variable.name);
            assert_eq!(set, wanted, "{}: {}", function.binary(), variable.name);
        }
    }
}

#[test]
fn parameters_with_secrets_are_never_shown() {
    let template = Template::load();
    for function in template.functions() {
        let environment = function.environment();
        for variable in VARIABLES.iter().filter(|variable| variable.secret) {
            for parameter in environment.get(variable.name).map(references).unwrap_or_default() {
                assert_eq!(template.0["Parameters"][&parameter]["NoEcho"], true, "{parameter}");
            }
        }
    }
}

#[test]
fn defaults_of_parameters_are_those_of_the_registry() {
    let template = Template::load();
    // The template decides otherwise, for the cloud.
    let decided = ["SECRET_READ_CHAIN", "SECRET_WRITE_PROVIDER", "LOG_LEVEL"];
    for function in template.functions() {
        for (name, value) in function.environment() {
            let variable = VARIABLES.iter().find(|variable| variable.name == name).unwrap();
            let Some(parameter) = value["Ref"].as_str() else { continue };
            let parameter = &template.0["Parameters"][parameter];
            if let (Some(expected), Some(default)) = (variable.default, parameter.get("Default"))
                && !decided.contains(&name.as_str())
            {
                let default = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
                assert_eq!(default, expected, "{name}");
            }
        }
    }
}

/// What somebody other than AWS has to set for the function in this folder.
fn needed(folder: &str) -> Vec<&'static Variable> {
    let function = Function::ALL.into_iter().find(|function| function.name() == folder);
    let function = function.unwrap_or_else(|| panic!("the configuration registry does not know {folder}"));
    let variables = VARIABLES.iter().copied();
    let ours = variables.filter(|variable| variable.set_by == SetBy::Operator);
    ours.filter(|variable| variable.needed_by.contains(&function)).collect()
}

/// The parameters a value takes its text from.
fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(members) => match members.get("Ref") {
            Some(Value::String(name)) => vec![name.clone()],
            _ => members.values().flat_map(references).collect(),
        },
        Value::Array(values) => values.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}
