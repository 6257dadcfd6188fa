//! What is known when a decision is made, planned lines included, and what has to be looked up first.

use std::collections::BTreeSet;

use super::{Planner, Reading, decide::Decider};
use jiff::Timestamp;

use crate::{
    contact::{Contact, Link, Owner},
    email::EmailAddress,
    facts::SourceFacts,
    ids::{ContactId, EntraObjectId},
    inventory::ReviewState,
    plan::Rule,
    user::Addresses,
};

/// What the adapter has to look up first.
pub(super) enum Missing {
    Contacts(Vec<ContactId>),
    Facts(EntraObjectId),
    /// Both, of one link.
    Linked(ContactId, EntraObjectId),
    Owners(Vec<EmailAddress>),
    People(Vec<EntraObjectId>),
    /// Nothing: what is stored cannot be read.
    Unreadable,
}

impl Missing {
    /// The code of the line of somebody about whom nothing can be decided for this.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable => "stored_unreadable",
            _ => "not_gathered",
        }
    }
}

impl<'a> Decider<'a> {
    /// The contact as the planned lines make it; `None` when there is none.
    pub(super) fn contact(&self, contact: ContactId) -> Result<Option<Contact>, Missing> {
        let (planner, policy) = (self.planner, self.policy());
        // Whatever the adapter looked up: nothing of another client is ever written.
        let is_ours = |contact: &Contact| contact.client == policy.client;
        if self.known.unreadable.contacts.contains(&contact) {
            return Err(Missing::Unreadable);
        }
        let stored = match self.known.contacts.get(&contact) {
            Some(stored) => stored.clone().filter(is_ours),
            None if planner.overlay.creates(contact) => None,
            None => return Err(Missing::Contacts(vec![contact])),
        };
        Ok(planner.overlay.lay_over(policy, contact, stored))
    }

    /// The person's link.
    pub(super) fn link(&self, object: EntraObjectId) -> Result<Option<Link>, Missing> {
        match &self.planner.reading {
            _ if self.known.unreadable.people.contains(&object) => Err(Missing::Unreadable),
            Reading::Complete { inventory } if inventory.unreadable.contains(&object) => {
                Err(Missing::Unreadable)
            }
            Reading::Complete { inventory } => Ok(inventory.link(object)),
            Reading::Changes { .. } => match self.known.people.get(&object) {
                Some(person) => Ok(person.link.clone()),
                None => Err(Missing::People(vec![object])),
            },
        }
    }

    pub(super) fn has_open_question(&self, object: EntraObjectId) -> bool {
        matches!(self.review(object), Some(ReviewState::Open { .. }))
    }

    pub(super) fn was_answered(&self, object: EntraObjectId) -> bool {
        matches!(self.review(object), Some(ReviewState::Settled { .. }))
    }

