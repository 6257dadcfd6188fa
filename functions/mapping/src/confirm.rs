//! Many decisions at once.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    ids::{ClientId, ManagedTenantId},
    mapping::{
        Confidence, Decision, MappingRecord, MappingState, Outcome, RawDecision, RequestedDecision, Score,
        parse_request,
    },
};
use futures::{StreamExt, TryStreamExt, stream, try_join};
use serde::{Deserialize, Deserializer, Serialize, de};
use store::StoreError;

use crate::{Editor, Expectation, Mapping, MappingError, preview::preview};

/// Most decisions in one request.
pub const DECISIONS_MAX: usize = 5_000;

/// Decisions that are written at the same time.
const WRITES_AT_ONCE: usize = 16;

/// One decision as it is sent, with names in camel case or snake case.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct DecisionItem {
    /// The tenant.
    #[serde(alias = "managed_tenant_id")]
    pub managed_tenant_id: ManagedTenantId,
    /// The client; blank counts as none.
    #[serde(default, alias = "client_id", deserialize_with = "blank_is_none")]
    pub client_id: Option<ClientId>,
    /// The name of a state. Absent or blank means mapped when a client is given, otherwise skip.
    #[serde(default, alias = "mapping_state")]
    pub mapping_state: Option<String>,
    /// The score the operator was shown, between 0 and 1.
    #[serde(default, alias = "confidence_score")]
    pub confidence_score: Option<f64>,
    /// The decision the operator saw.
    #[serde(default, alias = "expected_mapping_id")]
    pub expected_mapping_id: Expectation,
    /// Provisioning of client portal users: `inherit`, or none. Nothing else is taken, here and in
    /// the members below.
    #[serde(default, alias = "client_portal_entra_provisioning_mode")]
    pub client_portal_entra_provisioning_mode: Option<String>,
    /// None.
    #[serde(default, alias = "client_portal_entitlement_group_id")]
    pub client_portal_entitlement_group_id: Option<String>,
    /// None.
    #[serde(default, alias = "client_portal_default_role_name")]
    pub client_portal_default_role_name: Option<String>,
    /// None.
    #[serde(default, alias = "client_portal_workflow_target")]
    pub client_portal_workflow_target: Option<String>,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Confirmation {
    /// Decisions that hold now, whether they were saved or held before.
    pub confirmed_mappings: usize,
    /// One entry for each tenant, in the order of the request.
    pub results: Vec<ItemResult>,
}

/// What became of one decision.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemResult {
    /// The tenant.
    pub managed_tenant_id: ManagedTenantId,
    /// What became of it.
    pub outcome: Outcome,
    /// A stable name of the failure; `None` when the decision holds.
    pub code: Option<&'static str>,
    /// What happened, what it means for contacts, and what to do.
    pub message: &'static str,
}

/// Saves decisions, each on its own: one that cannot be saved does not hold up the others.
///
/// # Errors
/// A request that contradicts itself saves nothing. The checks, in their order: number of items,
/// one tenant with two clients, states and scores, the right to create clients, portal settings.
pub async fn confirm(
    mapping: &Mapping,
    editor: &Editor,
    items: &[DecisionItem],
) -> Result<Confirmation, MappingError> {
    if items.len() > DECISIONS_MAX {
        return Err(MappingError::TooMany(items.len()));
    }
    let raw: Vec<RawDecision> = items.iter().map(DecisionItem::raw).collect();
    let requested = parse_request(&raw)?;
    let creates = requested.iter().any(|item| item.decision.state() == MappingState::CreateNew);
    if creates && !editor.may_create_clients {
        return Err(MappingError::NeedsPermission);
    }
    if let Some(item) = items.iter().find(|item| item.sets_up_portal_users()) {
        return Err(MappingError::PortalSettings(item.managed_tenant_id));
    }
    let expected: BTreeMap<ManagedTenantId, Expectation> =
        items.iter().map(|item| (item.managed_tenant_id, item.expected_mapping_id)).collect();
    let requested = requested.into_iter().map(|requested| {
        let expectation = expected.get(&requested.managed_tenant).copied().unwrap_or_default();
        (requested, expectation)
    });
    Ok(save(mapping, editor, requested.collect()).await?)
}

