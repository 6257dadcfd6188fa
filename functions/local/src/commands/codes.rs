//! `codes`: what the codes of failures mean.

use catalogue::Entry;
use serde::Serialize;

use crate::{
    Ending,
    arguments::{CodesArguments, OutputForm},
    output::{self, Failure},
};

#[derive(Serialize)]
struct View {
    code: &'static str,
    cause: &'static str,
    effect: &'static str,
    next: &'static str,
}

impl From<&Entry> for View {
    fn from(Entry { code, cause, effect, next, .. }: &Entry) -> Self {
        Self { code, cause, effect, next }
    }
}

/// Reads and writes no data.
pub(crate) fn run(form: OutputForm, options: &CodesArguments) -> Result<Ending, Failure> {
    if let Some(code) = &options.code {
        let entry = catalogue::find(code.trim()).ok_or_else(|| unknown(code))?;
        let text = || format!("{}\n\n{}\n{}\n→ {}", entry.code, entry.cause, entry.effect, entry.next);
        output::result(form, &View::from(entry), text)?;
    } else {
        let views: Vec<View> = catalogue::entries().map(View::from).collect();
        output::result(form, &views, || catalogue::page().trim_end().to_owned())?;
    }
    Ok(Ending::Done)
}

fn unknown(code: &str) -> Failure {
    Failure::new(
        "unknown_code",
        format!("There is no code `{}`. No data was looked at.", code.trim()),
        "Copy the code as it was told, without its brackets; `entra-sync codes` lists them all.",
    )
}
