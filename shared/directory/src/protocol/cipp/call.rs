//! One call of a CIPP function as a machine without I/O: what its status means, and whether to try
//! again. Behind the API stand Azure Functions with their sign-in, so that web pages, redirects and
//! cold starts of tens of seconds are part of the protocol.

use crate::{
    error::{Code, Diagnostics, ReadError, TransportFailure},
    protocol::{
        exchange::{Answer, AnswerBody, Input, Step},
        retry::{Decision, Retry, retry_after},
    },
};
use jiff::{SignedDuration, Timestamp};

/// Whom a refusal concerns.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// The connection.
    Connection,
    /// One customer; `resumed` when a link of Graph is passed on that may have run out.
    Customer {
        /// A listing goes on.
        resumed: bool,
    },
}

/// Send the request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Send {
    /// The token last used was refused: get another one.
    pub renew_token: bool,
}

/// A body that may hold data, and what it cost.
#[derive(Clone, PartialEq)]
pub struct Received {
    /// The body: JSON as far as its first byte tells.
    pub body: Vec<u8>,
    /// Bytes received, all attempts together.
    pub bytes: u64,
    /// Requests made.
    pub requests: u32,
}

impl std::fmt::Debug for Received {
    /// Bodies hold people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Received({} bytes, {} requests)", self.bytes, self.requests)
    }
}

/// The machine.
#[derive(Debug)]
pub struct CippCall {
    place: Place,
    retry: Retry,
    renewed: bool,
    bytes: u64,
    requests: u32,
}

enum Judgement {
    Accept,
    Again(Code, Option<SignedDuration>),
    Fail(Code),
    Unauthorized,
}

impl CippCall {
    /// Nothing was sent yet.
    pub const fn new(place: Place, retry: Retry) -> Self {
        Self { place, retry, renewed: false, bytes: 0, requests: 0 }
    }

    /// What to do after `input`.
    pub fn step(&mut self, input: Input, now: Timestamp) -> Step<Send, Received> {
        match input {
            Input::Begin | Input::Waited => self.send(false),
            Input::Failed(failure) => {
                let diagnostics = Diagnostics { transport: Some(failure), ..Diagnostics::default() };
                match failure {
                    TransportFailure::Forbidden => {
                        Step::Fail(ReadError::new(Code::CippAddressRefused).with_diagnostics(diagnostics))
                    }
                    _ => self.again(Code::CippUnavailable, None, diagnostics),
                }
            }
            Input::Answered(answer) => self.answered(answer, now),
        }
    }

    fn send(&mut self, renew_token: bool) -> Step<Send, Received> {
        self.requests += 1;
        Step::Request(Send { renew_token })
    }

    fn answered(&mut self, answer: Answer, now: Timestamp) -> Step<Send, Received> {
        self.bytes += answer.bytes().len() as u64;
        // Nothing of the body: whoever typed the address must not read through it what stands there.
        let diagnostics = Diagnostics { status: Some(answer.status), ..Diagnostics::default() };
        match judge(&answer, self.place, now) {
            Judgement::Accept => {
                let AnswerBody::Whole(body) = answer.body else {
                    return Step::Fail(ReadError::new(Code::AnswerTooLarge).with_diagnostics(diagnostics));
                };
                Step::Page(Received { body, bytes: self.bytes, requests: self.requests })
            }
            Judgement::Again(code, told) => self.again(code, told, diagnostics),
            Judgement::Fail(code) => Step::Fail(ReadError::new(code).with_diagnostics(diagnostics)),
            Judgement::Unauthorized if !self.renewed => {
                self.renewed = true;
                self.send(true)
            }
            Judgement::Unauthorized => {
                Step::Fail(ReadError::new(Code::CippTokenRefused).with_diagnostics(diagnostics))
            }
        }
    }

    fn again(
        &mut self,
        code: Code,
        told: Option<SignedDuration>,
        diagnostics: Diagnostics,
    ) -> Step<Send, Received> {
        match self.retry.failed(told) {
            Decision::Wait(wait) => Step::Wait(wait),
            Decision::GiveUp(wait) => {
                Step::Fail(ReadError::new(code).with_retry_after(wait).with_diagnostics(diagnostics))
            }
        }
    }
}

fn judge(answer: &Answer, place: Place, now: Timestamp) -> Judgement {
    match answer.status {
        200 if matches!(answer.body, AnswerBody::TooLarge) => Judgement::Fail(Code::AnswerTooLarge),
        200 => accept(answer),
        300..=399 | 404 | 405 => Judgement::Fail(Code::CippWrongAddress),
        400 => Judgement::Fail(match place {
            Place::Connection => Code::CippTenantsNotListed,
            Place::Customer { resumed: false } => Code::CippReadFailed,
            // CIPP does not pass on why Graph refused. A link runs out, and reading anew tells.
            Place::Customer { resumed: true } => Code::PageExpired,
        }),
        401 => Judgement::Unauthorized,
        403 => Judgement::Fail(match place {
            Place::Connection => Code::CippForbidden,
            Place::Customer { .. } => Code::CippTenantForbidden,
        }),
        429 => Judgement::Again(Code::CippBusy, retry_after(&answer.headers, now)),
        408 | 500..=599 => Judgement::Again(Code::CippUnavailable, retry_after(&answer.headers, now)),
        _ => Judgement::Fail(Code::AnswerUnexpected),
    }
}

