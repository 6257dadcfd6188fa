//! Which directory users become contacts.
//!
//! An operator's rules are data ([`ScopeRules`]); they are compiled once ([`ScopeRules::compile`])
//! into a [`Scope`], which decides about one person at a time. The first rule that hits decides,
//! always in this order, so that everybody who was read is either taken or has exactly one reason:
//!
//! 1. guest, 2. invitation not accepted, 3. service account, 4. no address, 5. pattern,
//! 6. domain, 7. attribute, 8. group, 9. licence.
//!
//! Within domains, attributes and groups, exclusions come first: they win over inclusions.

mod attributes;
mod compile;
mod decide;
mod domains;
mod exclusion;
mod groups;
mod invalid;
mod patterns;
mod psa;
mod rules;
mod service_account;
#[cfg(test)]
mod tests;

pub use compile::Scope;
pub use exclusion::{Excluded, Exclusion};
pub use groups::GroupMembership;
pub use invalid::{FaultCode, InvalidScope, ScopeFault};
pub use rules::{Attribute, AttributeOperator, AttributeRule, Effect, ScopeOverrides, ScopeRules};
