//! What Vault is asked, what its refusals become, and that the fake is as strict as it should be.

use std::time::Duration;

use axum::http::Method;
use secrets::{
    Family, Provider, ProviderName, Scope, SecretError, VaultPath, VaultProvider, VaultToken, key,
};
use serde_json::{Value, json};

use crate::{
    CANARY, client, document,
    fake_vault::{FakeVault, TOKEN},
    scope,
};

const FAMILY: Family = Family::EntraDirect;
const PATH: &str = "entra-sync/00000000-0000-0000-0000-000000000001/entra-direct";

fn reason(error: &SecretError) -> &str {
    let SecretError::Unavailable { reason, provider: ProviderName::Vault, .. } = error else {
        panic!("{error}")
    };
    reason
}

#[tokio::test]
async fn requests_name_one_secret_and_the_version_they_replace() {
    let fake = FakeVault::start();
    let provider = fake.provider();
    let first = document(&[(key::DIRECT_REFRESH_TOKEN, "r1"), (key::DIRECT_TOKEN_SCOPE, "s")]);
    let version = provider.write(scope(1), FAMILY, &first, None).await.unwrap();
    let second = document(&[(key::DIRECT_REFRESH_TOKEN, "r2")]);
    provider.write(scope(1), FAMILY, &second, Some(&version)).await.unwrap();
    provider.delete(scope(1), FAMILY).await.unwrap();
    provider.read(Scope::App, Family::Service).await.unwrap();

    let data = format!("/v1/secret/data/{PATH}");
    let expected = [
        (
            Method::POST,
            data.clone(),
            json!({
                "options": { "cas": 0 },
                "data": { "entra_direct_refresh_token": "r1", "entra_direct_token_scope": "s" },
            }),
        ),
        (
            Method::POST,
            data.clone(),
            json!({ "options": { "cas": 1 }, "data": { "entra_direct_refresh_token": "r2" } }),
        ),
        (Method::GET, format!("/v1/secret/metadata/{PATH}"), Value::Null),
        (Method::POST, data, json!({ "options": { "cas": 2 }, "data": {} })),
        (Method::POST, format!("/v1/secret/destroy/{PATH}"), json!({ "versions": [1, 2, 3] })),
        (Method::GET, "/v1/secret/data/entra-sync/app/service".to_owned(), Value::Null),
    ];
    let requests = fake.requests().into_iter().map(|asked| (asked.method, asked.path, asked.body));
    assert_eq!(requests.collect::<Vec<_>>(), expected);
    assert_eq!(fake.remains(), "");
}

/// Each state the path can be in by hand, and what a first write finds there.
#[tokio::test]
async fn what_was_removed_by_hand_is_gone_and_its_numbers_go_on() {
    let fake = FakeVault::start();
    let provider = fake.provider();
    let (old, new) = (document(&[("k", "old")]), document(&[("k", "new")]));
    provider.write(scope(1), FAMILY, &old, None).await.unwrap();
    fake.soft_delete(PATH);
    assert!(provider.read(scope(1), FAMILY).await.unwrap().is_none());
    let second = provider.write(scope(1), FAMILY, &new, None).await.unwrap();
    assert_eq!(fake.requests().last().unwrap().body["options"]["cas"], 1);
    assert_eq!(provider.read(scope(1), FAMILY).await.unwrap().unwrap().version, second);

    // What could be undeleted is destroyed with the rest.
    assert!(fake.remains().contains("old"));
    fake.soft_delete(PATH);
    provider.delete(scope(1), FAMILY).await.unwrap();
    assert_eq!(fake.remains(), "");
    let asked = fake.requests().len();
    provider.delete(scope(1), FAMILY).await.unwrap();
    assert_eq!(fake.requests().len(), asked + 1, "nothing was left to remove");

    // Numbers begin again: no version from before is one of the new ones.
    provider.write(scope(1), FAMILY, &old, None).await.unwrap();
    fake.forget(PATH);
    assert!(provider.read(scope(1), FAMILY).await.unwrap().is_none());
    let late = provider.write(scope(1), FAMILY, &new, Some(&second)).await;
    assert!(matches!(late, Err(SecretError::Conflict { .. })));
    provider.write(scope(1), FAMILY, &new, None).await.unwrap();
}

