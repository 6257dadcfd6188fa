//! `kill -9` at moments nobody chose, and starting again.
//!
//! The moments come from a seed that is printed. Where a process is when it dies depends on the
//! machine, too; what has to hold afterwards does not.

use std::{collections::BTreeSet, net::TcpListener, process::Child, thread, time::Duration};

use ambient::{Clock, Entropy, SeededEntropy, SystemClock, SystemEntropy};
use serde_json::{Value, json};

use crate::{
    tool::{Ended, Folder},
    world::{DEMO, after_demo, assert_unique, before_first_sync, counters, same_msp},
};

/// Kills of one run after which it still does everything itself: a tenant that was taken up four
/// times without coming further is left to the next run.
const KILLS_MAX: usize = 3;

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
        note(format_args!("seed {seed}, moments within {longest:?}"));
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
        note(format_args!("{moment:?}: {}", if is_done { "done" } else { "killed" }));
        is_done.then(|| output.into())
    }
}

#[expect(clippy::print_stderr, reason = "a failure is repeated with the seed")]
fn note(what: std::fmt::Arguments<'_>) {
    eprintln!("{what}");
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
    for round in 0..5 {
        let folder = same_msp(&undisturbed);
        let mut ids = BTreeSet::new();
        for attempt in 0..KILLS_MAX {
            // Somebody else has the port that stored positions in listings name.
            let port = folder.json_file("profile.json")["fake"]["port"].as_u64().unwrap();
            let port = u16::try_from(port).unwrap();
            let _taken = (attempt == 1).then(|| TcpListener::bind(("127.0.0.1", port)));
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
    for _ in 0..4 {
        let folder = Folder::new();
        for _ in 0..KILLS_MAX {
            moments.let_live(folder.command(&DEMO).spawn().unwrap());
        }
        assert_same_end(&folder.json(&DEMO), &shown);
        assert_unique(&folder.export("contacts"));
    }
}

/// The tables of a new database are made within about a millisecond, right after the profile.
#[test]
fn a_folder_that_was_only_half_made_can_be_used() {
    let moments = Moments { longest: Duration::from_millis(2), ..Moments::within(|| ()) };
    for _ in 0..40 {
        let folder = Folder::new();
        let child = folder.command(&["runs"]).spawn().unwrap();
        while !folder.data().join("profile.json").exists() {
            thread::yield_now();
        }
        moments.let_live(child);
        let client = json!({ "clientId": "00000000-0000-4000-8000-000000000001", "clientName": "Acme" });
        folder.write("clients.jsonl", client.to_string());
        assert_eq!(folder.json(&["import", "clients", "clients.jsonl"])["created"], 1);
        assert_eq!(folder.json(&["runs"]), json!([]));
    }
}

#[test]
fn a_sync_that_is_killed_goes_on_where_it_was() {
    let undisturbed = before_first_sync();
    let mut expected = Value::Null;
    let moments = Moments::within(|| expected = undisturbed.json(&["sync"]));
    for _ in 0..3 {
        let folder = before_first_sync();
        let ids = kill_syncs(&folder, &moments, KILLS_MAX);
        folder.run(&["sync"]).succeeded();
        let runs = folder.json(&["runs", "--limit", "50"]);
        let runs = runs.as_array().unwrap();
        assert!(runs.iter().all(|run| run["status"] == "completed"), "{runs:#?}");
        // The first run is the one that found everything to do.
        let (first, later) = runs.split_last().unwrap();
        assert_eq!(counters(&first["summary"]), counters(&expected["run"]["summary"]));
        let wrote = |run: &Value| run["summary"]["created"] != 0 || run["summary"]["linked"] != 0;
        assert!(!later.iter().any(wrote), "{runs:#?}");
        look(&folder, &ids);
        assert_eq!(people(&folder), people(&undisturbed));
    }
}

#[test]
fn however_often_a_sync_is_killed_the_next_ones_do_what_is_left() {
    let undisturbed = before_first_sync();
    let moments = Moments::within(|| drop(undisturbed.run(&["sync"]).succeeded()));
    let folder = before_first_sync();
    let ids = kill_syncs(&folder, &moments, 10);
    folder.run(&["sync"]).succeeded();
    look(&folder, &ids);
    assert_eq!(people(&folder), people(&undisturbed));
    folder.run(&["preview"]).succeeded();
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
    let run = interrupt(&folder, &moments, "sync");
    folder.run(&["runs", "cancel", &run]).succeeded();
    assert_eq!(folder.json(&["runs", "show", &run])["run"]["status"], "cancelled");
    folder.run(&["runs", "cancel", &run]).failed_with("run_ended");
    folder.run(&["sync"]).succeeded();
    folder.run(&["preview"]).succeeded();
}

/// Whoever asks for a preview, or cancels one, has not asked for a sync.
#[test]
fn only_a_sync_takes_an_interrupted_sync_up_again() {
    let folder = before_first_sync();
    let moments = Moments::within(|| drop(folder.run(&["preview"])));
    let sync = interrupt(&folder, &moments, "sync");
    let contacts = folder.run(&["export", "contacts"]).stdout;
    let assert_untouched = || {
        assert_eq!(unfinished(&folder, false).as_ref(), Some(&sync));
        assert_eq!(folder.run(&["export", "contacts"]).stdout, contacts);
    };
    assert!([Some(0), Some(2)].contains(&folder.run(&["preview"]).code));
    assert_untouched();
    let preview = interrupt(&folder, &moments, "preview");
    assert_untouched();
    folder.run(&["runs", "cancel", &preview]).succeeded();
    assert_untouched();
    folder.run(&["sync"]).succeeded();
    assert_eq!(folder.json(&["runs", "show", &sync])["run"]["status"], "completed");
}

/// Kills syncs of `folder`; answers the ids of its contacts.
fn kill_syncs(folder: &Folder, moments: &Moments, times: usize) -> BTreeSet<String> {
    let mut ids = look(folder, &BTreeSet::new());
    for _ in 0..times {
        if moments.let_live(folder.command(&["sync"]).spawn().unwrap()).is_some() {
            break;
        }
        ids = look(folder, &ids);
    }
    ids
}

/// Kills a process of `command` while its run is going on; answers the run.
fn interrupt(folder: &Folder, moments: &Moments, command: &str) -> String {
    for _ in 0..30 {
        moments.let_live(folder.command(&[command]).spawn().unwrap());
        if let Some(run) = unfinished(folder, command == "preview") {
            return run;
        }
    }
    panic!("no moment of thirty was within a run");
}

fn unfinished(folder: &Folder, is_preview: bool) -> Option<String> {
    let runs = folder.json(&["runs"]);
    let is_wanted = |run: &&Value| run["completedAt"].is_null() && run["isDryRun"] == is_preview;
    let run = runs.as_array().unwrap().iter().find(is_wanted);
    run.map(|run| run["runId"].as_str().unwrap().to_owned())
}

/// Who is linked to whom. Ids of contacts belong to a workspace, and are not compared.
fn people(folder: &Folder) -> BTreeSet<(String, String)> {
    let contact = |contact: Value| (contact["email"].to_string(), contact["entraObjectId"].to_string());
    folder.export("contacts").into_iter().map(contact).collect()
}

#[track_caller]
fn assert_same_end(end: &Value, expected: &Value) {
    for same in ["tenants", "mapped", "preview", "openReviews"] {
        assert_eq!(end[same], expected[same], "{same}");
    }
    for run in ["firstSync", "secondSync"] {
        assert_eq!(end[run]["run"]["status"], "completed", "{run}");
        let people = |shown: &Value| {
            let mut people = counters(&shown[run]["run"]["summary"]);
            if run == "secondSync" {
                // Whether a tenant is read by its changes or completely may be another after a death: the
                // place in the feed may be lost. What is written must not be.
                let written = people.as_object_mut().unwrap();
                written.retain(|name, _| {
                    !["read", "unchanged", "excluded", "ambiguous"].contains(&name.as_str())
                });
            }
            people
        };
        assert_eq!(people(end), people(expected), "{run}");
    }
}
