//! Rules are tried out before anybody saves them: the preview has the lines that one would have after saving.

use serde_json::{Value, json};

use crate::{server::Server, tool::Folder, world::before_first_sync};

/// Rules under which everybody has another line, or none: names are written, and guests are taken.
fn rules() -> Value {
    json!({ "fieldSyncConfig": { "displayName": true, "role": true }, "scope": { "includeGuests": true } })
}

/// An MSP before its first sync in which somebody has typed names and roles.
fn typed() -> Folder {
    let folder = before_first_sync();
    let mut contacts = folder.export("contacts");
    for contact in &mut contacts {
        contact["role"] = json!("Typed by hand");
        contact["fullName"] = json!(format!("{} (typed)", contact["fullName"].as_str().unwrap()));
    }
    folder.write("typed.json", json!(contacts).to_string());
    folder.json(&["import", "contacts", "typed.json"]);
    folder.write("rules.json", rules().to_string());
    folder
}

fn preview(folder: &Folder, arguments: &[&str]) -> Value {
    folder.run(&[&["preview", "--output", "json"], arguments].concat()).ended_with(2).document()
}

/// Saves the rules for all.
fn save(folder: &Folder) {
    folder.write("scope.json", rules()["scope"].to_string());
    let fields = ["--field", "display-name=always", "--field", "role=always"];
    folder.json(&[&["settings", "--scope", "scope.json"], &fields[..]].concat());
}

/// A tenant, and its client.
fn first(folder: &Folder) -> (String, String) {
    let mapped = folder.json(&["map"])["autoMatched"][0].clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&mapped["managedTenantId"]), text(&mapped["match"]["clientId"]))
}

#[test]
fn rules_that_are_tried_out_give_the_lines_that_saving_them_gives() {
    let folder = typed();
    let saved = preview(&folder, &[]);
    let tried = preview(&folder, &["--rules", "rules.json"]);
    assert_ne!(tried["lines"], saved["lines"], "these rules alter something");
    assert_eq!((&tried["run"]["unsavedRules"], &saved["run"]["unsavedRules"]), (&json!(true), &json!(false)));
    assert_eq!(preview(&folder, &[])["lines"], saved["lines"], "nothing was saved");
    save(&folder);
    assert_eq!(preview(&folder, &[])["lines"], tried["lines"]);
}

#[test]
fn rules_that_are_tried_out_for_a_client_hold_instead_of_its_own() {
    let folder = typed();
    let (tenant, client) = first(&folder);
    folder.json(&["settings", "--client", &client, "--field", "display-name=never", "--guests", "off"]);
    let scopes = [["--client", &client], ["--tenant", &tenant]];
    let tried = scopes.map(|scope| {
        let tried = preview(&folder, &[&scope[..], &["--rules", "rules.json"]].concat());
        assert_ne!(tried["lines"], preview(&folder, &scope)["lines"], "{scope:?}");
        tried
    });
    // Of all, each client keeps its own, as it would if they were saved.
    let of_all = preview(&folder, &["--rules", "rules.json"]);
    save(&folder);
    assert_eq!(preview(&folder, &[])["lines"], of_all["lines"]);
    folder.json(&["settings", "--client", &client, "--inherit"]);
    for (scope, tried) in scopes.iter().zip(tried) {
        assert_eq!(preview(&folder, scope)["lines"], tried["lines"], "{scope:?}");
    }
}

#[test]
fn rules_are_tried_out_over_http() {
    let folder = typed();
    let (tenant, client) = first(&folder);
    folder.json(&["settings", "--client", &client, "--field", "display-name=never", "--guests", "off"]);
    let expected = preview(&folder, &["--client", &client, "--rules", "rules.json"]);
    let expected_of_all = preview(&folder, &["--rules", "rules.json"]);
    let server = Server::start(&folder);
    let lines = |body: &Value| {
        let tried = server.post("/sync/preflight", &body.to_string());
        assert_eq!(tried.status, 200, "{tried:#?}");
        let run = tried.json()["data"]["run"].clone();
        assert_eq!(run["unsavedRules"], true);
        let id = run["runId"].as_str().unwrap().to_owned();
        for part in ["apply", "held/allow"] {
            server.post(&format!("/sync/runs/{id}/{part}"), "{}").refuses(409, "unsaved_rules");
        }
        let path = format!("/sync/runs/{id}/lines?managedTenantId={tenant}");
        server.get(&path).json()["data"]["lines"].clone()
    };
    let mut body = rules();
    let of_all = lines(&body);
    assert!(
        of_all
            .as_array()
            .unwrap()
            .iter()
            .all(|line| { expected_of_all["lines"].as_array().unwrap().contains(line) })
    );
    body["clientId"] = json!(client);
    assert_eq!(lines(&body), expected["lines"]);
    assert_ne!(expected["lines"], of_all, "the client's own rules count where the rules are those of all");
}

#[test]
fn a_preview_with_rules_that_are_not_saved_is_not_applied() {
    let folder = typed();
    let before = folder.export("contacts");
    let tried = preview(&folder, &["--rules", "rules.json"]);
    let run = tried["run"]["runId"].as_str().unwrap();
    for command in ["apply", "allow"] {
        let refused = folder.run(&["runs", command, run]).failed_with("unsaved_rules");
        assert!(refused.stderr.contains("entra-sync settings"), "{refused:#?}");
    }
    assert_eq!(folder.export("contacts"), before);
    let listed = folder.json(&["runs"]);
    assert_eq!((&listed[0]["unsavedRules"], &listed[0]["isDryRun"]), (&json!(true), &json!(true)));
    save(&folder);
    let saved = preview(&folder, &[]);
    folder.json(&["runs", "apply", saved["run"]["runId"].as_str().unwrap()]);
}

#[test]
fn rules_that_make_no_sense_are_refused_before_anything_is_planned() {
    let folder = typed();
    for (document, mentioned) in [
        ("{}", "fieldSyncConfig"),
        (r#"{"fieldSyncConfig":{"fax":true}}"#, "fax"),
        (r#"{"scope":{"excludePatterns":[""]}}"#, "invalid_rules"),
        (r#"{"limits":{}}"#, "limits"),
        ("{", "invalid_rules"),
    ] {
        folder.write("wrong.json", document);
        let refused = folder.run(&["preview", "--rules", "wrong.json"]).failed_with("invalid_rules");
        assert!(refused.stderr.contains(mentioned), "{document}: {refused:#?}");
    }
    folder.run(&["preview", "--rules", "nowhere.json"]).failed_with("file_unreadable");
    assert_eq!(folder.json(&["runs"]), json!([]));
}
