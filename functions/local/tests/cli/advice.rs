//! What texts advise to type can be typed.

use std::{collections::BTreeSet, fs, path::Path};

use clap::Parser;
use local::Arguments;

const ID: &str = "11111111-2222-7333-8444-555555555555";

/// Texts that name commands.
const TEXTS: [&str; 3] = [
    "shared/domain/tests/texts/explanations.txt",
    "shared/domain/tests/texts/operator_texts.txt",
    "functions/sync/tests/texts/words.txt",
];

/// Commands in a text: quoted, and with the name of the program or of one that is under it.
fn commands(text: &str) -> BTreeSet<String> {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let quoted = words.split('`').skip(1).step_by(2);
    let named = quoted.filter_map(|quoted| {
        let typed = quoted.strip_prefix("entra-sync ").unwrap_or(quoted);
        let is_command = typed != quoted || quoted.starts_with("runs ");
        is_command.then(|| typed.to_owned())
    });
    named.collect()
}

#[test]
fn a_command_that_a_text_names_can_be_typed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut tried = BTreeSet::new();
    for file in TEXTS {
        for command in commands(&fs::read_to_string(root.join(file)).unwrap()) {
            let typed = command.split(' ').map(|word| match word {
                "RUN" | "ITEM" | "TENANT" | "CLIENT" => ID,
                "NUMBER" => "7",
                word => word,
            });
            // Which run is meant says whoever tells of it.
            let is_whole = !matches!(command.as_str(), "runs allow" | "runs reject");
            let run = (!is_whole).then_some(ID);
            let parsed = Arguments::try_parse_from(["entra-sync"].into_iter().chain(typed).chain(run));
            assert!(parsed.is_ok(), "{file}: {command}: {}", parsed.unwrap_err());
            tried.insert(command);
        }
    }
    assert!(tried.len() >= 12, "{tried:?}");
}
