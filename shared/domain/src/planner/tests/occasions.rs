//! When a rule about fields is asked at all: the tables of the rules say what is written once a person is
//! looked at, and this one when that is.

use super::*;
use crate::fields::{FieldRule, Overwrite};

const POLICIES: [Overwrite; 5] = [
    Overwrite::Always,
    Overwrite::Never,
    Overwrite::OnlyIfEmpty,
    Overwrite::UnlessEdited,
    Overwrite::WhenSourceChanges,
];

const OCCASIONS: [&str; 5] = ["nothing", "this field", "another field", "this rule", "another rule"];

/// What has changed since the last sync, when a human has left the role as it was (A), edited it (E) or blanked
/// it (-), then what each policy writes: always, never, only if empty, unless edited, when the source changes.
///
/// `A` is what the directory said at the last sync, `N` what it says now when the field has changed there;
/// `.` writes nothing. `this rule` is the field's own, which was off before; `another rule` is one of
/// another field.
const TABLE: &str = "
    changed       | L | a  n  e  u  w
    nothing       | A | .  .  .  .  .
    nothing       | E | .  .  .  .  .
    nothing       | - | .  .  .  .  .
    this field    | A | N  .  .  N  N
    this field    | E | N  .  .  .  N
    this field    | - | N  .  N  .  N
    another field | A | .  .  .  .  .
    another field | E | A  .  .  .  .
    another field | - | A  .  A  .  .
    this rule     | A | .  .  .  .  .
    this rule     | E | A  .  .  .  .
    this rule     | - | A  .  A  .  .
    another rule  | A | .  .  .  .  .
    another rule  | E | A  .  .  .  .
    another rule  | - | A  .  A  .  .
";

fn mira(role: &str, office: &str) -> DirectoryUser {
    user(
        1,
        json!({
            "displayName": "Mira Sund", "mail": "mira@acme.example", "accountEnabled": true,
            "jobTitle": role, "officeLocation": office,
        }),
    )
}

/// The role that is written, at the first complete read after the change, and none at the one after it.
fn outcome(changed: &str, local: &str, overwrite: Overwrite) -> String {
    let mut world = World::new();
    world.policy.fields.role = if changed == "this rule" { FieldRule::default() } else { overwrite.into() };
    world.add_contact(7, "Mira Sund", "mira@acme.example");
    world.link(&mira("A", "North"), 7);
    world.contact(7).values.role = (local != "-").then(|| local.to_owned());
    match changed {
        "this rule" => world.policy.fields.role = overwrite.into(),
        "another rule" => world.policy.fields.phones = Overwrite::Always.into(),
        _ => {}
    }
    let now = match changed {
        "this field" => mira("N", "North"),
        "another field" => mira("A", "South"),
        _ => mira("A", "North"),
    };
    let before = shown(world.contact(7), Field::Role);
    world.sync(std::slice::from_ref(&now));
    let after = shown(world.contact(7), Field::Role);
    assert_eq!(world.sync(&[now]), NOTHING, "{changed}, {local}, {overwrite:?}: once");
    if after == before { ".".to_owned() } else { after }
}

#[test]
fn every_occasion_and_every_policy() {
    let mut seen = BTreeSet::new();
    for row in TABLE.lines().filter(|row| !row.trim().is_empty()).skip(1) {
        let parts: Vec<&str> = row.split('|').map(str::trim).collect();
        let [changed, local, cells] = parts[..] else { panic!("{row}") };
        let cells: Vec<&str> = cells.split_whitespace().collect();
        assert_eq!(cells.len(), POLICIES.len(), "{row}");
        for (overwrite, cell) in POLICIES.into_iter().zip(cells) {
            assert_eq!(outcome(changed, local, overwrite), cell, "{row}: {overwrite:?}");
        }
        assert!(seen.insert((changed, local)), "{row}");
    }
    let all = OCCASIONS.into_iter().flat_map(|changed| ["A", "E", "-"].map(|local| (changed, local)));
    assert_eq!(seen, all.collect(), "every combination, once");
}
