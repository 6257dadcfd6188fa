//! The whole loop over HTTP.

use std::sync::Arc;

use ambient::{Clock, SeededEntropy, VirtualClock};
use directory::{Access, Code, Directory, ErrorClass, GraphSettings, Login, TenantList};
use domain::ids::EntraTenantId;
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::server::{Answer, CUSTOMER, PARTNER, Script, World, client, ok, status, token};

const OTHER: &str = "1c0fa218-5dec-49db-8247-cfa457af8116";

pub(crate) fn id(text: &str) -> EntraTenantId {
    text.parse().unwrap()
}

fn users(rows: usize, next: Option<String>) -> Answer {
    let rows: Vec<Value> =
        (0..rows).map(|n| json!({ "id": format!("00000000-0000-4000-8000-{n:012}") })).collect();
    ok(json!({ "value": rows, "@odata.nextLink": next }))
}

/// A script with the token endpoints of customer and partner in front.
pub(crate) fn script(rest: Vec<(&'static str, Vec<Answer>)>) -> Script {
    let tokens = [
        ("/5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d/oauth2", vec![token("customer-1"), token("customer-2")]),
        ("/0a1b2c3d-0b1f-4c3a-9d2e-7f1e2a3b4c5d/oauth2", vec![token("partner-1"), token("partner-2")]),
    ];
    rest.into_iter().chain(tokens).map(|(part, answers)| (part, answers.into())).collect()
}

#[tokio::test]
async fn proof_and_two_pages_of_users_with_one_token_call() {
    let world = World::new(|base| {
        let next = format!("{base}/v1.0/users?$top=999&$skiptoken=2");
        script(vec![
            (
                "/v1.0/organization",
                vec![ok(json!({ "value": [{ "id": CUSTOMER, "displayName": "Borealis",
                "verifiedDomains": [{ "name": "borealis.example", "isDefault": true }] }] }))],
            ),
            ("skiptoken=2", vec![users(1, None)]),
            ("/v1.0/users", vec![users(3, Some(next))]),
        ])
    })
    .await;
    let proof = world.directory.prove(id(CUSTOMER)).await.unwrap();
    assert_eq!(proof.default_domain, "borealis.example".parse().ok());
    let first = world.directory.users_page(id(CUSTOMER), None).await.unwrap();
    let second = world.directory.users_page(id(CUSTOMER), first.next.as_ref()).await.unwrap();
    assert_eq!((first.users.len(), second.users.len(), second.next), (3, 1, None));

    let usage = world.directory.usage();
    assert_eq!((usage.requests, usage.token_requests, usage.retries), (3, 1, 0));
    let calls = world.arrived("/token");
    assert!(
        calls[0].body.contains("grant_type=refresh_token")
            && calls[0].body.contains("client_secret=p%25%2B%26%3D")
    );
    assert!(calls[0].body.contains("scope=https%3A%2F%2Fgraph.microsoft.com%2F.default&"));
    let reads = world.arrived("/v1.0/");
    assert!(reads.iter().all(|read| read.bearer.as_deref() == Some("customer-1")));
    assert!(reads.iter().all(|read| read.priority.as_deref() == Some("low")));
    assert_ne!(reads[0].request_id, reads[1].request_id);
    assert!(reads[1].target.contains("$select=id,userPrincipalName,mail,proxyAddresses"));
}

#[tokio::test]
async fn another_tenant_that_answers_is_no_proof() {
    let world =
        World::new(|_| script(vec![("/v1.0/organization", vec![ok(json!({ "value": [{ "id": OTHER }] }))])]))
            .await;
    let error = world.directory.prove(id(CUSTOMER)).await.unwrap_err();
    assert_eq!((error.code(), error.class()), (Code::TenantMismatch, ErrorClass::TenantProofFailed));
    world.directory.prove(id(CUSTOMER)).await.unwrap_err();
    assert_eq!(world.directory.usage().token_requests, 2, "the token is not used again");
}

#[tokio::test]
async fn parallel_reads_share_one_token_call() {
    let world = World::new(|_| script(vec![("/v1.0/users", vec![users(1, None)])])).await;
    let page = || world.directory.users_page(id(CUSTOMER), None);
    let (first, second, third) = tokio::join!(page(), page(), page());
    assert!(first.is_ok() && second.is_ok() && third.is_ok());
    assert_eq!(world.arrived("/token").len(), 1);
}

#[tokio::test]
async fn a_token_is_renewed_five_minutes_before_its_end() {
    let world = World::new(|_| script(vec![("/v1.0/users", vec![users(1, None)])])).await;
    for (minutes, calls) in [(0, 1), (54, 1), (1, 2)] {
        world.clock.advance(SignedDuration::from_mins(minutes));
        world.directory.users_page(id(CUSTOMER), None).await.unwrap();
        assert_eq!(world.arrived("/token").len(), calls, "{minutes}");
    }
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let refused =
        || status(401, json!({ "error": { "code": "InvalidAuthenticationToken", "message": "x" } }));
    let world = World::new(|_| script(vec![("/v1.0/users", vec![refused(), users(1, None)])])).await;
    world.directory.users_page(id(CUSTOMER), None).await.unwrap();
    let bearers: Vec<_> = world.arrived("/v1.0/").into_iter().filter_map(|read| read.bearer).collect();
    assert_eq!(bearers, ["customer-1", "customer-2"]);

    let world = World::new(|_| script(vec![("/v1.0/users", vec![refused()])])).await;
    let error = world.directory.users_page(id(CUSTOMER), None).await.unwrap_err();
    assert_eq!(error.code(), Code::CustomerTokenRefused);
    assert_eq!(world.arrived("/v1.0/").len(), 2);
}

#[tokio::test]
async fn throttling_is_waited_for_and_counted() {
    let throttled = Answer {
        headers: vec![
            ("retry-after", "3"),
            ("x-ms-throttle-limit-percentage", "1.25"),
            ("x-ms-resource-unit", "1"),
        ],
        ..status(429, json!("Too Many Requests"))
    };
    let world = World::new(|_| script(vec![("/v1.0/users", vec![throttled, users(2, None)])])).await;
    let before = world.clock.now();
    let page = world.directory.users_page(id(CUSTOMER), None).await.unwrap();
    assert_eq!(world.clock.now().duration_since(before), SignedDuration::from_secs(3));
    assert_eq!(page.requests, 2);
    let usage = world.directory.usage();
    assert_eq!(
        (usage.throttled, usage.retries, usage.resource_units, usage.limit_percentage_max),
        (1, 1, 1, 125)
    );
}

#[tokio::test]
async fn a_throttled_app_pauses_every_tenant() {
    let throttled = Answer {
        headers: vec![("retry-after", "600"), ("x-ms-throttle-scope", "Application/Read/app/tenant")],
        ..status(429, json!(""))
    };
    let world = World::new(|_| {
        let mut script = script(vec![("/v1.0/users", vec![throttled, users(1, None)])]);
        script.push(("/1c0fa218-5dec-49db-8247-cfa457af8116/oauth2", vec![token("other")].into()));
        script
    })
    .await;
    for tenant in [CUSTOMER, OTHER] {
        let error = world.directory.users_page(id(tenant), None).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Throttled { retry_after: SignedDuration::from_secs(600) });
    }
    assert_eq!(world.arrived("/v1.0/users").len(), 1);
    world.clock.advance(SignedDuration::from_secs(590));
    world.directory.users_page(id(OTHER), None).await.unwrap();
}

