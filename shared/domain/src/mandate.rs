//! In whose name a run works, and what it may do there.
//!
//! Who may was asked when the run was accepted, of a token that is good for minutes. The answer goes with the run,
//! and every task holds what the run is for against it: neither a mistake of a route nor an execution that somebody
//! starts by hand does more than was granted.

use serde::{Deserialize, Serialize};

use crate::{ids::UserId, run::RunKind};

/// In whose name a run works.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "of")]
pub enum Mandate {
    /// The operator of the machine that it runs on, who typed a command there.
    Machine,
    /// A person whose role the PSA had granted this when the run was accepted.
    Person {
        /// Who.
        user: UserId,
        /// Discover, preview and sync (`entra_sync.operate`).
        operate: bool,
        /// Decide about people (`entra_sync.approve`).
        approve: bool,
    },
    /// The recurring schedule of the workspace.
    Schedule,
}

impl Mandate {
    /// The person, if there is one.
    pub fn user(self) -> Option<UserId> {
        match self {
            Self::Person { user, .. } => Some(user),
            Self::Machine | Self::Schedule => None,
        }
    }

    /// Whether a run for this may work.
    pub fn covers(self, kind: RunKind) -> bool {
        match self {
            Self::Machine => true,
            Self::Schedule => kind == RunKind::AllTenants,
            Self::Person { operate, approve, .. } => match kind {
                RunKind::AllTenants | RunKind::Initial | RunKind::SingleTenant => operate,
                RunKind::Apply | RunKind::Decision | RunKind::Links | RunKind::Undo => approve,
                // Of a sync, or of what is decided: it writes nothing.
                RunKind::Preflight => operate || approve,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_a_mandate_covers() {
        use RunKind::{AllTenants, Apply, Decision, Initial, Links, Preflight, SingleTenant, Undo};
        let person = |operate, approve| Mandate::Person { user: UserId::new(Uuid::nil()), operate, approve };
        let all = [AllTenants, Apply, Decision, Initial, Links, Preflight, SingleTenant, Undo];
        for (mandate, covered) in [
            (Mandate::Machine, &all[..]),
            (Mandate::Schedule, &[AllTenants]),
            (person(true, true), &all[..]),
            (person(true, false), &[AllTenants, Initial, Preflight, SingleTenant]),
            (person(false, true), &[Apply, Decision, Links, Preflight, Undo]),
            (person(false, false), &[]),
        ] {
            for kind in all {
                assert_eq!(mandate.covers(kind), covered.contains(&kind), "{mandate:?}, {kind:?}");
            }
        }
    }
}
