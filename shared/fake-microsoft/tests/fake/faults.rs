//! Everything that can be made to go wrong.

use std::{sync::Arc, time::Duration};

use ambient::Clock;
use axum::{body::Body, http::Request};
use fake_microsoft::{
    BadRow, Effect, Fake, FakeServer, FaultBody, Match, Route, TokenQuirk, World, WorldConfig,
};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::ServiceExt;

use crate::support::{Session, aadsts, error_code};

const FIRST: &str = "/users?$select=id,displayName,accountEnabled&$top=10";

#[tokio::test]
async fn throttling_hits_the_nth_request_and_then_stops() {
    let session = Session::new(&[30, 30]);
    let (token, other) = (session.customer_token(0).await, session.customer_token(1).await);
    let throttle = Effect::Throttle { retry_after: Some("2.128".to_owned()) };
    let fault =
        session.fake.faults().on(Match::route(Route::Users).tenant(session.tenant(0)).nth(2), throttle, 1);
    assert_eq!(session.graph(FIRST, &token).await.status, 200);
    assert_eq!(session.graph(FIRST, &other).await.status, 200);
    let answer = session.graph(FIRST, &token).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, "2.128"));
    assert_eq!(error_code(&answer), "TooManyRequests");
    assert!(answer.header("x-ms-throttle-scope").starts_with("Tenant_Application/ReadWrite/"));
    assert_eq!(session.graph(FIRST, &token).await.status, 200);
    assert_eq!(session.fake.faults().fired(fault), 1);

    let all = Effect::ThrottleApplication { retry_after: None };
    session.fake.faults().on(Match::any().from(2), all, None);
    assert_eq!(session.graph(FIRST, &token).await.status, 200);
    for _ in 0..2 {
        let answer = session.graph(FIRST, &other).await;
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, ""));
        assert!(answer.header("x-ms-throttle-scope").starts_with("Application/"));
    }
    session.fake.faults().clear();
    assert_eq!(session.graph(FIRST, &token).await.status, 200);
}

#[tokio::test]
async fn statuses_come_with_json_or_plain_text() {
    let session = Session::new(&[30]);
    let token = session.customer_token(0).await;
    let faults = session.fake.faults();
    let body = FaultBody::GraphCode { code: "UnknownError".to_owned(), message: "odd".to_owned() };
    let maintenance = Effect::Status { status: 503, retry_after: Some("7".to_owned()), body };
    for (effect, status, text, header) in [
        (Effect::status(503), 503, "serviceNotAvailable", ""),
        (Effect::status(403), 403, "Authorization_RequestDenied", ""),
        (Effect::plain_text(504, "Gateway Time-out"), 504, "Gateway Time-out", ""),
        (maintenance, 503, "UnknownError", "7"),
        (Effect::ExpiredPage, 400, "Directory_ExpiredPageToken", ""),
    ] {
        faults.on(Match::route(Route::Users), effect, 1);
        let answer = session.graph(FIRST, &token).await;
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (status, header));
        assert!(answer.text.contains(text), "{}", answer.text);
    }
    assert_eq!(session.graph(FIRST, &token).await.status, 200);
}

#[tokio::test]
async fn delays_pass_on_the_clock_and_add_up_with_another_fault() {
    let session = Session::new(&[30]);
    let token = session.customer_token(0).await;
    let before = session.clock.now();
    session.fake.faults().on(Match::route(Route::Users), Effect::Delay(Duration::from_secs(9)), 1);
    session.fake.faults().on(Match::route(Route::Users), Effect::status(500), 1);
    assert_eq!(session.graph(FIRST, &token).await.status, 500);
    assert_eq!(session.clock.now().duration_since(before).as_secs(), 9);
}

#[tokio::test]
async fn listings_can_lie() {
    let session = Session::new(&[30]);
    let token = session.customer_token(0).await;
    let faults = session.fake.faults();
    let second = Match::route(Route::Users).nth(2);
    let sizes = |pages: &[Value]| -> Vec<usize> {
        pages.iter().map(|page| page["value"].as_array().unwrap().len()).collect()
    };

    faults.on(second, Effect::EmptyPageWithNext, 1);
    let pages = session.pages(FIRST, &token).await;
    assert_eq!(sizes(&pages), [10, 0, 10, 10]);
    assert_ne!(pages[0]["@odata.nextLink"], pages[1]["@odata.nextLink"]);

    for (effect, expected) in [
        (Effect::EmptyAnswer, vec![10, 0]),
        (Effect::CutListing, vec![10, 10]),
        (Effect::RepeatedRow, vec![10, 10, 10, 1]),
    ] {
        faults.clear();
        faults.on(second, effect, 1);
        assert_eq!(sizes(&session.pages(FIRST, &token).await), expected);
    }

    faults.clear();
    faults.on(second, Effect::NextLinkLoop, None);
    let link = next_link(&session.graph(FIRST, &token).await.json());
    let page = session.get(&link, Some(&token)).await.json();
    assert_eq!(next_link(&page), link);

    faults.clear();
    faults.on(Match::any(), Effect::ForeignNextLink("graph.attacker.example".to_owned()), 1);
    let link = next_link(&session.graph(FIRST, &token).await.json());
    assert!(link.starts_with("https://graph.attacker.example/v1.0/users?"));
}

