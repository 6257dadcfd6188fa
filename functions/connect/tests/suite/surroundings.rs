//! Who may, what is refused before anything begins, and where secrets must not show.

use axum::{
    Extension,
    body::Body,
    http::{Request, StatusCode},
};
use connect::{CALLBACK_PATH, Purpose};
use edge::{Edition, Permission, ServiceEdition};
use secrecy::ExposeSecret;
use tower::ServiceExt;

use crate::bench::{
    Bench, CLIENT_SECRET, CONNECT, DISCONNECT, STATUS, VALIDATE, VALIDATE_CIPP, caller, workspace,
};

#[tokio::test]
async fn reading_and_changing_take_their_permissions() {
    let bench = Bench::new().await;
    for (method, path, needed) in [
        ("GET", STATUS, Permission::Read),
        ("POST", CONNECT, Permission::Update),
        ("POST", VALIDATE, Permission::Update),
        ("POST", VALIDATE_CIPP, Permission::Update),
        ("POST", DISCONNECT, Permission::Update),
    ] {
        for held in [Permission::Read, Permission::Update] {
            let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
            let answer = bench.send(Some(caller(workspace(1), &[held])), request).await;
            assert_eq!(answer.status == StatusCode::FORBIDDEN, held != needed, "{method} {path}");
        }
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        assert_eq!(bench.send(None, request).await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn the_community_edition_has_no_callback() {
    let bench = Bench::new().await;
    for edition in [None, Some(Edition::Community)] {
        let mut router = connect::router(bench.app.clone());
        if let Some(edition) = edition {
            router = router.layer(Extension(ServiceEdition(edition)));
        }
        let request =
            Request::get(format!("{CALLBACK_PATH}?error=access_denied")).body(Body::empty()).unwrap();
        assert_eq!(router.oneshot(request).await.unwrap().status(), StatusCode::NOT_IMPLEMENTED);
    }
}

#[tokio::test]
async fn what_cannot_be_begun_is_refused() {
    let bench = Bench::new().await;
    for (body, code) in [
        ("", "invalid_connection_type"),
        ("{}", "invalid_connection_type"),
        (r#"{"connectionType":"smtp"}"#, "invalid_connection_type"),
        (r#"{"connectionType":"cipp"}"#, "invalid_base_url"),
        (r#"{"connectionType":"cipp","baseUrl":7}"#, "invalid_body"),
        (r#"{"connectionType":7}"#, "invalid_body"),
        (r#"{"connectionType":"direct","changePartner":"yes"}"#, "invalid_body"),
    ] {
        let answer = bench.ask("POST", CONNECT, body).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::BAD_REQUEST, code), "{body}");
    }
    let answer = bench.ask_as(workspace(3), "POST", CONNECT, r#"{"connectionType":"direct"}"#).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::BAD_REQUEST, "missing_credentials"));
    assert_eq!(answer.header("set-cookie"), "");
}

#[tokio::test]
async fn secrets_show_nowhere() {
    let bench = Bench::new().await;
    let mut seen = Vec::new();
    let mut secrets = vec![CLIENT_SECRET.to_owned()];
    let begun = bench.app.begin_login(workspace(1), None, Purpose::default()).await.unwrap();
    seen.push(format!("{begun:?} {:?}", bench.app));
    secrets.push(begun.session.expose_secret().to_owned());

    let browser = bench.begin().await;
    let query = bench.visit(&browser.auth_url).await;
    let parameters: Vec<_> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let code = parameters.iter().find(|(name, _)| *name == "code").unwrap().1;
    let state = parameters.iter().find(|(name, _)| *name == "state").unwrap().1;
    secrets.extend([code.to_owned(), state.to_owned(), browser.cookie.replace("entra_login=", "")]);
    seen.push(format!("{:?}", bench.come_back(&query, &browser.cookie).await));
    for (method, path) in [("GET", STATUS), ("POST", VALIDATE), ("GET", STATUS)] {
        let tokens = bench.tokens().await.unwrap();
        secrets.push(tokens.refresh_token.expose_secret().to_owned());
        secrets.extend(tokens.access_token.map(|token| token.expose_secret().to_owned()));
        seen.push(format!("{:?}", bench.ask(method, path, "").await));
    }
    bench.fake.revoke_sign_ins();
    seen.push(format!("{:?}", bench.ask("POST", VALIDATE, "").await));
    let error = bench.app.validate_direct(workspace(1)).await.unwrap_err();
    seen.push(format!("{error:?} {error}"));
    let dead = bench.tokens().await.unwrap().refresh_token;
    let error = bench.app.connect_with_refresh_token(workspace(1), None, dead, false).await.unwrap_err();
    seen.push(format!("{error:?} {error}"));
    let completion = bench.app.complete_login(&query, None).await;
    seen.push(format!("{completion:?}"));
    seen.push(format!("{:?}", bench.ask("POST", DISCONNECT, "").await));
    let table = bench.table().await;
    assert!(table.contains("entra") || table.contains("CONNECTION"), "the table was read");
    seen.push(table);
    let seen = seen.concat();

    assert!(secrets.len() >= 8 && secrets.iter().all(|secret| secret.len() >= 20));
    for secret in secrets {
        assert!(!seen.contains(&secret), "shown: {}…", &secret[..8]);
    }
}

#[tokio::test]
async fn a_request_that_is_cut_off_changes_nothing() {
    let bench = Bench::new().await;
    let cut = [Ok(r#"{"connectionType":"#), Err(std::io::Error::other("cut off"))];
    let body = Body::from_stream(futures::stream::iter(cut));
    let request = Request::post(CONNECT).body(body).unwrap();
    let answer = bench.send(Some(caller(workspace(1), &Permission::ALL)), request).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "body_unreadable".to_owned()));
}
