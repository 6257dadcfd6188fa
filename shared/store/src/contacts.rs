//! Contacts and the claims on their addresses.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    contact::{Contact, Owner},
    email::EmailAddress,
    ids::{ClientId, ContactId, Identity, WorkspaceId},
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    contact_input::{ContactInput, SaidAccount},
    error::StoreError,
    keys,
    table::{Condition, Item, Query, Store, Written, decode, number, text, text_of},
};

/// The right to work on one client's contacts. Every key of a contact is made from it, so a
/// worker that holds the scope of one client has no way to name a contact of another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClientScope {
    workspace: WorkspaceId,
    client: ClientId,
}

impl ClientScope {
    /// The scope of one client.
    pub fn new(workspace: WorkspaceId, client: ClientId) -> Self {
        Self { workspace, client }
    }

    /// The MSP.
    pub fn workspace(self) -> WorkspaceId {
        self.workspace
    }

    /// The client.
    pub fn client(self) -> ClientId {
        self.client
    }

    pub(crate) fn contact(self, contact: ContactId) -> keys::Key {
        keys::contact(self.workspace, self.client, contact)
    }
}

/// A contact as it is stored.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContactRow {
    #[serde(flatten)]
    pub(crate) contact: Contact,
    /// Start of the run that wrote it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) synced_at: Option<Timestamp>,
    /// Addresses the last edit gave up: an edit that was cut off there gives them up when it is
    /// repeated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) given_up: Vec<EmailAddress>,
    /// The account that the PSA says it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<Identity>,
}

/// A contact and what the PSA says of it besides.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredContact {
    /// The contact.
    pub contact: Contact,
    /// The account that the PSA says it belongs to.
    pub account: Option<Identity>,
}

/// Who owns an address. The item stays when an address is given up; it then names nobody.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClaimRow {
    address: EmailAddress,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client: Option<ClientId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    contact: Option<ContactId>,
    #[serde(default)]
    additional: bool,
    /// Start of the run that claimed it for a contact it was about to create.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    claimed_at: Option<Timestamp>,
}

/// How much older than a run the claim of another run has to be before it can be left over: no
/// worker is that slow between a claim and its contact.
const LEFT_OVER: SignedDuration = SignedDuration::from_hours(1);

/// What became of a contact that was to be written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Upserted {
    /// One of its addresses belongs to another contact; nothing was written, unless the address
    /// was taken at this very moment: then the contact may own those of its addresses that were
    /// free.
    AddressTaken(EmailAddress),
    /// Somebody else wrote it at the same time.
    ChangedMeanwhile,
    /// It is new.
    Created,
    /// It was like that already.
    Unchanged,
    /// It was there and is different now.
    Updated,
}

impl Store {
    /// The contacts of one client among `contacts`; unknown ones are left out, and so are those that cannot
    /// be read: whoever has to tell the two apart asks [`Self::contacts_and_last_seen`].
    pub async fn contacts(
        &self,
        scope: ClientScope,
        contacts: &BTreeSet<ContactId>,
    ) -> Result<BTreeMap<ContactId, Contact>, StoreError> {
        let (rows, _) = self.contact_rows(scope, contacts).await?;
        Ok(rows.into_iter().map(|(id, row)| (id, row.contact)).collect())
    }

    /// The rows, and the contacts whose rows cannot be read.
    pub(crate) async fn contact_rows(
        &self,
        scope: ClientScope,
        contacts: &BTreeSet<ContactId>,
    ) -> Result<(BTreeMap<ContactId, ContactRow>, BTreeSet<ContactId>), StoreError> {
        let keys = contacts.iter().map(|contact| scope.contact(*contact)).collect();
        let (mut rows, mut unreadable) = (BTreeMap::new(), BTreeSet::new());
        for item in self.batch_get_items("contact", keys).await? {
            match contact_or_id(item)? {
                Ok(row) => drop(rows.insert(row.contact.id, row)),
                Err(contact) => drop(unreadable.insert(contact)),
            }
        }
        Ok((rows, unreadable))
    }

