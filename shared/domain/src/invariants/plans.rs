//! What plans say.

use std::collections::BTreeSet;

use super::{Broken, People, Planned, holds};
use crate::{
    fields::{FieldChange, FieldRules, Overwrite},
    plan::{Action, PlanPage, Rule},
};

/// A plan writes contacts of the client its directory is mapped to, and no other's. The id of a contact that
/// is to be created belongs to the person: a run that died before it and one after the directory was mapped
/// to another client give the same one. Whether it was created at the right one, others say.
pub fn a_plan_stays_at_its_client(planned: &[Planned<'_>], people: &People) -> Result<(), Broken> {
    let cases = planned.iter().map(|planned| {
        let line = planned.line;
        let contact = people.contacts.get(&line.contact_written()?)?;
        let is_there = !matches!(line.action, Action::Create { .. });
        (contact.client != planned.client && is_there)
            .then(|| format!("line {} names contact {} of another one", line.id, contact.id))
    });
    holds("a plan stays at its client", cases)
}

/// Nothing that the PSA protects stands in a plan that was made when it was protected already.
pub fn protected_is_in_no_plan(planned: &[Planned<'_>], people: &People) -> Result<(), Broken> {
    let cases = planned.iter().map(|planned| {
        let line = planned.line;
        let contact = people.contacts.get(&line.contact_written()?)?;
        let proposed = line.action.expected_version() == Some(contact.version);
        let contact = Some(contact).filter(|_| proposed)?;
        let field = line.action.changes().iter().find(|change| contact.protects(change.field()));
        let found = match field {
            _ if contact.protected => "it".to_owned(),
            Some(change) => format!("its {}", change.field().label()),
            None => return None,
        };
        Some(format!("line {} writes contact {} although {found} is protected", line.id, contact.id))
    });
    holds("what is protected is in no plan", cases)
}

/// Every change of a field is one that the field's rule makes: none when the rule is off, none over a
/// value when it only fills, and no blank unless both gates are open.
pub fn changes_follow_rules(rules: &FieldRules, planned: &[Planned<'_>]) -> Result<(), Broken> {
    let changes = planned.iter().flat_map(|planned| {
        let line = planned.line;
        line.action.changes().iter().map(move |change| (line, change))
    });
    let cases = changes.map(|(line, change)| {
        let rule = rules.rule(change.field());
        let (_, old, new) = change.describe();
        let is_made_up =
            matches!(change, FieldChange::FullName(change) if change.old.split(' ').count() == 1);
        let wrong = match rule.overwrite {
            Overwrite::Never => Some("is off"),
            Overwrite::OnlyIfEmpty if !old.is_empty() && !is_made_up => Some("only fills"),
            _ if new.is_empty() && !rules.may_clear(change.field()) => Some("does not clear"),
            _ => None,
        };
        wrong.map(|rule| format!("line {} changes {} and its rule {rule}", line.id, change.field().label()))
    });
    holds("fields change as their rules say", cases)
}

/// Nobody is taken for gone but by a page that closes a complete read.
pub fn vanished_lines_close_a_complete_read(planned: &[Planned<'_>]) -> Result<(), Broken> {
    let cases = planned.iter().map(|planned| {
        let early = planned.line.rule == Rule::Vanished && !planned.closes_read;
        early.then(|| format!("line {} about {} stands before its end", planned.line.id, planned.line.object))
    });
    holds("only a complete read tells who is gone", cases)
}

/// Two plans for the same input are the same, byte for byte.
pub fn plans_are_equal(one: &[PlanPage], other: &[PlanPage]) -> Result<(), Broken> {
    let ids = |pages: &[PlanPage]| -> BTreeSet<_> {
        pages.iter().flat_map(|page| &page.lines).map(|line| line.id).collect()
    };
    let only_in_one = ids(one).symmetric_difference(&ids(other)).next().copied();
    let lines = only_in_one.map(|line| {
        let line = one.iter().chain(other).flat_map(|page| &page.lines).find(|found| found.id == line);
        line.map_or_else(String::new, |line| {
            format!("only one of them has line {} ({}) about {}", line.id, name(&line.action), line.object)
        })
    });
    let lengths = (one.len() != other.len()).then(|| format!("{} and {} pages", one.len(), other.len()));
    let pages = one.iter().zip(other).zip(1..).map(|((one, other), number)| {
        (one.encode() != other.encode()).then(|| format!("their pages {number} differ"))
    });
    holds("plans for the same input are equal", [lines, lengths].into_iter().chain(pages))
}

fn name(action: &Action) -> String {
    let told = serde_json::to_value(action).ok();
    told.and_then(|told| told.get("action")?.as_str().map(str::to_owned)).unwrap_or_default()
}
