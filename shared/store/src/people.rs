//! Links, read as one inventory for each tenant and written one by one.

use domain::{
    contact::{Fingerprint, Link},
    facts::SourceFacts,
    ids::{ClientId, ContactId, EntraObjectId, EntraTenantId, Identity, WorkspaceId},
    inventory::{Inventory, ReviewState},
    plan::Conflict,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    error::StoreError,
    keys,
    reviews::ReviewStatus,
    table::{Condition, Query, Store, Written, decode, number, text, value},
};

/// A link as it is stored.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct LinkRow {
    contact: ContactId,
    client: ClientId,
    active: bool,
    fingerprint: Fingerprint,
    #[serde(default)]
    missing: u8,
    /// What was last seen.
    facts: SourceFacts,
    synced_at: Timestamp,
}

/// What the inventory needs of a link or a review item.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PersonRow {
    sk: String,
    contact: Option<ContactId>,
    client: Option<ClientId>,
    active: Option<bool>,
    fingerprint: Option<Fingerprint>,
    missing: Option<u8>,
    review_status: Option<ReviewStatus>,
    conflict: Option<Conflict>,
    #[serde(default)]
    candidate_ids: Vec<ContactId>,
}

const PERSON: &str =
    "#sk, #contact, #client, #active, #fingerprint, #missing, #status, #conflict, #candidates";
const PERSON_NAMES: &[(&str, &str)] = &[
    ("#sk", "sk"),
    ("#contact", "contact"),
    ("#client", "client"),
    ("#active", "active"),
    ("#fingerprint", "fingerprint"),
    ("#missing", "missing"),
    ("#status", "reviewStatus"),
    ("#conflict", "conflict"),
    ("#candidates", "candidateIds"),
];

impl Store {
    /// Everything stored about the people of one tenant: one query, a page of 1 MB each.
    pub async fn inventory(
        &self,
        workspace: WorkspaceId,
        tenant: EntraTenantId,
    ) -> Result<Inventory, StoreError> {
        let pk = keys::people(workspace, tenant);
        let mut query = Query { projection: Some(PERSON), names: PERSON_NAMES, ..Query::of(&pk) };
        let mut inventory = Inventory::default();
        loop {
            let (items, next) = self.query_page(&query).await?;
            for item in items {
                add(&mut inventory, tenant, decode("person", item)?)?;
            }
            match next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
        inventory.seal();
        Ok(inventory)
    }

    /// Writes a link with what was seen; refused when the identity is linked to another contact.
    pub(crate) async fn put_link(
        &self,
        workspace: WorkspaceId,
        link: &Link,
        facts: &SourceFacts,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let row = LinkRow {
            contact: link.contact,
            client: link.client,
            active: link.active,
            fingerprint: link.fingerprint,
            missing: link.missing,
            facts: facts.clone(),
            synced_at: at,
        };
        let condition = Condition {
            expression: "attribute_not_exists(pk) OR #contact = :contact",
            names: vec![("#contact", "contact")],
            values: vec![(":contact", text(link.contact))],
            ..Condition::default()
        };
        let key = keys::link(workspace, link.identity.tenant, link.identity.object);
        Ok(self.put("link", &key, &row, condition).await?.is_done())
    }

    /// Notes what was seen of a linked person.
    pub(crate) async fn refresh_link(
        &self,
        workspace: WorkspaceId,
        identity: Identity,
        fingerprint: Fingerprint,
        facts: &SourceFacts,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let values = vec![
            (":fingerprint", number(fingerprint.0)),
            (":facts", value("link", facts)?),
            (":at", text(at)),
            (":none", number(0)),
        ];
        let change = "SET fingerprint = :fingerprint, facts = :facts, syncedAt = :at, #missing = :none";
        self.change_link(workspace, identity, change, values).await
    }

    /// Notes that the link's contact is inactive now.
    pub(crate) async fn deactivate_link(
        &self,
        workspace: WorkspaceId,
        identity: Identity,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let values = vec![(":active", value("link", &false)?), (":at", text(at)), (":none", number(0))];
        let condition = Condition {
            expression: "attribute_exists(pk)",
            names: vec![("#active", "active"), ("#missing", "missing")],
            values: Vec::new(),
            ..Condition::default()
        };
        let change = "SET #active = :active, syncedAt = :at, #missing = :none";
        let key = keys::link(workspace, identity.tenant, identity.object);
        Ok(self.update(&key, change, condition, values).await?.is_done())
    }

    /// Notes in how many complete reads a linked person was missing.
    pub(crate) async fn note_missing(
        &self,
        workspace: WorkspaceId,
        identity: Identity,
        times: u8,
    ) -> Result<bool, StoreError> {
        let change = "SET #missing = :times";
        self.change_link(workspace, identity, change, vec![(":times", number(times))]).await
    }

    async fn change_link(
        &self,
        workspace: WorkspaceId,
        identity: Identity,
        change: &str,
        values: Vec<(&'static str, aws_sdk_dynamodb::types::AttributeValue)>,
    ) -> Result<bool, StoreError> {
        let key = keys::link(workspace, identity.tenant, identity.object);
        let condition = Condition {
            expression: "attribute_exists(pk)",
            names: vec![("#missing", "missing")],
            values: Vec::new(),
            ..Condition::default()
        };
        let written: Written = self.update(&key, change, condition, values).await?;
        Ok(written.is_done())
    }

    /// Every link of a tenant with what was last seen, for exports and tests.
    pub async fn links(
        &self,
        workspace: WorkspaceId,
        tenant: EntraTenantId,
    ) -> Result<Vec<Link>, StoreError> {
        let pk = keys::people(workspace, tenant);
        let rows: Vec<PersonRow> = self.query("link", &pk, Some("LINK#")).await?;
        rows.iter().filter_map(|person| link(tenant, person).transpose()).collect()
    }
}

fn add(inventory: &mut Inventory, tenant: EntraTenantId, person: PersonRow) -> Result<(), StoreError> {
    if let Some(link) = link(tenant, &person)? {
        inventory.push(&link);
    } else if let Some(object) = person.sk.strip_prefix("REVIEW#") {
        let object: EntraObjectId =
            object.parse().map_err(|error| StoreError::damaged("review item", error))?;
        let state = match (person.review_status, person.conflict) {
            (Some(ReviewStatus::Dismissed), _) => ReviewState::Dismissed,
            (Some(ReviewStatus::Open), Some(conflict)) => {
                ReviewState::Open { conflict, candidates: person.candidate_ids }
            }
            _ => return Ok(()),
        };
        inventory.reviews.insert(object, state);
    }
    Ok(())
}

fn link(tenant: EntraTenantId, person: &PersonRow) -> Result<Option<Link>, StoreError> {
    let Some(object) = person.sk.strip_prefix("LINK#") else { return Ok(None) };
    let object: EntraObjectId = object.parse().map_err(|error| StoreError::damaged("link", error))?;
    let (Some(contact), Some(client), Some(active), Some(fingerprint)) =
        (person.contact, person.client, person.active, person.fingerprint)
    else {
        return Err(StoreError::damaged("link", "an attribute is missing"));
    };
    let missing = person.missing.unwrap_or_default();
    Ok(Some(Link { identity: Identity { tenant, object }, contact, client, active, fingerprint, missing }))
}