/// A removal that ended between its two writes: nobody reads the secret, and the next one finishes.
#[tokio::test]
async fn a_removal_that_was_cut_off_is_finished_by_the_next() {
    let fake = FakeVault::start();
    let provider = fake.provider();
    provider.write(scope(1), FAMILY, &document(&[("k", CANARY)]), None).await.unwrap();
    let metadata = json!({ "data": { "current_version": 1, "versions": { "1": { "destroyed": false } } } });
    fake.answer(200, metadata.clone());
    fake.answer(200, json!({ "data": { "version": 2 } }));
    fake.answer(503, json!({ "errors": ["Vault is sealed"] }));
    let error = provider.delete(scope(1), FAMILY).await.unwrap_err();
    assert_eq!(reason(&error), "503: it is sealed, in standby or in maintenance");
    provider.delete(scope(1), FAMILY).await.unwrap();
    assert_eq!(fake.remains(), "");

    // Somebody who writes meanwhile: his document goes, too; but not for ever.
    for _ in 0..3 {
        fake.answer(200, metadata.clone());
        fake.answer(400, json!({ "errors": ["check-and-set parameter did not match the current version"] }));
    }
    let error = provider.delete(scope(1), FAMILY).await.unwrap_err();
    assert_eq!(reason(&error), "others keep writing it");
}

#[tokio::test]
async fn every_status_has_its_meaning_and_none_is_absence() {
    let errors = |words: &str| json!({ "errors": [words] });
    let unintelligible = "an answer that cannot be understood";
    for (status, body, expected) in [
        (
            307,
            Value::Null,
            "307: it leads to another server; VAULT_ADDR has to be the address of the active one",
        ),
        (400, errors(CANARY), "400: it does not understand the request"),
        (400, Value::Null, "400: it does not understand the request"),
        (403, errors("permission denied"), "403: the token is missing, has ended, or may not do this"),
        (404, errors("no handler for route"), "404: nothing is mounted there"),
        (404, json!("<html>"), "404: nothing is mounted there"),
        (405, errors(CANARY), "405: an answer that cannot be understood"),
        (412, errors(CANARY), "412: it is in standby and not up to date"),
        (429, errors(CANARY), "429: it limits requests"),
        (472, Value::Null, "472: it is in standby and not up to date"),
        (500, errors(CANARY), "500: it has failed"),
        (502, Value::Null, "502: it has failed"),
        (503, errors("Vault is sealed"), "503: it is sealed, in standby or in maintenance"),
        (200, json!({ "data": CANARY }), unintelligible),
        (200, json!({ "data": { "data": { "k": CANARY } } }), unintelligible),
        (200, Value::Null, unintelligible),
    ] {
        let fake = FakeVault::start();
        let provider = fake.provider();
        let version = provider.write(scope(2), FAMILY, &document(&[("k", "v")]), None).await.unwrap();
        for call in ["read", "write", "delete"] {
            fake.answer(status, body.clone());
            let result = match call {
                "read" => provider.read(scope(2), FAMILY).await.map(|_| ()),
                "write" => {
                    let next = document(&[("k", CANARY)]);
                    provider.write(scope(2), FAMILY, &next, Some(&version)).await.map(|_| ())
                }
                _ => provider.delete(scope(2), FAMILY).await,
            };
            let error = result.unwrap_err();
            assert_eq!(reason(&error), expected, "{call}: {status} {body}");
            assert!(!format!("{error:?} {error} {}", error.remedy()).contains("CANARY"));
        }
        let kept = provider.read(scope(2), FAMILY).await.unwrap().unwrap();
        assert_eq!(kept.document.plain("k"), Some("v"), "nothing was changed");
    }
}

#[tokio::test]
async fn an_engine_of_version_1_is_recognised_when_it_takes_a_write() {
    let fake = FakeVault::start();
    fake.answer(204, Value::Null);
    let error = fake.provider().write(scope(1), FAMILY, &document(&[("k", "v")]), None).await.unwrap_err();
    assert_eq!(reason(&error), "what is mounted there is not KV version 2");
}

#[tokio::test]
async fn what_is_no_document_is_malformed_and_can_be_removed() {
    let fake = FakeVault::start();
    let provider = fake.provider();
    provider.write(scope(1), FAMILY, &document(&[("k", "v")]), None).await.unwrap();
    let odd = json!({ "data": { "data": { "k": { "v": CANARY } }, "metadata": { "version": 1 } } });
    fake.answer(200, odd);
    let error = provider.read(scope(1), FAMILY).await.unwrap_err();
    assert!(matches!(error, SecretError::Malformed { .. }), "{error}");
    assert!(!format!("{error:?} {error}").contains(CANARY));
    provider.delete(scope(1), FAMILY).await.unwrap();
    assert!(provider.read(scope(1), FAMILY).await.unwrap().is_none());
}

