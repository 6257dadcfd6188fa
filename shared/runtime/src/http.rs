//! The one HTTP client, and the AWS SDK on top of it.
//!
//! One client means one TLS stack (rustls with ring), one parsed set of root certificates, one
//! pool of connections, and one place for limits.

use std::time::Duration;

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
        SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::{HeaderValue, header::ACCEPT_ENCODING};
use reqwest::redirect;

/// How long things may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// From the first packet to the end of the TLS handshake.
    pub connect: Duration,
    /// From the start of a request to the end of its response. A request may set its own.
    pub total: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), total: Duration::from_secs(30) }
    }
}

/// Makes ring the process' TLS provider. Later calls change nothing.
pub fn install_tls_provider() {
    // An error means that there is one already, and that is ours.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The client for every outgoing request: no redirects (a bearer token must not travel on), no
/// proxy from the environment, gzip understood.
///
/// # Errors
/// When the system's root certificates cannot be read.
pub fn client(limits: Limits) -> reqwest::Result<reqwest::Client> {
    builder(limits).build()
}

/// [`client`] before it is built, for a use that must narrow it further (a pinned address).
pub fn builder(limits: Limits) -> reqwest::ClientBuilder {
    install_tls_provider();
    reqwest::Client::builder()
        .user_agent(concat!("entra-contact-sync/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .gzip(true)
        .connect_timeout(limits.connect)
        .timeout(limits.total)
}

/// Lets the AWS SDK use `client`.
///
/// A read timeout of the SDK is kept: it runs from the request's start to the first byte of the
/// response, the connection included. A connect timeout of the SDK is not, since connections are
/// shared: the client's own stands.
pub fn sdk_http_client(client: reqwest::Client) -> SharedHttpClient {
    SharedHttpClient::new(SdkClient { client })
}

#[derive(Debug)]
struct SdkClient {
    client: reqwest::Client,
}

impl HttpClient for SdkClient {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(SdkConnector {
            client: self.client.clone(),
            read_timeout: settings.read_timeout(),
        })
    }
}

#[derive(Debug)]
struct SdkConnector {
    client: reqwest::Client,
    read_timeout: Option<Duration>,
}

impl HttpConnector for SdkConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (client, read_timeout) = (self.client.clone(), self.read_timeout);
        HttpConnectorFuture::new(async move {
            let sent = client.execute(into_reqwest(request)?);
            let response = match read_timeout {
                None => sent.await,
                Some(limit) => tokio::time::timeout(limit, sent)
                    .await
                    .map_err(|elapsed| ConnectorError::timeout(elapsed.into()))?,
            };
            from_reqwest(response.map_err(failure)?).await
        })
    }
}

fn into_reqwest(request: HttpRequest) -> Result<reqwest::Request, ConnectorError> {
    let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let (parts, body) = request.into_parts();
    // Streaming bodies do not occur: every operation used takes and gives one JSON document.
    let body = body.bytes().map(Bytes::copy_from_slice);
    let body = body.ok_or_else(|| ConnectorError::user("the body of the request is a stream".into()))?;
    let mut request = reqwest::Request::try_from(http::Request::from_parts(parts, body))
        .map_err(|error| ConnectorError::user(error.into()))?;
    // Small documents from next door: compressing them costs more than it saves.
    request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    Ok(request)
}

async fn from_reqwest(response: reqwest::Response) -> Result<HttpResponse, ConnectorError> {
    let mut converted = http::Response::new(SdkBody::empty());
    *converted.status_mut() = response.status();
    *converted.headers_mut() = response.headers().clone();
    *converted.body_mut() = SdkBody::from(response.bytes().await.map_err(failure)?);
    HttpResponse::try_from(converted).map_err(|error| ConnectorError::other(error.into(), None))
}

fn failure(error: reqwest::Error) -> ConnectorError {
    let (timeout, connect) = (error.is_timeout(), error.is_connect());
    let source = error.without_url().into();
    match (timeout, connect) {
        (true, false) => ConnectorError::timeout(source),
        (true, true) => ConnectorError::timeout(source).never_connected(),
        (false, true) => ConnectorError::io(source).never_connected(),
        (false, false) => ConnectorError::io(source),
    }
}
