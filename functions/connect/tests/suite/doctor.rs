//! Each fault is found, told once, and comes with what to do.

use std::sync::Arc;

use ambient::VirtualClock;
use axum::http::StatusCode;
use connect::{Check, Connect, Finding, Part, Verdict};
use domain::{
    ids::{ClientId, EntraTenantId, GroupId, ManagedTenantId, MappingId},
    mapping::{ActiveDecision, Decision, MAPPING_RECORD_FORMAT, MappingRecord},
};
use fake_microsoft::{CippFault, Effect, FaultBody, Group, Match, RelationshipStatus, Route, SyncStateLoss};
use jiff::SignedDuration;
use secrets::{Family, Scope};
use serde_json::{Value, json};
use store::{ManagedTenant, SyncSettings, TenantAccess, probe::Fault};
use uuid::Uuid;

use crate::bench::{Bench, CLIENT_SECRET, DISCONNECT, workspace};

/// A finding without its words: what was looked at, how it went, and the code.
pub(crate) type Found = (Check, Verdict, Option<&'static str>);

impl Bench {
    /// The two customers of the fake, mapped each to a client of its own.
    pub(crate) async fn map_both(&self) {
        for (number, tenant) in (1..).zip(self.fake.world().tenants()) {
            self.map_customer(number, tenant.id).await;
        }
    }

    pub(crate) async fn map_customer(&self, number: u128, entra: EntraTenantId) {
        let now = ambient::Clock::now(&self.clock);
        let id = ManagedTenantId::derived(workspace(1), entra);
        let tenant = ManagedTenant {
            id,
            entra,
            display_name: Some(format!("Customer {number}")),
            default_domain: None,
            verified_domains: Vec::new(),
            access: TenantAccess::Ok,
            access_ends: None,
            user_count: None,
            discovered_at: now,
            last_seen_at: now,
            missing_since: None,
        };
        self.app.store.put_managed_tenant(workspace(1), &tenant).await.unwrap();
        let decision = Decision::Mapped { client: ClientId::new(Uuid::from_u128(number)) };
        let mapping_id = MappingId::new(Uuid::from_u128(number));
        let current =
            ActiveDecision { mapping_id, decision, decided_at: now, decided_by: None, confidence: None };
        let record =
            MappingRecord { format: MAPPING_RECORD_FORMAT, managed_tenant: id, current, history: Vec::new() };
        assert!(self.app.store.put_mapping(workspace(1), None, &record).await.unwrap());
    }

    /// The same service on a machine whose clock is wrong.
    /// The same service with another way to Microsoft.
    pub(crate) fn app_asking(&self, graph: directory::GraphSettings) -> Connect {
        Connect { graph, ..self.app_at(SignedDuration::ZERO) }
    }

    fn app_at(&self, off: SignedDuration) -> Connect {
        let Connect { store, secrets, http, graph, cipp, redirect_base, settings_page, entropy, .. } =
            &*self.app;
        Connect {
            store: store.clone(),
            secrets: Arc::clone(secrets),
            http: http.clone(),
            graph: graph.clone(),
            cipp: cipp.clone(),
            redirect_base: redirect_base.clone(),
            settings_page: settings_page.clone(),
            clock: Arc::new(VirtualClock::starting_at(ambient::Clock::now(&self.clock) + off)),
            entropy: Arc::clone(entropy),
        }
    }

    pub(crate) async fn examine(&self) -> Vec<Finding> {
        self.examine_with(&self.app).await
    }

    async fn examine_with(&self, app: &Connect) -> Vec<Finding> {
        let before = self.table().await;
        let tokens = self.kept().await;
        let findings = app.examine(workspace(1), Part::whole()).await.findings;
        assert_eq!((self.table().await, self.kept().await), (before, tokens), "it writes nothing");
        for finding in &findings {
            let is_told = finding.what.ends_with('.') && !finding.what.contains(CLIENT_SECRET);
            assert!(is_told, "{finding:?}");
            let is_explained = finding.code.is_none_or(|code| catalogue::find(code).is_some());
            assert!(is_explained, "{finding:?} is not in the catalogue");
            let is_fine = finding.verdict == Verdict::Fine;
            assert_eq!((finding.step.is_none(), finding.code.is_none()), (is_fine, is_fine), "{finding:?}");
        }
        findings
    }

    /// What is not in order; that nobody noted when the client secret ends is left out.
    pub(crate) async fn wrong(&self) -> Vec<Found> {
        wrong(&self.examine().await)
    }
}

pub(crate) fn wrong(findings: &[Finding]) -> Vec<Found> {
    let is_wrong = |found: &&Finding| found.verdict != Verdict::Fine && found.code != Some("end_unknown");
    findings.iter().filter(is_wrong).map(|found| (found.check, found.verdict, found.code)).collect()
}

pub(crate) const PROBLEM: Verdict = Verdict::Problem;

#[test]
fn every_code_of_a_read_is_in_the_catalogue() {
    for code in directory::Code::ALL {
        assert!(catalogue::find(code.name()).is_some(), "{code}");
    }
}

#[tokio::test]
async fn a_house_in_order_is_told_part_by_part() {
    for through_cipp in [false, true] {
        let bench = Bench::new().await;
        if through_cipp {
            assert_eq!(bench.connect_cipp(&bench.cipp_client()).await.status, StatusCode::OK);
        } else {
            bench.connect().await;
        }
        bench.map_both().await;
        let findings = bench.examine().await;
        assert_eq!(wrong(&findings), [], "{findings:#?}");
        assert!(!findings.iter().any(Finding::needs_somebody));
        let looked_at: Vec<Check> = findings.iter().map(|finding| finding.check).collect();
        let mut expected =
            vec![Check::Store, Check::Clock, Check::Secrets, Check::Connection, Check::Permissions];
        expected.extend([Check::Expiry, Check::Customer]);
        expected.retain(|check| !through_cipp || *check != Check::Permissions);
        assert_eq!(looked_at, expected);
        assert_eq!(
            findings.last().unwrap().what,
            "All of 2 mapped customers can be read, and each answers for itself."
        );
    }
}

#[tokio::test]
async fn what_is_not_set_up_yet_is_told() {
    let bench = Bench::new().await;
    assert_eq!(bench.wrong().await, [(Check::Connection, PROBLEM, Some("not_connected"))]);
    bench.connect().await;
    assert_eq!(bench.wrong().await, [(Check::Customer, Verdict::Warning, Some("nothing_mapped"))]);
    bench.map_both().await;
    assert_eq!(bench.wrong().await, []);
    bench.ask("POST", DISCONNECT, "").await;
    assert_eq!(bench.wrong().await, [(Check::Connection, PROBLEM, Some("not_connected"))]);
}

#[tokio::test]
async fn every_fault_at_the_partner_is_one_finding() {
    let token = |number| (Match::route(Route::Token), Effect::aadsts(number));
    let listing = |effect| (Match::route(Route::Relationships), effect);
    let unknown = Verdict::Unknown;
    for ((place, effect), verdict, code) in [
        (token(50_173), PROBLEM, "sign_in_revoked"),
        (token(700_082), PROBLEM, "sign_in_expired"),
        (token(50_057), PROBLEM, "partner_account_disabled"),
        (token(50_076), PROBLEM, "sign_in_mfa_required"),
        (token(53_003), PROBLEM, "sign_in_blocked_by_policy"),
        (token(65_001), PROBLEM, "app_consent_missing"),
        (token(700_016), PROBLEM, "app_unknown"),
        (token(7_000_215), PROBLEM, "client_secret_invalid"),
        (token(7_000_222), PROBLEM, "client_secret_expired"),
        (token(700_027), PROBLEM, "client_certificate_rejected"),
        (token(700_084), PROBLEM, "redirect_not_web"),
        (token(50_011), PROBLEM, "redirect_not_registered"),
        (token(50_020), PROBLEM, "partner_account_unknown"),
        (token(54_005), PROBLEM, "sign_in_code_rejected"),
        (token(65_004), PROBLEM, "consent_declined"),
        (token(90_002), PROBLEM, "partner_tenant_unknown"),
        (token(90_094), PROBLEM, "admin_approval_needed"),
        (token(650_052), PROBLEM, "app_registration_incomplete"),
        // Numbers that say no more than the error they come with.
        (token(7_000_218), PROBLEM, "app_credentials_rejected"),
        (token(9_002_313), PROBLEM, "sign_in_rejected"),
        (listing(Effect::status(403)), PROBLEM, "partner_role_missing"),
        (listing(Effect::status(503)), unknown, "graph_unavailable"),
        (listing(Effect::Malformed), PROBLEM, "answer_unreadable"),
        (listing(Effect::Throttle { retry_after: Some("100000".to_owned()) }), unknown, "throttled"),
        (listing(Effect::ForeignNextLink("evil.example".to_owned())), PROBLEM, "foreign_next_link"),
    ] {
        let bench = Bench::new().await;
        bench.connect().await;
        bench.map_both().await;
        // Tokens of the sign-in are used up by then.
        bench.clock.advance(SignedDuration::from_hours(2));
        bench.fake.faults().on(place, effect, u32::MAX);
        assert_eq!(bench.wrong().await, [(Check::Connection, verdict, Some(code))], "{code}");
    }
}

#[tokio::test]
async fn every_fault_at_a_customer_is_one_finding_of_that_customer() {
    let at = |route| Match::route(route);
    let proof = |effect| (at(Route::Organization), effect);
    let person = |effect| (at(Route::User), effect);
    let token = |number| (at(Route::Token), Effect::aadsts(number));
    let unknown = Verdict::Unknown;
    for ((place, effect), verdict, code) in [
        (token(65_001), PROBLEM, "consent_missing"),
        (token(53_003), PROBLEM, "conditional_access_blocked"),
        (token(50_076), PROBLEM, "customer_mfa_required"),
        (token(500_213), PROBLEM, "cross_tenant_access_blocked"),
        (token(90_002), PROBLEM, "tenant_gone"),
        (token(50_194), PROBLEM, "app_single_tenant"),
        (token(530_034), PROBLEM, "delegated_admin_blocked"),
        // What may as well be the fault of the connection is this customer's when the partner gets a token.
        (token(650_052), PROBLEM, "service_missing"),
        (token(7_000_215), PROBLEM, "customer_app_rejected"),
        (proof(Effect::status(401)), PROBLEM, "customer_token_refused"),
        (proof(Effect::WrongTenant), PROBLEM, "tenant_mismatch"),
        (proof(Effect::status(503)), unknown, "graph_unavailable"),
        (person(Effect::status(403)), PROBLEM, "role_missing"),
        (person(Effect::status(500)), unknown, "graph_unavailable"),
        ((at(Route::Users), Effect::status(403)), PROBLEM, "role_missing"),
        ((at(Route::Users), Effect::status(504)), unknown, "graph_unavailable"),
        ((at(Route::UsersDelta), Effect::status(403)), PROBLEM, "role_missing"),
        (person(Effect::Throttle { retry_after: Some("100000".to_owned()) }), unknown, "throttled"),
    ] {
        let bench = Bench::new().await;
        bench.connect().await;
        bench.map_both().await;
        bench.clock.advance(SignedDuration::from_hours(2));
        let second = bench.fake.world().tenants()[1].id;
        bench.fake.faults().on(place.tenant(second), effect, u32::MAX);
        let findings = bench.examine().await;
        let mut expected = vec![(Check::Customer, verdict, Some(code))];
        // That Microsoft asks to slow down says something of its limits, too.
        let slower = (Check::Quota, Verdict::Warning, Some("limit_nearly_reached"));
        expected.extend((code == "throttled").then_some(slower));
        assert_eq!(wrong(&findings), expected, "{findings:#?}");
        let named = findings.iter().find(|found| found.code == Some(code)).unwrap();
        assert_eq!(named.tenant.as_deref(), Some("Customer 2"));
        // With the page for the customer's administrator.
        let page = format!("/{second}/v2.0/adminconsent?client_id=");
        let is_told = named.step.as_deref().is_some_and(|step| step.contains(&page));
        assert_eq!(is_told, code == "consent_missing", "{named:?}");
        let other = findings.iter().find(|found| found.check == Check::Customer && found.tenant.is_none());
        assert_eq!(other.unwrap().what, "Of 2 mapped customers, 1 can be read and answer for themselves.");
    }
}

/// A sync reads everybody in place of changes that Microsoft has forgotten, and says no more about it;
/// whoever examines the connection is told that they were forgotten while they were read.
#[tokio::test]
async fn changes_that_are_forgotten_on_the_way_are_told() {
    let bench = Bench::new().await;
    bench.connect().await;
    bench.map_both().await;
    let second = bench.fake.world().tenants()[1].id;
    let feed = Match::route(Route::UsersDelta).tenant(second);
    bench.fake.faults().on(feed.nth(1), Effect::EmptyPageWithNext, None);
    bench.fake.faults().on(feed, Effect::LostSyncState(SyncStateLoss::GoneNotFound), None);
    assert_eq!(bench.wrong().await, [(Check::Customer, PROBLEM, Some("changes_expired"))]);
}

#[tokio::test]
async fn what_the_list_of_customers_says_is_told() {
    let bench = Bench::new().await;
    bench.connect().await;
    bench.map_both().await;
    let second = bench.fake.world().tenants()[1].id;
    bench.fake.world().set_relationship_roles(second, &[]).unwrap();
    assert_eq!(bench.wrong().await, [(Check::Customer, PROBLEM, Some("role_missing"))]);
    bench.fake.world().set_relationship_status(second, RelationshipStatus::Terminated).unwrap();
    let wrong = bench.wrong().await;
    assert!(matches!(wrong[..], [(Check::Customer, PROBLEM, Some("relationship_missing"))]), "{wrong:?}");
    // Somebody who is listed no more and cannot be read either.
    bench.map_customer(3, EntraTenantId::new(Uuid::from_u128(0xDEAD))).await;
    assert_eq!(bench.wrong().await.len(), 2);
}

#[tokio::test]
async fn a_customer_that_is_read_and_listed_no_more_is_told() {
    let bench = Bench::new().await;
    bench.connect().await;
    bench.map_both().await;
    bench.fake.faults().on(Match::route(Route::Relationships), Effect::EmptyAnswer, u32::MAX);
    let not_listed = (Check::Customer, Verdict::Warning, Some("customer_not_listed"));
    assert_eq!(bench.wrong().await, [not_listed; 2]);
}

/// Whoever is not in the rest of the list may be in the row that cannot be read.
#[tokio::test]
async fn a_list_that_cannot_be_read_whole_says_of_nobody_that_they_have_left() {
    let bench = Bench::new().await;
    bench.connect().await;
    bench.map_both().await;
    let first = bench.fake.world().tenants()[0].id;
    let row = |id: &str| json!({ "status": "active", "customer": { "tenantId": id, "displayName": "One" } });
    let body = json!({ "value": [row(&first.to_string()), row("")] }).to_string();
    let spoiled = Effect::Status { status: 200, retry_after: None, body: FaultBody::Text(body) };
    bench.fake.faults().on(Match::route(Route::Relationships), spoiled, u32::MAX);
    let unreadable = (Check::Customer, Verdict::Warning, Some("customer_rows_unreadable"));
    assert_eq!(bench.wrong().await, [unreadable]);
}

#[tokio::test]
async fn a_group_that_decides_and_cannot_be_read_is_told_with_the_step_that_is_missing() {
    for through_cipp in [false, true] {
        let bench = Bench::new().await;
        if through_cipp {
            assert_eq!(bench.connect_cipp(&bench.cipp_client()).await.status, StatusCode::OK);
        } else {
            bench.connect().await;
        }
        bench.map_both().await;
        let group = GroupId::new(Uuid::from_u128(0x6406));
        let mut settings = SyncSettings::default();
        settings.scope.include_groups = vec![group];
        bench.app.store.put_settings(workspace(1), &settings).await.unwrap();
        let code = if through_cipp { "cipp_read_failed" } else { "group_gone" };
        assert_eq!(bench.wrong().await, [(Check::Groups, PROBLEM, Some(code)); 2]);
        for tenant in bench.fake.world().tenants() {
            let nobody = Group::security(group, "Staff", Vec::new());
            bench.fake.world().add_group(tenant.id, nobody).unwrap();
        }
        assert_eq!(bench.wrong().await, [], "an empty group is one");

        // What a customer has not consented to, while everything else can be read.
        bench.fake.faults().on(Match::route(Route::GroupMembers), Effect::status(403), None);
        let findings = bench.examine().await;
        if through_cipp {
            assert_eq!(wrong(&findings), [], "CIPP asks with its own app");
            continue;
        }
        assert_eq!(wrong(&findings), [(Check::Groups, PROBLEM, Some("groups_not_readable")); 2]);
        let found = findings.iter().find(|found| found.check == Check::Groups).unwrap();
        let step = found.step.as_deref().unwrap();
        assert!(step.contains("GroupMember.Read.All") && step.contains("admin consent"), "{step}");
        assert!(found.what.contains(&group.to_string()), "{}", found.what);
    }
}

#[tokio::test]
async fn every_fault_of_a_cipp_deployment_is_found() {
    let fault = |route, fault| (Match::route(route), Effect::Cipp(fault));
    let unknown = Verdict::Unknown;
    for ((place, effect), check, verdict, code) in [
        (
            fault(Route::CippTenants, CippFault::FailureText),
            Check::Connection,
            PROBLEM,
            "cipp_tenants_not_listed",
        ),
        (fault(Route::CippTenants, CippFault::Page), Check::Connection, PROBLEM, "cipp_wrong_address"),
        (fault(Route::CippTenants, CippFault::SignIn), Check::Connection, PROBLEM, "cipp_wrong_address"),
        (
            fault(Route::CippGraphRequest, CippFault::PartnerAnswers),
            Check::Customer,
            PROBLEM,
            "partner_tenant_answered",
        ),
        (fault(Route::CippGraphRequest, CippFault::OtherEcho), Check::Customer, PROBLEM, "tenant_mismatch"),
        (fault(Route::CippGraphRequest, CippFault::FailureRow), Check::Customer, PROBLEM, "tenant_unproven"),
        (
            fault(Route::CippGraphRequest, CippFault::Queued),
            Check::Customer,
            unknown,
            "cipp_answer_incomplete",
        ),
    ] {
        let bench = Bench::new().await;
        assert_eq!(bench.connect_cipp(&bench.cipp_client()).await.status, StatusCode::OK);
        let first = bench.fake.world().tenants()[0].id;
        bench.map_customer(1, first).await;
        bench.fake.faults().on(place, effect.clone(), u32::MAX);
        assert_eq!(bench.wrong().await, [(check, verdict, Some(code))], "{effect:?}");
    }
}

#[tokio::test]
async fn a_wrong_clock_is_told_with_how_wrong_it_is() {
    let bench = Bench::new().await;
    for (off, said) in [
        (SignedDuration::from_mins(4), None),
        (SignedDuration::from_mins(-4), None),
        (SignedDuration::from_mins(9), Some("9 minutes fast")),
        (SignedDuration::from_hours(-3), Some("3 hours slow")),
    ] {
        let app = bench.app_at(off);
        let findings = bench.examine_with(&app).await;
        let clock = findings.iter().find(|found| found.check == Check::Clock).unwrap();
        assert_eq!(clock.code, said.map(|_| "clock_wrong"), "{off}");
        assert!(said.is_none_or(|said| clock.what.contains(said)), "{clock:?}");
    }
}

#[tokio::test]
async fn permissions_that_are_missing_or_not_needed_are_told() {
    let bench = Bench::new().await;
    bench.connect().await;
    bench.map_both().await;
    let of_graph = |name: &str| format!("https://graph.microsoft.com/{name}");
    for (change, expected, named) in [
        ("", None, ""),
        (
            "+Directory.Read.All",
            Some((Check::Permissions, PROBLEM, Some("permission_missing"))),
            "Directory.Read.All",
        ),
        (
            "-CrossTenantInformation.ReadBasic.All",
            Some((Check::Permissions, Verdict::Warning, Some("permission_unneeded"))),
            "CrossTenantInformation.ReadBasic.All",
        ),
    ] {
        let mut app = bench.app_at(SignedDuration::ZERO);
        match change.split_at_checked(1) {
            Some(("+", more)) => app.graph.scopes.push(of_graph(more)),
            Some((_, less)) => app.graph.scopes.retain(|scope| *scope != of_graph(less)),
            None => {}
        }
        let findings = bench.examine_with(&app).await;
        assert_eq!(wrong(&findings), Vec::from_iter(expected), "{change}");
        let told = findings.iter().find(|found| found.check == Check::Permissions).unwrap();
        assert!(told.what.contains(named), "{told:?}");
    }
}

#[tokio::test]
async fn a_table_and_secrets_that_do_not_answer_are_told() {
    let bench = Bench::new().await;
    bench.connect().await;
    bench.map_both().await;
    bench.probe.script(|call| call.write.map(|_| Fault::Before));
    assert_eq!(bench.wrong().await, [(Check::Store, PROBLEM, Some("store_unavailable"))]);
    bench.probe.clear();
    let scope = Scope::Workspace(workspace(1));
    bench.app.secrets.delete(scope, Family::MicrosoftApp).await.unwrap();
    assert_eq!(bench.wrong().await, [(Check::Connection, PROBLEM, Some("app_credentials_missing"))]);
}

pub(crate) const DOCTOR: &str = "/api/integrations/entra/doctor";

#[tokio::test]
async fn the_route_tells_the_same_in_parts_and_says_what_it_has_not_looked_at() {
    let bench = Bench::new().await;
    bench.connect().await;
    bench.map_both().await;
    for number in 3..=5 {
        bench.map_customer(number, EntraTenantId::new(Uuid::from_u128(0xDEAD + number))).await;
    }
    let whole = bench.examine().await;
    let (before, kept) = (bench.table().await, bench.kept().await);
    let (mut told, mut seen, mut path) = (Vec::new(), Vec::new(), format!("{DOCTOR}?limit=2"));
    loop {
        let data = bench.ask("GET", &path, "").await.json()["data"].clone();
        let customers = &data["customers"];
        seen.push((
            customers["mapped"].clone(),
            customers["lookedAt"].clone(),
            customers["notLookedAt"].clone(),
        ));
        told.extend(data["findings"].as_array().unwrap().clone());
        match data["nextCursor"].as_str() {
            Some(cursor) => path = format!("{DOCTOR}?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, [(5, 2, 3), (5, 2, 1), (5, 1, 0)].map(|(a, b, c)| (json!(a), json!(b), json!(c))));
    assert_eq!((bench.table().await, bench.kept().await), (before, kept), "it writes nothing");
    // But for how many of a part are in order, it is what the whole examination says.
    let without_counts = |findings: Vec<Value>| -> Vec<Value> {
        let is_count = |it: &Value| it["check"] == "customer" && it["verdict"] == "fine";
        findings.into_iter().filter(|it| !is_count(it)).collect()
    };
    let whole = whole.iter().map(|finding| serde_json::to_value(finding).unwrap()).collect();
    assert_eq!(without_counts(told), without_counts(whole));
}

#[tokio::test]
async fn customers_nobody_could_look_at_are_counted() {
    let bench = Bench::new().await;
    bench.connect().await;
    bench.map_both().await;
    bench.fake.revoke_sign_ins();
    bench.clock.advance(SignedDuration::from_hours(2));
    let data = bench.ask("GET", DOCTOR, "").await.json()["data"].clone();
    assert_eq!(data["customers"], json!({ "mapped": 2, "lookedAt": 0, "notLookedAt": 2 }));
    assert_eq!((&data["healthy"], &data["nextCursor"]), (&json!(false), &Value::Null));
    let before = bench.connection().await;
    assert_eq!(before.unwrap().connection_status, store::ConnectionStatus::Connected, "nothing is noted");
}

/// A customer that never answers must not use up the half minute that somebody waits.
#[tokio::test]
async fn customers_that_are_silent_are_told_as_unknown_in_time() {
    let bench = Bench::new().await;
    bench.connect().await;
    bench.map_both().await;
    let fake = bench.server.base_url();
    let http = bench.app.http.clone();
    let silent = axum::Router::new().fallback(move |request: axum::extract::Request| {
        let to = format!("{fake}{}", request.uri());
        let mut forwarded = http.get(to);
        for (name, value) in request.headers().iter().filter(|(name, _)| *name != "host") {
            forwarded = forwarded.header(name, value);
        }
        async move {
            if request.uri().path().contains("/organization") {
                std::future::pending::<()>().await;
            }
            let answer = forwarded.send().await.unwrap();
            (answer.status(), answer.bytes().await.unwrap())
        }
    });
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = format!("http://{}/v1.0", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, silent).await });
    let mut app = bench.app_at(SignedDuration::ZERO);
    let login: url::Url = bench.server.base_url().parse().unwrap();
    app.graph = directory::GraphSettings::new(&login, address.parse().unwrap()).unwrap();
    let part = Part { after: None, customers_max: 25, is_awaited: true };
    let examined = tokio::time::timeout(std::time::Duration::from_secs(25), app.examine(workspace(1), part));
    let examined = examined.await.unwrap();
    let unknown = (Check::Customer, Verdict::Unknown, Some("graph_unavailable"));
    assert_eq!(wrong(&examined.findings), [unknown; 2], "{examined:#?}");
    assert_eq!((examined.customers.looked_at, examined.next), (2, None));
}

#[tokio::test]
async fn a_limit_and_a_cursor_of_another_route_are_refused() {
    let bench = Bench::new().await;
    for (query, code) in [("limit=0", "invalid_limit"), ("cursor=AAAA", "invalid_cursor")] {
        assert_eq!(bench.ask("GET", &format!("{DOCTOR}?{query}"), "").await.code(), code);
    }
}
