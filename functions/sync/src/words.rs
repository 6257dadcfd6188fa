//! What a line of a plan says to an operator.

use domain::{
    contact::InactiveReason,
    plan::{Action, Answer, AnswerKind, Candidate, Line, Rule},
};

pub(crate) fn describe(line: &Line) -> (&'static str, String, Vec<Candidate>) {
    let (name, reason) = told(line.rule, &line.action);
    let reason = told_answer(line).unwrap_or(reason);
    let candidates = match &line.action {
        Action::Review { candidates, .. } => candidates.clone(),
        _ => Vec::new(),
    };
    (name, reason, candidates)
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
fn told(rule: Rule, action: &Action) -> (&'static str, String) {
    match action {
        Action::Create { .. } => ("create", "no contact has any of this person's addresses".to_owned()),
        Action::Exclude { reason, detail: None } => ("exclude", reason.explanation().to_owned()),
        Action::Exclude { reason, detail: Some(detail) } => {
            ("exclude", format!("{}: {detail}", reason.explanation()))
        }
        Action::Fail { code } => ("fail", failed(code)),
        Action::Hold { .. } => {
            ("hold", "too many people vanished at once; an operator has to look first".to_owned())
        }
        Action::Leave { code, kept, .. } => {
            ("leave", format!("left as it is: {}{}", left(code), told_kept(kept)))
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
        Action::NoteMissing { times: 0, .. } => ("note_missing", "the person is back".to_owned()),
        Action::NoteMissing { times, reason, .. } => {
            let what = reason.map_or("not in the directory", InactiveReason::explanation);
            ("note_missing", format!("{what}, read no. {times} in a row; the contact is given grace"))
        }
        Action::Reactivate { activate: true, .. } => {
            ("reactivate", "the person is back and this sync had made the contact inactive".to_owned())
        }
        Action::Reactivate { .. } => ("reactivate", "the person is back; linked again".to_owned()),
        Action::Refresh { .. } => (
            "refresh",
            "nothing to write to the contact; what was last seen of the person is noted".to_owned(),
        ),
        Action::Restore { .. } if rule == Rule::Decision => {
            ("restore", "no longer linked: an operator decided that the person is another contact".to_owned())
        }
        Action::Restore { kept, .. } => {
            ("restore", format!("put back to what it was before the run{}", told_kept(kept)))
        }
        Action::Review { conflict, .. } => ("review", conflict.explanation().to_owned()),
        Action::Settle { .. } => ("settle", "an operator answered the question".to_owned()),
        Action::Stage { proposal, limit } => {
            let (what, why) = told(rule, proposal);
            ("hold", format!("{}; would {}: {why}", limit.explanation(), what.replace('_', " ")))
        }
        Action::Update { .. } => ("update", "a field that is switched on has changed".to_owned()),
    }
}

fn told_kept(kept: &[(String, String)]) -> String {
    if kept.is_empty() {
        return String::new();
    }
    let kept: Vec<String> = kept.iter().map(|(field, value)| format!("{field} ({value})")).collect();
    format!("; changed since or protected, and kept: {}", kept.join(", "))
}

fn matched_by(rule: Rule) -> &'static str {
    match rule {
        Rule::AliasAddress => "an alias address and the name",
        Rule::SignInAddress => "the sign-in name",
        Rule::StoredObjectId => "the object id on the contact",
        Rule::Decision => "an operator",
        _ => "the e-mail address",
    }
}

/// Why a record could not be used.
fn failed(code: &str) -> String {
    let why = match code {
        "contact_missing" => "the contact the person is linked to is no longer in the PSA",
        "id_not_guid" | "no_id" => "Microsoft sent a record without a usable object id",
        "member_type" => "Microsoft sent a record with a value of a wrong type",
        "not_an_object" => "Microsoft sent something that is no record",
        "unknown_removal" => "Microsoft removed the person in a way that is not known here",
        other => return format!("the record could not be used ({other})"),
    };
    format!("{why}; nothing is written about it, and the next sync looks again")
}

/// Why an undo leaves a contact alone.
fn left(code: &str) -> &str {
    match code {
        "changed_since" => "somebody has changed it since",
        "contact_missing" => "it is no longer in the PSA",
        "contact_protected" => "it is protected from the sync",
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
        "contact_missing" => "the contact is no longer in the PSA",
        "link_gone" => "the person's link has ended meanwhile",
        "linked_elsewhere" => "the person is linked to another contact by now",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_put_into_words() {
        for code in
            ["contact_missing", "id_not_guid", "member_type", "no_id", "not_an_object", "unknown_removal"]
        {
            let (name, told) = told(Rule::BadRecord, &Action::Fail { code: code.to_owned() });
            assert_eq!(name, "fail");
            assert!(!told.contains(code), "{told}");
        }
        for code in ["changed_since", "contact_missing", "contact_protected"] {
            assert!(!left(code).contains('_'), "{code}");
        }
        for code in [
            "address_taken",
            store::APPLIED_BEFORE,
            "contact_changed",
            "contact_exists",
            "contact_missing",
            "link_gone",
            "linked_elsewhere",
        ] {
            assert!(!not_carried_out(code).contains('_'), "{code}");
        }
        assert_eq!(failed("news").split(' ').next_back(), Some("(news)"), "an unknown one is shown");
    }

    #[test]
    fn what_an_operator_decided_is_not_called_a_match() {
        assert_eq!(matched_by(Rule::Decision), "an operator");
        assert_eq!(matched_by(Rule::PrimaryAddress), "the e-mail address");
    }
}
