//! Suggesting a client for each tenant.

use std::{cmp::Reverse, collections::BTreeMap};

use super::{
    facts::{Candidate, ClientFacts, Reason, Suggestion, TenantFacts},
    name_index::{AlikeName, NameIndex},
    score::Score,
};
use crate::{domain_name::DomainName, ids::EntraTenantId};

/// Most clients that are suggested for their name alone.
pub const FUZZY_CANDIDATES_MAX: usize = 5;

/// The clients of a workspace, indexed once: a suggestion then costs what it finds, not a look at
/// every client.
///
/// The rules, strongest first:
/// 1. the client carries the tenant's id ([`Reason::StoredTenant`], 1.0);
/// 2. one of the client's own domains is verified in the tenant ([`Reason::ExactDomain`], 1.0);
/// 3. a domain of its mail is ([`Reason::SecondaryDomain`], 0.88);
/// 4. the names are alike ([`Reason::FuzzyName`]: Dice coefficient of the sets of character pairs,
///    from 0.58 on, the best [`FUZZY_CANDIDATES_MAX`]).
///
/// Only rules 1 and 2 can match a tenant without doubt, and only when they point at one client, that
/// client is active, and they do not contradict each other. Domains are compared whole, so a
/// sub-domain is not its parent; domains that Microsoft assigned and those of free mail never count.
/// Two tenants may match the same client.
pub struct Matcher<'a> {
    /// By name, then id: the order among equal scores. A client's place here stands for it below.
    clients: Vec<&'a ClientFacts>,
    by_tenant: BTreeMap<EntraTenantId, Vec<usize>>,
    by_primary_domain: BTreeMap<&'a DomainName, Vec<usize>>,
    by_secondary_domain: BTreeMap<&'a DomainName, Vec<usize>>,
    names: NameIndex,
}

impl<'a> Matcher<'a> {
    /// Indexes `clients`, in whatever order; each is expected once.
    pub fn new(clients: &'a [ClientFacts]) -> Self {
        let mut clients: Vec<&ClientFacts> = clients.iter().collect();
        clients.sort_by_key(|client| (client.name.as_str(), client.client));
        let each = || clients.iter().enumerate();
        Self {
            by_tenant: index(each().filter_map(|(place, client)| Some((client.entra_tenant?, place)))),
            by_primary_domain: index(
                each()
                    .flat_map(|(place, client)| client.primary_domains.iter().map(move |name| (name, place))),
            ),
            by_secondary_domain: index(
                each().flat_map(|(place, client)| {
                    client.secondary_domains.iter().map(move |name| (name, place))
                }),
            ),
            names: NameIndex::new(clients.iter().map(|client| client.name.as_str())),
            clients,
        }
    }

    /// The suggestion for `tenant`.
    pub fn suggest(&self, tenant: &TenantFacts) -> Suggestion {
        let domains = identifying_domains(tenant);
        let stored = self.by_tenant.get(&tenant.entra_tenant).map_or(&[][..], Vec::as_slice);
        let exact = owners(&self.by_primary_domain, &domains);
        if let Some(candidate) = self.certain(stored, &exact) {
            return Suggestion::AutoMatched(candidate);
        }

        let mut best = BTreeMap::new();
        let mut offer = |place: usize, score, reason, domain| {
            let candidate = self.candidate(place, score, reason, domain);
            let known = best.entry(place).or_insert_with(|| candidate.clone());
            if candidate.score > known.score {
                *known = candidate;
            }
        };
        for place in stored {
            offer(*place, Score::CERTAIN, Reason::StoredTenant, exact.get(place).copied());
        }
        for (place, domain) in exact {
            offer(place, Score::CERTAIN, Reason::ExactDomain, Some(domain));
        }
        for (place, domain) in owners(&self.by_secondary_domain, &domains) {
            offer(place, Score::SECONDARY_DOMAIN, Reason::SecondaryDomain, Some(domain));
        }
        for alike in self.most_alike(tenant.display_name.as_deref()) {
            offer(alike.position, alike.score, Reason::FuzzyName, None);
        }

        let mut candidates: Vec<Candidate> = best.into_values().collect();
        candidates.sort_by_key(|candidate| Reverse(candidate.score));
        if candidates.is_empty() { Suggestion::Unmatched } else { Suggestion::Candidates(candidates) }
    }

    /// The one client about which there is no doubt. A stored id decides among several owners of a
    /// domain; against the only owner of one it may be left over from an earlier decision.
    fn certain(&self, stored: &[usize], exact: &BTreeMap<usize, &DomainName>) -> Option<Candidate> {
        let (place, reason) = match stored {
            [place] if exact.is_empty() || exact.contains_key(place) => (*place, Reason::StoredTenant),
            [] if exact.len() == 1 => (*exact.keys().next()?, Reason::ExactDomain),
            _ => return None,
        };
        let candidate = self.candidate(place, Score::CERTAIN, reason, exact.get(&place).copied());
        (!candidate.inactive).then_some(candidate)
    }

    fn candidate(
        &self,
        place: usize,
        score: Score,
        reason: Reason,
        domain: Option<&DomainName>,
    ) -> Candidate {
        let client = self.clients[place];
        Candidate {
            client: client.client,
            client_name: client.name.clone(),
            score,
            reason,
            matched_domain: domain.cloned(),
            inactive: client.inactive,
        }
    }

    fn most_alike(&self, name: Option<&str>) -> Vec<AlikeName> {
        let mut alike = name.map(|name| self.names.alike(name)).unwrap_or_default();
        alike.sort_unstable_by_key(|name| (Reverse(name.score), name.position));
        alike.truncate(FUZZY_CANDIDATES_MAX);
        alike
    }
}

#[cfg(test)]
impl Matcher<'_> {
    /// How many postings a suggestion for a tenant of this name reads.
    pub(super) fn postings_read(&self, name: &str) -> usize {
        self.names.postings_read(name)
    }
}

/// Places by key; ascending, each once per key.
fn index<K: Ord>(entries: impl Iterator<Item = (K, usize)>) -> BTreeMap<K, Vec<usize>> {
    let mut index: BTreeMap<K, Vec<usize>> = BTreeMap::new();
    for (key, place) in entries {
        let places = index.entry(key).or_default();
        if places.last() != Some(&place) {
            places.push(place);
        }
    }
    index
}

/// The tenant's domains that say whose company it is: the default one first, the others sorted.
fn identifying_domains(tenant: &TenantFacts) -> Vec<&DomainName> {
    let mut others: Vec<&DomainName> = tenant.verified_domains.iter().collect();
    others.sort_unstable();
    tenant.default_domain.iter().chain(others).filter(|domain| domain.identifies_a_company()).collect()
}

/// The clients that have one of `domains`, each with the first one it has.
fn owners<'d>(
    index: &BTreeMap<&DomainName, Vec<usize>>,
    domains: &[&'d DomainName],
) -> BTreeMap<usize, &'d DomainName> {
    let mut owners = BTreeMap::new();
    for domain in domains {
        for place in index.get(domain).into_iter().flatten() {
            owners.entry(*place).or_insert(*domain);
        }
    }
    owners
}
