//! Contacts that are most likely one person, client by client: a proposal for whoever merges them in the PSA.

use std::collections::BTreeMap;

use domain::{
    contact::Contact,
    duplicates::{Copy, Evidence, Group, Seen, groups},
    ids::{ClientId, ContactId, WorkspaceId},
};
use serde::Serialize;
use store::{ClientScope, Store, StoreError, StoredContact};

/// Contacts that are read at once.
const READ_AT_ONCE: u16 = 1_000;

/// What was found at one client.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Duplicates {
    /// The client.
    pub client_id: ClientId,
    /// Its contacts that are in use.
    pub active_contacts: usize,
    /// How many there would be.
    pub active_after_merge: usize,
    /// Contacts that are most likely one person.
    pub groups: Vec<GroupView>,
}

/// Contacts that are most likely one person.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupView {
    /// The one to keep.
    pub keep: ContactView,
    /// Those to be merged into it.
    pub merge: Vec<CopyView>,
}

/// A contact as people recognise it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContactView {
    /// The contact.
    pub contact_name_id: ContactId,
    /// Its name.
    pub full_name: String,
    /// Its address.
    pub email: Option<String>,
    /// Whether it is linked to a person of a directory.
    pub is_linked: bool,
}

/// A contact that would be merged.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CopyView {
    /// The contact.
    #[serde(flatten)]
    pub contact: ContactView,
    /// What ties it to the one that is kept.
    pub evidence: Evidence,
    /// The same as a clause.
    pub explanation: &'static str,
}

/// What is found at one client; `None` when every contact of it seems to be somebody else.
///
/// # Errors
/// When the store fails.
pub async fn find(
    store: &Store,
    workspace: WorkspaceId,
    client: ClientId,
) -> Result<Option<Duplicates>, StoreError> {
    let scope = ClientScope::new(workspace, client);
    let (mut contacts, mut after): (Vec<StoredContact>, _) = (Vec::new(), None);
    loop {
        let (page, next) = store.contacts_page(scope, after, READ_AT_ONCE).await?;
        contacts.extend(page);
        match next {
            None => break,
            next => after = next,
        }
    }
    let seen: Vec<Seen<'_>> =
        contacts.iter().map(|stored| Seen { contact: &stored.contact, account: stored.account }).collect();
    let found = groups(&seen);
    if found.is_empty() {
        return Ok(None);
    }
    let by_id: BTreeMap<ContactId, &Contact> =
        contacts.iter().map(|stored| (stored.contact.id, &stored.contact)).collect();
    let active_contacts = by_id.values().filter(|contact| !contact.inactive).count();
    let copies: usize = found.iter().map(|group| group.copies.len()).sum();
    Ok(Some(Duplicates {
        client_id: client,
        active_contacts,
        active_after_merge: active_contacts - copies,
        groups: found.iter().map(|group| GroupView::new(group, &by_id)).collect(),
    }))
}

impl GroupView {
    fn new(group: &Group, contacts: &BTreeMap<ContactId, &Contact>) -> Self {
        let merge = |copy: &Copy| CopyView {
            contact: ContactView::new(copy.contact, contacts),
            evidence: copy.evidence,
            explanation: copy.evidence.explanation(),
        };
        Self { keep: ContactView::new(group.keep, contacts), merge: group.copies.iter().map(merge).collect() }
    }
}

impl ContactView {
    fn new(id: ContactId, contacts: &BTreeMap<ContactId, &Contact>) -> Self {
        let contact = contacts.get(&id);
        let values = contact.map(|contact| &contact.values);
        Self {
            contact_name_id: id,
            full_name: values.map(|values| values.full_name.clone()).unwrap_or_default(),
            email: values.and_then(|values| values.email.as_ref()).map(ToString::to_string),
            is_linked: contact.is_some_and(|contact| contact.entra.is_some()),
        }
    }
}
