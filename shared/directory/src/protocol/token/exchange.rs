//! One token call as a machine without I/O.

use jiff::{SignedDuration, Timestamp};

use super::{
    Authority,
    answer::{TokenAnswerError, TokenGrant},
    classify::{Verdict, classify},
};
use crate::{
    error::{Code, Diagnostics, ReadError},
    protocol::{
        exchange::{Answer, AnswerBody, Input},
        retry::{Decision, Retry, retry_after},
    },
};

/// How a token call ended without a token.
#[derive(Clone, Debug, PartialEq)]
pub enum TokenFailure {
    /// Decided.
    Decided(ReadError),
    /// A refresh at the partner's authority decides; the error to use when that succeeds.
    Undecided(ReadError),
}

/// What to do next.
#[derive(Debug)]
pub enum TokenStep {
    /// No token.
    Fail(TokenFailure),
    /// Tokens.
    Grant(TokenGrant),
    /// Send the request (again).
    Send,
    /// Wait.
    Wait(SignedDuration),
}

/// The machine: attempts at one token request.
#[derive(Debug)]
pub struct TokenExchange {
    authority: Authority,
    retry: Retry,
}

impl TokenExchange {
    /// Nothing was sent yet.
    pub const fn new(authority: Authority, retry: Retry) -> Self {
        Self { authority, retry }
    }

    /// What to do after `input`.
    pub fn step(&mut self, input: Input, now: Timestamp) -> TokenStep {
        match input {
            Input::Begin | Input::Waited => TokenStep::Send,
            Input::Failed(failure) => {
                let diagnostics = Diagnostics { transport: Some(failure), ..Diagnostics::default() };
                self.again(Code::ConnectionFailed, None, diagnostics)
            }
            Input::Answered(answer) => self.answered(&answer, now),
        }
    }

    fn answered(&mut self, answer: &Answer, now: Timestamp) -> TokenStep {
        let is_too_large = matches!(answer.body, AnswerBody::TooLarge);
        if answer.status == 200 && !is_too_large {
            if let Some(grant) = TokenGrant::decode(answer.bytes(), now) {
                return TokenStep::Grant(grant);
            }
            let status = Diagnostics { status: Some(200), ..Diagnostics::default() };
            return self.again(Code::AnswerUnreadable, None, status);
        }
        let (refusal, diagnostics) = TokenAnswerError::decode(answer);
        let error = |code| ReadError::new(code).with_diagnostics(diagnostics.clone());
        match classify(self.authority, answer.status, &refusal) {
            // Sent again it would be as large, and a code is good for once.
            Verdict::Retry(Code::AnswerUnreadable) if is_too_large => {
                TokenStep::Fail(TokenFailure::Decided(error(Code::AnswerTooLarge)))
            }
            Verdict::Fail(code) => TokenStep::Fail(TokenFailure::Decided(error(code))),
            Verdict::ProbePartner(code) => TokenStep::Fail(TokenFailure::Undecided(error(code))),
            Verdict::Retry(code) => self.again(code, retry_after(&answer.headers, now), diagnostics),
        }
    }

    fn again(&mut self, code: Code, told: Option<SignedDuration>, diagnostics: Diagnostics) -> TokenStep {
        match self.retry.failed(told) {
            Decision::Wait(wait) => TokenStep::Wait(wait),
            Decision::GiveUp(wait) => {
                let error = ReadError::new(code).with_retry_after(wait).with_diagnostics(diagnostics);
                TokenStep::Fail(TokenFailure::Decided(error))
            }
        }
    }
}
