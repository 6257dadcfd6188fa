//! The discovery itself.

use std::{collections::BTreeMap, sync::Arc};

use assembly::{FeatureGate, switched_off, tenant_failure};
use directory::{Access, Directory, ErrorClass, ListedTenant, ReadError, TenantList};
use domain::{
    ids::{EntraTenantId, ManagedTenantId, WorkspaceId},
    run::TenantFailure,
};
use futures::{StreamExt, stream};
use jiff::Timestamp;
use store::{ConnectionKind, DiscoveryReport, ManagedTenant, Store, StoreError, TenantAccess};
use workflow::errors::{TaskError, TaskFailure};

use crate::Discovery;

/// Tenants that are asked about themselves at once.
const TENANTS_AT_ONCE: usize = 8;

/// Discovers the tenants of a workspace's connection and notes the outcome under `execution`.
///
/// # Errors
/// [`TaskError::Transient`] and [`TaskError::Throttled`] when trying again may help. A connection
/// that is refused is an outcome: the report says why.
pub async fn discover(
    discovery: &Discovery,
    workspace: WorkspaceId,
    execution: &str,
) -> Result<DiscoveryReport, TaskFailure> {
    let listed = match list(discovery, workspace).await {
        Ok((directory, listed)) => Ok((directory, listed)),
        Err(error) => match error.class() {
            ErrorClass::Throttled { .. } => {
                return Err(TaskFailure::new(TaskError::Throttled, error.to_string()));
            }
            // A listing that ran out on the way begins again, too.
            ErrorClass::ExpiredPage | ErrorClass::Transient => {
                return Err(TaskFailure::new(TaskError::Transient, error.to_string()));
            }
            _ => Err(error),
        },
    };
    let now = discovery.clock.now();
    let mut report = empty_report(execution, now);
    match listed {
        Ok((_, listed)) if listed.tenants.is_empty() && knows_tenants(discovery, workspace).await? => {
            report.failure = Some(nothing_listed());
        }
        Ok((directory, listed)) => {
            if let Some(first) = listed.bad_rows.first() {
                tracing::warn!(%workspace, rows = listed.bad_rows.len(), ?first, "customers could not be read");
            }
            let refused = take_in(discovery, workspace, &directory, listed, &mut report).await;
            let refused = refused.map_err(task_failure)?;
            report.failure = refused.as_ref().map(tenant_failure);
        }
        Err(error) => report.failure = Some(tenant_failure(&error)),
    }
    report.completed_at = discovery.clock.now();
    discovery.store.put_discovery(workspace, &report).await.map_err(task_failure)?;
    tracing::info!(%workspace, found = report.found, new = report.new.len(), gone = report.gone.len(), "discovered");
    Ok(report)
}

/// [`discover`], if the integration is switched on for the workspace; otherwise nothing is asked, and the
/// report says why.
///
/// # Errors
/// Those of [`discover`].
pub async fn discover_if_on(
    discovery: &Discovery,
    gate: &FeatureGate,
    workspace: WorkspaceId,
    execution: &str,
) -> Result<DiscoveryReport, TaskFailure> {
    if gate.lets_work(workspace).await? {
        return discover(discovery, workspace, execution).await;
    }
    let report =
        DiscoveryReport { failure: Some(switched_off()), ..empty_report(execution, discovery.clock.now()) };
    discovery.store.put_discovery(workspace, &report).await.map_err(task_failure)?;
    Ok(report)
}

/// Whether there is a tenant that was listed before.
async fn knows_tenants(discovery: &Discovery, workspace: WorkspaceId) -> Result<bool, TaskFailure> {
    let known = discovery.store.managed_tenants(workspace).await.map_err(task_failure)?;
    Ok(known.iter().any(|tenant| tenant.missing_since.is_none()))
}

async fn list(
    discovery: &Discovery,
    workspace: WorkspaceId,
) -> Result<(Arc<dyn Directory>, TenantList), ReadError> {
    let directory = discovery.directories.of(workspace).await?;
    let listed = directory.managed_tenants().await?;
    Ok((directory, listed))
}

/// Notes what is listed. Where the connection itself is refused it notes nothing, and answers why: that is no
/// customer's doing, and all of them would be told it.
async fn take_in(
    discovery: &Discovery,
    workspace: WorkspaceId,
    directory: &Arc<dyn Directory>,
    listed: TenantList,
    report: &mut DiscoveryReport,
) -> Result<Option<ReadError>, StoreError> {
    let store = &discovery.store;
    let mut known: BTreeMap<EntraTenantId, ManagedTenant> =
        store.managed_tenants(workspace).await?.into_iter().map(|tenant| (tenant.entra, tenant)).collect();
    let now = discovery.clock.now();
    let (found, unreadable_rows) = (count(listed.tenants.len()), count(listed.bad_rows.len()));
    let is_whole = listed.is_whole();
    let mut looking =
        stream::iter(listed.tenants)
            .map(|mut listed| {
                if !is_whole && matches!(listed.access, Access::Ended { .. }) {
                    // The relationship that goes on may be the one that could not be read: the tenant is asked.
                    listed.access = Access::Active;
                }
                let before = known.remove(&listed.entra_tenant);
                async move {
                    (look_at(directory.as_ref(), workspace, &listed, before.as_ref(), now).await, before)
                }
            })
            .buffered(TENANTS_AT_ONCE);
    let mut seen = Vec::new();
    while let Some((looked_at, before)) = looking.next().await {
        match looked_at {
            Ok(tenant) => seen.push((tenant, before)),
            Err(refused) => return Ok(Some(refused)),
        }
    }
    drop(looking);
    (report.found, report.unreadable_rows) = (found, unreadable_rows);
    for (tenant, before) in seen {
        compare(report, &tenant, before.as_ref());
        store.put_managed_tenant(workspace, &tenant).await?;
    }
    // Whoever is not listed may be in a row that could not be read.
    let mut gone =
        known.into_values().filter(|_| is_whole).filter(|tenant| tenant.missing_since.is_none()).peekable();
    if gone.peek().is_some() {
        let connection = store.connection(workspace).await?;
        let is_cipp = connection.is_some_and(|connection| connection.kind == ConnectionKind::Cipp);
        let failure = if is_cipp { not_listed() } else { relationship_ended() };
        for gone in gone {
            mark_gone(store, workspace, gone, (now, &failure), report).await?;
        }
    }
    Ok(None)
}

