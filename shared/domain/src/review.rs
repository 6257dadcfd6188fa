//! Answers to questions: what each would do, and why it cannot be given.
//!
//! An answer is carried out by plan lines like everything else. Nothing here asks the directory again: a
//! question holds what was known of the person when it was asked, and whatever has changed since is seen
//! by the next sync.

pub mod many;

use std::collections::BTreeMap;

use crate::{
    contact::{Contact, Link, Owner},
    email::EmailAddress,
    facts::SourceFacts,
    fields::{FieldChange, FieldRules},
    ids::{ClientId, ContactId, EntraObjectId, Identity, WorkspaceId},
    plan::{About, Action, Answer, AnswerKind, ContactState, LinkState, Turn},
};

/// Who is asked about.
#[derive(Clone, Debug)]
pub struct Question {
    /// The MSP.
    pub workspace: WorkspaceId,
    /// The mapped client.
    pub client: ClientId,
    /// Who.
    pub identity: Identity,
    /// What the directory said; `None` for somebody without a usable address.
    pub facts: Option<SourceFacts>,
    /// Further addresses of the person, the sign-in name first.
    pub others: Vec<EmailAddress>,
}

/// What is known at the moment of the answer.
#[derive(Clone, Debug, Default)]
pub struct Situation {
    /// What is overwritten.
    pub fields: FieldRules,
    /// The person's link.
    pub link: Option<Link>,
    /// Contacts: those that [`Question::contacts_needed`] names, and the one that was chosen.
    pub contacts: BTreeMap<ContactId, Contact>,
    /// Owners of the person's addresses.
    pub owners: BTreeMap<EmailAddress, Owner>,
    /// Links of accounts that those contacts belong to.
    pub accounts: BTreeMap<Identity, Link>,
}

/// What carries an answer out, in this order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ruling {
    /// What happens first to the contact that the person is no longer linked to.
    pub parting: Option<Action>,
    /// What happens.
    pub action: Action,
    /// The answer.
    pub answer: Answer,
}

/// Why an answer cannot be given.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// Every address of the person belongs to another contact.
    AddressTaken {
        /// The person's address.
        address: EmailAddress,
        /// Whose it is.
        owner: Option<Owner>,
    },
    /// The person has a contact already.
    AlreadyLinked {
        /// Which.
        contact: ContactId,
    },
    /// The contact belongs to another client.
    ClientMismatch {
        /// Which.
        client: ClientId,
    },
    /// The contact belongs to an account that is there.
    ContactLinked {
        /// Whose it is.
        identity: Identity,
    },
    /// There is no such contact.
    ContactNotFound,
    /// The PSA forbids the sync to write the contact.
    ContactProtected,
    /// Nothing is known by which the person could be written.
    NoAddress,
}

impl Refusal {
    /// Stable code; the PSA's where it has one.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AddressTaken { .. } => "EMAIL_EXISTS",
            Self::AlreadyLinked { .. } => "already_linked",
            Self::ClientMismatch { .. } => "client_mismatch",
            Self::ContactLinked { .. } => "contact_linked",
            Self::ContactNotFound => "contact_not_found",
            Self::ContactProtected => "contact_protected",
            Self::NoAddress => "item_without_email",
        }
    }

    /// What is in the way, as a sentence for the operator.
    pub fn explanation(&self) -> String {
        match self {
            Self::AddressTaken { address, owner: None } => {
                format!("{address} and every other address of the person belong to other contacts.")
            }
            Self::AddressTaken { address, owner: Some(owner) } => format!(
                "Every address of the person belongs to another contact; {address} to contact {}.",
                owner.contact
            ),
            Self::AlreadyLinked { contact } => format!("The person is linked to contact {contact}."),
            Self::ClientMismatch { .. } => {
                "The contact belongs to another client than the one the tenant is mapped to.".to_owned()
            }
            Self::ContactLinked { identity } => format!(
                "The contact belongs to another account of the directory ({}), which is there.",
                identity.object
            ),
            Self::ContactNotFound => "There is no contact with this id in this workspace.".to_owned(),
            Self::ContactProtected => "The PSA forbids the sync to write this contact.".to_owned(),
            Self::NoAddress => "The directory has no usable address for the person.".to_owned(),
        }
    }

    /// What to do next.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::AddressTaken { .. } => {
                "Link the person to the contact that has the address, or give that contact another address \
                 and answer again."
            }
            Self::AlreadyLinked { .. } => {
                "Link the person to that contact to leave it as it is, or to another one; or dismiss the \
                 question."
            }
            Self::ClientMismatch { .. } => {
                "Choose a contact of the client, or correct the tenant's mapping and sync again."
            }
            Self::ContactLinked { .. } => {
                "Choose another contact, or make a new one. If the other account is wrong, take back the run \
                 that linked it first."
            }
            Self::ContactNotFound => "Reload the contacts and choose again.",
            Self::ContactProtected => "Lift the protection in the PSA, or choose another contact.",
            Self::NoAddress => "Give the account an address in the directory and sync again, or dismiss.",
        }
    }
}

