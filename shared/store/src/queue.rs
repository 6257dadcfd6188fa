//! The queue of questions: listing and finding them, and what becomes of the answers.

use domain::{
    contact::Contact,
    ids::{ContactId, EntraObjectId, EntraTenantId, Identity, ReviewItemId, RunId, UserId, WorkspaceId},
    plan::{Answer, AnswerKind},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    contacts::ContactRow,
    error::StoreError,
    keys,
    reviews::{Resolution, ReviewItem, ReviewStatus, place},
    table::{Condition, Item, OPEN_REVIEWS_INDEX, Query, Store, decode, text, value},
};

const WHAT: &str = "review item";

/// Questions that are read at once when one is looked for.
const ITEMS_AT_ONCE: i32 = 500;

/// docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const SORT_KEY_BYTES_MAX: usize = 1024;

/// Where a list of questions goes on.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ReviewPlace {
    #[serde(deserialize_with = "sort_key")]
    place: String,
    tenant: EntraTenantId,
    object: EntraObjectId,
}

/// A text that can stand in a key of the table: it comes back in a cursor, from outside.
fn sort_key<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if (1..=SORT_KEY_BYTES_MAX).contains(&text.len()) {
        return Ok(text);
    }
    Err(serde::de::Error::invalid_length(text.len(), &"a text that can be a key"))
}

/// Who has a run carry out an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Author {
    /// The run.
    pub run: RunId,
    /// The person who asked for it.
    pub user: Option<UserId>,
}

#[derive(Deserialize, Serialize)]
struct Pointer {
    tenant: EntraTenantId,
    object: EntraObjectId,
}

#[derive(Deserialize)]
struct Placed {
    #[serde(flatten)]
    item: ReviewItem,
    review_sk: String,
}

impl Store {
    /// Questions in one state, the newest first, after `after`; each with its place. Of those that have
    /// been answered, the answer counts. The index follows the table by moments.
    pub async fn reviews(
        &self,
        workspace: WorkspaceId,
        status: ReviewStatus,
        after: Option<&ReviewPlace>,
        limit: u16,
    ) -> Result<Vec<(ReviewItem, ReviewPlace)>, StoreError> {
        let pk = keys::reviews(workspace, status);
        let after = after.map(|after| {
            let key = keys::review(workspace, after.tenant, after.object);
            Item::from([
                ("pk".to_owned(), text(key.pk)),
                ("sk".to_owned(), text(key.sk)),
                ("review_pk".to_owned(), text(&pk)),
                ("review_sk".to_owned(), text(&after.place)),
            ])
        });
        let (index, limit) = (Some(OPEN_REVIEWS_INDEX), Some(i32::from(limit)));
        let query = Query { index, newest_first: true, limit, after, ..Query::of(&pk) };
        let (items, _) = self.query_page(&query).await?;
        let placed = |item: Item| {
            let Placed { item, review_sk: place } = decode(WHAT, item)?;
            let place = ReviewPlace { place, tenant: item.entra_tenant, object: item.object };
            Ok((item, place))
        };
        items.into_iter().map(placed).collect()
    }

    /// The newest open questions.
    pub async fn open_reviews(
        &self,
        workspace: WorkspaceId,
        limit: u16,
    ) -> Result<Vec<ReviewItem>, StoreError> {
        let placed = self.reviews(workspace, ReviewStatus::Open, None, limit).await?;
        Ok(placed.into_iter().map(|(item, _)| item).collect())
    }

    /// How many questions are in one state; the index follows the table by moments.
    pub async fn count_reviews(
        &self,
        workspace: WorkspaceId,
        status: ReviewStatus,
    ) -> Result<u64, StoreError> {
        let pk = keys::reviews(workspace, status);
        let (index, projection) = (Some(OPEN_REVIEWS_INDEX), Some("review_sk"));
        let mut query = Query { index, projection, ..Query::of(&pk) };
        let mut count = 0;
        loop {
            let (items, next) = self.query_page(&query).await?;
            count += items.len() as u64;
            match next {
                Some(next) => query.after = Some(next),
                None => return Ok(count),
            }
        }
    }

    /// One question.
    pub async fn review(
        &self,
        workspace: WorkspaceId,
        id: ReviewItemId,
    ) -> Result<Option<ReviewItem>, StoreError> {
        let pointer: Option<Pointer> = self.get("review pointer", &keys::review_by_id(workspace, id)).await?;
        match pointer {
            Some(of) => self.get(WHAT, &keys::review(workspace, of.tenant, of.object)).await,
            None => self.open_review_by_id(workspace, id).await,
        }
    }

