//! Who has asked for what takes two people.

use domain::{consent::Asked, ids::WorkspaceId};
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    error::StoreError,
    keys,
    table::{Condition, EXPIRES, Store, encode, number, text},
};

const WHAT: &str = "consent";

impl Store {
    /// Who has asked for it last; it may be too long ago.
    pub async fn asked(&self, workspace: WorkspaceId, name: &str) -> Result<Option<Asked>, StoreError> {
        self.get(WHAT, &keys::consent(workspace, name)).await
    }

    /// What is asked for and was not done by `now`, the oldest first. One that cannot be read is left out: it has
    /// to be asked for anew.
    pub async fn awaiting_second(
        &self,
        workspace: WorkspaceId,
        now: Timestamp,
    ) -> Result<Vec<Asked>, StoreError> {
        let pk = keys::consent(workspace, "").pk;
        let rows: Vec<Value> = self.query(WHAT, &pk, None).await?;
        let readable = rows.into_iter().filter_map(|row| serde_json::from_value::<Asked>(row).ok());
        let mut awaited: Vec<Asked> = readable.filter(|asked| asked.is_awaited(now)).collect();
        awaited.sort_by_key(|asked| asked.at);
        Ok(awaited)
    }

    /// Notes that somebody asks, in the place of what was read before. Answers false when somebody else has
    /// come first.
    pub async fn note_asked(
        &self,
        workspace: WorkspaceId,
        name: &str,
        before: Option<&Asked>,
        now: &Asked,
    ) -> Result<bool, StoreError> {
        let key = keys::consent(workspace, name);
        let mut item = encode(WHAT, &key, now)?;
        item.insert(EXPIRES.to_owned(), number(now.until().as_second()));
        let condition = match before {
            None => Condition::absent(),
            Some(before) => Condition {
                names: vec![("#by", "by"), ("#at", "at")],
                ..Condition::of(
                    "#by = :by AND #at = :at",
                    vec![(":by", text(before.by)), (":at", text(before.at))],
                )
            },
        };
        Ok(self.put_item(item, condition).await?.is_done())
    }
}
