//! Cuts the plan of one directory page into stored pages of bounded size.

use crate::{
    plan::{LINES_PER_PAGE_MAX, Line, PAGE_BYTES_MAX, PLAN_PAGE_FORMAT, PlanPage},
    run::Counters,
};

/// One entry of [`PlanPage::seen`] in its longest form: twenty digits and a comma.
const SEEN_BYTES_MAX: usize = 21;

#[derive(Default)]
pub(super) struct Pages {
    done: Vec<PlanPage>,
    open: Option<PlanPage>,
    open_bytes: usize,
}

impl Pages {
    pub(super) fn add(&mut self, line: Option<Line>, seen: Option<u64>, counters: &Counters) {
        let line_bytes =
            line.as_ref().map_or(0, |line| serde_json::to_vec(line).map_or(0, |bytes| bytes.len()));
        let bytes = line_bytes + seen.map_or(0, |_| SEEN_BYTES_MAX);
        if self.open.as_ref().is_some_and(|page| is_full(page, self.open_bytes + bytes)) {
            self.done.extend(self.open.take());
            self.open_bytes = 0;
        }
        let page = self.open.get_or_insert_with(empty_page);
        self.open_bytes += bytes;
        page.lines.extend(line);
        page.seen.extend(seen);
        page.counters.add(counters);
    }

    pub(super) fn finish(mut self) -> Vec<PlanPage> {
        self.done.extend(self.open.take());
        self.done
    }
}

fn is_full(page: &PlanPage, bytes: usize) -> bool {
    page.lines.len() >= LINES_PER_PAGE_MAX || bytes > PAGE_BYTES_MAX
}

fn empty_page() -> PlanPage {
    PlanPage { format: PLAN_PAGE_FORMAT, lines: Vec::new(), seen: Vec::new(), counters: Counters::default() }
}