#[tokio::test]
async fn a_link_to_another_server_is_never_called() {
    let other = World::new(|_| script(vec![("/", vec![users(9, None)])])).await;
    let foreign = format!("{}/v1.0/users?$skiptoken=2", other.base);
    let world = World::new(|_| script(vec![("/v1.0/users", vec![users(1, Some(foreign.clone()))])])).await;
    let error = world.directory.users_page(id(CUSTOMER), None).await.unwrap_err();
    assert_eq!(error.code(), Code::ForeignNextLink);
    let error = world.directory.users_page(id(CUSTOMER), Some(&foreign.into())).await.unwrap_err();
    assert_eq!(error.code(), Code::ForeignNextLink);
    assert_eq!(other.arrived("/").len(), 0);
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_not_read() {
    let large = ok(json!({ "value": [], "padding": "x".repeat(200_000) }));
    let world = World::new(|_| script(vec![("/v1.0/users", vec![large])])).await;
    let error = world.directory.users_page(id(CUSTOMER), None).await.unwrap_err();
    assert_eq!(error.code(), Code::AnswerTooLarge);
}

#[tokio::test]
async fn after_gateway_timeouts_the_listing_begins_again_with_smaller_pages() {
    let timeout = || status(504, json!(""));
    let world = World::new(|base| {
        let next = format!("{base}/v1.0/users?$top=999&$skiptoken=2");
        script(vec![
            ("skiptoken=2", vec![timeout()]),
            ("/v1.0/users", vec![users(1, Some(next)), users(1, None)]),
        ])
    })
    .await;
    let first = world.directory.users_page(id(CUSTOMER), None).await.unwrap();
    let error = world.directory.users_page(id(CUSTOMER), first.next.as_ref()).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::ExpiredPage);
    world.directory.users_page(id(CUSTOMER), None).await.unwrap();
    assert!(world.arrived("/v1.0/users").last().unwrap().target.ends_with("$top=499"));
}

