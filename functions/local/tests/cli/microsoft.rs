//! A workspace that is no demo: another Microsoft, which the environment names, as in the README.

use std::{
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    process::Command,
    sync::Arc,
};

use ambient::{Clock, SystemClock};
use domain::ids::EntraTenantId;
use fake_microsoft::{Application, Effect, Fake, FakeServer, Match, Route, SignIn, World, WorldConfig};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{
    http::{Answer, ask},
    tool::{Ended, Folder},
    world::json_lines,
};

/// Users of the one tenant; all of them plain people.
const USERS: u32 = 30;

/// A Microsoft in this process, and a folder whose commands know it by the environment only.
struct Office {
    folder: Folder,
    fake: Fake,
    server: FakeServer,
    /// Of the app's redirect address.
    port: u16,
    _runtime: Runtime,
}

impl Office {
    fn new() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        let sample = WorldConfig::sample(7, &[USERS, USERS]);
        let redirect = format!("http://localhost:{port}/api/auth/microsoft/entra/callback");
        let application = Application { redirect_uris: vec![redirect], ..sample.application.clone() };
        let world = World::generate(WorldConfig { application, messy: false, ..sample });
        let fake = Fake::new(world, Arc::new(SystemClock));
        let server = runtime.block_on(fake.serve(0)).unwrap();
        Self { folder: Folder::new(), fake, server, port, _runtime: runtime }
    }

    /// Connected, discovered, mapped; nothing is synced yet.
    fn mapped() -> Self {
        let office = Self::new();
        let seed = office.fake.world().psa_seed();
        let client = |client: &fake_microsoft::PsaClientSeed| json!({ "clientId": client.client_id, "clientName": client.name, "website": client.website });
        office.folder.write("clients.jsonl", json_lines(&seed.iter().map(client).collect::<Vec<_>>()));
        office.json(&["import", "clients", "clients.jsonl"]);
        assert_eq!(office.sign_in().succeeded().document()["managedTenantCount"], 2);
        assert_eq!(office.json(&["discover"])["discoveredTenantCount"], 2);
        assert_eq!(office.json(&["map", "--auto"])["summary"]["mapped"], 2);
        office
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let base = self.server.base_url();
        let app = &self.fake.world().config().application;
        let mut command = self.folder.command(arguments);
        command.env("MICROSOFT_CLIENT_ID", &app.client_id);
        command.env("MICROSOFT_CLIENT_SECRET", app.client_secret.expose_secret());
        command
            .env("MICROSOFT_LOGIN_BASE_URL", &base)
            .env("MICROSOFT_GRAPH_BASE_URL", format!("{base}/v1.0"));
        command
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.command(arguments).output().unwrap().into()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        self.run(&[arguments, &["--output", "json"]].concat()).succeeded().document()
    }

    /// `connect`, and a browser that opens the address it prints.
    fn sign_in(&self) -> Ended {
        let port = self.port.to_string();
        let mut child = self.command(&["connect", "--port", &port, "--output", "json"]).spawn().unwrap();
        let mut talk = BufReader::new(child.stderr.take().unwrap());
        let mut stderr = String::new();
        let address = loop {
            let begin = stderr.len();
            assert_ne!(talk.read_line(&mut stderr).unwrap(), 0, "it ended: {stderr}");
            let line = stderr[begin..].trim();
            if line.contains("/oauth2/v2.0/authorize?") {
                break line.to_owned();
            }
        };
        let path = address.strip_prefix(&self.server.base_url()).unwrap();
        let sent_back = ask(self.server.address().port(), "GET", path, None, None);
        assert_eq!(self.land(&sent_back).status, 200);
        talk.read_to_string(&mut stderr).unwrap();
        let output = child.wait_with_output().unwrap();
        Ended { stderr, ..Ended::from(output) }
    }

    /// Follows Microsoft's redirect to the waiting command.
    fn land(&self, sent_back: &Answer) -> Answer {
        let location = sent_back.header("location").unwrap();
        let path = location.strip_prefix(&format!("http://localhost:{}", self.port)).unwrap();
        ask(self.port, "GET", path, None, None)
    }

    fn tenant(&self) -> EntraTenantId {
        self.fake.world().tenants()[0].id
    }

    /// Edits the first `count` users of the first tenant.
    fn edit(&self, count: u32, change: impl Fn(&mut fake_microsoft::User)) {
        let world = self.fake.world();
        for index in 0..count {
            let user = world.user(self.tenant(), index).unwrap();
            world.edit(self.tenant(), user.id, &change).unwrap();
        }
    }

    fn remove(&self, count: usize) {
        let world = self.fake.world();
        for user in world.users(self.tenant()).into_iter().take(count) {
            world.remove_user(self.tenant(), user.id).unwrap();
        }
    }

    fn inactive(&self) -> usize {
        self.folder.export("contacts").iter().filter(|contact| contact["isInactive"] == true).count()
    }
}

