//! The CIPP deployment, with its pitfalls.

use fake_microsoft::{CIPP_CLIENT_ID, CIPP_CLIENT_SECRET, CippFault, Effect, Match, Route};
use jiff::SignedDuration;
use serde_json::Value;
use url::form_urlencoded;

use crate::support::{Answer, Session, aadsts};

impl Session {
    fn cipp_token(&self) -> String {
        self.fake.cipp_token(SignedDuration::from_mins(50))
    }

    async fn cipp(&self, function: &str, pairs: &[(&str, &str)]) -> Answer {
        let query: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        self.get(&format!("/api/{function}?{query}"), Some(&self.cipp_token())).await
    }
}

fn ids(rows: &Value) -> Vec<String> {
    let rows = rows.as_array().unwrap_or_else(|| panic!("{rows}"));
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn only_a_token_of_the_api_client_opens_it() {
    let session = Session::new(&[3]);
    let graph = session.partner_token().await;
    let short = session.fake.cipp_token(SignedDuration::from_secs(1));
    session.clock.advance(SignedDuration::from_secs(1));
    for token in [None, Some("opaque"), Some(graph.as_str()), Some(short.as_str())] {
        let answer = session.get("/api/ListTenants", token).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (401, ""), "{token:?}");
    }
    assert_eq!(session.graph("/users", &session.cipp_token()).await.status, 401, "and it opens no Graph");
    assert_eq!(session.cipp("me", &[]).await.json()["clientPrincipal"]["appId"], CIPP_CLIENT_ID);
}

#[tokio::test]
async fn the_login_host_makes_tokens_for_the_api_client() {
    let session = Session::new(&[3]);
    let partner = session.fake.world().partner().id.to_string();
    let scope = format!("api://{CIPP_CLIENT_ID}/.default");
    let ask = async |authority: &str, client: &str, secret: &str, scope: &str| {
        let pairs = [
            ("client_id", client),
            ("client_secret", secret),
            ("grant_type", "client_credentials"),
            ("scope", scope),
        ];
        session.post_token(authority, &pairs).await
    };
    let granted = ask(&partner, CIPP_CLIENT_ID, CIPP_CLIENT_SECRET, &scope).await;
    let token = granted.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(
        (granted.json()["expires_in"].as_i64(), granted.json()["refresh_token"].is_null()),
        (Some(3_599), true)
    );
    assert_eq!(session.get("/api/ListTenants", Some(&token)).await.status, 200);
    let customer = session.tenant(0).to_string();
    for (authority, client, secret, scope, number) in [
        (partner.as_str(), CIPP_CLIENT_ID, "wrong", scope.as_str(), 7_000_215),
        (&partner, "other", CIPP_CLIENT_SECRET, &scope, 700_016),
        (&customer, CIPP_CLIENT_ID, CIPP_CLIENT_SECRET, &scope, 700_016),
        (&partner, CIPP_CLIENT_ID, CIPP_CLIENT_SECRET, "https://graph.microsoft.com/.default", 70_011),
    ] {
        assert_eq!(aadsts(&ask(authority, client, secret, scope).await), number, "{client} {scope}");
    }
}

#[tokio::test]
async fn a_filter_that_is_not_understood_reads_the_partner() {
    let session = Session::new(&[4, 2]);
    let world = session.fake.world();
    let (tenant, partner) = (session.tenant(0), world.partner().id);
    let of = |tenant| {
        let mut ids: Vec<String> = world.users(tenant).iter().map(|user| user.id.to_string()).collect();
        ids.sort();
        ids
    };
    let id = tenant.to_string();
    let domain = world.tenant(tenant).unwrap().default_domain().to_owned();
    for (name, value, read) in [
        ("tenantFilter", id.as_str(), tenant),
        ("TenantFilter", &id, tenant),
        ("TENANTFILTER", &domain, tenant),
        ("tenantId", &id, partner),
        ("tenant", &id, partner),
        ("tenantFilters", &id, partner),
        ("tenantFilter", "", partner),
    ] {
        for (function, more) in [("ListUsers", ("x", "y")), ("ListGraphRequest", ("Endpoint", "users"))] {
            let body = session.cipp(function, &[(name, value), more]).await.json();
            let mut found = ids(body.get("Results").unwrap_or(&body));
            found.sort();
            assert_eq!(found, of(read), "{function} {name}={value}");
        }
    }
    let answer = session.cipp("ListUsers", &[("tenantFilter", "nobody.example")]).await;
    assert_eq!(answer.status, 500);
}

