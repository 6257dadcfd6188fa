//! What the planned lines make of the store's answers.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    hash::{DefaultHasher, Hash, Hasher},
};

use crate::{
    contact::{Contact, Owner},
    email::EmailAddress,
    facts::SourceFacts,
    fields::FieldChange,
    ids::{ContactId, EntraObjectId, Identity, LineId},
    plan::{Action, Line},
    policy::TenantPolicy,
};

/// Lines that are planned and not yet applied, by what they touch.
///
/// A preview of a large tenant keeps one for every person who is new, so those are kept small.
#[derive(Debug, Default)]
pub(super) struct Overlay {
    created: BTreeMap<ContactId, Created>,
    /// By the folded address of a contact in `created`.
    created_with: BTreeMap<u64, ContactId>,
    /// Owners that are not in `created_with`.
    owners: BTreeMap<EmailAddress, Owner>,
    /// Addresses that were their contact's at the start of the read, applied or not: passed on
    /// within one read, they would be free or not depending on who is read first.
    given_up: BTreeMap<EmailAddress, Owner>,
    /// Other lines than the one that creates the contact, in their order.
    lines: BTreeMap<ContactId, Vec<(Identity, LineId, Box<Action>)>>,
    /// Contacts whose account has come back in this read, applied or not: what the inventory says of
    /// its link is from before.
    revived: BTreeSet<ContactId>,
}

/// What later decisions of the same read look at of a contact that is to be created.
#[derive(Debug)]
struct Created {
    object: EntraObjectId,
    line: LineId,
    name: Box<str>,
    email: EmailAddress,
}

impl Overlay {
    pub(super) fn clear(&mut self) {
        self.created.clear();
        self.created_with.clear();
        self.owners.clear();
        self.lines.clear();
    }

    pub(super) fn add(&mut self, policy: &TenantPolicy, line: &Line) {
        let Some(contact) = line.contact_written() else { return };
        self.add_applied(policy, line);
        let owner = Owner { client: policy.client, contact, additional: false };
        if let Action::Create { facts, .. } = &line.action {
            self.add_created(line, contact, owner, facts);
            return;
        }
        for (_, new) in addresses_changed(&line.action) {
            self.owners.insert(new.clone(), owner);
        }
        let identity = Identity { tenant: policy.tenant, object: line.object };
        let lines = self.lines.entry(contact).or_default();
        lines.reserve_exact(1);
        lines.push((identity, line.id, Box::new(compact(line.action.clone()))));
    }

    fn add_created(&mut self, line: &Line, contact: ContactId, owner: Owner, facts: &SourceFacts) {
        let email = facts.email.clone();
        let (object, name) = (line.object, facts.full_name.as_str().into());
        match self.created_with.entry(folded(&email)) {
            Entry::Vacant(vacant) => {
                vacant.insert(contact);
            }
            // Two addresses may fold to the same.
            Entry::Occupied(_) => {
                self.owners.insert(email.clone(), owner);
            }
        }
        self.created.insert(contact, Created { object, line: line.id, name, email });
    }

    /// Of a line that has been applied: what the store does not say, or not as it was.
    pub(super) fn add_applied(&mut self, policy: &TenantPolicy, line: &Line) {
        let Some(contact) = line.contact_written() else { return };
        if matches!(line.action, Action::Reactivate { .. }) {
            self.revived.insert(contact);
        }
        let owner = Owner { client: policy.client, contact, additional: false };
        for (old, _) in addresses_changed(&line.action) {
            self.given_up.extend(old.map(|old| (old.clone(), owner)));
        }
    }

    pub(super) fn owner(&self, policy: &TenantPolicy, address: &EmailAddress) -> Option<Owner> {
        let owner = self.owners.get(address).copied();
        let owner = owner.or_else(|| {
            if self.created_with.is_empty() {
                return None;
            }
            let contact = *self.created_with.get(&folded(address))?;
            let has_it = self.created.get(&contact).is_some_and(|created| created.email == *address);
            has_it.then_some(Owner { client: policy.client, contact, additional: false })
        });
        owner.or_else(|| self.given_up.get(address).copied())
    }

    /// Whether the contact does not exist but for a planned line.
    pub(super) fn creates(&self, contact: ContactId) -> bool {
        self.created.contains_key(&contact)
    }

    /// Whether the account of the contact has come back in this read.
    pub(super) fn is_revived(&self, contact: ContactId) -> bool {
        self.revived.contains(&contact)
    }

    /// The contact as it will be.
    pub(super) fn lay_over(
        &self,
        policy: &TenantPolicy,
        contact: ContactId,
        stored: Option<Contact>,
    ) -> Option<Contact> {
        let created = self.created.get(&contact).and_then(|created| created.contact(policy, contact));
        let Some(lines) = self.lines.get(&contact) else { return created.or(stored) };
        lines.iter().fold(created.or(stored), |before, (identity, line, action)| {
            action.contact_after(policy.client, *identity, *line, before.as_ref()).or(before)
        })
    }
}

impl Created {
    fn contact(&self, policy: &TenantPolicy, contact: ContactId) -> Option<Contact> {
        let facts = SourceFacts {
            full_name: self.name.to_string(),
            email: self.email.clone(),
            phones: Vec::new(),
            role: None,
            department: None,
            office: None,
            company: None,
            user_principal_name: None,
            blanks: Vec::new(),
        };
        let identity = Identity { tenant: policy.tenant, object: self.object };
        Action::Create { contact, facts }.contact_after(policy.client, identity, self.line, None)
    }
}

fn folded(address: &EmailAddress) -> u64 {
    let mut hasher = DefaultHasher::new();
    address.as_str().hash(&mut hasher);
    hasher.finish()
}

/// Address before, address after.
fn addresses_changed(action: &Action) -> Vec<(Option<&EmailAddress>, &EmailAddress)> {
    match action {
        Action::Create { facts, .. } => vec![(None, &facts.email)],
        Action::Link { changes, .. }
        | Action::Update { changes, .. }
        | Action::Reactivate { changes, .. } => changes.iter().filter_map(email_changed).collect(),
        _ => Vec::new(),
    }
}

fn email_changed(change: &FieldChange) -> Option<(Option<&EmailAddress>, &EmailAddress)> {
    match change {
        FieldChange::Email(change) => Some((change.old.as_ref(), change.new.as_ref()?)),
        _ => None,
    }
}

/// Without what no later decision of the same read looks at.
fn compact(mut action: Action) -> Action {
    if let Action::Link { facts, .. } | Action::Reactivate { facts, .. } = &mut action {
        (facts.full_name, facts.phones) = (String::new(), Vec::new());
        (facts.role, facts.department, facts.office, facts.company) = (None, None, None, None);
    }
    action
}
