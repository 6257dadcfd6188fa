//! The secrets that the deployed functions made.

use aws_sdk_secretsmanager::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region},
};

use crate::emulator::{REGION, Server, client};

/// Every one is encrypted with a key; there is one, for the workspace's sign-in.
pub(crate) async fn are_encrypted_with(emulator: &Server, key: &str) {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .credentials_provider(Credentials::new("test", "test", None, None, "end-to-end"))
        .endpoint_url(&emulator.endpoint)
        .http_client(runtime::http::sdk_http_client(client()))
        .region(Region::new(REGION))
        .build();
    let client = Client::from_conf(config);
    let found = client.list_secrets().send().await.unwrap();
    let names: Vec<_> = found.secret_list().iter().filter_map(|secret| secret.name()).collect();
    let [name] = names[..] else { panic!("{names:?}") };
    assert!(name.ends_with("/entra-direct"), "{name}");
    // The emulator's list does not tell keys.
    let secret = client.describe_secret().secret_id(name).send().await.unwrap();
    assert!(key.starts_with("arn:aws:kms:"), "{key}");
    assert_eq!(secret.kms_key_id(), Some(key));
}
