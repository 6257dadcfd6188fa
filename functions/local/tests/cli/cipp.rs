//! A workspace that is connected through CIPP, from the connection to the second sync.

use std::process::Command;

use fake_microsoft::{CIPP_CLIENT_ID, CIPP_CLIENT_SECRET, WorldConfig};
use serde_json::{Value, json};

use crate::{
    server::Server,
    tool::{Ended, Folder},
    world::{after_demo, json_lines, same_msp},
};

/// An MSP with clients, and nothing else yet.
fn with_clients() -> Folder {
    let (demo, _) = after_demo();
    let folder = same_msp(&demo);
    folder.write("clients.jsonl", json_lines(&demo.export("clients")));
    folder.json(&["import", "clients", "clients.jsonl"]);
    folder
}

/// Where the invented CIPP listens, as long as a command runs.
fn deployment(folder: &Folder) -> String {
    format!("http://127.0.0.1:{}", folder.json_file("profile.json")["fake"]["port"])
}

#[test]
fn from_nothing_to_the_second_sync_over_http() {
    let (demo, _) = after_demo();
    let folder = same_msp(&demo);
    let server = Server::start(&folder);
    let clients = server.post("/clients/import", &json!(demo.export("clients")).to_string());
    assert_eq!(clients.status, 200, "{clients:#?}");
    let body = json!({ "connectionType": "cipp", "baseUrl": deployment(&folder),
        "tenantId": WorldConfig::sample(7, &[]).partner.to_string(),
        "clientId": CIPP_CLIENT_ID, "clientSecret": CIPP_CLIENT_SECRET });
    let connected = server.post("/connect", &body.to_string());
    assert_eq!(connected.status, 200, "{connected:#?}");
    assert_eq!(connected.json()["data"]["connectionType"], "cipp");
    let valid = server.post("/validate-cipp", "{}");
    assert_eq!((valid.status, &valid.json()["data"]["valid"]), (200, &json!(true)));
    let found = server.post("/discovery", "{}");
    assert_eq!(
        (found.status, &found.json()["data"]["discoveredTenantCount"]),
        (200, &json!(4)),
        "{found:#?}"
    );
    let preview = server.get("/mappings/preview").json()["data"]["autoMatched"].clone();
    let decision = |tenant: &Value| {
        json!({ "managedTenantId": tenant["managedTenantId"], "clientId": tenant["match"]["clientId"],
            "mappingState": "mapped" })
    };
    let decisions: Vec<Value> = preview.as_array().unwrap().iter().map(decision).collect();
    assert_eq!(decisions.len(), 4);
    let confirmed = server.post("/mappings/confirm", &json!({ "mappings": decisions }).to_string());
    assert_eq!(confirmed.status, 200, "{confirmed:#?}");

    let shown = server.ended_run(&server.post("/sync", r#"{"scope":"initial"}"#));
    assert_eq!(shown["run"]["status"], "completed", "{shown:#}");
    assert_eq!(shown["run"]["summary"]["read"], 60);
    assert!(shown["run"]["summary"]["created"].as_u64() > Some(0), "{shown:#}");
    let again = server.ended_run(&server.post("/sync", r#"{"scope":"all-tenants"}"#));
    assert_eq!(
        (&again["run"]["status"], &again["run"]["summary"]["created"]),
        (&json!("completed"), &json!(0))
    );
    let scheduled = server.post("/schedule", r#"{"syncEnabled":true,"syncIntervalMinutes":60}"#).json();
    assert!(scheduled["data"]["nextRunAt"].is_string(), "{scheduled:#}");
    let given_up = server.post("/disconnect", "{}");
    assert_eq!(given_up.status, 200);
    // Nothing begins by itself any more; the operator's word stays.
    let stopped = server.get("/schedule").json()["data"].clone();
    assert_eq!((&stopped["syncEnabled"], &stopped["nextRunAt"]), (&json!(true), &Value::Null));
    assert_eq!(stopped["stoppedBy"], "not_connected");
    server.interrupt();
    let ended = server.ended().succeeded();
    assert!(!ended.stderr.contains(CIPP_CLIENT_SECRET));
    let kept = folder.files();
    assert!(kept.iter().all(|(_, content)| {
        !content.windows(CIPP_CLIENT_SECRET.len()).any(|window| window == CIPP_CLIENT_SECRET.as_bytes())
    }));
}

#[test]
fn the_command_connects_through_cipp() {
    let folder = with_clients();
    let connected = folder.json(&["connect", "cipp"]);
    assert_eq!((&connected["connectionType"], &connected["managedTenantCount"]), (&json!("cipp"), &json!(4)));
    assert_eq!(folder.json(&["discover"])["discoveredTenantCount"], 4);
    assert_eq!(folder.json(&["map", "--auto"])["summary"]["mapped"], 4);
    let sync = folder.json(&["sync"]);
    assert_eq!(sync["run"]["summary"]["read"], 60, "{sync:#}");
    // And back again: the direct connection takes its place.
    assert_eq!(folder.json(&["connect"])["connectionType"], "direct");
    assert!(!folder.files().iter().any(|(name, _)| name.ends_with("entra-cipp.json")));
}

#[test]
fn addresses_of_this_machine_are_for_development_only() {
    let folder = Folder::new();
    let run = |environment: &[(&str, &str)], url: &str| -> Ended {
        folder.write("token", "CANARY-opaque");
        let mut command: Command = folder.command(&["connect", "cipp", "--url", url, "--token", "token"]);
        command.env("LOG_LEVEL", "trace").envs(environment.iter().copied());
        let ended = Ended::from(command.output().unwrap());
        assert!(!ended.stderr.contains("CANARY"), "{ended:#?}");
        ended
    };
    run(&[], "http://127.0.0.1:9").failed_with("invalid_base_url");
    run(&[], "https://169.254.169.254").failed_with("invalid_base_url");
    run(&[("CIPP_ON_THIS_MACHINE", "true")], "https://169.254.169.254").failed_with("invalid_base_url");
    run(&[("CIPP_ON_THIS_MACHINE", "true")], "http://127.0.0.1:9").failed_with("validation_failed");
    run(&[("CIPP_ON_THIS_MACHINE", "perhaps")], "http://127.0.0.1:9").ended_with(1);
}
