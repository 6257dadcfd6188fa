//! The PSA's `user_filter_config`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    invalid::{FaultCode, Faults, InvalidScope},
    patterns::check_exclusion,
    rules::ScopeRules,
};

/// Where the PSA keeps the filter: faults are reported below it.
const ROOT: &str = "userFilterConfig";

/// The PSA's names for one list, in the order it merges them.
const KEYS: [&str; 4] = ["exclusionPatterns", "excludePatterns", "excludeUpnPatterns", "excludedUpnPatterns"];

impl ScopeRules {
    /// The default rules with the patterns of the PSA's `user_filter_config`: its four lists in its
    /// order, trimmed, without blanks and repetitions. The PSA drops what is no pattern without a
    /// word; here it is reported, because a rule that silently does nothing lets people in whom
    /// somebody wanted out.
    pub fn from_psa_filter(config: &Value) -> Result<Self, InvalidScope> {
        let mut faults = Faults::default();
        if !config.is_null() && !config.is_object() {
            faults.add(FaultCode::InvalidType, ROOT, "The filter has to be an object of lists of patterns.");
        }
        let (mut exclude_patterns, mut known) = (Vec::new(), BTreeSet::new());
        for key in KEYS {
            for (place, text) in texts(config, key, &mut faults) {
                if known.insert(text) && check_exclusion(text, &format!("{ROOT}.{key}[{place}]"), &mut faults)
                {
                    exclude_patterns.push(text.to_owned());
                }
            }
        }
        let rules = Self { exclude_patterns, ..Self::default() };
        // Only once each is usable, what they are together.
        faults.or(rules).and_then(|rules| rules.compile().map(|_| rules))
    }
}

/// The texts of one list that are not blank, with their places.
fn texts<'a>(config: &'a Value, key: &str, faults: &mut Faults) -> Vec<(usize, &'a str)> {
    let mut found = Vec::new();
    match config.get(key) {
        None | Some(Value::Null) => {}
        Some(Value::Array(entries)) => {
            for (place, entry) in entries.iter().enumerate() {
                match entry.as_str() {
                    Some(text) => found.push((place, text.trim())),
                    None => faults.add(
                        FaultCode::InvalidType,
                        format!("{ROOT}.{key}[{place}]"),
                        "A pattern has to be a text.",
                    ),
                }
            }
        }
        Some(_) => faults.add(
            FaultCode::InvalidType,
            format!("{ROOT}.{key}"),
            "The patterns have to be a list of texts.",
        ),
    }
    found.retain(|(_, text)| !text.is_empty());
    found
}
