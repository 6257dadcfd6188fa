//! Whether what a line of a stored plan was decided on still holds when the line is carried out. A change of the
//! contact shows at the contact itself; what is here is everything else: what later syncs have seen, and what
//! operators have decided since.

use std::collections::BTreeSet;

use crate::{
    ids::EntraObjectId,
    inventory::ReviewState,
    plan::{Action, Line},
    planner::KnownPerson,
};

/// The code of a line about somebody whom a later sync has looked at, and said its last word about.
pub const READ_SINCE: &str = "read_since";

/// The code of a line that an operator does not want.
pub const REJECTED: &str = "rejected";

/// What the syncs since the plan have left open.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Since {
    /// Whether one has read the tenant at all.
    pub read: bool,
    /// About whom it has not said its last word: they are leaving, or wait for an operator.
    pub open: BTreeSet<EntraObjectId>,
}

impl Since {
    /// Whether the plan's word about somebody is still the last one.
    pub fn leaves_open(&self, object: EntraObjectId) -> bool {
        !self.read || self.open.contains(&object)
    }

    /// Whether anything can speak against such a line; of the others nothing has to be looked up.
    pub fn asks_about(action: &Action) -> bool {
        matches!(
            action,
            Action::Create { .. }
                | Action::Link { .. }
                | Action::MarkInactive { .. }
                | Action::NoteMissing { .. }
                | Action::Reactivate { .. }
                | Action::Refresh { .. }
                | Action::Update { .. }
        )
    }

    /// Why the line must not be carried out, as a code; `now` = what is known of its person. What was carried out
    /// already looks as the line has left it, and is let through.
    pub fn forbids(&self, line: &Line, now: &KnownPerson) -> Option<&'static str> {
        let contact = line.action.contact();
        let link = now.link.as_ref();
        match &line.action {
            Action::Create { .. } | Action::Link { .. } => {
                if link.is_some_and(|link| Some(link.contact) == contact && link.active) {
                    return None;
                }
                let leaves = line.answer.as_ref().and_then(|answer| answer.leaves);
                if link.is_some_and(|link| link.active && Some(link.contact) != leaves) {
                    return Some("linked_elsewhere");
                }
                self.forbids_tying(line, now)
            }
            Action::Reactivate { .. } => self.forbids_tying(line, now),
            Action::MarkInactive { .. } => match link {
                _ if !self.leaves_open(line.object) => Some(READ_SINCE),
                Some(link) if link.keep => Some(REJECTED),
                _ => None,
            },
            Action::NoteMissing { .. } | Action::Refresh { .. } | Action::Update { .. } => {
                (!self.leaves_open(line.object)).then_some(READ_SINCE)
            }
            Action::Exclude { .. }
            | Action::Fail { .. }
            | Action::Hold { .. }
            | Action::Leave { .. }
            | Action::Restore { .. }
            | Action::Review { .. }
            | Action::Settle { .. }
            | Action::Stage { .. }
            | Action::Unlink { .. } => None,
        }
    }

    fn forbids_tying(&self, line: &Line, now: &KnownPerson) -> Option<&'static str> {
        match now.review {
            Some(ReviewState::Rejected) => Some(REJECTED),
            Some(ReviewState::Dismissed) => Some("dismissed"),
            _ if now.parted => Some("unlinked"),
            _ if !self.leaves_open(line.object) => Some(READ_SINCE),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
