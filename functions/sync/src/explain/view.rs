//! An explanation in the PSA's names, and as text.

use std::fmt;

use domain::{
    explain::{Outcome, Proposal, Rival},
    fields::{FieldStory, Hidden, Origin},
    ids::{ClientId, EntraObjectId, ManagedTenantId, RunId},
    plan::{Action, Rule},
    planner::Tried,
};
use jiff::Timestamp;
use serde::Serialize;

use super::{Explained, history::Told, history::Writer};
use crate::views::LineView;

/// One person, explained.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedView {
    /// The tenant.
    pub managed_tenant_id: ManagedTenantId,
    /// Its name.
    pub tenant_name: Option<String>,
    /// The client it is mapped to.
    pub client_id: ClientId,
    /// Its name.
    pub client_name: Option<String>,
    /// Microsoft's id of the person.
    pub entra_object_id: EntraObjectId,
    /// The person's name.
    pub display_name: String,
    /// The person's address.
    pub email: Option<String>,
    /// Whether the directory has the person now.
    pub in_directory: bool,
    /// What becomes of the person, as a stable code.
    pub outcome: Outcome,
    /// The same in a sentence or two.
    pub summary: String,
    /// What was looked at, in its order.
    pub steps: Vec<StepView>,
    /// Contacts that something speaks for, and why they were not linked.
    pub rivals: Vec<Rival>,
    /// The lines that the next sync would plan about the person.
    pub lines: Vec<LineView>,
    /// What becomes of each field of the contact.
    pub fields: Vec<ExplainedFieldView>,
    /// What would alter the result.
    pub proposals: Vec<Proposal>,
    /// What the newest run that spoke of the person has said.
    pub last: Option<ToldView>,
    /// The oldest run that was looked at for the story of the person, when there are older ones; the timeline
    /// goes on after it.
    pub older_than: Option<RunId>,
    /// Why that run may have said something else.
    pub note: Option<&'static str>,
    /// The whole answer as text.
    pub text: String,
}

/// One question and its answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepView {
    /// What was looked at, as a stable code.
    pub tried: Tried,
    /// The same as a question.
    pub question: &'static str,
    /// The answer.
    pub found: String,
    /// Whether it decided.
    pub decided: bool,
}

/// One field of the contact.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedFieldView {
    /// Its values, its policy, and what becomes of it.
    #[serde(flatten)]
    pub story: FieldStory,
    /// Where the value that the contact shows is from.
    pub origin: Origin,
    /// The run that wrote the field last, as far as its plan is kept.
    pub written_by: Option<Writer>,
}

/// What a run has said.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToldView {
    /// The run.
    pub run_id: RunId,
    /// When it began.
    pub at: Timestamp,
    /// Whether it was a preview.
    pub is_dry_run: bool,
    /// What it said.
    #[serde(flatten)]
    pub line: LineView,
}

impl From<&Explained> for ExplainedView {
    fn from(explained: &Explained) -> Self {
        let explanation = &explained.explanation;
        let step = |step: &domain::planner::Step| StepView {
            tried: step.tried,
            question: step.tried.question(),
            found: step.found.clone(),
            decided: step.decided,
        };
        let field = |story: &FieldStory| ExplainedFieldView {
            origin: story.origin,
            written_by: explained.writer(story).copied(),
            story: story.clone(),
        };
        Self {
            managed_tenant_id: explained.tenant.id,
            tenant_name: explained.tenant.display_name.clone(),
            client_id: explained.client.0,
            client_name: explained.client.1.clone(),
            entra_object_id: explanation.object,
            display_name: explanation.label.clone(),
            email: explanation.address.as_ref().map(ToString::to_string),
            in_directory: explained.in_directory,
            outcome: explanation.outcome,
            summary: explanation.summary.clone(),
            steps: explanation.steps.iter().map(step).collect(),
            rivals: explanation.rivals.clone(),
            lines: explanation.lines.iter().map(|line| LineView::new(line, &explained.hidden)).collect(),
            fields: explanation.fields.iter().map(field).collect(),
            proposals: explanation.proposals.clone(),
            last: explained.last.as_ref().map(|told| ToldView {
                run_id: told.run,
                at: told.at,
                is_dry_run: told.is_dry_run,
                line: LineView::new(&told.line, &explained.hidden),
            }),
            older_than: explained.older_than,
            note: explained.note(),
            text: explained.to_string(),
        }
    }
}

