//! `bench`: what a sync costs, and that it stays within what is promised.

use serde_json::Value;

use crate::tool::{Ended, Folder};

/// Most requests for each one of the floor, which is pages, a token and a proof of access.
const REQUESTS_PER_FLOOR_MAX: f64 = 1.2;

/// Most writes for each contact that is created.
const WRITES_PER_CREATED_MAX: f64 = 3.5;

fn number(phase: &Value, name: &str) -> f64 {
    phase[name].as_f64().unwrap_or_else(|| panic!("{name} in {phase:#}"))
}

#[test]
fn a_sync_costs_what_is_promised() {
    let folder = Folder::new();
    let report = folder.run(&["bench", "--users", "500"]).succeeded().document();
    keeps_what_is_promised(&report);
    assert!(!folder.data().exists(), "it works in a folder of its own, and leaves none");
}

#[test]
fn a_worker_alone_costs_the_same() {
    let folder = Folder::new();
    keeps_what_is_promised(&folder.run(&["bench", "--users", "500", "--apart"]).succeeded().document());
}

#[test]
fn a_measurement_whose_other_process_ends_says_so() {
    let folder = Folder::new();
    let mut command = folder.command(&["bench", "--users", "5", "--apart"]);
    // Only the other process opens a data folder, and cannot with this.
    let ended: Ended = command.env("MICROSOFT_GRAPH_BASE_URL", "ftp://x").output().unwrap().into();
    let ended = ended.failed_with("bench_failed");
    assert!(ended.stderr.contains("[invalid_settings]"), "the other one says why: {ended:#?}");
}

fn keeps_what_is_promised(report: &Value) {
    assert_eq!((report["users"].as_u64(), report["tenants"].as_u64()), (Some(500), Some(1)));
    for named in ["seed", "store", "build", "peakMemoryBytes"] {
        assert!(!report[named].is_null(), "{named}");
    }
    let phases = report["phases"].as_array().unwrap();
    let names: Vec<&str> = phases.iter().map(|phase| phase["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["preview", "first", "nothing changed", "1 % changed", "everybody read again"]);
    for phase in phases {
        for measure in [
            "milliseconds",
            "directoryRequests",
            "tokenRequests",
            "directoryBytes",
            "resourceUnits",
            "requestFloor",
            "storeOperations",
            "storeWrites",
            "storeBytesSent",
            "contactWrites",
            "peakMemoryBytes",
        ] {
            assert!(number(phase, measure) >= 0.0);
        }
        let requests = number(phase, "directoryRequests") + number(phase, "tokenRequests");
        let floor = number(phase, "requestFloor");
        assert!(requests <= REQUESTS_PER_FLOOR_MAX * floor, "{requests} requests, the floor is {floor}");
        let calls = phase["storeCalls"].as_object().unwrap().values().map(|calls| calls.as_u64().unwrap());
        assert_eq!(Some(calls.sum::<u64>()), phase["storeOperations"].as_u64());
    }
    let [preview, first, unchanged, changed, everybody] = phases.as_slice() else { unreachable!() };
    for (phase, read) in [(preview, 500), (first, 500), (unchanged, 0), (changed, 5), (everybody, 500)] {
        assert_eq!(phase["people"]["read"], read, "{phase:#}");
    }
    assert_eq!((&preview["people"], &preview["contactWrites"]), (&first["people"], &0.into()));
    assert_eq!(first["people"]["created"], first["contactWrites"]);
    assert!(number(first, "contactWrites") > 450.0, "{first:#}");
    assert!(number(first, "writesPerWrittenContact") <= WRITES_PER_CREATED_MAX, "{first:#}");
    assert_eq!(unchanged["contactWrites"], 0);
    assert!(unchanged["writesPerWrittenContact"].is_null());
    assert!(number(unchanged, "storeWrites") < 20.0, "what does not change is not written: {unchanged:#}");
    assert_eq!(unchanged["directoryRequests"], 1, "{unchanged:#}");
    assert_eq!(everybody["contactWrites"], 0, "{everybody:#}");
    assert_eq!(changed["people"]["updated"], 5);
}

/// The directory and the table are in another process, so this is what the worker itself holds: a page and
/// what it leads to, and a few bytes for each person who was seen.
#[test]
fn memory_does_not_grow_with_the_tenant() {
    /// Less than a person takes who is held as the directory tells of them, or as a line.
    const BYTES_FOR_EACH_PERSON_MAX: u64 = 1_500;
    let folder = Folder::new();
    let [small, large] = ["1000", "10000"].map(|users| {
        let report = folder.run(&["bench", "--users", users, "--apart"]).succeeded().document();
        let phases = report["phases"].as_array().unwrap();
        let peaks =
            phases.iter().map(|phase| (phase["name"].clone(), phase["peakMemoryBytes"].as_u64().unwrap()));
        peaks.collect::<Vec<_>>()
    });
    for ((phase, small), (_, large)) in small.iter().zip(large) {
        let grown = large.saturating_sub(*small);
        assert!(grown < 9_000 * BYTES_FOR_EACH_PERSON_MAX, "{phase}: {grown} bytes more than {small}");
    }
}

#[test]
fn the_smallest_sizes_are_measured_too() {
    let folder = Folder::new();
    for (users, tenants) in [("0", "1"), ("2", "5")] {
        let report = folder.run(&["bench", "--users", users, "--tenants", tenants]).succeeded().document();
        assert_eq!(report["users"].to_string(), users);
    }
}
