//! The one HTTP client, alone and under the AWS SDK.

use std::{
    future::pending,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig, timeout::TimeoutConfig},
    error::SdkError,
};
use axum::{
    Router,
    extract::Request,
    response::{IntoResponse, Redirect},
    routing::{any, get},
};
use runtime::http::{Limits, client, sdk_http_client};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::serve;

const SHORT: Duration = Duration::from_millis(40);

fn sdk(address: SocketAddr, limits: Limits, timeouts: TimeoutConfig) -> Client {
    Client::from_conf(
        Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::from_static("eu-central-1"))
            .credentials_provider(Credentials::new("id", "key", None, None, "test"))
            .endpoint_url(format!("http://{address}"))
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            .http_client(sdk_http_client(client(limits).unwrap()))
            .build(),
    )
}

#[tokio::test]
async fn the_sdks_requests_and_responses_pass_unchanged() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let writer = Arc::clone(&seen);
    let router = Router::new().fallback(any(move |request: Request| async move {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 1024).await.unwrap();
        writer.lock().unwrap().push((parts, body));
        ([("content-type", "application/x-amz-json-1.0")], r#"{"TableNames":["one"]}"#).into_response()
    }));
    let address = serve(router).await;
    let client = sdk(address, Limits::default(), TimeoutConfig::disabled());
    let tables = client.list_tables().limit(7).send().await.unwrap();
    assert_eq!(tables.table_names(), ["one"]);

    let seen = seen.lock().unwrap();
    let (parts, body) = &seen[0];
    assert_eq!((parts.method.as_str(), parts.uri.path()), ("POST", "/"));
    let header = |name: &str| parts.headers[name].to_str().unwrap();
    assert_eq!(header("x-amz-target"), "DynamoDB_20120810.ListTables");
    assert!(header("authorization").starts_with("AWS4-HMAC-SHA256 Credential=id/"));
    assert_eq!(header("accept-encoding"), "identity");
    assert_eq!(body.as_ref(), br#"{"Limit":7}"#);
}

#[tokio::test]
async fn the_sdks_read_timeout_and_the_clients_total_are_timeouts() {
    let address = serve(Router::new().fallback(any(pending::<()>))).await;
    let read = TimeoutConfig::builder().read_timeout(SHORT).build();
    let total = Limits { total: SHORT, ..Limits::default() };
    for client in [sdk(address, Limits::default(), read), sdk(address, total, TimeoutConfig::disabled())] {
        let error = client.list_tables().send().await.unwrap_err();
        let SdkError::DispatchFailure(failure) = &error else { panic!("{error:?}") };
        assert!(failure.is_timeout(), "{failure:?}");
    }
}

#[tokio::test]
async fn a_refused_and_a_broken_connection_are_io_errors() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let broken = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{").await;
    });
    let refused = {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        listener.local_addr().unwrap()
    };
    for address in [broken, refused] {
        let client = sdk(address, Limits::default(), TimeoutConfig::disabled());
        let error = client.list_tables().send().await.unwrap_err();
        let SdkError::DispatchFailure(failure) = &error else { panic!("{error:?}") };
        assert!(failure.is_io(), "{failure:?}");
    }
}

#[tokio::test]
async fn redirects_are_not_followed_and_everybody_is_told_who_asks() {
    let agent = async |request: Request| request.headers()["user-agent"].to_str().unwrap().to_owned();
    let router = Router::new()
        .route("/agent", get(agent))
        .route("/elsewhere", get(|| async { Redirect::temporary("/agent") }));
    let address = serve(router).await;
    let client = client(Limits::default()).unwrap();
    let answer = client.get(format!("http://{address}/elsewhere")).send().await.unwrap();
    assert_eq!(answer.status(), 307);
    let answer = client.get(format!("http://{address}/agent")).send().await.unwrap();
    assert!(answer.text().await.unwrap().starts_with("entra-contact-sync/"));
}
