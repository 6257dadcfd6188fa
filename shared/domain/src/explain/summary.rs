//! What becomes of a person, in a sentence or two.

use serde::{Deserialize, Serialize};

use super::{Case, sentence};
use crate::{
    contact::Link,
    fields::FieldChange,
    inventory::ReviewState,
    plan::{Action, Conflict, Line, Rule},
    planner::{Step, Tried, capitalised, client_name, shown},
    policy::Timing,
    scope::{Excluded, Exclusion},
};

/// What becomes of a person.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A new contact is made.
    Created,
    /// The person is left out by a rule, or by an operator.
    Excluded,
    /// Nothing can be done with what is stored.
    Failed,
    /// The contact becomes inactive once that is confirmed.
    Grace,
    /// It waits for an operator, because it crosses a stop limit.
    Held,
    /// The contact becomes inactive.
    Inactivated,
    /// The person is leaving, and the contact stays as it is.
    Kept,
    /// An existing contact is linked.
    Linked,
    /// The person is back.
    Reactivated,
    /// A human is asked.
    Review,
    /// Nothing is done.
    Unchanged,
    /// Fields of the contact are written.
    Updated,
}

/// The line that says what becomes of the person; others only note something on the link.
pub(super) fn main_line(lines: &[Line]) -> Option<&Line> {
    let is_leaving = |line: &&Line| match &line.action {
        Action::MarkInactive { .. } | Action::NoteMissing { times: 1.., .. } => true,
        Action::Stage { proposal, .. } => matches!(**proposal, Action::MarkInactive { .. }),
        _ => false,
    };
    let notes = |line: &&Line| matches!(line.action, Action::NoteMissing { times: 0, .. });
    lines.iter().find(is_leaving).or_else(|| lines.iter().find(|line| !notes(line)))
}

/// What the action does, or would do.
pub(super) fn proposal(action: &Action) -> &Action {
    match action {
        Action::Stage { proposal, .. } => proposal,
        action => action,
    }
}

/// Whether fields were looked at to plan it.
pub(super) fn is_about_fields(action: &Action) -> bool {
    matches!(
        action,
        Action::Link { .. } | Action::Reactivate { .. } | Action::Refresh { .. } | Action::Update { .. }
    )
}

pub(super) fn of(case: &Case<'_>, lines: &[Line], steps: &[Step]) -> (Outcome, String) {
    let is_unchanged = steps.iter().any(|step| step.decided && step.tried == Tried::Changed);
    match main_line(lines) {
        Some(Line { action: Action::Refresh { .. }, .. }) if is_unchanged => {
            (Outcome::Unchanged, "Only that the person is back is noted; no field is written.".to_owned())
        }
        Some(line) => of_action(case, line.rule, &line.action),
        None => of_nothing(case, steps),
    }
}

/// What would become of the person if something else were different.
pub(super) fn then(case: &Case<'_>, outcome: Outcome, summary: String) -> String {
    match (outcome, case.linked()) {
        (Outcome::Unchanged, Some(contact)) => format!("{} stays as it is.", capitalised(&shown(contact))),
        _ => summary,
    }
}

fn of_action(case: &Case<'_>, rule: Rule, action: &Action) -> (Outcome, String) {
    let named = || action.contact().map_or_else(|| "the contact".to_owned(), |contact| case.named(contact));
    match action {
        Action::Create { .. } => (Outcome::Created, "A new contact is made.".to_owned()),
        Action::Exclude { reason, detail } => (Outcome::Excluded, excluded(case, *reason, detail.as_deref())),
        Action::Link { supersedes, activate, changes, .. } => {
            let instead = if supersedes.is_some() {
                " The account the contact belonged to is gone; this one takes its place."
            } else {
                ""
            };
            let active = if *activate { " The contact becomes active again." } else { "" };
            let by = matched(rule);
            let text = format!("Linked to {}, {by}.{instead}{active}{}", named(), written(changes));
            (Outcome::Linked, text)
        }
        Action::Reactivate { activate, changes, .. } => {
            let active = if *activate { " and becomes active" } else { ", and stays inactive" };
            let text =
                format!("The person is back: {} is linked again{active}.{}", named(), written(changes));
            (Outcome::Reactivated, text)
        }
        Action::Update { changes, .. } => {
            let fields = fields(changes);
            (Outcome::Updated, format!("{} is updated: {fields}.", capitalised(&named())))
        }
        Action::Refresh { .. } => {
            let contact = case.linked().map_or_else(|| "the contact".to_owned(), shown);
            let why = "no rule writes what has changed";
            (Outcome::Unchanged, format!("{} stays as it is: {why}.", capitalised(&contact)))
        }
        Action::Review { conflict, .. } => (Outcome::Review, asked(case, *conflict, false)),
        Action::MarkInactive { reason, .. } => {
            let contact = capitalised(&named());
            (Outcome::Inactivated, format!("{contact} becomes inactive: {}.", reason.explanation()))
        }
        Action::NoteMissing { times, reason, .. } => {
            let what = reason.map_or("not in the directory", |reason| reason.explanation());
            (Outcome::Grace, grace(case, what, *times))
        }
        Action::Stage { proposal, limit } => {
            let (_, would) = of_action(case, rule, proposal);
            let why = limit.explanation();
            let why = why.split_once(';').map_or(why, |(why, _)| why);
            let text = format!("Waits for you: {why}. If you allow it: {would}");
            (Outcome::Held, text)
        }
        Action::Fail { code } if code == "contact_missing" => {
            let text =
                "Nothing can be done: the contact that the account is linked to is not there any more.";
            (Outcome::Failed, text.to_owned())
        }
        Action::Fail { code } => (Outcome::Failed, format!("The record could not be used (`{code}`).")),
        Action::Hold { .. } | Action::Leave { .. } | Action::Restore { .. } | Action::Settle { .. } => {
            (Outcome::Unchanged, "Nothing is done.".to_owned())
        }
    }
}

