//! `kill -9` at moments nobody chose, and starting again.
//!
//! The moments come from a seed that is printed. Where a process is when it dies depends on the
//! machine, too; what has to hold afterwards does not.

use std::{collections::BTreeSet, net::TcpListener, process::Child, thread, time::Duration};

use ambient::{Clock, Entropy, SeededEntropy, SystemClock, SystemEntropy};
use serde_json::Value;

use crate::{
    tool::{Ended, Folder},
    world::{DEMO, after_demo, assert_unique, before_first_sync, counters, same_msp},
};

/// Moments at which a process may die.
struct Moments {
    entropy: SeededEntropy,
    longest: Duration,
}

impl Moments {
    /// Moments within about the time that `work` takes.
    fn within(work: impl FnOnce()) -> Self {
        let mut bytes = [0; 8];
        SystemEntropy.fill(&mut bytes);
        let seed = u64::from_le_bytes(bytes);
        let began = SystemClock.now();
        work();
        let longest = SystemClock.now().duration_since(began).unsigned_abs();
        eprintln!("seed {seed}, moments within {longest:?}");
        Self { entropy: SeededEntropy::new(seed), longest }
    }

    fn next(&self) -> Duration {
        let mut byte = [0];
        self.entropy.fill(&mut byte);
        self.longest * u32::from(byte[0]) / 256
    }

    /// Lets `child` work until the next moment; answers how it ended if it was faster.
    fn let_live(&self, mut child: Child) -> Option<Ended> {
        let moment = self.next();
        thread::sleep(moment);
        let is_done = child.try_wait().unwrap().is_some();
        // SIGKILL: no handler runs, nothing is flushed.
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        eprintln!("{moment:?}: {}", if is_done { "done" } else { "killed" });
        is_done.then(|| output.into())
    }
}

/// What every look at the data of a killed process has to show; answers the contacts' ids.
fn look(folder: &Folder, before: &BTreeSet<String>) -> BTreeSet<String> {
    let contacts = folder.export("contacts");
    assert_unique(&contacts);
    let id = |contact: &Value| contact["contactNameId"].as_str().unwrap().to_owned();
    let ids: BTreeSet<String> = contacts.iter().map(id).collect();
    assert!(ids.is_superset(before), "contacts have disappeared");
    ids
}

#[test]
fn a_demo_that_is_killed_again_and_again_ends_like_one_that_is_not() {
    let (mut undisturbed, mut shown) = (Folder::new(), Value::Null);
    let moments = Moments::within(|| (undisturbed, shown) = after_demo());
    for round in 0..3 {
        let folder = same_msp(&undisturbed);
        let mut ids = BTreeSet::new();
        for attempt in 0..6 {
            // Somebody else has the port that stored positions in listings name.
            let port = folder.json_file("profile.json")["fake"]["port"].as_u64().unwrap();
            let _taken =
                (attempt % 2 == 1).then(|| TcpListener::bind(("127.0.0.1", u16::try_from(port).unwrap())));
            if moments.let_live(folder.command(&DEMO).spawn().unwrap()).is_some() {
                break;
            }
            ids = look(&folder, &ids);
        }
        let end = folder.json(&DEMO);
        assert_same_end(&end, &shown);
        look(&folder, &ids);
        assert_eq!(folder.export("contacts"), undisturbed.export("contacts"), "round {round}");
        assert_eq!(folder.export("clients"), undisturbed.export("clients"), "round {round}");
    }
}

/// With nothing there at first, not even the profile.
#[test]
fn a_demo_that_is_killed_at_its_very_beginning_can_be_started_again() {
    let (_, shown) = after_demo();
    let moments = Moments { longest: Duration::from_millis(80), ..Moments::within(|| ()) };
    for _ in 0..3 {
        let folder = Folder::new();
        for _ in 0..4 {
            moments.let_live(folder.command(&DEMO).spawn().unwrap());
        }
        assert_same_end(&folder.json(&DEMO), &shown);
        assert_unique(&folder.export("contacts"));
    }
}

#[test]
fn a_sync_that_is_killed_goes_on_where_it_was() {
    let undisturbed = before_first_sync();
    let mut expected = Value::Null;
    let moments = Moments::within(|| expected = undisturbed.json(&["sync"]));
    for _ in 0..2 {
        let folder = before_first_sync();
        let mut ids = look(&folder, &BTreeSet::new());
        for _ in 0..4 {
            if moments.let_live(folder.command(&["sync"]).spawn().unwrap()).is_some() {
                break;
            }
            ids = look(&folder, &ids);
        }
        folder.run(&["sync"]).succeeded();
        let runs = folder.json(&["runs", "--limit", "50"]);
        let runs = runs.as_array().unwrap();
        assert!(runs.iter().all(|run| run["status"] == "completed"), "{runs:#?}");
        // The first run is the one that found everything to do.
        let first = runs.last().unwrap();
        assert_eq!(counters(&first["summary"]), counters(&expected["run"]["summary"]));
        let others = runs.iter().rev().skip(1).map(|run| &run["summary"]);
        assert!(
            others.into_iter().all(|summary| summary["created"] == 0 && summary["linked"] == 0),
            "{runs:#?}"
        );
        let people = |folder: &Folder| {
            let contact =
                |contact: Value| (contact["email"].to_string(), contact["entraObjectId"].to_string());
            folder.export("contacts").into_iter().map(contact).collect::<BTreeSet<_>>()
        };
        look(&folder, &ids);
        assert_eq!(people(&folder), people(&undisturbed));
    }
}

#[test]
fn a_preview_that_is_killed_is_no_obstacle() {
    let folder = before_first_sync();
    let contacts = folder.run(&["export", "contacts"]).stdout;
    let moments = Moments::within(|| drop(folder.run(&["preview"]).ended_with(2)));
    for _ in 0..4 {
        moments.let_live(folder.command(&["preview"]).spawn().unwrap());
        folder.run(&["preview"]).ended_with(2);
    }
    assert_eq!(folder.run(&["export", "contacts"]).stdout, contacts);
}

#[test]
fn an_interrupted_run_can_be_cancelled_instead() {
    let folder = before_first_sync();
    let moments = Moments::within(|| drop(folder.run(&["preview"])));
    let unfinished = |folder: &Folder| {
        let runs = folder.json(&["runs"]);
        let run = runs.as_array().unwrap().iter().find(|run| run["completedAt"].is_null()).cloned();
        run.map(|run| run["runId"].as_str().unwrap().to_owned())
    };
    for _ in 0..20 {
        moments.let_live(folder.command(&["sync"]).spawn().unwrap());
        if let Some(run) = unfinished(&folder) {
            folder.run(&["runs", "cancel", &run]).succeeded();
            assert_eq!(folder.json(&["runs", "show", &run])["run"]["status"], "cancelled");
            folder.run(&["runs", "cancel", &run]).failed_with("run_ended");
            folder.run(&["sync"]).succeeded();
            folder.run(&["preview"]).succeeded();
            return;
        }
    }
    panic!("no moment of twenty was within a run");
}

#[track_caller]
fn assert_same_end(end: &Value, expected: &Value) {
    for same in ["tenants", "mapped", "preview", "openReviews"] {
        assert_eq!(end[same], expected[same], "{same}");
    }
    for run in ["firstSync", "secondSync"] {
        assert_eq!(end[run]["run"]["status"], "completed", "{run}");
        let people = |shown: &Value| counters(&shown[run]["run"]["summary"]);
        assert_eq!(people(end), people(expected), "{run}");
    }
}
