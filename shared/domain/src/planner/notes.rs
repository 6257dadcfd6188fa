//! What a decision says about itself when it is asked to explain.

use super::{
    decide::{Decider, shown},
    lookup::Owners,
    trace::Tried,
};
use crate::{
    contact::{Link, Owner},
    email::EmailAddress,
    fields::FieldChange,
    ids::{ClientId, ContactId},
    user::Addresses,
};

impl Decider<'_> {
    pub(super) fn note_link(&mut self, link: Option<&Link>) {
        let (known, ours) = (self.known, self.policy().client);
        self.trace.note(Tried::IdentityLink, false, || {
            let Some(link) = link else { return "No.".to_owned() };
            if link.client != ours {
                return format!("Yes, but to a contact of {}.", client_named(known, link.client));
            }
            let contact = contact_named(known, link.contact);
            if link.active {
                format!("Yes, to {contact}.")
            } else {
                format!("It was, to {contact}, until the sync made that contact inactive.")
            }
        });
    }

    pub(super) fn note_owners(&mut self, owners: &Owners, addresses: &Addresses) {
        let (known, ours) = (self.known, self.policy().client);
        let whose = |address: &EmailAddress, owner: Option<&Owner>| match owner {
            None => format!("Nobody has {address}."),
            Some(owner) if owner.client != ours => {
                format!("A contact of {} has {address}.", client_named(known, owner.client))
            }
            Some(owner) => {
                let contact = contact_named(known, owner.contact);
                let how = if owner.additional { " as an additional address" } else { "" };
                format!("{contact} has {address}{how}.")
            }
        };
        if let Some(primary) = &addresses.primary {
            let owner = owners.primary.as_ref();
            self.trace.note(Tried::PrimaryAddress, false, || whose(primary, owner));
        }
        if let Some(sign_in) = &addresses.sign_in {
            let owner = self.owner(sign_in).ok().flatten();
            self.trace.note(Tried::SignInAddress, false, || whose(sign_in, owner.as_ref()));
        }
        if !addresses.aliases.is_empty() {
            let found: Vec<(&EmailAddress, Owner)> = addresses
                .aliases
                .iter()
                .filter_map(|alias| Some((alias, self.owner(alias).ok().flatten()?)))
                .collect();
            self.trace.note(Tried::AliasAddresses, false, || {
                let said: Vec<String> =
                    found.iter().map(|(alias, owner)| whose(alias, Some(owner))).collect();
                match (said.is_empty(), addresses.aliases.as_slice()) {
                    (true, [alias]) => format!("Nobody has {alias}."),
                    (true, aliases) => format!("Nobody has any of the {}.", aliases.len()),
                    (false, _) => said.join(" "),
                }
            });
        }
    }

    pub(super) fn note_fields(&mut self, changes: &[FieldChange]) {
        self.trace.note(Tried::Fields, false, || {
            let names: Vec<&str> = changes.iter().map(|change| change.describe().0).collect();
            if names.is_empty() { "None.".to_owned() } else { format!("{}.", capitalised(&names.join(", "))) }
        });
    }
}

/// The contact as people recognise it, as far as it was looked up.
fn contact_named(known: &super::Known, contact: ContactId) -> String {
    match known.contacts.get(&contact) {
        Some(Some(contact)) => shown(contact),
        Some(None) => "a contact that is not there any more".to_owned(),
        None => format!("the contact {contact}"),
    }
}

/// Another client as people recognise it, as far as it was looked up.
fn client_named(known: &super::Known, client: ClientId) -> String {
    client_name(known, client)
        .map_or_else(|| "another client".to_owned(), |name| format!("another client, {name}"))
}

/// The name of a client, as far as it was looked up.
pub(crate) fn client_name(known: &super::Known, client: ClientId) -> Option<&str> {
    known.clients.get(&client)?.as_deref()
}

/// The same sentence with a capital at its beginning.
pub(crate) fn capitalised(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}
