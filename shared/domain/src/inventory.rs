//! The links of one tenant, held compactly: a tenant may have a quarter of a million.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::{
    contact::{Fingerprint, Link},
    email::EmailAddress,
    ids::{ClientId, ContactId, EntraObjectId, EntraTenantId, Identity},
    plan::Conflict,
};

/// One link without what all links of the tenant share.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct LinkEntry {
    object: EntraObjectId,
    contact: ContactId,
    fingerprint: Fingerprint,
    /// Unix seconds; 0 = [`Link::missing_since`] is unknown.
    missing_since: i64,
    /// Position of the client in [`Inventory::clients`].
    client: u16,
    active: bool,
    missing: u8,
    keep: bool,
}

/// What an operator or an earlier run has left about an unlinked person.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ReviewState {
    /// Final: the person is not to be synced.
    Dismissed,
    /// Final until it is reconsidered: an operator rejected the person's creation or link, which waited at a
    /// stop limit.
    Rejected,
    /// Final: an operator has said which contact the person is.
    Settled {
        /// The address of the person at that time.
        address: Option<EmailAddress>,
    },
    /// Waiting, with this question.
    Open {
        /// What is unclear.
        conflict: Conflict,
        /// The candidates' ids.
        candidates: Vec<ContactId>,
        /// Stands for what was known of the person ([`crate::plan::About::fingerprint`]).
        seen: Option<Fingerprint>,
        /// An operator had answered a question about the person, and that was taken back.
        taken_back: bool,
    },
}

/// Everything stored about the people of one tenant, by object id.
#[derive(Clone, Debug, PartialEq)]
pub struct Inventory {
    tenant: EntraTenantId,
    links: Vec<LinkEntry>,
    clients: Vec<ClientId>,
    /// Review items by person.
    pub reviews: BTreeMap<EntraObjectId, ReviewState>,
    /// Contacts on which the PSA has a person's object id, for people who are not linked.
    pub hints: BTreeMap<EntraObjectId, ContactId>,
    /// When the last link of a person ended, of people who are not linked.
    pub cuts: BTreeMap<EntraObjectId, Timestamp>,
    /// Those of them whose link an operator ended, and of whom no sync makes another one.
    pub parted: BTreeSet<EntraObjectId>,
    /// People of whom something is stored that cannot be read.
    pub unreadable: BTreeSet<EntraObjectId>,
}

impl Inventory {
    /// Nobody is known of `tenant`.
    pub fn new(tenant: EntraTenantId) -> Self {
        let (links, clients) = (Vec::new(), Vec::new());
        let (reviews, hints, cuts) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let (parted, unreadable) = (BTreeSet::new(), BTreeSet::new());
        Self { tenant, links, clients, reviews, hints, cuts, parted, unreadable }
    }

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
            missing_since: link.missing_since.map_or(0, Timestamp::as_second),
            client: u16::try_from(client).unwrap_or(u16::MAX),
            active: link.active,
            missing: link.missing,
            keep: link.keep,
        });
    }

    /// Makes the inventory searchable; call once after the last [`Self::push`].
    pub fn seal(&mut self) {
        self.links.sort_unstable_by_key(|link| link.object);
        self.links.shrink_to_fit();
    }

    /// The link of a person.
    pub fn link(&self, object: EntraObjectId) -> Option<Link> {
        let index = self.links.binary_search_by_key(&object, |link| link.object).ok()?;
        Some(self.whole(&self.links[index]))
    }

    /// Every link, by object id.
    pub fn links(&self) -> impl Iterator<Item = Link> {
        self.links.iter().map(|link| self.whole(link))
    }

    /// Number of active links to contacts of `client`.
    pub fn active(&self, client: ClientId) -> usize {
        self.links().filter(|link| link.active && link.client == client).count()
    }

    fn whole(&self, link: &LinkEntry) -> Link {
        Link {
            identity: Identity { tenant: self.tenant, object: link.object },
            contact: link.contact,
            // A tenant whose links are spread over 65,536 clients does not exist; were there one, the
            // rest would belong to nobody's client.
            client: self.clients.get(usize::from(link.client)).copied().unwrap_or(NOBODY),
            active: link.active,
            fingerprint: link.fingerprint,
            missing: link.missing,
            missing_since: (link.missing_since != 0)
                .then(|| Timestamp::from_second(link.missing_since).ok())
                .flatten(),
            keep: link.keep,
        }
    }
}

const NOBODY: ClientId = ClientId::new(uuid::Uuid::nil());
