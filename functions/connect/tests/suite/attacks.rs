//! Callbacks that must not lead to a connection: by whom ever, with what ever, nothing is stored.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use connect::CALLBACK_PATH;
use fake_microsoft::{Effect, Match, Route, SignIn, TokenQuirk};
use jiff::SignedDuration;
use url::Url;

use crate::bench::{Bench, Browser, CLIENT_SECRET, workspace};

/// `url` with one parameter changed.
fn with(url: &Url, name: &str, value: &str) -> Url {
    let mut changed = url.clone();
    let pairs = url.query_pairs().map(|(key, old)| {
        let new = if key == name { value.to_owned() } else { old.into_owned() };
        (key.into_owned(), new)
    });
    changed.query_pairs_mut().clear().extend_pairs(pairs);
    changed
}

fn parameter(query: &str, name: &str) -> String {
    let query: Url = format!("http://x/?{query}").parse().unwrap();
    let found = query.query_pairs().find(|(key, _)| key == name);
    found.unwrap().1.into_owned()
}

/// What the browser brings back, and its cookie.
async fn attempt(bench: &Bench, attack: &str) -> (String, String) {
    let begun = bench.begin().await;
    let Browser { auth_url, cookie } = begun.clone();
    let sign_in = |sign_in| bench.fake.script_sign_in(sign_in);
    let fault = |route, effect| bench.fake.faults().on(Match::route(route), effect, None);
    match attack {
        "another browser" => return (bench.visit(&auth_url).await, bench.begin().await.cookie),
        "no cookie" => return (bench.visit(&auth_url).await, "other=1".to_owned()),
        "two cookies" => return (bench.visit(&auth_url).await, format!("{cookie}; entra_login=x")),
        "replay" => {
            let query = bench.visit(&auth_url).await;
            bench.come_back(&query, "entra_login=x").await;
            return (query, cookie);
        }
        "state of another workspace" => {
            // The attacker's own sign-in, forced upon somebody who has begun one as well.
            let theirs = bench.begin_as(workspace(2), r#"{"connectionType":"direct"}"#).await;
            return (bench.visit(&theirs.auth_url).await, cookie);
        }
        "workspace changed in the state" => {
            let query = bench.visit(&auth_url).await;
            let state = parameter(&query, "state");
            let (_, rest) = state.split_once('.').unwrap();
            let swapped = format!("{}.{rest}", workspace(2));
            return (query.replace(&state, &swapped), cookie);
        }
        "purpose changed in the state" => {
            let query = bench.visit(&auth_url).await;
            let state = parameter(&query, "state");
            return (query.replace(&state, &format!("{state}.change-partner")), cookie);
        }
        "code of another sign-in" => {
            let stolen = bench.begin_as(workspace(2), r#"{"connectionType":"direct"}"#).await;
            let code = parameter(&bench.visit(&stolen.auth_url).await, "code");
            let query = bench.visit(&auth_url).await;
            return (query.replace(&parameter(&query, "code"), &code), cookie);
        }
        "too late" => bench.clock.advance(SignedDuration::from_millis(600_001)),
        "no state" => return (format!("code={}", parameter(&bench.visit(&auth_url).await, "code")), cookie),
        "garbage state" => return ("code=c&state=%00%FF..".to_owned(), cookie),
        "state twice" => {
            let query = bench.visit(&auth_url).await;
            let state = parameter(&query, "state");
            return (format!("{query}&state={state}"), cookie);
        }
        "code and error" => return (format!("{}&error=access_denied", bench.visit(&auth_url).await), cookie),
        "wrong nonce" => return (bench.visit(&with(&auth_url, "nonce", "another")).await, cookie),
        "declined" => sign_in(SignIn::Deny),
        "undocumented error" => sign_in(SignIn::Fail {
            error: "<script>alert(1)</script>".to_owned(),
            description: "<img src=x> CANARY mira@contoso.example".to_owned(),
        }),
        "less consent than asked" => {
            sign_in(SignIn::Limited { permissions: vec!["DelegatedAdminRelationship.Read.All".to_owned()] });
        }
        "wrong secret" => bench.set_app(workspace(1), &bench.client_id(), "wrong").await,
        "secret gone" => bench.set_app(workspace(1), "", "").await,
        "code rejected" => _ = fault(Route::Token, Effect::aadsts(54_005)),
        "no consent at the token endpoint" => _ = fault(Route::Token, Effect::aadsts(65_001)),
        "no refresh token" => _ = fault(Route::Token, Effect::TokenQuirk(TokenQuirk::WithoutRefreshToken)),
        "token endpoint down" => _ = fault(Route::Token, Effect::status(503)),
        "graph refuses the token" => _ = fault(Route::Relationships, Effect::status(401)),
        "graph lacks consent" => _ = fault(Route::Relationships, Effect::status(403)),
        "graph down" => _ = fault(Route::Relationships, Effect::status(503)),
        "graph speaks nonsense" => _ = fault(Route::Relationships, Effect::Malformed),
        other => panic!("{other}"),
    }
    (bench.visit(&auth_url).await, cookie)
}

const TABLE: [(&str, &str); 27] = [
    ("another browser", "session_mismatch"),
    ("no cookie", "session_mismatch"),
    ("two cookies", "session_mismatch"),
    ("replay", "invalid_state"),
    ("state of another workspace", "session_mismatch"),
    ("workspace changed in the state", "invalid_state"),
    ("purpose changed in the state", "invalid_state"),
    ("code of another sign-in", "token_exchange_failed"),
    ("too late", "expired_state"),
    ("no state", "missing_params"),
    ("garbage state", "invalid_state"),
    ("state twice", "invalid_request"),
    ("code and error", "invalid_request"),
    ("wrong nonce", "invalid_id_token"),
    ("declined", "access_denied"),
    ("undocumented error", "provider_error"),
    ("less consent than asked", "consent_missing"),
    ("wrong secret", "token_exchange_failed"),
    ("secret gone", "missing_credentials"),
    ("code rejected", "token_exchange_failed"),
    ("no consent at the token endpoint", "consent_missing"),
    ("no refresh token", "token_exchange_failed"),
    ("token endpoint down", "token_exchange_failed"),
    ("graph refuses the token", "auth_rejected"),
    ("graph lacks consent", "consent_missing"),
    ("graph down", "validation_failed"),
    ("graph speaks nonsense", "validation_failed"),
];

/// Nothing was wrong with it when it began.
#[tokio::test]
async fn a_sign_in_of_a_workspace_that_was_switched_off_meanwhile_connects_nothing() {
    let bench = Bench::new().await;
    let browser = bench.begin().await;
    let query = bench.visit(&browser.auth_url).await;
    let bench = bench.switched_off();
    let landing = bench.come_back(&query, &browser.cookie).await.landing();
    assert_eq!(
        (landing["entra_status"].as_str(), landing["error"].as_str()),
        ("failure", "integration_disabled")
    );
    assert_eq!(bench.connection().await, None);
    assert!(bench.tokens().await.is_none());
    assert_eq!(bench.ask("GET", "/api/integrations/entra", "").await.code(), "integration_disabled");
}

#[tokio::test]
async fn attacks_and_accidents_change_nothing() {
    for connected in [false, true] {
        for (attack, expected) in TABLE {
            let bench = Bench::new().await;
            if connected {
                bench.connect().await;
            }
            let before = bench.kept().await;
            let (query, cookie) = attempt(&bench, attack).await;
            let answer = bench.come_back(&query, &cookie).await;
            assert_eq!(answer.failure(), expected, "{attack}");
            assert_eq!(bench.kept().await, before, "{attack}");
            assert!(bench.app.store.connection(workspace(2)).await.unwrap().is_none(), "{attack}");
            let shown = format!("{answer:?}");
            for text in ["script", "CANARY", "mira", CLIENT_SECRET] {
                assert!(!shown.contains(text), "{attack} shows {text}");
            }
            // Whatever it was, the state is used up, except when it was not said which.
            if !matches!(attack, "garbage state" | "code and error" | "state twice" | "no state") {
                bench.fake.faults().clear();
                assert!(
                    matches!(
                        bench.come_back(&query, &cookie).await.failure().as_str(),
                        "invalid_state" | "access_denied" | "provider_error"
                    ),
                    "{attack}"
                );
            }
        }
    }
}

#[tokio::test]
async fn of_two_callbacks_with_one_state_one_wins() {
    let bench = Bench::new().await;
    let browser = bench.begin().await;
    let query = bench.visit(&browser.auth_url).await;
    let (one, other) =
        tokio::join!(bench.come_back(&query, &browser.cookie), bench.come_back(&query, &browser.cookie));
    let landings = [one.landing(), other.landing()];
    let won = landings.iter().filter(|landing| landing["entra_status"] == "success").count();
    let lost =
        landings.iter().filter(|landing| landing.get("error").is_some_and(|code| code == "invalid_state"));
    assert_eq!((won, lost.count()), (1, 1));
    assert!(bench.connection().await.is_some() && bench.tokens().await.is_some());
}

#[tokio::test]
async fn a_look_ahead_does_not_use_the_sign_in_up() {
    let bench = Bench::new().await;
    let browser = bench.begin().await;
    let query = bench.visit(&browser.auth_url).await;
    let request = Request::head(format!("{CALLBACK_PATH}?{query}")).body(Body::empty()).unwrap();
    assert_eq!(bench.send(None, request).await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(bench.come_back(&query, &browser.cookie).await.landing()["entra_status"], "success");
}