    /// Every contact of one client, by id.
    pub async fn contacts_of_client(&self, scope: ClientScope) -> Result<Vec<Contact>, StoreError> {
        let pk = format!("{}#CONTACT#{}", scope.workspace, scope.client);
        let rows: Vec<ContactRow> = self.query("contact", &pk, None).await?;
        Ok(rows.into_iter().map(|row| row.contact).collect())
    }

    /// A page of one client's contacts after `after`, by id.
    pub async fn contacts_page(
        &self,
        scope: ClientScope,
        after: Option<ContactId>,
        limit: u16,
    ) -> Result<(Vec<StoredContact>, Option<ContactId>), StoreError> {
        let pk = format!("{}#CONTACT#{}", scope.workspace, scope.client);
        let after = after.map(|contact| {
            let key = scope.contact(contact);
            [("pk".to_owned(), text(key.pk)), ("sk".to_owned(), text(key.sk))].into()
        });
        let query = Query { limit: Some(i32::from(limit)), after, ..Query::of(&pk) };
        let (items, next) = self.query_page(&query).await?;
        let mut contacts = Vec::with_capacity(items.len());
        for item in items {
            let ContactRow { contact, account, .. } = decode("contact", item)?;
            contacts.push(StoredContact { contact, account });
        }
        let next = next.and_then(|_| contacts.last().map(|stored| stored.contact.id));
        Ok((contacts, next))
    }

    /// Who owns which of the addresses; nobody owns those that are left out, unless it cannot be read: then
    /// a write that claims the address is refused. Whoever decides by it asks
    /// [`Self::owners_and_unreadable`].
    pub async fn owners(
        &self,
        workspace: WorkspaceId,
        addresses: &BTreeSet<EmailAddress>,
    ) -> Result<BTreeMap<EmailAddress, Owner>, StoreError> {
        Ok(self.owners_and_unreadable(workspace, addresses).await?.0)
    }

    /// Who owns which of the addresses, and the addresses of which that cannot be read.
    pub async fn owners_and_unreadable(
        &self,
        workspace: WorkspaceId,
        addresses: &BTreeSet<EmailAddress>,
    ) -> Result<(BTreeMap<EmailAddress, Owner>, BTreeSet<EmailAddress>), StoreError> {
        let keys = addresses.iter().map(|address| keys::claim(workspace, address)).collect();
        let (mut owners, mut unreadable) = (BTreeMap::new(), BTreeSet::new());
        for item in self.batch_get_items("address claim", keys).await? {
            let key = text_of(&item, "pk");
            match decode::<ClaimRow>("address claim", item) {
                Ok(row) => {
                    let owner = row.client.zip(row.contact);
                    owners.extend(owner.map(|(client, contact)| {
                        (row.address, Owner { client, contact, additional: row.additional })
                    }));
                }
                Err(error) => {
                    let is_of = |address: &&EmailAddress| Some(keys::claim(workspace, address).pk) == key;
                    let address = addresses.iter().find(is_of).cloned().ok_or(error)?;
                    unreadable.insert(address);
                }
            }
        }
        Ok((owners, unreadable))
    }

