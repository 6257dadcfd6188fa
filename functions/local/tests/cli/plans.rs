//! A stored plan is applied exactly, taken back, checked, and tells each person's story.

use serde_json::{Value, json};

use crate::{
    tool::Folder,
    world::{assert_unique, before_first_sync},
};

/// What people see of contacts, without the marks of the sync.
fn shown(folder: &Folder) -> Vec<Value> {
    let mut contacts = folder.export("contacts");
    for contact in &mut contacts {
        let contact = contact.as_object_mut().unwrap();
        contact.retain(|name, _| !name.starts_with("entra") && !name.starts_with("lastEntra"));
    }
    contacts.sort_by_key(|contact| contact["contactNameId"].to_string());
    contacts
}

fn run_of(document: &Value) -> &str {
    document["run"]["runId"].as_str().unwrap()
}

fn writing(lines: &[Value]) -> Vec<&Value> {
    lines.iter().filter(|line| ["create", "link"].contains(&line["action"].as_str().unwrap())).collect()
}

#[test]
fn applying_a_preview_writes_its_lines_and_nothing_else() {
    let folder = before_first_sync();
    let before = shown(&folder);
    let preview = folder.run(&["preview", "--output", "json"]).ended_with(2).document();
    assert_eq!(shown(&folder), before, "a preview writes nothing");
    let applied = folder.json(&["runs", "apply", run_of(&preview)]);
    assert_eq!(applied["run"]["runType"], "apply");
    let lines = folder.json(&["runs", "lines", run_of(&applied)]);
    assert_eq!(lines, preview["lines"], "line by line, with the same ids");
    let contacts = folder.export("contacts");
    assert_unique(&contacts);
    for line in writing(preview["lines"].as_array().unwrap()) {
        let contact =
            contacts.iter().find(|contact| contact["contactNameId"] == line["contactNameId"]).unwrap();
        assert_eq!(contact["entraObjectId"], line["entraObjectId"]);
    }
    // Once more: every line has been applied, so nothing changes.
    let after = folder.export("contacts");
    let again = folder.json(&["runs", "apply", run_of(&preview)]);
    let written = writing(preview["lines"].as_array().unwrap()).len();
    assert_eq!(again["run"]["summary"]["stale"], written);
    assert_eq!(folder.export("contacts"), after);
    assert_eq!(folder.json(&["sync"])["run"]["summary"]["created"], 0);
}

#[test]
fn a_human_edit_between_preview_and_apply_makes_only_that_line_stale() {
    let folder = before_first_sync();
    let preview = folder.run(&["preview", "--output", "json"]).ended_with(2).document();
    let lines = preview["lines"].as_array().unwrap();
    let linked = lines.iter().find(|line| line["action"] == "link").unwrap();
    let mut contacts = folder.export("contacts");
    let edited =
        contacts.iter_mut().find(|contact| contact["contactNameId"] == linked["contactNameId"]).unwrap();
    edited["role"] = json!("Edited by hand");
    folder.write("edited.json", json!([edited]).to_string());
    folder.json(&["import", "contacts", "edited.json"]);
    let applied = folder.json(&["runs", "apply", run_of(&preview)]);
    assert_eq!(applied["run"]["summary"]["stale"], 1);
    let not_done = folder.json(&["runs", "lines", run_of(&applied), "--not-done"]);
    assert_eq!(not_done.as_array().unwrap().len(), 1, "{not_done}");
    assert_eq!(not_done[0]["lineId"], linked["lineId"]);
    assert_eq!(not_done[0]["notDone"]["code"], "contact_changed");
    let told = folder.run(&["runs", "show", run_of(&applied)]).succeeded();
    assert!(told.stdout.contains("Planned and not done: 1;"), "{}", told.stdout);
    let contacts = folder.export("contacts");
    for line in writing(lines) {
        let contact =
            contacts.iter().find(|contact| contact["contactNameId"] == line["contactNameId"]).unwrap();
        let is_linked = contact["entraObjectId"] == line["entraObjectId"];
        assert_eq!(is_linked, line["lineId"] != linked["lineId"], "{line}");
    }
    // The next sync looks again.
    folder.json(&["sync"]);
    let contacts = folder.export("contacts");
    let contact =
        contacts.iter().find(|contact| contact["contactNameId"] == linked["contactNameId"]).unwrap();
    assert_eq!(contact["entraObjectId"], linked["entraObjectId"]);
    assert_eq!(contact["role"], "Edited by hand");
}

