//! The link ledger: who is linked to which contact, listed; and what an operator asks to be done to links,
//! checked before a run is started for it.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    contact::{Contact, Link},
    ids::{ClientId, ContactId, EntraObjectId, EntraTenantId, ManagedTenantId, RunId, WorkspaceId},
    ledger::{LinkChange, Wish, contradictions},
    mandate::Mandate,
    run::RunKind,
    text::is_part_of_any,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{ClientScope, LedgerEntry, ManagedTenant, RunScope, Store, StoreError};

use crate::{LinkOrder, NotBegun, StartRequest, Sync, start};

/// People whose links one run changes, at most.
pub const PEOPLE_MAX: usize = 500;

/// Links that are read at once.
const READ_AT_ONCE: u16 = 200;

/// Links that one request looks through, at most: a filter may fit few of many.
const LOOKED_AT_MAX: usize = 4_000;

/// How a link stands. Of several that hold, the first one counts.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkStanding {
    /// What is stored cannot be read.
    Unreadable,
    /// It has ended: an undo took it away, or an operator had it forgotten; the next sync decides anew.
    Ended,
    /// An operator has ended it, and no sync makes another one.
    Cut,
    /// It leads to a contact of another client than the tenant is mapped to.
    Elsewhere,
    /// It leads to no contact, or to one that belongs to another account.
    Dead,
    /// The sync has made the contact inactive.
    Inactive,
    /// The person is leaving, and given grace.
    Leaving,
    /// In force.
    Active,
}

impl LinkStanding {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Unreadable,
        Self::Ended,
        Self::Cut,
        Self::Elsewhere,
        Self::Dead,
        Self::Inactive,
        Self::Leaving,
        Self::Active,
    ];

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Ended => "ended",
            Self::Cut => "cut",
            Self::Elsewhere => "elsewhere",
            Self::Dead => "dead",
            Self::Inactive => "inactive",
            Self::Leaving => "leaving",
            Self::Active => "active",
        }
    }
}

/// Which links.
#[derive(Clone, Debug, Default)]
pub struct LinkFilter {
    /// Only of this tenant.
    pub tenant: Option<ManagedTenantId>,
    /// Only those that lead to this client.
    pub client: Option<ClientId>,
    /// Only those that stand so.
    pub standing: Option<LinkStanding>,
    /// Only where this is part of the person's name or address, or the contact's, in whatever case.
    pub text: Option<String>,
}

/// Where a list of links goes on.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct LinkPlace {
    tenant: ManagedTenantId,
    after: Option<EntraObjectId>,
}

/// One link, with both of its ends.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkView {
    /// The tenant.
    pub managed_tenant_id: ManagedTenantId,
    /// Microsoft's id of it.
    pub entra_tenant_id: EntraTenantId,
    /// The person.
    pub entra_object_id: EntraObjectId,
    /// The person's name when it was last seen.
    pub display_name: Option<String>,
    /// The person's address at that time.
    pub email: Option<String>,
    /// How it stands.
    pub standing: LinkStanding,
    /// Whether an operator has said that the contact stays as it is although the person is leaving.
    pub kept: bool,
    /// The client of the contact.
    pub client_id: Option<ClientId>,
    /// The contact that it leads to, whether that is there or not.
    pub contact_name_id: Option<ContactId>,
    /// The contact's name; `None` when it is not there.
    pub contact_name: Option<String>,
    /// The contact's address.
    pub contact_email: Option<String>,
    /// Whether the contact is not in use.
    pub contact_inactive: Option<bool>,
    /// When it was last written.
    pub synced_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// Some links.
#[derive(Clone, Debug, PartialEq)]
pub struct LinksListed {
    /// The links, by tenant and object id.
    pub links: Vec<LinkView>,
    /// Where the list goes on. There may be no link before it: a request looks through so many and no more.
    pub next: Option<LinkPlace>,
}

