//! The template, deployed to the emulator by the SAM command line.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use tests::{binaries, repository, template::Template};
use tokio::process::Command;

use crate::emulator::{REGION, Server};

/// The stack's name.
pub(crate) const STACK: &str = "entra";

/// What was deployed.
pub(crate) struct Deployment {
    outputs: BTreeMap<String, String>,
}

impl Deployment {
    /// An output of the stack.
    pub(crate) fn output(&self, name: &str) -> &str {
        &self.outputs[name]
    }
}

/// Deploys the template with the binaries of this build and `parameters`; functions get
/// `variables` besides what the template sets.
pub(crate) async fn deploy(
    emulator: &Server,
    folder: &Path,
    parameters: &[(&str, &str)],
    variables: &[(&str, &str)],
) -> Deployment {
    let file = folder.join("template.json");
    fs::write(&file, packaged(folder, variables).await.to_string()).unwrap();
    let mut arguments: Vec<String> = [
        "deploy",
        "--stack-name",
        STACK,
        "--resolve-s3",
        "--no-confirm-changeset",
        "--no-progressbar",
        "--capabilities",
        "CAPABILITY_IAM",
        "--template-file",
    ]
    .map(str::to_owned)
    .into();
    arguments.push(file.to_str().unwrap().to_owned());
    arguments.push("--parameter-overrides".to_owned());
    arguments
        .extend(parameters.iter().map(|(name, value)| format!("ParameterKey={name},ParameterValue={value}")));
    sam(emulator, arguments).await;
    Deployment { outputs: outputs(emulator).await }
}

/// What the functions have logged.
pub(crate) async fn logs(emulator: &Server) -> String {
    sam(emulator, ["logs", "--stack-name", STACK]).await
}

/// The template as `sam build` would leave it behind, but with the binaries of this build.
async fn packaged(folder: &Path, variables: &[(&str, &str)]) -> Value {
    let built = binaries::build();
    let template = Template::load();
    let mut packaged = template.0.clone();
    for function in template.functions() {
        let code = bootstrap(&built, folder, function.binary()).await;
        packaged["Resources"][function.id]["Properties"]["CodeUri"] = json!(code);
    }
    for (id, machine) in template.resources("AWS::Serverless::StateMachine") {
        let definition = repository::path("infra").join(machine["DefinitionUri"].as_str().unwrap());
        packaged["Resources"][id]["Properties"]["DefinitionUri"] = json!(definition);
    }
    let globals = &mut packaged["Globals"]["Function"];
    for (name, value) in variables {
        globals["Environment"]["Variables"][name] = json!(value);
    }
    packaged
}

/// A folder with nothing but the binary, as Lambda wants it. Without debug information it is a
/// tenth of the size.
async fn bootstrap(built: &Path, folder: &Path, binary: &str) -> PathBuf {
    let code = folder.join("code").join(binary);
    fs::create_dir_all(&code).unwrap();
    let bootstrap = code.join("bootstrap");
    let strip = Command::new("strip").arg("-o").arg(&bootstrap).arg(built.join(binary)).status().await;
    if !strip.is_ok_and(|status| status.success()) {
        fs::copy(built.join(binary), &bootstrap).unwrap();
    }
    fs::set_permissions(&bootstrap, fs::Permissions::from_mode(0o755)).unwrap();
    code
}

async fn outputs(emulator: &Server) -> BTreeMap<String, String> {
    let text = sam(emulator, ["list", "stack-outputs", "--stack-name", STACK, "--output", "json"]).await;
    let outputs: Vec<Value> = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let text = |output: &Value, member: &str| output[member].as_str().unwrap().to_owned();
    outputs.iter().map(|output| (text(output, "OutputKey"), text(output, "OutputValue"))).collect()
}

/// What the SAM command line writes to stdout.
async fn sam<T: AsRef<OsStr>>(emulator: &Server, arguments: impl IntoIterator<Item = T>) -> String {
    let output = Command::new(repository::path(".venv-sam/bin/sam"))
        .args(arguments)
        .args(["--region", REGION])
        .env("AWS_ENDPOINT_URL", &emulator.endpoint)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("SAM_CLI_TELEMETRY", "0")
        .kill_on_drop(true)
        .output()
        .await
        .unwrap_or_else(|error| panic!("{error}: run `tests/run tools` first"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}
