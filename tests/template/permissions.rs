//! What the roles may do.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::template::{Template, permissions};

#[test]
fn nothing_can_delete_or_scan_the_table() {
    let template = Template::load();
    let allowed =
        ["BatchGetItem", "GetItem", "PutItem", "Query", "UpdateItem"].map(|name| format!("dynamodb:{name}"));
    for (id, role) in template.resources("AWS::IAM::Role") {
        for (action, resource) in permissions(role) {
            assert!(!action.contains('*'), "{id}: {action}");
            if action.starts_with("dynamodb:") {
                assert!(allowed.contains(&action), "{id}: {action}");
                let table = json!({ "Fn::GetAtt": ["Table", "Arn"] });
                // An index can only be asked, and is asked where questions are listed.
                let index = json!({ "Fn::Sub": "${Table.Arn}/index/open-reviews" });
                let is_index = id == "ReviewRole" && action == "dynamodb:Query" && resource == index;
                assert!(is_index || resource == table, "{id}: {action}");
            }
        }
    }
    assert!(!tests::repository::text(tests::template::FILE).contains("AmazonDynamoDBFullAccess"));
}

#[test]
fn every_function_may_call_what_it_calls() {
    let template = Template::load();
    let read = &["GetItem", "Query"];
    let full = &["BatchGetItem", "GetItem", "PutItem", "Query", "UpdateItem"];
    // A secret that the environment or Vault had is new to Secrets Manager when its token is replaced.
    let keep = &["CreateSecret", "GetSecretValue", "PutSecretValue"];
    let table: [(&str, &[&str], &[&str], bool); 14] = [
        ("authorizer", &[], &[], false),
        (
            "connect",
            &["GetItem", "PutItem", "Query", "UpdateItem"],
            &["CreateSecret", "DeleteSecret", "GetSecretValue", "PutSecretValue"],
            false,
        ),
        ("discovery", read, &[], true),
        ("discovery-task", &["GetItem", "PutItem", "Query", "UpdateItem"], keep, false),
        ("flags", &["GetItem", "PutItem", "Query", "UpdateItem"], &[], false),
        ("mapping", &["BatchGetItem", "GetItem", "PutItem", "Query"], &[], false),
        ("people", full, &[], false),
        ("renewal-task", &["GetItem", "PutItem", "Query", "UpdateItem"], keep, false),
        ("review", full, &[], false),
        ("run-steps", full, &[], false),
        ("schedule-task", &["GetItem", "PutItem", "Query", "UpdateItem"], &[], true),
        ("settings", &["GetItem", "PutItem", "Query"], &[], false),
        ("sync", full, keep, true),
        ("tenant-sync", full, keep, false),
    ];
    assert_eq!(template.functions().len(), table.len());
    for (binary, on_table, on_secrets, starts_machine) in table {
        let named = |service: &str, names: &[&str]| -> Vec<String> {
            names.iter().map(|name| format!("{service}:{name}")).collect()
        };
        let mut expected: BTreeSet<String> =
            named("logs", &["CreateLogStream", "PutLogEvents"]).into_iter().collect();
        expected.extend(named("dynamodb", on_table));
        expected.extend(named("secretsmanager", on_secrets));
        expected
            .extend(named("kms", if on_secrets.is_empty() { &[] } else { &["Decrypt", "GenerateDataKey"] }));
        // Its results go to the event bus.
        expected.extend((binary == "renewal-task").then(|| "events:PutEvents".to_owned()));
        expected.extend(starts_machine.then(|| "states:StartExecution".to_owned()));
        let allowed = template.function(binary).permissions();
        let allowed: BTreeSet<String> = allowed.into_iter().map(|(action, _)| action).collect();
        assert_eq!(allowed, expected, "{binary}");
    }
}

#[test]
fn every_permission_names_what_it_is_for() {
    let template = Template::load();
    for (id, role) in template.resources("AWS::IAM::Role") {
        for (action, resource) in permissions(role) {
            // The delivery of a state machine's log knows no resources.
            let is_delivery =
                ["SyncRunRole", "DiscoveryMachineRole"].contains(&id) && action.starts_with("logs:");
            assert_eq!(resource == "*", is_delivery, "{id}: {action}");
            if action.starts_with("kms:") {
                assert_eq!(resource, secret_key(), "{id}: {action}");
            }
            if action.starts_with("secretsmanager:") {
                for secret in tests::template::list(&resource) {
                    let secret = secret["Fn::Sub"].as_str().unwrap();
                    assert!(secret.contains(":secret:${SecretPrefix}/"), "{id}: {secret}");
                }
            }
        }
    }
}

/// Its own key, or the one that was given.
fn secret_key() -> Value {
    json!({ "Fn::If": ["MakesSecretKey", { "Fn::GetAtt": ["SecretKey", "Arn"] }, { "Ref": "SecretKeyArn" }] })
}

/// Whoever has a role cannot use the key by itself, nor through Secrets Manager for anybody else's secrets
/// (Secrets Manager User Guide, "Secret encryption and decryption": encryption context).
#[test]
fn the_key_serves_nothing_but_our_secrets() {
    let template = Template::load();
    let by = json!("secretsmanager.${AWS::Region}.${AWS::URLSuffix}");
    let secret =
        "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${SecretPrefix}/*";
    let mut roles = 0;
    for (id, role) in template.resources("AWS::IAM::Role") {
        for statement in tests::template::statements(role) {
            let actions = tests::template::list(&statement["Action"]);
            if !actions.iter().any(|action| action.as_str().unwrap().starts_with("kms:")) {
                continue;
            }
            roles += 1;
            let condition = json!({
                "StringEquals": { "kms:ViaService": { "Fn::Sub": by } },
                "StringLike": { "kms:EncryptionContext:SecretARN": { "Fn::Sub": secret } },
            });
            assert_eq!(statement["Condition"], condition, "{id}");
        }
    }
    assert_eq!(roles, 5);
}

/// Secrets outlive the stack, so does what they are encrypted with; and only this account decides about it.
#[test]
fn the_key_of_secrets_is_kept_and_rotated() {
    let template = Template::load();
    let key = &template.0["Resources"]["SecretKey"];
    assert_eq!((&key["Type"], &key["Condition"]), (&json!("AWS::KMS::Key"), &json!("MakesSecretKey")));
    assert_eq!((&key["DeletionPolicy"], &key["UpdateReplacePolicy"]), (&json!("Retain"), &json!("Retain")));
    assert_eq!(key["Properties"]["EnableKeyRotation"], true);
    let [statement] = &key["Properties"]["KeyPolicy"]["Statement"].as_array().unwrap()[..] else {
        panic!("{key}");
    };
    let account = json!({ "Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root" });
    assert_eq!(statement["Principal"], json!({ "AWS": account }));
    let condition = &template.0["Conditions"]["MakesSecretKey"];
    assert_eq!(condition, &json!({ "Fn::Equals": [{ "Ref": "SecretKeyArn" }, ""] }));
    for function in template.functions() {
        assert_eq!(function.environment()["SECRET_KMS_KEY_ID"], secret_key(), "{}", function.id);
    }
}

#[test]
fn every_function_has_a_role_of_its_own() {
    let template = Template::load();
    let functions = template.functions();
    let roles: BTreeSet<String> =
        functions.iter().map(|function| function.properties["Role"].to_string()).collect();
    assert_eq!(roles.len(), functions.len());
    assert!(functions.iter().all(|function| function.property("Policies") == &Value::Null));
}
