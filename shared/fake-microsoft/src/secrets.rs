//! What nobody but the two sides may ever see: kept here, so that a test can look for it elsewhere.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use axum::http::HeaderMap;
use serde_json::Value;

use crate::{Fake, parameters::Parameters};

/// What something confidential is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Of Graph or of the CIPP deployment.
    AccessToken,
    /// Of an authorization code.
    Code,
    /// Of an application: its own, or that of the API client.
    ClientSecret,
    /// Of the person who signed in.
    IdToken,
    /// Of the partner's technician.
    RefreshToken,
    /// What binds a callback to a sign-in.
    State,
    /// The secret behind a code challenge (RFC 7636).
    Verifier,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::AccessToken,
        Self::Code,
        Self::ClientSecret,
        Self::IdToken,
        Self::RefreshToken,
        Self::State,
        Self::Verifier,
    ];
}

/// Everything confidential that was sent in either direction.
#[derive(Debug, Default)]
pub(crate) struct Confidential(Mutex<BTreeSet<(Kind, String)>>);

impl Confidential {
    pub(crate) fn note(&self, kind: Kind, text: &str) {
        if !text.is_empty() {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((kind, text.to_owned()));
        }
    }

    /// What a request to the token endpoint holds.
    pub(crate) fn note_request(&self, parameters: &Parameters) {
        for (name, kind) in [
            ("client_secret", Kind::ClientSecret),
            ("code", Kind::Code),
            ("code_verifier", Kind::Verifier),
            ("refresh_token", Kind::RefreshToken),
        ] {
            self.note(kind, parameters.optional(name).unwrap_or_default());
        }
    }

    /// What its answer holds.
    pub(crate) fn note_answer(&self, answer: &Value) {
        for (name, kind) in [
            ("access_token", Kind::AccessToken),
            ("id_token", Kind::IdToken),
            ("refresh_token", Kind::RefreshToken),
        ] {
            self.note(kind, answer[name].as_str().unwrap_or_default());
        }
    }

    /// The bearer of a request.
    pub(crate) fn note_bearer(&self, headers: &HeaderMap) {
        let header = headers.get("authorization").and_then(|value| value.to_str().ok());
        self.note(
            Kind::AccessToken,
            header.and_then(|text| text.strip_prefix("Bearer ")).unwrap_or_default(),
        );
    }

    fn all(&self) -> BTreeSet<(Kind, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Fake {
    /// Everything confidential that was sent in either direction since the start.
    pub fn confidential(&self) -> BTreeSet<(Kind, String)> {
        self.inner.confidential.all()
    }
}
