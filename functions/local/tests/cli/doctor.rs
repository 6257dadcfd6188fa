//! `doctor`: whether everything that a sync needs is in order, for a person and for a script.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use crate::{
    tool::Folder,
    world::{after_demo, same_msp},
};

const HEALTHY: &str = "Nothing stands in the way of a sync.";
const ILL: &str = "Not everything is in order.";

fn findings(document: &Value) -> Vec<Value> {
    document["findings"].as_array().unwrap().clone()
}

fn text<'a>(finding: &'a Value, member: &str) -> &'a str {
    finding[member].as_str().unwrap_or_else(|| panic!("{member}: {finding:#}"))
}

/// What the doctor says where nothing stands in the way, warnings included; the text says the same.
#[track_caller]
fn healthy(folder: &Folder) -> Vec<Value> {
    let document = folder.json(&["doctor"]);
    assert_eq!(document["healthy"], true, "{document:#}");
    let shown = folder.run(&["doctor"]).succeeded().stdout;
    assert!(shown.trim_end().ends_with(HEALTHY) && !shown.contains("PROBLEM"), "{shown}");
    for finding in findings(&document) {
        match text(&finding, "verdict") {
            "fine" => {
                assert!(shown.contains(&format!("ok      {}\n", text(&finding, "what"))), "{shown}");
                assert!(finding["code"].is_null() && finding["step"].is_null(), "{finding:#}");
            }
            // How long something has yet may be another number a moment later.
            "warning" => {
                assert!(shown.contains(&format!("[{}]\n        → ", text(&finding, "code"))), "{shown}");
                assert!(!text(&finding, "step").is_empty());
            }
            other => panic!("{other}: {document:#}"),
        }
    }
    findings(&document)
}

/// What the doctor finds where something does not work, by its code. The text has it word for word, with the
/// step.
#[track_caller]
fn ill(folder: &Folder, code: &str) -> Vec<Value> {
    let document = folder.run(&["doctor", "--output", "json"]).ended_with(1).document();
    assert_eq!(document["healthy"], false, "{document:#}");
    let shown = folder.run(&["doctor"]).ended_with(1).stdout;
    assert!(shown.trim_end().ends_with(ILL), "{shown}");
    let is_wrong = |finding: &Value| !["fine", "warning"].contains(&text(finding, "verdict"));
    let wrong: Vec<Value> = findings(&document).into_iter().filter(is_wrong).collect();
    assert!(!wrong.is_empty(), "{document:#}");
    for finding in &wrong {
        assert_eq!((text(finding, "verdict"), text(finding, "code")), ("problem", code), "{document:#}");
        let whose = finding["tenant"].as_str().map(|tenant| format!("{tenant}: ")).unwrap_or_default();
        let (what, step) = (text(finding, "what"), text(finding, "step"));
        let expected = format!("PROBLEM {whose}{what} [{code}]\n        → {step}\n");
        assert!(shown.contains(&expected), "{expected} is missing: {shown}");
    }
    wrong
}

/// The document of the stored sign-in.
fn sign_in_of(folder: &Folder) -> PathBuf {
    let mut files = folder.files().into_iter();
    let (name, _) = files.find(|(name, _)| name.ends_with("entra-direct.json")).unwrap();
    folder.data().join(name)
}

#[test]
fn a_demo_is_in_order_and_examining_it_changes_nothing() {
    let (folder, _) = after_demo();
    let before = (folder.export("contacts"), folder.json(&["runs"]));
    let found = healthy(&folder);
    assert_eq!((folder.export("contacts"), folder.json(&["runs"])), before);
    let mut looked_at: Vec<&str> = found.iter().map(|finding| text(finding, "check")).collect();
    looked_at.dedup();
    assert_eq!(
        looked_at,
        ["store", "clock", "secrets", "connection", "permissions", "expiry", "customer"],
        "{found:#?}"
    );
    let customers = found.last().map(|finding| text(finding, "what"));
    assert_eq!(customers, Some("All of 4 mapped customers can be read, and each answers for itself."));
    // What somebody should see to is told, and is no reason to fail.
    assert!(found.iter().any(|finding| finding["code"] == "end_unknown"), "{found:#?}");
    let said = folder.run(&["doctor"]).succeeded();
    assert!(said.stderr.contains("invented Microsoft") && !said.stdout.contains("invented"), "{said:#?}");
}

#[test]
fn what_is_not_set_up_yet_is_told_with_the_next_step() {
    let (demo, _) = after_demo();
    let folder = same_msp(&demo);
    let found = ill(&folder, "not_connected");
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!((text(&found[0], "check"), text(&found[0], "step")), ("connection", "Connect to Microsoft."));
    folder.json(&["connect"]);
    // Without a customer there is nothing that could fail.
    let found = healthy(&folder);
    let nothing = found.iter().find(|finding| finding["code"] == "nothing_mapped").unwrap();
    assert!(text(nothing, "step").contains("`discover`") && text(nothing, "step").contains("`map`"));
}

#[test]
fn a_sign_in_that_cannot_be_read_is_told_without_showing_any_of_it() {
    let (folder, _) = after_demo();
    let file = sign_in_of(&folder);
    let stored = fs::read_to_string(&file).unwrap();
    fs::write(&file, &stored[..stored.len() / 2]).unwrap();
    let found = ill(&folder, "secret_malformed");
    assert_eq!((found.len(), text(&found[0], "check")), (1, "secrets"), "{found:#?}");
    assert!(text(&found[0], "step").contains("Connect again"), "{found:#?}");
    let token: Value = serde_json::from_str(&stored).unwrap();
    let token = token["entra_direct_refresh_token"].as_str().unwrap();
    for arguments in [["doctor"].as_slice(), &["doctor", "--output", "json"]] {
        let mut command = folder.command(arguments);
        let said = crate::tool::Ended::from(command.env("LOG_LEVEL", "trace").output().unwrap());
        assert!(
            ![&said.stdout, &said.stderr].iter().any(|said| said.contains(&token[..24])),
            "{arguments:?}"
        );
    }
    fs::write(&file, stored).unwrap();
    healthy(&folder);
}

#[test]
fn a_group_that_is_gone_is_told_for_every_customer() {
    let (folder, _) = after_demo();
    let group = "11111111-1111-4111-8111-111111111111";
    folder.write("scope.json", json!({ "excludeGroups": [group] }).to_string());
    folder.run(&["settings", "--scope", "scope.json"]).succeeded();
    let found = ill(&folder, "group_gone");
    let mut tenants: Vec<&str> = found.iter().map(|finding| text(finding, "tenant")).collect();
    tenants.sort_unstable();
    tenants.dedup();
    assert_eq!((tenants.len(), found.len()), (4, 4), "{found:#?}");
    for finding in &found {
        assert_eq!(text(finding, "check"), "groups");
        assert!(text(finding, "what").contains(group), "{finding:#}");
    }
    folder.write("scope.json", "{}");
    folder.run(&["settings", "--scope", "scope.json"]).succeeded();
    healthy(&folder);
}
