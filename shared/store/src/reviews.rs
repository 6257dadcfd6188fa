//! The review queue: people a human has to decide about.

use domain::{
    email::EmailAddress,
    ids::{ClientId, EntraObjectId, EntraTenantId, Identity, ManagedTenantId, ReviewItemId, WorkspaceId},
    plan::{Candidate, Conflict},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    error::StoreError,
    keys,
    table::{Condition, OPEN_REVIEWS_INDEX, Query, Store, Written, decode, text, value},
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
        };
        let condition = Condition::of(
            "attribute_not_exists(pk) OR reviewStatus <> :dismissed",
            vec![(":dismissed", value(what, &ReviewStatus::Dismissed)?)],
        );
        let key = keys::review(workspace, rejected.identity.tenant, rejected.identity.object);
        Ok(self.put(what, &key, &item, condition).await?.is_done())
    }

    /// Puts a question into the queue, or renews it; a dismissed one stays dismissed.
    pub(crate) async fn open_review(
        &self,
        workspace: WorkspaceId,
        review: &OpenReview<'_>,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let id = ReviewItemId::derived(workspace, review.identity);
        let ids: Vec<_> = review.candidates.iter().map(|candidate| candidate.contact).collect();
        let what = "review item";
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
            (":queue", text(keys::open_reviews(workspace))),
            // Nine digits always, since the index compares text.
            (":place", text(format_args!("{at:.9}#{id}"))),
        ];
        let mut change = "SET id = :id, managedTenant = :managed, entraTenant = :tenant, #object = :object, \
             client = :client, #label = :label, #conflict = :conflict, candidates = :candidates, \
             candidateIds = :ids, reviewStatus = :open, openedAt = if_not_exists(openedAt, :at), \
             review_pk = :queue, review_sk = if_not_exists(review_sk, :place)"
            .to_owned();
        match review.address {
            Some(address) => {
                change.push_str(", address = :address");
                values.push((":address", text(address)));
            }
            None => change.push_str(" REMOVE address"),
        }
        let condition = Condition {
            expression: "attribute_not_exists(pk) OR reviewStatus <> :dismissed",
            names: vec![("#conflict", "conflict"), ("#object", "object"), ("#label", "label")],
            values: vec![(":dismissed", value(what, &ReviewStatus::Dismissed)?)],
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
    ) -> Result<(), StoreError> {
        let what = "review item";
        let condition =
            Condition::of("reviewStatus = :open", vec![(":open", value(what, &ReviewStatus::Open)?)]);
        let values = vec![(":resolved", value(what, &ReviewStatus::Resolved)?)];
        let change = "SET reviewStatus = :resolved REMOVE review_pk, review_sk";
        let key = keys::review(workspace, identity.tenant, identity.object);
        let _: Written = self.update(&key, change, condition, values).await?;
        Ok(())
    }

    /// The newest open questions.
    pub async fn open_reviews(
        &self,
        workspace: WorkspaceId,
        limit: u16,
    ) -> Result<Vec<ReviewItem>, StoreError> {
        let pk = keys::open_reviews(workspace);
        let query = Query {
            index: Some(OPEN_REVIEWS_INDEX),
            newest_first: true,
            limit: Some(i32::from(limit)),
            ..Query::of(&pk)
        };
        let (items, _) = self.query_page(&query).await?;
        items.into_iter().map(|item| decode("review item", item)).collect()
    }
}
