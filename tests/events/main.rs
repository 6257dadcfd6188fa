//! A sample of what AWS sends to each function, given to its real binary.
//!
//! The environment is the template's, its parameters at their defaults where a test sets none. The
//! binary talks to a Lambda service, a DynamoDB and a Secrets Manager in this process.
#![expect(clippy::unwrap_used, reason = "a test whose set-up does not hold has failed")]

mod aws;
mod gateway;
mod lambda;
mod samples;
mod tasks;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, SocketAddr},
};

use axum::Router;
use serde_json::Value;
use tests::{binaries, repository, template::Template};
use tokio::net::TcpListener;

use crate::{
    aws::{Aws, TABLE},
    lambda::Answer,
};

/// Every sample, by its path below `events/` without the ending. Each is fed by a test, but for what is
/// delivered to others: that is held against what its binary answers.
const SAMPLES: [&str; 25] = [
    "authorizer/request",
    "connect/http-callback",
    "connect/http-connect",
    "connect/http-status",
    "discovery-task/discover",
    "discovery/http-show",
    "flags/http-add-tenant",
    "flags/http-ensure",
    "flags/http-list",
    "mapping/http-preview",
    "people/http-export-contacts",
    "people/http-import-clients",
    "renewal-task/delivered",
    "renewal-task/scheduled",
    "review/http-list",
    "run-steps/begin",
    "run-steps/finish",
    "run-steps/finish-after-an-error",
    "run-steps/next-batches",
    "schedule-task/scheduled",
    "settings/http-change",
    "settings/http-show",
    "sync/http-run",
    "sync/http-start",
    "tenant-sync/batch",
];

#[test]
fn every_function_has_samples_and_every_sample_is_fed() {
    let files: BTreeSet<String> = repository::files("events")
        .iter()
        .filter_map(|file| Some(file.strip_prefix("events/")?.strip_suffix(".json")?.to_owned()))
        .collect();
    let fed: BTreeSet<String> = SAMPLES.iter().map(ToString::to_string).collect();
    assert_eq!(files, fed);
    let with_samples: BTreeSet<String> =
        files.iter().map(|file| file.split('/').next().unwrap().to_owned()).collect();
    let template = Template::load();
    let functions: BTreeSet<String> =
        template.functions().iter().map(|function| function.binary().to_owned()).collect();
    assert_eq!(with_samples, functions);
}

/// The event in a file.
fn sample(name: &str) -> Value {
    assert!(SAMPLES.contains(&name), "{name} is not listed");
    serde_json::from_str(&repository::text(&format!("events/{name}.json"))).unwrap()
}

/// Feeds a sample to the binary its folder is named after.
async fn feed(aws: &Aws, name: &str) -> Answer {
    feed_event(aws, name.split('/').next().unwrap(), sample(name)).await
}

/// Feeds an event to a binary.
async fn feed_event(aws: &Aws, binary: &str, event: Value) -> Answer {
    let path = binaries::build().join(binary);
    lambda::invoke(&path, &environment(aws, binary), event).await
}

/// The same, with what the binary has logged.
async fn feed_and_read_the_log(aws: &Aws, name: &str) -> (Answer, Vec<Value>) {
    feed_event_and_read_the_log(aws, name.split('/').next().unwrap(), sample(name)).await
}

/// The same for an event.
async fn feed_event_and_read_the_log(aws: &Aws, binary: &str, event: Value) -> (Answer, Vec<Value>) {
    let path = binaries::build().join(binary);
    lambda::invoke_and_read_the_log(&path, &environment(aws, binary), event).await
}

/// What the template sets, with the parameters' defaults, and where AWS is.
fn environment(aws: &Aws, binary: &str) -> BTreeMap<String, String> {
    let template = Template::load();
    let machine =
        |name: &str| format!("arn:aws:states:eu-central-1:123456789012:stateMachine:samples-{name}");
    let given = BTreeMap::from([
        ("AuthJwtIssuer", "https://psa.example".to_owned()),
        ("AuthJwtSecret", "a key for the samples, of more than thirty-two bytes".to_owned()),
        ("DiscoveryMachine", machine("discovery")),
        // The workspace of the samples decides about flags, too.
        ("MasterWorkspaceId", samples::WORKSPACE.to_string()),
        ("MicrosoftClientId", "6f1c2d5e-7a8b-4c9d-8e0f-a1b2c3d4e5f6".to_owned()),
        ("MicrosoftClientSecret", "sample".to_owned()),
        ("PlatformApiKey", "a key for the samples of requests about flags".to_owned()),
        ("PublicBaseUrl", "https://psa.example".to_owned()),
        ("SyncRunMachine", machine("sync-run")),
        ("Table", TABLE.to_owned()),
    ]);
    let mut environment = BTreeMap::new();
    for (name, value) in template.function(binary).environment() {
        // The key of tokens comes from a secret only when one is named, and none is.
        let value = value["Fn::If"].get(2).unwrap_or(&value);
        let text = match value["Ref"].as_str() {
            None => value.as_str().unwrap().to_owned(),
            Some(parameter) => given.get(parameter).cloned().unwrap_or_else(|| {
                let default = &template.0["Parameters"][parameter]["Default"];
                default.as_str().map_or_else(|| default.to_string(), str::to_owned)
            }),
        };
        environment.insert(name, text);
    }
    for (name, value) in [
        ("AWS_ACCESS_KEY_ID", "sample"),
        ("AWS_SECRET_ACCESS_KEY", "sample"),
        ("AWS_ENDPOINT_URL", &aws.endpoint),
        ("AWS_REGION", "eu-central-1"),
    ] {
        environment.insert(name.to_owned(), value.to_owned());
    }
    environment
}

/// Serves a router on the loopback interface until the test ends.
async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}
