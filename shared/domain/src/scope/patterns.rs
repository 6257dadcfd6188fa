//! Regular expressions an operator writes. The engine takes time linear in the text whatever the
//! pattern (docs.rs/regex, "Untrusted input"); what it may take of memory is limited here.

use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::{
    Excluded, Exclusion,
    compile::quoted,
    invalid::{FaultCode, Faults},
};
use crate::user::DirectoryUser;

/// Longest pattern: it is shown with everybody it leaves out.
const CHARACTERS_MAX: usize = 500;

/// Most memory of one compiled pattern: twenty Unicode `\w` or ten thousand repetitions of a letter.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// Most memory of all patterns of a list together. The time a text takes grows with it: the worst
/// that fits takes a millisecond for the longest text there is.
const PATTERNS_BYTES_MAX: usize = 2 << 20;

/// Deepest nesting of groups.
const NESTING_MAX: u32 = 64;

/// Texts of which a pattern that matches them all matches every person's.
const PROBES: [&str; 4] = ["", "0", "ola nordmann", "Jean-Luc.Sørensen_7@acme.example"];

/// The operator's patterns in one automaton, so that their number does not slow the search.
#[derive(Clone)]
pub(super) struct Patterns {
    texts: Vec<String>,
    /// `None` when there are none.
    set: Option<RegexSet>,
}

impl Patterns {
    pub(super) fn compile(texts: &[String], faults: &mut Faults) -> Self {
        let mut usable = true;
        for (place, text) in texts.iter().enumerate() {
            usable &= check_exclusion(text, &format!("excludePatterns[{place}]"), faults);
        }
        let set = if usable && !texts.is_empty() { together(texts, "excludePatterns", faults) } else { None };
        Self { texts: texts.to_vec(), set }
    }

    pub(super) fn exclusion(&self, user: &DirectoryUser) -> Option<Excluded> {
        let set = self.set.as_ref()?;
        let sign_in = user.user_principal_name.as_deref();
        let local_part = sign_in.and_then(|name| name.rsplit_once('@')).map(|(local, _)| local);
        let texts = [sign_in, local_part, user.mail.as_deref(), user.display_name.as_deref()];
        let hits = texts.into_iter().flatten().filter_map(|text| set.matches(text).iter().next());
        let pattern = self.texts.get(hits.min()?)?;
        Some(Excluded::by(Exclusion::Pattern, pattern))
    }
}

/// Notes what is wrong with a pattern that excludes; answers whether it can be used.
pub(super) fn check_exclusion(text: &str, field: &str, faults: &mut Faults) -> bool {
    let Some(pattern) = pattern(text, field, faults) else { return false };
    let matches_everybody = PROBES.iter().all(|probe| pattern.is_match(probe));
    if matches_everybody {
        let message = format!("The pattern {} would leave everybody out.", quoted(text));
        faults.add(FaultCode::MatchesEverybody, field, message);
    }
    !matches_everybody
}

/// One compiled pattern; `None` after its fault was noted.
pub(super) fn pattern(text: &str, field: &str, faults: &mut Faults) -> Option<Regex> {
    let fault = if text.trim().is_empty() {
        (FaultCode::Blank, "A pattern has to have something to look for.".to_owned())
    } else if text.chars().count() > CHARACTERS_MAX {
        (FaultCode::TooLong, format!("A pattern may have at most {CHARACTERS_MAX} characters."))
    } else {
        let builder = &mut RegexBuilder::new(text);
        let builder = builder.case_insensitive(true).nest_limit(NESTING_MAX).size_limit(PATTERN_BYTES_MAX);
        match builder.build() {
            Ok(pattern) => return Some(pattern),
            Err(error) => explain(text, &error),
        }
    };
    faults.add(fault.0, field, fault.1);
    None
}

fn explain(text: &str, error: &regex::Error) -> (FaultCode, String) {
    if matches!(error, regex::Error::CompiledTooBig(_)) {
        let message = format!("The pattern {} repeats too much; write it shorter.", quoted(text));
        return (FaultCode::TooComplex, message);
    }
    // The engine's message repeats the pattern with a mark below; its last line is the cause.
    let message = error.to_string();
    let cause = message.lines().last().unwrap_or_default();
    let cause = cause.trim().trim_start_matches("error: ");
    let message = format!("The pattern {} is not a usable regular expression: {cause}.", quoted(text));
    (FaultCode::InvalidPattern, message)
}

/// Patterns that are each usable, as one; `None` after their fault was noted.
pub(super) fn together(texts: &[String], list: &str, faults: &mut Faults) -> Option<RegexSet> {
    let set = RegexSetBuilder::new(texts)
        .case_insensitive(true)
        .nest_limit(NESTING_MAX)
        .size_limit(PATTERNS_BYTES_MAX)
        .build();
    if set.is_err() {
        let message = "The patterns are too large together; write some of them shorter.";
        faults.add(FaultCode::TooComplex, list, message);
    }
    set.ok()
}
