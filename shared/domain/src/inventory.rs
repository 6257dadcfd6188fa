//! The links of one tenant, held compactly: a tenant may have a quarter of a million.

use std::collections::BTreeMap;

use crate::{
    contact::{Fingerprint, Link},
    ids::{ClientId, ContactId, EntraObjectId},
    plan::Conflict,
};

/// One link without what all links of the tenant share.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LinkEntry {
    /// The directory's side.
    pub object: EntraObjectId,
    /// Our side.
    pub contact: ContactId,
    /// What was last seen.
    pub fingerprint: Fingerprint,
    /// Position of the client in [`Inventory::clients`].
    client: u16,
    /// See [`Link::active`].
    pub active: bool,
    /// See [`Link::missing`].
    pub missing: u8,
}

/// What an operator or an earlier run has left about an unlinked person.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ReviewState {
    /// Final: the person is not to be synced.
    Dismissed,
    /// Waiting, with this question.
    Open {
        /// What is unclear.
        conflict: Conflict,
        /// The candidates' ids.
        candidates: Vec<ContactId>,
    },
}

/// Everything stored about the people of one tenant, by object id.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inventory {
    links: Vec<LinkEntry>,
    clients: Vec<ClientId>,
    /// Review items by person.
    pub reviews: BTreeMap<EntraObjectId, ReviewState>,
}

impl Inventory {
    /// Adds a link as the store returns it; any order.
    pub fn push(&mut self, link: &Link) {
        let client = self.clients.iter().position(|client| *client == link.client).unwrap_or_else(|| {
            self.clients.push(link.client);
            self.clients.len() - 1
        });
        self.links.push(LinkEntry {
            object: link.identity.object,
            contact: link.contact,
            fingerprint: link.fingerprint,
            client: u16::try_from(client).unwrap_or(u16::MAX),
            active: link.active,
            missing: link.missing,
        });
    }

    /// Makes the inventory searchable; call once after the last [`Self::push`].
    pub fn seal(&mut self) {
        self.links.sort_unstable_by_key(|link| link.object);
        self.links.shrink_to_fit();
    }

    /// The link of a person.
    pub fn link(&self, object: EntraObjectId) -> Option<&LinkEntry> {
        self.links.binary_search_by_key(&object, |link| link.object).ok().map(|index| &self.links[index])
    }

    /// The client a link belongs to.
    pub fn client(&self, link: &LinkEntry) -> Option<ClientId> {
        self.clients.get(usize::from(link.client)).copied()
    }

    /// Every link, by object id.
    pub fn links(&self) -> &[LinkEntry] {
        &self.links
    }

    /// Number of active links.
    pub fn active(&self) -> usize {
        self.links.iter().filter(|link| link.active).count()
    }
}