fn relationship(tenant: &str) -> Value {
    json!({ "id": "x", "status": "active", "customer": { "tenantId": tenant, "displayName": "Borealis" } })
}

#[tokio::test]
async fn tenants_over_several_pages_without_the_partner() {
    let world = World::new(|base| {
        let next = format!("{base}/v1.0/tenantRelationships/delegatedAdminRelationships?$skiptoken=2");
        script(vec![
            ("skiptoken=2", vec![ok(json!({ "value": [relationship(CUSTOMER), relationship(PARTNER)] }))]),
            (
                "/delegatedAdminRelationships",
                vec![ok(json!({ "value": [relationship(OTHER), relationship(CUSTOMER)], "@odata.nextLink": next }))],
            ),
        ])
    })
    .await;
    let tenants = world.directory.managed_tenants().await.unwrap().tenants;
    let ids: Vec<_> = tenants.iter().map(|tenant| tenant.entra_tenant).collect();
    assert_eq!(ids, [id(OTHER), id(CUSTOMER)]);
    assert!(tenants.iter().all(|tenant| tenant.access == Access::Active));
    let reads = world.arrived("/v1.0/");
    assert!(
        reads[0].target.contains("$filter=status%20eq%20%27active%27")
            && reads[0].target.ends_with("$top=300")
    );
    assert!(reads.iter().all(|read| read.bearer.as_deref() == Some("partner-1")));
}

#[tokio::test]
async fn a_list_whose_second_page_fails_is_no_list() {
    let world = World::new(|base| {
        let next = format!("{base}/v1.0/tenantRelationships/delegatedAdminRelationships?$skiptoken=2");
        script(vec![
            ("skiptoken=2", vec![status(500, json!(""))]),
            (
                "/delegatedAdminRelationships",
                vec![ok(json!({ "value": [relationship(OTHER)], "@odata.nextLink": next }))],
            ),
        ])
    })
    .await;
    let error = world.directory.managed_tenants().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Transient);
}

#[tokio::test]
async fn a_refused_sign_in_is_probed_at_the_partners_authority() {
    let dead =
        || status(400, json!({ "error": "invalid_grant", "error_codes": [700_082], "trace_id": "t-1" }));
    let customer = "/5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d/oauth2";
    let partner = "/0a1b2c3d-0b1f-4c3a-9d2e-7f1e2a3b4c5d/oauth2";

    let world = World::new(|_| script(vec![(customer, vec![dead()])])).await;
    let error = world.directory.prove(id(CUSTOMER)).await.unwrap_err();
    assert_eq!((error.code(), error.class()), (Code::CustomerSignInRejected, ErrorClass::AccessLost));
    assert_eq!(world.arrived(partner).len(), 1);

    let world = World::new(|_| script(vec![(customer, vec![dead()]), (partner, vec![dead()])])).await;
    let error = world.directory.prove(id(CUSTOMER)).await.unwrap_err();
    assert_eq!((error.code(), error.class()), (Code::SignInExpired, ErrorClass::CredentialRejected));
    assert_eq!(error.diagnostics().trace_id.as_deref(), Some("t-1"));

    let busy = || status(503, json!(""));
    let world = World::new(|_| script(vec![(customer, vec![dead()]), (partner, vec![busy()])])).await;
    let error = world.directory.prove(id(CUSTOMER)).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Transient, "nobody is blamed");
}

