//! In simulated time: every kind of end is told at least two weeks ahead, every day until it is mended, and
//! then no more.

use std::{collections::BTreeMap, sync::atomic::Ordering};

use connect::{ForecastOutcome, RenewalInput, RenewalOutcome};
use fake_microsoft::{Effect, Match, Route};
use jiff::SignedDuration;
use secrets::{Document, Family, Scope, WorkspaceSecret, key};
use serde_json::{Value, json};
use store::client_over;

use crate::bench::{Bench, CLIENT_SECRET, TABLE, workspace};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Days on which something was told, with the days that were left: by its subject, and the customer.
type Told = BTreeMap<(String, Option<String>), Vec<(i64, i64)>>;

impl Bench {
    /// What the daily task does.
    async fn daily_task(&self) -> RenewalOutcome {
        let deadline = self.app.clock.now() + SignedDuration::from_mins(15);
        self.app.renew_due(RenewalInput { older_than_days: 7 }, deadline).await.unwrap()
    }

    async fn forecast(&self) -> ForecastOutcome {
        self.daily_task().await.forecast
    }

    /// What is told on each of the `days`.
    async fn told(&self, days: std::ops::Range<i64>) -> Told {
        let mut told = Told::new();
        for day in days {
            for ending in self.forecast().await.endings {
                assert_eq!(ending.workspace_id, workspace(1));
                assert!(!ending.outlook.step.is_empty() && ending.outlook.meaning.contains("contacts"));
                let left = ending.outlook.days_left.unwrap();
                let is_over = ending.outlook.ends_at.unwrap() <= self.app.clock.now();
                assert_eq!(ending.code, if is_over { "ended" } else { "ends_soon" });
                let whose = (ending.outlook.subject.name().to_owned(), ending.outlook.tenant);
                told.entry(whose).or_default().push((day, left));
            }
            self.clock.advance(DAY);
        }
        told
    }

    async fn note_end_of_app_secret(&self, days: i64) {
        let ends = self.app.clock.now() + SignedDuration::from_hours(24 * days);
        let document = Document::new()
            .with(key::MICROSOFT_CLIENT_ID, &self.client_id())
            .with(key::MICROSOFT_CLIENT_SECRET, CLIENT_SECRET)
            .with(key::MICROSOFT_CLIENT_SECRET_EXPIRES_AT, &ends.to_string());
        let (secrets, scope) = (&self.app.secrets, Scope::Workspace(workspace(1)));
        secrets.delete(scope, Family::MicrosoftApp).await.unwrap();
        secrets.write(scope, Family::MicrosoftApp, &document, None).await.unwrap();
    }

    fn cipp_client_until(&self, days: i64) -> Value {
        let mut body = self.cipp_client();
        body["clientSecretExpiresAt"] = json!(self.app.clock.now() + SignedDuration::from_hours(24 * days));
        body
    }
}

/// Told first at least 14 days ahead, and then on every day without a gap.
fn assert_ahead_and_daily(told: &Told, subject: &str, tenant: Option<&str>, last: i64) {
    let days = &told[&(subject.to_owned(), tenant.map(str::to_owned))];
    assert!(days[0].1 >= 14, "{subject} was first told {} days ahead", days[0].1);
    assert!(days.windows(2).all(|pair| pair[1].0 == pair[0].0 + 1), "{subject}: {days:?}");
    assert_eq!(days.last().unwrap().0, last, "{subject}");
}

