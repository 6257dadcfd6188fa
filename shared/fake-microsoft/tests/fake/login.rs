//! Signing in, tokens, and every documented way they are refused.

use axum::{body::Body, http::Request};
use fake_microsoft::{RelationshipStatus, SignIn};
use jiff::SignedDuration;
use jsonwebtoken::{DecodingKey, Validation, jwk::JwkSet};
use serde_json::{Value, json};

use crate::support::{ALL_SCOPES, BASE, Session, aadsts};

#[tokio::test]
async fn a_code_with_its_verifier_gives_tokens_and_a_verifiable_identity() {
    let session = Session::new(&[3]);
    let callback = session.authorize("organizations", &session.authorize_parameters()).await.callback();
    assert_eq!(callback["state"], "state 1");
    let answer = session.redeem(&callback["code"], &[]).await;
    assert_eq!(answer.header("cache-control"), "no-store, no-cache");
    let body = answer.json();
    assert_eq!(body["token_type"], "Bearer");
    assert!((3_600..5_400).contains(&body["expires_in"].as_i64().unwrap()));
    assert_eq!(
        body["scope"],
        "openid profile https://graph.microsoft.com/User.Read.All \
         https://graph.microsoft.com/DelegatedAdminRelationship.Read.All \
         https://graph.microsoft.com/CrossTenantInformation.ReadBasic.All"
    );

    let claims = verified(&session, body["id_token"].as_str().unwrap()).await;
    let partner = session.fake.world().partner();
    let technician = session.fake.world().user(partner.id, 0).unwrap();
    assert_eq!(claims["tid"], partner.id.to_string());
    assert_eq!(claims["oid"], technician.id.to_string());
    assert_eq!(claims["iss"], format!("{BASE}/{}/v2.0", partner.id));
    assert_eq!((claims["nonce"].as_str(), claims["ver"].as_str()), (Some("nonce 1"), Some("2.0")));
    assert_eq!(claims["iat"], session.fake.world().config().as_of.as_second());
}

/// Checks the signature with the published key; the claims.
async fn verified(session: &Session, id_token: &str) -> Value {
    let metadata = session.get("/organizations/v2.0/.well-known/openid-configuration", None).await.json();
    assert_eq!(metadata["issuer"], format!("{BASE}/{{tenantid}}/v2.0"));
    let keys = session.get(metadata["jwks_uri"].as_str().unwrap(), None).await.json();
    assert_eq!(keys["keys"][0]["issuer"], metadata["issuer"]);
    let keys: JwkSet = serde_json::from_value(keys).unwrap();
    let header = jsonwebtoken::decode_header(id_token).unwrap();
    let key = DecodingKey::from_jwk(keys.find(&header.kid.unwrap()).unwrap()).unwrap();
    let mut validation = Validation::new(jsonwebtoken::Algorithm::RS256);
    validation.set_audience(&[&session.fake.world().config().application.client_id]);
    validation.validate_exp = false;
    jsonwebtoken::decode::<Value>(id_token, &key, &validation).unwrap().claims
}

#[tokio::test]
async fn a_code_is_good_once_for_ten_minutes_with_the_same_redirect_and_verifier() {
    let session = Session::new(&[3]);
    let code = session.code().await;
    for (changes, number, error) in [
        (vec![("code_verifier", "some-other-verifier-of-enough-letters-12345")], 501_481, "invalid_grant"),
        (vec![("code_verifier", "")], 900_144, "invalid_request"),
        (vec![("redirect_uri", "http://127.0.0.1:8080/elsewhere")], 500_112, "invalid_client"),
        (vec![("client_secret", "wrong")], 7_000_215, "invalid_client"),
        (vec![("client_secret", "")], 7_000_218, "invalid_client"),
        (vec![("client_id", "11111111-1111-4111-8111-111111111111")], 700_016, "unauthorized_client"),
        (vec![("grant_type", "password")], 70_003, "unsupported_grant_type"),
        (vec![("grant_type", "")], 900_144, "invalid_request"),
        (vec![("code", "0.AXunknown")], 9_002_313, "invalid_grant"),
        (vec![("scope", "User.Everything")], 70_011, "invalid_scope"),
        (vec![("audience", "x")], 90_014, "invalid_request"),
    ] {
        let answer = session.redeem(&code, &changes).await;
        let body = answer.json();
        assert_eq!((aadsts(&answer), body["error"].as_str()), (number, Some(error)), "{changes:?}");
        assert_eq!(answer.status, if number / 10 == 700_021 { 401 } else { 400 }, "{changes:?}");
        for member in ["error_description", "timestamp", "trace_id", "correlation_id", "error_uri"] {
            assert!(body[member].is_string(), "{member} {body}");
        }
    }
    assert_eq!(session.redeem(&code, &[]).await.status, 200);
    assert_eq!(aadsts(&session.redeem(&code, &[]).await), 54_005);

    let old = session.code().await;
    session.clock.advance(SignedDuration::from_mins(11));
    assert_eq!(aadsts(&session.redeem(&old, &[]).await), 70_008);
}

