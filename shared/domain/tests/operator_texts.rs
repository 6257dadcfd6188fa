//! Every sentence of this crate that an operator reads, in one place, to be read as they read it.
//!
//! After a change of wording, read `texts/operator_texts.txt` anew from top to bottom.

use std::fmt::Write as _;

use domain::{
    contact::InactiveReason,
    fields::FieldRules,
    mapping::Outcome,
    plan::{Conflict, Guard, Limit},
    scope::{Exclusion, ScopeRules},
};
use serde_json::{Value, json};

const TEXTS: &str = include_str!("texts/operator_texts.txt");

/// A new reason goes into the list, and its sentence into the texts.
macro_rules! every {
    ($kind:ident: $($variant:ident),+ $(,)?) => {{
        // Does not compile without each of them.
        let _ = |value: $kind| match value {
            $($kind::$variant => {})+
        };
        [$($kind::$variant),+].map(|value| (json!(value).as_str().unwrap_or("?").to_owned(), value.explanation()))
    }};
}

fn section(texts: &mut String, title: &str, lines: impl IntoIterator<Item = (String, impl AsRef<str>)>) {
    let _ = writeln!(texts, "# {title}");
    for (name, text) in lines {
        let _ = writeln!(texts, "{name}: {}", text.as_ref());
    }
    texts.push('\n');
}

fn guards() -> Vec<(String, String)> {
    let guards = [
        Guard::AnonymousRows { rows: 1 },
        Guard::AnonymousRows { rows: 3 },
        Guard::ShortRead { read: 0, expected: 120 },
        Guard::ShortRead { read: 1, expected: 120 },
        Guard::ShortRead { read: 40, expected: 120 },
    ];
    let name = |guard: &Guard| json!(guard)["kind"].as_str().unwrap_or("?").to_owned();
    guards.iter().map(|guard| (name(guard), guard.explanation())).collect()
}

/// What is said of field rules that cannot be saved.
fn wrong_field_rules() -> Vec<(String, String)> {
    let said = |config: Value| {
        let wrong = FieldRules::parse(&config).err().unwrap_or_default();
        wrong.into_iter().map(|wrong| (wrong.code.to_owned(), wrong.message))
    };
    [
        json!([]),
        json!({"fax": true}),
        json!({"role": "sometimes"}),
        json!({"role": {"overwrite": "sometimes", "clear": "perhaps", "since": 1}}),
        json!({"email": {"overwrite": "always", "clear": true}}),
        json!({"role": "always", "jobTitle": "only_if_empty"}),
        json!({"markInactiveWhenDisabled": "perhaps"}),
    ]
    .into_iter()
    .flat_map(said)
    .collect()
}

/// What is said of a scope that cannot be saved.
fn wrong_scopes() -> Vec<(String, String)> {
    let attribute = |operator: &str, value: &str| {
        json!({"attributes": [
            {"attribute": "mail", "operator": operator, "value": value, "effect": "exclude"}
        ]})
    };
    let said = |rules: Value| {
        let rules: ScopeRules = serde_json::from_value(rules).expect("rules");
        let faults = rules.compile().err().map(|invalid| invalid.faults).unwrap_or_default();
        faults.into_iter().map(|fault| (json!(fault.code).as_str().unwrap_or("?").to_owned(), fault.message))
    };
    [
        json!({"includeDomains": ["acme"]}),
        json!({"excludeDomains": vec!["a.example"; 101]}),
        json!({"excludePatterns": [" "]}),
        json!({"excludePatterns": ["("]}),
        json!({"excludePatterns": [".*"]}),
        json!({"excludePatterns": ["\\w{30}"]}),
        json!({"excludePatterns": ["a".repeat(501)]}),
        json!({"excludePatterns": (0..10).map(|number| format!("x{number}\\w{{7}}")).collect::<Vec<_>>()}),
        attribute("equals", " "),
        attribute("contains", &"a".repeat(257)),
    ]
    .into_iter()
    .flat_map(said)
    .collect()
}

#[test]
fn every_sentence_reads_as_it_was_read() {
    let mut texts = String::new();
    let exclusions = every!(
        Exclusion: AccountDisabled, Attribute, DismissedByOperator, Domain, Group, Guest, LinkEnded,
        MissingIdentity, Pattern, PendingInvitation, ProtectedContact, RejectedByOperator, ServiceAccount, UnknownLicence,
        UnknownMembership, Unlicensed
    );
    section(&mut texts, "Why somebody is left out", exclusions);
    let reasons = every!(
        InactiveReason: DeletedUpstream, DisabledUpstream, OutOfScope, PermanentlyDeletedUpstream,
        SoftDeletedUpstream
    );
    section(&mut texts, "Why a contact becomes inactive", reasons);
    let conflicts = every!(
        Conflict: AdditionalAddress, AddressAtOtherClient, AddressShared, AliasOnly, LinkedAtOtherClient,
        MailboxReused, MultipleEmailMatches, OwnedByColleague, Rejected
    );
    section(&mut texts, "Why an operator is asked", conflicts);
    section(
        &mut texts,
        "Why a line waits",
        every!(Limit: Creations, Inactivations, LinkMoves, RunCreations, RunInactivations, RunLinkMoves),
    );
    section(&mut texts, "Why nobody becomes inactive after a read", guards());
    section(&mut texts, "What is wrong with a field rule", wrong_field_rules());
    section(&mut texts, "What is wrong with a scope", wrong_scopes());
    let outcomes = every!(
        Outcome: ChangedBySomeoneElse, Confirmed, NeedsPermission, Unchanged, UnknownClient, UnknownTenant
    );
    section(&mut texts, "What became of a mapping decision", outcomes);
    let texts = texts.trim_end();
    assert_eq!(texts, TEXTS.trim_end(), "\n{texts}\n");
}

/// A sentence has an end, a reason has none: it stands inside a sentence.
#[test]
fn sentences_and_reasons_are_told_apart() {
    for part in TEXTS.split("# ").skip(1) {
        let (title, lines) = part.split_once('\n').expect("a title");
        let is_sentence = title.starts_with("What is wrong") || title.starts_with("Why nobody");
        for line in lines.lines().filter(|line| !line.is_empty()) {
            let (_, text) = line.split_once(": ").expect("a name");
            let starts_large = text.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit() || c == '`');
            assert_eq!(text.ends_with('.'), is_sentence, "{line}");
            assert_eq!(starts_large, is_sentence, "{line}");
            assert!(!text.contains("  ") && text.len() < 250, "{line}");
        }
    }
}
