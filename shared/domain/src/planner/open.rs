//! People about whom a read has not said its last word: a read of changes looks at them again, since
//! the directory does not tell of them a second time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{NOBODY, is_anonymous};
use crate::{
    ids::EntraObjectId,
    plan::{Action, Limit, Line, PlanPage, fold},
    policy::{RunLimits, Share, StopLimits, VanishRules},
};

/// Lines that crossed a stop limit and wait for an operator.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Held {
    /// New contacts.
    pub creations: u64,
    /// Contacts that would go from an account that is gone to another one.
    pub link_moves: u64,
    /// Contacts that would become inactive.
    #[serde(skip_serializing_if = "is_zero")]
    pub inactivations: u64,
    /// The same over all tenants of the run.
    #[serde(skip_serializing_if = "RunHeld::is_none")]
    pub run: RunHeld,
    /// The limits that were in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub under: Option<InForce>,
}

/// The stop limits of one sync.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InForce {
    /// On new contacts.
    pub creations: Share,
    /// On contacts that go from an account that is gone to another one.
    pub link_moves: Share,
    /// On contacts that become inactive.
    pub inactivations: Share,
    /// The same over all tenants of the run.
    pub run: RunLimits,
}

impl InForce {
    /// Those of the settings.
    pub fn new(limits: &StopLimits, vanish: &VanishRules, run: RunLimits) -> Self {
        let inactivations = Share { count: vanish.allowed, percent: vanish.allowed_percent };
        Self { creations: limits.creations, link_moves: limits.link_moves, inactivations, run }
    }

    /// Whether anything passes under these limits that waits under `others`.
    pub fn lets_more_than(&self, others: &Self) -> bool {
        Limit::ALL.into_iter().any(|limit| {
            let (one, other) = (self.of(limit), others.of(limit));
            one.count > other.count || one.percent > other.percent
        })
    }

    /// The one of this limit.
    pub fn of(&self, limit: Limit) -> Share {
        match limit {
            Limit::Creations => self.creations,
            Limit::LinkMoves => self.link_moves,
            Limit::Inactivations => self.inactivations,
            Limit::RunCreations | Limit::RunLinkMoves | Limit::RunInactivations => self.run.of(limit),
        }
    }
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
}

impl Held {
    /// Whether nothing waits.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// How many wait because of this limit.
    pub fn by(&self, limit: Limit) -> u64 {
        match limit {
            Limit::Creations => self.creations,
            Limit::LinkMoves => self.link_moves,
            Limit::Inactivations => self.inactivations,
            Limit::RunCreations | Limit::RunLinkMoves | Limit::RunInactivations => self.run.of(limit),
        }
    }

    /// Whether a limit that was crossed lets nothing through: as long as something waits, until an
    /// operator allows or rejects it, or sets the limit to another value that is wide enough for it.
    /// `now` is the limit in force, `allowed` is what it comes to.
    pub fn shuts(&self, limit: Limit, now: Share, allowed: u64) -> bool {
        let waiting = self.by(limit);
        let is_same = self.under.is_some_and(|under| under.of(limit) == now);
        waiting > 0 && (is_same || waiting > allowed)
    }

    /// Counts a line that waits.
    pub fn add(&mut self, limit: Limit) {
        *self.of(limit) += 1;
    }

    /// Counts a line that waits no more.
    pub fn release(&mut self, limit: Limit) {
        let waiting = self.of(limit);
        *waiting = waiting.saturating_sub(1);
    }

    fn of(&mut self, limit: Limit) -> &mut u64 {
        match limit {
            Limit::Creations => &mut self.creations,
            Limit::LinkMoves => &mut self.link_moves,
            Limit::Inactivations => &mut self.inactivations,
            Limit::RunCreations => &mut self.run.creations,
            Limit::RunLinkMoves => &mut self.run.link_moves,
            Limit::RunInactivations => &mut self.run.inactivations,
        }
    }

    /// What waits in both together, under the limits that were in force for the later one.
    #[must_use]
    pub fn and(self, later: &Self) -> Self {
        Self {
            creations: self.creations + later.creations,
            link_moves: self.link_moves + later.link_moves,
            inactivations: self.inactivations + later.inactivations,
            run: RunHeld {
                creations: self.run.creations + later.run.creations,
                link_moves: self.run.link_moves + later.run.link_moves,
                inactivations: self.run.inactivations + later.run.inactivations,
            },
            under: later.under.or(self.under),
        }
    }

    /// The same, with the limits that were in force, if anything waits.
    #[must_use]
    pub fn under(self, now: InForce) -> Self {
        let counted = Self { under: None, ..self };
        Self { under: (!counted.is_none()).then_some(now), ..counted }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
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
    pub(super) fn decided(&mut self, object: EntraObjectId, line: Option<&Line>, stays_open: bool) {
        self.people.remove(&fold(object));
        if stays_open {
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

    pub(super) fn add(&mut self, line: &Line) {
        let is_open = match &line.action {
            Action::Fail { .. } => !is_anonymous(line) && line.object != NOBODY,
            Action::Review { .. } => true,
            Action::Stage { limit, .. } => {
                self.held.add(*limit);
                // The others are remembered as people who are leaving.
                !matches!(limit, Limit::Inactivations | Limit::RunInactivations)
            }
            // A field is blank in the directory, and one read more has to confirm it.
            action => action.facts().is_some_and(|facts| !facts.blanks.is_empty()),
        };
        if is_open {
            self.people.insert(fold(line.object), line.object);
        }
    }
}