/// At most `limit` links behind `place`.
///
/// # Errors
/// When the store fails.
pub async fn links(
    store: &Store,
    workspace: WorkspaceId,
    filter: &LinkFilter,
    place: Option<LinkPlace>,
    limit: usize,
) -> Result<LinksListed, StoreError> {
    let mut tenants = store.managed_tenants(workspace).await?;
    tenants.retain(|tenant| filter.tenant.is_none_or(|only| only == tenant.id));
    tenants.sort_by_key(|tenant| tenant.id);
    let (mut found, mut looked_at) = (Vec::new(), 0);
    for tenant in tenants.iter().filter(|tenant| place.is_none_or(|place| tenant.id >= place.tenant)) {
        let mut after = place.filter(|place| place.tenant == tenant.id).and_then(|place| place.after);
        let mapping = store.mapping(workspace, tenant.id).await?;
        let mapped = mapping.and_then(|record| record.current.decision.client());
        loop {
            let entries = store.ledger(workspace, tenant.entra, after, READ_AT_ONCE).await?;
            if entries.is_empty() {
                break;
            }
            looked_at += entries.len();
            for view in views(store, workspace, tenant, mapped, entries).await? {
                if found.len() == limit {
                    let next = Some(LinkPlace { tenant: tenant.id, after });
                    return Ok(LinksListed { links: found, next });
                }
                after = Some(view.entra_object_id);
                if filter.fits(&view) {
                    found.push(view);
                }
            }
            if looked_at >= LOOKED_AT_MAX {
                let next = Some(LinkPlace { tenant: tenant.id, after });
                return Ok(LinksListed { links: found, next });
            }
        }
    }
    Ok(LinksListed { links: found, next: None })
}

async fn views(
    store: &Store,
    workspace: WorkspaceId,
    tenant: &ManagedTenant,
    mapped: Option<ClientId>,
    entries: Vec<LedgerEntry>,
) -> Result<Vec<LinkView>, StoreError> {
    let mut wanted: BTreeMap<ClientId, BTreeSet<ContactId>> = BTreeMap::new();
    for link in entries.iter().filter_map(|entry| entry.link.as_ref()) {
        wanted.entry(link.client).or_default().insert(link.contact);
    }
    let mut contacts = BTreeMap::new();
    for (client, ids) in wanted {
        contacts.extend(store.contacts(ClientScope::new(workspace, client), &ids).await?);
    }
    let view = |entry: LedgerEntry| {
        let contact = entry.link.as_ref().and_then(|link| contacts.get(&link.contact));
        view(tenant, mapped, &entry, contact)
    };
    Ok(entries.into_iter().map(view).collect())
}

fn view(
    tenant: &ManagedTenant,
    mapped: Option<ClientId>,
    entry: &LedgerEntry,
    contact: Option<&Contact>,
) -> LinkView {
    let (link, facts) = (entry.link.as_ref(), entry.facts.as_ref());
    LinkView {
        managed_tenant_id: tenant.id,
        entra_tenant_id: tenant.entra,
        entra_object_id: entry.object,
        display_name: facts.map(|facts| facts.full_name.clone()),
        email: facts.map(|facts| facts.email.to_string()),
        standing: standing(entry, mapped, contact),
        kept: link.is_some_and(|link| link.keep),
        client_id: link.map(|link| link.client),
        contact_name_id: link.map(|link| link.contact),
        contact_name: contact.map(|contact| contact.values.full_name.clone()),
        contact_email: contact.and_then(|contact| contact.values.email.as_ref()).map(ToString::to_string),
        contact_inactive: contact.map(|contact| contact.inactive),
        synced_at: entry.synced_at,
        ended_at: entry.ended_at,
    }
}

fn standing(entry: &LedgerEntry, mapped: Option<ClientId>, contact: Option<&Contact>) -> LinkStanding {
    let is_theirs = |link: &Link| {
        contact.is_some_and(|contact| {
            contact.entra.as_ref().is_some_and(|stamp| stamp.identity == link.identity)
        })
    };
    match &entry.link {
        _ if entry.unreadable => LinkStanding::Unreadable,
        None if entry.parted => LinkStanding::Cut,
        None => LinkStanding::Ended,
        Some(link) if mapped.is_some_and(|mapped| mapped != link.client) => LinkStanding::Elsewhere,
        Some(link) if !is_theirs(link) => LinkStanding::Dead,
        Some(link) if !link.active => LinkStanding::Inactive,
        Some(link) if link.missing > 0 => LinkStanding::Leaving,
        Some(_) => LinkStanding::Active,
    }
}

impl LinkFilter {
    fn fits(&self, view: &LinkView) -> bool {
        let has = |text: &String| {
            let shown = [&view.display_name, &view.email, &view.contact_name, &view.contact_email];
            is_part_of_any(text, shown.into_iter().flatten().map(String::as_str))
        };
        self.client.is_none_or(|only| view.client_id == Some(only))
            && self.standing.is_none_or(|only| view.standing == only)
            && self.text.as_ref().is_none_or(has)
    }
}

