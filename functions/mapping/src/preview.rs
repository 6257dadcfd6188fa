//! What the mapping table shows before anything is decided.

use std::collections::BTreeMap;

use domain::{
    domain_name::DomainName,
    ids::{ClientId, EntraTenantId, ManagedTenantId, MappingId, WorkspaceId},
    mapping::{
        ActiveDecision, Candidate, ClientFacts, MappingRecord, MappingState, Matcher, Reason, Score,
        Suggestion,
    },
};
use futures::try_join;
use jiff::Timestamp;
use serde::Serialize;
use store::{ManagedTenant, Store, StoreError};

use crate::facts;

/// Every discovered tenant, each in exactly one of the three lists.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// One client and no doubt.
    pub auto_matched: Vec<AutoMatched>,
    /// Clients to choose from.
    pub fuzzy_candidates: Vec<WithCandidates>,
    /// Nothing points at any client.
    pub unmatched: Vec<TenantEntry>,
    /// How many stand where.
    pub summary: Summary,
}

/// A tenant and the one client that is suggested.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AutoMatched {
    /// The tenant.
    #[serde(flatten)]
    pub tenant: TenantEntry,
    /// The client.
    #[serde(rename = "match")]
    pub suggestion: CandidateEntry,
}

/// A tenant and clients to choose from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WithCandidates {
    /// The tenant.
    #[serde(flatten)]
    pub tenant: TenantEntry,
    /// The clients, best first; never empty.
    pub candidates: Vec<CandidateEntry>,
}

/// A tenant with what was decided about it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantEntry {
    /// Our id of it.
    pub managed_tenant_id: ManagedTenantId,
    /// Microsoft's id of it.
    pub entra_tenant_id: EntraTenantId,
    /// Its name.
    pub display_name: Option<String>,
    /// The domain new users get.
    pub primary_domain: Option<DomainName>,
    /// Users discovery was told of; 0 when the provider says none.
    pub source_user_count: u64,
    /// First complete discovery that did not contain it any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_since: Option<Timestamp>,
    /// The decision that holds.
    pub existing_mapping: Option<ExistingMapping>,
    /// Its kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping_state: Option<MappingState>,
    /// The client it is mapped to.
    pub mapped_client_id: Option<ClientId>,
}

/// The decision that holds. The members about the client portal have the only values there are:
/// portal users are not provisioned from here.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExistingMapping {
    /// Its id; sent back as `expectedMappingId` it guards against another editor.
    pub mapping_id: MappingId,
    /// The client.
    pub client_id: Option<ClientId>,
    /// Its kind.
    pub mapping_state: MappingState,
    /// `inherit`.
    pub client_portal_entra_provisioning_mode: &'static str,
    /// None.
    pub client_portal_entitlement_group_id: Option<&'static str>,
    /// `transitive`.
    pub client_portal_entitlement_membership_mode: &'static str,
    /// None.
    pub client_portal_default_role_name: Option<&'static str>,
}

/// A client that may be the tenant's.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CandidateEntry {
    /// The client.
    pub client_id: ClientId,
    /// Its name.
    pub client_name: String,
    /// How strongly the reason speaks for it, 0 to 1 in steps of 0.0001.
    pub confidence_score: Score,
    /// The strongest reason.
    pub reason: Reason,
    /// The tenant's domain that the client has too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matched_domain: Option<DomainName>,
    /// False for a client that is suggested for its name alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_match: Option<bool>,
    /// Whether the MSP no longer works for the client.
    pub is_inactive: bool,
}

/// How many tenants stand where, by suggestion and by decision. Each of the two sums up to `total`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// All of them.
    pub total: usize,
    /// With one client and no doubt.
    pub auto_matched: usize,
    /// With clients to choose from.
    pub fuzzy_candidates: usize,
    /// Without any.
    pub unmatched: usize,
    /// Decided: mapped to a client.
    pub mapped: usize,
    /// Decided: a client is to be created.
    pub create_new: usize,
    /// Decided: not now.
    pub skipped: usize,
    /// Not decided, marked for review, or taken back.
    pub needs_review: usize,
}

