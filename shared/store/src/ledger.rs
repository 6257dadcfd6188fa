//! The links themselves: listing them, and what an operator asks to be done to some of them.

use domain::{
    contact::Link,
    facts::SourceFacts,
    ids::{ContactId, EntraObjectId, EntraTenantId, Identity, RunId, WorkspaceId},
    ledger::Wish,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    error::StoreError,
    keys,
    people::{WholeRow, link_of},
    table::{Condition, Query, Store, decode, text, text_of},
};

/// A person who is linked, or was.
#[derive(Clone, Debug, PartialEq)]
pub struct LedgerEntry {
    /// Who.
    pub object: EntraObjectId,
    /// The link; `None` when it has ended, or cannot be read.
    pub link: Option<Link>,
    /// Whether an operator has ended it, and no sync makes another one.
    pub parted: bool,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// When it was last written.
    pub synced_at: Option<Timestamp>,
    /// What was last seen of the person.
    pub facts: Option<SourceFacts>,
    /// Whether what is stored cannot be read.
    pub unreadable: bool,
}

/// What an operator asks to be done, apart from the run that does it: runs are listed, and this can be long.
#[derive(Deserialize, Serialize)]
struct OrderRow {
    wishes: Vec<Wish>,
}

impl Store {
    /// Notes whose links a run changes. Answers false when that was noted before.
    pub async fn put_link_order(
        &self,
        workspace: WorkspaceId,
        run: RunId,
        wishes: &[Wish],
    ) -> Result<bool, StoreError> {
        let row = OrderRow { wishes: wishes.to_vec() };
        let key = keys::link_order(workspace, run);
        Ok(self.put("link order", &key, &row, Condition::absent()).await?.is_done())
    }

    /// Whose links a run changes.
    pub async fn link_order(&self, workspace: WorkspaceId, run: RunId) -> Result<Vec<Wish>, StoreError> {
        let row: Option<OrderRow> = self.get("link order", &keys::link_order(workspace, run)).await?;
        Ok(row.map(|row| row.wishes).unwrap_or_default())
    }

    /// Everybody of a tenant who is linked or was, by object id, after `after`: at most `limit`, and fewer where
    /// 1 MB is less. No more when nobody is answered.
    pub async fn ledger(
        &self,
        workspace: WorkspaceId,
        tenant: EntraTenantId,
        after: Option<EntraObjectId>,
        limit: u16,
    ) -> Result<Vec<LedgerEntry>, StoreError> {
        let pk = keys::people(workspace, tenant);
        let after = after.map(|object| {
            let key = keys::link(workspace, tenant, object);
            [("pk".to_owned(), text(key.pk)), ("sk".to_owned(), text(key.sk))].into()
        });
        let (prefix, limit) = (Some("LINK#"), Some(i32::from(limit)));
        let (items, _) = self.query_page(&Query { prefix, limit, after, ..Query::of(&pk) }).await?;
        let mut entries = Vec::new();
        for item in items {
            let sk = text_of(&item, "sk");
            let object = sk.as_deref().and_then(|sk| sk.strip_prefix("LINK#")?.parse().ok());
            let object = object.ok_or_else(|| StoreError::damaged("link", "its key names nobody"))?;
            let read = decode::<WholeRow>("link", item).and_then(|row| entry(tenant, object, row));
            entries.push(read.unwrap_or(LedgerEntry {
                object,
                link: None,
                parted: false,
                ended_at: None,
                synced_at: None,
                facts: None,
                unreadable: true,
            }));
        }
        Ok(entries)
    }

    /// Whether a person may be linked to `contact`: is not linked, or to that or `leaves`.
    pub(crate) async fn may_be_linked(
        &self,
        workspace: WorkspaceId,
        identity: Identity,
        contact: ContactId,
        leaves: Option<ContactId>,
    ) -> Result<bool, StoreError> {
        #[derive(Deserialize)]
        struct To {
            contact: Option<ContactId>,
        }
        let key = keys::link(workspace, identity.tenant, identity.object);
        let row: Option<To> = self.get("link", &key).await?;
        let to = row.and_then(|row| row.contact);
        Ok(to.is_none_or(|to| to == contact || Some(to) == leaves))
    }
}

fn entry(tenant: EntraTenantId, object: EntraObjectId, row: WholeRow) -> Result<LedgerEntry, StoreError> {
    let link = link_of(tenant, &row.person)?;
    let ended_at = row.person.cut_at.filter(|_| link.is_none());
    let parted = row.person.parted && link.is_none();
    let (synced_at, facts) = (row.synced_at, row.facts);
    Ok(LedgerEntry { object, link, parted, ended_at, synced_at, facts, unreadable: false })
}
