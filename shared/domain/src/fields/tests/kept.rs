//! Why a value stays: the common cases of the truth table again, each kept value with its causes. A
//! cause is proved by what happens without it.

use std::collections::BTreeSet;

use super::{
    super::{Clear, Field, FieldRule, FieldRules, Overwrite},
    contact, saying, showing,
};

/// What the contact shows × what the directory says, both against what it said at the last sync (`A`),
/// then what each policy does with the gates of clearing shut and open.
///
/// A capital letter is written, `x` clears, `!` writes over a human's edit. The rest keeps the value,
/// because: `=` the contact shows it already, `off` the policy writes nothing, `full` the field is not
/// empty, `edit` a human has changed or emptied it, `still` the directory says what it said, `blank`
/// the directory says nothing, `gate` nothing is cleared. The policies: always, never, only if empty,
/// unless edited, when the source changes.
const TABLE: &str = "
    contact directory | a    n        e          u          w     | a  n   e          u          w
    synced  unchanged | =    =        =          =          =     | =  =   =          =          =
    synced  changed   | N    off      full       N          N     | N  off full       N          N
    synced  blanked   | gate off+gate full+blank gate       gate  | x  off full+blank x          x
    edited  unchanged | A!   off      full       still+edit still | A! off full       still+edit still
    edited  changed   | N!   off      full       edit       N!    | N! off full       edit       N!
    edited  blanked   | gate off+gate full+blank edit+gate  gate  | x! off full+blank edit       x!
    emptied unchanged | A    off      A          still+edit still | A  off A          still+edit still
    emptied changed   | N    off      N          edit       N     | N  off N          edit       N
    emptied blanked   | =    =        =          =          =     | =  =   =          =          =
";

const POLICIES: [Overwrite; 5] = [
    Overwrite::Always,
    Overwrite::Never,
    Overwrite::OnlyIfEmpty,
    Overwrite::UnlessEdited,
    Overwrite::WhenSourceChanges,
];

#[derive(Clone, Copy)]
struct Case {
    overwrite: Overwrite,
    open: bool,
    local: &'static str,
    source: &'static str,
}

impl Case {
    /// What is written, as a cell says it; `None` when the value stays.
    fn outcome(self, field: Field) -> Option<String> {
        let mut rules = FieldRules { allow_clearing: self.open, ..FieldRules::default() };
        let clear = if self.open { Clear::AtOnce } else { Clear::Never };
        *rules.rule_mut(field) = FieldRule { overwrite: self.overwrite, clear };
        let shown = showing(field, self.local, contact());
        let changes = rules.changes(&shown, Some(&saying(field, "A")), &saying(field, self.source));
        let change = changes.first()?;
        let (_, _, new) = change.describe();
        let written = if new.is_empty() { "x".to_owned() } else { new };
        Some(format!("{written}{}", if change.over_edit() { "!" } else { "" }))
    }

    /// The same case were it not for `cause`.
    fn without(self, cause: &str) -> Self {
        match cause {
            "off" => Self { overwrite: Overwrite::Always, ..self },
            "full" => Self { local: "", ..self },
            "edit" => Self { local: "A", ..self },
            "still" | "blank" => Self { source: "N", ..self },
            "gate" => Self { open: true, ..self },
            _ => panic!("no cause is called {cause}"),
        }
    }

    fn check(self, field: Field, cell: &str, case: &str) {
        let is_write = ["A", "N", "x"].iter().any(|written| cell.trim_end_matches('!') == *written);
        let expected = is_write.then(|| cell.to_owned());
        assert_eq!(self.outcome(field), expected, "{case}");
        if cell == "=" {
            assert_eq!(self.local, self.source, "{case}");
        } else if !is_write {
            self.check_causes(field, cell, case);
        }
    }

    /// Without all of its causes the value is written, with any of them it stays.
    fn check_causes(self, field: Field, cell: &str, case: &str) {
        let causes: Vec<&str> = cell.split('+').collect();
        for bits in 0..1_u32 << causes.len() {
            let gone = causes.iter().enumerate().filter(|(place, _)| bits & (1 << place) != 0);
            let without = gone.fold(self, |case, (_, cause)| case.without(cause));
            let is_written = without.outcome(field).is_some();
            let all = bits.count_ones() as usize == causes.len();
            assert_eq!(is_written, all, "{case}: {bits:b} of {causes:?} gone");
        }
    }
}

#[test]
fn every_kept_value_has_its_causes() {
    let mut seen = BTreeSet::new();
    for row in TABLE.lines().filter(|row| !row.trim().is_empty()).skip(1) {
        let parts: Vec<Vec<&str>> = row.split('|').map(|part| part.split_whitespace().collect()).collect();
        let [names, shut, open] = &parts[..] else { panic!("{row}") };
        let local = match names[0] {
            "synced" => "A",
            "edited" => "E",
            "emptied" => "",
            other => panic!("{other}"),
        };
        let source = match names[1] {
            "unchanged" => "A",
            "changed" => "N",
            "blanked" => "",
            other => panic!("{other}"),
        };
        for (cells, open) in [(shut, false), (open, true)] {
            assert_eq!(cells.len(), POLICIES.len(), "{row}");
            for (overwrite, cell) in POLICIES.into_iter().zip(cells) {
                for field in Field::ALL.into_iter().filter(|field| field.is_clearable()) {
                    let case = format!("{field:?}: {} {}, {overwrite:?}, open: {open}", names[0], names[1]);
                    Case { overwrite, open, local, source }.check(field, cell, &case);
                }
                assert!(seen.insert((local, source, overwrite, open)), "{row}");
            }
        }
    }
    let all = ["A", "E", ""].into_iter().flat_map(|local| {
        ["A", "N", ""].into_iter().flat_map(move |source| {
            POLICIES.into_iter().flat_map(move |overwrite| {
                [(local, source, overwrite, false), (local, source, overwrite, true)]
            })
        })
    });
    assert_eq!(seen, all.collect(), "every combination, once");
}
