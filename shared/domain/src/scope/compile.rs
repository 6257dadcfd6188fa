//! Rules in the form they decide in.

use std::{collections::BTreeSet, fmt};

use serde::{Serialize, Serializer};

use super::{
    attributes::Attributes,
    domains::Domains,
    invalid::{FaultCode, Faults, InvalidScope},
    patterns::Patterns,
    rules::ScopeRules,
};
use crate::ids::GroupId;

/// Most rules in one list.
const RULES_MAX: usize = 100;

/// Most characters of a rule that a message repeats.
const QUOTED_MAX: usize = 64;

/// An operator's choice of people, ready to decide. Two are equal when their rules are; it is
/// serialised as its rules.
#[derive(Clone)]
pub struct Scope {
    pub(super) rules: ScopeRules,
    pub(super) patterns: Patterns,
    pub(super) domains: Domains,
    pub(super) attributes: Attributes,
    groups: BTreeSet<GroupId>,
}

impl ScopeRules {
    /// The rules ready to decide, or every one of them that cannot be used. Always the same for
    /// the same rules: what was saved once can be compiled later.
    pub fn compile(&self) -> Result<Scope, InvalidScope> {
        let mut faults = Faults::default();
        self.check_lengths(&mut faults);
        let domains = Domains::compile(self, &mut faults);
        let attributes = Attributes::compile(&self.attributes, &mut faults);
        let patterns = Patterns::compile(&self.exclude_patterns, &mut faults);
        let groups = self.include_groups.iter().chain(&self.exclude_groups).copied().collect();
        faults.or(Scope { rules: self.clone(), patterns, domains, attributes, groups })
    }

    fn check_lengths(&self, faults: &mut Faults) {
        for (list, length) in [
            ("includeDomains", self.include_domains.len()),
            ("excludeDomains", self.exclude_domains.len()),
            ("includeGroups", self.include_groups.len()),
            ("excludeGroups", self.exclude_groups.len()),
            ("attributes", self.attributes.len()),
            ("excludePatterns", self.exclude_patterns.len()),
        ] {
            if length > RULES_MAX {
                let message = format!("The list has {length} rules; at most {RULES_MAX} are possible.");
                faults.add(FaultCode::TooMany, list, message);
            }
        }
    }
}

impl Scope {
    /// The rules it was made of.
    pub fn rules(&self) -> &ScopeRules {
        &self.rules
    }

    /// The groups whose members have to be read before anybody is decided about.
    pub fn groups(&self) -> &BTreeSet<GroupId> {
        &self.groups
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scope").field(&self.rules).finish()
    }
}

impl PartialEq for Scope {
    fn eq(&self, other: &Self) -> bool {
        self.rules == other.rules
    }
}

impl Eq for Scope {}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.rules.serialize(serializer)
    }
}

/// What an operator wrote, cut short, for a message.
pub(super) fn quoted(text: &str) -> String {
    if text.chars().count() > QUOTED_MAX {
        let start: String = text.chars().take(QUOTED_MAX).collect();
        return format!("`{start}…`");
    }
    format!("`{text}`")
}
