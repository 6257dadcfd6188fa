//! What is known about tenants and clients, and what may be concluded from it.

use serde::{Deserialize, Serialize};

use super::score::Score;
use crate::{
    domain_name::DomainName,
    ids::{ClientId, EntraTenantId, ManagedTenantId},
};

/// What discovery found out about a customer tenant.
#[derive(Clone, Debug, PartialEq)]
pub struct TenantFacts {
    /// Our id of it.
    pub managed_tenant: ManagedTenantId,
    /// Microsoft's id of it.
    pub entra_tenant: EntraTenantId,
    /// The organisation's name.
    pub display_name: Option<String>,
    /// The domain new users get.
    pub default_domain: Option<DomainName>,
    /// Every domain whose ownership Microsoft verified; with or without the default one.
    pub verified_domains: Vec<DomainName>,
}

/// What the PSA knows about a client.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientFacts {
    /// The client.
    pub client: ClientId,
    /// Its name.
    pub name: String,
    /// Domains that stand for the client itself: of its URL and website.
    pub primary_domains: Vec<DomainName>,
    /// Domains seen in its mail: of the billing address and of inbound mail.
    pub secondary_domains: Vec<DomainName>,
    /// Whether the MSP no longer works for it.
    pub inactive: bool,
    /// The tenant that an earlier decision wrote on the client.
    pub entra_tenant: Option<EntraTenantId>,
}

/// The conclusion for one tenant.
#[derive(Clone, Debug, PartialEq)]
pub enum Suggestion {
    /// One client and no doubt. An operator still confirms it.
    AutoMatched(Candidate),
    /// Clients to choose from, best first; never empty.
    Candidates(Vec<Candidate>),
    /// Nothing points at any client.
    Unmatched,
}

/// One client that may be the tenant's.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The client.
    pub client: ClientId,
    /// Its name.
    pub client_name: String,
    /// How strongly the reason speaks for it.
    pub score: Score,
    /// The strongest reason.
    pub reason: Reason,
    /// The tenant's domain that the client has too.
    pub matched_domain: Option<DomainName>,
    /// Whether the MSP no longer works for the client.
    pub inactive: bool,
}

/// Why a client was suggested.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// One of the client's own domains is verified in the tenant.
    ExactDomain,
    /// The names are alike.
    FuzzyName,
    /// A domain of the client's mail is verified in the tenant.
    SecondaryDomain,
    /// The client carries the tenant's id.
    StoredTenant,
}

impl Reason {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExactDomain => "exact_domain",
            Self::FuzzyName => "fuzzy_name",
            Self::SecondaryDomain => "secondary_domain",
            Self::StoredTenant => "stored_tenant",
        }
    }
}
