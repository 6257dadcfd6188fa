//! A part of a run is taken back: some fields of it, or what it did for one client.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{server::Server, tool::Folder, world::before_first_sync};

/// Contacts by their ids, with what the directory fills.
type Contacts = BTreeMap<String, Value>;

fn contacts(folder: &Folder) -> Contacts {
    let key = |contact: &Value| contact["contactNameId"].as_str().unwrap().to_owned();
    folder.export("contacts").into_iter().map(|contact| (key(&contact), contact)).collect()
}

/// A sync that wrote roles and names over those that somebody had typed.
struct Synced {
    folder: Folder,
    run: String,
    before: Contacts,
    after: Contacts,
}

impl Synced {
    fn new() -> Self {
        let folder = before_first_sync();
        let typed: Vec<Value> = contacts(&folder)
            .into_values()
            .map(|mut contact| {
                contact["role"] = json!("Typed by hand");
                contact["fullName"] = json!(format!("{} (typed)", contact["fullName"].as_str().unwrap()));
                contact
            })
            .collect();
        folder.write("typed.json", json!(typed).to_string());
        folder.json(&["import", "contacts", "typed.json"]);
        folder.run(&["settings", "--field", "display-name=always", "--field", "role=always"]).succeeded();
        let before = contacts(&folder);
        let sync = folder.json(&["sync"]);
        let run = sync["run"]["runId"].as_str().unwrap().to_owned();
        let after = contacts(&folder);
        Self { folder, run, before, after }
    }

    /// That exactly `field` went back, in some contact, and everything else is as the sync left it.
    #[track_caller]
    fn went_back(&self, field: &str) {
        let now = contacts(&self.folder);
        let mut went_back = 0;
        for (id, before) in &self.before {
            let mut expected = self.after[id].clone();
            went_back += usize::from(expected[field] != before[field]);
            expected[field] = before[field].clone();
            for shown in ["role", "fullName", "isInactive", "entraObjectId"] {
                assert_eq!(now[id][shown], expected[shown], "{shown} of {id}");
            }
        }
        assert!(went_back > 0, "the sync has written it");
    }
}

#[test]
fn one_field_is_taken_back_by_its_name_in_the_lines_the_api_and_the_settings() {
    for name in ["role", "jobTitle"] {
        let synced = Synced::new();
        synced.folder.json(&["runs", "undo", &synced.run, "--field", name]);
        synced.went_back("role");
    }
    for name in ["full name", "fullName", "display-name"] {
        let synced = Synced::new();
        synced.folder.json(&["runs", "undo", &synced.run, "--field", name]);
        synced.went_back("fullName");
    }
}

