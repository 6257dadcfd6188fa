//! The answer as text: what an operator reads in a terminal.

use std::fmt;

use super::Explanation;
use crate::fields::{FieldStory, Verdict};

/// Width of the text before a line is folded.
const WIDTH: usize = 100;

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.address {
            Some(address) if address.as_str() != self.label => writeln!(f, "{} <{address}>", self.label)?,
            _ => writeln!(f, "{}", self.label)?,
        }
        fold(f, "", &self.summary)?;
        writeln!(f, "\nWhat was looked at")?;
        for step in &self.steps {
            let mark = if step.decided { "»" } else { "·" };
            fold(f, &format!("  {mark} "), &format!("{} {}", step.tried.question(), step.found))?;
        }
        if !self.rivals.is_empty() {
            writeln!(f, "\nNot linked to")?;
            for rival in &self.rivals {
                let text = format!("{}, found by {}: {}.", rival.named, rival.found_by, rival.why);
                fold(f, "  · ", &text)?;
            }
        }
        if !self.fields.is_empty() {
            writeln!(f, "\nFields")?;
            for story in &self.fields {
                fold(f, "  · ", &field(story))?;
            }
        }
        if !self.proposals.is_empty() {
            writeln!(f, "\nWhat would change this")?;
            for proposal in &self.proposals {
                let then = proposal.then.as_ref().map_or_else(String::new, |then| format!(" Then: {then}"));
                fold(f, "  · ", &format!("{}{then}", proposal.text))?;
            }
        }
        Ok(())
    }
}

fn field(story: &FieldStory) -> String {
    let shown = |value: &Option<String>| match value {
        Some(value) => format!("\"{value}\""),
        None => "nothing".to_owned(),
    };
    let (label, policy) = (story.field.label(), story.policy.name());
    if story.verdict == Verdict::Same {
        return format!("{label}: {}. {}", shown(&story.local), story.why);
    }
    let last = if story.base == story.source || story.base.is_none() {
        String::new()
    } else {
        format!(" and said {} at the last sync", shown(&story.base))
    };
    let (local, source) = (shown(&story.local), shown(&story.source));
    format!("{label} ({policy}): the contact shows {local}, the directory says {source}{last}. {}", story.why)
}

/// One paragraph, its further lines below its first word.
fn fold(f: &mut fmt::Formatter<'_>, lead: &str, text: &str) -> fmt::Result {
    let indent = lead.chars().count();
    let mut column = indent;
    write!(f, "{lead}")?;
    for (position, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if position > 0 && column + 1 + length > WIDTH {
            write!(f, "\n{:indent$}", "")?;
            column = indent;
        } else if position > 0 {
            write!(f, " ")?;
            column += 1;
        }
        write!(f, "{word}")?;
        column += length;
    }
    writeln!(f)
}
