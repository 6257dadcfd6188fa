//! What an operator has decided about one tenant's sync.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    domain_name::DomainName,
    fields::FieldRules,
    ids::{ClientId, EntraTenantId, WorkspaceId},
    scope::ScopeRules,
};

/// When people who are gone from a complete read become inactive.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VanishRules {
    /// In how many complete reads in a row a person has to be missing.
    pub confirmations: u8,
    /// This many may become inactive in one run whatever the share.
    pub allowed: u32,
    /// Beyond [`Self::allowed`], at most this share of the active links, in percent; more waits
    /// for an operator.
    pub allowed_percent: u8,
}

impl Default for VanishRules {
    fn default() -> Self {
        Self { confirmations: 2, allowed: 5, allowed_percent: 10 }
    }
}

impl VanishRules {
    /// Most people who may become inactive at once when `active` are linked. In a small tenant, too,
    /// no more than half of them go at once unnoticed, one excepted.
    pub fn limit(&self, active: usize) -> usize {
        let share = active * usize::from(self.allowed_percent) / 100;
        let allowed = usize::try_from(self.allowed).unwrap_or(usize::MAX).min((active / 2).max(1));
        share.max(allowed)
    }
}

/// Everything the planner is told about the tenant, besides its people.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantPolicy {
    /// The MSP.
    pub workspace: WorkspaceId,
    /// The directory.
    pub tenant: EntraTenantId,
    /// The mapped client: the only one whose contacts may be touched.
    pub client: ClientId,
    /// The tenant's domains, from its proof.
    pub verified_domains: BTreeSet<DomainName>,
    /// Who is taken.
    pub scope: ScopeRules,
    /// What is overwritten.
    pub fields: FieldRules,
    /// What happens to people who are gone.
    pub vanish: VanishRules,
}

impl TenantPolicy {
    /// The part of the policy that decides what is written for a person who has not changed.
    pub fn fingerprint_salt(&self) -> Vec<u8> {
        serde_json::to_vec(&(1, &self.fields, self.client)).unwrap_or_default()
    }
}
