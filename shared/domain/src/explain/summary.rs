//! What becomes of a person, in a sentence or two.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Case;
use crate::{
    contact::{InactiveReason, Link},
    facts::SourceFacts,
    fields::FieldChange,
    inventory::ReviewState,
    plan::{Action, Conflict, Line, LinkState, Rule},
    planner::{MISSING, Step, Tried, capitalised, client_name, shown},
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
    let (outcome, mut text) = decided(case, lines, steps);
    let facts = match main_line(lines) {
        Some(line) => line.action.facts(),
        None => case.base().filter(|_| is_waiting(steps)),
    };
    if let Some(blanks) = facts.and_then(SourceFacts::told_blanks) {
        text = format!("{text} {}.", capitalised(&blanks));
    }
    (outcome, text)
}

/// Whether a field is blank in the directory, as it was the last time, and keeps its value until that is
/// confirmed: only then fields are looked at and there is no line.
pub(super) fn is_waiting(steps: &[Step]) -> bool {
    steps.iter().any(|step| step.decided && step.tried == Tried::IdentityLink)
}

fn decided(case: &Case<'_>, lines: &[Line], steps: &[Step]) -> (Outcome, String) {
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
        Action::Reactivate { before: Some(before), changes, .. } if before.link == LinkState::Active => {
            let text = format!(
                "{} becomes active, as the person is: a human made it inactive, and `markActiveWhenEnabled` \
                 lets the directory overrule that.{}",
                capitalised(&named()),
                written(changes)
            );
            (Outcome::Reactivated, text)
        }
        Action::Reactivate { activate, changes, .. } => {
            let is_inactive =
                action.contact().and_then(|contact| case.contact(contact)).is_some_and(|c| c.inactive);
            let active = match (activate, is_inactive) {
                (true, _) => " and becomes active",
                (false, true) => {
                    ", and stays inactive because it was not the sync that made it so (`markActiveWhenEnabled` is off)"
                }
                (false, false) => "; it is active already",
            };
            let text =
                format!("The person is back: {} is linked again{active}.{}", named(), written(changes));
            (Outcome::Reactivated, text)
        }
        Action::Update { changes, .. } => {
            let fields = fields(changes);
            (Outcome::Updated, format!("{} is updated: {fields}.", capitalised(&named())))
        }
        Action::Refresh { facts } if !facts.blanks.is_empty() => {
            let contact = case.linked().map_or_else(|| "the contact".to_owned(), shown);
            (Outcome::Unchanged, format!("{} stays as it is.", capitalised(&contact)))
        }
        Action::Refresh { .. } => {
            let contact = case.linked().map_or_else(|| "the contact".to_owned(), shown);
            let why = "no rule writes what has changed";
            (Outcome::Unchanged, format!("{} stays as it is: {why}.", capitalised(&contact)))
        }
        Action::Review { conflict, .. } => {
            let text = format!(
                "A human is asked, and nothing is written until there is an answer: {}.",
                unclear(case, *conflict)
            );
            (Outcome::Review, text)
        }
        Action::MarkInactive { reason, before, .. } => {
            let contact = capitalised(&named());
            let what = if before.as_ref().is_some_and(|before| before.inactive) {
                "is inactive already; only its link to the account ends"
            } else {
                "becomes inactive"
            };
            (Outcome::Inactivated, format!("{contact} {what}: {}.", reason.explanation()))
        }
        Action::NoteMissing { times, reason, .. } => {
            let what = reason.map_or("not in the directory", |reason| reason.explanation());
            (Outcome::Grace, grace(case, what, times.saturating_sub(1)))
        }
        Action::Stage { proposal, limit } => {
            let (_, would) = of_action(case, rule, proposal);
            let why = limit.explanation();
            let why = why.split_once(';').map_or(why, |(why, _)| why);
            let would = match (&**proposal, would.strip_prefix("Linked")) {
                (Action::Create { .. }, _) => "a new contact is made.".to_owned(),
                (Action::Link { .. }, Some(rest)) => format!("the account is linked{rest}"),
                _ => would,
            };
            (Outcome::Held, format!("Waits for your decision: {why}. If you allow it, {would}"))
        }
        Action::Fail { code } if code == "contact_missing" => {
            (Outcome::Failed, format!("Nothing can be done: {MISSING}."))
        }
        Action::Fail { code } => (Outcome::Failed, format!("The record could not be used (`{code}`).")),
        Action::Hold { .. }
        | Action::Leave { .. }
        | Action::Restore { .. }
        | Action::Settle { .. }
        | Action::Unlink { .. } => (Outcome::Unchanged, "Nothing is done.".to_owned()),
    }
}

