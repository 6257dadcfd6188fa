//! What a history remembers of its runs, and of what operators have said.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use domain::{
    ids::{Identity, RunId},
    invariants::{self, People, Planned, Rejected},
    plan::{Action, LinkState},
    run::RunKind,
};
use workflow::payloads::RunInput;

use crate::{
    audit::{Audit, Ended, Kept, failed},
    dice::Dice,
    life::{Life, Told},
    seen,
};

/// The runs of a history that have ended, and what operators have rejected.
#[derive(Default)]
pub(crate) struct Past {
    runs: Vec<PastRun>,
    pub(crate) rejected: Rejected,
    /// Whose links operators have cut.
    cut: BTreeSet<Identity>,
    /// What had been rejected, and whose links cut, when a run began.
    before: BTreeMap<RunId, (Rejected, BTreeSet<Identity>)>,
}

/// A run that has ended.
#[derive(Clone)]
pub(crate) struct PastRun {
    pub(crate) run: RunInput,
    pub(crate) kind: RunKind,
    /// Lines that wait for an operator.
    pub(crate) held: u64,
    /// Whether it planned to write a contact.
    pub(crate) wrote: bool,
    /// What was stored about people before and after, if nobody else wrote meanwhile.
    pub(crate) states: Option<[Arc<People>; 2]>,
}

impl Past {
    /// One of the runs that are `wanted`.
    pub(crate) fn pick(&self, dice: &mut Dice, wanted: impl Fn(&PastRun) -> bool) -> Option<PastRun> {
        let runs: Vec<PastRun> = self.runs.iter().filter(|run| wanted(run)).cloned().collect();
        dice.pick(&runs)
    }
}

impl Life {
    /// What has been rejected by now must not be asked by this run, and whose link was cut must not be linked.
    pub(crate) fn remember_decisions(&mut self, run: RunInput) {
        let decided = (self.past.rejected.clone(), self.past.cut.clone());
        self.past.before.insert(run.run_id, decided);
    }

    /// Takes note of a run that has ended, once it has kept to what was rejected before.
    pub(crate) fn remember(&mut self, run: RunInput, ended: &Ended, audit: &Audit) -> Told<()> {
        let lines: Vec<_> = ended.pages.iter().flat_map(Kept::lines).collect();
        if let Some((rejected, cut)) = self.past.before.remove(&run.run_id)
            && ended.run.kind.reads()
            && ended.run.source.is_none()
            && ended.run.link_change.is_none()
        {
            invariants::rejected_is_remembered(&rejected, &lines).map_err(failed)?;
            self.cut_links_stay_cut(&cut, &lines)?;
        }
        for name in lines.iter().flat_map(|planned| seen::in_line(planned.line, ended)) {
            self.coverage.note(name);
        }
        if ended.run.kind.writes() {
            self.note_back(&ended.pages);
            self.note_cut(ended);
        }
        let states = [audit.first(), audit.people()].map(Arc::clone);
        self.past.runs.push(PastRun {
            run,
            kind: ended.run.kind,
            held: ended.run.counters.held,
            wrote: lines.iter().any(|planned| planned.line.writes_contact()),
            states: audit.is_only_of(run).then_some(states),
        });
        Ok(())
    }

    /// Whoever had no link when the run began because an operator had cut it, and has none now, got none.
    fn cut_links_stay_cut(&self, before: &BTreeSet<Identity>, lines: &[Planned<'_>]) -> Told<()> {
        let linked = lines.iter().find(|planned| {
            let identity = Identity { tenant: planned.tenant, object: planned.line.object };
            let is_linked = matches!(planned.line.action, Action::Create { .. } | Action::Link { .. });
            is_linked && before.contains(&identity) && self.past.cut.contains(&identity)
        });
        match linked {
            Some(planned) => Err(format!("{} is linked, whose link was cut", planned.line.object)),
            None => Ok(()),
        }
    }

    fn note_cut(&mut self, ended: &Ended) {
        for planned in ended.tenants.iter().flat_map(|result| ended.applied_of(result)) {
            let identity = Identity { tenant: planned.tenant, object: planned.line.object };
            let Action::Unlink { turn, .. } = &planned.line.action else { continue };
            if turn.to.link == LinkState::Parted && !ended.stale.contains(&planned.line.id) {
                self.past.cut.insert(identity);
            }
        }
    }

    /// Whoever is seen in the directory again, or is put back by an undo, may be asked about again.
    pub(crate) fn note_back(&mut self, pages: &[Kept]) {
        for planned in pages.iter().flat_map(Kept::lines) {
            let is_back = match &planned.line.action {
                Action::NoteMissing { times, .. } => *times == 0,
                Action::Link { .. }
                | Action::Reactivate { .. }
                | Action::Refresh { .. }
                | Action::Restore { .. }
                | Action::Unlink { .. }
                | Action::Update { .. } => true,
                _ => false,
            };
            let identity = Identity { tenant: planned.tenant, object: planned.line.object };
            if is_back {
                self.past.rejected.kept.remove(&identity);
            }
            let may_be_linked = matches!(
                planned.line.action,
                Action::Create { .. } | Action::Link { .. } | Action::Restore { .. } | Action::Unlink { .. }
            );
            if may_be_linked {
                self.past.cut.remove(&identity);
            }
        }
    }
}