/// Suggests a client for every discovered tenant and shows what was decided. Writes nothing.
///
/// Tenants stand in the order of their names; existing decisions do not change a suggestion.
pub async fn preview(store: &Store, workspace: WorkspaceId) -> Result<Preview, StoreError> {
    let (mut tenants, clients, records) =
        try_join!(store.managed_tenants(workspace), store.clients(workspace), store.mappings(workspace))?;
    tenants.sort_by_cached_key(facts::place);
    let decisions: BTreeMap<ManagedTenantId, MappingRecord> =
        records.into_iter().map(|record| (record.managed_tenant, record)).collect();
    let clients: Vec<ClientFacts> = clients.iter().map(facts::of_client).collect();
    Ok(suggested(&tenants, &Matcher::new(&clients), &decisions))
}

fn suggested(
    tenants: &[ManagedTenant],
    matcher: &Matcher<'_>,
    decisions: &BTreeMap<ManagedTenantId, MappingRecord>,
) -> Preview {
    let (mut auto_matched, mut fuzzy_candidates, mut unmatched) = (Vec::new(), Vec::new(), Vec::new());
    let mut summary = Summary { total: tenants.len(), ..Summary::default() };
    for tenant in tenants {
        let decision = decisions.get(&tenant.id).map(|record| &record.current);
        summary.count(decision.map(|current| current.decision.state()));
        let entry = TenantEntry::new(tenant, decision);
        match matcher.suggest(&facts::of_tenant(tenant)) {
            Suggestion::AutoMatched(candidate) => {
                auto_matched.push(AutoMatched { tenant: entry, suggestion: candidate.into() });
            }
            Suggestion::Candidates(candidates) => {
                let candidates = candidates.into_iter().map(CandidateEntry::from).collect();
                fuzzy_candidates.push(WithCandidates { tenant: entry, candidates });
            }
            Suggestion::Unmatched => unmatched.push(entry),
        }
    }
    summary.auto_matched = auto_matched.len();
    summary.fuzzy_candidates = fuzzy_candidates.len();
    summary.unmatched = unmatched.len();
    Preview { auto_matched, fuzzy_candidates, unmatched, summary }
}

impl Summary {
    fn count(&mut self, decided: Option<MappingState>) {
        *match decided {
            Some(MappingState::Mapped) => &mut self.mapped,
            Some(MappingState::CreateNew) => &mut self.create_new,
            Some(MappingState::SkipForNow) => &mut self.skipped,
            Some(MappingState::NeedsReview | MappingState::Unmapped) | None => &mut self.needs_review,
        } += 1;
    }
}

impl TenantEntry {
    fn new(tenant: &ManagedTenant, decision: Option<&ActiveDecision>) -> Self {
        Self {
            managed_tenant_id: tenant.id,
            entra_tenant_id: tenant.entra,
            display_name: tenant.display_name.clone(),
            primary_domain: tenant.default_domain.clone(),
            source_user_count: tenant.user_count.unwrap_or_default(),
            missing_since: tenant.missing_since,
            existing_mapping: decision.map(ExistingMapping::from),
            mapping_state: decision.map(|current| current.decision.state()),
            mapped_client_id: decision.and_then(|current| current.decision.client()),
        }
    }
}

impl From<&ActiveDecision> for ExistingMapping {
    fn from(current: &ActiveDecision) -> Self {
        Self {
            mapping_id: current.mapping_id,
            client_id: current.decision.client(),
            mapping_state: current.decision.state(),
            client_portal_entra_provisioning_mode: "inherit",
            client_portal_entitlement_group_id: None,
            client_portal_entitlement_membership_mode: "transitive",
            client_portal_default_role_name: None,
        }
    }
}

impl From<Candidate> for CandidateEntry {
    fn from(candidate: Candidate) -> Self {
        Self {
            client_id: candidate.client,
            client_name: candidate.client_name,
            confidence_score: candidate.score,
            auto_match: (candidate.reason == Reason::FuzzyName).then_some(false),
            reason: candidate.reason,
            matched_domain: candidate.matched_domain,
            is_inactive: candidate.inactive,
        }
    }
}