fn of_nothing(case: &Case<'_>, steps: &[Step]) -> (Outcome, String) {
    if let Some(ReviewState::Open { conflict, taken_back, .. }) = case.person().review
        && steps.iter().any(|step| step.decided && step.tried == Tried::OperatorDecision)
    {
        let text = if taken_back {
            "The question about the person is in the review queue again, because an operator's answer was \
             taken back, and nothing is written until there is another one."
                .to_owned()
        } else {
            format!(
                "The question is in the review queue already, and nothing is written until it is answered: \
                 {}.",
                unclear(case, conflict)
            )
        };
        return (Outcome::Review, text);
    }
    let active = case.person().link.filter(|link| link.active);
    match (active, case.leaving(steps)) {
        (Some(link), Some((reason, timing))) => kept(case, &link, reason.explanation(), timing),
        (None, Some((reason, _))) => {
            let reason = reason.explanation();
            let text =
                format!("Nothing is done: {reason}, and an earlier sync has dealt with the contact already.");
            (Outcome::Unchanged, text)
        }
        (Some(link), None) if is_waiting(steps) => {
            (Outcome::Unchanged, format!("{} stays as it is.", capitalised(&case.named(link.contact))))
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
        None => {
            return (Outcome::Kept, format!("{}, but nothing can be done: {MISSING}.", capitalised(reason)));
        }
        Some(_) if link.keep => {
            format!("an operator rejected making it inactive; that ends when {}", is_back(case))
        }
        Some(_) if timing == Timing::Never => "the rule that would make it inactive is off".to_owned(),
        Some(contact) if contact.protected => "the PSA protects it".to_owned(),
        Some(contact) if contact.belongs_to_another(case.policy.tenant, case.object()) => {
            "it belongs to another account by now".to_owned()
        }
        Some(_) => return (Outcome::Grace, grace(case, reason, link.missing)),
    };
    (Outcome::Kept, format!("{}, but {contact} stays as it is: {why}.", capitalised(reason)))
}

/// When somebody counts as back who is leaving.
fn is_back(case: &Case<'_>) -> &'static str {
    match case.leaving(&case.steps()) {
        Some((InactiveReason::DisabledUpstream, _)) => "sign-in is allowed again",
        Some((InactiveReason::OutOfScope, _)) => "the person is among those who are synced again",
        _ => "the person is in the directory again",
    }
}

/// How long the grace lasts, of which `seen` syncs in a row have seen what is confirmed by it.
fn grace(case: &Case<'_>, reason: &str, seen: u8) -> String {
    let rules = &case.policy.vanish;
    let link = case.person().link;
    let contact = link.as_ref().map_or_else(|| "the contact".to_owned(), |link| case.named(link.contact));
    let is_inactive = case.linked().is_some_and(|contact| contact.inactive);
    let (stays, then) = if is_inactive {
        ("is inactive already and stays linked for now", "the link ends")
    } else {
        ("stays active for now", "it becomes inactive")
    };
    let wait = Wait { hours: rules.grace_hours, since: link.and_then(|link| link.missing_since) };
    let reads = rules.confirmations.max(1);
    let when = if seen >= reads {
        format!("Seen by {reads} of {reads} syncs; only the waiting time is left{}.", wait.until())
    } else {
        let seen_by =
            if reads == 1 { "a sync has".to_owned() } else { format!("{reads} syncs in a row have") };
        let next = ordinal(seen.saturating_add(1));
        format!(
            "{} once {seen_by} seen that{}. The next sync is the {next}.",
            capitalised(then),
            wait.at_least()
        )
    };
    format!("{}. {} {stays}. {when}", capitalised(reason), capitalised(&contact))
}

/// The hours that have to go by.
struct Wait {
    hours: u32,
    /// When the first sync saw it; the time of one that is yet to come is not known.
    since: Option<Timestamp>,
}

impl Wait {
    fn end(&self) -> Option<String> {
        let until = self.since? + SignedDuration::from_hours(i64::from(self.hours));
        Some(format!("{} UTC", until.strftime("%Y-%m-%d %H:%M")))
    }

    fn until(&self) -> String {
        self.end().map_or_else(String::new, |end| format!(", until {end}"))
    }

    fn at_least(&self) -> String {
        match (self.hours, self.end()) {
            (0, _) => String::new(),
            (_, Some(end)) => format!(", and not before {end}"),
            (hours, None) => format!(", at least {hours} hours after the first sync that sees it"),
        }
    }
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

/// What only a human can say.
fn unclear(case: &Case<'_>, conflict: Conflict) -> String {
    let client = match conflict {
        Conflict::LinkedAtOtherClient => case.person().link.map(|link| link.client),
        Conflict::AddressAtOtherClient => case.elsewhere().map(|(_, owner)| owner.client),
        _ => None,
    };
    let name = client.and_then(|client| client_name(case.known, client));
    let whose = name.map_or_else(String::new, |name| format!(" ({name})"));
    format!("{}{whose}", conflict.explanation())
}

fn matched(rule: Rule) -> &'static str {
    match rule {
        Rule::AliasAddress => "who has one of the person's other addresses and the same name",
        Rule::SignInAddress => "whose address is the person's sign-in name",
        Rule::StoredObjectId => "which carries the person's object id in the PSA",
        _ => "who has the person's e-mail address",
    }
}

fn written(changes: &[FieldChange]) -> String {
    if changes.is_empty() {
        return " No fields change.".to_owned();
    }
    format!(" Fields written: {}.", fields(changes))
}

fn fields(changes: &[FieldChange]) -> String {
    changes.iter().map(|change| change.describe().0).collect::<Vec<_>>().join(", ")
}
