//! Whether the stored plan of a run is as it was written.

use std::collections::BTreeMap;

use domain::{
    ids::{ManagedTenantId, RunId, WorkspaceId},
    plan::ChainHash,
    run::RunKind,
};
use jiff::Timestamp;
use serde::Serialize;
use store::{ResultAsStored, Run, Seal, Store, StoreError};

/// Stored pages that are read at once.
const PAGES_AT_ONCE: u16 = 20;

/// Whether the stored plans of all tenants of a run are as they were written.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunCheck {
    /// Whether the run has ended, every tenant that it covers has a plan, and each is as it was written.
    pub intact: bool,
    /// Whether the run has ended; while it is going on, not everything is there.
    pub ended: bool,
    /// Tenants that the run covers and of which nothing is stored: not even which they are.
    pub unknown_tenants: u32,
    /// Every other tenant.
    pub tenants: Vec<PlanCheck>,
}

/// Whether the stored plan of one tenant is as it was written.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanCheck {
    /// The tenant.
    pub managed_tenant_id: ManagedTenantId,
    /// Pages the result of the tenant speaks of.
    pub pages: u32,
    /// Whether every page is there and the chain over them ends in the hash of the result.
    pub intact: bool,
    /// The first page that is missing or was changed.
    pub first_fault: Option<u32>,
    /// What was found.
    pub finding: Finding,
    /// The same as a sentence.
    pub explanation: &'static str,
}

/// What the check of one plan has found.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// Every page is as it was written.
    AsWritten,
    /// A page is missing, and plans as old as this one are not kept.
    Expired,
    /// The run has ended before the tenant had.
    NeverEnded,
    /// What is noted about lines that were not carried out is not what was written.
    LeftAloneChanged,
    /// A page is not the one that was written there.
    PageChanged,
    /// A page is missing.
    PageMissing,
    /// The stored result of the tenant is not the one that was written.
    ResultChanged,
    /// The run has counted a result that is not stored.
    ResultMissing,
    /// The run is going on, and the tenant has not ended.
    UnderWay,
}

impl Finding {
    /// What it means, and what to do.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::AsWritten => "Every page is as it was written.",
            Self::Expired => {
                "Plans are kept for 180 days; this one is older, and pages of it have been removed. The counters of \
                 the run stay."
            }
            Self::NeverEnded => {
                "The run ended before this tenant had, so nothing says where its plan ends. What was applied stays; \
                 run the sync again."
            }
            Self::LeftAloneChanged => {
                "What is stored about the lines that were not carried out is not what was written. Do not undo \
                 anything of this plan; find out who can write to the table."
            }
            Self::PageChanged => {
                "A stored page is not the one that was written there. Take nothing from this plan: do not apply it, \
                 let nothing of it through and do not undo it; find out who can write to the table."
            }
            Self::PageMissing => {
                "A stored page has been removed before its time. Take nothing from this plan, and find out who can \
                 write to the table."
            }
            Self::ResultChanged => {
                "The stored result of the tenant is not the one that was written: its counters or its hash are \
                 another. Take nothing from this plan, and find out who can write to the table."
            }
            Self::ResultMissing => {
                "The run has counted how a tenant ended, and that is not stored any more, so the plan cannot be \
                 checked. Take nothing from it, and find out who can write to the table."
            }
            Self::UnderWay => "The run is still going on. Check it again when it has ended.",
        }
    }
}