fn of_nothing(case: &Case<'_>, steps: &[Step]) -> (Outcome, String) {
    if let Some(ReviewState::Open { conflict, .. }) = case.person().review
        && steps.iter().any(|step| step.decided && step.tried == Tried::OperatorDecision)
    {
        return (Outcome::Review, asked(case, conflict, true));
    }
    let active = case.person().link.filter(|link| link.active);
    match (active, case.leaving(steps)) {
        (Some(link), Some((reason, timing))) => kept(case, &link, reason.explanation(), timing),
        (None, Some((reason, _))) => {
            let reason = reason.explanation();
            let text = format!("Nothing is done: {reason}, and the contact has been dealt with already.");
            (Outcome::Unchanged, text)
        }
        _ => {
            let text = "Nothing is done: neither the directory nor a rule about fields has changed since the \
                        last sync.";
            (Outcome::Unchanged, text.to_owned())
        }
    }
}

/// Somebody is leaving and nothing is planned about it.
fn kept(case: &Case<'_>, link: &Link, reason: &str, timing: Timing) -> (Outcome, String) {
    let contact = case.named(link.contact);
    let why = match case.contact(link.contact) {
        None if link.client != case.policy.client => "it is a contact of another client".to_owned(),
        None => "it is not there any more".to_owned(),
        Some(_) if link.keep => "an operator has said so, and that holds until the person is back".to_owned(),
        Some(_) if timing == Timing::Never => "the rule that would make it inactive is off".to_owned(),
        Some(contact) if contact.protected => "the PSA protects it".to_owned(),
        Some(contact) if contact.belongs_to_another(case.policy.tenant, case.object()) => {
            "it belongs to another account by now".to_owned()
        }
        Some(_) => return (Outcome::Grace, grace(case, reason, link.missing.saturating_add(1))),
    };
    (Outcome::Kept, format!("{}, but {contact} stays as it is: {why}.", capitalised(reason)))
}

/// How long the grace lasts, of which the next sync is the `times`th.
fn grace(case: &Case<'_>, reason: &str, times: u8) -> String {
    let rules = &case.policy.vanish;
    let link = case.person().link;
    let contact = link.as_ref().map_or_else(|| "the contact".to_owned(), |link| case.named(link.contact));
    let since = link.as_ref().and_then(|link| link.missing_since).unwrap_or(case.policy.now);
    let reads = rules.confirmations.max(1);
    let hours = if rules.grace_hours == 0 {
        String::new()
    } else {
        let until = since + jiff::SignedDuration::from_hours(i64::from(rules.grace_hours));
        format!(" and not before {} UTC", until.strftime("%Y-%m-%d %H:%M"))
    };
    let seen = if reads == 1 {
        "a sync has seen that".to_owned()
    } else {
        format!("{reads} syncs in a row have seen that")
    };
    format!(
        "{}. {} is given grace: it becomes inactive once {seen}{hours}. The next sync is the {}.",
        capitalised(reason),
        capitalised(&contact),
        ordinal(times),
    )
}

fn ordinal(number: u8) -> String {
    let ending = match (number % 10, number % 100) {
        (1, tens) if tens != 11 => "st",
        (2, tens) if tens != 12 => "nd",
        (3, tens) if tens != 13 => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

fn excluded(case: &Case<'_>, reason: Exclusion, detail: Option<&str>) -> String {
    let excluded = Excluded { reason, detail: detail.map(str::to_owned) };
    let linked = match case.linked() {
        Some(contact) if reason != Exclusion::ProtectedContact => {
            format!(" {} stays as it is.", capitalised(&shown(contact)))
        }
        _ => String::new(),
    };
    format!("Left out: {}.{linked}", excluded.clause())
}

fn asked(case: &Case<'_>, conflict: Conflict, is_open: bool) -> String {
    let waits = if is_open {
        "The question is in the review queue already, and nothing is written until it is answered"
    } else {
        "A human is asked, and nothing is written until there is an answer"
    };
    let client = match conflict {
        Conflict::LinkedAtOtherClient => case.person().link.map(|link| link.client),
        Conflict::AddressAtOtherClient => case.elsewhere().map(|(_, owner)| owner.client),
        _ => None,
    };
    let name = client.and_then(|client| client_name(case.known, client));
    let whose = name.map_or_else(String::new, |name| format!(", {name}"));
    format!("{waits}: {}{whose}.", conflict.explanation())
}

fn matched(rule: Rule) -> &'static str {
    match rule {
        Rule::AliasAddress => "who has one of the person's other addresses and the same name",
        Rule::SignInAddress => "who has the person's sign-in name as the address",
        Rule::StoredObjectId => "on whom the PSA has the person's object id",
        _ => "who has the person's e-mail address",
    }
}

fn written(changes: &[FieldChange]) -> String {
    if changes.is_empty() {
        return " No field of it changes.".to_owned();
    }
    format!(" {}", sentence(&format!("written: {}", fields(changes))))
}

fn fields(changes: &[FieldChange]) -> String {
    changes.iter().map(|change| change.describe().0).collect::<Vec<_>>().join(", ")
}
