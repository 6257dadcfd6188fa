//! Which part of an examination is wanted, and how much time there is.

use domain::ids::ManagedTenantId;
use serde::{Deserialize, Serialize};

use super::Finding;

/// A part of an examination. The first part looks at everything but the customers, too.
#[derive(Clone, Debug)]
pub struct Part {
    /// The customer that was looked at last; `None` for the first part.
    pub after: Option<Place>,
    /// Customers that are looked at, at the most.
    pub customers_max: usize,
    /// Whether somebody waits for the answer, who is gone after half a minute.
    pub is_awaited: bool,
}

/// A customer in the order in which they are looked at.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Place {
    pub(super) name: Option<String>,
    pub(super) id: ManagedTenantId,
}

/// What an examination found.
#[derive(Clone, Debug)]
pub struct Examined {
    /// Everything that was looked at.
    pub findings: Vec<Finding>,
    /// How many customers there are, and how many of them were looked at.
    pub customers: CustomersExamined,
    /// Where the next part begins; `None` when nothing is left, and when the first part could look at nobody.
    pub next: Option<Place>,
}

/// How much of the mapped customers a part has looked at.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomersExamined {
    /// All of them.
    pub mapped: usize,
    /// Looked at by this part.
    pub looked_at: usize,
    /// Not looked at yet, by this part or those before.
    pub not_looked_at: usize,
}

impl Part {
    /// Everything, however long it takes.
    pub const fn whole() -> Self {
        Self { after: None, customers_max: usize::MAX, is_awaited: false }
    }

    /// Whether a customer is one that was not looked at before.
    pub(super) fn is_due(&self, place: &Place) -> bool {
        self.after.as_ref().is_none_or(|after| place > after)
    }

    pub(super) const fn is_first(&self) -> bool {
        self.after.is_none()
    }
}

impl Examined {
    /// Whether nothing that was looked at needs somebody. What was not looked at is not said.
    pub fn is_healthy(&self) -> bool {
        !self.findings.iter().any(Finding::needs_somebody)
    }
}
