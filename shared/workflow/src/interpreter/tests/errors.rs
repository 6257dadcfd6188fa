//! Errors: retried, caught, too much data, too late.

use jiff::SignedDuration;

use super::{
    super::{STATE_BYTES_MAX, TimeoutRule},
    *,
};

#[tokio::test]
async fn retries_back_off_and_are_counted_for_each_retrier() {
    struct Case<'a> {
        retry: &'a Value,
        failures: &'a [&'static str],
        calls: usize,
        seconds: i64,
        error: Option<&'a str>,
    }
    let case = |retry, failures, calls, seconds, error| Case { retry, failures, calls, seconds, error };
    let exponential =
        json!([{ "ErrorEquals": ["A"], "IntervalSeconds": 3, "BackoffRate": 2, "MaxAttempts": 3 }]);
    let capped = json!([{ "ErrorEquals": ["A"], "IntervalSeconds": 3, "BackoffRate": 3, "MaxAttempts": 4, "MaxDelaySeconds": 10 }]);
    let two = json!([
        { "ErrorEquals": ["A", "B"], "MaxAttempts": 2 },
        { "ErrorEquals": ["States.ALL"], "IntervalSeconds": 5, "MaxAttempts": 1 },
    ]);
    let never = json!([{ "ErrorEquals": ["A"], "MaxAttempts": 0 }]);
    let defaults = json!([{ "ErrorEquals": ["States.TaskFailed"] }]);
    let table = [
        case(&exponential, &[], 1, 0, None),
        case(&exponential, &["A", "A"], 3, 3 + 6, None),
        case(&exponential, &["A", "A", "A", "A"], 4, 3 + 6 + 12, Some("A")),
        case(&exponential, &["B"], 1, 0, Some("B")),
        case(&capped, &["A", "A", "A", "A"], 5, 3 + 9 + 10 + 10, None),
        // The example of the Step Functions guide: the fourth error finds its retrier used up.
        case(&two, &["A", "B", "C", "B"], 4, 1 + 2 + 5, Some("B")),
        case(&never, &["A"], 1, 0, Some("A")),
        case(&defaults, &["A", "B", "C"], 4, 1 + 2 + 4, None),
        case(&defaults, &["States.Timeout"], 1, 0, Some("States.Timeout")),
        case(&two, &["States.DataLimitExceeded"], 1, 0, Some("States.DataLimitExceeded")),
    ];
    for Case { retry, failures, calls, seconds, error } in table {
        let (tasks, clock) = (failing(failures), clock());
        let machine = machine("It", json!({ "It": task(json!({ "Retry": retry })) }));
        let result = machine.run(json!({}), &tasks, &clock, &SeededEntropy::new(1)).await;
        let label = format!("{retry} {failures:?}");
        assert_eq!(result.err().map(|failure| failure.error).as_deref(), error, "{label}");
        assert_eq!(tasks.calls.into_inner(), calls, "{label}");
        assert_eq!(clock.now().as_second(), seconds, "{label}");
    }
}

#[tokio::test]
async fn full_jitter_spreads_a_delay_between_nothing_and_all_of_it() {
    let retry =
        json!([{ "ErrorEquals": ["A"], "IntervalSeconds": 8, "MaxAttempts": 1, "JitterStrategy": "FULL" }]);
    let machine = machine("It", json!({ "It": task(json!({ "Retry": retry })) }));
    let mut delays = Vec::new();
    for seed in 0..200 {
        let clock = clock();
        machine.run(json!({}), &failing(&["A"]), &clock, &SeededEntropy::new(seed)).await.unwrap();
        delays.push(clock.now().as_millisecond());
    }
    assert!(delays.iter().all(|delay| (0..=8000).contains(delay)));
    assert!(delays.iter().any(|delay| *delay < 1000) && delays.iter().any(|delay| *delay > 7000));
    let mean = delays.iter().sum::<i64>() / 200;
    assert!((3300..4700).contains(&mean), "{mean}");
}

#[tokio::test]
async fn the_first_catcher_that_knows_the_error_takes_it() {
    let catch = json!([
        { "ErrorEquals": ["A"], "ResultPath": "$.error", "Next": "Kept" },
        { "ErrorEquals": ["B"], "ResultPath": null, "Next": "Kept" },
        { "ErrorEquals": ["States.DataLimitExceeded"], "Next": "Kept" },
        { "ErrorEquals": ["States.ALL"], "Next": "Kept" },
    ]);
    let machine =
        machine("It", json!({ "It": task(json!({ "Catch": catch })), "Kept": { "Type": "Succeed" } }));
    let error = |name: &str| json!({ "Error": name, "Cause": "scripted" });
    for (name, expected) in [
        ("A", json!({ "in": 1, "error": error("A") })),
        ("B", json!({ "in": 1 })),
        ("States.Timeout", error("States.Timeout")),
        ("States.DataLimitExceeded", error("States.DataLimitExceeded")),
    ] {
        let result =
            machine.run(json!({ "in": 1 }), &failing(&[name]), &clock(), &SeededEntropy::new(1)).await;
        assert_eq!(result.unwrap(), expected);
    }
}

#[tokio::test]
async fn more_data_than_a_state_may_hold_is_an_error_that_all_does_not_catch() {
    let most = "x".repeat(STATE_BYTES_MAX - 2);
    let too_much = format!("{most}x");
    let pass = || json!({ "Type": "Pass", "End": true });
    assert!(run_one(pass(), json!(most)).await.is_ok());
    assert_eq!(run_one(pass(), json!(too_much)).await.unwrap_err().error, "States.DataLimitExceeded");

    // The answer repeats what was given and adds to it.
    let catch = json!([{ "ErrorEquals": ["States.ALL"], "Next": "Caught" }]);
    let states = json!({ "It": task(json!({ "Catch": catch })), "Caught": { "Type": "Succeed" } });
    let machine = machine("It", states);
    let result = machine.run(json!(most), &Script::default(), &clock(), &SeededEntropy::new(1)).await;
    assert_eq!(result.unwrap_err().error, "States.DataLimitExceeded");
}

/// A task that takes this many seconds, or never ends.
struct Slow(VirtualClock, Option<i64>);

#[async_trait]
impl Tasks for Slow {
    async fn invoke(&self, _function: &str, payload: Value) -> Result<Value, TaskFailure> {
        match self.1 {
            Some(seconds) => self.0.sleep(SignedDuration::from_secs(seconds)).await,
            None => std::future::pending().await,
        }
        Ok(payload)
    }
}

#[tokio::test]
async fn a_late_task_is_a_timeout_by_the_rule() {
    let machine = machine("It", json!({ "It": task(json!({ "TimeoutSeconds": 5 })) }));
    for (rule, seconds, error) in [
        (TimeoutRule::Measure, Some(5), None),
        (TimeoutRule::Measure, Some(6), Some("States.Timeout")),
        (TimeoutRule::Ignore, Some(6), None),
        (TimeoutRule::Interrupt, None, Some("States.Timeout")),
    ] {
        let clock = clock();
        let (tasks, jitter) = (Slow(clock.clone(), seconds), SeededEntropy::new(1));
        let execution = Execution::new(&machine, &tasks, &clock, &jitter).with_timeouts(rule);
        let result = execution.run(json!({})).await;
        assert_eq!(result.err().map(|failure| failure.error).as_deref(), error, "{rule:?} {seconds:?}");
    }
}
