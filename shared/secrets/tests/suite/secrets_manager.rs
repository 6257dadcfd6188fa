//! What Secrets Manager is asked, and what its refusals become.

use secrets::{Family, Provider, Scope, SecretError, SecretsManagerProvider, key};
use serde_json::json;

use crate::{CANARY, document, scope, scripted::FakeSecretsManager};

const NAME: &str = "entra-sync/00000000-0000-0000-0000-000000000001/entra-direct";

fn provider(fake: &FakeSecretsManager) -> SecretsManagerProvider {
    SecretsManagerProvider::new(fake.client(), "/entra-sync/")
}

#[tokio::test]
async fn requests_name_one_secret_and_carry_one_json_object() {
    let fake = FakeSecretsManager::default();
    let provider = provider(&fake);
    let first = document(&[(key::DIRECT_REFRESH_TOKEN, "r1"), (key::DIRECT_TOKEN_SCOPE, "s")]);
    let version = provider.write(scope(1), Family::EntraDirect, &first, None).await.unwrap();
    let second = document(&[(key::DIRECT_REFRESH_TOKEN, "r2")]);
    provider.write(scope(1), Family::EntraDirect, &second, Some(&version)).await.unwrap();
    provider.delete(scope(1), Family::EntraDirect).await.unwrap();
    provider.read(Scope::App, Family::Service).await.unwrap();

    let requests = fake.requests();
    let operations: Vec<_> = requests.iter().map(|(operation, _)| operation.as_str()).collect();
    assert_eq!(
        operations,
        ["CreateSecret", "GetSecretValue", "PutSecretValue", "DeleteSecret", "GetSecretValue"]
    );
    let create = &requests[0].1;
    assert_eq!(create["Name"], NAME);
    assert_eq!(
        create["SecretString"],
        r#"{"entra_direct_refresh_token":"r1","entra_direct_token_scope":"s"}"#
    );
    let put = &requests[2].1;
    assert_eq!(put["SecretId"], NAME);
    assert_eq!(put["SecretString"], r#"{"entra_direct_refresh_token":"r2"}"#);
    assert_eq!(requests[3].1, json!({ "SecretId": NAME, "ForceDeleteWithoutRecovery": true }));
    assert_eq!(requests[4].1["SecretId"], "entra-sync/app/service");
}

/// With the key that the installation has, and AWS's own where it has none; a key is chosen once.
#[tokio::test]
async fn a_new_secret_is_encrypted_with_the_key_of_the_installation() {
    for key in [None, Some("arn:aws:kms:eu-central-1:123456789012:key/1")] {
        let fake = FakeSecretsManager::default();
        let provider = provider(&fake).encrypting_with(key.map(str::to_owned));
        let (first, second) = (document(&[("k", "0")]), document(&[("k", "1")]));
        let version = provider.write(scope(1), Family::EntraDirect, &first, None).await.unwrap();
        provider.write(scope(1), Family::EntraDirect, &second, Some(&version)).await.unwrap();
        let keys: Vec<_> = fake
            .requests()
            .into_iter()
            .map(|(operation, body)| (operation, body["KmsKeyId"].as_str().map(str::to_owned)))
            .collect();
        let asked = |operation: &str, key: Option<&str>| (operation.to_owned(), key.map(str::to_owned));
        let expected =
            [asked("CreateSecret", key), asked("GetSecretValue", None), asked("PutSecretValue", None)];
        assert_eq!(keys, expected);
    }
}

/// The heart of the compare-and-set: whoever replaces a version asks for the same new id.
#[tokio::test]
async fn replacing_the_same_version_asks_for_the_same_id() {
    let fake = FakeSecretsManager::default();
    let provider = provider(&fake);
    let version =
        provider.write(scope(1), Family::EntraDirect, &document(&[("k", "0")]), None).await.unwrap();
    let mut ids = Vec::new();
    for value in ["a", "b"] {
        // Both writers see the version they expect.
        let current = fake.requests()[0].1["ClientRequestToken"].clone();
        fake.answer(200, json!({ "VersionId": current, "SecretString": "{\"k\":\"0\"}" }));
        let document = document(&[("k", value)]);
        ids.push(provider.write(scope(1), Family::EntraDirect, &document, Some(&version)).await.is_ok());
    }
    assert_eq!(ids, [true, false]);
    let puts: Vec<_> =
        fake.requests().into_iter().filter(|(operation, _)| operation == "PutSecretValue").collect();
    assert_eq!(puts[0].1["ClientRequestToken"], puts[1].1["ClientRequestToken"]);
    assert_ne!(puts[0].1["SecretString"], puts[1].1["SecretString"]);
}

/// A repeated request whose version is no longer the current one must not be taken for success.
#[tokio::test]
async fn an_accepted_request_that_changed_nothing_is_a_conflict() {
    let fake = FakeSecretsManager::default();
    let provider = provider(&fake);
    let version =
        provider.write(scope(1), Family::EntraDirect, &document(&[("k", "0")]), None).await.unwrap();
    let current = fake.requests()[0].1["ClientRequestToken"].clone();
    fake.answer(200, json!({ "VersionId": current, "SecretString": "{\"k\":\"0\"}" }));
    fake.answer(200, json!({ "VersionId": "0".repeat(36), "VersionStages": [] }));
    let written =
        provider.write(scope(1), Family::EntraDirect, &document(&[("k", "1")]), Some(&version)).await;
    assert!(matches!(written, Err(SecretError::Conflict { .. })));
}

#[tokio::test]
async fn refusals_become_codes() {
    for (status, body, expected) in [
        (400, json!({ "__type": "AccessDeniedException", "Message": CANARY }), "AccessDeniedException"),
        (400, json!({ "__type": "DecryptionFailure", "message": CANARY }), "DecryptionFailure"),
        (500, json!({ "__type": "InternalServiceError" }), "InternalServiceError"),
        (503, json!({}), "an answer that cannot be understood"),
        (
            200,
            json!({ "VersionId": ["not text"], "SecretString": CANARY }),
            "an answer that cannot be understood",
        ),
        (200, json!({ "SecretString": "{\"k\":\"v\"}" }), "the answer has no version id"),
    ] {
        let fake = FakeSecretsManager::default();
        fake.answer(status, body);
        let error = provider(&fake).read(scope(1), Family::EntraDirect).await.unwrap_err();
        let SecretError::Unavailable { reason, .. } = &error else { panic!("{error}") };
        assert_eq!(reason, expected);
        assert!(!format!("{error:?} {error}").contains(CANARY));
    }
}

#[tokio::test]
async fn a_secret_that_is_being_deleted_is_absent_and_cannot_be_made_yet() {
    let deleting = json!({
        "__type": "InvalidRequestException",
        "Message": "You can't perform this operation on the secret because it was marked for deletion.",
    });
    let fake = FakeSecretsManager::default();
    fake.answer(400, deleting.clone());
    assert!(provider(&fake).read(scope(1), Family::EntraDirect).await.unwrap().is_none());
    fake.answer(400, deleting);
    let error = provider(&fake)
        .write(scope(1), Family::EntraDirect, &document(&[("k", "v")]), None)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("still being deleted"), "{error}");
}
