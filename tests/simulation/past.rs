//! What a history remembers of its runs, and of what operators have said.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    ids::{Identity, RunId},
    invariants::{self, People, Rejected},
    plan::Action,
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
    /// What had been rejected when a run began.
    rejected_before: BTreeMap<RunId, Rejected>,
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
    /// What has been rejected by now must not be asked by this run.
    pub(crate) fn remember_rejections(&mut self, run: RunInput) {
        let rejected = self.past.rejected.clone();
        self.past.rejected_before.insert(run.run_id, rejected);
    }

    /// Takes note of a run that has ended, once it has kept to what was rejected before.
    pub(crate) fn remember(&mut self, run: RunInput, ended: &Ended, audit: &Audit) -> Told<()> {
        let lines: Vec<_> = ended.pages.iter().flat_map(Kept::lines).collect();
        if let Some(rejected) = self.past.rejected_before.remove(&run.run_id)
            && ended.run.kind.reads()
        {
            invariants::rejected_is_remembered(&rejected, &lines).map_err(failed)?;
        }
        for name in lines.iter().flat_map(|planned| seen::in_line(planned.line, ended)) {
            self.coverage.note(name);
        }
        if ended.run.kind.writes() {
            self.note_back(&ended.pages);
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

    /// Whoever is seen in the directory again, or is put back by an undo, may be asked about again.
    pub(crate) fn note_back(&mut self, pages: &[Kept]) {
        for planned in pages.iter().flat_map(Kept::lines) {
            let is_back = match &planned.line.action {
                Action::NoteMissing { times, .. } => *times == 0,
                Action::Link { .. }
                | Action::Reactivate { .. }
                | Action::Refresh { .. }
                | Action::Restore { .. }
                | Action::Update { .. } => true,
                _ => false,
            };
            if is_back {
                let identity = Identity { tenant: planned.tenant, object: planned.line.object };
                self.past.rejected.kept.remove(&identity);
            }
        }
    }
}