    /// Writes a contact for the PSA or a human. The sync's marks stay; the version moves on, so a
    /// plan made before does not write over it.
    pub async fn upsert_contact(
        &self,
        workspace: WorkspaceId,
        input: &ContactInput,
    ) -> Result<Upserted, StoreError> {
        let scope = ClientScope::new(workspace, input.client);
        let stored: Option<ContactRow> = self.get("contact", &scope.contact(input.id)).await?;
        let before = stored.as_ref().map(|row| &row.contact);
        let after = input.after(before);
        let said_before = stored.as_ref().and_then(|row| row.account);
        let account = input.account.after(said_before, &after);
        let is_unchanged = |row: &&ContactRow| is_same(&row.contact, &after) && row.account == account;
        if let Some(row) = stored.as_ref().filter(is_unchanged) {
            self.release_all(workspace, &row.given_up, input.id).await?;
            // A writer that was cut off before it noted the account notes it now.
            if let (SaidAccount::Of(_), Some(account)) = (input.account, account) {
                self.note_hint(scope, account, input.id).await?;
            }
            return Ok(Upserted::Unchanged);
        }
        if let Some(taken) = self.taken_address(workspace, &after).await? {
            return Ok(Upserted::AddressTaken(taken));
        }
        for (address, additional) in addresses(&after) {
            let owner = Owner { client: input.client, contact: input.id, additional };
            if !self.claim(workspace, address, owner).await? {
                return Ok(Upserted::AddressTaken(address.clone()));
            }
        }
        let condition = match before {
            None => Condition::absent(),
            Some(before) => version_is(before.version),
        };
        let given_up = stored.as_ref().map(|row| given_up(row, &after)).unwrap_or_default();
        let synced_at = stored.as_ref().and_then(|row| row.synced_at);
        if let Some(before) = said_before.filter(|before| account != Some(*before)) {
            self.forget_hint(workspace, before, input.id).await?;
        }
        let row = ContactRow { contact: after, synced_at, given_up, account };
        if !self.put("contact", &scope.contact(input.id), &row, condition).await?.is_done() {
            return Ok(Upserted::ChangedMeanwhile);
        }
        self.release_all(workspace, &row.given_up, input.id).await?;
        if let Some(account) = account.filter(|_| input.account != SaidAccount::Unsaid) {
            self.note_hint(scope, account, input.id).await?;
        }
        Ok(if stored.is_some() { Upserted::Updated } else { Upserted::Created })
    }

    /// An address of `contact` that belongs to another one. Only a contact with several addresses
    /// is looked at: the claim of a single one tells.
    async fn taken_address(
        &self,
        workspace: WorkspaceId,
        contact: &Contact,
    ) -> Result<Option<EmailAddress>, StoreError> {
        let wanted: BTreeSet<EmailAddress> = addresses(contact).map(|(address, _)| address.clone()).collect();
        if wanted.len() < 2 {
            return Ok(None);
        }
        let mut owners = self.owners(workspace, &wanted).await?;
        owners.retain(|_, owner| owner.contact != contact.id);
        Ok(addresses(contact)
            .map(|(address, _)| address)
            .find(|address| owners.contains_key(*address))
            .cloned())
    }

    async fn release_all(
        &self,
        workspace: WorkspaceId,
        addresses: &[EmailAddress],
        contact: ContactId,
    ) -> Result<(), StoreError> {
        for address in addresses {
            self.release(workspace, address, contact).await?;
        }
        Ok(())
    }

    /// Makes `owner` the owner of `address`, unless somebody else is.
    pub(crate) async fn claim(
        &self,
        workspace: WorkspaceId,
        address: &EmailAddress,
        owner: Owner,
    ) -> Result<bool, StoreError> {
        let row = ClaimRow {
            address: address.clone(),
            client: Some(owner.client),
            contact: Some(owner.contact),
            additional: owner.additional,
            claimed_at: None,
        };
        let condition = free_or(owner.contact);
        let written = self.put("address claim", &keys::claim(workspace, address), &row, condition).await?;
        Ok(written.is_done())
    }

