//! Questions about people a human has to decide about: asked, renewed, closed. How they are listed and
//! answered is in `queue`.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    email::EmailAddress,
    ids::{
        ClientId, ContactId, EntraObjectId, EntraTenantId, Identity, ManagedTenantId, ReviewItemId, RunId,
        UserId, WorkspaceId,
    },
    plan::{About, AnswerKind, Candidate, Conflict},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    error::StoreError,
    keys,
    table::{Condition, Store, Written, number, text, value},
};

/// Where a review item stands.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewStatus {
    /// A human has decided that the person is not to be synced.
    Dismissed,
    /// Waiting.
    Open,
    /// A human has decided which contact it is.
    Resolved,
}

/// One ambiguous person.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReviewItem {
    /// Derived from the identity.
    pub id: ReviewItemId,
    /// The tenant.
    pub managed_tenant: ManagedTenantId,
    /// Microsoft's id of the tenant.
    pub entra_tenant: EntraTenantId,
    /// Microsoft's id of the person.
    pub object: EntraObjectId,
    /// The mapped client.
    pub client: ClientId,
    /// How an operator recognises the person.
    pub label: String,
    /// The person's address.
    #[serde(default)]
    pub address: Option<EmailAddress>,
    /// What is unclear.
    pub conflict: Conflict,
    /// Contacts it could be.
    pub candidates: Vec<Candidate>,
    /// Where it stands.
    pub review_status: ReviewStatus,
    /// When it was first asked.
    pub opened_at: Timestamp,
    /// What was known of the person when it was asked last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
    /// What an operator has decided. Of an open question, what was decided before it was asked again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
    /// Whether a sync has closed the question because it was clear by then; what an operator has decided is
    /// about an earlier one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub answered_itself: bool,
    /// The run that is about to carry out an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deciding: Option<RunId>,
}

impl ReviewItem {
    /// What an operator has answered to this question; nothing while it is open.
    pub fn answer(&self) -> Option<&Resolution> {
        let is_answered = self.review_status != ReviewStatus::Open && !self.answered_itself;
        self.resolution.as_ref().filter(|_| is_answered)
    }
}

/// An operator's decision, carried out.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resolution {
    /// What was decided.
    pub kind: AnswerKind,
    /// The contact the person is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<ContactId>,
    /// The person's address at that time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<EmailAddress>,
    /// The operator's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Who decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    /// When.
    pub at: Timestamp,
    /// The run that carried it out; taking that back asks the question again.
    pub run: RunId,
}

/// What a line wants to ask.
#[derive(Clone, Debug)]
pub struct OpenReview<'a> {
    /// The tenant.
    pub managed_tenant: ManagedTenantId,
    /// The mapped client.
    pub client: ClientId,
    /// Who.
    pub identity: Identity,
    /// How an operator recognises the person.
    pub label: &'a str,
    /// The person's address.
    pub address: Option<&'a EmailAddress>,
    /// What is unclear.
    pub conflict: Conflict,
    /// Contacts it could be.
    pub candidates: &'a [Candidate],
    /// What is known of the person.
    pub about: Option<&'a About>,
    /// Whether it is asked although an operator has answered one before.
    pub again: bool,
}

/// A person whom an operator does not want created or linked.
#[derive(Clone, Debug)]
pub struct RejectedLine<'a> {
    /// The tenant.
    pub managed_tenant: ManagedTenantId,
    /// The mapped client.
    pub client: ClientId,
    /// Who.
    pub identity: Identity,
    /// How an operator recognises the person.
    pub label: &'a str,
    /// The person's address.
    pub address: Option<&'a EmailAddress>,
}

impl Store {
    /// Notes for good that the person is not to be synced; a question about the person is answered by
    /// that. One that was dismissed stays as it is.
    pub async fn reject_person(
        &self,
        workspace: WorkspaceId,
        rejected: &RejectedLine<'_>,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let what = "review item";
        let item = ReviewItem {
            id: ReviewItemId::derived(workspace, rejected.identity),
            managed_tenant: rejected.managed_tenant,
            entra_tenant: rejected.identity.tenant,
            object: rejected.identity.object,
            client: rejected.client,
            label: rejected.label.to_owned(),
            address: rejected.address.cloned(),
            conflict: Conflict::Rejected,
            candidates: Vec::new(),
            review_status: ReviewStatus::Dismissed,
            opened_at: at,
            about: None,
            resolution: None,
            answered_itself: false,
            deciding: None,
        };
        self.point_to_review(workspace, rejected.identity).await?;
        let row = ReviewRow {
            review_pk: keys::reviews(workspace, ReviewStatus::Dismissed),
            review_sk: place(at, item.id),
            item,
        };
        let condition = Condition::of(
            "attribute_not_exists(pk) OR reviewStatus <> :dismissed",
            vec![(":dismissed", value(what, &ReviewStatus::Dismissed)?)],
        );
        let key = keys::review(workspace, rejected.identity.tenant, rejected.identity.object);
        Ok(self.put(what, &key, &row, condition).await?.is_done())
    }

