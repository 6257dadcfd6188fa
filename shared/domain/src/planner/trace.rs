//! What was tried for one person, for an operator who asks why.

use serde::{Deserialize, Serialize};

/// One rule that was tried for a person, and what came of it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// What was looked at.
    pub tried: Tried,
    /// What was found, as a sentence.
    pub found: String,
    /// Whether this decided.
    pub decided: bool,
}

/// The rules in the order in which they are tried.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tried {
    /// Is the identity linked to a contact?
    IdentityLink,
    /// Is sign-in blocked?
    AccountEnabled,
    /// Is the person among those who are synced?
    Scope,
    /// Has the directory, or a rule, changed since the last read?
    Changed,
    /// Has an operator answered a question about the person?
    OperatorDecision,
    /// Has the PSA the person's object id on a contact?
    StoredObjectId,
    /// Who owns the person's first address?
    PrimaryAddress,
    /// Who owns the sign-in name?
    SignInAddress,
    /// Who owns the aliases?
    AliasAddresses,
    /// Which fields may be written?
    Fields,
}

/// Collects steps; costs nothing unless somebody asks.
#[derive(Debug, Default)]
pub(super) struct Trace(Option<Vec<Step>>);

impl Trace {
    pub(super) fn on() -> Self {
        Self(Some(Vec::new()))
    }

    pub(super) fn note(&mut self, tried: Tried, decided: bool, found: impl FnOnce() -> String) {
        if let Some(steps) = &mut self.0 {
            steps.push(Step { tried, found: found(), decided });
        }
    }

    pub(super) fn into_steps(self) -> Vec<Step> {
        self.0.unwrap_or_default()
    }
}
