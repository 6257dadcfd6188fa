use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    super::{Blank, Clear, Field, FieldRule, FieldRules, Overwrite, Patience},
    contact, facts, saying, showing,
};
use crate::{facts::SourceFacts, policy::VanishRules};

const POLICIES: [Overwrite; 5] = [
    Overwrite::Always,
    Overwrite::Never,
    Overwrite::OnlyIfEmpty,
    Overwrite::UnlessEdited,
    Overwrite::WhenSourceChanges,
];

/// Source, base and local value, then what each policy writes with a gate shut and with both open.
///
/// `A`, `N` and `E` are values, `-` is blank, `?` is no base. `.` writes nothing, `x` clears, and `!`
/// marks a write over a human's edit. The policies: always, never, only if empty, unless edited,
/// when the source changes.
const TABLE: &str = "
    S B L |   shut: a  n  e  u  w  |   open: a  n  e  u  w
    A A A |         .  .  .  .  .  |         .  .  .  .  .
    A A E |         A! .  .  .  .  |         A! .  .  .  .
    A A N |         A! .  .  .  .  |         A! .  .  .  .
    A A - |         A  .  A  .  .  |         A  .  A  .  .
    A - A |         .  .  .  .  .  |         .  .  .  .  .
    A - E |         A! .  .  .  A! |         A! .  .  .  A!
    A - N |         A! .  .  .  A! |         A! .  .  .  A!
    A - - |         A  .  A  A  A  |         A  .  A  A  A
    A ? A |         .  .  .  .  .  |         .  .  .  .  .
    A ? E |         A  .  .  .  .  |         A  .  .  .  .
    A ? N |         A  .  .  .  .  |         A  .  .  .  .
    A ? - |         A  .  A  .  .  |         A  .  A  .  .
    N A A |         N  .  .  N  N  |         N  .  .  N  N
    N A E |         N! .  .  .  N! |         N! .  .  .  N!
    N A N |         .  .  .  .  .  |         .  .  .  .  .
    N A - |         N  .  N  .  N  |         N  .  N  .  N
    N - A |         N! .  .  .  N! |         N! .  .  .  N!
    N - E |         N! .  .  .  N! |         N! .  .  .  N!
    N - N |         .  .  .  .  .  |         .  .  .  .  .
    N - - |         N  .  N  N  N  |         N  .  N  N  N
    N ? A |         N  .  .  .  .  |         N  .  .  .  .
    N ? E |         N  .  .  .  .  |         N  .  .  .  .
    N ? N |         .  .  .  .  .  |         .  .  .  .  .
    N ? - |         N  .  N  .  .  |         N  .  N  .  .
    - A A |         .  .  .  .  .  |         x  .  .  x  x
    - A E |         .  .  .  .  .  |         x! .  .  .  x!
    - A N |         .  .  .  .  .  |         x! .  .  .  x!
    - A - |         .  .  .  .  .  |         .  .  .  .  .
    - - A |         .  .  .  .  .  |         .  .  .  .  .
    - - E |         .  .  .  .  .  |         .  .  .  .  .
    - - N |         .  .  .  .  .  |         .  .  .  .  .
    - - - |         .  .  .  .  .  |         .  .  .  .  .
    - ? A |         .  .  .  .  .  |         .  .  .  .  .
    - ? E |         .  .  .  .  .  |         .  .  .  .  .
    - ? N |         .  .  .  .  .  |         .  .  .  .  .
    - ? - |         .  .  .  .  .  |         .  .  .  .  .
";

fn timestamp(hour: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + hour * 3600).unwrap()
}

const CLEARABLE: [Field; 6] =
    [Field::Phones, Field::Role, Field::Department, Field::Office, Field::Company, Field::UserPrincipalName];