#[tokio::test]
async fn authorize_redirects_only_to_registered_addresses() {
    let session = Session::new(&[3]);
    for (name, value, text) in [
        ("client_id", "other", "AADSTS700016"),
        ("redirect_uri", "http://127.0.0.1:8080/api/auth/microsoft/entra/callback/", "AADSTS50011"),
        ("redirect_uri", "", "AADSTS900144"),
    ] {
        let answer = session.authorize("organizations", &with(&session, name, value)).await;
        assert_eq!(answer.status, 400);
        assert!(answer.text.contains(text), "{}", answer.text);
    }
    for (name, value, error) in [
        ("response_type", "token", "unsupported_response_type"),
        ("response_mode", "form_post", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
        ("code_challenge", "", "invalid_request"),
        ("scope", "Mail.Read.Everything", "invalid_scope"),
        ("prompt", "admin_consent", "invalid_request"),
        ("prompt", "none", "login_required"),
        ("tenant_hint", "x", "invalid_request"),
    ] {
        let callback = session.authorize("organizations", &with(&session, name, value)).await.callback();
        assert_eq!(callback["error"], error, "{name}={value}");
        assert_eq!(callback["state"], "state 1");
        assert!(!callback.contains_key("code"));
    }
    let customer = session.tenant(0).to_string();
    let callback = session.authorize(&customer, &session.authorize_parameters()).await.callback();
    assert!(callback["error_description"].starts_with("AADSTS50020"));
}

fn with(session: &Session, name: &str, value: &str) -> Vec<(String, String)> {
    let mut parameters = session.authorize_parameters();
    parameters.retain(|(existing, _)| existing != name);
    parameters.push((name.to_owned(), value.to_owned()));
    parameters
}

#[tokio::test]
async fn sign_ins_end_as_scripted() {
    let session = Session::new(&[3]);
    let parameters = session.authorize_parameters();
    let fail = SignIn::Fail { error: "server_error".to_owned(), description: "later".to_owned() };
    for (script, error) in [(SignIn::Deny, "access_denied"), (fail, "server_error")] {
        session.fake.script_sign_in(script);
        assert_eq!(session.authorize("organizations", &parameters).await.callback()["error"], error);
    }
    session.fake.script_sign_in(SignIn::AsTenant(session.tenant(0)));
    let body = session.redeem(&session.code().await, &[]).await.json();
    let claims = verified(&session, body["id_token"].as_str().unwrap()).await;
    assert_eq!(claims["tid"], session.tenant(0).to_string());

    let permissions = vec!["User.Read.All".to_owned()];
    session.fake.script_sign_in(SignIn::Limited { permissions });
    let body = session.redeem(&session.code().await, &[]).await.json();
    assert_eq!(body["scope"], "openid profile https://graph.microsoft.com/User.Read.All");
    session.fake.script_sign_in(SignIn::Consent);
    let silent = session.authorize("organizations", &with(&session, "prompt", "none")).await;
    assert!(silent.callback().contains_key("code"));
}

#[tokio::test]
async fn one_refresh_token_opens_every_customer_and_outlives_its_successor() {
    let session = Session::new(&[3, 3]);
    let first = session.sign_in().await;
    let second = session.refresh("organizations", &first, &[]).await.json();
    assert_ne!(second["refresh_token"], first.as_str());
    assert!(second.get("id_token").is_none());
    assert!(second["scope"].as_str().unwrap().ends_with("https://graph.microsoft.com/.default"));
    let initial = session.fake.world().tenants()[1].initial_domain().to_owned();
    for authority in [session.tenant(0).to_string(), initial] {
        let answer = session.refresh(&authority, &first, &[]).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let with_identity = session.refresh("common", &first, &[("scope", ALL_SCOPES)]).await.json();
    assert!(with_identity["id_token"].is_string());
}

#[tokio::test]
async fn a_customer_refuses_without_consent_or_relationship() {
    let session = Session::new(&[3, 3]);
    let token = session.sign_in().await;
    let (world, customer) = (session.fake.world(), session.tenant(0));
    let authority = customer.to_string();
    world.withdraw_consent(customer).unwrap();
    let refused = session.refresh(&authority, &token, &[]).await;
    assert_eq!((aadsts(&refused), refused.json()["suberror"].as_str()), (65_001, Some("consent_required")));
    world.set_relationship_status(customer, RelationshipStatus::Expired).unwrap();
    assert_eq!(aadsts(&session.refresh(&authority, &token, &[]).await), 50_020);
    let unknown = session.refresh("2d0a9c5e-1111-4222-8333-444455556666", &token, &[]).await;
    assert_eq!(aadsts(&unknown), 90_002);
    assert_eq!(session.refresh(&session.tenant(1).to_string(), &token, &[]).await.status, 200);
}

#[tokio::test]
async fn refresh_tokens_die_of_age_of_revocation_and_with_their_account() {
    let session = Session::new(&[3]);
    let token = session.sign_in().await;
    session.clock.advance(SignedDuration::from_hours(24 * 89));
    let fresh = session.refresh("organizations", &token, &[]).await.json();
    session.clock.advance(SignedDuration::from_hours(24 * 2));
    assert_eq!(aadsts(&session.refresh("organizations", &token, &[]).await), 700_082);
    let fresh = fresh["refresh_token"].as_str().unwrap();
    assert_eq!(session.refresh("organizations", fresh, &[]).await.status, 200);

    let (world, partner) = (session.fake.world(), session.fake.world().partner().id);
    let technician = world.user(partner, 0).unwrap().id;
    world.edit(partner, technician, |user| user.account_enabled = false).unwrap();
    assert_eq!(aadsts(&session.refresh("organizations", fresh, &[]).await), 50_057);
    world.edit(partner, technician, |user| user.account_enabled = true).unwrap();
    session.fake.revoke_sign_ins();
    assert_eq!(aadsts(&session.refresh("organizations", fresh, &[]).await), 50_173);
    assert_eq!(aadsts(&session.refresh("organizations", "1.AXforged.x", &[]).await), 9_002_313);
}

#[tokio::test]
async fn a_restarted_fake_knows_the_tokens_of_the_one_before() {
    let token = Session::new(&[3]).sign_in().await;
    assert_eq!(Session::new(&[3]).refresh("organizations", &token, &[]).await.status, 200);
}

#[tokio::test]
async fn the_token_endpoint_takes_forms_from_servers_only() {
    let session = Session::new(&[3]);
    let send = |content_type: &'static str, origin: Option<&'static str>| {
        let mut request =
            Request::post("/organizations/oauth2/v2.0/token").header("content-type", content_type);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        session.send(request.body(Body::from("grant_type=refresh_token")).unwrap())
    };
    assert_eq!(aadsts(&send("application/json", None).await), 900_144);
    let browser = send("application/x-www-form-urlencoded", Some("https://app.example")).await;
    assert_eq!(aadsts(&browser), 9_002_326);
}

#[tokio::test]
async fn an_administrators_consent_lets_the_application_in() {
    let session = Session::new(&[3]);
    let customer = session.tenant(0);
    session.fake.world().withdraw_consent(customer).unwrap();
    let application = session.fake.world().config().application.clone();
    let url = format!(
        "/{customer}/v2.0/adminconsent?client_id={}&redirect_uri={}&state=s&scope=https://graph.microsoft.com/.default",
        application.client_id, application.redirect_uris[0]
    );
    session.fake.script_sign_in(SignIn::Deny);
    let denied = session.get(&url, None).await.callback();
    assert_eq!((denied["error"].as_str(), denied["admin_consent"].as_str()), ("access_denied", "True"));
    assert!(!session.fake.world().tenant(customer).unwrap().consented);
    session.fake.script_sign_in(SignIn::Consent);
    let granted = session.get(&url, None).await.callback();
    assert_eq!(json!(granted["tenant"]), json!(customer.to_string()));
    assert!(session.fake.world().tenant(customer).unwrap().consented);
    let without_scope = session.get(url.split("&scope").next().unwrap(), None).await.callback();
    assert_eq!(without_scope["error"], "invalid_request");
}
