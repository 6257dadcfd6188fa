//! What a line of a plan says to an operator.

use domain::{
    contact::InactiveReason,
    facts::SourceFacts,
    fields::{Field, Hidden},
    plan::{Action, Answer, AnswerKind, Candidate, Conflict, ContactState, Line, LinkState, Rule},
    scope::Excluded,
};

pub(crate) fn describe(line: &Line, hidden: &Hidden) -> (&'static str, String, Vec<Candidate>) {
    let (name, reason) = told(line.rule, &line.action, hidden);
    let mut reason = told_answer(line).unwrap_or(reason);
    if let Some(blanks) = line.action.facts().and_then(SourceFacts::told_blanks) {
        reason = format!("{reason}; {blanks}");
    }
    let candidates = match &line.action {
        Action::Review { candidates, .. } => candidates.clone(),
        _ => Vec::new(),
    };
    (name, reason, candidates)
}

/// Why, as a code; nothing where the action says it all.
pub(crate) fn code(action: &Action) -> Option<String> {
    let wire = |value: serde_json::Result<serde_json::Value>| value.ok()?.as_str().map(str::to_owned);
    match action {
        Action::Exclude { reason, .. } => wire(serde_json::to_value(reason)),
        Action::Fail { code } | Action::Leave { code, .. } => Some(code.clone()),
        Action::Hold { reason, .. } | Action::MarkInactive { reason, .. } => {
            wire(serde_json::to_value(reason))
        }
        Action::NoteMissing { reason, .. } => wire(serde_json::to_value(reason.as_ref()?)),
        Action::Review { conflict, .. } => wire(serde_json::to_value(conflict)),
        Action::Stage { limit, .. } => wire(serde_json::to_value(limit)),
        _ => None,
    }
}

/// Why, for a line that carries out an operator's answer or takes one back.
fn told_answer(line: &Line) -> Option<String> {
    let said = |answer: &Answer| match answer.kind {
        AnswerKind::CreateNew => "the person is a new contact",
        AnswerKind::Dismissed => "the person is not to be synced",
        AnswerKind::LinkExisting => "the person is this contact",
    };
    let note = |answer: &Answer| answer.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
    if let Some(answer) = &line.answer {
        return Some(format!("an operator decided: {}{}", said(answer), note(answer)));
    }
    let back = line.takes_back.as_ref()?;
    Some(format!("taken back, so the question is open again: {}{}", said(back), note(back)))
}

/// The action's name, and one sentence of why.
fn told(rule: Rule, action: &Action, hidden: &Hidden) -> (&'static str, String) {
    match action {
        Action::Create { .. } => {
            ("create", "no contact that could be this person has any of their addresses".to_owned())
        }
        Action::Exclude { reason, detail } => {
            ("exclude", Excluded { reason: *reason, detail: detail.clone() }.clause())
        }
        Action::Fail { code } => ("fail", failed(code)),
        Action::Hold { .. } => {
            ("hold", "too many people vanished at once; an operator has to look first".to_owned())
        }
        Action::Leave { code, kept, .. } => {
            ("leave", format!("left as it is: {}{}", left(code), told_kept(kept, hidden)))
        }
        Action::Link { supersedes: Some(_), .. } => {
            ("link", format!("matched by {}; the account the contact belonged to is gone", matched_by(rule)))
        }
        Action::Link { .. } => ("link", format!("matched by {}", matched_by(rule))),
        Action::MarkInactive { reason, before: Some(before), .. } if before.inactive => {
            let why = reason.explanation();
            ("mark_inactive", format!("{why}; the contact was inactive already, only the link ends"))
        }
        Action::MarkInactive { reason, .. } => ("mark_inactive", reason.explanation().to_owned()),
        Action::NoteMissing { times: 0, .. } => (
            "note_missing",
            "the person is no longer leaving; what was noted about that is cleared".to_owned(),
        ),
        Action::NoteMissing { times, reason, .. } => {
            let what = reason.map_or("not in the directory", InactiveReason::explanation);
            let syncs = if *times == 1 { "1 sync".to_owned() } else { format!("{times} syncs in a row") };
            ("note_missing", format!("{what}; seen by {syncs}, and the contact stays as it is for now"))
        }
        Action::Reactivate { activate: true, before: Some(before), .. } if !is_ours(before) => {
            ("reactivate", format!("{}; {OVERRULED}", told_return(before)))
        }
        Action::Reactivate { activate: true, .. } => {
            ("reactivate", "the person is back and this sync had made the contact inactive".to_owned())
        }
        Action::Reactivate { before, .. } => {
            ("reactivate", format!("the person is back; linked again, {}", told_activity(before.as_deref())))
        }
        Action::Refresh { facts } if !facts.blanks.is_empty() => {
            ("refresh", "nothing to write to the contact yet".to_owned())
        }
        Action::Refresh { .. } => (
            "refresh",
            "nothing to write to the contact; what was last seen of the person is noted".to_owned(),
        ),
        Action::Restore { .. } if rule == Rule::Decision => {
            ("restore", "no longer linked: an operator decided that the person is another contact".to_owned())
        }
        Action::Restore { kept, .. } => {
            ("restore", format!("put back to what it was before the run{}", told_kept(kept, hidden)))
        }
        Action::Review { conflict: Conflict::OwnedByColleague, .. } => {
            let why = Conflict::OwnedByColleague.explanation();
            ("review", format!("{why}; correct it in the PSA, or decide in the review queue"))
        }
        Action::Review { conflict, .. } => ("review", conflict.explanation().to_owned()),
        Action::Settle { .. } => ("settle", "an operator answered the question".to_owned()),
        Action::Stage { proposal, limit } => {
            let (what, why) = told(rule, proposal, hidden);
            ("hold", format!("{}; would {}: {why}", limit.explanation(), what.replace('_', " ")))
        }
        Action::Unlink { expect, turn, .. } => {
            let which = match expect {
                Some(_) => "an operator ended the link to this contact, which stays as it is",
                None => "an operator ended the link, which led to no contact of this client",
            };
            let then = match turn.to.link {
                LinkState::Parted => "; no sync links the person again until `links rematch`",
                _ => "",
            };
            ("unlink", format!("{which}{then}"))
        }
        Action::Update { .. } => {
            ("update", "a field that is synced differs from what the directory says".to_owned())
        }
    }
}

