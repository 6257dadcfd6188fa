//! Why a callback did not lead to a connection: one code for each check.

use std::borrow::Cow;

use edge::ApiError;

use super::query::Refusal;
use crate::{ConnectError, error::START_AGAIN};

/// Why a callback did not lead to a connection.
#[derive(Debug, thiserror::Error)]
pub enum CallbackError {
    /// The sign-in did not become a connection.
    #[error("the sign-in did not become a connection")]
    Connect(#[from] ConnectError),
    /// It took longer than ten minutes.
    #[error("the sign-in took too long")]
    ExpiredState,
    /// Whether the integration is switched on cannot be found out.
    #[error("the feature flags could not be read")]
    FlagsUnread(#[source] ApiError),
    /// Parameters occur twice, or a code and an error together.
    #[error("the callback's parameters contradict each other")]
    InvalidRequest,
    /// No sign-in waits under this state: it was used before, changed, or never given out.
    #[error("no sign-in waits for this callback")]
    InvalidState,
    /// Neither an error nor both of code and state.
    #[error("the callback lacks its code or its state")]
    MissingParams,
    /// Microsoft sent an error in place of a code.
    #[error("microsoft did not give a code ({})", .0.code)]
    Provider(Refusal),
    /// The browser that came back has no sign-in under way, or more than one cookie says so.
    #[error("the callback came without a browser session")]
    SessionExpired,
    /// Another browser came back than the one that began.
    #[error("the callback came from another browser session")]
    SessionMismatch,
    /// The integration was switched off for the workspace after the sign-in had begun.
    #[error("the integration was switched off meanwhile")]
    SwitchedOff,
}

impl CallbackError {
    /// Stable code, for the redirect's `error`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Connect(error) => error.code(),
            Self::ExpiredState => "expired_state",
            Self::FlagsUnread(_) => "store_unavailable",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidState => "invalid_state",
            Self::MissingParams => "missing_params",
            Self::Provider(refusal) => refusal.code,
            Self::SessionExpired => "session_expired",
            Self::SessionMismatch => "session_mismatch",
            Self::SwitchedOff => "integration_disabled",
        }
    }

    /// What happened and what it means for contacts: our own words only.
    pub fn what_happened(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Connect(error) => return error.what_happened(),
            Self::ExpiredState => {
                "The sign-in took longer than ten minutes. Nothing was connected; contacts stay as they \
                 are."
            }
            Self::FlagsUnread(_) => {
                "The database did not answer. Nothing was connected; contacts stay as they are."
            }
            Self::InvalidRequest => {
                "The answer of the sign-in contradicts itself. Nothing was connected; contacts stay as \
                 they are."
            }
            Self::InvalidState => {
                "This sign-in is not known: it was used before or changed on the way. Nothing was \
                 connected now; contacts stay as they are."
            }
            Self::MissingParams => {
                "The answer of the sign-in is incomplete. Nothing was connected; contacts stay as they are."
            }
            Self::Provider(refusal) => refusal.error.code().what_happened(),
            Self::SessionExpired => {
                "This browser has no sign-in under way: it was begun in another one, or too long ago. \
                 Nothing was connected; contacts stay as they are."
            }
            Self::SessionMismatch => {
                "The sign-in was begun in another browser session. Nothing was connected; contacts stay \
                 as they are."
            }
            Self::SwitchedOff => {
                "Contact sync was disabled for this workspace after the sign-in had begun. Nothing was \
                 connected; contacts stay as they are."
            }
        })
    }

    /// What to do next.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Connect(error) => error.remedy(),
            Self::Provider(refusal) => refusal.error.code().remedy(),
            Self::SessionExpired | Self::SessionMismatch => {
                "Begin and end the sign-in in the same browser; if you did not begin one, close this page."
            }
            Self::SwitchedOff => {
                "Ask whoever administers the platform's feature flags to switch it on, then sign in again."
            }
            Self::ExpiredState
            | Self::FlagsUnread(_)
            | Self::InvalidRequest
            | Self::InvalidState
            | Self::MissingParams => START_AGAIN,
        }
    }
}
