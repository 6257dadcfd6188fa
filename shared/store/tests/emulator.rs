//! The repositories over whatever answers DynamoDB's protocol at `STORE_CONFORMANCE_ENDPOINT`.
//!
//! Only built when asked for: `cargo nextest run -p store --features emulator --test emulator`.
#![expect(clippy::unwrap_used, reason = "tests")]

mod suite;

use ambient::{Clock, Entropy, SystemClock, SystemEntropy};
use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region, SharedHttpClient, retry::RetryConfig},
    types::TimeToLiveStatus,
};
use runtime::http::{Limits, client, sdk_http_client};

use self::suite::backend::Backend;

/// Where the emulator is, such as `http://127.0.0.1:4566`.
const ENDPOINT: &str = "STORE_CONFORMANCE_ENDPOINT";

#[expect(clippy::disallowed_methods, reason = "the address of an emulator is no setting of the product")]
fn endpoint() -> String {
    std::env::var(ENDPOINT).unwrap_or_else(|_| {
        panic!("{ENDPOINT} is not set: start a DynamoDB emulator and set it to its address")
    })
}

fn fresh() -> Backend {
    let endpoint = endpoint();
    let connect = move |http: SharedHttpClient| {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .credentials_provider(Credentials::new("test", "test", None, None, "conformance"))
            .endpoint_url(&endpoint)
            .http_client(http)
            .region(Region::from_static("us-east-1"))
            .retry_config(RetryConfig::disabled())
            .build();
        Client::from_conf(config)
    };
    let http = sdk_http_client(client(Limits::default()).unwrap());
    // Every test has tables of its own.
    let name = SystemEntropy.time_ordered_id(SystemClock.now());
    Backend::new(http, connect, format!("conformance-{name}"), None)
}

suite::tests!(super::fresh);

#[tokio::test]
async fn the_table_lets_items_expire() {
    let table = fresh().table().await;
    let answer = table.raw.describe_time_to_live().table_name(&table.name).send().await.unwrap();
    let expiry = answer.time_to_live_description().unwrap();
    assert_eq!(expiry.attribute_name(), Some("expires"));
    assert_eq!(expiry.time_to_live_status(), Some(&TimeToLiveStatus::Enabled));
}
