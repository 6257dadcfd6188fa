//! Fetching a document that the login service publishes, as a machine without I/O.

use jiff::{SignedDuration, Timestamp};

use super::{
    exchange::{Answer, AnswerBody, Input},
    retry::{Decision, Retry, retry_after},
};
use crate::error::{Code, Diagnostics, ReadError};

/// What to do next.
#[derive(Debug)]
pub enum FetchStep {
    /// The document.
    Document(Vec<u8>),
    /// No document.
    Fail(ReadError),
    /// Send the request (again).
    Send,
    /// Wait.
    Wait(SignedDuration),
}

/// The machine: attempts at one document.
#[derive(Debug)]
pub struct Fetch(Retry);

impl Fetch {
    /// Nothing was sent yet.
    pub const fn new(retry: Retry) -> Self {
        Self(retry)
    }

    /// What to do after `input`.
    pub fn step(&mut self, input: Input, now: Timestamp) -> FetchStep {
        match input {
            Input::Begin | Input::Waited => FetchStep::Send,
            Input::Failed(failure) => {
                let diagnostics = Diagnostics { transport: Some(failure), ..Diagnostics::default() };
                self.again(Code::ConnectionFailed, None, diagnostics)
            }
            Input::Answered(answer) => self.answered(answer, now),
        }
    }

    fn answered(&mut self, answer: Answer, now: Timestamp) -> FetchStep {
        let diagnostics = Diagnostics { status: Some(answer.status), ..Diagnostics::default() };
        let fail = |code| FetchStep::Fail(ReadError::new(code).with_diagnostics(diagnostics.clone()));
        match (answer.status, answer.body) {
            (200, AnswerBody::Whole(document)) => FetchStep::Document(document),
            (200, AnswerBody::TooLarge) => fail(Code::AnswerTooLarge),
            (408 | 429 | 500..=599, _) => {
                let told = retry_after(&answer.headers, now);
                self.again(Code::LoginUnavailable, told, diagnostics)
            }
            _ => fail(Code::AnswerUnreadable),
        }
    }

    fn again(&mut self, code: Code, told: Option<SignedDuration>, diagnostics: Diagnostics) -> FetchStep {
        match self.0.failed(told) {
            Decision::Wait(wait) => FetchStep::Wait(wait),
            Decision::GiveUp(wait) => {
                FetchStep::Fail(ReadError::new(code).with_retry_after(wait).with_diagnostics(diagnostics))
            }
        }
    }
}