#[test]
fn the_readmes_path_with_a_browser() {
    let office = Office::mapped();
    assert_eq!(office.run(&["preview"]).code, Some(2));
    let sync = office.json(&["sync"]);
    assert_eq!(sync["run"]["summary"]["created"], 2 * USERS);
    assert_eq!(office.folder.export("contacts").len() as u64, u64::from(2 * USERS));
    assert_eq!(office.run(&["preview"]).code, Some(0));
    let second = office.json(&["sync"]);
    assert_eq!(second["run"]["summary"]["read"], 0, "nobody has changed");
    office.run(&["settings", "--read-everybody-after", "0"]).succeeded();
    let third = office.json(&["sync"]);
    assert_eq!(third["run"]["summary"]["unchanged"], 2 * USERS);
}

#[test]
fn a_declined_sign_in_connects_nothing() {
    let office = Office::new();
    office.fake.script_sign_in(SignIn::Deny);
    let ended = office.sign_in();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:#?}");
    office.run(&["discover"]).failed_with("discovery_failed");
    office.fake.script_sign_in(SignIn::Consent);
    office.sign_in().succeeded();
}

#[test]
fn a_refresh_token_connects_without_a_browser() {
    let first = Office::mapped();
    let stored =
        first.folder.files().into_iter().find(|(name, _)| name.ends_with("entra-direct.json")).unwrap();
    let document: Value = serde_json::from_slice(&stored.1).unwrap();
    let token = document["entra_direct_refresh_token"].as_str().unwrap();
    let second = Office { folder: Folder::new(), ..first };
    second.folder.write("token", format!("{token}\n"));
    let connected = second.json(&["connect", "--refresh-token", "token"]);
    assert_eq!((&connected["status"], &connected["managedTenantCount"]), (&json!("connected"), &json!(2)));

    second.folder.write("token", "0.AAAA-not-a-token");
    let refused = second.run(&["connect", "--refresh-token", "token"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""), "{refused:#?}");
    assert!(!refused.stderr.contains("AAAA-not"), "{refused:#?}");
    assert_eq!(second.json(&["discover"])["discoveredTenantCount"], 2, "the connection before is in force");
}

