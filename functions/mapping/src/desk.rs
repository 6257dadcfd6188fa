//! Where a decision is written down.

use domain::{
    ids::{ManagedTenantId, MappingId},
    mapping::{Decision, MappingRecord, Outcome, RequestedDecision, decide},
};
use serde::{Deserialize, Deserializer};
use store::StoreError;

use crate::{Editor, Mapping};

/// How often a decision is tried against an editor's own other requests.
const ATTEMPTS_MAX: usize = 5;

/// Which decision the editor saw. On the wire (`expectedMappingId`) an absent member expects
/// nothing, `null` expects that nothing was decided, an id expects that decision.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Expectation {
    /// Whatever holds is replaced.
    #[default]
    Anything,
    /// This decision, and no other, is replaced.
    Decision(MappingId),
    /// There was none.
    Undecided,
}

impl<'de> Deserialize<'de> for Expectation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Undecided, Self::Decision))
    }
}

impl Expectation {
    fn allows(self, current: Option<&MappingRecord>) -> bool {
        match self {
            Self::Anything => true,
            Self::Decision(id) => current.is_some_and(|record| record.current.mapping_id == id),
            Self::Undecided => current.is_none(),
        }
    }
}

impl Mapping {
    /// Writes one decision about a tenant that exists, over `current` as it was read before.
    ///
    /// When somebody else decided in between, theirs holds and the outcome says so. When it was the
    /// same editor, by a second request, the later one holds and the earlier one is history.
    pub(crate) async fn settle(
        &self,
        editor: &Editor,
        requested: &RequestedDecision,
        expected: Expectation,
        mut current: Option<MappingRecord>,
    ) -> Result<Outcome, StoreError> {
        for _ in 0..ATTEMPTS_MAX {
            if !expected.allows(current.as_ref()) {
                return Ok(overtaken(current.as_ref(), requested));
            }
            let now = self.clock.now();
            let id = MappingId::new(self.entropy.time_ordered_id(now));
            let Some(next) = decide(current.as_ref(), requested, editor.user, now, id) else {
                return Ok(Outcome::Unchanged);
            };
            if self.store.put_mapping(editor.workspace, current.as_ref(), &next).await? {
                return Ok(Outcome::Confirmed);
            }
            let found = self.store.mapping(editor.workspace, requested.managed_tenant).await?;
            // A write whose answer was lost is repeated below us and then refused for itself.
            if found.as_ref().is_some_and(|found| found.current == next.current) {
                return Ok(Outcome::Confirmed);
            }
            if found.as_ref().is_none_or(|found| found.current.decided_by != editor.user) {
                return Ok(overtaken(found.as_ref(), requested));
            }
            current = found;
        }
        Ok(Outcome::ChangedBySomeoneElse)
    }

    /// The decision about one tenant, or `UnknownTenant` when the workspace has no such tenant.
    pub(crate) async fn record_of_known(
        &self,
        editor: &Editor,
        tenant: ManagedTenantId,
    ) -> Result<Option<MappingRecord>, crate::MappingError> {
        let (known, record) = futures::try_join!(
            self.store.managed_tenant(editor.workspace, tenant),
            self.store.mapping(editor.workspace, tenant)
        )?;
        known.map(|_| record).ok_or(crate::MappingError::UnknownTenant(tenant))
    }
}

/// What it means that the record is not the expected one: nothing, if it says the same.
fn overtaken(found: Option<&MappingRecord>, requested: &RequestedDecision) -> Outcome {
    let holds = found.map_or(requested.decision == Decision::Unmapped, |found| {
        found.current.decision == requested.decision
    });
    if holds { Outcome::Unchanged } else { Outcome::ChangedBySomeoneElse }
}