#[test]
fn every_case_of_the_table() {
    let mut seen = BTreeSet::new();
    for row in TABLE.lines().skip(2).filter(|row| !row.trim().is_empty()) {
        let mut parts = row.split('|').map(|part| part.split_whitespace().collect::<Vec<&str>>());
        let (case, shut, open) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        for (position, overwrite) in POLICIES.into_iter().enumerate() {
            for field in CLEARABLE {
                let outcome = |clear, allow, times| outcome(field, overwrite, (clear, allow, times), &case);
                for (clear, allow, times) in [
                    (Clear::Never, false, 9),
                    (Clear::AtOnce, false, 9),
                    (Clear::AfterGrace, false, 9),
                    (Clear::Never, true, 9),
                    // The blank is seen for the first time.
                    (Clear::AfterGrace, true, 0),
                ] {
                    let found = outcome(clear, allow, times);
                    assert_eq!(found, shut[position], "{row}: {field:?}, {overwrite:?}, {clear:?}");
                }
                for (clear, times) in [(Clear::AtOnce, 0), (Clear::AfterGrace, 1)] {
                    let found = outcome(clear, true, times);
                    assert_eq!(found, open[position], "{row}: {field:?}, {overwrite:?}, {clear:?}");
                }
            }
        }
        assert!(seen.insert(case.clone()), "{row}");
    }
    let all = ["A", "N", "-"].into_iter().flat_map(|source| {
        let bases = ["A", "-", "?"].into_iter();
        bases.flat_map(move |base| ["A", "E", "N", "-"].map(|local| vec![source, base, local]))
    });
    assert_eq!(seen, all.collect(), "every combination, once");
}

/// `times` = how often the blank was seen before, long enough ago.
fn outcome(
    field: Field,
    overwrite: Overwrite,
    (clear, allow, times): (Clear, bool, u8),
    case: &[&str],
) -> String {
    let value = |sign: &str| if sign == "-" { String::new() } else { sign.to_owned() };
    let mut rules = FieldRules { allow_clearing: allow, ..FieldRules::default() };
    *rules.rule_mut(field) = FieldRule { overwrite, clear };
    let mut base = (case[1] != "?").then(|| saying(field, &value(case[1])));
    let (then, now) = (timestamp(0), timestamp(24));
    if let Some(base) = base.as_mut().filter(|_| times > 0) {
        base.blanks = vec![Blank { field, times, since: Some(then), last: Some(then) }];
    }
    let (base, facts) = (base.as_ref(), saying(field, &value(case[0])));
    let contact = showing(field, &value(case[2]), contact());
    let mut changes = rules.changes(&contact, base, &facts);
    let wanted = changes.clone();
    let remembered =
        rules.hold_back(&mut changes, base, &facts, Patience { vanish: VanishRules::default(), now });
    // What waits is met again the next time, with what the directory said before; all else is noted as it is.
    let waits: Vec<Field> =
        wanted.iter().filter(|it| !changes.contains(it)).map(super::FieldChange::field).collect();
    assert_eq!(remembered.blanks.iter().map(|blank| blank.field).collect::<Vec<_>>(), waits);
    match base {
        Some(base) if !waits.is_empty() => {
            assert_eq!(SourceFacts { blanks: Vec::new(), ..remembered }, *base);
        }
        _ => assert_eq!(remembered, facts),
    }
    let Some(change) = changes.first() else { return ".".to_owned() };
    assert_eq!((changes.len(), change.field()), (1, field));
    let (label, old, new) = change.describe();
    assert_eq!((label, old), (field.label(), value(case[2])));
    let written = if new.is_empty() { "x" } else { &new };
    format!("{written}{}", if change.over_edit() { "!" } else { "" })
}