#[tokio::test]
async fn nobody_there_is_no_connection() {
    let mut settings = FakeVault::start().settings();
    // Nobody can listen on it.
    settings.address = "http://127.0.0.1:1".to_owned();
    let error = VaultProvider::new(client(), settings).read(scope(1), FAMILY).await.unwrap_err();
    assert_eq!(reason(&error), "no connection");
}

#[tokio::test]
async fn the_token_comes_from_where_it_was_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let fake = FakeVault::start();
    let with = |token| {
        VaultProvider::new(client(), {
            let mut settings = fake.settings();
            settings.token = token;
            settings.namespace = VaultPath::parse("team/psa/");
            settings
        })
    };
    let from_file = with(VaultToken::File(file.clone()));
    let error = from_file.read(scope(1), FAMILY).await.unwrap_err();
    assert_eq!(reason(&error), "the token file cannot be read");
    for (text, expected) in [
        (" \n", Some("the token is not one")),
        ("hvs.CANARY\nhvs.CANARY", Some("the token is not one")),
        ("hvs.other", Some("403: the token is missing, has ended, or may not do this")),
        // Replaced by whoever renews it: seen with the next call.
        ("hvs.CANARY-7f1e2a3b\n", None),
    ] {
        std::fs::write(&file, text).unwrap();
        let error = from_file.read(scope(1), FAMILY).await.err();
        assert_eq!(error.as_ref().map(reason), expected);
        assert!(!format!("{error:?}").contains("CANARY"));
    }
    let asked = fake.requests().pop().unwrap().headers;
    assert_eq!(
        (&asked["x-vault-token"], &asked["x-vault-namespace"]),
        (&TOKEN.parse().unwrap(), &"team/psa".parse().unwrap())
    );

    let error = with(VaultToken::OfTheAgent).read(scope(1), FAMILY).await.unwrap_err();
    assert_eq!(reason(&error), "403: the token is missing, has ended, or may not do this");
    assert!(!fake.requests().pop().unwrap().headers.contains_key("x-vault-token"));
}

#[tokio::test]
async fn the_token_is_never_shown() {
    let fake = FakeVault::start();
    let shown = format!("{:?} {:?}", fake.provider(), fake.settings());
    assert!(!shown.contains("CANARY") && !shown.contains("hvs."), "{shown}");
}

/// The fake refuses what a real server refuses.
#[tokio::test]
async fn the_fake_is_strict() {
    let fake = FakeVault::start();
    let ask = async |method: Method, path: &str, token: &str, body: Value| {
        let request = client().request(method, format!("{}/v1/{path}", fake.address));
        let request = request.header("x-vault-token", token).header("x-vault-request", "true");
        let request = request.timeout(Duration::from_secs(5)).json(&body);
        request.send().await.unwrap().status().as_u16()
    };
    let first = json!({ "options": { "cas": 0 }, "data": {} });
    for (method, path, token, body, expected) in [
        (Method::GET, "secret/data/a", "other", json!({}), 403),
        (Method::GET, "kv/data/a", TOKEN, json!({}), 404),
        (Method::GET, "secret/data/a", TOKEN, json!({}), 404),
        (Method::DELETE, "secret/metadata/a", TOKEN, json!({}), 405),
        (Method::POST, "secret/data/a", TOKEN, json!({ "data": {} }), 400),
        (Method::POST, "secret/data/a", TOKEN, json!({ "options": {}, "data": {} }), 400),
        (Method::POST, "secret/data/a", TOKEN, json!({ "options": { "cas": 0 } }), 400),
        (Method::POST, "secret/data/a", TOKEN, json!({ "options": { "cas": 0 }, "data": {}, "x": 1 }), 400),
        (Method::POST, "secret/data/a", TOKEN, json!({ "options": { "cas": 1 }, "data": {} }), 400),
        (Method::POST, "secret/data/a", TOKEN, first.clone(), 200),
        (Method::POST, "secret/data/a", TOKEN, first, 400),
        (Method::POST, "secret/destroy/a", TOKEN, json!({ "versions": [] }), 400),
        (Method::POST, "secret/destroy/a", TOKEN, json!({ "versions": [1] }), 204),
        (Method::GET, "secret/data/a", TOKEN, json!({}), 404),
        (Method::GET, "secret/metadata/a", TOKEN, json!({}), 200),
    ] {
        assert_eq!(ask(method.clone(), path, token, body.clone()).await, expected, "{method} {path} {body}");
    }
}
