//! Holding what is stored against the sentences that have to hold.

use std::{collections::BTreeSet, rc::Rc, sync::Arc};

use domain::{
    contact::Contact,
    email::EmailAddress,
    fields::{Field, FieldRules, Overwrite},
    ids::{ClientId, LineId},
    invariants::{self, People, Planned},
    plan::{Action, Rule},
    premise::{READ_SINCE, REJECTED},
    run::{RunKind, TenantStatus},
};
use store::{Run, StoredPage, Target, TenantRun};
use workflow::payloads::RunInput;

use crate::{
    house::{House, addresses, managed},
    life::Told,
    microsoft::WORKSPACE,
};

/// A stored plan page, and whose it is.
pub(crate) struct Kept {
    pub(crate) target: Target,
    pub(crate) stored: StoredPage,
}

impl Kept {
    pub(crate) fn lines(&self) -> impl Iterator<Item = Planned<'_>> {
        self.stored.page.lines.iter().map(|line| Planned {
            tenant: self.target.entra,
            client: self.target.client,
            closes_read: self.stored.head.closes_read,
            line,
        })
    }
}

/// The pages a run has stored so far.
pub(crate) async fn kept(house: &House, run: RunInput) -> Told<Rc<Vec<Kept>>> {
    house.plan(run.run_id).await.map_err(failed)
}

/// What is known while runs are going on.
pub(crate) struct Audit {
    /// The runs that may write.
    runs: Vec<(RunInput, RunKind)>,
    rules: FieldRules,
    /// Whether nobody but the first of the runs has written since the beginning.
    pub(crate) is_alone: bool,
    first: Arc<People>,
    last: Arc<People>,
}

/// Lines that are known to have been written. Their ids say what they are about, so that one set
/// does for a whole history.
pub(crate) type Written = BTreeSet<LineId>;

impl Audit {
    /// Nothing but `runs` writes to people from now on.
    pub(crate) async fn begin(house: &mut House, runs: Vec<RunInput>) -> Told<Self> {
        let last = Arc::new(people(house, &runs).await?);
        let first = Arc::clone(&last);
        let mut audit = Self { runs: Vec::new(), rules: no_rules(), is_alone: true, first, last };
        for run in runs {
            audit.join(house, run).await?;
        }
        Ok(audit)
    }

    /// From now on `run` may write as well.
    pub(crate) async fn join(&mut self, house: &House, run: RunInput) -> Told<()> {
        let row = run_row(house, run).await?;
        if row.kind.writes() {
            let rules = rules_of(house, &row).await?;
            self.rules.mark_active_when_enabled |= rules.is_none_or(|rules| rules.mark_active_when_enabled);
            for field in Field::ALL {
                // An undo writes any field; it has a sentence of its own.
                let overwrite = rules.map_or(Overwrite::Always, |rules| rules.rule(field).overwrite);
                if overwrite != Overwrite::Never {
                    *self.rules.rule_mut(field) = overwrite.into();
                }
            }
            self.is_alone &= self.runs.is_empty();
            self.runs.push((run, row.kind));
        }
        Ok(())
    }

    /// Checks what was written since the last time.
    pub(crate) async fn check(&mut self, house: &mut House, written: &mut Written) -> Told<()> {
        let mut pages = Vec::new();
        for (run, _) in &self.runs {
            pages.push(kept(house, *run).await?);
        }
        let pages = || pages.iter().flat_map(|pages| pages.iter());
        let planned: Vec<Planned<'_>> = pages().flat_map(Kept::lines).collect();
        let clients: BTreeSet<ClientId> = pages().map(|kept| kept.target.client).collect();
        let now = house.people(planned.iter().map(|planned| planned.line)).await;
        let was = Arc::clone(&self.last);
        invariants::nothing_is_deleted(&was, &now, &planned).map_err(failed)?;
        invariants::other_clients_are_untouched(&was, &now, &clients).map_err(failed)?;
        invariants::only_enabled_fields_change(&self.rules, &was, &now).map_err(failed)?;
        invariants::inactive_only_by_a_line(&was, &now, &planned).map_err(failed)?;
        invariants::only_ours_become_active(&self.rules, &was, &now, &planned).map_err(failed)?;
        invariants::a_plan_stays_at_its_client(&planned, &now).map_err(failed)?;
        written.extend(invariants::writes_follow_lines(&was, &now, &planned).map_err(failed)?);
        always(&now)?;
        self.last = Arc::new(now);
        Ok(())
    }

