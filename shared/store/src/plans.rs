//! Stored plan pages: compressed, numbered, chained.

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use domain::{
    ids::{LineId, ManagedTenantId, RunId, WorkspaceId},
    plan::{ChainHash, PlanPage},
};
use jiff::Timestamp;
use miniz_oxide::{deflate::compress_to_vec, inflate::decompress_to_vec_with_limit};
use serde::{Deserialize, Serialize};

use crate::{
    apply::StaleLine,
    error::StoreError,
    keys,
    seals::{self, Seal},
    table::{Condition, EXPIRES, Item, Query, Store, Transacted, Write, decode, encode, number},
    tenant_states::{Lease, kept},
};

/// Deflate level: plan pages are small and text; more effort buys a few percent.
const COMPRESSION_LEVEL: u8 = 4;

/// Most bytes a stored page may inflate to; a page is cut long before.
const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A plan page with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredPage {
    /// Where it stands in the plan of its tenant, and what belongs to it.
    pub head: StoredPageHead,
    /// What it says.
    pub page: PlanPage,
}

impl StoredPage {
    /// A page with its place, behind the pages that end in the hash `before`.
    #[must_use]
    pub fn behind(before: ChainHash, mut head: StoredPageHead, page: PlanPage) -> Self {
        head.chain = head.chained(before, &page.encode(), page.format);
        Self { head, page }
    }

    /// Whether the page and its head are those that were written behind the pages that end in `before`.
    pub fn follows(&self, before: ChainHash) -> bool {
        self.head.chain == self.head.chained(before, &self.page.encode(), self.page.format)
    }
}

/// The first format of plan pages whose heads are in the chain.
const HEADS_SINCE: u16 = 4;

impl StoredPageHead {
    /// The hash after `page` with this head, as it is encoded in `format`. Pages of the first formats have their
    /// heads outside.
    fn chained(&self, before: ChainHash, page: &[u8], format: u16) -> ChainHash {
        if format < HEADS_SINCE {
            return before.followed_by(page);
        }
        let head = Self { chain: ChainHash::GENESIS, ..self.clone() };
        let head = serde_json::to_vec(&head).unwrap_or_default();
        // Two steps, so that a head cannot be taken for the end of a page.
        before.followed_by(page).followed_by(&head)
    }
}

/// A plan page as it is stored, for whoever checks it.
#[derive(Clone, Debug, PartialEq)]
pub struct PageAsStored {
    /// Its place by its key; `None` when that is no place.
    pub number: Option<u32>,
    /// What is stored beside it; `None` when that cannot be read.
    pub head: Option<StoredPageHead>,
    /// The encoded page, byte for byte what was hashed; `None` when it cannot be unpacked.
    pub bytes: Option<Vec<u8>>,
    /// Whether all of that is as it was written.
    pub seal: Seal,
}

impl PageAsStored {
    /// The hash after this page, behind the pages that end in `before`; `None` when the page, its head, or
    /// anything else of it is not what was written there.
    pub fn chained(&self, before: ChainHash) -> Option<ChainHash> {
        let (head, bytes) = (self.head.as_ref()?, self.bytes.as_ref()?);
        let format = PlanPage::format_of(bytes);
        let is_sealed = match self.seal {
            Seal::Broken => false,
            Seal::None => format < HEADS_SINCE,
            Seal::Whole => true,
        };
        let is_in_place =
            self.number == Some(head.number) && head.chain == head.chained(before, bytes, format);
        (is_sealed && is_in_place).then_some(head.chain)
    }
}

