//! Links, read as one inventory for each tenant or person by person, and written one by one.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    contact::{Contact, Fingerprint, Link},
    email::EmailAddress,
    facts::SourceFacts,
    ids::{ClientId, ContactId, EntraObjectId, EntraTenantId, Identity, WorkspaceId},
    inventory::{Inventory, ReviewState},
    plan::{Conflict, LinkState},
    planner::{KnownPerson, Unreadable},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    contacts::{ClientScope, contact_or_id},
    error::StoreError,
    keys,
    reviews::ReviewStatus,
    table::{Change, Condition, Query, Store, Written, decode, number, text, text_of, value},
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    missing_since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    keep: bool,
    /// What was last seen.
    facts: SourceFacts,
    synced_at: Timestamp,
}

/// Whose link is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum LinkWriter {
    /// The run's own: what it says holds.
    Decides,
    /// Another run's, which may have been cut off before it: what is there in force stays as it is, with
    /// what was seen and decided since.
    Completes,
}

/// What the inventory needs of a link or a review item.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PersonRow {
    sk: String,
    contact: Option<ContactId>,
    client: Option<ClientId>,
    active: Option<bool>,
    fingerprint: Option<Fingerprint>,
    missing: Option<u8>,
    missing_since: Option<Timestamp>,
    #[serde(default)]
    keep: bool,
    /// When the link ended.
    pub(crate) cut_at: Option<Timestamp>,
    /// An operator has ended it, and no sync makes another one.
    #[serde(default)]
    pub(crate) parted: bool,
    review_status: Option<ReviewStatus>,
    conflict: Option<Conflict>,
    #[serde(default)]
    candidate_ids: Vec<ContactId>,
    seen: Option<Fingerprint>,
    resolution: Option<Settled>,
}

/// What later runs need of an operator's decision.
#[derive(Debug, Deserialize)]
struct Settled {
    address: Option<EmailAddress>,
}

/// A person's row when it is read on its own.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WholeRow {
    #[serde(flatten)]
    pub(crate) person: PersonRow,
    pub(crate) facts: Option<SourceFacts>,
    pub(crate) synced_at: Option<Timestamp>,
}

/// A person of a read that does not look at everybody.
pub type FoundPerson = (KnownPerson, Option<SourceFacts>);

/// What one look-up of contacts and links has found.
#[derive(Clone, Debug, Default)]
pub struct ContactsAndLastSeen {
    /// The contacts.
    pub contacts: BTreeMap<ContactId, Contact>,
    /// What was last seen of people.
    pub facts: BTreeMap<EntraObjectId, SourceFacts>,
    /// What is there and cannot be read.
    pub unreadable: Unreadable,
}

const PERSON: &str = "#sk, #contact, #client, #active, #fingerprint, #missing, #since, #keep, #cut, #parted, \
     #status, #conflict, #candidates, #seen, #resolution";
