//! What an examination finds.

use directory::{Code, ErrorClass, ReadError};
use serde::Serialize;
use url::Url;

/// What was looked at, in the order in which it is looked at.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Whether the table can be read and written.
    Store,
    /// Whether the secrets can be read.
    Secrets,
    /// Whether this machine has the right time.
    Clock,
    /// Whether there is a connection, and it can list the partner's customers.
    Connection,
    /// Whether the app may do what is needed, and no more.
    Permissions,
    /// What ends by itself.
    Expiry,
    /// Whether a customer whose people are synced can be read, and answers for itself.
    Customer,
    /// Whether the groups that decide who is synced can be read at a customer.
    Groups,
    /// What Microsoft says of its limits.
    Quota,
}

/// How a check went.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// In order.
    Fine,
    /// Works now, and somebody should do something about it.
    Warning,
    /// Does not work.
    Problem,
    /// Could not be found out.
    Unknown,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What was looked at.
    pub check: Check,
    /// The customer, where it is one's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The customers, where it is the same for several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<String>,
    /// How it went.
    pub verdict: Verdict,
    /// Stable code; `None` when all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// What was found, and what it means for contacts.
    pub what: String,
    /// What to do; `None` when there is nothing to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
}

impl Finding {
    pub(super) fn fine(check: Check, what: impl Into<String>) -> Self {
        Self {
            check,
            tenant: None,
            tenants: Vec::new(),
            verdict: Verdict::Fine,
            code: None,
            what: what.into(),
            step: None,
        }
    }

    pub(super) fn warning(
        check: Check,
        code: &'static str,
        what: impl Into<String>,
        step: impl Into<String>,
    ) -> Self {
        let step = Some(step.into());
        Self { verdict: Verdict::Warning, code: Some(code), step, ..Self::fine(check, what) }
    }

    pub(super) fn problem(
        check: Check,
        code: &'static str,
        what: impl Into<String>,
        step: impl Into<String>,
    ) -> Self {
        Self { verdict: Verdict::Problem, ..Self::warning(check, code, what, step) }
    }

    /// What a failed read says. One that is repeated by itself says nothing about what was looked at.
    pub(super) fn unread(check: Check, error: &ReadError) -> Self {
        let code = error.code();
        let found = Self::problem(check, code.name(), code.what_happened(), code.remedy());
        match error.class() {
            ErrorClass::Throttled { .. } | ErrorClass::Transient => {
                let step = match code {
                    Code::CredentialsUnavailable => code.remedy(),
                    _ => "Repeat the examination in a few minutes.",
                };
                Self { verdict: Verdict::Unknown, step: Some(step.to_owned()), ..found }
            }
            _ => found,
        }
    }

    /// The same with the page for the customer's administrator, where the customer has not consented.
    pub(super) fn with_consent_at(self, url: Option<&Url>) -> Self {
        let (Some(url), Some(code)) = (url, self.code) else { return self };
        if code != Code::ConsentMissing.name() {
            return self;
        }
        let step = self.step.as_deref().unwrap_or_default();
        Self { step: Some(format!("{step} An administrator there opens {url}")), ..self }
    }

    pub(super) fn at(self, tenant: &str) -> Self {
        Self { tenant: Some(tenant.to_owned()), ..self }
    }

    /// Whether somebody has to do something.
    pub const fn needs_somebody(&self) -> bool {
        matches!(self.verdict, Verdict::Problem | Verdict::Unknown)
    }
}
