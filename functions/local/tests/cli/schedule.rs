//! `schedule`, and the syncs that `serve` begins by itself.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;

use crate::{
    server::Server,
    table::{TABLE, at_the_table},
    tool::{Folder, wait_for},
    world::before_first_sync,
};

/// The schedule has been on since long ago.
fn age(folder: &Folder) {
    at_the_table(folder, async |table| {
        let found = table.scan().table_name(TABLE).send().await.unwrap().items.unwrap();
        let is_schedule = |item: &std::collections::HashMap<String, AttributeValue>| {
            item["pk"].as_s().is_ok_and(|pk| pk == "PLATFORM#SCHEDULE")
        };
        let mut schedule = found.into_iter().find(is_schedule).unwrap();
        let long_ago = AttributeValue::S("2026-01-01T00:00:00Z".to_owned());
        schedule.insert("slotsSince".to_owned(), long_ago);
        table.put_item().table_name(TABLE).set_item(Some(schedule)).send().await.unwrap();
    });
}

#[test]
fn a_sync_that_is_due_begins_by_itself_while_it_is_served() {
    let folder = before_first_sync();
    let off = folder.json(&["schedule"]);
    assert_eq!((&off["syncEnabled"], &off["nextRunAt"]), (&json!(false), &json!(null)));
    let on = folder.json(&["schedule", "--every", "4h"]);
    assert_eq!((&on["syncEnabled"], &on["syncIntervalMinutes"]), (&json!(true), &json!(240)));
    assert!(on["nextRunAt"].is_string());
    age(&folder);
    let server = Server::start(&folder);
    let run = wait_for("a sync that nobody has asked for", || {
        let runs = server.get("/sync/runs").json()["data"]["runs"].clone();
        runs.get(0).filter(|run| !run["completedAt"].is_null()).cloned()
    });
    assert_eq!((&run["runType"], &run["status"]), (&json!("all-tenants"), &json!("completed")));
    assert!(run["initiatedBy"].is_null() && run["summary"]["created"].as_u64() > Some(0), "{run}");
    let shown = server.get("/schedule").json()["data"].clone();
    assert_eq!(shown["last"]["run"], run["runId"]);
    server.interrupt();
    server.ended().succeeded();
    // It is due once.
    let server = Server::start(&folder);
    let off = server.post("/schedule", r#"{"syncEnabled":false}"#).json()["data"].clone();
    assert_eq!((&off["syncEnabled"], &off["scheduleApplied"]), (&json!(false), &json!(true)));
    assert_eq!(server.get("/sync/runs").json()["data"]["runs"].as_array().unwrap().len(), 1);
}

#[test]
fn what_is_no_time_is_refused() {
    let folder = before_first_sync();
    for every in ["14", "31d", "often", "1w", "-5", "4hh"] {
        let refused = folder.run(&["schedule", "--every", every]);
        assert_ne!(refused.code, Some(0), "{every}");
    }
    assert_eq!(folder.json(&["schedule"])["syncEnabled"], false);
    assert_eq!(folder.json(&["schedule", "--on"])["syncIntervalMinutes"], 1_440);
    assert_eq!(folder.json(&["schedule", "--off"])["syncEnabled"], false);
}