#[tokio::test]
async fn many_refused_customers_share_one_probe() {
    let dead = || status(400, json!({ "error": "invalid_client", "error_codes": [7_000_222] }));
    let world = World::new(|_| vec![("/token", vec![dead()].into())]).await;
    let prove = |tenant| world.directory.prove(id(tenant));
    let (first, second) = tokio::join!(prove(CUSTOMER), prove(OTHER));
    for outcome in [first, second] {
        assert_eq!(outcome.unwrap_err().code(), Code::ClientSecretExpired);
    }
    assert_eq!(world.arrived(PARTNER).len(), 1);
}

#[tokio::test]
async fn the_newest_refresh_token_is_kept_and_an_answer_without_one_changes_nothing() {
    let rotated =
        ok(json!({ "access_token": "partner-1", "expires_in": 3_600, "refresh_token": "refresh-2" }));
    let world = World::new(|_| {
        script(vec![
            ("/delegatedAdminRelationships", vec![ok(json!({ "value": [] }))]),
            ("/0a1b2c3d-0b1f-4c3a-9d2e-7f1e2a3b4c5d/oauth2", vec![rotated, token("partner-2")]),
        ])
    })
    .await;
    for used in ["refresh-1", "refresh-2"] {
        assert_eq!(world.directory.managed_tenants().await.unwrap(), TenantList::default());
        assert!(world.arrived("/token").last().unwrap().body.ends_with(&format!("refresh_token={used}")));
        assert_eq!(*world.credentials.refresh_token.lock().unwrap(), "refresh-2");
        world.clock.advance(SignedDuration::from_hours(2));
    }
    let calls = world.arrived("/token");
    assert!(calls[0].body.contains("offline_access"));
}

#[tokio::test]
async fn public_information_about_a_tenant() {
    let known = ok(
        json!({ "tenantId": CUSTOMER, "displayName": "Borealis", "defaultDomainName": "borealis.example" }),
    );
    let unknown = status(404, json!({ "error": { "code": "ResourceNotFound", "message": "x" } }));
    let world = World::new(|_| {
        script(vec![("findTenantInformationByTenantId", vec![known, unknown, status(403, json!(""))])])
    })
    .await;
    let found = world.directory.public_tenant(id(CUSTOMER)).await.unwrap().unwrap();
    assert_eq!(found.display_name.as_deref(), Some("Borealis"));
    for _unknown_then_denied in 0..2 {
        assert_eq!(world.directory.public_tenant(id(CUSTOMER)).await.unwrap(), None);
    }
    assert_eq!(world.arrived("/v1.0/")[0].bearer.as_deref(), Some("partner-1"));
}

#[tokio::test]
async fn a_code_is_redeemed_at_organizations() {
    let grant = ok(json!({ "access_token": "a", "refresh_token": "r", "id_token": "i", "expires_in": 1 }));
    let used = status(400, json!({ "error": "invalid_grant", "error_codes": [54005] }));
    let world = World::new(|_| vec![("/organizations/oauth2/v2.0/token", vec![grant, used].into())]).await;
    let base: url::Url = world.base.parse().unwrap();
    let settings = GraphSettings::new(&base, base.clone()).unwrap();
    let clock = Arc::new(VirtualClock::starting_at(Timestamp::UNIX_EPOCH));
    let login = Login::new(settings, client(), clock, Arc::new(SeededEntropy::new(1)));
    let app =
        directory::protocol::token::AppCredentials { client_id: "app".into(), client_secret: "s".into() };
    let redeem =
        || login.redeem_code(app.clone(), "code".into(), "verifier".into(), "https://a.example/cb".into());
    let grant = redeem().await.unwrap();
    assert_eq!(grant.refresh_token.unwrap().expose_secret(), "r");
    assert_eq!(redeem().await.unwrap_err().code(), Code::SignInCodeRejected);
    assert!(world.arrived("/token")[0].body.contains("code_verifier=verifier"));
}