#[test]
fn a_sign_in_is_not_begun_when_the_app_registration_cannot_be_read() {
    let office = Office::mapped();
    let files = office.folder.files();
    let tokens = files.into_iter().find(|(name, _)| name.ends_with("entra-direct.json")).unwrap().0;
    let registration = office.folder.data().join(tokens.replace("entra-direct", "microsoft-app"));
    std::fs::write(registration, r#"{"k":{"v":"x"}}"#).unwrap();
    office.run(&["connect", "--port", &office.port.to_string()]).failed_with("sign_in_not_begun");
}

#[test]
fn a_discovery_that_microsoft_puts_off_changes_nothing_and_says_so() {
    let office = Office::mapped();
    let later = Effect::Throttle { retry_after: Some("100000".to_owned()) };
    let fault = office.fake.faults().on(Match::route(Route::Relationships), later, u32::MAX);
    office.run(&["discover"]).failed_with("microsoft_unavailable");
    office.fake.faults().remove(fault);
    assert_eq!(office.json(&["discover"])["discoveredTenantCount"], 2);
}

#[test]
fn a_sign_in_is_renewed_when_it_is_due() {
    let office = Office::mapped();
    let token = || {
        let files = office.folder.files();
        files.into_iter().find(|(name, _)| name.ends_with("entra-direct.json")).unwrap().1
    };
    let first = token();
    assert_eq!(office.json(&["renew"])["status"], "not_due");
    assert_eq!(token(), first);
    assert_eq!(office.json(&["renew", "--older-than", "0"])["status"], "renewed");
    assert_ne!(token(), first);
    // Nobody has told when the client secret ends; nothing presses.
    assert_eq!(office.json(&["renew"])["expiryForecast"], json!([]));
    let with_secret_until = |ends: Timestamp, arguments: &[&str]| {
        let mut command = office.command(arguments);
        Ended::from(command.env("MICROSOFT_CLIENT_SECRET_EXPIRES_AT", ends.to_string()).output().unwrap())
    };
    let ends = SystemClock.now() + SignedDuration::from_hours(24 * 9 + 6);
    let told = with_secret_until(ends, &["renew", "--output", "json"]).succeeded().document();
    let told = &told["expiryForecast"][0];
    assert_eq!((&told["subject"], &told["daysLeft"]), (&json!("app_client_secret"), &json!(9)));
    let told = with_secret_until(ends, &["renew"]).succeeded();
    assert!(told.stdout.contains("9 days left") && told.stdout.contains("[ends_soon]"), "{told:#?}");
    office.fake.revoke_sign_ins();
    office.run(&["renew", "--older-than", "0"]).failed_with("refresh_failed");
    // A renewal that fails is no reason to say less.
    let told = with_secret_until(ends, &["renew", "--older-than", "0"]);
    assert!(told.stderr.contains("9 days left") && told.stderr.contains("[refresh_failed]"), "{told:#?}");
    assert_eq!(Folder::new().json(&["renew"])["status"], "nothing_to_renew");
}

#[test]
fn a_changed_field_is_a_planned_change_only_where_a_rule_is_on() {
    let office = Office::mapped();
    office.json(&["sync"]);
    office.edit(3, |user| user.job_title = Some("Head of Change".to_owned()));
    let nothing = office.run(&["preview", "--output", "json"]);
    assert_eq!(nothing.code, Some(0), "no rule is on: {}", nothing.stdout);
    office.json(&["settings", "--field", "role=on"]);
    let preview = office.run(&["preview", "--output", "json"]).ended_with(2).document();
    let lines = preview["lines"].as_array().unwrap();
    let updates: Vec<&Value> = lines
        .iter()
        .filter(|line| line["action"] == "update" && line["changes"][0]["new"] == "Head of Change")
        .collect();
    assert_eq!(updates.len(), 3, "{lines:#?}");
    assert_eq!(updates[0]["changes"][0]["field"], "role");
    let sync = office.json(&["sync"]);
    let run = sync["run"]["runId"].as_str().unwrap();
    assert_eq!(&office.json(&["runs", "lines", run]), &preview["lines"]);
    let changed = |contact: &&Value| contact["role"] == "Head of Change";
    assert_eq!(office.folder.export("contacts").iter().filter(changed).count(), 3);
    assert_eq!(office.run(&["preview"]).code, Some(0));
}

#[test]
fn a_blocked_sign_in_makes_inactive_and_an_unblocked_one_active_again() {
    let office = Office::mapped();
    office.json(&["sync"]);
    office.edit(2, |user| user.account_enabled = false);
    assert_eq!(office.run(&["preview"]).code, Some(2));
    assert_eq!(office.json(&["sync"])["run"]["summary"]["inactivated"], 2);
    assert_eq!(office.inactive(), 2);
    office.edit(2, |user| user.account_enabled = true);
    assert_eq!(office.json(&["sync"])["run"]["summary"]["reactivated"], 2);
    assert_eq!(office.inactive(), 0);
}

#[test]
fn many_who_are_gone_at_once_wait_for_an_operator() {
    let office = Office::mapped();
    office.json(&["sync"]);
    office.remove(10);
    let preview = office.run(&["preview", "--output", "json"]).ended_with(3).document();
    assert_eq!(preview["run"]["status"], "held");
    let sync = office.run(&["sync", "--output", "json"]).ended_with(3).document();
    assert_eq!((&sync["run"]["status"], &sync["run"]["summary"]["held"]), (&json!("held"), &json!(10)));
    assert_eq!(office.inactive(), 0);
    assert_eq!(office.folder.export("contacts").len() as u64, u64::from(2 * USERS), "nobody is deleted");
}

#[test]
fn a_directory_that_has_really_shrunk_is_accepted_by_an_operator_and_not_before() {
    let office = Office::mapped();
    office.run(&["settings", "--gone-hours", "0", "--gone-after", "1", "--gone-percent", "100"]).succeeded();
    // Whom the directory says to be gone is gone; only a listing can be short by mistake.
    office.run(&["settings", "--read-everybody-after", "0"]).succeeded();
    office.json(&["sync"]);
    office.remove(20);
    for _ in 0..3 {
        let sync = office.run(&["sync", "--output", "json"]).ended_with(3).document();
        assert_eq!(sync["run"]["status"], "held");
        assert_eq!(office.inactive(), 0);
    }
    let held = office.run(&["sync"]).ended_with(3);
    let command =
        held.stdout.split("`entra-sync runs ").nth(1).unwrap().split('`').next().unwrap().to_owned();
    let said = format!("runs {command}");
    office.run(&said.split(' ').collect::<Vec<_>>()).succeeded();
    assert_eq!(office.json(&["sync"])["run"]["summary"]["inactivated"], 20);
    assert_eq!(office.inactive(), 20);
    let nobody = "00000000-0000-7000-8000-000000000000";
    let refused = office.run(&["runs", "accept-size", "--tenant", nobody]).ended_with(1);
    assert!(refused.stderr.contains("never_synced"), "{}", refused.stderr);
}

#[test]
fn what_waits_for_an_operator_is_let_through_or_rejected_for_good() {
    let office = Office::mapped();
    office.run(&["settings", "--gone-hours", "0", "--gone-after", "1"]).succeeded();
    office.json(&["sync"]);
    office.remove(10);
    let held = office.run(&["sync", "--output", "json"]).ended_with(3).document();
    let run = held["run"]["runId"].as_str().unwrap();
    let lines = office.json(&["runs", "lines", run]);
    let waiting: Vec<&str> = lines
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line["action"] == "hold")
        .map(|line| line["lineId"].as_str().unwrap())
        .collect();
    assert_eq!(waiting.len(), 10);
    let rejected = office.json(&["runs", "reject", run, "--line", waiting[0], "--line", waiting[1]]);
    assert_eq!(rejected["rejected"], 2);
    let only: Vec<&str> = waiting[2..].iter().flat_map(|line| ["--line", line]).collect();
    let allowed = office.json(&[&["runs", "allow", run][..], &only].concat());
    assert_eq!(allowed["run"]["summary"]["inactivated"], 8);
    assert_eq!(office.inactive(), 8);
    for _ in 0..10 {
        let sync = office.json(&["sync"]);
        assert_eq!(sync["run"]["summary"]["held"], 0, "a rejected line is not asked about again");
    }
    assert_eq!(office.inactive(), 8);
    for (line, taken_back) in [(waiting[2], 0), (waiting[0], 1), (waiting[0], 0)] {
        let answer = office.json(&["runs", "reconsider", run, "--line", line]);
        assert_eq!(answer["reconsidered"], taken_back, "{line}");
    }
    office.json(&["sync"]);
    assert_eq!(office.inactive(), 9, "decided about anew");
}