    /// Forgets what somebody else has written since the last time.
    pub(crate) async fn forgive(&mut self, house: &mut House) -> Told<()> {
        let runs: Vec<RunInput> = self.runs.iter().map(|(run, _)| *run).collect();
        let now = people(house, &runs).await?;
        invariants::nothing_is_deleted(&self.last, &now, &[]).map_err(failed)?;
        always(&now)?;
        self.last = Arc::new(now);
        self.is_alone = false;
        Ok(())
    }

    /// Whether nobody but `run` has written since the beginning. A preview beside a sync is not: what it was
    /// planned on is neither what was there before nor what is there after.
    pub(crate) fn is_only_of(&self, run: RunInput) -> bool {
        self.is_alone && self.runs.iter().all(|(other, _)| other.run_id == run.run_id)
    }

    /// What is stored about people, as the last check saw it.
    pub(crate) fn people(&self) -> &Arc<People> {
        &self.last
    }

    /// What was stored about people when the audit began.
    pub(crate) fn first(&self) -> &Arc<People> {
        &self.first
    }
}

/// The rules by which the lines of a run were planned: those of the run whose plan it works from, if there
/// is one. An undo has none.
pub(crate) async fn rules_of(house: &House, run: &Run) -> Told<Option<FieldRules>> {
    let mut run = run.clone();
    while let Some(source) = run.source.clone() {
        if run.kind == RunKind::Undo {
            return Ok(None);
        }
        run = run_row(house, RunInput { workspace_id: WORKSPACE, run_id: source.run }).await?;
    }
    Ok(Some(run.settings.fields()))
}

/// What holds at every moment, whoever has died in the middle of whatever.
pub(crate) fn always(people: &People) -> Told<()> {
    invariants::links_are_single(people).map_err(failed)?;
    invariants::links_lead_to_contacts(people).map_err(failed)?;
    invariants::addresses_are_owned(people).map_err(failed)
}

/// What holds when nothing is going on. After a worker that died for good, `cut_off`, addresses may
/// be claimed for a write that never came.
pub(crate) async fn at_rest(house: &House, people: &People, cut_off: bool) -> Told<()> {
    always(people)?;
    if invariants::owners_show_their_addresses(people, &BTreeSet::new()).is_ok() {
        return Ok(());
    }
    let mut left_over = house.dump().await.given_up();
    if cut_off {
        left_over.extend(unshown(people));
    }
    invariants::owners_show_their_addresses(people, &left_over).map_err(failed)
}

fn unshown(people: &People) -> impl Iterator<Item = EmailAddress> {
    let shows = |contact: &Contact, address| addresses(contact).any(|shown| shown == address);
    let owners = people.owners.iter().filter(move |(address, owner)| {
        people.contacts.get(&owner.contact).is_none_or(|contact| !shows(contact, *address))
    });
    owners.map(|(address, _)| address.clone())
}

/// A run that has ended.
pub(crate) struct Ended {
    pub(crate) run: Run,
    /// The rules its lines were planned by; an undo has none.
    pub(crate) rules: Option<FieldRules>,
    pub(crate) tenants: Vec<TenantRun>,
    pub(crate) pages: Rc<Vec<Kept>>,
    /// Lines that were left alone.
    pub(crate) stale: BTreeSet<LineId>,
    /// Those of them for what others have seen and decided since the plan.
    pub(crate) forbidden: BTreeSet<LineId>,
}

/// Checks a run that has ended against its plan and its sums.
pub(crate) async fn ended(house: &House, run: RunInput, audit: &Audit, written: &Written) -> Told<Ended> {
    let row = run_row(house, run).await?;
    if !row.run_status.is_terminal() {
        return Err(format!("run {} has no end", row.id));
    }
    let rules = rules_of(house, &row).await?;
    let tenants = house.store.tenant_runs(WORKSPACE, run.run_id).await.map_err(failed)?;
    let counters: Vec<_> = tenants.iter().map(|tenant| tenant.counters).collect();
    invariants::counters_add_up(&row.counters, &counters).map_err(failed)?;
    let pages = kept(house, run).await?;
    let mut ended =
        Ended { run: row, rules, tenants, pages, stale: BTreeSet::new(), forbidden: BTreeSet::new() };
    for result in ended.tenants.clone() {
        let stale = house.store.stale_lines(WORKSPACE, run.run_id, result.tenant).await.map_err(failed)?;
        let applied = ended.applied_of(&result);
        let ids: BTreeSet<LineId> = applied.iter().map(|planned| planned.line.id).collect();
        let is_forbidden = |code: &str| ["dismissed", "unlinked", READ_SINCE, REJECTED].contains(&code);
        let forbidden: Vec<LineId> =
            stale.iter().filter(|(_, code)| is_forbidden(code)).map(|(line, _)| *line).collect();
        let stale: BTreeSet<LineId> =
            stale.into_iter().map(|(id, _)| id).filter(|id| ids.contains(id)).collect();
        invariants::counters_are_consistent(&result.counters).map_err(failed)?;
        invariants::counters_count_lines(&result.counters, &applied, stale.len()).map_err(failed)?;
        if ended.run.kind.writes() {
            invariants::applied_lines_are_written(&applied, written, &stale, audit.people())
                .map_err(failed)?;
        }
        ended.stale.extend(stale);
        ended.forbidden.extend(forbidden);
    }
    ended.check_plan(audit.first())?;
    Ok(ended)
}