#[tokio::test]
async fn pages_are_graphs_and_go_on_with_graphs_links() {
    let session = Session::new(&[7]);
    let id = session.tenant(0).to_string();
    let asked = [
        ("tenantFilter", id.as_str()),
        ("Endpoint", "users"),
        ("$top", "3"),
        ("$select", "id,mail"),
        ("manualPagination", "true"),
    ];
    let mut all = Vec::new();
    let mut link: Option<String> = None;
    for _ in 0..3 {
        let mut pairs = asked.to_vec();
        pairs.extend(link.as_deref().map(|link| ("nextLink", link)));
        let page = session.cipp("ListGraphRequest", &pairs).await.json();
        assert_eq!(page["Metadata"]["TenantFilter"], id);
        assert!(
            page["Results"]
                .as_array()
                .unwrap()
                .iter()
                .all(|row| row["Tenant"] == id && row["CippStatus"] == "Good")
        );
        all.extend(ids(&page["Results"]));
        link = page["Metadata"]["nextLink"].as_str().map(str::to_owned);
    }
    assert_eq!((all.len(), link), (7, None));
    let whole = session.cipp("ListGraphRequest", &asked[..4]).await.json();
    assert_eq!(ids(&whole["Results"]), all, "without manual paging it follows by itself");
    let mut foreign = asked.to_vec();
    foreign.push(("nextLink", "https://evil.example/v1.0/users?$top=3"));
    let answer = session.cipp("ListGraphRequest", &foreign).await;
    assert!(answer.status == 400 && answer.text.starts_with("Graph Error: "), "{}", answer.text);
}

#[tokio::test]
async fn failures_come_as_texts_rows_and_pages() {
    let session = Session::new(&[2]);
    let id = session.tenant(0).to_string();
    let asked = [("tenantFilter", id.as_str()), ("Endpoint", "users")];
    let answer = session
        .cipp("ListGraphRequest", &[("tenantFilter", &id), ("Endpoint", "managedTenants/users")])
        .await;
    assert!(
        answer.status == 400 && answer.text.contains("Endpoint: managedTenants/users"),
        "{}",
        answer.text
    );
    let all = session
        .cipp("ListGraphRequest", &[("tenantFilter", "AllTenants"), ("Endpoint", "users")])
        .await
        .json();
    assert_eq!(
        (&all["Metadata"]["Queued"], all["Results"].as_array().unwrap().len()),
        (&Value::Bool(true), 0)
    );
    assert_eq!(session.cipp("ListMailboxes", &asked).await.status, 404);
    for (fault, status, text) in [
        (CippFault::FailureRow, 200, "Failed to retrieve tenants"),
        (CippFault::FailureText, 200, "Could not connect"),
        (CippFault::Nothing, 200, "null"),
        (CippFault::Page, 200, "<!DOCTYPE html>"),
        (CippFault::Queued, 200, "Queued"),
        (CippFault::SignIn, 302, ""),
    ] {
        session.fake.faults().on(Match::route(Route::CippGraphRequest), Effect::Cipp(fault.clone()), 1);
        let answer = session.cipp("ListGraphRequest", &asked).await;
        assert!(answer.status == status && answer.text.contains(text), "{fault:?}: {}", answer.text);
    }
}
