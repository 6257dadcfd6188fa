//! What plans have to show for a history to reach what it claims to.

use domain::{
    fields::{FieldChange, Overwrite},
    plan::{Action, Limit, Line, Rule},
    scope::Exclusion,
};

use crate::{audit::Ended, kinds::Seen};

/// The names of what one line of a run shows.
pub(crate) fn in_line(line: &Line, ended: &Ended) -> Vec<&'static str> {
    let mut seen = Vec::new();
    match &line.action {
        Action::Exclude { reason, .. } => seen.extend(by_scope(*reason)),
        Action::Leave { kept, .. } if !kept.is_empty() => seen.push(Seen::Kept),
        Action::MarkInactive { .. } if line.rule == Rule::Scope => seen.push(Seen::OutOfScope),
        Action::Restore { kept, .. } => {
            seen.push(Seen::Restored);
            seen.extend((!kept.is_empty()).then_some(Seen::KeptField));
        }
        Action::Stage { limit, .. } => seen.push(match limit {
            Limit::Creations => Seen::StagedCreation,
            Limit::Inactivations => Seen::StagedInactivation,
            Limit::LinkMoves => Seen::StagedMove,
            Limit::RunCreations => Seen::StagedCreationOfRun,
            Limit::RunInactivations => Seen::StagedInactivationOfRun,
            Limit::RunLinkMoves => Seen::StagedMoveOfRun,
        }),
        _ => {}
    }
    seen.extend(ended.stale.contains(&line.id).then_some(Seen::Stale));
    seen.extend(line.action.changes().iter().flat_map(|change| by_field(change, ended)));
    seen.into_iter().map(Seen::name).collect()
}

fn by_scope(reason: Exclusion) -> Option<Seen> {
    Some(match reason {
        Exclusion::Attribute | Exclusion::Pattern => Seen::Pattern,
        Exclusion::Domain => Seen::Domain,
        Exclusion::Group => Seen::Group,
        Exclusion::ProtectedContact => Seen::Protected,
        Exclusion::Unlicensed => Seen::Unlicensed,
        _ => return None,
    })
}

fn by_field(change: &FieldChange, ended: &Ended) -> Vec<Seen> {
    let Some(rules) = &ended.rules else { return Vec::new() };
    let rule = match rules.rule(change.field()).overwrite {
        Overwrite::Always => Some(Seen::FieldAlways),
        Overwrite::Never => None,
        Overwrite::OnlyIfEmpty => Some(Seen::FieldIfEmpty),
        Overwrite::UnlessEdited => Some(Seen::FieldUnlessEdited),
        Overwrite::WhenSourceChanges => Some(Seen::FieldSourceChanges),
    };
    let (_, _, new) = change.describe();
    rule.into_iter().chain(new.is_empty().then_some(Seen::Cleared)).collect()
}
