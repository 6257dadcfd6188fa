//! What is refused, and with which code.

use serde_json::json;

use crate::{
    tool::Folder,
    world::{after_demo, before_first_sync},
};

const NOBODY: &str = "11111111-1111-4111-8111-111111111111";

#[test]
fn the_steps_have_an_order() {
    let demo = after_demo().0;
    let folder = crate::world::same_msp(&demo);
    for command in ["sync", "preview"] {
        folder.run(&[command]).failed_with("not_connected");
    }
    folder.run(&["discover"]).failed_with("discovery_failed");
    folder.json(&["connect"]);
    for command in ["sync", "preview"] {
        folder.run(&[command]).failed_with("nothing_mapped");
    }
    folder.json(&["discover"]);
    folder.run(&["sync"]).failed_with("nothing_mapped");
    assert_eq!(folder.json(&["map", "--auto"])["summary"]["mapped"], 0, "there is no client yet");
    folder.run(&["sync"]).failed_with("nothing_mapped");
    assert_eq!(folder.json(&["runs"]), json!([]), "what is refused is no run");
}

#[test]
fn a_new_folder_needs_an_app_registration() {
    let folder = Folder::new();
    folder.run(&["connect"]).failed_with("missing_credentials");
    folder.write("token", "0.AAAA-not-a-token\n");
    folder.run(&["connect", "--refresh-token", "token"]).failed_with("missing_credentials");
    folder.run(&["connect", "--refresh-token", "no-such-file"]).failed_with("file_unreadable");
    folder.run(&["sync"]).failed_with("not_connected");
    assert_eq!(folder.json(&["map", "--auto"])["summary"]["total"], 0);
    assert_eq!(folder.json(&["runs"]), json!([]));
}

#[test]
fn a_demo_keeps_out_of_a_real_workspace() {
    let folder = Folder::new();
    folder.write("clients.jsonl", json!({ "clientId": NOBODY, "clientName": "Acme" }).to_string());
    folder.json(&["import", "clients", "clients.jsonl"]);
    folder.run(&["demo"]).failed_with("not_a_demo");
    assert_eq!(folder.export("clients").len(), 1);
}

#[test]
fn nobody_is_found_by_an_id_that_is_not_there() {
    let (folder, _) = after_demo();
    let before = folder.run(&["map", "--output", "json"]).stdout;
    for arguments in [["runs", "show", NOBODY], ["runs", "lines", NOBODY], ["runs", "cancel", NOBODY]] {
        folder.run(&arguments).failed_with("unknown_run");
    }
    for command in ["sync", "preview"] {
        for scope in ["--client", "--tenant"] {
            folder.run(&[command, scope, NOBODY]).failed_with("nothing_mapped");
        }
    }
    for decision in ["--skip", "--unmap"] {
        folder.run(&["map", decision, NOBODY]).failed_with("mapping_refused");
    }
    let tenant = folder.json(&["map"])["autoMatched"][0]["managedTenantId"].as_str().unwrap().to_owned();
    for (tenant, code) in [(NOBODY, "unknown_managed_tenant"), (&tenant, "unknown_client")] {
        let refused = folder.run(&["map", "--confirm", &format!("{tenant}={NOBODY}"), "--output", "json"]);
        assert!(refused.stderr.contains(&format!("[{code}]")), "{refused:#?}");
        assert_eq!(refused.ended_with(1).stdout, before, "the decisions stand as they were");
    }
    assert_eq!(folder.json(&["runs"]).as_array().unwrap().len(), 3, "what is refused is no run");
    let client = folder.export("clients")[0]["clientId"].as_str().unwrap().to_owned();
    folder
        .run(&["settings", "--client", &client, "--read-everybody-after", "5"])
        .failed_with("not_by_client");
    folder.write("scope.json", "{\"includeGroups\":");
    folder.run(&["settings", "--scope", "scope.json"]).failed_with("scope_unreadable");
    folder.run(&["codes", "no_such_code"]).failed_with("unknown_code");
}

/// The parser's own exit code would be 2, which here says that a preview found something.
#[test]
fn what_cannot_be_parsed_is_a_failure() {
    let folder = Folder::new();
    for (arguments, mentioned) in [
        (["runs", "show", "nope"].as_slice(), "nope"),
        (&["runs", "lines", NOBODY, "--tenant", ""], "--tenant"),
        (&["preview", "--tenant", "nope"], "nope"),
        (&["sync", "--client", "nope"], "nope"),
        (&["export", "contacts", "--client", "nope"], "nope"),
        (&["export", "leads"], "leads"),
        (&["export", "contacts", "--format", "xml"], "xml"),
        (&["import", "clients"], "FILE"),
        (&["map", "--confirm", NOBODY], "TENANT=CLIENT"),
        (&["map", "--confirm", "a=b"], "not a managed tenant id"),
        (&["runs", "--limit", "0"], "0"),
        (&["runs", "--limit", "51"], "51"),
        (&["demo", "--tenants", "0"], "0"),
        (&["demo", "--users", "-1"], "-1"),
        (&["serve", "--port", "99999"], "99999"),
        (&["--output", "yaml", "runs"], "yaml"),
        (&["dance"], "dance"),
        (&[], "Usage"),
    ] {
        folder.run(arguments).refused(mentioned);
    }
    assert!(!folder.data().exists(), "nothing was opened");
}