    /// Questions that were asked before there were pointers to them.
    async fn open_review_by_id(
        &self,
        workspace: WorkspaceId,
        id: ReviewItemId,
    ) -> Result<Option<ReviewItem>, StoreError> {
        let pk = keys::reviews(workspace, ReviewStatus::Open);
        let (index, limit) = (Some(OPEN_REVIEWS_INDEX), Some(ITEMS_AT_ONCE));
        let mut query = Query { index, newest_first: true, limit, ..Query::of(&pk) };
        loop {
            let (items, next) = self.query_page(&query).await?;
            for item in items {
                let item: ReviewItem = decode(WHAT, item)?;
                if item.id == id {
                    // The table itself: the index may be behind.
                    return self.get(WHAT, &keys::review(workspace, item.entra_tenant, item.object)).await;
                }
            }
            match next {
                Some(next) => query.after = Some(next),
                None => return Ok(None),
            }
        }
    }

    /// A contact by its id alone, whichever client it belongs to: a read for each hundred clients.
    pub async fn contact_anywhere(
        &self,
        workspace: WorkspaceId,
        contact: ContactId,
    ) -> Result<Option<Contact>, StoreError> {
        let clients = self.clients(workspace).await?;
        let keys = clients.iter().map(|client| keys::contact(workspace, client.id, contact)).collect();
        let rows: Vec<ContactRow> = self.batch_get("contact", keys).await?;
        Ok(rows.into_iter().next().map(|row| row.contact))
    }

    pub(crate) async fn point_to_review(
        &self,
        workspace: WorkspaceId,
        identity: Identity,
    ) -> Result<(), StoreError> {
        let key = keys::review_by_id(workspace, ReviewItemId::derived(workspace, identity));
        let pointer = Pointer { tenant: identity.tenant, object: identity.object };
        self.put("review pointer", &key, &pointer, Condition::default()).await?;
        Ok(())
    }

    /// Notes that `run` is about to carry out an answer to an open question, in the place of `before`.
    /// Answers false when the question is not open, or another run is about to.
    pub async fn begin_deciding(
        &self,
        workspace: WorkspaceId,
        identity: Identity,
        run: RunId,
        before: Option<RunId>,
    ) -> Result<bool, StoreError> {
        let open = (":open", value(WHAT, &ReviewStatus::Open)?);
        let condition = match before {
            None => Condition::of(
                "reviewStatus = :open AND (attribute_not_exists(deciding) OR deciding = :run)",
                vec![open],
            ),
            Some(before) => Condition::of(
                "reviewStatus = :open AND (deciding = :before OR deciding = :run)",
                vec![open, (":before", text(before))],
            ),
        };
        let values = vec![(":run", text(run))];
        let key = keys::review(workspace, identity.tenant, identity.object);
        Ok(self.update(&key, "SET deciding = :run", condition, values).await?.is_done())
    }

    /// Closes a question with an operator's answer.
    pub(crate) async fn settle_review(
        &self,
        workspace: WorkspaceId,
        identity: Identity,
        answer: (&Answer, Option<ContactId>),
        author: Author,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let (Answer { kind, address, note, .. }, contact) = answer;
        let status = match kind {
            AnswerKind::Dismissed => ReviewStatus::Dismissed,
            AnswerKind::CreateNew | AnswerKind::LinkExisting => ReviewStatus::Resolved,
        };
        let Author { run, user: by } = author;
        let (address, note) = (address.clone(), note.clone());
        let resolution = Resolution { kind: *kind, contact, address, note, by, at, run };
        let values = vec![
            (":status", value(WHAT, &status)?),
            (":resolution", value(WHAT, &resolution)?),
            (":queue", text(keys::reviews(workspace, status))),
            (":at", text(place(at, ReviewItemId::derived(workspace, identity)))),
        ];
        let change = "SET reviewStatus = :status, resolution = :resolution, review_pk = :queue, \
             review_sk = :at REMOVE #place, deciding, answeredItself";
        self.change_review(workspace, identity, change, values).await
    }

    /// Asks a question again whose answer was taken back.
    pub(crate) async fn reopen_review(
        &self,
        workspace: WorkspaceId,
        identity: Identity,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let values = vec![
            (":status", value(WHAT, &ReviewStatus::Open)?),
            (":queue", text(keys::reviews(workspace, ReviewStatus::Open))),
            (":at", text(place(at, ReviewItemId::derived(workspace, identity)))),
        ];
        let change = "SET reviewStatus = :status, review_pk = :queue, review_sk = :at, #place = :at \
             REMOVE deciding, answeredItself";
        self.change_review(workspace, identity, change, values).await
    }

    async fn change_review(
        &self,
        workspace: WorkspaceId,
        identity: Identity,
        change: &str,
        values: Vec<(&'static str, aws_sdk_dynamodb::types::AttributeValue)>,
    ) -> Result<(), StoreError> {
        let condition = Condition::of("attribute_exists(pk)", Vec::new());
        let condition = Condition { names: vec![("#place", "place")], ..condition };
        let key = keys::review(workspace, identity.tenant, identity.object);
        self.update(&key, change, condition, values).await?;
        Ok(())
    }
}
