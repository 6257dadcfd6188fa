//! `demo`, and what it leaves.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{BufRead, BufReader, Read},
};

use serde_json::{Value, json};

use crate::{
    tool::Folder,
    world::{DEMO, after_demo, assert_unique, counters},
};

#[test]
fn from_nothing_to_a_second_sync_that_writes_nothing() {
    let (folder, shown) = after_demo();
    assert_eq!(shown["tenants"], 4);
    let (first, second) = (&shown["firstSync"]["run"], &shown["secondSync"]["run"]);
    assert_eq!((&first["status"], &second["status"]), (&json!("completed"), &json!("completed")));
    assert_eq!(shown["preview"], counters(&first["summary"]), "a preview counts what the sync then does");
    let first = &first["summary"];
    assert_eq!(first["read"], 60);
    assert!(first["created"].as_u64() > Some(0) && first["linked"].as_u64() > Some(0), "{first}");
    for written in ["created", "linked", "updated", "inactivated", "reactivated"] {
        assert_eq!(second["summary"][written], 0, "{written}");
    }
    let touched = first["created"].as_u64().unwrap() + first["linked"].as_u64().unwrap();
    assert_eq!(
        second["summary"]["read"], first["ambiguous"],
        "nobody has changed; who is asked about is looked at"
    );
    assert_eq!(shown["openReviews"], first["ambiguous"]);

    let contacts = folder.export("contacts");
    assert_unique(&contacts);
    let linked = contacts.iter().filter(|contact| !contact["entraObjectId"].is_null());
    assert_eq!(linked.count() as u64, touched);
}

#[test]
fn again_it_changes_nothing() {
    let (folder, shown) = after_demo();
    let before = folder.run(&["export", "contacts"]).stdout;
    let again = folder.json(&DEMO);
    for same in ["tenants", "mapped", "preview", "firstSync", "openReviews"] {
        assert_eq!(again[same], shown[same], "{same}");
    }
    let people = |shown: &Value| counters(&shown["secondSync"]["run"]["summary"]);
    assert_eq!(people(&again), people(&shown));
    assert_eq!(folder.run(&["export", "contacts"]).stdout, before);
}

#[test]
fn the_seed_decides_who_is_invented() {
    let names = |seed: &str| {
        let folder = Folder::new();
        folder.json(&["demo", "--tenants", "1", "--users", "12", "--seed", seed]);
        let name = |contact: Value| contact["email"].as_str().map(str::to_owned);
        folder.export("contacts").into_iter().map(name).collect::<BTreeSet<_>>()
    };
    let first = names("1");
    assert_eq!(names("1"), first);
    assert_ne!(names("2"), first);
}

#[test]
fn a_table_and_the_talk_keep_to_their_channels() {
    let folder = Folder::new();
    let demo = folder.run(&DEMO).succeeded();
    assert!(!demo.stderr.is_empty(), "it says what it does");
    assert!(demo.stdout.contains("contacts created"), "{demo:#?}");
    assert!(!demo.stdout.contains('\u{1b}') && !demo.stderr.contains('\u{1b}'), "no colours in a pipe");
    for talk in demo.stderr.lines().filter(|line| !line.trim().is_empty()) {
        assert!(!demo.stdout.contains(talk), "{talk}");
    }
    let quiet = folder.run(&["runs", "--output", "json"]).succeeded();
    assert_eq!(quiet.document().as_array().unwrap().len(), 3);
}

#[test]
fn however_much_is_logged_standard_output_is_one_document() {
    for level in ["trace", "debug"] {
        let folder = Folder::new();
        let mut command = folder.command(&["demo", "--tenants", "1", "--users", "5", "--output", "json"]);
        let demo = crate::tool::Ended::from(command.env("LOG_LEVEL", level).output().unwrap()).succeeded();
        assert_eq!(demo.document()["tenants"], 1);
        assert!(demo.stderr.contains("DEBUG"), "{demo:#?}");
    }
}

/// `| head -1`, for each of the channels and for both.
#[test]
fn a_reader_that_leaves_is_no_failure() {
    let (folder, _) = after_demo();
    for arguments in [
        ["export", "contacts"].as_slice(),
        &["export", "contacts", "--format", "csv"],
        &["runs", "--output", "json"],
        &["preview", "--output", "json"],
        &DEMO,
    ] {
        let mut child = folder.command(arguments).spawn().unwrap();
        let mut line = [0; 1];
        child.stdout.take().unwrap().read_exact(&mut line).unwrap();
        let mut talk = String::new();
        child.stderr.take().unwrap().read_to_string(&mut talk).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{arguments:?}: {talk}");
    }
    let mut child = folder.command(&DEMO).stdout(File::create("/dev/null").unwrap()).spawn().unwrap();
    let mut talk = BufReader::new(child.stderr.take().unwrap());
    talk.read_line(&mut String::new()).unwrap();
    drop(talk);
    assert_eq!(child.wait().unwrap().code(), Some(0), "nobody listens any more");
}

#[test]
fn a_full_disk_below_the_output_is_a_failure() {
    let (folder, _) = after_demo();
    for arguments in [["export", "contacts"].as_slice(), &["runs"], &["runs", "--output", "json"]] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = folder.command(arguments).stdout(full).output().unwrap();
        crate::tool::Ended::from(output).failed_with("output_failed");
    }
}
