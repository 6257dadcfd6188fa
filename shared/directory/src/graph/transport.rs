//! Sending a request and receiving its answer, within limits.

use std::{sync::Arc, time::Duration};

use ambient::{Clock, Entropy};
use reqwest::{
    RequestBuilder,
    header::{ACCEPT, CONTENT_TYPE},
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::usage::Counters;
use crate::{
    cipp::is_not_public,
    error::TransportFailure,
    protocol::{
        Answer, AnswerBody, Input,
        retry::{Retry, RetryPolicy},
    },
};

/// Most bytes of an answer of the token endpoint: tokens of a few kilobytes each. Many calls may be under
/// way at once.
const TOKEN_BYTES_MAX: usize = 1024 * 1024;

/// Most bytes of an answer that is no success: a code and a few identifiers are read of it, and nothing
/// at all of the web pages that gateways send.
const REFUSAL_BYTES_MAX: usize = 256 * 1024;

/// Most bytes of a document that the login service publishes: its keys take some twenty kilobytes.
const PUBLISHED_BYTES_MAX: usize = 256 * 1024;

/// The HTTP client and what every call needs besides.
pub(crate) struct Transport {
    http: reqwest::Client,
    pub(crate) clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    body_bytes_max: usize,
    pub(in crate::graph) usage: Counters,
}

impl Transport {
    pub(crate) fn new(
        http: reqwest::Client,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        body_bytes_max: usize,
    ) -> Self {
        Self { http, clock, entropy, body_bytes_max, usage: Counters::default() }
    }

    /// Attempts under `policy`, with a backoff of their own.
    pub(crate) fn retry(&self, policy: RetryPolicy) -> Retry {
        let mut seed = [0; 8];
        self.entropy.fill(&mut seed);
        Retry::new(policy, u64::from_le_bytes(seed))
    }

    /// A read of Graph, `eventual` or not in its consistency. Background work says so: it is shed
    /// first (learn.microsoft.com/graph/throttling).
    pub(crate) async fn get(&self, url: Url, token: &SecretString, eventual: bool) -> Input {
        self.usage.requested();
        let mut request =
            self.http.get(url).bearer_auth(token.expose_secret()).header("x-ms-throttle-priority", "low");
        if eventual {
            request = request.header("consistencylevel", "eventual");
        }
        self.send(request, self.body_bytes_max).await
    }

    /// A read of another product's API, within `limit`.
    pub(crate) async fn get_plain(&self, url: Url, token: &SecretString, limit: Duration) -> Input {
        self.usage.requested();
        let request = self.http.get(url).bearer_auth(token.expose_secret()).timeout(limit);
        self.send(request, self.body_bytes_max).await
    }

    /// A read of what the login service publishes for everybody.
    pub(crate) async fn get_published(&self, url: Url) -> Input {
        self.usage.requested();
        self.send(self.http.get(url), PUBLISHED_BYTES_MAX).await
    }

    /// A token call.
    pub(crate) async fn post_form(&self, url: Url, form: &SecretString) -> Input {
        self.usage.token_requested();
        let request = self
            .http
            .post(url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.expose_secret().to_owned());
        self.send(request, self.body_bytes_max.min(TOKEN_BYTES_MAX)).await
    }

    async fn send(&self, request: RequestBuilder, bytes_max: usize) -> Input {
        let id = self.entropy.time_ordered_id(self.clock.now()).to_string();
        let request = request.header(ACCEPT, "application/json").header("client-request-id", &id);
        let answer = match request.send().await {
            Ok(response) => receive(response, bytes_max).await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(answer) => {
                self.usage.answered(&answer);
                tracing::debug!(status = answer.status, client_request_id = id, "answered");
                Input::Answered(answer)
            }
            Err(error) => {
                let failure = transport_failure(&error);
                tracing::debug!(?failure, client_request_id = id, "not answered");
                Input::Failed(failure)
            }
        }
    }
}

/// Reads a body up to the limit; what is beyond is not read.
async fn receive(mut response: reqwest::Response, bytes_max: usize) -> Result<Answer, reqwest::Error> {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes_max = if status == 200 { bytes_max } else { bytes_max.min(REFUSAL_BYTES_MAX) };
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > bytes_max {
            return Ok(Answer { status, headers, body: AnswerBody::TooLarge });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, headers, body: AnswerBody::Whole(body) })
}

/// How a request failed. The error itself is dropped: it holds the address.
fn transport_failure(error: &reqwest::Error) -> TransportFailure {
    if is_not_public(error) {
        TransportFailure::Forbidden
    } else if error.is_timeout() {
        TransportFailure::Timeout
    } else if error.is_connect() {
        TransportFailure::Connect
    } else if error.is_body() || error.is_decode() {
        TransportFailure::Body
    } else {
        TransportFailure::Other
    }
}