#[test]
fn a_few_who_are_gone_become_inactive_after_two_reads() {
    let office = Office::mapped();
    office.run(&["settings", "--gone-hours", "0"]).succeeded();
    office.json(&["sync"]);
    office.remove(3);
    office.run(&["sync"]).succeeded();
    assert_eq!(office.inactive(), 0);
    assert_eq!(office.run(&["preview"]).code, Some(2));
    assert_eq!(office.json(&["sync"])["run"]["summary"]["inactivated"], 3);
    assert_eq!(office.inactive(), 3);
    office.run(&["sync"]).succeeded();
}

#[test]
fn a_tenant_that_refuses_fails_and_the_others_are_synced() {
    let office = Office::mapped();
    office.fake.world().withdraw_consent(office.tenant()).unwrap();
    let sync = office.run(&["sync", "--output", "json"]).ended_with(1).document();
    let run = &sync["run"];
    assert_eq!((&run["succeededTenants"], &run["failedTenants"]), (&json!(1), &json!(1)), "{sync:#}");
    assert_eq!(run["summary"]["created"], USERS);
    let failed = sync["tenantResults"].as_array().unwrap().iter().find(|result| result["status"] == "failed");
    let failure = &failed.unwrap()["failure"];
    assert!(failure["code"].is_string() && failure["remedy"].is_string(), "{failure}");
    office.fake.world().grant_consent(office.tenant()).unwrap();
    office.run(&["sync"]).succeeded();
    assert_eq!(office.folder.export("contacts").len() as u64, u64::from(2 * USERS));
}

#[test]
fn a_revoked_sign_in_stops_before_any_contact() {
    let office = Office::mapped();
    office.fake.revoke_sign_ins();
    let sync = office.run(&["sync", "--output", "json"]).ended_with(1).document();
    assert_eq!(sync["run"]["summary"]["created"], 0);
    assert_eq!(office.folder.export("contacts").len(), 0);
    office.sign_in().succeeded();
    assert_eq!(office.json(&["sync"])["run"]["summary"]["created"], 2 * USERS);
}