const PERSON_NAMES: &[(&str, &str)] = &[
    ("#sk", "sk"),
    ("#contact", "contact"),
    ("#client", "client"),
    ("#active", "active"),
    ("#fingerprint", "fingerprint"),
    ("#missing", "missing"),
    ("#since", "missingSince"),
    ("#keep", "keep"),
    ("#cut", "cutAt"),
    ("#parted", "parted"),
    ("#status", "reviewStatus"),
    ("#conflict", "conflict"),
    ("#candidates", "candidateIds"),
    ("#seen", "seen"),
    ("#resolution", "resolution"),
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
        let mut inventory = Inventory::new(tenant);
        loop {
            let (items, next) = self.query_page(&query).await?;
            for item in items {
                let sk = text_of(&item, "sk");
                let added = decode("person", item).and_then(|row| add(&mut inventory, tenant, row));
                if let Err(error) = added {
                    inventory.unreadable.insert(person_of(sk.as_deref(), error)?);
                }
            }
            match next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
        inventory.seal();
        Ok(inventory)
    }

    /// What is stored about some people of a tenant, and what was last seen of those who are linked;
    /// every one of `people` has an answer. Then those among them of whom something cannot be read, and
    /// whose answer is therefore not to be relied on.
    pub async fn people(
        &self,
        workspace: WorkspaceId,
        tenant: EntraTenantId,
        people: &BTreeSet<EntraObjectId>,
    ) -> Result<(BTreeMap<EntraObjectId, FoundPerson>, BTreeSet<EntraObjectId>), StoreError> {
        let keys = people.iter().flat_map(|object| {
            [
                keys::link(workspace, tenant, *object),
                keys::review(workspace, tenant, *object),
                keys::hint(workspace, tenant, *object),
            ]
        });
        let mut inventory = Inventory::new(tenant);
        let mut facts = BTreeMap::new();
        for item in self.batch_get_items("person", keys.collect()).await? {
            let sk = text_of(&item, "sk");
            let added = decode("person", item).and_then(|row: WholeRow| {
                if let (Some(seen), Some(object)) = (row.facts, row.person.sk.strip_prefix("LINK#")) {
                    facts.insert(parse(object)?, seen);
                }
                add(&mut inventory, tenant, row.person)
            });
            if let Err(error) = added {
                inventory.unreadable.insert(person_of(sk.as_deref(), error)?);
            }
        }
        inventory.seal();
        let known = |object: &EntraObjectId| {
            let person = KnownPerson {
                link: inventory.link(*object),
                review: inventory.reviews.get(object).cloned(),
                hint: inventory.hints.get(object).copied(),
                cut_at: inventory.cuts.get(object).copied(),
                parted: inventory.parted.contains(object),
            };
            (*object, (person, facts.remove(object)))
        };
        let people = people.iter().map(known).collect();
        Ok((people, inventory.unreadable))
    }

    /// Contacts of one client, and what was last seen of linked people, in one look-up; what is not
    /// there is left out, and so is what cannot be read.
    pub async fn contacts_and_last_seen(
        &self,
        scope: ClientScope,
        contacts: &BTreeSet<ContactId>,
        tenant: EntraTenantId,
        people: &BTreeSet<EntraObjectId>,
    ) -> Result<ContactsAndLastSeen, StoreError> {
        let links = people.iter().map(|object| keys::link(scope.workspace(), tenant, *object));
        let keys = contacts.iter().map(|contact| scope.contact(*contact)).chain(links).collect();
        let mut found = ContactsAndLastSeen::default();
        for item in self.batch_get_items("contact or link", keys).await? {
            let sk = text_of(&item, "sk");
            match sk.as_deref().and_then(|sk| sk.strip_prefix("LINK#")).map(parse).transpose()? {
                None => match contact_or_id(item)? {
                    Ok(row) => drop(found.contacts.insert(row.contact.id, row.contact)),
                    Err(contact) => drop(found.unreadable.contacts.insert(contact)),
                },
                Some(object) => match decode::<WholeRow>("link", item) {
                    Ok(row) => found.facts.extend(row.facts.map(|facts| (object, facts))),
                    Err(error) => drop(found.unreadable.people.insert(person_of(sk.as_deref(), error)?)),
                },
            }
        }
        Ok(found)
    }

    /// Writes a link with what was seen; answers false when the identity is linked to another contact than
    /// that and `leaves`.
    pub(crate) async fn put_link(
        &self,
        workspace: WorkspaceId,
        link: &Link,
        leaves: Option<ContactId>,
        seen: (&SourceFacts, Timestamp),
        writer: LinkWriter,
    ) -> Result<bool, StoreError> {
        let (facts, at) = seen;
        let row = LinkRow {
            contact: link.contact,
            client: link.client,
            active: link.active,
            fingerprint: link.fingerprint,
            missing: link.missing,
            missing_since: link.missing_since,
            keep: link.keep,
            facts: facts.clone(),
            synced_at: at,
        };
        let mut values =
            vec![(":contact", text(link.contact)), (":leaves", text(leaves.unwrap_or(link.contact)))];
        // A link that was cut names no contact.
        let mut expression = "attribute_not_exists(#contact) OR #contact = :contact OR #contact = :leaves";
        let mut names = vec![("#contact", "contact")];
        if writer == LinkWriter::Completes {
            expression = "attribute_not_exists(#contact) OR (#contact = :contact AND #active = :no) OR \
                 (#contact = :leaves AND :leaves <> :contact)";
            names.push(("#active", "active"));
            values.push((":no", AttributeValue::Bool(false)));
        }
        let condition = Condition { expression, names, values, ..Condition::default() };
        let key = keys::link(workspace, link.identity.tenant, link.identity.object);
        match self.put("link", &key, &row, condition).await? {
            Written::Done(_) => Ok(true),
            Written::Refused(None) => Ok(false),
            Written::Refused(Some(item)) => {
                let theirs: LinkRow = decode("link", item)?;
                Ok(writer == LinkWriter::Completes && theirs.contact == link.contact)
            }
        }
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
        let change = "SET fingerprint = :fingerprint, facts = :facts, syncedAt = :at, #missing = :none \
             REMOVE missingSince, #keep";
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
        let mut condition = linked();
        condition.names.push(("#active", "active"));
        let change = "SET #active = :active, syncedAt = :at, #missing = :none REMOVE missingSince, #keep";
        let key = keys::link(workspace, identity.tenant, identity.object);
        Ok(self.update(&key, change, condition, values).await?.is_done())
    }

    /// Notes that a linked person is leaving, or is back (`times` 0).
    pub(crate) async fn note_missing(
        &self,
        workspace: WorkspaceId,
        identity: Identity,
        times: u8,
        since: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        let mut values = vec![(":times", number(times))];
        let mut condition = linked();
        let change = match (times, since) {
            (0, _) => "SET #missing = :times REMOVE missingSince, #keep",
            (_, None) => "SET #missing = :times",
            (_, Some(since)) => {
                values.push((":since", text(since)));
                "SET #missing = :times, missingSince = :since"
            }
        };
        if times > 0 {
            condition.names.retain(|(short, _)| *short != "#keep");
        }
        let key = keys::link(workspace, identity.tenant, identity.object);
        Ok(self.update(&key, change, condition, values).await?.is_done())
    }

    /// Notes an operator's word that the contact stays as it is although the person is leaving. Answers
    /// false when that was noted before, or nobody is linked.
    pub async fn keep_contact(&self, workspace: WorkspaceId, identity: Identity) -> Result<bool, StoreError> {
        let mut condition = linked();
        condition.names.retain(|(short, _)| *short == "#keep");
        condition.expression = "attribute_exists(pk) AND (attribute_not_exists(#keep) OR #keep <> :yes)";
        let values = vec![(":yes", value("link", &true)?)];
        let key = keys::link(workspace, identity.tenant, identity.object);
        Ok(self.update(&key, "SET #keep = :yes", condition, values).await?.is_done())
    }

    /// Takes back what [`Self::keep_contact`] has noted. Answers false when nothing was.
    pub async fn ask_about_contact(
        &self,
        workspace: WorkspaceId,
        identity: Identity,
    ) -> Result<bool, StoreError> {
        let condition = Condition {
            names: vec![("#keep", "keep")],
            ..Condition::of("#keep = :yes", vec![(":yes", value("link", &true)?)])
        };
        let key = keys::link(workspace, identity.tenant, identity.object);
        Ok(self.update(&key, "REMOVE #keep", condition, Vec::new()).await?.is_done())
    }

    /// Puts the link between a person and a contact into a state, for an undo or because an operator says so;
    /// refused when the person is linked to another contact.
    pub(crate) async fn turn_link(
        &self,
        workspace: WorkspaceId,
        identity: Identity,
        tie: (ClientId, ContactId),
        state: LinkState,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let Change { key, expression, condition, extra } = link_turned(workspace, identity, tie, state, at)?;
        Ok(self.update(&key, &expression, condition, extra).await?.is_done())
    }

    /// Notes that the PSA says `contact` belongs to an account. The last word counts.
    pub(crate) async fn note_hint(
        &self,
        scope: ClientScope,
        identity: Identity,
        contact: ContactId,
    ) -> Result<(), StoreError> {
        let condition = Condition {
            expression: "attribute_not_exists(#contact) OR #contact <> :contact OR #client <> :client",
            names: vec![("#contact", "contact"), ("#client", "client")],
            values: vec![(":contact", text(contact)), (":client", text(scope.client()))],
            ..Condition::default()
        };
        let key = keys::hint(scope.workspace(), identity.tenant, identity.object);
        self.update(&key, "SET #contact = :contact, #client = :client", condition, Vec::new()).await?;
        Ok(())
    }

    /// The PSA no longer says that `contact` belongs to the account.
    pub(crate) async fn forget_hint(
        &self,
        workspace: WorkspaceId,
        identity: Identity,
        contact: ContactId,
    ) -> Result<(), StoreError> {
        let condition = Condition {
            expression: "#contact = :contact",
            names: vec![("#contact", "contact"), ("#client", "client")],
            values: vec![(":contact", text(contact))],
            ..Condition::default()
        };
        let key = keys::hint(workspace, identity.tenant, identity.object);
        self.update(&key, "REMOVE #contact, #client", condition, Vec::new()).await?;
        Ok(())
    }

    /// The contact that was to be made for an unlinked person, who may be new, has the id of one that is there: the
    /// next one is another.
    pub(crate) async fn choose_another_id(
        &self,
        workspace: WorkspaceId,
        identity: Identity,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let condition = Condition {
            expression: "attribute_not_exists(#contact)",
            names: vec![("#contact", "contact")],
            ..Condition::default()
        };
        let key = keys::link(workspace, identity.tenant, identity.object);
        self.update(&key, "SET cutAt = :at", condition, vec![(":at", text(at))]).await?;
        Ok(())
    }

    async fn change_link(
        &self,
        workspace: WorkspaceId,
        identity: Identity,
        change: &str,
        values: Vec<(&'static str, aws_sdk_dynamodb::types::AttributeValue)>,
    ) -> Result<bool, StoreError> {
        let key = keys::link(workspace, identity.tenant, identity.object);
        let written: Written = self.update(&key, change, linked(), values).await?;
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
        rows.iter().filter_map(|person| link_of(tenant, person).transpose()).collect()
    }
}

/// The change that puts the link between a person and a contact into a state; its condition fails when the
/// person is linked to another contact.
pub(crate) fn link_turned(
    workspace: WorkspaceId,
    identity: Identity,
    (client, contact): (ClientId, ContactId),
    state: LinkState,
    at: Timestamp,
) -> Result<Change, StoreError> {
    let mut values = vec![(":active", value("link", &(state == LinkState::Active))?), (":at", text(at))];
    values.push((":none", number(0)));
    let set = "SET #active = :active, syncedAt = :at, #missing = :none";
    let change = match state {
        LinkState::Cut => {
            format!("{set}, cutAt = :at REMOVE #contact, #client, missingSince, #keep, parted")
        }
        LinkState::Parted => {
            values.push((":yes", AttributeValue::Bool(true)));
            format!("{set}, cutAt = :at, parted = :yes REMOVE #contact, #client, missingSince, #keep")
        }
        LinkState::Active | LinkState::Inactive => {
            values.push((":client", text(client)));
            format!("{set}, #contact = :contact, #client = :client REMOVE missingSince, #keep, cutAt, parted")
        }
    };
    let mut condition = linked();
    condition.expression = "attribute_exists(pk) AND (attribute_not_exists(#contact) OR #contact = :contact)";
    condition.names.extend([("#active", "active"), ("#contact", "contact"), ("#client", "client")]);
    condition.values.push((":contact", text(contact)));
    let key = keys::link(workspace, identity.tenant, identity.object);
    Ok(Change { key, expression: change.into(), condition, extra: values })
}

/// The link is there.
fn linked() -> Condition {
    Condition {
        expression: "attribute_exists(pk)",
        names: vec![("#missing", "missing"), ("#keep", "keep")],
        ..Condition::default()
    }
}

fn add(inventory: &mut Inventory, tenant: EntraTenantId, person: PersonRow) -> Result<(), StoreError> {
    if let Some(link) = link_of(tenant, &person)? {
        inventory.push(&link);
    } else if let (Some(object), Some(at)) = (person.sk.strip_prefix("LINK#"), person.cut_at) {
        let object = parse(object)?;
        inventory.cuts.insert(object, at);
        if person.parted {
            inventory.parted.insert(object);
        }
    } else if let Some(object) = person.sk.strip_prefix("HINT#") {
        inventory
            .hints
            .extend(person.contact.map(|contact| parse(object).map(|object| (object, contact))).transpose()?);
    } else if let Some(object) = person.sk.strip_prefix("REVIEW#") {
        let state = match (person.review_status, person.conflict, person.resolution) {
            // Nobody was asked: it waited at a stop limit, and an operator did not want it.
            (Some(ReviewStatus::Dismissed), Some(Conflict::Rejected), None) => ReviewState::Rejected,
            (Some(ReviewStatus::Dismissed), ..) => ReviewState::Dismissed,
            (Some(ReviewStatus::Resolved), _, Some(Settled { address })) => ReviewState::Settled { address },
            (Some(ReviewStatus::Open), Some(conflict), before) => ReviewState::Open {
                conflict,
                candidates: person.candidate_ids,
                seen: person.seen,
                taken_back: before.is_some(),
            },
            _ => return Ok(()),
        };
        inventory.reviews.insert(parse(object)?, state);
    }
    Ok(())
}

/// Whom an item is about that cannot be read; the fault itself when the item does not even say that.
fn person_of(sk: Option<&str>, error: StoreError) -> Result<EntraObjectId, StoreError> {
    let about = sk.and_then(|sk| sk.split_once('#')).and_then(|(_, object)| object.parse().ok());
    about.ok_or(error)
}

fn parse(object: &str) -> Result<EntraObjectId, StoreError> {
    object.parse().map_err(|error| StoreError::damaged("person", error))
}

/// The link of the row; `None` when it is no link, or one that has ended.
pub(crate) fn link_of(tenant: EntraTenantId, person: &PersonRow) -> Result<Option<Link>, StoreError> {
    let Some(object) = person.sk.strip_prefix("LINK#") else { return Ok(None) };
    let Some(contact) = person.contact else { return Ok(None) };
    let (Some(client), Some(active), Some(fingerprint)) = (person.client, person.active, person.fingerprint)
    else {
        return Err(StoreError::damaged("link", "an attribute is missing"));
    };
    Ok(Some(Link {
        identity: Identity { tenant, object: parse(object)? },
        contact,
        client,
        active,
        fingerprint,
        missing: person.missing.unwrap_or_default(),
        missing_since: person.missing_since,
        keep: person.keep,
    }))
}