#[test]
fn undo_restores_what_no_human_touched_and_names_the_rest() {
    let folder = before_first_sync();
    folder.run(&["settings", "--field", "display-name=always", "--field", "role=always"]).succeeded();
    let before = shown(&folder);
    let sync = folder.json(&["sync"]);
    let synced = shown(&folder);
    let lines = folder.json(&["runs", "lines", run_of(&sync)]);
    let changed = lines.as_array().unwrap().iter().find(|line| {
        let changes = line["changes"].as_array().unwrap();
        line["action"] == "link" && changes.iter().any(|change| change["field"] == "role")
    });
    // Somebody changes one of the roles that the run has written.
    if let Some(line) = changed {
        let mut contacts = folder.export("contacts");
        let contact =
            contacts.iter_mut().find(|contact| contact["contactNameId"] == line["contactNameId"]).unwrap();
        contact["role"] = json!("Promoted by hand");
        folder.write("edited.json", json!([contact]).to_string());
        folder.json(&["import", "contacts", "edited.json"]);
    }
    let undo = folder.json(&["runs", "undo", run_of(&sync)]);
    assert_eq!(undo["run"]["runType"], "undo");
    let after = shown(&folder);
    let created: Vec<&Value> = after
        .iter()
        .filter(|contact| before.iter().all(|old| old["contactNameId"] != contact["contactNameId"]))
        .collect();
    assert!(!created.is_empty() && created.iter().all(|contact| contact["isInactive"] == true));
    for old in &before {
        let now = after.iter().find(|contact| contact["contactNameId"] == old["contactNameId"]).unwrap();
        let is_edited = changed.is_some_and(|line| line["contactNameId"] == old["contactNameId"]);
        if is_edited {
            assert_eq!(now["role"], "Promoted by hand");
        } else {
            assert_eq!(now, old, "as before the run");
        }
    }
    let linked = folder.export("contacts");
    assert!(linked.iter().all(|contact| contact["entraObjectId"].is_null()), "nobody is linked any more");
    // The way back of the way back is the way there, but for what was edited.
    folder.json(&["runs", "undo", run_of(&undo)]);
    for there in &synced {
        let now =
            shown(&folder).into_iter().find(|contact| contact["contactNameId"] == there["contactNameId"]);
        let is_edited = changed.is_some_and(|line| line["contactNameId"] == there["contactNameId"]);
        assert!(is_edited || now.as_ref() == Some(there), "{there}");
    }
}

#[test]
fn undoing_an_apply_that_found_everything_done_takes_nothing_back() {
    let folder = before_first_sync();
    let before = shown(&folder);
    let preview = folder.run(&["preview", "--output", "json"]).ended_with(2).document();
    let sync = folder.json(&["sync"]);
    let synced = shown(&folder);
    let applied = folder.json(&["runs", "apply", run_of(&preview)]);
    let written = writing(preview["lines"].as_array().unwrap());
    assert_eq!(applied["run"]["summary"]["stale"], written.len());
    let tenant = applied["tenantResults"][0]["managedTenantId"].as_str().unwrap();
    let lines = folder.json(&["runs", "lines", run_of(&applied), "--tenant", tenant]);
    let person = writing(lines.as_array().unwrap())[0]["entraObjectId"].clone();
    let story = folder.run(&["runs", "person", "--tenant", tenant, person.as_str().unwrap()]);
    assert!(story.succeeded().stdout.contains("another run had done it"));

    let undo = folder.json(&["runs", "undo", run_of(&applied)]);
    assert_eq!((&undo["run"]["status"], shown(&folder)), (&json!("completed"), synced));
    // What the sync did is taken back with the sync.
    folder.json(&["runs", "undo", run_of(&sync)]);
    let after = shown(&folder);
    for old in &before {
        let now = after.iter().find(|contact| contact["contactNameId"] == old["contactNameId"]);
        assert_eq!(now, Some(old));
    }
}

#[test]
fn undoing_one_person_leaves_the_others() {
    let folder = before_first_sync();
    let sync = folder.json(&["sync"]);
    let lines = folder.json(&["runs", "lines", run_of(&sync)]);
    let lines = lines.as_array().unwrap();
    let created = lines.iter().find(|line| line["action"] == "create").unwrap();
    let before = folder.export("contacts");
    let person = created["entraObjectId"].as_str().unwrap();
    let undo = folder.json(&["runs", "undo", run_of(&sync), "--person", person]);
    assert_eq!(undo["run"]["summary"]["restored"], 1);
    for contact in folder.export("contacts") {
        let old = before.iter().find(|old| old["contactNameId"] == contact["contactNameId"]).unwrap();
        let is_them = contact["contactNameId"] == created["contactNameId"];
        assert_eq!(contact != *old, is_them, "{contact}");
    }
}

