//! A secret is in `secrets/` and nowhere else.

use serde_json::Value;

use crate::{
    server::Server,
    tool::{Ended, Folder},
    world::{DEMO, before_first_sync},
};

/// Shortest part of a secret that is looked for: less than a token's parts, more than chance.
const PART: usize = 24;

/// The secrets stored now: of each its beginning, its end and a part within, so that a shortened
/// one is found, too.
fn secrets(folder: &Folder) -> Vec<String> {
    let mut parts = Vec::new();
    for (name, content) in folder.files() {
        if !name.starts_with("secrets/") || content.is_empty() {
            continue;
        }
        let document: Value = serde_json::from_slice(&content).unwrap();
        for (key, value) in document.as_object().unwrap() {
            if key.ends_with("_token") || key.ends_with("_secret") {
                let secret = value.as_str().unwrap();
                let last = secret.len().saturating_sub(PART);
                let starts = [0, last / 2, last];
                parts.extend(starts.map(|start| secret[start..secret.len().min(start + PART)].to_owned()));
            }
        }
    }
    parts
}

fn assert_absent(secrets: &[String], place: &str, content: &[u8]) {
    for secret in secrets {
        let found = content.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "a secret is in {place}");
    }
}

#[test]
fn no_secret_is_in_the_database_the_profile_or_anything_said() {
    let folder = before_first_sync();
    let mut known = secrets(&folder);
    let mut said: Vec<(String, Ended)> = Vec::new();
    let run = |arguments: &[&str]| {
        let mut command = folder.command(arguments);
        (arguments.join(" "), Ended::from(command.env("LOG_LEVEL", "trace").output().unwrap()))
    };
    for arguments in [
        ["connect", "--output", "json"].as_slice(),
        &["discover", "--output", "json"],
        &["map", "--auto", "--output", "json"],
        &["preview", "--output", "json"],
        &["sync", "--output", "json"],
        &["runs", "--output", "json"],
        &["settings", "--output", "json"],
        &["export", "clients"],
        &["export", "contacts", "--format", "csv"],
        &["sync", "--tenant", "11111111-1111-4111-8111-111111111111"],
        &DEMO,
    ] {
        said.push(run(arguments));
        known.extend(secrets(&folder));
    }
    let server = Server::start(&folder);
    assert_eq!(server.get("").status, 200);
    let answer = format!("{:?}", server.get(""));
    server.interrupt();
    said.push(("serve".to_owned(), server.ended()));

    assert!(known.len() >= 6, "a refresh token and a client secret are stored");
    known.sort();
    known.dedup();
    assert_absent(&known, "the status", answer.as_bytes());
    for (arguments, ended) in &said {
        assert_absent(&known, &format!("standard output of {arguments}"), ended.stdout.as_bytes());
        assert_absent(&known, &format!("standard error of {arguments}"), ended.stderr.as_bytes());
    }
    for (name, content) in folder.files() {
        if !name.starts_with("secrets/") {
            assert_absent(&known, &name, &content);
        }
    }
    assert_key_is_in_its_file_only(&folder, &said);
}

/// The key that signs tokens, the token, and the key of whoever decides about flags are files for the person at this machine.
fn assert_key_is_in_its_file_only(folder: &Folder, said: &[(String, Ended)]) {
    let files = folder.files();
    for own in ["api-key", "api-token", "flags-key"] {
        let (_, secret) = files.iter().find(|(name, _)| name == own).unwrap();
        let secret = [String::from_utf8(secret.clone()).unwrap().trim().to_owned()];
        for (name, content) in files.iter().filter(|(name, _)| name != own) {
            assert_absent(&secret, name, content);
        }
        for (arguments, ended) in said {
            assert_absent(&secret, arguments, ended.stdout.as_bytes());
            assert_absent(&secret, arguments, ended.stderr.as_bytes());
        }
    }
}
