//! `explain`: why one person is treated as they are.

use serde_json::{Value, json};

use crate::{server::Server, tool::Folder, world::before_first_sync};

fn run_of(document: &Value) -> &str {
    document["run"]["runId"].as_str().unwrap()
}

#[test]
fn a_person_is_explained_before_and_after_a_sync() {
    let folder = before_first_sync();
    let preview = folder.run(&["preview", "--output", "json"]).ended_with(2).document();
    let lines = preview["lines"].as_array().unwrap();
    let before = (folder.export("contacts"), folder.json(&["runs"]));
    for action in ["create", "link", "exclude"] {
        let line = lines.iter().find(|line| line["action"] == action).unwrap();
        let person = line["entraObjectId"].as_str().unwrap();
        let tenant = tenant_of(&folder, &preview, person);
        let explained = folder.json(&["explain", person, "--tenant", &tenant]);
        assert_eq!(explained["lines"], json!([line]), "the line of the preview, word for word");
        assert_eq!(explained["last"]["lineId"], line["lineId"], "the preview has said so");
        let decided = explained["steps"].as_array().unwrap().iter().filter(|step| step["decided"] == true);
        assert_eq!(decided.count(), 1);
    }
    assert_eq!((folder.export("contacts"), folder.json(&["runs"])), before, "nothing is written");

    let sync = folder.json(&["sync"]);
    let created = lines.iter().find(|line| line["action"] == "create").unwrap();
    // The address says whose tenant it is.
    let address = created["email"].as_str().unwrap();
    let explained = folder.json(&["explain", address]);
    assert_eq!((&explained["outcome"], &explained["inDirectory"]), (&json!("unchanged"), &json!(true)));
    assert_eq!(explained["entraObjectId"], created["entraObjectId"]);
    assert_eq!(explained["lines"], json!([]));
    for field in explained["fields"].as_array().unwrap() {
        assert_eq!(field["origin"], "synced", "{field}");
        assert_eq!(field["writtenBy"]["runId"], run_of(&sync), "{field}");
    }
    let text = folder.run(&["explain", address]).succeeded().stdout;
    assert_eq!(text.trim_end(), explained["text"].as_str().unwrap().trim_end());
    for part in ["What was looked at", "Fields", "Where the values are from", "What the last run said"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn one_person_is_previewed_and_synced_by_address() {
    let folder = before_first_sync();
    let preview = folder.run(&["preview", "--output", "json"]).ended_with(2).document();
    let created =
        preview["lines"].as_array().unwrap().iter().find(|line| line["action"] == "create").unwrap();
    let address = created["email"].as_str().unwrap();
    let one = folder.run(&["preview", "--person", address, "--output", "json"]).ended_with(2).document();
    assert_eq!(one["lines"], json!([created]), "the line of the preview of everybody");
    let refused = folder.run(&["sync", "--person", address]).ended_with(1);
    assert!(refused.stdout.contains("never_synced"), "{}", refused.stdout);

    folder.json(&["sync"]);
    let ended = folder.json(&["sync", "--person", address]);
    assert_eq!(ended["run"]["scopeObjectId"], created["entraObjectId"]);
    assert_eq!(
        (&ended["run"]["status"], &ended["run"]["runType"]),
        (&json!("completed"), &json!("single-tenant"))
    );
    let refused = folder.run(&["sync", "--person", "nobody@nowhere.example"]).ended_with(1);
    assert!(refused.stderr.contains("tenant_missing"), "{}", refused.stderr);
}

#[test]
fn who_cannot_be_explained_is_told_why() {
    let folder = before_first_sync();
    let nobody = "00000000-0000-4000-8000-000000000000";
    for (arguments, code) in [
        (vec!["explain", "nobody@nowhere.example"], "tenant_missing"),
        (vec!["explain", nobody, "--tenant", nobody], "unknown_tenant"),
    ] {
        let ended = folder.run(&arguments).ended_with(1);
        assert!(ended.stderr.contains(code), "{arguments:?}: {}", ended.stderr);
    }
}

#[test]
fn the_api_explains_to_whoever_may_read() {
    let folder = before_first_sync();
    let sync = folder.json(&["sync"]);
    let line = folder.json(&["runs", "lines", run_of(&sync)])[0].clone();
    let person = line["entraObjectId"].as_str().unwrap();
    let tenant = tenant_of(&folder, &sync, person);
    let server = Server::start(&folder);
    let path = |tenant: &str, person: &str| format!("/sync/explain?managedTenantId={tenant}&person={person}");
    let answer = server.get(&path(&tenant, person));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["data"]["entraObjectId"], line["entraObjectId"]);
    let nobody = "00000000-0000-4000-8000-000000000000";
    for (path, status, code) in [
        (path(&tenant, nobody), 404, "unknown_person"),
        (path(nobody, person), 404, "unknown_tenant"),
        ("/sync/explain".to_owned(), 400, "person_missing"),
        (path("x", person), 400, "invalid_id"),
    ] {
        let answer = server.get(&path);
        assert_eq!((answer.status, &answer.json()["code"]), (status, &json!(code)), "{path}");
    }
}

/// The tenant of a run in whose lines the person is.
fn tenant_of(folder: &Folder, run: &Value, person: &str) -> String {
    let tenants = run["tenantResults"].as_array().unwrap().iter();
    let mut tenants = tenants.map(|result| result["managedTenantId"].as_str().unwrap().to_owned());
    let is_theirs = |tenant: &String| {
        let lines = folder.json(&["runs", "lines", run_of(run), "--tenant", tenant]);
        lines.as_array().unwrap().iter().any(|line| line["entraObjectId"] == person)
    };
    tenants.find(is_theirs).unwrap()
}

#[test]
fn nobody_of_a_tenant_without_a_client_is_explained() {
    let folder = before_first_sync();
    let preview = folder.run(&["preview", "--output", "json"]).ended_with(2).document();
    let line = &preview["lines"][0];
    let person = line["entraObjectId"].as_str().unwrap();
    let tenant = tenant_of(&folder, &preview, person);
    folder.json(&["map", "--unmap", &tenant]);
    folder.run(&["explain", person, "--tenant", &tenant]).failed_with("not_mapped");
}
