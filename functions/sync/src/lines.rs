//! The lines of a run: what a preview plans and what a run has done are the same thing.

use domain::{
    ids::{ManagedTenantId, RunId, WorkspaceId},
    plan::Line,
};
use store::{Store, StoreError};

/// Plan pages that are read at once.
const PAGES_AT_ONCE: u16 = 1;

/// Lines of one tenant, from one plan page.
#[derive(Clone, Debug, PartialEq)]
pub struct LinePage {
    /// The lines, in the order in which they are applied.
    pub lines: Vec<Line>,
    /// Number of the page; give it back to get the next one.
    pub page: u32,
}

/// The lines after plan page `after` (0 for the first); `None` after the last one.
pub async fn lines(
    store: &Store,
    workspace: WorkspaceId,
    run: RunId,
    tenant: ManagedTenantId,
    after: u32,
) -> Result<Option<LinePage>, StoreError> {
    let pages = store.pages(workspace, run, tenant, after, PAGES_AT_ONCE).await?;
    Ok(pages.into_iter().next().map(|stored| LinePage { lines: stored.page.lines, page: stored.head.number }))
}
