//! What the planned lines make of the store's answers.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    contact::{Contact, Owner},
    email::EmailAddress,
    fields::FieldChange,
    ids::{ContactId, Identity, LineId},
    plan::{Action, Line},
    policy::TenantPolicy,
};

/// Lines that are planned and not yet applied, by what they touch.
#[derive(Debug, Default)]
pub(super) struct Overlay {
    owners: BTreeMap<EmailAddress, Owner>,
    /// Addresses that were their contact's at the start of the read, applied or not: passed on
    /// within one read, they would be free or not depending on who is read first.
    given_up: BTreeMap<EmailAddress, Owner>,
    lines: BTreeMap<ContactId, Vec<(Identity, LineId, Action)>>,
    /// Contacts whose account has come back in this read, applied or not: what the inventory says of
    /// its link is from before.
    revived: BTreeSet<ContactId>,
}

impl Overlay {
    pub(super) fn clear(&mut self) {
        self.owners.clear();
        self.lines.clear();
    }

    pub(super) fn add(&mut self, policy: &TenantPolicy, line: &Line) {
        let Some(contact) = line.contact_written() else { return };
        self.add_applied(policy, line);
        let owner = Owner { client: policy.client, contact, additional: false };
        for (_, new) in addresses_changed(&line.action) {
            self.owners.insert(new.clone(), owner);
        }
        let identity = Identity { tenant: policy.tenant, object: line.object };
        self.lines.entry(contact).or_default().push((identity, line.id, compact(line.action.clone())));
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

    pub(super) fn owner(&self, address: &EmailAddress) -> Option<Owner> {
        self.owners.get(address).or_else(|| self.given_up.get(address)).copied()
    }

    /// Whether the contact does not exist but for a planned line.
    pub(super) fn creates(&self, contact: ContactId) -> bool {
        self.lines
            .get(&contact)
            .and_then(|lines| lines.first())
            .is_some_and(|(_, _, action)| matches!(action, Action::Create { .. }))
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
        let Some(lines) = self.lines.get(&contact) else { return stored };
        lines.iter().fold(stored, |before, (identity, line, action)| {
            action.contact_after(policy.client, *identity, *line, before.as_ref()).or(before)
        })
    }
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

/// Without what no later decision of the same read looks at: a preview of a large tenant keeps
/// one of these for every person.
fn compact(mut action: Action) -> Action {
    if let Action::Create { facts, .. } = &mut action {
        facts.phones = Vec::new();
        facts.role = None;
        (facts.department, facts.office, facts.company) = (None, None, None);
        facts.user_principal_name = None;
    }
    action
}
