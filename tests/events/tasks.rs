//! The gateway's authorizer and the tasks of the state machines.

use ambient::{Clock, SystemClock};
use domain::{
    run::{Counters, TenantStatus},
    schedule::{Interval, Schedule},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use store::TenantRun;
use tests::template::Template;
use workflow::payloads::{BatchResult, RunInput, RunOutcome, Wave};

use crate::{
    aws::Aws,
    feed, feed_and_read_the_log, feed_event, feed_event_and_read_the_log,
    lambda::Answer,
    sample,
    samples::{RUN, WORKSPACE, accept, connect, discover, managed_tenant, map},
};

fn read<T: serde::de::DeserializeOwned>(answer: Answer) -> T {
    let result = answer.result();
    serde_json::from_value(result.clone()).unwrap_or_else(|error| panic!("{error}: {result}"))
}

#[tokio::test]
async fn the_authorizer_knows_a_signed_caller_and_no_other() {
    let aws = Aws::start().await;
    let answer = feed(&aws, "authorizer/request").await.result();
    assert_eq!(answer["isAuthorized"], true);
    let context = &answer["context"];
    assert_eq!((&context["workspace"], &context["kind"]), (&json!(WORKSPACE), &json!("internal")));
    // The same caller as in the samples of requests.
    let request = sample("connect/http-status");
    assert_eq!(context, &request["requestContext"]["authorizer"]["lambda"]);

    let mut flags = sample("authorizer/request");
    let headers = flags["headers"].as_object_mut().unwrap();
    headers.remove("authorization");
    let (answer, log) = feed_event_and_read_the_log(&aws, "authorizer", flags.clone()).await;
    assert_eq!(answer.result(), json!({ "isAuthorized": false, "context": {} }));
    assert!(log.iter().any(|line| line["code"] == "token_absent"), "{log:#?}");
    // Where a key may take the place of the token, the function itself is the guard.
    flags["routeKey"] = "ANY /api/v1/platform-feature-flags/{flag_id}/tenants".into();
    let answer = feed_event(&aws, "authorizer", flags).await.result();
    assert_eq!(answer, json!({ "isAuthorized": true, "context": {} }));

    let mut tampered = sample("authorizer/request");
    let token = tampered["headers"]["authorization"].as_str().unwrap().to_owned();
    tampered["headers"]["authorization"] = format!("{}AAAA", &token[..token.len() - 4]).into();
    let answer = feed_event(&aws, "authorizer", tampered).await.result();
    assert_eq!(answer, json!({ "isAuthorized": false, "context": {} }));
}

#[tokio::test]
async fn the_steps_of_a_run_open_it_hand_out_its_tenant_and_close_it() {
    let aws = Aws::start().await;
    connect(&aws.store).await;
    discover(&aws.store).await;
    map(&aws.store).await;
    accept(&aws.store).await;
    let run = RunInput { workspace_id: WORKSPACE, run_id: RUN };
    assert_eq!(read::<RunInput>(feed(&aws, "run-steps/begin").await), run);

    let wave: Wave = read(feed(&aws, "run-steps/next-batches").await);
    assert_eq!((wave.done, wave.wait_seconds, wave.batches.len()), (false, 0, 1));
    // What is handed out is the sample of the next task.
    assert_eq!(json!(wave.batches[0]), sample("tenant-sync/batch"));
    assert_eq!(wave.batches[0].tenants, [managed_tenant()]);

    let outcome: RunOutcome = read(feed(&aws, "run-steps/finish").await);
    assert_eq!((outcome.run_id, json!(outcome.status)), (RUN, json!("failed")));
    let again: RunOutcome = read(feed(&aws, "run-steps/finish-after-an-error").await);
    assert_eq!(again, outcome, "a run that has ended stays as it is");
}

#[tokio::test]
async fn lines_that_wait_are_in_the_log_that_the_alarm_reads() {
    let aws = Aws::start().await;
    connect(&aws.store).await;
    discover(&aws.store).await;
    map(&aws.store).await;
    accept(&aws.store).await;
    read::<RunInput>(feed(&aws, "run-steps/begin").await);
    let result = TenantRun {
        tenant: managed_tenant(),
        client: aws.store.targets(WORKSPACE, RUN).await.unwrap()[0].client,
        tenant_status: TenantStatus::Held,
        counters: Counters { read: 9, held: 7, waiting: 7, ..Counters::default() },
        failure: None,
        started_at: SystemClock.now(),
        completed_at: SystemClock.now(),
        pages: 0,
        chain: None,
        guard: None,
    };
    aws.store.put_tenant_run(WORKSPACE, RUN, &result).await.unwrap();
    let (answer, log) = feed_and_read_the_log(&aws, "run-steps/finish").await;
    read::<RunOutcome>(answer);
    let pattern = Template::load().resource("LinesWaitFilter")["FilterPattern"].clone();
    let told: Vec<&Value> = log.iter().filter(|line| pattern == filter_for(line)).collect();
    let [line] = told.as_slice() else { panic!("{log:#?}") };
    assert_eq!((&line["level"], &line["workspace"]), (&json!("WARN"), &json!(WORKSPACE)));
    assert_eq!((&line["run"], &line["held"]), (&json!(RUN), &json!(7)));
    // A run that has ended tells it no more.
    let (_, log) = feed_and_read_the_log(&aws, "run-steps/finish").await;
    assert!(!log.iter().any(|line| pattern == filter_for(line)), "{log:#?}");
}

/// The pattern that finds the events of this line.
fn filter_for(line: &Value) -> String {
    format!("{{ $.event = {} }}", line["event"])
}

#[tokio::test]
async fn a_step_of_an_unknown_run_is_refused_by_its_name() {
    let aws = Aws::start().await;
    let Answer::Error(error) = feed(&aws, "run-steps/finish-after-an-error").await else {
        panic!("it is unknown")
    };
    assert_eq!(error["errorType"], "InvalidInput");
    let Answer::Error(error) = feed_event(&aws, "run-steps", json!({ "step": "dance" })).await else {
        panic!("it is no step")
    };
    assert_eq!(error["errorType"], "InvalidInput");
}

#[tokio::test]
async fn the_tasks_of_a_workspace_that_was_switched_off_only_end_its_run() {
    let aws = Aws::start_switched_off().await;
    connect(&aws.store).await;
    discover(&aws.store).await;
    map(&aws.store).await;
    accept(&aws.store).await;
    read::<RunInput>(feed(&aws, "run-steps/begin").await);
    let wave: Wave = read(feed(&aws, "run-steps/next-batches").await);
    assert!(wave.done);
    let result: BatchResult = read(feed(&aws, "tenant-sync/batch").await);
    assert_eq!((result.finished, result.unfinished), (0, 1));
    let outcome: RunOutcome = read(feed(&aws, "run-steps/finish").await);
    assert_eq!(json!(outcome.status), json!("failed"));
    let run = aws.store.run(WORKSPACE, RUN).await.unwrap().unwrap();
    assert_eq!(run.halted.unwrap().code, "integration_disabled");
    let report: Value = feed(&aws, "discovery-task/discover").await.result();
    assert_eq!((&report["found"], &report["failure"]["code"]), (&json!(0), &json!("integration_disabled")));
    assert!(aws.store.connection(WORKSPACE).await.unwrap().is_some(), "what was there is kept");
}

#[tokio::test]
async fn a_batch_without_tokens_ends_with_a_reason() {
    let aws = Aws::start().await;
    connect(&aws.store).await;
    discover(&aws.store).await;
    map(&aws.store).await;
    accept(&aws.store).await;
    feed(&aws, "run-steps/begin").await.result();
    let result: BatchResult = read(feed(&aws, "tenant-sync/batch").await);
    assert_eq!(result.finished + result.unfinished, 1);
    let results = aws.store.tenant_runs(WORKSPACE, RUN).await.unwrap();
    let failure = results[0].failure.as_ref().unwrap();
    assert_eq!(failure.code, "not_connected");
}

#[tokio::test]
async fn a_discovery_without_tokens_reports_why() {
    let aws = Aws::start().await;
    connect(&aws.store).await;
    let report: Value = feed(&aws, "discovery-task/discover").await.result();
    assert_eq!((&report["found"], &report["failure"]["code"]), (&json!(0), &json!("not_connected")));
    let kept = aws.store.discovery(WORKSPACE).await.unwrap().unwrap();
    assert_eq!(json!(kept), report);
}

#[tokio::test]
async fn sign_ins_that_are_due_are_renewed_by_the_schedule() {
    let aws = Aws::start().await;
    connect(&aws.store).await;
    let forecast = json!({ "pressing": 0, "endings": [], "unread": 0, "unreadWorkspaces": [], "left": 0 });
    let nothing = json!({ "renewed": 0, "failed": 0, "skipped": 0, "left": 0, "forecast": forecast });
    assert_eq!(feed(&aws, "renewal-task/scheduled").await.result(), nothing);
    // Long ago, but there is no token to renew: the connection says so.
    aws.store.note_sign_in(WORKSPACE, "2020-01-01T00:00:00Z".parse().unwrap()).await.unwrap();
    let outcome = feed_event(&aws, "renewal-task", json!({ "olderThanDays": 0 })).await.result();
    assert_eq!((&outcome["renewed"], &outcome["failed"]), (&json!(0), &json!(1)));
    // The sign-in has ended by then, which is told as well.
    let ended = &outcome["forecast"]["endings"][0];
    assert_eq!((&ended["subject"], &ended["code"]), (&json!("sign_in"), &json!("ended")));
    let connection = aws.store.connection(WORKSPACE).await.unwrap().unwrap();
    assert_eq!(connection.last_validation_error.unwrap().code, "missing_access_token");
    let Answer::Error(error) = feed_event(&aws, "renewal-task", json!({ "days": 7 })).await else {
        panic!("it is no input")
    };
    assert_eq!(error["errorType"], "InvalidInput");
}

#[tokio::test]
async fn syncs_that_are_due_are_started_by_the_schedule() {
    let aws = Aws::start().await;
    let outcome = |started: u32, skipped: u32| json!({ "started": started, "skipped": skipped, "failed": 0, "left": 0 });
    assert_eq!(feed(&aws, "schedule-task/scheduled").await.result(), outcome(0, 0));
    let since = "2020-01-01T00:00:00Z".parse().unwrap();
    let schedule = Schedule { sync_enabled: true, sync_interval_minutes: Interval::default(), since };
    aws.store.put_schedule(WORKSPACE, &schedule, None, since).await.unwrap();
    // Nobody is connected.
    assert_eq!(feed(&aws, "schedule-task/scheduled").await.result(), outcome(0, 1));
    let stored = aws.store.schedule(WORKSPACE).await.unwrap().unwrap();
    assert_eq!(stored.last.unwrap().code.as_deref(), Some("not_connected"));
    let Answer::Error(error) = feed_event(&aws, "schedule-task", json!({ "olderThanDays": 7 })).await else {
        panic!("it is no input")
    };
    assert_eq!(error["errorType"], "InvalidInput");
}

#[tokio::test]
async fn what_ends_is_in_the_log_that_the_alarm_reads_and_in_the_event_that_is_delivered() {
    let aws = Aws::start().await;
    connect(&aws.store).await;
    discover(&aws.store).await;
    map(&aws.store).await;
    // Connected just now, and one customer's access ends in twenty days and a bit.
    let now = SystemClock.now();
    aws.store.note_sign_in(WORKSPACE, now).await.unwrap();
    let mut tenants = aws.store.managed_tenants(WORKSPACE).await.unwrap();
    tenants[0].access_ends = Some(now + SignedDuration::from_hours(24 * 20 + 6));
    aws.store.put_managed_tenant(WORKSPACE, &tenants[0]).await.unwrap();
    let (answer, log) = feed_and_read_the_log(&aws, "renewal-task/scheduled").await;
    let mut result = answer.result();

    let mut delivered = sample("renewal-task/delivered")["detail"]["responsePayload"].take();
    for forecast in [&mut result["forecast"], &mut delivered["forecast"]] {
        let ends_at = forecast["endings"][0]["endsAt"].take();
        assert!(ends_at.as_str().unwrap().parse::<Timestamp>().is_ok());
    }
    assert_eq!(result, delivered);

    // What the filter asks of a line.
    let template = Template::load();
    let pattern = template.resource("ExpiryForecastFilter")["FilterPattern"].as_str().unwrap();
    let (member, value) =
        pattern.strip_prefix("{ $.").unwrap().strip_suffix("\" }").unwrap().split_once(" = \"").unwrap();
    let counted: Vec<&Value> = log.iter().filter(|line| line[member] == value).collect();
    // The second is about what could not be asked: nobody has signed in.
    let [unread, line] = counted.as_slice() else { panic!("{log:#?}") };
    assert_eq!((&unread["code"], &unread["level"]), (&json!("not_connected"), &json!("WARN")));
    let ending = &result["forecast"]["endings"][0];
    for (member, expected) in [
        ("level", &json!("WARN")),
        ("workspace", &json!(WORKSPACE)),
        ("code", &ending["code"]),
        ("subject", &ending["subject"]),
        ("tenant", &ending["tenant"]),
        ("days_left", &ending["daysLeft"]),
        ("step", &ending["step"]),
    ] {
        assert_eq!(&line[member], expected, "{member}");
    }
}