#[tokio::test]
async fn what_a_direct_connection_is_made_of_is_told_two_weeks_ahead_daily_and_until_it_is_mended() {
    let bench = Bench::new().await;
    bench.connect().await;
    bench.note_end_of_app_secret(60).await;
    let in_days = |days: i64| Some(bench.app.clock.now() + SignedDuration::from_hours(24 * days));
    bench.customer(1, in_days(70), true).await;
    // One extends itself, and nobody is synced of the other.
    bench.customer(2, None, true).await;
    bench.customer(3, in_days(70), false).await;
    // Nothing renews the sign-in.
    bench.fake.faults().on(Match::route(Route::Token), Effect::status(503), None);
    let told = bench.told(0..100).await;
    assert_ahead_and_daily(&told, "app_client_secret", None, 99);
    assert_ahead_and_daily(&told, "sign_in", None, 99);
    assert_ahead_and_daily(&told, "tenant_access", Some("Customer 1"), 99);
    assert_eq!(told.len(), 3, "{told:?}");

    // One after the other is mended: what is mended is not told again, the rest is.
    bench.fake.faults().clear();
    bench.connect().await;
    let left = |told: Told| told.into_keys().map(|(subject, _)| subject).collect::<Vec<_>>();
    assert_eq!(left(bench.told(0..3).await), ["app_client_secret", "tenant_access"]);
    bench.note_end_of_app_secret(400).await;
    assert_eq!(left(bench.told(0..3).await), ["tenant_access"]);
    bench.customer_again(1, None).await;
    let outcome = bench.forecast().await;
    assert_eq!((outcome.pressing, outcome.endings.len(), outcome.unread), (0, 0, 0));
}

/// Nobody discovers again, and what was known of the relationship is from before.
#[tokio::test]
async fn a_relationship_that_extends_itself_no_more_is_told_without_a_discovery() {
    for is_cipp in [false, true] {
        let bench = Bench::new().await;
        if is_cipp {
            bench.connect_cipp(&bench.cipp_client()).await.json();
        } else {
            bench.connect().await;
        }
        bench.map_both().await;
        assert_eq!(bench.told(0..3).await, Told::new(), "{is_cipp}");
        let customer = bench.fake.world().tenants()[0].id;
        let ends = bench.app.clock.now() + SignedDuration::from_hours(24 * 25);
        bench.fake.world().set_relationship_end(customer, ends, false).unwrap();
        let told = bench.told(0..30).await;
        assert_ahead_and_daily(&told, "tenant_access", Some("Customer 1"), 29);
        assert_eq!(told.len(), 1, "{is_cipp}: {told:?}");
        bench.fake.world().set_relationship_end(customer, ends, true).unwrap();
        assert_eq!(bench.told(0..3).await, Told::new(), "{is_cipp}");
    }
}

/// What cannot be asked is what was known before, and that is said.
#[tokio::test]
async fn a_listing_that_fails_is_told_beside_what_was_known() {
    let bench = Bench::new().await;
    bench.connect().await;
    bench.customer(1, Some(bench.app.clock.now() + SignedDuration::from_hours(24 * 10)), true).await;
    // What passes by itself is nothing to call somebody for.
    for (status, told) in [(403, Some("partner_role_missing")), (503, None)] {
        bench.fake.faults().clear();
        bench.fake.faults().on(Match::route(Route::Relationships), Effect::status(status), None);
        let outcome = bench.forecast().await;
        assert_eq!((outcome.pressing, outcome.unread), (1, usize::from(told.is_some())), "{status}");
        assert_eq!(outcome.unread_workspaces.first().map(|unread| unread.code), told, "{status}");
    }
}

#[tokio::test]
async fn a_sign_in_that_the_task_renews_is_never_told() {
    let bench = Bench::new().await;
    bench.connect().await;
    assert_eq!(bench.told(0..200).await, Told::new());
}

#[tokio::test]
async fn the_secret_for_cipp_is_told_two_weeks_ahead_daily_and_until_it_is_replaced() {
    let bench = Bench::new().await;
    bench.connect_cipp(&bench.cipp_client_until(50)).await.json();
    let told = bench.told(0..55).await;
    assert_ahead_and_daily(&told, "cipp_client_secret", None, 54);
    assert_eq!(told.len(), 1);
    bench.connect_cipp(&bench.cipp_client_until(300)).await.json();
    assert_eq!(bench.told(0..5).await, Told::new());
}

