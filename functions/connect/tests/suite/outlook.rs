//! What the status says about the end of things.

use domain::{
    ids::{ClientId, EntraTenantId, ManagedTenantId, MappingId},
    mapping::{ActiveDecision, Decision, MAPPING_RECORD_FORMAT, MappingRecord},
};
use jiff::{SignedDuration, Timestamp};
use secrets::{Document, Family, Scope, key};
use serde_json::{Value, json};
use store::{ManagedTenant, TenantAccess};
use uuid::Uuid;

use crate::bench::{Bench, CLIENT_SECRET, STATUS, workspace};

async fn forecast(bench: &Bench) -> Vec<(Value, Value, Value)> {
    let status = bench.ask("GET", STATUS, "").await.json()["data"].clone();
    let all = status["expiryForecast"].as_array().unwrap().clone();
    for outlook in &all {
        assert!(!outlook["meaning"].as_str().unwrap().is_empty());
        assert!(!outlook["step"].as_str().unwrap().is_empty());
    }
    all.iter().map(|it| (it["subject"].clone(), it["urgency"].clone(), it["daysLeft"].clone())).collect()
}

fn told(subject: &str, urgency: &str, days_left: impl Into<Option<i64>>) -> (Value, Value, Value) {
    (json!(subject), json!(urgency), json!(days_left.into()))
}

#[tokio::test]
async fn a_direct_connection_tells_a_month_ahead() {
    let bench = Bench::new().await;
    assert_eq!(forecast(&bench).await, [], "nothing is connected");
    bench.connect().await;
    assert_eq!(
        forecast(&bench).await,
        [told("app_client_secret", "unknown", None), told("sign_in", "fine", 90)]
    );
    // Nobody renews the sign-in.
    bench.clock.advance(SignedDuration::from_hours(24 * 76));
    assert_eq!(
        forecast(&bench).await,
        [told("sign_in", "soon", 14), told("app_client_secret", "unknown", None)]
    );
    bench.app.renew(workspace(1), SignedDuration::ZERO).await.unwrap();
    assert_eq!(forecast(&bench).await[1], told("sign_in", "fine", 90));
}

#[tokio::test]
async fn the_day_noted_beside_a_client_secret_counts() {
    let bench = Bench::new().await;
    bench.connect().await;
    let day = |days: i64| (bench.clock_now() + SignedDuration::from_hours(24 * days)).to_string();
    for (noted, expected) in [
        (day(14), told("app_client_secret", "soon", 14)),
        (day(100), told("app_client_secret", "fine", 100)),
        (day(-2), told("app_client_secret", "ended", -2)),
        ("next spring".to_owned(), told("app_client_secret", "unknown", None)),
    ] {
        let document = Document::new()
            .with(key::MICROSOFT_CLIENT_ID, &bench.client_id())
            .with(key::MICROSOFT_CLIENT_SECRET, CLIENT_SECRET)
            .with(key::MICROSOFT_CLIENT_SECRET_EXPIRES_AT, &noted);
        let (secrets, scope) = (&bench.app.secrets, Scope::Workspace(workspace(1)));
        secrets.delete(scope, Family::MicrosoftApp).await.unwrap();
        secrets.write(scope, Family::MicrosoftApp, &document, None).await.unwrap();
        assert!(forecast(&bench).await.contains(&expected), "{noted}");
    }
}

#[tokio::test]
async fn the_end_of_a_mapped_customers_access_is_told() {
    let bench = Bench::new().await;
    bench.connect().await;
    let now = bench.clock_now();
    let in_days = |days: i64| Some(now + SignedDuration::from_hours(24 * days));
    for (number, ends, is_mapped) in
        [(1, in_days(5), true), (2, in_days(5), false), (3, in_days(200), true), (4, None, true)]
    {
        bench.customer(number, ends, is_mapped).await;
    }
    let all = forecast(&bench).await;
    assert_eq!(all[0], told("tenant_access", "soon", 5));
    assert_eq!(all.iter().filter(|it| it.0 == "tenant_access").count(), 1);
    let status = bench.ask("GET", STATUS, "").await.json()["data"].clone();
    assert_eq!(status["expiryForecast"][0]["tenant"], "Customer 1");
}

#[tokio::test]
async fn a_cipp_connection_tells_about_its_credential() {
    let bench = Bench::new().await;
    let mut body = bench.cipp_client();
    for (day, expected) in [
        (Value::Null, told("cipp_client_secret", "unknown", None)),
        (
            json!(bench.clock_now() + SignedDuration::from_hours(24 * 9)),
            told("cipp_client_secret", "soon", 9),
        ),
    ] {
        body["clientSecretExpiresAt"] = day;
        bench.connect_cipp(&body).await.json();
        assert_eq!(forecast(&bench).await, [expected]);
    }
    let token = bench.fake.cipp_token(SignedDuration::from_mins(50));
    let body = json!({ "connectionType": "cipp", "baseUrl": bench.server.base_url(), "apiToken": token });
    bench.connect_cipp(&body).await.json();
    assert_eq!(forecast(&bench).await, [told("cipp_token", "soon", 0)]);
    bench.clock.advance(SignedDuration::from_hours(1));
    assert_eq!(forecast(&bench).await, [told("cipp_token", "ended", -1)]);
}

impl Bench {
    fn clock_now(&self) -> Timestamp {
        ambient::Clock::now(&self.clock)
    }

    pub(crate) async fn customer(&self, number: u128, access_ends: Option<Timestamp>, is_mapped: bool) {
        let tenant = self.customer_again(number, access_ends).await;
        if is_mapped {
            self.map(number, tenant).await;
        }
    }

    /// A discovery that saw the customer, with what it knows of its access now.
    pub(crate) async fn customer_again(
        &self,
        number: u128,
        access_ends: Option<Timestamp>,
    ) -> ManagedTenantId {
        let now = self.clock_now();
        let tenant = ManagedTenantId::new(Uuid::from_u128(number));
        let row = ManagedTenant {
            id: tenant,
            entra: EntraTenantId::new(Uuid::from_u128(0xE000 + number)),
            display_name: Some(format!("Customer {number}")),
            default_domain: None,
            verified_domains: Vec::new(),
            access: TenantAccess::Ok,
            access_ends,
            user_count: None,
            discovered_at: now,
            last_seen_at: now,
            missing_since: None,
        };
        self.app.store.put_managed_tenant(workspace(1), &row).await.unwrap();
        tenant
    }

    async fn map(&self, number: u128, tenant: ManagedTenantId) {
        let now = self.clock_now();
        let record = MappingRecord {
            format: MAPPING_RECORD_FORMAT,
            managed_tenant: tenant,
            current: ActiveDecision {
                mapping_id: MappingId::new(Uuid::from_u128(number)),
                decision: Decision::Mapped { client: ClientId::new(Uuid::from_u128(number)) },
                decided_by: None,
                decided_at: now,
                confidence: None,
            },
            history: Vec::new(),
        };
        assert!(self.app.store.put_mapping(workspace(1), None, &record).await.unwrap());
    }
}
