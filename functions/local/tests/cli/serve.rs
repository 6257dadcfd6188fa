//! `serve`: the HTTP API on this machine.

use std::{
    io::Write,
    net::{TcpListener, TcpStream},
};

use serde_json::json;

use crate::{
    http::ask,
    server::{API, Server},
    tool::Folder,
    world::{after_demo, before_first_sync, counters},
};

#[test]
fn a_whole_day_over_http() {
    let folder = before_first_sync();
    let server = Server::start(&folder);
    let status = server.get("");
    assert_eq!(status.status, 200, "{status:#?}");
    let status = status.json();
    assert_eq!((&status["success"], &status["data"]["status"]), (&json!(true), &json!("connected")));
    assert_eq!(status["data"]["mappedTenantCount"], 4);

    let tenant = server.get("/mappings/preview").json()["data"]["autoMatched"][0]["managedTenantId"].clone();
    let planned = server.post("/sync/preflight", &json!({ "managedTenantId": tenant }).to_string());
    assert_eq!(planned.status, 200, "{planned:#?}");
    assert_eq!(server.get("/sync/runs").json()["data"]["runs"].as_array().unwrap().len(), 1);

    let started = server.post("/sync", r#"{"scope":"initial"}"#);
    assert_eq!(started.status, 202, "{started:#?}");
    let shown = server.ended_run(&started);
    assert_eq!((&shown["run"]["status"], &shown["run"]["runType"]), (&json!("completed"), &json!("initial")));
    assert!(shown["run"]["summary"]["created"].as_u64() > Some(0), "{shown}");
    let again = server.ended_run(&server.post("/sync", r#"{"scope":"all-tenants"}"#));
    assert_eq!(
        (&again["run"]["summary"]["created"], &again["run"]["summary"]["linked"]),
        (&json!(0), &json!(0))
    );

    server.interrupt();
    let ended = server.ended().succeeded();
    assert_eq!(ended.stdout, "", "a server has no result");
    let runs = folder.json(&["runs"]);
    assert_eq!(runs[1]["runId"], shown["run"]["runId"], "the command sees what the server did");
    assert_eq!(counters(&runs[1]["summary"]), counters(&shown["run"]["summary"]));
}

#[test]
fn only_the_token_of_this_folder_opens_it() {
    let (folder, _) = after_demo();
    let (elsewhere, _) = after_demo();
    let server = Server::start(&folder);
    let foreign = Server::start(&elsewhere).token.clone();
    let tampered = format!("{}x", server.token);
    for token in [None, Some(""), Some("x"), Some(tampered.as_str()), Some(foreign.as_str())] {
        for (method, path, body) in [
            ("GET", "", None),
            ("GET", "/sync/runs", None),
            ("POST", "/sync", Some(r#"{"scope":"initial"}"#)),
        ] {
            let answer = ask(server.port, method, &format!("{API}{path}"), token, body);
            assert_eq!(answer.status, 401, "{token:?}: {answer:#?}");
            assert_eq!(answer.json()["success"], false);
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
    }
    assert_eq!(server.get("/sync/runs").json()["data"]["runs"].as_array().unwrap().len(), 3);
}

#[test]
fn what_makes_no_sense_is_answered_in_the_contracts_form() {
    let (folder, _) = after_demo();
    let server = Server::start(&folder);
    for path in ["/nope", "/sync/runs/x/y"] {
        server.get(path).refuses(404, "no_such_route");
    }
    ask(server.port, "GET", "/", None, None).refuses(404, "no_such_route");
    server.get("/sync").refuses(405, "method_not_allowed");
    server.get("/sync/runs/11111111-1111-4111-8111-111111111111").refuses(404, "unknown_run");
    server.post("/sync", r#"{"scope":"#).refuses(400, "malformed_json");
    server.post("/sync", r#"{"scope":"everything"}"#).refuses(400, "invalid_scope");
    server.post("/sync", r#"{"scope":"single-client"}"#).refuses(400, "client_missing");
    let limit = 1024 * 1024;
    let body = r#"{"scope":"everything"}"#;
    let padded = |length| format!("{body}{}", " ".repeat(length - body.len()));
    server.post("/sync", &padded(limit)).refuses(400, "invalid_scope");
    server.post("/sync", &padded(limit + 1)).refuses(413, "body_too_large");
    let options = ask(server.port, "OPTIONS", &format!("{API}/sync"), None, None);
    assert_eq!((options.status, options.header("access-control-allow-origin")), (204, Some("*")));
    assert_eq!(server.get("/sync/runs").json()["data"]["runs"].as_array().unwrap().len(), 3, "nothing began");
}

#[test]
fn a_port_that_somebody_has_is_a_failure() {
    let folder = Folder::new();
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    folder.run(&["serve", "--port", &port]).failed_with("port_in_use");
}

#[test]
fn a_restart_keeps_the_key_and_renews_the_token() {
    let (folder, _) = after_demo();
    let before = Server::start(&folder).token.clone();
    let server = Server::start(&folder);
    for token in [&before, &server.token] {
        assert_eq!(ask(server.port, "GET", API, Some(token), None).status, 200);
    }
}

/// A client that is slow on purpose, or whose laptop was closed.
#[test]
fn a_request_that_never_ends_does_not_keep_it_from_stopping() {
    let (folder, _) = after_demo();
    let server = Server::start(&folder);
    let mut slow = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    slow.write_all(b"GET /api HTTP/1.1\r\nHost: localhost\r\n").unwrap();
    // An answer on another connection: the slow one was accepted before it.
    assert_eq!(server.get("").status, 200);
    server.interrupt();
    server.ended().succeeded();
}

#[test]
fn a_run_that_is_interrupted_is_taken_up_by_the_next_server() {
    let folder = before_first_sync();
    let server = Server::start(&folder);
    let started = server.post("/sync", r#"{"scope":"initial"}"#);
    assert_eq!(started.status, 202);
    // Killed at once: with some of the run done, or none of it.
    drop(server);
    let server = Server::start(&folder);
    let shown = server.ended_run(&started);
    assert_eq!(shown["run"]["status"], "completed", "{shown:#}");
    assert_eq!(shown["run"]["summary"]["read"], 60);
}