#[tokio::test]
async fn a_token_that_was_entered_is_told_at_once_and_daily_until_an_api_client_takes_its_place() {
    let bench = Bench::new().await;
    let token = bench.fake.cipp_token(SignedDuration::from_mins(50));
    let body = json!({ "connectionType": "cipp", "baseUrl": bench.server.base_url(), "apiToken": token });
    bench.connect_cipp(&body).await.json();
    let told = bench.told(0..3).await;
    let days = &told[&("cipp_token".to_owned(), None)];
    assert_eq!(days.as_slice(), [(0, 0), (1, -1), (2, -2)]);
    bench.connect_cipp(&bench.cipp_client_until(300)).await.json();
    assert_eq!(bench.told(0..3).await, Told::new());
}

#[tokio::test]
async fn what_was_given_up_is_not_told() {
    let bench = Bench::new().await;
    bench.connect_cipp(&bench.cipp_client_until(5)).await.json();
    assert_eq!(bench.forecast().await.pressing, 1);
    bench.app.disconnect(workspace(1)).await.unwrap();
    assert_eq!(bench.forecast().await, ForecastOutcome::default());
}

#[tokio::test]
async fn a_workspace_that_cannot_be_read_is_told_by_its_code_and_stops_nobody() {
    let bench = Bench::new().await;
    bench.connect_cipp(&bench.cipp_client_until(5)).await.json();
    for number in [7, 8] {
        bench.app.store.note_sign_in(workspace(number), bench.app.clock.now()).await.unwrap();
    }
    // The connection of one of them is damaged.
    let text = |text: String| aws_sdk_dynamodb::types::AttributeValue::S(text);
    let (_, http) = store::probe::Probe::around(bench.engine.clone());
    let put = client_over(http).put_item().table_name(TABLE);
    let put = put.item("pk", text(format!("{}#CONNECTION", workspace(7)))).item("sk", text("ACTIVE".into()));
    put.item("format", text("of another kind".into())).send().await.unwrap();
    let outcome = bench.forecast().await;
    assert_eq!((outcome.pressing, outcome.unread, outcome.left), (1, 1, 0));
    assert_eq!(outcome.endings[0].workspace_id, workspace(1));
    let unread = outcome.unread_workspaces[0];
    assert_eq!((unread.workspace_id, unread.code), (workspace(7), "store_unavailable"));

    // A secret that cannot be read says nothing about the rest of its workspace.
    bench.clock.advance(SignedDuration::from_mins(1));
    bench.keeper.refuses_reads.store(true, Ordering::Relaxed);
    bench.customer(1, Some(bench.app.clock.now() + DAY), true).await;
    let outcome = bench.forecast().await;
    assert_eq!((outcome.pressing, outcome.unread), (1, 2));
    assert_eq!(outcome.endings[0].outlook.tenant.as_deref(), Some("Customer 1"));
    let codes: Vec<_> = outcome.unread_workspaces.iter().map(|it| (it.workspace_id, it.code)).collect();
    assert_eq!(codes, [(workspace(1), "secret_store_unavailable"), (workspace(7), "store_unavailable")]);
}

#[tokio::test]
async fn who_is_not_reached_in_time_is_counted() {
    let bench = Bench::new().await;
    bench.connect_cipp(&bench.cipp_client_until(5)).await.json();
    let input = RenewalInput { older_than_days: 7 };
    let outcome = bench.app.renew_due(input, bench.app.clock.now()).await.unwrap();
    assert_eq!((outcome.forecast.pressing, outcome.forecast.left), (0, 1));
}

/// A connection through CIPP that is older than the list of those that have something that ends.
#[tokio::test]
async fn a_connection_that_was_never_listed_is_listed_when_it_is_checked() {
    let bench = Bench::new().await;
    bench.connect_cipp(&bench.cipp_client_until(5)).await.json();
    let (secret, connection) = (bench.cipp().await.unwrap(), bench.connection().await.unwrap());
    secret.put(&bench.app.secrets, workspace(2)).await.unwrap();
    assert!(bench.app.store.put_connection(workspace(2), None, &connection).await.unwrap());
    assert_eq!(bench.forecast().await.pressing, 1);
    bench.app.validate_cipp(workspace(2)).await.unwrap();
    assert_eq!(bench.forecast().await.pressing, 2);
}
