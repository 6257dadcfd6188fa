//! What a decision says about itself when it is asked to explain.

use super::{
    decide::{Decider, is_inactive_by_sync, shown},
    lookup::Owners,
    trace::Tried,
};
use crate::{
    contact::{Contact, Link, Owner},
    email::EmailAddress,
    fields::FieldChange,
    ids::{ClientId, ContactId},
    policy::Timing,
    scope::Exclusion,
    user::Addresses,
};

/// Nobody looks among the contacts of other clients, so it is not known which of the two it is.
pub(crate) const MISSING: &str = "the contact that the account is linked to is no longer at this client; it was \
                                  deleted in the PSA, or moved to another client";

impl Decider<'_> {
    pub(super) fn note_link(&mut self, link: Option<&Link>) {
        let (known, ours) = (self.known, self.policy().client);
        self.trace.note(Tried::IdentityLink, false, || {
            let Some(link) = link else { return "No.".to_owned() };
            if link.client != ours {
                return format!("Yes, but to a contact of {}.", client_named(known, link.client));
            }
            let contact = contact_named(known, link.contact, ours);
            if link.active {
                return format!("Yes, to {contact}.");
            }
            let stored = known.contacts.get(&link.contact).and_then(Option::as_ref);
            let until = if stored.is_some_and(|contact| contact.inactive && is_inactive_by_sync(contact)) {
                "until the sync made that contact inactive"
            } else {
                "until the sync ended that link"
            };
            format!("It was, to {contact}, {until}.")
        });
    }

    /// What follows from it that sign-in is blocked; the end of the read says whether a stop limit holds
    /// it back.
    pub(super) fn note_disabled(&mut self, link: Option<&Link>, timing: Timing) {
        let (known, policy) = (self.known, self.policy());
        self.trace.note(Tried::AccountEnabled, true, || {
            let contact = link
                .and_then(|link| known.contacts.get(&link.contact))
                .map(|stored| stored.as_ref().filter(|contact: &&Contact| contact.client == policy.client));
            let then = match (link, contact) {
                (None, _) => "No contact is linked, so there is nothing to do.",
                (Some(link), _) if !link.active => "An earlier sync has dealt with the contact already.",
                (Some(_), _) if timing == Timing::Never => {
                    "The rule that would make the contact inactive is off."
                }
                (Some(link), _) if link.keep => {
                    "An operator rejected making the contact inactive, so it stays as it is."
                }
                (Some(_), Some(None)) => "The linked contact is no longer at this client.",
                (Some(_), Some(Some(contact))) if contact.protected => {
                    "The PSA protects the contact, so it stays as it is."
                }
                (Some(link), Some(Some(contact)))
                    if contact.belongs_to_another(policy.tenant, link.identity.object) =>
                {
                    "The contact belongs to another account by now, so it stays as it is."
                }
                (Some(_), Some(Some(contact))) if contact.inactive => {
                    "The contact is inactive already; only its link to the account ends."
                }
                (Some(_), _) if timing == Timing::AtOnce => {
                    "The rules make the contact inactive with the next sync, unless a limit holds that back."
                }
                (Some(_), _) => "The rules make the contact inactive once that is confirmed.",
            };
            format!("No, sign-in is blocked. {then}")
        });
    }

    /// An operator has decided that the person is not to be asked about.
    pub(super) fn note_turned_down(&mut self, how: Exclusion) {
        self.trace.note(Tried::OperatorDecision, true, || {
            let what = match how {
                Exclusion::RejectedByOperator => {
                    "rejected this person's creation or link, which waited at a stop limit; `runs reconsider \
                     RUN` takes that back"
                }
                _ => "decided not to sync this person",
            };
            format!("No longer asked: an operator {what}.")
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
                let contact = contact_named(known, owner.contact, ours);
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
fn contact_named(known: &super::Known, contact: ContactId, ours: ClientId) -> String {
    match known.contacts.get(&contact) {
        Some(Some(contact)) if contact.client == ours => shown(contact),
        Some(_) => "a contact that is no longer at this client".to_owned(),
        None => format!("the contact {contact}"),
    }
}

/// Another client as people recognise it, as far as it was looked up.
fn client_named(known: &super::Known, client: ClientId) -> String {
    client_name(known, client)
        .map_or_else(|| "another client".to_owned(), |name| format!("another client ({name})"))
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