    /// Like [`Self::claim`], for a contact that is about to be created by a run that began `at`. A
    /// claim that an earlier run left behind for a contact of this client that was never created is
    /// taken over.
    pub(crate) async fn claim_for_new(
        &self,
        scope: ClientScope,
        address: &EmailAddress,
        owner: Owner,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let what = "address claim";
        let key = keys::claim(scope.workspace, address);
        let row = ClaimRow {
            address: address.clone(),
            client: Some(owner.client),
            contact: Some(owner.contact),
            additional: false,
            claimed_at: Some(at),
        };
        let refused = match self.put(what, &key, &row, free_or(owner.contact)).await? {
            Written::Done(_) => return Ok(true),
            Written::Refused(item) => item,
        };
        let Some(theirs) = refused.map(|item| decode::<ClaimRow>(what, item)).transpose()? else {
            return Ok(false);
        };
        let (Some(contact), Some(claimed_at)) = (theirs.contact, theirs.claimed_at) else { return Ok(false) };
        if theirs.client != Some(scope.client) || claimed_at + LEFT_OVER > at {
            return Ok(false);
        }
        let created: Option<ContactRow> = self.get("contact", &scope.contact(contact)).await?;
        if created.is_some() {
            return Ok(false);
        }
        let condition = Condition {
            expression: "#contact = :contact AND claimedAt = :at",
            names: vec![("#contact", "contact")],
            values: vec![(":contact", text(contact)), (":at", text(claimed_at))],
            ..Condition::default()
        };
        Ok(self.put(what, &key, &row, condition).await?.is_done())
    }

    /// Gives `address` up if `contact` owns it.
    pub(crate) async fn release(
        &self,
        workspace: WorkspaceId,
        address: &EmailAddress,
        contact: ContactId,
    ) -> Result<(), StoreError> {
        let condition = Condition {
            expression: "#contact = :contact",
            names: vec![("#contact", "contact"), ("#client", "client"), ("#additional", "additional")],
            values: vec![(":contact", text(contact))],
            ..Condition::default()
        };
        let change = "REMOVE #contact, #client, #additional";
        let _: Written = self.update(&keys::claim(workspace, address), change, condition, Vec::new()).await?;
        Ok(())
    }
}

/// A contact's row, or which contact it is when the row cannot be read; the fault itself when the item does
/// not even say that.
pub(crate) fn contact_or_id(item: Item) -> Result<Result<ContactRow, ContactId>, StoreError> {
    let contact = text_of(&item, "sk").and_then(|sk| sk.parse().ok());
    match decode("contact", item) {
        Ok(row) => Ok(Ok(row)),
        Err(error) => contact.map(Err).ok_or(error),
    }
}

fn free_or(contact: ContactId) -> Condition {
    Condition {
        expression: "attribute_not_exists(#contact) OR #contact = :contact",
        names: vec![("#contact", "contact")],
        values: vec![(":contact", text(contact))],
        ..Condition::default()
    }
}

pub(crate) fn version_is(version: u64) -> Condition {
    Condition {
        expression: "#version = :version",
        names: vec![("#version", "version")],
        values: vec![(":version", number(version))],
        ..Condition::default()
    }
}

/// The addresses of a contact, and whether they are additional ones. One that is named twice
/// counts as the first address.
fn addresses(contact: &Contact) -> impl Iterator<Item = (&EmailAddress, bool)> {
    let first = contact.values.email.as_ref();
    let additional = contact.additional_emails.iter().filter(move |address| Some(*address) != first);
    first.into_iter().map(|address| (address, false)).chain(additional.map(|address| (address, true)))
}

/// What the contact owned, or was about to give up, and does not show any more.
pub(crate) fn given_up(before: &ContactRow, after: &Contact) -> Vec<EmailAddress> {
    let owned = addresses(&before.contact).map(|(address, _)| address).chain(&before.given_up);
    let given_up: BTreeSet<&EmailAddress> =
        owned.filter(|address| addresses(after).all(|(kept, _)| kept != *address)).collect();
    given_up.into_iter().cloned().collect()
}

fn is_same(before: &Contact, after: &Contact) -> bool {
    before.values == after.values
        && before.additional_emails == after.additional_emails
        && before.inactive == after.inactive
        && before.protected == after.protected
        && before.protected_fields == after.protected_fields
}
