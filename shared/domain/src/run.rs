//! Runs, their parts and how they end.

use serde::{Deserialize, Serialize};

/// How many people ended how. `read` = everything below it but `held`, `missing` and the part of
/// `inactivated` that is in `vanished` and of `failed` that is in `unreadable_leavers`: what is decided once the read has come to its end.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Counters {
    /// People read from the directory.
    pub read: u64,
    /// Contacts created and linked.
    pub created: u64,
    /// Existing contacts linked.
    pub linked: u64,
    /// Linked contacts of which an enabled field was written.
    pub updated: u64,
    /// People who wait for a human, whether they are new in the queue or not.
    pub ambiguous: u64,
    /// Contacts made inactive.
    pub inactivated: u64,
    /// Contacts made active again.
    pub reactivated: u64,
    /// People of whom nothing the sync cares about has changed.
    pub unchanged: u64,
    /// People who are out of scope.
    pub excluded: u64,
    /// Records that could not be used.
    pub failed: u64,
    /// Contacts that were made inactive once the read had come to its end (since format 2 of plan
    /// pages, all of them).
    pub vanished: u64,
    /// Linked people who are leaving and are given grace.
    pub missing: u64,
    /// Lines that wait for an operator because there are too many at once.
    pub held: u64,
    /// Lines that were planned and not carried out: what they write had changed, or could not be written.
    pub stale: u64,
    /// Linked people who were read and may have to become inactive: blocked, or out of scope.
    #[serde(skip_serializing_if = "is_zero")]
    pub leaving: u64,
    /// People who were read and whose line waits for an operator.
    #[serde(skip_serializing_if = "is_zero")]
    pub waiting: u64,
    /// Contacts that were put back by an undo.
    #[serde(skip_serializing_if = "is_zero")]
    pub restored: u64,
    /// Contacts that an undo left as they are.
    #[serde(skip_serializing_if = "is_zero")]
    pub left: u64,
    /// Questions that were answered, or asked again, without a contact being written.
    #[serde(skip_serializing_if = "is_zero")]
    pub settled: u64,
    /// Links that an operator ended.
    #[serde(skip_serializing_if = "is_zero")]
    pub unlinked: u64,
    /// The part of `failed` that are people who are leaving: they are counted as read where they were read.
    #[serde(skip_serializing_if = "is_zero")]
    pub unreadable_leavers: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Counters {
    /// Adds `other`.
    pub fn add(&mut self, other: &Self) {
        for (sum, term) in self.parts_mut().into_iter().zip(other.parts()) {
            *sum += term;
        }
    }

    /// Whether everybody who was read ended in exactly one way.
    pub fn is_consistent(&self) -> bool {
        let ended = self.created
            + self.linked
            + self.updated
            + self.ambiguous
            + (self.inactivated - self.vanished)
            + self.reactivated
            + self.unchanged
            + self.excluded
            + (self.failed - self.unreadable_leavers)
            + self.leaving
            + self.waiting;
        self.read == ended
    }

    fn parts(&self) -> [u64; 21] {
        let c = self;
        [
            c.read,
            c.created,
            c.linked,
            c.updated,
            c.ambiguous,
            c.inactivated,
            c.reactivated,
            c.unchanged,
            c.excluded,
            c.failed,
            c.vanished,
            c.missing,
            c.held,
            c.stale,
            c.leaving,
            c.waiting,
            c.restored,
            c.left,
            c.settled,
            c.unlinked,
            c.unreadable_leavers,
        ]
    }

    fn parts_mut(&mut self) -> [&mut u64; 21] {
        let c = self;
        [
            &mut c.read,
            &mut c.created,
            &mut c.linked,
            &mut c.updated,
            &mut c.ambiguous,
            &mut c.inactivated,
            &mut c.reactivated,
            &mut c.unchanged,
            &mut c.excluded,
            &mut c.failed,
            &mut c.vanished,
            &mut c.missing,
            &mut c.held,
            &mut c.stale,
            &mut c.leaving,
            &mut c.waiting,
            &mut c.restored,
            &mut c.left,
            &mut c.settled,
            &mut c.unlinked,
            &mut c.unreadable_leavers,
        ]
    }
}

/// What a run is for. The wire names are the PSA's.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunKind {
    /// Every mapped tenant.
    AllTenants,
    /// Applies a plan that is stored: that of a preview, or the staged lines of a run.
    Apply,
    /// Carries out one answer of an operator to a question.
    Decision,
    /// The first sync, from the set-up wizard.
    Initial,
    /// Changes links as an operator asks: ends them, moves them, or matches their people anew.
    Links,
    /// Plans and stores the plan; writes nothing else.
    Preflight,
    /// The tenants of one client.
    SingleTenant,
    /// Takes back what another run has done: as it stands now, or as a preview of that has planned it.
    Undo,
}

impl RunKind {
    /// Whether contacts, links and review items may be written.
    pub fn writes(self) -> bool {
        self != Self::Preflight
    }

    /// Whether people are read from the directory; other runs work from a stored plan, or from what an operator
    /// asks of links.
    pub fn reads(self) -> bool {
        !matches!(self, Self::Apply | Self::Decision | Self::Links | Self::Undo)
    }
}

/// What started a run.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// Somebody pressed a button or typed a command.
    Manual,
    /// A schedule.
    Scheduled,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Stopped by an operator.
    Cancelled,
    /// Every tenant completed.
    Completed,
    /// No tenant completed.
    Failed,
    /// Completed, but lines wait for an operator.
    Held,
    /// There was no tenant to sync.
    NothingToDo,
    /// Some tenants completed, some failed.
    Partial,
    /// Accepted, not begun.
    Queued,
    /// Under way.
    Running,
}

impl RunStatus {
    /// Whether the run has ended.
    pub fn is_terminal(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }

    /// How a run ends whose tenants ended so.
    pub fn of_tenants(succeeded: usize, held: usize, failed: usize) -> Self {
        match (succeeded + held, held, failed) {
            (0, _, 0) => Self::NothingToDo,
            (_, 0, 0) => Self::Completed,
            (_, _, 0) => Self::Held,
            (0, _, _) => Self::Failed,
            _ => Self::Partial,
        }
    }
}

/// How the part of one managed tenant ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantStatus {
    /// Stopped by an operator; what was applied before stays.
    Cancelled,
    /// Everything was read and every line applied (or, in a preview, planned).
    Completed,
    /// The tenant could not be read to the end; nothing was made inactive.
    Failed,
    /// Completed, but lines wait for an operator.
    Held,
}

/// Why a tenant failed, for the operator. No provider text: only what we say ourselves.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantFailure {
    /// Stable code.
    pub code: String,
    /// What happened, and what it means for contacts.
    pub message: String,
    /// What to do next.
    pub remedy: String,
    /// Ids to quote to the provider's support, and the HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnostics: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_run_ends() {
        use RunStatus::{Completed, Failed, Held, NothingToDo, Partial};
        for (succeeded, held, failed, status) in [
            (0, 0, 0, NothingToDo),
            (3, 0, 0, Completed),
            (3, 1, 0, Held),
            (0, 1, 0, Held),
            (2, 0, 1, Partial),
            (0, 1, 1, Partial),
            (0, 0, 2, Failed),
        ] {
            assert_eq!(RunStatus::of_tenants(succeeded, held, failed), status);
        }
    }

    #[test]
    fn adding_counters_adds_every_part() {
        let one = Counters { read: 1, created: 2, stale: 3, ..Counters::default() };
        let mut sum = one;
        sum.add(&one);
        assert_eq!(sum, Counters { read: 2, created: 4, stale: 6, ..Counters::default() });
    }
}
