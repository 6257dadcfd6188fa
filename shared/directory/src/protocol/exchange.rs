//! What goes into the machines of this module and what comes out.

use std::fmt;

use jiff::SignedDuration;
use reqwest::header::HeaderMap;

use crate::error::{ReadError, TransportFailure, identifier};

/// An HTTP answer.
#[derive(Clone)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, decompressed.
    pub body: AnswerBody,
}

/// The body of an answer.
#[derive(Clone)]
pub enum AnswerBody {
    /// More than the reader accepts; the rest was not read.
    TooLarge,
    /// All of it.
    Whole(Vec<u8>),
}

impl Answer {
    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A header when its value is a plain identifier.
    pub(crate) fn identifier_header(&self, name: &str) -> Option<String> {
        self.header(name).and_then(identifier)
    }

    /// The bytes received; none when there were too many.
    pub fn bytes(&self) -> &[u8] {
        match &self.body {
            AnswerBody::TooLarge => &[],
            AnswerBody::Whole(bytes) => bytes,
        }
    }
}

impl fmt::Debug for Answer {
    /// Bodies hold tokens and people: only status and size are shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({}, {} bytes)", self.status, self.bytes().len())
    }
}

/// What happened since the last step.
#[derive(Debug)]
pub enum Input {
    /// The request was answered.
    Answered(Answer),
    /// Nothing yet: begin.
    Begin,
    /// The request got no answer.
    Failed(TransportFailure),
    /// The wait is over.
    Waited,
}

/// What to do next.
#[derive(Debug)]
pub enum Step<R, P> {
    /// It cannot be done.
    Fail(ReadError),
    /// It is done.
    Page(P),
    /// Send this.
    Request(R),
    /// Wait.
    Wait(SignedDuration),
}
