//! How much of what Microsoft allows is used up, as far as it has said so.

use directory::Usage;

use super::{Check, Finding};

/// A finding when Microsoft has spoken of its limits. It does so when most of one is used up
/// (learn.microsoft.com/graph/throttling), so silence says nothing, and nothing is said.
pub(super) fn quota(usage: &Usage) -> Option<Finding> {
    let share = usage.limit_percentage_max;
    let said = match (share, usage.throttled) {
        (0, 0) => return None,
        (0, _) => "Microsoft asked to slow down while this was looked at.".to_owned(),
        (share, _) => format!("Microsoft says that {share} % of what it allows at once is used."),
    };
    Some(Finding::warning(
        Check::Quota,
        "limit_nearly_reached",
        format!(
            "{said} Syncs wait when they are told to, and take longer; contacts stay as they are meanwhile."
        ),
        "Let syncs of many customers run at different times, and look what else reads with this app.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_microsoft_has_said_is_told() {
        let usage =
            |limit_percentage_max, throttled| Usage { limit_percentage_max, throttled, ..Usage::default() };
        assert_eq!(quota(&Usage { requests: 900, resource_units: 900, ..Usage::default() }), None);
        for (usage, said) in [
            (usage(85, 0), "85 % of what it allows"),
            (usage(120, 3), "120 % of what it allows"),
            (usage(0, 1), "asked to slow down"),
        ] {
            let found = quota(&usage).unwrap();
            assert!(found.what.contains(said) && found.what.contains("contacts stay"), "{found:?}");
            assert!(!found.needs_somebody());
        }
    }
}
