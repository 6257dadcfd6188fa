//! The lines of a run: what a preview plans and what a run has done are the same thing.

use std::collections::BTreeMap;

use domain::{
    fields::Hidden,
    ids::{LineId, ManagedTenantId, RunId, WorkspaceId},
    plan::Line,
    text::is_part_of_any,
};
use serde::Serialize;
use store::{Store, StoreError};

use crate::views::LineView;

/// Plan pages that are read at once where all of their lines are shown.
const PAGES_AT_ONCE: u16 = 1;

/// Plan pages that are read at once where few of many lines are looked for, or lines are counted.
const PAGES_LOOKED_THROUGH: u16 = 20;

/// Plan pages that one request looks through, at most.
const PAGES_MAX: usize = 100;

/// Lines of one answer that are enough.
const LINES_ENOUGH: usize = 200;

/// Lines of one tenant, from one plan page.
#[derive(Clone, Debug, PartialEq)]
pub struct LinePage {
    /// The lines, in the order in which they are applied.
    pub lines: Vec<Line>,
    /// Number of the page; give it back to get the next one.
    pub page: u32,
}

/// A line and whether it was carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct RunLine {
    /// As it was planned.
    pub line: Line,
    /// Why it was not carried out, as a code; `None` when it was, or in a preview.
    pub not_done: Option<String>,
}

impl RunLine {
    /// The line, without the values that are hidden.
    pub fn view(&self, hidden: &Hidden) -> LineView {
        LineView::new(&self.line, hidden).not_done(self.not_done.as_deref())
    }
}

/// Lines that were not carried out, each with the code of why not.
pub type NotDone = BTreeMap<LineId, String>;

/// Which lines.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct LineFilter {
    /// Only those with this action ([`LineView::action`]).
    pub action: Option<String>,
    /// Only those with this code ([`LineView::code`], or why it was not carried out), such as the rule that
    /// leaves somebody out.
    pub code: Option<String>,
    /// Only about people in whose name or address this is found, in whatever case.
    pub find: Option<String>,
    /// Only those that were planned and not carried out.
    pub not_done: bool,
}

/// Lines that were found.
#[derive(Clone, Debug, PartialEq)]
pub struct LinesFound {
    /// The lines, in the order in which they are applied.
    pub lines: Vec<LineView>,
    /// The search goes on after this page; `None` when everything was looked through.
    pub next: Option<u32>,
}

/// How many lines have the same action and code.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LineCount {
    /// What happens.
    pub action: &'static str,
    /// Why, as a code.
    pub code: Option<String>,
    /// Why they were not carried out, as a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_done: Option<String>,
    /// How many.
    pub lines: u64,
}

/// Lines counted by their action and code.
#[derive(Clone, Debug, Default)]
pub struct Tally(BTreeMap<(&'static str, Option<String>, Option<String>), u64>);

impl Tally {
    /// Counts a line.
    pub fn add(&mut self, line: &Line, not_done: Option<&String>) {
        let view = LineView::new(line, &Hidden::default());
        *self.0.entry((view.action, view.code, not_done.cloned())).or_default() += 1;
    }

    /// How many there are of each kind.
    pub fn into_counts(self) -> Vec<LineCount> {
        let count = |((action, code, not_done), lines)| LineCount { action, code, not_done, lines };
        self.0.into_iter().map(count).collect()
    }
}

impl LineFilter {
    /// Whether every line fits.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the line is looked for.
    pub fn fits(&self, line: &LineView) -> bool {
        let is = |wanted: &Option<String>, has: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| has.is_some_and(|has| has.eq_ignore_ascii_case(wanted)))
        };
        let shown = || [Some(line.display_name.as_str()), line.email.as_deref()].into_iter().flatten();
        let found = self.find.as_ref().is_none_or(|text| is_part_of_any(text, shown()));
        let not_done = line.not_done.as_ref().map(|not_done| not_done.code.as_str());
        is(&self.action, Some(line.action))
            && (is(&self.code, line.code.as_deref()) || is(&self.code, not_done))
            && (!self.not_done || not_done.is_some())
            && found
    }
}

/// Lines of a tenant that the run has not carried out.
///
/// # Errors
/// When the store fails.
pub async fn not_done(
    store: &Store,
    (workspace, run, tenant): (WorkspaceId, RunId, ManagedTenantId),
) -> Result<NotDone, StoreError> {
    Ok(store.stale_lines(workspace, run, tenant).await?.into_iter().collect())
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

/// The lines that fit after plan page `after`: those of one page, or, where few of many are looked for, of as many
/// as it takes to find enough.
pub async fn find_lines(
    store: &Store,
    (workspace, run, tenant): (WorkspaceId, RunId, ManagedTenantId),
    after: u32,
    filter: &LineFilter,
    hidden: &Hidden,
) -> Result<LinesFound, StoreError> {
    let (at_once, most) =
        if filter.is_none() { (PAGES_AT_ONCE, 1) } else { (PAGES_LOOKED_THROUGH, PAGES_MAX) };
    let not_done = not_done(store, (workspace, run, tenant)).await?;
    let (mut found, mut looked_at, mut after) = (Vec::new(), 0, after);
    while looked_at < most && found.len() < LINES_ENOUGH {
        let pages = store.pages(workspace, run, tenant, after, at_once).await?;
        if pages.is_empty() {
            return Ok(LinesFound { lines: found, next: None });
        }
        for stored in pages {
            let lines = stored.page.lines.iter();
            let views = lines
                .map(|line| LineView::new(line, hidden).not_done(not_done.get(&line.id).map(String::as_str)));
            found.extend(views.filter(|view| filter.fits(view)));
            (after, looked_at) = (stored.head.number, looked_at + 1);
            if found.len() >= LINES_ENOUGH && !filter.is_none() {
                break;
            }
        }
    }
    Ok(LinesFound { lines: found, next: Some(after) })
}

/// How many lines after plan page `after` there are of each kind, and where the counting goes on.
pub async fn count_lines(
    store: &Store,
    (workspace, run, tenant): (WorkspaceId, RunId, ManagedTenantId),
    mut after: u32,
) -> Result<(Vec<LineCount>, Option<u32>), StoreError> {
    let not_done = not_done(store, (workspace, run, tenant)).await?;
    let mut tally = Tally::default();
    let (mut looked_at, mut next) = (0, None);
    while looked_at < PAGES_MAX {
        let pages = store.pages(workspace, run, tenant, after, PAGES_LOOKED_THROUGH).await?;
        let Some(last) = pages.last() else {
            next = None;
            break;
        };
        (after, looked_at) = (last.head.number, looked_at + pages.len());
        next = Some(after);
        for line in pages.iter().flat_map(|stored| &stored.page.lines) {
            tally.add(line, not_done.get(&line.id));
        }
    }
    Ok((tally.into_counts(), next))
}
