//! What takes two people, asked at a route.

use domain::{
    consent::{Asked, Consent, name_of},
    ids::WorkspaceId,
};
use edge::{ApiError, Caller};
use jiff::Timestamp;
use serde_json::Value;
use store::Store;

use crate::store_failed;

/// That two people have asked for the same. Say [`TwoPeople::done`] once it is done.
#[derive(Debug)]
#[must_use]
pub struct TwoPeople {
    workspace: WorkspaceId,
    name: String,
    asked: Asked,
}

/// Two people have asked for `what`: the caller, and somebody before. Otherwise the caller's word is noted.
///
/// # Errors
/// `second_person_needed` until another one asks for the same; or the store fails.
pub async fn two_people(
    store: &Store,
    caller: &Caller,
    what: &Value,
    now: Timestamp,
) -> Result<TwoPeople, ApiError> {
    // The guards let nobody in who is no person.
    let user = caller.user.ok_or_else(ApiError::internal_fault)?;
    let (workspace, name) = (caller.workspace, name_of(what.to_string().as_bytes()));
    let before = store.asked(workspace, &name).await.map_err(store_failed)?;
    match (Consent::of(before.as_ref(), user, now), before) {
        (Consent::Second, Some(asked)) => Ok(TwoPeople { workspace, name, asked }),
        (Consent::StillAlone { until }, _) => Err(needed(until)),
        (_, before) => {
            let asked = Asked::new(user, now, what.clone());
            // Somebody who comes first at the same moment is the first one; the caller asks again.
            store.note_asked(workspace, &name, before.as_ref(), &asked).await.map_err(store_failed)?;
            Err(needed(asked.until()))
        }
    }
}

impl TwoPeople {
    /// What was asked for is done: the next time it takes two again.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn done(self, store: &Store) -> Result<(), ApiError> {
        let done = Asked { done: true, ..self.asked.clone() };
        let noted = store.note_asked(self.workspace, &self.name, Some(&self.asked), &done).await;
        noted.map(drop).map_err(store_failed)
    }
}

fn needed(until: Timestamp) -> ApiError {
    ApiError::conflict(
        "second_person_needed",
        format!(
            "This takes two people, since `fourEyes` is on. That you ask for it is noted until {until}; nothing \
             else was changed, and contacts stay as they are."
        ),
        "Have somebody else with the same permission send the same request by then.",
    )
}
