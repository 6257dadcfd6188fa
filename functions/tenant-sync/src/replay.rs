//! A tenant's part of a run that works from a stored plan: applies it, or takes it back.

use std::collections::BTreeSet;

use domain::{
    ids::{ContactId, Identity, LineId},
    plan::{Action, Limit, Line, PLAN_PAGE_FORMAT, Person, PlanPage, Rule},
    planner::{Held, counted},
    policy::TenantPolicy,
    run::Counters,
    undo::{UndoScope, address_back, way_back, with_answer},
};
use store::{Ground, PlanPart, PlanSource, STORED_UNREADABLE, StoreError, StoredPage};

use crate::{
    failure,
    work::{After, Outcome, PAGES_PER_READ, Stop, Work},
};

impl Work<'_> {
    pub(crate) async fn replay_plan(&mut self, source: &PlanSource) -> Result<Outcome, Stop> {
        self.look_at_source(source).await?;
        let (source_pages, staged) = self.source_pages(source).await?;
        if let Some(group) = self.stored_pages(|_| ()).await? {
            self.carry_out(None, group).await?;
        }
        // Which lines of the source never came to be.
        let stale = match source.part {
            PlanPart::Undo { .. } => self.stale_lines(source).await?,
            _ => BTreeSet::new(),
        };
        while !self.progress.read_complete {
            if self.should_pause().await? {
                return Ok(Outcome::Paused);
            }
            let done: usize = self.progress.cursor.as_deref().and_then(|done| done.parse().ok()).unwrap_or(0);
            let position = match source.part {
                PlanPart::Undo { .. } => source_pages.checked_sub(done + 1),
                _ => Some(done).filter(|done| *done < source_pages),
            };
            let Some(position) = position else { break };
            let page = self.source_page(source, position).await?;
            let planned = match &source.part {
                PlanPart::Lines => again(&page),
                PlanPart::Staged { lines } => self.released(&page, lines),
                PlanPart::Undo { scope } => self.taken_back(&page, scope, &stale).await?,
            };
            let next = (done + 1 < source_pages).then(|| (done + 1).to_string());
            let pages = if planned.lines.is_empty() { Vec::new() } else { vec![planned] };
            let group = self.group(pages, After { next, ..After::default() });
            self.store_pages(&group).await?;
            self.carry_out(None, group).await?;
        }
        // What was read of the directory when the plan was made is old by now.
        let (ground, held) = (self.state.ground.clone(), self.held_after(source, &staged));
        self.ground = Some(Ground { look_again: true, held, ..ground });
        Ok(Outcome::Complete)
    }

    /// Under which rules the plan was made: the next sync asks again about whoever was decided under others. And
    /// what has come after it.
    async fn look_at_source(&mut self, source: &PlanSource) -> Result<(), Stop> {
        let run = self.sync.store.run(self.job.run.workspace, source.run).await?;
        let run = run.ok_or_else(|| Stop::Failed(failure::plan_expired()))?;
        let settings = run.settings.of_client(self.target.client, &self.job.overrides);
        self.salt = TenantPolicy::salt_of(&settings.fields(), self.target.client);
        let is_of_a_sync = !self.job.run.takes_back() && self.job.run.link_change.is_none();
        self.since = is_of_a_sync.then(|| self.state.ground.since(run.started_at));
        Ok(())
    }

    /// What waits for an operator once the run is done.
    fn held_after(&self, source: &PlanSource, staged: &[(LineId, Limit)]) -> Held {
        let mut held = self.state.ground.held;
        match &source.part {
            // An undo that was previewed says nothing about what waits.
            PlanPart::Lines if self.job.run.takes_back() => held,
            PlanPart::Lines => {
                held = Held::default();
                for (_, limit) in staged {
                    held.add(*limit);
                }
                held.under(self.settings.in_force())
            }
            // What a later sync has left waiting is not decided by what an earlier one had.
            PlanPart::Staged { .. } if self.since.as_ref().is_some_and(|since| since.read) => held,
            PlanPart::Staged { lines } if lines.is_empty() => Held::default(),
            // A line that was let through before is not counted twice.
            PlanPart::Staged { .. } if self.progress.counters.stale > 0 => held,
            PlanPart::Staged { lines } => {
                for (_, limit) in staged.iter().filter(|(line, _)| lines.contains(line)) {
                    held.release(*limit);
                }
                held
            }
            PlanPart::Undo { .. } => held,
        }
    }

    /// How many pages the plan has, and which of its lines wait for an operator. The pages have to be there,
    /// whole and in their chain.
    async fn source_pages(&self, source: &PlanSource) -> Result<(usize, Vec<(LineId, Limit)>), Stop> {
        let workspace = self.job.run.workspace;
        let results = self.sync.store.tenant_runs(workspace, source.run).await?;
        let result = results.iter().find(|result| result.tenant == self.target.tenant);
        let expected = result.map_or(0, |result| result.pages);
        let mut chain = domain::plan::ChainHash::GENESIS;
        let (mut number, mut staged) = (0, Vec::new());
        while number < expected {
            let pages = self.pages_of(source, number).await?;
            if pages.is_empty() {
                return Err(Stop::Failed(failure::plan_expired()));
            }
            for stored in pages.iter().filter(|stored| stored.head.number <= expected) {
                if !stored.follows(chain) {
                    return Err(Stop::Failed(failure::damaged_plan()));
                }
                chain = stored.head.chain;
                number = stored.head.number;
                staged.extend(stored.page.lines.iter().filter_map(limit_of));
            }
        }
        if result.and_then(|result| result.chain).is_some_and(|noted| noted != chain) {
            return Err(Stop::Failed(failure::damaged_plan()));
        }
        Ok((usize::try_from(expected).unwrap_or(usize::MAX), staged))
    }

    async fn pages_of(&self, source: &PlanSource, after: u32) -> Result<Vec<StoredPage>, StoreError> {
        let (workspace, tenant) = (self.job.run.workspace, self.target.tenant);
        self.sync.store.pages(workspace, source.run, tenant, after, PAGES_PER_READ).await
    }

    async fn source_page(&self, source: &PlanSource, position: usize) -> Result<PlanPage, Stop> {
        let (workspace, tenant) = (self.job.run.workspace, self.target.tenant);
        let after = u32::try_from(position).unwrap_or(u32::MAX);
        let pages = self.sync.store.pages(workspace, source.run, tenant, after, 1).await?;
        let page = pages.into_iter().next().map(|stored| stored.page);
        page.ok_or_else(|| Stop::Failed(failure::plan_expired()))
    }

    async fn stale_lines(&self, source: &PlanSource) -> Result<BTreeSet<LineId>, StoreError> {
        let (workspace, tenant) = (self.job.run.workspace, self.target.tenant);
        let stale = self.sync.store.stale_lines(workspace, source.run, tenant).await?;
        Ok(stale.into_iter().map(|(line, _)| line).collect())
    }

    /// The lines that waited for an operator, as they were proposed.
    fn released(&self, page: &PlanPage, only: &[LineId]) -> PlanPage {
        let lines = page.lines.iter().filter_map(|line| match &line.action {
            Action::Stage { proposal, .. } if only.is_empty() || only.contains(&line.id) => {
                Some(self.line(line, line.rule, (**proposal).clone()).answering_review(line.answers_review))
            }
            _ => None,
        });
        page_of(lines.collect())
    }

    /// The way back of every line of the page, last first.
    async fn taken_back(
        &self,
        page: &PlanPage,
        scope: &UndoScope,
        stale: &BTreeSet<LineId>,
    ) -> Result<PlanPage, StoreError> {
        let wanted = |line: &&Line| !stale.contains(&line.id) && scope.covers(line);
        let contacts: BTreeSet<ContactId> =
            page.lines.iter().filter(wanted).filter_map(Line::contact_written).collect();
        let (tenant, nobody) = (self.target.entra, BTreeSet::new());
        let found = self.sync.store.contacts_and_last_seen(self.scope, &contacts, tenant, &nobody).await?;
        let addresses = page.lines.iter().filter(wanted).filter_map(address_back).cloned().collect();
        let owners = self.sync.store.owners(self.job.run.workspace, &addresses).await?;
        let back = page.lines.iter().rev().filter(wanted).filter_map(|line| {
            let identity = Identity { tenant: self.target.entra, object: line.object };
            let contact = line.contact_written();
            let unreadable = contact.filter(|contact| found.unreadable.contacts.contains(contact));
            let action = if let Some(contact) = unreadable {
                Action::Leave { contact, code: STORED_UNREADABLE.to_owned(), kept: Vec::new() }
            } else {
                let now = contact.and_then(|contact| found.contacts.get(&contact));
                way_back(line, identity, now, scope, &owners)?
            };
            Some(with_answer(line, self.line(line, Rule::Undo, action)))
        });
        Ok(page_of(back.collect()))
    }

    fn line(&self, of: &Line, rule: Rule, action: Action) -> Line {
        let person = Person { object: of.object, label: of.label.clone(), address: of.address.clone() };
        Line::new(self.job.run.workspace, self.target.entra, person, rule, action)
    }
}

fn limit_of(line: &Line) -> Option<(LineId, Limit)> {
    match &line.action {
        Action::Stage { limit, .. } => Some((line.id, *limit)),
        _ => None,
    }
}

/// The lines as they are, byte for byte.
fn again(page: &PlanPage) -> PlanPage {
    PlanPage { seen: Vec::new(), leavers: Vec::new(), asked: Vec::new(), ..page.clone() }
}

fn page_of(lines: Vec<Line>) -> PlanPage {
    let mut counters = Counters::default();
    for line in &lines {
        counters.add(&counted(&line.action));
    }
    PlanPage {
        format: PLAN_PAGE_FORMAT,
        lines,
        seen: Vec::new(),
        leavers: Vec::new(),
        asked: Vec::new(),
        guard: None,
        counters,
    }
}