#[test]
fn a_name_or_an_address_is_never_cleared_nor_made_up() {
    // The contact's address is mira@acme.example, and the gates are open.
    for (source, base, local, [always, only_if_empty, unless_edited, when_source_changes]) in [
        ("mira", Some("Mira Sund"), "Mira Sund", ["", "", "", ""]),
        ("mira", Some("mira"), "Mira S.", ["", "", "", ""]),
        ("mira", None, "", ["", "", "", ""]),
        ("Mira Sund", Some("mira"), "mira", ["Mira Sund", "Mira Sund", "Mira Sund", "Mira Sund"]),
        ("Mira Sund", Some("mira"), "Mira S.", ["Mira Sund", "", "", "Mira Sund"]),
        ("Mira Lie", Some("Mira Sund"), "mira", ["Mira Lie", "Mira Lie", "", "Mira Lie"]),
        ("Mira Lie", Some("Mira Sund"), "Mira Sund", ["Mira Lie", "", "Mira Lie", "Mira Lie"]),
        ("Mira Sund", None, "mira", ["Mira Sund", "Mira Sund", "", ""]),
    ] {
        for (overwrite, expected) in [
            (Overwrite::Always, always),
            (Overwrite::Never, ""),
            (Overwrite::OnlyIfEmpty, only_if_empty),
            (Overwrite::UnlessEdited, unless_edited),
            (Overwrite::WhenSourceChanges, when_source_changes),
        ] {
            let full_name = FieldRule { overwrite, clear: Clear::AtOnce };
            let rules = FieldRules { full_name, allow_clearing: true, ..FieldRules::default() };
            let base = base.map(|base| saying(Field::FullName, base));
            let local =
                showing(Field::Email, "mira@acme.example", showing(Field::FullName, local, contact()));
            let changes = rules.changes(&local, base.as_ref(), &saying(Field::FullName, source));
            let written: Vec<String> = changes.iter().map(|change| change.describe().2).collect();
            assert_eq!(written.join(", "), expected, "{source}, {base:?}, {overwrite:?}");
        }
    }
}

#[test]
fn an_address_follows_its_policy() {
    let (old, new, edit) = ("old@acme.example", "new@acme.example", "edit@acme.example");
    for (overwrite, base, local, expected) in [
        (Overwrite::Always, None, edit, new),
        (Overwrite::Always, Some(new), edit, new),
        (Overwrite::Never, Some(old), old, ""),
        (Overwrite::OnlyIfEmpty, None, "", new),
        (Overwrite::OnlyIfEmpty, Some(old), old, ""),
        (Overwrite::UnlessEdited, Some(old), old, new),
        (Overwrite::UnlessEdited, Some(old), edit, ""),
        (Overwrite::UnlessEdited, Some(old), "", ""),
        (Overwrite::WhenSourceChanges, Some(old), edit, new),
        (Overwrite::WhenSourceChanges, Some(new), edit, ""),
        (Overwrite::WhenSourceChanges, None, edit, ""),
    ] {
        let rules = FieldRules { email: overwrite.into(), ..FieldRules::default() };
        let base = base.map(|base| saying(Field::Email, base));
        let local = showing(Field::Email, local, contact());
        let changes = rules.changes(&local, base.as_ref(), &saying(Field::Email, new));
        let written: Vec<String> = changes.iter().map(|change| change.describe().2).collect();
        assert_eq!(written.join(", "), expected, "{overwrite:?}, {base:?}, {local:?}");
    }
}

#[test]
fn changes_come_in_one_order_and_spare_what_is_protected() {
    let mut rules = FieldRules::default();
    let (mut facts, mut shown) = (facts(), contact());
    facts.full_name = "Mira Sund".to_owned();
    for field in Field::ALL {
        *rules.rule_mut(field) = Overwrite::Always.into();
        if field.is_clearable() {
            let value = saying(field, "N");
            facts = crate::facts::SourceFacts {
                company: value.company.or(facts.company),
                department: value.department.or(facts.department),
                office: value.office.or(facts.office),
                phones: if value.phones.is_empty() { facts.phones } else { value.phones },
                role: value.role.or(facts.role),
                user_principal_name: value.user_principal_name.or(facts.user_principal_name),
                ..facts
            };
        }
    }
    let written = |contact: &_| -> Vec<Field> {
        rules.changes(contact, None, &facts).iter().map(super::FieldChange::field).collect()
    };
    assert_eq!(written(&shown), Field::ALL);
    shown.protected_fields = [Field::Phones, Field::UserPrincipalName].into();
    assert_eq!(
        written(&shown),
        [Field::FullName, Field::Email, Field::Role, Field::Department, Field::Office, Field::Company]
    );
    shown.protected_fields = Field::ALL.into();
    assert_eq!(written(&shown), []);
    let protected = crate::contact::Contact { protected: true, ..contact() };
    assert_eq!(written(&protected), []);
}
