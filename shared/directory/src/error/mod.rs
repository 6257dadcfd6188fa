//! Why a directory could not be read, for three readers: the caller ([`Code`]), the orchestrator
//! ([`ErrorClass`]) and the operator ([`Code::what_happened`], [`Code::remedy`]).

mod code;

use std::fmt;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

pub use code::Code;

/// What to wait when a service asked for patience without saying how long.
const RETRY_AFTER_UNTOLD: SignedDuration = SignedDuration::from_secs(60);

/// Longest identifier kept from an answer.
const IDENTIFIER_CHARACTERS_MAX: usize = 80;

/// What an orchestrator does about an error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ErrorClass {
    /// One customer's tenant refuses: that tenant fails, the others go on.
    AccessLost,
    /// The connection itself is refused: stop and ask the operator to connect again.
    CredentialRejected,
    /// The position is lost, which says nothing about who is there: the listing must begin again
    /// from its first page; where changes were read, all users must be listed.
    ExpiredPage,
    /// A bug, or an answer that must not be trusted: do not retry.
    Fault,
    /// Another tenant than the one asked for answered, or none could be recognised.
    TenantProofFailed,
    /// Come back later.
    Throttled {
        /// How long to wait.
        retry_after: SignedDuration,
    },
    /// Probably works next time: retry with backoff.
    Transient,
}

impl ErrorClass {
    /// The name the state machine branches on.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccessLost => "AccessLost",
            Self::CredentialRejected => "CredentialRejected",
            Self::ExpiredPage => "ExpiredPage",
            Self::Fault => "Fault",
            Self::TenantProofFailed => "TenantProofFailed",
            Self::Throttled { .. } => "Throttled",
            Self::Transient => "Transient",
        }
    }
}

/// A failed read.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadError {
    code: Code,
    retry_after: Option<SignedDuration>,
    diagnostics: Box<Diagnostics>,
}

impl ReadError {
    /// An error without diagnostics.
    pub fn new(code: Code) -> Self {
        Self { code, retry_after: None, diagnostics: Box::default() }
    }

    /// The same error with what is known about the exchange that failed.
    #[must_use]
    pub fn with_diagnostics(mut self, diagnostics: Diagnostics) -> Self {
        *self.diagnostics = diagnostics;
        self
    }

    /// The same error with the wait the service asked for; it shows in the class of a throttled
    /// error and nowhere else.
    #[must_use]
    pub fn with_retry_after(mut self, retry_after: SignedDuration) -> Self {
        self.retry_after = Some(retry_after);
        self
    }

    /// What an orchestrator does about it.
    pub fn class(&self) -> ErrorClass {
        match (self.code.class(), self.retry_after) {
            (ErrorClass::Throttled { .. }, Some(retry_after)) => ErrorClass::Throttled { retry_after },
            (class, _) => class,
        }
    }

    /// The stable code.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// Numbers and identifiers for the log and for Microsoft's support.
    pub const fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reading the directory failed: {}", self.code)?;
        match self.diagnostics.status {
            Some(status) => write!(f, " (status {status})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ReadError {}

impl From<Code> for ReadError {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

/// What is known about a failed exchange: never a token, an address or a description text.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Diagnostics {
    /// HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// OAuth's `error` or Graph's deepest code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// OAuth's `suberror`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suberror: Option<String>,
    /// AADSTS numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aadsts: Vec<u32>,
    /// `trace_id` of the login service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// `correlation_id` of the login service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// `timestamp` of the login service's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// Graph's `request-id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The id this product gave the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_request_id: Option<String>,
    /// First part of `x-ms-throttle-scope`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throttle_scope: Option<String>,
    /// How the connection failed, when there was no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transport: Option<TransportFailure>,
}

/// How an exchange failed below HTTP.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TransportFailure {
    /// The answer broke off.
    Body,
    /// No connection.
    Connect,
    /// The address may not be connected to; nothing was sent.
    Forbidden,
    /// Anything else.
    Other,
    /// No answer in time.
    Timeout,
}

/// `text` when it is an identifier or a date: short, and without anything that could be a
/// sentence or an address.
pub(crate) fn identifier(text: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | ' ');
    let fits = !text.is_empty() && text.len() <= IDENTIFIER_CHARACTERS_MAX && text.chars().all(plain);
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_throttled_error_says_how_long() {
        let told = ReadError::new(Code::Throttled).with_retry_after(SignedDuration::from_secs(7));
        assert_eq!(told.class(), ErrorClass::Throttled { retry_after: SignedDuration::from_secs(7) });
        let untold = ReadError::new(Code::Throttled);
        assert_eq!(untold.class(), ErrorClass::Throttled { retry_after: RETRY_AFTER_UNTOLD });
        let other = ReadError::new(Code::RoleMissing).with_retry_after(SignedDuration::from_secs(7));
        assert_eq!(other.class(), ErrorClass::AccessLost);
    }

    #[test]
    fn sentences_and_addresses_are_no_identifiers() {
        for (text, kept) in [
            ("1c0e5a52-0000-4000-8000-000000000001", true),
            ("2026-03-02 08:11:04Z", true),
            ("invalid_grant", true),
            ("mira@contoso.example", false),
            ("AADSTS50034: The user account {x} does not exist", false),
            ("", false),
        ] {
            assert_eq!(identifier(text).is_some(), kept, "{text}");
        }
    }
}