    /// Never asked about somebody whose link was not.
    pub(super) fn review(&self, object: EntraObjectId) -> Option<&'a ReviewState> {
        match &self.planner.reading {
            Reading::Complete { inventory } => inventory.reviews.get(&object),
            Reading::Changes { .. } => self.known.people.get(&object)?.review.as_ref(),
        }
    }

    pub(super) fn hint(&self, object: EntraObjectId) -> Option<ContactId> {
        match &self.planner.reading {
            Reading::Complete { inventory } => inventory.hints.get(&object).copied(),
            Reading::Changes { .. } => self.known.people.get(&object)?.hint,
        }
    }

    /// Whether an operator has ended the person's link for good. Never asked about somebody whose link was not.
    pub(super) fn is_parted(&self, object: EntraObjectId) -> bool {
        match &self.planner.reading {
            Reading::Complete { inventory } => inventory.parted.contains(&object),
            Reading::Changes { .. } => self.known.people.get(&object).is_some_and(|person| person.parted),
        }
    }

    /// When the person's last link ended. Never asked about somebody whose link was not.
    pub(super) fn cut_at(&self, object: EntraObjectId) -> Option<Timestamp> {
        match &self.planner.reading {
            Reading::Complete { inventory } => inventory.cuts.get(&object).copied(),
            Reading::Changes { .. } => self.known.people.get(&object)?.cut_at,
        }
    }

    /// The contact of a link, and what was last seen of its person: asked for in one go.
    pub(super) fn linked(&self, link: &Link) -> Result<(Option<Contact>, Option<&'a SourceFacts>), Missing> {
        let object = link.identity.object;
        match (self.contact(link.contact), self.base(object)) {
            (Ok(contact), Ok(base)) => Ok((contact, base)),
            (Err(Missing::Unreadable), _) | (_, Err(Missing::Unreadable)) => Err(Missing::Unreadable),
            (Err(_), Err(_)) => Err(Missing::Linked(link.contact, object)),
            (Err(missing), _) | (_, Err(missing)) => Err(missing),
        }
    }

    /// What was last seen of a linked person.
    pub(super) fn base(&self, object: EntraObjectId) -> Result<Option<&'a SourceFacts>, Missing> {
        if self.known.unreadable.people.contains(&object) {
            return Err(Missing::Unreadable);
        }
        self.known.facts.get(&object).map(Option::as_ref).ok_or(Missing::Facts(object))
    }

    pub(super) fn owner(&self, address: &EmailAddress) -> Result<Option<Owner>, Missing> {
        if self.known.unreadable.addresses.contains(address) {
            return Err(Missing::Unreadable);
        }
        match (self.planner.overlay.owner(self.policy(), address), self.known.owners.get(address)) {
            (Some(owner), _) => Ok(Some(owner)),
            (None, Some(owner)) => Ok(*owner),
            (None, None) => Err(Missing::Owners(vec![address.clone()])),
        }
    }

    /// The contacts behind `owners` in this client, each once. An owner whose contact is not there
    /// is the claim of a creation under way; applying settles whose it is.
    pub(super) fn contacts_of(
        &self,
        owners: &[(Owner, Rule)],
    ) -> Result<Vec<(Contact, Owner, Rule)>, Missing> {
        let mut found: Vec<(Contact, Owner, Rule)> = Vec::new();
        let mut missing = Vec::new();
        for (owner, rule) in owners.iter().filter(|(owner, _)| owner.client == self.policy().client) {
            match self.contact(owner.contact) {
                Ok(Some(contact)) if found.iter().all(|(other, ..)| other.id != contact.id) => {
                    found.push((contact, *owner, *rule));
                }
                Ok(_) => {}
                Err(Missing::Contacts(contacts)) => missing.extend(contacts),
                Err(other) => return Err(other),
            }
        }
        if missing.is_empty() { Ok(found) } else { Err(Missing::Contacts(missing)) }
    }
}

/// Who owns the addresses of one person.
pub(super) struct Owners {
    pub(super) primary: Option<Owner>,
    /// Of the primary address and the sign-in name.
    pub(super) direct: Vec<(Owner, Rule)>,
    pub(super) alias: Vec<(Owner, Rule)>,
}

impl Owners {
    pub(super) fn find(decider: &Decider, addresses: &Addresses) -> Result<Self, Missing> {
        let mut missing = BTreeSet::new();
        for address in addresses.all() {
            match decider.owner(address) {
                Ok(_) => {}
                Err(Missing::Owners(unknown)) => missing.extend(unknown),
                Err(other) => return Err(other),
            }
        }
        if !missing.is_empty() {
            return Err(Missing::Owners(missing.into_iter().collect()));
        }
        let owner = |address: &EmailAddress| decider.owner(address).ok().flatten();
        let primary = addresses.primary.as_ref().and_then(owner);
        let sign_in = addresses.sign_in.as_ref().and_then(owner);
        let direct = primary.map(|owner| (owner, Rule::PrimaryAddress)).into_iter();
        let direct = direct.chain(sign_in.map(|owner| (owner, Rule::SignInAddress))).collect();
        let alias = addresses.aliases.iter().filter_map(owner).map(|owner| (owner, Rule::AliasAddress));
        Ok(Self { primary, direct, alias: alias.collect() })
    }

    pub(super) fn primary_elsewhere(&self, planner: &Planner) -> Option<Owner> {
        self.primary.filter(|owner| owner.client != planner.policy.client)
    }

    pub(super) fn sign_in_elsewhere(&self, planner: &Planner) -> Option<Owner> {
        let mut elsewhere = self.direct.iter().filter(|(owner, _)| owner.client != planner.policy.client);
        elsewhere.find(|(_, rule)| *rule == Rule::SignInAddress).map(|(owner, _)| *owner)
    }
}
