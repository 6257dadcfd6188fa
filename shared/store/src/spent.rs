//! What the tenants of a run have used up of its limits together.

use domain::{
    ids::{ManagedTenantId, RunId, WorkspaceId},
    plan::Limit,
    planner::RunHeld,
};
use serde::Serialize;

use crate::{
    error::StoreError,
    keys,
    table::{Change, Condition, Store, Transacted, Write, encode, number},
};

/// Where in a run something is used up: asked again for the same place, it is used up once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place {
    /// The tenant.
    pub tenant: ManagedTenantId,
    /// Plan pages of it before.
    pub pages: u32,
}

#[derive(Serialize)]
struct Portion {
    amount: u64,
}

impl Store {
    /// Uses up `amount` of what `limit` lets all tenants of a run do together. Answers false when that is
    /// more than is left; then nothing is used up.
    pub async fn use_up(
        &self,
        workspace: WorkspaceId,
        run: RunId,
        room: RunHeld,
        limit: Limit,
        place: Place,
        amount: u64,
    ) -> Result<bool, StoreError> {
        let (what, limit_name) = ("run limit", name(limit));
        let Some(left) = room.of(limit).checked_sub(amount) else { return Ok(false) };
        let portion = keys::spent_at(workspace, run, limit_name, place.tenant, place.pages);
        let sum = Write::Update(Change {
            key: keys::spent(workspace, run, limit_name),
            expression: "SET #sum = if_not_exists(#sum, :none) + :amount".into(),
            condition: Condition {
                expression: "attribute_not_exists(#sum) OR #sum <= :left",
                names: vec![("#sum", "sum")],
                values: vec![(":left", number(left))],
                ..Condition::default()
            },
            extra: vec![(":none", number(0)), (":amount", number(amount))],
        });
        let portion =
            Write::Put { item: encode(what, &portion, &Portion { amount })?, condition: Condition::absent() };
        match self.transact(vec![portion, sum]).await? {
            Transacted::Done => Ok(true),
            // It was used up for this place before.
            Transacted::Refused(failed) => Ok(failed.first() == Some(&true)),
        }
    }
}

fn name(limit: Limit) -> &'static str {
    match limit.of_run() {
        Limit::RunCreations => "CREATIONS",
        Limit::RunInactivations => "INACTIVATIONS",
        _ => "LINK_MOVES",
    }
}