    /// Takes back what [`Self::reject_person`] has noted: the next sync decides about the person as if nobody
    /// had. Answers false when nothing was, or an operator has decided in the queue.
    pub async fn reconsider_person(
        &self,
        workspace: WorkspaceId,
        identity: Identity,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let dismissed = vec![(":dismissed", value("review item", &ReviewStatus::Dismissed)?)];
        let condition =
            Condition::of("reviewStatus = :dismissed AND attribute_not_exists(resolution)", dismissed);
        self.leave_queue(workspace, identity, condition, at).await
    }

    /// Puts a question into the queue, or renews it; a dismissed one stays dismissed, and one that an
    /// operator has answered stays answered, unless whoever asks knows of that.
    pub(crate) async fn open_review(
        &self,
        workspace: WorkspaceId,
        review: &OpenReview<'_>,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let id = ReviewItemId::derived(workspace, review.identity);
        let ids: Vec<_> = review.candidates.iter().map(|candidate| candidate.contact).collect();
        let what = "review item";
        self.point_to_review(workspace, review.identity).await?;
        let mut values = vec![
            (":id", text(id)),
            (":managed", text(review.managed_tenant)),
            (":tenant", text(review.identity.tenant)),
            (":object", text(review.identity.object)),
            (":client", text(review.client)),
            (":label", text(review.label)),
            (":conflict", value(what, &review.conflict)?),
            (":candidates", value(what, &review.candidates)?),
            (":ids", value(what, &ids)?),
            (":open", value(what, &ReviewStatus::Open)?),
            (":at", text(at)),
            (":queue", text(keys::reviews(workspace, ReviewStatus::Open))),
            (":place", text(place(at, id))),
        ];
        let mut change = "SET id = :id, managedTenant = :managed, entraTenant = :tenant, #object = :object, \
             client = :client, #label = :label, #conflict = :conflict, candidates = :candidates, \
             candidateIds = :ids, reviewStatus = :open, openedAt = if_not_exists(openedAt, :at), \
             review_pk = :queue, #place = if_not_exists(#place, :place), \
             review_sk = if_not_exists(#place, :place)"
            .to_owned();
        let mut removed = vec!["answeredItself"];
        match review.address {
            Some(address) => {
                change.push_str(", address = :address");
                values.push((":address", text(address)));
            }
            None => removed.push("address"),
        }
        match review.about {
            Some(about) => {
                change.push_str(", about = :about, seen = :seen");
                values.push((":about", value(what, about)?));
                values.push((":seen", number(about.fingerprint(review.client).0)));
            }
            None => removed.extend(["about", "seen"]),
        }
        change.push_str(" REMOVE ");
        change.push_str(&removed.join(", "));
        let answered = (":resolved", value(what, &ReviewStatus::Resolved)?);
        let condition = Condition {
            expression: if review.again {
                "attribute_not_exists(pk) OR reviewStatus <> :dismissed"
            } else {
                "attribute_not_exists(pk) OR (reviewStatus <> :dismissed AND \
                 (reviewStatus <> :resolved OR attribute_not_exists(resolution)))"
            },
            names: vec![
                ("#conflict", "conflict"),
                ("#object", "object"),
                ("#label", "label"),
                ("#place", "place"),
            ],
            values: std::iter::once((":dismissed", value(what, &ReviewStatus::Dismissed)?))
                .chain((!review.again).then_some(answered))
                .collect(),
            ..Condition::default()
        };
        let key = keys::review(workspace, review.identity.tenant, review.identity.object);
        Ok(self.update(&key, &change, condition, values).await?.is_done())
    }

    /// Takes a question that has been answered out of the queue; there may be none.
    pub(crate) async fn close_review(
        &self,
        workspace: WorkspaceId,
        identity: Identity,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let open = vec![(":open", value("review item", &ReviewStatus::Open)?)];
        self.leave_queue(workspace, identity, Condition::of("reviewStatus = :open", open), at).await?;
        Ok(())
    }

    /// Nobody asks any more, and nobody has decided; refused unless `condition` holds.
    async fn leave_queue(
        &self,
        workspace: WorkspaceId,
        identity: Identity,
        condition: Condition,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let what = "review item";
        let condition = Condition { names: vec![("#place", "place")], ..condition };
        let values = vec![
            (":resolved", value(what, &ReviewStatus::Resolved)?),
            (":queue", text(keys::reviews(workspace, ReviewStatus::Resolved))),
            (":at", text(place(at, ReviewItemId::derived(workspace, identity)))),
            (":yes", AttributeValue::Bool(true)),
        ];
        let change = "SET reviewStatus = :resolved, answeredItself = :yes, review_pk = :queue, \
             review_sk = :at REMOVE #place, deciding";
        let key = keys::review(workspace, identity.tenant, identity.object);
        let written: Written = self.update(&key, change, condition, values).await?;
        Ok(written.is_done())
    }
}

/// A question as it is stored.
#[derive(Serialize)]
struct ReviewRow {
    #[serde(flatten)]
    item: ReviewItem,
    review_pk: String,
    review_sk: String,
}

/// Where a question stands in its part of the index.
pub(crate) fn place(at: Timestamp, id: ReviewItemId) -> String {
    // Nine digits always, since the index compares text.
    format!("{at:.9}#{id}")
}