/// What an operator asks to be done to links of one tenant.
#[derive(Clone, Debug)]
pub struct ChangeRequest {
    /// The MSP.
    pub workspace: WorkspaceId,
    /// The tenant.
    pub tenant: ManagedTenantId,
    /// What.
    pub change: LinkChange,
    /// Of whom.
    pub wishes: Vec<Wish>,
    /// Whether it is only planned.
    pub preview: bool,
    /// In whose name.
    pub mandate: Mandate,
}

/// Why links are not changed.
#[derive(Debug, thiserror::Error)]
pub enum NotChanged {
    /// There is no such contact at the mapped client.
    #[error("a contact is not at the client")]
    ContactNotFound(ContactId),
    /// Somebody is named twice, or without the contact that is needed.
    #[error("the people are not named as they have to be")]
    Contradiction(EntraObjectId),
    /// Nobody is named, or too many are.
    #[error("nobody is named, or too many are")]
    HowMany(usize),
    /// No run was started.
    #[error("no run was started")]
    NotBegun(#[from] NotBegun),
    /// Nothing was ever linked of these people.
    #[error("some of the people have no link")]
    NotLinked(Vec<EntraObjectId>),
    /// There is no such tenant.
    #[error("there is no such tenant")]
    UnknownTenant,
}

impl From<StoreError> for NotChanged {
    fn from(error: StoreError) -> Self {
        Self::NotBegun(NotBegun::Store(error))
    }
}

/// Starts a run that changes links.
///
/// # Errors
/// See [`NotChanged`].
pub async fn change(sync: &Sync, request: ChangeRequest) -> Result<crate::Begun, NotChanged> {
    let ChangeRequest { workspace, tenant, change, mut wishes, preview, mandate } = request;
    if wishes.is_empty() || wishes.len() > PEOPLE_MAX {
        return Err(NotChanged::HowMany(wishes.len()));
    }
    if let Some(object) = contradictions(change, &wishes).into_iter().next() {
        return Err(NotChanged::Contradiction(object));
    }
    wishes.sort();
    let found = sync.store.managed_tenant(workspace, tenant).await?.ok_or(NotChanged::UnknownTenant)?;
    check_people(sync, workspace, &found, change, &wishes).await?;
    let kind = if preview { RunKind::Preflight } else { RunKind::Links };
    let scope = RunScope { tenant: Some(tenant), ..RunScope::default() };
    let links = Some(LinkOrder { change, wishes });
    let request = StartRequest { links, ..StartRequest::new(workspace, kind, scope, mandate) };
    Ok(start(sync, request).await?)
}

async fn check_people(
    sync: &Sync,
    workspace: WorkspaceId,
    tenant: &ManagedTenant,
    change: LinkChange,
    wishes: &[Wish],
) -> Result<(), NotChanged> {
    let people = wishes.iter().map(|wish| wish.object).collect();
    let (known, unreadable) = sync.store.people(workspace, tenant.entra, &people).await?;
    let can_change = |object: &EntraObjectId| match change {
        // Whoever is not linked, or never was, can be matched.
        LinkChange::Rematch => true,
        _ if unreadable.contains(object) => true,
        LinkChange::Cut | LinkChange::Forget => {
            known.get(object).is_some_and(|(person, _)| person.link.is_some() || person.parted)
        }
        // Whoever was seen once can be linked by hand.
        LinkChange::Move => known.get(object).is_some_and(|(_, facts)| facts.is_some()),
    };
    let missing: Vec<EntraObjectId> = people.into_iter().filter(|object| !can_change(object)).collect();
    if !missing.is_empty() {
        return Err(NotChanged::NotLinked(missing));
    }
    let contacts: BTreeSet<ContactId> = wishes.iter().filter_map(|wish| wish.contact).collect();
    if contacts.is_empty() {
        return Ok(());
    }
    let mapping = sync.store.mapping(workspace, tenant.id).await?;
    let client = mapping.and_then(|record| record.current.decision.client());
    let client = client.ok_or(NotChanged::NotBegun(NotBegun::NothingMapped))?;
    let found = sync.store.contacts(ClientScope::new(workspace, client), &contacts).await?;
    match contacts.iter().find(|contact| !found.contains_key(contact)) {
        Some(contact) => Err(NotChanged::ContactNotFound(*contact)),
        None => Ok(()),
    }
}

/// A run, for whoever is told that it was started.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeStarted {
    /// It was.
    pub accepted: bool,
    /// Whether it writes nothing.
    pub is_dry_run: bool,
    /// What is done.
    pub change: LinkChange,
    /// The run.
    pub run_id: RunId,
    /// The workflow execution that carries it.
    pub workflow_id: String,
}
