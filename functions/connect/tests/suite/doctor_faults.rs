//! Whatever goes wrong at a place that the doctor asks is one finding, or nothing where a sync would not
//! suffer from it either.

use std::sync::atomic::Ordering;

use axum::http::StatusCode;
use connect::{Check, Part, Verdict};
use fake_microsoft::{BadRow, CippFault, Effect, FaultBody, Match, Route, TokenQuirk};
use jiff::SignedDuration;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::{
    bench::{Bench, VALIDATE, workspace},
    doctor::{DOCTOR, Found, PROBLEM, wrong},
};

/// How it went and the code, or nothing.
type Told = Option<(Verdict, &'static str)>;

const NOTHING: Told = None;

#[expect(clippy::unnecessary_wraps, reason = "rows of tables in which others have no finding")]
fn problem(code: &'static str) -> Told {
    Some((PROBLEM, code))
}

/// It says nothing about what was looked at, and is repeated by itself.
#[expect(clippy::unnecessary_wraps, reason = "rows of tables in which others have no finding")]
fn unknown(code: &'static str) -> Told {
    Some((Verdict::Unknown, code))
}

#[expect(clippy::unnecessary_wraps, reason = "rows of tables in which others have no finding")]
fn warning(code: &'static str) -> Told {
    Some((Verdict::Warning, code))
}

fn at(check: Check, told: Told) -> Vec<Found> {
    Vec::from_iter(told.map(|(verdict, code)| (check, verdict, Some(code))))
}

/// What the token endpoint says in place of its documented answers.
fn says(status: u16, body: Value) -> Effect {
    Effect::TokenError { status, body }
}

/// Busy for longer than anybody waits.
fn busy(status: u16) -> Effect {
    let body = FaultBody::Text("Come back later.".to_owned());
    Effect::Status { status, retry_after: Some("100000".to_owned()), body }
}

impl Bench {
    /// A direct connection with two mapped customers.
    async fn in_order() -> Self {
        let bench = Self::new().await;
        bench.connect().await;
        bench.map_both().await;
        bench
    }

    async fn in_order_through_cipp() -> Self {
        let bench = Self::new().await;
        assert_eq!(bench.connect_cipp(&bench.cipp_client()).await.status, StatusCode::OK);
        let first = bench.fake.world().tenants()[0].id;
        bench.map_customer(1, first).await;
        bench
    }

    /// The scopes that are stored with the sign-in.
    async fn scope(&self) -> String {
        self.tokens().await.unwrap().scope.unwrap()
    }
}

#[tokio::test]
async fn a_fault_at_the_partner_is_told_of_the_connection() {
    let token = |effect| (Route::Token, effect);
    let quirk = |quirk| (Route::Token, Effect::TokenQuirk(quirk));
    let refusal = |error: &str| (Route::Token, says(400, json!({ "error": error })));
    let listing = |effect| (Route::Relationships, effect);
    for ((route, effect), told) in [
        // Whoever answers so is no login service.
        (token(Effect::status(401)), problem("answer_unreadable")),
        (token(Effect::status(404)), problem("answer_unreadable")),
        (token(Effect::Malformed), problem("answer_unreadable")),
        (token(says(200, json!({}))), problem("answer_unreadable")),
        (token(Effect::DropConnection), unknown("connection_failed")),
        (token(Effect::status(503)), unknown("login_unavailable")),
        (token(busy(429)), unknown("login_throttled")),
        (refusal("invalid_grant"), problem("sign_in_rejected")),
        (refusal("invalid_client"), problem("app_credentials_rejected")),
        (refusal("consent_required"), problem("app_consent_missing")),
        (refusal("invalid_scope"), problem("token_request_rejected")),
        (refusal("temporarily_unavailable"), unknown("login_unavailable")),
        (refusal("teapot"), problem("answer_unreadable")),
        // The protocol allows all of these.
        (quirk(TokenQuirk::WithoutScope), NOTHING),
        (quirk(TokenQuirk::WithoutRefreshToken), NOTHING),
        (quirk(TokenQuirk::ExpiresInText), NOTHING),
        (quirk(TokenQuirk::Lifetime(60)), NOTHING),
        (quirk(TokenQuirk::Lifetime(0)), problem("partner_token_refused")),
        (listing(Effect::status(400)), problem("request_rejected")),
        (listing(Effect::status(401)), problem("partner_token_refused")),
        (listing(Effect::status(404)), problem("resource_unknown")),
        (listing(Effect::status(409)), problem("answer_unexpected")),
        (listing(busy(503)), unknown("graph_busy")),
        (listing(Effect::DropConnection), unknown("connection_failed")),
        (listing(Effect::Malformed), problem("answer_unreadable")),
        // Nothing is asked of these rows that such a one does not say.
        (listing(Effect::BadRow(BadRow::WithoutId)), NOTHING),
        (listing(Effect::BadRow(BadRow::WrongMember)), NOTHING),
        (listing(Effect::BadRow(BadRow::WrongTypes)), NOTHING),
    ] {
        let bench = Bench::in_order().await;
        let place = Match::route(route).tenant(bench.fake.world().partner().id);
        let fault = bench.fake.faults().on(place, effect.clone(), None);
        assert_eq!(bench.wrong().await, at(Check::Connection, told), "{route:?} {effect:?}");
        assert!(bench.fake.faults().fired(fault) > 0, "{route:?} {effect:?}");
    }
}

#[tokio::test]
async fn a_fault_at_one_customer_is_told_of_that_customer() {
    let token = |effect| (Route::Token, effect);
    let quirk = |quirk| (Route::Token, Effect::TokenQuirk(quirk));
    let refusal = |error: &str| (Route::Token, says(400, json!({ "error": error })));
    let proof = |effect| (Route::Organization, effect);
    let person = |effect| (Route::User, effect);
    let feed = |effect| (Route::UsersDelta, effect);
    let people = |effect| (Route::Users, effect);
    for ((route, effect), told) in [
        (token(Effect::status(401)), problem("answer_unreadable")),
        (token(Effect::status(404)), problem("answer_unreadable")),
        (token(Effect::Malformed), problem("answer_unreadable")),
        (token(says(200, json!({}))), problem("answer_unreadable")),
        (token(Effect::DropConnection), unknown("connection_failed")),
        (token(Effect::status(503)), unknown("login_unavailable")),
        // The partner's own tenant gives a token all the same.
        (refusal("invalid_grant"), problem("customer_sign_in_rejected")),
        (refusal("invalid_client"), problem("customer_app_rejected")),
        (refusal("consent_required"), problem("consent_missing")),
        (refusal("invalid_resource"), problem("service_missing")),
        (refusal("teapot"), problem("answer_unreadable")),
        (quirk(TokenQuirk::WithoutScope), NOTHING),
        (quirk(TokenQuirk::WithoutRefreshToken), NOTHING),
        (quirk(TokenQuirk::ExpiresInText), NOTHING),
        (quirk(TokenQuirk::Lifetime(60)), NOTHING),
        (quirk(TokenQuirk::Lifetime(0)), problem("customer_token_refused")),
        (proof(Effect::status(401)), problem("customer_token_refused")),
        (proof(Effect::status(404)), problem("resource_unknown")),
        (proof(Effect::DropConnection), unknown("connection_failed")),
        (proof(Effect::Malformed), problem("answer_unreadable")),
        (proof(Effect::EmptyAnswer), problem("tenant_unproven")),
        (proof(Effect::BadRow(BadRow::WithoutId)), problem("tenant_unproven")),
        (proof(Effect::BadRow(BadRow::WrongTypes)), problem("tenant_unproven")),
        // Its name proves nothing, and may be anything.
        (proof(Effect::BadRow(BadRow::WrongMember)), NOTHING),
        (person(Effect::status(401)), problem("customer_token_refused")),
        // That there is nobody is the answer. A page of somebody in between, or half of one, is none.
        (person(Effect::status(404)), NOTHING),
        (person(Effect::plain_text(404, "Not Found")), problem("resource_unknown")),
        (person(Effect::Malformed), problem("resource_unknown")),
        (person(Effect::DropConnection), unknown("connection_failed")),
        (feed(Effect::status(401)), problem("customer_token_refused")),
        (feed(Effect::status(404)), problem("resource_unknown")),
        (feed(Effect::DropConnection), unknown("connection_failed")),
        (feed(Effect::Malformed), problem("answer_unreadable")),
        // Without its link nobody knows where changes begin.
        (feed(Effect::EmptyAnswer), problem("answer_unreadable")),
        // What comes along with the link is read once more with everybody.
        (feed(Effect::BadRow(BadRow::WithoutId)), NOTHING),
        (people(Effect::status(400)), problem("request_rejected")),
        (people(Effect::status(401)), problem("customer_token_refused")),
        (people(Effect::status(404)), problem("resource_unknown")),
        (people(busy(503)), unknown("graph_busy")),
        (people(Effect::DropConnection), unknown("connection_failed")),
        (people(Effect::Malformed), problem("answer_unreadable")),
        (people(Effect::EmptyAnswer), warning("nobody_listed")),
        // There is more to come.
        (people(Effect::EmptyPageWithNext), NOTHING),
        (people(Effect::BadRow(BadRow::WithoutId)), warning("record_unreadable")),
        (people(Effect::BadRow(BadRow::WrongMember)), warning("record_unreadable")),
        (people(Effect::BadRow(BadRow::WrongTypes)), warning("record_unreadable")),
    ] {
        let bench = Bench::in_order().await;
        let second = bench.fake.world().tenants()[1].id;
        let fault = bench.fake.faults().on(Match::route(route).tenant(second), effect.clone(), None);
        let findings = bench.examine().await;
        assert_eq!(wrong(&findings), at(Check::Customer, told), "{route:?} {effect:?}");
        assert!(bench.fake.faults().fired(fault) > 0, "{route:?} {effect:?}");
        if let Some((verdict, code)) = told {
            let named = findings.iter().find(|found| found.code == Some(code)).unwrap();
            assert_eq!(named.tenant.as_deref(), Some("Customer 2"), "{named:?}");
            assert_eq!(named.needs_somebody(), verdict != Verdict::Warning, "{named:?}");
        }
    }
}

/// A sync goes on with such a page, and leaves whoever is concerned as they are.
#[tokio::test]
async fn a_page_of_which_a_sync_makes_no_use_is_told_with_what_to_do() {
    for (effect, said, step) in [
        (Effect::EmptyAnswer, "list of its people is empty", "unmap the tenant"),
        (Effect::BadRow(BadRow::WithoutId), "1 record", "report it to Microsoft"),
        (Effect::BadRow(BadRow::WrongTypes), "marks nobody inactive", "Sync again"),
        (Effect::BadRow(BadRow::WrongMember), "Object ids: ", "Entra admin center"),
    ] {
        let bench = Bench::in_order().await;
        let second = bench.fake.world().tenants()[1].id;
        let place = Match::route(Route::Users).tenant(second);
        bench.fake.faults().on(place, effect.clone(), None);
        let findings = bench.examine().await;
        let found = findings.iter().find(|found| found.verdict == Verdict::Warning && found.tenant.is_some());
        let found = found.unwrap();
        assert!(found.what.contains(said) && found.what.contains("contacts stay"), "{found:?}");
        assert!(found.step.as_deref().unwrap().contains(step), "{found:?}");
        // Whose record it is, where that can be read.
        let users = bench.fake.world().users(second);
        let is_named = users.iter().any(|user| found.what.contains(&user.id.to_string()));
        assert_eq!(is_named, matches!(effect, Effect::BadRow(BadRow::WrongMember)), "{found:?}");
    }
}

#[tokio::test]
async fn a_consent_that_was_withdrawn_is_told_until_it_is_given_again() {
    let bench = Bench::in_order().await;
    let second = bench.fake.world().tenants()[1].id;
    bench.fake.world().withdraw_consent(second).unwrap();
    let findings = bench.examine().await;
    assert_eq!(wrong(&findings), at(Check::Customer, problem("consent_missing")));
    let found = findings.iter().find(|found| found.code == Some("consent_missing")).unwrap();
    assert_eq!(found.tenant.as_deref(), Some("Customer 2"));
    let page = format!("/{second}/v2.0/adminconsent?client_id=");
    assert!(found.step.as_deref().unwrap().contains(&page), "{found:?}");
    bench.fake.world().grant_consent(second).unwrap();
    assert_eq!(bench.wrong().await, []);
}

#[tokio::test]
async fn a_fault_of_a_cipp_deployment_or_of_its_token_is_told() {
    let token = |effect| (Route::Token, effect);
    let refusal = |error: &str| (Route::Token, says(400, json!({ "error": error })));
    let me = |effect| (Route::CippMe, effect);
    let listing = |effect| (Route::CippTenants, effect);
    let graph = |effect| (Route::CippGraphRequest, effect);
    let elsewhere = || Effect::Cipp(CippFault::RedirectTo("https://evil.example/api/ListTenants".to_owned()));
    let nothing = || Effect::Cipp(CippFault::Nothing);
    let (connection, customer) = (Check::Connection, Check::Customer);
    for ((route, effect), check, told) in [
        (token(Effect::status(401)), connection, problem("answer_unreadable")),
        (token(Effect::status(404)), connection, problem("answer_unreadable")),
        (token(Effect::Malformed), connection, problem("answer_unreadable")),
        (token(Effect::DropConnection), connection, unknown("connection_failed")),
        (token(busy(429)), connection, unknown("login_throttled")),
        (token(Effect::aadsts(7_000_222)), connection, problem("client_secret_expired")),
        (token(Effect::aadsts(700_016)), connection, problem("app_unknown")),
        (refusal("invalid_client"), connection, problem("app_credentials_rejected")),
        (me(Effect::status(401)), connection, problem("cipp_token_refused")),
        // Versions that do not tell who asks: the listing decides.
        (me(Effect::status(404)), connection, NOTHING),
        (me(Effect::DropConnection), connection, unknown("cipp_unavailable")),
        (me(Effect::Malformed), connection, problem("cipp_wrong_address")),
        (me(nothing()), connection, problem("cipp_wrong_address")),
        (me(elsewhere()), connection, problem("cipp_wrong_address")),
        (me(busy(429)), connection, unknown("cipp_busy")),
        (listing(Effect::status(401)), connection, problem("cipp_token_refused")),
        (listing(Effect::status(403)), connection, problem("cipp_forbidden")),
        (listing(Effect::status(404)), connection, problem("cipp_wrong_address")),
        (listing(Effect::status(409)), connection, problem("answer_unexpected")),
        (listing(Effect::DropConnection), connection, unknown("cipp_unavailable")),
        (listing(Effect::Malformed), connection, problem("cipp_answer_unreadable")),
        (listing(nothing()), connection, unknown("cipp_answer_incomplete")),
        (listing(elsewhere()), connection, problem("cipp_wrong_address")),
        (listing(busy(429)), connection, unknown("cipp_busy")),
        (graph(Effect::status(400)), customer, problem("cipp_read_failed")),
        (graph(Effect::status(401)), customer, problem("cipp_token_refused")),
        (graph(Effect::status(403)), customer, problem("cipp_tenant_forbidden")),
        (graph(Effect::status(404)), customer, problem("cipp_wrong_address")),
        (graph(Effect::DropConnection), customer, unknown("cipp_unavailable")),
        (graph(Effect::Malformed), customer, problem("cipp_answer_unreadable")),
        (graph(Effect::EmptyAnswer), customer, problem("tenant_unproven")),
        (graph(Effect::BadRow(BadRow::WithoutId)), customer, problem("tenant_unproven")),
        (graph(Effect::BadRow(BadRow::WrongTypes)), customer, problem("tenant_unproven")),
        (graph(Effect::BadRow(BadRow::WrongMember)), customer, NOTHING),
        (graph(nothing()), customer, unknown("cipp_answer_incomplete")),
        (graph(elsewhere()), customer, problem("cipp_wrong_address")),
        (graph(busy(429)), customer, unknown("cipp_busy")),
    ] {
        let bench = Bench::in_order_through_cipp().await;
        let fault = bench.fake.faults().on(Match::route(route), effect.clone(), None);
        assert_eq!(bench.wrong().await, at(check, told), "{route:?} {effect:?}");
        assert!(bench.fake.faults().fired(fault) > 0, "{route:?} {effect:?}");
    }
}

#[tokio::test]
async fn secrets_that_do_not_answer_are_told_and_nobody_is_asked() {
    for kind in ["none", "direct", "cipp"] {
        let bench = match kind {
            "direct" => Bench::in_order().await,
            "cipp" => Bench::in_order_through_cipp().await,
            _ => Bench::new().await,
        };
        // What was read a moment ago is not read again.
        bench.clock.advance(SignedDuration::from_mins(1));
        bench.fake.reset_requests();
        let before = bench.table().await;
        bench.keeper.refuses_reads.store(true, Ordering::Relaxed);
        let not_connected = (kind == "none").then_some((Check::Connection, PROBLEM, Some("not_connected")));
        let mut expected = at(Check::Secrets, problem("secret_store_unavailable"));
        expected.extend(not_connected);

        let examined = bench.app.examine(workspace(1), Part::whole()).await;
        assert_eq!(wrong(&examined.findings), expected, "{kind}");
        let mapped = bench.app.store.mappings(workspace(1)).await.unwrap().len();
        let customers = examined.customers;
        assert_eq!((customers.looked_at, customers.not_looked_at), (0, mapped), "{kind}");
        let found = examined.findings.iter().find(|found| found.verdict == PROBLEM).unwrap();
        assert!(found.what.contains("contacts stay"), "{found:?}");
        assert!(found.step.as_deref().unwrap().contains("secret store"), "{found:?}");

        let told = bench.ask("GET", DOCTOR, "").await.json()["data"].clone();
        let codes: Vec<&str> = told["findings"].as_array().unwrap().iter().filter_map(code_of).collect();
        let expected: Vec<&str> = expected.iter().filter_map(|found| found.2).collect();
        assert_eq!((codes, &told["healthy"]), (expected, &json!(false)), "{kind}");
        let asked = [Route::Token, Route::Relationships, Route::CippTenants];
        assert!(asked.iter().all(|route| bench.fake.requests().of(*route).requests == 0), "{kind}");
        assert_eq!(bench.table().await, before, "{kind}: it writes nothing");

        bench.keeper.refuses_reads.store(false, Ordering::Relaxed);
        assert_eq!(bench.wrong().await, Vec::from_iter(not_connected), "{kind}");
    }
}

fn code_of(finding: &Value) -> Option<&str> {
    finding["code"].as_str()
}

/// Whoever takes a permission away does so at Microsoft, and nobody has signed in again since.
#[tokio::test]
async fn a_permission_that_was_taken_away_since_the_sign_in_is_told() {
    let bench = Bench::in_order().await;
    assert!(bench.scope().await.contains("User.Read.All"));
    let of_graph = |name: &str| format!("https://graph.microsoft.com/{name}");
    let left = ["CrossTenantInformation.ReadBasic.All", "DelegatedAdminRelationship.Read.All"].map(of_graph);
    let left = left.join(" ");
    // Tokens that work, and a grant with less in it.
    let tokens = bench.tokens().await.unwrap();
    let answer = json!({
        "token_type": "Bearer",
        "expires_in": 3_600,
        "access_token": tokens.access_token.unwrap().expose_secret(),
        "refresh_token": tokens.refresh_token.expose_secret(),
        "scope": left,
    });
    let place = Match::route(Route::Token).tenant(bench.fake.world().partner().id);
    let fault = bench.fake.faults().on(place, says(200, answer), None);
    let missing = at(Check::Permissions, problem("permission_missing"));
    let findings = bench.examine().await;
    assert_eq!(wrong(&findings), missing, "Microsoft says so now");
    let found = findings.iter().find(|found| found.check == Check::Permissions).unwrap();
    assert!(found.what.contains("User.Read.All is not granted"), "{found:?}");

    assert_eq!(bench.ask("POST", VALIDATE, "").await.status, StatusCode::OK);
    assert_eq!(bench.scope().await, left, "whoever keeps the tokens keeps what they are for");
    bench.fake.faults().remove(fault);
    let untold = Effect::TokenQuirk(TokenQuirk::WithoutScope);
    let fault = bench.fake.faults().on(place, untold, None);
    assert_eq!(bench.wrong().await, missing, "the last word counts where none is said");
    assert_eq!(bench.ask("POST", VALIDATE, "").await.status, StatusCode::OK);
    assert_eq!(bench.scope().await, left, "and is kept");

    bench.fake.faults().remove(fault);
    assert_eq!(bench.wrong().await, [], "it was given back");
    bench.clock.advance(SignedDuration::from_hours(1));
    let renewed = bench.app.renew(workspace(1), SignedDuration::ZERO).await;
    assert!(matches!(renewed, Ok(connect::Renewed::Done { .. })), "{renewed:?}");
    assert!(bench.scope().await.contains("User.Read.All"));
}