/// Confirms every match about which there is no doubt, of tenants nothing was decided about yet or
/// that are marked for review. Decisions somebody made (also to skip or to unmap) stay.
pub async fn confirm_auto_matches(mapping: &Mapping, editor: &Editor) -> Result<Confirmation, StoreError> {
    let preview = preview(&mapping.store, editor.workspace).await?;
    let undecided = preview.auto_matched.into_iter().filter_map(|matched| {
        let expectation = match matched.tenant.existing_mapping {
            None => Expectation::Undecided,
            Some(existing) if existing.mapping_state == MappingState::NeedsReview => {
                Expectation::Decision(existing.mapping_id)
            }
            Some(_) => return None,
        };
        let requested = RequestedDecision {
            managed_tenant: matched.tenant.managed_tenant_id,
            decision: Decision::Mapped { client: matched.suggestion.client_id },
            confidence: Some(Confidence::from(Score::CERTAIN)),
        };
        Some((requested, expectation))
    });
    save(mapping, editor, undecided.collect()).await
}

async fn save(
    mapping: &Mapping,
    editor: &Editor,
    requested: Vec<(RequestedDecision, Expectation)>,
) -> Result<Confirmation, StoreError> {
    if requested.is_empty() {
        return Ok(Confirmation { confirmed_mappings: 0, results: Vec::new() });
    }
    let (store, workspace) = (&mapping.store, editor.workspace);
    let (tenants, clients, records) =
        try_join!(store.managed_tenants(workspace), store.clients(workspace), store.mappings(workspace))?;
    let tenants: BTreeSet<ManagedTenantId> = tenants.into_iter().map(|tenant| tenant.id).collect();
    let clients: BTreeSet<ClientId> = clients.into_iter().map(|client| client.id).collect();
    let mut records: BTreeMap<ManagedTenantId, MappingRecord> =
        records.into_iter().map(|record| (record.managed_tenant, record)).collect();

    let saved = requested.into_iter().map(|(item, expected)| {
        let is_known_tenant = tenants.contains(&item.managed_tenant);
        let is_known_client = item.decision.client().is_none_or(|client| clients.contains(&client));
        let current = records.remove(&item.managed_tenant);
        async move {
            let outcome = match (is_known_tenant, is_known_client) {
                (false, _) => Outcome::UnknownTenant,
                (true, false) => Outcome::UnknownClient,
                (true, true) => mapping.settle(editor, &item, expected, current).await?,
            };
            Ok(ItemResult::new(item.managed_tenant, outcome))
        }
    });
    let results: Vec<ItemResult> = stream::iter(saved).buffered(WRITES_AT_ONCE).try_collect().await?;
    let confirmed_mappings = results.iter().filter(|result| result.outcome.holds()).count();
    Ok(Confirmation { confirmed_mappings, results })
}

impl DecisionItem {
    fn raw(&self) -> RawDecision {
        RawDecision {
            managed_tenant: self.managed_tenant_id,
            state: self.mapping_state.clone(),
            client: self.client_id,
            confidence: self.confidence_score,
        }
    }

    /// Whether client portal users are asked for. An unknown mode means `inherit`, as in the PSA.
    fn sets_up_portal_users(&self) -> bool {
        let is_given = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.trim().is_empty());
        let mode = self.client_portal_entra_provisioning_mode.as_deref().unwrap_or_default().trim();
        ["disabled", "built_in", "workflow_managed"].contains(&mode)
            || is_given(&self.client_portal_entitlement_group_id)
            || is_given(&self.client_portal_default_role_name)
            || is_given(&self.client_portal_workflow_target)
    }
}

impl From<RawDecision> for DecisionItem {
    /// The decision, whatever was decided before.
    fn from(raw: RawDecision) -> Self {
        Self {
            managed_tenant_id: raw.managed_tenant,
            client_id: raw.client,
            mapping_state: raw.state,
            confidence_score: raw.confidence,
            expected_mapping_id: Expectation::Anything,
            client_portal_entra_provisioning_mode: None,
            client_portal_entitlement_group_id: None,
            client_portal_default_role_name: None,
            client_portal_workflow_target: None,
        }
    }
}

impl ItemResult {
    fn new(managed_tenant_id: ManagedTenantId, outcome: Outcome) -> Self {
        let code = match outcome {
            Outcome::ChangedBySomeoneElse => Some("mapping_changed"),
            Outcome::Confirmed | Outcome::Unchanged => None,
            Outcome::NeedsPermission => Some("permission_denied"),
            Outcome::UnknownClient => Some("unknown_client"),
            Outcome::UnknownTenant => Some("unknown_managed_tenant"),
        };
        Self { managed_tenant_id, outcome, code, message: outcome.explanation() }
    }
}

fn blank_is_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ClientId>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    let text = text.filter(|text| !text.trim().is_empty());
    text.map(|text| text.parse().map_err(de::Error::custom)).transpose()
}