/// Asks one tenant about itself. What it does not say stays as it was known.
///
/// # Errors
/// The connection is refused, which says nothing about the tenant.
async fn look_at(
    directory: &dyn Directory,
    workspace: WorkspaceId,
    listed: &ListedTenant,
    before: Option<&ManagedTenant>,
    now: Timestamp,
) -> Result<ManagedTenant, ReadError> {
    let mut tenant = before.cloned().unwrap_or_else(|| ManagedTenant {
        id: ManagedTenantId::derived(workspace, listed.entra_tenant),
        entra: listed.entra_tenant,
        display_name: None,
        default_domain: None,
        verified_domains: Vec::new(),
        access: TenantAccess::Unknown,
        access_ends: None,
        user_count: None,
        discovered_at: now,
        last_seen_at: now,
        missing_since: None,
    });
    tenant.last_seen_at = now;
    if tenant.missing_since.take().is_some() {
        tenant.access = TenantAccess::Unknown;
    }
    tenant.access_ends = listed.access_ends();
    tenant.display_name = listed.display_name.clone().or(tenant.display_name);
    if let Access::Ended { .. } = listed.access {
        tenant.access = TenantAccess::Blocked { failure: relationship_ended() };
        return Ok(tenant);
    }
    match directory.prove(listed.entra_tenant).await {
        Ok(proof) => {
            tenant.display_name = proof.display_name.or(tenant.display_name);
            tenant.default_domain = proof.default_domain.or(tenant.default_domain);
            tenant.verified_domains = proof.verified_domains;
            tenant.access = TenantAccess::Ok;
        }
        Err(error) if error.class() == ErrorClass::CredentialRejected => return Err(error),
        Err(error) => {
            // No answer says nothing about our access.
            if !matches!(error.class(), ErrorClass::Throttled { .. } | ErrorClass::Transient) {
                tenant.access = TenantAccess::Blocked { failure: tenant_failure(&error) };
            }
            if tenant.default_domain.is_none()
                && let Ok(Some(public)) = directory.public_tenant(listed.entra_tenant).await
            {
                tenant.display_name = public.display_name.or(tenant.display_name);
                tenant.default_domain = public.default_domain;
            }
        }
    }
    Ok(tenant)
}

async fn mark_gone(
    store: &Store,
    workspace: WorkspaceId,
    mut tenant: ManagedTenant,
    (now, failure): (Timestamp, &TenantFailure),
    report: &mut DiscoveryReport,
) -> Result<(), StoreError> {
    tenant.missing_since = Some(now);
    tenant.access = TenantAccess::Blocked { failure: failure.clone() };
    store.put_managed_tenant(workspace, &tenant).await?;
    report.gone.push(tenant.id);
    Ok(())
}

fn compare(report: &mut DiscoveryReport, tenant: &ManagedTenant, before: Option<&ManagedTenant>) {
    let Some(before) = before else {
        report.new.push(tenant.id);
        return;
    };
    if before.display_name != tenant.display_name {
        report.renamed.push(tenant.id);
    }
    if before.access == TenantAccess::Ok && matches!(tenant.access, TenantAccess::Blocked { .. }) {
        report.lost_access.push(tenant.id);
    }
}

fn empty_report(execution: &str, now: Timestamp) -> DiscoveryReport {
    DiscoveryReport {
        execution: execution.to_owned(),
        completed_at: now,
        found: 0,
        new: Vec::new(),
        gone: Vec::new(),
        renamed: Vec::new(),
        lost_access: Vec::new(),
        unreadable_rows: 0,
        failure: None,
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn nothing_listed() -> TenantFailure {
    TenantFailure {
        code: "nothing_listed".to_owned(),
        message: "Microsoft lists no customer at all, although there were some before. Nothing was changed: \
             tenants, mappings and contacts stay as they are."
            .to_owned(),
        remedy: "Check in Partner Center that the relationships are active and that the account used to \
             connect may see them, then discover again."
            .to_owned(),
        diagnostics: None,
    }
}

fn relationship_ended() -> TenantFailure {
    TenantFailure {
        code: "relationship_ended".to_owned(),
        message: "The delegated administration relationship with this customer has ended. Its contacts stay \
             as they are and are no longer updated."
            .to_owned(),
        remedy: "Ask the customer to approve a new relationship, then discover again.".to_owned(),
        diagnostics: None,
    }
}

/// CIPP leaves out who is excluded there and whom the API client may not see, without saying so.
fn not_listed() -> TenantFailure {
    TenantFailure {
        code: "cipp_tenant_not_listed".to_owned(),
        message: "CIPP does not list this customer any more. Its contacts stay as they are and are no longer updated."
            .to_owned(),
        remedy: "In CIPP check that the tenant is not excluded and that the API client's role is not limited to other \
                 tenants, and in Partner Center that the relationship goes on; then discover again."
            .to_owned(),
        diagnostics: None,
    }
}

fn task_failure(error: StoreError) -> TaskFailure {
    let name = if error.is_transient() { TaskError::Transient } else { TaskError::Fault };
    TaskFailure::new(name, error.to_string())
}