/// What the rule says by which a contact becomes active that a human made inactive.
const OVERRULED: &str = "a human had made the contact inactive, and your rules let the directory overrule that \
                         (`markActiveWhenEnabled`)";

/// Whether it was the sync that had made the contact inactive.
fn is_ours(before: &ContactState) -> bool {
    before.entra.as_ref().is_some_and(|stamp| stamp.inactive_reason.is_some())
}

fn told_return(before: &ContactState) -> &'static str {
    match before.link {
        LinkState::Active => "the person is active in the directory",
        LinkState::Cut | LinkState::Inactive | LinkState::Parted => "the person is back",
    }
}

/// Of a contact that the sync does not make active.
fn told_activity(before: Option<&ContactState>) -> &'static str {
    match before.map(|before| before.inactive) {
        Some(true) => "and the contact stays inactive because it was not the sync that made it so",
        Some(false) => "and the contact is active already",
        None => "and the contact stays as active or inactive as it is",
    }
}

fn told_kept(kept: &[(String, String)], hidden: &Hidden) -> String {
    if kept.is_empty() {
        return String::new();
    }
    let shown = |(label, value): &(String, String)| match label.parse::<Field>() {
        Ok(field) => format!("{label} ({})", hidden.shown(field, value)),
        Err(_) => format!("{label} ({value})"),
    };
    let kept: Vec<String> = kept.iter().map(shown).collect();
    format!(
        "; changed since, protected, or with a former value that is another contact's now, and kept: {}",
        kept.join(", ")
    )
}

fn matched_by(rule: Rule) -> &'static str {
    match rule {
        Rule::AliasAddress => "an alias address and the name",
        Rule::SignInAddress => "the sign-in name",
        Rule::StoredObjectId => "the object id on the contact",
        Rule::Decision | Rule::Ledger => "an operator",
        _ => "the e-mail address",
    }
}

/// Why a record could not be used, and what to do.
fn failed(code: &str) -> String {
    let (why, then) = match code {
        "contact_missing" => (
            MISSING,
            "nothing is written about the person until it is restored or moved back with the same id",
        ),
        "id_not_guid" | "no_id" => ("Microsoft sent a record without a usable object id", AGAIN),
        "member_type" => ("Microsoft sent a record with a value of a wrong type", AGAIN),
        "not_an_object" => ("Microsoft sent something that is no record", AGAIN),
        "not_gathered" => (
            "something that decides about the person was not looked up, which is a defect of this service",
            "nothing is written about the person; report it with the id of the run",
        ),
        "stored_unreadable" => (
            UNREADABLE,
            "nothing is written about the person until a version that knows it is installed, or the item is \
             corrected",
        ),
        "too_large" => ("Microsoft sent a record that is larger than any record is", AGAIN),
        "unknown_removal" => ("Microsoft removed the person in a way that is not known here", AGAIN),
        other => return format!("the record could not be used ({other}); {AGAIN}"),
    };
    format!("{why}; {then}")
}

const UNREADABLE: &str = "what is stored about the person has a form that this version does not know";

const MISSING: &str =
    "the contact that the person is linked to is no longer at this client (deleted in the PSA, or moved)";

/// Of a record of Microsoft's.
const AGAIN: &str = "nothing is written about it; sync again, and if it stays, report it to Microsoft";

/// Why an undo, or a change of links, leaves a contact alone.
fn left(code: &str) -> &str {
    match code {
        "changed_since" => "somebody has changed it since",
        "client_mismatch" => "it belongs to another client than the one the tenant is mapped to",
        "contact_linked" => "it belongs to another account of the directory, which is there",
        "address_taken" => "its former address is another contact's by now",
        "contact_missing" | "contact_not_found" => {
            "it is not at this client (deleted in the PSA, moved, or never there)"
        }
        "item_without_email" => "the directory has never said a usable address of the person",
        "link_led_nowhere" => "the link that ended led to no contact, so there is nothing to put back",
        "contact_protected" => "the PSA protects it",
        "stored_unreadable" => UNREADABLE,
        other => other,
    }
}

/// Why a line was planned and not carried out, by the code it is stored with.
pub fn not_carried_out(code: &str) -> &str {
    match code {
        "address_taken" => "another contact has the address by now",
        "applied_before" => "another run had done it already",
        "contact_changed" => "somebody changed the contact after the plan was made",
        "contact_exists" => "there is a contact with the id that was meant for this person",
        "contact_missing" => "the contact is no longer at this client (deleted in the PSA, or moved)",
        "dismissed" => "an operator has said that the person is not to be synced",
        "link_gone" => "the person's link has ended meanwhile",
        "read_since" => "a later sync has seen the person again, and its word counts",
        "rejected" => "an operator has rejected it",
        "unlinked" => "an operator has ended the person's link for good",
        "linked_elsewhere" => "the person is linked to another contact by now",
        "stored_unreadable" => UNREADABLE,
        "write_refused" => {
            "the table does not take what was to be stored, most likely because it is too large"
        }
        other => other,
    }
}

#[cfg(test)]
mod tests;