impl Question {
    /// A question about `about`; for one that was asked before that was kept, the name and address it
    /// shows have to do.
    pub fn new(
        workspace: WorkspaceId,
        client: ClientId,
        identity: Identity,
        about: Option<&About>,
        shown: (&str, Option<&EmailAddress>),
    ) -> Self {
        let (facts, others) = match about {
            Some(about) => {
                let others = about.sign_in.iter().chain(&about.aliases).cloned().collect();
                (about.facts.clone(), others)
            }
            None => (shown.1.map(|address| shown_facts(shown.0, address)), Vec::new()),
        };
        Self { workspace, client, identity, facts, others }
    }

    /// Every address of the person, the one to store first.
    pub fn addresses(&self) -> impl Iterator<Item = &EmailAddress> {
        self.facts.iter().map(|facts| &facts.email).chain(&self.others)
    }

    /// Contacts that have to be looked up, besides the one that is chosen: those that an earlier answer
    /// or run may have made for the person.
    pub fn contacts_needed(&self) -> impl Iterator<Item = ContactId> {
        self.addresses().map(|address| self.made_for(address))
    }

    /// The person is `contact`.
    pub fn link_existing(&self, now: &Situation, contact: ContactId) -> Result<Ruling, Refusal> {
        let contact = now.contacts.get(&contact).ok_or(Refusal::ContactNotFound)?;
        if contact.client != self.client {
            return Err(Refusal::ClientMismatch { client: contact.client });
        }
        if self.own_contact(now).is_some_and(|own| own.id == contact.id) {
            let action = Action::Settle { contact: Some(contact.id) };
            return Ok(self.ruling(AnswerKind::LinkExisting, None, action));
        }
        self.tie(now, contact, AnswerKind::LinkExisting, false)
    }

    /// The person is nobody who is there: a new contact, with the first address of the person that is
    /// free; or the one that was made for the person before, and is nobody's now.
    pub fn create_new(&self, now: &Situation) -> Result<Ruling, Refusal> {
        let facts = self.facts.as_ref().ok_or(Refusal::NoAddress)?;
        if let Some(own) = self.own_contact(now) {
            return Err(Refusal::AlreadyLinked { contact: own.id });
        }
        for address in self.addresses() {
            let made = self.made_for(address);
            match now.contacts.get(&made) {
                Some(contact) if self.may_be_theirs(contact) => {
                    return self.tie(now, contact, AnswerKind::CreateNew, true);
                }
                None if now.owners.get(address).is_none_or(|owner| owner.contact == made) => {
                    let facts = SourceFacts { email: address.clone(), ..facts.clone() };
                    let action = Action::Create { contact: made, facts };
                    return Ok(self.ruling(AnswerKind::CreateNew, now.link.as_ref(), action));
                }
                _ => {}
            }
        }
        let owner = now.owners.get(&facts.email).copied();
        Err(Refusal::AddressTaken { address: facts.email.clone(), owner })
    }

    /// The person is not to be synced.
    pub fn dismiss(&self, note: Option<String>) -> Ruling {
        let ruling = self.ruling(AnswerKind::Dismissed, None, Action::Settle { contact: None });
        Ruling { answer: Answer { note, ..ruling.answer }, ..ruling }
    }

