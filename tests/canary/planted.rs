//! The canary can sing: a secret that was put somewhere is found there.

use std::fmt::Write as _;

use axum::http::{HeaderMap, HeaderValue};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use fake_microsoft::Kind;
use url::form_urlencoded;

use crate::{
    needles::Needles,
    outlet::{self, Outlet},
    walk::Way,
    world::World,
};

const SECRET: &str = "1.AXgAOb-9s+DkUQ/7cK&tZmZmZmZm0~Gd%_Q";

/// Ways to write a secret down.
fn written(secret: &str) -> Vec<(&'static str, String)> {
    let mut hexadecimal = String::new();
    for byte in secret.bytes() {
        write!(hexadecimal, "{byte:02x}").unwrap();
    }
    vec![
        ("as it is", secret.to_owned()),
        ("within a text", format!("the token {secret} was refused")),
        ("its beginning", secret[..23].to_owned()),
        ("its end", secret[secret.len() - 23..].to_owned()),
        ("in an address", form_urlencoded::byte_serialize(secret.as_bytes()).collect()),
        ("base64", STANDARD.encode(secret)),
        ("base64 of an address", URL_SAFE_NO_PAD.encode(secret)),
        ("base64 one further", STANDARD.encode(format!("x{secret}"))),
        ("base64 two further", STANDARD.encode(format!("xy{secret}z"))),
        ("basic credentials", STANDARD.encode(format!("6f1c2d5e-7a8b:{secret}"))),
        ("in hexadecimal", hexadecimal),
    ]
}

#[test]
fn a_secret_is_found_in_whatever_form_and_wherever_it_begins() {
    let mut needles = Needles::default();
    needles.add("a token", SECRET);
    needles.add("another", "p%25~secret-but-long-enough-to-cut");
    needles.add("a short one", "p%25~short");
    assert!(needles.find(b"the secret is p%25~short, which is all").is_some());
    for (form, text) in written(SECRET).into_iter().chain(written("p%25~secret-but-long-enough-to-cut")) {
        for before in 0..13 {
            let hay = format!("{}{text}{}", "-".repeat(before), "-".repeat(13));
            assert!(needles.find(hay.as_bytes()).is_some(), "{form}, after {before}");
        }
    }
    let harmless = "1.AXgAOb-9s and a text of some length that is no secret, p%25~, secret";
    assert_eq!(needles.find(harmless.as_bytes()), None);
}

#[test]
fn what_the_browser_is_handed_is_excepted_there_and_nowhere_else() {
    let mut needles = Needles::default();
    needles.add("a state", "state-state-state-state-state-state");
    needles.add("a cookie", "cookie-cookie-cookie-cookie-cookie");
    let address = "https://login.example/authorize?state=state-state-state-state-state-state";
    let body = format!("{{\"data\":{{\"authUrl\":\"{address}\"}}}}");
    let mut headers = HeaderMap::new();
    let cookie = HeaderValue::from_static("entra_login=cookie-cookie-cookie-cookie-cookie; Path=/");
    headers.insert("set-cookie", cookie.clone());
    let leaks = |request: &str, headers: &HeaderMap, body: &str| {
        let outlet = Outlet::default();
        outlet.answer(request, 200, headers, body);
        outlet.leaks(&needles).len()
    };
    let begin = "POST /api/integrations/entra/connect";
    assert_eq!(leaks(begin, &headers, &body), 0);
    assert_eq!(leaks("GET /api/integrations/entra", &headers, &body), 2);
    let twice = body.replace("}}", "},\"again\":\"state-state-state-state-state-state\"}");
    assert_eq!(leaks(begin, &headers, &twice), 1);
    headers.insert("x-session", cookie);
    assert_eq!(leaks(begin, &headers, &body), 1);
}

/// One of every kind that the fake has noted, in a log line, in the table and in an answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planted_leak_of_every_kind_is_found_in_the_log_and_in_the_table() {
    let log = outlet::log();
    let mut world = World::new().await;
    world.walk(Way::Direct).await;
    let needles = world.needles();
    assert_eq!(world.outlet.leaks(&needles), Vec::<String>::new());
    let known = world.fake().confidential();
    for kind in Kind::ALL {
        let secret = &known.iter().find(|(of, _)| *of == kind).unwrap().1;
        let before = needles.find(&log.text());
        assert_eq!(before, None, "{kind:?}");
        let planted = Outlet::default();
        planted.add("an answer", format!("{{\"message\":\"refused: {secret}\"}}"));
        assert_eq!(planted.leaks(&needles).len(), 1, "{kind:?}");
    }
    let (_, secret) = known.iter().find(|(kind, _)| *kind == Kind::RefreshToken).unwrap();
    tracing::trace!(secret, "a planted leak");
    assert!(needles.find(&log.text()).is_some(), "in the log");
    let mut connection = world.house.store.connection(world.house.workspace).await.unwrap().unwrap();
    let before = connection.clone();
    connection.cipp_base_url = Some(secret.clone());
    let workspace = world.house.workspace;
    assert!(world.house.store.put_connection(workspace, Some(&before), &connection).await.unwrap());
    world.look_at_what_is_stored().await;
    let leaks = world.outlet.leaks(&needles);
    for place in ["the table", "the file store.sqlite"] {
        assert!(leaks.iter().any(|leak| leak.starts_with(place)), "{place}: {leaks:?}");
    }
}
