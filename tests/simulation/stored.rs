//! What operators do with plans that are stored: apply them, let through or reject what waits, take back.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    fields::{Field, FieldChange},
    ids::{ContactId, EntraObjectId, Identity, LineId, ManagedTenantId},
    invariants::{self, Planned, TakenBack},
    ledger::LinkChange,
    plan::{Action, Line},
    run::RunKind,
    undo::UndoScope,
};
use jiff::SignedDuration;
use store::{PlanPart, PlanSource, RunScope};

use crate::{
    audit::{self, Audit, Ended, Kept, failed},
    carrying::Carried,
    dice::Dice,
    house::managed,
    kinds::{ContactEdit, DirectoryEdit, Mishap, Stored},
    life::{Life, Told},
    microsoft::WORKSPACE,
    past::PastRun,
    rules,
    step::Around,
};

impl Life {
    /// Something is done with a stored plan; `None` when there is no plan for it.
    pub(crate) async fn stored(
        &mut self,
        what: Stored,
        around: &Around,
        dice: &mut Dice,
    ) -> Told<Option<String>> {
        match what {
            Stored::Apply => self.apply(around, dice).await,
            Stored::Allow | Stored::AllowSome => self.allow(what == Stored::AllowSome, around, dice).await,
            Stored::LinksCut => self.links(LinkChange::Cut, around, dice).await,
            Stored::LinksForget => self.links(LinkChange::Forget, around, dice).await,
            Stored::LinksMove => self.links(LinkChange::Move, around, dice).await,
            Stored::LinksRematch => self.links(LinkChange::Rematch, around, dice).await,
            Stored::Reject | Stored::RejectSome => self.reject(what == Stored::RejectSome, dice).await,
            Stored::Undo | Stored::UndoField | Stored::UndoPerson | Stored::UndoTenant | Stored::UndoUndo => {
                self.undo(what, around, dice).await
            }
        }
    }

    /// Applies a preview after humans have edited contacts, and perhaps a good while later.
    async fn apply(&mut self, around: &Around, dice: &mut Dice) -> Told<Option<String>> {
        if dice.percent(70) && self.undisturbed(RunKind::Preflight).await?.is_none() {
            return Ok(None);
        }
        let Some(preview) = self.past.pick(dice, |run| run.kind == RunKind::Preflight) else {
            return Ok(None);
        };
        for _ in 0..dice.below(4) {
            let edit = dice.pick(ContactEdit::ALL).unwrap_or(ContactEdit::Role);
            self.hands.contact(&self.house, edit, dice).await;
        }
        if dice.percent(30) {
            let edit = dice.pick(DirectoryEdit::ALL).unwrap_or(DirectoryEdit::Hire);
            self.hands.directory(&self.house, edit, dice);
        }
        let part = PlanPart::Lines;
        let Some((carried, told)) =
            self.begin_from_source(RunKind::Apply, &preview, part, RunScope::default(), around, dice).await?
        else {
            return Ok(None);
        };
        let Some(ended) = carried.ended.as_ref().filter(|ended| ended.is_whole()) else {
            return Ok(Some(told));
        };
        let planned = self.lines_of(&preview, ended).await?;
        for result in &ended.tenants {
            let lines = planned.get(&result.tenant).map_or(&[][..], Vec::as_slice);
            let lines: Vec<&Line> = lines.iter().collect();
            let applied: Vec<&Line> = ended.applied_of(result).iter().map(|planned| planned.line).collect();
            invariants::applied_is_planned(&lines, &applied).map_err(failed)?;
        }
        stale_for_a_reason(&preview, ended, &carried.audit)?;
        Ok(Some(told))
    }

    /// Lets through what waits.
    async fn allow(&mut self, some: bool, around: &Around, dice: &mut Dice) -> Told<Option<String>> {
        let Some((source, waiting)) = self.staged(dice).await? else { return Ok(None) };
        let chosen: Vec<LineId> =
            some.then(|| dice.pick(&waiting)).flatten().into_iter().map(|it| it.1.id).collect();
        let part = PlanPart::Staged { lines: chosen.clone() };
        let Some((carried, told)) =
            self.begin_from_source(RunKind::Apply, &source, part, RunScope::default(), around, dice).await?
        else {
            return Ok(None);
        };
        let Some(ended) = carried.ended.as_ref().filter(|ended| ended.is_whole()) else {
            return Ok(Some(told));
        };
        let proposed = |line: &Line| match &line.action {
            Action::Stage { proposal, .. } => (line.object, (**proposal).clone()),
            action => (line.object, action.clone()),
        };
        for result in &ended.tenants {
            let wanted = waiting.iter().filter(|(tenant, line)| {
                *tenant == result.tenant && (chosen.is_empty() || chosen.contains(&line.id))
            });
            let wanted: Vec<(EntraObjectId, Action)> = wanted.map(|(_, line)| proposed(line)).collect();
            let lines = ended.applied_of(result);
            let found: Vec<(EntraObjectId, Action)> =
                lines.iter().map(|planned| (planned.line.object, planned.line.action.clone())).collect();
            if wanted != found {
                return Err(format!("{} lines were let through and {} came", wanted.len(), found.len()));
            }
        }
        stale_for_a_reason(&source, ended, &carried.audit)?;
        Ok(Some(told))
    }

