//! What plans say.

use std::collections::BTreeSet;

use super::{Broken, People, Planned, holds};
use crate::plan::{Action, PlanPage, Rule};

/// A plan writes contacts of the client its directory is mapped to, and no other's.
pub fn a_plan_stays_at_its_client(planned: &[Planned<'_>], people: &People) -> Result<(), Broken> {
    let cases = planned.iter().map(|planned| {
        let contact = people.contacts.get(&planned.line.contact_written()?)?;
        (contact.client != planned.client)
            .then(|| format!("line {} names contact {} of another one", planned.line.id, contact.id))
    });
    holds("a plan stays at its client", cases)
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