    fn tie(
        &self,
        now: &Situation,
        contact: &Contact,
        kind: AnswerKind,
        is_made_for_them: bool,
    ) -> Result<Ruling, Refusal> {
        let facts = self.facts.clone().ok_or(Refusal::NoAddress)?;
        if contact.protected {
            return Err(Refusal::ContactProtected);
        }
        let supersedes = self.superseded(now, contact)?;
        let is_free = |change: &FieldChange| match change {
            FieldChange::Email(_) => {
                now.owners.get(&facts.email).is_none_or(|owner| owner.contact == contact.id)
            }
            _ => true,
        };
        let mut changes = now.fields.changes(contact, None, &facts);
        changes.retain(is_free);
        let is_inactive_by_sync = contact.entra.as_ref().is_some_and(|stamp| stamp.inactive_reason.is_some());
        let counts = is_inactive_by_sync || is_made_for_them || now.fields.mark_active_when_enabled;
        let activate = contact.inactive && counts;
        let before = Some(Box::new(ContactState {
            inactive: contact.inactive,
            entra: contact.entra.clone(),
            link: LinkState::Cut,
        }));
        let (contact, expect) = (contact.id, contact.version);
        let action = Action::Link { contact, expect, before, supersedes, activate, changes, facts };
        let mut ruling = self.ruling(kind, now.link.as_ref(), action);
        if let Some(own) = self.own_contact(now) {
            ruling.parting = Some(parting(now, own));
            ruling.answer.leaves = None;
        }
        Ok(ruling)
    }

    /// The account that `contact` goes on from, when that is gone.
    fn superseded(&self, now: &Situation, contact: &Contact) -> Result<Option<EntraObjectId>, Refusal> {
        let Some(stamp) = contact.entra.as_ref().filter(|stamp| stamp.identity != self.identity) else {
            return Ok(None);
        };
        let link = now.accounts.get(&stamp.identity);
        let is_there = link.is_some_and(|link| link.active && link.contact == contact.id);
        // A line can only name an account of its own tenant.
        if is_there || stamp.identity.tenant != self.identity.tenant {
            return Err(Refusal::ContactLinked { identity: stamp.identity });
        }
        Ok(Some(stamp.identity.object))
    }

    fn may_be_theirs(&self, contact: &Contact) -> bool {
        contact.client == self.client
            && !contact.belongs_to_another(self.identity.tenant, self.identity.object)
    }

    /// The contact that the person is linked to and that is theirs.
    fn own_contact<'a>(&self, now: &'a Situation) -> Option<&'a Contact> {
        let link = now.link.as_ref()?;
        let contact = now.contacts.get(&link.contact)?;
        let is_theirs = contact.entra.as_ref().is_some_and(|stamp| stamp.identity == self.identity);
        (contact.client == self.client && is_theirs).then_some(contact)
    }

    fn ruling(&self, kind: AnswerKind, link: Option<&Link>, action: Action) -> Ruling {
        let leaves =
            link.map(|link| link.contact).filter(|contact| action.contact_written() != Some(*contact));
        let address = self.facts.as_ref().map(|facts| facts.email.clone());
        Ruling { parting: None, action, answer: Answer { kind, address, note: None, leaves } }
    }

    fn made_for(&self, address: &EmailAddress) -> ContactId {
        ContactId::derived(self.workspace, self.identity, address, None)
    }
}

/// The person's contact becomes nobody's; nothing else of it changes.
fn parting(now: &Situation, own: &Contact) -> Action {
    let is_active = now.link.as_ref().is_some_and(|link| link.active);
    let link = if is_active { LinkState::Active } else { LinkState::Inactive };
    let from = ContactState { inactive: own.inactive, entra: own.entra.clone(), link };
    let to = ContactState { inactive: own.inactive, entra: None, link: LinkState::Cut };
    let turn = Box::new(Turn { from, to });
    let (contact, expect) = (own.id, own.version);
    Action::Restore { contact, expect, changes: Vec::new(), turn, kept: Vec::new() }
}

fn shown_facts(label: &str, address: &EmailAddress) -> SourceFacts {
    let name = if label.trim().is_empty() { address.local_part() } else { label };
    SourceFacts {
        full_name: name.to_owned(),
        email: address.clone(),
        phones: Vec::new(),
        role: None,
        department: None,
        office: None,
        company: None,
        user_principal_name: None,
        blanks: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
