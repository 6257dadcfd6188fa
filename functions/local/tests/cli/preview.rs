//! A preview shows exactly the lines a sync then writes.

use serde_json::{Value, json};

use crate::world::{assert_unique, before_first_sync, counters};

#[test]
fn a_preview_shows_line_by_line_what_the_sync_then_writes() {
    let folder = before_first_sync();
    let contacts = folder.run(&["export", "contacts"]).stdout;
    let preview = folder.run(&["preview", "--output", "json"]).ended_with(2).document();
    assert_eq!(folder.run(&["export", "contacts"]).stdout, contacts, "a preview writes nothing");
    let lines = preview["lines"].as_array().unwrap();
    let planned = |action: &str| lines.iter().filter(|line| line["action"] == action).count();
    assert_eq!(lines.len(), 60, "everybody who was read has a line");
    for action in ["create", "link", "exclude", "review"] {
        assert!(
            planned(action) > 0,
            "{action}: {:?}",
            lines.iter().map(|l| &l["action"]).collect::<Vec<_>>()
        );
    }

    let sync = folder.run(&["sync", "--output", "json"]).succeeded().document();
    let run = sync["run"]["runId"].as_str().unwrap();
    let written = folder.json(&["runs", "lines", run]);
    for (planned, written) in lines.iter().zip(written.as_array().unwrap()) {
        assert_eq!(planned, written);
    }
    assert_eq!(written.as_array().unwrap().len(), lines.len());
    assert_eq!(counters(&preview["run"]["summary"]), counters(&sync["run"]["summary"]));

    let contacts = folder.export("contacts");
    assert_unique(&contacts);
    let of = |id: &Value| contacts.iter().find(|contact| contact["contactNameId"] == *id).unwrap();
    for line in lines.iter().filter(|line| ["create", "link"].contains(&line["action"].as_str().unwrap())) {
        assert_eq!(of(&line["contactNameId"])["entraObjectId"], line["entraObjectId"]);
    }
    let nothing = folder.run(&["preview", "--output", "json"]).succeeded().document();
    let writes = |line: &&Value| ["create", "link", "update"].contains(&line["action"].as_str().unwrap());
    assert_eq!(nothing["lines"].as_array().unwrap().iter().find(writes), None);
}

#[test]
fn a_scope_narrows_preview_sync_and_lines() {
    let folder = before_first_sync();
    let mapped = folder.json(&["map"])["autoMatched"].as_array().unwrap().clone();
    let (tenant, client) = {
        let first = &mapped[0];
        (first["managedTenantId"].as_str().unwrap(), first["match"]["clientId"].as_str().unwrap())
    };
    for scope in [["--tenant", tenant], ["--client", client]] {
        let preview =
            folder.run(&[&["preview", "--output", "json"], &scope[..]].concat()).ended_with(2).document();
        let results = preview["tenantResults"].as_array().unwrap();
        assert_eq!(results.len(), 1);
        assert_eq!(
            (&results[0]["managedTenantId"], &results[0]["clientId"]),
            (&json!(tenant), &json!(client))
        );
    }
    let sync = folder.json(&["sync", "--tenant", tenant]);
    assert_eq!(sync["run"]["totalTenants"], 1);
    let run = sync["run"]["runId"].as_str().unwrap();
    let lines = folder.json(&["runs", "lines", run, "--tenant", tenant]);
    assert_eq!(lines.as_array().unwrap().len() as u64, sync["run"]["summary"]["read"].as_u64().unwrap());
    let other = mapped[1]["managedTenantId"].as_str().unwrap();
    assert_eq!(folder.json(&["runs", "lines", run, "--tenant", other]), json!([]));
    assert_eq!(folder.run(&["preview", "--client", client]).code, Some(0), "nothing is left to do there");
    assert_eq!(folder.run(&["preview"]).code, Some(2), "there is elsewhere");
}

#[test]
fn runs_are_shown_newest_first_and_as_many_as_asked_for() {
    let folder = before_first_sync();
    folder.run(&["preview"]).ended_with(2);
    let sync = folder.json(&["sync"]);
    let runs = folder.json(&["runs"]);
    assert_eq!(runs.as_array().unwrap().len(), 2);
    assert_eq!((&runs[0]["runType"], &runs[1]["runType"]), (&json!("all-tenants"), &json!("preflight")));
    assert_eq!((&runs[0]["isDryRun"], &runs[1]["isDryRun"]), (&json!(false), &json!(true)));
    assert_eq!(folder.json(&["runs", "--limit", "1"]), json!([runs[0]]));
    let id = runs[0]["runId"].as_str().unwrap();
    assert_eq!(folder.json(&["runs", "show", id]), sync);
    folder.run(&["runs", "cancel", id]).failed_with("run_ended");
}

#[test]
fn an_operator_may_decide_otherwise_and_take_it_back() {
    let folder = before_first_sync();
    let tenants = folder.json(&["map"])["autoMatched"].as_array().unwrap().clone();
    let id = |tenant: &Value| tenant["managedTenantId"].as_str().unwrap().to_owned();
    let (first, second) = (id(&tenants[0]), id(&tenants[1]));
    let client = tenants[1]["match"]["clientId"].as_str().unwrap();
    let decided = folder.json(&["map", "--skip", &first, "--unmap", &second]);
    assert_eq!((&decided["summary"]["skipped"], &decided["summary"]["mapped"]), (&json!(1), &json!(2)));
    folder.run(&["preview", "--tenant", &first]).failed_with("nothing_mapped");
    let pair = format!("{second}={client}");
    let decided = folder.json(&["map", "--confirm", &pair]);
    assert_eq!(decided["summary"]["mapped"], 3);
}