#[test]
fn one_field_is_taken_back_over_http() {
    let synced = Synced::new();
    let server = Server::start(&synced.folder);
    let path = format!("/sync/runs/{}/undo", synced.run);
    server.post(&path, r#"{"fields":["fax"]}"#).refuses(400, "unknown_field");
    let started = server.post(&path, r#"{"fields":["fullName"]}"#);
    assert_eq!(started.status, 202, "{started:#?}");
    let undo = server.ended_run(&started);
    assert!(undo["run"]["summary"]["restored"].as_u64() > Some(0), "{undo}");
    server.interrupt();
    server.ended().succeeded();
    synced.went_back("fullName");
}

#[test]
fn a_field_that_is_none_is_refused_with_those_there_are() {
    let folder = Folder::new();
    let run = "00000000-0000-7000-8000-000000000000";
    let ended = folder.run(&["runs", "undo", run, "--field", "fax"]);
    for name in
        ["fullName", "email", "phones", "role", "department", "office", "company", "userPrincipalName"]
    {
        assert!(ended.stderr.contains(&format!("`{name}`")), "{}", ended.stderr);
    }
    ended.refused("fax");
}

#[test]
fn what_a_run_did_for_one_client_is_taken_back_alone() {
    let synced = Synced::new();
    let of = |client: &Value| {
        let contacts = synced.after.values();
        contacts.filter(|it| it["clientId"] == *client && !it["entraObjectId"].is_null()).count()
    };
    let client = synced.after.values().map(|contact| &contact["clientId"]).max_by_key(|id| of(id)).unwrap();
    let shown = client.as_str().unwrap();
    let undo = synced.folder.json(&["runs", "undo", &synced.run, "--client", shown]);
    assert_eq!((&undo["run"]["scopeClientId"], &undo["run"]["totalTenants"]), (client, &json!(1)));
    assert_eq!(undo["run"]["summary"]["restored"], of(client));
    for (id, now) in contacts(&synced.folder) {
        if now["clientId"] == *client {
            assert!(now["entraObjectId"].is_null(), "{now}");
        } else {
            assert_eq!(now, synced.after[&id]);
        }
    }
}

fn preview(synced: &Synced, arguments: &[&str]) -> Value {
    let command = ["runs", "undo", &synced.run, "--preview", "--output", "json"];
    synced.folder.run(&[&command[..], arguments].concat()).ended_with(2).document()
}

fn run_of(document: &Value) -> &str {
    document["run"]["runId"].as_str().unwrap()
}

#[test]
fn a_preview_of_an_undo_has_its_lines_and_writes_nothing() {
    for part in [&[][..], &["--field", "role"]] {
        let synced = Synced::new();
        let planned = preview(&synced, part);
        let run = &planned["run"];
        assert_eq!((&run["runType"], &run["isDryRun"]), (&json!("preflight"), &json!(true)));
        assert_eq!((&run["takesBack"], &run["sourceRunId"]), (&json!(true), &json!(synced.run)));
        assert_eq!(contacts(&synced.folder), synced.after, "nothing was written");
        synced.folder.run(&["runs", "undo", run_of(&planned)]).failed_with("nothing_to_undo");
        let undone = synced.folder.json(&[&["runs", "undo", &synced.run], part].concat());
        assert_eq!(synced.folder.json(&["runs", "lines", run_of(&undone)]), planned["lines"]);
        assert_eq!(undone["run"]["summary"]["restored"], planned["run"]["summary"]["restored"]);
    }
}

#[test]
fn a_preview_of_an_undo_is_applied_exactly_and_can_be_taken_back() {
    let synced = Synced::new();
    // An undo needs no mapping, and neither does its preview.
    let sync = synced.folder.json(&["runs", "show", &synced.run]);
    let tenant = sync["tenantResults"][0]["managedTenantId"].as_str().unwrap();
    synced.folder.json(&["map", "--unmap", tenant]);
    let planned = preview(&synced, &[]);
    let undone = synced.folder.json(&["runs", "apply", run_of(&planned)]);
    assert_eq!((&undone["run"]["runType"], &undone["run"]["status"]), (&json!("undo"), &json!("completed")));
    assert_eq!(undone["run"]["summary"]["restored"], planned["run"]["summary"]["restored"]);
    assert_eq!(synced.folder.json(&["runs", "lines", run_of(&undone)]), planned["lines"]);
    let shown = ["role", "fullName", "isInactive", "entraObjectId"];
    let now = contacts(&synced.folder);
    for (id, before) in &synced.before {
        assert!(shown.iter().all(|field| now[id][field] == before[field]), "{before}");
    }
    synced.folder.json(&["runs", "undo", run_of(&undone)]);
    let again = contacts(&synced.folder);
    for (id, after) in &synced.after {
        assert!(shown.iter().all(|field| again[id][field] == after[field]), "{after}");
    }
}

#[test]
fn what_somebody_changes_after_the_preview_of_an_undo_stays() {
    let synced = Synced::new();
    let planned = preview(&synced, &["--field", "fullName"]);
    let lines = planned["lines"].as_array().unwrap();
    let edited = lines[0]["contactNameId"].as_str().unwrap();
    let mut contact = synced.after[edited].clone();
    contact["fullName"] = json!("Renamed since");
    synced.folder.write("renamed.json", json!([contact]).to_string());
    synced.folder.json(&["import", "contacts", "renamed.json"]);
    let undone = synced.folder.json(&["runs", "apply", run_of(&planned)]);
    assert_eq!(undone["run"]["summary"]["stale"], 1);
    let now = contacts(&synced.folder);
    assert_eq!(now[edited]["fullName"], "Renamed since");
    for line in &lines[1..] {
        let id = line["contactNameId"].as_str().unwrap();
        assert_eq!(now[id]["fullName"], synced.before[id]["fullName"]);
    }
}

#[test]
fn an_undo_is_previewed_over_http() {
    let synced = Synced::new();
    let server = Server::start(&synced.folder);
    let path = format!("/sync/runs/{}/undo", synced.run);
    let started = server.post(&path, r#"{"fields":["role"],"preview":true}"#);
    assert_eq!((started.status, &started.json()["data"]["isDryRun"]), (202, &json!(true)), "{started:#?}");
    let planned = server.ended_run(&started);
    assert!(planned["run"]["summary"]["restored"].as_u64() > Some(0), "{planned}");
    assert_eq!(planned["run"]["takesBack"], true);
    let applied = server.post(&format!("/sync/runs/{}/apply", run_of(&planned)), "{}");
    assert_eq!(applied.json()["data"]["isDryRun"], false, "{applied:#?}");
    let undone = server.ended_run(&applied);
    assert_eq!(undone["run"]["summary"]["restored"], planned["run"]["summary"]["restored"]);
    server.interrupt();
    server.ended().succeeded();
    synced.went_back("role");
}
