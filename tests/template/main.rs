//! `infra/template.yaml` against the code it deploys.
#![expect(clippy::unwrap_used, reason = "a test whose set-up does not hold has failed")]

mod gateway;
mod permissions;
mod settings;
mod table;
mod workflows;

use tests::{binaries, template::Template};

#[test]
fn every_function_runs_a_binary_and_every_binary_is_run() {
    let expected: Vec<String> = binaries::names().into_keys().collect();
    let template = Template::load();
    let mut deployed: Vec<String> =
        template.functions().iter().map(|function| function.binary().to_owned()).collect();
    deployed.sort();
    assert_eq!(deployed, expected);
}

#[test]
fn every_function_is_built_and_runs_alike() {
    let template = Template::load();
    let crates = binaries::names();
    for function in template.functions() {
        let id = function.id;
        // Cargo selects the crate by the folder: `sam build` cannot be told which one is meant.
        let folder = format!("../functions/{}", crates[function.binary()]);
        assert_eq!(function.properties["CodeUri"], folder, "{id}");
        assert_eq!(template.0["Resources"][id]["Metadata"]["BuildMethod"], "rust-cargolambda", "{id}");
        assert_eq!(function.property("Runtime"), "provided.al2023", "{id}");
        assert_eq!(function.property("Handler"), "bootstrap", "{id}");
        assert_eq!(
            function.property("Architectures"),
            &serde_json::json!([{ "Ref": "Architecture" }]),
            "{id}"
        );
    }
    let architecture = &template.0["Parameters"]["Architecture"];
    assert_eq!(architecture["Default"], "arm64");
    assert_eq!(architecture["AllowedValues"], serde_json::json!(["arm64", "x86_64"]));
}

#[test]
fn every_log_ends_by_itself() {
    let template = Template::load();
    let groups = template.resources("AWS::Logs::LogGroup");
    for (id, group) in &groups {
        assert_eq!(group["RetentionInDays"]["Ref"], "LogRetentionDays", "{id}");
    }
    for function in template.functions() {
        let group = function.properties["LoggingConfig"]["LogGroup"]["Ref"].as_str().unwrap();
        assert!(groups.iter().any(|(id, _)| *id == group), "{}", function.id);
    }
}
