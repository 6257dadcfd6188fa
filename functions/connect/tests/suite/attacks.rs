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
pub(crate) fn with(url: &Url, name: &str, value: &str) -> Url {
    let mut changed = url.clone();
    let pairs = url.query_pairs().map(|(key, old)| {
        let new = if key == name { value.to_owned() } else { old.into_owned() };
        (key.into_owned(), new)
    });
    changed.query_pairs_mut().clear().extend_pairs(pairs);
    changed
}

/// What a query says under a name.
pub(crate) fn parameter(query: &str, name: &str) -> String {
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
        "cookie of the sign-in begun after it" => {
            // Somebody had the browser begin another one meanwhile.
            let later = bench.begin().await;
            return (bench.visit(&auth_url).await, later.cookie);
        }
        "session of another workspace" => {
            let theirs = bench.begin_as(workspace(2), r#"{"connectionType":"direct"}"#).await;
            return (bench.visit(&auth_url).await, theirs.cookie);
        }
        "empty session" => return (bench.visit(&auth_url).await, "entra_login=".to_owned()),
        "oversize session" => {
            return (bench.visit(&auth_url).await, format!("entra_login={}", "x".repeat(64 * 1024)));
        }
        "too late" => bench.clock.advance(SignedDuration::from_millis(600_001)),
        "no state" => return (format!("code={}", parameter(&bench.visit(&auth_url).await, "code")), cookie),
        "garbage state" => return ("code=c&state=%00%FF..".to_owned(), cookie),
        "state twice" => {
            let query = bench.visit(&auth_url).await;
            let state = parameter(&query, "state");
            return (format!("{query}&state={state}"), cookie);
        }
        "code twice" => {
            let query = bench.visit(&auth_url).await;
            let code = parameter(&query, "code");
            return (format!("{query}&code={code}"), cookie);
        }
        "error twice" => {
            let query = bench.visit(&auth_url).await;
            let state = parameter(&query, "state");
            return (format!("error=access_denied&error=server_error&state={state}"), cookie);
        }
        "a parameter nobody knows, twice" => {
            return (format!("{}&x=1&x=2", bench.visit(&auth_url).await), cookie);
        }
        "no code" => {
            let state = parameter(&bench.visit(&auth_url).await, "state");
            return (format!("state={state}"), cookie);
        }
        "empty code" => {
            let state = parameter(&bench.visit(&auth_url).await, "state");
            return (format!("code=&state={state}"), cookie);
        }
        "empty state" => {
            let code = parameter(&bench.visit(&auth_url).await, "code");
            return (format!("code={code}&state="), cookie);
        }
        "nothing" => return (String::new(), cookie),
        "names in capitals" => {
            let query = bench.visit(&auth_url).await;
            return (query.replace("code=", "CODE=").replace("state=", "STATE="), cookie);
        }
        "semicolons" => return (bench.visit(&auth_url).await.replace('&', ";"), cookie),
        "oversize query" => {
            return (format!("{}&x={}", bench.visit(&auth_url).await, "x".repeat(8 * 1024)), cookie);
        }
        "oversize state" => return (format!("code=c&state={}", "x".repeat(8_000)), cookie),
        "oversize code" => {
            let state = parameter(&bench.visit(&auth_url).await, "state");
            return (format!("code={}&state={state}", "x".repeat(8_000)), cookie);
        }
        "workspace in capitals" => {
            let state = parameter(&bench.visit(&auth_url).await, "state");
            let (workspace, random) = state.split_once('.').unwrap();
            let written = format!("%7B{}%7D.{random}", workspace.to_uppercase());
            return (format!("code=c&state={written}"), cookie);
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

const TABLE: [(&str, &str); 44] = [
    ("another browser", "session_mismatch"),
    ("no cookie", "session_expired"),
    ("two cookies", "session_expired"),
    ("replay", "invalid_state"),
    ("state of another workspace", "session_mismatch"),
    ("workspace changed in the state", "invalid_state"),
    ("purpose changed in the state", "invalid_state"),
    ("cookie of the sign-in begun after it", "session_mismatch"),
    ("session of another workspace", "session_mismatch"),
    ("empty session", "session_expired"),
    ("oversize session", "session_mismatch"),
    ("code twice", "invalid_request"),
    ("error twice", "invalid_request"),
    ("a parameter nobody knows, twice", "invalid_request"),
    ("no code", "missing_params"),
    ("empty code", "missing_params"),
    ("empty state", "missing_params"),
    ("nothing", "missing_params"),
    ("names in capitals", "missing_params"),
    ("semicolons", "missing_params"),
    ("oversize query", "invalid_request"),
    ("oversize state", "invalid_state"),
    ("oversize code", "token_exchange_failed"),
    ("workspace in capitals", "invalid_state"),
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
            let before = bench.everything().await.without_sign_ins();
            let (query, cookie) = attempt(&bench, attack).await;
            let begun = bench.everything().await;
            let answer = bench.come_back(&query, &cookie).await;
            assert_eq!(answer.failure(), expected, "{attack}");
            let shown = format!("{answer:?}");
            for text in ["script", "CANARY", "mira", CLIENT_SECRET] {
                assert!(!shown.contains(text), "{attack} shows {text}");
            }
            let ended = bench.everything().await;
            let used_up = ended.assert_unchanged_since(&begun, attack);
            // Whatever it was, the state is used up, except when it was not said which, or used before.
            let says_which =
                !matches!(expected, "invalid_request" | "missing_params") && expected != "invalid_state";
            assert_eq!(used_up, usize::from(says_which), "{attack}");
            if says_which {
                bench.fake.faults().clear();
                let code = bench.come_back(&query, &cookie).await.failure();
                assert!(
                    matches!(code.as_str(), "invalid_state" | "access_denied" | "provider_error"),
                    "{attack}: {code}"
                );
                assert_eq!(bench.everything().await, ended, "{attack}");
            }
            // The app registration is what two of them change before they come back.
            if !attack.starts_with("wrong secret") && !attack.starts_with("secret gone") {
                let ended = bench.everything().await.without_sign_ins();
                ended.assert_unchanged_since(&before, attack);
            }
        }
    }
}

/// It is kept under the hash of all of it.
#[tokio::test]
async fn a_state_that_was_changed_in_any_character_leads_nowhere_and_spoils_nothing() {
    let bench = Bench::new().await;
    let browser = bench.begin().await;
    let query = bench.visit(&browser.auth_url).await;
    let (code, state) = (parameter(&query, "code"), parameter(&query, "state"));
    let begun = bench.everything().await;
    let come = async |state: &str| {
        let query: String = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("code", code.as_str()), ("state", state)])
            .finish();
        bench.come_back(&query, &browser.cookie).await.failure()
    };
    for at in 0..state.len() {
        let (before, rest) = state.split_at(at);
        let (letter, after) = rest.split_at(1);
        let other = if letter == "7" { "8" } else { "7" };
        let opposite: String = letter
            .chars()
            .map(|c| if c.is_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
            .collect();
        for changed in [
            format!("{before}{other}{after}"),
            format!("{before}{after}"),
            format!("{before}{letter}{letter}{after}"),
            format!("{before}{opposite}{after}"),
            before.to_owned(),
            format!("{before}\0{rest}"),
        ] {
            if changed != state && !changed.is_empty() {
                assert_eq!(come(&changed).await, "invalid_state", "{changed}");
            }
        }
    }
    for changed in [format!("{state} "), format!(" {state}"), format!("{state}."), format!("{{{state}")] {
        assert_eq!(come(&changed).await, "invalid_state", "{changed}");
    }
    assert_eq!(bench.everything().await, begun, "not a byte has changed");
    assert_eq!(bench.come_back(&query, &browser.cookie).await.landing()["entra_status"], "success");
}

/// Only a navigation ends a sign-in: no form, and nothing that only looks.
#[tokio::test]
async fn a_callback_by_another_method_is_no_callback() {
    let bench = Bench::new().await;
    let browser = bench.begin().await;
    let query = bench.visit(&browser.auth_url).await;
    let begun = bench.everything().await;
    for method in ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        for (uri, body) in
            [(format!("{CALLBACK_PATH}?{query}"), String::new()), (CALLBACK_PATH.to_owned(), query.clone())]
        {
            let request = Request::builder().method(method).uri(uri).header("cookie", &browser.cookie);
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            let answer = bench.send(None, request.body(Body::from(body)).unwrap()).await;
            // A browser that asks beforehand is told what is allowed, and nothing else happens.
            let allowed =
                if method == "OPTIONS" { StatusCode::NO_CONTENT } else { StatusCode::METHOD_NOT_ALLOWED };
            assert_eq!(answer.status, allowed, "{method}");
        }
    }
    assert_eq!(bench.everything().await, begun, "not a byte has changed");
    assert_eq!(bench.come_back(&query, &browser.cookie).await.landing()["entra_status"], "success");
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