/// Checks the plan of every tenant that a run covers, over the bytes that are stored; `None` when there is no
/// such run. Whoever can write to the table at will can forge a whole plan with its result; what is found is what
/// does not fit together.
pub async fn verify(
    store: &Store,
    workspace: WorkspaceId,
    run: RunId,
    now: Timestamp,
) -> Result<Option<RunCheck>, StoreError> {
    let Some(run) = store.run(workspace, run).await? else { return Ok(None) };
    let targets = store.targets(workspace, run.id).await?;
    let results = store.results_as_stored(workspace, run.id).await?;
    let ended = run.run_status.is_terminal();
    let counted = run.succeeded_tenants
        // An answer of an operator that could not be carried out has no result and counts as failed.
        + if run.kind == RunKind::Decision { 0 } else { run.failed_tenants };
    let without_result = match (ended, results.len() < counted as usize) {
        (false, _) => Finding::UnderWay,
        (true, true) => Finding::ResultMissing,
        (true, false) => Finding::NeverEnded,
    };
    // A key that names no tenant was never written, and its tenant is missed below.
    let mut results: BTreeMap<ManagedTenantId, ResultAsStored> =
        results.into_iter().filter_map(|result| Some((result.tenant?, result))).collect();
    let mut tenants = Vec::new();
    for target in &targets {
        let check = match results.remove(&target.tenant) {
            Some(result) => check(store, &run, target.tenant, &result, now).await?,
            None => PlanCheck::new(target.tenant, 0, without_result, None),
        };
        tenants.push(check);
    }
    for (tenant, result) in &results {
        tenants.push(check(store, &run, *tenant, result, now).await?);
    }
    let known = u32::try_from(tenants.len()).unwrap_or(u32::MAX);
    let unknown_tenants = run.total_tenants.saturating_sub(known);
    let intact = ended && unknown_tenants == 0 && tenants.iter().all(|tenant| tenant.intact);
    Ok(Some(RunCheck { intact, ended, unknown_tenants, tenants }))
}

impl PlanCheck {
    fn new(tenant: ManagedTenantId, pages: u32, finding: Finding, first_fault: Option<u32>) -> Self {
        let (intact, explanation) = (finding == Finding::AsWritten, finding.explanation());
        Self { managed_tenant_id: tenant, pages, intact, first_fault, finding, explanation }
    }
}

async fn check(
    store: &Store,
    run: &Run,
    tenant: ManagedTenantId,
    stored: &ResultAsStored,
    now: Timestamp,
) -> Result<PlanCheck, StoreError> {
    let Some(result) = stored.result.as_ref().filter(|result| result.tenant == tenant) else {
        return Ok(PlanCheck::new(tenant, 0, Finding::ResultChanged, None));
    };
    let found = |finding, page| Ok(PlanCheck::new(tenant, result.pages, finding, page));
    if stored.seal == Seal::Broken {
        return found(Finding::ResultChanged, None);
    }
    let mut is_sealed = stored.seal == Seal::Whole;
    let mut chain = ChainHash::GENESIS;
    let mut number = 0;
    while number < result.pages {
        let pages =
            store.pages_as_stored(run.workspace, run.id, result.tenant, number, PAGES_AT_ONCE).await?;
        let missing = if now < run.plan_expires() { Finding::PageMissing } else { Finding::Expired };
        if pages.is_empty() {
            return found(missing, Some(number + 1));
        }
        for page in pages {
            number += 1;
            if page.number.is_some_and(|place| place > number) {
                return found(missing, Some(number));
            }
            let after = page.chained(chain).filter(|_| page.number == Some(number));
            let Some(after) = after else { return found(Finding::PageChanged, Some(number)) };
            chain = after;
            // Whoever sealed pages has sealed the result.
            is_sealed |= page.seal == Seal::Whole && stored.seal == Seal::None;
            if number == result.pages {
                break;
            }
        }
    }
    match result.chain {
        Some(noted) if noted != chain => return found(Finding::PageChanged, Some(result.pages)),
        _ => {}
    }
    match stored.seal {
        Seal::None if is_sealed => return found(Finding::ResultChanged, None),
        Seal::None => return found(Finding::AsWritten, None),
        Seal::Broken | Seal::Whole => {}
    }
    // Results say nothing of lines that were left alone when there were none.
    let stale = store.stale_hash(run.workspace, run.id, tenant, result.pages).await?;
    match stale == stored.stale {
        true => found(Finding::AsWritten, None),
        // What has expired goes bit by bit.
        false if now >= run.plan_expires() => found(Finding::Expired, None),
        false => found(Finding::LeftAloneChanged, None),
    }
}