impl Explained {
    /// The run that wrote what the contact shows in the field.
    fn writer(&self, story: &FieldStory) -> Option<&Writer> {
        story.local.as_ref()?;
        self.writers.iter().find(|writer| writer.field == story.field)
    }
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entra = self.tenant.entra.to_string();
        let tenant = self.tenant.display_name.as_ref().unwrap_or(&entra);
        let id = self.client.0.to_string();
        writeln!(f, "{tenant}, mapped to the client {}", self.client.1.as_ref().unwrap_or(&id))?;
        write!(f, "{}", self.explanation)?;
        let shown = self.explanation.fields.iter().filter(|story| story.local.is_some());
        let said: Vec<String> = shown.filter_map(|story| self.provenance(story)).collect();
        if !said.is_empty() {
            writeln!(f, "\nWhere the values are from")?;
            for said in said {
                writeln!(f, "  · {said}")?;
            }
        }
        if let Some(told) = &self.last {
            writeln!(f, "\nWhat the last run said")?;
            writeln!(f, "  · {}", last(told, &self.hidden))?;
        }
        if let Some(note) = self.note() {
            writeln!(f, "  · {note}")?;
        }
        if let Some(run) = self.older_than {
            let (tenant, person) = (self.tenant.id, self.explanation.object);
            writeln!(
                f,
                "\nRuns older than {run} were not looked through; `entra-sync runs person --tenant {tenant} {person} \
                 --after {run}` does."
            )?;
        }
        Ok(())
    }
}

impl Explained {
    /// A whole read may ask or hold back where one person alone gives no reason to.
    fn note(&self) -> Option<&'static str> {
        let told = self.last.as_ref()?;
        let is_stopped = matches!(told.line.action, Action::Review { .. } | Action::Stage { .. });
        let is_agreed = matches!(self.explanation.outcome, Outcome::Review | Outcome::Held);
        (is_stopped && !is_agreed).then_some(
            "That is something else than said above, which looks at this person alone. Either something has \
             changed since, or the run met somebody else with the same address, or a limit was used up.",
        )
    }

    fn provenance(&self, story: &FieldStory) -> Option<String> {
        let label = story.field.label();
        let run = self.writer(story).map(|writer| {
            format!("the run of {} ({}, {})", minute(writer.at), rule(writer.rule), writer.run_id)
        });
        match (run, story.origin) {
            (Some(run), Origin::Edited) => Some(format!("{label}: edited by somebody since {run} wrote it")),
            (Some(run), _) => Some(format!("{label}: written by {run}")),
            (None, Origin::Edited) => Some(format!("{label}: edited by somebody")),
            (None, _) => None,
        }
    }
}

fn last(told: &Told, hidden: &Hidden) -> String {
    let view = LineView::new(&told.line, hidden);
    let action = view.action.replace('_', " ");
    let what = if told.is_dry_run { format!("would {action}") } else { action };
    let waits = match &told.line.action {
        Action::Stage { .. } if !told.is_dry_run => {
            format!(" It waits for you: `runs allow {}` lets it through.", told.run)
        }
        _ => String::new(),
    };
    let kind = if told.is_dry_run { "preview" } else { "run" };
    format!("{}, {kind} {}: {what}; {}.{waits}", minute(told.at), told.run, view.reason)
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// The rule that led a run to the contact, for people.
fn rule(rule: Rule) -> &'static str {
    match rule {
        Rule::AliasAddress => "found by an alias and the name",
        Rule::Decision => "decided by an operator",
        Rule::Ledger => "linked by an operator",
        Rule::NoMatch => "created",
        Rule::PrimaryAddress => "found by the e-mail address",
        Rule::SignInAddress => "found by the sign-in name",
        Rule::StoredObjectId => "found by the object id in the PSA",
        Rule::Undo => "an undo",
        Rule::BadRecord | Rule::Disabled | Rule::IdentityLink | Rule::Scope | Rule::Vanished => {
            "linked before"
        }
    }
}
