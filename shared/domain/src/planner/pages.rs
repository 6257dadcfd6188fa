//! Cuts the plan of one directory page into stored pages of bounded size.

use crate::{
    ids::EntraObjectId,
    plan::{Guard, LINES_PER_PAGE_MAX, Leaver, Line, PAGE_BYTES_MAX, PLAN_PAGE_FORMAT, PlanPage},
    run::Counters,
};

/// One entry of [`PlanPage::seen`] in its longest form: twenty digits and a comma.
const SEEN_BYTES_MAX: usize = 21;

/// One entry of [`PlanPage::leavers`] in its longest form.
const LEAVER_BYTES_MAX: usize = 90;

/// One entry of [`PlanPage::asked`]: an id in quotes and a comma.
const ASKED_BYTES_MAX: usize = 39;

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
        let page = self.room_for(line_bytes + seen.map_or(0, |_| SEEN_BYTES_MAX));
        page.lines.extend(line);
        page.seen.extend(seen);
        page.counters.add(counters);
    }

    pub(super) fn add_leaver(&mut self, leaver: Leaver) {
        self.room_for(LEAVER_BYTES_MAX).leavers.push(leaver);
    }

    pub(super) fn add_asked(&mut self, object: EntraObjectId) {
        self.room_for(ASKED_BYTES_MAX).asked.push(object);
    }

    pub(super) fn guard(&mut self, guard: Guard) {
        self.room_for(LEAVER_BYTES_MAX).guard = Some(guard);
    }

    pub(super) fn finish(mut self) -> Vec<PlanPage> {
        self.done.extend(self.open.take());
        self.done
    }

    fn room_for(&mut self, bytes: usize) -> &mut PlanPage {
        if self.open.as_ref().is_some_and(|page| is_full(page, self.open_bytes + bytes)) {
            self.done.extend(self.open.take());
            self.open_bytes = 0;
        }
        self.open_bytes += bytes;
        self.open.get_or_insert_with(empty_page)
    }
}

fn is_full(page: &PlanPage, bytes: usize) -> bool {
    page.lines.len() >= LINES_PER_PAGE_MAX || bytes > PAGE_BYTES_MAX
}

fn empty_page() -> PlanPage {
    PlanPage {
        format: PLAN_PAGE_FORMAT,
        lines: Vec::new(),
        seen: Vec::new(),
        leavers: Vec::new(),
        asked: Vec::new(),
        guard: None,
        counters: Counters::default(),
    }
}