#[test]
fn plans_that_cannot_be_used_are_refused_with_a_code() {
    let folder = before_first_sync();
    let preview = folder.run(&["preview", "--output", "json"]).ended_with(2).document();
    let sync = folder.json(&["sync"]);
    let nobody = "00000000-0000-7000-8000-000000000000";
    for (arguments, code) in [
        (["runs", "undo", run_of(&preview)], "nothing_to_undo"),
        (["runs", "apply", run_of(&sync)], "not_a_preview"),
        (["runs", "allow", run_of(&sync)], "nothing_held"),
        (["runs", "apply", nobody], "unknown_run"),
        (["runs", "verify", nobody], "unknown_run"),
    ] {
        let ended = folder.run(&arguments).ended_with(1);
        assert!(ended.stderr.contains(code), "{arguments:?}: {}", ended.stderr);
    }
}

#[test]
fn a_run_is_verified_and_a_person_has_a_story() {
    let folder = before_first_sync();
    let preview = folder.run(&["preview", "--output", "json"]).ended_with(2).document();
    let sync = folder.json(&["sync"]);
    let undo = folder.json(&["runs", "undo", run_of(&sync)]);
    for run in [&preview, &sync, &undo] {
        let checked = folder.json(&["runs", "verify", run_of(run)]);
        assert_eq!((&checked["intact"], checked["tenants"].as_array().unwrap().len()), (&json!(true), 4));
    }
    let result = &sync["tenantResults"][0];
    let tenant = result["managedTenantId"].as_str().unwrap();
    let lines = folder.json(&["runs", "lines", run_of(&sync), "--tenant", tenant]);
    let lines = lines.as_array().unwrap();
    let created = lines.iter().find(|line| line["action"] == "create").unwrap();
    let person = created["entraObjectId"].as_str().unwrap();
    let story = folder.json(&["runs", "person", "--tenant", tenant, person]);
    let told: Vec<(&Value, &Value)> = story["moments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|moment| (&moment["action"], &moment["isDryRun"]))
        .collect();
    let (yes, no) = (json!(true), json!(false));
    assert_eq!(told, [(&json!("restore"), &no), (&json!("create"), &no), (&json!("create"), &yes)]);
    let looked = &story["lookedThrough"];
    assert_eq!((&looked["runs"], &looked["olderRuns"]), (&json!(3), &no));
    assert_eq!(
        (&looked["oldestRunId"], &looked["since"]),
        (&preview["run"]["runId"], &preview["run"]["startedAt"])
    );
    // Whoever looks less far back is told.
    let bounded = ["runs", "person", "--tenant", tenant, person, "--runs", "2"];
    let story = folder.json(&bounded);
    assert_eq!(story["moments"].as_array().unwrap().len(), 2);
    let looked = &story["lookedThrough"];
    assert_eq!((&looked["runs"], &looked["olderRuns"]), (&json!(2), &yes));
    assert_eq!(looked["oldestRunId"], sync["run"]["runId"]);
    let shown = folder.run(&bounded).succeeded().stdout;
    assert!(shown.contains("Only 2 runs") && shown.contains(run_of(&sync)), "{shown}");
    // The rest of it, and all of it at once.
    assert_eq!(story["nextAfter"], story["lookedThrough"]["oldestRunId"]);
    let after = story["nextAfter"].as_str().unwrap();
    let rest = folder.json(&["runs", "person", "--tenant", tenant, person, "--after", after]);
    assert_eq!((&rest["lookedThrough"]["runs"], &rest["nextAfter"]), (&json!(1), &Value::Null));
    let all = folder.json(&["runs", "person", "--tenant", tenant, person, "--all"]);
    assert_eq!((&all["lookedThrough"]["runs"], &all["nextAfter"]), (&json!(3), &Value::Null));
    let parts = [&story, &rest].into_iter().flat_map(|part| part["moments"].as_array().unwrap());
    assert!(parts.eq(all["moments"].as_array().unwrap()), "{all}");
    folder.run(&["runs", "person", "--tenant", tenant, person, "--all", "--runs", "2"]).refused("--all");
}
