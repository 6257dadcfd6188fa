//! What is stored about people at one moment, or at two.

use std::collections::{BTreeMap, BTreeSet};

use super::{Broken, People, Planned, holds};
use crate::{contact::Contact, email::EmailAddress, ids::Identity, plan::Action};

/// No contact is ever deleted, and a contact stays with its client; no link is, but by an undo or an operator's
/// word among the lines `planned`.
pub fn nothing_is_deleted(before: &People, after: &People, planned: &[Planned<'_>]) -> Result<(), Broken> {
    let contacts = before.contacts.values().map(|contact| {
        let stays = after.contacts.get(&contact.id).is_some_and(|now| now.client == contact.client);
        (!stays).then(|| format!("contact {} has gone from client {}", contact.id, contact.client))
    });
    let left: BTreeSet<_> = after.links.iter().map(|link| link.identity).collect();
    let cut = |planned: &Planned<'_>| match &planned.line.action {
        Action::Restore { turn, .. } | Action::Unlink { turn, .. } if turn.to.link.is_none() => {
            Some(Identity { tenant: planned.tenant, object: planned.line.object })
        }
        _ => None,
    };
    let cut: BTreeSet<_> = planned.iter().filter_map(cut).collect();
    let links = before.links.iter().map(|link| {
        (!left.contains(&link.identity) && !cut.contains(&link.identity))
            .then(|| format!("the link of {:?} has gone", link.identity))
    });
    holds("nothing is deleted", contacts.chain(links))
}

/// Contacts, links and owners of addresses are what they were.
pub fn people_are_unchanged(before: &People, after: &People) -> Result<(), Broken> {
    let ids: BTreeSet<_> = before.contacts.keys().chain(after.contacts.keys()).collect();
    let contacts = ids.into_iter().map(|id| {
        (before.contacts.get(id) != after.contacts.get(id)).then(|| format!("contact {id} is different"))
    });
    let by_identity = |people: &People| -> BTreeMap<_, _> {
        people.links.iter().map(|link| (link.identity, link.clone())).collect()
    };
    let links = (by_identity(before) != by_identity(after)).then(|| "a link is different".to_owned());
    let owners = (before.owners != after.owners).then(|| "an address has another owner".to_owned());
    holds("nothing about people changes", contacts.chain([links, owners]))
}

/// An identity has at most one link, and a contact at most one active one.
pub fn links_are_single(people: &People) -> Result<(), Broken> {
    let (mut identities, mut contacts) = (BTreeSet::new(), BTreeSet::new());
    let cases = people.links.iter().map(|link| {
        if !identities.insert(link.identity) {
            return Some(format!("{:?} is linked twice", link.identity));
        }
        let twice = link.active && !contacts.insert(link.contact);
        twice.then(|| format!("contact {} is linked to two identities", link.contact))
    });
    holds("links are single", cases)
}

/// Every link leads to a contact of the client it names, and the contact of an active link is stamped
/// with the link's identity.
pub fn links_lead_to_contacts(people: &People) -> Result<(), Broken> {
    let cases = people.links.iter().map(|link| {
        let contact = people.contacts.get(&link.contact).filter(|contact| contact.client == link.client);
        let Some(contact) = contact else {
            return Some(format!("{:?} leads to {}, which is not there", link.identity, link.contact));
        };
        let stamped = contact.entra.as_ref().map(|stamp| stamp.identity) == Some(link.identity);
        (link.active && !stamped).then(|| format!("contact {} is not stamped with its link", contact.id))
    });
    holds("links lead to contacts", cases)
}

/// Every address of a contact is owned by that contact; so no two contacts have one address.
pub fn addresses_are_owned(people: &People) -> Result<(), Broken> {
    let cases = people.contacts.values().flat_map(|contact| {
        addresses(contact).map(|address| {
            let owner = people.owners.get(address).map(|owner| (owner.client, owner.contact));
            (owner != Some((contact.client, contact.id)))
                .then(|| format!("an address of contact {} is owned by {owner:?}", contact.id))
        })
    });
    holds("a contact owns its addresses", cases)
}

/// Whoever owns an address shows it, unless the address is in `left_over`: claimed for a contact that
/// never came to be, or about to be given up by an edit that was cut off.
pub fn owners_show_their_addresses(
    people: &People,
    left_over: &BTreeSet<EmailAddress>,
) -> Result<(), Broken> {
    let cases = people.owners.iter().map(|(address, owner)| {
        let contact = people.contacts.get(&owner.contact);
        let shown = contact.is_some_and(|contact| addresses(contact).any(|shown| shown == address));
        (!shown && !left_over.contains(address))
            .then(|| format!("contact {} owns an address that it does not show", owner.contact))
    });
    holds("owners show their addresses", cases)
}

fn addresses(contact: &Contact) -> impl Iterator<Item = &EmailAddress> {
    contact.values.email.iter().chain(&contact.additional_emails)
}
