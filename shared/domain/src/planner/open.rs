//! People about whom a read has not said its last word: a read of changes looks at them again, since
//! the directory does not tell of them a second time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{NOBODY, is_anonymous};
use crate::{
    ids::EntraObjectId,
    plan::{Action, Limit, Line, PlanPage, fold},
};

/// Lines that crossed a stop limit and wait for an operator.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Held {
    /// New contacts.
    pub creations: u64,
    /// Contacts that would go from an account that is gone to another one.
    pub link_moves: u64,
    /// The same over all tenants of the run.
    #[serde(skip_serializing_if = "RunHeld::is_none")]
    pub run: RunHeld,
}

/// Lines that crossed a limit over all tenants of a run and wait for an operator; or how many more of
/// each such a limit lets through.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RunHeld {
    /// New contacts.
    pub creations: u64,
    /// Contacts that become inactive.
    pub inactivations: u64,
    /// Contacts that go from an account that is gone to another one.
    pub link_moves: u64,
}

impl RunHeld {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The one of this limit.
    pub fn of(self, limit: Limit) -> u64 {
        match limit.of_run() {
            Limit::RunCreations => self.creations,
            Limit::RunInactivations => self.inactivations,
            _ => self.link_moves,
        }
    }

    /// Adds what another tenant holds.
    pub fn add(&mut self, other: Self) {
        self.creations += other.creations;
        self.inactivations += other.inactivations;
        self.link_moves += other.link_moves;
    }
}

impl Held {
    /// Whether nothing waits.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl Held {
    /// How many wait because of this limit; inactivations are counted afresh by every read.
    pub(super) fn by(self, limit: Limit) -> u64 {
        match limit {
            Limit::Creations => self.creations,
            Limit::LinkMoves => self.link_moves,
            _ => 0,
        }
    }
}

/// Who is open after what was planned so far.
#[derive(Debug, Default)]
pub(super) struct Open {
    people: BTreeMap<u64, EntraObjectId>,
    pub(super) held: Held,
}

impl Open {
    /// Those of the reads before.
    pub(super) fn of(people: &[EntraObjectId]) -> Self {
        let people = people.iter().map(|object| (fold(*object), *object)).collect();
        Self { people, held: Held::default() }
    }

    pub(super) fn people(&self) -> impl Iterator<Item = EntraObjectId> {
        self.people.values().copied()
    }

    /// Takes in what was decided about somebody.
    pub(super) fn decided(&mut self, object: EntraObjectId, line: Option<&Line>, is_still_asked: bool) {
        self.people.remove(&fold(object));
        if is_still_asked {
            self.people.insert(fold(object), object);
        }
        if let Some(line) = line {
            self.add(line);
        }
    }

    /// The directory has told that somebody is gone.
    pub(super) fn gone(&mut self, object: EntraObjectId) {
        self.people.remove(&fold(object));
    }

    /// Takes in a page that was planned before a restart.
    pub(super) fn replay(&mut self, page: &PlanPage) {
        for seen in &page.seen {
            self.people.remove(seen);
        }
        self.people.extend(page.asked.iter().map(|object| (fold(*object), *object)));
        page.lines.iter().for_each(|line| self.add(line));
    }

    fn add(&mut self, line: &Line) {
        let is_open = match &line.action {
            Action::Fail { .. } => !is_anonymous(line) && line.object != NOBODY,
            Action::Review { .. } => true,
            Action::Stage { limit, .. } => {
                match limit {
                    Limit::Creations => self.held.creations += 1,
                    Limit::LinkMoves => self.held.link_moves += 1,
                    Limit::RunCreations => self.held.run.creations += 1,
                    Limit::RunLinkMoves => self.held.run.link_moves += 1,
                    // Remembered as somebody who is leaving.
                    Limit::Inactivations | Limit::RunInactivations => return,
                }
                true
            }
            _ => false,
        };
        if is_open {
            self.people.insert(fold(line.object), line.object);
        }
    }
}
