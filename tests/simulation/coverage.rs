//! What has happened, and how often.

use std::{collections::BTreeMap, fmt};

use crate::{
    kinds::{ContactEdit, DirectoryEdit, Jump, Meanwhile, Mishap, Operation, Scope, Seen, Stored, Trouble},
    step::What,
};

/// How often each kind of step and fault has taken effect.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Coverage {
    counts: BTreeMap<&'static str, u64>,
}

impl Coverage {
    pub(crate) fn note(&mut self, name: &'static str) {
        *self.counts.entry(name).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (name, count) in &other.counts {
            *self.counts.entry(name).or_default() += count;
        }
    }

    /// What has never happened.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        expected().filter(|name| !self.counts.contains_key(name)).collect()
    }
}

/// Every kind of step and fault there is, and what has to be seen in plans.
fn expected() -> impl Iterator<Item = &'static str> {
    let edits = DirectoryEdit::ALL.iter().map(|kind| kind.name());
    let edits = edits.chain(ContactEdit::ALL.iter().map(|kind| kind.name()));
    let steps = edits.chain(Operation::ALL.iter().map(|kind| kind.name()));
    let steps = steps.chain(Jump::ALL.iter().map(|kind| kind.name()));
    let steps = steps.chain(Scope::ALL.iter().map(|kind| kind.name())).chain([
        What::PREVIEW,
        What::SETTLE,
        What::TWIN,
    ]);
    let steps = steps.chain(Stored::ALL.iter().map(|kind| kind.name()));
    let steps = steps.chain(Seen::ALL.iter().map(|kind| kind.name()));
    let faults = Trouble::ALL.iter().map(|kind| kind.name());
    let faults = faults.chain(Mishap::ALL.iter().map(|kind| kind.name()));
    steps.chain(faults).chain(Meanwhile::ALL.iter().map(|kind| kind.name()))
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<&str> = expected().chain(self.counts.keys().copied()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            writeln!(f, "{:>9}  {name}", self.counts.get(name).copied().unwrap_or_default())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_happened_is_missing() {
        let mut coverage = Coverage::default();
        for name in expected().filter(|name| *name != Trouble::Slow.name()) {
            coverage.note(name);
        }
        assert_eq!(coverage.missing(), [Trouble::Slow.name()]);
        assert!(coverage.to_string().contains(&format!("        0  {}\n", Trouble::Slow.name())));
    }
}