    /// Rejects what waits: for good, or until the person is back.
    async fn reject(&mut self, some: bool, dice: &mut Dice) -> Told<Option<String>> {
        let Some((source, waiting)) = self.staged(dice).await? else { return Ok(None) };
        let chosen: BTreeSet<LineId> =
            some.then(|| dice.pick(&waiting)).flatten().into_iter().map(|(_, line)| line.id).collect();
        let now = self.house.now();
        let (store, run) = (&self.house.store, source.run.run_id);
        let rejected = sync::reject(store, WORKSPACE, run, &chosen, now).await.map_err(failed)?;
        let wanted = waiting.iter().filter(|it| chosen.is_empty() || chosen.contains(&it.1.id));
        let is_leaver = |line: &Line| matches!(&line.action, Action::Stage { proposal, .. } if matches!(**proposal, Action::MarkInactive { .. }));
        // A leaver whom a later sync has seen again does not wait any more.
        let (leavers, others): (Vec<_>, Vec<_>) = wanted.partition(|(_, line)| is_leaver(line));
        if rejected < others.len() || rejected > others.len() + leavers.len() {
            return Err(format!("{rejected} lines were rejected of {} and {}", others.len(), leavers.len()));
        }
        let tenants: BTreeMap<ManagedTenantId, _> =
            self.house.tenants.iter().map(|tenant| (managed(*tenant), *tenant)).collect();
        let people = audit::people(&mut self.house, &[]).await?;
        for (tenant, line) in waiting.iter().filter(|it| chosen.is_empty() || chosen.contains(&it.1.id)) {
            let Action::Stage { proposal, .. } = &line.action else { continue };
            let identity = Identity { tenant: tenants[tenant], object: line.object };
            if !matches!(**proposal, Action::MarkInactive { .. }) {
                self.past.rejected.dismissed.insert(identity);
            } else if people.links.iter().any(|link| link.identity == identity && link.active && link.keep) {
                self.past.rejected.kept.insert(identity);
            }
        }
        Ok(Some(format!("{rejected} lines of run {run} are rejected")))
    }

    /// Takes back a run, whole or in part.
    async fn undo(&mut self, what: Stored, around: &Around, dice: &mut Dice) -> Told<Option<String>> {
        let wanted = |run: &PastRun| match what {
            Stored::UndoUndo => run.kind == RunKind::Undo,
            _ => run.kind.writes() && run.wrote,
        };
        if what == Stored::UndoUndo && self.past.pick(dice, wanted).is_none() {
            // Boxed: an undo of an undo begins with an undo.
            let calm = Around { faults: Vec::new(), mishap: Mishap::None, ..around.clone() };
            Box::pin(self.undo(Stored::Undo, &calm, dice)).await?;
        }
        let Some(source) = self.past.pick(dice, wanted) else { return Ok(None) };
        let pages = audit::kept(&self.house, source.run).await?;
        let lines: Vec<(ManagedTenantId, Line)> =
            lines(&pages).filter(|(_, line)| line.writes_contact()).collect();
        for _ in 0..dice.below(3) {
            let among: BTreeSet<ContactId> =
                lines.iter().filter_map(|(_, line)| line.contact_written()).collect();
            let edit = dice.pick(ContactEdit::ALL).unwrap_or(ContactEdit::Role);
            self.hands.contact_among(&self.house, edit, Some(&among), dice).await;
        }
        let Some((tenant, line)) = dice.pick(&lines) else { return Ok(None) };
        let (mut undone, mut scope) = (UndoScope::default(), RunScope::default());
        match what {
            Stored::UndoField => {
                let changes: Vec<Field> = lines
                    .iter()
                    .flat_map(|(_, line)| line.action.changes())
                    .map(FieldChange::field)
                    .collect();
                let Some(field) = dice.pick(&changes) else { return Ok(None) };
                undone = UndoScope::of(Vec::new(), [field]);
            }
            Stored::UndoPerson => undone.people.push(line.object),
            Stored::UndoTenant => scope.tenant = Some(tenant),
            _ => {}
        }
        let part = PlanPart::Undo { scope: undone.clone() };
        let Some((carried, told)) =
            self.begin_from_source(RunKind::Undo, &source, part, scope, around, dice).await?
        else {
            return Ok(None);
        };
        let (Some(ended), Some([before, left])) = (&carried.ended, &source.states) else {
            return Ok(Some(told));
        };
        if !carried.audit.is_alone || !ended.is_whole() {
            return Ok(Some(told));
        }
        let done = self.lines_of(&source, ended).await?;
        let done: Vec<&Line> = done.values().flatten().collect();
        let back: Vec<&Line> = ended.pages.iter().flat_map(Kept::lines).map(|planned| planned.line).collect();
        let story = TakenBack {
            before,
            left,
            now: carried.audit.first(),
            after: carried.audit.people(),
            lines: &done,
            scope: &undone,
            back: &back,
            stale: &ended.stale,
        };
        invariants::undo_restores(&story).map_err(failed)?;
        Ok(Some(told))
    }