/// Web pages come with status 200, too: the one of a sign-in, or CIPP's own at the wrong host.
fn accept(answer: &Answer) -> Judgement {
    let first = answer.bytes().iter().copied().find(|byte| !byte.is_ascii_whitespace());
    let is_page =
        answer.header("content-type").is_some_and(|kind| kind.trim_start().starts_with("text/html"));
    match first {
        None if is_page => Judgement::Fail(Code::CippWrongAddress),
        None => Judgement::Again(Code::CippAnswerIncomplete, None),
        Some(b'<') => Judgement::Fail(Code::CippWrongAddress),
        Some(_) if is_page => Judgement::Fail(Code::CippWrongAddress),
        Some(_) => Judgement::Accept,
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

    use super::*;
    use crate::protocol::retry::RetryPolicy;

    fn answer(status: u16, kind: &'static str, body: &str) -> Input {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        Input::Answered(Answer { status, headers, body: AnswerBody::Whole(body.as_bytes().to_vec()) })
    }

    fn call(place: Place, attempts_max: u32) -> CippCall {
        let policy = RetryPolicy { attempts_max, wait_max: SignedDuration::from_secs(20) };
        CippCall::new(place, Retry::new(policy, 1))
    }

    /// How a call ends whose every attempt is answered so.
    fn outcome(place: Place, status: u16, kind: &'static str, body: &str) -> Result<(), Code> {
        let mut call = call(place, 2);
        let mut input = Input::Begin;
        for _ in 0..10 {
            match call.step(input, Timestamp::UNIX_EPOCH) {
                Step::Request(_) => input = answer(status, kind, body),
                Step::Wait(_) => input = Input::Waited,
                Step::Page(_) => return Ok(()),
                Step::Fail(error) => return Err(error.code()),
            }
        }
        panic!("it goes on and on");
    }

    #[test]
    fn what_statuses_mean() {
        const JSON: &str = "application/json; charset=utf-8";
        const PAGE: &str = "text/html; charset=utf-8";
        const TEXT: &str = "text/plain; charset=utf-8";
        let customer = Place::Customer { resumed: false };
        for (status, kind, body, connection, of_customer) in [
            (200, JSON, "[]", Ok(()), Ok(())),
            (200, TEXT, " [1]", Ok(()), Ok(())),
            (200, TEXT, "\"Graph Error\"", Ok(()), Ok(())),
            (200, PAGE, "<!DOCTYPE html>", Err(Code::CippWrongAddress), Err(Code::CippWrongAddress)),
            (200, JSON, "\r\n <html>", Err(Code::CippWrongAddress), Err(Code::CippWrongAddress)),
            (200, PAGE, "{}", Err(Code::CippWrongAddress), Err(Code::CippWrongAddress)),
            (200, PAGE, "", Err(Code::CippWrongAddress), Err(Code::CippWrongAddress)),
            (200, JSON, "", Err(Code::CippAnswerIncomplete), Err(Code::CippAnswerIncomplete)),
            (204, JSON, "", Err(Code::AnswerUnexpected), Err(Code::AnswerUnexpected)),
            (302, PAGE, "", Err(Code::CippWrongAddress), Err(Code::CippWrongAddress)),
            (307, PAGE, "", Err(Code::CippWrongAddress), Err(Code::CippWrongAddress)),
            (400, TEXT, "Graph Error: x", Err(Code::CippTenantsNotListed), Err(Code::CippReadFailed)),
            (401, PAGE, "", Err(Code::CippTokenRefused), Err(Code::CippTokenRefused)),
            (403, TEXT, "no", Err(Code::CippForbidden), Err(Code::CippTenantForbidden)),
            (404, TEXT, "Endpoint not found", Err(Code::CippWrongAddress), Err(Code::CippWrongAddress)),
            (404, PAGE, "<html>", Err(Code::CippWrongAddress), Err(Code::CippWrongAddress)),
            (429, TEXT, "", Err(Code::CippBusy), Err(Code::CippBusy)),
            (500, TEXT, "\"null\"", Err(Code::CippUnavailable), Err(Code::CippUnavailable)),
            (502, PAGE, "<html>", Err(Code::CippUnavailable), Err(Code::CippUnavailable)),
            (503, PAGE, "<html>", Err(Code::CippUnavailable), Err(Code::CippUnavailable)),
            (504, PAGE, "<html>", Err(Code::CippUnavailable), Err(Code::CippUnavailable)),
        ] {
            assert_eq!(outcome(Place::Connection, status, kind, body), connection, "{status} {body}");
            assert_eq!(outcome(customer, status, kind, body), of_customer, "{status} {body}");
        }
        assert_eq!(outcome(Place::Customer { resumed: true }, 400, TEXT, "x"), Err(Code::PageExpired));
    }

    #[test]
    fn a_refused_token_is_renewed_once() {
        let mut call = call(Place::Connection, 2);
        let mut renewals = Vec::new();
        let mut input = Input::Begin;
        while let Step::Request(Send { renew_token }) = call.step(input, Timestamp::UNIX_EPOCH) {
            renewals.push(renew_token);
            input = answer(401, "text/html", "");
        }
        assert_eq!(renewals, [false, true]);
    }

    #[test]
    fn nothing_of_a_body_is_kept() {
        let mut call = call(Place::Connection, 1);
        let step = call.step(answer(400, "text/plain", "root:x:0:0 CANARY"), Timestamp::UNIX_EPOCH);
        assert!(!format!("{step:?}").contains("CANARY"));
        let step = call.step(answer(200, "text/plain", "CANARY"), Timestamp::UNIX_EPOCH);
        assert!(!format!("{step:?}").contains("CANARY"));
    }

    #[test]
    fn an_address_that_is_not_public_is_not_tried_again() {
        let step = call(Place::Connection, 5)
            .step(Input::Failed(TransportFailure::Forbidden), Timestamp::UNIX_EPOCH);
        let Step::Fail(error) = step else { panic!("{step:?}") };
        assert_eq!(error.code(), Code::CippAddressRefused);
    }
}
