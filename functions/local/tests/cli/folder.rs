//! The data folder: whose it is, who may use it, and when it cannot be used.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::{
    server::Server,
    tool::{Ended, Folder, wait_for},
    world::{DEMO, after_demo},
};

#[test]
fn two_processes_do_not_share_a_folder() {
    let (folder, _) = after_demo();
    let _server = Server::start(&folder);
    for arguments in
        [["runs"].as_slice(), &["sync"], &["export", "contacts"], &["serve", "--port", "0"], &DEMO]
    {
        folder.run(arguments).failed_with("data_in_use");
    }
    let elsewhere = folder.run(&["--data", "elsewhere", "runs", "--output", "json"]).succeeded();
    assert_eq!(elsewhere.document(), serde_json::json!([]));
}

#[test]
fn the_lock_dies_with_its_process() {
    let (folder, _) = after_demo();
    drop(Server::start(&folder));
    folder.run(&["runs"]).succeeded();
    let mut sync = folder.command(&["sync"]).spawn().unwrap();
    wait_for("lock or end of the sync", || {
        let is_held = folder.run(&["runs"]).code == Some(1);
        (is_held || sync.try_wait().unwrap().is_some()).then_some(())
    });
    sync.kill().unwrap();
    sync.wait().unwrap();
    folder.run(&["runs"]).succeeded();
}

#[test]
fn the_folder_is_data_unless_told_otherwise() {
    let folder = Folder::new();
    folder.run(&["runs"]).succeeded();
    assert!(folder.data().join("profile.json").is_file());
    let mut command = folder.command(&["runs"]);
    Ended::from(command.env("ENTRA_SYNC_DATA", "acme").output().unwrap()).succeeded();
    assert!(folder.path().join("acme/profile.json").is_file());
    folder.run(&["--data", "deep/below", "runs"]).succeeded();
    assert!(folder.path().join("deep/below/profile.json").is_file());
}

#[test]
fn a_folder_that_cannot_be_used_is_named_as_the_cause() {
    let folder = Folder::new();
    folder.write("file", "");
    folder.run(&["--data", "file", "runs"]).failed_with("data_unusable");
    folder.run(&["--data", "file/below", "runs"]).failed_with("data_unusable");
    for (name, content) in [
        ("profile.json", b"{\"format\":1".as_slice()),
        ("profile.json", b"{}"),
        ("profile.json", b"\xff\xfe"),
        (
            "store.sqlite",
            b"something else entirely, and long enough to be looked at by a database".as_slice(),
        ),
    ] {
        let folder = Folder::new();
        fs::create_dir(folder.data()).unwrap();
        folder.write(&format!("data/{name}"), content);
        folder.run(&["runs"]).failed_with("data_unusable");
        assert_eq!(fs::read(folder.data().join(name)).unwrap(), content, "it is left for whoever repairs it");
    }
}

#[test]
fn a_wrong_setting_is_named_before_anything_is_made() {
    for (name, value) in [
        ("MICROSOFT_GRAPH_BASE_URL", "ftp://x"),
        ("MICROSOFT_GRAPH_BASE_URL", "http://graph.example/v1.0"),
        ("MICROSOFT_LOGIN_BASE_URL", "nonsense"),
        ("LOG_LEVEL", "loud"),
        ("EDITION", "gold"),
    ] {
        let folder = Folder::new();
        let output = folder.command(&["runs"]).env(name, value).output().unwrap();
        let ended = Ended::from(output).failed_with("invalid_settings");
        assert!(ended.stderr.contains(name) && ended.stderr.contains(value), "{ended:#?}");
        assert!(!folder.data().exists(), "{name}");
    }
}

#[test]
fn what_is_secret_is_for_its_owner_only() {
    let (folder, _) = after_demo();
    drop(Server::start(&folder));
    for (name, _) in folder.files() {
        let mode = fs::metadata(folder.data().join(&name)).unwrap().permissions().mode() & 0o777;
        if name.starts_with("secrets/") || name.starts_with("api-") {
            assert_eq!(mode, 0o600, "{name}");
        }
    }
}

#[test]
fn durable_commits_end_alike() {
    let folder = Folder::new();
    let shown = folder.json(&["--durable", "demo", "--tenants", "1", "--users", "5"]);
    assert_eq!(shown["firstSync"]["run"]["status"], "completed");
    folder.run(&["runs"]).succeeded();
}