    /// Starts and carries a run that works from the plan of another one.
    async fn begin_from_source(
        &mut self,
        kind: RunKind,
        source: &PastRun,
        part: PlanPart,
        scope: RunScope,
        around: &Around,
        dice: &mut Dice,
    ) -> Told<Option<(Carried, String)>> {
        let plan = PlanSource { run: source.run.run_id, part };
        let Some(run) = self.begin(kind, scope, Some(plan.clone())).await? else { return Ok(None) };
        let carried = self.carried(run, around, dice).await?;
        let told = format!("{kind:?} of {:?} {} {:?}: {}", source.kind, plan.run, plan.part, carried.told);
        Ok(Some((carried, told)))
    }

    /// A run with lines that wait for an operator, and the lines with their tenants. Where there is none,
    /// an operator lowers the limits, and too much happens at once.
    async fn staged(&mut self, dice: &mut Dice) -> Told<Option<(PastRun, Vec<(ManagedTenantId, Line)>)>> {
        if let Some(found) = self.waiting(dice).await? {
            return Ok(Some(found));
        }
        if dice.percent(50) {
            return Ok(None);
        }
        self.undisturbed(RunKind::AllTenants).await?;
        let mut settings = self.house.store.settings(WORKSPACE).await.map_err(failed)?;
        rules::lower_limits(dice, &mut settings);
        self.house.store.put_settings(WORKSPACE, &settings).await.map_err(failed)?;
        for edit in [DirectoryEdit::Recreate, DirectoryEdit::Delete, DirectoryEdit::Hire, DirectoryEdit::Hire]
        {
            self.hands.directory(&self.house, edit, dice);
        }
        // Who has been created again is a matter of a limit once the old account is gone.
        for _ in 0..dice.below(3) {
            self.house.clock.advance(SignedDuration::from_hours(13));
            self.undisturbed(RunKind::AllTenants).await?;
        }
        self.undisturbed(RunKind::AllTenants).await?;
        self.waiting(dice).await
    }

    /// A run with lines that wait for an operator, and the lines with their tenants.
    async fn waiting(&self, dice: &mut Dice) -> Told<Option<(PastRun, Vec<(ManagedTenantId, Line)>)>> {
        let Some(source) = self.past.pick(dice, |run| run.held > 0) else { return Ok(None) };
        let pages = audit::kept(&self.house, source.run).await?;
        let staged = lines(&pages).filter(|(_, line)| matches!(line.action, Action::Stage { .. })).collect();
        Ok(Some((source, staged)))
    }

    /// The lines of a run that were applied (in a preview: planned), by tenant, of the tenants that have
    /// ended in `of`.
    async fn lines_of(&self, run: &PastRun, of: &Ended) -> Told<BTreeMap<ManagedTenantId, Vec<Line>>> {
        let (store, id) = (&self.house.store, run.run.run_id);
        let results = store.tenant_runs(WORKSPACE, id).await.map_err(failed)?;
        let mut by_tenant = BTreeMap::new();
        for kept in audit::kept(&self.house, run.run).await?.iter() {
            let tenant = kept.target.tenant;
            let is_done = results
                .iter()
                .any(|result| result.tenant == tenant && kept.stored.head.number <= result.pages);
            if !is_done || of.tenants.iter().all(|result| result.tenant != tenant) {
                continue;
            }
            let stale = store.stale_lines(WORKSPACE, id, tenant).await.map_err(failed)?;
            let applied = kept.stored.page.lines.iter().cloned();
            let applied = applied.filter(|line| stale.iter().all(|(stale, _)| *stale != line.id));
            by_tenant.entry(tenant).or_insert_with(Vec::new).extend(applied);
        }
        Ok(by_tenant)
    }
}

/// A line that somebody edits meanwhile is left alone, and no other one.
fn stale_for_a_reason(planned: &PastRun, ended: &Ended, audit: &Audit) -> Told<()> {
    // A line that ties somebody is left alone with the one that ends the former link.
    let is_alone = audit.is_alone && ended.run.link_change.is_none();
    let Some([_, people]) = planned.states.as_ref().filter(|_| is_alone) else { return Ok(()) };
    let lines = ended.tenants.iter().flat_map(|result| ended.applied_of(result));
    // What others have seen and decided since is nothing that shows in people and contacts.
    let lines: Vec<Planned<'_>> = lines.filter(|it| !ended.forbidden.contains(&it.line.id)).collect();
    invariants::stale_for_a_reason(people, audit.first(), &lines, &ended.stale).map_err(failed)
}

fn lines(pages: &[Kept]) -> impl Iterator<Item = (ManagedTenantId, Line)> {
    pages.iter().flat_map(|kept| kept.stored.page.lines.iter().map(|line| (kept.target.tenant, line.clone())))
}
