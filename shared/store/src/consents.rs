//! Who has asked for what takes two people.

use domain::{consent::Asked, ids::WorkspaceId};

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