/// What is stored beside a plan page.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredPageHead {
    /// Counted from 1 within the tenant's plan.
    pub number: u32,
    /// The number of the last page that came from the same directory page: they are applied
    /// together or planned again together.
    pub group_end: u32,
    /// Where the directory goes on after the group; `None` at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// Where the directory goes on telling what has changed, when it ended with the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feed: Option<String>,
    /// Whether the group holds what was decided at the end of the read.
    #[serde(default)]
    pub closes_read: bool,
    /// Whether the group is of a read of changes: who is not in it has not left.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_changes: bool,
    /// Hash over this page with its head, and all before it.
    pub chain: ChainHash,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct StaleRow {
    number: u32,
    stale: Vec<StaleRowLine>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct StaleRowLine {
    line: LineId,
    code: String,
}

impl Store {
    /// Stores a page and keeps the lease, both or neither. A page that is planned again after a crash takes
    /// the place of the first one: nothing of it was applied, or it would not be planned again. Answers
    /// false when the lease is lost; then nothing of the page may be applied: whoever has the lease now may
    /// have planned another one in its place.
    pub async fn put_page(
        &self,
        workspace: WorkspaceId,
        run: RunId,
        tenant: ManagedTenantId,
        lease: Lease,
        stored: &StoredPage,
        (now, expires): (Timestamp, i64),
    ) -> Result<bool, StoreError> {
        let key = keys::plan_page(workspace, run, tenant, stored.head.number);
        let mut item = encode("plan page", &key, &stored.head)?;
        let body = compress_to_vec(&stored.page.encode(), COMPRESSION_LEVEL);
        item.insert("body".to_owned(), AttributeValue::B(Blob::new(body)));
        item.insert(EXPIRES.to_owned(), number(expires));
        // Nobody reads it; it tells by which lease the page came to be.
        item.insert("token".to_owned(), number(lease.token));
        seals::seal(&mut item);
        let page = Write::Put { item, condition: Condition::default() };
        let writes = vec![page, Write::Update(kept(workspace, tenant, lease, now))];
        Ok(self.transact(writes).await? == Transacted::Done)
    }

    /// The pages of a tenant's plan, in order, at most `limit` of them, after page `after`.
    pub async fn pages(
        &self,
        workspace: WorkspaceId,
        run: RunId,
        tenant: ManagedTenantId,
        after: u32,
        limit: u16,
    ) -> Result<Vec<StoredPage>, StoreError> {
        let items = self.page_items(workspace, run, tenant, after, limit).await?;
        items.into_iter().map(read).collect()
    }

    /// The same pages for whoever checks them: as they are stored, whether they can be read or not.
    pub async fn pages_as_stored(
        &self,
        workspace: WorkspaceId,
        run: RunId,
        tenant: ManagedTenantId,
        after: u32,
        limit: u16,
    ) -> Result<Vec<PageAsStored>, StoreError> {
        let items = self.page_items(workspace, run, tenant, after, limit).await?;
        Ok(items.into_iter().map(as_stored).collect())
    }

    async fn page_items(
        &self,
        workspace: WorkspaceId,
        run: RunId,
        tenant: ManagedTenantId,
        after: u32,
        limit: u16,
    ) -> Result<Vec<Item>, StoreError> {
        let key = keys::plan_page(workspace, run, tenant, after);
        let after = (after > 0).then(|| {
            let sk = AttributeValue::S(key.sk.clone());
            Item::from([("pk".to_owned(), AttributeValue::S(key.pk.clone())), ("sk".to_owned(), sk)])
        });
        let mut query =
            Query { prefix: Some("PAGE#"), limit: Some(i32::from(limit)), after, ..Query::of(&key.pk) };
        let mut pages: Vec<Item> = Vec::new();
        loop {
            let (items, next) = self.query_page(&query).await?;
            pages.extend(items);
            match next {
                Some(next) if pages.len() < usize::from(limit) => {
                    query.after = Some(next);
                    query.limit = i32::try_from(usize::from(limit) - pages.len()).ok();
                }
                _ => return Ok(pages),
            }
        }
    }

    /// Notes the lines of a page that were not applied because their contact had changed.
    pub async fn put_stale_lines(
        &self,
        workspace: WorkspaceId,
        run: RunId,
        tenant: ManagedTenantId,
        page: u32,
        lines: &[StaleLine],
        expires: i64,
    ) -> Result<(), StoreError> {
        let stale = lines.iter().map(|line| StaleRowLine { line: line.line, code: line.code.to_owned() });
        let key = keys::stale_lines(workspace, run, tenant, page);
        let mut item = encode("stale lines", &key, &StaleRow { number: page, stale: stale.collect() })?;
        item.insert(EXPIRES.to_owned(), number(expires));
        self.put_item(item, Condition::default()).await?;
        Ok(())
    }

    /// Puts an empty list in the place of what was noted of a page, if there is anything: carried out again after a
    /// crash, every line of it was applied.
    pub async fn clear_stale_lines(
        &self,
        workspace: WorkspaceId,
        run: RunId,
        tenant: ManagedTenantId,
        page: u32,
        expires: i64,
    ) -> Result<(), StoreError> {
        let key = keys::stale_lines(workspace, run, tenant, page);
        let mut item = encode("stale lines", &key, &StaleRow { number: page, stale: Vec::new() })?;
        item.insert(EXPIRES.to_owned(), number(expires));
        self.put_item(item, Condition::of("attribute_exists(pk)", Vec::new())).await?;
        Ok(())
    }

    /// A hash over what is noted of the first `pages` pages of a plan about lines that were not applied, and how
    /// many lines that are; `None` when nothing is noted.
    pub async fn stale_hash(
        &self,
        workspace: WorkspaceId,
        run: RunId,
        tenant: ManagedTenantId,
        pages: u32,
    ) -> Result<Option<ChainHash>, StoreError> {
        let pk = keys::stale_lines(workspace, run, tenant, 0).pk;
        let mut query = Query { prefix: Some("STALE#"), ..Query::of(&pk) };
        let (mut hash, mut rows) = (ChainHash::GENESIS, 0_u32);
        loop {
            let (items, next) = self.query_page(&query).await?;
            for item in items {
                let row: Option<StaleRow> = decode("stale lines", item.clone()).ok();
                // What was planned again belongs to a later page, and an empty list says nothing.
                if row.as_ref().is_some_and(|row| row.number > pages || row.stale.is_empty()) {
                    continue;
                }
                rows += 1;
                hash = hash.followed_by(String::from(seals::digest(&item)).as_bytes());
            }
            match next {
                Some(next) => query.after = Some(next),
                None => return Ok((rows > 0).then_some(hash)),
            }
        }
    }

    /// Lines of a tenant's plan that were not applied, each with a code.
    pub async fn stale_lines(
        &self,
        workspace: WorkspaceId,
        run: RunId,
        tenant: ManagedTenantId,
    ) -> Result<Vec<(LineId, String)>, StoreError> {
        let pk = keys::stale_lines(workspace, run, tenant, 0).pk;
        let rows: Vec<StaleRow> = self.query("stale lines", &pk, Some("STALE#")).await?;
        Ok(rows.into_iter().flat_map(|row| row.stale).map(|stale| (stale.line, stale.code)).collect())
    }
}

fn read(mut item: Item) -> Result<StoredPage, StoreError> {
    let bytes = bytes_of(&mut item)?;
    let page = PlanPage::decode(&bytes).map_err(|error| StoreError::damaged("plan page", error))?;
    Ok(StoredPage { head: decode("plan page", item)?, page })
}

fn as_stored(mut item: Item) -> PageAsStored {
    let seal = seals::check(&item);
    let bytes = bytes_of(&mut item).ok();
    let key = item.get("sk").and_then(|key| key.as_s().ok());
    let number = key.and_then(|key| key.strip_prefix("PAGE#")?.parse().ok());
    PageAsStored { number, head: decode("plan page", item).ok(), bytes, seal }
}

/// The encoded page, as it was before it was compressed.
fn bytes_of(item: &mut Item) -> Result<Vec<u8>, StoreError> {
    let Some(AttributeValue::B(body)) = item.remove("body") else {
        return Err(StoreError::damaged("plan page", "its body is missing"));
    };
    decompress_to_vec_with_limit(body.as_ref(), PAGE_BYTES_MAX)
        .map_err(|error| StoreError::damaged("plan page", format!("inflating: {error:?}")))
}
