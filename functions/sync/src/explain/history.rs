//! What earlier runs said about a person, and which of them wrote what the contact shows.

use std::collections::BTreeSet;

use domain::{
    fields::Field,
    ids::{EntraObjectId, LineId, ManagedTenantId, RunId, WorkspaceId},
    plan::{Action, Line, Rule},
};
use jiff::Timestamp;
use serde::Serialize;
use store::{ReadOnly, Run, StoreError};

/// Runs that are read at once, the newest first.
const RUNS_AT_ONCE: u16 = 20;

/// Runs that are looked through in all.
const RUNS_MAX: usize = 100;

/// Plan pages that are read in all: the plans of a large tenant are long, and a request is not.
const PAGES_MAX: u32 = 200;

/// Plan pages that are read at once.
const PAGES_AT_ONCE: u16 = 20;

/// What a run said about the person.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The run.
    pub run: RunId,
    /// When it began.
    pub at: Timestamp,
    /// Whether it was a preview.
    pub is_dry_run: bool,
    /// What it said.
    pub line: Line,
}

/// The run that wrote a field last.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Writer {
    /// The field.
    pub field: Field,
    /// The run.
    pub run_id: RunId,
    /// When it began.
    pub at: Timestamp,
    /// The rule that led it to the contact.
    pub rule: Rule,
}

#[derive(Default)]
pub(super) struct History {
    pub(super) last: Option<Told>,
    pub(super) writers: Vec<Writer>,
    /// The oldest run that was looked at, when there are older ones that may say more.
    pub(super) older_than: Option<RunId>,
}

/// Looks through the runs, the newest first, until every field has its writer.
pub(super) async fn of(
    store: &ReadOnly,
    workspace: WorkspaceId,
    tenant: ManagedTenantId,
    person: EntraObjectId,
) -> Result<History, StoreError> {
    let mut history = History::default();
    let (mut pages_read, mut runs_read, mut after) = (0, 0, None);
    loop {
        let runs = store.runs(workspace, after, RUNS_AT_ONCE).await?;
        if runs.is_empty() {
            return Ok(History { older_than: None, ..history });
        }
        for run in runs {
            if history.writers.len() == Field::ALL.len() {
                return Ok(History { older_than: None, ..history });
            }
            if pages_read >= PAGES_MAX || runs_read >= RUNS_MAX {
                return Ok(History { older_than: after, ..history });
            }
            (runs_read, after) = (runs_read + 1, Some(run.id));
            // What was said with rules that nobody has saved is no story of the person.
            if run.unsaved_rules {
                continue;
            }
            let lines = lines_about(store, &run, tenant, person, &mut pages_read).await?;
            if !lines.is_empty() {
                let stale = store.stale_lines(workspace, run.id, tenant).await?;
                history.take(&run, &lines, &stale.into_iter().map(|(line, _)| line).collect());
            }
        }
    }
}

async fn lines_about(
    store: &ReadOnly,
    run: &Run,
    tenant: ManagedTenantId,
    person: EntraObjectId,
    pages_read: &mut u32,
) -> Result<Vec<Line>, StoreError> {
    let (mut lines, mut after) = (Vec::new(), 0);
    while *pages_read < PAGES_MAX {
        let pages = store.pages(run.workspace, run.id, tenant, after, PAGES_AT_ONCE).await?;
        let Some(last) = pages.last() else { break };
        after = last.head.number;
        *pages_read += u32::try_from(pages.len()).unwrap_or(u32::MAX);
        let of_person = pages.iter().flat_map(|stored| &stored.page.lines);
        lines.extend(of_person.filter(|line| line.object == person).cloned());
    }
    Ok(lines)
}

impl History {
    /// Takes in what an older run than those before said.
    fn take(&mut self, run: &Run, lines: &[Line], stale: &BTreeSet<LineId>) {
        let is_dry_run = !run.kind.writes();
        if let (None, Some(line)) = (&self.last, lines.last()) {
            let line = line.clone();
            self.last = Some(Told { run: run.id, at: run.started_at, is_dry_run, line });
        }
        if is_dry_run {
            return;
        }
        for line in lines.iter().rev().filter(|line| !stale.contains(&line.id)) {
            for field in written(&line.action) {
                if self.writers.iter().all(|writer| writer.field != field) {
                    let (run_id, at, rule) = (run.id, run.started_at, line.rule);
                    self.writers.push(Writer { field, run_id, at, rule });
                }
            }
        }
    }
}

/// The fields that the action gives a value.
fn written(action: &Action) -> Vec<Field> {
    let Action::Create { facts, .. } = action else {
        return action.changes().iter().map(domain::fields::FieldChange::field).collect();
    };
    let values = facts.values();
    let is_given = |field: &Field| match field {
        Field::Company => values.company.is_some(),
        Field::Department => values.department.is_some(),
        Field::Email | Field::FullName => true,
        Field::Office => values.office.is_some(),
        Field::Phones => !values.phones.is_empty(),
        Field::Role => values.role.is_some(),
        Field::UserPrincipalName => facts.user_principal_name.is_some(),
    };
    Field::ALL.into_iter().filter(is_given).collect()
}