impl Ended {
    /// What holds for every line that was planned, applied or not. `before` is what was stored when the run
    /// began.
    fn check_plan(&self, before: &People) -> Told<()> {
        let lines: Vec<Planned<'_>> = self.pages.iter().flat_map(Kept::lines).collect();
        invariants::protected_is_in_no_plan(&lines, before).map_err(failed)?;
        if let Some(rules) = &self.rules {
            invariants::changes_follow_rules(rules, &lines).map_err(failed)?;
        }
        if self.run.kind.reads() {
            invariants::vanished_lines_close_a_complete_read(&lines).map_err(failed)?;
        }
        Ok(())
    }

    /// The lines of a tenant's pages that are noted as applied.
    pub(crate) fn applied_of(&self, result: &TenantRun) -> Vec<Planned<'_>> {
        let applied = self
            .pages
            .iter()
            .filter(|kept| kept.target.tenant == result.tenant && kept.stored.head.number <= result.pages);
        applied.flat_map(Kept::lines).collect()
    }

    /// Whether every tenant was read to its end.
    pub(crate) fn is_whole(&self) -> bool {
        let whole =
            |tenant: &TenantRun| matches!(tenant.tenant_status, TenantStatus::Completed | TenantStatus::Held);
        self.run.run_status.is_terminal() && self.tenants.iter().all(whole)
    }

    /// Whoever became inactive is blocked, or gone, in the directory as it is.
    pub(crate) fn check_against_the_world(&self, house: &House) -> Told<()> {
        for planned in self.pages.iter().flat_map(Kept::lines) {
            if !matches!(planned.line.action, Action::MarkInactive { .. }) {
                continue;
            }
            let user = house.microsoft.world().user_by_id(planned.tenant, planned.line.object);
            let right = match planned.line.rule {
                Rule::Vanished => user.is_none(),
                Rule::Scope => user.is_some(),
                _ => user.is_some_and(|user| !user.account_enabled),
            };
            if !right {
                let (object, rule) = (planned.line.object, planned.line.rule);
                return Err(format!("{object} becomes inactive ({rule:?}) and is there in the directory"));
            }
        }
        Ok(())
    }

    /// Whether the run left something for the next one to do: somebody who was missing, asked about or
    /// left alone, or an address that became free.
    pub(crate) fn leaves_work(&self) -> bool {
        let counters = &self.run.counters;
        let asks = counters.missing + counters.ambiguous + counters.stale + counters.failed > 0;
        asks || !self.is_whole()
            || self.pages.iter().flat_map(Kept::lines).any(|it| {
                let waits = it.line.action.facts().is_some_and(|facts| !facts.blanks.is_empty());
                waits || moves_address(&it.line.action)
            })
    }

    /// The pages of one tenant.
    pub(crate) fn pages_of(&self, tenant: &TenantRun) -> Vec<domain::plan::PlanPage> {
        let pages = self.pages.iter().filter(|kept| managed(kept.target.entra) == tenant.tenant);
        pages.map(|kept| kept.stored.page.clone()).collect()
    }
}

fn moves_address(action: &Action) -> bool {
    use domain::fields::FieldChange;
    match action {
        Action::Link { changes, .. }
        | Action::Update { changes, .. }
        | Action::Reactivate { changes, .. } => {
            changes.iter().any(|change| matches!(change, FieldChange::Email { .. }))
        }
        _ => false,
    }
}

/// Everything stored about people while `runs` go on.
pub(crate) async fn people(house: &mut House, runs: &[RunInput]) -> Told<People> {
    let mut pages = Vec::new();
    for run in runs {
        pages.push(kept(house, *run).await?);
    }
    let pages = pages.iter().flat_map(|pages| pages.iter());
    Ok(house.people(pages.flat_map(|kept| &kept.stored.page.lines)).await)
}

pub(crate) async fn run_row(house: &House, run: RunInput) -> Told<Run> {
    let row = house.store.run(WORKSPACE, run.run_id).await.map_err(failed)?;
    row.ok_or_else(|| format!("run {} is not there", run.run_id))
}

pub(crate) fn failed(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn no_rules() -> FieldRules {
    FieldRules { mark_inactive_when_disabled: false, ..FieldRules::default() }
}