fn next_link(page: &Value) -> String {
    page["@odata.nextLink"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn rows_and_tenants_can_be_wrong() {
    let session = Session::new(&[30]);
    let token = session.customer_token(0).await;
    let faults = session.fake.faults();
    faults.on(Match::route(Route::Users), Effect::BadRow(BadRow::WithoutId), 1);
    faults.on(Match::route(Route::Users), Effect::BadRow(BadRow::WrongTypes), 1);
    faults.on(Match::route(Route::Organization), Effect::WrongTenant, 1);
    assert!(session.graph(FIRST, &token).await.json()["value"][0].get("id").is_none());
    assert_eq!(session.graph(FIRST, &token).await.json()["value"][0]["id"], 42);
    let organization = session.graph("/organization", &token).await.json();
    assert_ne!(organization["value"][0]["id"], session.tenant(0).to_string());
}

#[tokio::test]
async fn rows_can_be_of_no_use_in_every_way_that_is_told_apart() {
    let session = Session::new(&[30]);
    let token = session.customer_token(0).await;
    let faults = session.fake.faults();
    for how in [BadRow::IdNotGuid, BadRow::NotAnObject, BadRow::TooLarge, BadRow::UnknownRemoval] {
        faults.on(Match::route(Route::Users), Effect::BadRow(how), 1);
        let rows = session.graph(FIRST, &token).await.json()["value"].clone();
        let (row, others) = (&rows[0], rows.as_array().unwrap().len() - 1);
        let is_spoiled = match how {
            BadRow::IdNotGuid => row["id"] == "id-value",
            BadRow::NotAnObject => row.is_null(),
            BadRow::TooLarge => row.to_string().len() > 2 * 1024 * 1024,
            _ => row["@removed"]["reason"] == "moved",
        };
        assert!(is_spoiled, "{how:?}");
        assert_eq!(others, 9, "{how:?}: the others are there");
    }
}

#[tokio::test]
async fn bodies_can_break_off() {
    let session = Session::new(&[30]);
    let token = session.customer_token(0).await;
    session.fake.faults().on(Match::route(Route::Users), Effect::Malformed, 1);
    let answer = session.graph(FIRST, &token).await;
    assert_eq!(answer.status, 200);
    assert!(serde_json::from_str::<Value>(&answer.text).is_err());

    session.fake.faults().on(Match::route(Route::Users), Effect::DropConnection, 1);
    let request = Request::get(format!("/v1.0{FIRST}")).header("authorization", format!("Bearer {token}"));
    let response = session.fake.router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert!(response.into_body().collect().await.is_err());
}

#[tokio::test]
async fn the_token_endpoint_fails_and_surprises_as_told() {
    let session = Session::new(&[3]);
    let refresh_token = session.sign_in().await;
    let customer = session.tenant(0);
    let faults = session.fake.faults();
    let at_customer = Match::route(Route::Token).tenant(customer);
    let authority = customer.to_string();
    let refresh = || session.refresh(&authority, &refresh_token, &[]);

    faults.on(at_customer, Effect::aadsts(53_003), 1);
    let answer = refresh().await;
    assert_eq!((aadsts(&answer), answer.json()["suberror"].as_str()), (53_003, Some("message_only")));
    assert!(answer.json()["claims"].as_str().unwrap().contains("capolids"));
    faults.on(at_customer, Effect::TokenError { status: 400, body: json!({ "error": "made_up" }) }, 1);
    assert_eq!(refresh().await.json(), json!({ "error": "made_up" }));
    faults.on(at_customer, Effect::Throttle { retry_after: None }, 1);
    let answer = refresh().await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (429, "Too Many Requests"));

    for (quirk, check) in [
        (TokenQuirk::WithoutScope, (|body| body.get("scope").is_none()) as fn(&Value) -> bool),
        (TokenQuirk::WithoutRefreshToken, |body| body.get("refresh_token").is_none()),
        (TokenQuirk::ExpiresInText, |body| body["expires_in"].is_string()),
        (TokenQuirk::Lifetime(5), |body| body["expires_in"] == 5),
    ] {
        faults.on(Match::route(Route::Token), Effect::TokenQuirk(quirk), 1);
        assert!(check(&refresh().await.json()), "{quirk:?}");
    }
}

#[tokio::test]
async fn requests_are_counted_by_route() {
    let session = Session::new(&[3]);
    let token = session.customer_token(0).await;
    assert_eq!(session.fake.requests().of(Route::Token).requests, 2);
    session.fake.reset_requests();
    let bytes = session.graph("/users", &token).await.text.len() as u64;
    let counts = session.fake.requests();
    assert_eq!((counts.total(), counts.of(Route::Users).bytes), (1, bytes));
}

#[tokio::test]
async fn it_serves_on_a_socket_and_drops_connections_there() {
    let world = World::generate(WorldConfig::sample(7, &[3]));
    let fake = Fake::new(world, Arc::new(ambient::SystemClock));
    let server = fake.serve(0).await.unwrap();
    assert_eq!(server.base_url(), format!("http://{}", server.address()));
    let metadata = "GET /organizations/v2.0/.well-known/openid-configuration HTTP/1.1\r\n";
    let answer = exchange(&server, metadata, "").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"));
    assert!(answer.contains(&format!("{}/organizations/oauth2/v2.0/token", server.base_url())));

    fake.faults().on(Match::route(Route::Token), Effect::DropConnection, 1);
    let token = "POST /organizations/oauth2/v2.0/token HTTP/1.1\r\nContent-Length: 3\r\n";
    let dropped = exchange(&server, token, "a=b").await;
    assert!(dropped.contains("transfer-encoding: chunked") && !dropped.ends_with("0\r\n\r\n"), "{dropped}");
    let complete = exchange(&server, token, "a=b").await;
    assert!(complete.ends_with('}'), "{complete}");
}

/// Sends one request and reads until the server closes the connection.
async fn exchange(server: &FakeServer, head: &str, body: &str) -> String {
    let request = format!("{head}Host: {}\r\nConnection: close\r\n\r\n{body}", server.address());
    let mut answer = String::new();
    let mut socket = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}
