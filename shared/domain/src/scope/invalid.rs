//! What is wrong with rules, for the operator who saves them.

use std::fmt;

use serde::Serialize;

/// Rules that cannot be compiled: every fault, in the order of the settings.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InvalidScope {
    /// At least one.
    pub faults: Vec<ScopeFault>,
}

/// One rule that cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScopeFault {
    /// What is wrong with it.
    pub code: FaultCode,
    /// Where it stands, such as `excludePatterns[3]`.
    pub field: String,
    /// One sentence for the operator.
    pub message: String,
}

/// What is wrong with a rule.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultCode {
    /// Nothing but blanks.
    Blank,
    /// Not a domain.
    InvalidDomain,
    /// Not a regular expression, or one that needs backtracking.
    InvalidPattern,
    /// Not a text, list or object where one has to be.
    InvalidType,
    /// It would leave everybody out.
    MatchesEverybody,
    /// A regular expression that would take too much memory.
    TooComplex,
    /// Too many characters.
    TooLong,
    /// Too many rules of a kind.
    TooMany,
}

impl fmt::Display for InvalidScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, fault) in self.faults.iter().enumerate() {
            let separator = if place == 0 { "" } else { " " };
            write!(f, "{separator}{}: {}", fault.field, fault.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for InvalidScope {}

/// The faults found so far.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<ScopeFault>);

impl Faults {
    pub(super) fn add(&mut self, code: FaultCode, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(ScopeFault { code, field: field.into(), message: message.into() });
    }

    /// `value`, provided that no fault was found.
    pub(super) fn or<T>(self, value: T) -> Result<T, InvalidScope> {
        if self.0.is_empty() { Ok(value) } else { Err(InvalidScope { faults: self.0 }) }
    }
}
