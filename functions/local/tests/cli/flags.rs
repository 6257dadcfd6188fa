//! `flags`, and what they mean for `serve` and for the commands of this machine.

use std::fs;

use serde_json::{Value, json};

use crate::{
    http::ask_with,
    server::Server,
    tool::Folder,
    world::{after_demo, before_first_sync},
};

const FLAGS: &str = "/api/v1/platform-feature-flags";

fn on(folder: &Folder, arguments: &[&str]) -> Vec<(String, bool)> {
    let listed = folder.json(arguments);
    let one = |flag: &Value| (flag["key"].as_str().unwrap().to_owned(), flag["on"].as_bool().unwrap());
    listed.as_array().unwrap().iter().map(one).collect()
}

#[test]
fn everything_is_on_until_it_is_switched_off() {
    let folder = Folder::new();
    assert!(on(&folder, &["flags"]).iter().all(|(_, on)| *on));
    let queue = "entra-integration-ambiguous-queue";
    let switched = on(&folder, &["flags", "off", queue]);
    assert!(switched.iter().all(|(key, on)| *on == (key != queue)), "{switched:?}");
    assert!(on(&folder, &["flags", "on"]).iter().all(|(_, on)| *on));
    assert!(on(&folder, &["flags", "off"]).iter().all(|(_, on)| !on));
    assert_eq!(on(&folder, &["flags", "list"]).len(), 5);
    let refused = folder.run(&["flags", "off", "entra-integration"]);
    assert_eq!(refused.code, Some(1), "{refused:#?}");
}

#[test]
fn the_server_shows_everything_until_something_is_switched_off() {
    let folder = before_first_sync();
    let server = Server::start(&folder);
    assert_eq!((server.get("").status, server.get("/reconciliation-queue").status), (200, 200));
    drop(server);
    folder.json(&["flags", "off", "entra-integration-ambiguous-queue"]);
    let server = Server::start(&folder);
    assert_eq!(server.get("").status, 200);
    server.get("/reconciliation-queue").refuses(404, "feature_disabled");
    drop(server);
    folder.json(&["flags", "off"]);
    let server = Server::start(&folder);
    server.get("").refuses(404, "integration_disabled");
    drop(server);
    // Whoever works at the machine is not asked for flags.
    folder.json(&["settings"]);
    folder.json(&["review", "list"]);
}

#[test]
fn the_key_of_the_folder_decides_about_flags() {
    let (folder, _) = after_demo();
    let server = Server::start(&folder);
    let key = fs::read_to_string(folder.data().join("flags-key")).unwrap();
    let ask = |key: &str, method: &str, below: &str, body: &str| {
        let headers = format!("x-api-key: {key}\r\n");
        ask_with(server.port, method, &format!("{FLAGS}{below}"), &headers, Some(body))
    };
    ask("another", "POST", "", r#"{"__action":"ensure_entra_phase1_flags"}"#)
        .refuses(403, "master_workspace_only");
    let ensured = ask(&key, "POST", "", r#"{"__action":"ensure_entra_phase1_flags"}"#);
    assert_eq!(ensured.json()["data"]["createdKeys"], json!([]), "{ensured:#?}");
    let workspace: Value =
        serde_json::from_slice(&fs::read(folder.data().join("profile.json")).unwrap()).unwrap();
    let of = |action: &str| json!({ "__action": action, "tenantId": workspace["workspace"] }).to_string();
    let runs = server.get("/sync/runs").json();
    let off = ask(&key, "POST", "/entra-integration-ui/tenants", &of("remove"));
    assert_eq!(off.status, 200, "{off:#?}");
    server.get("/sync/runs").refuses(404, "integration_disabled");
    server.post("/sync", r#"{"scope":"all-tenants"}"#).refuses(404, "integration_disabled");
    assert_eq!(ask(&key, "POST", "/entra-integration-ui/tenants", &of("add")).status, 200);
    assert_eq!(server.get("/sync/runs").json(), runs, "nothing was lost");
}