#[test]
fn help_lists_the_commands_that_the_readme_has() {
    let folder = Folder::new();
    let help = folder.run(&["--help"]).succeeded();
    assert_eq!(help.stderr, "");
    let listed = help.stdout.lines().skip_while(|line| *line != "Commands:").skip(1);
    let mut listed: Vec<&str> = listed
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .collect();
    let readme = include_str!("../../../../README.md");
    let rows = readme.lines().skip_while(|line| !line.starts_with("| command |")).skip(2);
    let cells = rows.take_while(|row| row.starts_with('|')).filter_map(|row| row.split('|').nth(1));
    let mut described: Vec<&str> =
        cells.flat_map(|cell| cell.split(',')).map(|name| name.trim().trim_matches('`')).collect();
    listed.sort_unstable();
    described.sort_unstable();
    assert_eq!(listed, described);
    for command in listed {
        folder.run(&[command, "--help"]).succeeded();
    }
    assert!(folder.run(&["--version"]).succeeded().stdout.starts_with("entra-sync "));
    assert!(!folder.data().exists());
}

#[test]
fn settings_are_kept_and_refused_by_name() {
    let folder = before_first_sync();
    let before = folder.json(&["settings"]);
    let changed = folder.json(&["settings", "--field", "role=on", "--guests", "on"]);
    assert_ne!(changed, before);
    assert_eq!(
        (&changed["fieldSyncConfig"]["role"], &changed["scope"]["includeGuests"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(folder.json(&["settings"]), changed, "it is kept");
    folder.run(&["settings", "--field", "shoe-size=on"]).refused("shoe-size");
    folder.run(&["settings", "--field", "role=perhaps"]).refused("role=perhaps");
    folder.run(&["settings", "--field", "role"]).refused("FIELD=on");
    folder.run(&["settings", "--field", "inactive-when-disabled=only-if-empty"]).refused("on or off");
    folder.run(&["settings", "--clear", "email"]).refused("never cleared");
    folder.run(&["settings", "--clear", "shoe-size"]).refused("shoe-size");
    folder.json(&["settings", "--field", "role=off", "--guests", "off"]);
    assert_eq!(folder.json(&["settings"]), before);
}

#[test]
fn every_setting_about_leavers_and_limits_can_be_typed() {
    let folder = before_first_sync();
    let before = folder.json(&["settings"]);
    for (options, path, shown) in [
        (["--when-disabled", "never"], "/vanish/disabled", json!("never")),
        (["--when-disabled", "after-grace"], "/vanish/disabled", json!("after_grace")),
        (["--when-disabled", "at-once"], "/vanish/disabled", json!("at_once")),
        (["--when-out-of-scope", "at-once"], "/vanish/outOfScope", json!("at_once")),
        (["--when-out-of-scope", "after-grace"], "/vanish/outOfScope", json!("after_grace")),
        (["--when-out-of-scope", "never"], "/vanish/outOfScope", json!("never")),
        (["--run-moved-allowed", "7"], "/runLimits/linkMoves/count", json!(7)),
        (["--run-moved-percent", "9"], "/runLimits/linkMoves/percent", json!(9)),
        (["--field", "active-when-enabled=on"], "/fieldSyncConfig/markActiveWhenEnabled", json!(true)),
        (["--field", "active-when-enabled=off"], "/fieldSyncConfig/markActiveWhenEnabled", json!(false)),
    ] {
        let before = folder.json(&["settings"]);
        let changed = folder.json(&["settings", options[0], options[1]]);
        assert_eq!(changed.pointer(path), Some(&shown), "{options:?}");
        // Nothing else.
        let mut without = [before, changed.clone()];
        for settings in &mut without {
            *settings.pointer_mut(path).unwrap() = json!(null);
        }
        assert_eq!(without[0], without[1], "{options:?}");
        assert_eq!(folder.json(&["settings"]), changed, "{options:?}: it is kept");
    }
    let shown = folder.run(&["settings"]).succeeded().stdout;
    for option in ["--when-disabled", "--when-out-of-scope", "active-when-enabled"] {
        assert!(shown.contains(option), "{shown}");
    }
    assert_ne!(folder.json(&["settings"]), before);
    folder.run(&["settings", "--when-disabled", "perhaps"]).refused("perhaps");
    folder.run(&["settings", "--run-moved-percent", "101"]).refused("101");
    folder.run(&["settings", "--field", "active-when-enabled=only-if-empty"]).refused("on or off");
}

#[test]
fn every_policy_can_be_typed() {
    let folder = Folder::new();
    for (options, rule, shown) in [
        (&["--field", "role=on"][..], "role", json!(true)),
        (&["--field", "role=off"], "role", json!(false)),
        (&["--field", "role=always"], "role", json!(true)),
        (&["--field", "role=only-if-empty"], "role", json!("only_if_empty")),
        (&["--field", "role=when-source-changes"], "role", json!("when_source_changes")),
        (&["--field", "role=unless-edited"], "role", json!("unless_edited")),
        (&["--clear", "role"], "role", json!({"overwrite": "unless_edited", "clear": true})),
        (&["--field", "role=never"], "role", json!({"overwrite": "never", "clear": true})),
        (&["--clear", "role=off"], "role", json!(false)),
        (&["--allow-clearing"], "allowClearing", json!(true)),
        (&["--allow-clearing=off"], "allowClearing", json!(false)),
        (&["--field", "display-name=unless-edited"], "displayName", json!("unless_edited")),
        (&["--field", "phone=on"], "phone", json!(true)),
        (&["--field", "upn=on"], "upn", json!(true)),
        (&["--field", "department=on"], "department", json!(true)),
        (&["--field", "office=on", "--field", "company=on"], "company", json!(true)),
        (&["--field", "inactive-when-disabled=off"], "markInactiveWhenDisabled", json!(false)),
    ] {
        let arguments: Vec<&str> = std::iter::once("settings").chain(options.iter().copied()).collect();
        assert_eq!(folder.json(&arguments)["fieldSyncConfig"][rule], shown, "{options:?}");
    }
    assert_eq!(folder.json(&["settings"])["fieldSyncConfig"]["office"], json!(true));
}
