//! One decision about one tenant: skip, take back, give to another client.

use domain::{
    ids::{ClientId, ManagedTenantId},
    mapping::{Decision, MappingRecord, Outcome, RequestedDecision},
};
use serde::Serialize;

use crate::{Editor, Expectation, Mapping, MappingError};

/// What holds for the tenant now.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The tenant.
    pub managed_tenant_id: ManagedTenantId,
    /// The client it is mapped to now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_client_id: Option<ClientId>,
    /// `skipped`, `unmapped` or `remapped`.
    pub status: &'static str,
    /// For a remap, as a confirmation counts it: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed_mappings: Option<usize>,
    /// Whether it was saved or held before.
    pub outcome: Outcome,
    /// What it means for contacts.
    pub consequence: &'static str,
}

/// Puts a tenant off: its people are not synced.
pub async fn skip(
    mapping: &Mapping,
    editor: &Editor,
    tenant: ManagedTenantId,
    expected: Expectation,
) -> Result<Change, MappingError> {
    let current = mapping.record_of_known(editor, tenant).await?;
    let outcome = change(mapping, editor, tenant, Decision::SkipForNow, expected, current).await?;
    Ok(Change {
        managed_tenant_id: tenant,
        target_client_id: None,
        status: "skipped",
        confirmed_mappings: None,
        outcome,
        consequence: "the people of this tenant are not synced until it is mapped; contacts and links made \
                      before stay as they are",
    })
}

/// Takes the decision about a tenant back. With none there is nothing to do.
pub async fn unmap(
    mapping: &Mapping,
    editor: &Editor,
    tenant: ManagedTenantId,
    expected: Expectation,
) -> Result<Change, MappingError> {
    let current = mapping.record_of_known(editor, tenant).await?;
    let outcome = change(mapping, editor, tenant, Decision::Unmapped, expected, current).await?;
    Ok(Change {
        managed_tenant_id: tenant,
        target_client_id: None,
        status: "unmapped",
        confirmed_mappings: None,
        outcome,
        consequence: "the next sync leaves this tenant out; contacts and links made before stay as they are",
    })
}

/// Maps a tenant to `client`, whatever was decided before.
pub async fn remap(
    mapping: &Mapping,
    editor: &Editor,
    tenant: ManagedTenantId,
    client: ClientId,
    expected: Expectation,
) -> Result<Change, MappingError> {
    let current = mapping.record_of_known(editor, tenant).await?;
    if mapping.store.client_by_id(editor.workspace, client).await?.is_none() {
        return Err(MappingError::UnknownClient(client));
    }
    let outcome = change(mapping, editor, tenant, Decision::Mapped { client }, expected, current).await?;
    Ok(Change {
        managed_tenant_id: tenant,
        target_client_id: Some(client),
        status: "remapped",
        confirmed_mappings: Some(1),
        outcome,
        consequence: "from the next sync on, new people of this tenant become contacts of this client; \
                      people whose contact is at another client stay there and wait in the review queue",
    })
}

async fn change(
    mapping: &Mapping,
    editor: &Editor,
    tenant: ManagedTenantId,
    decision: Decision,
    expected: Expectation,
    current: Option<MappingRecord>,
) -> Result<Outcome, MappingError> {
    let requested = RequestedDecision { managed_tenant: tenant, decision, confidence: None };
    match mapping.settle(editor, &requested, expected, current).await? {
        outcome if outcome.holds() => Ok(outcome),
        _ => Err(MappingError::Changed(tenant)),
    }
}
