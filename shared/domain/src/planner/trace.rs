//! What was tried for one person, for an operator who asks why.

use serde::{Deserialize, Serialize};

/// One rule that was tried for a person, and what came of it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// What was looked at.
    pub tried: Tried,
    /// What was found, in a sentence or two.
    pub found: String,
    /// Whether this decided.
    pub decided: bool,
}

/// The questions in the order in which they are asked.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tried {
    /// Is the person in the directory?
    Directory,
    /// Is the identity linked to a contact?
    IdentityLink,
    /// Is sign-in allowed?
    AccountEnabled,
    /// Is the person among those who are synced?
    Scope,
    /// Has the directory, or a rule, changed since the last sync?
    Changed,
    /// Has the PSA the person's object id on a contact?
    StoredObjectId,
    /// Who has the person's first address?
    PrimaryAddress,
    /// Who has the sign-in name?
    SignInAddress,
    /// Who has the aliases?
    AliasAddresses,
    /// May the contact be written?
    Contact,
    /// Which fields are written?
    Fields,
    /// Is there anything that only a human can say, and has one said it?
    OperatorDecision,
    /// Has nobody any of the addresses?
    NoMatch,
}

impl Tried {
    /// The question, for people.
    pub fn question(self) -> &'static str {
        match self {
            Self::Directory => "Is the person in the directory?",
            Self::IdentityLink => "Is the account linked to a contact?",
            Self::AccountEnabled => "Is sign-in allowed?",
            Self::Scope => "Is the person among those who are synced?",
            Self::Changed => "Has anything changed since the last sync?",
            Self::StoredObjectId => "Does a contact in the PSA carry this account's object id?",
            Self::PrimaryAddress => "Who has the e-mail address?",
            Self::SignInAddress => "Who has the sign-in name?",
            Self::AliasAddresses => "Who has the other addresses?",
            Self::Contact => "May the contact be written?",
            Self::Fields => "Which fields are written?",
            Self::OperatorDecision => "Is it clear who the person is?",
            Self::NoMatch => "Is there any contact for the person?",
        }
    }
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

    /// The answer that decides after all: what the steps before it would have led to does not happen.
    pub(super) fn overrule(&mut self, tried: Tried, found: impl FnOnce() -> String) {
        if let Some(steps) = &mut self.0 {
            steps.retain(|step| !matches!(step.tried, Tried::Fields | Tried::NoMatch));
            for step in steps {
                step.decided = false;
            }
        }
        self.note(tried, true, found);
    }

    /// Says that the last answer to this question decided.
    pub(super) fn decide(&mut self, tried: Tried) {
        let steps = self.0.iter_mut().flatten();
        if let Some(step) = steps.rev().find(|step| step.tried == tried) {
            step.decided = true;
        }
    }

    pub(super) fn into_steps(self) -> Vec<Step> {
        self.0.unwrap_or_default()
    }
}
